//! Servers, cases, and the round trip.

#[path = "../versions/mod.rs"]
mod versions;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use limbeck::catalog::{self, Filter, Read};
use limbeck::core::ddl;
use limbeck::core::schema::{Kind, Name, Object, ObjectId, Schema};
use limbeck::local::{Server, ServerOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use versions::programs_of;

/// Where databases are made.
pub(crate) enum Place {
    /// On a throw-away server.
    Server(Server),
    /// On that of a container: the folder of its socket.
    InContainer(String),
    /// Each in an embedded PostgreSQL of its own.
    #[cfg(feature = "embedded")]
    Embedded,
}

/// The server of a container, which `cargo xtask servers` starts.
pub(crate) async fn container_of(major: u32) -> Place {
    let name = format!("LIMBECK_TEST_SOCKET_{major}");
    let socket =
        env::var(&name).unwrap_or_else(|_| panic!("{name} names no folder: run `cargo xtask servers`"));
    for role in ["anna", "\"Bert B\""] {
        let make = format!("DO $$BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN END$$");
        run(&in_container(&socket, "postgres"), &make).await;
    }
    Place::InContainer(socket)
}

fn in_container(socket: &str, database: &str) -> String {
    format!("postgresql://postgres@localhost/{database}?host={socket}")
}

impl Place {
    /// How many messages with SQL a server has got that logs them.
    pub(crate) fn messages(&self) -> usize {
        match self {
            Self::Server(server) => {
                let log = fs::read_to_string(server.log_path()).unwrap();
                log.matches("LOG:  statement: ").count() + log.matches("LOG:  execute ").count()
            }
            Self::InContainer(_) => unreachable!("the server of a container keeps its log there"),
            #[cfg(feature = "embedded")]
            Self::Embedded => unreachable!("the embedded server keeps no log"),
        }
    }
}

/// A throw-away server of one major version.
pub(crate) async fn server_of(major: u32) -> Place {
    server(major, ServerOptions::default()).await
}

/// One that logs every message with SQL.
pub(crate) async fn logging_server(major: u32) -> Place {
    server(major, ServerOptions { settings: vec!["log_statement=all".to_owned()] }).await
}

async fn server(major: u32, options: ServerOptions) -> Place {
    let server = Server::temporary(&programs_of(major), options).await.unwrap();
    run(&server.url("postgres"), ROLES).await;
    Place::Server(server)
}

/// The roles that the cases grant things to.
const ROLES: &str = "CREATE ROLE anna; CREATE ROLE \"Bert B\"";

/// One file of SQL.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) sql: String,
}

/// The files of `catalog_cases` for a major version: `-- since 16` in the first line names the first one, `-- only 15 17`
/// the only ones.
pub(crate) fn cases(major: u32) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalog_cases");
    let only = env::var("LIMBECK_TEST_CASE").ok();
    let cases = sorted(&folder).into_iter().map(|path| case(&path));
    let chosen = |case: &Case| only.as_ref().is_none_or(|only| case.name.contains(only.as_str()));
    let suits = |case: &Case| {
        let first = case.sql.lines().next().unwrap_or_default();
        let since =
            first.strip_prefix("-- since ").is_none_or(|version| version.parse::<u32>().unwrap() <= major);
        let named = |text: &str| text.split([' ', ':']).any(|word| word == major.to_string());
        since && first.strip_prefix("-- only ").is_none_or(named)
    };
    let cases: Vec<Case> = cases.filter(|case| chosen(case) && suits(case)).collect();
    assert!(only.is_some() || cases.len() > 10, "the cases were not found");
    cases
}

/// What `pg_dump -s` said after each revision of two real projects.
pub(crate) fn conformance_states() -> Vec<Case> {
    let folder = env::var("LIMBECK_CONFORMANCE_DIR")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance").to_owned());
    let folder = Path::new(&folder).join("schemas");
    let cases: Vec<Case> =
        sorted(&folder).iter().flat_map(|project| sorted(project)).map(|it| case(&it)).collect();
    assert!(cases.len() >= 102, "the conformance schemas were not found in {}", folder.display());
    cases
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn case(path: &Path) -> Case {
    Case { name: path.display().to_string(), sql: fs::read_to_string(path).unwrap() }
}

/// A database that SQL was loaded into.
pub(crate) struct Loaded {
    url: String,
    /// The server's programs, and the database that drops this one.
    on: Option<(PathBuf, String)>,
    #[cfg(feature = "embedded")]
    embedded: Option<(limbeck::local::LocalDatabase, tempfile::TempDir)>,
}

impl Loaded {
    pub(crate) async fn new(place: &Place, sql: &str) -> Result<Self, String> {
        let loaded = Self::empty(place).await;
        loaded.psql(sql)?;
        Ok(loaded)
    }

    async fn empty(place: &Place) -> Self {
        match place {
            Place::Server(server) => {
                Self::on(server.programs().bin_dir().to_owned(), |name| server.url(name)).await
            }
            // The newest `pg_dump` dumps every version.
            Place::InContainer(socket) => {
                Self::on(programs_of(18).bin_dir().to_owned(), |name| in_container(socket, name)).await
            }
            #[cfg(feature = "embedded")]
            Place::Embedded => {
                use limbeck::local::{LocalDatabase, LocalOptions, Preference};
                let folder = tempfile::tempdir().unwrap();
                let options =
                    LocalOptions { preference: Preference::Embedded, ..LocalOptions::new(folder.path()) };
                let database = LocalDatabase::open(options).await.unwrap();
                run(database.url(), ROLES).await;
                Self { url: database.url().to_owned(), on: None, embedded: Some((database, folder)) }
            }
        }
    }

    /// A new database on a server of which there are programs.
    async fn on(programs: PathBuf, url: impl Fn(&str) -> String) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("catalog_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let admin = url("postgres");
        run(&admin, &format!("DROP DATABASE IF EXISTS {name}")).await;
        run(&admin, &format!("CREATE DATABASE {name} TEMPLATE template0")).await;
        Self {
            url: url(&name),
            on: Some((programs, admin)),
            #[cfg(feature = "embedded")]
            embedded: None,
        }
    }

    /// With psql, as a user would.
    fn psql(&self, sql: &str) -> Result<(), String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), sql).unwrap();
        // Any version's psql loads.
        let own = self.on.as_ref().map(|(bin, _)| bin.join("psql")).filter(|psql| psql.exists());
        let psql = own.unwrap_or_else(|| PathBuf::from("psql"));
        let output = Command::new(psql)
            .args(["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-d", &self.url, "-f"])
            .arg(file.path())
            .env("PGOPTIONS", "-c client_min_messages=warning")
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("{}\nin\n{sql}", String::from_utf8_lossy(&output.stderr))),
        }
    }

    pub(crate) async fn read(&self, filter: &Filter, before: &[&str]) -> Read {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        for statement in before {
            sqlx::raw_sql(AssertSqlSafe((*statement).to_owned())).execute(&mut connection).await.unwrap();
        }
        let read = catalog::read(&mut connection, filter).await.unwrap();
        connection.close().await.unwrap();
        read
    }

    /// Every index, that of a constraint too, is defined as `pg_get_indexdef` says.
    async fn prints_indexes_as_the_server_does(&self, schema: &Schema) {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let sql =
            "SELECT n.nspname::text, c.relname::text, x.relname::text, pg_get_indexdef(x.oid) FROM pg_index i
            JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace";
        sqlx::raw_sql("SET search_path = pg_catalog").execute(&mut connection).await.unwrap();
        let rows: Vec<(String, String, String, String)> =
            sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        for (namespace, table, index, printed) in rows {
            let table = Name::new(namespace, table);
            let definitions = [Kind::Index, Kind::Constraint].map(|kind| {
                match schema.get(&ObjectId::of(kind, &table, &index)) {
                    Some(Object::Index(index)) => Some(&index.definition),
                    Some(Object::Constraint(constraint)) => constraint.index.as_ref(),
                    _ => None,
                }
            });
            for definition in definitions.into_iter().flatten() {
                assert!(printed.ends_with(&format!(" {definition}")), "{printed} is not {definition}");
                assert!(definition.starts_with("USING "), "{definition}");
            }
        }
    }

    /// `pg_dump -s`, without what changes from run to run. There is none for the embedded server.
    fn pg_dump(&self) -> String {
        let Some((bin, _)) = &self.on else { return String::new() };
        let output = Command::new(bin.join("pg_dump")).args(["-s", "-O", "-d", &self.url]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let lasting = text.lines().filter(|line| !line.starts_with("\\")).filter_map(without_version);
        lasting.collect::<Vec<_>>().join("\n")
    }

    pub(crate) async fn drop(self) {
        if let Some((_, admin)) = &self.on {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            let name: String = sqlx::query_scalar("SELECT current_database()::text")
                .fetch_one(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
            run(admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
        #[cfg(feature = "embedded")]
        if let Some((database, _folder)) = self.embedded {
            database.close().await.unwrap();
        }
    }
}

async fn run(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// A line of a dump without what the newest minor releases keep among a column's options for themselves, with a value of
/// its own at each change.
fn without_version(line: &str) -> Option<String> {
    let Some((before, after)) = line.split_once("pg_attver=") else { return Some(line.to_owned()) };
    let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
    match before.strip_suffix(", ") {
        Some(before) => Some(format!("{before}{after}")),
        None if after.starts_with(')') => None,
        None => Some(format!("{before}{}", after.trim_start_matches(", "))),
    }
}

/// Cases that fail are all told.
pub(crate) async fn round_trips(place: &Place, cases: &[Case]) {
    let mut wrong = Vec::new();
    for case in cases {
        if let Err(what) = round_trip(place, case).await {
            wrong.push(format!("{}: {what}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Expressions may print differently once more (`design.md`, section 8): then the second print is stable.
async fn round_trip(place: &Place, case: &Case) -> Result<(), String> {
    let first = Loaded::new(place, &case.sql).await?;
    let second = again(place, &first).await?;
    let (one, two) = (first.read(&Filter::default(), &[]).await, second.read(&Filter::default(), &[]).await);
    in_part(place, &one.schema, &two.schema).await?;
    let (one, two) = (sorted_columns(one.schema), sorted_columns(two.schema));
    first.prints_indexes_as_the_server_does(&one).await;
    let result = if one == two {
        // Text is compared in pieces: where objects are made in another order, `pg_dump` lists them in another.
        difference(&pieces(&first.pg_dump()), &pieces(&second.pg_dump()))
    } else {
        let third = again(place, &second).await?;
        let three = third.read(&Filter::default(), &[]).await;
        let stable = compare(&two, &sorted_columns(three.schema));
        let unstable = compare(&one, &two).err().unwrap_or_default();
        third.drop().await;
        match stable {
            Err(difference) => Err(format!("not stable: {difference}")),
            // Only the text of an expression may be another one: `ANY (ARRAY[...])` with its casts.
            Ok(()) if unstable.contains("ARRAY[") => Ok(()),
            Ok(()) => Err(unstable),
        }
    };
    first.drop().await;
    second.drop().await;
    result
}

/// What is said to be settled is the same when it is printed once more, and the rest comes out the same when it goes
/// without it.
async fn in_part(place: &Place, one: &Schema, two: &Schema) -> Result<(), String> {
    let part = one.unsettled();
    let without = |schema: &Schema| {
        let mut schema = schema.clone();
        schema.objects.retain(|id, _| !part.objects.contains_key(id));
        sorted_columns(schema)
    };
    compare(&without(one), &without(two)).map_err(|what| format!("not settled: {what}"))?;
    if part.objects.is_empty() {
        return Ok(());
    }
    let alone = Loaded::new(place, &script(&part)).await.map_err(|what| format!("in part: {what}"))?;
    let read = sorted_columns(alone.read(&Filter::default(), &[]).await.schema);
    alone.drop().await;
    let mut expected = two.clone();
    expected.objects.retain(|id, _| part.objects.contains_key(id));
    let (read, expected) = (without_shares(read), without_shares(sorted_columns(expected)));
    compare(&read, &expected).map_err(|what| format!("in part: {what}"))
}

/// A part has not all that the partitions in it share.
fn without_shares(mut schema: Schema) -> Schema {
    for entry in schema.objects.values_mut() {
        if let Object::Table(table) = &mut entry.object {
            *table.shares = Default::default();
        }
    }
    schema
}

fn script(schema: &Schema) -> String {
    ddl::dump(schema).iter().map(|statement| format!("{statement};\n")).collect()
}

async fn again(place: &Place, from: &Loaded) -> Result<Loaded, String> {
    let read = from.read(&Filter::default(), &[]).await;
    Loaded::new(place, &script(&read.schema)).await
}

/// The lines of objects that differ.
fn compare(one: &Schema, two: &Schema) -> Result<(), String> {
    let print = |schema: &Schema| -> BTreeMap<String, usize> {
        let lines = schema.objects.iter().flat_map(|(id, entry)| {
            let text = format!("{entry:#?}");
            text.lines().map(|line| format!("{id}: {}", line.trim())).collect::<Vec<_>>()
        });
        let mut counted = BTreeMap::new();
        lines.for_each(|line| *counted.entry(line).or_default() += 1);
        counted
    };
    difference(&print(one), &print(two))
}

/// The order of columns is not compared: an attached partition may have another one than its parent.
fn sorted_columns(mut schema: Schema) -> Schema {
    for entry in schema.objects.values_mut() {
        if let Object::Table(table) = &mut entry.object {
            table.columns.sort_by(|a, b| a.name.cmp(&b.name));
        }
    }
    schema
}

fn pieces(dump: &str) -> BTreeMap<String, usize> {
    let mut pieces = BTreeMap::new();
    for piece in dump.split(";\n").map(str::trim) {
        let piece: Vec<&str> =
            piece.lines().filter(|line| !line.starts_with("--") && !line.trim().is_empty()).collect();
        // The order of columns is not compared.
        let mut piece: Vec<String> =
            piece.into_iter().map(|line| unnamed(line.trim().trim_end_matches(','))).collect();
        piece.sort_unstable();
        *pieces.entry(piece.join("\n")).or_default() += 1;
    }
    pieces
}

/// The name that NOT NULL has from PostgreSQL 18 on is no part of a schema value.
fn unnamed(line: &str) -> String {
    let named = line.strip_suffix(" NOT NULL").and_then(|before| before.rsplit_once(" CONSTRAINT "));
    named.map_or_else(|| line.to_owned(), |(column, _)| format!("{column} NOT NULL"))
}

fn difference(one: &BTreeMap<String, usize>, two: &BTreeMap<String, usize>) -> Result<(), String> {
    let only = |a: &BTreeMap<String, usize>, b: &BTreeMap<String, usize>| -> String {
        a.iter()
            .filter(|(key, count)| b.get(*key) != Some(*count))
            .map(|(key, _)| format!("{key}\n"))
            .collect()
    };
    let (before, after) = (only(one, two), only(two, one));
    if before.is_empty() && after.is_empty() {
        Ok(())
    } else {
        Err(format!("\n<<<\n{before}===\n{after}>>>"))
    }
}
