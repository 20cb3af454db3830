//! `limbeck reset`: everything in a development database goes, and the revisions are applied again.
//!
//! What the revisions make, they will make again: the schemas and extensions that they create go whole. What
//! an administrator put there stays: other schemas and extensions (emptied of everything else), roles,
//! settings, privileges of the database.

use limbeck_core::plan;
use limbeck_core::sql::destroys::{Dropped, makes};
use limbeck_core::{Code, Problem};
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

use crate::connect::Connector;
use crate::error::Error;
use crate::event::Event;
use crate::execute::failure::{self, sqlstate};
use crate::loss::{self, Amount};
use crate::migrator::{Control, Job, Migrator, Report};
use crate::quote::{ident, literal, text_array};
use crate::state::lock;
use crate::state::session::{Session, simple_query};

/// What is asked of a reset.
#[derive(Debug, Clone, Copy)]
pub struct Reset<'a> {
    /// Where to migrate to afterwards.
    pub target: &'a str,
    /// Version tables of other programs that may go too.
    pub also: &'a [String],
}

/// What a database holds, and a reset would destroy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Tables and materialized views with their rows.
    pub tables: Vec<(String, Amount)>,
    /// How many other objects there are: views, types, functions, ...
    pub others: usize,
    /// Version tables that are not this project's.
    pub foreign: Vec<String>,
}

impl Contents {
    /// Whether there is nothing to destroy.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.others == 0
    }

    /// Refuses to destroy what belongs to other programs, unless each of them was named.
    ///
    /// # Errors
    /// [`Code::NotPossible`], with their names.
    pub fn check(&self, also: &[String]) -> Result<(), Problem> {
        let unnamed: Vec<&str> =
            self.foreign.iter().filter(|table| !also.contains(table)).map(String::as_str).collect();
        if unnamed.is_empty() {
            return Ok(());
        }
        let options: Vec<String> = unnamed.iter().map(|table| format!("--also {table}")).collect();
        Err(Problem::new(
            Code::NotPossible,
            format!("other programs keep their migrations in this database: {}", unnamed.join(", ")),
        )
        .note("nothing was changed; a reset would destroy their tables too")
        .help(format!("is it the right database? If they may go as well: {}", options.join(" "))))
    }
}

impl Migrator {
    /// What a reset would destroy. Changes nothing.
    ///
    /// # Errors
    /// A failing connection.
    pub async fn contents(&self, connection: &mut PgConnection) -> Result<Contents, Error> {
        let mut session = Session::open(connection, self.options().state.clone(), &crate::client()).await?;
        let made = self.made();
        contents(&mut session, &made).await
    }

    /// Destroys everything in a database, and applies the revisions, on a connection that serves this purpose
    /// alone. What goes, goes in one transaction, unless that would lock more than the server can keep.
    ///
    /// # Errors
    /// Everything that would make the upgrade fail and can be known beforehand; other programs' tables; locks
    /// that others hold. Nothing is destroyed then. After that, what the upgrade itself fails with.
    pub async fn reset(
        &self,
        connection: &mut PgConnection,
        connector: Option<&dyn Connector>,
        reset: &Reset<'_>,
        control: &mut Control<'_>,
    ) -> Result<Report, Error> {
        let options = self.options();
        let plan = plan::upgrade(self.graph(), &[], reset.target)?;
        self.prepare(&plan)?;
        let mut session = Session::open(connection, options.state.clone(), &crate::client()).await?;
        lock::acquire(&mut session, connector, options.lock_wait, &control.cancel, control.emit).await?;
        control.cancel.check()?;
        empty(&mut session, &self.made(), reset.also, control).await?;
        self.run_on(connection, connector, Job::Upgrade(reset.target), control).await.map_err(|error| {
            let noted = error.problems().iter().cloned();
            let note = "the database was emptied before; `limbeck upgrade` goes on";
            noted.map(|problem| problem.note(note)).collect::<Vec<_>>().into()
        })
    }

    /// What the revisions make and would make again.
    fn made(&self) -> Made {
        let mut made = Made::default();
        // A section that cannot be read stops the run before anything is destroyed.
        let scripts = self.project().revisions().filter_map(|revision| revision.upgrade_script().ok());
        for script in scripts {
            for unit in &script.units {
                for statement in &unit.statements {
                    let rendered = statement.render(&unit.bind(&self.options().values));
                    match rendered.ok().and_then(|rendered| makes(&rendered.sql)) {
                        Some((Dropped::Schema, name)) => made.schemas.push(name),
                        Some((Dropped::Extension, name)) => made.extensions.push(name),
                        _ => {}
                    }
                }
            }
        }
        made
    }
}

#[derive(Default)]
struct Made {
    schemas: Vec<String>,
    extensions: Vec<String>,
}

/// An object that goes: the word for DROP, and its name, ready for SQL.
struct Object {
    kind: String,
    identity: String,
    /// Of what holds rows: how many, as the server estimates.
    rows: Option<u64>,
}

impl Object {
    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        let estimate: Option<i64> = row.try_get("estimate")?;
        Ok(Self {
            kind: row.try_get("kind")?,
            identity: row.try_get("identity")?,
            rows: estimate.map(i64::unsigned_abs),
        })
    }

    fn drop(&self) -> String {
        let Self { kind, identity, .. } = self;
        match kind.as_str() {
            "large object" => format!("SELECT lo_unlink({identity})"),
            "composite type" => format!("DROP TYPE IF EXISTS {identity} CASCADE"),
            "statistics object" => format!("DROP STATISTICS IF EXISTS {identity} CASCADE"),
            kind => format!("DROP {} IF EXISTS {identity} CASCADE", kind.to_uppercase()),
        }
    }
}

/// Everything that goes, in an order in which it can: what may react to the rest first, then tables, then
/// what these used.
async fn objects(session: &mut Session<'_>, made: &Made) -> Result<Vec<Object>, Error> {
    let list = |names: &[String]| text_array(names.iter().map(String::as_str));
    let sql =
        OBJECTS.replace("$SCHEMAS", &list(&made.schemas)).replace("$EXTENSIONS", &list(&made.extensions));
    let sets = session.query(&sql).await?;
    let objects: Result<Vec<Object>, _> = sets.iter().flatten().map(Object::read).collect();
    objects.map_err(|error| failure::database(&error).into())
}

async fn contents(session: &mut Session<'_>, made: &Made) -> Result<Contents, Error> {
    let objects = objects(session, made).await?;
    let held: Vec<(&str, u64)> =
        objects.iter().filter_map(|object| Some((object.identity.as_str(), object.rows?))).collect();
    let amounts = loss::amounts(session.connection, &held).await;
    let tables = held.iter().map(|(name, _)| (*name).to_owned()).zip(amounts).collect();
    let others = objects.len() - held.len();
    Ok(Contents { tables, others, foreign: foreign(session).await? })
}

/// Version tables that are not ours: tables that look like Alembic's, and those of other tools by their
/// names.
async fn foreign(session: &mut Session<'_>) -> Result<Vec<String>, Error> {
    let own = literal(&session.versions.quoted());
    let known = text_array(OTHER_TOOLS.iter().copied());
    let sets = session
        .query(&format!(
            "SELECT c.oid::regclass::text AS name FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND c.oid IS DISTINCT FROM to_regclass({own}) \
             AND (c.relname = ANY ({known}) OR (SELECT array_agg(a.attname::text) FROM pg_catalog.pg_attribute a \
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) = ARRAY['version_num']) ORDER BY 1"
        ))
        .await?;
    let names: Result<Vec<String>, sqlx::Error> =
        sets.iter().flatten().map(|row| row.try_get("name")).collect();
    names.map_err(|error| failure::database(&error).into())
}

/// Where other migration tools keep what they have done.
const OTHER_TOOLS: &[&str] = &[
    "_prisma_migrations",
    "_sqlx_migrations",
    "__diesel_schema_migrations",
    "__EFMigrationsHistory",
    "databasechangelog",
    "django_migrations",
    "flyway_schema_history",
    "goose_db_version",
    "knex_migrations",
    "refinery_schema_history",
    "schema_migrations",
    "seaql_migrations",
];

async fn empty(
    session: &mut Session<'_>,
    made: &Made,
    also: &[String],
    control: &mut Control<'_>,
) -> Result<(), Error> {
    Contents { foreign: foreign(session).await?, ..Contents::default() }.check(also)?;
    check_subscriptions(session).await?;
    let objects = objects(session, made).await?;
    let settings = session.settings(crate::APPLICATION);
    session.query(&settings.join(";\n")).await?;
    match drop_all(session, &objects).await {
        // Every table that goes stays locked to the end, and there are more than the server keeps locks for.
        Err(error) if failure::state(&error) == Some(sqlstate::OUT_OF_MEMORY) => {
            for some in objects.chunks(AT_ONCE) {
                control.cancel.check()?;
                drop_all(session, some).await.map_err(|error| not_emptied(&error).note(HALF_EMPTY))?;
            }
        }
        outcome => outcome.map_err(|error| not_emptied(&error).note("nothing was changed"))?,
    }
    (control.emit)(Event::Emptied { objects: objects.len() });
    Ok(())
}

const HALF_EMPTY: &str =
    "it holds too much for one transaction: what was dropped stays dropped, and the next reset goes on";

/// So many objects go in one transaction where all of them are too many.
const AT_ONCE: usize = 100;

/// Drops objects in one transaction: all of them, or none.
async fn drop_all(session: &mut Session<'_>, objects: &[Object]) -> Result<(), sqlx::Error> {
    // What goes by CASCADE needs no notice each.
    let mut statements = vec!["BEGIN".to_owned(), "SET LOCAL client_min_messages = 'warning'".to_owned()];
    statements.extend(objects.iter().map(Object::drop));
    statements.push("COMMIT".to_owned());
    let outcome = simple_query(session.connection, &statements.join(";\n")).await;
    if outcome.is_err() {
        // A lost connection cannot be rolled back, and need not be: the server does it.
        let _ = simple_query(session.connection, "ROLLBACK").await;
    }
    outcome.map(drop)
}

fn not_emptied(error: &sqlx::Error) -> Problem {
    let problem = failure::database(error).prefixed("the database cannot be emptied: ");
    match failure::state(error) {
        Some(sqlstate::LOCK_NOT_AVAILABLE) => problem.help(
            "other sessions use it: stop the service (`limbeck doctor` names the sessions), and try again",
        ),
        Some(sqlstate::INSUFFICIENT_PRIVILEGE) => {
            problem.help("reset as the owner of all that is in the database, or as a superuser")
        }
        _ => problem,
    }
}

/// A subscription has a slot on another server, and goes in no transaction.
async fn check_subscriptions(session: &mut Session<'_>) -> Result<(), Error> {
    let sql = "SELECT quote_ident(subname) AS name FROM pg_catalog.pg_subscription \
               WHERE subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())";
    let answer = simple_query(session.connection, sql).await.map_err(|error| failure::database(&error))?;
    let Some(row) = answer.iter().flatten().next() else { return Ok(()) };
    let name: String = row.try_get("name").map_err(|error| failure::database(&error))?;
    Err(Problem::new(Code::NotPossible, format!("the database receives the subscription {name}"))
        .note("nothing was changed")
        .help(format!("DROP SUBSCRIPTION {}, first", ident(&name)))
        .into())
}

/// `pg_depend` ties every object to its schema; what belongs to an extension is not touched one by one.
const OBJECTS: &str = "\
WITH owned(classid, objid) AS (SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'),
schemas AS (
    SELECT n.oid, n.nspname, n.nspname = ANY ($SCHEMAS) AS whole FROM pg_catalog.pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_namespace'::regclass AND o.objid = n.oid)
),
found(rank, kind, identity, oid) AS (
    SELECT 0, 'event trigger', quote_ident(t.evtname), NULL::oid FROM pg_catalog.pg_event_trigger t
    WHERE NOT EXISTS (SELECT FROM owned o WHERE o.classid = 'pg_event_trigger'::regclass AND o.objid = t.oid)
    UNION ALL
    SELECT 1, 'publication', quote_ident(p.pubname), NULL FROM pg_catalog.pg_publication p
    UNION ALL
    SELECT DISTINCT CASE WHEN i.type IN ('view', 'materialized view') THEN 2 WHEN i.type LIKE '%table' THEN 3 ELSE 4 END,
        i.type, i.identity, CASE WHEN i.type IN ('table', 'materialized view') THEN d.objid END
    FROM schemas s JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = s.oid
    AND d.deptype = 'n' CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i
    WHERE i.type NOT IN ('extension', 'default acl')
    AND NOT EXISTS (SELECT FROM owned o WHERE o.classid = d.classid AND o.objid = d.objid)
    UNION ALL
    SELECT 5, 'server', quote_ident(f.srvname), NULL FROM pg_catalog.pg_foreign_server f
    UNION ALL
    SELECT 6, 'extension', quote_ident(e.extname), NULL FROM pg_catalog.pg_extension e WHERE e.extname = ANY ($EXTENSIONS)
    UNION ALL
    SELECT 7, 'schema', quote_ident(s.nspname), NULL FROM schemas s WHERE s.whole
    UNION ALL
    SELECT 8, 'large object', l.oid::text, NULL FROM pg_catalog.pg_largeobject_metadata l
)
SELECT f.kind, f.identity, CASE WHEN f.oid IS NOT NULL THEN
    (SELECT greatest(c.reltuples::int8, pg_stat_get_live_tuples(c.oid), 0) FROM pg_catalog.pg_class c WHERE c.oid = f.oid)
    END AS estimate
FROM found f ORDER BY f.rank, f.identity";
