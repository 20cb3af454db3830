-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:when enviroment=b
SELECT 1;

-- limbeck:downgrade
