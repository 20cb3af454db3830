-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:comit

-- limbeck:downgrade
