//! `limbeck.toml`: errors as a table (`data/config_errors.txt`), values, sections, URLs, variables.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use limbeck::WhenEdited;
use limbeck::config::{
    Ahead, Config, ConfigFile, Database, Environment, Given, Subfolders, VarOrigin, find, load,
};
use limbeck::connect::PasswordCommand;
use limbeck_core::model::Naming;
use limbeck_core::problem::{Code, Problem};
use limbeck_core::schema::{Excluded, Kind, Name};

const FULL: &str = include_str!("data/config_full.toml");

fn parse(text: &str) -> Result<ConfigFile, Problem> {
    ConfigFile::parse(Path::new("/p/limbeck.toml"), "limbeck.toml", text)
}

fn config(text: &str, name: Option<&str>) -> Config {
    parse(text).and_then(|file| file.select(name)).unwrap_or_else(|problem| panic!("{problem:#}"))
}

fn check(block: &str) -> Result<(), String> {
    let (text, wanted) = block.split_once(">>>\n").ok_or("no >>>")?;
    let Err(problem) = parse(text) else { return Err("is no error".into()) };
    let place = problem.place().ok_or("no place")?;
    let line = place.source.text().lines().nth(place.source.line_column(place.span.start).0 - 1);
    let shown = format!("{} {place}\n{problem:#}\n{problem:?}\n{line:?}", problem.code().as_str());
    if shown.contains("sEcret") {
        return Err(format!("shows the password: {shown}"));
    }
    match wanted.lines().find(|part| !shown.contains(part)) {
        None if problem.help_text().is_some() => Ok(()),
        None => Err("has no help".into()),
        Some(part) => Err(format!("{part:?} is not in {shown}")),
    }
}

#[test]
fn errors() {
    let text = include_str!("data/config_errors.txt");
    let body = text.split_once("\"sEcret\".\n").expect("the heading").1;
    let failures: Vec<_> = body
        .split("---\n")
        .filter_map(|block| check(block).err().map(|error| format!("{block}  {error}")))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn every_key() {
    let config = config(FULL, None);
    assert_eq!(config.folder, Path::new("/p"));
    assert_eq!(config.script_location, Path::new("/p/db"));
    assert_eq!(config.version_locations, [PathBuf::from("/p/db/a"), PathBuf::from("/abs/b")]);
    assert_eq!(config.recursive_version_locations, Subfolders::Searched);
    assert_eq!(config.file_template.as_deref(), Some("%(rev)s_%(slug)s"));
    assert_eq!((config.timezone.as_deref(), config.truncate_slug_length), (Some("UTC"), 60));
    assert_eq!(
        (config.version_table.as_str(), config.version_table_schema.as_deref()),
        ("versions", Some("meta"))
    );
    assert_eq!(config.post_write_hooks[0].command, ["pg_format", "-i", "{file}"]);
    assert_eq!(config.post_write_hooks[1].name, "x");
    assert_eq!(config.role.as_deref(), Some("owner"));
    let command = ["vault", "read", ""].map(str::to_owned).to_vec();
    assert_eq!(config.password_command, Some(PasswordCommand::Program(command)));
    assert_eq!((&config.environment, config.postgres_version), (&Environment::Production, Some(15)));
    assert_eq!(config.models, [PathBuf::from("/p/src/models")]);
    assert_eq!(config.schema_files, [PathBuf::from("/p/db/views.sql")]);
    assert_eq!(config.required_tables, ["tenants", "audit.logs"]);
    assert_eq!((config.lock_timeout, config.journal_schema.as_str()), (Duration::from_millis(500), "meta"));
    assert_eq!(config.edited, WhenEdited::Refuse);
    assert_eq!(config.concurrently_wait, Duration::from_secs(1200));
    assert_eq!((config.start.target.as_str(), config.start.ahead), ("heads", Ahead::Refuse));
    assert_eq!(config.start.command, ["adapter", "--port", "80"]);
    assert_eq!(config.scratch.url.as_ref().and_then(|url| url.database()), Some("scratch"));
    assert_eq!(config.scratch.vars["region"], "test");
    assert!(!format!("{config:?}").contains("sEcret"));
    assert_eq!(config.post_upgrade_hooks[0].command, ["cargo", "sqlx", "prepare"]);
    assert_eq!(config.snapshot.as_deref(), Some(Path::new("/p/db/schema.sql")));
    assert_eq!((config.compare.schemas.len(), &config.compare.exclude_schemas[0][..]), (2, "partman"));
    assert!(config.compare.exclude_tables[0].matches(&Name::new("public", "spatial_ref_sys")));
    assert_eq!(config.compare.exclude_kinds, [Excluded::Kind(Kind::Routine), Excluded::Grant].into());
    assert!(!config.model_options.comments);
    assert_ne!(config.model_options.naming, Naming::default());
}

#[test]
fn defaults_and_an_empty_file_agree() {
    let mut empty = config("", None);
    empty.file = None;
    assert_eq!(empty, Config::defaults(Path::new("/p")));
    assert_eq!(empty.version_locations, [PathBuf::from("/p/migrations/versions")]);
    assert_eq!(empty.start.ahead, Ahead::Continue);
}

#[test]
fn a_section_lies_over_the_top_level() {
    let billing = config(FULL, Some("billing"));
    assert_eq!(billing.script_location, Path::new("/p/billing"));
    assert_eq!((billing.start.target.as_str(), billing.start.ahead), ("head", Ahead::Refuse));
    assert_eq!(billing.lock_timeout, Duration::ZERO);
    // Of one file for two databases, one would be lost.
    assert_eq!(billing.snapshot, None);
    let vars = billing.vars(&[], &|_| None).unwrap_or_else(|problem| panic!("{problem:#}"));
    assert_eq!(
        (vars["region"].reveal(), vars["extra"].reveal(), vars["tenant"].reveal()),
        ("us", "1", "none")
    );
    let problem = parse(FULL).and_then(|file| file.select(Some("biling"))).expect_err("an error");
    assert_eq!(
        format!("{problem:#}"),
        "/p/limbeck.toml has no section [databases.biling]\n  help: did you mean `billing`?"
    );
}

fn database(config: &Config, flag: Option<&str>, env: &[(&str, &str)]) -> String {
    let env: HashMap<_, _> = env.iter().copied().collect();
    match config.database(flag, &|name| env.get(name).map(ToString::to_string)) {
        Ok(Database::Local) => "local".to_owned(),
        Ok(Database::Url(url, origin)) => format!("{} from {origin}", url.database().unwrap_or_default()),
        Err(problem) => format!("{problem:#}"),
    }
}

#[test]
fn which_database() {
    let flag = Some("postgresql:///flag");
    let all = [
        ("LIMBECK_URL", "postgresql:///limbeck"),
        ("SHOP_URL", "postgresql:///shop_url"),
        ("DATABASE_URL", "postgresql:///database_url"),
        ("BILLING_URL", "postgresql:///billing_url"),
    ];
    let main = config(FULL, None);
    assert_eq!(database(&main, flag, &all), "flag from --url");
    assert_eq!(database(&main, None, &all), "limbeck from LIMBECK_URL");
    assert_eq!(database(&main, None, &all[1..]), "shop_url from SHOP_URL");
    assert_eq!(database(&main, None, &all[2..]), "database_url from DATABASE_URL");
    assert_eq!(database(&main, None, &[("DATABASE_URL", " ")]), "shop from `url` in limbeck.toml");
    let none = config("", None);
    assert_eq!(database(&none, None, &[]), "local");
    assert!(database(&none, None, &[("DATABASE_URL", "")]).starts_with("DATABASE_URL is set, and empty"));
    assert!(database(&none, None, &[("DATABASE_URL", "x")]).contains("the URL comes from DATABASE_URL"));
    let billing = config(FULL, Some("billing"));
    assert_eq!(database(&billing, flag, &all), "flag from --url");
    assert_eq!(database(&billing, None, &all), "billing_url from BILLING_URL");
    assert!(database(&billing, None, &all[..3]).starts_with("BILLING_URL is not set"));
    assert_eq!(database(&config(FULL, Some("ledger")), None, &all), "ledger from `url` in limbeck.toml");
    let bare = database(&config(FULL, Some("bare")), None, &all);
    assert!(bare.starts_with("[databases.bare] has neither `url` nor `url_env`"), "{bare}");
}

#[test]
fn values_of_variables() {
    let config = config(FULL, None);
    let flags = [("region".to_owned(), "sEcret".to_owned())];
    let env = |name: &str| (name == "TENANT" || name == "LIMBECK_VAR_TOKEN").then(|| format!("of {name}"));
    let vars = config.vars(&flags, &env).unwrap_or_else(|problem| panic!("{problem:#}"));
    assert_eq!((vars["region"].reveal(), vars["region"].origin()), ("sEcret", VarOrigin::Flag));
    assert_eq!((vars["tenant"].reveal(), vars["tenant"].origin()), ("of TENANT", VarOrigin::Environment));
    assert_eq!(vars["token"].reveal(), "of LIMBECK_VAR_TOKEN");
    assert!(!format!("{vars:?}").contains("sEcret"));
    let vars = config.vars(&[], &|_| None).unwrap_or_else(|problem| panic!("{problem:#}"));
    assert!(!vars.contains_key("token"));
    let problem = config.vars(&[("regoin".to_owned(), "x".to_owned())], &|_| None).expect_err("an error");
    assert_eq!(problem.help_text(), Some("did you mean `region`?"));
}

#[test]
fn finding_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let deep = root.join("a/b");
    std::fs::create_dir_all(&deep).expect("folders");
    let missing = |result: Result<PathBuf, Problem>| {
        let problem = result.expect_err("an error");
        assert_eq!(problem.code(), Code::ConfigMissing);
        format!("{problem:#}")
    };
    let text = missing(find(None, &deep));
    assert!(text.contains("a/b or a folder above it") && text.contains("limbeck init"), "{text}");
    assert!(missing(find(Some(Path::new("none.toml")), &deep)).starts_with("no such file: none.toml"));
    assert!(missing(find(Some(Path::new("..")), &deep)).contains("the folder .. has no limbeck.toml"));
    std::fs::write(root.join("limbeck.toml"), "script_location = 'm'\r\n").expect("a file");
    std::fs::write(root.join("other.toml"), "role = 3").expect("a file");
    assert_eq!(find(None, &deep).as_deref(), Ok(root.join("limbeck.toml").as_path()));
    assert!(find(Some(Path::new("../..")), &deep).is_ok());
    let config = load(Given::default(), &deep).unwrap_or_else(|problem| panic!("{problem:#}"));
    assert_eq!(config.script_location, root.join("m"));
    let given = Given { file: Some(Path::new("other.toml")), name: None };
    let problem = load(given, root).expect_err("an error");
    assert!(format!("{problem:#}").starts_with("other.toml:1:8: `role` must be a string"), "{problem:#}");
}

/// Every key is described in docs/configuration.md.
#[test]
fn every_key_has_a_line_in_the_documentation() {
    let page = include_str!("../../../docs/configuration.md");
    let message =
        limbeck::config::ConfigFile::parse(Path::new("limbeck.toml"), "limbeck.toml", "zzzzzzzzzzzzzzz = 1")
            .expect_err("an unknown key")
            .help_text()
            .expect("the known keys")
            .to_owned();
    let keys: Vec<&str> = message.trim_start_matches("known here: ").split(", ").collect();
    assert!(keys.len() > 20, "{message}");
    for key in keys {
        let described = [format!("`{key}`"), format!("`[{key}]`"), format!("`[{key}.NAME]`")];
        assert!(described.iter().any(|text| page.contains(text)), "{key}");
    }
}
