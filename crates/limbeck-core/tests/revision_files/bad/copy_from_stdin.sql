-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
COPY public.a (x) FROM stdin;
1	it's
\.

-- limbeck:downgrade
