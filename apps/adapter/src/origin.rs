//! Where a request comes from, as far as an audit row says it.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::edge::RequestId;
use crate::options::Proxies;
use crate::state::App;

/// So much of a user agent is kept.
const LONGEST_AGENT: usize = 512;

/// Where a request comes from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The client's address: the socket's, or what a trusted proxy says.
    pub(crate) ip: Option<IpAddr>,
    /// What the client calls itself.
    pub(crate) agent: Option<String>,
    /// The request's id.
    pub(crate) request: Option<RequestId>,
}

impl FromRequestParts<Arc<App>> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let socket = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
        Ok(Self {
            ip: socket.map(|socket| client(socket, &parts.headers, &app.options.trusted_proxies)),
            agent: parts
                .headers
                .get(header::USER_AGENT)
                .map(|agent| String::from_utf8_lossy(agent.as_bytes()).chars().take(LONGEST_AGENT).collect()),
            request: parts.extensions.get().cloned(),
        })
    }
}

/// Every proxy appends whom it was asked by. From the right, the first one that is no trusted proxy is the client;
/// what is to the left of it, it may have made up.
fn client(socket: IpAddr, headers: &HeaderMap, trusted: &Proxies) -> IpAddr {
    let mut client = socket;
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let hops = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',').map(str::trim));
    for hop in hops {
        match (trusted.trust(client), hop.parse::<IpAddr>()) {
            (true, Ok(ip)) => client = ip.to_canonical(),
            _ => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};
    use clap::Parser as _;

    use super::client;
    use crate::options::Options;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let options = Options::try_parse_from(["adapter", "--trusted-proxies", "10.0.0.0/8"]);
        let trusted = options.expect("they parse").trusted_proxies;
        let cases: [(&str, &[&str], &str); 7] = [
            ("192.0.2.1", &[], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.7"], "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            ("10.0.0.1", &["6.6.6.6", "198.51.100.7", "10.0.0.2"], "198.51.100.7"),
            ("10.0.0.1", &["nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
        ];
        for (socket, lines, expected) in cases {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", HeaderValue::from_static(line));
            }
            let actual = client(socket.parse().expect("an address"), &headers, &trusted);
            assert_eq!(actual.to_string(), expected, "{socket} {lines:?}");
        }
    }
}
