-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
\if :x
SELECT 1;
\endif

-- limbeck:downgrade
