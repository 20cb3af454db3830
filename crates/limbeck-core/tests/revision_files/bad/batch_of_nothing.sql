-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:batch size=1
-- only a comment

-- limbeck:downgrade
