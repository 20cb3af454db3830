//! The normal form of a schema: what PostgreSQL prints no differently when it has read it once more.

use limbeck_core::ddl;
use limbeck_core::schema::{Entry, Object, Schema};
use limbeck_core::sql::Values;
use limbeck_core::{Code, Problem};
use sqlx::PgConnection;

use super::load::{Piece, load};
use super::{Key, MissingRoles, Scratch};
use crate::catalog::{self, Filter};
use crate::connect;
use crate::error::Error;

/// Printing and reading again has come to rest after two rounds in every schema seen so far.
const ROUNDS: usize = 5;

/// Puts what has come to rest into the schema that it is a part of. Only the whole knows of all that partitions have of
/// their parents', and under which names.
pub(crate) fn with_normal(mut schema: Schema, part: &Schema, mut normal: Schema) -> Schema {
    for (id, entry) in &mut normal.objects {
        if let (Object::Table(table), Some(Object::Table(whole))) = (&mut entry.object, schema.get(id)) {
            table.shares.clone_from(&whole.shares);
        }
    }
    schema.objects.retain(|id, _| !part.objects.contains_key(id));
    schema.objects.extend(normal.objects);
    schema
}

/// Loads a schema as it is printed, reads it, and so on until nothing changes. `CHECK (status IN ('a', 'b'))` on a
/// varchar, for one, prints one way when it was typed, and another when that print was loaded.
///
/// # Errors
/// The server refuses a statement, or the prints do not come to rest.
pub(crate) async fn normalise(scratch: &mut Scratch, schema: Schema) -> Result<Schema, Error> {
    let mut printed = schema;
    for _ in 0..ROUNDS {
        let read = reloaded(scratch, &printed).await?;
        if same(&read, &printed) {
            return Ok(read);
        }
        printed = read;
    }
    Err(Problem::new(Code::Scratch, format!("the schema prints differently each of {ROUNDS} times"))
        .help("please report it with the output of `limbeck dump`")
        .into())
}

/// The schema of a new database into which this one was loaded.
async fn reloaded(scratch: &mut Scratch, schema: &Schema) -> Result<Schema, Error> {
    if let Some(read) = scratch.rehearse(&pieces(schema), None).await? {
        return Ok(read.schema);
    }
    let database = scratch.create().await?;
    load_into(scratch, &database, schema).await?;
    let mut connection = scratch.connect(&database).await?;
    let read = catalog::read(&mut connection, &Filter::default()).await;
    connect::close(connection).await;
    scratch.drop(&database).await?;
    read.map(|read| read.schema)
}

/// Makes a database hold a schema.
pub(crate) async fn load_into(scratch: &Scratch, database: &str, schema: &Schema) -> Result<(), Error> {
    let mut connection = scratch.connect(database).await?;
    let loaded = load(&mut connection, &pieces(schema), &Values::new(), scratch.missing_roles()).await;
    connect::close(connection).await;
    loaded
}

/// Gives what partitions have of their parents' the names that a schema knows, where loading it gave others: a plan goes by
/// these names.
pub(crate) async fn name_shares(scratch: &Scratch, database: &str, schema: &Schema) -> Result<(), Error> {
    let has_shares = |entry: &Entry| match &entry.object {
        Object::Table(table) => !table.shares.indexes.is_empty() || !table.shares.foreign_keys.is_empty(),
        _ => false,
    };
    if !schema.objects.values().any(has_shares) {
        return Ok(());
    }
    let mut connection = scratch.connect(database).await?;
    let named = named(&mut connection, schema, scratch.missing_roles()).await;
    connect::close(connection).await;
    named
}

async fn named(connection: &mut PgConnection, schema: &Schema, roles: MissingRoles) -> Result<(), Error> {
    let loaded = catalog::read(connection, &Filter::default()).await?.schema;
    let renames = ddl::rename_shares(&loaded, schema).into_iter().map(|sql| Piece::Own(sql, None));
    load(connection, &renames.collect::<Vec<_>>(), &Values::new(), roles).await
}

fn pieces(schema: &Schema) -> Vec<Piece<'static>> {
    ddl::dump(schema).into_iter().map(|sql| Piece::Own(sql, None)).collect()
}

fn same(a: &Schema, b: &Schema) -> bool {
    a.objects.len() == b.objects.len()
        && a.objects
            .iter()
            .zip(&b.objects)
            .all(|((a_id, a), (b_id, b))| a_id == b_id && a.says_the_same_as(b))
}

/// What a normal form depends on: the schema, and the server that prints it, for the role that owns what is made.
pub(crate) fn normal_key(version: &str, role: Option<&str>, schema: &Schema) -> Key {
    let mut key = Key::new("normal");
    key.add(version);
    key.add(role.unwrap_or_default());
    key.add(&serde_json::to_string(schema).unwrap_or_default());
    key
}
