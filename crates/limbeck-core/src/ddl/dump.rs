use std::collections::{BTreeMap, BTreeSet};

use super::order::{self, Part, Step, order};
use super::table::{self, Shape};
use super::{attached, create, types, view};
use crate::schema::{Constraint, ConstraintKind, Domain, Entry, Kind, Name, Object, ObjectId, Schema, Table};

/// Statements that belong together, for whoever shows them with space between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What they make; `None` for settings.
    pub id: Option<ObjectId>,
    /// The statements, without semicolons.
    pub statements: Vec<String>,
}

/// The statements that make a whole schema in an empty database, in the order of [`order`], without semicolons.
///
/// The first one is `SET check_function_bodies = off` where there are routines: the catalog does not say which tables
/// the body of an older kind of function (a string) uses, so no order could make it pass a check. Whoever loads the
/// statements into a session that goes on sets it back.
pub fn dump(schema: &Schema) -> Vec<String> {
    blocks(schema).into_iter().flat_map(|block| block.statements).collect()
}

/// As [`dump`], by object. Constraints other than foreign keys are part of their table's statement where all that they
/// need is there by then.
pub fn blocks(schema: &Schema) -> Vec<Block> {
    let steps = order(schema);
    let inlined = Inlined::of(schema, &steps);
    let mut blocks = Vec::new();
    let has_bodies = schema.objects.values().any(|entry| matches!(entry.object, Object::Routine(_)));
    if has_bodies {
        blocks.push(Block { id: None, statements: vec!["SET check_function_bodies = off".to_owned()] });
    }
    for step in &steps {
        let Some(entry) = schema.objects.get(step.id) else { continue };
        let statements = statements(schema, step, entry, &inlined);
        if !statements.is_empty() {
            blocks.push(Block { id: Some(step.id.clone()), statements });
        }
    }
    blocks
}

/// As [`dump`], for people: statements with semicolons, and an empty line between objects.
pub fn to_sql(schema: &Schema) -> String {
    let text = |block: &Block| -> String {
        block.statements.iter().map(|statement| format!("{statement};\n")).collect()
    };
    blocks(schema).iter().map(text).collect::<Vec<_>>().join("\n")
}

fn statements(schema: &Schema, step: &Step<'_>, entry: &Entry, inlined: &Inlined<'_>) -> Vec<String> {
    let Step { id, part } = step;
    match part {
        Part::Create if inlined.constraints.contains(id) => create::said(id, entry),
        Part::Create => {
            let mut statements = match (&entry.object, id.qualified()) {
                (Object::Table(table), Some(name)) => {
                    let shape = Shape { constraints: inlined.of_table(&name), ..Shape::default() };
                    table::create_shaped(Some(schema), &name, table, id.kind, &shape)
                }
                _ => create::bare(Some(schema), id, entry),
            };
            statements.extend(create::said(id, entry));
            statements
        }
        Part::Shell(columns) => shell(schema, id, entry, columns),
        Part::Fill(columns) => {
            let mut statements = fill(id, entry, columns);
            statements.extend(create::said(id, entry));
            statements
        }
        Part::Finish => create::finish(id, entry),
    }
}

fn shell(schema: &Schema, id: &ObjectId, entry: &Entry, columns: &BTreeSet<&str>) -> Vec<String> {
    let name = id.qualified().unwrap_or_else(|| Name::new("", &id.name));
    match &entry.object {
        Object::Table(table) => {
            let shape = Shape { postponed: columns.iter().copied().collect(), ..Shape::default() };
            table::create_shaped(Some(schema), &name, table, id.kind, &shape)
        }
        Object::Domain(domain) => {
            vec![types::bare_domain(&name, &Domain { default: None, ..domain.clone() })]
        }
        Object::Range(_) => vec![format!("CREATE TYPE {}", super::quote::name(&name))],
        Object::View(view) => vec![view::dummy(&name, view)],
        _ => create::bare(Some(schema), id, entry),
    }
}

fn fill(id: &ObjectId, entry: &Entry, columns: &BTreeSet<&str>) -> Vec<String> {
    let name = id.qualified().unwrap_or_else(|| Name::new("", &id.name));
    match &entry.object {
        Object::Table(table) => {
            let columns: Vec<&str> = columns.iter().copied().collect();
            table::postponed(&name, table, &columns, id.kind)
        }
        Object::Domain(domain) => {
            let default = domain.default.as_ref();
            let default = default
                .map(|default| format!("ALTER DOMAIN {} SET DEFAULT {default}", super::quote::name(&name)));
            let checks = domain.checks.iter().map(|check| types::add_check(&name, check));
            default.into_iter().chain(checks).collect()
        }
        Object::Range(range) => vec![types::range(&name, range)],
        Object::View(view) => view::replace(&name, view),
        _ => Vec::new(),
    }
}

/// Constraints that stand in the parentheses of their table.
struct Inlined<'a> {
    constraints: BTreeSet<&'a ObjectId>,
    by_table: BTreeMap<&'a Name, Vec<(&'a ObjectId, &'a Constraint)>>,
}

impl<'a> Inlined<'a> {
    fn of(schema: &'a Schema, steps: &[Step<'a>]) -> Self {
        let merging = order::children_first(schema);
        let created = steps.iter().enumerate().filter(|(_, step)| step.part == Part::Create);
        let places: BTreeMap<&ObjectId, usize> = created.map(|(place, step)| (step.id, place)).collect();
        let mut inlined = Self { constraints: BTreeSet::new(), by_table: BTreeMap::new() };
        for (id, entry) in &schema.objects {
            let (Object::Constraint(constraint), Some(name)) = (&entry.object, &id.of) else { continue };
            let table = ObjectId::relation(Kind::Table, name);
            let Some(place) = places.get(&table).filter(|_| !merging.contains_key(id)) else { continue };
            let is_there = |on: &ObjectId| places.get(on).is_some_and(|it| it <= place);
            let needs =
                entry.needs.iter().all(|need| is_there(&need.on) || !schema.objects.contains_key(&need.on));
            let is_plain = constraint.kind != ConstraintKind::ForeignKey && constraint.validated;
            if is_plain && needs && takes_constraints(schema.get(&table)) {
                inlined.constraints.insert(id);
                inlined.by_table.entry(name).or_default().push((id, constraint));
            }
        }
        // Keys first, as people write them.
        inlined.by_table.values_mut().for_each(|list| list.sort_by_key(|(_, constraint)| constraint.kind));
        inlined
    }

    fn of_table(&self, table: &Name) -> Vec<String> {
        let constraints = self.by_table.get(table).into_iter().flatten();
        constraints.map(|(id, constraint)| attached::named_constraint(&id.name, constraint)).collect()
    }
}

/// Not partitions: theirs read better beside the table, of which the statement says nothing else.
fn takes_constraints(table: Option<&Object>) -> bool {
    matches!(table, Some(Object::Table(Table { partition_of: None, .. })))
}
