-- billing begins
--
-- revision:      b1
-- down_revision: a1
-- branch_labels: billing
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
CREATE TABLE invoices (id int);

-- limbeck:downgrade
DROP TABLE invoices;
