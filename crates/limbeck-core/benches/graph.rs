//! Times of building and planning ten thousand revisions, as medians. Nothing here passes or fails.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a report for people")]

#[path = "../tests/graph_support/mod.rs"]
mod graph_support;

use std::time::{Duration, Instant};

use graph_support::{Rev, shapes};
use limbeck_core::graph::Graph;
use limbeck_core::graph::describe::{self, Mark};
use limbeck_core::plan::{self, Purge};

fn main() {
    println!(
        "{:<24}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "10,000 revisions, ms", "build", "up", "down", "stamp", "history"
    );
    for shape in shapes::all(10_000) {
        let headers: Vec<_> = shape.revs.iter().map(Rev::header).collect();
        let graph = Graph::build(headers.clone()).unwrap();
        let heads = plan::upgrade(&graph, &[], "heads").unwrap().after;
        let rows: Vec<String> = heads.iter().map(ToString::to_string).collect();
        let times = [
            median(|| headers.clone(), |headers| Graph::build(headers).unwrap().len()),
            median(|| (), |()| plan::upgrade(&graph, &[], "heads").unwrap().steps.len()),
            median(|| (), |()| plan::downgrade(&graph, &rows, "base").unwrap().steps.len()),
            median(
                || (),
                |()| plan::stamp(&graph, &rows, &["base".into()], Purge::Keep).unwrap().changes.len(),
            ),
            median(
                || (),
                |()| graph.newest_first().map(|n| describe::history_line(n, Mark::Plain).len()).sum(),
            ),
        ];
        let times: String = times.iter().map(|time| format!("{:>10.2}", time.as_secs_f64() * 1e3)).collect();
        println!("{:<24}{times}", shape.name);
    }
}

/// The median of eleven runs, without what prepares them.
fn median<T>(prepare: impl Fn() -> T, run: impl Fn(T) -> usize) -> Duration {
    let mut times: Vec<Duration> = (0..11)
        .map(|_| {
            let input = prepare();
            let start = Instant::now();
            std::hint::black_box(run(input));
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}
