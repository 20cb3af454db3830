//! `cargo xtask containers`: the images and the compose files, as the guide has them used. It types every shell block of
//! docs/database-migrations.md, in order, and looks whether what the guide promises has happened.

mod disturbed;
mod docker;
mod guide;
mod http;
mod load;
mod page;
mod place;
mod production;
mod session;
mod starts;

use std::ffi::OsString;
use std::time::Instant;

use docker::Source;
use place::Place;

use crate::postgres;
use crate::run::{Done, Failed};

/// A part of the test, and its name.
type Part = (&'static str, fn(&Place) -> Done);

/// In the order in which they run.
const PARTS: [Part; 4] = [
    ("passwords", production::refuses_without_passwords),
    ("starts", starts::all),
    ("disturbed", disturbed::all),
    ("guide", guide::all),
];

/// Runs the whole of it, or the parts that are named; `--from-source` builds the images as everybody else does, which takes
/// a while.
pub(crate) fn containers(args: &[OsString]) -> Done {
    let names: Vec<_> = args.iter().filter(|arg| *arg != "--from-source").collect();
    let source = if names.len() == args.len() { Source::Prebuilt } else { Source::Sources };
    if names.iter().any(|name| PARTS.iter().all(|(part, _)| name != part)) {
        let parts = PARTS.map(|(part, _)| part).join("|");
        let why = format!("usage: cargo xtask containers [--from-source] [{parts}]...");
        return Err(Failed { why, code: 64 });
    }
    docker::ensure()?;
    // The guide generates a revision on the host, which needs a scratch server.
    postgres::ensure()?;
    let begun = Instant::now();
    let place = Place::make(source)?;
    for (name, run) in PARTS {
        if names.is_empty() || names.iter().any(|wanted| *wanted == name) {
            run(&place)?;
        }
    }
    eprintln!("containers: all is as the guide says, after {} s", begun.elapsed().as_secs());
    Ok(())
}
