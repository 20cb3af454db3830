//! What can be wrong, as data: a code, a sentence, a place and a way out. Rendering is the caller's.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A byte range in a [`Source`].
pub type Span = Range<usize>;

/// A text that places point into, with the name under which a user knows it (usually a path).
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
}

impl Source {
    /// Takes a text as it was read: a byte-order mark goes, and CRLF becomes LF, before anything is
    /// hashed, parsed or sent (spans count in what remains).
    pub fn new(name: impl Into<String>, text: &str) -> Arc<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // Most files have none, and copy in one go.
        let text = if text.contains('\r') { text.replace("\r\n", "\n") } else { text.to_owned() };
        Arc::new(Self { name: name.into(), text })
    }

    /// The name to show: a path as the user would type it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text, normalised as [`Source::new`] says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column, both from 1, the column in characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// A span in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The text.
    pub source: Arc<Source>,
    /// Where in it.
    pub span: Span,
}

impl Place {
    /// A place in `source`.
    pub fn new(source: &Arc<Source>, span: Span) -> Self {
        Self { source: Arc::clone(source), span }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.source.line_column(self.span.start);
        write!(f, "{}:{line}:{column}", self.source.name())
    }
}

/// Declares every code once: its variant, its stable name and its meaning.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// The stable name of a kind of problem; scripts may match on [`Code::as_str`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $variant,)+ }

        impl Code {
            /// Every code, for documentation and tests.
            pub const ALL: &[Code] = &[$(Code::$variant),+];

            /// The name as printed, for example `graph::cycle`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $name,)+ }
            }
        }
    };
}

codes! {
    // Revision files.
    /// A revision file's header is malformed.
    RevisionHeader = "revision::header",
    /// A directive is unknown, misplaced or malformed.
    RevisionDirective = "revision::directive",
    /// The upgrade or downgrade section is missing or there twice.
    RevisionSection = "revision::section",
    /// An identifier or a label has characters that it may not have.
    RevisionId = "revision::id",
    /// A `file_template` from which no file name can be made.
    FileTemplate = "revision::file-template",
    // SQL inside revisions.
    /// The SQL does not parse.
    SqlSyntax = "sql::syntax",
    /// A statement that a revision may not hold (transaction control, COPY FROM STDIN, psql commands).
    SqlRefused = "sql::refused",
    /// A variable is undeclared or has no value.
    SqlVariable = "sql::variable",
    // The graph.
    /// Two files hold the same revision id.
    GraphDuplicate = "graph::duplicate",
    /// A parent or dependency that no file has.
    GraphMissing = "graph::missing",
    /// A revision that is its own ancestor.
    GraphCycle = "graph::cycle",
    /// One label on two revisions, or a label equal to an id.
    GraphLabel = "graph::label",
    // Resolving what a user typed.
    /// Nothing answers to the identifier.
    NotFound = "resolve::not-found",
    /// A partial id that several revisions answer to.
    AmbiguousId = "resolve::ambiguous-id",
    /// One head was asked for and there are several.
    MultipleHeads = "resolve::multiple-heads",
    /// A relative identifier that leads nowhere or to several places.
    Relative = "resolve::relative",
    /// An identifier of a form that is not understood here.
    BadIdentifier = "resolve::bad-identifier",
    /// A range whose ends are not on one line.
    BadRange = "resolve::bad-range",
    // Planning.
    /// The target cannot be reached in this direction.
    BadTarget = "plan::bad-target",
    /// Requested revisions overlap.
    Overlap = "plan::overlap",
    /// A new revision's parent is not a head.
    NotAHead = "plan::not-a-head",
    /// A merge of fewer than two revisions.
    NothingToMerge = "plan::nothing-to-merge",
    /// The version table holds a row that no file knows.
    UnknownRow = "plan::unknown-row",
    /// A downgrade reaches a revision that says it cannot be undone.
    Irreversible = "plan::irreversible",
    // Models.
    /// A Rust model is malformed, or cannot be read without compiling.
    Model = "model::rust",
    // Files and folders.
    /// A file or folder cannot be read or written.
    File = "file::io",
    /// A folder that should hold revisions holds none, or is not there.
    NoRevisions = "file::no-revisions",
    /// A program that runs on new files failed.
    Hook = "file::hook",
    // Running.
    /// A statement failed.
    Statement = "run::statement",
    /// The connection ended during the run.
    ConnectionLost = "run::connection-lost",
    /// A lock was not to be had in time.
    LockTimeout = "run::lock-timeout",
    /// A pooler shares backends between sessions, so that a lock would guard nothing.
    Pooler = "run::pooler",
    /// A batch statement touches more and more rows.
    BatchWithoutEnd = "run::batch-without-end",
    /// A step in Rust is missing, has no place, or failed.
    RustStep = "run::rust-step",
    /// The run was asked to stop.
    Cancelled = "run::cancelled",
    /// The version table or the journal is not as a run needs it.
    DatabaseState = "run::database-state",
    /// The role may not read or create what limbeck keeps in the database.
    Permission = "run::permission",
    /// A revision was interrupted where its outcome cannot be known.
    OutcomeUnknown = "run::outcome-unknown",
    /// The database holds a newer release's revisions, and this release's own are pending.
    Ahead = "run::ahead",
    /// An applied revision's file was edited, and the configuration does not let it pass.
    Edited = "run::edited",
    /// What a statement was to make is there already, and is not of its making (an invalid index, say).
    InTheWay = "run::in-the-way",
    /// Something that destroys was not agreed to.
    NotConfirmed = "run::not-confirmed",
    /// What was asked for cannot be done with these revisions (several segments in one transaction, say).
    NotPossible = "run::not-possible",
    /// Data would be lost, and nobody said that it may.
    DataLoss = "run::data-loss",
    /// The schema lacks something that it should have.
    Validation = "run::validation",
    /// A new revision did not lead on a scratch database to what is wanted, or not back.
    Unproved = "autogenerate::unproved",
    /// What is to be compared is no schema's name.
    BadSource = "autogenerate::bad-source",
    /// A scratch database is not as it should be.
    Scratch = "autogenerate::scratch",
    /// There is something that limbeck cannot express, so that a comparison would keep silent about it.
    Inexpressible = "autogenerate::inexpressible",
    /// A defect of limbeck's own.
    Internal = "internal",
    // Configuration.
    /// `limbeck.toml` is not TOML.
    ConfigSyntax = "config::syntax",
    /// A key that limbeck does not know.
    ConfigUnknownKey = "config::unknown-key",
    /// A value of the wrong type, or out of bounds; also of an environment variable.
    ConfigValue = "config::value",
    /// A configuration file, section or variable that is not there.
    ConfigMissing = "config::missing",
    // Reaching the database.
    /// The URL, or what completes it, cannot be understood.
    ConnectUrl = "connect::url",
    /// Nobody answers at that address.
    ConnectUnreachable = "connect::unreachable",
    /// The server is starting up, shutting down or full.
    ConnectBusy = "connect::busy",
    /// The server does not let this user in.
    ConnectRefused = "connect::refused",
    /// The server has no such database.
    ConnectDatabase = "connect::database",
    /// Encryption is asked for and cannot be had.
    ConnectTls = "connect::tls",
    /// The password command failed.
    ConnectPasswordCommand = "connect::password-command",
    /// Every server is read-only, or none is of the wanted sort.
    ConnectReadOnly = "connect::read-only",
    /// The local PostgreSQL cannot be started.
    LocalServer = "connect::local-server",
    /// Anything else that stands between us and a session.
    ConnectOther = "connect::other",
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    code: Code,
    message: String,
    place: Option<Place>,
    also: Vec<(Place, String)>,
    notes: Vec<String>,
    help: Option<String>,
}

/// One thing that is wrong: code, message, place, way out.
///
/// `{}` prints the message; `{:#}` puts the place before it and the notes and the help after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(Box<Parts>);

impl Problem {
    /// A problem without a place.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            message: message.into(),
            place: None,
            also: Vec::new(),
            notes: Vec::new(),
            help: None,
        }))
    }

    /// Says where it is.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.0.place = Some(place);
        self
    }

    /// Says before the sentence what was being done.
    #[must_use]
    pub fn prefixed(mut self, what: &str) -> Self {
        self.0.message.insert_str(0, what);
        self
    }

    /// Points at a second place, with what is there ("first used here").
    #[must_use]
    pub fn also(mut self, place: Place, what: impl Into<String>) -> Self {
        self.0.also.push((place, what.into()));
        self
    }

    /// Adds a fact that helps to understand.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.0.notes.push(note.into());
        self
    }

    /// Says the way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// The kind of problem.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence, without place and help.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it is, if it is in a text.
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// Further places, each with what is there.
    pub fn places_too(&self) -> &[(Place, String)] {
        &self.0.also
    }

    /// Facts that help to understand.
    pub fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// The way out.
    pub fn help_text(&self) -> Option<&str> {
        self.0.help.as_deref()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return f.write_str(&self.0.message);
        }
        if let Some(place) = &self.0.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.0.message)?;
        for (place, what) in &self.0.also {
            write!(f, "\n  {place}: {what}")?;
        }
        for note in &self.0.notes {
            write!(f, "\n  note: {note}")?;
        }
        if let Some(help) = &self.0.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
