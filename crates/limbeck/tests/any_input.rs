//! Whatever a configuration or a URL holds: no panic, an error says where it is, and no password is shown.
//! `PROPTEST_CASES=1000000` looks longer.

use std::path::Path;

use limbeck::config::{ConfigFile, parse_duration};
use limbeck::connect::{ConnectSpec, DatabaseUrl, mask};
use limbeck_core::Problem;
use proptest::collection::vec;
use proptest::prelude::*;

/// The password of every URL here: digits and letters that stand in no message.
const SECRET: &str = "qXz7Kq";

fn configuration() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "script_location = \"migrations\"",
        "version_locations = [\"a\", 3]",
        "version_locations = []",
        "url = \"postgresql://app:qXz7Kq@db/shop\"",
        "url = \"postgresql://app:qXz7Kq@db:x/shop",
        "ulr = \"postgresql://app:qXz7Kq@db/shop\"",
        "url_env = 7",
        "environment = \"production\"",
        "lock_timeout = \"3 years\"",
        "lock_timeout = -1",
        "postgres_version = 99999999999999999999",
        "password_command = []",
        "password_command = [\"\", 1]",
        "post_write_hooks = [{ command = [] }]",
        "post_write_hooks = {}",
        "role = \"\\u0000\"",
        "truncate_slug_length = 0x7fffffffffffffff",
        "[start]",
        "ahead = \"stop\"",
        "command = \"x\"",
        "[vars]",
        "x = { env = 3 }",
        "y = {}",
        "[scratch.vars]",
        "[databases.billing]",
        "[databases]",
        "[[databases]]",
        "a.b.c = 1979-05-27T07:32:00Z",
        "\"\"\"",
        "表 = 'x'",
        "= =",
        "{",
    ]);
    prop_oneof![
        6 => vec(line, 0..8).prop_map(|lines| lines.join("\n")),
        1 => any::<String>(),
    ]
}

fn url() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "postgresql://",
        "postgres://",
        "postgresql+asyncpg://",
        "mysql://",
        "app",
        ":",
        "qXz7Kq",
        "@",
        "/",
        "?",
        "#",
        "&",
        "%",
        "%00",
        "%zz",
        "%40",
        "db",
        "db:5432",
        "db:99999",
        "[::1]",
        "[",
        "]",
        ",",
        "shop",
        "sslmode=require",
        "sslmode=",
        "host=",
        "hostaddr=",
        "port=",
        "password=qXz7Kq",
        "options=-c",
        "keepalives_idle=",
        "=",
        " ",
        "'",
        "\\",
        "表",
        "\0",
        "target_session_attrs=any",
    ]);
    prop_oneof![
        6 => vec(part, 0..12).prop_map(|parts| parts.concat()),
        2 => vec(prop::sample::select(vec!["sslmode=verify-full", "host=h1:1", "host=h2", "port=1,2", "passfile=/x",
            "timeout=x", "connect_timeout=-1", "hostaddr=1.2.3.4", "application_name=", "nonsense=1"]), 0..5)
            .prop_map(|pairs| format!("postgresql://app:{SECRET}@db/shop?{}", pairs.join("&"))),
        1 => any::<String>(),
    ]
}

/// The places of a problem are inside their texts.
fn check(problem: &Problem) -> Result<(), TestCaseError> {
    prop_assert!(!problem.message().is_empty() && problem.help_text().is_some(), "{problem:#}");
    let place = problem.place();
    prop_assert!(place.is_some(), "no place: {problem:#}");
    if let Some(place) = place {
        let text = place.source.text();
        prop_assert!(place.span.start <= place.span.end && place.span.end <= text.len(), "{problem:#}");
        prop_assert!(
            text.is_char_boundary(place.span.start) && text.is_char_boundary(place.span.end),
            "{problem:#}"
        );
        prop_assert!(!text.contains(SECRET), "the password shows beside the place: {text}");
    }
    prop_assert!(!format!("{problem:#}").contains(SECRET), "{problem:#}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(2000), ..ProptestConfig::default() })]

    #[test]
    fn any_text_as_a_configuration(text in configuration()) {
        match ConfigFile::parse(Path::new("/p/limbeck.toml"), "limbeck.toml", &text) {
            Err(problem) => check(&problem)?,
            Ok(file) => {
                prop_assert!(!format!("{file:?}").contains(SECRET), "{file:?}");
                let names: Vec<String> = file.names().map(str::to_owned).collect();
                for name in names.iter().map(|name| Some(name.as_str())).chain([None, Some("none")]) {
                    let _ = file.clone().select(name).map(|config| config.database(None, &|_| None));
                }
            }
        }
    }

    #[test]
    fn any_text_as_a_url(text in url(), variable in url()) {
        let shown = match DatabaseUrl::parse(&text) {
            Err(error) => format!("{error:#} {error:?}"),
            Ok(url) => {
                let env = |name: &str| ["PGHOST", "PGPORT", "PGOPTIONS"].contains(&name).then(|| variable.clone());
                let bare = ConnectSpec::new(&url, &|_| None);
                let completed = ConnectSpec::new(&url, &env);
                format!("{url} {url:?} {} {}", described(&bare), described(&completed))
            }
        };
        // Where the password stands as one, it is not shown; as a host's or a database's name it is.
        if text.contains(&format!("://app:{SECRET}@")) && text.matches(SECRET).count() == 1 && !variable.contains(SECRET) {
            prop_assert!(!shown.contains(SECRET), "{shown}");
            prop_assert!(!mask(&text).contains(SECRET), "{}", mask(&text));
        }
    }

    #[test]
    fn any_text_as_a_duration(text in any::<String>()) {
        let _ = parse_duration(&text);
    }
}

fn described(spec: &Result<ConnectSpec, limbeck::connect::ConnectError>) -> String {
    match spec {
        Ok(spec) => format!("{spec} {spec:?}"),
        Err(error) => format!("{error:#} {error:?}"),
    }
}
