-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
SELECT 1;
-- limbeck:rust
-- limbeck:commit
SELECT 2;

-- limbeck:downgrade
