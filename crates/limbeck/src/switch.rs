//! `switch`: from a database that another branch or a newer release has migrated back to these revisions' heads.
//! What has no file here is undone with the journal's copy of its downgrade; then what is pending here is applied.

use std::collections::{BTreeMap, BTreeSet};

use limbeck_core::graph::Graph;
use limbeck_core::plan::{self, Direction, Plan};
use limbeck_core::revision::{self, NewDowngrade, NewRevision, Revision, RevisionId};
use limbeck_core::sql::Checksum;
use limbeck_core::{Code, Problem, Source};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::edited::{self, Sections};
use crate::error::Error;
use crate::event::Event;
use crate::execute::failure;
use crate::loss::{self, Losses};
use crate::migrator::{Control, Migrator, Report};
use crate::project::Project;
use crate::state::journal::{Lineage, Running};
use crate::state::lock;
use crate::state::session::{Checksums, Recorded, Session};
use crate::{ahead, resume};

/// What a switch does, to be shown before it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    plan: Plan,
    undone: Vec<Undone>,
    losses: Losses,
}

/// A revision without a file here, which a switch undoes, as the journal knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Undone {
    /// The revision.
    pub revision: RevisionId,
    /// Its message.
    pub message: String,
    /// When it was applied, or last repaired: in UTC, as `2026-11-23 01:02:03`.
    pub applied_at: String,
    /// By which role.
    pub database_user: String,
    /// With `limbeck <version> on <host>`.
    pub client: String,
    /// What will run, with the names of its variables.
    pub downgrade: String,
}

impl Switch {
    /// The steps: first what is undone, then what is applied.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What is undone, in the order in which it will be.
    pub fn undone(&self) -> &[Undone] {
        &self.undone
    }

    /// What holds data and would go.
    pub fn losses(&self) -> &Losses {
        &self.losses
    }

    /// What is applied afterwards, in its order.
    pub fn applied(&self) -> impl Iterator<Item = &RevisionId> {
        let up = self.plan.steps.iter().filter(|step| step.direction == Direction::Upgrade);
        up.map(|step| &step.revision)
    }
}

/// A switch with all that is needed to do it.
pub(crate) struct Draft {
    pub(crate) switch: Switch,
    /// These revisions, and the journal's copies of the others.
    project: Project,
    recorded: Recorded,
    /// An unfinished entry that the rows contradict.
    void: bool,
}

/// Reads the state, and plans; changes nothing.
///
/// # Errors
/// A row that neither a file nor the journal knows; a revision that cannot be undone; an upgrade without a file here
/// that was interrupted; a database of other revisions altogether.
pub(crate) async fn draft(migrator: &Migrator, session: &mut Session<'_>) -> Result<Draft, Error> {
    let mut recorded = session.recorded(Checksums::Read).await?;
    let copies = copies(session).await?;
    let lineage: Lineage = copies.iter().map(|(id, copy)| (id.clone(), copy.below())).collect();
    let (known, ahead) = ahead::known_rows(migrator.graph(), &recorded.rows, &lineage)?;
    if known.is_empty() && !ahead.is_empty() {
        return Err(ahead::foreign(&ahead).into());
    }
    let ahead: Vec<String> = ahead.iter().map(ToString::to_string).collect();
    let foreign = ahead::foreign_of(migrator.graph(), &ahead, &lineage);
    let project = migrator.project().with(revisions(&foreign, &copies)?)?;
    let is_void = |running: &Running| resume::is_void(project.graph(), &recorded.rows, running);
    let void = recorded.running.as_ref().map(is_void).transpose()?.unwrap_or(false);
    recorded.running = recorded.running.filter(|_| !void);
    let order = order(project.graph(), &foreign, recorded.running.as_ref())?;
    let back = plan::undo(project.graph(), &recorded.rows, &order)?;
    let rows: Vec<String> = back.after.iter().map(ToString::to_string).collect();
    let plan = joined(back, plan::upgrade(migrator.graph(), &rows, "heads")?);
    let plan = resume::first(project.graph(), plan, recorded.running.as_ref())?;
    let undone = order.iter().filter_map(|id| Some(copies.get(id.as_str())?.undone(id))).collect();
    let switch = Switch { plan, undone, losses: Losses::default() };
    Ok(Draft { switch, project, recorded, void })
}

/// What is to be shown before anything is done: everything that can be checked without running it is, and what
/// would be lost is looked up.
///
/// # Errors
/// What [`draft`] fails with; an edited file that the configuration does not let pass; a script that cannot run.
pub(crate) async fn preview(migrator: &Migrator, session: &mut Session<'_>) -> Result<Switch, Error> {
    let draft = draft(migrator, session).await?;
    migrator.refuse_edited(&edited_files(&draft)?)?;
    let steps = migrator.prepare_of(&draft.project, &draft.switch.plan)?;
    let down = steps.iter().filter(|step| step.step.direction == Direction::Downgrade);
    let scripts = down.map(|step| (&step.step.revision, &step.script));
    let losses = loss::of_scripts(session.connection, scripts, &migrator.options().values).await?;
    Ok(Switch { losses, ..draft.switch.clone() })
}

fn edited_files(draft: &Draft) -> Result<Vec<edited::Edited>, Problem> {
    let applied = plan::applied(draft.project.graph(), &draft.recorded.rows)?;
    Ok(edited::find(&draft.project, &applied, &draft.recorded.checksums, Sections::Upgrade))
}

/// Does what was shown, under the lock. It undoes nothing else, and does not what others have done meanwhile.
///
/// # Errors
/// What [`draft`] fails with; there is more to undo than was shown; a failing statement.
pub(crate) async fn run(
    migrator: &Migrator,
    session: &mut Session<'_>,
    connector: Option<&dyn crate::connect::Connector>,
    shown: &Switch,
    control: &mut Control<'_>,
) -> Result<Report, Error> {
    let before = draft(migrator, session).await?;
    let edited = edited_files(&before)?;
    migrator.refuse_edited(&edited)?;
    edited::tell(&edited, control.emit);
    if before.switch.plan.is_empty() {
        return Ok(nothing_to_do(before.recorded, control));
    }
    let patience = migrator.options().lock_wait;
    lock::acquire(session, connector, patience, &control.cancel, control.emit).await?;
    let Draft { switch, project, recorded, void } = draft(migrator, session).await?;
    // Somebody else may have done a part of it meanwhile, or all.
    if !switch.undone.iter().all(|undone| shown.undone.contains(undone)) {
        return Err(changed().into());
    }
    if switch.plan.is_empty() {
        return Ok(nothing_to_do(recorded, control));
    }
    let steps = migrator.prepare_of(&project, &switch.plan)?;
    let running = resume::check(recorded.running.as_ref(), &steps)?;
    let void: Vec<String> = void.then(|| session.journal.void_running()).into_iter().collect();
    migrator.execute(session, connector, &steps, (running, void), control).await?;
    Ok(Report::of(&switch.plan))
}

fn nothing_to_do(recorded: Recorded, control: &mut Control<'_>) -> Report {
    (control.emit)(Event::NothingToDo);
    Report { rows: recorded.rows, ..Report::default() }
}

fn changed() -> Problem {
    let message = "there is more to undo than was shown, since the database has changed: nothing was done";
    Problem::new(Code::DatabaseState, message)
        .help("run `limbeck switch` again, and see what there is to do now")
}

/// The journal's copies of these. All that cannot be undone is said at once.
fn revisions(foreign: &BTreeSet<String>, copies: &BTreeMap<String, Copy>) -> Result<Vec<Revision>, Error> {
    let (mut revisions, mut problems) = (Vec::new(), Vec::new());
    for copy in foreign.iter().filter_map(|id| copies.get(id)) {
        match copy.revision() {
            Ok(revision) => revisions.push(revision),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(revisions) } else { Err(problems.into()) }
}

/// Newest first; one whose downgrade was interrupted before all others.
///
/// # Errors
/// The upgrade of a revision without a file here was interrupted.
fn order(
    graph: &Graph,
    foreign: &BTreeSet<String>,
    running: Option<&Running>,
) -> Result<Vec<RevisionId>, Problem> {
    let ids = graph.newest_first().map(|node| node.id()).filter(|id| foreign.contains(id.as_str()));
    let mut order: Vec<RevisionId> = ids.cloned().collect();
    let Some(running) = running else { return Ok(order) };
    if graph.get(&running.revision).is_none() {
        return Err(resume::without_file(running));
    }
    // It is the uppermost that is left on its branch, or it would not have begun.
    order.sort_by_key(|id| id.as_str() != running.revision);
    Ok(order)
}

/// Two plans as one.
fn joined(back: Plan, forth: Plan) -> Plan {
    Plan {
        steps: back.steps.into_iter().chain(forth.steps).collect(),
        before: back.before,
        after: forth.after,
        targets: forth.targets,
        warnings: back.warnings.into_iter().chain(forth.warnings).collect(),
    }
}

/// What the journal knows of an applied revision.
struct Copy {
    id: String,
    parents: Vec<String>,
    depends_on: Vec<String>,
    message: String,
    checksum: Option<String>,
    downgrade_checksum: Option<String>,
    downgrade: Option<String>,
    applied_at: String,
    database_user: String,
    client: String,
}

async fn copies(session: &mut Session<'_>) -> Result<BTreeMap<String, Copy>, Error> {
    if !session.facts.has_journal {
        return Ok(BTreeMap::new());
    }
    let sets = session.query(&session.journal.select_copies()).await?;
    let copies: Result<_, sqlx::Error> =
        sets.iter().flatten().map(|row| Copy::read(row).map(|copy| (copy.id.clone(), copy))).collect();
    copies.map_err(|error| failure::database(&error).into())
}

impl Copy {
    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("revision")?,
            parents: row.try_get("parents")?,
            depends_on: row.try_get("depends_on")?,
            message: row.try_get("message")?,
            checksum: row.try_get("checksum")?,
            downgrade_checksum: row.try_get("downgrade_checksum")?,
            downgrade: row.try_get("downgrade")?,
            applied_at: row.try_get("applied_at")?,
            database_user: row.try_get("database_user")?,
            client: row.try_get("client")?,
        })
    }

    fn below(&self) -> Vec<String> {
        self.parents.iter().chain(&self.depends_on).cloned().collect()
    }

    fn undone(&self, id: &RevisionId) -> Undone {
        Undone {
            revision: id.clone(),
            message: self.message.clone(),
            applied_at: self.applied_at.clone(),
            database_user: self.database_user.clone(),
            client: self.client.clone(),
            downgrade: self.downgrade.clone().unwrap_or_default(),
        }
    }

    /// A revision that can be undone: the text of a file is made up, so that there is one way to read one.
    ///
    /// # Errors
    /// There is no downgrade, or it is not what was journalled.
    fn revision(&self) -> Result<Revision, Problem> {
        let id = &self.id;
        let downgrade = self.downgrade.as_ref().ok_or_else(|| irreversible(id))?;
        let ids = |ids: &[String]| ids.iter().map(|id| RevisionId::new(id)).collect::<Result<Vec<_>, _>>();
        let text = revision::write(&NewRevision {
            message: self.message.clone(),
            id: RevisionId::new(id)?,
            down_revision: ids(&self.parents)?,
            branch_labels: Vec::new(),
            depends_on: self.depends_on.clone(),
            created: None,
            remarks: Vec::new(),
            upgrade: String::new(),
            downgrade: NewDowngrade::Section(downgrade.clone()),
        });
        let revision = Revision::parse(&Source::new(format!("the journal's copy of {id}"), &text))?;
        let now = revision.downgrade_checksum().map(|sum| sum.to_string());
        let is_other = |sum: &String| edited::is_comparable(sum) && now.as_ref() != Some(sum);
        if self.downgrade_checksum.as_ref().is_some_and(is_other) {
            return Err(damaged(id));
        }
        let checksum = self.checksum.as_ref().and_then(|sum| sum.parse::<Checksum>().ok());
        Ok(match checksum {
            Some(checksum) => revision.with_upgrade_checksum(checksum),
            None => revision,
        })
    }
}

fn irreversible(id: &str) -> Problem {
    Problem::new(
        Code::Irreversible,
        format!("revision {id} cannot be undone: its file is not here, and the journal has no downgrade of it"),
    )
    .note("it was applied as irreversible, and nothing was undone")
    .help(format!(
        "check out a branch or deploy a release that holds {id}; or undo it by hand, and `limbeck stamp --purge` the \
         revision that the database is at then"
    ))
}

fn damaged(id: &str) -> Problem {
    Problem::new(
        Code::DatabaseState,
        format!(
            "the journal's copy of the downgrade of {id} is not what was journalled: its checksum differs"
        ),
    )
    .note("somebody has changed the journal, and nothing was undone")
    .help(format!("undo {id} with a checkout that holds its file"))
}
