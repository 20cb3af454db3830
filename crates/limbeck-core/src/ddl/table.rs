//! Tables, partitions, foreign tables and their columns.

use super::types::collate;
use super::{quote, sequence, text};
use crate::schema::{
    Column, Generation, Kind, Name, Nullability, Persistence, ReplicaIdentity, Schema, Table,
};

/// What is put into the parentheses of a new table besides its columns, and what is left out of it for now.
#[derive(Debug, Default)]
pub(super) struct Shape<'a> {
    /// Complete constraints: `CONSTRAINT name CHECK (...)`.
    pub(super) constraints: Vec<String>,
    /// Columns whose defaults come later, and generated columns that do.
    pub(super) postponed: Vec<&'a str>,
}

pub(super) fn create(schema: Option<&Schema>, name: &Name, table: &Table, kind: Kind) -> Vec<String> {
    create_shaped(schema, name, table, kind, &Shape::default())
}

pub(super) fn create_shaped(
    schema: Option<&Schema>,
    name: &Name,
    table: &Table,
    kind: Kind,
    shape: &Shape<'_>,
) -> Vec<String> {
    let unlogged = match table.persistence {
        Persistence::Permanent => "",
        Persistence::Unlogged => "UNLOGGED ",
    };
    let mut create = format!("CREATE {unlogged}{} {}", kind.sql(), quote::name(name));
    let parents = Parents::of(schema, table);
    create.push_str(&body(name, table, kind, &parents, shape));
    create.push_str(&tail(table));
    let mut statements = vec![create];
    let inheriting = table.columns.iter().filter(|column| column.inherited);
    statements.extend(inheriting.flat_map(|column| departures(name, table, column, &parents)));
    let columns = table.columns.iter().filter(|column| !shape.is_without(column));
    statements.extend(columns.flat_map(|column| settings_beyond(name, column, kind, &parents)));
    let alter = |what: &str| format!("ALTER TABLE {} {what}", quote::name(name));
    statements.extend(table.row_security.then(|| alter("ENABLE ROW LEVEL SECURITY")));
    statements.extend(table.force_row_security.then(|| alter("FORCE ROW LEVEL SECURITY")));
    match table.replica_identity {
        ReplicaIdentity::Nothing => statements.push(alter("REPLICA IDENTITY NOTHING")),
        ReplicaIdentity::Full => statements.push(alter("REPLICA IDENTITY FULL")),
        ReplicaIdentity::Default | ReplicaIdentity::Index(_) => {}
    }
    statements
}

impl Shape<'_> {
    fn postpones(&self, column: &Column) -> bool {
        self.postponed.contains(&column.name.as_str())
    }

    /// A generated column cannot be made without its expression: it comes later as a whole.
    fn is_without(&self, column: &Column) -> bool {
        self.postpones(column) && column.generated.is_some()
    }
}

/// A table as a statement makes it where its parents are known: without what they imply.
pub(crate) fn beside_parents(schema: &Schema, table: &Table) -> Table {
    let parents = Parents::of(Some(schema), table);
    let mut said = table.clone();
    let own = said.columns.iter_mut().filter(|column| !column.inherited);
    own.for_each(|column| parents.leave_generated_out(column));
    said
}

/// What a [`Shape`] has left out.
pub(super) fn postponed(name: &Name, table: &Table, columns: &[&str], kind: Kind) -> Vec<String> {
    let mut statements = Vec::new();
    let table_name = quote::name(name);
    for column in table.columns.iter().filter(|column| columns.contains(&column.name.as_str())) {
        if column.generated.is_some() {
            statements
                .push(format!("ALTER TABLE {table_name} ADD COLUMN {}", column_definition(name, column)));
            statements.extend(column_settings(name, column, kind));
        } else if let Some(default) = &column.default {
            let column = quote::ident(&column.name);
            statements
                .push(format!("ALTER TABLE ONLY {table_name} ALTER COLUMN {column} SET DEFAULT {default}"));
        }
    }
    statements
}

/// Replica identity and clustering by an index, which has to be there.
pub(super) fn by_index(name: &Name, table: &Table) -> Vec<String> {
    let alter = |what: String| format!("ALTER TABLE {} {what}", quote::name(name));
    let mut statements = Vec::new();
    if let ReplicaIdentity::Index(index) = &table.replica_identity {
        statements.push(alter(format!("REPLICA IDENTITY USING INDEX {}", quote::ident(index))));
    }
    statements
        .extend(table.cluster_on.iter().map(|index| alter(format!("CLUSTER ON {}", quote::ident(index)))));
    statements
}

fn body(name: &Name, table: &Table, kind: Kind, parents: &Parents<'_>, shape: &Shape<'_>) -> String {
    let own = table.columns.iter().filter(|column| !shape.is_without(column));
    let mut items: Vec<String> = match (&table.partition_of, &table.of_type) {
        (None, None) => {
            let own = own.filter(|column| !column.inherited);
            let definition = |column: &Column| {
                let mut said = column.clone();
                if parents.implies_not_null(column) {
                    said.nullability = Nullability::Nullable;
                }
                parents.leave_generated_out(&mut said);
                definition(name, &said, kind, shape.postpones(column))
            };
            own.map(definition).collect()
        }
        _ => own.filter_map(|column| column_options(name, table, column, parents, shape)).collect(),
    };
    items.extend(shape.constraints.iter().cloned());
    let in_parentheses = |items: &[String]| match items {
        [] => String::new(),
        items => text::lines(" ", items, ""),
    };
    match (&table.partition_of, &table.of_type) {
        (Some(partition), _) => format!(
            " PARTITION OF {}{} {}",
            quote::name(&partition.parent),
            in_parentheses(&items),
            partition.bound
        ),
        (None, Some(composite)) => format!(" OF {}{}", quote::name(composite), in_parentheses(&items)),
        (None, None) => text::lines(" ", &items, ""),
    }
}

/// What follows the parentheses.
fn tail(table: &Table) -> String {
    let mut tail = String::new();
    if table.partition_of.is_none() && !table.inherits.is_empty() {
        let names: Vec<String> = table.inherits.iter().map(quote::name).collect();
        tail.push_str(&format!(" INHERITS ({})", names.join(", ")));
    }
    if let Some(key) = &table.partition_by {
        tail.push_str(&format!(" PARTITION BY {key}"));
    }
    if let Some(method) = &table.access_method {
        tail.push_str(&format!(" USING {}", quote::ident(method)));
    }
    if !table.options.is_empty() {
        tail.push_str(&format!(" WITH ({})", storage_parameters(table)));
    }
    if let Some(server) = &table.server {
        tail.push_str(&format!(" {server}"));
    }
    tail
}

/// A table's storage parameters, as in the parentheses of `WITH` and `SET`.
pub fn storage_parameters(table: &Table) -> String {
    text::parameters(&table.options)
}

/// A column as in `CREATE TABLE` and `ADD COLUMN`: name, type, collation, default or expression or identity, NOT NULL.
/// What PostgreSQL only takes afterwards is in [`column_settings`].
pub fn column_definition(table: &Name, column: &Column) -> String {
    definition(table, column, Kind::Table, false)
}

pub(super) fn definition(table: &Name, column: &Column, kind: Kind, postponed: bool) -> String {
    let Column { name, data_type, collation, nullability, .. } = column;
    let mut text = format!("{} {data_type}", quote::ident(name));
    if kind == Kind::ForeignTable && !column.options.is_empty() {
        text.push_str(&format!(" OPTIONS ({})", text::generic_options(&column.options)));
    }
    text.push_str(&collate(collation.as_ref()));
    if !postponed {
        text.push_str(&value(table, column));
    }
    if *nullability == Nullability::NotNull {
        text.push_str(" NOT NULL");
    }
    text
}

/// Where a column's values come from: ` DEFAULT ...`, ` GENERATED ...`, or nothing.
fn value(table: &Name, column: &Column) -> String {
    let default = column.default.as_ref().map(|default| format!(" DEFAULT {default}"));
    let generated = column.generated.as_ref().map(|generated| {
        let generation = match generated.generation {
            Generation::Stored => "STORED",
            Generation::Virtual => "VIRTUAL",
        };
        format!(" GENERATED ALWAYS AS ({}) {generation}", generated.expression)
    });
    let identity = column.identity.as_ref();
    let identity =
        identity.map(|identity| format!(" {}", sequence::identity_clause(table, &column.name, identity)));
    default.or(generated).or(identity).unwrap_or_default()
}

/// A column of a partition or of a typed table, where it says more than its parent or type does.
fn column_options(
    name: &Name,
    table: &Table,
    column: &Column,
    parents: &Parents<'_>,
    shape: &Shape<'_>,
) -> Option<String> {
    let parent = parents.column(&column.name);
    let inherits = |same: fn(&Column, &Column) -> bool| parent.is_some_and(|parent| same(parent, column));
    let mut text = String::new();
    let is_same_value = inherits(|a, b| a.default == b.default && a.generated == b.generated);
    // What a parent that is not known here generates is inherited as well.
    let is_inherited = column.inherited && parent.is_none() && column.generated.is_some();
    let identity_is_inherited = table.partition_of.is_some() && column.identity.is_some();
    if !is_same_value && !is_inherited && !identity_is_inherited && !shape.postpones(column) {
        text.push_str(&value(name, column));
    }
    if column.nullability == Nullability::NotNull && !inherits(|a, b| a.nullability == b.nullability) {
        text.push_str(" NOT NULL");
    }
    (!text.is_empty()).then(|| format!("{}{text}", quote::ident(&column.name)))
}

/// Where an inherited column departs from its parent's in ways that `CREATE TABLE` cannot say.
fn departures(name: &Name, table: &Table, column: &Column, parents: &Parents<'_>) -> Vec<String> {
    let parent = parents.column(&column.name);
    let alter = |what: String| {
        format!("ALTER TABLE ONLY {} ALTER COLUMN {} {what}", quote::name(name), quote::ident(&column.name))
    };
    let mut statements = Vec::new();
    match (&column.default, parent.and_then(|parent| parent.default.as_ref())) {
        (None, Some(_)) => statements.push(alter("DROP DEFAULT".to_owned())),
        (Some(default), inherited) if table.partition_of.is_none() && inherited != Some(default) => {
            statements.push(alter(format!("SET DEFAULT {default}")));
        }
        _ => {}
    }
    let parents_too = parent.is_some_and(|parent| parent.nullability == column.nullability);
    if table.partition_of.is_none() && column.nullability == Nullability::NotNull && !parents_too {
        statements.push(alter("SET NOT NULL".to_owned()));
    }
    statements
}

/// `ALTER COLUMN ... SET STORAGE` and the like: what a new column is given afterwards.
pub fn column_settings(table: &Name, column: &Column, kind: Kind) -> Vec<String> {
    let alter = |what: String| {
        format!("ALTER TABLE ONLY {} ALTER COLUMN {} {what}", quote::name(table), quote::ident(&column.name))
    };
    let options = (kind != Kind::ForeignTable && !column.options.is_empty())
        .then(|| alter(format!("SET ({})", text::parameters(&column.options))));
    let not_valid = (column.nullability == Nullability::NotValid).then(|| {
        let (table, column) = (quote::name(table), quote::ident(&column.name));
        format!("ALTER TABLE {table} ADD NOT NULL {column} NOT VALID")
    });
    let settings = [
        column.storage.as_ref().map(|storage| alter(format!("SET STORAGE {storage}"))),
        column.compression.as_ref().map(|method| alter(format!("SET COMPRESSION {method}"))),
        column.statistics.map(|target| alter(format!("SET STATISTICS {target}"))),
        options,
        not_valid,
    ];
    settings.into_iter().flatten().collect()
}

/// The same without what an inherited column has from its parent.
fn settings_beyond(table: &Name, column: &Column, kind: Kind, parents: &Parents<'_>) -> Vec<String> {
    let Some(parent) = parents.column(&column.name).filter(|_| column.inherited) else {
        return column_settings(table, column, kind);
    };
    let mut own = column.clone();
    if own.storage == parent.storage {
        own.storage = None;
    }
    if own.compression == parent.compression {
        own.compression = None;
    }
    if own.nullability == parent.nullability {
        own.nullability = Nullability::Nullable;
    }
    column_settings(table, &own, kind)
}

/// The tables that a table has columns from, as far as they are known.
struct Parents<'a>(Vec<&'a Table>);

impl<'a> Parents<'a> {
    fn of(schema: Option<&'a Schema>, table: &'a Table) -> Self {
        let names = table.partition_of.iter().map(|partition| &partition.parent).chain(&table.inherits);
        Self(names.filter_map(|name| schema?.table(name)).collect())
    }

    /// Whether a column is NOT NULL anyway, because a parent's of its name is.
    fn implies_not_null(&self, column: &Column) -> bool {
        self.column(&column.name).is_some_and(|parent| parent.nullability == Nullability::NotNull)
    }

    /// A column is generated anyway where a parent's of its name is; before PostgreSQL 16 it must not say so itself.
    fn leave_generated_out(&self, column: &mut Column) {
        if self.column(&column.name).is_some_and(|parent| parent.generated == column.generated) {
            column.generated = None;
        }
    }

    fn column(&self, name: &str) -> Option<&'a Column> {
        self.0.iter().find_map(|table| table.column(name))
    }
}
