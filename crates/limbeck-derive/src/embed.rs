//! `embed!`: checks a folder of revision files and expands to `::limbeck::Embedded::new(&[...])`.

use std::path::PathBuf;
use std::sync::Arc;

use limbeck_core::graph::Graph;
use limbeck_core::revision::{Header, Revision};
use limbeck_core::{Problem, Source};
use proc_macro2::TokenStream;
use quote::quote;

use crate::{folder, watch};

/// The package that is being compiled, as Cargo describes it to the compiler.
pub(crate) struct Package {
    /// Where its `Cargo.toml` is.
    pub(crate) root: PathBuf,
    /// Where its build script writes; there only if it has one.
    pub(crate) out_dir: Option<PathBuf>,
}

impl Package {
    pub(crate) fn from_env() -> Self {
        let var = |name| std::env::var_os(name).map(PathBuf::from);
        Self { root: var("CARGO_MANIFEST_DIR").unwrap_or_default(), out_dir: var("OUT_DIR") }
    }
}

/// The expression for `folder`, or the text of the compile error.
pub(crate) fn expand(folder: &str, package: &Package) -> Result<TokenStream, String> {
    let files = folder::read(&package.root, folder)?;
    watch::check(folder, package)?;
    let sources: Vec<_> = files.iter().map(|file| Source::new(file.path.as_str(), &file.text)).collect();
    check(&sources).map_err(|problems| show(&problems))?;
    // `include_str!` makes the compiler track each file's content, and the path stays relative to the package,
    // so that two checkouts compile to the same thing.
    let entries = files.iter().map(|file| {
        let (name, path) = (&file.name, format!("/{}", file.path));
        quote! { (#name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), #path))) }
    });
    Ok(quote! { ::limbeck::Embedded::new(&[#(#entries),*]) })
}

/// Everything that `limbeck` would refuse before it touches a database, SQL included.
fn check(sources: &[Arc<Source>]) -> Result<(), Vec<Problem>> {
    let mut headers = Vec::new();
    let mut problems = Vec::new();
    for source in sources {
        match check_file(source) {
            Ok(header) => headers.push(header),
            Err(problem) => problems.push(problem),
        }
    }
    // A graph with holes where malformed files are would bring up problems that do not exist.
    if problems.is_empty() {
        return Graph::build(headers).map(|_| ());
    }
    Err(problems)
}

fn check_file(source: &Arc<Source>) -> Result<Arc<Header>, Problem> {
    let revision = Revision::parse(source)?;
    revision.upgrade_script()?;
    if revision.downgrade_text().is_some() {
        revision.downgrade_script()?;
    }
    Ok(Arc::clone(revision.header()))
}

fn show(problems: &[Problem]) -> String {
    let texts: Vec<_> = problems.iter().map(|problem| format!("{problem:#}")).collect();
    texts.join("\n\n")
}

#[cfg(test)]
mod tests {
    use limbeck_core::Source;

    use super::{check, show};

    fn revision(id: &str, down: &str, sql: &str) -> String {
        format!(
            "-- {id}\n--\n-- revision: {id}\n-- down_revision: {down}\n\n-- limbeck:upgrade\n{sql}\n\n\
             -- limbeck:downgrade\n"
        )
    }

    fn problems(files: &[(&str, String)]) -> String {
        let sources: Vec<_> = files.iter().map(|(name, text)| Source::new(*name, text)).collect();
        check(&sources).err().map(|problems| show(&problems)).unwrap_or_default()
    }

    #[test]
    fn every_malformed_file_is_named_with_its_line() {
        let files = [
            ("m/1.sql", "SELECT 1;".to_owned()),
            ("m/2.sql", revision("2", "1", "SELECT 1;")),
            ("m/3.sql", revision("3", "2", "CREATE TABLE t ();\nCOMMIT;")),
        ];
        let text = problems(&files);
        assert!(text.contains("m/1.sql:1:") && text.contains("m/3.sql:8:"), "{text}");
        assert!(!text.contains("m/2.sql"), "{text}");
    }

    #[test]
    fn the_graph_is_checked() {
        assert_eq!(
            problems(&[("1.sql", revision("1", "", "SELECT 1;")), ("2.sql", revision("2", "1", ""))]),
            ""
        );
        let text = problems(&[("1.sql", revision("1", "0", ""))]);
        assert!(text.contains("1.sql:4:"), "{text}");
    }
}
