-- Add user preferences table
--
-- revision:      a1b2c3d4e5f6
-- down_revision: 004
-- branch_labels:
-- depends_on:
-- created:       2025-11-01 14:30 UTC

-- limbeck:upgrade
CREATE TABLE user_preferences (...);

-- limbeck:downgrade
DROP TABLE user_preferences;
