-- shipping needs billing
--
-- revision:      s2
-- down_revision: s1
-- branch_labels:
-- depends_on:    b1
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
CREATE TABLE stamps (id int);

-- limbeck:downgrade
DROP TABLE stamps;
