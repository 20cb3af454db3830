-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
SELECT 1;
-- limbeck:autocommit
-- limbeck:commit
SELECT 1;

-- limbeck:downgrade
