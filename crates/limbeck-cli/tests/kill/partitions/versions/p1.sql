-- Detach a partition concurrently
--
-- revision:      p1
-- down_revision: 
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
INSERT INTO events VALUES (3, '2020-06-06');
ALTER TABLE events DETACH PARTITION events_old CONCURRENTLY;
INSERT INTO events_old VALUES (4, '2020-07-07');

-- limbeck:irreversible for deaths on the way up
