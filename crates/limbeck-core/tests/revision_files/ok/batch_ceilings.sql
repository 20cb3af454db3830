-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
-- limbeck:batch size=1 max_rows=10 max_lag=10s max_active=20
DELETE FROM a WHERE id IN (SELECT id FROM a LIMIT :'batch');

-- limbeck:downgrade
