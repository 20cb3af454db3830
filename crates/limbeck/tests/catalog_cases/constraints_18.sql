-- since 18
CREATE TABLE t (id integer NOT NULL, v integer GENERATED ALWAYS AS (id * 2), s integer GENERATED ALWAYS AS (id + 1) STORED, p int4range, late integer);
ALTER TABLE t ADD CONSTRAINT t_late_not_null NOT NULL late NOT VALID;
ALTER TABLE t ADD CONSTRAINT not_enforced CHECK (id > 0) NOT ENFORCED;
CREATE TABLE u (id int4range, p daterange, PRIMARY KEY (id, p WITHOUT OVERLAPS), UNIQUE (p, id));
CREATE TABLE r (id int4range, p daterange, FOREIGN KEY (id, PERIOD p) REFERENCES u (id, PERIOD p));
CREATE TABLE s (id integer, p daterange);
CREATE TABLE only_id (id integer PRIMARY KEY);
ALTER TABLE s ADD FOREIGN KEY (id) REFERENCES only_id NOT ENFORCED;
CREATE PUBLICATION gen FOR TABLE t WITH (publish_generated_columns = stored);
