-- Validate a constraint outside a transaction
--
-- revision:      c3
-- down_revision: c2
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
ALTER TABLE people ADD CONSTRAINT fine CHECK (feels IS NOT NULL) NOT VALID;
-- limbeck:autocommit
ALTER TABLE people VALIDATE CONSTRAINT fine;
UPDATE people SET age = age + 1;

-- limbeck:irreversible for deaths on the way up
