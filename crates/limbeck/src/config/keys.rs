//! Every key there is, once: checking, spelling help and the documentation's test derive from here.

/// The top level and each named section.
pub(super) const DATABASE: &[&str] = &[
    "script_location",
    "version_locations",
    "recursive_version_locations",
    "file_template",
    "timezone",
    "truncate_slug_length",
    "version_table",
    "version_table_schema",
    "post_write_hooks",
    "post_upgrade_hooks",
    "url",
    "url_env",
    "role",
    "password_command",
    "environment",
    "postgres_version",
    "models",
    "schema_files",
    "model_comments",
    "naming",
    "compare",
    "snapshot",
    "required_tables",
    "lock_timeout",
    "concurrently_wait",
    "journal_schema",
    "edited",
    "start",
    "vars",
    "scratch",
];

/// What only the top level has.
pub(super) const DATABASES: &str = "databases";

pub(super) const START: &[&str] = &["target", "ahead", "command"];
pub(super) const COMPARE: &[&str] = &["schemas", "exclude_schemas", "exclude_tables", "exclude_kinds"];
pub(super) const NAMING: &[&str] = &["pk", "uq", "fk", "ck", "ix", "ex"];
pub(super) const SCRATCH: &[&str] = &["url", "vars"];
pub(super) const HOOK: &[&str] = &["name", "command"];
pub(super) const VAR: &[&str] = &["env", "default"];
