-- Add values to a type
--
-- revision:      c1
-- down_revision: 
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
ALTER TYPE mood ADD VALUE 'calm' BEFORE 'happy';
ALTER TYPE mood ADD VALUE 'wild';
UPDATE people SET feels = 'calm' WHERE id < 5;

-- limbeck:irreversible for deaths on the way up
