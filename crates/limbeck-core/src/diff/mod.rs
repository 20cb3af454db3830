//! What differs between two schemas, as changes in an order in which they can run.
//!
//! ```text
//! from ── renames ──▶ from'  ─┐
//!                             ├─▶ fates ─▶ drafts (one generator per kind) ─▶ order ─▶ Changes
//! to ──── scope ────▶ to'    ─┘
//! ```
//!
//! `fates` decides for each object whether it can be altered or must be made again, and follows that to everything
//! that needs it. `drafts` says what is to be done. `order` knows what must come before what, from what the objects
//! of both sides need.

mod candidates;
mod change;
mod draft;
mod fate;
mod holders;
mod kinds;
mod kinship;
mod moves;
mod options;
mod order;
mod own_needs;
mod removal;
mod rename;
mod retell;
mod scope;
mod shares;
mod text;
mod walk;
mod words;

use self::rename::Renamed;
use crate::schema::{Kind, Object, ObjectId, Schema};

pub use candidates::{RenameCandidate, candidates};
pub use change::{Action, Change, Changes, Host};
pub use options::{Occupied, Options, Owned, Partitions, Rename, Selection};

/// What leads from one schema to another. Both were read from servers of one major version; what they need
/// (`Entry::needs`) must be filled in.
pub fn diff(from: &Schema, to: &Schema, options: &Options) -> Changes {
    let Renamed { schema: from, to: unfolded, shares, mut drafts, .. } = rename::apply(from, to, options);
    let owned = match &options.owned {
        Owned::Only(owned) => Owned::Only(rename::apply(owned, to, options).schema.into_owned()),
        owned => owned.clone(),
    };
    let to = scope::target(&from, &unfolded, &Options { owned, ..options.clone() });
    let (from, to, beside) = kinship::settle(from, to);
    if drafts.is_empty() && same(&from, &to) {
        return Changes::default();
    }
    let (from, to) = (own_needs::complete(from), own_needs::complete(to));
    let fates = fate::Fates::decide(&from, &to, beside, shares, options.version);
    let carried = removal::Carried::find(&fates);
    drafts.extend(kinds::drafts(&fates, &carried));
    carried.tell(&fates, &mut drafts);
    shares::place(&fates, &mut drafts);
    for draft in &mut drafts {
        draft.change.host = host(&fates, &draft.change.object);
    }
    Changes { changes: order::order(&fates, &carried, drafts) }
}

/// What undoes [`diff`] of the same schemas and options: of the renames, those that it finds to be due.
pub fn back(from: &Schema, to: &Schema, options: &Options) -> Changes {
    let renames = rename::apply(from, to, options).asked;
    let there = Options { renames, ..options.clone() };
    diff(to, from, &Options { occupied: Occupied::GivesWay, ..there.reversed() })
}

/// Whether two schemas say the same.
fn same(from: &Schema, to: &Schema) -> bool {
    from.objects.len() == to.objects.len()
        && from
            .objects
            .iter()
            .zip(&to.objects)
            .all(|((id, before), (other, after))| id == other && before.says_the_same_as(after))
}

/// Whether the table or view of an object was there before.
fn host(fates: &fate::Fates<'_>, id: &ObjectId) -> Host {
    let own = matches!(id.kind, Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView);
    let relation = if own { id.qualified() } else { id.of.clone() };
    let Some(host) = relation.and_then(|relation| scope::host(fates.to, &relation)) else { return Host::New };
    if fates.comes(&host) {
        return Host::New;
    }
    match fates.to.get(&host) {
        Some(Object::Table(table)) if table.partition_by.is_some() => Host::Partitioned,
        _ => Host::Existing,
    }
}
