-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
START TRANSACTION ISOLATION LEVEL SERIALIZABLE;

-- limbeck:downgrade
