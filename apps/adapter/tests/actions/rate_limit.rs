//! The rate limit: in one process, and in Redis for several.

use std::time::Duration;

use crate::client::{Answer, Api, OTHER_KEY, add_other_tenant, database};
use crate::redis_server::Redis;
use crate::support::{Adapter, adapter};

const PATH: &str = "/api/v1/actions?limit=1";

fn limits(answer: &Answer) -> (u16, &str, &str) {
    (answer.status, answer.header("ratelimit-limit").unwrap(), answer.header("ratelimit-remaining").unwrap())
}

fn seconds(answer: &Answer, header: &str) -> u64 {
    answer.header(header).unwrap().parse().unwrap()
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 429, "{}", answer.text);
    assert!((1..=60).contains(&seconds(answer, "retry-after")), "{:?}", answer.headers);
    assert!((1..=60).contains(&seconds(answer, "ratelimit-reset")), "{:?}", answer.headers);
    assert!(answer.detail().contains("requests a minute"), "{}", answer.text);
}

#[tokio::test]
async fn a_tenant_that_asks_too_often_is_told_when_to_come_back() {
    let db = database().await;
    add_other_tenant(&mut db.connect().await).await;
    // One request in thirty seconds, and two at once.
    let adapter = Adapter::start(db.url(), &["--rate-limit", "2"]);
    let api = Api::of(&adapter);
    assert_eq!(limits(&api.get(PATH).await), (200, "2", "1"));
    let last = api.get(PATH).await;
    assert_eq!(limits(&last), (200, "2", "0"));
    assert!((1..=60).contains(&seconds(&last, "ratelimit-reset")));
    let refused = api.get(PATH).await;
    assert_eq!(limits(&refused), (429, "2", "0"));
    assert_refused(&refused);
    assert_eq!(
        limits(&api.with_key(OTHER_KEY).get(PATH).await),
        (200, "2", "1"),
        "another tenant, another bucket"
    );
    assert_eq!(api.with_key("nobody's").get(PATH).await.status, 401, "nobody has none");
    assert_eq!(adapter.get("/health").0, 200, "probes are not counted");
}

#[tokio::test]
async fn without_a_limit_there_is_none() {
    let db = database().await;
    let adapter = Adapter::start(db.url(), &["--rate-limit", "0"]);
    let answer = Api::of(&adapter).get(PATH).await;
    assert_eq!((answer.status, answer.header("ratelimit-limit")), (200, None));
}

#[tokio::test]
async fn replicas_share_a_limit_in_redis() {
    // Redis has a quarter of a second to answer, the first time too: on a slow machine a replica may be left to itself for a
    // moment, and says so.
    for _ in 0..20 {
        let redis = Redis::start();
        let db = database().await;
        let args = ["--rate-limit", "2", "--redis-url", &redis.url()];
        let [mut first, mut second] = [Adapter::start(db.url(), &args), Adapter::start(db.url(), &args)];
        let [one, two] = [Api::of(&first), Api::of(&second)];
        let answers = [one.get(PATH).await, two.get(PATH).await, one.get(PATH).await, two.get(PATH).await];
        let log = first.stop("TERM") + &second.stop("TERM");
        if log.contains("Redis cannot be used") {
            continue;
        }
        let [before, last, refused @ ..] = answers;
        assert_eq!(limits(&before), (200, "2", "1"));
        assert_eq!(limits(&last), (200, "2", "0"));
        refused.iter().for_each(assert_refused);
        return;
    }
    panic!("Redis can never be used");
}

/// Whether Redis has counted requests of a tenant: it has written more than the one time that the service asks it for
/// itself, to see whether it is back.
fn counted(redis: &Redis) -> bool {
    let mut connection = redis::Client::open(redis.url()).unwrap().get_connection().unwrap();
    let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut connection).unwrap();
    let calls =
        stats.split_once("cmdstat_set:calls=").map_or("0", |(_, rest)| rest.split(',').next().unwrap());
    calls.parse::<u64>().unwrap() > 1
}

#[tokio::test]
async fn the_service_goes_on_without_redis_and_with_it_again_and_says_so_once() {
    let mut redis = Redis::start();
    let db = database().await;
    let mut adapter = Adapter::start(db.url(), &["--rate-limit", "100000", "--redis-url", &redis.url()]);
    let api = Api::of(&adapter);
    for round in 1..=2 {
        assert_eq!(api.get(PATH).await.status, 200);
        for _ in 0..6000 {
            if counted(&redis) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert_eq!(api.get(PATH).await.status, 200);
        }
        assert!(counted(&redis), "round {round}: Redis counts");
        redis.kill();
        for _ in 0..5 {
            let answer = api.get(PATH).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("ratelimit-limit"), Some("100000"), "it counts by itself");
        }
        redis.run();
    }
    let log = adapter.stop("TERM");
    // On a slow machine Redis may be out of reach more often than it was killed.
    let said: Vec<bool> = log
        .lines()
        .filter_map(|line| {
            let back = line.contains("Redis is back");
            (back || line.contains("Redis cannot be used")).then_some(back)
        })
        .collect();
    assert!(said.len() >= 3 && !said[0], "it is gone, back, and gone: {log}");
    assert!(said.windows(2).all(|pair| pair[0] != pair[1]), "once for each time: {log}");
}

#[tokio::test]
async fn redis_may_be_down_at_the_start() {
    let db = database().await;
    let url = "redis://:hush-hush@127.0.0.1:1/0";
    let mut adapter = Adapter::start(db.url(), &["--rate-limit", "2", "--redis-url", url]);
    let api = Api::of(&adapter);
    assert_eq!(limits(&api.get(PATH).await), (200, "2", "1"));
    assert_eq!(limits(&api.get(PATH).await), (200, "2", "0"));
    assert_refused(&api.get(PATH).await);
    let log = adapter.stop("TERM");
    assert_eq!(log.matches("Redis cannot be used").count(), 1, "{log}");
    assert!(!log.contains("hush-hush"), "{log}");
}

#[tokio::test]
async fn a_malformed_url_is_named_at_the_start() {
    let command = &mut adapter(&[]);
    let command = command.env("DATABASE_URL", "postgresql://127.0.0.1:1/none");
    for url in ["http://:hush-hush@localhost", "nonsense hush-hush", "redis://:hush-hush@host:port"] {
        let output = command.env("REDIS_URL", url).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{url}: {text}");
        assert!(text.contains("REDIS_URL") && !text.contains("hush-hush"), "{text}");
    }
}
