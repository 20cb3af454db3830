-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:autocommit
-- limbeck:batch size=1
SELECT :'batch';

-- limbeck:downgrade
