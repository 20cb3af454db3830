//! What has been read so far.

use std::collections::{BTreeSet, HashMap};

use limbeck_core::schema::{
    Column, Entry, Grant, IdentitySequence, Kind, Name, Object, ObjectId, Schema, Table,
};

use super::{Filter, Read};

/// The oids of the catalogs, which every version of PostgreSQL has the same.
pub(super) mod class {
    pub(in super::super) const ATTRIBUTE_DEFAULT: i64 = 2604;
    pub(in super::super) const CAST: i64 = 2605;
    pub(in super::super) const CLASS: i64 = 1259;
    pub(in super::super) const COLLATION: i64 = 3456;
    pub(in super::super) const CONSTRAINT: i64 = 2606;
    pub(in super::super) const DEFAULT_ACL: i64 = 826;
    pub(in super::super) const EVENT_TRIGGER: i64 = 3466;
    pub(in super::super) const EXTENSION: i64 = 3079;
    pub(in super::super) const FOREIGN_DATA_WRAPPER: i64 = 2328;
    pub(in super::super) const FOREIGN_SERVER: i64 = 1417;
    pub(in super::super) const LANGUAGE: i64 = 2612;
    pub(in super::super) const NAMESPACE: i64 = 2615;
    pub(in super::super) const OPERATOR: i64 = 2617;
    pub(in super::super) const OPERATOR_CLASS: i64 = 2616;
    pub(in super::super) const OPERATOR_FAMILY: i64 = 2753;
    pub(in super::super) const POLICY: i64 = 3256;
    pub(in super::super) const PROC: i64 = 1255;
    pub(in super::super) const PUBLICATION: i64 = 6104;
    pub(in super::super) const REWRITE: i64 = 2618;
    pub(in super::super) const STATISTICS: i64 = 3381;
    pub(in super::super) const TEXT_SEARCH_CONFIGURATION: i64 = 3602;
    pub(in super::super) const TEXT_SEARCH_DICTIONARY: i64 = 3600;
    pub(in super::super) const TRIGGER: i64 = 2620;
    pub(in super::super) const TYPE: i64 = 1247;
}

/// An object's catalog and oid.
pub(super) type Address = (i64, i64);

/// What is known of a column besides what is part of the schema.
pub(super) struct ColumnFacts {
    pub(super) name: String,
    /// As PostgreSQL quotes it.
    pub(super) quoted: String,
    /// The oid of its type.
    pub(super) data_type: i64,
    /// The oid of its collation, or 0.
    pub(super) collation: i64,
}

/// The schema as it grows, and who has which oid.
pub(super) struct Reader {
    pub(super) without_tables: BTreeSet<Name>,
    schema: Schema,
    ids: HashMap<Address, ObjectId>,
    /// Parts of objects that are objects to `pg_depend`: the index of a constraint, the rule of a view.
    parts: HashMap<Address, ObjectId>,
    /// What parts that may have a comment are called in [`Entry::part_comments`].
    part_names: HashMap<Address, String>,
    /// Columns by relation and `attnum`.
    columns: HashMap<(i64, i16), ColumnFacts>,
    /// What each access method takes for a type where an index says nothing, by method and type.
    pub(super) operator_classes: HashMap<(i64, i64), i64>,
    /// Indexes whose definition PostgreSQL has to print.
    pub(super) unprinted: Vec<i64>,
    /// Relation and `attnum` of each row of `pg_attrdef`.
    defaults: HashMap<i64, (i64, i16)>,
    /// Table and `attnum` of the column of each identity sequence.
    identities: HashMap<i64, (i64, i16)>,
    /// The extension of each object that belongs to one.
    pub(super) members: HashMap<Address, String>,
    pub(super) inexpressible: BTreeSet<String>,
}

impl Reader {
    pub(super) fn new(filter: &Filter) -> Self {
        Self {
            without_tables: filter.without_tables.clone(),
            schema: Schema::default(),
            ids: HashMap::new(),
            parts: HashMap::new(),
            part_names: HashMap::new(),
            columns: HashMap::new(),
            operator_classes: HashMap::new(),
            unprinted: Vec::new(),
            defaults: HashMap::new(),
            identities: HashMap::new(),
            members: HashMap::new(),
            inexpressible: BTreeSet::new(),
        }
    }

    pub(super) fn finish(self) -> Read {
        Read { schema: self.schema, inexpressible: self.inexpressible.into_iter().collect() }
    }

    /// Takes an object.
    pub(super) fn add(&mut self, address: Address, id: ObjectId, object: impl Into<Object>) {
        let entry = Entry { grants: limbeck_core::schema::Grant::defaults(id.kind), ..Entry::new(object) };
        self.ids.insert(address, id.clone());
        self.schema.objects.insert(id, entry);
    }

    /// Remembers at which address a part of an object is.
    pub(super) fn part(&mut self, address: Address, whole: ObjectId) {
        self.parts.insert(address, whole);
    }

    /// The same of a part that may have a comment.
    pub(super) fn named_part(&mut self, address: Address, whole: ObjectId, name: String) {
        self.part(address, whole);
        self.part_names.insert(address, name);
    }

    /// The comment of a part is in its whole.
    pub(super) fn comment_part(&mut self, address: Address, comment: String) {
        let Some(name) = self.part_names.get(&address).cloned() else { return };
        if let Some(whole) = self.entry_at(address) {
            whole.part_comments.insert(name, comment);
        }
    }

    /// The object at an address, or of which something there is a part.
    pub(super) fn id(&self, address: Address) -> Option<&ObjectId> {
        self.ids.get(&address).or_else(|| self.parts.get(&address))
    }

    pub(super) fn entry(&mut self, id: &ObjectId) -> Option<&mut Entry> {
        self.schema.objects.get_mut(id)
    }

    /// The object at an address, or of which something there is a part, to change it.
    pub(super) fn entry_at(&mut self, address: Address) -> Option<&mut Entry> {
        let id = self.ids.get(&address).or_else(|| self.parts.get(&address))?;
        self.schema.objects.get_mut(id)
    }

    /// The object whose own address this is, to change it.
    pub(super) fn whole_at(&mut self, address: Address) -> Option<&mut Entry> {
        self.schema.objects.get_mut(self.ids.get(&address)?)
    }

    /// The name of a table or view that was taken.
    pub(super) fn relation(&self, oid: i64) -> Option<Name> {
        let id = self.ids.get(&(class::CLASS, oid)).filter(|id| id.of.is_none())?;
        id.qualified()
    }

    /// What belongs to a relation that was taken.
    pub(super) fn id_of(&self, kind: Kind, relation: i64, name: String) -> Option<ObjectId> {
        Some(ObjectId::of(kind, &self.relation(relation)?, name))
    }

    pub(super) fn table(&mut self, oid: i64) -> Option<&mut Table> {
        match &mut self.entry_at((class::CLASS, oid))?.object {
            Object::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(super) fn table_column(&mut self, oid: i64, number: i16) -> Option<&mut Column> {
        let name = self.column(oid, number)?.to_owned();
        self.table(oid)?.columns.iter_mut().find(|column| column.name == name)
    }

    /// Remembers whose column's sequence this is.
    pub(super) fn know_identity(&mut self, sequence: i64, table: i64, number: i16) {
        self.identities.insert(sequence, (table, number));
    }

    /// The sequence of an identity column, to change it.
    pub(super) fn identity_sequence(&mut self, address: Address) -> Option<&mut IdentitySequence> {
        let (table, number) = *self.identities.get(&address.1).filter(|_| address.0 == class::CLASS)?;
        self.table_column(table, number)?.identity.as_mut()?.sequence.as_mut()
    }

    /// The grants of an object or of an identity column's sequence, to change them.
    pub(super) fn grants(&mut self, address: Address) -> Option<&mut BTreeSet<Grant>> {
        if self.identity_sequence(address).is_some() {
            return self.identity_sequence(address).map(|sequence| &mut sequence.grants);
        }
        self.whole_at(address).map(|entry| &mut entry.grants)
    }

    pub(super) fn know_column(&mut self, relation: i64, number: i16, facts: ColumnFacts) {
        self.columns.insert((relation, number), facts);
    }

    /// A default is an object of its own in `pg_depend`.
    pub(super) fn name_default(&mut self, default: i64, relation: i64, number: i16) {
        self.defaults.insert(default, (relation, number));
    }

    /// Relation and column of a default.
    pub(super) fn default(&self, default: i64) -> Option<(i64, i16)> {
        self.defaults.get(&default).copied()
    }

    pub(super) fn column(&self, relation: i64, number: i16) -> Option<&str> {
        self.facts(relation, number).map(|facts| facts.name.as_str())
    }

    pub(super) fn facts(&self, relation: i64, number: i16) -> Option<&ColumnFacts> {
        self.columns.get(&(relation, number))
    }
}
