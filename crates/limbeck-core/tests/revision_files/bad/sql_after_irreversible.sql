-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:irreversible no
SELECT 1;
