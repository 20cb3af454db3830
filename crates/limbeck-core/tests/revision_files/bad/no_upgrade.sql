-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:downgrade
SELECT 1;
