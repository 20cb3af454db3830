use super::{attached, grants, quote, sequence, table, types, view};
use crate::schema::{Entry, Kind, Name, Object, ObjectId, Schema};

/// The statements that make an object from nothing, with its comments and grants, once all that it needs is there.
///
/// Grants are given and taken as far as they differ from what PostgreSQL grants by itself ([`Grant::defaults`]).
/// What has to wait for things that themselves need the object is not part of it: see [`finish`].
///
/// Of a partition, and of a table that inherits, every default and NOT NULL of its inherited columns is said;
/// [`create_in`], which knows its parents, says only where it departs from them.
///
/// [`Grant::defaults`]: crate::schema::Grant::defaults
pub fn create(id: &ObjectId, entry: &Entry) -> Vec<String> {
    all(None, id, entry)
}

/// As [`create`], where the rest of the schema is known too.
pub fn create_in(schema: &Schema, id: &ObjectId, entry: &Entry) -> Vec<String> {
    all(Some(schema), id, entry)
}

/// What an object is given once things are there that need it: the column that owns a sequence, the index by which a
/// table is replicated and clustered. Empty for most.
pub fn finish(id: &ObjectId, entry: &Entry) -> Vec<String> {
    let Some(name) = id.qualified() else { return Vec::new() };
    match &entry.object {
        Object::Sequence(object) => sequence::owned_by(&name, object).into_iter().collect(),
        Object::Table(object) => table::by_index(&name, object),
        _ => Vec::new(),
    }
}

fn all(schema: Option<&Schema>, id: &ObjectId, entry: &Entry) -> Vec<String> {
    let mut statements = bare(schema, id, entry);
    statements.extend(said(id, entry));
    statements
}

/// Comments and grants.
pub(super) fn said(id: &ObjectId, entry: &Entry) -> Vec<String> {
    let mut statements = Vec::new();
    statements.extend(entry.comment.as_deref().map(|text| comment_on(id, &entry.object, Some(text))));
    statements.extend(column_comments(id, &entry.object));
    let parts = entry.part_comments.iter();
    statements.extend(parts.map(|(part, text)| comment_on_part(id, part, Some(text))));
    if let Object::Table(table) = &entry.object {
        statements.extend(table.identities().flat_map(sequence::identity_said));
    }
    statements.extend(grants::initial(id, &entry.grants));
    statements
}

/// The object alone.
pub(super) fn bare(schema: Option<&Schema>, id: &ObjectId, entry: &Entry) -> Vec<String> {
    match &entry.object {
        Object::Schema if id.name == "public" => vec!["CREATE SCHEMA IF NOT EXISTS public".to_owned()],
        Object::Schema => vec![format!("CREATE SCHEMA {}", quote::ident(&id.name))],
        Object::Extension(object) => vec![types::extension(&id.name, object)],
        Object::Opaque(object) => object.create.clone(),
        Object::Routine(object) => vec![object.definition.clone()],
        Object::Index(object) => attached::index(id, object),
        Object::Constraint(object) => vec![attached::add_constraint(id, object)],
        Object::Statistics(object) => attached::statistics(object),
        Object::Rule(object) => attached::rule(id, object),
        Object::Trigger(object) => attached::trigger(id, object),
        Object::Policy(object) => vec![attached::create_policy(id, object)],
        object => named(schema, &name_of(id), object, id.kind),
    }
}

fn named(schema: Option<&Schema>, name: &Name, object: &Object, kind: Kind) -> Vec<String> {
    match object {
        Object::Collation(object) => vec![types::collation(name, object)],
        Object::Enum(object) => vec![types::enumeration(name, object)],
        Object::Domain(object) => types::domain(name, object),
        Object::Composite(object) => vec![types::composite(name, object)],
        Object::Range(object) => vec![types::range(name, object)],
        Object::Sequence(object) => vec![sequence::create(name, object)],
        Object::Table(object) => table::create(schema, name, object, kind),
        Object::View(object) => view::create(name, object, kind),
        _ => Vec::new(),
    }
}

/// Schema and name; what lives in no schema has an empty one.
fn name_of(id: &ObjectId) -> Name {
    Name::new(id.schema.clone().unwrap_or_default(), id.name.clone())
}

/// `COMMENT ON ... IS ...`; without a text the comment goes.
pub fn comment_on(id: &ObjectId, object: &Object, text: Option<&str>) -> String {
    let text = text.map_or_else(|| "NULL".to_owned(), quote::literal);
    format!("COMMENT ON {} {} IS {text}", id.kind.sql(), target(id, Some(object)))
}

/// `COMMENT ON` a part that has a comment of its own ([`Entry::part_comments`]); without a text the comment goes.
pub fn comment_on_part(id: &ObjectId, part: &str, text: Option<&str>) -> String {
    let text = text.map_or_else(|| "NULL".to_owned(), quote::literal);
    let part = match &id.of {
        Some(table) => format!("INDEX {}", quote::name(&Name::new(&table.schema, &id.name))),
        None => format!("CONSTRAINT {} ON DOMAIN {}", quote::ident(part), target(id, None)),
    };
    format!("COMMENT ON {part} IS {text}")
}

/// `COMMENT ON COLUMN` of every column that has one.
fn column_comments(id: &ObjectId, object: &Object) -> Vec<String> {
    let relation = quote::name(&name_of(id));
    let comment = |(column, text): (&str, &str)| {
        format!("COMMENT ON COLUMN {relation}.{} IS {}", quote::ident(column), quote::literal(text))
    };
    fn both<'a>(name: &'a str, comment: &'a Option<String>) -> Option<(&'a str, &'a str)> {
        comment.as_deref().map(|text| (name, text))
    }
    match object {
        Object::Table(table) => {
            table.columns.iter().filter_map(|it| both(&it.name, &it.comment)).map(comment).collect()
        }
        Object::View(view) => {
            view.columns.iter().filter_map(|it| both(&it.name, &it.comment)).map(comment).collect()
        }
        Object::Composite(composite) => {
            composite.attributes.iter().filter_map(|it| both(&it.name, &it.comment)).map(comment).collect()
        }
        _ => Vec::new(),
    }
}

/// What stands after [`Kind::sql`] where a statement names an object (`COMMENT ON`, `DROP`):
/// `public.users`, `users_pkey ON public.users`, `public.f(integer)`. The object itself only matters for statistics,
/// whose schema need not be their table's.
pub fn target(id: &ObjectId, object: Option<&Object>) -> String {
    let qualified = || quote::name(&name_of(id));
    match (id.kind, &id.of) {
        (Kind::Constraint | Kind::Rule | Kind::Trigger | Kind::Policy, Some(relation)) => {
            format!("{} ON {}", quote::ident(&id.name), quote::name(relation))
        }
        (Kind::Statistics, _) => match object {
            Some(Object::Statistics(statistics)) => quote::name(&statistics.name),
            _ => qualified(),
        },
        (Kind::Routine, _) => format!("{}({})", qualified(), id.arguments),
        // The name of an operator is never quoted.
        (Kind::Operator, _) => {
            format!(
                "{}.{} ({})",
                quote::ident(id.schema.as_deref().unwrap_or_default()),
                id.name,
                id.arguments
            )
        }
        (Kind::OperatorClass | Kind::OperatorFamily, _) => {
            format!("{} USING {}", qualified(), quote::ident(&id.arguments))
        }
        (Kind::Cast, _) => format!("({})", id.name),
        _ if id.schema.is_some() => qualified(),
        _ => quote::ident(&id.name),
    }
}
