-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
SELECT :"unset";

-- limbeck:downgrade
