-- What is undone in batches, segments and outside a transaction
--
-- revision:      d2
-- down_revision: d1
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
UPDATE things SET note = 'noted';
CREATE INDEX things_hits ON things (hits);

-- limbeck:downgrade
-- limbeck:batch size=4
UPDATE things SET note = NULL, hits = hits + 1 WHERE id IN (SELECT id FROM things WHERE note IS NOT NULL ORDER BY id LIMIT :'batch');
UPDATE things SET hits = hits + 10;
DROP INDEX CONCURRENTLY things_hits;
ALTER TYPE mood ADD VALUE 'calm';
UPDATE things SET hits = hits + 100, feels = 'calm';
