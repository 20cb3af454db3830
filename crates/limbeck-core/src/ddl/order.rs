//! In which order the objects of a schema can be made.

use std::collections::{BTreeMap, BTreeSet};

use super::create;
use crate::schema::{
    Constraint, ConstraintKind, Entry, Kind, Name, Need, Object, ObjectId, ReplicaIdentity, Schema, Table,
};

/// One step of making a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<'a> {
    /// Of which object.
    pub id: &'a ObjectId,
    /// Which part of it.
    pub part: Part<'a>,
}

/// Which part of an object a step makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part<'a> {
    /// All that [`create`](super::create()) says.
    Create,
    /// The object of a cycle with as much left out as breaks it: a table without the defaults of these columns, a
    /// domain without its checks, a range type by its name only, a view with its columns over no table.
    Shell(BTreeSet<&'a str>),
    /// What a shell lacks, and its comments and grants.
    Fill(BTreeSet<&'a str>),
    /// What [`finish`](super::finish) says.
    Finish,
}

/// All objects, each after what it needs; besides that by kind and name, with what belongs to a table behind it.
/// Foreign keys come after the tables. The order depends on the schema's value alone.
///
/// Needs on what is not in the schema do not count, so that a part of a schema can be ordered too. What PostgreSQL
/// would note as a need is also found where nobody noted it, as far as it is part of the value: schemas, parents, the
/// table that something belongs to, the keys that foreign keys refer to.
///
/// Cycles are broken where they can be ([`Part::Shell`]); where none of the objects of a cycle can be made in two
/// parts, the first of them comes first.
pub fn order(schema: &Schema) -> Vec<Step<'_>> {
    let mut graph = Graph::of(schema);
    let mut steps = Vec::new();
    loop {
        while let Some((_, node)) = graph.ready.pop_first() {
            steps.push(graph.made(node));
        }
        if graph.nodes.iter().all(|node| node.is_made) {
            return steps;
        }
        graph.break_cycle(schema);
    }
}

/// Check constraints that must come after those of the same name that children have themselves: PostgreSQL merges a
/// parent's new constraint into a child's, and refuses it the other way round.
pub(super) fn children_first(schema: &Schema) -> BTreeMap<&ObjectId, Vec<ObjectId>> {
    let mut parents: BTreeMap<&Name, Vec<Name>> = BTreeMap::new();
    for (id, entry) in &schema.objects {
        let (Object::Table(table), Some(name)) = (&entry.object, id.qualified()) else { continue };
        for parent in table.partition_of.iter().map(|partition| &partition.parent).chain(&table.inherits) {
            parents.entry(parent).or_default().push(name.clone());
        }
    }
    let mut found = BTreeMap::new();
    for (id, entry) in &schema.objects {
        let Object::Constraint(Constraint { kind: ConstraintKind::Check, .. }) = &entry.object else {
            continue;
        };
        let children = id.of.as_ref().and_then(|relation| parents.get(relation));
        let children =
            children.into_iter().flatten().map(|child| ObjectId::of(Kind::Constraint, child, &id.name));
        let same: Vec<ObjectId> = children.filter(|child| schema.objects.contains_key(child)).collect();
        if !same.is_empty() {
            found.insert(id, same);
        }
    }
    found
}

/// The partitions of each table.
fn partitions(schema: &Schema) -> BTreeMap<&Name, Vec<ObjectId>> {
    let mut partitions: BTreeMap<&Name, Vec<ObjectId>> = BTreeMap::new();
    for (id, entry) in &schema.objects {
        if let Object::Table(Table { partition_of: Some(partition), .. }) = &entry.object {
            partitions.entry(&partition.parent).or_default().push(id.clone());
        }
    }
    partitions
}

/// What decides between two steps that could both be next.
type Key<'a> = (Kind, Option<&'a str>, &'a str, u8, &'a ObjectId, u8);

struct Node<'a> {
    id: &'a ObjectId,
    part: Part<'a>,
    key: Key<'a>,
    /// What is still to be made before, and for which columns.
    needs: BTreeMap<usize, BTreeSet<Option<&'a str>>>,
    is_made: bool,
}

struct Graph<'a> {
    nodes: Vec<Node<'a>>,
    /// Who waits for a node.
    waiting: Vec<Vec<usize>>,
    ready: BTreeSet<(Key<'a>, usize)>,
}

impl<'a> Graph<'a> {
    fn of(schema: &'a Schema) -> Self {
        let places: BTreeMap<&ObjectId, usize> =
            schema.objects.keys().enumerate().map(|(place, id)| (id, place)).collect();
        let merging = children_first(schema);
        let partitions = partitions(schema);
        let keys = keys(schema);
        let mut graph = Self { nodes: Vec::new(), waiting: Vec::new(), ready: BTreeSet::new() };
        for (id, entry) in &schema.objects {
            let mut needs: BTreeMap<usize, BTreeSet<Option<&str>>> = BTreeMap::new();
            for Need { on, by, .. } in entry.needs.iter().filter(|need| !is_owner(entry, &need.on)) {
                if let Some(&place) = places.get(on) {
                    needs.entry(place).or_default().insert(by.as_deref());
                }
            }
            let merged = merging.get(id).into_iter().flatten().cloned();
            // One that lacks partitions would be complete as long as there are none.
            let lacking =
                id.of.as_ref().filter(|_| matches!(&entry.object, Object::Index(index) if index.only));
            let lacking = lacking.and_then(|table| partitions.get(table)).into_iter().flatten().cloned();
            for on in implied(&keys, id, entry).into_iter().chain(merged).chain(lacking) {
                if let Some(&place) = places.get(&on) {
                    needs.entry(place).or_default().insert(None);
                }
            }
            needs.remove(&places[id]);
            graph.push(Node { id, part: Part::Create, key: key(schema, id, entry), needs, is_made: false });
        }
        for (id, entry) in &schema.objects {
            if create::finish(id, entry).is_empty() {
                continue;
            }
            let on = finishing(id, entry).into_iter().filter_map(|on| places.get(&on).copied());
            let needs = on.chain([places[id]]).map(|place| (place, [None].into())).collect();
            let mut key = key(schema, id, entry);
            key.3 += 1;
            key.5 = 2;
            graph.push(Node { id, part: Part::Finish, key, needs, is_made: false });
        }
        graph
    }

    fn push(&mut self, node: Node<'a>) {
        let place = self.nodes.len();
        if node.needs.is_empty() {
            self.ready.insert((node.key, place));
        }
        let highest = node.needs.keys().copied().chain([place]).max().unwrap_or(place);
        self.waiting.resize_with(self.waiting.len().max(highest + 1), Vec::new);
        for &need in node.needs.keys() {
            self.waiting[need].push(place);
        }
        self.nodes.push(node);
    }

    fn made(&mut self, place: usize) -> Step<'a> {
        self.nodes[place].is_made = true;
        for waiting in std::mem::take(&mut self.waiting[place]) {
            self.drop_need(waiting, place);
        }
        let Node { id, part, .. } = &self.nodes[place];
        Step { id, part: part.clone() }
    }

    fn drop_need(&mut self, place: usize, need: usize) {
        let node = &mut self.nodes[place];
        if node.needs.remove(&need).is_some() && node.needs.is_empty() && !node.is_made {
            self.ready.insert((node.key, place));
        }
    }

    /// Nothing is ready: every step that is left waits for another one, so following that leads into a cycle.
    fn break_cycle(&mut self, schema: &'a Schema) {
        let cycle = self.cycle();
        let edges = || cycle.iter().copied().zip(cycle.iter().copied().cycle().skip(1));
        let breakable =
            edges().filter_map(|(node, need)| Some((self.breaking(schema, node, need)?, node, need)));
        match breakable.min_by_key(|&(rank, node, _)| (rank, self.nodes[node].key)) {
            Some((_, node, need)) => self.split(schema, node, need),
            None => {
                if let Some((node, need)) = edges().min_by_key(|&(node, _)| self.nodes[node].key) {
                    self.drop_need(node, need);
                }
            }
        }
    }

    /// Nodes each of which needs the next one, and the last one the first.
    fn cycle(&self) -> Vec<usize> {
        let mut path: Vec<usize> = Vec::new();
        let mut next = self.nodes.iter().position(|node| !node.is_made);
        while let Some(node) = next {
            if let Some(start) = path.iter().position(|&seen| seen == node) {
                return path.split_off(start);
            }
            path.push(node);
            next = self.nodes[node].needs.keys().next().copied();
        }
        path
    }

    /// Whether a node can be made without what it needs, and how gladly.
    fn breaking(&self, schema: &Schema, node: usize, need: usize) -> Option<u8> {
        let Node { id, part, needs, .. } = &self.nodes[node];
        if !matches!(part, Part::Create | Part::Shell(_)) {
            return None;
        }
        match schema.get(id)? {
            Object::Table(table) => {
                let columns = needs.get(&need)?;
                let has_value = |name: &&str| {
                    table
                        .column(name)
                        .is_some_and(|column| column.default.is_some() || column.generated.is_some())
                };
                let is_value =
                    matches!(self.nodes[need].id.kind, Kind::Routine | Kind::Operator | Kind::Sequence);
                (is_value && columns.iter().all(|column| column.as_ref().is_some_and(has_value))).then_some(0)
            }
            Object::Domain(_) => Some(1),
            Object::Range(_) => Some(2),
            Object::View(_) if id.kind == Kind::View => Some(3),
            _ => None,
        }
    }

    /// Makes a node a shell that does without one of its needs, and has the rest made when all is there.
    fn split(&mut self, schema: &'a Schema, place: usize, need: usize) {
        let columns: BTreeSet<&str> =
            self.nodes[place].needs.get(&need).into_iter().flatten().copied().flatten().collect();
        let (id, key) = (self.nodes[place].id, self.nodes[place].key);
        if let Part::Shell(postponed) = &mut self.nodes[place].part {
            postponed.extend(&columns);
            let fill = self.nodes.iter_mut().find(|node| node.id == id && matches!(node.part, Part::Fill(_)));
            if let Some(Node { part: Part::Fill(postponed), .. }) = fill {
                postponed.extend(&columns);
            }
        } else {
            self.nodes[place].part = Part::Shell(columns.clone());
            let mut needs = self.nodes[place].needs.clone();
            needs.insert(place, BTreeSet::new());
            let key = (key.0, key.1, key.2, key.3, key.4, 1);
            self.push(Node { id, part: Part::Fill(columns.clone()), key, needs, is_made: false });
        }
        self.wait_for_columns(schema, id, &columns);
        self.drop_need(place, need);
    }

    /// A postponed generated column is not there at all before the shell is filled.
    fn wait_for_columns(&mut self, schema: &'a Schema, id: &ObjectId, columns: &BTreeSet<&'a str>) {
        let Some(Object::Table(table)) = schema.get(id) else { return };
        let generated = |name: &&&str| table.column(name).is_some_and(|column| column.generated.is_some());
        let generated: BTreeSet<&str> = columns.iter().filter(generated).copied().collect();
        let is_fill = |node: &Node<'_>| node.id == id && matches!(node.part, Part::Fill(_));
        let Some(fill) = self.nodes.iter().position(is_fill) else { return };
        for place in 0..self.nodes.len() {
            let node = &mut self.nodes[place];
            let Some(entry) = schema.objects.get(node.id).filter(|_| !node.is_made && node.id != id) else {
                continue;
            };
            let uses = |need: &Need| {
                need.on == *id && need.column.as_deref().is_some_and(|it| generated.contains(it))
            };
            if entry.needs.iter().any(uses) {
                node.needs.entry(fill).or_default().insert(None);
                self.waiting[fill].push(place);
                self.ready.remove(&(node.key, place));
            }
        }
    }
}

/// Whether a sequence belongs to a column of this table, which is said at the end only.
fn is_owner(entry: &Entry, on: &ObjectId) -> bool {
    match &entry.object {
        Object::Sequence(sequence) => {
            let owner = sequence.owned_by.as_ref().map(|(table, _)| table);
            on.kind == Kind::Table && owner.is_some() && on.qualified().as_ref() == owner
        }
        _ => false,
    }
}

/// What must be there for [`Part::Finish`].
fn finishing(id: &ObjectId, entry: &Entry) -> Vec<ObjectId> {
    match &entry.object {
        Object::Sequence(sequence) => {
            let owner = sequence.owned_by.iter().map(|(table, _)| table);
            owner
                .flat_map(|table| {
                    [Kind::Table, Kind::ForeignTable].map(|kind| ObjectId::relation(kind, table))
                })
                .collect()
        }
        Object::Table(table) => {
            let Some(name) = id.qualified() else { return Vec::new() };
            let replica = match &table.replica_identity {
                ReplicaIdentity::Index(index) => Some(index),
                _ => None,
            };
            let indexes = replica.into_iter().chain(&table.cluster_on);
            indexes
                .flat_map(|index| {
                    [Kind::Index, Kind::Constraint].map(|kind| ObjectId::of(kind, &name, index))
                })
                .collect()
        }
        _ => Vec::new(),
    }
}

/// What an object needs because of what it is, whether anybody noted it or not.
fn implied(keys: &BTreeMap<&Name, Vec<ObjectId>>, id: &ObjectId, entry: &Entry) -> Vec<ObjectId> {
    let mut needs: Vec<ObjectId> =
        id.schema.iter().map(|schema| ObjectId::global(Kind::Schema, schema.clone())).collect();
    let relations = id.of.iter();
    let relations = match &entry.object {
        Object::Table(table) => {
            let parents = table.partition_of.iter().map(|partition| &partition.parent).chain(&table.inherits);
            needs.extend(table.of_type.iter().map(|name| ObjectId::relation(Kind::Composite, name)));
            relations.chain(parents).collect::<Vec<_>>()
        }
        Object::Constraint(Constraint { references: Some(table), .. }) => {
            needs.extend(keys.get(table).into_iter().flatten().cloned());
            relations.chain([table]).collect()
        }
        _ => relations.collect(),
    };
    const RELATIONS: [Kind; 4] = [Kind::Table, Kind::ForeignTable, Kind::View, Kind::MaterializedView];
    needs.extend(relations.into_iter().flat_map(|name| RELATIONS.map(|kind| ObjectId::relation(kind, name))));
    needs
}

/// What the foreign keys to each table may rest on.
fn keys(schema: &Schema) -> BTreeMap<&Name, Vec<ObjectId>> {
    let mut keys: BTreeMap<&Name, Vec<ObjectId>> = BTreeMap::new();
    for (id, _) in schema.objects.iter().filter(|(_, entry)| is_key(entry)) {
        id.of.iter().for_each(|table| keys.entry(table).or_default().push(id.clone()));
    }
    keys
}

/// Whether a foreign key may rest on it.
fn is_key(entry: &Entry) -> bool {
    match &entry.object {
        Object::Constraint(constraint) => {
            matches!(constraint.kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique)
        }
        Object::Index(index) => index.unique,
        _ => false,
    }
}

fn key<'a>(schema: &'a Schema, id: &'a ObjectId, entry: &'a Entry) -> Key<'a> {
    let of_table = |table: &'a Name, place: u8| {
        let kinds = [Kind::ForeignTable, Kind::View, Kind::MaterializedView];
        let kind = kinds.into_iter().find(|&kind| schema.get(&ObjectId::relation(kind, table)).is_some());
        (kind.unwrap_or(Kind::Table), Some(table.schema.as_str()), table.name.as_str(), place, id, 0)
    };
    match (&entry.object, &id.of) {
        (Object::Constraint(Constraint { kind: ConstraintKind::ForeignKey, .. }), Some(table)) => {
            (Kind::Constraint, Some(&table.schema), &table.name, 0, id, 0)
        }
        (_, Some(relation)) => of_table(relation, 6),
        (Object::Sequence(sequence), None) if sequence.owned_by.is_some() => match &sequence.owned_by {
            Some((table, _)) => of_table(table, 0),
            None => (id.kind, id.schema.as_deref(), &id.name, 0, id, 0),
        },
        (Object::Table(_), None) => (id.kind, id.schema.as_deref(), &id.name, 3, id, 0),
        _ => (id.kind, id.schema.as_deref(), &id.name, 0, id, 0),
    }
}
