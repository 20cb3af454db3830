//! Making the data folder of a new server: `initdb`, or a copy of what it made before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::account::Account;
use super::folder::{Layout, path_hash, private_folder};
use super::{Error, ErrorKind, Programs, Result};

/// Counts up when what [`initdb`] makes changes, so that older templates are not used.
const TEMPLATE_FORMAT: u32 = 1;

/// Whether the new data folder must survive a power failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Flushed to disk.
    Durable,
    /// Copied from a template that is kept per version, and not flushed.
    Quick,
}

/// Makes `layout.data()`. It appears all at once, when it is complete.
pub(super) fn create(programs: &Programs, layout: &Layout, account: Account, care: Care) -> Result<()> {
    let fresh = layout.root.join("data.new");
    remove_if_there(&fresh)?;
    let template = match care {
        Care::Durable => None,
        Care::Quick => {
            template_path(programs).and_then(|path| ensure_template(programs, account, &path).ok())
        }
    };
    match template {
        Some(template) => copy(&template, &fresh, account)?,
        None => initdb(programs, &fresh, account)?,
    }
    fs::rename(&fresh, layout.data()).map_err(|err| Error::folder("create", &layout.data(), err))
}

/// Where the template for these programs is kept, if there is a place for it.
fn template_path(programs: &Programs) -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let cache = named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache")))?;
    let key = path_hash(programs.bin_dir());
    let name = format!("{}-{key:016x}-{TEMPLATE_FORMAT}", programs.version());
    cache.is_absolute().then(|| cache.join("limbeck").join("clusters").join(name))
}

/// The template, made first if it is not there. Two processes may make it at once: the first one counts.
fn ensure_template(programs: &Programs, account: Account, template: &Path) -> Result<PathBuf> {
    if template.join("PG_VERSION").exists() {
        return Ok(template.to_owned());
    }
    let failed = |err| Error::folder("create", template, err);
    let parent = template.parent().unwrap_or(template);
    fs::create_dir_all(parent).map_err(failed)?;
    // The server's user may be unable to reach the cache (root's home): it works in a folder of its own.
    let (workshop, _lock) = super::folder::throw_away(account)?;
    let made = workshop.join("data");
    initdb(programs, &made, account)?;
    let name = template.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let unfinished = parent.join(format!(".{name}-{:08x}", fastrand::u32(..)));
    let copied = copy(&made, &unfinished, Account::Own);
    drop(fs::remove_dir_all(&workshop));
    copied?;
    match fs::rename(&unfinished, template) {
        Err(_) if template.join("PG_VERSION").exists() => remove_if_there(&unfinished)?,
        result => result.map_err(failed)?,
    }
    Ok(template.to_owned())
}

/// Runs `initdb`: superuser `postgres`, trusted on the socket and refused elsewhere, UTF-8, `C.UTF-8` where
/// the system has it and `C` otherwise (both sort by code point).
fn initdb(programs: &Programs, data: &Path, account: Account) -> Result<()> {
    let run = |locale: &str| -> Result<Output> {
        remove_if_there(data)?;
        private_folder().create(data).map_err(|err| Error::folder("create", data, err))?;
        account.give(data)?;
        let program = programs.program("initdb");
        let mut command = account.command(&program);
        command.args(["--username=postgres", "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8"]);
        command.arg(format!("--locale={locale}")).arg("-D").arg(data);
        command.output().map_err(|err| Error::folder("run", &program, err).help(cannot_run(account)))
    };
    let mut output = run("C.UTF-8")?;
    if !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("locale") {
        output = run("C")?;
    }
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::new(ErrorKind::Start, format!("initdb failed: {said}")))
}

/// What to do when a program cannot be run.
fn cannot_run(account: Account) -> &'static str {
    match account {
        Account::Own => "check the permissions of the programs",
        Account::Other { .. } => {
            "limbeck is root, so the server runs as an unprivileged user, who cannot reach the programs; \
             put them where everybody can, or run limbeck as an ordinary user"
        }
    }
}

fn remove_if_there(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(Error::folder("remove", folder, err)),
        _ => Ok(()),
    }
}

/// Copies a folder with everything in it; the copy belongs to `account`.
fn copy(from: &Path, to: &Path, account: Account) -> Result<()> {
    private_folder().create(to).map_err(|err| Error::folder("create", to, err))?;
    account.give(to)?;
    for entry in fs::read_dir(from).map_err(|err| Error::folder("read", from, err))? {
        let entry = entry.map_err(|err| Error::folder("read", from, err))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(|err| Error::folder("look at", &source, err))?;
        if kind.is_dir() {
            copy(&source, &target, account)?;
        } else {
            fs::copy(&source, &target).map_err(|err| Error::folder("copy to", &target, err))?;
            account.give(&target)?;
        }
    }
    Ok(())
}
