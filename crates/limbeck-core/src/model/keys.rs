//! Everything that attributes may say, registered once: names, forms and meanings. `docs/models.md` lists the same
//! (a test compares).

/// What may stand behind a key; several forms may be allowed.
pub(super) type Form = u8;

/// Nothing: `unlogged`.
pub(super) const FLAG: Form = 1;
/// A string: `name = "users"`.
pub(super) const TEXT: Form = 2;
/// A whole number: `statistics = 500`.
pub(super) const NUMBER: Form = 4;
/// `true` or `false`: `comments = false`.
pub(super) const BOOL: Form = 8;
/// A list in parentheses: `unique(a, b)`.
pub(super) const LIST: Form = 16;
/// The key may be said several times.
pub(super) const MANY: Form = 32;

/// One thing that an attribute may say.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    pub(super) form: Form,
    /// What it means, in a few words.
    pub meaning: &'static str,
}

/// Where keys are said: an attribute, or a list in one.
#[derive(Debug)]
pub struct Context {
    /// As in the text: `table`, `index`, ...
    pub name: &'static str,
    /// What may be said there.
    pub keys: &'static [Key],
    /// Whether it holds names of columns (or texts) beside keys.
    pub(super) items: bool,
}

const fn key(name: &'static str, form: Form, meaning: &'static str) -> Key {
    Key { name, form, meaning }
}

const NAME: Key = key("name", TEXT, "its name, where the convention's will not do");
const COLUMNS: Key = key("columns", LIST, "the columns, where they are not listed bare");
const DEFERRABLE: Key = key("deferrable", FLAG | TEXT, "DEFERRABLE; = \"initially deferred\"");
const NULLS: Key = key("nulls_not_distinct", FLAG, "NULLS NOT DISTINCT (PostgreSQL 15)");
const INCLUDE: Key = key("include", LIST, "INCLUDE (columns)");
const WITH: Key = key("with", LIST, "storage parameters: with(fillfactor = 70)");
const WHERE: Key = key("where", TEXT, "only rows for which this SQL expression is true");
const USING: Key = key("using", TEXT, "the access method: gin, gist, hash, brin, ...");
const COMMENT: Key = key("comment", TEXT, "the comment, in place of the doc comment; \"\" for none");
const NOT_VALID: Key = key("not_valid", FLAG, "NOT VALID: only new rows are checked");
const RENAMED_FROM: Key = key("renamed_from", TEXT, "its former name: a rename, not a drop and a create");
const ON_DELETE: Key = key("on_delete", TEXT, "cascade, restrict, no action, set null, set default");
const ON_UPDATE: Key = key("on_update", TEXT, "as on_delete");
const MATCH: Key = key("match", TEXT, "simple (the default) or full");
const RENAME_ALL: Key = key("rename_all", TEXT, "snake_case, lowercase, camelCase, ... as in sqlx");

/// `#[table(...)]` on a struct.
pub(super) static TABLE: Context = Context {
    name: "table",
    items: false,
    keys: &[
        key("name", TEXT, "the table's name; default: the struct's in snake_case, not pluralised"),
        key("schema", TEXT, "the schema; default: the configuration's, `public`"),
        RENAME_ALL,
        RENAMED_FROM,
        COMMENT,
        key(
            "comments",
            BOOL,
            "false: doc comments of this table and its columns are no comments of the database",
        ),
        key("primary_key", LIST, "the primary key, of several columns or with options"),
        key("unique", LIST | MANY, "a unique constraint"),
        key("check", TEXT | LIST | MANY, "a check constraint"),
        key("foreign_key", LIST | MANY, "a foreign key"),
        key("exclude", LIST | MANY, "an exclusion constraint"),
        key("index", LIST | MANY, "an index"),
        key("partition_by", TEXT, "PARTITION BY: \"range (created_at)\""),
        key("inherits", TEXT | LIST, "INHERITS: parent tables"),
        WITH,
        key("unlogged", FLAG, "UNLOGGED"),
        key("access_method", TEXT, "USING, for tables of another kind than heap"),
        key("row_level_security", FLAG, "ENABLE ROW LEVEL SECURITY"),
        key("force_row_level_security", FLAG, "FORCE ROW LEVEL SECURITY: for the owner too"),
        key("policy", LIST | MANY, "a policy of row-level security"),
        key("replica_identity", TEXT, "full, nothing, or an index's name"),
        key("cluster_on", TEXT, "the index of CLUSTER"),
    ],
};

/// `#[column(...)]` on a field.
pub(super) static COLUMN: Context = Context {
    name: "column",
    items: false,
    keys: &[
        key("name", TEXT, "the column's name; default: the field's"),
        RENAMED_FROM,
        COMMENT,
        key("sql_type", TEXT, "the type as in SQL, in place of what follows from the field's"),
        key("nullable", FLAG, "may be NULL, though the field is no Option"),
        key("not_null", FLAG, "NOT NULL, though the field is an Option"),
        key("default", TEXT, "the default, an SQL expression: \"now()\", \"'new'\""),
        key("generated", TEXT, "GENERATED ALWAYS AS (expression), stored"),
        key("virtual", FLAG, "the generated column is computed when it is read (PostgreSQL 18)"),
        key(
            "identity",
            FLAG | TEXT | LIST,
            "GENERATED BY DEFAULT AS IDENTITY; = \"always\"; with sequence options",
        ),
        key("primary_key", FLAG | TEXT, "the primary key, or a part of it; = \"its name\""),
        key("unique", FLAG | TEXT | LIST, "a unique constraint; = \"its name\""),
        key("check", TEXT | LIST | MANY, "a check constraint"),
        key("references", TEXT, "a foreign key: \"table(column)\""),
        ON_DELETE,
        ON_UPDATE,
        MATCH,
        DEFERRABLE,
        key(
            "foreign_key",
            LIST | MANY,
            "a foreign key with a name of its own: foreign_key(references = \"...\", name = \"...\")",
        ),
        key("index", FLAG | TEXT | LIST | MANY, "an index; = \"its name\""),
        key("collate", TEXT, "the collation"),
        key("storage", TEXT, "plain, external, extended or main"),
        key("compression", TEXT, "pglz or lz4"),
        key("statistics", NUMBER, "the statistics target"),
        key("options", LIST, "options(n_distinct = -0.5)"),
        key("skip", FLAG, "no column"),
    ],
};

/// `primary_key(...)` of a table.
pub(super) static PRIMARY_KEY: Context =
    Context { name: "primary_key", items: true, keys: &[COLUMNS, NAME, INCLUDE, WITH, DEFERRABLE, COMMENT] };

/// `unique(...)`.
pub(super) static UNIQUE: Context = Context {
    name: "unique",
    items: true,
    keys: &[COLUMNS, NAME, NULLS, INCLUDE, WITH, DEFERRABLE, COMMENT],
};

/// `check(...)`.
pub(super) static CHECK: Context = Context {
    name: "check",
    items: true,
    keys: &[
        NAME,
        key("expr", TEXT, "the condition, an SQL expression"),
        key("no_inherit", FLAG, "NO INHERIT"),
        NOT_VALID,
        COMMENT,
    ],
};

/// `foreign_key(...)`.
pub(super) static FOREIGN_KEY: Context = Context {
    name: "foreign_key",
    items: true,
    keys: &[
        COLUMNS,
        NAME,
        key("references", TEXT, "\"schema.table(a, b)\"; the primary key where no columns are named"),
        ON_DELETE,
        ON_UPDATE,
        MATCH,
        DEFERRABLE,
        NOT_VALID,
        COMMENT,
    ],
};

/// `exclude(...)`.
pub(super) static EXCLUDE: Context =
    Context { name: "exclude", items: true, keys: &[NAME, USING, WHERE, INCLUDE, WITH, DEFERRABLE, COMMENT] };

/// `index(...)`.
pub(super) static INDEX: Context = Context {
    name: "index",
    items: true,
    keys: &[
        COLUMNS,
        NAME,
        key("unique", FLAG, "a unique index"),
        USING,
        key("order", TEXT, "of a column's own index: \"desc nulls last\", \"text_pattern_ops\""),
        INCLUDE,
        NULLS,
        WITH,
        WHERE,
        COMMENT,
    ],
};

/// `identity(...)`.
pub(super) static IDENTITY: Context = Context {
    name: "identity",
    items: false,
    keys: &[
        key("always", FLAG, "GENERATED ALWAYS: a value that is given is refused"),
        key("sequence", TEXT, "the sequence's name"),
        key("start", NUMBER, "START WITH"),
        key("increment", NUMBER, "INCREMENT BY"),
        key("min", NUMBER, "MINVALUE"),
        key("max", NUMBER, "MAXVALUE"),
        key("cache", NUMBER, "CACHE"),
        key("cycle", FLAG, "CYCLE"),
    ],
};

/// `policy(...)`.
pub(super) static POLICY: Context = Context {
    name: "policy",
    items: false,
    keys: &[
        key("name", TEXT, "the policy's name"),
        key("for", TEXT, "select, insert, update, delete or all (the default)"),
        key("to", TEXT | LIST, "the roles; everybody where none is named"),
        key("using", TEXT, "which rows are seen"),
        key("with_check", TEXT, "which rows may be written"),
        key("restrictive", FLAG, "AS RESTRICTIVE"),
        COMMENT,
    ],
};

/// `#[enum_type(...)]` on an enum.
pub(super) static ENUM_TYPE: Context = Context {
    name: "enum_type",
    items: false,
    keys: &[
        key("name", TEXT, "the type's name; default: the enum's in snake_case"),
        key("schema", TEXT, "the schema; default: the configuration's, `public`"),
        RENAME_ALL,
        RENAMED_FROM,
        COMMENT,
        key("comments", BOOL, "false: the doc comment is no comment of the database"),
    ],
};

/// `#[value(...)]` on a variant.
pub(super) static VALUE: Context = Context {
    name: "value",
    items: false,
    keys: &[key("name", TEXT, "the value as PostgreSQL knows it"), RENAMED_FROM],
};

/// Every context, for the documentation.
pub static CONTEXTS: &[&Context] = &[
    &TABLE,
    &COLUMN,
    &PRIMARY_KEY,
    &UNIQUE,
    &CHECK,
    &FOREIGN_KEY,
    &EXCLUDE,
    &INDEX,
    &IDENTITY,
    &POLICY,
    &ENUM_TYPE,
    &VALUE,
];
