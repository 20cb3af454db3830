-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
SELECT 'DROP TABLE a' \gexec

-- limbeck:downgrade
