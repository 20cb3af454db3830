-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:batch size=1 max_lag=soon
SELECT 1;

-- limbeck:downgrade
