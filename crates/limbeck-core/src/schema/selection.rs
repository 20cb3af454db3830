//! A part of a schema, chosen by names and kinds.

use std::collections::BTreeSet;

use super::{Entry, Kind, Name, Object, ObjectId, Schema};

/// Which objects a comparison is about. The default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these schemas and what they hold; empty is all.
    pub schemas: Vec<String>,
    /// Not these schemas, nor what they hold.
    pub exclude_schemas: Vec<String>,
    /// Not these tables and views, nor what belongs to them.
    pub exclude_tables: Vec<TablePattern>,
    /// Nothing of these kinds.
    pub exclude_kinds: BTreeSet<Excluded>,
}

/// `name` or `schema.name`; a `*` at the end of either stands for any ending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TablePattern {
    schema: Option<String>,
    name: String,
}

impl TablePattern {
    /// Reads it.
    ///
    /// # Errors
    /// A sentence: a part is empty, there are more than two, or a `*` stands elsewhere than at an end.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('.').collect();
        for part in &parts {
            if part.is_empty() || part.trim_end_matches('*').contains('*') || part.ends_with("**") {
                return Err(format!(
                    "`{text}` is no table: write name or schema.name, with `*` only at the end of a part"
                ));
            }
        }
        match parts.as_slice() {
            [name] => Ok(Self { schema: None, name: (*name).to_owned() }),
            [schema, name] => Ok(Self { schema: Some((*schema).to_owned()), name: (*name).to_owned() }),
            _ => Err(format!("`{text}` is no table: write name or schema.name")),
        }
    }

    /// Whether it means this table.
    pub fn matches(&self, name: &Name) -> bool {
        self.schema.as_ref().is_none_or(|pattern| fits(pattern, &name.schema)) && fits(&self.name, &name.name)
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => text.starts_with(beginning),
        None => pattern == text,
    }
}

/// What a selection can leave out by kind: kinds of objects, and what objects of many kinds have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Excluded {
    /// Objects of this kind.
    Kind(Kind),
    /// Partitions; the partitioned tables stay.
    Partition,
    /// Comments on anything.
    Comment,
    /// Privileges on anything: they count as those that PostgreSQL gives by itself. Default privileges go with them.
    Grant,
}

impl Excluded {
    /// The words that stand for them.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("cast", Self::Kind(Kind::Cast)),
        ("collation", Self::Kind(Kind::Collation)),
        ("comment", Self::Comment),
        ("composite", Self::Kind(Kind::Composite)),
        ("constraint", Self::Kind(Kind::Constraint)),
        ("default_privileges", Self::Kind(Kind::DefaultPrivileges)),
        ("domain", Self::Kind(Kind::Domain)),
        ("enum", Self::Kind(Kind::Enum)),
        ("event_trigger", Self::Kind(Kind::EventTrigger)),
        ("extension", Self::Kind(Kind::Extension)),
        ("foreign_data_wrapper", Self::Kind(Kind::ForeignDataWrapper)),
        ("foreign_table", Self::Kind(Kind::ForeignTable)),
        ("function", Self::Kind(Kind::Routine)),
        ("grant", Self::Grant),
        ("index", Self::Kind(Kind::Index)),
        ("language", Self::Kind(Kind::Language)),
        ("materialized_view", Self::Kind(Kind::MaterializedView)),
        ("operator", Self::Kind(Kind::Operator)),
        ("operator_class", Self::Kind(Kind::OperatorClass)),
        ("operator_family", Self::Kind(Kind::OperatorFamily)),
        ("partition", Self::Partition),
        ("policy", Self::Kind(Kind::Policy)),
        ("publication", Self::Kind(Kind::Publication)),
        ("range", Self::Kind(Kind::Range)),
        ("rule", Self::Kind(Kind::Rule)),
        ("schema", Self::Kind(Kind::Schema)),
        ("sequence", Self::Kind(Kind::Sequence)),
        ("server", Self::Kind(Kind::Server)),
        ("statistics", Self::Kind(Kind::Statistics)),
        ("table", Self::Kind(Kind::Table)),
        ("text_search_configuration", Self::Kind(Kind::TextSearchConfiguration)),
        ("text_search_dictionary", Self::Kind(Kind::TextSearchDictionary)),
        ("trigger", Self::Kind(Kind::Trigger)),
        ("view", Self::Kind(Kind::View)),
    ];

    /// What a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, excluded)| *excluded)
    }
}

impl Selection {
    /// The part of a schema that is selected. What belongs to a table that is left out is left out with it, its own
    /// sequences too.
    pub fn of(&self, schema: &Schema) -> Schema {
        let mut part = schema.clone();
        if *self == Self::default() {
            return part;
        }
        let gone: BTreeSet<Name> = schema
            .objects
            .iter()
            .filter(|(id, entry)| is_relation(id.kind) && !self.takes(id, entry))
            .filter_map(|(id, _)| id.qualified())
            .collect();
        part.objects.retain(|id, entry| {
            let belongs = id.of.as_ref().is_some_and(|relation| gone.contains(relation));
            let owned = match &entry.object {
                Object::Sequence(sequence) => sequence.owned_by.as_ref(),
                _ => None,
            };
            let granted = id.kind == Kind::DefaultPrivileges && self.exclude_kinds.contains(&Excluded::Grant);
            !belongs
                && !granted
                && owned.is_none_or(|(table, _)| !gone.contains(table))
                && self.takes(id, entry)
        });
        let without = |excluded| self.exclude_kinds.contains(&excluded);
        for entry in part.objects.values_mut() {
            if without(Excluded::Comment) {
                forget_comments(entry);
            }
            if without(Excluded::Grant) {
                entry.forget_grants();
            }
        }
        part
    }

    /// Whether it is selected for itself.
    fn takes(&self, id: &ObjectId, entry: &Entry) -> bool {
        let schema = match id.kind {
            Kind::Schema => Some(&id.name),
            _ => id.schema.as_ref(),
        };
        let in_schemas = schema.is_none_or(|schema| {
            (self.schemas.is_empty() || self.schemas.contains(schema))
                && !self.exclude_schemas.contains(schema)
        });
        let named = is_relation(id.kind)
            && id.qualified().is_some_and(|name| self.exclude_tables.iter().any(|it| it.matches(&name)));
        let kind = self.exclude_kinds.contains(&Excluded::Kind(id.kind));
        let partition = self.exclude_kinds.contains(&Excluded::Partition) && is_partition(entry);
        in_schemas && !named && !kind && !partition
    }
}

fn is_relation(kind: Kind) -> bool {
    matches!(kind, Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView)
}

fn is_partition(entry: &Entry) -> bool {
    matches!(&entry.object, Object::Table(table) if table.partition_of.is_some())
}

fn forget_comments(entry: &mut Entry) {
    entry.comment = None;
    entry.part_comments.clear();
    match &mut entry.object {
        Object::Table(table) => {
            table.columns.iter_mut().for_each(|column| column.comment = None);
            table.identity_sequences().for_each(|sequence| sequence.comment = None);
        }
        Object::View(view) => view.columns.iter_mut().for_each(|column| column.comment = None),
        Object::Composite(composite) => composite.attributes.iter_mut().for_each(|it| it.comment = None),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Column, PartitionOf, Policy, Table};

    fn schema() -> Schema {
        let mut schema = Schema::default();
        let mut add = |id: ObjectId, object: Object| {
            schema.objects.insert(id, Entry::new(object));
        };
        for name in ["public", "audit"] {
            add(ObjectId::global(Kind::Schema, name), Object::Schema);
        }
        for (place, name) in [("public", "users"), ("public", "tmp_a"), ("audit", "log"), ("audit", "log_1")]
        {
            let name = Name::new(place, name);
            let mut table =
                Table::new(vec![Column { comment: Some("c".into()), ..Column::new("id", "integer") }]);
            if name.name == "log_1" {
                table.partition_of =
                    Some(PartitionOf { parent: Name::new("audit", "log"), bound: "DEFAULT".into() });
            }
            add(ObjectId::relation(Kind::Table, &name), Object::Table(table));
            let policy = Policy {
                permissive: true,
                command: "ALL".into(),
                roles: vec![],
                using: None,
                with_check: None,
            };
            add(ObjectId::of(Kind::Policy, &name, "p"), Object::Policy(policy));
        }
        schema
    }

    fn left(selection: &Selection) -> String {
        let names = selection.of(&schema()).objects.into_keys().map(|id| match &id.of {
            Some(relation) => format!("{}/{}", relation.name, id.name),
            None => id.name,
        });
        names.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn by_names_and_kinds() {
        let tables = |texts: &[&str]| texts.iter().map(|text| TablePattern::parse(text).unwrap()).collect();
        let all = Selection::default();
        assert_eq!(left(&all), "audit public log log_1 tmp_a users log/p log_1/p tmp_a/p users/p");
        let only = Selection { schemas: vec!["public".into()], ..all.clone() };
        assert_eq!(left(&only), "public tmp_a users tmp_a/p users/p");
        let without = Selection { exclude_schemas: vec!["public".into()], ..all.clone() };
        assert_eq!(left(&without), "audit log log_1 log/p log_1/p");
        let named =
            Selection { exclude_tables: tables(&["tmp_*", "public.log", "aud*.log_1"]), ..all.clone() };
        assert_eq!(left(&named), "audit public log users log/p users/p");
        let kinds = [Excluded::Partition, Excluded::Kind(Kind::Policy)].into();
        assert_eq!(left(&Selection { exclude_kinds: kinds, ..all.clone() }), "audit public log tmp_a users");
        let comments = Selection { exclude_kinds: [Excluded::Comment].into(), ..all };
        let part = comments.of(&schema());
        assert_eq!(part.table(&Name::new("public", "users")).unwrap().columns[0].comment, None);
    }

    #[test]
    fn patterns_and_words() {
        for bad in ["", "a.", "a.b.c", "*a", "a*b", "a**"] {
            assert!(TablePattern::parse(bad).is_err(), "{bad}");
        }
        assert!(TablePattern::parse("*").unwrap().matches(&Name::new("a", "b")));
        assert_eq!(Excluded::parse("function"), Some(Excluded::Kind(Kind::Routine)));
        assert_eq!(Excluded::parse("functions"), None);
    }
}
