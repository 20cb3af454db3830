-- shipping begins
--
-- revision:      s1
-- down_revision: a1
-- branch_labels: shipping
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
CREATE TABLE parcels (id int);

-- limbeck:downgrade
DROP TABLE parcels;
