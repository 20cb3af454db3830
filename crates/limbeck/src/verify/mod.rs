//! What became of a statement outside a transaction: a closed table of statements, each with the question that
//! tells it from PostgreSQL's catalogs.
//!
//! Before such a statement the journal notes what the catalog says of its objects ([`Verifier::before`]). Where the
//! outcome is open afterwards (the connection broke, the server refused in the middle), the catalog is asked again
//! ([`look`]). Everything is said by oid as it was noted, so that a name that means something else by then misleads
//! nobody; and what was there before is never taken for ours.
//!
//! A statement that is not in the table stops the next run with "outcome unknown", unless its file says
//! `autocommit idempotent`.

mod add_value;
mod create_index;
mod detach_partition;
mod drop_index;
mod presence;
mod reindex;
mod repeatable;
mod validate_constraint;

use std::fmt::Debug;

use limbeck_core::Problem;
use limbeck_core::sql::{ObjectName, StatementKind};
use sqlx::postgres::PgRow;

use crate::error::Error;
use crate::execute::failure;
use crate::quote::literal;
use crate::state::session::{Session, simple_query};

/// How one kind of statement is verified.
pub(crate) trait Verifier: Debug + Send + Sync {
    /// An SQL expression of type `jsonb`: what the catalog says before the statement. It is computed by the
    /// server, so that a script of `--sql` notes the same; it holds oids and no names, which may be a
    /// variable's value.
    fn before(&self) -> String;

    /// The query that tells the outcome. `noted` is an SQL expression for what [`Verifier::before`] gave.
    fn question(&self, noted: &str) -> String;

    /// What the rows of the question mean.
    fn answer(&self, rows: &[PgRow]) -> Result<Finding, sqlx::Error>;

    /// Statements that build a model of the result for the question to compare with. They run in a transaction
    /// that is rolled back; where one fails, the question does without.
    fn model(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether even a statement that succeeded has to be verified.
    fn doubts_success(&self) -> bool {
        false
    }
}

/// What the catalog says.
#[derive(Debug)]
pub(crate) enum Finding {
    /// The statement took effect.
    Done {
        /// How that was seen.
        found: String,
    },
    /// Nothing is there that would be in the way of running it again.
    NotDone {
        /// How that was seen.
        found: String,
    },
    /// It was left in the middle.
    Half {
        /// How that was seen.
        found: String,
        /// What leads out of the middle, each sent by itself.
        mend: Vec<String>,
        /// Where that leads.
        leads: Leads,
    },
    /// What is there is not of this statement's making.
    Foreign(Problem),
    /// The catalog does not tell.
    Unknown,
}

/// Where mending leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leads {
    /// What was begun is taken back, without a strong lock.
    Back,
    /// What was begun is completed.
    On,
}

/// The table: which statements can be verified, and by whom. Names that cannot be told (`U&"..."`) leave it.
pub(crate) fn verifier(kind: &StatementKind) -> Option<Box<dyn Verifier>> {
    use StatementKind as Kind;
    Some(match kind {
        Kind::CreateIndexConcurrently { index, table: Some(table), existing, unique, definition } => {
            Box::new(create_index::CreateIndex {
                index: index.clone(),
                table: table.clone(),
                existing: *existing,
                unique: *unique,
                definition: definition.clone(),
            })
        }
        Kind::DropIndexConcurrently { index: Some(index) } => {
            Box::new(drop_index::DropIndex { index: index.clone() })
        }
        Kind::ReindexConcurrently { scope, name } => {
            Box::new(reindex::Reindex { scope: *scope, name: name.clone() })
        }
        Kind::AlterTypeAddValue { type_name: Some(type_name), value: Some(value), existing } => {
            Box::new(add_value::AddValue {
                type_name: type_name.clone(),
                value: value.clone(),
                existing: *existing,
            })
        }
        Kind::ValidateConstraint { table: Some(table), constraint: Some(constraint) } => {
            Box::new(validate_constraint::ValidateConstraint {
                table: table.clone(),
                constraint: constraint.clone(),
            })
        }
        Kind::DetachConcurrently { table: Some(table), partition: Some(partition) }
        | Kind::DetachFinalize { table: Some(table), partition: Some(partition) } => {
            Box::new(detach_partition::Detach { table: table.clone(), partition: partition.clone() })
        }
        Kind::CreateDatabase { name: Some(name) } => presence::created(presence::DATABASE, name),
        Kind::DropDatabase { name: Some(name) } => presence::dropped(presence::DATABASE, name),
        Kind::CreateTablespace { name: Some(name) } => presence::created(presence::TABLESPACE, name),
        Kind::DropTablespace { name: Some(name) } => presence::dropped(presence::TABLESPACE, name),
        Kind::CreateSubscription { name: Some(name) } => presence::created(presence::SUBSCRIPTION, name),
        Kind::DropSubscription { name: Some(name) } => presence::dropped(presence::SUBSCRIPTION, name),
        Kind::Vacuum
        | Kind::Upkeep
        | Kind::ClusterAll
        | Kind::ReindexMany
        | Kind::AlterSystem
        | Kind::AlterDatabaseTablespace => Box::new(repeatable::Repeatable),
        _ => return None,
    })
}

/// Asks the catalog, outside of any transaction.
pub(crate) async fn look(
    session: &mut Session<'_>,
    verifier: &dyn Verifier,
    noted: &str,
) -> Result<Finding, Error> {
    let question = verifier.question(noted);
    let model = verifier.model();
    let mut sets = None;
    if !model.is_empty() {
        let message = format!("BEGIN;\n{};\n{question};\nROLLBACK", model.join(";\n"));
        sets = match simple_query(session.connection, &message).await {
            Ok(sets) => sets.into_iter().rev().nth(1),
            Err(error) if failure::state(&error).is_some() => {
                session.query("ROLLBACK").await?;
                None
            }
            Err(error) => return Err(failure::database(&error).into()),
        };
    }
    let rows = match sets {
        Some(rows) => rows,
        None => session.query(&question).await?.into_iter().next_back().unwrap_or_default(),
    };
    verifier.answer(&rows).map_err(|error| failure::database(&error).into())
}

/// The oid of a relation as the server resolves its name, or NULL.
fn relation(name: &ObjectName) -> String {
    format!("to_regclass({})::oid", literal(&name.to_string()))
}

/// The name of the relation `class` in the schema `namespace`, quoted.
fn qualified(namespace: &str, class: &str) -> String {
    format!("format('%I.%I', {namespace}.nspname, {class}.relname)")
}
