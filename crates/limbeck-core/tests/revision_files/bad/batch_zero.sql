-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:batch size=0
SELECT 1;

-- limbeck:downgrade
