//! What `models pull` writes is Rust that compiles: one package with the models of many schemas, checked by cargo.
//!
//! The package has the real macros, traits and sqlx. Stand-ins take the place of crates that nothing else here needs.
//! By default every so many schemas are in it, for the sake of time (`LIMBECK_TEST_ALL_STATES=1`: all).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[path = "diff_support/mod.rs"]
#[expect(dead_code, reason = "this file uses a part of it")]
mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use limbeck::core::model::{self, WriteOptions};
use support::{Work, server_of};

/// Composite types of all sorts, which few cases have.
const COMPOSITES: &str = "CREATE TYPE mood AS ENUM ('sad', 'glad');
    CREATE TYPE point3 AS (x int, y int, \"Z\" int, \"type\" mood);
    CREATE DOMAIN corner AS point3;
    CREATE TYPE path3 AS (points point3[], length numeric(10, 2), at timestamptz, moods mood[], end_ corner);
    CREATE TABLE t (a point3 NOT NULL, b point3[], c path3, d path3[] NOT NULL, e corner, f corner[]);";

/// Every so many diff cases, and states of the conformance data.
const STEPS: (usize, usize) = (9, 40);

#[tokio::test]
async fn pulled_models_compile() {
    let package = Package::new();
    let server = server_of(15).await;
    let mut work = Work::new(&server).await;
    let mut modules = String::new();
    for (number, (name, sql)) in schemas().into_iter().enumerate() {
        work.load(&sql).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let written = model::write(&work.read().await, &WriteOptions::default());
        work = work.emptied(&server).await;
        if written.rust.is_empty() {
            continue;
        }
        _ = writeln!(modules, "/// {name}\npub mod of_{number};");
        for (file, text) in written.rust {
            package.write(&format!("src/of_{number}/{file}"), &text);
        }
    }
    server.close().await;
    assert!(modules.lines().count() > 40, "there was next to nothing to compile:\n{modules}");
    // A warning in what was written is a defect, too.
    package.write("src/lib.rs", &format!("#![deny(warnings)]\n{modules}"));
    package.check();
}

/// Names and SQL.
fn schemas() -> Vec<(String, String)> {
    let all = std::env::var_os("LIMBECK_TEST_ALL_STATES").is_some();
    let (cases, states) = if all { (1, 1) } else { STEPS };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diff_cases");
    let mut schemas = vec![("composites".to_owned(), COMPOSITES.to_owned())];
    schemas.extend(files(&folder).iter().step_by(cases).filter_map(|file| case(file)));
    let folder = std::env::var("LIMBECK_CONFORMANCE_DIR")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance").to_owned());
    let mut found = files(&Path::new(&folder).join("schemas"));
    // The last state of a history is the richest.
    found.reverse();
    schemas.extend(found.iter().step_by(states).map(|file| (shown(file), fs::read_to_string(file).unwrap())));
    schemas
}

/// What a diff case leads to, if this server has all that it needs.
fn case(file: &Path) -> Option<(String, String)> {
    let text = fs::read_to_string(file).unwrap();
    let (head, rest) = text.split_once("-- after\n")?;
    let sql = rest.split_once("-- words\n")?.0;
    let runs = !head.contains("-- only ") || head.contains("-- only 15\n");
    runs.then(|| (shown(file), sql.to_owned()))
}

fn shown(file: &Path) -> String {
    let parts: Vec<_> =
        file.components().rev().take(2).map(|part| part.as_os_str().to_string_lossy()).collect();
    format!("{}/{}", parts[1], parts[0])
}

/// The files in the folders of a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let mut files: Vec<PathBuf> = entries(folder).iter().flat_map(|group| entries(group)).collect();
    files.sort();
    files
}

const MANIFEST: &str = r#"
[package]
name = "pulled-fixture"
version = "0.0.0"
edition = "2024"
[workspace]
[dependencies]
limbeck = { path = "limbeck" }
sqlx = { version = "0.9", default-features = false, features = ["chrono", "derive", "json", "postgres", "uuid"] }
chrono = { version = "0.4", default-features = false }
serde_json = "1"
uuid = "1"
rust_decimal = { path = "rust_decimal" }
ipnetwork = { path = "ipnetwork" }
mac_address = { path = "mac_address" }
"#;

/// A crate with one type that sqlx can read, and write: composite types are both.
fn stand_in(name: &str, of_type: &str) -> String {
    format!(
        "use sqlx::postgres::{{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef, Postgres}};
        #[derive(Debug, Clone, PartialEq)]
        pub struct {name};
        impl sqlx::Type<Postgres> for {name} {{
            fn type_info() -> PgTypeInfo {{ PgTypeInfo::with_name(\"{of_type}\") }}
        }}
        impl PgHasArrayType for {name} {{
            fn array_type_info() -> PgTypeInfo {{ PgTypeInfo::with_name(\"_{of_type}\") }}
        }}
        impl sqlx::Encode<'_, Postgres> for {name} {{
            fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {{
                Ok(sqlx::encode::IsNull::Yes)
            }}
        }}
        impl<'r> sqlx::Decode<'r, Postgres> for {name} {{
            fn decode(_: PgValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {{ Ok(Self) }}
        }}"
    )
}

struct Package {
    root: PathBuf,
}

impl Package {
    /// Always in the same folder: Cargo tells packages apart by path and would keep what it built for each.
    fn new() -> Self {
        let package = Self { root: Path::new(env!("CARGO_TARGET_TMPDIR")).join("pulled-fixture") };
        _ = fs::remove_dir_all(&package.root);
        package.write("Cargo.toml", MANIFEST);
        let crates = format!("{}/..", env!("CARGO_MANIFEST_DIR"));
        let own = |name: &str| format!("{name} = {{ path = {:?} }}\n", format!("{crates}/{name}"));
        let dependencies = format!("{}{}serde_json = \"1\"\n", own("limbeck-core"), own("limbeck-derive"));
        package.dependency(
            "limbeck",
            &dependencies,
            &format!(
                "pub use limbeck_core as core;
            pub use limbeck_derive::{{Enum, Table}};
            #[path = {:?}]
            mod model;
            pub use model::{{EmbeddedModels, Enum, Table}};",
                format!("{crates}/limbeck/src/model.rs")
            ),
        );
        let sqlx = "sqlx = { version = \"0.9\", default-features = false, features = [\"postgres\"] }\n";
        for (crate_name, name, of_type) in [
            ("rust_decimal", "Decimal", "numeric"),
            ("ipnetwork", "IpNetwork", "inet"),
            ("mac_address", "MacAddress", "macaddr"),
        ] {
            package.dependency(crate_name, sqlx, &stand_in(name, of_type));
        }
        // The versions that are downloaded already.
        fs::copy(format!("{crates}/../Cargo.lock"), package.root.join("Cargo.lock")).unwrap();
        package
    }

    fn dependency(&self, name: &str, dependencies: &str, text: &str) {
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n");
        self.write(&format!("{name}/Cargo.toml"), &format!("{manifest}[dependencies]\n{dependencies}"));
        self.write(&format!("{name}/src/lib.rs"), text);
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn check(&self) {
        // The workspace's own target folder, so that what it depends on is kept between runs. Cargo's lock on it is not
        // held while tests run.
        let exe = std::env::current_exe().unwrap();
        let target = exe.ancestors().nth(3).unwrap();
        let output = Command::new(env!("CARGO"))
            .args(["check", "--quiet", "--offline", "--color=never", "--manifest-path"])
            .arg(self.root.join("Cargo.toml"))
            .env("CARGO_TARGET_DIR", target)
            .env_remove("OUT_DIR")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
