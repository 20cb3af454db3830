SELECT 1;
-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade

-- limbeck:downgrade
