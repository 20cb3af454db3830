CREATE SCHEMA app;
CREATE TYPE pair AS (a integer, b integer);
CREATE TABLE t (id integer, name text);
CREATE FUNCTION plain(a integer, b integer DEFAULT 5, VARIADIC c text[] DEFAULT '{}') RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 5 AS $$ SELECT a + b $$;
CREATE FUNCTION plain(a text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, public SET work_mem = '1MB' AS $$
BEGIN
    -- a comment; with a semicolon
    RETURN a || '$x$';
END
$$;
CREATE FUNCTION app."Odd"("In" integer, OUT x integer, OUT y text, INOUT z date) LANGUAGE plpgsql AS 'BEGIN x := 1; END';
CREATE FUNCTION rows() RETURNS SETOF t LANGUAGE sql STABLE ROWS 10 AS 'SELECT * FROM public.t';
CREATE FUNCTION as_table(n integer) RETURNS TABLE (a integer, b pair) LANGUAGE sql AS 'SELECT 1, NULL::public.pair';
CREATE FUNCTION trig() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION leak(a anyelement, b anyarray) RETURNS anyelement LANGUAGE sql LEAKPROOF AS 'SELECT a';
CREATE PROCEDURE proc(a integer, INOUT b integer DEFAULT 3) LANGUAGE plpgsql AS 'BEGIN COMMIT; END';
CREATE PROCEDURE proc() LANGUAGE sql AS 'SELECT 1';
SET check_function_bodies = off;
CREATE FUNCTION later() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.made_later';
CREATE TABLE made_later (id integer DEFAULT plain(1));
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0', COMBINEFUNC = int4pl, PARALLEL = SAFE);
CREATE AGGREGATE app.largest(integer) (SFUNC = int4larger, STYPE = integer, SORTOP = >);
CREATE AGGREGATE moving(double precision) (SFUNC = float8pl, STYPE = double precision, MSFUNC = float8pl, MINVFUNC = float8mi, MSTYPE = double precision, FINALFUNC_MODIFY = SHAREABLE);
CREATE FUNCTION count_step(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT $1 + 1';
CREATE AGGREGATE counted(*) (SFUNC = count_step, STYPE = bigint, INITCOND = '0');
CREATE AGGREGATE median_like(double precision ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE AGGREGATE rank_like(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
COMMENT ON FUNCTION plain(integer, integer, text[]) IS 'a function';
COMMENT ON PROCEDURE proc(integer, integer) IS 'a procedure';
COMMENT ON AGGREGATE total(integer) IS 'an aggregate';
COMMENT ON AGGREGATE counted(*) IS 'all';
REVOKE EXECUTE ON FUNCTION plain(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION plain(text) TO anna;
GRANT EXECUTE ON PROCEDURE proc() TO "Bert B";
-- A default that calls a function that takes the table's rows.
CREATE TABLE looped (id integer, n integer);
CREATE FUNCTION of_looped(l looped) RETURNS integer LANGUAGE sql AS 'SELECT 1';
ALTER TABLE looped ALTER n SET DEFAULT of_looped(NULL);
