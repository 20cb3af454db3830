use clap::Args;
use limbeck::Job;
use limbeck::autogenerate::{Difference, Terms, Workshop};
use limbeck::connect::Connection;
use limbeck_core::ddl::section::Mode;
use limbeck_core::graph::{Request, Splice, new_revision};
use limbeck_core::plan::Purge;
use limbeck_core::{Code, Problem};

use super::compare::{self, Scratch};
use super::{revision, snapshot};
use crate::app::App;
use crate::database::Database;
use crate::exit::Failure;
use crate::new_file::{Draft, Form};
use crate::output;

/// Begin with a database that is there already: write its schema as the first revision
///
/// The revision is proved on a scratch server, and the database is stamped with it: nothing in it changes, and from here on
/// revisions lead further. For a project that has none yet.
#[derive(Debug, Args)]
pub(crate) struct Baseline {
    /// What the revision says about itself
    #[arg(short, long, default_value = "baseline")]
    message: String,
    /// The id, instead of a random one
    #[arg(long, value_name = "ID")]
    rev_id: Option<String>,
    /// Write the file, and leave the database alone: stamp it later
    #[arg(long)]
    no_stamp: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    scratch: Scratch,
}

impl Baseline {
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let project = app.project()?;
        if let Some(first) = project.revisions().next() {
            let message = format!("the project has revisions already, the first is {}", first.header().id.value);
            return Err(Problem::new(Code::NotPossible, message)
                .help("a baseline is a beginning; `limbeck stamp` tells a database which revisions it has")
                .into());
        }
        let mut connection = app.database().await?.connect("limbeck").await?;
        let mut workshop = self.scratch.workshop(app, compare::major(&connection))?;
        let written = self.write(app, &mut workshop, &mut connection).await;
        Database::disconnect(connection).await;
        let closed = compare::close(workshop).await;
        written?;
        closed?;
        if self.no_stamp { Ok(()) } else { stamp(app).await }
    }

    async fn write(
        &self,
        app: &App,
        workshop: &mut Workshop,
        connection: &mut Connection,
    ) -> Result<(), Failure> {
        let (config, project) = (app.config()?, app.project()?);
        let live = workshop.live(connection).await?;
        compare::refuse_inexpressible(&[&live])?;
        let terms = Terms::everything(workshop.major().await?);
        let nothing = workshop.nothing().await?;
        let difference = Difference::between(&nothing, &live.schema, terms);
        let request = Request {
            id: revision::id(self.rev_id.as_deref())?,
            head: "base",
            splice: Splice::Refuse,
            branch_labels: Vec::new(),
            depends_on: &[],
        };
        let place = new_revision(project.graph(), &request)?;
        let folder = revision::folder(config, None)?;
        let mut draft = Draft::new(config, &folder, place, &self.message)?;
        draft.fill(difference.upgrade(Mode::Plain), difference.downgrade(Mode::Plain));
        let proof = workshop.prove(&project, &draft.source(), &nothing, &difference).await?;
        draft.remark(proof.line());
        draft.save(config, Form::of(self.json))?;
        snapshot::in_workshop(app, workshop).await
    }
}

/// The database has it all already.
async fn stamp(app: &App) -> Result<(), Failure> {
    let migrator = app.migrator(|_| ())?;
    let mut connection = app.database().await?.connect("limbeck").await?;
    let mut quiet = |_: limbeck::Event<'_>| {};
    let mut control = limbeck::Control { cancel: app.cancel(), emit: &mut quiet };
    let targets = ["head".to_owned()];
    let outcome = migrator.run_on(&mut connection, None, Job::Stamp(&targets, Purge::Keep), &mut control).await;
    Database::disconnect(connection).await;
    let report = outcome?;
    output::progress(&format!("The database is stamped with {}.", report.rows.join(", ")));
    Ok(())
}
