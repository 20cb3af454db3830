-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:when unset=b
SELECT 1;

-- limbeck:downgrade
