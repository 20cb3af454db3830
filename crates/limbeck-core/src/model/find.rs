//! Finds models in Rust files, without compiling them. What a file holds and cannot be read from here is a fault: it
//! must not look as if it were not there.

use std::collections::BTreeSet;
use std::sync::Arc;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned;

use super::beside::{Beside, Derives, derived};
use super::enums::{EnumModel, enumeration_in};
use super::fault::Fault;
use super::item::depends_on_cfg;
use super::scope::{Scope, text};
use super::table::{TableModel, table_in};
use super::types::{FieldType, SAY_IT, TypeRef, field_type};
use crate::{Problem, Source};

/// Where something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Home {
    /// The file.
    pub(super) source: usize,
    /// The modules in it and around it, the innermost last; the outermost that is known is the file's.
    pub(super) modules: Vec<String>,
}

/// A type that fields may have.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) home: Home,
    pub(super) is: Is,
}

/// What a type is.
#[derive(Debug)]
pub(super) enum Is {
    /// An enumerated type: its place among the enums found.
    Enum(usize),
    /// Another type: an alias, a transparent newtype.
    Other(Box<FieldType>),
    /// What sqlx is told by `type_name`.
    Sql(String),
    /// Nothing that can be known; the fault says why.
    Unknown(Box<Fault>),
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) tables: Vec<(Home, TableModel)>,
    pub(super) enums: Vec<(Home, EnumModel)>,
    pub(super) definitions: Vec<Definition>,
    pub(super) problems: Vec<Problem>,
    /// Modules in files of their own that are there only in some builds.
    conditional: Vec<(usize, String, Span)>,
}

/// Which of our derives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ours {
    Table,
    Enum,
}

/// Looks through all sources.
pub(super) fn find(sources: &[Arc<Source>], comments: bool) -> Found {
    let mut found = Found::default();
    for (at, source) in sources.iter().enumerate() {
        let file = source.text().parse::<TokenStream>().map_err(|error| {
            Fault::new(error.span(), "a bracket, a quote or a comment has no end, or no beginning")
        });
        let parsed = file.and_then(|tokens| Ok((syn::parse2::<syn::File>(tokens.clone())?, tokens)));
        match parsed {
            Ok((file, tokens)) => Walk::new(&mut found, at, source, comments).file(&file, tokens),
            Err(fault) => {
                let fault = Fault { message: format!("this is not Rust: {}", fault.message), ..fault };
                found.problems.push(fault.problem(source));
            }
        }
    }
    conditional_modules(&mut found, sources);
    found
}

struct Walk<'a> {
    found: &'a mut Found,
    at: usize,
    source: &'a Arc<Source>,
    comments: bool,
    /// Where the derives stand that were looked at.
    seen: BTreeSet<usize>,
    faults: Vec<Fault>,
}

impl<'a> Walk<'a> {
    fn new(found: &'a mut Found, at: usize, source: &'a Arc<Source>, comments: bool) -> Self {
        Self { found, at, source, comments, seen: BTreeSet::new(), faults: Vec::new() }
    }

    fn file(mut self, file: &syn::File, tokens: TokenStream) {
        let scope = Scope::of(&file.items);
        let mut derives = Vec::new();
        sweep(tokens, &mut derives);
        let condition = file.attrs.iter().find(|attribute| attribute.path().is_ident("cfg"));
        if let Some(condition) = condition
            && derives.iter().any(|path| ours(path, &scope).is_some())
        {
            self.faults.push(depends_on_cfg(condition.path().span()));
        }
        self.items(&file.items, &scope, &module_of(self.source.name()));
        for path in derives {
            if let Some(which) = ours(&path, &scope)
                && !self.seen.contains(&path.span().byte_range().start)
            {
                let fault = Fault::new(
                    path.span(),
                    format!(
                        "this {which:?} cannot be read without compiling: it stands in a macro, in a function or behind a condition"
                    ),
                );
                self.faults.push(fault.help("write it out as an item of a module"));
            }
        }
        let source = self.source;
        self.found.problems.extend(self.faults.into_iter().map(|fault| fault.problem(source)));
    }

    fn items(&mut self, items: &[syn::Item], scope: &Scope, modules: &[String]) {
        let home = Home { source: self.at, modules: modules.to_vec() };
        for item in items {
            match item {
                syn::Item::Struct(item) => self.structure(item, scope, &home),
                syn::Item::Enum(item) => self.enumeration(item, scope, &home),
                syn::Item::Union(item) => self.union(item, scope),
                syn::Item::Type(item) => {
                    let is = alias(item, scope);
                    self.define(&item.ident, &home, is);
                }
                syn::Item::Mod(item) => self.module(item, scope, modules),
                _ => {}
            }
        }
    }

    /// Notes the derives of an item as looked at, and says which of ours is among them.
    fn ours(&mut self, attributes: &[syn::Attribute], scope: &Scope) -> Vec<Ours> {
        let paths = derived(attributes);
        self.seen.extend(paths.iter().map(|path| path.span().byte_range().start));
        paths.iter().filter_map(|path| ours(path, scope)).collect()
    }

    /// A union is never a model; the readers say so.
    fn union(&mut self, item: &syn::ItemUnion, scope: &Scope) {
        for which in self.ours(&item.attrs, scope) {
            let input = syn::DeriveInput::from(item.clone());
            let faults = match which {
                Ours::Table => table_in(&input, scope, self.comments).err(),
                Ours::Enum => enumeration_in(&input, scope, self.comments).err(),
            };
            self.faults.extend(faults.unwrap_or_default());
        }
    }

    fn structure(&mut self, item: &syn::ItemStruct, scope: &Scope, home: &Home) {
        let which = self.ours(&item.attrs, scope);
        let input = || syn::DeriveInput::from(item.clone());
        if which.contains(&Ours::Table) {
            match table_in(&input(), scope, self.comments) {
                Ok(table) => self.found.tables.push((home.clone(), table)),
                Err(faults) => self.faults.extend(faults),
            }
        } else if which.contains(&Ours::Enum) {
            self.faults.extend(enumeration_in(&input(), scope, self.comments).err().unwrap_or_default());
        } else {
            let is = newtype(item, scope);
            self.define(&item.ident, home, is);
        }
    }

    fn enumeration(&mut self, item: &syn::ItemEnum, scope: &Scope, home: &Home) {
        let which = self.ours(&item.attrs, scope);
        let input = || syn::DeriveInput::from(item.clone());
        let is = if which.contains(&Ours::Enum) {
            match enumeration_in(&input(), scope, self.comments) {
                Ok(model) => {
                    self.found.enums.push((home.clone(), model));
                    Is::Enum(self.found.enums.len() - 1)
                }
                Err(faults) => {
                    self.faults.extend(faults);
                    // Its own faults are said; a column of it has none.
                    Is::Sql("unknown".to_owned())
                }
            }
        } else if which.contains(&Ours::Table) {
            return self.faults.extend(table_in(&input(), scope, self.comments).err().unwrap_or_default());
        } else {
            plain_enum(item, scope)
        };
        self.define(&item.ident, home, is);
    }

    fn module(&mut self, item: &syn::ItemMod, scope: &Scope, modules: &[String]) {
        let condition = item.attrs.iter().find(|attribute| attribute.path().is_ident("cfg"));
        let mut inside = modules.to_vec();
        inside.push(text(&item.ident));
        let Some((_, items)) = &item.content else {
            if let Some(condition) = condition {
                let path = inside_of(self.source.name(), &inside[1..]);
                self.found.conditional.push((self.at, path, condition.path().span()));
            }
            return;
        };
        let before = self.found.tables.len() + self.found.enums.len() + self.faults.len();
        let scope = scope.inner(items);
        self.items(items, &scope, &inside);
        let after = self.found.tables.len() + self.found.enums.len() + self.faults.len();
        if let Some(condition) = condition
            && after > before
        {
            self.faults.push(depends_on_cfg(condition.path().span()));
        }
    }

    fn define(&mut self, ident: &syn::Ident, home: &Home, is: Is) {
        self.found.definitions.push(Definition { name: text(ident), home: home.clone(), is });
    }
}

/// Which of our derives a path names. A name that a `use` brings from somewhere else is not ours.
fn ours(path: &syn::Path, scope: &Scope) -> Option<Ours> {
    let segments = scope.resolve(path);
    let home = if segments.len() == 1 { "limbeck" } else { segments.first()?.as_str() };
    if !["limbeck", "limbeck_derive", "crate", "self", "super"].contains(&home) {
        return None;
    }
    match segments.last()?.as_str() {
        "Table" => Some(Ours::Table),
        "Enum" => Some(Ours::Enum),
        _ => None,
    }
}

/// Every path in any `derive(...)` among the tokens, however deep.
fn sweep(tokens: TokenStream, derives: &mut Vec<syn::Path>) {
    let mut last = String::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                last = ident.to_string();
                continue;
            }
            TokenTree::Group(group) if last == "derive" => {
                let parser = syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated;
                let paths = syn::parse::Parser::parse2(parser, group.stream());
                // With a macro's `$x` among them it is no list of paths; then words do.
                let words = || {
                    group.stream().into_iter().filter_map(|token| match token {
                        TokenTree::Ident(ident) => Some(syn::Path::from(ident)),
                        _ => None,
                    })
                };
                derives.extend(paths.map(Vec::from_iter).unwrap_or_else(|_| words().collect()));
            }
            TokenTree::Group(group) => sweep(group.stream(), derives),
            _ => {}
        }
        last.clear();
    }
}

fn alias(item: &syn::ItemType, scope: &Scope) -> Is {
    if item.generics.params.is_empty() {
        return match field_type(&item.ty, scope) {
            Ok(ty) => Is::Other(Box::new(ty)),
            Err(fault) => Is::Unknown(Box::new(fault)),
        };
    }
    let fault = Fault::new(item.ident.span(), format!("`{}` is an alias with parameters", item.ident));
    Is::Unknown(Box::new(fault.help(SAY_IT)))
}

/// A struct that is no table: what is it as a column's type?
fn newtype(item: &syn::ItemStruct, scope: &Scope) -> Is {
    let sqlx = Beside::sqlx(&item.attrs);
    let mut fields = item.fields.iter();
    match (&sqlx.type_name, fields.next(), fields.next()) {
        (Some(name), _, _) => Is::Sql(name.text.clone()),
        (None, Some(field), None) if sqlx.transparent => match field_type(&field.ty, scope) {
            Ok(ty) => Is::Other(Box::new(ty)),
            Err(fault) => Is::Unknown(Box::new(fault)),
        },
        _ => Is::Unknown(Box::new(
            Fault::new(item.ident.span(), format!("nothing says what `{}` is in PostgreSQL", item.ident))
                .help(
                    "give the type #[sqlx(transparent)] or #[sqlx(type_name = \"...\")], \
                 or say `#[column(sql_type = \"...\")]` at the field",
                ),
        )),
    }
}

/// An enum without our derive.
fn plain_enum(item: &syn::ItemEnum, scope: &Scope) -> Is {
    let sqlx = Beside::sqlx(&item.attrs);
    if let Some(name) = sqlx.type_name {
        return Is::Sql(name.text);
    }
    let repr = item.attrs.iter().find(|attribute| attribute.path().is_ident("repr"));
    let repr = repr.and_then(|attribute| attribute.parse_args::<syn::Type>().ok());
    if let Some(repr) = repr
        && Derives::of(&item.attrs, scope).sqlx_type
        && let Ok(FieldType { of: TypeRef::Sql(text), .. }) = field_type(&repr, scope)
    {
        return Is::Sql(text);
    }
    Is::Unknown(Box::new(
        Fault::new(item.ident.span(), format!("nothing says what `{}` is in PostgreSQL", item.ident))
            .help("derive limbeck's `Enum`, or say `#[column(sql_type = \"...\")]` at the field"),
    ))
}

/// The module that a file is: `src/models/user.rs` and `src/models/user/mod.rs` are `user`.
fn module_of(file: &str) -> Vec<String> {
    let path = file.replace('\\', "/");
    let path = path.strip_suffix(".rs").unwrap_or(&path);
    let path = path.strip_suffix("/mod").unwrap_or(path);
    vec![path.rsplit('/').next().unwrap_or(path).to_owned()]
}

/// Where the files of a module are that a file declares: a path without `.rs`.
fn inside_of(file: &str, modules: &[String]) -> String {
    let path = file.replace('\\', "/");
    let (folder, name) = path.rsplit_once('/').map_or(("", path.as_str()), |(folder, name)| (folder, name));
    let stem = name.strip_suffix(".rs").unwrap_or(name);
    let folder = match (folder, stem) {
        (folder, "mod" | "lib" | "main") => folder.to_owned(),
        ("", stem) => stem.to_owned(),
        (folder, stem) => format!("{folder}/{stem}"),
    };
    let inside = modules.join("/");
    if folder.is_empty() { inside } else { format!("{folder}/{inside}") }
}

/// Models in files whose module is there only in some builds.
fn conditional_modules(found: &mut Found, sources: &[Arc<Source>]) {
    for (declared_in, path, span) in std::mem::take(&mut found.conditional) {
        let homes = found.tables.iter().map(|(home, _)| home).chain(found.enums.iter().map(|(home, _)| home));
        let depends = homes.into_iter().any(|home| {
            let file = sources[home.source].name().replace('\\', "/");
            file.strip_prefix(&path).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        });
        if depends {
            found.problems.push(depends_on_cfg(span).problem(&sources[declared_in]));
        }
    }
}
