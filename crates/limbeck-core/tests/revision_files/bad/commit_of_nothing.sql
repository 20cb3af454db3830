-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:commit
SELECT 1;

-- limbeck:downgrade
