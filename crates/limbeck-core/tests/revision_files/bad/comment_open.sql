-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
/* /* */ SELECT 1;

-- limbeck:downgrade
