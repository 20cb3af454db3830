//! `web --probe-health`: asks a running one, as a container's HEALTHCHECK does.

use std::time::Duration;

use crate::adapter::plain_client;
use crate::options::Options;
use crate::{Failure, trouble};

/// Docker's own limit is set beside the HEALTHCHECK; this one is below the usual ones.
const PATIENCE: Duration = Duration::from_secs(2);

/// Succeeds where the process on this host and port answers.
pub(crate) async fn probe(options: &Options) -> Result<(), Failure> {
    let url = format!("http://{}:{}/health", reachable(&options.host), options.port);
    let failed = |why: String| format!("no healthy answer from {url}: {why}");
    let answer = plain_client(PATIENCE)?.get(&url).send().await;
    let status = answer.map_err(|why| failed(trouble::cause(&why)))?.status();
    match status.is_success() {
        true => Ok(()),
        false => Err(failed(format!("it answered {status}")).into()),
    }
}

/// Every address is listened on, and this one can be asked.
fn reachable(host: &str) -> String {
    match host {
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" | "[::]" => "[::1]".to_owned(),
        host if host.contains(':') && !host.starts_with('[') => format!("[{host}]"),
        host => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::reachable;

    #[test]
    fn what_is_listened_on_can_be_asked() {
        for (host, expected) in
            [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("fe80::1", "[fe80::1]"), ("web", "web")]
        {
            assert_eq!(reachable(host), expected);
        }
    }
}
