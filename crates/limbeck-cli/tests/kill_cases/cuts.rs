//! Death at every message.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use limbeck_testdb::TestServer;

use super::bed::{Bed, PATIENCE, Way, ended, said, scenario};
use super::proxy::{Death, Log, Moment, Plan, Point, Seen, Sender};
use super::wire::{EXTENDED, READY};

/// How many databases are worked on at once.
const WORKERS: usize = 4;

/// More failures of one scenario than this say nothing new.
const SHOWN: usize = 5;

/// Where a scenario's deaths begin. What comes before the lock is the same in all scenarios, and changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    TheConnection,
    TheLock,
}

/// In how many ways the run dies at each message, for the sake of time: they take turns. `LIMBECK_TEST_ALL_DEATHS=1`: in
/// all of them.
const AT_EACH: usize = 2;

/// Ways to die at every message: SIGKILL, a cut before it and in its middle, at those of both sides.
fn every_point(log: &Log, from: From) -> Vec<Plan> {
    let begin = match from {
        From::TheConnection => 0,
        From::TheLock => log.iter().position(|seen| seen.locks).unwrap(),
    };
    let all = std::env::var_os("LIMBECK_TEST_ALL_DEATHS").is_some();
    let (mut plans, mut turns) = (Vec::new(), BTreeMap::new());
    let mut numbers = [0, 0];
    for (index, seen) in log.iter().enumerate() {
        let number = &mut numbers[usize::from(seen.sender == Sender::Server)];
        if index >= begin {
            let point = |moment| Point { sender: seen.sender, number: *number, moment };
            let ways = ways(*seen);
            let count = if all { ways.len() } else { AT_EACH.min(ways.len()) };
            // As many turns as there are lengths, so that each way has its turn among messages of one kind.
            let turn = turns.entry(ways.len()).or_insert(0);
            let chosen = (*turn..*turn + count).map(|at| ways[at % ways.len()]);
            plans.extend(chosen.map(|(moment, death)| Plan { point: point(moment), death }));
            *turn += count;
        }
        *number += 1;
    }
    plans
}

fn ways(seen: Seen) -> Vec<(Moment, Death)> {
    use Death::{Cut, CutOnlyClient, Kill, Terminate};
    use Moment::{After, Before, Within};
    let mut ways = vec![(Before, Kill), (Before, Cut), (Within, Cut)];
    if seen.sender == Sender::Limbeck {
        ways.push((Before, Terminate));
        ways.extend([(After, Kill), (After, Cut), (After, Terminate)]);
        // A backend that waits for more of a question has nothing to go on with.
        if !EXTENDED.contains(&seen.kind) {
            ways.push((After, CutOnlyClient));
        }
        return ways;
    }
    // A backend that is ended between the messages of one answer has sent all of it already.
    if seen.kind == READY {
        ways.push((Before, Terminate));
    }
    ways
}

/// A run that dies as planned, and one after it.
async fn survives(bed: &mut Bed, plan: Plan, expected: &str) -> Result<(), String> {
    bed.reset().await;
    let proxy = bed.proxy(Some(plan)).await;
    let first = bed.begin(&proxy).wait_with_output();
    let Ok(first) = tokio::time::timeout(PATIENCE, first).await else {
        return Err("the run that was to die does not end".to_owned());
    };
    let first = first.unwrap();
    if !proxy.has_fired().await {
        return Err(format!("the point was not reached:\n{}", said(&first)));
    }
    if said(&first).contains("panicked") {
        return Err(format!("limbeck panicked:\n{}", said(&first)));
    }
    let outcome = bed.recovers(expected).await;
    outcome.map_err(|reason| format!("{reason}\nthe run that died said:\n{}", said(&first)))
}

/// Runs a scenario to each of its points; prints how many there were.
async fn every_death(name: &str, way: Way, from: From) {
    let begin = Instant::now();
    let server = TestServer::shared().await;
    let mut bed = Bed::new(server, &scenario(name)).await.on_the_way(way);
    let (log, expected) = bed.undisturbed().await;
    let plans = every_point(&log, from);
    let count = plans.len();
    let by_limbeck = log.iter().filter(|seen| seen.sender == Sender::Limbeck).count();
    let queue = Arc::new(Mutex::new(VecDeque::from(plans)));
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        let (queue, expected) = (Arc::clone(&queue), expected.clone());
        let mut bed = Bed::new(server, &scenario(name)).await.on_the_way(way);
        workers.push(tokio::spawn(async move {
            let mut failures = Vec::new();
            loop {
                let Some(plan) = queue.lock().unwrap().pop_front() else { return failures };
                if let Err(reason) = survives(&mut bed, plan, &expected).await {
                    failures.push(format!("{plan:?}: {reason}"));
                }
            }
        }));
    }
    let mut failures = Vec::new();
    for worker in workers {
        failures.extend(worker.await.unwrap());
    }
    eprintln!(
        "{name}: {count} deaths in a conversation of {by_limbeck} messages of limbeck's and {} of the server's, {} survived, {:.0?}",
        log.len() - by_limbeck,
        count - failures.len(),
        begin.elapsed()
    );
    let shown: Vec<&str> = failures.iter().map(String::as_str).take(SHOWN).collect();
    assert!(failures.is_empty(), "{} of {count} deaths of {name}:\n{}", failures.len(), shown.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_and_segments() {
    every_death("segments", Way::Up, From::TheConnection).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches() {
    every_death("batches", Way::Up, From::TheLock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_in_rust() {
    every_death("rust", Way::Application, From::TheLock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_concurrently() {
    every_death("indexes", Way::Up, From::TheLock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn types_and_constraints() {
    every_death("constraints", Way::Up, From::TheLock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions() {
    every_death("partitions", Way::Up, From::TheLock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_down() {
    every_death("downgrade", Way::Down, From::TheLock).await;
}

/// The server crashes when limbeck has said something, and comes back: at each of limbeck's messages from the lock on.
async fn every_stop(name: &str, way: Way) {
    let begin = Instant::now();
    // With wal_level=minimal PostgreSQL itself forgets, in a crash, what a sequence gave out after the transaction that
    // made it (nextval then believes in 32 values that it never logged): the journal's next id would be taken.
    // What was written survives the server's processes without fsync, which is for the machine's end.
    let durable = ["synchronous_commit=on", "wal_level=replica"];
    let mut server = TestServer::start_with(None, &durable).await;
    let mut bed = Bed::new(&server, &scenario(name)).await.on_the_way(way);
    let (log, expected) = bed.undisturbed().await;
    let by_limbeck: Vec<_> = log.iter().filter(|seen| seen.sender == Sender::Limbeck).collect();
    let locks = by_limbeck.iter().position(|seen| seen.locks).unwrap();
    for number in locks..by_limbeck.len() {
        let point = Point { sender: Sender::Limbeck, number, moment: Moment::After };
        let plan = Plan { point, death: Death::Stop };
        bed.reset().await;
        let proxy = bed.proxy(Some(plan)).await;
        let child = bed.begin(&proxy);
        proxy.fired().await;
        server.stop_immediately().await;
        let first = ended(child).await;
        assert!(!said(&first).contains("panicked"), "{plan:?}: {}", said(&first));
        server.restart().await;
        bed.reconnect().await;
        if let Err(reason) = bed.recovers(&expected).await {
            panic!("{plan:?}: {reason}\nthe run that died said:\n{}", said(&first));
        }
    }
    let count = by_limbeck.len() - locks;
    eprintln!("{name}: the server stopped at each of {count} messages, {:.0?}", begin.elapsed());
}

/// All kinds of statements at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_stops() {
    every_stop("crash", Way::Up).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_stops_in_batches() {
    every_stop("batches", Way::Up).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_stops_in_constraints() {
    every_stop("constraints", Way::Up).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_stops_in_indexes() {
    every_stop("indexes", Way::Up).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_stops_in_partitions() {
    every_stop("partitions", Way::Up).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_stops_in_rust() {
    every_stop("rust", Way::Application).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_stops_on_the_way_down() {
    every_stop("downgrade", Way::Down).await;
}
