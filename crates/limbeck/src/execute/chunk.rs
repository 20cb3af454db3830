//! What goes to the server as one message, and the way back from PostgreSQL's error position to a place
//! in a revision's file.

use limbeck_core::sql::{Quoting, Rendered, Statement, Values, quote_literal};
use limbeck_core::{Place, Problem, Span};

/// Begins a transaction, always as a chunk's first statement.
pub(crate) const BEGIN: &str = "BEGIN";
/// Ends one, always as a chunk's last statement.
pub(crate) const COMMIT: &str = "COMMIT";

/// One message: statements one after another.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    sql: String,
    pieces: Vec<Piece>,
    /// What may not be shown, and what is shown instead.
    hidden: Vec<(String, String)>,
}

/// A shorter value is no secret, and taking it out of a message would leave no sentence.
const SHORTEST_SECRET: usize = 6;

/// One statement of a chunk.
#[derive(Debug)]
struct Piece {
    /// Its bytes in the chunk.
    bytes: Span,
    origin: Origin,
}

/// Whose statement it is.
#[derive(Debug)]
enum Origin {
    /// Limbeck's own.
    Own,
    /// A revision's.
    File { place: Place, rendered: Rendered },
}

impl Chunk {
    /// Whether a transaction is open after `completed` of its statements, if one was before or not.
    pub(crate) fn leaves_open(&self, before: bool, completed: usize) -> bool {
        let is = |index: usize, sql| {
            index < completed
                && self.pieces.get(index).is_some_and(|piece| &self.sql[piece.bytes.clone()] == sql)
        };
        (before || is(0, BEGIN)) && !self.pieces.len().checked_sub(1).is_some_and(|last| is(last, COMMIT))
    }

    /// Appends a statement of limbeck's own.
    pub(crate) fn own(&mut self, sql: &str) {
        self.push(sql, Origin::Own);
    }

    /// Appends statements of limbeck's own.
    pub(crate) fn own_all(&mut self, statements: &[String]) {
        for statement in statements {
            self.own(statement);
        }
    }

    /// Appends a file's statement with its variables filled in.
    pub(crate) fn statement(&mut self, statement: &Statement, values: &Values) -> Result<(), Problem> {
        let rendered = statement.render(values)?;
        let place = statement.place();
        for variable in statement.variables.iter().filter(|variable| variable.quoting == Quoting::Literal) {
            // A colon and a string that only look like a variable have no value.
            let Ok(value) = values.get(&variable.name) else { continue };
            if value.chars().count() >= SHORTEST_SECRET {
                let shown = format!(":'{}'", variable.name);
                self.hidden.push((quote_literal(value).trim_start().to_owned(), shown.clone()));
                self.hidden.push((value.to_owned(), shown));
            }
        }
        let sql = rendered.sql.clone();
        self.push(&sql, Origin::File { place, rendered });
        Ok(())
    }

    fn push(&mut self, sql: &str, origin: Origin) {
        let start = self.sql.len();
        self.sql.push_str(sql);
        self.pieces.push(Piece { bytes: start..self.sql.len(), origin });
        self.sql.push_str(";\n");
    }

    /// The message.
    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// A text of the server without the variables' values, which belong into no log.
    pub(crate) fn hide_values(&self, text: &str) -> String {
        self.hidden.iter().fold(text.to_owned(), |text, (value, shown)| text.replace(value, shown))
    }

    /// Whether the statement with this index is a revision's (others are limbeck's own).
    pub(crate) fn is_from_file(&self, index: usize) -> bool {
        matches!(self.pieces.get(index).map(|piece| &piece.origin), Some(Origin::File { .. }))
    }

    /// Where a failure is: at PostgreSQL's position if it gave one (characters, from 1), else at the
    /// statement after those that `completed`.
    pub(crate) fn place(&self, position: Option<usize>, completed: usize) -> Option<Place> {
        let Some(position) = position else { return self.start_of(completed) };
        let byte =
            self.sql.char_indices().nth(position.saturating_sub(1)).map_or(self.sql.len(), |(at, _)| at);
        // The semicolon after a statement is limbeck's, but what the server misses there is missing in the file.
        let piece = self.pieces.iter().rfind(|piece| piece.bytes.start <= byte);
        let Some(Piece { bytes, origin: Origin::File { place, rendered } }) = piece else {
            return self.start_of(completed);
        };
        let start = rendered.source_offset(byte - bytes.start).min(place.span.end);
        Some(Place::new(&place.source, start..start + word_length(&place.source.text()[start..])))
    }

    /// The statement that failed, as a place: its first line.
    fn start_of(&self, completed: usize) -> Option<Place> {
        match &self.pieces.get(completed)?.origin {
            Origin::Own => None,
            Origin::File { place, .. } => {
                let text = &place.source.text()[place.span.clone()];
                let line = text.lines().next().unwrap_or_default().trim_end().len();
                Some(Place::new(&place.source, place.span.start..place.span.start + line))
            }
        }
    }
}

/// The length of the word or the character at the start of `text`, for a caret that is easy to see.
fn word_length(text: &str) -> usize {
    let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
    let word: usize = text.chars().take_while(is_word).map(char::len_utf8).sum();
    word.max(text.chars().next().map_or(0, char::len_utf8))
}
