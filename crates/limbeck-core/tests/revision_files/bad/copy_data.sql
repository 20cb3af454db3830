-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
1	\N
\.

-- limbeck:downgrade
