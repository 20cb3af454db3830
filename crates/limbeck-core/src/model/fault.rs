use std::sync::Arc;

use proc_macro2::Span;

use crate::{Code, Place, Problem, Source};

/// Something wrong in a model, at a place in Rust source. The macro shows it as a compile error, limbeck as a
/// [`Problem`]: the same words at the same place.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Where.
    pub span: Span,
    /// The sentence.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
}

impl Fault {
    pub(super) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Message and help, as a compile error shows them.
    pub fn text(&self) -> String {
        match &self.help {
            Some(help) => format!("{}\n  help: {help}", self.message),
            None => self.message.clone(),
        }
    }

    /// In this file.
    pub(super) fn problem(self, source: &Arc<Source>) -> Problem {
        let problem = Problem::new(Code::Model, self.message).at(Place::new(source, self.span.byte_range()));
        match self.help {
            Some(help) => problem.help(help),
            None => problem,
        }
    }
}

impl From<syn::Error> for Fault {
    fn from(error: syn::Error) -> Self {
        Self::new(error.span(), error.to_string())
    }
}
