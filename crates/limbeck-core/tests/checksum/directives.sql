-- revision: a1
-- limbeck:timeout lock=1s
-- limbeck:upgrade
-- limbeck:depends-on-data
ALTER TABLE a ADD CONSTRAINT c CHECK (x > 0) NOT VALID;
-- limbeck:commit
ALTER TABLE a VALIDATE CONSTRAINT c;
-- limbeck:when environment=production
-- limbeck:autocommit idempotent
VACUUM :"schema".a;
-- limbeck:batch size=5000 pause=100ms
UPDATE a SET y = :'tenant'::text WHERE id IN (SELECT id FROM a WHERE y IS NULL LIMIT :'batch');
-- limbeck:irreversible the rows are gone
