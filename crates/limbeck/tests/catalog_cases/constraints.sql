CREATE TABLE parent (id integer PRIMARY KEY, a integer, b integer, UNIQUE (a, b));
CREATE TABLE keys (
    a integer, b integer, c integer, d text, r int4range,
    CONSTRAINT keys_pkey PRIMARY KEY (b, a) INCLUDE (c) WITH (fillfactor = 80),
    CONSTRAINT keys_unique UNIQUE (c) WITH (fillfactor = 60) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT "Unique, quoted" UNIQUE (d, c),
    CONSTRAINT keys_deferrable UNIQUE (a, c) DEFERRABLE,
    CONSTRAINT keys_check CHECK (a > 0 AND b < 100),
    CONSTRAINT keys_in CHECK (d = ANY (ARRAY['x'::text, 'y'::text])),
    CONSTRAINT keys_no_inherit CHECK (c <> 5) NO INHERIT,
    CONSTRAINT keys_exclude EXCLUDE USING gist (r WITH &&) WITH (fillfactor = 90) WHERE (a > 0) DEFERRABLE
);
COMMENT ON CONSTRAINT keys_check ON keys IS 'positive';
COMMENT ON CONSTRAINT keys_pkey ON keys IS 'the key';
CREATE TABLE child (
    id integer REFERENCES parent ON DELETE CASCADE ON UPDATE SET NULL,
    a integer, b integer, late integer,
    CONSTRAINT fk_full FOREIGN KEY (a, b) REFERENCES parent (a, b) MATCH FULL DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT fk_restrict FOREIGN KEY (late) REFERENCES parent (id) ON DELETE RESTRICT,
    self integer
);
ALTER TABLE child ADD PRIMARY KEY (id);
ALTER TABLE child ADD CONSTRAINT fk_self FOREIGN KEY (self) REFERENCES child;
ALTER TABLE child ADD CONSTRAINT fk_not_valid FOREIGN KEY (late) REFERENCES parent NOT VALID;
ALTER TABLE child ADD CONSTRAINT check_not_valid CHECK (a < 5) NOT VALID;
-- Two tables that refer to each other.
CREATE TABLE hen (id integer PRIMARY KEY, egg integer);
CREATE TABLE egg (id integer PRIMARY KEY, hen integer REFERENCES hen);
ALTER TABLE hen ADD FOREIGN KEY (egg) REFERENCES egg;
-- A check whose function needs the table.
CREATE TABLE checked (id integer);
CREATE FUNCTION is_fine(c checked) RETURNS boolean LANGUAGE sql AS 'SELECT c.id > 0';
ALTER TABLE checked ADD CONSTRAINT fine CHECK (is_fine(checked));
-- A foreign key on a unique index that is no constraint.
CREATE TABLE target (a integer NOT NULL);
CREATE UNIQUE INDEX target_a ON target (a);
CREATE TABLE refers (a integer REFERENCES target (a));
CREATE CONSTRAINT TRIGGER deferred AFTER INSERT ON target DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
