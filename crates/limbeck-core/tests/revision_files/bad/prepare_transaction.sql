-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
PREPARE TRANSACTION 'x';

-- limbeck:downgrade
