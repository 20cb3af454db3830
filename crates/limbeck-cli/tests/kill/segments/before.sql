CREATE TABLE seen (what text, times int DEFAULT 0);
