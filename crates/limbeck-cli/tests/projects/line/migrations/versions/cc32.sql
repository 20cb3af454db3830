-- user emails
--
-- revision:      cc32
-- down_revision: bb21
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
ALTER TABLE users ADD COLUMN email text;

-- limbeck:downgrade
ALTER TABLE users DROP COLUMN email;
