//! Statements that a revision may not hold, each with what to write instead.

use std::sync::Arc;

use super::classify::Words;
use super::token::{Token, TokenKind};
use crate::problem::{Code, Place, Problem, Source, Span};

/// A refused beginning of a statement.
struct Refused {
    words: &'static [&'static str],
    why: &'static str,
    help: &'static str,
}

const OPENS: &str = "leave it out: limbeck opens a transaction for every revision by itself";
const CLOSES: &str = "leave it out, or write `-- limbeck:commit` on a line of its own where everything before it is to be committed";
const UNDOES: &str = "leave it out: a revision that fails is rolled back as a whole; to catch one error, write a DO \
                      block with an EXCEPTION clause";
const CONTROL: &str = "it controls the transaction, which is limbeck's to do";

/// Transaction control, and what would take limbeck's lock away.
const REFUSED: &[Refused] = &[
    Refused { words: &["begin"], why: CONTROL, help: OPENS },
    Refused { words: &["start", "transaction"], why: CONTROL, help: OPENS },
    Refused { words: &["commit"], why: CONTROL, help: CLOSES },
    Refused { words: &["end"], why: CONTROL, help: CLOSES },
    Refused { words: &["rollback"], why: CONTROL, help: UNDOES },
    Refused { words: &["abort"], why: CONTROL, help: UNDOES },
    Refused { words: &["savepoint"], why: CONTROL, help: UNDOES },
    Refused { words: &["release"], why: CONTROL, help: UNDOES },
    Refused {
        words: &["prepare", "transaction"],
        why: CONTROL,
        help: "leave it out: two-phase commit and a version table that changes with the revision exclude each other",
    },
    Refused {
        words: &["discard", "all"],
        why: "it would release the lock that keeps two migrations apart",
        help: "write what is meant: DISCARD PLANS, DISCARD SEQUENCES, DISCARD TEMP or RESET ALL",
    },
];

/// Meta-commands of psql for which there is something better to say than to leave them out.
const META: &[(&[&str], &str)] = &[
    (&["\\copy"], "write INSERT statements, or load the data apart from the revisions"),
    (&["\\.", "\\N"], "this looks like the data of a COPY ... FROM STDIN: write INSERT statements"),
    (
        &["\\i", "\\ir", "\\include", "\\include_relative"],
        "put the SQL of that file here: a revision is one file",
    ),
    (
        &["\\set", "\\prompt", "\\getenv"],
        "declare the variable under [vars] in limbeck.toml and write :'name'",
    ),
    (
        &["\\if", "\\elif", "\\else", "\\endif"],
        "write `-- limbeck:when <variable>=<value>` before the statement",
    ),
    (
        &["\\gexec", "\\gset", "\\g", "\\gx"],
        "end the statement with `;`; to run SQL that SQL makes, write a DO block",
    ),
    (
        &["\\c", "\\connect"],
        "a revision is for one database; a second one has its own section in limbeck.toml",
    ),
];

/// Refuses the statement that consists of `tokens`, if it may not be in a revision.
pub(super) fn check(source: &Arc<Source>, tokens: &[Token]) -> Result<(), Problem> {
    let text = source.text();
    if let Some(token) = tokens.iter().find(|token| token.kind == TokenKind::MetaCommand) {
        return Err(meta_command(source, &token.span));
    }
    let refuse = |words: usize, why: String, help: &str| {
        let span = tokens[0].span.start..tokens[words.min(tokens.len()) - 1].span.end;
        Err(Problem::new(Code::SqlRefused, why).at(Place::new(source, span)).help(help))
    };
    for refused in REFUSED {
        if Words::new(text, tokens).eat_all(refused.words).is_some() {
            let name = refused.words.join(" ").to_ascii_uppercase();
            let why = format!("{name} may not be in a revision: {}", refused.why);
            return refuse(refused.words.len(), why, refused.help);
        }
    }
    match copy_with_client(text, tokens) {
        Some((at, name)) => refuse(
            at + 1,
            format!("COPY {name} may not be in a revision: there is no client at the other end"),
            "write INSERT statements, or load the data apart from the revisions",
        ),
        None => Ok(()),
    }
}

/// The token with which a COPY names the client, and how it reads.
fn copy_with_client(text: &str, tokens: &[Token]) -> Option<(usize, String)> {
    Words::new(text, tokens).eat("copy")?;
    let word = |at: usize| text[tokens[at].span.clone()].to_ascii_uppercase();
    // A query in parentheses may read from a table that is called so.
    let mut depth = 0_isize;
    for at in 1..tokens.len() {
        match word(at).as_str() {
            "(" => depth += 1,
            ")" => depth -= 1,
            "STDIN" | "STDOUT" if depth == 0 && matches!(word(at - 1).as_str(), "FROM" | "TO") => {
                return Some((at, format!("{} {}", word(at - 1), word(at))));
            }
            _ => {}
        }
    }
    None
}

fn meta_command(source: &Arc<Source>, span: &Span) -> Problem {
    let line = source.text()[span.clone()].trim_end();
    let end = line.find(char::is_whitespace).unwrap_or(line.len());
    let name = &line[..end];
    let better = META.iter().find(|(names, _)| names.contains(&name)).map(|(_, help)| *help);
    Problem::new(Code::SqlRefused, format!("`{name}` is a command of psql, not SQL"))
        .at(Place::new(source, span.start..span.start + line.len()))
        .help(better.unwrap_or("leave it out: a revision is sent to PostgreSQL without psql"))
}
