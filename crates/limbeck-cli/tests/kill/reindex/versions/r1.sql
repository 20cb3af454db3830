-- Rebuild an index concurrently
--
-- revision:      r1
-- down_revision: 
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
REINDEX INDEX CONCURRENTLY things_id;
UPDATE things SET hits = hits + 1;

-- limbeck:irreversible for deaths on the way up
