//! What holds for every graph and every state: random graphs with several roots, merges, dependencies
//! and labels, and random runs on them, judged by a slow and simple model.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod graph_support;

use std::collections::{BTreeMap, BTreeSet};

use graph_support::{Rev, apply};
use limbeck_core::graph::Graph;
use limbeck_core::plan::{self, Direction, Plan, Purge};
use proptest::collection::vec;
use proptest::prelude::*;

/// What one revision of a random graph is made from: kind, two picks among the earlier ones, an extra.
type Seed = (u8, prop::sample::Index, prop::sample::Index, u8);

fn revisions(seeds: &[Seed]) -> Vec<Rev> {
    let mut revs: Vec<Rev> = Vec::new();
    for (at, (kind, first, second, extra)) in seeds.iter().enumerate() {
        let earlier = |index: &prop::sample::Index| format!("r{}", index.index(at.max(1)));
        let mut rev = Rev { id: format!("r{at}"), message: "m".to_owned(), ..Rev::default() };
        match kind % 10 {
            _ if at == 0 => {}
            0 => {}
            1..=4 => rev.parents.push(format!("r{}", at - 1)),
            5..=7 => rev.parents.push(earlier(first)),
            _ => rev.parents.extend(BTreeSet::from([earlier(first), earlier(second)])),
        }
        if at > 0 && extra % 4 == 0 {
            rev.depends_on.push(earlier(second));
        }
        if extra % 7 == 0 {
            rev.labels.push(format!("label{at}"));
        }
        revs.push(rev);
    }
    revs
}

fn graphs() -> impl Strategy<Value = (Vec<Rev>, Graph)> {
    let seeds = vec(any::<Seed>(), 1..24);
    (seeds, any::<bool>()).prop_map(|(seeds, backwards)| {
        let revs = revisions(&seeds);
        let mut headers: Vec<_> = revs.iter().map(Rev::header).collect();
        if backwards {
            headers.reverse();
        }
        let graph = Graph::build(headers).unwrap();
        (revs, graph)
    })
}

/// The slow model: what is below each revision, by definition.
struct Model(BTreeMap<String, BTreeSet<String>>);

impl Model {
    fn new(revs: &[Rev]) -> Self {
        let mut below: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for rev in revs {
            let direct = rev.parents.iter().chain(&rev.depends_on);
            let all = direct.flat_map(|other| below[other].iter().chain([other])).cloned().collect();
            below.insert(rev.id.clone(), all);
        }
        Self(below)
    }

    fn applied(&self, rows: &[String]) -> BTreeSet<String> {
        rows.iter().flat_map(|row| self.0[row].iter().chain([row])).cloned().collect()
    }

    /// The members that no other member implies, sorted.
    fn rows(&self, applied: &BTreeSet<String>) -> Vec<String> {
        let implied = |id: &String| applied.iter().any(|other| self.0[other].contains(id));
        applied.iter().filter(|id| !implied(id)).cloned().collect()
    }

    /// Carries out a plan on a table and checks everything about it.
    fn check(&self, table: &mut Vec<String>, plan: &Plan) {
        let mut applied = self.applied(table);
        for step in &plan.steps {
            let id = step.revision.to_string();
            match step.direction {
                Direction::Upgrade => {
                    assert!(self.0[&id].is_subset(&applied), "{id} before what is below it");
                    assert!(applied.insert(id), "applied twice");
                }
                Direction::Downgrade => {
                    assert!(applied.remove(&id), "undone without being applied");
                    assert!(
                        !applied.iter().any(|other| self.0[other].contains(&id)),
                        "{id} undone too early"
                    );
                }
            }
            apply(table, &step.rows);
            let mut sorted = table.clone();
            sorted.sort();
            assert_eq!(sorted, self.rows(&applied), "rows are the ends of what is applied");
        }
        let after: Vec<String> = plan.after.iter().map(ToString::to_string).collect();
        assert_eq!(after, self.rows(&applied));
    }
}

/// A random run: which command, at which revision.
fn runs() -> impl Strategy<Value = Vec<(u8, prop::sample::Index)>> {
    vec((any::<u8>(), any::<prop::sample::Index>()), 0..8)
}

/// Brings a table into the state after a random run; refused commands change nothing.
fn run(graph: &Graph, model: &Model, runs: &[(u8, prop::sample::Index)]) -> Vec<String> {
    let mut table = Vec::new();
    for (kind, index) in runs {
        let id = format!("r{}", index.index(graph.len()));
        let plan = match kind % 6 {
            0 | 1 => plan::upgrade(graph, &table, &id),
            2 => plan::downgrade(graph, &table, &id),
            3 => plan::downgrade(graph, &table, &format!("{id}@base")),
            4 => plan::upgrade(graph, &table, &format!("{id}@heads")),
            _ => {
                stamp(graph, model, &mut table, &id);
                continue;
            }
        };
        if let Ok(plan) = plan {
            model.check(&mut table, &plan);
        }
    }
    table
}

fn stamp(graph: &Graph, model: &Model, table: &mut Vec<String>, id: &str) {
    let stamp = plan::stamp(graph, table, &[id.to_owned()], Purge::Keep).unwrap();
    stamp.changes.iter().for_each(|change| apply(table, &change.rows));
    let mut sorted = table.clone();
    sorted.sort();
    assert_eq!(sorted, model.rows(&model.applied(table)), "a stamp leaves no row that another implies");
    assert!(table.iter().any(|row| row == id));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_is_in_order_and_rows_are_ends((revs, graph) in graphs(), steps in runs()) {
        let model = Model::new(&revs);
        let table = run(&graph, &model, &steps);
        let applied = plan::applied(&graph, &table).unwrap();
        let found: BTreeSet<String> = applied.iter().map(|node| node.id().to_string()).collect();
        prop_assert_eq!(&found, &model.applied(&table));
        prop_assert_eq!(applied.len() + applied.pending().count(), graph.len());
    }

    #[test]
    fn heads_are_reached_from_everywhere((revs, graph) in graphs(), steps in runs()) {
        let model = Model::new(&revs);
        let mut table = run(&graph, &model, &steps);
        let plan = plan::upgrade(&graph, &table, "heads").unwrap();
        model.check(&mut table, &plan);
        prop_assert_eq!(model.applied(&table).len(), revs.len());
        let applied = plan::applied(&graph, &table).unwrap();
        prop_assert!(applied.missing_heads().is_empty());
        prop_assert!(plan::upgrade(&graph, &table, "heads").unwrap().is_empty());
    }

    #[test]
    fn base_is_reached_from_everywhere((revs, graph) in graphs(), steps in runs()) {
        let model = Model::new(&revs);
        let mut table = run(&graph, &model, &steps);
        let plan = plan::downgrade(&graph, &table, "base").unwrap();
        model.check(&mut table, &plan);
        prop_assert!(table.is_empty());
    }

    #[test]
    fn one_step_up_and_down_restores_the_rows((revs, graph) in graphs(), steps in runs()) {
        let model = Model::new(&revs);
        let mut table = run(&graph, &model, &steps);
        table.sort();
        for id in plan::pending(&graph, &table).unwrap().into_iter().map(|node| node.id().to_string()) {
            let up = plan::upgrade(&graph, &table, &id).unwrap();
            if up.steps.len() != 1 || graph.get(&id).unwrap().is_merge_point() {
                continue;
            }
            let mut changed = table.clone();
            model.check(&mut changed, &up);
            let down = plan::downgrade(&graph, &changed, &format!("{id}@-1")).unwrap();
            model.check(&mut changed, &down);
            changed.sort();
            prop_assert_eq!(&changed, &table);
        }
    }

    #[test]
    fn all_up_and_all_down_are_mirror_images((revs, graph) in graphs()) {
        let model = Model::new(&revs);
        let mut table = Vec::new();
        let up = plan::upgrade(&graph, &table, "heads").unwrap();
        model.check(&mut table, &up);
        let down = plan::downgrade(&graph, &table, "base").unwrap();
        let backwards: Vec<_> = down.steps.iter().rev().map(|step| step.revision.clone()).collect();
        let upwards: Vec<_> = up.steps.iter().map(|step| step.revision.clone()).collect();
        prop_assert_eq!(backwards, upwards);
    }

    /// What `switch` does: undo what a checkout does not have, then apply what it has.
    #[test]
    fn a_part_of_a_graph_finds_its_own_heads((revs, graph) in graphs(), steps in runs(), keep in vec(any::<bool>(), 24)) {
        let model = Model::new(&revs);
        let mut table = run(&graph, &model, &steps);
        let kept = revs.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(rev, _)| rev.id.clone());
        let kept: Vec<String> = kept.collect();
        let own = model.applied(&kept);
        let applied = model.applied(&table);
        let foreign = graph.newest_first().map(|node| node.id().clone());
        let foreign: Vec<_> =
            foreign.filter(|id| applied.contains(id.as_str()) && !own.contains(id.as_str())).collect();
        let back = plan::undo(&graph, &table, &foreign).unwrap();
        prop_assert_eq!(back.steps.len(), foreign.len());
        model.check(&mut table, &back);
        let headers = revs.iter().filter(|rev| own.contains(&rev.id)).map(Rev::header).collect();
        let forth = plan::upgrade(&Graph::build(headers).unwrap(), &table, "heads").unwrap();
        model.check(&mut table, &forth);
        prop_assert_eq!(model.applied(&table), own);
    }

    /// Only what is applied, and only what nothing applied stands on.
    #[test]
    fn undoing_refuses_what_it_must((revs, graph) in graphs(), steps in runs(), pick in any::<prop::sample::Index>()) {
        let model = Model::new(&revs);
        let mut table = run(&graph, &model, &steps);
        let id = revs[pick.index(revs.len())].id.clone();
        let applied = model.applied(&table);
        let may = applied.contains(&id) && !applied.iter().any(|other| model.0[other].contains(&id));
        let undone = plan::undo(&graph, &table, &[limbeck_core::revision::RevisionId::new(&id).unwrap()]);
        prop_assert_eq!(undone.is_ok(), may);
        if let Ok(plan) = undone {
            model.check(&mut table, &plan);
        }
    }

    #[test]
    fn a_circle_is_always_found((mut revs, _) in graphs(), from in any::<prop::sample::Index>()) {
        let model = Model::new(&revs);
        let upper = from.index(revs.len());
        let lower: Vec<String> = model.0[&revs[upper].id].iter().cloned().collect();
        prop_assume!(!lower.is_empty());
        let lower = lower[from.index(lower.len())].clone();
        let (lower_at, upper_id) = (revs.iter().position(|rev| rev.id == lower).unwrap(), revs[upper].id.clone());
        revs[lower_at].depends_on.push(upper_id);
        let problems = Graph::build(revs.iter().map(Rev::header).collect()).unwrap_err();
        prop_assert!(problems.iter().any(|problem| problem.code() == limbeck_core::Code::GraphCycle));
    }
}
