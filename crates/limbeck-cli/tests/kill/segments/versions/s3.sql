-- One transaction after segments
--
-- revision:      s3
-- down_revision: s2
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
UPDATE ledger SET hits = hits + 1000;
UPDATE seen SET times = times + 1;

-- limbeck:irreversible for deaths on the way up
