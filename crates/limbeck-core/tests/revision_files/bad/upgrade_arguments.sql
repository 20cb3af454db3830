-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade all

-- limbeck:downgrade
