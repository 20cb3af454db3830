-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
SELECT :'batch';

-- limbeck:downgrade
