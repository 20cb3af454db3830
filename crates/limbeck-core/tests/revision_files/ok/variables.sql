-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
CREATE SCHEMA :"schema";
CREATE INDEX CONCURRENTLY :"schema" ON :"schema".t (a);
INSERT INTO a VALUES (:'tenant', ':''tenant''', $$:'tenant'$$, "x:y", :tenant);
SELECT a::text, b::"T", c[1:2], d[1:'2'], e[:'tenant':], f[x:'2'], g[h('1'):'2'], a:::'tenant';
SELECT JSON_OBJECT('k':'v', 'w' : :'tenant'), json_object(x:'v'), x:'tenant', E:'tenant', f(y := :'tenant');
SELECT :'tenant':'tenant' -- :'undeclared'

-- limbeck:downgrade
