-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
END;

-- limbeck:downgrade
