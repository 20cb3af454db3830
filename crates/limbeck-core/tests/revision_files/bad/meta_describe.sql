-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
\d users
SELECT 1;

-- limbeck:downgrade
