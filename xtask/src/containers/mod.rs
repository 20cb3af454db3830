//! `cargo xtask containers`: the images and the compose files, as the guide has them used. It types every shell block of
//! docs/database-migrations.md, in order, and looks whether what the guide promises has happened.

mod docker;
mod guide;
mod http;
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

/// Runs the whole of it; `--from-source` builds the images as everybody else does, which takes a while.
pub(crate) fn containers(args: &[OsString]) -> Done {
    let source = match args {
        [] => Source::Prebuilt,
        [only] if only == "--from-source" => Source::Sources,
        _ => {
            return Err(Failed { why: "usage: cargo xtask containers [--from-source]".to_owned(), code: 64 });
        }
    };
    docker::ensure()?;
    // The guide generates a revision on the host, which needs a scratch server.
    postgres::ensure()?;
    let begun = Instant::now();
    let place = Place::make(source)?;
    production::refuses_without_passwords(&place)?;
    starts::all(&place)?;
    guide::all(&place)?;
    eprintln!("containers: all is as the guide says, after {} s", begun.elapsed().as_secs());
    Ok(())
}
