-- Validate a constraint apart
--
-- revision:      c2
-- down_revision: c1
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
ALTER TABLE people ADD CONSTRAINT grown CHECK (age > 0) NOT VALID;
-- limbeck:commit
ALTER TABLE people VALIDATE CONSTRAINT grown;

-- limbeck:irreversible for deaths on the way up
