-- Create an index concurrently
--
-- revision:      n1
-- down_revision: 
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
CREATE INDEX CONCURRENTLY things_id ON things (id);
UPDATE things SET hits = hits + 1;

-- limbeck:irreversible for deaths on the way up
