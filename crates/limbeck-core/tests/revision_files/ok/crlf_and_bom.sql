-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
CREATE TABLE a (
  x text DEFAULT 'a
b'
);

-- limbeck:downgrade
DROP TABLE a;
