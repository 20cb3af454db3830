-- One transaction
--
-- revision:      s1
-- down_revision: 
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
CREATE TABLE ledger (id int, hits int NOT NULL DEFAULT 0);
INSERT INTO ledger SELECT generate_series(1, 5);
INSERT INTO seen (what) VALUES ('s1');

-- limbeck:irreversible for deaths on the way up
