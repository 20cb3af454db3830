-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
COPY (SELECT 1) TO STDOUT WITH (FORMAT csv);

-- limbeck:downgrade
