//! A revision file, read.

use std::sync::Arc;

use super::{Header, Spanned};
use crate::problem::{Code, Place, Problem, Source, Span};
use crate::sql::{Checksum, Directive, Lexeme, Mark, Scanner, Script, Timeouts};

/// A revision file: its header and where its sections are. Their SQL is read when it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    header: Arc<Header>,
    upgrade: Span,
    downgrade: Downgrade,
    timeouts: Timeouts,
    marks: Vec<Spanned<Mark>>,
    /// The upgrade's checksum, where its text is not here.
    recorded: Option<Checksum>,
}

/// How a revision is undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Downgrade {
    /// By the section with this text, which may be empty.
    Section {
        /// The text after the directive's line.
        span: Span,
    },
    /// Not at all.
    Irreversible {
        /// Why.
        reason: String,
        /// The directive.
        span: Span,
    },
}

impl Revision {
    /// Reads a file's header, finds its sections and checks its directives. The SQL in it is not looked
    /// at beyond strings and comments, so that a folder of a thousand files is read in an instant.
    ///
    /// # Errors
    /// [`Code::RevisionHeader`], [`Code::RevisionId`], [`Code::RevisionSection`],
    /// [`Code::RevisionDirective`], and [`Code::SqlSyntax`] for a string or comment without end.
    pub fn parse(source: &Arc<Source>) -> Result<Self, Problem> {
        refuse_nul(source)?;
        let (header, end) = Header::parse(source)?;
        let mut reader = Reader::new(source);
        for lexeme in Scanner::new(source, end..source.text().len()) {
            match lexeme {
                Ok(Lexeme::Token(token)) => reader.sql(&token.span)?,
                Ok(Lexeme::Directive(directive)) => reader.directive(directive)?,
                Err(problem) => return Err(reader.explain(problem)),
            }
        }
        reader.finish(header)
    }

    /// The header.
    pub fn header(&self) -> &Arc<Header> {
        &self.header
    }

    /// The file.
    pub fn source(&self) -> &Arc<Source> {
        &self.header.source
    }

    /// How it is undone.
    pub fn downgrade(&self) -> &Downgrade {
        &self.downgrade
    }

    /// `timeout`.
    pub fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// `destructive`, `depends-on-data`, `unproved`, in the file's order.
    pub fn marks(&self) -> &[Spanned<Mark>] {
        &self.marks
    }

    /// The upgrade section as it is in the file.
    pub fn upgrade_text(&self) -> &str {
        &self.source().text()[self.upgrade.clone()]
    }

    /// The downgrade section as it is in the file; none for an irreversible revision.
    pub fn downgrade_text(&self) -> Option<&str> {
        self.downgrade.span().map(|span| &self.source().text()[span])
    }

    /// Says what the upgrade's checksum was: for a revision of which only the journal's copy is left, without
    /// the upgrade.
    #[must_use]
    pub fn with_upgrade_checksum(self, checksum: Checksum) -> Self {
        Self { recorded: Some(checksum), ..self }
    }

    /// The upgrade's checksum.
    pub fn upgrade_checksum(&self) -> Checksum {
        self.recorded.clone().unwrap_or_else(|| Checksum::of_part(self.source(), self.upgrade.clone()))
    }

    /// The downgrade's checksum; none for an irreversible revision.
    pub fn downgrade_checksum(&self) -> Option<Checksum> {
        self.downgrade.span().map(|span| Checksum::of_part(self.source(), span))
    }

    /// Reads the upgrade's statements.
    ///
    /// # Errors
    /// [`Code::SqlRefused`] for what may not be in a revision, [`Code::RevisionDirective`] for a directive
    /// without its statement or inside one, [`Code::SqlSyntax`] for a routine's body without end.
    pub fn upgrade_script(&self) -> Result<Script, Problem> {
        Script::parse_part(self.source(), self.upgrade.clone())
    }

    /// Reads the downgrade's statements.
    ///
    /// # Errors
    /// As [`Revision::upgrade_script`]; and [`Code::Irreversible`], with the reason.
    pub fn downgrade_script(&self) -> Result<Script, Problem> {
        match &self.downgrade {
            Downgrade::Section { span } => Script::parse_part(self.source(), span.clone()),
            Downgrade::Irreversible { reason, span } => {
                let message = format!("revision {} cannot be undone: {reason}", self.header.id.value);
                Err(Problem::new(Code::Irreversible, message).at(self.header.place(span)))
            }
        }
    }
}

impl Downgrade {
    fn span(&self) -> Option<Span> {
        match self {
            Self::Section { span } => Some(span.clone()),
            Self::Irreversible { .. } => None,
        }
    }
}

/// PostgreSQL takes no NUL character, not even in a string; better said here than by a driver.
fn refuse_nul(source: &Arc<Source>) -> Result<(), Problem> {
    match source.text().find('\0') {
        None => Ok(()),
        Some(at) => Err(Problem::new(Code::SqlSyntax, "a NUL character, which PostgreSQL does not take")
            .at(Place::new(source, at..at + 1))
            .help("was the file saved as UTF-8?")),
    }
}

/// Where the reader is in a file.
enum At {
    /// Before the first section.
    Beginning,
    /// In a section whose text begins here.
    Section { text: usize },
    /// After `irreversible`.
    AfterIrreversible { directive: Span },
}

/// A section that was found: its directive and, once it has ended, its text.
struct Section {
    directive: Span,
    text: Span,
}

/// Finds the sections.
struct Reader<'a> {
    source: &'a Arc<Source>,
    at: At,
    upgrade: Option<Section>,
    downgrade: Option<(Section, Option<String>)>,
    timeouts: Timeouts,
    marks: Vec<Spanned<Mark>>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        let timeouts = Timeouts::default();
        Self { source, at: At::Beginning, upgrade: None, downgrade: None, timeouts, marks: Vec::new() }
    }

    fn wrong(&self, code: Code, span: &Span, message: impl Into<String>) -> Problem {
        Problem::new(code, message).at(Place::new(self.source, span.clone()))
    }

    fn sql(&self, token: &Span) -> Result<(), Problem> {
        if matches!(self.at, At::Section { .. }) {
            return Ok(());
        }
        let line = self.source.text()[token.start..].lines().next().unwrap_or_default();
        let span = token.start..token.start + line.trim_end().len();
        Err(match &self.at {
            At::AfterIrreversible { directive } => self
                .wrong(Code::RevisionSection, &span, "SQL after `irreversible`")
                .also(Place::new(self.source, directive.clone()), "there is no downgrade")
                .help("if it undoes the revision, write `-- limbeck:downgrade` instead of `irreversible`"),
            _ => self
                .wrong(Code::RevisionSection, &span, "SQL before the first section")
                .help("write `-- limbeck:upgrade` on a line of its own before it"),
        })
    }

    fn directive(&mut self, directive: Spanned<Directive>) -> Result<(), Problem> {
        let Spanned { value, span } = directive;
        match value {
            Directive::Upgrade => self.upgrade(span),
            Directive::Downgrade => self.downgrade(span, None),
            Directive::Irreversible(reason) => self.downgrade(span, Some(reason)),
            Directive::Timeout(timeouts) => self.timeout(&timeouts, &span),
            Directive::Mark(mark) => {
                self.marks.push(Spanned { value: mark, span });
                Ok(())
            }
            Directive::Commit
            | Directive::Autocommit(_)
            | Directive::Batch(_)
            | Directive::Rust
            | Directive::When(_) => self.needs_section(&value, &span),
        }
    }

    fn needs_section(&self, directive: &Directive, span: &Span) -> Result<(), Problem> {
        if matches!(self.at, At::Section { .. }) {
            return Ok(());
        }
        let message = format!("the directive `{}` is in no section", directive.name());
        Err(self
            .wrong(Code::RevisionDirective, span, message)
            .help("put it below `-- limbeck:upgrade` or `-- limbeck:downgrade`"))
    }

    fn upgrade(&mut self, directive: Span) -> Result<(), Problem> {
        self.end_section(directive.start);
        if let Some(first) = &self.upgrade {
            return Err(self.twice("upgrade", &directive, &first.directive));
        }
        self.upgrade = Some(self.begin(directive));
        Ok(())
    }

    fn downgrade(&mut self, directive: Span, irreversible: Option<String>) -> Result<(), Problem> {
        self.end_section(directive.start);
        if let Some((first, _)) = &self.downgrade {
            return Err(self.twice("downgrade", &directive, &first.directive));
        }
        let section = self.begin(directive.clone());
        if irreversible.is_some() {
            self.at = At::AfterIrreversible { directive };
        }
        self.downgrade = Some((section, irreversible));
        Ok(())
    }

    fn twice(&self, name: &str, again: &Span, first: &Span) -> Problem {
        self.wrong(Code::RevisionSection, again, format!("a second {name} section"))
            .also(Place::new(self.source, first.clone()), "the first one is here")
            .help("a revision has one `upgrade`, and one `downgrade` or `irreversible`")
    }

    /// Begins a section after its directive's line.
    fn begin(&mut self, directive: Span) -> Section {
        let text = self.source.text();
        let start = text[directive.end..].find(['\n', '\r']).map_or(text.len(), |at| directive.end + at + 1);
        self.at = At::Section { text: start };
        Section { directive, text: start..text.len() }
    }

    /// Ends the section that is open, at the beginning of the next directive's line.
    fn end_section(&mut self, next: usize) {
        let At::Section { text: start } = self.at else { return };
        let line = self.source.text()[..next].rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let sections = self.upgrade.iter_mut().chain(self.downgrade.iter_mut().map(|(section, _)| section));
        for section in sections.filter(|section| section.text.start == start) {
            section.text.end = line;
        }
    }

    fn timeout(&mut self, timeouts: &Timeouts, span: &Span) -> Result<(), Problem> {
        let statement = self.timeouts.statement.and(timeouts.statement).map(|_| "statement");
        let lock = self.timeouts.lock.and(timeouts.lock).map(|_| "lock");
        if let Some(name) = statement.or(lock) {
            let message = format!("`timeout` says `{name}=` a second time");
            return Err(self
                .wrong(Code::RevisionDirective, span, message)
                .help("a timeout is for the whole revision"));
        }
        self.timeouts.statement = self.timeouts.statement.or(timeouts.statement);
        self.timeouts.lock = self.timeouts.lock.or(timeouts.lock);
        Ok(())
    }

    /// The rows of a `COPY ... FROM STDIN` look like strings without end; the COPY itself explains more.
    fn explain(&self, problem: Problem) -> Problem {
        let (At::Section { text }, Some(place)) = (&self.at, problem.place()) else { return problem };
        match Script::parse_part(self.source, *text..place.span.start.max(*text)) {
            Err(better) if better.code() == Code::SqlRefused => better,
            _ => problem,
        }
    }

    fn finish(self, header: Header) -> Result<Revision, Problem> {
        let id = header.id.span.clone();
        let missing = |name: &str, help: &str| {
            Err(self.wrong(Code::RevisionSection, &id, format!("there is no {name} section")).help(help))
        };
        let Some(upgrade) = &self.upgrade else {
            return missing("upgrade", "write `-- limbeck:upgrade` on a line of its own before the SQL");
        };
        let Some((section, irreversible)) = &self.downgrade else {
            return missing(
                "downgrade",
                "write `-- limbeck:downgrade`, below it the SQL that undoes the upgrade; or `-- limbeck:irreversible \
                 <reason>`",
            );
        };
        let downgrade = match irreversible {
            None => Downgrade::Section { span: section.text.clone() },
            Some(reason) => {
                Downgrade::Irreversible { reason: reason.clone(), span: section.directive.clone() }
            }
        };
        let upgrade = upgrade.text.clone();
        Ok(Revision {
            header: Arc::new(header),
            upgrade,
            downgrade,
            timeouts: self.timeouts,
            marks: self.marks,
            recorded: None,
        })
    }
}
