-- Message

-- limbeck:upgrade
-- limbeck:downgrade
