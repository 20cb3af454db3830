//! The local database as the default: no URL, no set-up; on installed programs and embedded.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod start_support;

use std::process::Command;

use start_support::{
    Project, Running, eventually, is_alive, kill, on_a_terminal, processes_with, run, script, start,
};

const KINDS: &[&str] = if cfg!(feature = "embedded") { &["programs", "embedded"] } else { &["programs"] };

fn limbeck(project: &Project, kind: &str, args: &[&str]) -> Command {
    let mut command = project.limbeck(args);
    // On a busy machine a turn of the embedded server, which serves one connection at a time, may be long in coming.
    command.env("LIMBECK_LOCAL", kind).env("PGCONNECT_TIMEOUT", "300");
    command
}

/// A service that says what it has, and counts the interrupts it gets.
const SERVICE: &str = r#"
interrupts=0
trap 'interrupts=$((interrupts + 1)); echo "interrupt $interrupts"' INT
trap 'echo "quit"' QUIT
trap 'echo "TERM after $interrupts interrupts"; exit 5' TERM
echo "service $$ of $PPID on $DATABASE_URL"
while :; do sleep 0.1; done"#;

/// The service's pid and the database's URL.
fn serving(running: &mut Running) -> (u32, String) {
    let line = running.wait_for("service ");
    let words: Vec<&str> = line.trim().split(' ').collect();
    (words[1].parse().unwrap(), words[5].to_owned())
}

/// Nothing of the project runs any more.
fn nothing_left(project: &Project) {
    let folder = project.path().to_str().unwrap().to_owned();
    let mut left = Vec::new();
    eventually("its processes have ended", || {
        left = processes_with(&folder);
        left.is_empty()
    });
}

fn query(url: &str, sql: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::Connection as _;
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        let answer =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        answer
    })
}

#[test]
fn it_needs_no_set_up_and_keeps_its_data() {
    for kind in KINDS {
        let project = Project::of_two();
        let ended = run(limbeck(&project, kind, &["upgrade", "head"])).assert_code(0);
        let line = ended.stderr.lines().find(|line| line.starts_with("local database: ")).unwrap();
        let folder = if *kind == "programs" { ".limbeck/postgres" } else { ".limbeck/embedded" };
        assert!(line.contains(folder) && line.contains("PostgreSQL"), "{line}");
        nothing_left(&project);
        assert_eq!(std::fs::read_to_string(project.path().join(".limbeck/.gitignore")).unwrap(), "*\n");
        assert_eq!(run(limbeck(&project, kind, &["current"])).assert_code(0).stdout, "2 (head)\n");
        // Without being told, the next one uses the data that are there.
        assert_eq!(
            run(project.limbeck(&["current"])).assert_code(0).assert_says(folder).stdout,
            "2 (head)\n"
        );
        run(limbeck(&project, kind, &["downgrade", "-1"])).assert_code(0);
        let quiet = run(limbeck(&project, kind, &["--quiet", "current"])).assert_code(0);
        assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("1\n", ""));
        nothing_left(&project);
    }
}

/// A model of the table `a`, with more than it has by now.
const MODEL: &str = r#"
#[derive(limbeck::Enum)]
#[enum_type(rename_all = "snake_case")]
pub enum Mood { Good, SoSo }

#[derive(limbeck::Table)]
#[table(name = "a", index("lower(note)"), check(name = "a_note_is_short", expr = "length(note) < 50"))]
pub struct A {
    #[column(primary_key)]
    pub id: i32,
    pub note: Option<String>,
    #[column(default = "'good'")]
    pub mood: Mood,
}
"#;

/// Scratch databases are on the same kind of server. The embedded one serves one connection at a time.
#[test]
fn revisions_are_generated_and_proved() {
    for kind in KINDS {
        let project = Project::new().revision("1", "", "CREATE TABLE a (id int);", "DROP TABLE a;");
        let project = project.configure("models = [\"models\"]\n");
        std::fs::create_dir(project.path().join("models")).unwrap();
        std::fs::write(project.path().join("models/mod.rs"), MODEL).unwrap();
        let cached = |args: &[&str]| {
            let mut command = limbeck(&project, kind, args);
            command.env("XDG_CACHE_HOME", project.path().join("cache"));
            command
        };
        let generate = ["revision", "--autogenerate", "-m", "notes", "--rev-id", "2"];
        run(cached(&["check"])).assert_code(1);
        run(cached(&generate)).assert_code(0).assert_says("Detected: add column a.mood (public.mood)");
        let folder = project.path().join("versions");
        let written = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let written: Vec<_> = written.filter(|path| !path.ends_with("1.sql")).collect();
        let text = std::fs::read_to_string(&written[0]).unwrap();
        assert!(text.contains("Proved on PostgreSQL"), "{kind}: {text}");
        run(cached(&["check"])).assert_code(0);
        run(cached(&["upgrade", "head"])).assert_code(0);
        run(cached(&["check", "--drift"])).assert_code(0);
        run(cached(&["downgrade", "1"])).assert_code(0);
        nothing_left(&project);
    }
}

#[test]
fn many_commands_at_once_take_their_turn() {
    for kind in KINDS {
        let project = Project::of_two();
        let commands: Vec<_> = (0..4).map(|_| start(limbeck(&project, kind, &["upgrade", "head"]))).collect();
        for command in commands {
            command.end().assert_code(0);
        }
        assert_eq!(run(limbeck(&project, kind, &["current"])).assert_code(0).stdout, "2 (head)\n");
        nothing_left(&project);
    }
}

#[test]
fn while_it_serves_other_commands_work() {
    for kind in KINDS {
        let project = Project::of_two();
        let service = script(&project, "service", SERVICE);
        let mut serving_one = start(limbeck(&project, kind, &["start", "--", service.to_str().unwrap()]));
        let (service, url) = serving(&mut serving_one);
        let current = run(limbeck(&project, kind, &["current"])).assert_code(0);
        assert_eq!(current.assert_says("started by another process").stdout, "2 (head)\n");
        run(limbeck(&project, kind, &["history"])).assert_code(0);
        let project = project.revision("3", "2", "CREATE TABLE c (id int);", "DROP TABLE c;");
        run(limbeck(&project, kind, &["upgrade", "head"]))
            .assert_code(0)
            .assert_says("Running upgrade 2 -> 3");
        assert_eq!(query(&url, "SELECT version_num::text FROM alembic_version"), "3");
        serving_one.signal("INT");
        serving_one.wait_for("interrupt 1");
        assert!(is_alive(service), "SIGINT is the service's to decide about");
        serving_one.signal("TERM");
        serving_one.end().assert_code(5).assert_says("TERM after 1 interrupts");
        nothing_left(&project);
    }
}

#[test]
fn what_is_typed_reaches_the_service_once() {
    for kind in KINDS {
        let project = Project::of_two();
        let service = script(&project, "service", SERVICE);
        let mut terminal =
            on_a_terminal(limbeck(&project, kind, &["start", "--", service.to_str().unwrap()]));
        let (pid, _) = serving(&mut terminal);
        terminal.type_in(b"\x03");
        terminal.wait_for("interrupt 1");
        // Sent, not typed, on the same terminal: then limbeck passes it on.
        let parent = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let parent = parent.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().to_owned();
        // SIGQUIT first: the kernel merges a signal into an equal one that still waits, and what was typed
        // may wait in limbeck when the service has answered. It does not any more when this one came through.
        kill("QUIT", &parent);
        terminal.wait_for("quit");
        kill("INT", &parent);
        terminal.wait_for("interrupt 2");
        kill("TERM", &parent);
        terminal.end().assert_code(5).assert_says("TERM after 2 interrupts");
        nothing_left(&project);
    }
}

#[test]
fn killed_it_leaves_no_process_and_a_database_that_opens() {
    for kind in KINDS {
        let project = Project::of_two();
        let service = script(&project, "service", SERVICE);
        let mut serving_one = start(limbeck(&project, kind, &["start", "--", service.to_str().unwrap()]));
        let (service, _) = serving(&mut serving_one);
        serving_one.signal("KILL");
        eventually("the service has ended", || !is_alive(service));
        serving_one.end().assert_code(-9).assert_says("TERM after 0 interrupts");
        nothing_left(&project);
        assert_eq!(run(limbeck(&project, kind, &["current"])).assert_code(0).stdout, "2 (head)\n");
        nothing_left(&project);
    }
}

#[test]
fn whenever_a_signal_comes_it_ends_and_nothing_is_left() {
    let project = Project::of_two();
    for round in 0..12_u64 {
        let mut starting = start(limbeck(&project, "programs", &["start", "--", "sleep", "3600"]));
        let phases =
            ["local database: ", "connected to PostgreSQL", "migration: complete", "migration: done"];
        starting.wait_for(phases[usize::try_from(round % 4).unwrap()]);
        std::thread::sleep(std::time::Duration::from_micros(round * 100));
        starting.signal(if round % 3 == 0 { "INT" } else { "TERM" });
        let ended = starting.end();
        assert!(matches!(ended.code, Some(143 | 130)), "{ended:#?}");
        nothing_left(&project);
    }
}

#[test]
fn ended_while_the_database_is_made() {
    for (name, code) in [("TERM", 143), ("KILL", -9)] {
        for kind in KINDS {
            let project = Project::of_two();
            let making = start(limbeck(&project, kind, &["start", "--", "sleep", "3600"]));
            eventually("it begins", || project.path().join(".limbeck/.gitignore").exists());
            making.signal(name);
            making.end().assert_code(code);
            nothing_left(&project);
            run(limbeck(&project, kind, &["start", "--", "true"])).assert_code(0);
            nothing_left(&project);
        }
    }
}

/// As the first process of a container: orphans are buried, signals arrive.
#[test]
fn as_the_first_process_it_buries_orphans() {
    let project = Project::of_two();
    let own_world = |program: &str| {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--mount-proc", "--kill-child", program]);
        command
    };
    if !own_world("true").status().is_ok_and(|status| status.success()) {
        return; // Only root may have a process namespace of its own.
    }
    let service = script(
        &project,
        "service",
        "for n in 1 2 3 4 5; do (sh -c 'sleep 0.2' &); done
         while grep -qs '^State:.[^Z]' $(grep -ls '^Name:.sleep' /proc/[0-9]*/status); do sleep 0.1; done
         while grep -qs '^State:.Z' /proc/[0-9]*/status; do sleep 0.1; done
         echo 'no zombies'; trap 'exit 5' TERM; while :; do sleep 0.1; done",
    );
    let ours = limbeck(&project, "programs", &["start", "--", service.to_str().unwrap()]);
    let mut command = own_world(ours.get_program().to_str().unwrap());
    command.args(ours.get_args()).current_dir(project.path());
    command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?)))).env_remove("DATABASE_URL");
    let mut first = start(command);
    first.wait_for("no zombies");
    let outside = processes_with("start -- ").into_iter();
    let limbeck =
        outside.filter(|(_, line)| line.contains(service.to_str().unwrap()) && !line.starts_with("unshare"));
    let pids: Vec<u32> = limbeck.map(|(pid, _)| pid).collect();
    assert_eq!(pids.len(), 1, "{pids:?}");
    kill("TERM", &pids[0].to_string());
    first.end().assert_code(5);
    nothing_left(&project);
}

#[test]
fn the_services_end_is_limbecks() {
    for kind in KINDS {
        let project = Project::of_two();
        let sh = |body: &str| limbeck(&project, kind, &["start", "--", "sh", "-c", body]);
        run(sh("exit 7")).assert_code(7);
        run(sh("kill -KILL $$")).assert_code(137);
        run(sh("exit 0")).assert_code(0);
        run(limbeck(&project, kind, &["start", "--", "no-such-program"]))
            .assert_code(127)
            .assert_says("cannot execute");
        let environment = run(sh("env")).assert_code(0).stdout;
        assert!(!environment.contains("LIMBECK_URL"), "{environment}");
        let mut json = sh("true");
        json.env("LIMBECK_LOG_FORMAT", "json");
        let lines = run(json).assert_code(0).json_lines();
        let has = |words: &str| lines.iter().any(|line| line["message"].as_str().unwrap().contains(words));
        assert!(has("migration: local database: "), "{lines:?}");
        nothing_left(&project);
    }
}

#[test]
fn a_kind_that_there_is_not() {
    let project = Project::of_two();
    run(limbeck(&project, "mysql", &["current"]))
        .assert_code(1)
        .assert_says("mysql")
        .assert_says("`programs`");
}

/// Without programs: the embedded one, where it is built in; else what to install.
#[test]
fn without_programs() {
    let project = Project::of_two();
    let empty = project.path().join("nothing");
    std::fs::create_dir(&empty).unwrap();
    // It asks `id` for an account, as root.
    let path = std::env::var_os("PATH").unwrap();
    let id = std::env::split_paths(&path).map(|folder| folder.join("id")).find(|id| id.is_file()).unwrap();
    std::os::unix::fs::symlink(id, empty.join("id")).unwrap();
    let without = |mut command: Command| {
        command.env("LIMBECK_PG_BIN", &empty).env("PATH", &empty);
        run(command)
    };
    let ended = without(limbeck(&project, "programs", &["current"])).assert_code(1);
    ended.assert_says("initdb and postgres are not").assert_says("name the folder that holds both");
    if cfg!(feature = "embedded") {
        without(project.limbeck(&["upgrade", "head"])).assert_code(0).assert_says("embedded PostgreSQL");
    } else {
        let ended = without(project.limbeck(&["upgrade", "head"])).assert_code(1);
        ended.assert_says("a limbeck built with the feature `embedded` brings its own PostgreSQL");
        let ended = without(limbeck(&project, "embedded", &["current"])).assert_code(1);
        ended.assert_says("no embedded PostgreSQL").assert_says("apt install postgresql");
    }
}

/// As root the server runs as somebody else; this is how everybody else runs.
#[test]
fn an_ordinary_user_needs_nothing_either() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    use std::os::unix::process::CommandExt as _;
    let project = Project::of_two();
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return;
    }
    let nobody = 65534;
    chown(project.path(), Some(nobody), Some(nobody)).unwrap();
    // The program may be in a folder that only root enters.
    let program = project.path().join("limbeck");
    std::fs::copy(env!("CARGO_BIN_EXE_limbeck"), &program).unwrap();
    for kind in KINDS {
        let command = |args: &[&str]| {
            let ours = limbeck(&project, kind, args);
            let mut command = Command::new(&program);
            command.args(args).current_dir(project.path()).env_clear().uid(nobody).gid(nobody);
            command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
            command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", project.path());
            command
        };
        run(command(&["upgrade", "head"])).assert_code(0);
        assert_eq!(run(command(&["current"])).assert_code(0).stdout, "2 (head)\n");
        nothing_left(&project);
    }
}
