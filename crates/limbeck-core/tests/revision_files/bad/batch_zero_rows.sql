-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:batch size=1 max_rows=0
SELECT 1;

-- limbeck:downgrade
