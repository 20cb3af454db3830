-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:batch size=1 max_active=-1
SELECT 1;

-- limbeck:downgrade
