//! What a statement takes away, as far as its text says: tables, columns, types, rows.
//!
//! This warns somebody before a downgrade runs; it does not decide how anything runs. It reads what people
//! write, by the first words, as [`classify`](super::classify()) does. What only the server can tell (a DO
//! block, a procedure) is said to be so, and never passed over. Renames are told too, so that a later
//! statement's name can be followed back to what the database calls the thing now.

use std::fmt;

use super::classify::Words;
use super::name::ObjectName;
use super::token::{Lexer, Token};
use super::variable::quote_name;

/// One thing that a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// An object goes.
    Drop {
        /// What it is.
        kind: Dropped,
        /// Its name.
        name: ObjectName,
        /// Whether what depends on it goes too.
        reach: Reach,
    },
    /// `ALTER TABLE ... DROP COLUMN`.
    DropColumn {
        /// The table.
        table: ObjectName,
        /// The column.
        column: String,
        /// Whether what depends on it goes too.
        reach: Reach,
    },
    /// `ALTER TABLE ... ALTER COLUMN ... TYPE`: the values are converted, and may lose on the way.
    Retype {
        /// The table.
        table: ObjectName,
        /// The column.
        column: String,
    },
    /// `TRUNCATE`.
    Truncate {
        /// The table.
        table: ObjectName,
        /// Whether tables that refer to it are emptied too.
        reach: Reach,
    },
    /// `DELETE` and `MERGE ... DELETE`: some of the rows, or all.
    Delete {
        /// The table.
        table: ObjectName,
    },
    /// A table, view or type gets another name, or another schema.
    Rename {
        /// What it is called before.
        from: ObjectName,
        /// And afterwards.
        to: ObjectName,
    },
    /// A column gets another name.
    RenameColumn {
        /// The table.
        table: ObjectName,
        /// What it is called before.
        from: String,
        /// And afterwards.
        to: String,
    },
    /// From here on names without a schema may mean other things.
    SearchPath,
    /// It may destroy anything: only the server can tell.
    Untold(Untold),
}

/// Kinds of objects that hold data, or that data goes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dropped {
    /// A table.
    Table,
    /// A view; it matters for what goes with it.
    View,
    /// A materialized view.
    MaterializedView,
    /// A type or domain.
    Type,
    /// A schema with what is in it.
    Schema,
    /// An extension with its objects.
    Extension,
}

/// How far a removal goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Only the thing itself.
    Itself,
    /// `CASCADE`.
    Cascade,
}

/// What only the server can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Untold {
    /// `DO`.
    DoBlock,
    /// `CALL`.
    Call,
    /// `EXECUTE` of a prepared statement.
    Execute,
    /// `DROP OWNED`.
    DropOwned,
    /// `CASCADE` from something else than tables, types and schemas.
    Cascade,
    /// A name that cannot be read.
    Name,
}

impl fmt::Display for Untold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DoBlock => "the DO block",
            Self::Call => "the procedure of this CALL",
            Self::Execute => "this EXECUTE",
            Self::DropOwned => "DROP OWNED",
            Self::Cascade => "CASCADE",
            Self::Name => "this statement, whose name cannot be read,",
        })
    }
}

/// What a statement, given as text with its variables filled in, takes away.
pub fn destroys(sql: &str) -> Vec<Effect> {
    let tokens: Vec<Token> = Lexer::new(sql, 0).filter(|token| !token.is_blank()).collect();
    let mut words = Words::new(sql, &tokens);
    let first = words.first().map(|(_, word)| word.to_ascii_lowercase()).unwrap_or_default();
    words.skip();
    match first.as_str() {
        "drop" => drop_object(&mut words),
        "truncate" => truncate(&mut words),
        "alter" => alter(&mut words),
        "do" => vec![Effect::Untold(Untold::DoBlock)],
        "call" => vec![Effect::Untold(Untold::Call)],
        "execute" => vec![Effect::Untold(Untold::Execute)],
        "set" | "reset" => search_path(&mut words),
        "delete" | "with" | "insert" | "update" | "select" | "explain" | "copy" | "merge" => {
            in_query(Words::new(sql, &tokens))
        }
        _ => Vec::new(),
    }
}

/// The schema or extension that a statement makes, and a reset must therefore take away.
pub fn makes(sql: &str) -> Option<(Dropped, String)> {
    let tokens: Vec<Token> = Lexer::new(sql, 0).filter(|token| !token.is_blank()).collect();
    let mut words = Words::new(sql, &tokens);
    words.eat("create")?;
    let kind = words.eat_one_of(&[("schema", Dropped::Schema), ("extension", Dropped::Extension)])?;
    words.eat_all(&["if", "not", "exists"]);
    words.eat("authorization");
    Some((kind, words.part()??))
}

const KINDS: &[(&[&str], Dropped)] = &[
    (&["table"], Dropped::Table),
    (&["materialized", "view"], Dropped::MaterializedView),
    (&["view"], Dropped::View),
    (&["type"], Dropped::Type),
    (&["domain"], Dropped::Type),
    (&["schema"], Dropped::Schema),
    (&["extension"], Dropped::Extension),
];

fn drop_object(words: &mut Words<'_>) -> Vec<Effect> {
    if words.eat("owned").is_some() {
        return vec![Effect::Untold(Untold::DropOwned)];
    }
    let kind = KINDS.iter().find_map(|(start, kind)| words.eat_all(start).map(|()| *kind));
    let Some(kind) = kind else {
        let cascades = rest(words).iter().any(|word| word.eq_ignore_ascii_case("cascade"));
        return Vec::from_iter(cascades.then_some(Effect::Untold(Untold::Cascade)));
    };
    words.eat_all(&["if", "exists"]);
    let names = names(words);
    let reach = reach(words);
    told(names, |name| Effect::Drop { kind, name, reach })
}

fn truncate(words: &mut Words<'_>) -> Vec<Effect> {
    words.eat("table");
    let names = names(words);
    let reach = match rest(words).iter().any(|word| word.eq_ignore_ascii_case("cascade")) {
        true => Reach::Cascade,
        false => Reach::Itself,
    };
    told(names, |table| Effect::Truncate { table, reach })
}

/// `[ONLY] a [*], b, ...`; a name that cannot be read is `None`.
fn names(words: &mut Words<'_>) -> Vec<Option<ObjectName>> {
    let mut names = Vec::new();
    loop {
        words.eat("only");
        names.push(words.name());
        words.eat("*");
        if words.eat(",").is_none() {
            return names;
        }
    }
}

fn told(names: Vec<Option<ObjectName>>, effect: impl Fn(ObjectName) -> Effect) -> Vec<Effect> {
    let told = |name: Option<ObjectName>| name.map_or(Effect::Untold(Untold::Name), &effect);
    names.into_iter().map(told).collect()
}

fn reach(words: &mut Words<'_>) -> Reach {
    words.eat("cascade").map_or(Reach::Itself, |()| Reach::Cascade)
}

/// All words that are left.
fn rest<'a>(words: &mut Words<'a>) -> Vec<&'a str> {
    let mut rest = Vec::new();
    while let Some((_, word)) = words.first() {
        rest.push(word);
        words.skip();
    }
    rest
}

fn alter(words: &mut Words<'_>) -> Vec<Effect> {
    if words.eat("table").is_some() || words.eat_all(&["materialized", "view"]).is_some() {
        return alter_table(words);
    }
    if words.eat("type").is_some() || words.eat("domain").is_some() || words.eat("view").is_some() {
        let Some(name) = words.name() else { return Vec::new() };
        return Vec::from_iter(renamed(words, &name));
    }
    Vec::new()
}

fn alter_table(words: &mut Words<'_>) -> Vec<Effect> {
    words.eat_all(&["if", "exists"]);
    words.eat("only");
    let Some(table) = words.name() else { return vec![Effect::Untold(Untold::Name)] };
    words.eat("*");
    let mut effects = Vec::new();
    loop {
        effects.extend(action(words, &table));
        if !next_action(words) {
            return effects;
        }
    }
}

fn action(words: &mut Words<'_>, table: &ObjectName) -> Option<Effect> {
    if let Some(effect) = renamed(words, table) {
        return Some(effect);
    }
    let untold = Effect::Untold(Untold::Name);
    if words.eat("rename").is_some() {
        return rename_column(words, table);
    }
    if words.eat("drop").is_some() {
        if words.eat("constraint").is_some() {
            return None;
        }
        words.eat("column");
        words.eat_all(&["if", "exists"]);
        let Some(column) = words.part()? else { return Some(untold) };
        return Some(Effect::DropColumn { table: table.clone(), column, reach: reach(words) });
    }
    words.eat("alter")?;
    if words.eat("constraint").is_some() {
        return None;
    }
    words.eat("column");
    let column = words.part()?;
    words.eat_all(&["set", "data", "type"]).or_else(|| words.eat("type"))?;
    Some(column.map_or(untold, |column| Effect::Retype { table: table.clone(), column }))
}

/// `RENAME TO name` and `SET SCHEMA schema`.
fn renamed(words: &mut Words<'_>, from: &ObjectName) -> Option<Effect> {
    let to = if words.eat_all(&["rename", "to"]).is_some() {
        ObjectName { schema: from.schema.clone(), name: words.part()?? }
    } else {
        words.eat_all(&["set", "schema"])?;
        ObjectName { schema: Some(words.part()??), name: from.name.clone() }
    };
    Some(Effect::Rename { from: from.clone(), to })
}

fn rename_column(words: &mut Words<'_>, table: &ObjectName) -> Option<Effect> {
    if words.eat("constraint").is_some() {
        return None;
    }
    words.eat("column");
    let from = words.part()??;
    words.eat("to")?;
    Some(Effect::RenameColumn { table: table.clone(), from, to: words.part()?? })
}

/// Goes behind the next comma outside of brackets.
fn next_action(words: &mut Words<'_>) -> bool {
    let mut depth = 0_usize;
    while let Some((_, word)) = words.first() {
        words.skip();
        match word {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "," if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// `SET [LOCAL] search_path`.
fn search_path(words: &mut Words<'_>) -> Vec<Effect> {
    words.eat("local").or_else(|| words.eat("session"));
    let is_path =
        words.eat("search_path").is_some() || words.eat("schema").is_some() || words.eat("all").is_some();
    Vec::from_iter(is_path.then_some(Effect::SearchPath))
}

/// `DELETE FROM` anywhere in a query (it may stand in a WITH), `MERGE ... DELETE`, and
/// `set_config('search_path', ...)`.
fn in_query(mut words: Words<'_>) -> Vec<Effect> {
    let mut effects = Vec::new();
    let mut merged = None;
    while let Some((_, word)) = words.first() {
        if words.eat_all(&["delete", "from"]).is_some() {
            words.eat("only");
            effects.push(words.name().map_or(Effect::Untold(Untold::Name), |table| Effect::Delete { table }));
        } else if words.eat_all(&["merge", "into"]).is_some() {
            words.eat("only");
            merged = words.name();
        } else if words.eat_all(&["then", "delete"]).is_some() {
            effects.extend(merged.take().map(|table| Effect::Delete { table }));
        } else {
            if word.eq_ignore_ascii_case("'search_path'") {
                effects.push(Effect::SearchPath);
            }
            words.skip();
        }
    }
    effects
}

/// As a test or a log shows it.
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = |table: &ObjectName, column: &str| format!("{table}.{}", quote_name(column));
        match self {
            Self::Drop { kind, name, reach } => write!(f, "drop {kind:?} {name}{}", cascade(*reach)),
            Self::DropColumn { table, column: name, reach } => {
                write!(f, "drop column {}{}", column(table, name), cascade(*reach))
            }
            Self::Retype { table, column: name } => write!(f, "retype {}", column(table, name)),
            Self::Truncate { table, reach } => write!(f, "truncate {table}{}", cascade(*reach)),
            Self::Delete { table } => write!(f, "delete {table}"),
            Self::Rename { from, to } => write!(f, "rename {from} to {to}"),
            Self::RenameColumn { table, from, to } => {
                write!(f, "rename column {} to {}", column(table, from), quote_name(to))
            }
            Self::SearchPath => f.write_str("search path"),
            Self::Untold(what) => write!(f, "untold: {what}"),
        }
    }
}

fn cascade(reach: Reach) -> &'static str {
    if reach == Reach::Cascade { " cascade" } else { "" }
}
