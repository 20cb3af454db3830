-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE 1 WHEN 1 THEN 2 END;
SELECT 3;

-- limbeck:downgrade
