//! A section's SQL: statements, each with what it is and what was said about it, in the units that an
//! executor runs one after the other.

use std::sync::Arc;

use super::checksum::Checksum;
use super::classify::{Setting, StatementKind, classify_tokens};
use super::directive::{BatchOptions, Condition, Directive, Retry};
use super::refuse;
use super::scan::{Lexeme, Scanner, is_restrict};
use super::split::Splitter;
use super::token::{Lexer, Token, TokenKind};
use super::variable::{BATCH, Quoting, Rendered, Values, Variable, Variables};
use crate::problem::{Code, Place, Problem, Source, Span};
use crate::revision::Spanned;

/// What a section does, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The segments. None for an empty section.
    pub units: Vec<Unit>,
}

/// A segment: what is committed together, or runs outside a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// How it runs.
    pub kind: UnitKind,
    /// What runs: one statement unless it is a transaction, and none only where it is a Rust step.
    pub statements: Vec<Statement>,
    /// Where the directive of a Rust step is; other units have their statements' places.
    pub directive: Option<Place>,
}

/// How a segment runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitKind {
    /// All statements in one transaction.
    Transaction,
    /// One statement outside a transaction.
    Autocommit {
        /// Whether it may run again when its outcome is unknown.
        retry: Retry,
    },
    /// One statement, again and again, each time in its own transaction, until it touches no row.
    Batches(BatchOptions),
    /// No statement, but a function that the application registers under the revision's id.
    Rust,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What kind it is. Names that variables give are not in it; see [`Rendered::kind`].
    pub kind: StatementKind,
    /// `when`: it runs only if all of these hold.
    pub conditions: Vec<Spanned<Condition>>,
    /// The variables in it.
    pub variables: Vec<Variable>,
    source: Arc<Source>,
    span: Span,
}

impl Statement {
    /// From its first to its last token, without the semicolon.
    pub fn span(&self) -> Span {
        self.span.clone()
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        Place::new(&self.source, self.span.clone())
    }

    /// As it is in the file, variables by name: this may go into journals and logs.
    pub fn text(&self) -> &str {
        &self.source.text()[self.span.clone()]
    }

    /// Its beginning in one line, for progress and logs: at most `width` characters.
    pub fn headline(&self, width: usize) -> String {
        let words = Lexer::new(self.text(), 0).filter(|token| !token.is_blank()).take(width);
        let mut line = String::new();
        let mut end = 0;
        for token in words {
            let apart = token.span.start > end && end > 0;
            end = token.span.end;
            line.push_str(if apart { " " } else { "" });
            line.extend(self.text()[token.span].chars().map(|c| if c.is_whitespace() { ' ' } else { c }));
            if line.chars().count() > width {
                let kept: String = line.chars().take(width.saturating_sub(3)).collect();
                return kept + "...";
            }
        }
        line
    }

    /// The first condition that does not hold; `None` if the statement is to run.
    ///
    /// # Errors
    /// [`Code::SqlVariable`] for a variable that is not declared or has no value.
    pub fn unmet(&self, values: &Values) -> Result<Option<&Condition>, Problem> {
        for condition in &self.conditions {
            let place = || Place::new(&self.source, condition.span.clone());
            let value = values.get(&condition.value.variable).map_err(|problem| problem.at(place()))?;
            if value != condition.value.value {
                return Ok(Some(&condition.value));
            }
        }
        Ok(None)
    }

    /// The SQL to send.
    ///
    /// # Errors
    /// [`Code::SqlVariable`], at the variable, for one that is not declared, has no value, or has one that
    /// cannot be quoted.
    pub fn render(&self, values: &Values) -> Result<Rendered, Problem> {
        Rendered::new(&self.source, &self.span, &self.variables, &self.cuts(), values)
    }

    /// `\restrict` lines inside the statement, which PostgreSQL must not see.
    fn cuts(&self) -> Vec<Span> {
        let text = self.source.text();
        let tokens = Lexer::new(&text[..self.span.end], self.span.start);
        tokens
            .filter(|t| t.kind == TokenKind::MetaCommand && is_restrict(text, &t.span))
            .map(|t| t.span)
            .collect()
    }
}

impl Script {
    /// Reads a whole source as one section, without header and section directives: a downgrade from the
    /// journal, say.
    ///
    /// # Errors
    /// See [`Revision::upgrade_script`](crate::revision::Revision::upgrade_script).
    pub fn parse(source: &Arc<Source>) -> Result<Self, Problem> {
        Self::parse_part(source, 0..source.text().len())
    }

    /// Reads a part of a source as one section.
    pub(crate) fn parse_part(source: &Arc<Source>, part: Span) -> Result<Self, Problem> {
        let mut builder = Builder::new(source);
        for lexeme in Scanner::new(source, part) {
            match lexeme? {
                Lexeme::Token(token) => builder.token(token)?,
                Lexeme::Directive(directive) => builder.directive(directive)?,
            }
        }
        builder.finish()
    }

    /// All statements, in order.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.units.iter().flat_map(|unit| &unit.statements)
    }

    /// The checksum of the first `units` segments: what an interrupted run has committed of them. `None`
    /// for none, and for more than there are.
    pub fn checksum_of_first(&self, units: usize) -> Option<Checksum> {
        let places = |unit: &Unit| unit.places().collect::<Vec<_>>();
        let mut places = self.units.get(..units)?.iter().flat_map(places);
        let first = places.next()?;
        let end = places.last().map_or(first.span.end, |last| last.span.end);
        Some(Checksum::of_part(&first.source, first.span.start..end))
    }

    /// Checks before anything runs that every statement's variables and conditions can be told;
    /// [`BATCH`] counts as bound where a batch binds it.
    ///
    /// # Errors
    /// The first [`Code::SqlVariable`].
    pub fn check(&self, values: &Values) -> Result<(), Problem> {
        for unit in &self.units {
            for statement in &unit.statements {
                if statement.unmet(values)?.is_none() {
                    statement.render(&unit.bind(values))?;
                }
            }
        }
        Ok(())
    }
}

impl Unit {
    /// Where it is, in order.
    fn places(&self) -> impl Iterator<Item = Place> {
        self.directive.iter().cloned().chain(self.statements.iter().map(Statement::place))
    }

    /// The values with which this unit's statements are rendered: in a batch [`BATCH`] is bound.
    pub fn bind(&self, values: &Values) -> Values {
        match self.kind {
            UnitKind::Batches(options) => values.with(BATCH, options.size.to_string()),
            UnitKind::Transaction | UnitKind::Autocommit { .. } | UnitKind::Rust => values.clone(),
        }
    }
}

/// How the next statement is to run, as directives say it.
#[derive(Clone, Copy)]
enum Wish {
    Autocommit(Retry),
    Batch(BatchOptions),
}

/// Puts statements together, and statements into units.
struct Builder<'a> {
    source: &'a Arc<Source>,
    splitter: Splitter<'a>,
    units: Vec<Unit>,
    /// The transaction to which statements are still added.
    transaction: Vec<Statement>,
    conditions: Vec<Spanned<Condition>>,
    wish: Option<Spanned<Wish>>,
    /// The `commit` after which no statement came yet.
    committed: Option<Span>,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        Self {
            source,
            splitter: Splitter::new(source.text()),
            units: Vec::new(),
            transaction: Vec::new(),
            conditions: Vec::new(),
            wish: None,
            committed: None,
        }
    }

    fn wrong(&self, span: &Span, message: impl Into<String>) -> Problem {
        Problem::new(Code::RevisionDirective, message).at(Place::new(self.source, span.clone()))
    }

    fn token(&mut self, token: Token) -> Result<(), Problem> {
        match self.splitter.push(token) {
            Some(tokens) => self.statement(&tokens),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> Result<Script, Problem> {
        if let Some(block) = self.splitter.open_block() {
            return Err(Problem::new(Code::SqlSyntax, "this BEGIN ATOMIC has no END")
                .at(Place::new(self.source, block.clone()))
                .help("write `END;` after the last statement of the body"));
        }
        let last = self.splitter.finish();
        self.statement(&last)?;
        self.nothing_waits()?;
        self.close();
        Ok(Script { units: self.units })
    }

    fn statement(&mut self, tokens: &[Token]) -> Result<(), Problem> {
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return Ok(()) };
        refuse::check(self.source, tokens)?;
        let statement = Statement {
            kind: classify_tokens(self.source.text(), tokens),
            conditions: std::mem::take(&mut self.conditions),
            variables: Variables::of(self.source.text(), tokens),
            source: Arc::clone(self.source),
            span: first.span.start..last.span.end,
        };
        self.committed = None;
        self.place(statement)
    }

    /// Puts a statement into a unit.
    fn place(&mut self, statement: Statement) -> Result<(), Problem> {
        let setting = statement.kind.setting();
        let kind = match self.wish.take() {
            Some(Spanned { value: Wish::Batch(options), span }) => {
                self.check_batch(&statement, &span)?;
                UnitKind::Batches(options)
            }
            Some(Spanned { value: Wish::Autocommit(retry), .. }) => UnitKind::Autocommit { retry },
            None if setting == Setting::Autocommit => UnitKind::Autocommit { retry: Retry::Unmarked },
            None => {
                self.join_transaction(statement, setting);
                return Ok(());
            }
        };
        self.close();
        self.units.push(Unit { kind, statements: vec![statement], directive: None });
        Ok(())
    }

    fn join_transaction(&mut self, statement: Statement, setting: Setting) {
        let ended =
            self.transaction.last().is_some_and(|last| last.kind.setting() == Setting::EndOfTransaction);
        // Several values may be added in one transaction; only their use has to wait for its end.
        if ended && setting != Setting::EndOfTransaction {
            self.close();
        }
        self.transaction.push(statement);
    }

    fn check_batch(&self, statement: &Statement, directive: &Span) -> Result<(), Problem> {
        if statement.kind.setting() != Setting::Transaction {
            return Err(self
                .wrong(directive, "`batch` is for a statement that runs in a transaction")
                .also(statement.place(), "PostgreSQL takes this one only by itself"));
        }
        let sized = |variable: &Variable| variable.name == BATCH && variable.quoting == Quoting::Literal;
        if statement.variables.iter().any(sized) {
            return Ok(());
        }
        Err(self
            .wrong(directive, "the statement of this `batch` does not say how many rows it takes")
            .also(statement.place(), "here")
            .help("write `LIMIT :'batch'` in the subquery that chooses the rows"))
    }

    /// Ends the open transaction.
    fn close(&mut self) {
        if !self.transaction.is_empty() {
            let statements = std::mem::take(&mut self.transaction);
            self.units.push(Unit { kind: UnitKind::Transaction, statements, directive: None });
        }
    }

    fn directive(&mut self, directive: Spanned<Directive>) -> Result<(), Problem> {
        let Spanned { value, span } = directive;
        if let Some(first) = self.splitter.open().first() {
            let message = format!("the directive `{}` stands inside a statement", value.name());
            return Err(self
                .wrong(&span, message)
                .also(
                    Place::new(self.source, first.span.clone()),
                    "the statement that begins here has not ended",
                )
                .help("end the statement with `;`, or put the directive before it"));
        }
        match value {
            Directive::When(condition) => self.conditions.push(Spanned { value: condition, span }),
            Directive::Autocommit(retry) => return self.wish(Wish::Autocommit(retry), span),
            Directive::Batch(options) => return self.wish(Wish::Batch(options), span),
            Directive::Commit => return self.commit(span),
            Directive::Rust => return self.rust(&span),
            Directive::Timeout(_) | Directive::Mark(_) => {}
            Directive::Upgrade | Directive::Downgrade | Directive::Irreversible(_) => {
                return Err(self.wrong(&span, format!("`{}` may not be inside a section", value.name())));
            }
        }
        Ok(())
    }

    fn wish(&mut self, wish: Wish, span: Span) -> Result<(), Problem> {
        if let Some(other) = &self.wish {
            return Err(self
                .wrong(&span, "a statement takes one `autocommit` or `batch`")
                .also(Place::new(self.source, other.span.clone()), "it has this one already"));
        }
        self.wish = Some(Spanned { value: wish, span });
        Ok(())
    }

    fn commit(&mut self, span: Span) -> Result<(), Problem> {
        self.nothing_waits()?;
        self.close();
        if self.units.is_empty() || self.committed.is_some() {
            return Err(self
                .wrong(&span, "there is nothing before this `commit` to be committed")
                .help("put it after the statements that are to be committed, or leave it out"));
        }
        self.committed = Some(span);
        Ok(())
    }

    fn rust(&mut self, span: &Span) -> Result<(), Problem> {
        self.nothing_waits()?;
        let earlier = self.units.iter().find_map(|unit| unit.directive.clone());
        if let Some(earlier) = earlier {
            return Err(self
                .wrong(span, "a section takes one `rust`")
                .also(earlier, "it has this one already")
                .help("do all of it in one function, or write a second revision"));
        }
        self.close();
        self.committed = None;
        let directive = Some(Place::new(self.source, span.clone()));
        self.units.push(Unit { kind: UnitKind::Rust, statements: Vec::new(), directive });
        Ok(())
    }

    /// Directives for the next statement need one.
    fn nothing_waits(&self) -> Result<(), Problem> {
        let when = self.conditions.first().map(|condition| (&condition.span, "when"));
        let wish = self.wish.as_ref().map(|wish| match wish.value {
            Wish::Autocommit(_) => (&wish.span, "autocommit"),
            Wish::Batch(_) => (&wish.span, "batch"),
        });
        match when.or(wish) {
            None => Ok(()),
            Some((span, name)) => Err(self
                .wrong(span, format!("no statement follows this `{name}`"))
                .help("put it on the line before the statement that it is for")),
        }
    }
}
