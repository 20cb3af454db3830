//! Structured logs on stderr.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::Failure;
use crate::options::LogFormat;

/// Starts logging: what `RUST_LOG` says, by default everything from "info" on.
pub(crate) fn set_up(format: LogFormat) -> Result<(), Failure> {
    let wanted = std::env::var("RUST_LOG").unwrap_or_default();
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(&wanted)
        .map_err(|why| {
            format!("RUST_LOG={wanted:?} is not a log filter ({why}); an example: info,adapter=debug")
        })?
        // sqlx warns about parameters of a URL that it does not know, and prints their values.
        .add_directive("sqlx_postgres::options=error".parse()?);
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let colours =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    match format {
        LogFormat::Text => subscriber.with_ansi(colours).init(),
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
    }
    // A panic's place belongs in the log like everything else; what becomes of the request, the edge decides.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Ok(())
}
