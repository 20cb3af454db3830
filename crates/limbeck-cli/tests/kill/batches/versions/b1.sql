-- Batches between segments
--
-- revision:      b1
-- down_revision: 
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
ALTER TABLE things ADD COLUMN note text;
-- limbeck:batch size=3
UPDATE things SET done = true, hits = hits + 1 WHERE id IN (SELECT id FROM things WHERE done IS NULL ORDER BY id LIMIT :'batch');
UPDATE things SET note = 'all done' WHERE done;
ALTER TABLE things ALTER COLUMN done SET NOT NULL;

-- limbeck:irreversible for deaths on the way up
