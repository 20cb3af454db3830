//! Texts that PostgreSQL prints, after a rename.

use super::walk::Place;
use crate::ddl::quote;
use crate::schema::{Kind, Name, ObjectId};
use crate::sql::token::{Lexer, Token, TokenKind};

/// A rename, as it shows in texts and names.
#[derive(Debug, Clone)]
pub(super) enum Rewrite {
    /// An object has another name, or is in another schema.
    Object {
        /// Before.
        from: ObjectId,
        /// And afterwards.
        to: ObjectId,
    },
    /// A column has another name.
    Column {
        /// The table.
        of: ObjectId,
        /// Before.
        from: String,
        /// And afterwards.
        to: String,
    },
    /// An enum's value has another name.
    Value {
        /// The enum.
        of: Name,
        /// Before.
        from: String,
        /// And afterwards.
        to: String,
    },
}

impl Rewrite {
    /// What a name with a schema becomes; `None` if it stays.
    pub(super) fn name(&self, name: &Name) -> Option<Name> {
        let Self::Object { from, to } = self else { return None };
        if from.kind == Kind::Schema {
            return (name.schema == from.name).then(|| Name::new(to.name.clone(), name.name.clone()));
        }
        let same = from.of.is_none() && from.qualified().as_ref() == Some(name);
        same.then(|| to.qualified()).flatten()
    }

    /// A text with the qualified names and enum values in it replaced where PostgreSQL prints them so.
    pub(super) fn text(&self, text: &str, place: Place) -> String {
        let tokens: Vec<Token> = Lexer::new(text, 0).collect();
        let (mut result, mut at) = (String::with_capacity(text.len()), 0);
        while at < tokens.len() {
            match self.replacement(text, &tokens[at..], place) {
                Some((new, taken)) => {
                    result.push_str(&new);
                    at += taken;
                }
                None => {
                    result.push_str(&text[tokens[at].span.clone()]);
                    at += 1;
                }
            }
        }
        result
    }

    /// What stands for the next tokens, and for how many of them.
    fn replacement(&self, text: &str, tokens: &[Token], place: Place) -> Option<(String, usize)> {
        let piece = |at: usize| tokens.get(at).map(|token| &text[token.span.clone()]);
        if let Self::Value { of, from, to } = self {
            let enumeration = quote::name(of);
            let cast = piece(1) == Some("::")
                && tokens.get(2).is_some_and(|token| text[token.span.start..].starts_with(&enumeration));
            return (cast && piece(0) == Some(quote::literal(from).as_str()))
                .then(|| (quote::literal(to), 1));
        }
        let Self::Object { from, .. } = self else { return None };
        // PostgreSQL prints a relation in a query under its new name with the old one as its alias; the text then
        // differs, and is replaced.
        let relation =
            matches!(from.kind, Kind::Table | Kind::View | Kind::MaterializedView | Kind::ForeignTable);
        if relation && place == Place::Query {
            return None;
        }
        let first = tokens.first()?;
        if first.kind == TokenKind::Text {
            // `nextval('public.users_id_seq'::regclass)`
            let inner = text[first.span.clone()].strip_prefix('\'')?.strip_suffix('\'')?;
            let (schema, name) = inner.split_once('.')?;
            let new = self.name(&Name::new(unquoted(schema), unquoted(name)))?;
            return (piece(1) == Some("::")).then(|| (quote::literal(&quote::name(&new)), 1));
        }
        let is_name = |token: &Token| matches!(token.kind, TokenKind::Word | TokenKind::QuotedName);
        if is_name(first) && piece(1) == Some(".") && tokens.get(2).is_some_and(is_name) {
            let name = Name::new(unquoted(piece(0)?), unquoted(piece(2)?));
            return self.name(&name).map(|new| (quote::name(&new), 3));
        }
        None
    }
}

fn unquoted(name: &str) -> String {
    let inner = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    inner.map_or_else(|| name.to_owned(), |inner| inner.replace("\"\"", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_qualified_names() {
        let sequence = |name: &str| ObjectId::relation(Kind::Sequence, &Name::new("public", name));
        let rewrite = Rewrite::Object { from: sequence("users_id_seq"), to: sequence("people_id_seq") };
        assert_eq!(
            rewrite.text("nextval('public.users_id_seq'::regclass)", Place::Expression),
            "nextval('public.people_id_seq'::regclass)"
        );
        let of = Name::new("public", "mood");
        let rewrite = Rewrite::Value { of, from: "sad".into(), to: "blue".into() };
        assert_eq!(
            rewrite.text("(mood = 'sad'::public.mood) AND (name = 'sad'::text)", Place::Expression),
            "(mood = 'blue'::public.mood) AND (name = 'sad'::text)"
        );
    }
}
