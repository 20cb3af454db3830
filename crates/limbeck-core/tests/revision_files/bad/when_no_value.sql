-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:when production
SELECT 1;

-- limbeck:downgrade
