-- orders
--
-- revision:      bb21
-- down_revision: ae10
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users);

-- limbeck:downgrade
DROP TABLE orders;
