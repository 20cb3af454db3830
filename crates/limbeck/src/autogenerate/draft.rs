//! The proof of a new revision.

use std::sync::Arc;

use limbeck_core::diff::Changes;
use limbeck_core::plan::Purge;
use limbeck_core::revision::Revision;
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

/// A scratch database on which a revision is tried.
struct Trial {
    database: String,
    migrator: Migrator,
    id: String,
    /// What its downgrade leads to.
    back: String,
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
        let trial = self.trial(project, file, current).await?;
        self.up(&trial).await.map_err(|error| ways_out(&explained(error, &tried("upgrade"))))?;
        let left = self.left(&trial.database, |schema| difference.left_after(schema)).await?;
        refuse(&left, file, "after its upgrade the schema is not what is wanted; there remains:")?;
        self.down(&trial).await.map_err(|error| explained(error, &tried("downgrade")))?;
        let left = self.left(&trial.database, |schema| difference.left_after_back(schema)).await?;
        refuse(&left, file, "its downgrade does not lead back to where it began; there remains:")?;
        let scratch = self.scratch().await?;
        scratch.drop(&trial.database).await?;
        Ok(Proof { server: short(&scratch.version().text).to_owned() })
    }

    /// Makes sure that a revision that was worked out from a database also runs where the revisions alone have been: on a
    /// new database, in every replay to come.
    ///
    /// # Errors
    /// A statement that fails there, at its line in the text.
    pub async fn follows(
        &mut self,
        project: &Project,
        file: &Arc<Source>,
        revisions: &Schema,
    ) -> Result<(), Error> {
        const WHY: &str = "this revision leads from the database to the models, but it cannot follow the other revisions: \
            on a database that they alone have made, this statement fails; nothing was written";
        let trial = self.trial(project, file, revisions).await?;
        let cannot = |error: Error| helped(&explained(error, WHY));
        self.up(&trial).await.map_err(cannot)?;
        self.down(&trial).await.map_err(cannot)?;
        self.scratch().await?.drop(&trial.database).await
    }

    /// A scratch database with a schema, on which a revision is next.
    async fn trial(
        &mut self,
        project: &Project,
        file: &Arc<Source>,
        schema: &Schema,
    ) -> Result<Trial, Error> {
        let revision = Revision::parse(file)?;
        let header = Arc::clone(revision.header());
        let parents: Vec<String> = header.down_revision.iter().map(|it| it.value.to_string()).collect();
        let options = self.options().await?;
        let migrator = Migrator::new(project.with(vec![revision])?).with_options(options).structure_only();
        let scratch = self.scratch().await?;
        let database = scratch.create().await?;
        scratch::load_into(scratch, &database, schema).await?;
        scratch::name_shares(scratch, &database, schema).await?;
        if !parents.is_empty() {
            replay::job(scratch, &database, &migrator, Job::Stamp(&parents, Purge::Keep)).await?;
        }
        let id = header.id.value.to_string();
        let back = if parents.is_empty() { "base".to_owned() } else { format!("{id}-1") };
        Ok(Trial { database, migrator, id, back })
    }

    async fn up(&mut self, trial: &Trial) -> Result<(), Error> {
        let scratch = self.scratch().await?;
        replay::job(scratch, &trial.database, &trial.migrator, Job::Upgrade(&trial.id)).await
    }

    async fn down(&mut self, trial: &Trial) -> Result<(), Error> {
        let scratch = self.scratch().await?;
        replay::job(scratch, &trial.database, &trial.migrator, Job::Downgrade(&trial.back)).await
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

fn tried(way: &str) -> String {
    format!("the {way} was tried on a copy of the schema; nothing was written")
}

fn explained(error: Error, note: &str) -> Error {
    error.problems().iter().map(|problem| problem.clone().note(note)).collect::<Vec<_>>().into()
}

/// The way out where a new partition meets one that is only in the revisions: that one is never dropped unasked.
fn ways_out(error: &Error) -> Error {
    let help = "partitions that only the revisions have are kept, as others may have made them: write a revision that \
        detaches or drops the one that is in the way, then try again";
    let told = |problem: &Problem| match problem.message().contains("would overlap partition") {
        true => problem.clone().help(help),
        false => problem.clone(),
    };
    error.problems().iter().map(told).collect::<Vec<_>>().into()
}

/// The way out where a database has gone its own way.
fn helped(error: &Error) -> Error {
    let help = "`limbeck check --drift` shows what was done to the database besides its revisions: undo it, or write it \
        into a revision and `limbeck stamp` the database; then try again";
    error.problems().iter().map(|problem| problem.clone().help(help)).collect::<Vec<_>>().into()
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
