-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
ROLLBACK TO SAVEPOINT a;

-- limbeck:downgrade
