//! Two tenants that go on asking through the proxy, and look at every answer.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::http::Request;
use super::place::{ADMIN_KEY, Place};
use crate::run::{Done, Failed};

/// Clients of each tenant that ask at once.
const CLIENTS: usize = 3;

/// The tenants' names; every text that belongs to one holds its name, and no other's.
const TENANTS: [&str; 2] = ["alder", "birch"];

/// No answer takes longer; the service ends requests after 30 seconds.
const PATIENCE: Duration = Duration::from_secs(35);

/// The clients. They end when this is dropped.
pub(crate) struct Load {
    clients: Vec<JoinHandle<Vec<String>>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    ends: AtomicBool,
    seen: Mutex<Seen>,
}

/// What the clients have seen since somebody last looked.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Requests that went well.
    pub(crate) answered: usize,
    /// Those that were told to come back, or were not answered.
    pub(crate) refused: Vec<String>,
    /// Answers that are not true.
    wrong: Vec<String>,
    /// The longest time of one that went well.
    slowest: Duration,
}

impl Load {
    /// Makes the tenants, and begins.
    pub(crate) fn begin(place: &Place) -> Result<Self, Failed> {
        let port = place.ports.proxy;
        let shared = Arc::<Shared>::default();
        let mut clients = Vec::new();
        for tenant in TENANTS {
            let key = make_tenant(port, tenant)?;
            for number in 0..CLIENTS {
                let client = Client { port, tenant, number, key: key.clone(), shared: Arc::clone(&shared) };
                clients.push(thread::spawn(move || client.go_on()));
            }
        }
        Ok(Self { clients, shared })
    }

    /// Forgets what was seen, so that something new can be looked at.
    pub(crate) fn look(&self) -> Seen {
        std::mem::take(&mut self.shared.seen())
    }

    /// Waits until requests go well, from now on, whatever was refused before; what was seen since somebody last looked.
    pub(crate) fn goes_well(&self, place: &Place) -> Result<Seen, Failed> {
        let mut all = self.look();
        place.eventually("requests go well again", || {
            thread::sleep(Duration::from_secs(1));
            let seen = self.look();
            let well = seen.answered > 0 && seen.refused.is_empty();
            all.add(seen);
            well
        })?;
        Ok(all)
    }

    /// Ends, and compares what the clients were told with what the database has: what was answered is there, and nothing
    /// was carried out twice.
    pub(crate) fn end(mut self, place: &Place) -> Done {
        self.goes_well(place)?.judge("the end", false)?;
        self.shared.ends.store(true, Ordering::Relaxed);
        let mut carried_out = Vec::new();
        for client in self.clients.drain(..) {
            carried_out.extend(client.join().map_err(|_| Failed::new("a client has panicked"))?);
        }
        if let Some(wrong) = self.look().wrong.first() {
            return Err(Failed::new(format!("a wrong answer: {wrong}")));
        }
        let succeeded = "SELECT request_payload->>'token' FROM action_logs WHERE status = 'success'";
        let rows = place.sql(succeeded)?;
        let tokens: BTreeSet<&str> = rows.lines().collect();
        if let Some(lost) = carried_out.iter().find(|token| !tokens.contains(token.as_str())) {
            return Err(Failed::new(format!("the action {lost} was answered and is not there")));
        }
        if tokens.len() != rows.lines().count() {
            return Err(Failed::new(format!(
                "{} actions, {} different ones",
                rows.lines().count(),
                tokens.len()
            )));
        }
        eprintln!("containers: {} actions, each carried out once", carried_out.len());
        Ok(())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.refused.extend(other.refused);
        self.wrong.extend(other.wrong);
        self.slowest = self.slowest.max(other.slowest);
    }

    /// An error if an answer was wrong, or, unless `may_refuse`, if a request was refused.
    pub(crate) fn judge(&self, what: &str, may_refuse: bool) -> Done {
        let Self { answered, refused, wrong, slowest } = self;
        let some = |texts: &[String]| texts.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
        if !wrong.is_empty() {
            return Err(Failed::new(format!("{what}: {} wrong answers:\n{}", wrong.len(), some(wrong))));
        }
        if *answered == 0 || !(may_refuse || refused.is_empty()) {
            return Err(Failed::new(format!(
                "{what}: {answered} requests went well, {} did not:\n{}",
                refused.len(),
                some(refused)
            )));
        }
        eprintln!(
            "containers: {what}: {answered} requests went well, the slowest took {:.1} s; {} were refused",
            slowest.as_secs_f64(),
            refused.len()
        );
        Ok(())
    }
}

struct Client {
    port: u16,
    tenant: &'static str,
    number: usize,
    key: String,
    shared: Arc<Shared>,
}

impl Client {
    /// Asks until it ends; the actions that were answered.
    fn go_on(&self) -> Vec<String> {
        let mut carried_out = Vec::new();
        let mut number = 0;
        while !self.ends() {
            number += 1;
            let token = format!("{}-{}-{number}", self.tenant, self.number);
            if self.act(&token) {
                carried_out.push(token);
            }
            self.read();
        }
        carried_out
    }

    fn ends(&self) -> bool {
        self.shared.ends.load(Ordering::Relaxed)
    }

    /// An action; with the same key until it is answered, as clients should. Whether it was.
    fn act(&self, token: &str) -> bool {
        let body = format!(
            "{{\"action_type\": \"crm_create\", \"provider\": \"echo\", \"payload\": {{\"token\": \"{token}\"}}}}"
        );
        let headers = [("X-API-Key", &*self.key), ("Idempotency-Key", token)];
        let request = Request {
            method: "POST",
            path: "/api/v1/actions",
            headers: &headers,
            body: &body,
            patience: PATIENCE,
        };
        let echoed = format!("\"token\":\"{token}\"");
        let is_true = |answer: &str| answer.contains(&echoed) && answer.contains("\"status\":\"success\"");
        while !self.told(&request, 201, is_true) {
            if self.ends() {
                return false;
            }
            thread::sleep(Duration::from_millis(200));
        }
        true
    }

    /// A page of the tenant's own actions.
    fn read(&self) {
        let headers = [("X-API-Key", &*self.key)];
        let request = Request {
            method: "GET",
            path: "/api/v1/actions?limit=5",
            headers: &headers,
            body: "",
            patience: PATIENCE,
        };
        let own = format!("\"token\":\"{}-", self.tenant);
        let count = |answer: &str, words: &str| answer.matches(words).count();
        self.told(&request, 200, |answer| {
            count(answer, &own) > 0 && count(answer, "\"token\":\"") == count(answer, &own)
        });
    }

    /// Asks, and notes what the answer is worth; whether the request went well.
    fn told(&self, request: &Request, expected: u16, is_true: impl Fn(&str) -> bool) -> bool {
        let begun = Instant::now();
        let answer = request.send(self.port);
        let mut seen = self.shared.seen();
        match answer {
            Ok((status, body)) if status == expected => {
                seen.answered += 1;
                seen.slowest = seen.slowest.max(begun.elapsed());
                // PostgreSQL prints JSON with a space where the service has none.
                if !is_true(&body.replace("\": ", "\":")) {
                    seen.wrong.push(format!("{request:?}: {body}"));
                }
                true
            }
            // The service's own way of saying it, or the proxy's.
            Ok((status @ (409 | 502..=504), body)) => {
                seen.refused.push(format!("{} {}: {status} {body}", request.method, request.path));
                false
            }
            Ok((status, body)) => {
                seen.wrong.push(format!("{request:?}: {status} {body}"));
                false
            }
            Err(why) => {
                seen.refused.push(format!("{} {}: {why}", request.method, request.path));
                false
            }
        }
    }
}

/// A tenant that has the provider `echo`; its key.
fn make_tenant(port: u16, name: &str) -> Result<String, Failed> {
    let send = |method, path, header: (&str, &str), body: &str| {
        let request = Request { method, path, headers: &[header], body, patience: PATIENCE };
        match request.send(port) {
            Ok((200..300, answer)) => Ok(answer),
            other => Err(Failed::new(format!("{method} {path}: {other:?}"))),
        }
    };
    let admin = ("X-Admin-Key", ADMIN_KEY);
    let made = send("POST", "/api/v1/admin/tenants", admin, &format!("{{\"name\": \"{name}\"}}"))?;
    let key = made.split("\"api_key\":\"").nth(1).and_then(|rest| rest.split('"').next());
    let key = key.ok_or_else(|| Failed::new(format!("no key: {made}")))?;
    let echo = "{\"echo\": {\"kind\": \"echo\"}}";
    send("PUT", "/api/v1/tenant/provider-configs", ("X-API-Key", key), echo)?;
    Ok(key.to_owned())
}
