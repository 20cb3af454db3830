-- Drop and rebuild
--
-- revision:      i3
-- down_revision: i2
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
DROP INDEX CONCURRENTLY old_kind;
REINDEX INDEX CONCURRENTLY worn_id;

-- limbeck:irreversible for deaths on the way up
