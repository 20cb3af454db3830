//! Ten thousand revisions of every shape build, plan and print. No clock is read here; `benches/graph.rs`
//! has the times. What would be quadratic or recursive does not come back from these sizes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod graph_support;

use graph_support::{Rev, apply, shapes};
use limbeck_core::graph::describe::{self, Mark};
use limbeck_core::graph::{Graph, HistoryRange};
use limbeck_core::plan::{self, Purge};

#[test]
fn ten_thousand_revisions_of_every_shape() {
    for shape in shapes::all(10_000) {
        let count = shape.revs.len();
        let graph = Graph::build(shape.revs.iter().map(Rev::header).collect()).unwrap();
        assert_eq!(graph.len(), count, "{}", shape.name);
        let up = plan::upgrade(&graph, &[], "heads").unwrap();
        assert_eq!(up.steps.len(), count, "{}", shape.name);
        let rows: Vec<String> = up.after.iter().map(ToString::to_string).collect();
        let down = plan::downgrade(&graph, &rows, "base").unwrap();
        assert_eq!(down.steps.len(), count, "{}", shape.name);
        assert!(down.after.is_empty());
        let stamp = plan::stamp(&graph, &[], &["heads".to_owned()], Purge::Keep).unwrap();
        assert_eq!(stamp.after, up.after);
        let lines = graph.newest_first().map(|node| describe::history_line(node, Mark::Plain));
        assert_eq!(lines.count(), count);
        let range = HistoryRange::parse(":current").unwrap();
        assert_eq!(range.revisions(&graph, Some(&rows)).unwrap().len(), count);
    }
}

#[test]
fn rows_of_a_long_line_stay_one() {
    let line = shapes::all(2_000).remove(0);
    let graph = Graph::build(line.revs.iter().map(Rev::header).collect()).unwrap();
    let mut table = Vec::new();
    for step in plan::upgrade(&graph, &[], "head").unwrap().steps {
        apply(&mut table, &step.rows);
        assert_eq!(table, [step.revision.to_string()]);
    }
}

#[test]
fn a_long_circle_is_found() {
    let mut line = shapes::all(10_000).remove(0);
    let last = line.revs.last().unwrap().id.clone();
    line.revs[0].parents.push(last);
    let problems = Graph::build(line.revs.iter().map(Rev::header).collect()).unwrap_err();
    assert_eq!(problems.len(), 1);
}
