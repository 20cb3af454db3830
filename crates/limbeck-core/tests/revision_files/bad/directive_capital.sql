-- Message
--
-- revision: a1
-- down_revision:

-- Limbeck:Upgrade

-- limbeck:downgrade
