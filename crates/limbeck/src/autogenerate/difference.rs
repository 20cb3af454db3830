//! Two schemas, compared.

use limbeck_core::ddl::section::{self, Mode, Style};
use limbeck_core::diff::{self, Changes, Options, Owned, Rename};
use limbeck_core::schema::Schema;

use super::scope::Scope;

/// How two schemas are compared.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Which objects it is about.
    pub scope: Scope,
    /// The major version of the servers that printed both.
    pub version: u32,
    /// What is known to have had another name.
    pub renames: Vec<Rename>,
    /// What may be dropped.
    pub owned: Owned,
}

impl Terms {
    /// Everything, and all of it may be dropped.
    pub fn everything(version: u32) -> Self {
        Self { scope: Scope::everything(), version, renames: Vec::new(), owned: Owned::Everything }
    }

    fn options(&self) -> Options {
        Options { renames: self.renames.clone(), owned: self.owned.clone(), ..Options::new(self.version) }
    }
}

/// What leads from one schema to another, and back.
#[derive(Debug, Clone)]
pub struct Difference {
    from: Schema,
    to: Schema,
    terms: Terms,
    there: Changes,
}

impl Difference {
    /// Compares two schemas in normal form.
    pub fn between(from: &Schema, to: &Schema, terms: Terms) -> Self {
        let (from, to) = (terms.scope.of_schema(from), terms.scope.of_schema(to));
        let there = diff::diff(&from, &to, &terms.options());
        Self { from, to, terms, there }
    }

    /// Whether the two say the same.
    pub fn is_empty(&self) -> bool {
        self.there.is_empty()
    }

    /// What has to be done, in order.
    pub fn changes(&self) -> &Changes {
        &self.there
    }

    /// What may be renames: something that goes and something like it that comes.
    pub fn rename_candidates(&self) -> Vec<diff::RenameCandidate> {
        let mut candidates = diff::candidates(&self.from, &self.to);
        candidates.retain(|candidate| {
            let is_ours = match &self.terms.owned {
                Owned::Only(owned) => candidate.rename.is_of(owned),
                _ => true,
            };
            is_ours && !self.terms.renames.contains(&candidate.rename)
        });
        candidates
    }

    /// The same with more known renames.
    #[must_use]
    pub fn with_renames(&self, renames: Vec<Rename>) -> Self {
        let mut terms = self.terms.clone();
        terms.renames.extend(renames);
        Self::between(&self.from, &self.to, terms)
    }

    /// What undoes it.
    pub fn back(&self) -> Changes {
        diff::back(&self.from, &self.to, &self.terms.options())
    }

    /// The text of an upgrade section.
    pub fn upgrade(&self, mode: Mode) -> String {
        self.section(&self.there, mode)
    }

    /// The text of a downgrade section.
    pub fn downgrade(&self, mode: Mode) -> String {
        self.section(&self.back(), mode)
    }

    fn section(&self, changes: &Changes, mode: Mode) -> String {
        section::section(&section::statements(changes, &Style { version: self.terms.version, mode }))
    }

    /// What still leads from a schema to where this one leads to; renames have happened by then.
    pub(super) fn left_after(&self, schema: &Schema) -> Changes {
        let options = Options { renames: Vec::new(), ..self.terms.options() };
        diff::diff(&self.terms.scope.of_schema(schema), &self.to, &options)
    }

    /// What leads from a schema to where this one came from.
    pub(super) fn left_after_back(&self, schema: &Schema) -> Changes {
        let options = Options { renames: Vec::new(), ..self.terms.options().reversed() };
        diff::diff(&self.terms.scope.of_schema(schema), &self.from, &options)
    }
}
