-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:rust
SELECT 1;
-- limbeck:rust

-- limbeck:downgrade
