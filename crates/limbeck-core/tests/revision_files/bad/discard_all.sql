-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
DISCARD ALL;

-- limbeck:downgrade
