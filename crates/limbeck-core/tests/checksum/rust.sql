-- revision: a1
-- down_revision:
-- limbeck:upgrade
CREATE TABLE a (x int);
-- limbeck:rust
SELECT 1;
-- limbeck:downgrade
-- limbeck:rust
