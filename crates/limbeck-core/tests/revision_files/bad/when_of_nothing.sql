-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
SELECT 1;
-- limbeck:when environment=b

-- limbeck:downgrade
