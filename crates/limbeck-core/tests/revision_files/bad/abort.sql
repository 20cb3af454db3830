-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
ABORT

-- limbeck:downgrade
