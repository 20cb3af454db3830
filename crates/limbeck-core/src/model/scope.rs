//! What names mean in a module: its `use` declarations.

use std::collections::BTreeMap;

/// The names that a module's `use` declarations bring, each with the path that it stands for.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    names: BTreeMap<String, Vec<String>>,
    /// `use super::*`.
    outer: bool,
}

impl Scope {
    /// The `use` declarations among `items`, those of the module itself.
    pub(super) fn of(items: &[syn::Item]) -> Self {
        let mut scope = Self::default();
        for item in items {
            if let syn::Item::Use(item) = item {
                scope.add(&mut Vec::new(), &item.tree);
            }
        }
        scope
    }

    /// That of a module inside: its own names, and with `use super::*` these too.
    pub(super) fn inner(&self, items: &[syn::Item]) -> Self {
        let mut inner = Self::of(items);
        if inner.outer {
            for (name, path) in &self.names {
                inner.names.entry(name.clone()).or_insert_with(|| path.clone());
            }
        }
        inner
    }

    fn add(&mut self, path: &mut Vec<String>, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(step) => {
                path.push(text(&step.ident));
                self.add(path, &step.tree);
                path.pop();
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                if let Some(last) = path.last() {
                    self.names.insert(last.clone(), path.clone());
                }
            }
            syn::UseTree::Name(name) => self.bring(path, text(&name.ident), text(&name.ident)),
            syn::UseTree::Rename(rename) => self.bring(path, text(&rename.ident), text(&rename.rename)),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.add(path, tree)),
            syn::UseTree::Glob(_) => self.outer |= path.len() == 1 && path[0] == "super",
        }
    }

    fn bring(&mut self, path: &[String], name: String, known_as: String) {
        let mut whole = path.to_vec();
        whole.push(name);
        self.names.insert(known_as, whole);
    }

    /// The segments of a path, its first one replaced by what a `use` says that it is.
    pub(super) fn resolve(&self, path: &syn::Path) -> Vec<String> {
        let mut segments = path.segments.iter().map(|segment| text(&segment.ident));
        let Some(first) = segments.next() else { return Vec::new() };
        let mut resolved = self.names.get(&first).cloned().unwrap_or_else(|| vec![first]);
        resolved.extend(segments);
        resolved
    }
}

/// An identifier without `r#`.
pub(super) fn text(ident: &syn::Ident) -> String {
    use syn::ext::IdentExt;
    ident.unraw().to_string()
}
