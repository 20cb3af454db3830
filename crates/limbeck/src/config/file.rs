//! A whole `limbeck.toml`, from text to values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use limbeck_core::model::ModelOptions;
use limbeck_core::nearest;
use limbeck_core::problem::{Code, Problem, Source, Span};
use limbeck_core::schema::Selection;
use toml::de::{DeTable, DeValue};

use super::compare;
use super::database::{Credentials, UrlText};
use super::duration::parse_duration;
use super::keys;
use super::table::{Layers, Reader, Value};
use super::values::{Ahead, Config, Environment, Hook, Scratch, Start, Subfolders};
use super::vars;
use crate::connect::{DatabaseUrl, PasswordCommand, mask_in_place};
use crate::edited::WhenEdited;

const DEFAULT_LOCK_TIMEOUT: Duration = Duration::from_secs(3);
const DEFAULT_CONCURRENTLY_WAIT: Duration = Duration::from_secs(3600);

/// Which configuration is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Given<'a> {
    /// `-c`: a file, or a folder that holds `limbeck.toml`.
    pub file: Option<&'a Path>,
    /// `-n`: a named section.
    pub name: Option<&'a str>,
}

/// A configuration file: the top level and the named sections, every one checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigFile {
    path: PathBuf,
    top: Config,
    named: BTreeMap<String, Config>,
}

impl ConfigFile {
    /// Understands the text of a file. `shown` is the path as messages name it, `path` the path
    /// whose folder relative paths start from.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place. Passwords in URLs are masked in what it shows.
    pub fn parse(path: &Path, shown: &str, text: &str) -> Result<Self, Problem> {
        let source = Source::new(shown, text);
        let masked = Source::new(shown, &mask_in_place(source.text()));
        let reader = Reader { shown: &masked };
        let document = DeTable::parse(source.text()).map_err(|error| syntax(&error, &masked))?;
        let top = document.get_ref();
        let mut known = keys::DATABASE.to_vec();
        known.push(keys::DATABASES);
        reader.check_keys(top, &known, "")?;
        let mut named = BTreeMap::new();
        if let Some(sections) = top.get(keys::DATABASES) {
            for (name, section) in reader.table(keys::DATABASES, sections)? {
                let table = reader.table(name.get_ref(), section)?;
                let within = format!("[databases.{}]", name.get_ref());
                reader.check_keys(table, keys::DATABASE, &within)?;
                let builder = Builder { reader, layers: Layers(vec![table, top]), path };
                named.insert(name.get_ref().to_string(), builder.build(Some((name.get_ref(), table)))?);
            }
        }
        let top = Builder { reader, layers: Layers(vec![top]), path }.build(None)?;
        Ok(Self { path: path.to_owned(), top, named })
    }

    /// The configuration of a named section, or of the top level.
    ///
    /// # Errors
    /// There is no such section.
    pub fn select(mut self, name: Option<&str>) -> Result<Config, Problem> {
        let Some(name) = name else { return Ok(self.top) };
        if let Some(config) = self.named.remove(name) {
            return Ok(config);
        }
        let names: Vec<&str> = self.named.keys().map(String::as_str).collect();
        let help = match (nearest(name, names.iter().copied()), names.is_empty()) {
            (Some(known), _) => format!("did you mean `{known}`?"),
            (None, true) => {
                format!("the file has no named section; add [databases.{name}] with its url or url_env")
            }
            (None, false) => format!("there are: {}", names.join(", ")),
        };
        let message = format!("{} has no section [databases.{name}]", self.path.display());
        Err(Problem::new(Code::ConfigMissing, message).help(help))
    }

    /// The names that `-n` can pick.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }
}

fn syntax(error: &toml::de::Error, shown: &Arc<Source>) -> Problem {
    let end = shown.text().len();
    let span: Span = error.span().unwrap_or(end..end);
    Problem::new(Code::ConfigSyntax, format!("this is not TOML: {}", error.message().trim()))
        .at(Reader { shown }.place(span))
        .help("the format: https://toml.io")
}

/// Turns one database's tables into a [`Config`].
struct Builder<'v, 't> {
    reader: Reader<'v>,
    layers: Layers<'v, 't>,
    path: &'v Path,
}

impl<'v, 't> Builder<'v, 't> {
    fn build(&self, section: Option<(&str, &'v DeTable<'t>)>) -> Result<Config, Problem> {
        let defaults = Config::defaults(self.folder());
        let script_location = self.path_of("script_location")?.unwrap_or(defaults.script_location);
        Ok(Config {
            file: Some(self.path.to_owned()),
            name: section.map(|(name, _)| name.to_owned()),
            version_locations: self
                .version_locations()?
                .unwrap_or_else(|| vec![script_location.join("versions")]),
            script_location,
            recursive_version_locations: self.subfolders()?,
            file_template: self.string("file_template")?,
            timezone: self.string("timezone")?,
            truncate_slug_length: self
                .number("truncate_slug_length", 1, 200)?
                .map_or(defaults.truncate_slug_length, |length| length as usize),
            version_table: self.identifier("version_table")?.unwrap_or(defaults.version_table),
            version_table_schema: self.identifier("version_table_schema")?,
            post_write_hooks: self.hooks("post_write_hooks")?,
            post_upgrade_hooks: self.hooks("post_upgrade_hooks")?,
            role: self.identifier("role")?,
            password_command: self.password_command()?,
            environment: self.environment()?,
            postgres_version: self
                .number("postgres_version", 10, 99)?
                .and_then(|major| u16::try_from(major).ok()),
            models: self.paths_of("models")?.unwrap_or_default(),
            schema_files: self.paths_of("schema_files")?.unwrap_or_default(),
            model_options: compare::model_options(self.reader, &self.layers)?,
            compare: compare::selection(self.reader, &self.layers)?,
            snapshot: self.snapshot(section.map(|(_, own)| own))?,
            required_tables: self.strings("required_tables")?.unwrap_or_default(),
            lock_timeout: self.duration("lock_timeout")?.unwrap_or(defaults.lock_timeout),
            concurrently_wait: self.duration("concurrently_wait")?.unwrap_or(defaults.concurrently_wait),
            journal_schema: self.identifier("journal_schema")?.unwrap_or(defaults.journal_schema),
            edited: self.edited()?,
            start: self.start()?,
            vars: self.vars()?,
            scratch: self.scratch()?,
            // A named section never takes another database's URL.
            credentials: self
                .credentials(section.map_or_else(|| self.layers.clone(), |(_, own)| Layers(vec![own])))?,
            folder: defaults.folder,
        })
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    fn string(&self, key: &str) -> Result<Option<String>, Problem> {
        self.layers.get(key).map(|value| self.reader.string(key, value)).transpose()
    }

    fn strings(&self, key: &str) -> Result<Option<Vec<String>>, Problem> {
        self.layers.get(key).map(|value| self.reader.strings(key, value)).transpose()
    }

    fn number(&self, key: &str, least: u32, most: u32) -> Result<Option<u32>, Problem> {
        self.layers.get(key).map(|value| self.reader.number(key, value, least, most)).transpose()
    }

    fn path_of(&self, key: &str) -> Result<Option<PathBuf>, Problem> {
        Ok(self.string(key)?.map(|path| self.folder().join(path)))
    }

    fn version_locations(&self) -> Result<Option<Vec<PathBuf>>, Problem> {
        let paths = self.paths_of("version_locations")?;
        match (&paths, self.layers.get("version_locations")) {
            (Some(paths), Some(value)) if paths.is_empty() => {
                let help = "name at least one folder, or leave the key out";
                Err(self.reader.bad(value.span(), "`version_locations` names no folder".to_owned(), help))
            }
            _ => Ok(paths),
        }
    }

    fn paths_of(&self, key: &str) -> Result<Option<Vec<PathBuf>>, Problem> {
        let Some(paths) = self.strings(key)? else { return Ok(None) };
        Ok(Some(paths.into_iter().map(|path| self.folder().join(path)).collect()))
    }

    /// A named section never writes another database's file.
    fn snapshot(&self, section: Option<&'v DeTable<'t>>) -> Result<Option<PathBuf>, Problem> {
        let key = "snapshot";
        let own = section.map_or_else(|| self.layers.clone(), |own| Layers(vec![own]));
        let path = own.get(key).map(|value| self.reader.string(key, value)).transpose()?;
        Ok(path.map(|path| self.folder().join(path)))
    }

    /// A name inside the database: PostgreSQL cuts after 63 bytes, without a word.
    fn identifier(&self, key: &str) -> Result<Option<String>, Problem> {
        let Some(value) = self.layers.get(key) else { return Ok(None) };
        let name = self.reader.string(key, value)?;
        if name.len() > 63 || name.contains('\0') {
            let help = "PostgreSQL's names have at most 63 bytes";
            return Err(self.reader.bad(value.span(), format!("`{key}` is too long a name"), help));
        }
        Ok(Some(name))
    }

    fn duration(&self, key: &str) -> Result<Option<Duration>, Problem> {
        let Some(value) = self.layers.get(key) else { return Ok(None) };
        let parsed = match value.get_ref() {
            DeValue::String(text) => parse_duration(text),
            DeValue::Integer(number) => parse_duration(number.as_str()),
            _ => None,
        };
        parsed.map(Some).ok_or_else(|| {
            let message = format!("`{key}` must be a duration");
            self.reader.bad(value.span(), message, "write \"3s\" or \"500ms\"; 0 waits for ever")
        })
    }

    fn subfolders(&self) -> Result<Subfolders, Problem> {
        let key = "recursive_version_locations";
        match self.layers.get(key).map(|value| self.reader.boolean(key, value)).transpose()? {
            Some(true) => Ok(Subfolders::Searched),
            _ => Ok(Subfolders::Ignored),
        }
    }

    fn environment(&self) -> Result<Environment, Problem> {
        Ok(match self.string("environment")? {
            None => Environment::Unsaid,
            Some(name) if ["production", "prod"].contains(&name.to_ascii_lowercase().as_str()) => {
                Environment::Production
            }
            Some(name) => Environment::Named(name),
        })
    }

    fn password_command(&self) -> Result<Option<PasswordCommand>, Problem> {
        let key = "password_command";
        let Some(value) = self.layers.get(key) else { return Ok(None) };
        Ok(Some(match value.get_ref() {
            DeValue::String(_) => PasswordCommand::Shell(self.reader.string(key, value)?),
            _ => PasswordCommand::Program(self.command(key, value)?),
        }))
    }

    /// A program and its arguments; an argument may be empty, the program may not.
    fn command(&self, key: &str, value: &Value<'_>) -> Result<Vec<String>, Problem> {
        let items = self.reader.array(key, value)?;
        let Some((program, arguments)) = items.split_first() else {
            let help = format!("write {key} = [\"program\", \"argument\"]");
            return Err(self.reader.bad(value.span(), format!("`{key}` names no program"), help));
        };
        let mut words = vec![self.reader.string(key, program)?];
        for argument in arguments {
            words.push(match argument.get_ref().as_str() {
                Some(text) => text.to_owned(),
                None => self.reader.string(key, argument)?,
            });
        }
        Ok(words)
    }

    fn hooks(&self, key: &str) -> Result<Vec<Hook>, Problem> {
        let Some(value) = self.layers.get(key) else { return Ok(Vec::new()) };
        self.reader.array(key, value)?.iter().map(|item| self.hook(key, item)).collect()
    }

    fn hook(&self, key: &str, item: &Value<'_>) -> Result<Hook, Problem> {
        let table = self.reader.table(key, item)?;
        self.reader.check_keys(table, keys::HOOK, key)?;
        let Some(command) = table.get("command") else {
            let help = "write { name = \"fmt\", command = [\"pg_format\", \"-i\", \"{file}\"] }";
            return Err(self.reader.bad(item.span(), "a hook has no `command`", help));
        };
        let command = self.command("command", command)?;
        let name = table.get("name").map(|name| self.reader.string("name", name)).transpose()?;
        Ok(Hook { name: name.unwrap_or_else(|| command[0].clone()), command })
    }

    fn edited(&self) -> Result<WhenEdited, Problem> {
        let words = [("warn", WhenEdited::Warn), ("refuse", WhenEdited::Refuse)];
        let word =
            self.layers.get("edited").map(|value| self.reader.word("edited", value, &words)).transpose()?;
        Ok(word.unwrap_or_default())
    }

    fn start(&self) -> Result<Start, Problem> {
        let layers = self.layers.sub(self.reader, "start")?;
        layers.0.iter().try_for_each(|table| self.reader.check_keys(table, keys::START, "[start]"))?;
        let words = [("continue", Ahead::Continue), ("refuse", Ahead::Refuse)];
        let target = layers.get("target").map(|value| self.reader.string("target", value)).transpose()?;
        let ahead = layers.get("ahead").map(|value| self.reader.word("ahead", value, &words)).transpose()?;
        let command = layers.get("command").map(|value| self.command("command", value)).transpose()?;
        let defaults = Start::default();
        Ok(Start {
            target: target.unwrap_or(defaults.target),
            ahead: ahead.unwrap_or_default(),
            command: command.unwrap_or_default(),
        })
    }

    fn vars(&self) -> Result<Vec<vars::VarDeclaration>, Problem> {
        let entries = self.layers.sub(self.reader, "vars")?.entries();
        entries
            .into_iter()
            .map(|(name, (span, value))| vars::declaration(self.reader, &name, span, value))
            .collect()
    }

    fn scratch(&self) -> Result<Scratch, Problem> {
        let layers = self.layers.sub(self.reader, "scratch")?;
        layers.0.iter().try_for_each(|table| self.reader.check_keys(table, keys::SCRATCH, "[scratch]"))?;
        let url = layers.get("url").map(|value| self.url(value)).transpose()?.map(|url| url.url);
        let mut vars = BTreeMap::new();
        for (name, (_, value)) in layers.sub(self.reader, "vars")?.entries() {
            let text = value.get_ref().as_str().map(str::to_owned);
            let help = format!("write {name} = \"...\"");
            let problem =
                || self.reader.bad(value.span(), format!("the value of `{name}` must be a string"), help);
            vars.insert(name.clone(), text.ok_or_else(problem)?);
        }
        Ok(Scratch { url, vars })
    }

    fn url(&self, value: &Value<'_>) -> Result<UrlText, Problem> {
        let text = self.reader.string("url", value)?;
        let place = self.reader.place(value.span());
        let url = DatabaseUrl::parse(&text).map_err(|error| Problem::from(error).at(place))?;
        Ok(UrlText { url, file: self.reader.shown.name().to_owned() })
    }

    fn credentials(&self, own: Layers<'v, 't>) -> Result<Credentials, Problem> {
        let url = own.get("url").map(|value| self.url(value)).transpose()?;
        let url_env = own.get("url_env").map(|value| self.variable("url_env", value)).transpose()?;
        Ok(Credentials { url, url_env })
    }

    fn variable(&self, key: &str, value: &Value<'_>) -> Result<String, Problem> {
        let name = self.reader.string(key, value)?;
        if name.contains(['=', '\0', '$', ':', '/']) {
            let help = "write the variable's name alone, as in url_env = \"BILLING_DATABASE_URL\"";
            return Err(self.reader.bad(value.span(), format!("`{key}` is no name of a variable"), help));
        }
        Ok(name)
    }
}

impl Default for Start {
    fn default() -> Self {
        Self { target: "head".to_owned(), ahead: Ahead::default(), command: Vec::new() }
    }
}

impl Config {
    /// What holds without a file, for a project in `folder`.
    pub fn defaults(folder: &Path) -> Self {
        let script_location = folder.join("migrations");
        Self {
            file: None,
            folder: folder.to_owned(),
            name: None,
            version_locations: vec![script_location.join("versions")],
            script_location,
            recursive_version_locations: Subfolders::default(),
            file_template: None,
            timezone: None,
            truncate_slug_length: 40,
            version_table: "alembic_version".to_owned(),
            version_table_schema: None,
            post_write_hooks: Vec::new(),
            post_upgrade_hooks: Vec::new(),
            role: None,
            password_command: None,
            environment: Environment::default(),
            postgres_version: None,
            models: Vec::new(),
            schema_files: Vec::new(),
            model_options: ModelOptions::default(),
            compare: Selection::default(),
            snapshot: None,
            required_tables: Vec::new(),
            lock_timeout: DEFAULT_LOCK_TIMEOUT,
            concurrently_wait: DEFAULT_CONCURRENTLY_WAIT,
            journal_schema: "limbeck".to_owned(),
            edited: WhenEdited::default(),
            start: Start::default(),
            vars: Vec::new(),
            scratch: Scratch::default(),
            credentials: Credentials::default(),
        }
    }
}
