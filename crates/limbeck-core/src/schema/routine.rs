use serde::{Deserialize, Serialize};

/// A function, procedure, window function or aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routine {
    /// Which.
    pub kind: RoutineKind,
    /// All arguments with names, modes and defaults, as `pg_get_function_arguments` prints them. `CREATE OR REPLACE`
    /// may not change names or take defaults away.
    pub arguments: String,
    /// As `pg_get_function_result` prints it; procedures have none. `CREATE OR REPLACE` may not change it.
    pub result: Option<String>,
    /// A whole `CREATE OR REPLACE ...`, as `pg_get_functiondef` prints it, without white space at its end; for
    /// aggregates a whole `CREATE AGGREGATE`.
    pub definition: String,
    /// The language's name.
    pub language: String,
}

/// `pg_proc.prokind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RoutineKind {
    /// `CREATE FUNCTION`, window functions included.
    Function,
    /// `CREATE PROCEDURE`.
    Procedure,
    /// `CREATE AGGREGATE`.
    Aggregate,
}
