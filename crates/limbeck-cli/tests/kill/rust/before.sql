CREATE TABLE things (id int PRIMARY KEY, hits int NOT NULL DEFAULT 0, done bool);
INSERT INTO things SELECT generate_series(1, 7);
