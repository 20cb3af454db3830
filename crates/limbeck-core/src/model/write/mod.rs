//! A schema as Rust models, with SQL files for what attributes cannot say: `limbeck models pull`.
//!
//! What is written is read back, and compared; an object that does not come back as it was goes into SQL. So nothing
//! is lost to a misunderstanding here.

mod clauses;
mod names;
mod rust;
mod types;

use std::collections::{BTreeMap, BTreeSet};

use self::names::{singular, type_name, value_name};
use super::{ModelOptions, Models, read};
use crate::Source;
use crate::ddl::{self, quote};
use crate::schema::{
    Entry, Grant, Identity, IdentitySequence, Kind, Name, Object, ObjectId, Persistence, Schema, Sequence,
    Table,
};

/// How models are written.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// How they will be read.
    pub models: ModelOptions,
}

/// Files, each with its name and text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WrittenModels {
    /// Rust: `mod.rs`, `enums.rs`, `composites.rs`, one file for each table. They use the crates limbeck, sqlx (with `derive`), and, as
    /// far as there are columns of their types, uuid, chrono, rust_decimal, serde_json, ipnetwork and mac_address.
    pub rust: Vec<(String, String)>,
    /// SQL, by kind of object, numbered in an order in which the files can be run.
    pub sql: Vec<(String, String)>,
}

/// Clippy takes the words inside attributes for attributes.
const LINT: &str = "#![allow(clippy::duplicated_attributes, reason = \"two indexes may name one column\")]";

/// Writes a schema, as a catalog was read, as models.
pub fn write(schema: &Schema, options: &WriteOptions) -> WrittenModels {
    let mut plan = Plan::new(schema);
    loop {
        let rust = rust_files(&plan, options);
        let misread = misread(&plan, &rust, options);
        if misread.is_empty() {
            let sql = sql_files(&plan);
            return WrittenModels {
                rust: rust.into_iter().map(|(file, text, _)| (file, text)).collect(),
                sql,
            };
        }
        plan.leave_out(misread);
    }
}

/// Which objects go into Rust, and what they are called there.
struct Plan<'a> {
    schema: &'a Schema,
    in_rust: BTreeSet<&'a ObjectId>,
    enum_names: BTreeMap<&'a ObjectId, String>,
    /// By the type's text in a column.
    enum_texts: BTreeMap<String, &'a ObjectId>,
    /// The Rust structs of composite types, which SQL defines, by the type's text in a column.
    composites: BTreeMap<String, (&'a ObjectId, String)>,
    /// The types beneath domains, by the domain's text in a column.
    domains: BTreeMap<String, &'a str>,
    /// Type and module.
    table_names: BTreeMap<&'a ObjectId, (String, String)>,
}

impl<'a> Plan<'a> {
    fn new(schema: &'a Schema) -> Self {
        let mut plan = Self {
            schema,
            in_rust: BTreeSet::new(),
            enum_names: BTreeMap::new(),
            enum_texts: BTreeMap::new(),
            composites: BTreeMap::new(),
            domains: BTreeMap::new(),
            table_names: BTreeMap::new(),
        };
        // A table and a function may need each other; only statements can say in which order their parts are made.
        let steps = ddl::order(schema);
        let in_parts: BTreeSet<_> = steps
            .iter()
            .filter(|step| matches!(step.part, ddl::Part::Shell(_)))
            .map(|step| step.id)
            .collect();
        let is_whole = |table: &Name| {
            let found = schema.objects.get_key_value(&ObjectId::relation(Kind::Table, table));
            found.is_some_and(|(id, entry)| {
                matches!(&entry.object, Object::Table(table) if is_plain(table)) && !in_parts.contains(id)
            })
        };
        let mut types = BTreeSet::new();
        let mut modules = BTreeSet::from(["composites", "enums", "mod"].map(str::to_owned));
        for (id, entry) in &schema.objects {
            let Some(name) = id.qualified() else { continue };
            match &entry.object {
                Object::Enum(object) if !object.values.is_empty() => {
                    plan.in_rust.insert(id);
                    plan.enum_names.insert(id, type_name(&name.schema, &name.name, "Type", &mut types));
                    plan.enum_texts.insert(quote::name(&name), id);
                }
                Object::Composite(composite) if !composite.attributes.is_empty() => {
                    let rust_name = type_name(&name.schema, &name.name, "Type", &mut types);
                    plan.composites.insert(quote::name(&name), (id, rust_name));
                }
                Object::Domain(domain) => _ = plan.domains.insert(quote::name(&name), &domain.base),
                Object::Table(_) if id.kind == Kind::Table && is_whole(&name) => {
                    plan.in_rust.insert(id);
                    let rust_name = type_name(&name.schema, &singular(&name.name), "Row", &mut types);
                    let module = value_name(&name.name, &mut modules).replace("r#", "");
                    plan.table_names.insert(id, (rust_name, module));
                }
                Object::Constraint(_) | Object::Index(_) | Object::Policy(_)
                    if id.of.as_ref().is_some_and(&is_whole) && !needs_a_user(schema, id, entry) =>
                {
                    plan.in_rust.insert(id);
                }
                _ => {}
            }
        }
        plan
    }

    /// These go into SQL, and with a table what belongs to it.
    fn leave_out(&mut self, misread: BTreeSet<ObjectId>) {
        self.in_rust.retain(|id| {
            let of_left_out =
                id.of.as_ref().is_some_and(|table| misread.contains(&ObjectId::relation(Kind::Table, table)));
            !misread.contains(*id) && !of_left_out
        });
    }

    fn enums(&self) -> impl Iterator<Item = (&'a ObjectId, &'a Entry, &str)> {
        let of_rust = self.enum_names.iter().filter(|(id, _)| self.in_rust.contains(*id));
        of_rust.filter_map(|(id, name)| Some((*id, self.schema.objects.get(*id)?, name.as_str())))
    }

    /// The Rust enum of a type, as a column says it.
    fn enum_of(&self, data_type: &str) -> Option<&str> {
        let id = self.enum_texts.get(data_type).filter(|id| self.in_rust.contains(**id))?;
        self.enum_names.get(*id).map(String::as_str)
    }

    /// The type of which a column's values are: for a domain the one beneath it, as PostgreSQL tells its clients.
    fn beneath(&self, data_type: &str) -> String {
        let (element, array) =
            data_type.strip_suffix("[]").map_or((data_type, ""), |element| (element, "[]"));
        match self.domains.get(element) {
            Some(base) if array.is_empty() || !base.ends_with("[]") => {
                self.beneath(&format!("{base}{array}"))
            }
            _ => data_type.to_owned(),
        }
    }

    fn tables(&self) -> impl Iterator<Item = (&'a ObjectId, &'a Table, &'a Entry, &(String, String))> {
        let of_rust = self.table_names.iter().filter(|(id, _)| self.in_rust.contains(*id));
        of_rust.filter_map(|(id, names)| match self.schema.objects.get(*id) {
            Some(entry @ Entry { object: Object::Table(table), .. }) => Some((*id, table, entry, names)),
            _ => None,
        })
    }

    fn belongings<'b>(&'b self, table: &'b Name) -> impl Iterator<Item = (&'a ObjectId, &'a Entry)> + 'b {
        let schema = self.schema;
        let own = schema.objects.iter().filter(move |(id, _)| id.of.as_ref() == Some(table));
        own.filter(|(id, _)| self.in_rust.contains(id))
    }
}

/// Whether it is a constraint that calls a function which takes the table's own rows: the table has to be there before
/// the function, and the function before the constraint.
fn needs_a_user(schema: &Schema, id: &ObjectId, entry: &Entry) -> bool {
    let Some(table) = id.of.as_ref().map(|table| ObjectId::relation(Kind::Table, table)) else {
        return false;
    };
    let uses_table = |function: &ObjectId| {
        let function = schema.objects.get(function).filter(|_| function.kind == Kind::Routine);
        function.is_some_and(|entry| entry.needs.iter().any(|need| need.on == table))
    };
    id.kind == Kind::Constraint && entry.needs.iter().any(|need| uses_table(&need.on))
}

/// Whether attributes could say the table: no partition, not of a type, not foreign.
fn is_plain(table: &Table) -> bool {
    table.partition_of.is_none()
        && table.of_type.is_none()
        && table.server.is_none()
        && !table.columns.is_empty()
}

/// Name, text, and the table or nothing for what is all enums'.
type RustFile<'a> = (String, String, Option<&'a ObjectId>);

fn rust_files<'a>(plan: &Plan<'a>, options: &WriteOptions) -> Vec<RustFile<'a>> {
    let writer = rust::Writer { plan, options };
    let mut files = Vec::new();
    let (mut modules, mut exports) = (String::new(), String::new());
    if !plan.composites.is_empty() {
        files.push(("composites.rs".to_owned(), writer.composites(), None));
        modules.push_str("mod composites;\n");
        exports.push_str("pub use composites::*;\n");
    }
    if plan.enums().next().is_some() {
        files.push(("enums.rs".to_owned(), writer.enums(), None));
        modules.push_str("mod enums;\n");
        exports.push_str("pub use enums::*;\n");
    }
    for (id, table, entry, (rust_name, module)) in plan.tables() {
        let Some(name) = id.qualified() else { continue };
        files.push((format!("{module}.rs"), writer.table(&name, table, entry, rust_name), Some(id)));
        // A keyword is a module's name only when it is raw; its file is not.
        let raw = if syn::parse_str::<syn::Ident>(module).is_ok() { "" } else { "r#" };
        modules.push_str(&format!("mod {raw}{module};\n"));
        exports.push_str(&format!("pub use {raw}{module}::{rust_name};\n"));
    }
    let text = format!("//! The database's tables.\n\n{LINT}\n\n{modules}\n{exports}");
    files.push(("mod.rs".to_owned(), text, None));
    files
}

/// What does not come back as it was.
fn misread(plan: &Plan<'_>, files: &[RustFile<'_>], options: &WriteOptions) -> BTreeSet<ObjectId> {
    let sources: Vec<_> = files.iter().map(|(name, text, _)| Source::new(name.as_str(), text)).collect();
    match read(&sources, &options.models) {
        Ok(models) => differing(plan, &models),
        Err(problems) => {
            let at = |problem: &crate::Problem| problem.place().map(|place| place.source.name().to_owned());
            let names: BTreeSet<_> = problems.iter().filter_map(at).collect();
            let of_tables =
                files.iter().filter(|(name, _, _)| names.contains(name)).filter_map(|(_, _, id)| *id);
            let mut left_out: BTreeSet<ObjectId> = of_tables.cloned().collect();
            if left_out.is_empty() {
                // In the enums, or nowhere: without them the tables say their types in SQL.
                left_out
                    .extend(plan.in_rust.iter().filter(|id| id.kind == Kind::Enum).map(|id| (*id).clone()));
            }
            if left_out.is_empty() {
                left_out.extend(plan.in_rust.iter().map(|id| (*id).clone()));
            }
            left_out
        }
    }
}

fn differing(plan: &Plan<'_>, models: &Models) -> BTreeSet<ObjectId> {
    let mut differing = BTreeSet::new();
    for id in &plan.in_rust {
        let written = plan.schema.objects.get(*id);
        let back = models.schema.objects.get(*id);
        if !matches!((written, back), (Some(written), Some(back)) if is_same(id, written, back)) {
            differing.insert((*id).clone());
        }
    }
    differing
}

/// Whether what came back says the same. Grants are said in SQL anyhow.
fn is_same(id: &ObjectId, written: &Entry, back: &Entry) -> bool {
    let objects = match (&written.object, &back.object) {
        // Which columns a check uses, the server knows.
        (Object::Constraint(written), Object::Constraint(back)) => {
            let check = written.kind == crate::schema::ConstraintKind::Check;
            let columns = if check { written.columns.clone() } else { back.columns.clone() };
            // Of the index only its storage parameters are not in the definition too.
            let storage = |index: &Option<String>| {
                ddl::split_off_with(index.as_deref().unwrap_or_default()).1.trim().to_owned()
            };
            storage(&written.index) == storage(&back.index)
                && crate::schema::Constraint { columns, index: written.index.clone(), ..back.clone() }
                    == *written
        }
        (Object::Table(written), Object::Table(back)) => {
            let name = id.qualified().unwrap_or_else(|| Name::new("", ""));
            explicit(&name, written) == explicit(&name, back)
        }
        (written, back) => written == back,
    };
    objects && written.is_commented_as(back)
}

/// The table with the sequences of its identity columns said, where they are PostgreSQL's usual ones; their comments and
/// grants are said in SQL.
fn explicit(name: &Name, table: &Table) -> Table {
    let mut table = table.clone();
    for column in &mut table.columns {
        if let Some(Identity { sequence, .. }) = &mut column.identity {
            let said = sequence.take().map(|it| (it.name, Sequence { owned_by: None, ..it.settings }));
            let usual = || (usual_name(name, &column.name), usual_sequence(&column.data_type, 1));
            let (name, settings) = said.unwrap_or_else(usual);
            *sequence = Some(IdentitySequence::new(name, settings));
        }
    }
    table
}

/// What PostgreSQL calls the sequence of an identity column.
fn usual_name(table: &Name, column: &str) -> Name {
    Name::new(table.schema.clone(), super::naming::object_name(&table.name, column, "seq"))
}

/// The sequence that PostgreSQL makes for a column of this type, in steps of `increment`.
pub(super) fn usual_sequence(data_type: &str, increment: i64) -> Sequence {
    let (lowest, highest) = match data_type {
        "smallint" => (i64::from(i16::MIN), i64::from(i16::MAX)),
        "integer" => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    let (min, max) = if increment > 0 { (1, highest) } else { (lowest, -1) };
    Sequence {
        data_type: data_type.to_owned(),
        start: if increment > 0 { min } else { max },
        increment,
        min,
        max,
        cache: 1,
        cycle: false,
        persistence: Persistence::Permanent,
        owned_by: None,
    }
}

/// Everything else, in the order of a dump of the whole.
fn sql_files(plan: &Plan<'_>) -> Vec<(String, String)> {
    let mut files: Vec<(&'static str, Vec<String>)> = Vec::new();
    // Only neighbours share a file: the order of the statements is kept.
    let mut add = |file: &'static str, statements: Vec<String>| match files.last_mut() {
        _ if statements.is_empty() => {}
        Some((last, before)) if *last == file => before.extend(statements),
        _ => files.push((file, statements)),
    };
    for block in ddl::blocks(plan.schema) {
        let Some((id, entry)) = block.id.as_ref().and_then(|id| plan.schema.objects.get_key_value(id)) else {
            continue;
        };
        if plan.in_rust.contains(id) || has_rust_table(plan, id) || is_usual_public(id, entry) {
            continue;
        }
        let mut statements = block.statements;
        if id.kind == Kind::Schema {
            // A model's schema is made with the model.
            let create = |text: String| text.replacen("CREATE SCHEMA ", "CREATE SCHEMA IF NOT EXISTS ", 1);
            let once = |text: String| if text.contains(" IF NOT EXISTS ") { text } else { create(text) };
            statements = statements.into_iter().map(once).collect();
        }
        add(file_of(id.kind), statements);
    }
    let left_out = plan.schema.objects.iter().filter(|(id, _)| !plan.in_rust.contains(*id));
    for (id, entry) in left_out.filter(|(id, _)| has_rust_table(plan, id)) {
        add(file_of(id.kind), ddl::create_in(plan.schema, id, entry));
    }
    for (id, entry) in plan.schema.objects.iter().filter(|(id, _)| plan.in_rust.contains(*id)) {
        let usual = Entry::new(entry.object.clone()).grants;
        add("grants", ddl::changed_grants(id, &usual, &entry.grants));
        if let Object::Table(table) = &entry.object {
            add("grants", table.identities().flat_map(ddl::identity_said).collect());
        }
    }
    // In schema files default privileges hold for all that models and files make.
    let settled = plan.schema.objects.iter().flat_map(|(id, it)| ddl::despite_defaults(plan.schema, id, it));
    add("grants", settled.collect());
    let numbered = files.into_iter().enumerate();
    numbered
        .map(|(at, (file, statements))| {
            let statements: Vec<_> = statements.iter().map(|statement| format!("{statement};\n")).collect();
            (format!("{:02}_{file}.sql", at + 1), statements.join("\n"))
        })
        .collect()
}

/// Whether it is a constraint or index of a table in Rust: a dump of the whole could make it with its table.
fn has_rust_table(plan: &Plan<'_>, id: &ObjectId) -> bool {
    let of_table = matches!(id.kind, Kind::Constraint | Kind::Index | Kind::Policy);
    of_table
        && id.of.as_ref().is_some_and(|table| plan.in_rust.contains(&ObjectId::relation(Kind::Table, table)))
}

/// The schema `public` as every database has it.
fn is_usual_public(id: &ObjectId, entry: &Entry) -> bool {
    let usual = [Grant::to_public("USAGE")].into();
    id.kind == Kind::Schema && id.name == "public" && entry.comment.is_none() && entry.grants == usual
}

fn file_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Schema => "schemas",
        Kind::Extension => "extensions",
        Kind::Enum | Kind::Domain | Kind::Composite | Kind::Range | Kind::Collation => "types",
        Kind::Sequence => "sequences",
        Kind::Table | Kind::ForeignTable => "tables",
        Kind::Index | Kind::Constraint | Kind::Statistics | Kind::Policy => "table_parts",
        Kind::Routine => "functions",
        Kind::View | Kind::MaterializedView => "views",
        Kind::Trigger | Kind::Rule | Kind::EventTrigger => "triggers",
        _ => "others",
    }
}
