//! Functions, procedures and aggregates.

use crate::schema::{Routine, RoutineKind};
use crate::sql::token::{Lexer, TokenKind};

/// What `CREATE OR REPLACE FUNCTION` refuses: another kind or result, other names of arguments, fewer defaults.
pub(super) fn rebuild(from: &Routine, to: &Routine) -> Option<&'static str> {
    if from.kind != to.kind {
        return Some("it becomes a routine of another kind");
    }
    if from.kind == RoutineKind::Aggregate {
        return (from != to).then_some("an aggregate cannot be replaced");
    }
    if from.result != to.result {
        return Some("its result changes");
    }
    (!may_replace_arguments(&from.arguments, &to.arguments)).then_some("its arguments change")
}

fn may_replace_arguments(from: &str, to: &str) -> bool {
    let (from, to) = (arguments(from), arguments(to));
    from.len() == to.len()
        && from.iter().zip(&to).all(|((before, default), (after, new_default))| {
            before == after && (default.is_none() || new_default.is_some())
        })
}

/// Each argument: what comes before its default, and the default.
fn arguments(text: &str) -> Vec<(String, Option<String>)> {
    let (mut arguments, mut depth) = (vec![(String::new(), None)], 0_usize);
    for token in Lexer::new(text, 0) {
        let piece = &text[token.span.clone()];
        match piece {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let Some((declaration, default)) = arguments.last_mut() else { continue };
        match (depth, piece) {
            (0, ",") => arguments.push((String::new(), None)),
            (0, "DEFAULT") if token.kind == TokenKind::Word => *default = Some(String::new()),
            _ => default.as_mut().unwrap_or(declaration).push_str(piece),
        }
    }
    for (declaration, _) in &mut arguments {
        *declaration = declaration.trim().to_owned();
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::may_replace_arguments;

    #[test]
    fn knows_what_can_be_replaced() {
        assert!(may_replace_arguments("a integer", "a integer DEFAULT 1"));
        assert!(may_replace_arguments("a integer DEFAULT 1", "a integer DEFAULT (2 + f(1, 2))"));
        assert!(!may_replace_arguments("a integer DEFAULT 1", "a integer"));
        assert!(!may_replace_arguments("a integer", "b integer"));
        assert!(may_replace_arguments("a numeric, OUT b text", "a numeric, OUT b text"));
    }
}
