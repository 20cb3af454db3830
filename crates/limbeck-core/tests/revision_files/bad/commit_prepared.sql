-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
COMMIT PREPARED 'x';

-- limbeck:downgrade
