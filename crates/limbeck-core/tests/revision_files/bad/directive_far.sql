-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:rollback now

-- limbeck:downgrade
