CREATE SEQUENCE plain;
CREATE SEQUENCE small AS smallint;
CREATE SEQUENCE every AS integer START WITH 50 INCREMENT BY 10 MINVALUE 20 MAXVALUE 5000 CACHE 20 CYCLE;
CREATE SEQUENCE down INCREMENT BY -3;
CREATE SEQUENCE down_from INCREMENT BY -1 MINVALUE -500 MAXVALUE 500 START WITH 400;
CREATE SEQUENCE low MINVALUE -5;
CREATE SCHEMA app;
CREATE SEQUENCE app."Odd seq";
COMMENT ON SEQUENCE plain IS 'plain';
CREATE TABLE owner (id integer, n bigint DEFAULT nextval('app."Odd seq"'));
CREATE SEQUENCE owned OWNED BY owner.id;
CREATE TABLE shares (id bigint DEFAULT nextval('plain') PRIMARY KEY, s serial);
GRANT USAGE, SELECT ON SEQUENCE plain TO anna;
ALTER SEQUENCE shares_s_seq RENAME TO renamed;
ALTER TABLE shares RENAME COLUMN s TO t;
-- The default of one table is the sequence of another one.
CREATE TABLE first (id serial);
CREATE TABLE second (id integer DEFAULT nextval('first_id_seq'));
ALTER TABLE first ADD other integer DEFAULT nextval('renamed');
