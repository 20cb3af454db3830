//! `adapter --probe-health`: asks the service on this machine whether it is ready, for Docker's HEALTHCHECK.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use crate::Failure;

/// Longer than the service itself waits for the database.
const PATIENCE: Duration = Duration::from_secs(5);

/// Fails unless the service is ready.
pub(crate) fn ask(host: &str, port: u16) -> Result<(), Failure> {
    let status = status(reachable(host), port)
        .map_err(|why| format!("no answer from the service on {host} port {port}: {why}"))?;
    match status.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(format!("the service on {host} port {port} is not ready: {}", status.trim()).into()),
    }
}

/// What stands for all addresses is listened on, but not connected to.
fn reachable(host: &str) -> &str {
    match host {
        "0.0.0.0" => "127.0.0.1",
        "::" | "[::]" => "::1",
        host => host,
    }
}

fn status(host: &str, port: u16) -> std::io::Result<String> {
    let address = (host, port).to_socket_addrs()?.next();
    let address = address.ok_or_else(|| std::io::Error::other("the name has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /health/ready HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line)
}
