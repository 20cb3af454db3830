CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE people (id int PRIMARY KEY, feels mood, age int);
INSERT INTO people SELECT i, 'sad', i FROM generate_series(1, 9) i;
