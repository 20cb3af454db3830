//! From everything found to one schema: types and references looked up, names given.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proc_macro2::Span;

use super::column::{ColumnModel, IdentityModel};
use super::element::Element;
use super::fault::Fault;
use super::find::{Found, Home};
use super::lookup::Types;
use super::naming::{Parts, What};
use super::parts::{Body, ConstraintModel, ForeignKey, count};
use super::places::ColumnPlaces;
use super::render::{self, Target};
use super::table::TableModel;
use super::write::usual_sequence;
use super::{ModelOptions, Models, Outside, Rename, Unlisted};
use crate::schema::{
    Column, ConstraintKind, Entry, Enum, Identity, IdentityKind, IdentitySequence, Kind, Name, Need,
    Nullability, Object, ObjectId, Sequence,
};
use crate::{Place, Problem, Source};

/// Puts together what was found.
pub(super) fn assemble(
    found: Found,
    sources: &[Arc<Source>],
    options: &ModelOptions,
) -> Result<Models, Vec<Problem>> {
    let mut assembly = Assembly {
        types: Types::new(&found, &options.default_schema),
        found: &found,
        sources,
        options,
        models: Models::default(),
        problems: found.problems.clone(),
        by_name: BTreeMap::new(),
        relations: BTreeMap::new(),
    };
    for table in &found.tables {
        let name = assembly.name(table.1.schema.as_ref(), &table.1.name);
        assembly.by_name.entry(name).or_insert(table);
    }
    assembly.enums();
    let tables = assembly.tables();
    for (home, table, name) in &tables {
        assembly.belongings(home, table, name);
    }
    assembly.keys_before_references();
    assembly.schemas();
    if assembly.problems.is_empty() {
        return Ok(assembly.models);
    }
    assembly.problems.sort_by_key(|problem| {
        problem.place().map(|place| (place.source.name().to_owned(), place.span.start))
    });
    Err(assembly.problems)
}

struct Assembly<'a> {
    found: &'a Found,
    types: Types<'a>,
    sources: &'a [Arc<Source>],
    options: &'a ModelOptions,
    models: Models,
    problems: Vec<Problem>,
    /// The models of tables; the first one of each name.
    by_name: BTreeMap<Name, &'a (Home, TableModel)>,
    /// Names of tables, indexes and types, by schema: PostgreSQL keeps them apart from each other.
    relations: BTreeMap<String, BTreeSet<String>>,
}

impl<'a> Assembly<'a> {
    fn fault(&mut self, home: &Home, fault: Fault) {
        self.problems.push(fault.problem(&self.sources[home.source]));
    }

    fn place(&self, home: &Home, span: Span) -> Place {
        Place::new(&self.sources[home.source], span.byte_range())
    }

    fn column_places(&self, home: &Home, column: &ColumnModel) -> ColumnPlaces {
        let place = |span: Span| self.place(home, span);
        ColumnPlaces {
            field: place(column.span),
            data_type: place(column.spans.data_type),
            collation: column.spans.collation.map(place),
            value: column.spans.value.map(place),
        }
    }

    fn name(&self, schema: Option<&String>, name: &str) -> Name {
        Name::new(schema.unwrap_or(&self.options.default_schema), name)
    }

    /// Adds an object, unless its name is taken.
    fn add(&mut self, home: &Home, span: Span, id: ObjectId, entry: Entry) -> bool {
        let place = self.place(home, span);
        if let Some(first) = self.models.places.get(&id) {
            let problem = Fault::new(span, format!("there are two models of the {id}"))
                .problem(&self.sources[home.source]);
            self.problems.push(problem.also(first.clone(), "the first one"));
            return false;
        }
        if let (Kind::Table | Kind::Index | Kind::Enum, Some(schema)) = (id.kind, &id.schema)
            && !self.relations.entry(schema.clone()).or_default().insert(id.name.clone())
        {
            let fault = Fault::new(span, format!("the name `{}` is taken in the schema `{schema}`", id.name));
            self.fault(home, fault.help("tables, indexes, types and keys share their names"));
            return false;
        }
        self.models.places.insert(id.clone(), place);
        self.models.schema.objects.insert(id, entry);
        true
    }

    fn rename(&mut self, home: &Home, id: &ObjectId, part: Option<&str>, from: &super::args::Text) {
        let place = self.place(home, from.span);
        let part = part.map(str::to_owned);
        self.models.renames.push(Rename { id: id.clone(), part, from: from.text.clone(), place });
    }

    fn enums(&mut self) {
        let found = self.found;
        for (home, model) in &found.enums {
            let id = ObjectId::relation(Kind::Enum, &self.name(model.schema.as_ref(), &model.name));
            let values = model.values.iter().map(|value| value.value.clone()).collect();
            let mut entry = Entry::new(Enum { values });
            entry.comment = model.comment.clone();
            if !self.add(home, model.span, id.clone(), entry) {
                continue;
            }
            if let Some(from) = &model.renamed_from {
                self.rename(home, &id, None, from);
            }
            for value in &model.values {
                if let Some(from) = &value.renamed_from {
                    self.rename(home, &id, Some(&value.value), from);
                }
            }
        }
    }

    /// The tables themselves; what belongs to them comes when all of them are known.
    fn tables(&mut self) -> Vec<(&'a Home, &'a TableModel, Name)> {
        let found = self.found;
        let mut tables = Vec::new();
        for (home, model) in &found.tables {
            let name = self.name(model.schema.as_ref(), &model.name);
            let id = ObjectId::relation(Kind::Table, &name);
            let entry = self.table(home, model, &name);
            if !self.add(home, model.span, id.clone(), entry) {
                continue;
            }
            for column in &model.columns {
                let places = self.column_places(home, column);
                self.models.column_places.insert((name.clone(), column.name().to_owned()), places);
                if let Some(from) = &column.renamed_from {
                    self.rename(home, &id, Some(column.name()), from);
                }
            }
            if let Some(from) = &model.renamed_from {
                self.rename(home, &id, None, from);
            }
            tables.push((home, model, name));
        }
        tables
    }

    fn table(&mut self, home: &Home, model: &TableModel, name: &Name) -> Entry {
        let mut table = model.table.clone();
        let mut needs = BTreeSet::new();
        for column in &model.columns {
            match self.types.resolve(&column.ty, home) {
                Ok(ty) => {
                    needs.extend(ty.needs.map(|on| Need {
                        on,
                        column: None,
                        by: Some(column.name().to_owned()),
                    }));
                    table.columns.push(finished(column, ty.text, ty.nullable, name));
                }
                Err(fault) => self.fault(home, fault),
            }
        }
        let mut inherited = BTreeSet::new();
        for (reference, span) in &model.inherits {
            let (parent, found) = self.target(reference.schema.as_deref(), &reference.table, name);
            match found {
                Some((_, parent)) => inherited.extend(parent.columns.iter().map(ColumnModel::name)),
                None => self.outside(home, *span, &parent),
            }
            needs.insert(Need { on: ObjectId::relation(Kind::Table, &parent), column: None, by: None });
            table.inherits.push(parent);
        }
        for column in &mut table.columns {
            column.inherited = inherited.contains(column.name.as_str());
        }
        let mut entry = Entry::new(table);
        entry.comment = model.comment.clone();
        entry.needs = needs;
        entry
    }

    /// The table that a reference means, and its model, if it has one: in the schema of the table that refers, else in
    /// the default schema.
    fn target(
        &self,
        schema: Option<&str>,
        table: &str,
        from: &Name,
    ) -> (Name, Option<&'a (Home, TableModel)>) {
        let find = |name: &Name| self.by_name.get(name).copied();
        if let Some(schema) = schema {
            let name = Name::new(schema, table);
            let found = find(&name);
            return (name, found);
        }
        let beside = Name::new(from.schema.clone(), table);
        match find(&beside) {
            Some(found) => (beside, Some(found)),
            None => {
                let name = self.name(None, table);
                let found = find(&name);
                (name, found)
            }
        }
    }

    /// A reference to a table that is no model.
    fn outside(&mut self, home: &Home, span: Span, name: &Name) {
        if self.options.unlisted == Unlisted::Allowed {
            let place = self.place(home, span);
            self.models.outside.push(Outside { table: name.clone(), place });
            return;
        }
        let names = self.found.tables.iter().map(|(_, model)| model.name.as_str());
        let fault = Fault::new(span, format!("no model is the table {name}"));
        let fault = match crate::nearest(&name.name, names) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help("is its file among the models?"),
        };
        self.fault(home, fault);
    }

    fn belongings(&mut self, home: &Home, model: &TableModel, name: &Name) {
        // Names that are said come first: the others give way to them.
        let (mut said, mut unsaid) = (Vec::new(), Vec::new());
        for constraint in &model.constraints {
            if constraint.name.is_some() { said.push(constraint) } else { unsaid.push(constraint) }
        }
        for index in model.indexes.iter().filter(|index| index.name.is_some()) {
            self.index(home, model, name, index);
        }
        for constraint in said.into_iter().chain(unsaid) {
            self.constraint(home, model, name, constraint);
        }
        for index in model.indexes.iter().filter(|index| index.name.is_none()) {
            self.index(home, model, name, index);
        }
        for policy in &model.policies {
            let mut entry = Entry::new(policy.policy.clone());
            entry.comment = policy.comment.clone();
            self.add(home, policy.name.span, ObjectId::of(Kind::Policy, name, &policy.name.text), entry);
        }
    }

    /// Whether a relation of the table's schema or a constraint of the table is called so.
    fn is_taken(&self, table: &Name, name: &str) -> bool {
        self.relations.get(&table.schema).is_some_and(|taken| taken.contains(name))
            || self.models.schema.objects.contains_key(&ObjectId::of(Kind::Constraint, table, name))
    }

    fn index(&mut self, home: &Home, model: &TableModel, table: &Name, index: &super::parts::IndexModel) {
        let labels =
            index.elements.iter().map(|text| Element::of(&text.text, &model.columns).label()).collect();
        let said = index.name.as_ref().map(|name| name.text.as_str());
        let parts = Parts { table: &table.name, columns: labels, referred: None, said };
        let name = self.options.naming.name(What::Index, &parts, &|name| self.is_taken(table, name));
        let mut entry = Entry::new(render::index(index, &model.columns));
        entry.comment = index.comment.clone();
        let span = index.name.as_ref().map_or(index.span, |name| name.span);
        self.add(home, span, ObjectId::of(Kind::Index, table, name), entry);
    }

    fn constraint(&mut self, home: &Home, model: &TableModel, table: &Name, constraint: &ConstraintModel) {
        let target = match &constraint.body {
            Body::ForeignKey(key) => match self.referred(home, constraint, key, table) {
                Some(target) => Some(target),
                None => return,
            },
            _ => None,
        };
        let rendered = render::constraint(constraint, &model.columns, target.as_ref());
        let what = match rendered.kind {
            ConstraintKind::PrimaryKey => What::PrimaryKey,
            ConstraintKind::Unique => What::Unique,
            ConstraintKind::Check => What::Check,
            ConstraintKind::ForeignKey => What::ForeignKey,
            ConstraintKind::Exclusion => What::Exclusion,
        };
        let parts = Parts {
            table: &table.name,
            columns: rendered.columns.clone(),
            referred: target.as_ref().map(|target| (target.table.name.as_str(), target.columns.as_slice())),
            said: constraint.name.as_ref().map(|name| name.text.as_str()),
        };
        let name = self.options.naming.name(what, &parts, &|name| self.is_taken(table, name));
        let owns_an_index = rendered.index.is_some();
        let mut entry = Entry::new(rendered);
        entry.comment = constraint.comment.clone();
        if let Some(target) = &target {
            let on = ObjectId::relation(Kind::Table, &target.table);
            entry.needs.insert(Need { on, column: None, by: None });
        }
        let span = constraint.name.as_ref().map_or(constraint.span, |name| name.span);
        let id = ObjectId::of(Kind::Constraint, table, &name);
        let body = match &constraint.body {
            Body::Check { expr, .. } => Some(expr.span),
            Body::ForeignKey(key) => Some(key.span),
            _ => None,
        };
        let body = body.map(|span| (id.clone(), self.place(home, span)));
        let added = self.add(home, span, id, entry);
        self.models.bodies.extend(body);
        if added
            && owns_an_index
            && !self.relations.entry(table.schema.clone()).or_default().insert(name.clone())
        {
            let fault =
                Fault::new(span, format!("the name `{name}` is taken in the schema `{}`", table.schema));
            self.fault(home, fault.help("tables, indexes, types and keys share their names"));
        }
    }

    fn referred(
        &mut self,
        home: &Home,
        from: &ConstraintModel,
        key: &ForeignKey,
        table: &Name,
    ) -> Option<Target> {
        let (name, found) = self.target(key.to.schema.as_deref(), &key.to.table, table);
        let Some((_, model)) = found else {
            self.outside(home, key.span, &name);
            return Some(Target { table: name, columns: key.to.columns.clone() });
        };
        let mut columns = key.to.columns.clone();
        if columns.is_empty() {
            let primary = model.constraints.iter().find(|own| matches!(own.body, Body::PrimaryKey(_)));
            let Some(primary) = primary else {
                let fault = Fault::new(key.span, format!("the table `{}` has no primary key", model.name));
                self.fault(home, fault.help("name the columns: \"table(column)\""));
                return None;
            };
            columns.extend(primary.columns.iter().map(|column| column.text.clone()));
            if columns.len() != from.columns.len() {
                let (here, there) = (count(from.columns.len()), columns.len());
                self.fault(
                    home,
                    Fault::new(key.span, format!("{here} cannot reference a primary key of {there}")),
                );
            }
        }
        for column in &columns {
            if !model.columns.iter().any(|known| known.name() == column) {
                let fault =
                    Fault::new(key.span, format!("the table `{}` has no column `{column}`", model.name));
                let near = crate::nearest(column, model.columns.iter().map(ColumnModel::name));
                self.fault(
                    home,
                    near.map(|near| format!("did you mean `{near}`?")).into_iter().fold(fault, Fault::help),
                );
                return None;
            }
        }
        Some(Target { table: name, columns })
    }

    /// A schema that a model names is there; `public` always is.
    fn schemas(&mut self) {
        let of_models = self.models.schema.objects.keys().filter_map(|id| id.schema.clone());
        let names: BTreeSet<String> = of_models.filter(|name| name != "public").collect();
        for name in names {
            let id = ObjectId::global(Kind::Schema, name);
            self.models.schema.objects.insert(id, Entry::new(Object::Schema));
        }
    }

    /// A foreign key needs the key that it refers to.
    fn keys_before_references(&mut self) {
        let mut needs = Vec::new();
        for (id, entry) in &self.models.schema.objects {
            let Object::Constraint(constraint) = &entry.object else { continue };
            let Some(table) = &constraint.references else { continue };
            let referred = constraint
                .definition
                .rsplit_once(&format!(" REFERENCES {}(", crate::ddl::quote::name(table)));
            let Some((_, rest)) = referred else { continue };
            let columns = rest.split_once(')').map_or(rest, |(columns, _)| columns);
            let columns: BTreeSet<_> = columns.split(", ").collect();
            for (key, candidate) in self.models.schema.belongings(table) {
                if let Some(unique) = unique_columns(&candidate.object)
                    && unique.iter().map(String::as_str).collect::<BTreeSet<_>>() == columns
                {
                    needs.push((id.clone(), key.clone()));
                }
            }
        }
        for (id, on) in needs {
            if let Some(entry) = self.models.schema.objects.get_mut(&id) {
                entry.needs.insert(Need { on, column: None, by: None });
            }
        }
    }
}

/// The columns, quoted where needed, that an object makes unique.
fn unique_columns(object: &Object) -> Option<Vec<String>> {
    use crate::ddl::quote::ident;
    match object {
        Object::Constraint(constraint)
            if matches!(constraint.kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique) =>
        {
            Some(constraint.columns.iter().map(|column| ident(column)).collect())
        }
        Object::Index(index) if index.unique => {
            index.columns.iter().map(|column| column.as_deref().map(ident)).collect()
        }
        _ => None,
    }
}

/// The column with its type, and what follows from it.
fn finished(model: &ColumnModel, data_type: String, nullable: bool, table: &Name) -> Column {
    let mut column = model.column.clone();
    let nullable = if nullable { Nullability::Nullable } else { Nullability::NotNull };
    column.nullability = model.said.unwrap_or(nullable);
    column.identity =
        model.identity.as_ref().map(|identity| self::identity(identity, model, &data_type, table));
    column.data_type = data_type;
    column
}

fn identity(model: &IdentityModel, column: &ColumnModel, data_type: &str, table: &Name) -> Identity {
    let kind = if model.always { IdentityKind::Always } else { IdentityKind::ByDefault };
    let numbers = [model.start, model.increment, model.min, model.max, model.cache];
    if model.sequence.is_none() && numbers.iter().all(Option::is_none) && !model.cycle {
        return Identity { kind, sequence: None };
    }
    let name = model.sequence.clone();
    let name = name.unwrap_or_else(|| super::naming::object_name(&table.name, column.name(), "seq"));
    let increment = model.increment.unwrap_or(1);
    let usual = usual_sequence(data_type, increment);
    let (min, max) = (model.min.unwrap_or(usual.min), model.max.unwrap_or(usual.max));
    let sequence = Sequence {
        start: model.start.unwrap_or(if increment > 0 { min } else { max }),
        min,
        max,
        cache: model.cache.unwrap_or(1),
        cycle: model.cycle,
        ..usual
    };
    let name = Name::new(table.schema.clone(), name);
    Identity { kind, sequence: Some(IdentitySequence::new(name, sequence)) }
}
