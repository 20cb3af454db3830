CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE things (id int PRIMARY KEY, hits int NOT NULL DEFAULT 0, feels mood DEFAULT 'sad');
INSERT INTO things SELECT generate_series(1, 7);
