//! The proof of a new revision.

use std::sync::Arc;

use limbeck_core::diff::Changes;
use limbeck_core::plan::Purge;
use limbeck_core::revision::{Revision, RevisionId};
use limbeck_core::schema::Schema;
use limbeck_core::{Code, Problem, Source};

use super::difference::Difference;
use super::replay;
use super::workshop::Workshop;
use crate::error::Error;
use crate::migrator::{Job, Migrator};
use crate::project::Project;
use crate::scratch;

/// That a revision does what it should, on empty tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// On which PostgreSQL: `15.14`.
    pub server: String,
}

impl Proof {
    /// The line that the file says it with.
    pub fn line(&self) -> String {
        format!("Proved on PostgreSQL {}: up and down, its structure, on empty tables", self.server)
    }
}

impl Workshop {
    /// Proves a revision before it is written: on a copy of the schema that the revisions make, its upgrade leaves what
    /// is wanted, and its downgrade leads back. The very text that will be written is parsed and run by the executor.
    ///
    /// # Errors
    /// A statement that fails, at its line in the text; or what still differs afterwards.
    pub async fn prove(
        &mut self,
        project: &Project,
        file: &Arc<Source>,
        current: &Schema,
        difference: &Difference,
    ) -> Result<Proof, Error> {
        let revision = Revision::parse(file)?;
        let header = Arc::clone(revision.header());
        let id = &header.id.value;
        let parents: Vec<RevisionId> = header.down_revision.iter().map(|it| it.value.clone()).collect();
        let migrator =
            Migrator::new(project.with(vec![revision])?).with_options(self.options()).structure_only();
        let scratch = self.scratch().await?;
        let server = scratch.version().text.clone();
        let database = scratch.create().await?;
        scratch::load_into(scratch, &database, current).await?;
        if !parents.is_empty() {
            let rows: Vec<String> = parents.iter().map(ToString::to_string).collect();
            replay::job(scratch, &database, &migrator, Job::Stamp(&rows, Purge::Keep)).await?;
        }
        let up = replay::job(scratch, &database, &migrator, Job::Upgrade(id.as_str())).await;
        up.map_err(|error| failed(error, "upgrade"))?;
        let left = self.left(&database, |schema| difference.left_after(schema)).await?;
        refuse(&left, file, "after its upgrade the schema is not what is wanted; there remains:")?;
        let target = if parents.is_empty() { "base".to_owned() } else { format!("{id}-1") };
        let down = replay::job(self.scratch().await?, &database, &migrator, Job::Downgrade(&target)).await;
        down.map_err(|error| failed(error, "downgrade"))?;
        let left = self.left(&database, |schema| difference.left_after_back(schema)).await?;
        refuse(&left, file, "its downgrade does not lead back to where it began; there remains:")?;
        self.scratch().await?.drop(&database).await?;
        Ok(Proof { server: short(&server).to_owned() })
    }

    /// What is left to do in a scratch database. Texts that were typed only once may print differently when they are
    /// printed again, so a difference counts only in the normal form.
    async fn left(&mut self, database: &str, compare: impl Fn(&Schema) -> Changes) -> Result<Changes, Error> {
        let schema = self.read(database).await?.schema;
        let left = compare(&schema);
        if left.is_empty() {
            return Ok(left);
        }
        Ok(compare(&self.normal(schema).await?))
    }
}

/// `15.14` of `15.14 (Debian 15.14-0+deb12u1)`.
fn short(version: &str) -> &str {
    version.split_whitespace().next().unwrap_or(version)
}

fn failed(error: Error, way: &str) -> Error {
    let explained = |problem: &Problem| {
        let problem = problem.clone();
        problem.note(format!("the {way} was tried on a copy of the schema; nothing was written"))
    };
    error.problems().iter().map(explained).collect::<Vec<_>>().into()
}

fn refuse(left: &Changes, file: &Arc<Source>, sentence: &str) -> Result<(), Problem> {
    if left.is_empty() {
        return Ok(());
    }
    let problem = Problem::new(Code::Unproved, format!("the revision cannot be proved: {sentence}"));
    let problem = left.changes.iter().fold(problem, |problem, change| problem.note(change.words.clone()));
    Err(problem.note(format!("nothing was written; the revision would have been:\n{}", file.text())).help(
        "this is a defect of limbeck's, please report it with the models; `--no-verify` writes the file all the same, \
         to be corrected by hand",
    ))
}
