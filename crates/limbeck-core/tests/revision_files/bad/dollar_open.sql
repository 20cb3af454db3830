-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
DO $x$ BEGIN $$;

-- limbeck:downgrade
