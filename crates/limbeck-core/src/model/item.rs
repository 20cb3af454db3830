//! What structs and enums have in common.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned;

use super::args::Args;
use super::case::Case;
use super::fault::Fault;

/// PostgreSQL cuts longer names (`NAMEDATALEN`).
pub(super) const LONGEST_NAME: usize = 63;

/// Attributes that mean something here.
const OURS: [&str; 5] = ["table", "column", "enum_type", "value", "sqlx"];

/// Faults where attributes make a model depend on what cannot be known without compiling.
pub(super) fn conditional(attributes: &[syn::Attribute], faults: &mut Vec<Fault>) {
    for attribute in attributes {
        let path = attribute.path();
        if path.is_ident("cfg") {
            faults.push(depends_on_cfg(path.span()));
        } else if path.is_ident("cfg_attr")
            && let syn::Meta::List(list) = &attribute.meta
            && mentions_ours(list.tokens.clone())
        {
            faults.push(depends_on_cfg(path.span()));
        }
    }
}

/// A model that is there only in some builds.
pub(super) fn depends_on_cfg(span: Span) -> Fault {
    Fault::new(
        span,
        "this depends on how the program is built, and limbeck reads the source without building it",
    )
    .help("take the condition away: a table is there in every build, or in none")
}

/// Whether one of our attributes, or a derive of ours, follows the condition in `cfg_attr(condition, ...)`.
fn mentions_ours(tokens: TokenStream) -> bool {
    let after_condition = tokens.into_iter().skip_while(|token| !is_comma(token));
    let mut last = String::new();
    for token in after_condition {
        match token {
            TokenTree::Ident(ident) => last = ident.to_string(),
            TokenTree::Group(group) if last == "derive" => {
                let derived = group.stream().to_string();
                let words = derived.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
                if words.into_iter().any(|word| word == "Table" || word == "Enum") {
                    return true;
                }
            }
            TokenTree::Group(_) if OURS.contains(&last.as_str()) => return true,
            _ => {}
        }
    }
    false
}

fn is_comma(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',')
}

/// A fault where PostgreSQL would not take the name, or cut it.
pub(super) fn checked_name(name: &str, span: Span, faults: &mut Vec<Fault>) {
    if name.is_empty() || name.contains('\0') {
        faults.push(Fault::new(span, "a name must not be empty"));
    } else if name.len() > LONGEST_NAME {
        let length = name.len();
        faults.push(Fault::new(
            span,
            format!("`{name}` has {length} bytes, and PostgreSQL cuts names after {LONGEST_NAME}"),
        ));
    }
}

/// Our `rename_all`.
pub(super) fn rename_all(args: &mut Args, faults: &mut Vec<Fault>) -> Option<(Case, Span)> {
    let text = args.text("rename_all")?;
    let case = Case::named(&text.text);
    if case.is_none() {
        let names: Vec<_> = Case::NAMES.iter().map(|(name, _)| *name).collect();
        let fault = Fault::new(text.span, format!("no case is called {:?}", text.text));
        faults.push(fault.help(format!("it is one of {}", names.join(", "))));
    }
    case.map(|case| (case, text.span))
}
