-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:batch pause=1s
SELECT 1;

-- limbeck:downgrade
