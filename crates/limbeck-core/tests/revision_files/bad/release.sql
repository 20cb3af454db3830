-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
RELEASE a;

-- limbeck:downgrade
