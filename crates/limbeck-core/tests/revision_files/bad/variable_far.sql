-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
SELECT 1, :'who';

-- limbeck:downgrade
