//! PostgreSQL migrations: a revision graph of plain SQL files, run safely, row for row compatible with
//! Alembic's version table.
//!
//! ```no_run
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! let migrator = limbeck::Migrator::from_dir("migrations/versions")?;
//! let report = migrator.upgrade("postgres://localhost/app").await?;
//! println!("{} revisions applied", report.steps.len());
//! # Ok(()) }
//! ```
//!
//! The library emits [`Event`]s and prints nothing. sqlx's types appear in [`connect`] and in the
//! signatures of [`Migrator`] only.

mod ahead;
pub mod autogenerate;
pub mod catalog;
pub mod config;
pub mod connect;
pub mod doctor;
mod edited;
mod embedded;
mod error;
mod event;
mod execute;
mod history;
pub mod local;
pub mod log;
mod loss;
mod migrator;
mod model;
mod offline;
mod project;
mod quote;
mod repair;
mod reset;
mod resolve;
mod resume;
mod scratch;
mod stamp;
pub mod startup;
mod state;
mod switch;
pub mod validate;
mod verify;

pub use edited::{Change, Edited, WhenEdited};
pub use embedded::Embedded;
pub use error::Error;
pub use event::{Blocker, Busy, Event, Holder, Obstacle, Then};
pub use execute::Pace;
pub use execute::cancel::Cancel;
pub use execute::parts::TransactionMode;
pub use execute::steps::{RustStep, StepError};
pub use history::HistoryEntry;
pub use limbeck_core as core;
pub use limbeck_derive::{Enum, Table, embed, models};
pub use loss::{Amount, Loss, LossKind, Losses, UntoldLoss};
pub use migrator::{Control, Job, Migrator, Options, Preview, Report, Status};
pub use model::{EmbeddedModels, Enum, Table};
pub use project::Project;
pub use repair::Repair;
pub use reset::{Contents, Reset};
pub use scratch::ScratchOptions;
pub use state::journal::{FORMAT as JOURNAL_FORMAT, Running, Verdict};
pub use state::session::{FirstLook, StateOptions};
pub use switch::{Switch, Undone};

/// The `application_name` of a session that works on no revision.
const APPLICATION: &str = "limbeck";

/// Who writes into the journal: this version, on this host.
fn client() -> String {
    let uname = rustix::system::uname();
    format!("limbeck {} on {}", env!("CARGO_PKG_VERSION"), uname.nodename().to_string_lossy())
}
