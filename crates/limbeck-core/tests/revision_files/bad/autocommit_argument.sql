-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:autocommit yes
SELECT 1;

-- limbeck:downgrade
