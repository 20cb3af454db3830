-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
DROP TABLE a;

-- limbeck:irreversible the rows are gone; restore a backup
-- limbeck:destructive table a
