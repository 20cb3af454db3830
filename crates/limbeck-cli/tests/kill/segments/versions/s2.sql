-- Three segments
--
-- revision:      s2
-- down_revision: s1
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
INSERT INTO seen (what) VALUES ('s2, first');
UPDATE ledger SET hits = hits + 1;
-- limbeck:commit
INSERT INTO seen (what) VALUES ('s2, second');
UPDATE ledger SET hits = hits + 10;
-- limbeck:commit
ALTER TABLE ledger ADD COLUMN name text;
UPDATE ledger SET hits = hits + 100;

-- limbeck:irreversible for deaths on the way up
