-- since 15
CREATE SCHEMA app;
CREATE TABLE t (id integer PRIMARY KEY, a text, b text);
CREATE TABLE app.u (id integer PRIMARY KEY);
CREATE PUBLICATION nothing;
CREATE PUBLICATION everything FOR ALL TABLES WITH (publish = 'insert, delete', publish_via_partition_root = true);
CREATE PUBLICATION several FOR TABLE t (id, a) WHERE (id > 5), TABLE app.u;
CREATE PUBLICATION whole FOR TABLES IN SCHEMA app;
COMMENT ON PUBLICATION several IS 'some';
