-- A function in a transaction
--
-- revision:      k1
-- down_revision:
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
ALTER TABLE things ADD COLUMN note text;
-- limbeck:rust
ALTER TABLE things ALTER COLUMN note SET NOT NULL;

-- limbeck:irreversible for deaths on the way up
