//! The names of what partitions have of their parents' indexes and keys, which PostgreSQL chooses when a dump is loaded.

use super::quote;
use crate::schema::{Kind, Name, Object, ObjectId, Schema};

/// What gives the partitions' shares of one schema the names that they have in another one. By way of names for a moment:
/// some may have each other's.
pub fn rename_shares(from: &Schema, to: &Schema) -> Vec<String> {
    let (mut away, mut there) = (Vec::new(), Vec::new());
    for (id, entry) in &from.objects {
        let (Object::Table(old), Some(Object::Table(new)), Some(table)) =
            (&entry.object, to.get(id), id.qualified())
        else {
            continue;
        };
        let indexes =
            old.shares.indexes.iter().map(|(of, own)| (Kind::Index, own, new.shares.indexes.get(of)));
        let keys = &new.shares.foreign_keys;
        let keys = old.shares.foreign_keys.iter().map(|(of, own)| (Kind::Constraint, own, keys.get(of)));
        for (kind, own, wanted) in indexes.chain(keys) {
            if let Some(wanted) = wanted.filter(|wanted| *wanted != own) {
                let aside = format!("limbeck_aside_{}", away.len());
                away.push(rename(kind, &table, own, &aside));
                there.push(rename(kind, &table, &aside, wanted));
            }
        }
    }
    away.extend(there);
    away
}

fn rename(kind: Kind, table: &Name, from: &str, to: &str) -> String {
    let to = quote::ident(to);
    match kind {
        Kind::Index => {
            let index = ObjectId::of(kind, table, from);
            format!("ALTER INDEX {} RENAME TO {to}", super::target(&index, None))
        }
        _ => format!("ALTER TABLE {} RENAME CONSTRAINT {} TO {to}", quote::name(table), quote::ident(from)),
    }
}
