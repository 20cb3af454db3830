-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
SELECT :'tenent';

-- limbeck:downgrade
