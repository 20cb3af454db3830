-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:batch size=1 pause=100
SELECT 1;

-- limbeck:downgrade
