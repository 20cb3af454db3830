CREATE TABLE things (id int, kind text);
INSERT INTO things SELECT i, 'k' || i % 3 FROM generate_series(1, 20) i;
CREATE INDEX old_kind ON things (kind);
CREATE INDEX worn_id ON things (id);
