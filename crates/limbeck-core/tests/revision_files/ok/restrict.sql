-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
\restrict 0aZ'x
SET statement_timeout = 0;
SELECT 1,
\unrestrict 0aZ'x
  2;
\unrestrict 0aZ'x

-- limbeck:downgrade
