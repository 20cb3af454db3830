//! The service's command: its pid, arguments, environment, signals and exit code.

use limbeck_testdb::TestDb;

use crate::start_support::{Project, Running, on_a_terminal, run, script, start};

#[tokio::test]
async fn the_command_takes_over_pid_arguments_and_environment() {
    let db = TestDb::new().await;
    let project = Project::of_two();
    let service = script(
        &project,
        "service",
        r#"echo "pid $$ of $PPID"; for word in "$@"; do echo "[$word]"; done; env"#,
    );
    let mut command = project.limbeck(&["start", "--"]);
    command.arg(service).args(["two words", "", "--strict", "-x", "$HOME", "ä\n"]);
    command
        .env("LIMBECK_URL", db.url())
        .env("DATABASE_URL", "postgresql://service@host/db")
        .env("MINE", "kept");
    let starting = start(command);
    let pid = starting.pid();
    let ended = starting.end().assert_code(0);
    for words in [
        "[two words]\n[]\n[--strict]\n[-x]\n[$HOME]\n[ä\n]\n",
        "MINE=kept\n",
        "DATABASE_URL=postgresql://service@host/db\n",
    ] {
        assert!(ended.stderr.contains(words), "{words}: {ended:#?}");
    }
    let own = format!("pid {pid} of {}\n", std::process::id());
    ended.assert_says(&own).assert_never_says("LIMBECK_URL");
}

#[tokio::test]
async fn its_exit_code_is_the_end() {
    let db = TestDb::new().await;
    let project = Project::of_two();
    for code in [0, 1, 7, 200] {
        let exit = format!("exit {code}");
        run(project.on(db.url(), &["start", "--", "sh", "-c", &exit])).assert_code(code);
    }
}

#[tokio::test]
async fn it_gets_its_signals_with_nothing_blocked_or_ignored() {
    let db = TestDb::new().await;
    let project = Project::of_two();
    let body = "trap 'echo got TERM; exit 5' TERM; trap 'echo got INT; exit 6' INT
                if [ -r /proc/self/status ]; then grep -E '^Sig(Blk|Ign)' /proc/self/status; fi
                echo ready; while :; do sleep 0.1; done";
    let service = script(&project, "service", body);
    for (name, code) in [("TERM", 5), ("INT", 6)] {
        let mut starting = start(project.on(db.url(), &["start", "--", service.to_str().unwrap()]));
        starting.wait_for("ready");
        starting.signal(name);
        let ended = starting.end().assert_code(code).assert_says(&format!("got {name}"));
        if cfg!(target_os = "linux") {
            ended.assert_says("SigBlk:\t0000000000000000");
        }
    }
}

#[tokio::test]
async fn one_without_handlers_dies_of_the_signal_itself() {
    let db = TestDb::new().await;
    let project = Project::of_two();
    let mut starting =
        start(project.on(db.url(), &["start", "--", "sh", "-c", "echo ready; exec sleep 3600"]));
    starting.wait_for("ready");
    starting.signal("TERM");
    starting.end().assert_code(-15);
}

#[tokio::test]
async fn a_signal_on_the_way_to_the_command_is_not_lost() {
    let db = TestDb::new().await;
    let project = Project::of_two();
    run(project.on(db.url(), &["start"])).assert_code(0);
    // However it falls, the process ends: before the migration, after it, in between, or as the command.
    for round in 0..40_u64 {
        let mut starting = start(project.on(db.url(), &["start", "--", "sleep", "3600"]));
        starting.wait_for(if round % 2 == 0 { "migration: complete" } else { "migration: done" });
        std::thread::sleep(std::time::Duration::from_micros(round * 50));
        starting.signal("TERM");
        let ended = starting.end();
        assert!(matches!(ended.code, Some(143 | -15)), "{ended:#?}");
    }
}

#[tokio::test]
async fn a_command_that_cannot_be_executed() {
    let db = TestDb::new().await;
    let project = Project::of_two();
    std::fs::write(project.path().join("plain"), "no program").unwrap();
    for (program, code) in
        [("no-such-program", 127), ("./no/such/program", 127), ("./plain", 126), ("/", 126)]
    {
        let ended = run(project.on(db.url(), &["start", "--", program])).assert_code(code);
        ended.assert_says(&format!("cannot execute `{program}`")).assert_says("migration done");
    }
}

#[tokio::test]
async fn the_configured_command_is_the_default() {
    let db = TestDb::new().await;
    let project = Project::of_two().configure("[start]\ncommand = [\"echo\", \"two words\"]");
    assert_eq!(run(project.on(db.url(), &["start"])).assert_code(0).stdout, "two words\n");
    assert_eq!(run(project.on(db.url(), &["start", "--", "echo", "other"])).assert_code(0).stdout, "other\n");
}

#[tokio::test]
async fn it_reads_the_standard_input_and_a_closed_pipe_ends_it() {
    let db = TestDb::new().await;
    let project = Project::of_two();
    let mut command = project.on(db.url(), &["start", "--", "cat"]);
    command.stdin(std::fs::File::open(project.path().join("limbeck.toml")).unwrap());
    assert!(run(command).assert_code(0).stdout.starts_with("script_location"));
    // SIGPIPE must not stay ignored: `yes` ends by it.
    let body = r#"exec "$0" start -- sh -c 'yes | head -n 1'; "#;
    let mut command = project.on(db.url(), &[]);
    let limbeck = command.get_program().to_owned();
    command = {
        let mut sh = std::process::Command::new("sh");
        sh.args(["-c", body]).arg(limbeck).current_dir(project.path()).env("DATABASE_URL", db.url());
        sh
    };
    assert_eq!(run(command).assert_code(0).assert_never_says("roken pipe").stdout, "y\n");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_typed_interrupt_reaches_it_once() {
    let db = TestDb::new().await;
    let project = Project::of_two();
    let mut starting: Running = on_a_terminal(project.on(
        db.url(),
        &["start", "--", "sh", "-c", "trap 'echo got; exit 9' INT; echo ready; while :; do sleep 0.1; done"],
    ));
    starting.wait_for("ready");
    starting.type_in(b"\x03");
    let ended = starting.end().assert_code(9);
    assert_eq!(ended.stderr.matches("got").count(), 1, "{ended:#?}");
}
