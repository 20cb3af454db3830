//! What is compared.

use limbeck_core::schema::{Kind, Object, Schema};

use super::wanted::Wanted;

/// Which objects a comparison is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    Everything,
    /// What structs and enums can say: where a project has no schema files, that its revisions make functions and views
    /// is no wish to drop them.
    Models,
}

/// What [`Scope::Models`] is about.
const OF_MODELS: [Kind; 7] =
    [Kind::Schema, Kind::Enum, Kind::Sequence, Kind::Table, Kind::Index, Kind::Constraint, Kind::Policy];

impl Scope {
    /// The scope of what a project wants.
    pub fn of(wanted: &Wanted) -> Self {
        if wanted.files.is_empty() { Self::Models } else { Self::Everything }
    }

    /// The part of a schema that is compared.
    pub(super) fn of_schema(self, schema: &Schema) -> Schema {
        let mut part = schema.clone();
        if self == Self::Models {
            part.objects.retain(|id, entry| match &entry.object {
                // Those of serial columns come with the column; nobody could say the others.
                Object::Sequence(sequence) => sequence.owned_by.is_some(),
                _ => OF_MODELS.contains(&id.kind),
            });
            part.objects.values_mut().for_each(|entry| entry.grants = entry.object.default_grants());
        }
        part
    }
}
