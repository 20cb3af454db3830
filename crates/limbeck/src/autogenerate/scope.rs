//! What is compared.

use limbeck_core::schema::{Entry, Kind, Object, Schema, Selection};

use super::wanted::Wanted;

/// Which objects a comparison is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    breadth: Breadth,
    selection: Selection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breadth {
    /// All that there is.
    Everything,
    /// What structs and enums can say: where a project has no schema files, that its revisions make functions and views
    /// is no wish to drop them.
    Models,
}

/// What [`Breadth::Models`] is about.
const OF_MODELS: [Kind; 7] =
    [Kind::Schema, Kind::Enum, Kind::Sequence, Kind::Table, Kind::Index, Kind::Constraint, Kind::Policy];

impl Scope {
    /// All objects.
    pub fn everything() -> Self {
        Self { breadth: Breadth::Everything, selection: Selection::default() }
    }

    /// The scope of what a project wants, less what its configuration leaves out.
    pub fn of(wanted: &Wanted) -> Self {
        let breadth = if wanted.files.is_empty() { Breadth::Models } else { Breadth::Everything };
        Self { breadth, selection: wanted.selection.clone() }
    }

    /// The part of a schema that is compared.
    pub(super) fn of_schema(&self, schema: &Schema) -> Schema {
        let mut part = self.selection.of(schema);
        if self.breadth == Breadth::Models {
            part.objects.retain(|id, entry| match &entry.object {
                // Those of serial columns come with the column; nobody could say the others.
                Object::Sequence(sequence) => sequence.owned_by.is_some(),
                _ => OF_MODELS.contains(&id.kind),
            });
            part.objects.values_mut().for_each(Entry::forget_grants);
            part.objects.values_mut().for_each(forget_unspeakable_comments);
        }
        part
    }
}

/// No attribute has words for the comments on an identity column's sequence and on the index of a constraint.
fn forget_unspeakable_comments(entry: &mut Entry) {
    entry.part_comments.clear();
    if let Object::Table(table) = &mut entry.object {
        table.identity_sequences().for_each(|sequence| sequence.comment = None);
    }
}
