//! What sqlx's and serde's attributes beside ours say.

use super::args::{Item, Text, Value, items_of};
use super::case::Case;
use super::scope::Scope;

/// The attributes of sqlx or serde on one item. What is malformed in them is their own macros' to refuse.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) rename: Option<Text>,
    pub(super) rename_all: Option<(Case, Text)>,
    pub(super) type_name: Option<Text>,
    pub(super) try_from: Option<Text>,
    pub(super) transparent: bool,
    pub(super) json: bool,
    pub(super) skip: bool,
    pub(super) flatten: Option<proc_macro2::Span>,
}

impl Beside {
    /// What `#[sqlx(...)]` says.
    pub(super) fn sqlx(attributes: &[syn::Attribute]) -> Self {
        Self::read(attributes, "sqlx")
    }

    /// What `#[serde(...)]` says.
    pub(super) fn serde(attributes: &[syn::Attribute]) -> Self {
        Self::read(attributes, "serde")
    }

    fn read(attributes: &[syn::Attribute], name: &str) -> Self {
        let mut beside = Self::default();
        for item in items_of(attributes, name).unwrap_or_default() {
            let Item::Named(key, value) = item else { continue };
            beside.take(&key, value);
        }
        beside
    }

    fn take(&mut self, key: &Text, value: Value) {
        match (key.text.as_str(), value) {
            ("rename", Value::Text(text)) => self.rename = Some(text),
            ("rename_all", Value::Text(text)) => {
                self.rename_all = Case::named(&text.text).map(|case| (case, text));
            }
            // serde's form for one direction: what is read decides.
            ("rename" | "rename_all", Value::List(items)) => {
                for item in items {
                    if let Item::Named(direction, value) = item
                        && direction.text == "deserialize"
                    {
                        self.take(key, value);
                    }
                }
            }
            ("type_name", Value::Text(text)) => self.type_name = Some(text),
            ("try_from", Value::Text(text)) => self.try_from = Some(text),
            ("transparent", Value::Nothing) => self.transparent = true,
            ("json", _) => self.json = true,
            ("skip", Value::Nothing) => self.skip = true,
            ("flatten", Value::Nothing) => self.flatten = Some(key.span),
            _ => {}
        }
    }
}

/// Which derives an item has, of those that matter here.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Derives {
    /// sqlx's `FromRow`.
    pub(super) from_row: bool,
    /// sqlx's `Type`.
    pub(super) sqlx_type: bool,
}

impl Derives {
    pub(super) fn of(attributes: &[syn::Attribute], scope: &Scope) -> Self {
        let mut derives = Self::default();
        for path in derived(attributes) {
            match scope.resolve(&path).last().map(String::as_str) {
                Some("FromRow") => derives.from_row = true,
                Some("Type") => derives.sqlx_type = true,
                _ => {}
            }
        }
        derives
    }
}

/// The paths in all `#[derive(...)]`.
pub(super) fn derived(attributes: &[syn::Attribute]) -> Vec<syn::Path> {
    let mut paths = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
        let parser = syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated;
        paths.extend(attribute.parse_args_with(parser).unwrap_or_default());
    }
    paths
}

/// The `///` lines as one text: a space less at each line's beginning, nothing around it. `None` where there is none.
pub(super) fn doc_comment(attributes: &[syn::Attribute]) -> Option<String> {
    let mut lines = Vec::new();
    for attribute in attributes {
        if let syn::Meta::NameValue(doc) = &attribute.meta
            && doc.path.is_ident("doc")
            && let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &doc.value
        {
            let text = text.value();
            lines.extend(
                text.split('\n').map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()),
            );
        }
    }
    let text = lines.join("\n").trim().to_owned();
    (!text.is_empty()).then_some(text)
}
