-- A batch alone
--
-- revision:      b2
-- down_revision: b1
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
-- limbeck:batch size=4
UPDATE things SET note = NULL, hits = hits + 10 WHERE id IN (SELECT id FROM things WHERE note IS NOT NULL ORDER BY id LIMIT :'batch');

-- limbeck:irreversible for deaths on the way up
