//! From what PostgreSQL refuses in a statement back to what a model says.

use super::Models;
use crate::Place;
use crate::ddl::quote;
use crate::schema::{Kind, Name, ObjectId};
use crate::sql::token::{Lexer, TokenKind};

/// Where the parts of a column are said.
#[derive(Debug, Clone)]
pub struct ColumnPlaces {
    /// The field.
    pub field: Place,
    /// `sql_type`, or the field's type.
    pub data_type: Place,
    /// `collate`.
    pub collation: Option<Place>,
    /// `default` or `generated`.
    pub value: Option<Place>,
}

impl Models {
    /// Where that is said which PostgreSQL refuses in a statement that makes this object: what stands at this byte, where
    /// the server points at one; else the column that the statement or the server's message names; else the object.
    pub fn place_in(
        &self,
        id: &ObjectId,
        statement: &str,
        offset: Option<usize>,
        message: &str,
    ) -> Option<&Place> {
        let whole = self.bodies.get(id).or_else(|| self.places.get(id));
        let Some(table) = id.qualified().filter(|_| id.kind == Kind::Table) else { return whole };
        let words = words(statement);
        let altered = words.windows(3).find(|words| words[0].is("ALTER") && words[1].is("COLUMN"));
        let found = match (altered, offset) {
            (Some(words), _) => self.column(&table, words[2].text).map(|column| &column.field),
            (None, Some(offset)) => self.in_parentheses(&table, &words, offset),
            (None, None) => self.named(&table, message),
        };
        found.or(whole)
    }

    /// What a part of `CREATE TABLE` comes from.
    fn in_parentheses(&self, table: &Name, words: &[Word<'_>], offset: usize) -> Option<&Place> {
        let before = words.iter().take_while(|word| word.start <= offset).count();
        let begins =
            |word: &Word<'_>| word.start < offset && matches!((word.text, word.depth), ("(", 0) | (",", 1));
        let start = words[..before].iter().rposition(begins)? + 1;
        let item = &words[start..before];
        let first = item.first()?;
        if first.is("CONSTRAINT") {
            return self.constraint(table, words.get(start + 1)?.text);
        }
        let column = self.column(table, first.text)?;
        let says = |keyword| item[1..].iter().any(|word| word.depth == 1 && word.is(keyword));
        let said = match () {
            () if says("DEFAULT") || says("GENERATED") => column.value.as_ref(),
            () if says("COLLATE") => column.collation.as_ref(),
            () => (item.len() > 1).then_some(&column.data_type),
        };
        said.or(Some(&column.field))
    }

    /// The column that a message is about: `column "price" is of type integer but default expression is of type text`.
    fn named(&self, table: &Name, message: &str) -> Option<&Place> {
        let name = message.split_once("column \"")?.1.split_once('"')?.0;
        let column = self.column_places.get(&(table.clone(), name.to_owned()))?;
        match &column.value {
            Some(value) if message.contains("expression") => Some(value),
            _ => Some(&column.field),
        }
    }

    fn column(&self, table: &Name, quoted: &str) -> Option<&ColumnPlaces> {
        let is_meant = |of: &Name, column: &str| of == table && quote::ident(column) == quoted;
        self.column_places.iter().find(|((of, column), _)| is_meant(of, column)).map(|(_, places)| places)
    }

    fn constraint(&self, table: &Name, quoted: &str) -> Option<&Place> {
        let is_meant = |id: &ObjectId| {
            id.kind == Kind::Constraint && id.of.as_ref() == Some(table) && quote::ident(&id.name) == quoted
        };
        let (id, place) = self.places.iter().find(|(id, _)| is_meant(id))?;
        Some(self.bodies.get(id).unwrap_or(place))
    }
}

/// A token of a statement.
struct Word<'s> {
    text: &'s str,
    start: usize,
    /// How many parentheses are open before it.
    depth: usize,
}

impl Word<'_> {
    fn is(&self, keyword: &str) -> bool {
        self.text == keyword
    }
}

fn words(statement: &str) -> Vec<Word<'_>> {
    let mut depth = 0_usize;
    let mut words = Vec::new();
    for token in Lexer::new(statement, 0) {
        if matches!(token.kind, TokenKind::Space) {
            continue;
        }
        let (start, text) = (token.span.start, &statement[token.span]);
        if text == ")" {
            depth = depth.saturating_sub(1);
        }
        words.push(Word { text, start, depth });
        depth += usize::from(text == "(");
    }
    words
}
