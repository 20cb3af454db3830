-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
\copy a from 'x.csv'

-- limbeck:downgrade
