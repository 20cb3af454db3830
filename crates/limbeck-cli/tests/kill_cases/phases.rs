//! Death in every phase that the catalog shows of a statement that commits several times.

use limbeck_testdb::TestServer;

use super::bed::{Bed, ended, said, scenario};
use super::held::{Held, Phase};
use super::proxy::Death::{Cut, Kill, Terminate};
use super::proxy::{Moment, Plan, Point, Sender};

const WRITER: &str = "BEGIN; LOCK TABLE things IN ROW EXCLUSIVE MODE";
const READER: &str = "BEGIN; LOCK TABLE things IN ACCESS SHARE MODE";
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1";

/// Ways to die while a statement waits.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Kill,
    Cut,
    Terminate,
    Stop,
}

const ENDINGS: [Ending; 4] = [Ending::Kill, Ending::Cut, Ending::Terminate, Ending::Stop];

fn of_a_build() -> Vec<Phase> {
    vec![
        Phase::of_progress("waiting for writers before build", WRITER),
        Phase::of_progress("waiting for writers before validation", WRITER),
        Phase::of_progress("waiting for old snapshots", SNAPSHOT),
    ]
}

fn of_a_rebuild() -> Vec<Phase> {
    let mut phases = of_a_build();
    phases.push(Phase::of_progress("waiting for readers before marking dead", READER));
    phases.push(Phase::of_progress("waiting for readers before dropping", READER));
    phases
}

fn of_a_drop() -> Vec<Phase> {
    let index = |state: &str| {
        format!(
            "SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('things_id') AND {state})"
        )
    };
    vec![
        Phase::of_waiting("not used any more", READER, &index("NOT indisvalid AND indislive")),
        Phase::of_waiting("dead", READER, &index("NOT indislive")),
    ]
}

fn of_a_detachment() -> Vec<Phase> {
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
                 AND query LIKE '%DETACH PARTITION%' AND pid <> pg_backend_pid())";
    let pending = "SELECT FROM pg_inherits WHERE inhdetachpending";
    vec![
        Phase::new("not yet begun", "BEGIN; LOCK TABLE events IN SHARE UPDATE EXCLUSIVE MODE", waits),
        Phase::of_waiting("pending", "BEGIN; LOCK TABLE events IN ACCESS SHARE MODE", pending),
    ]
}

/// Dies in the last of the phases; the next run starts while the statement is still held up.
async fn survives(bed: &mut Bed, server: &mut TestServer, phases: &[Phase], ending: Ending, expected: &str) {
    let name = phases.last().unwrap().name;
    bed.reset().await;
    let proxy = bed.proxy(None).await;
    let mut held = Held::begin(bed, &proxy, phases).await;
    match ending {
        Ending::Kill => held.limbeck.start_kill().unwrap(),
        Ending::Cut => proxy.cut(),
        Ending::Terminate => bed.terminate_limbeck().await,
        Ending::Stop => {
            server.stop_immediately().await;
            server.restart().await;
            bed.reconnect().await;
        }
    }
    // The next one starts while the statement is still held up, and perhaps still there.
    let second = bed.start();
    let first = ended(held.release().await).await;
    assert!(!first.status.success() && !said(&first).contains("panicked"), "{}", said(&first));
    let second = ended(second).await;
    if let Err(reason) = bed.is_as(&second, expected).await {
        panic!("{ending:?} while {name}: {reason}\nthe run that died said:\n{}", said(&first));
    }
}

async fn every_phase(name: &str, phases: Vec<Phase>) {
    let mut server = TestServer::start_with(None, &["synchronous_commit=on"]).await;
    let mut bed = Bed::new(&server, &scenario(name)).await;
    let (_, expected) = bed.undisturbed().await;
    for last in 1..=phases.len() {
        for ending in ENDINGS {
            survives(&mut bed, &mut server, &phases[..last], ending, &expected).await;
        }
    }
    eprintln!("{name}: {} deaths in {} phases survived", phases.len() * ENDINGS.len(), phases.len());
}

/// The run that takes up what was interrupted in the last phase dies too, at each of its messages.
async fn every_death_while_resuming(name: &str, phases: Vec<Phase>) {
    let bed = &mut Bed::new(TestServer::shared().await, &scenario(name)).await;
    let (phases, expected) = (&phases[..], &bed.undisturbed().await.1);
    interrupt(bed, phases).await;
    let proxy = bed.proxy(None).await;
    let second = ended(bed.begin(&proxy)).await;
    bed.is_as(&second, expected).await.unwrap();
    let messages = proxy.log().iter().filter(|seen| seen.sender == Sender::Limbeck).count();
    let ways =
        [(Moment::Before, Kill), (Moment::After, Kill), (Moment::After, Cut), (Moment::After, Terminate)];
    for number in 0..messages {
        for (moment, death) in ways {
            let plan = Plan { point: Point { sender: Sender::Limbeck, number, moment }, death };
            interrupt(bed, phases).await;
            let proxy = bed.proxy(Some(plan)).await;
            let second = ended(bed.begin(&proxy)).await;
            assert!(proxy.has_fired().await, "{plan:?}: the point was not reached:\n{}", said(&second));
            if let Err(reason) = bed.recovers(expected).await {
                panic!("{plan:?} of the second run: {reason}\nthe second run said:\n{}", said(&second));
            }
        }
    }
    eprintln!("{name}: {} deaths of the run that resumed survived", messages * ways.len());
}

/// A run whose backend is ended in the last of the phases.
async fn interrupt(bed: &mut Bed, phases: &[Phase]) {
    bed.reset().await;
    let proxy = bed.proxy(None).await;
    let held = Held::begin(bed, &proxy, phases).await;
    bed.terminate_limbeck().await;
    let first = ended(held.release().await).await;
    assert!(!first.status.success(), "{}", said(&first));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_create_index_concurrently() {
    every_phase("create_index", of_a_build()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_reindex_concurrently() {
    every_phase("reindex", of_a_rebuild()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_drop_index_concurrently() {
    every_phase("drop_index", of_a_drop()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_detach_partition_concurrently() {
    every_phase("partitions", of_a_detachment()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_resuming_an_index() {
    every_death_while_resuming("create_index", of_a_build()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_resuming_a_rebuild() {
    every_death_while_resuming("reindex", of_a_build()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_resuming_a_drop() {
    every_death_while_resuming("drop_index", of_a_drop()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_resuming_a_detachment() {
    every_death_while_resuming("partitions", of_a_detachment()).await;
}
