//! A new revision file: written as a whole or not at all, then handed to the hooks.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use limbeck::config::{Config, Hook};
use limbeck_core::graph;
use limbeck_core::revision::{
    Created, DEFAULT_FILE_TEMPLATE, NewDowngrade, NewRevision, RevisionId, file_name, slug, write,
};
use limbeck_core::sql::MarkKind;
use limbeck_core::{Code, Problem, Source};

use crate::output;

/// How a new file is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Alembic's line.
    Text,
    Json,
}

impl Form {
    /// What a verb's `--json` asks for.
    pub(crate) fn of(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}

/// A revision that is not written yet.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    revision: NewRevision,
}

impl Draft {
    /// An empty revision, as a file of this folder.
    ///
    /// # Errors
    /// A `timezone` or `file_template` that cannot be used.
    pub(crate) fn new(
        config: &Config,
        folder: &Path,
        place: graph::NewRevision,
        message: &str,
    ) -> Result<Self, Problem> {
        let now = now(config)?;
        let template = config.file_template.as_deref().unwrap_or(DEFAULT_FILE_TEMPLATE);
        let slug = slug(message, config.truncate_slug_length);
        let path = folder.join(file_name(template, &place.id, &slug, &fields(&now))?);
        let revision = NewRevision {
            message: message.to_owned(),
            id: place.id,
            down_revision: place.down_revision,
            branch_labels: place.branch_labels,
            depends_on: place.depends_on,
            created: Some(now.strftime("%Y-%m-%d %H:%M %Z").to_string()),
            remarks: Vec::new(),
            upgrade: String::new(),
            downgrade: NewDowngrade::Section(String::new()),
        };
        Ok(Self { path, revision })
    }

    /// Fills the two sections.
    pub(crate) fn fill(&mut self, upgrade: String, downgrade: String) {
        self.revision.upgrade = upgrade;
        self.revision.downgrade = NewDowngrade::Section(downgrade);
    }

    /// Adds a line for readers below the keys.
    pub(crate) fn remark(&mut self, line: String) {
        self.revision.remarks.push(line);
    }

    /// Says that nobody has tried it, and why.
    pub(crate) fn unproved(&mut self, why: &str) {
        self.revision.upgrade.insert_str(0, &format!("-- limbeck:{} {why}\n", MarkKind::Unproved.as_str()));
    }

    /// The file as it would be written.
    pub(crate) fn source(&self) -> Arc<Source> {
        Source::new(self.path.display().to_string(), &write(&self.revision))
    }

    /// Writes the file and runs the hooks.
    ///
    /// # Errors
    /// Nothing is left behind if the file cannot be written; if a hook fails, the file stays.
    pub(crate) fn save(&self, config: &Config, form: Form) -> Result<(), Problem> {
        save(&self.path, &write(&self.revision))?;
        let revision = &self.revision;
        match form {
            Form::Text => output::line(&format!("Generating {} ...  done", self.path.display())),
            Form::Json => output::json(&serde_json::json!({
                "revision": revision.id.as_str(),
                "down_revision": revision.down_revision.iter().map(RevisionId::as_str).collect::<Vec<_>>(),
                "path": self.path.display().to_string(),
            })),
        }
        run_hooks(&config.post_write_hooks, &self.path)
    }
}

/// An id as Alembic makes them: twelve hex digits.
pub(crate) fn random_id() -> Result<RevisionId, Problem> {
    RevisionId::new(&format!("{:012x}", fastrand::u64(..1 << 48)))
}

/// The time, in the zone of the configuration (`timezone`, by default UTC).
fn now(config: &Config) -> Result<Zoned, Problem> {
    let name = config.timezone.as_deref().unwrap_or("UTC");
    let zone = if name.eq_ignore_ascii_case("utc") { Ok(TimeZone::UTC) } else { TimeZone::get(name) };
    let zone = zone.map_err(|error| {
        Problem::new(Code::ConfigValue, format!("`timezone = \"{name}\"` names no time zone: {error}"))
            .help("write a name such as Europe/Berlin")
    })?;
    Ok(Timestamp::now().to_zoned(zone))
}

fn fields(now: &Zoned) -> Created {
    Created {
        year: now.year().into(),
        month: now.month().unsigned_abs(),
        day: now.day().unsigned_abs(),
        hour: now.hour().unsigned_abs(),
        minute: now.minute().unsigned_abs(),
        second: now.second().unsigned_abs(),
        epoch: now.timestamp().as_second(),
    }
}

/// Writes beside the target and then gives the file its name, which fails if the name is taken: a full
/// disk or a kill leaves no half file.
pub(crate) fn save(path: &Path, text: &str) -> Result<(), Problem> {
    let file = beside(path, text)?;
    file.persist_noclobber(path).map(drop).map_err(|error| unwritten(path, &error.error))
}

/// The same for a file that may be there, and is replaced as a whole.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Problem> {
    let file = beside(path, text)?;
    file.persist(path).map(drop).map_err(|error| unwritten(path, &error.error))
}

/// The text, safely on the disk, in a file beside the path.
fn beside(path: &Path, text: &str) -> Result<tempfile::NamedTempFile, Problem> {
    let written = || {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(".limbeck-")
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    written().map_err(|error| unwritten(path, &error))
}

/// The error itself would name a temporary file.
fn unwritten(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(Code::File, format!("cannot write {}: {}", path.display(), error.kind())).help(
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => "remove that file, or choose another message or --rev-id",
            std::io::ErrorKind::ReadOnlyFilesystem => "nothing was written; this file system is read-only",
            _ => "nothing was written; give this user permission to write there, and room on the disk",
        },
    )
}

/// Runs the hooks one after another; the first that fails ends it.
fn run_hooks(hooks: &[Hook], path: &Path) -> Result<(), Problem> {
    let file = path.display().to_string();
    for hook in hooks {
        output::progress(&format!("Running post write hook \"{}\" ...", hook.name));
        let words: Vec<String> = hook.command.iter().map(|word| word.replace("{file}", &file)).collect();
        let Some((program, arguments)) = words.split_first() else { continue };
        let status = Command::new(program).args(arguments).stdin(Stdio::null()).status();
        let why = match status {
            Ok(status) if status.success() => continue,
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        return Err(hook_failed("write", hook, &words, &why)
            .note(format!("the revision file is written: {file}"))
            .help("run the command by hand, or correct `post_write_hooks` in limbeck.toml"));
    }
    Ok(())
}

/// The problem of a hook, of whatever occasion, that could not be run or ended badly.
pub(crate) fn hook_failed(occasion: &str, hook: &Hook, words: &[String], why: &str) -> Problem {
    Problem::new(Code::Hook, format!("the post {occasion} hook \"{}\" failed: {why}", hook.name))
        .note(format!("the command: {}", shell_words::join(words)))
}
