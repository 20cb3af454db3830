-- Message
--
-- revision: a1
-- down_revision:

SELECT 1; -- x
-- limbeck:upgrade
-- limbeck:downgrade
