-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:timeout statement=5min
-- limbeck:unproved
-- limbeck:upgrade
-- limbeck:destructive
ALTER TABLE a DROP COLUMN b;
-- limbeck:depends-on-data NOT NULL
ALTER TABLE a ALTER c SET NOT NULL;
-- limbeck:timeout lock=0

-- limbeck:downgrade
