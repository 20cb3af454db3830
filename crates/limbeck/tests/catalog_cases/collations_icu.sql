-- only 13 15 17: the other servers have no ICU
CREATE SCHEMA app;
CREATE COLLATION german (provider = icu, locale = 'de-DE');
CREATE COLLATION app.ignore_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
COMMENT ON COLLATION german IS 'of Germany';
CREATE TABLE uses (t text COLLATE german, u text COLLATE app.ignore_case);
CREATE INDEX uses_t ON uses (t COLLATE app.ignore_case);
