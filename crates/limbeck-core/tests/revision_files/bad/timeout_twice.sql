-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:timeout lock=1s
-- limbeck:timeout lock=2s

-- limbeck:downgrade
