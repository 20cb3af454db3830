-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
ALTER TABLE a ADD CONSTRAINT c CHECK (x > 0) NOT VALID;
-- limbeck:commit
ALTER TABLE a * VALIDATE CONSTRAINT "C";
ALTER TABLE a VALIDATE CONSTRAINT c, ADD d int;
-- limbeck:autocommit
CALL move_rows();
-- limbeck:autocommit idempotent
INSERT INTO log VALUES (1) ON CONFLICT DO NOTHING;
-- limbeck:batch size=5000 pause=100ms
UPDATE a SET y = x WHERE id IN (SELECT id FROM a WHERE y IS NULL LIMIT :'batch');
-- limbeck:batch size=10
-- a remark between is fine
DELETE FROM a WHERE ctid IN (SELECT ctid FROM a WHERE old LIMIT :'batch'::int);
SELECT 1;
-- limbeck:commit

-- limbeck:downgrade
