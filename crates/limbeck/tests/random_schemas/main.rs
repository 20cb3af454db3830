//! Random schemas, in pairs that have most in common: the plan from one to the other is run by the executor and leaves
//! nothing to do, and so does its way back.
//!
//! A pair is its number, so that what failed once can be run again. `LIMBECK_TEST_ROUNDS=1000` tries so many pairs,
//! `LIMBECK_TEST_SEED=7` begins with that one, `LIMBECK_TEST_SERVER=18` takes that server. A pair that fails is made
//! smaller as long as it fails, and printed as a case for `tests/diff_cases`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod dice;
mod others;
#[path = "../diff_support/mod.rs"]
mod support;
mod tables;
mod types;

use std::env;
use std::str::FromStr;

use dice::{Side, Sketch};
use limbeck::Job;
use limbeck::core::ddl::section::{Mode, Style, section, statements};
use limbeck::core::diff::{Options, Partitions, diff};
use limbeck::core::schema::Schema;
use support::{TestServer, Work, left, revision, server_of};

/// So many pairs by default.
const ROUNDS: u64 = 6;

#[tokio::test]
async fn there_and_back() {
    let version = setting("LIMBECK_TEST_SERVER").unwrap_or(15);
    let (first, rounds) =
        (setting("LIMBECK_TEST_SEED").unwrap_or(1), setting("LIMBECK_TEST_ROUNDS").unwrap_or(ROUNDS));
    let server = server_of(version).await;
    let mut bench = Bench::new(&server, version).await;
    let mut failed = Vec::new();
    for seed in first..first + rounds {
        let pair =
            Pair { before: sketch(seed, Side::Before, version), after: sketch(seed, Side::After, version) };
        if let Some(why) = bench.fails(&pair).await {
            let (pair, why) = bench.smaller(pair, why).await;
            failed.push(format!("=== seed {seed}: {why}\n{}", pair.as_case()));
        }
    }
    server.close().await;
    assert!(failed.is_empty(), "{} of {rounds} pairs:\n{}", failed.len(), failed.join("\n"));
}

fn setting<T: FromStr>(name: &str) -> Option<T> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// The statements of one side of a pair.
fn sketch(seed: u64, side: Side, version: u32) -> Vec<String> {
    let mut sketch = Sketch::new(seed, side, version);
    types::make(&mut sketch);
    tables::make(&mut sketch);
    others::make(&mut sketch);
    sketch.statements
}

/// Two schemas, as statements.
#[derive(Clone)]
struct Pair {
    before: Vec<String>,
    after: Vec<String>,
}

impl Pair {
    /// As `tests/diff_cases` has it.
    fn as_case(&self) -> String {
        let block =
            |statements: &[String]| statements.iter().map(|text| format!("{text};\n")).collect::<String>();
        format!("-- partitions\n-- before\n{}-- after\n{}", block(&self.before), block(&self.after))
    }

    /// What is left without one of the statements.
    fn without(&self, at: usize) -> Self {
        let mut pair = self.clone();
        match at.checked_sub(pair.before.len()) {
            None => drop(pair.before.remove(at)),
            Some(at) => drop(pair.after.remove(at)),
        }
        pair
    }

    /// What is left without a statement that both sides have.
    fn without_both(&self, text: &str) -> Self {
        let rest = |statements: &[String]| statements.iter().filter(|it| *it != text).cloned().collect();
        Self { before: rest(&self.before), after: rest(&self.after) }
    }
}

/// What a pair can fail with that is no fault of the generator's.
enum Outcome {
    Passes,
    Fails(String),
    /// The statements themselves cannot be run.
    Unusable(String),
}

/// Two databases.
struct Bench<'s> {
    server: &'s TestServer,
    version: u32,
    work: Option<Work>,
    goal: Option<Work>,
}

impl<'s> Bench<'s> {
    async fn new(server: &'s TestServer, version: u32) -> Self {
        let (work, goal) = (Work::new(server).await, Work::new(server).await);
        Self { server, version, work: Some(work), goal: Some(goal) }
    }

    /// Why a pair fails. Statements that cannot be run are a defect of the generator.
    async fn fails(&mut self, pair: &Pair) -> Option<String> {
        match self.outcome(pair).await {
            Outcome::Passes => None,
            Outcome::Fails(why) | Outcome::Unusable(why) => Some(why),
        }
    }

    async fn outcome(&mut self, pair: &Pair) -> Outcome {
        let (work, goal) = (self.work.take().unwrap(), self.goal.take().unwrap());
        let outcome = try_out(&work, &goal, pair, self.version).await;
        self.work = Some(work.emptied(self.server).await);
        self.goal = Some(goal.emptied(self.server).await);
        outcome
    }

    /// Leaves out statements as long as the pair fails.
    async fn smaller(&mut self, mut pair: Pair, mut why: String) -> (Pair, String) {
        let common: Vec<String> =
            pair.before.iter().rev().filter(|text| pair.after.contains(text)).cloned().collect();
        for text in common {
            let tried = pair.without_both(&text);
            if let Outcome::Fails(reason) = self.outcome(&tried).await {
                (pair, why) = (tried, reason);
            }
        }
        let mut at = pair.before.len() + pair.after.len();
        while let Some(next) = at.checked_sub(1) {
            let tried = pair.without(next);
            if let Outcome::Fails(reason) = self.outcome(&tried).await {
                (pair, why) = (tried, reason);
            }
            at = next;
        }
        (pair, why)
    }
}

async fn try_out(work: &Work, goal: &Work, pair: &Pair, version: u32) -> Outcome {
    for (place, statements) in [(work, &pair.before), (goal, &pair.after)] {
        if let Err(error) = place.load(&statements.join(";\n")).await {
            return Outcome::Unusable(error);
        }
    }
    let (before, after) = (work.read().await, goal.read().await);
    match there_and_back_again(work, &before, &after, version).await {
        Ok(()) => Outcome::Passes,
        Err(why) => Outcome::Fails(why),
    }
}

async fn there_and_back_again(
    work: &Work,
    before: &Schema,
    after: &Schema,
    version: u32,
) -> Result<(), String> {
    let mut options = Options::new(version);
    options.partitions = Partitions::Compare;
    let style = Style { version, mode: Mode::Online };
    let plan = |from: &Schema, to: &Schema| section(&statements(&diff(from, to, &options), &style));
    let (up, down) = (plan(before, after), plan(after, before));
    let told = |why: String| format!("{why}\n-- upgrade\n{up}-- downgrade\n{down}");
    let migrator = revision(&up, &down).map_err(|error| told(format!("the plan cannot be read: {error}")))?;
    for (job, what, wanted) in
        [(Job::Upgrade("head"), "upgrade", after), (Job::Downgrade("base"), "downgrade", before)]
    {
        work.migrate(&migrator, job).await.map_err(|error| told(format!("the {what} fails: {error}")))?;
        let rest = diff(&work.read().await, wanted, &options);
        if !rest.is_empty() {
            return Err(told(format!("the {what} leaves {}", left(&rest))));
        }
    }
    Ok(())
}
