-- since 14
CREATE TABLE t (id integer, name text);
CREATE STATISTICS st_expr ON (lower(name)), (id % 10) FROM t;
