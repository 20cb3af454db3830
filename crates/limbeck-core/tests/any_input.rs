//! Whatever a file or a command line holds: no panic, and an error says where it is. `PROPTEST_CASES=1000000`
//! looks longer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use limbeck_core::graph::{Graph, HistoryRange, Target};
use limbeck_core::plan::{self, Purge};
use limbeck_core::revision::{Revision, RevisionId};
use limbeck_core::sql::{Script, Values};
use limbeck_core::{Problem, Source};
use proptest::collection::vec;
use proptest::prelude::*;

/// Pieces of which revision files consist, whole and broken.
fn piece() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "-- revision: a1\n",
        "-- revision: ",
        "-- down_revision: a0, a2\n",
        "-- down_revision:\n",
        "-- branch_labels: billing\n",
        "-- depends_on: b1\n",
        "-- created: now\n",
        "-- a message\n--\n",
        "\n-- limbeck:upgrade\n",
        "\n-- limbeck:downgrade\n",
        "-- limbeck:irreversible why\n",
        "-- limbeck:irreversible\n",
        "-- limbeck:commit\n",
        "-- limbeck:autocommit idempotent\n",
        "-- limbeck:batch size=10 pause=1ms\n",
        "-- limbeck:batch size=99999999999999999999\n",
        "-- limbeck:when x=y\n",
        "-- limbeck:timeout statement=1s lock=2min\n",
        "-- limbeck:timeout statement=",
        "-- limbeck:destructive yes\n",
        "-- limbeck:nonsense\n",
        "CREATE TABLE t (id int);\n",
        "CREATE INDEX CONCURRENTLY i ON t (id);",
        "ALTER TYPE s ADD VALUE 'x';",
        "DELETE FROM t WHERE id IN (SELECT id FROM t LIMIT :'batch');",
        "BEGIN;",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;",
        "BEGIN ATOMIC",
        "CASE WHEN END",
        "COPY t FROM stdin;\n1\t'\n\\.\n",
        "\\restrict x\n",
        "\\d t\n",
        "$$",
        "$tag$ ; $tag$",
        "'",
        "E'\\'",
        "U&\"\\",
        "\"",
        "/* /* */",
        "*/",
        ":'x'",
        ":\"x\"",
        "::",
        ";",
        "--",
        "\r",
        "\r\n",
        "\u{feff}",
        "\0",
        "表",
        "\u{1F600}",
        "\u{202e}",
    ]);
    prop_oneof![8 => fixed.prop_map(str::to_owned), 1 => any::<String>(), 1 => "[ -~\n]{0,12}"]
}

fn text() -> impl Strategy<Value = String> {
    vec(piece(), 0..24).prop_map(|pieces| pieces.concat())
}

/// A file that is well formed up to its SQL, so that what is behind the header is reached.
fn nearly_good() -> impl Strategy<Value = String> {
    (text(), text()).prop_map(|(up, down)| {
        format!("-- m\n--\n-- revision: a1\n-- down_revision:\n\n-- limbeck:upgrade\n{up}\n-- limbeck:downgrade\n{down}\n")
    })
}

/// The places of a problem are inside their texts, and it can be shown.
fn check(problem: &Problem) -> Result<(), TestCaseError> {
    prop_assert!(!problem.message().is_empty());
    prop_assert!(problem.place().is_some(), "no place: {problem:#}");
    for place in problem.place().into_iter().chain(problem.places_too().iter().map(|(place, _)| place)) {
        let text = place.source.text();
        prop_assert!(
            place.span.start <= place.span.end && place.span.end <= text.len(),
            "{place}: {problem:#}"
        );
        prop_assert!(
            text.is_char_boundary(place.span.start) && text.is_char_boundary(place.span.end),
            "{problem:#}"
        );
        let (line, column) = place.source.line_column(place.span.start);
        prop_assert!(line > 0 && column > 0);
    }
    Ok(())
}

fn read(text: &str) -> Result<(), TestCaseError> {
    let revision = match Revision::parse(&Source::new("any.sql", text)) {
        Ok(revision) => revision,
        Err(problem) => return check(&problem),
    };
    let _ = revision.upgrade_checksum();
    for script in [revision.upgrade_script(), revision.downgrade_script()] {
        match script {
            Err(problem) => check(&problem)?,
            Ok(script) => look_at(&script)?,
        }
    }
    Ok(())
}

fn look_at(script: &Script) -> Result<(), TestCaseError> {
    let mut values = Values::new();
    values.set("x", "it's \\ \"x\"");
    if let Err(problem) = script.check(&values) {
        check(&problem)?;
    }
    for unit in &script.units {
        for statement in &unit.statements {
            let _ = statement.headline(20);
            let Ok(rendered) = statement.render(&unit.bind(&values)) else { continue };
            for position in [0, 1, rendered.sql.len() / 2, rendered.sql.len() + 7] {
                let offset = rendered.source_position(position);
                prop_assert!(offset <= statement.place().source.text().len());
            }
        }
    }
    Ok(())
}

/// A few revisions with a branch, a merge, a label and a dependency.
fn graph() -> Graph {
    let file = |id: &str, parents: &str, labels: &str, depends: &str| {
        let text = format!(
            "-- m\n--\n-- revision: {id}\n-- down_revision: {parents}\n-- branch_labels: {labels}\n-- depends_on: {depends}\n\n\
             -- limbeck:upgrade\n\n-- limbeck:downgrade\n"
        );
        Revision::parse(&Source::new(format!("{id}.sql"), &text)).unwrap().header().clone()
    };
    let files = vec![
        file("ae10", "", "", ""),
        file("ae11", "ae10", "billing", ""),
        file("bb20", "ae10", "", "ae11"),
        file("cc30", "ae11, bb20", "", ""),
        file("dd40", "", "other", "cc30"),
        file("dd41", "dd40", "", ""),
    ];
    Graph::build(files).unwrap()
}

fn identifier() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "ae10",
        "ae",
        "bb20",
        "cc30",
        "dd",
        "billing",
        "other",
        "head",
        "heads",
        "base",
        "@",
        ":",
        "+",
        "-",
        "1",
        "2",
        "99999999999999999999",
        "-0",
        " ",
        "",
        "表",
        "\0",
    ]);
    prop_oneof![
        5 => vec(part, 0..6).prop_map(|parts| parts.concat()),
        1 => any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(2000), ..ProptestConfig::default() })]

    #[test]
    fn any_text_as_a_revision(text in text()) {
        read(&text)?;
    }

    #[test]
    fn any_sql_in_a_revision(text in nearly_good()) {
        read(&text)?;
    }

    /// A downgrade from the journal is a whole section.
    #[test]
    fn any_text_as_a_script(text in text()) {
        match Script::parse(&Source::new("journal", &text)) {
            Ok(script) => look_at(&script)?,
            Err(problem) => check(&problem)?,
        }
    }

    /// An identifier has no file: its error says what to do, and never panics.
    #[test]
    fn any_text_as_an_identifier(text in identifier(), rows in vec(identifier(), 0..3)) {
        let graph = graph();
        if let Ok(target) = Target::parse(&text) {
            let _ = graph.revisions(&target, None);
            let _ = graph.revisions(&target, Some(&rows));
        }
        if let Ok(range) = HistoryRange::parse(&text) {
            let _ = range.revisions(&graph, None);
            let _ = range.revisions(&graph, Some(&rows));
        }
        for problem in [plan::upgrade(&graph, &rows, &text).err(), plan::downgrade(&graph, &rows, &text).err()] {
            prop_assert!(problem.is_none_or(|problem| !problem.message().is_empty()));
        }
        let _ = plan::stamp(&graph, &rows, std::slice::from_ref(&text), Purge::Keep);
        let _ = plan::stamp(&graph, &rows, &[text.clone(), "head".to_owned()], Purge::Purge);
        let _ = plan::upgrade_offline(&graph, &text);
        let _ = plan::downgrade_offline(&graph, &text);
        let _ = plan::stamp_offline(&graph, std::slice::from_ref(&text));
        let _ = RevisionId::new(&text);
    }
}
