-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
ALTER TABLE a ADD b int;
ALTER TYPE s.mood ADD VALUE IF NOT EXISTS 'it''s fine' BEFORE 'sad';
ALTER TYPE mood ADD VALUE E'x\n';
INSERT INTO a VALUES ('fine');
ALTER TYPE mood RENAME VALUE 'a' TO 'b';

-- limbeck:downgrade
