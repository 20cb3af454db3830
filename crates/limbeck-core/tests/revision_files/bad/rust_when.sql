-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:when environment=production
-- limbeck:rust

-- limbeck:downgrade
