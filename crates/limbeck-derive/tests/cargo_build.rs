//! `embed!` as Cargo sees it: a package that uses it is built again and again while its folder changes.
//!
//! The package depends on a stand-in for `limbeck`, so that nothing but the macro is compiled.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const MANIFEST: &str = r#"
[package]
name = "embed-fixture"
version = "0.0.0"
edition = "2024"
[dependencies]
limbeck = { path = "limbeck" }
[workspace]
[profile.dev]
debug = "line-tables-only"
[profile.dev.package."*"]
debug = false
"#;

const STAND_IN: &str = "
    pub use limbeck_derive::embed;
    pub struct Embedded { pub files: &'static [(&'static str, &'static str)] }
    impl Embedded {
        pub const fn new(files: &'static [(&'static str, &'static str)]) -> Self { Self { files } }
    }
";

const MAIN: &str = r#"
    static MIGRATIONS: limbeck::Embedded = limbeck::embed!("migrations/versions");
    fn main() {
        for (name, text) in MIGRATIONS.files { println!("{name} {}", text.lines().next().unwrap()); }
    }
"#;

struct Fixture {
    root: PathBuf,
}

impl Fixture {
    fn new() -> Self {
        // Always the same folder: Cargo tells packages apart by path and would keep what it built for each.
        let fixture = Self { root: Path::new(env!("CARGO_TARGET_TMPDIR")).join("embed-fixture") };
        let derive = env!("CARGO_MANIFEST_DIR");
        _ = std::fs::remove_dir_all(&fixture.root);
        fixture.write("Cargo.toml", MANIFEST);
        fixture.write("src/main.rs", MAIN);
        fixture.write("limbeck/src/lib.rs", STAND_IN);
        let manifest =
            "[package]\nname = \"limbeck\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[dependencies]\n";
        fixture.write("limbeck/Cargo.toml", &format!("{manifest}limbeck-derive = {{ path = {derive:?} }}\n"));
        // The versions that are downloaded already.
        std::fs::copy(format!("{derive}/../../Cargo.lock"), fixture.root.join("Cargo.lock")).unwrap();
        fixture
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn revision(&self, id: &str, down_revision: &str) {
        let header = format!("-- Revision {id}\n--\n-- revision: {id}\n-- down_revision: {down_revision}\n");
        let text = format!("{header}\n-- limbeck:upgrade\nSELECT 1;\n\n-- limbeck:downgrade\nSELECT 1;\n");
        self.write(&format!("migrations/versions/{id}.sql"), &text);
    }

    fn cargo_run(&self) -> Output {
        // The workspace's own target folder: its dependencies are built there already. Cargo's lock on it is not
        // held while tests run.
        let exe = std::env::current_exe().unwrap();
        let target = exe.ancestors().nth(3).unwrap();
        Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--offline", "--color=never", "--manifest-path"])
            .arg(self.root.join("Cargo.toml"))
            .env("CARGO_TARGET_DIR", target)
            .env_remove("OUT_DIR")
            .output()
            .unwrap()
    }

    fn prints(&self) -> String {
        let output = self.cargo_run();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The build fails, the compiler points at the macro's argument, and says each of `words`.
    fn fails(&self, words: &[&str]) {
        let output = self.cargo_run();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        for word in words.iter().chain(&["limbeck::embed!(\"migrations/versions\")"]) {
            assert!(text.contains(word), "{word:?} is not in:\n{text}");
        }
    }
}

#[test]
fn a_changed_folder_is_noticed_and_a_wrong_one_refused() {
    let fixture = Fixture::new();
    let watch = "println!(\"cargo::rerun-if-changed=migrations/versions\");";

    fixture.fails(&["the folder `migrations/versions` cannot be read", "it is looked for in"]);
    std::fs::create_dir_all(fixture.root.join("migrations/versions")).unwrap();
    fixture.fails(&["holds no revision"]);

    fixture.revision("001", "");
    fixture.fails(&["without a build script, Cargo would not notice a new revision file", watch]);
    fixture.write("build.rs", "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }");
    fixture.fails(&["the build script does not watch the folder", watch]);

    fixture.write("build.rs", &format!("fn main() {{ {watch} }}"));
    assert_eq!(fixture.prints(), "001.sql -- Revision 001\n");
    fixture.revision("002", "001");
    assert_eq!(fixture.prints(), "001.sql -- Revision 001\n002.sql -- Revision 002\n", "a new file");
    fixture.write(
        "migrations/versions/001.sql",
        "-- Other words\n-- revision: 001\n-- down_revision:\n\n-- limbeck:upgrade\n-- limbeck:downgrade\n",
    );
    assert_eq!(fixture.prints(), "001.sql -- Other words\n002.sql -- Revision 002\n", "an edited file");
    std::fs::remove_file(fixture.root.join("migrations/versions/002.sql")).unwrap();
    assert_eq!(fixture.prints(), "001.sql -- Other words\n", "a removed file");

    fixture.revision("003", "002");
    fixture.fails(&["migrations/versions/003.sql:4:", "002"]);
    fixture.write("migrations/versions/003.sql", "SELECT 1;\n");
    fixture.fails(&["migrations/versions/003.sql:1:"]);
}
