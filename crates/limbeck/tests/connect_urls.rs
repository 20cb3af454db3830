//! URLs as a table (`data/connect_urls.txt`), `PG*` variables, and retry policies.

use std::collections::HashMap;
use std::time::Duration;

use limbeck::connect::{ConnectError, ConnectErrorKind, ConnectSpec, DatabaseUrl, RetryPolicy, mask};
use limbeck_core::problem::Problem;

fn complete(url: &str, env: &[(&str, &str)]) -> Result<(DatabaseUrl, ConnectSpec), ConnectError> {
    let env: HashMap<_, _> = env.iter().copied().collect();
    let url = DatabaseUrl::parse(url)?;
    let spec = ConnectSpec::new(&url, &|name| env.get(name).map(ToString::to_string))?;
    Ok((url, spec))
}

fn check(block: &str) -> Result<(), String> {
    let field = |name: &str| {
        block
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(|text| text.trim().to_owned())
    };
    let url = field("url").ok_or("no url")?;
    let result = complete(&url, &[("PGUSER", "me"), ("PGHOST", "dflt")]);
    let shown = match &result {
        Ok((url, spec)) => format!("{url} {url:?} {spec} {spec:?}"),
        Err(error) => format!("{error:#} {error:?} {:#}", Problem::from(error.clone())),
    };
    for piece in ["sEc", "cret"] {
        if shown.contains(piece) {
            return Err(format!("shows the password: {shown}"));
        }
    }
    let masked = mask(&url);
    if url.contains("://app:") && ["sEc", "cret"].iter().any(|piece| masked.contains(piece)) {
        return Err(format!("masked, it shows the password: {masked}"));
    }
    match (result, field("error")) {
        (Ok((url, spec)), None) => {
            let found = [Some(url.to_string()), Some(spec.to_string())];
            if found == [field("is"), field("spec")] { Ok(()) } else { Err(format!("is {found:?}")) }
        }
        (Err(error), Some(part)) if error.kind() != ConnectErrorKind::BadUrl => {
            Err(format!("is no BadUrl: {error:?} {part}"))
        }
        (Err(error), Some(part)) if format!("{error:#}").contains(&part) => Ok(()),
        (Ok((url, _)), Some(_)) => Err(format!("should be an error, and is {url}")),
        (Err(error), _) => Err(format!("says {error:#}")),
    }
}

#[test]
fn urls() {
    let text = include_str!("data/connect_urls.txt");
    let blocks = text.split("\n\n").filter(|block| block.lines().any(|line| line.starts_with("url:")));
    let failures: Vec<_> =
        blocks.filter_map(|block| check(block).err().map(|error| format!("{block}\n  {error}"))).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn variables_complete_a_url() {
    let spec =
        |url, env: &[_]| complete(url, env).map(|(_, spec)| spec.to_string()).map_err(|e| format!("{e:#}"));
    let env = [("PGHOST", "a,b"), ("PGPORT", "6000"), ("PGUSER", "u"), ("PGDATABASE", "d")];
    assert_eq!(spec("postgresql://", &env).as_deref(), Ok("database d at a:6000, b:6000 as u"));
    assert_eq!(spec("postgresql://x@h:1/y", &env).as_deref(), Ok("database y at h:1 as x"));
    assert_eq!(spec("postgresql://h/y", &env).as_deref(), Ok("database y at h:6000 as u"));
    // One host of its own does not take the address of another.
    let env = [("PGHOSTADDR", "10.0.0.1"), ("PGUSER", "u"), ("PGSSLMODE", "")];
    assert_eq!(spec("postgresql://h/y", &env).as_deref(), Ok("database y at h:5432 as u"));
    assert_eq!(spec("postgresql:///y", &env).as_deref(), Ok("database y at 10.0.0.1:5432 as u"));
    let bad = |env: &[_]| spec("postgresql://h/y", env).expect_err("an error");
    assert!(
        bad(&[("PGSSLMODE", "sEcret")]).starts_with("PGSSLMODE: "),
        "{}",
        bad(&[("PGSSLMODE", "sEcret")])
    );
    assert!(bad(&[("PGSERVICE", "x")]).contains("unset PGSERVICE"));
    assert!(bad(&[("PGPORT", "x")]).starts_with("PGPORT: "));
}

#[test]
fn masks() {
    for (text, wanted) in [
        ("postgresql://u:p@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:p@x@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u@h:5432/d", "postgresql://u@h:5432/d"),
        ("postgresql://h:5432/d", "postgresql://h:5432/d"),
        ("postgresql://u:pw", "postgresql://u:***"),
        ("postgresql://h/d?user=u&password=pw", "postgresql://h/d?user=u&password=***"),
        ("postgresql://u:p@h/d?sslpassword=x", "postgresql://u:***@h/d?sslpassword=***"),
        ("host=h password = 'p w' user=u", "host=h password =***"),
        ("password=a://b:c@d", "password=***"),
        ("nothing", "nothing"),
    ] {
        assert_eq!(mask(text), wanted, "{text}");
    }
}

#[test]
fn retry_policies() {
    let policy = |retries: &str, interval: &str| {
        RetryPolicy::from_env(&|name| {
            Some(if name == "DB_MAX_RETRIES" { retries } else { interval }.to_owned())
        })
        .map(|policy| (policy.attempts(), policy.interval()))
        .map_err(|problem| problem.message().to_owned())
    };
    assert_eq!(RetryPolicy::from_env(&|_| None), Ok(RetryPolicy::default()));
    assert_eq!(policy("", " "), Ok((30, Duration::from_secs(2))));
    assert_eq!(policy("60", "3"), Ok((60, Duration::from_secs(3))));
    assert_eq!(policy("1", "0.25"), Ok((1, Duration::from_millis(250))));
    for retries in ["x", "0", "-1", "1.5", "99999999999", "1000000"] {
        let message = policy(retries, "2").expect_err("an error");
        assert!(message.starts_with(&format!("DB_MAX_RETRIES is `{retries}`, and must be")), "{message}");
    }
    for interval in ["x", "0", "-1", "NaN", "inf", "86400", "2s"] {
        let message = policy("1", interval).expect_err("an error");
        assert!(message.starts_with(&format!("DB_RETRY_INTERVAL is `{interval}`")), "{message}");
    }
}

/// Embedders spawn these futures on runtimes with several threads.
#[test]
fn futures_are_send() {
    fn is_send<T: Send>(_: T) {}
    let Ok((_, spec)) = complete("postgresql://u@h/d", &[]) else { panic!("a good URL") };
    is_send(limbeck::connect::connect(&spec, "x"));
    is_send(limbeck::connect::wait_for_database(&spec, "x", RetryPolicy::default(), |_| {}));
}
