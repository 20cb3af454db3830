-- only 13 15 17: the other servers have no contrib modules
CREATE SCHEMA ext;
CREATE EXTENSION citext WITH SCHEMA ext;
CREATE EXTENSION "uuid-ossp";
CREATE EXTENSION pg_trgm WITH SCHEMA ext;
CREATE EXTENSION btree_gist;
CREATE TABLE users (id uuid DEFAULT uuid_generate_v4() PRIMARY KEY, email ext.citext UNIQUE, name text, room integer, during tsrange, EXCLUDE USING gist (room WITH =, during WITH &&));
CREATE INDEX users_name ON users USING gin (name ext.gin_trgm_ops);
CREATE INDEX users_email ON users (email);
CREATE DOMAIN address AS ext.citext CHECK (VALUE OPERATOR(ext.~) '@');
CREATE FUNCTION f(a ext.citext) RETURNS boolean LANGUAGE sql AS 'SELECT true';
