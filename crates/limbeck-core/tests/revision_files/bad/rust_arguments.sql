-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:rust fill_names

-- limbeck:downgrade
