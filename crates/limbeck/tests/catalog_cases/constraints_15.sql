-- since 15
CREATE TABLE t (a integer, b integer, c integer, CONSTRAINT same_null UNIQUE NULLS NOT DISTINCT (a, b));
CREATE UNIQUE INDEX t_c ON t (c) NULLS NOT DISTINCT WHERE (a > 1);
CREATE TABLE p (x integer, y integer, PRIMARY KEY (x, y));
CREATE TABLE q (x integer, y integer, FOREIGN KEY (x, y) REFERENCES p ON DELETE SET NULL (y));
CREATE UNLOGGED SEQUENCE fast;
CREATE VIEW v WITH (security_invoker = true) AS SELECT a FROM t;
