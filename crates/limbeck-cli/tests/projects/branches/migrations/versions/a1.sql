-- common base
--
-- revision:      a1
-- down_revision:
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
CREATE TABLE base (id int);

-- limbeck:downgrade
DROP TABLE base;
