-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:when a-b=c
SELECT 1;

-- limbeck:downgrade
