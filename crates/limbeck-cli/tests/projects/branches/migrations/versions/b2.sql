-- billing goes on
--
-- revision:      b2
-- down_revision: b1
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
CREATE TABLE payments (id int);

-- limbeck:downgrade
DROP TABLE payments;
