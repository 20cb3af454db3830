-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:timeout lock=1.5s

-- limbeck:downgrade
