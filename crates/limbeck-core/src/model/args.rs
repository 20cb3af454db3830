//! Attributes' arguments: parsed, checked against the [`Context`] in which they stand, and taken out one by one.

use std::collections::BTreeMap;

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;

use super::fault::Fault;
use super::keys::{BOOL, Context, FLAG, Form, LIST, MANY, NUMBER, TEXT};

/// A text and where it was said.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) span: Span,
}

/// One argument: `key`, `key = value`, `key(...)` or a bare string.
#[derive(Debug, Clone)]
pub(super) enum Item {
    Bare(Text),
    Named(Text, Value),
}

/// What stands behind a key.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Nothing,
    Text(Text),
    Number(i64),
    Bool(bool),
    /// A number with a fraction; kept as written.
    Decimal(String),
    List(Vec<Item>),
}

impl Value {
    fn form(&self) -> Form {
        match self {
            Self::Nothing => FLAG,
            Self::Text(_) => TEXT,
            Self::Number(_) => NUMBER,
            Self::Bool(_) => BOOL,
            Self::Decimal(_) => 0,
            Self::List(_) => LIST,
        }
    }

    /// As a storage parameter's value.
    fn written(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.text.clone()),
            Self::Number(number) => Some(number.to_string()),
            Self::Bool(value) => Some(value.to_string()),
            Self::Decimal(number) => Some(number.clone()),
            Self::Nothing => Some("true".to_owned()),
            Self::List(_) => None,
        }
    }
}

struct Items(Vec<Item>);

impl Parse for Items {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut items = Vec::new();
        while !input.is_empty() {
            items.push(item(input)?);
            if input.is_empty() {
                break;
            }
            input.parse::<syn::Token![,]>()?;
        }
        Ok(Self(items))
    }
}

fn item(input: ParseStream<'_>) -> syn::Result<Item> {
    let key = if input.peek(syn::LitStr) {
        let text: syn::LitStr = input.parse()?;
        Text { text: text.value(), span: text.span() }
    } else {
        let ident = input.call(syn::Ident::parse_any)?;
        let mut text = ident.unraw().to_string();
        while input.peek(syn::Token![.]) {
            input.parse::<syn::Token![.]>()?;
            text = format!("{text}.{}", input.call(syn::Ident::parse_any)?.unraw());
        }
        let value = value(input)?;
        return Ok(Item::Named(Text { text, span: ident.span() }, value));
    };
    match value(input)? {
        Value::Nothing => Ok(Item::Bare(key)),
        value => Ok(Item::Named(key, value)),
    }
}

fn value(input: ParseStream<'_>) -> syn::Result<Value> {
    if input.peek(syn::token::Paren) {
        let inside;
        syn::parenthesized!(inside in input);
        return Ok(Value::List(inside.parse::<Items>()?.0));
    }
    if !input.peek(syn::Token![=]) {
        return Ok(Value::Nothing);
    }
    input.parse::<syn::Token![=]>()?;
    let minus = if input.parse::<Option<syn::Token![-]>>()?.is_some() { "-" } else { "" };
    let literal: syn::Lit = input.parse()?;
    match &literal {
        syn::Lit::Str(text) if minus.is_empty() => {
            Ok(Value::Text(Text { text: text.value(), span: text.span() }))
        }
        syn::Lit::Int(number) => {
            let digits = format!("{minus}{}", number.base10_digits());
            digits
                .parse()
                .map(Value::Number)
                .map_err(|_| syn::Error::new(number.span(), "this number is too large"))
        }
        syn::Lit::Float(number) => Ok(Value::Decimal(format!("{minus}{}", number.base10_digits()))),
        syn::Lit::Bool(value) if minus.is_empty() => Ok(Value::Bool(value.value)),
        other => Err(syn::Error::new(other.span(), "a string, a number, true or false is expected here")),
    }
}

/// The arguments of all attributes `name` among `attributes`.
pub(super) fn items_of(attributes: &[syn::Attribute], name: &str) -> Result<Vec<Item>, Fault> {
    let mut all = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
        let syn::Meta::List(list) = &attribute.meta else {
            return Err(Fault::new(
                attribute.path().span(),
                format!("`{name}` takes arguments: #[{name}(...)]"),
            ));
        };
        all.extend(parse(list.tokens.clone())?);
    }
    Ok(all)
}

/// The arguments in these tokens.
pub(super) fn parse(tokens: TokenStream) -> Result<Vec<Item>, Fault> {
    Ok(syn::parse2::<Items>(tokens)?.0)
}

/// Arguments that were checked: every key is known in its context, said once unless it may be repeated, and of a form
/// that it may have.
#[derive(Debug)]
pub(super) struct Args {
    values: BTreeMap<&'static str, Vec<(Span, Value)>>,
    /// What stands there without being a key: columns, expressions.
    pub(super) bare: Vec<Text>,
}

impl Args {
    pub(super) fn new(context: &'static Context, items: Vec<Item>, faults: &mut Vec<Fault>) -> Self {
        let mut args = Self { values: BTreeMap::new(), bare: Vec::new() };
        for item in items {
            match item {
                Item::Bare(text) if context.items => args.bare.push(text),
                Item::Bare(text) => faults
                    .push(Fault::new(text.span, format!("`{}` takes keys, not bare strings", context.name))),
                Item::Named(name, value) => args.named(context, name, value, faults),
            }
        }
        args
    }

    fn named(&mut self, context: &'static Context, name: Text, value: Value, faults: &mut Vec<Fault>) {
        let Some(key) = context.keys.iter().find(|key| key.name == name.text) else {
            if context.items && matches!(value, Value::Nothing) {
                return self.bare.push(name);
            }
            return faults.push(unknown(context, &name));
        };
        if key.form & value.form() == 0 {
            let forms = forms(key.name, key.form);
            return faults.push(Fault::new(name.span, format!("`{}` is written {forms}", key.name)));
        }
        let said = self.values.entry(key.name).or_default();
        if !said.is_empty() && key.form & MANY == 0 {
            return faults.push(Fault::new(name.span, format!("`{}` is said twice", key.name)));
        }
        said.push((name.span, value));
    }

    fn take(&mut self, name: &str) -> Option<(Span, Value)> {
        self.values.get_mut(name)?.pop()
    }

    /// Where the key is said, if it is.
    pub(super) fn place(&self, name: &str) -> Option<Span> {
        self.values.get(name)?.first().map(|(span, _)| *span)
    }

    /// Where the key's text is.
    pub(super) fn text_place(&self, name: &str) -> Option<Span> {
        match self.values.get(name)?.first()? {
            (_, Value::Text(text)) => Some(text.span),
            _ => None,
        }
    }

    /// Everything said of a key, in order.
    pub(super) fn all(&mut self, name: &str) -> Vec<(Span, Value)> {
        self.values.remove(name).unwrap_or_default()
    }

    /// Whether the key is said.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        self.take(name).is_some()
    }

    pub(super) fn text(&mut self, name: &str) -> Option<Text> {
        match self.take(name)? {
            (_, Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn bool(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            (_, Value::Bool(value)) => Some(value),
            _ => None,
        }
    }

    pub(super) fn number(&mut self, name: &str) -> Option<(i64, Span)> {
        match self.take(name)? {
            (span, Value::Number(number)) => Some((number, span)),
            _ => None,
        }
    }

    /// A list of names or texts: `include(a, "b")`; a single string counts as a list of one.
    pub(super) fn texts(&mut self, name: &str, faults: &mut Vec<Fault>) -> Vec<Text> {
        match self.take(name) {
            Some((_, Value::List(items))) => texts(items, faults),
            Some((_, Value::Text(text))) => vec![text],
            _ => Vec::new(),
        }
    }

    /// Storage parameters: `with(fillfactor = 70)`.
    pub(super) fn options(&mut self, name: &str, faults: &mut Vec<Fault>) -> BTreeMap<String, String> {
        let Some((_, Value::List(items))) = self.take(name) else { return BTreeMap::new() };
        let mut options = BTreeMap::new();
        for item in items {
            let (key, value) = match item {
                Item::Named(key, value) => (key, value),
                Item::Bare(key) => (key, Value::Nothing),
            };
            match value.written() {
                Some(value) => _ = options.insert(key.text, value),
                None => {
                    faults.push(Fault::new(key.span, format!("`{}` takes a value, not a list", key.text)))
                }
            }
        }
        options
    }
}

/// The items, all of which must be names or strings.
fn texts(items: Vec<Item>, faults: &mut Vec<Fault>) -> Vec<Text> {
    let mut texts = Vec::new();
    for item in items {
        match item {
            Item::Bare(text) | Item::Named(text, Value::Nothing) => texts.push(text),
            Item::Named(text, _) => {
                faults
                    .push(Fault::new(text.span, format!("`{}` must be a name or a string here", text.text)));
            }
        }
    }
    texts
}

fn unknown(context: &Context, name: &Text) -> Fault {
    let fault = Fault::new(name.span, format!("`{}` knows no `{}`", context.name, name.text));
    let names = || context.keys.iter().map(|key| key.name);
    match crate::nearest(&name.text, names()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("it knows {}", names().collect::<Vec<_>>().join(", "))),
    }
}

/// For people: in which forms a key is written.
fn forms(name: &str, form: Form) -> String {
    let examples = [
        (FLAG, format!("`{name}`")),
        (TEXT, format!("`{name} = \"...\"`")),
        (NUMBER, format!("`{name} = 1`")),
        (BOOL, format!("`{name} = true` or `{name} = false`")),
        (LIST, format!("`{name}(...)`")),
    ];
    let forms: Vec<_> =
        examples.into_iter().filter(|(one, _)| form & one != 0).map(|(_, text)| text).collect();
    forms.join(" or ")
}
