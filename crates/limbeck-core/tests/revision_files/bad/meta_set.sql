-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
\set x 'it'

-- limbeck:downgrade
