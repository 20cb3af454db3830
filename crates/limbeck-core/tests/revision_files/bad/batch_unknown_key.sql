-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:batch size=1 wait=1s
SELECT 1;

-- limbeck:downgrade
