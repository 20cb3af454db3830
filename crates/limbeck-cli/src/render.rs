//! Problems as text for people: code, sentence, place with its line and a caret, notes, help.

use std::sync::Arc;

use limbeck_core::{Place, Problem, Source};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, MietteError, MietteSpanContents,
    NamedSource, Report, Severity, SourceCode, SourceSpan, SpanContents,
};

use crate::output;

/// Renders all problems of an error to stderr.
pub(crate) fn error(error: &limbeck::Error) {
    let handler = handler();
    for problem in error.problems() {
        show(&handler, main_report(problem));
        for (place, what) in elsewhere(problem) {
            let advice = MietteDiagnostic::new(what.as_str()).with_severity(Severity::Advice);
            show(&handler, located(advice, place, &[]));
        }
        for note in problem.notes() {
            output::progress(&labelled("note", note));
        }
        if let Some(help) = problem.help_text() {
            output::progress(&labelled("help", help));
        }
    }
}

/// Facts and the way out stand below the place, each with its own word.
fn labelled(word: &str, text: &str) -> String {
    format!("  {word}: {}", text.replace('\n', "\n        "))
}

fn show(handler: &GraphicalReportHandler, report: Report) {
    let mut text = String::new();
    match handler.render_report(&mut text, report.as_ref()) {
        Ok(()) => output::progress(text.trim_end_matches('\n')),
        Err(_) => output::error_line(&report.to_string()),
    }
}

fn handler() -> GraphicalReportHandler {
    let theme =
        if output::is_coloured() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    // Sentences are not wrapped: scripts and people grep for them.
    GraphicalReportHandler::new_themed(theme).with_wrap_lines(false).with_context_lines(1)
}

fn main_report(problem: &Problem) -> Report {
    let code = format!("limbeck::{}", problem.code().as_str());
    let diagnostic = MietteDiagnostic::new(problem.message()).with_code(code);
    match problem.place() {
        None => Report::new(diagnostic),
        Some(place) => {
            let here: Vec<_> =
                problem.places_too().iter().filter(|(other, _)| other.source == place.source).collect();
            located(diagnostic, place, &here)
        }
    }
}

/// A report that shows a place, and further ones of the same file.
fn located(diagnostic: MietteDiagnostic, place: &Place, also: &[&(Place, String)]) -> Report {
    let labels = std::iter::once(LabeledSpan::new_primary_with_span(None, place.span.clone())).chain(
        also.iter().map(|(place, what)| LabeledSpan::new_with_span(Some(what.clone()), place.span.clone())),
    );
    let source = NamedSource::new(place.source.name(), Text(Arc::clone(&place.source)));
    Report::new(diagnostic.with_labels(labels)).with_source_code(source)
}

/// A source whose columns count characters, as editors count them; miette's own count bytes.
struct Text(Arc<Source>);

impl SourceCode for Text {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let read = self.0.text().read_span(span, before, after)?;
        let (line, column) = self.0.line_column(read.span().offset());
        let contents =
            MietteSpanContents::new(read.data(), *read.span(), line - 1, column - 1, read.line_count());
        Ok(Box::new(contents))
    }
}

/// The further places that are in other files.
fn elsewhere(problem: &Problem) -> impl Iterator<Item = &(Place, String)> {
    problem
        .places_too()
        .iter()
        .filter(|(other, _)| problem.place().is_none_or(|main| main.source != other.source))
}
