-- since 14
CREATE SCHEMA app;
CREATE TYPE floats AS RANGE (SUBTYPE = float8);
CREATE TYPE app.texts AS RANGE (SUBTYPE = text, COLLATION = "C", SUBTYPE_OPCLASS = text_pattern_ops, MULTIRANGE_TYPE_NAME = app.many_texts);
CREATE TABLE uses (r floats, mr floats_multirange, x app.many_texts);
