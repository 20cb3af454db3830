-- users
--
-- revision:      ae10
-- down_revision:
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
CREATE TABLE users (id int PRIMARY KEY, name text);

-- limbeck:downgrade
DROP TABLE users;
