-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:batch size=5
DELETE FROM a;

-- limbeck:downgrade
