//! Replays what Alembic did on 800 graphs (`graph.jsonl`; its README says what must be equal).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
#![expect(clippy::print_stdout, reason = "the counts are the test's report")]

mod graph_support;

use std::collections::{BTreeMap, BTreeSet};

use graph_support::{Rev, apply};
use limbeck_core::graph::Graph;
use limbeck_core::graph::describe::{self, Detail, Mark};
use limbeck_core::plan::{self, Direction, Plan, Purge, RowChange};
use limbeck_core::{Code, Problem};
use serde::Deserialize;

/// Where limbeck differs on purpose: line of the file, the first revision there (so that other files of
/// this format are not excused), number of the command in it, from 1, and why.
const INTENDED: &[(usize, &str, usize, &str)] = &[
    (
        132,
        "0aa4",
        6,
        "`downgrade zzz@head` with one head: Alembic does not notice that there is no branch zzz",
    ),
    (
        301,
        "dc3e83ce02cc",
        4,
        "`stamp heads` loses a row that is a head, since another head shares a lineage with all rows",
    ),
    (551, "5b6fa8a08045", 3, "`downgrade -1` leaves a row for a dependency that another new row implies"),
    (750, "e0c128ed889b", 2, "`downgrade -1` leaves a row for a dependency that another new row implies"),
    (
        750,
        "e0c128ed889b",
        4,
        "`downgrade -3` from the state of 750.2, where it counts from the superfluous row",
    ),
];

#[derive(Deserialize)]
struct Scenario {
    revisions: Vec<Revision>,
    commands: Vec<Command>,
    heads: String,
    branches: String,
    history: String,
}

#[derive(Deserialize)]
struct Revision {
    revision: String,
    down_revision: Vec<String>,
    depends_on: Vec<String>,
    branch_labels: Vec<String>,
    message: String,
}

#[derive(Deserialize)]
struct Command {
    command: String,
    target: String,
    ok: bool,
    #[serde(default)]
    steps: Vec<(String, Vec<String>)>,
    #[serde(default)]
    error: String,
    rows: Vec<String>,
    current: String,
}

/// What a command does here.
struct Outcome {
    steps: Vec<(String, String)>,
    changes: Vec<RowChange>,
    after: Vec<String>,
}

#[test]
fn does_what_alembic_does() {
    let folder = std::env::var("LIMBECK_CONFORMANCE_DIR")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance").to_owned());
    let path = format!("{folder}/graph.jsonl");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut differences = BTreeMap::new();
    let mut intended = Vec::new();
    let (mut scenarios, mut commands) = (0, 0);
    for (line, text) in (1..).zip(text.lines()) {
        let scenario: Scenario = serde_json::from_str(text).unwrap_or_else(|e| panic!("{path}:{line}: {e}"));
        scenarios += 1;
        commands += scenario.commands.len();
        differences.extend(replay(&scenario).into_iter().map(|(command, what)| ((line, command), what)));
        let first = scenario.revisions.first().map_or("", |revision| revision.revision.as_str());
        intended.extend(INTENDED.iter().filter(|(at, id, ..)| (*at, *id) == (line, first)));
    }
    assert!(scenarios > 0, "{path} is empty");
    for (line, _, command, reason) in &intended {
        let gone = format!("{path}:{line} command {command} no longer differs; INTENDED says: {reason}");
        assert!(differences.remove(&(*line, *command)).is_some(), "{gone}");
    }
    println!("{scenarios} scenarios, {commands} commands, {} intended differences", intended.len());
    let list: Vec<String> =
        differences.iter().map(|((line, command), what)| format!("{line}.{command}: {what}")).collect();
    assert!(list.is_empty(), "{} differences:\n{}", list.len(), list.join("\n"));
}

/// The differences of a scenario, each with the number of its command; 0 for the listings.
fn replay(scenario: &Scenario) -> Vec<(usize, String)> {
    let graph = build(scenario);
    let mut differences: Vec<(usize, String)> =
        listings(scenario, &graph).into_iter().map(|what| (0, what)).collect();
    let mut table = Vec::new();
    for (at, command) in scenario.commands.iter().enumerate() {
        let before = table.clone();
        if let Err(what) = run(&graph, &mut table, command) {
            differences.push((at + 1, format!("{} {}: {what}", command.command, command.target)));
            // Each command is judged from the state that Alembic had.
            table = command.rows.clone();
        }
        order_as_alembic(&graph, &mut table, &before, command);
    }
    differences
}

/// Puts rows in the order in which Alembic's table had them: `downgrade -1` starts at the first one. The
/// file does not say the order, but the recorded steps do: a renamed row keeps its place, a new one is
/// last.
fn order_as_alembic(graph: &Graph, table: &mut [String], before: &[String], command: &Command) {
    let mut order = before.to_vec();
    for (direction, ids) in &command.steps {
        let node = graph.get(&ids[0]).unwrap();
        let below = graph.parents(node).chain(graph.dependencies(node)).map(|other| other.id().to_string());
        let below: Vec<String> = below.collect();
        match direction.as_str() {
            _ if command.command == "stamp" => {}
            "upgrade" => rename(&mut order, &below, &ids[..1]),
            "downgrade" => rename(&mut order, &ids[..1], &below),
            _ => {}
        }
    }
    if command.command == "stamp" {
        let (gone, mut new): (Vec<_>, Vec<_>) = (
            before.iter().filter(|row| !table.contains(row)).cloned().collect(),
            table.iter().filter(|row| !before.contains(row)).cloned().collect(),
        );
        new.sort_by_key(|row| command.steps.iter().position(|(_, ids)| ids.contains(row)));
        rename(&mut order, &gone, &new);
    }
    table.sort_by_key(|row| order.iter().position(|other| other == row));
}

/// Puts the first of `to` in the place of the first of `from`, and the others last.
fn rename(order: &mut Vec<String>, from: &[String], to: &[String]) {
    let place = order.iter().position(|row| from.contains(row));
    order.retain(|row| !from.contains(row));
    let mut to = to.iter().filter(|row| !order.contains(row)).cloned().collect::<Vec<_>>().into_iter();
    if let Some(place) = place {
        order.splice(place..place, to.next());
    }
    order.extend(to);
}

fn build(scenario: &Scenario) -> Graph {
    let rev = |revision: &Revision| Rev {
        id: revision.revision.clone(),
        parents: revision.down_revision.clone(),
        depends_on: revision.depends_on.clone(),
        labels: revision.branch_labels.clone(),
        message: revision.message.clone(),
    };
    Graph::build(scenario.revisions.iter().map(|r| rev(r).header()).collect()).unwrap()
}

fn listings(scenario: &Scenario, graph: &Graph) -> Vec<String> {
    let heads: Vec<String> = graph.heads().map(describe::head_line).collect();
    let history: Vec<String> = graph.newest_first().map(|n| describe::history_line(n, Mark::Plain)).collect();
    let branches: Vec<String> =
        graph.branch_points().map(|n| describe::branch_point(graph, n, Detail::Short) + "\n").collect();
    let mut differences = Vec::new();
    differences.extend(compare("heads", &scenario.heads, &heads.join("\n")));
    differences.extend(compare("history", &scenario.history, &history.join("\n")));
    differences.extend(compare("branches", &scenario.branches, &branches.join("\n")));
    differences
}

/// Compares as sets of lines; in a line, what is in parentheses and before `->` are sets.
fn compare(what: &str, expected: &str, found: &str) -> Option<String> {
    let normal = |text: &str| -> BTreeSet<String> {
        text.lines().filter(|line| !line.trim().is_empty()).map(normal_line).collect()
    };
    let (expected, found) = (normal(expected), normal(found));
    (expected != found).then(|| {
        let missing: Vec<_> = expected.difference(&found).collect();
        let extra: Vec<_> = found.difference(&expected).collect();
        format!("{what}: missing {missing:?}, extra {extra:?}")
    })
}

fn normal_line(line: &str) -> String {
    let sorted = |list: &str| {
        let mut items: Vec<&str> = list.split(", ").collect();
        items.sort_unstable();
        items.join(", ")
    };
    let groups = |text: &str| {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('(') {
            let (inside, after) = after.split_once(')').unwrap();
            out += &format!("{before}({})", sorted(inside));
            rest = after;
        }
        out + rest
    };
    match line.split_once(" -> ") {
        // A branch point's child is indented; its left side is empty.
        Some((left, right)) => {
            let (ids, dependencies) = left.split_once(" (").map_or((left, ""), |(a, b)| (a, b));
            let dependencies = sorted(dependencies.trim_end_matches(')'));
            format!("{} ({dependencies}) -> {}", sorted(ids), groups(right))
        }
        None => groups(line),
    }
}

fn run(graph: &Graph, table: &mut Vec<String>, command: &Command) -> Result<(), String> {
    match (outcome(graph, table, command), command.ok) {
        (Ok(outcome), true) => check_outcome(graph, table, command, &outcome)?,
        (Err(problem), false) => check_refusal(command, &problem)?,
        (Ok(outcome), false) => {
            return Err(format!("Alembic refuses ({}), here {:?}", command.error, outcome.steps));
        }
        (Err(problem), true) => return Err(format!("refused: {}", graph_support::show(&problem))),
    }
    let lines = describe::current_lines(&plan::applied(graph, table).map_err(|p| p.to_string())?);
    compare("current", &command.current, &lines.join("\n")).map_or(Ok(()), Err)
}

fn outcome(graph: &Graph, table: &[String], command: &Command) -> Result<Outcome, Problem> {
    match command.command.as_str() {
        "upgrade" => plan::upgrade(graph, table, &command.target).map(|plan| planned(&plan)),
        "downgrade" => plan::downgrade(graph, table, &command.target).map(|plan| planned(&plan)),
        "stamp" => {
            let stamp = plan::stamp(graph, table, std::slice::from_ref(&command.target), Purge::Keep)?;
            let changes = stamp.changes.into_iter().map(|change| change.rows).collect();
            Ok(Outcome { steps: Vec::new(), changes, after: text(&stamp.after) })
        }
        other => panic!("command {other}"),
    }
}

fn planned(plan: &Plan) -> Outcome {
    let name = |direction| match direction {
        Direction::Upgrade => "upgrade".to_owned(),
        Direction::Downgrade => "downgrade".to_owned(),
    };
    Outcome {
        steps: plan.steps.iter().map(|step| (name(step.direction), step.revision.to_string())).collect(),
        changes: plan.steps.iter().map(|step| step.rows.clone()).collect(),
        after: text(&plan.after),
    }
}

fn text(ids: &[limbeck_core::revision::RevisionId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn check_outcome(
    graph: &Graph,
    table: &mut Vec<String>,
    command: &Command,
    outcome: &Outcome,
) -> Result<(), String> {
    outcome.changes.iter().for_each(|change| apply(table, change));
    let mut sorted = table.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, outcome.after, "the plan says what its changes do");
    if sorted != command.rows {
        return Err(format!("rows {sorted:?}, Alembic {:?}", command.rows));
    }
    if command.command != "stamp" {
        let expected: BTreeSet<_> = command
            .steps
            .iter()
            .flat_map(|(name, ids)| ids.iter().map(|id| (name.clone(), id.clone())))
            .collect();
        let found: BTreeSet<_> = outcome.steps.iter().cloned().collect();
        if expected != found {
            return Err(format!("steps {found:?}, Alembic {expected:?}"));
        }
        check_order(graph, &outcome.steps);
    }
    Ok(())
}

/// Parents and dependencies before children on the way up, the reverse on the way down.
fn check_order(graph: &Graph, steps: &[(String, String)]) {
    let place = |id: &str| steps.iter().position(|(_, step)| step == id);
    for (at, (direction, id)) in steps.iter().enumerate() {
        let node = graph.get(id).unwrap();
        for below in graph.parents(node).chain(graph.dependencies(node)) {
            let Some(other) = place(below.id().as_str()) else { continue };
            assert_eq!(other < at, direction == "upgrade", "{id} and {} in {steps:?}", below.id());
        }
    }
}

fn check_refusal(command: &Command, problem: &Problem) -> Result<(), String> {
    let fits = match command.error.as_str() {
        "multiple_heads" => problem.code() == Code::MultipleHeads,
        // Alembic says "Can't locate" of an ambiguous partial id too, and was recorded by its sentence.
        "not_found" => {
            matches!(problem.code(), Code::NotFound | Code::AmbiguousId)
                && problem.message().starts_with("Can't locate revision identified by '")
        }
        "relative" => problem.code() == Code::Relative,
        "ambiguous_id" => problem.code() == Code::AmbiguousId,
        _ => true,
    };
    let found = graph_support::show(problem);
    if fits { Ok(()) } else { Err(format!("Alembic refuses as {}, here {found}", command.error)) }
}
