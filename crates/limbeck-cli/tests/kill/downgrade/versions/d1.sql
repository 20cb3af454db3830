-- What is undone in one transaction
--
-- revision:      d1
-- down_revision:
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
ALTER TABLE things ADD COLUMN note text;

-- limbeck:downgrade
UPDATE things SET hits = hits + 1000;
ALTER TABLE things DROP COLUMN note;
