//! `#[derive(Table)]` and `#[derive(Enum)]`: an item, read by limbeck's own reader, becomes constants.

use limbeck_core::model::{self, Fault};
use proc_macro2::TokenStream;
use quote::quote;

/// `impl limbeck::Table`, or what is wrong.
pub(crate) fn table(item: &syn::DeriveInput) -> TokenStream {
    let model = match model::table(item) {
        Ok(model) => model,
        Err(faults) => return errors(&faults),
    };
    let (ident, name, schema) = (&item.ident, &model.name, option(model.schema.as_deref()));
    let (impl_generics, ty_generics, where_clause) = item.generics.split_for_impl();
    let fields: Vec<_> = model.columns.iter().map(|column| &column.field).collect();
    let names: Vec<_> = model.columns.iter().map(model::ColumnModel::name).collect();
    let docs = names.iter().map(|name| format!("The column `{name}`."));
    let allowed = quote! { #[allow(dead_code, non_snake_case, unreachable_pub)] };
    quote! {
        const _: () = {
            /// The names of a table's columns, by field.
            #allowed
            #[derive(Debug, Clone, Copy)]
            pub struct Columns { #(#[doc = #docs] pub #fields: &'static str,)* }

            #[automatically_derived]
            impl #impl_generics ::limbeck::Table for #ident #ty_generics #where_clause {
                type Columns = Columns;
                const TABLE: &'static str = #name;
                const SCHEMA: ::core::option::Option<&'static str> = #schema;
                const COLUMNS: Columns = Columns { #(#fields: #names,)* };
                const COLUMN_NAMES: &'static [&'static str] = &[#(#names),*];
            }
        };
    }
}

/// `impl limbeck::Enum`, or what is wrong.
pub(crate) fn enumeration(item: &syn::DeriveInput) -> TokenStream {
    let model = match model::enumeration(item) {
        Ok(model) => model,
        Err(faults) => return errors(&faults),
    };
    let (ident, name, schema) = (&item.ident, &model.name, option(model.schema.as_deref()));
    let (impl_generics, ty_generics, where_clause) = item.generics.split_for_impl();
    let variants: Vec<_> = model.values.iter().map(|value| &value.variant).collect();
    let values: Vec<_> = model.values.iter().map(|value| &value.value).collect();
    quote! {
        #[automatically_derived]
        impl #impl_generics ::limbeck::Enum for #ident #ty_generics #where_clause {
            const TYPE: &'static str = #name;
            const SCHEMA: ::core::option::Option<&'static str> = #schema;
            const VALUES: &'static [&'static str] = &[#(#values),*];

            fn value(&self) -> &'static str {
                match *self { #(Self::#variants => #values,)* }
            }

            fn from_value(value: &str) -> ::core::option::Option<Self> {
                match value {
                    #(#values => ::core::option::Option::Some(Self::#variants),)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    }
}

fn option(text: Option<&str>) -> TokenStream {
    match text {
        Some(text) => quote! { ::core::option::Option::Some(#text) },
        None => quote! { ::core::option::Option::None },
    }
}

fn errors(faults: &[Fault]) -> TokenStream {
    faults.iter().map(|fault| syn::Error::new(fault.span, fault.text()).into_compile_error()).collect()
}
