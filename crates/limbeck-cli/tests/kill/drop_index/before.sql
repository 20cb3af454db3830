CREATE TABLE things (id int, hits int NOT NULL DEFAULT 0);
INSERT INTO things SELECT generate_series(1, 20);
CREATE INDEX things_id ON things (id);
