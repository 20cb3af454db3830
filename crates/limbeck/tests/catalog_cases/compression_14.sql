-- since 14
CREATE TABLE stored (c text, d text);
ALTER TABLE stored ALTER d SET COMPRESSION pglz;
