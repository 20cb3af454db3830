-- revision: a1
-- limbeck:upgrade
SELECT E'a'
  'b\'; c';
SELECT E'a' -- x
  'b\'; c';
-- limbeck:downgrade
