-- A function in batches
--
-- revision:      k2
-- down_revision: k1
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
-- limbeck:rust
ALTER TABLE things ALTER COLUMN done SET NOT NULL;

-- limbeck:irreversible for deaths on the way up
