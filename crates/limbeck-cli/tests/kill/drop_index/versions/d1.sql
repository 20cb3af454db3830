-- Drop an index concurrently
--
-- revision:      d1
-- down_revision: 
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
DROP INDEX CONCURRENTLY things_id;
UPDATE things SET hits = hits + 1;

-- limbeck:irreversible for deaths on the way up
