//! Tables and enums as Rust source.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::case::{Case, snake};
use super::clauses::{self, Said};
use super::names::{doc_lines, literal, value_name, variant_name};
use super::types::rust_type;
use super::{Plan, WriteOptions};
use crate::ddl::quote;
use crate::schema::{
    Column, Constraint, ConstraintKind, Entry, Enum, Generation, Identity, IdentityKind, IdentitySequence,
    Name, Nullability, Object, Persistence, ReplicaIdentity, Sequence, Table,
};

/// What a file of Rust is made from.
pub(super) struct Writer<'a> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) options: &'a WriteOptions,
}

impl Writer<'_> {
    /// All enums.
    pub(super) fn enums(&self) -> String {
        let mut text = String::from("//! Enumerated types.\n\nuse limbeck::Enum;\n");
        for (id, entry, rust_name) in self.plan.enums() {
            if let (Object::Enum(object), Some(name)) = (&entry.object, id.qualified()) {
                text.push('\n');
                self.enumeration(&mut text, &name, object, entry.comment.as_deref(), rust_name);
            }
        }
        text
    }

    fn enumeration(
        &self,
        text: &mut String,
        name: &Name,
        object: &Enum,
        comment: Option<&str>,
        rust_name: &str,
    ) {
        let mut taken = BTreeSet::new();
        let variants: Vec<(String, &String)> =
            object.values.iter().map(|value| (variant_name(value, &mut taken), value)).collect();
        let fits =
            |case: &Case| variants.iter().filter(|(variant, value)| case.apply(variant) == **value).count();
        let best = Case::NAMES.iter().filter(|(name, _)| *name != "SCREAMING-KEBAB-CASE");
        let best = best.rev().max_by_key(|(_, case)| fits(case)).filter(|(_, case)| fits(case) > 0);
        let mut said = vec![format!("type_name = {}", literal(&self.sql_name(name)))];
        said.extend(best.map(|(case, _)| format!("rename_all = {}", literal(case))));
        let (comment, say_comment) = comment_of(comment, "");
        text.push_str(&comment);
        text.push_str("#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type, Enum)]\n");
        _ = writeln!(text, "#[sqlx({})]", said.join(", "));
        if let Some(say_comment) = say_comment {
            _ = writeln!(text, "#[enum_type({say_comment})]");
        }
        _ = writeln!(text, "pub enum {rust_name} {{");
        for (variant, value) in variants {
            let follows = best.map_or_else(|| variant.clone(), |(_, case)| case.apply(&variant));
            if follows != *value {
                _ = writeln!(text, "    #[sqlx(rename = {})]", literal(value));
            }
            _ = writeln!(text, "    {variant},");
        }
        text.push_str("}\n");
    }

    /// All composite types, for sqlx: SQL defines them. PostgreSQL lets every attribute be null.
    pub(super) fn composites(&self) -> String {
        let (mut uses, mut structs) = (Uses::default(), String::new());
        for (id, rust_name) in self.plan.composites.values() {
            let entry = self.plan.schema.objects.get(*id);
            let (Some(Entry { object: Object::Composite(composite), comment, .. }), Some(name)) =
                (entry, id.qualified())
            else {
                continue;
            };
            let comment = comment.as_deref().and_then(|text| doc_lines(text, "")).unwrap_or_default();
            _ = writeln!(structs, "\n{comment}#[derive(Debug, Clone, sqlx::Type)]");
            _ = writeln!(structs, "#[sqlx(type_name = {})]", literal(&self.sql_name(&name)));
            _ = writeln!(structs, "pub struct {rust_name} {{");
            let mut taken = BTreeSet::new();
            for attribute in &composite.attributes {
                let (ty, _) = self.value_type(&attribute.data_type, &mut uses);
                let comment = attribute.comment.as_deref().and_then(|text| doc_lines(text, "    "));
                let field = value_name(&attribute.name, &mut taken);
                _ = writeln!(structs, "{}    pub {field}: Option<{ty}>,", comment.unwrap_or_default());
            }
            structs.push_str("}\n");
        }
        uses.composites.clear();
        let head = uses.lines(&[]);
        let gap = if head.is_empty() { "" } else { "\n" };
        format!("//! Composite types.\n{gap}{head}{structs}")
    }

    /// A type's name as sqlx asks for it: its schema only where it is not the default one.
    fn sql_name(&self, name: &Name) -> String {
        if name.schema == self.options.models.default_schema {
            quote::ident(&name.name)
        } else {
            quote::name(name)
        }
    }

    /// A table's file.
    pub(super) fn table(&self, name: &Name, table: &Table, entry: &Entry, rust_name: &str) -> String {
        let mut uses = Uses::default();
        let mut fields = String::new();
        let mut taken = BTreeSet::new();
        let own = self.own_attributes(name, table);
        for column in &table.columns {
            let attributes = own.by_column.get(column.name.as_str()).cloned().unwrap_or_default();
            self.field(&mut fields, column, name, attributes, &mut taken, &mut uses);
        }
        let mut text = uses.lines(&["limbeck::Table", "sqlx::FromRow"]);
        let (comment, say_comment) = comment_of(entry.comment.as_deref(), "");
        let mut attributes = Vec::new();
        if snake(rust_name) != name.name {
            attributes.push(format!("name = {}", literal(&name.name)));
        }
        if name.schema != self.options.models.default_schema {
            attributes.push(format!("schema = {}", literal(&name.schema)));
        }
        attributes.extend(say_comment);
        attributes.extend(properties(table));
        attributes.extend(own.of_table);
        text.push('\n');
        text.push_str(&comment);
        text.push_str("#[derive(Debug, FromRow, Table)]\n");
        match attributes.as_slice() {
            [] => {}
            [one] if one.len() < 90 => _ = writeln!(text, "#[table({one})]"),
            many => _ = writeln!(text, "#[table(\n    {},\n)]", many.join(",\n    ")),
        }
        _ = writeln!(text, "pub struct {rust_name} {{\n{fields}}}");
        text
    }

    fn field<'a>(
        &'a self,
        text: &mut String,
        column: &Column,
        table: &Name,
        constraints: Vec<String>,
        taken: &mut BTreeSet<String>,
        uses: &mut Uses<'a>,
    ) {
        let field = value_name(&column.name, taken);
        let (ty, sql_type) = self.field_type(column, uses);
        let mut attributes: Vec<String> =
            sql_type.map(|ty| format!("sql_type = {}", literal(&ty))).into_iter().collect();
        attributes.extend(constraints);
        attributes.extend(column_attributes(column, table));
        let (comment, say_comment) = comment_of(column.comment.as_deref(), "    ");
        attributes.extend(say_comment);
        text.push_str(&comment);
        if field.trim_start_matches("r#") != column.name {
            _ = writeln!(text, "    #[sqlx(rename = {})]", literal(&column.name));
        }
        if !attributes.is_empty() {
            _ = writeln!(text, "    #[column({})]", attributes.join(", "));
        }
        _ = writeln!(text, "    pub {field}: {ty},");
    }

    /// The field's type, and `sql_type` where that does not say all.
    fn field_type<'a>(&'a self, column: &Column, uses: &mut Uses<'a>) -> (String, Option<String>) {
        let (ty, says_all) = self.value_type(&column.data_type, uses);
        let ty = if column.nullability == Nullability::NotNull { ty } else { format!("Option<{ty}>") };
        (ty, (!says_all).then(|| column.data_type.clone()))
    }

    /// The Rust type of values that are not null, and whether it says the whole type.
    fn value_type<'a>(&'a self, data_type: &str, uses: &mut Uses<'a>) -> (String, bool) {
        let beneath = self.plan.beneath(data_type);
        let (element, array) = beneath.strip_suffix("[]").map_or((beneath.as_str(), false), |e| (e, true));
        let of_element = |name: &str| if array { format!("Vec<{name}>") } else { name.to_owned() };
        if let Some(rust_name) = self.plan.enum_of(element) {
            uses.enums.insert(rust_name);
            return (of_element(rust_name), beneath == data_type);
        }
        if let Some((_, rust_name)) = self.plan.composites.get(element) {
            uses.composites.insert(rust_name);
            return (of_element(rust_name), false);
        }
        let (ty, says_all) = rust_type(&beneath);
        uses.imports.extend(ty.import);
        (ty.text, says_all && beneath == data_type)
    }

    /// Constraints, indexes and policies: as attributes of a column, where they are one column's and need few words,
    /// else of the table.
    fn own_attributes(&self, name: &Name, table: &Table) -> Attributes {
        let mut attributes = Attributes::default();
        for (id, entry) in self.plan.belongings(name) {
            let comment = entry.comment.as_ref().map(|text| format!("comment = {}", literal(text)));
            match &entry.object {
                Object::Constraint(constraint) => {
                    if let Some(said) = clauses::constraint(constraint) {
                        let label = default_name(name, constraint);
                        let column = of_column(constraint, table);
                        attributes.add(column, said, &id.name, label.as_deref() == Some(&id.name), comment);
                    }
                }
                Object::Index(index) => {
                    if let Some(said) = clauses::index(index) {
                        let alone = match index.columns.as_slice() {
                            [Some(column)] if said.items == [clauses::item(column)] => Some(column.as_str()),
                            _ => None,
                        };
                        attributes.add(alone, said, &id.name, false, comment);
                    }
                }
                Object::Policy(policy) => {
                    let mut said = clauses::policy(&id.name, policy);
                    if let Some(comment) = comment {
                        said = format!("{}, {comment})", said.trim_end_matches(')'));
                    }
                    attributes.of_table.push(said);
                }
                _ => {}
            }
        }
        attributes
    }
}

/// What a file uses of others.
#[derive(Default)]
struct Uses<'a> {
    imports: BTreeSet<&'static str>,
    enums: BTreeSet<&'a str>,
    composites: BTreeSet<&'a str>,
}

impl Uses<'_> {
    /// The `use` lines, with these beside.
    fn lines(&self, always: &[&'static str]) -> String {
        let mut text = String::new();
        for import in self.imports.iter().chain(always).collect::<BTreeSet<_>>() {
            _ = writeln!(text, "use {import};");
        }
        let own = [("composites", &self.composites), ("enums", &self.enums)];
        let own: Vec<_> = own.into_iter().filter(|(_, names)| !names.is_empty()).collect();
        if !own.is_empty() && !text.is_empty() {
            text.push('\n');
        }
        for (module, names) in own {
            let list = names.iter().copied().collect::<Vec<_>>().join(", ");
            let list = if names.len() == 1 { list } else { format!("{{{list}}}") };
            _ = writeln!(text, "use super::{module}::{list};");
        }
        text
    }
}

#[derive(Default)]
struct Attributes {
    of_table: Vec<String>,
    by_column: BTreeMap<String, Vec<String>>,
}

impl Attributes {
    fn add(&mut self, column: Option<&str>, said: Said, name: &str, named_so: bool, comment: Option<String>) {
        let Said { key, mut items, mut options } = said;
        let Some(column) = column else {
            if !named_so {
                items.push(format!("name = {}", literal(name)));
            }
            items.extend(options);
            items.extend(comment);
            return self.of_table.push(format!("{key}({})", items.join(", ")));
        };
        let said_before = self
            .by_column
            .get(column)
            .is_some_and(|said| said.iter().any(|text| text.starts_with("references = ")));
        let alone = options.is_empty() && comment.is_none();
        let text = match (alone, named_so) {
            (true, true) => key.to_owned(),
            (true, false) => format!("{key} = {}", literal(name)),
            (false, _) => {
                if !named_so {
                    options.insert(0, format!("name = {}", literal(name)));
                }
                options.extend(comment);
                match (key, options.as_slice()) {
                    // A foreign key without a name of its own is said flat.
                    ("foreign_key", said)
                        if named_so && !said_before && !said.iter().any(|text| is_nested(text)) =>
                    {
                        said.join(", ")
                    }
                    ("check", [expr]) => expr.replacen("expr = ", "check = ", 1),
                    (key, said) => format!("{key}({})", said.join(", ")),
                }
            }
        };
        self.by_column.entry(column.to_owned()).or_default().push(text);
    }
}

/// Whether a foreign key's option can only be said in `foreign_key(...)`.
fn is_nested(option: &str) -> bool {
    option == "not_valid" || option.starts_with("comment = ")
}

/// The column on whose field a constraint can be said.
fn of_column<'a>(constraint: &'a Constraint, table: &Table) -> Option<&'a str> {
    let [column] = constraint.columns.as_slice() else { return None };
    let plain_key = constraint.definition == format!("PRIMARY KEY ({})", quote::ident(column));
    let fits = match constraint.kind {
        ConstraintKind::PrimaryKey => plain_key,
        ConstraintKind::Exclusion => false,
        _ => true,
    };
    (fits && table.column(column).is_some()).then_some(column.as_str())
}

/// What PostgreSQL would call it.
fn default_name(table: &Name, constraint: &Constraint) -> Option<String> {
    let columns = constraint.columns.join("_");
    let (columns, label) = match constraint.kind {
        ConstraintKind::PrimaryKey => ("", "pkey"),
        ConstraintKind::Unique => (columns.as_str(), "key"),
        ConstraintKind::ForeignKey => (columns.as_str(), "fkey"),
        ConstraintKind::Check if constraint.columns.len() == 1 => (columns.as_str(), "check"),
        _ => return None,
    };
    Some(super::super::naming::object_name(&table.name, columns, label))
}

/// A comment as doc lines, or as an attribute.
fn comment_of(comment: Option<&str>, indent: &str) -> (String, Option<String>) {
    let Some(comment) = comment else { return (String::new(), None) };
    match doc_lines(comment, indent) {
        Some(lines) => (lines, None),
        None => (String::new(), Some(format!("comment = {}", literal(comment)))),
    }
}

/// What is the table's own.
fn properties(table: &Table) -> Vec<String> {
    let mut said = Vec::new();
    said.extend(table.partition_by.as_ref().map(|key| format!("partition_by = {}", literal(key))));
    if !table.inherits.is_empty() {
        let parents: Vec<_> = table.inherits.iter().map(|parent| literal(&quote::name(parent))).collect();
        said.push(format!("inherits({})", parents.join(", ")));
    }
    if !table.options.is_empty() {
        let options = table.options.iter().map(|(name, value)| (name.clone(), value.clone()));
        said.push(clauses::parameters("with", options));
    }
    if table.persistence == Persistence::Unlogged {
        said.push("unlogged".to_owned());
    }
    said.extend(table.access_method.as_ref().map(|method| format!("access_method = {}", literal(method))));
    if table.row_security {
        said.push("row_level_security".to_owned());
    }
    if table.force_row_security {
        said.push("force_row_level_security".to_owned());
    }
    match &table.replica_identity {
        ReplicaIdentity::Default => {}
        ReplicaIdentity::Nothing => said.push("replica_identity = \"nothing\"".to_owned()),
        ReplicaIdentity::Full => said.push("replica_identity = \"full\"".to_owned()),
        ReplicaIdentity::Index(index) => said.push(format!("replica_identity = {}", literal(index))),
    }
    said.extend(table.cluster_on.as_ref().map(|index| format!("cluster_on = {}", literal(index))));
    said
}

/// What is a column's own, beside its type and constraints.
fn column_attributes(column: &Column, table: &Name) -> Vec<String> {
    let mut said = Vec::new();
    said.extend(column.default.as_ref().map(|default| format!("default = {}", literal(default))));
    if let Some(generated) = &column.generated {
        said.push(format!("generated = {}", literal(&generated.expression)));
        if generated.generation == Generation::Virtual {
            said.push("virtual".to_owned());
        }
    }
    said.extend(column.identity.as_ref().map(|it| identity(it, &column.name, &column.data_type, table)));
    said.extend(column.collation.as_ref().map(|name| format!("collate = {}", literal(&quote::name(name)))));
    said.extend(
        column.storage.as_ref().map(|storage| format!("storage = {}", literal(&storage.to_lowercase()))),
    );
    said.extend(column.compression.as_ref().map(|method| format!("compression = {}", literal(method))));
    said.extend(column.statistics.map(|target| format!("statistics = {target}")));
    if !column.options.is_empty() {
        let options = column.options.iter().map(|(name, value)| (name.clone(), value.clone()));
        said.push(clauses::parameters("options", options));
    }
    said
}

fn identity(identity: &Identity, column: &str, data_type: &str, table: &Name) -> String {
    let always = identity.kind == IdentityKind::Always;
    let mut said: Vec<String> = always.then(|| "always".to_owned()).into_iter().collect();
    if let Some(IdentitySequence { name, settings: sequence, .. }) = &identity.sequence {
        let usual = super::usual_sequence(data_type, sequence.increment);
        if *name != super::usual_name(table, column) {
            said.push(format!("sequence = {}", literal(&name.name)));
        }
        let numbers = |sequence: &Sequence| {
            [sequence.start, sequence.increment, sequence.min, sequence.max, sequence.cache]
        };
        let keys = ["start", "increment", "min", "max", "cache"];
        for ((key, value), usual) in keys.into_iter().zip(numbers(sequence)).zip(numbers(&usual)) {
            if value != usual || (key == "increment" && value != 1) {
                said.push(format!("{key} = {value}"));
            }
        }
        if sequence.cycle {
            said.push("cycle".to_owned());
        }
    }
    match said.as_slice() {
        [] => "identity".to_owned(),
        [one] if one == "always" => "identity = \"always\"".to_owned(),
        many => format!("identity({})", many.join(", ")),
    }
}
