//! Whether a database has what models rely on, as far as two values can tell without a server that normalises
//! expressions.
//!
//! Only what the models name is looked at, so that a database which a newer release has migrated further passes:
//! tables, columns with their types and NOT NULL, the values of enums; primary, unique and foreign keys and indexes by
//! their columns, whatever they are called. Not compared: expressions (defaults, checks, predicates, policies),
//! comments, storage. `limbeck check` compares those.

use std::collections::BTreeSet;
use std::fmt;

use crate::model::canonical_type;
use crate::schema::{
    Column, Constraint, ConstraintKind, Enum, Index, Name, Nullability, Object, Schema, Table,
};

/// Something that models say and a database does not have, or has otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// There is no such table.
    NoTable(Name),
    /// The table has no such column.
    NoColumn(Name, String),
    /// The column has another type.
    Type {
        /// The table.
        table: Name,
        /// The column.
        column: String,
        /// The type in the models.
        wanted: String,
        /// The type in the database.
        found: String,
    },
    /// The models have an `Option`, and the database refuses NULL.
    RefusesNull(Name, String),
    /// The database may hold NULL, and the models have no `Option`.
    MayBeNull(Name, String),
    /// There is no such enumerated type.
    NoEnum(Name),
    /// The enumerated type lacks these values.
    NoValues(Name, Vec<String>),
    /// The table has no such key. What a foreign key refers to comes last.
    NoKey(Name, ConstraintKind, Vec<String>, Option<Name>),
    /// The table has no usable index that begins like this one; an expression is `None`.
    NoIndex {
        /// The table.
        table: Name,
        /// Whether it should be unique.
        unique: bool,
        /// The columns.
        columns: Vec<Option<String>>,
    },
}

/// As a clause: `table public.users is missing`.
impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTable(table) => write!(f, "table {table} is missing"),
            Self::NoColumn(table, column) => write!(f, "column {table}.{column} is missing"),
            Self::Type { table, column, wanted, found } => {
                write!(f, "column {table}.{column} is of type {found}, not {wanted}")
            }
            Self::RefusesNull(table, column) => {
                write!(f, "column {table}.{column} is NOT NULL, and optional in the models")
            }
            Self::MayBeNull(table, column) => {
                write!(f, "column {table}.{column} may be NULL, and is not optional in the models")
            }
            Self::NoEnum(name) => write!(f, "type {name} is missing"),
            Self::NoValues(name, values) => write!(f, "type {name} lacks the values {}", values.join(", ")),
            Self::NoKey(table, kind, columns, references) => {
                let kind = match kind {
                    ConstraintKind::PrimaryKey => "primary key",
                    ConstraintKind::ForeignKey => "foreign key",
                    _ => "unique key",
                };
                write!(f, "table {table} has no {kind} ({})", columns.join(", "))?;
                references.as_ref().map_or(Ok(()), |referred| write!(f, " to {referred}"))
            }
            Self::NoIndex { table, unique, columns } => {
                let unique = if *unique { "unique " } else { "" };
                let columns: Vec<&str> =
                    columns.iter().map(|it| it.as_deref().unwrap_or("(expression)")).collect();
                write!(f, "table {table} has no {unique}index ({})", columns.join(", "))
            }
        }
    }
}

/// What the models want, as they are written, and the database does not have, in the order of kinds and names.
pub fn mismatches(models: &Schema, database: &Schema) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for (id, entry) in &models.objects {
        let Some(name) = id.qualified() else { continue };
        match (&entry.object, &id.of) {
            (Object::Enum(wanted), _) => enumeration(&name, wanted, database.get(id), &mut found),
            (Object::Table(wanted), _) => table(models, &name, wanted, database.table(&name), &mut found),
            (Object::Constraint(wanted), Some(of)) if database.table(of).is_some() => {
                found.extend(key(of, wanted, database));
            }
            (Object::Index(wanted), Some(of)) if database.table(of).is_some() => {
                found.extend(index(of, wanted, database));
            }
            _ => {}
        }
    }
    found
}

fn enumeration(name: &Name, wanted: &Enum, there: Option<&Object>, found: &mut Vec<Mismatch>) {
    let Some(Object::Enum(there)) = there else { return found.push(Mismatch::NoEnum(name.clone())) };
    let missing: Vec<String> =
        wanted.values.iter().filter(|value| !there.values.contains(value)).cloned().collect();
    if !missing.is_empty() {
        found.push(Mismatch::NoValues(name.clone(), missing));
    }
}

fn table(models: &Schema, name: &Name, wanted: &Table, there: Option<&Table>, found: &mut Vec<Mismatch>) {
    let Some(there) = there else { return found.push(Mismatch::NoTable(name.clone())) };
    let keys: BTreeSet<&String> = models
        .belongings(name)
        .filter_map(|(_, entry)| match &entry.object {
            Object::Constraint(it) if it.kind == ConstraintKind::PrimaryKey => Some(&it.columns),
            _ => None,
        })
        .flatten()
        .collect();
    for column in &wanted.columns {
        let Some(other) = there.column(&column.name) else {
            found.push(Mismatch::NoColumn(name.clone(), column.name.clone()));
            continue;
        };
        if !same_type(&column.data_type, &other.data_type) {
            found.push(Mismatch::Type {
                table: name.clone(),
                column: column.name.clone(),
                wanted: column.data_type.clone(),
                found: other.data_type.clone(),
            });
        }
        // A column of a primary key is NOT NULL without saying so.
        let refuses = keys.contains(&column.name) || refuses_null(column);
        match (refuses, refuses_null(other)) {
            (true, false) => found.push(Mismatch::MayBeNull(name.clone(), column.name.clone())),
            (false, true) => found.push(Mismatch::RefusesNull(name.clone(), column.name.clone())),
            _ => {}
        }
    }
}

fn refuses_null(column: &Column) -> bool {
    column.nullability != Nullability::Nullable || column.identity.is_some()
}

/// Whether two names of types mean the same: aliases apart, and where one of them names no schema, the schema too.
fn same_type(wanted: &str, found: &str) -> bool {
    let (wanted, found) = (plain_type(wanted), plain_type(found));
    wanted == found || unqualified(&wanted) == found || wanted == unqualified(&found)
}

/// A type's canonical name, where `serial` is its integer.
fn plain_type(written: &str) -> String {
    let integer = match written.to_ascii_lowercase().as_str() {
        "smallserial" | "serial2" => "smallint",
        "serial" | "serial4" => "integer",
        "bigserial" | "serial8" => "bigint",
        _ => return canonical_type(written),
    };
    integer.to_owned()
}

/// The name behind the schema.
fn unqualified(name: &str) -> &str {
    let mut quoted = false;
    let end = name.find('(').unwrap_or(name.len());
    let dots = name[..end].char_indices().filter(|(_, letter)| {
        quoted ^= *letter == '"';
        *letter == '.' && !quoted
    });
    dots.last().map_or(name, |(at, _)| &name[at + 1..])
}

fn key(table: &Name, wanted: &Constraint, database: &Schema) -> Option<Mismatch> {
    let is_there = match wanted.kind {
        ConstraintKind::PrimaryKey => constraints(database, table)
            .any(|it| it.kind == ConstraintKind::PrimaryKey && it.columns == wanted.columns),
        ConstraintKind::ForeignKey => constraints(database, table).any(|it| {
            it.kind == ConstraintKind::ForeignKey
                && it.columns == wanted.columns
                && (wanted.references.is_none() || it.references == wanted.references)
        }),
        ConstraintKind::Unique => is_unique(database, table, &wanted.columns),
        ConstraintKind::Check | ConstraintKind::Exclusion => true,
    };
    let missing =
        || Mismatch::NoKey(table.clone(), wanted.kind, wanted.columns.clone(), wanted.references.clone());
    (!is_there).then(missing)
}

fn constraints<'a>(schema: &'a Schema, table: &'a Name) -> impl Iterator<Item = &'a Constraint> {
    schema.belongings(table).filter_map(|(_, entry)| match &entry.object {
        Object::Constraint(constraint) => Some(constraint),
        _ => None,
    })
}

fn indexes<'a>(schema: &'a Schema, table: &'a Name) -> impl Iterator<Item = &'a Index> {
    schema.belongings(table).filter_map(|(_, entry)| match &entry.object {
        Object::Index(index) if index.valid => Some(index),
        _ => None,
    })
}

/// Whether a key or a unique index on all rows sees to it, in whatever order it names the columns.
fn is_unique(database: &Schema, table: &Name, columns: &[String]) -> bool {
    let same = |other: &[String]| sorted(other) == sorted(columns);
    let by_key = constraints(database, table).any(|it| {
        matches!(it.kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique) && same(&it.columns)
    });
    by_key
        || indexes(database, table).any(|it| {
            let plain: Option<Vec<String>> = it.columns.iter().cloned().collect();
            it.unique && !is_partial(it) && plain.is_some_and(|columns| same(&columns))
        })
}

fn sorted(columns: &[String]) -> Vec<&String> {
    let mut columns: Vec<&String> = columns.iter().collect();
    columns.sort();
    columns
}

fn is_partial(index: &Index) -> bool {
    index.definition.contains(" WHERE ")
}

fn index(table: &Name, wanted: &Index, database: &Schema) -> Option<Mismatch> {
    let plain: Option<Vec<String>> = wanted.columns.iter().cloned().collect();
    let by_index = indexes(database, table).any(|it| {
        it.columns == wanted.columns && it.unique >= wanted.unique && is_partial(it) == is_partial(wanted)
    });
    let by_key = || {
        constraints(database, table).any(|it| {
            matches!(it.kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique)
                && plain.as_ref() == Some(&it.columns)
        })
    };
    if by_index || by_key() {
        return None;
    }
    Some(Mismatch::NoIndex { table: table.clone(), unique: wanted.unique, columns: wanted.columns.clone() })
}

/// The schemas of what is looked at, for whoever reads a database only for that.
pub fn schemas(models: &Schema) -> BTreeSet<String> {
    models.objects.keys().filter_map(|id| id.schema.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Entry, Kind, ObjectId};

    fn column(name: &str, data_type: &str, nullability: Nullability) -> Column {
        Column { nullability, ..Column::new(name, data_type) }
    }

    fn with(objects: Vec<(ObjectId, Object)>) -> Schema {
        let entries = objects.into_iter().map(|(id, object)| (id, Entry::new(object)));
        Schema { objects: entries.collect() }
    }

    fn key_of(kind: ConstraintKind, columns: &[&str], references: Option<Name>) -> Constraint {
        let columns = columns.iter().map(|&it| it.to_owned()).collect();
        Constraint { kind, definition: String::new(), validated: true, columns, references, index: None }
    }

    fn index_of(columns: &[Option<&str>], unique: bool, definition: &str) -> Index {
        let columns = columns.iter().map(|it| it.map(str::to_owned)).collect();
        let definition = definition.to_owned();
        Index { unique, definition, valid: true, only: false, columns, statistics: Default::default() }
    }

    fn users() -> Name {
        Name::new("public", "users")
    }

    fn models() -> Schema {
        use Nullability::{NotNull, Nullable};
        let mood = ObjectId::relation(Kind::Enum, &Name::new("public", "mood"));
        let columns = vec![
            column("id", "bigserial", NotNull),
            column("email", "varchar(50)", NotNull),
            column("name", "citext", Nullable),
            column("mood", "public.mood", Nullable),
        ];
        with(vec![
            (mood, Object::Enum(Enum { values: vec!["sad".into(), "ok".into()] })),
            (ObjectId::relation(Kind::Table, &users()), Object::Table(Table::new(columns))),
            (
                ObjectId::of(Kind::Constraint, &users(), "a"),
                Object::Constraint(key_of(ConstraintKind::PrimaryKey, &["id"], None)),
            ),
            (
                ObjectId::of(Kind::Constraint, &users(), "b"),
                Object::Constraint(key_of(ConstraintKind::Unique, &["email", "name"], None)),
            ),
            (
                ObjectId::of(Kind::Index, &users(), "c"),
                Object::Index(index_of(&[Some("name"), None], false, "USING btree (name, lower(email))")),
            ),
        ])
    }

    fn words(database: &Schema) -> String {
        mismatches(&models(), database).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_same_by_other_names() {
        use Nullability::{NotNull, Nullable};
        let mut database = models();
        let table = ObjectId::relation(Kind::Table, &users());
        let columns = vec![
            column("extra", "text", NotNull),
            column("id", "bigint", NotNull),
            column("email", "character varying(50)", NotNull),
            column("name", "ext.citext", Nullable),
            column("mood", "public.mood", Nullable),
        ];
        database.objects.insert(table, Entry::new(Object::Table(Table::new(columns))));
        database.objects.remove(&ObjectId::of(Kind::Constraint, &users(), "b"));
        let unique = index_of(&[Some("name"), Some("email")], true, "USING btree (name, email)");
        database.objects.insert(ObjectId::of(Kind::Index, &users(), "u"), Entry::new(Object::Index(unique)));
        assert_eq!(words(&database), "");
    }

    #[test]
    fn what_is_missing_or_different() {
        use Nullability::{NotNull, Nullable};
        assert_eq!(words(&Schema::default()), "type public.mood is missing\ntable public.users is missing");
        let columns = vec![
            column("id", "integer", Nullable),
            column("email", "text", NotNull),
            column("name", "public.citext", NotNull),
        ];
        let mood = ObjectId::relation(Kind::Enum, &Name::new("public", "mood"));
        let partial =
            index_of(&[Some("email"), Some("name")], true, "USING btree (email, name) WHERE (id > 3)");
        let database = with(vec![
            (mood, Object::Enum(Enum { values: vec!["sad".into()] })),
            (ObjectId::relation(Kind::Table, &users()), Object::Table(Table::new(columns))),
            (ObjectId::of(Kind::Index, &users(), "u"), Object::Index(partial)),
        ]);
        let expected = "type public.mood lacks the values ok\n\
                        column public.users.id is of type integer, not bigserial\n\
                        column public.users.id may be NULL, and is not optional in the models\n\
                        column public.users.email is of type text, not varchar(50)\n\
                        column public.users.name is NOT NULL, and optional in the models\n\
                        column public.users.mood is missing\n\
                        table public.users has no index (name, (expression))\n\
                        table public.users has no primary key (id)\n\
                        table public.users has no unique key (email, name)";
        assert_eq!(words(&database), expected);
    }

    #[test]
    fn names_of_types() {
        for (wanted, found) in [
            ("int", "integer"),
            ("varchar(50)", "character varying(50)"),
            ("timestamptz", "timestamp with time zone"),
            ("vector(3)", "public.vector(3)"),
            ("public.vector(3)", "vector(3)"),
            ("serial", "integer"),
        ] {
            assert!(same_type(wanted, found), "{wanted} {found}");
        }
        for (wanted, found) in
            [("int", "bigint"), ("a.mood", "b.mood"), ("varchar", "text"), ("text", "text[]")]
        {
            assert!(!same_type(wanted, found), "{wanted} {found}");
        }
    }
}
