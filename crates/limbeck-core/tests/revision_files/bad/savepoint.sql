-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
SAVEPOINT a;

-- limbeck:downgrade
