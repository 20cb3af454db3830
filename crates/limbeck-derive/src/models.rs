//! `models!`: reads files of models as limbeck does, and expands to `::limbeck::EmbeddedModels::new("...")`.

use std::path::Path;

use limbeck_core::Source;
use limbeck_core::model::{self, ModelOptions};
use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};

use crate::folder;

/// `"src/models", "src/more.rs", default_schema = "app"`.
pub(crate) struct Input {
    paths: Vec<String>,
    options: ModelOptions,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut parsed = Self { paths: Vec::new(), options: ModelOptions::default() };
        while !input.is_empty() {
            if input.peek(syn::LitStr) {
                parsed.paths.push(input.parse::<syn::LitStr>()?.value());
            } else {
                parsed.option(input)?;
            }
            if !input.is_empty() {
                input.parse::<syn::Token![,]>()?;
            }
        }
        Ok(parsed)
    }
}

impl Input {
    fn option(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let key: syn::Ident = input.parse()?;
        input.parse::<syn::Token![=]>()?;
        match key.to_string().as_str() {
            "default_schema" => self.options.default_schema = input.parse::<syn::LitStr>()?.value(),
            "comments" => self.options.comments = input.parse::<syn::LitBool>()?.value,
            naming => {
                let template: syn::LitStr = input.parse()?;
                let set = self.options.naming.set(naming, &template.value());
                set.map_err(|why| syn::Error::new(key.span(), why))?;
            }
        }
        Ok(())
    }
}

/// The expression for these files, or the text of the compile error.
pub(crate) fn expand(input: &Input, root: &Path) -> Result<TokenStream, String> {
    let mut files = Vec::new();
    for path in &input.paths {
        files.extend(folder::rust_files(root, path)?);
    }
    if files.is_empty() {
        return Err("name the files or folders of the models, as in models!(\"src/models\")".to_owned());
    }
    let sources: Vec<_> = files.iter().map(|file| Source::new(file.path.as_str(), &file.text)).collect();
    // The compiler's own spans say on a stable toolchain nothing about where they are; proc-macro2's do. No token
    // of the one kind may meet one of the other, and none does: only text leaves this block.
    proc_macro2::fallback::force();
    let models = model::read(&sources, &input.options);
    proc_macro2::fallback::unforce();
    let schema = models.map_err(|problems| {
        let texts: Vec<_> = problems.iter().map(|problem| format!("{problem:#}")).collect();
        texts.join("\n\n")
    })?;
    let json = serde_json::to_string(&schema.schema).map_err(|why| why.to_string())?;
    // The compiler tracks these files, also those that are no modules of the package.
    let tracked = files.iter().map(|file| format!("/{}", file.path));
    Ok(quote! {{
        #(const _: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), #tracked));)*
        ::limbeck::EmbeddedModels::new(#json)
    }})
}
