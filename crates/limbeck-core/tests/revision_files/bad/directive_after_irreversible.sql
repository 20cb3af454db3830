-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:irreversible no
-- limbeck:when a=b
