-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:commit
-- limbeck:upgrade

-- limbeck:downgrade
