//! `--sql`: what is printed, applied with psql, leaves the database that the online run leaves.

use std::io::Write as _;
use std::process::{Command, Stdio};

use limbeck::core::plan::Purge;
use limbeck::core::sql::Values;
use limbeck::{Job, Migrator, Options};
use limbeck_testdb::{TestDb, TestServer};

use crate::support::{
    Rev, adapter, journal, line, migrator, rows, run, shown, single, table, value, whole, with_options,
};

/// What psql does on errors.
#[derive(Clone, Copy)]
enum OnError {
    Stop,
    GoOn,
}

/// Applies a script with psql; what it says on standard error.
async fn psql(db: &TestDb, script: &str, on_error: OnError) -> (bool, String) {
    let program = TestServer::shared().await.bin_dir().join("psql");
    let mut command = Command::new(program);
    command.args(["--no-psqlrc", "--quiet", "--dbname", db.url()]);
    if let OnError::Stop = on_error {
        command.args(["-v", "ON_ERROR_STOP=1"]);
    }
    // A terminal of another world than limbeck's.
    command.env("PGCLIENTENCODING", "LATIN1").env("PGDATESTYLE", "German").env("PGTZ", "Asia/Tokyo");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let script = script.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(script.as_bytes()));
    let output = child.wait_with_output().unwrap();
    // psql that stops at an error reads no further.
    let _ = writer.join().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// One job: online in the first database, by script in the second.
async fn same(migrator: &Migrator, dbs: &[TestDb; 2], online: Job<'_>, offline: Job<'_>) {
    run(migrator, dbs[0].url(), online).await.unwrap_or_else(|error| panic!("{}", shown(&error)));
    let script = migrator.to_sql(offline).unwrap_or_else(|error| panic!("{}", shown(&error)));
    let (succeeded, said) = psql(&dbs[1], &script, OnError::Stop).await;
    assert!(succeeded, "{said}\n{script}");
    assert!(!said.contains("ERROR") && !said.contains("WARNING"), "{said}\n{script}");
    let (expected, found) = (whole(&dbs[0]).await, whole(&dbs[1]).await);
    assert!(expected == found, "{online:?}:\nonline\n{expected}\nscript\n{found}\n{script}");
}

async fn two() -> [TestDb; 2] {
    [TestDb::new().await, TestDb::new().await]
}

/// Something of everything.
fn revisions() -> Vec<Rev> {
    let nasty = "CREATE TABLE \"naïve\" (id int, what text DEFAULT '日本 \\ ''x''');\n\
                 COMMENT ON TABLE \"naïve\" IS E'a\\tb';\n\
                 INSERT INTO \"naïve\" (id, what) VALUES (1, :'evil'), (2, $tag$ :'evil' $tag$);\n\
                 INSERT INTO \"naïve\" SELECT (ARRAY[1, 2, 3])[2], '1 Feb 2025 12:00'::timestamptz::text;\n\
                 CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;";
    let segments = "CREATE TABLE one (id int PRIMARY KEY, done bool NOT NULL DEFAULT false);\n\
                    INSERT INTO one SELECT generate_series(1, 25);\n\
                    -- limbeck:commit\n\
                    SET search_path = pg_catalog;\n\
                    INSERT INTO public.one VALUES (26);\n\
                    CREATE INDEX CONCURRENTLY one_done ON public.one (done);\n\
                    -- limbeck:batch size=10 pause=1ms\n\
                    UPDATE public.one SET done = true WHERE id IN (SELECT id FROM public.one WHERE NOT done LIMIT :'batch');\n\
                    -- limbeck:autocommit idempotent\n\
                    ANALYZE one;";
    let segments_down = "-- limbeck:batch size=20\n\
                         DELETE FROM one WHERE id IN (SELECT id FROM one LIMIT :'batch');\n\
                         DROP INDEX CONCURRENTLY one_done;\nDROP TABLE one;";
    let values = "CREATE TYPE mood AS ENUM ('sad');";
    let add = "ALTER TYPE mood ADD VALUE 'ok';\nCREATE TABLE person (mood mood);\nINSERT INTO person VALUES ('ok');\n\
               -- limbeck:when env=test\nINSERT INTO person VALUES ('sad');\n\
               -- limbeck:when env=production\nDROP TABLE person;";
    vec![
        Rev::new("a1", &[], nasty, "DROP FUNCTION f();\nDROP TABLE \"naïve\";"),
        Rev::new("a2", &["a1"], segments, segments_down),
        Rev::new("a3", &["a2"], values, "DROP TYPE mood;"),
        Rev::new("a4", &["a3"], add, "DROP TABLE person;"),
        Rev::new("an_id_that_is_longer_than_alembics_column", &["a4"], "", ""),
        table("b2", &["a1"]),
        table("m", &["an_id_that_is_longer_than_alembics_column", "b2"]),
        table("d1", &[]).depends_on(&["a3"]),
    ]
}

fn values() -> Values {
    let mut values = Values::new();
    values.set("evil", "'; DROP TABLE one; --\n\\ \"x\" $1 $$ :'evil' \\! ls");
    values.set("env", "test");
    values
}

#[tokio::test]
async fn upgrades_and_downgrades() {
    let migrator = with_options(&revisions(), Options { values: values(), ..Options::default() });
    let dbs = two().await;
    same(&migrator, &dbs, Job::Upgrade("a1"), Job::Upgrade("a1")).await;
    same(&migrator, &dbs, Job::Upgrade("a4"), Job::Upgrade("a1:a4")).await;
    same(&migrator, &dbs, Job::Upgrade("m"), Job::Upgrade("a4:m")).await;
    same(&migrator, &dbs, Job::Downgrade("a1"), Job::Downgrade("m:a1")).await;
    same(&migrator, &dbs, Job::Downgrade("base"), Job::Downgrade("a1:base")).await;
    same(&migrator, &dbs, Job::Upgrade("heads"), Job::Upgrade("heads")).await;
}

#[tokio::test]
async fn a_single_transaction() {
    let plain: Vec<Rev> =
        revisions().into_iter().filter(|rev| rev.id == "a1").chain([table("a2", &["a1"])]).collect();
    let migrator = with_options(&plain, Options { values: values(), ..single() });
    let dbs = two().await;
    same(&migrator, &dbs, Job::Upgrade("head"), Job::Upgrade("head")).await;
    same(&migrator, &dbs, Job::Downgrade("base"), Job::Downgrade("head:base")).await;
}

#[tokio::test]
async fn stamps() {
    let migrator = with_options(&revisions(), Options { values: values(), ..Options::default() });
    let dbs = two().await;
    let list = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let stamp = async |online: &str, offline: &str, purge| {
        let (online, offline) = (list(online), list(offline));
        same(&migrator, &dbs, Job::Stamp(&online, purge), Job::Stamp(&offline, purge)).await;
    };
    stamp("a4 b2", "a4 b2", Purge::Keep).await;
    let dbs = two().await;
    let stamp = async |online: &str, offline: &str, purge| {
        let (online, offline) = (list(online), list(offline));
        same(&migrator, &dbs, Job::Stamp(&online, purge), Job::Stamp(&offline, purge)).await;
    };
    stamp("a2", "a2", Purge::Keep).await;
    stamp("m", "a2:m", Purge::Keep).await;
    stamp("a1", "m:a1", Purge::Keep).await;
    stamp("base", "a1:base", Purge::Keep).await;
    stamp("heads", "heads", Purge::Purge).await;
}

#[tokio::test]
async fn other_places_for_the_state() {
    let mut options = Options { values: values(), ..Options::default() };
    options.state.version_table = "Odd \"versions\"".to_owned();
    options.state.version_table_schema = Some("public".to_owned());
    let migrator = with_options(&revisions(), options);
    let dbs = two().await;
    same(&migrator, &dbs, Job::Upgrade("a4"), Job::Upgrade("a4")).await;
    same(&migrator, &dbs, Job::Downgrade("base"), Job::Downgrade("a4:base")).await;
}

#[tokio::test]
async fn the_adapter() {
    let migrator = adapter(Options::default());
    let dbs = two().await;
    let all = ["001", "001b", "002", "003", "004", "005"];
    for at in 0..all.len() {
        let range = at
            .checked_sub(1)
            .map_or_else(|| all[at].to_owned(), |below| format!("{}:{}", all[below], all[at]));
        same_but_times(&migrator, &dbs, Job::Upgrade(all[at]), Job::Upgrade(&range)).await;
    }
    same_but_times(&migrator, &dbs, Job::Downgrade("base"), Job::Downgrade("head:base")).await;
    same_but_times(&migrator, &dbs, Job::Upgrade("head"), Job::Upgrade("head")).await;
}

/// As [`same`]; rows that say when they were made are made equal first.
async fn same_but_times(migrator: &Migrator, dbs: &[TestDb; 2], online: Job<'_>, offline: Job<'_>) {
    run(migrator, dbs[0].url(), online).await.unwrap_or_else(|error| panic!("{}", shown(&error)));
    let script = migrator.to_sql(offline).unwrap_or_else(|error| panic!("{}", shown(&error)));
    let (succeeded, said) = psql(&dbs[1], &script, OnError::Stop).await;
    assert!(succeeded, "{said}\n{script}");
    let level = "DO $$ BEGIN IF to_regclass('tenants') IS NOT NULL THEN \
                 UPDATE tenants SET created_at = 'epoch', updated_at = 'epoch'; END IF; END $$";
    for db in dbs {
        assert_eq!(value(db.url(), level).await, "");
    }
    let (expected, found) = (whole(&dbs[0]).await, whole(&dbs[1]).await);
    assert!(expected == found, "{online:?}:\nonline\n{expected}\nscript\n{found}\n{script}");
}

/// psql without ON_ERROR_STOP goes on after an error; no later revision may count as applied.
#[tokio::test]
async fn a_failure_is_not_run_over() {
    let mut revs = line(&["a1", "a2", "a3", "a4"]);
    revs[1].body = revs[1].body.replace("CREATE TABLE t_a2", "SELECT 1 / 0;\nCREATE TABLE t_a2");
    for on_error in [OnError::GoOn, OnError::Stop] {
        let db = TestDb::new().await;
        let script = migrator(&revs).to_sql(Job::Upgrade("head")).unwrap();
        let (_, said) = psql(&db, &script, on_error).await;
        assert!(said.contains("division by zero"), "{said}");
        assert_eq!(rows(db.url()).await, "a1");
        assert_eq!(journal(db.url()).await, "a1 upgrade done 1/1 rows={a1}");
        let tables =
            "SELECT string_agg(tablename, ' ' ORDER BY 1) FROM pg_tables WHERE schemaname = 'public'";
        assert_eq!(value(db.url(), tables).await, "alembic_version t_a1");
    }
    // In every place of a revision in segments, and in the revision before it.
    let segments =
        ["CREATE TABLE t_b2 (id int)", "SELECT 1", "CREATE INDEX CONCURRENTLY ON t_b2 (id)", "SELECT 2"];
    for fails in 0..segments.len() {
        let mut statements = segments.map(str::to_owned);
        statements[fails] = match fails {
            2 => "CREATE INDEX CONCURRENTLY ON t_b2 (nothing)".to_owned(),
            _ => "SELECT 1 / 0".to_owned(),
        };
        let [first, second, third, fourth] = statements;
        let up = format!("{first};\n-- limbeck:commit\n{second};\n{third};\n{fourth};");
        let revs = [table("b1", &[]), Rev::new("b2", &["b1"], &up, ""), table("b3", &["b2"])];
        let db = TestDb::new().await;
        let script = migrator(&revs).to_sql(Job::Upgrade("head")).unwrap();
        psql(&db, &script, OnError::GoOn).await;
        assert_eq!(rows(db.url()).await, "b1", "segment {fails} fails");
        assert_eq!(value(db.url(), "SELECT to_regclass('t_b3')::text").await, "NULL");
        // limbeck goes on from there.
        let mended =
            revs.map(|rev| Rev { body: rev.body.replace("1 / 0", "1").replace("nothing", "id"), ..rev });
        if fails > 0 {
            assert!(journal(db.url()).await.contains("b2 upgrade running"), "segment {fails} fails");
            continue;
        }
        run(&migrator(&mended), db.url(), Job::Upgrade("head")).await.unwrap_err();
    }
}

/// A script for a place where the database is not: nothing is recorded.
#[tokio::test]
async fn a_script_for_another_place() {
    let migrator = migrator(&line(&["a1", "a2", "a3"]));
    let db = TestDb::new().await;
    let script = migrator.to_sql(Job::Upgrade("a2:a3")).unwrap();
    let (_, said) = psql(&db, &script, OnError::GoOn).await;
    assert!(said.contains("limbeck: the version table holds unexpected rows"), "{said}");
    assert_eq!(value(db.url(), "SELECT to_regclass('t_a3')::text").await, "NULL");
}
