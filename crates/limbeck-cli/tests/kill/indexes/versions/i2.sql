-- Create a unique one between statements
--
-- revision:      i2
-- down_revision: i1
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
INSERT INTO things VALUES (100, 'k9');
CREATE UNIQUE INDEX CONCURRENTLY things_both ON things (id, kind) WHERE id > 0;
INSERT INTO things VALUES (101, 'k9');

-- limbeck:irreversible for deaths on the way up
