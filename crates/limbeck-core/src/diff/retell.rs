//! Texts after renames that PostgreSQL does not simply print with another name in them.

use std::collections::{BTreeMap, BTreeSet};

use super::kinship;
use super::options::Rename;
use super::rename::columns_of;
use super::walk::{self, Place};
use crate::ddl::quote;
use crate::schema::{Entry, Kind, Name, Object, ObjectId, Schema};
use crate::sql::token::{Lexer, Token, TokenKind};

/// Columns that have other names, by their tables.
pub(super) struct Columns {
    of: BTreeMap<ObjectId, Vec<Renamed>>,
}

/// A column that has another name. Both are quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Renamed {
    plain: String,
    from: String,
    to: String,
    /// Whether another column has the old name now: then it cannot tell which of them a text means.
    reused: bool,
}

impl Columns {
    /// Those that the renames are about.
    pub(super) fn of(from: &Schema, to: &Schema, renames: &[Rename]) -> Self {
        let mut of: BTreeMap<ObjectId, Vec<Renamed>> = BTreeMap::new();
        for rename in renames {
            let Rename::Column { table, from: old, to: new } = rename else { continue };
            let Some((id, _)) = columns_of(from, table) else { continue };
            let reused = columns_of(to, table).is_some_and(|(_, columns)| columns.contains(old.as_str()));
            let renamed =
                Renamed { plain: new.clone(), from: quote::ident(old), to: quote::ident(new), reused };
            for id in kinship::heirs(from, &id, old).into_iter().chain([id]) {
                of.entry(id).or_default().push(renamed.clone());
            }
        }
        Self { of }
    }

    /// Texts in which the names occur: where the new side says the same with the new names, it is what PostgreSQL will
    /// print.
    pub(super) fn retell(&self, schema: &mut Schema, to: &Schema) {
        for (id, entry) in &mut schema.objects {
            let found = self.concerning(id, entry);
            if !found.is_empty()
                && let Some(target) = to.objects.get(id)
            {
                match &mut entry.object {
                    Object::Statistics(own) => own.definition = statistics(&own.definition, &found),
                    _ => retell(entry, target, &found),
                }
            }
        }
    }

    /// The columns that an object, which has their new names already, is about.
    fn concerning(&self, id: &ObjectId, entry: &Entry) -> Vec<Renamed> {
        let needed = |of: &ObjectId, renamed: &Renamed| {
            let is_this = |column: &String| *column == renamed.plain;
            entry.needs.iter().any(|need| need.on == *of && need.column.as_ref().is_some_and(is_this))
        };
        let concerned = |(of, renamed): (&ObjectId, &Renamed)| id == of || needed(of, renamed);
        let all = self.of.iter().flat_map(|(of, columns)| columns.iter().map(move |renamed| (of, renamed)));
        all.filter(|one| concerned(*one)).map(|(_, renamed)| renamed.clone()).collect()
    }
}

fn retell(entry: &mut Entry, target: &Entry, columns: &[Renamed]) {
    let mut wanted = Vec::new();
    walk::texts(&mut target.clone(), &mut |text, place| wanted.push((place, text.clone())));
    let mut position = 0;
    walk::texts(entry, &mut |text, place| {
        let same_place = |(other, _): &&(Place, String)| *other == place;
        let candidate = match wanted.get(position).filter(same_place) {
            Some(found) => Some(found),
            None => wanted.iter().find(same_place),
        };
        if is_ambiguous(text, columns) {
            match place {
                Place::Expression => *text = replaced(text, columns),
                Place::Query => text.push_str(DOUBT),
                Place::Type => {}
            }
        } else if let Some((_, new)) = candidate
            && follows(text, new, columns, place)
        {
            text.clone_from(new);
        }
        position += 1;
    });
}

/// The definition of statistics with the new names. The catalog reader sorts its columns, which come before its
/// expressions, by name.
fn statistics(definition: &str, columns: &[Renamed]) -> String {
    let (mut depth, mut cuts) = (0, Vec::new());
    for token in Lexer::new(definition, 0) {
        match &definition[token.span.clone()] {
            "(" => depth += 1,
            ")" => depth -= 1,
            "ON" | "," | "FROM" if depth == 0 => cuts.push(token.span),
            _ => {}
        }
    }
    let [on, .., from] = cuts.as_slice() else { return definition.to_owned() };
    let parts = cuts.windows(2).map(|pair| replaced(&definition[pair[0].end..pair[1].start], columns));
    let is_column = |part: &String| pieces(part).len() == 1;
    let (mut names, expressions): (Vec<_>, Vec<_>) =
        parts.map(|part| part.trim().to_owned()).partition(is_column);
    names.sort_by(|one, other| one.trim_matches('"').cmp(other.trim_matches('"')));
    names.extend(expressions);
    format!("{} {} {}", &definition[..on.end], names.join(", "), &definition[from.start..])
}

/// What makes a text differ from every other: what PostgreSQL prints for it is not known here.
const DOUBT: &str = " /* renamed */";

/// Whether it has an old name that means another column now.
fn is_ambiguous(text: &str, columns: &[Renamed]) -> bool {
    let is_reused = |piece: &str| columns.iter().any(|column| column.reused && column.from == piece);
    columns.iter().any(|column| column.reused) && pieces(text).iter().any(|piece| is_reused(piece))
}

/// An expression with the new names: a word in it that is a column's name is that column, if it is no function and no
/// type.
fn replaced(text: &str, columns: &[Renamed]) -> String {
    let tokens: Vec<Token> = Lexer::new(text, 0).collect();
    let piece = |at: usize| tokens.get(at).map(|token| &text[token.span.clone()]);
    let mut result = String::with_capacity(text.len());
    for at in 0..tokens.len() {
        let word = piece(at).unwrap_or_default();
        let is_other = piece(at + 1) == Some("(") || at.checked_sub(1).and_then(piece) == Some("::");
        let column = columns.iter().find(|column| column.from == word && !is_other);
        result.push_str(column.map_or(word, |column| &column.to));
    }
    result
}

fn pieces(text: &str) -> Vec<&str> {
    let tokens = Lexer::new(text, 0).filter(|token| !token.is_blank());
    tokens.map(|token| &text[token.span]).collect()
}

/// Whether the new text is the old one as PostgreSQL prints it once the columns have their new names: a name may have
/// been replaced at any place, and a query goes on to call its result by the old name (`users.full_name AS name`).
fn follows(old: &str, new: &str, columns: &[Renamed], place: Place) -> bool {
    let (old, new) = (pieces(old), pieces(new));
    let (mut at, mut other) = (0, 0);
    while at < old.len() {
        let Some(&found) = new.get(other) else { return false };
        let renamed = columns.iter().find(|column| old[at] == column.from && found == column.to);
        if old[at] != found && renamed.is_none() {
            return false;
        }
        (at, other) = (at + 1, other + 1);
        let named = old.get(at).is_some_and(|next| *next == "AS");
        let called = |name: &str| new.get(other) == Some(&"AS") && new.get(other + 1) == Some(&name);
        let is_called = match renamed {
            Some(column) => called(&column.from),
            None => columns.iter().any(|column| column.from == found && called(&column.to)),
        };
        if place == Place::Query && !named && is_called {
            other += 2;
        }
    }
    other == new.len()
}

/// The old names of tables and views that something else has now.
pub(super) fn reused_names(to: &Schema, renames: &[Rename]) -> BTreeSet<Name> {
    const RELATIONS: [Kind; 4] = [Kind::Table, Kind::View, Kind::MaterializedView, Kind::ForeignTable];
    let old_name = |rename: &Rename| match rename {
        Rename::Object { from, .. } if RELATIONS.contains(&from.kind) => from.qualified(),
        _ => None,
    };
    let is_reused = |name: &Name| {
        RELATIONS.into_iter().any(|kind| to.objects.contains_key(&ObjectId::relation(kind, name)))
    };
    renames.iter().filter_map(old_name).filter(is_reused).collect()
}

/// Queries that name such a table mean the one that has another name now, and PostgreSQL prints that one.
pub(super) fn doubt_queries(schema: &mut Schema, reused: &BTreeSet<Name>) {
    if reused.is_empty() {
        return;
    }
    for entry in schema.objects.values_mut() {
        // What a function's body in quotes says is looked up when it runs.
        if matches!(&entry.object, Object::Routine(routine) if !routine.definition.contains("BEGIN ATOMIC")) {
            continue;
        }
        walk::texts(entry, &mut |text, place| {
            if place == Place::Query && reused.iter().any(|name| mentions(text, name)) {
                text.push_str(DOUBT);
            }
        });
    }
}

fn mentions(text: &str, name: &Name) -> bool {
    let (schema, own) = (quote::ident(&name.schema), quote::ident(&name.name));
    let tokens: Vec<Token> = Lexer::new(text, 0).filter(|token| !token.is_blank()).collect();
    let is_name = |token: &Token| matches!(token.kind, TokenKind::Word | TokenKind::QuotedName);
    tokens.windows(3).any(|three| {
        let [first, dot, last] = three else { return false };
        let piece = |token: &Token| &text[token.span.clone()];
        is_name(first) && piece(first) == schema && piece(dot) == "." && piece(last) == own
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(from: &str, to: &str, reused: bool) -> Renamed {
        Renamed { plain: to.into(), from: from.into(), to: to.into(), reused }
    }

    #[test]
    fn follows_a_columns_rename() {
        let columns = [column("name", "full_name", false)];
        let yes = [
            ("CHECK ((name <> ''::text))", "CHECK ((full_name <> ''::text))", Place::Expression),
            (
                "SELECT users.name\n FROM public.users",
                "SELECT users.full_name AS name\n FROM public.users",
                Place::Query,
            ),
            ("SELECT users.name AS n FROM t", "SELECT users.full_name AS n FROM t", Place::Query),
            ("SELECT a.name, b.name FROM t", "SELECT a.full_name AS name, b.name FROM t", Place::Query),
        ];
        for (old, new, place) in yes {
            assert!(follows(old, new, &columns, place), "{old} -> {new}");
        }
        let no = [
            ("CHECK ((name <> ''::text))", "CHECK ((full_name <> 'x'::text))", Place::Expression),
            ("SELECT users.name FROM t", "SELECT users.full_name FROM t WHERE x", Place::Query),
        ];
        for (old, new, place) in no {
            assert!(!follows(old, new, &columns, place), "{old} -> {new}");
        }
    }

    #[test]
    fn exchanged_names_in_an_expression() {
        let columns = [column("a", "date", true), column("date", "a", true)];
        let text = "CHECK (((a > date) AND (date > '2020-01-01'::date) AND (date(b) = 'a'::text)))";
        let told = "CHECK (((date > a) AND (a > '2020-01-01'::date) AND (date(b) = 'a'::text)))";
        assert!(is_ambiguous(text, &columns));
        assert_eq!(replaced(text, &columns), told);
        assert!(!is_ambiguous("CHECK ((b > 0))", &columns));
    }
}
