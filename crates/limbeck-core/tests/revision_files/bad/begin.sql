-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
BEGIN;
SELECT 1;
COMMIT;

-- limbeck:downgrade
