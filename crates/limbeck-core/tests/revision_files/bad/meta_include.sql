-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
SELECT 1;
\i other.sql

-- limbeck:downgrade
