-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:when environment=production
GRANT SELECT ON a TO reader;
-- limbeck:when environment = staging
-- limbeck:when tenant=o'brien
INSERT INTO a VALUES (:'unset', :'undeclared');
-- limbeck:when environment=production
-- limbeck:autocommit
VACUUM a;
-- limbeck:when tenant=a value with = and blanks
SELECT 1;

-- limbeck:downgrade
