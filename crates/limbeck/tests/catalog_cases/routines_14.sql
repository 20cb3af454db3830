-- since 14
CREATE TABLE t (id integer, name text);
CREATE FUNCTION atomic(i integer) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT name FROM t WHERE id = i; END;
CREATE FUNCTION short(i integer) RETURNS integer LANGUAGE sql RETURN i + 1;
