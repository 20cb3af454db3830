--revision:a1
--limbeck:upgrade
SELECT 1
--limbeck:downgrade