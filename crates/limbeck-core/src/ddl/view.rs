//! Views and materialized views.

use super::{quote, text};
use crate::schema::{Kind, Name, View};

pub(super) fn create(name: &Name, view: &View, kind: Kind) -> Vec<String> {
    let mut statements =
        vec![format!("CREATE {} {}{} AS\n{}", kind.sql(), quote::name(name), head(view), view.definition)];
    statements.extend(defaults(name, view));
    statements
}

/// The definition over a view that is there already, for [`dummy`].
pub(super) fn replace(name: &Name, view: &View) -> Vec<String> {
    let mut statements =
        vec![format!("CREATE OR REPLACE VIEW {}{} AS\n{}", quote::name(name), head(view), view.definition)];
    statements.extend(defaults(name, view));
    statements
}

/// A view with the same columns that needs nothing but their types.
pub(super) fn dummy(name: &Name, view: &View) -> String {
    let column = |name: &str, data_type: &str| format!("NULL::{data_type} AS {}", quote::ident(name));
    let columns: Vec<String> = view.columns.iter().map(|it| column(&it.name, &it.data_type)).collect();
    format!("CREATE VIEW {} AS\nSELECT {}", quote::name(name), columns.join(",\n    "))
}

fn head(view: &View) -> String {
    let method = view.access_method.as_deref().map(|method| format!(" USING {}", quote::ident(method)));
    method.unwrap_or_default() + &view_options(view)
}

/// ` WITH (...)`, or nothing.
pub fn view_options(view: &View) -> String {
    match view.options.is_empty() {
        true => String::new(),
        false => format!(" WITH ({})", text::parameters(&view.options)),
    }
}

fn defaults(name: &Name, view: &View) -> Vec<String> {
    let set = |column: &str, default: &str| {
        format!(
            "ALTER VIEW {} ALTER COLUMN {} SET DEFAULT {default}",
            quote::name(name),
            quote::ident(column)
        )
    };
    view.columns.iter().filter_map(|it| Some(set(&it.name, it.default.as_deref()?))).collect()
}
