//! Runs the files of `tests/graph_cases/`. A file holds a graph, one revision a line
//! (`id < parent, parent ; dependency #label`), then commands after `$` with what they answer. A line
//! `@ a, b` sets the version table's rows. `LIMBECK_BLESS=1` writes the answers anew.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod graph_support;

use std::path::Path;

use graph_support::{headers, show};
use limbeck_core::Problem;
use limbeck_core::graph::describe::{self, Detail, Mark};
use limbeck_core::graph::{self, Graph, HistoryRange, NewRevision, Node, Request, Splice, Target};
use limbeck_core::plan::{self, Plan, Purge, RowChange, Stamp};
use limbeck_core::revision::{BranchLabel, RevisionId};

#[test]
fn every_case_answers_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/graph_cases");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no cases in {}", folder.display());
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let found = answer(&text);
        if found == text {
            continue;
        }
        if std::env::var_os("LIMBECK_BLESS").is_some() {
            std::fs::write(&file, &found).unwrap();
        }
        wrong.push(format!("{}:\n{}", file.display(), first_difference(&text, &found)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn first_difference(text: &str, found: &str) -> String {
    let at = text.lines().zip(found.lines()).take_while(|(a, b)| a == b).count();
    let part = |text: &str| text.lines().skip(at.saturating_sub(2)).take(8).collect::<Vec<_>>().join("\n");
    format!("line {}\n--- written\n{}\n--- answered\n{}", at + 1, part(text), part(found))
}

/// The file with every answer as it is now.
fn answer(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().position(|line| line.starts_with(['$', '@'])).unwrap();
    let revisions: Vec<&str> =
        lines[..start].iter().copied().filter(|line| !line.starts_with("//")).collect();
    let built = Graph::build(headers(&revisions.join("\n")));
    let mut out: Vec<String> = lines[..start].iter().map(|line| (*line).to_owned()).collect();
    let mut rows = Vec::new();
    for line in &lines[start..] {
        if let Some(list) = line.strip_prefix('@') {
            rows = list.split(',').map(|row| row.trim().to_owned()).filter(|row| !row.is_empty()).collect();
            out.push((*line).to_owned());
        } else if let Some(command) = line.strip_prefix("$ ") {
            out.push((*line).to_owned());
            out.push(run(&built, &rows, command));
            out.push(String::new());
        } else if line.starts_with("//") {
            out.push((*line).to_owned());
        }
    }
    out.join("\n").trim_end().to_owned() + "\n"
}

fn run(built: &Result<Graph, Vec<Problem>>, rows: &[String], command: &str) -> String {
    let words: Vec<&str> = command.split_whitespace().collect();
    match built {
        Ok(graph) => execute(graph, rows, &words).unwrap_or_else(|problem| show(&problem)),
        Err(problems) => problems.iter().map(show).collect::<Vec<_>>().join("\n"),
    }
}

fn execute(graph: &Graph, rows: &[String], words: &[&str]) -> Result<String, Problem> {
    let owned: Vec<String> = words.iter().skip(1).map(|word| (*word).to_owned()).collect();
    Ok(match words {
        ["build"] => format!("{} revisions", graph.len()),
        ["upgrade", "--sql", range] => plan_text(&plan::upgrade_offline(graph, range)?),
        ["upgrade", target] => plan_text(&plan::upgrade(graph, rows, target)?),
        ["downgrade", "--sql", range] => plan_text(&plan::downgrade_offline(graph, range)?),
        ["downgrade", target] => plan_text(&plan::downgrade(graph, rows, target)?),
        ["stamp", "--sql", ..] => stamp_text(&plan::stamp_offline(graph, &owned[1..])?),
        ["stamp", "--purge", ..] => stamp_text(&plan::stamp(graph, rows, &owned[1..], Purge::Purge)?),
        ["stamp", ..] => stamp_text(&plan::stamp(graph, rows, &owned, Purge::Keep)?),
        ["pending"] => ids(plan::pending(graph, rows)?),
        ["missing-heads"] => ids(plan::applied(graph, rows)?.missing_heads()),
        ["current"] => describe::current_lines(&plan::applied(graph, rows)?).join("\n"),
        ["heads"] => lines(graph.heads().map(describe::head_line)),
        ["heads", "--resolve-dependencies"] => lines(graph.real_heads().map(describe::head_line)),
        ["branches"] => lines(graph.branch_points().map(|n| describe::branch_point(graph, n, Detail::Short))),
        ["branches", "-v"] => {
            lines(graph.branch_points().map(|n| describe::branch_point(graph, n, Detail::Verbose)))
        }
        ["history"] => {
            let applied = plan::applied(graph, rows)?;
            lines(graph.newest_first().map(|node| describe::history_line(node, Mark::of(node, &applied))))
        }
        ["history", range] => {
            let range = HistoryRange::parse(range)?;
            let rows = range.needs_database().then_some(rows);
            ids(range.revisions(graph, rows)?)
        }
        ["dependencies", id] => {
            ids(graph.get(id).map(|n| graph.dependencies(n).collect()).unwrap_or_default())
        }
        ["which", symbol] => ids(symbols(graph, rows, symbol)?),
        ["show", symbol] => {
            lines(symbols(graph, rows, symbol)?.into_iter().map(|n| describe::verbose(graph, n, Mark::Plain)))
        }
        ["merge", ..] => new_text(&graph::merge(graph, &owned, RevisionId::new("new")?, Vec::new())?),
        ["revision", options @ ..] => new_text(&revision(graph, options)?),
        other => panic!("command {other:?}"),
    })
}

fn symbols<'g>(graph: &'g Graph, rows: &[String], symbol: &str) -> Result<Vec<&'g Node>, Problem> {
    let target = Target::parse(symbol)?;
    graph.revisions(&target, target.needs_database().then_some(rows))
}

fn revision(graph: &Graph, options: &[&str]) -> Result<NewRevision, Problem> {
    let (mut id, mut head, mut splice) = ("new", "head", Splice::Refuse);
    let (mut labels, mut depends_on) = (Vec::new(), Vec::new());
    for option in options {
        match option.split_once('=').unwrap_or((option, "")) {
            ("--rev-id", value) => id = value,
            ("--head", value) => head = value,
            ("--splice", _) => splice = Splice::Allow,
            ("--branch-label", value) => labels.push(BranchLabel::new(value)?),
            ("--depends-on", value) => depends_on.push(value.to_owned()),
            other => panic!("option {other:?}"),
        }
    }
    let id = RevisionId::new(id)?;
    graph::new_revision(graph, &Request { id, head, splice, branch_labels: labels, depends_on: &depends_on })
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}

fn ids(nodes: Vec<&Node>) -> String {
    join(nodes.into_iter().map(Node::id))
}

fn join<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() { "(none)".to_owned() } else { items.join(", ") }
}

fn plan_text(plan: &Plan) -> String {
    let mut out = Vec::new();
    if plan.is_empty() {
        out.push(format!("nothing to do for {}", join(&plan.targets)));
    }
    for step in &plan.steps {
        out.push(format!(
            "{:?} {}  [{}]",
            step.direction,
            describe::sides(&step.from, &step.to),
            changes(&step.rows)
        ));
    }
    out.push(format!("rows {}", join(&plan.after)));
    out.extend(plan.warnings.iter().map(|warning| format!("warning: {}", show(warning))));
    out.join("\n")
}

fn stamp_text(stamp: &Stamp) -> String {
    let change = |change: &plan::StampChange| {
        format!("stamp {}  [{}]", describe::sides(&change.from, &change.to), changes(&change.rows))
    };
    let mut out: Vec<String> = stamp.changes.iter().map(change).collect();
    if stamp.purge == Purge::Purge {
        out.insert(0, "delete every row".to_owned());
    }
    out.push(format!("rows {}", join(&stamp.after)));
    out.join("\n")
}

fn changes(rows: &RowChange) -> String {
    let delete = rows.delete.iter().map(|id| format!("-{id}"));
    let update = rows.update.iter().map(|(from, to)| format!("{from}>{to}"));
    let insert = rows.insert.iter().map(|id| format!("+{id}"));
    delete.chain(update).chain(insert).collect::<Vec<_>>().join(" ")
}

fn new_text(new: &NewRevision) -> String {
    format!(
        "{} < {} ; {} # {}",
        new.id,
        join(&new.down_revision),
        join(&new.depends_on),
        join(&new.branch_labels)
    )
}
