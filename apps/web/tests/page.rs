//! The page in a browser: on a real database with the real adapter, and on whatever an adapter may answer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod support;

use std::time::Duration;

use limbeck::Migrator;
use limbeck_testdb::TestDb;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use support::{HEALTH, KEY, MIGRATIONS, Running, Scheme, Stand, adapter, browse, http, look, ok, web};

const VERSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../adapter/migrations/versions");

/// Nobody listens on port 1.
const NOBODY: &str = "http://127.0.0.1:1";

/// The adapter's own revisions: how many, and the newest.
fn release() -> (usize, String) {
    let migrator = Migrator::from_dir(VERSIONS).unwrap();
    let head = migrator.graph().heads().map(|node| node.id().to_string()).collect::<Vec<_>>().join(", ");
    (migrator.graph().len(), head)
}

fn migrate(url: &str) {
    let output = adapter(url).arg("--migrate").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The adapter's revisions and one more, as a newer release has them.
fn newer_release(upgrade: &str) -> (tempfile::TempDir, Migrator) {
    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(VERSIONS).unwrap().flatten() {
        std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    let header = format!("-- Newer\n--\n-- revision: newer\n-- down_revision: {}\n", release().1);
    let text = format!(
        "{header}-- created: 2026-01-01 00:00 UTC\n\n-- limbeck:upgrade\n{upgrade}\n\n-- limbeck:downgrade\nSELECT 1;\n"
    );
    std::fs::write(folder.path().join("newer.sql"), text).unwrap();
    let migrator = Migrator::from_dir(folder.path()).unwrap();
    (folder, migrator)
}

/// The text of the document's sentence.
fn sentence(document: &str) -> &str {
    let (_, rest) = document.split_once(r#"<h1 id="sentence">"#).unwrap_or_else(|| panic!("{document}"));
    rest.split_once("</h1>").unwrap().0
}

/// How often something is in it.
fn count(document: &str, what: &str) -> usize {
    document.matches(what).count()
}

fn assert_has(document: &str, words: &[&str]) {
    for word in words {
        assert!(document.contains(word), "{word} is missing: {document}");
    }
}

#[tokio::test]
async fn a_database_from_empty_to_head() {
    let db = TestDb::new().await;
    let adapter = Running::start(adapter(db.url()));
    let mut page = Running::start(web(&adapter.url()));
    let (all, head) = release();

    let document = browse(&page.url(), Scheme::Light);
    assert_eq!(
        sentence(&document),
        format!("Not ready: the database is empty, {all} revisions are pending.")
    );
    assert_has(
        &document,
        &["<title>Not ready", "limbeck upgrade head</code>", "Empty: limbeck has changed nothing"],
    );
    assert_eq!(count(&document, r#"class="node pending""#), all + 1, "the revisions, and the legend");

    migrate(db.url());
    let document = browse(&page.url(), Scheme::Light);
    assert_eq!(
        sentence(&document),
        format!("Ready: all {all} revisions are applied; the database is at {head}.")
    );
    assert_eq!(count(&document, r#"class="node applied""#), all + 1);
    assert_eq!(count(&document, r#"<span class="word here">database is here</span>"#), 1);
    assert_eq!(count(&document, r#"<td role="cell">upgrade</td>"#), all, "the journal");
    assert_has(&document, &["All ", "Initial schema", "content=\"15\"", "?refresh=off"]);
    let (_, _, paused) = page.ask("GET", "/?refresh=off");
    assert!(!paused.contains("http-equiv"), "{paused}");

    let log = page.stop();
    assert!(log.contains("stopped") && !log.contains(KEY), "{log}");
}

#[tokio::test]
async fn a_newer_release_that_stopped_half_way() {
    let db = TestDb::new().await;
    migrate(db.url());
    let adapter = Running::start(adapter(db.url()));
    let page = Running::start(web(&adapter.url()));
    let (_folder, newer) = newer_release(
        "CREATE TABLE newer (id int);\n-- limbeck:commit\nSELECT 1 / (SELECT count(*) FROM newer);",
    );
    newer.upgrade(db.url()).await.unwrap_err();
    let document = browse(&page.url(), Scheme::Light);
    assert_eq!(sentence(&document), "The upgrade of newer did not finish, and nobody is at work on it.");
    assert_has(
        &document,
        &["1 of 2 segments are committed", "<dt>Unfinished</dt>", r#"word bad">unfinished<"#],
    );

    let mut connection = db.connect().await;
    sqlx::query("INSERT INTO newer VALUES (1)").execute(&mut connection).await.unwrap();
    newer.upgrade(db.url()).await.unwrap();
    let document = browse(&page.url(), Scheme::Light);
    assert!(
        sentence(&document).contains("the database is ahead, at newer of a newer release"),
        "{}",
        sentence(&document)
    );
}

#[tokio::test]
async fn a_migration_that_runs() {
    let db = TestDb::new().await;
    migrate(db.url());
    let adapter = Running::start(adapter(db.url()));
    let page = Running::start(web(&adapter.url()));
    let mut barrier = db.connect().await;
    sqlx::raw_sql("CREATE TABLE barrier (id int)").execute(&mut barrier).await.unwrap();
    sqlx::raw_sql("BEGIN; LOCK TABLE barrier").execute(&mut barrier).await.unwrap();
    let (_folder, newer) = newer_release("-- limbeck:timeout lock=0\nSELECT FROM barrier;");
    let looking = async {
        let mut watcher = PgConnection::connect(db.url()).await.unwrap();
        while newer
            .migrating(&mut watcher)
            .await
            .unwrap()
            .is_none_or(|who| who.application != "limbeck newer")
        {
            tokio::task::yield_now().await;
        }
        let document = tokio::task::spawn_blocking(move || browse(&page.url(), Scheme::Light)).await.unwrap();
        sqlx::raw_sql("ROLLBACK").execute(&mut barrier).await.unwrap();
        document
    };
    let looking = tokio::time::timeout(Duration::from_secs(300), looking);
    let (outcome, document) = tokio::join!(newer.upgrade(db.url()), looking);
    outcome.unwrap();
    let document = document.expect("the migration is never seen at work");
    assert_eq!(sentence(&document), "A migration is running: newer.");
}

#[tokio::test]
async fn keys_that_do_not_fit() {
    let db = TestDb::new().await;
    migrate(db.url());
    let on = Running::start(adapter(db.url()));
    let mut other = adapter(db.url());
    other.env_remove("ADMIN_API_KEY");
    let off = Running::start(other);
    let cases = [
        (web(&on.url()), "another", "The adapter refuses this page’s admin key."),
        (web(&on.url()), "", "This page has no admin key, so the adapter tells it nothing."),
        (web(&off.url()), KEY, "The adapter’s admin API is off."),
    ];
    for (mut command, key, expected) in cases {
        command.env("ADMIN_API_KEY", key);
        let (status, page) = Running::start(command).page();
        assert_eq!((status, sentence(&page)), (503, expected));
        assert_has(&page, &["What to do:", "ADMIN_API_KEY", r#"<h2 id="parts">"#]);
    }
}

#[test]
fn a_database_that_is_down() {
    let adapter = Running::start(adapter("postgresql://someone:hush-hush@127.0.0.1:1/none"));
    let (status, page) = Running::start(web(&adapter.url())).page();
    assert_eq!((status, sentence(&page)), (503, "The adapter cannot say how the migrations stand."));
    assert_has(&page, &["It answered 503", "What to do:"]);
    assert!(!page.contains("hush-hush"), "{page}");
}

#[test]
fn answers_that_are_none() {
    let html = http("200 OK", "text/html", "<h1>Welcome to nginx</h1>");
    let problem = r#"{"title":"Too many","detail":"<b>slow down</b>","correlation_id":"c-1"}"#;
    let moved = http("302 Found", "text/plain", "").replace("\r\n\r\n", "\r\nLocation: /elsewhere\r\n\r\n");
    let not_it = "What answers is not the adapter, or not one that this page understands.";
    let failing = "The adapter cannot say how the migrations stand.";
    let cases = [
        (html.clone(), 502, not_it, "expected value at line 1"),
        (ok("{}"), 502, not_it, "missing field"),
        (ok(r#"{"database": 7, "revisions": [], "journal": []}"#), 502, not_it, "invalid type: integer"),
        (http("404 Not Found", "text/html", "<h1>no</h1>"), 502, not_it, "404 Not Found"),
        (moved, 502, not_it, "302 Found"),
        (ok(&" ".repeat(17 << 20)), 502, not_it, "more than 16 MiB"),
        ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), 502, "The adapter cannot be reached.", "HTTP"),
        (String::new(), 502, "The adapter does not answer in time.", "eight seconds"),
        (
            http("429 Too Many Requests", "application/problem+json", problem),
            503,
            failing,
            "&#60;b&#62;slow down",
        ),
        (http("500 Internal Server Error", "application/problem+json", "["), 503, failing, "gave no reason"),
    ];
    for (answer, status, expected, words) in cases {
        let stand = Stand::answering(&[(MIGRATIONS, answer), (HEALTH, html.clone())]);
        let (got, page) = Running::start(web(&stand.url())).page();
        assert_eq!((got, sentence(&page)), (status, expected), "{page}");
        assert_has(&page, &[words, "What to do:", "Unknown."]);
    }
    let (status, page) = Running::start(web(NOBODY)).page();
    assert_eq!((status, sentence(&page)), (502, "The adapter cannot be reached."));
    assert_has(&page, &["refused", "ADAPTER_URL"]);
}

/// A state of the given revisions, of which the first `pending` are not applied; more is merged into its database.
fn state(mut revisions: Vec<Value>, pending: usize, more: &Value) -> Value {
    let left: Vec<Value> = revisions[..pending].iter().rev().map(|revision| revision["id"].clone()).collect();
    revisions[..pending].iter_mut().for_each(|revision| revision["applied"] = json!(false));
    let rows: Vec<Value> =
        revisions.iter().skip(pending).take(1).map(|revision| revision["id"].clone()).collect();
    let mut database =
        json!({ "rows": rows, "ready": left.is_empty(), "pending": left, "ahead": [], "running": null });
    database.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let entry = |at: usize, revision: &Value| {
        json!({ "id": at, "revision": revision["id"], "message": revision["message"], "direction": "upgrade",
                "state": "done", "started_at": "2026-11-23T01:02:03.456789Z", "finished_at": "2026-11-23T01:02:04Z",
                "database_user": "owner", "client": "limbeck 0.1.0 on host", "note": "a word" })
    };
    let journal: Vec<Value> =
        revisions.iter().skip(pending).take(50).enumerate().map(|(at, r)| entry(at, r)).collect();
    json!({ "database": database, "revisions": revisions, "journal": journal })
}

fn revision(id: &str, parents: &[&str], depends_on: &[&str], head: bool) -> Value {
    json!({ "id": id, "message": format!("what {id} does, in a sentence that is longer than a phone is wide"),
            "parents": parents, "depends_on": depends_on, "labels": ["billing"], "applied": true, "head": head })
}

/// Two branches, a merge, and a branch that depends on the first; newest first.
fn branched() -> Vec<Value> {
    vec![
        revision("m5", &["a4", "b4"], &[], true),
        revision("b4", &["b3"], &[], false),
        revision("b3", &["a2"], &[], false),
        revision("s2", &["s1"], &["a4"], true),
        revision("s1", &[], &[], false),
        revision("a4", &["a3"], &[], false),
        revision("a3", &["a2"], &[], false),
        revision("a2", &["a1"], &[], false),
        revision("a1", &[], &[], false),
    ]
}

fn line(length: usize) -> Vec<Value> {
    let id = |at: usize| format!("r{at:04}");
    let one = |at: usize| match at {
        1 => revision(&id(1), &[], &[], length == 1),
        at => revision(&id(at), &[&id(at - 1)], &[], at == length),
    };
    (1..=length).rev().map(one).collect()
}

/// Every kind of state, for a look at it.
fn states() -> Vec<(&'static str, Value)> {
    let running = json!({ "revision": "b4", "direction": "upgrade", "committed": 1, "segments": 3, "batch_rows": 120_000,
                          "intent": "CREATE INDEX CONCURRENTLY one ON two (three)" });
    let session = json!({ "pid": 4711, "application": "limbeck b4", "user": "owner" });
    vec![
        ("branches", state(branched(), 0, &json!({}))),
        ("pending", state(branched(), 3, &json!({}))),
        ("running", state(branched(), 2, &json!({ "running": running, "migrating": session }))),
        ("unfinished", state(branched(), 2, &json!({ "running": running }))),
        ("many", state(line(1000), 2, &json!({}))),
        ("none", state(Vec::new(), 0, &json!({}))),
    ]
}

#[test]
fn branches_merges_and_dependencies_are_drawn() {
    let stand = Stand::with_state(&states()[0].1);
    let page = Running::start(web(&stand.url()));
    let document = browse(&page.url(), Scheme::Light);
    assert_eq!(sentence(&document), "Ready: all 9 revisions are applied; the database is at m5.");
    assert_eq!(count(&document, r#"<path class="edge""#), 8, "an edge for every parent");
    assert_eq!(count(&document, r#"<path class="edge dependency""#), 2, "one dashed line, and the legend's");
    assert_eq!(count(&document, r#"<span class="word merge">merge</span>"#), 1);
    assert_eq!(count(&document, r#"<span class="word head">head</span>"#), 2);
    assert_has(&document, &["depends on a4", "; follows a4 and b4", "; follows nothing"]);
}

#[test]
fn what_runs_has_its_own_shape_and_word() {
    for (at, word, sentence_) in [
        (2, "running", "The upgrade of b4 is running."),
        (3, "unfinished", "The upgrade of b4 did not finish, and nobody is at work on it."),
    ] {
        let stand = Stand::with_state(&states()[at].1);
        let (_, page) = Running::start(web(&stand.url())).page();
        assert_eq!(sentence(&page), sentence_);
        assert_eq!(count(&page, &format!(r#"class="node {word}""#)), 2, "the revision, and the legend");
        assert_has(
            &page,
            &[
                &format!(r#"<span class="word {word}">{word}</span>"#),
                "120,000 rows",
                "CREATE INDEX CONCURRENTLY",
            ],
        );
    }
}

#[test]
fn of_a_thousand_revisions_the_newest_are_drawn() {
    let stand = Stand::with_state(&states()[4].1);
    let page = Running::start(web(&stand.url()));
    let document = browse(&page.url(), Scheme::Light);
    assert_eq!(sentence(&document), "Not ready: 2 of 1,000 revisions are pending.");
    assert_has(
        &document,
        &["The newest 60 of 1,000 revisions. 940 older ones are not drawn, all of them applied."],
    );
    assert_eq!(count(&document, "<li class=\"applied\">"), 58);
    assert_eq!(count(&document, "<li class=\"pending\">"), 2);
}

#[test]
fn what_the_adapter_says_is_text() {
    let evil =
        r#"</title><script>document.title='owned'</script><img src=x onerror="document.title='owned'">'"&"#;
    let mut revisions = line(2);
    revisions[0]["id"] = json!(evil);
    revisions[0]["message"] = json!(evil);
    revisions[0]["labels"] = json!([evil]);
    let mut all = state(revisions, 1, &json!({ "rows": [evil], "ahead": [evil] }));
    for field in
        ["revision", "message", "direction", "state", "started_at", "database_user", "client", "note"]
    {
        all["journal"][0][field] = json!(evil);
    }
    let stand = Stand::with_state(&all);
    let page = Running::start(web(&stand.url()));
    let document = browse(&page.url(), Scheme::Light);
    assert!(!document.contains("<script") && !document.contains("<img"), "{document}");
    assert!(!document.contains("<title>owned"), "{document}");
    assert_has(&document, &["&lt;script&gt;"]);
}

/// Phone and desktop, light and dark: nothing is wider than the screen, and every text stands out (WCAG 2.2, 1.4.3).
#[test]
fn it_can_be_read_everywhere() {
    let mut pages: Vec<(&str, Running, Option<Stand>)> = Vec::new();
    for (name, state) in states() {
        let stand = Stand::with_state(&state);
        pages.push((name, Running::start(web(&stand.url())), Some(stand)));
    }
    pages.push(("trouble", Running::start(web(NOBODY)), None));
    for (name, page, _) in &pages {
        for scheme in [Scheme::Light, Scheme::Dark] {
            let seen = look(page, scheme);
            assert_eq!(seen.dark, matches!(scheme, Scheme::Dark));
            assert!(seen.excess.iter().all(|excess| *excess <= 0), "{name}: wider than the screen: {seen:?}");
            assert!(
                seen.contrast >= 4.5,
                "{name}, {scheme:?}: {} has a contrast of {}",
                seen.faintest,
                seen.contrast
            );
        }
    }
}

#[test]
fn it_says_no_more_than_it_must_and_changes_nothing() {
    let page = Running::start(web(NOBODY));
    let (status, head, body) = page.ask("GET", "/health");
    assert_eq!((status, body.as_str()), (200, r#"{"status":"ok"}"#));
    for header in ["default-src 'none'", "frame-ancestors 'none'", "nosniff", "no-referrer", "no-store"] {
        assert!(head.contains(header), "{header}: {head}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(page.ask(method, "/").0, 405);
    }
    assert_eq!(page.ask("GET", "/elsewhere").0, 404);
    assert!(page.ask("GET", "/style.css").1.contains("text/css"));
}

#[test]
fn a_container_can_ask_for_its_health() {
    let page = Running::start(web(NOBODY));
    let probe =
        |port: u16| web(NOBODY).env("WEB_PORT", port.to_string()).arg("--probe-health").output().unwrap();
    assert!(probe(page.port()).status.success());
    let none = probe(1);
    let text = String::from_utf8(none.stderr).unwrap();
    assert_eq!(none.status.code(), Some(1));
    assert!(
        text.contains("no healthy answer from http://127.0.0.1:1/health") && text.contains("refused"),
        "{text}"
    );
}

#[test]
fn wrong_settings_are_named_and_secrets_are_not() {
    for (name, value, code, words) in [
        ("WEB_PORT", "http", 64, "a port (--port, WEB_PORT)"),
        ("WEB_HOST", "no such host", 1, "cannot listen on no such host port"),
        ("ADAPTER_URL", "http://someone:hush-hush@adapter", 1, "ADAPTER_URL holds a user or a password"),
        ("ADMIN_API_KEY", "hush-hush\u{7f}", 1, "ADMIN_API_KEY holds a character"),
        ("RUST_LOG", "=,=", 1, "RUST_LOG=\"=,=\" is not a log filter"),
    ] {
        let output = web(NOBODY).env(name, value).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{name}={value}: {text}");
        assert!(text.contains(words) && !text.contains("hush-hush"), "{name}={value}: {text}");
    }
    let help = web(NOBODY).arg("--help").output().unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(help.status.success() && text.contains("WEB_PORT") && !text.contains(KEY), "{text}");
}
