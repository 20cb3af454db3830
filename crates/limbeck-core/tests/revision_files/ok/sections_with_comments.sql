/* licence */
-- Message

-- revision: a1

-- a remark

-- limbeck:upgrade
-- a remark
SELECT 1; -- limbecks are stills
-- no limbeck:upgrade here
-- limbeck:downgrade
SELECT 2 -- the last