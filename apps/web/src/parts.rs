//! How the adapter's parts are, as `GET /health/detailed` says.

use serde_json::Value;

use crate::answer::{Health, HealthPart};
use crate::text::{clip, list};
use crate::trouble::Trouble;
use crate::verdict::Tone;

/// The parts, or why they are not known.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) all: Vec<Part>,
    pub(crate) unknown: Option<String>,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) tone: Tone,
    pub(crate) detail: String,
}

impl Parts {
    /// Puts the adapter's answer into words.
    pub(crate) fn of(health: Result<Health, Trouble>) -> Self {
        match health {
            Ok(health) => Self { all: health.parts.iter().map(Part::of).collect(), unknown: None },
            Err(why) => Self { all: Vec::new(), unknown: Some(format!("{} {}", why.sentence(), why.seen())) },
        }
    }

    /// What does not work. Migrations that are pending are told of elsewhere.
    pub(crate) fn failing(&self) -> Vec<&str> {
        let failing = self.all.iter().filter(|part| part.tone == Tone::Bad && part.name != MIGRATIONS);
        failing.map(|part| part.name.as_str()).collect()
    }
}

/// The part that the rest of the page is about.
const MIGRATIONS: &str = "migrations";

impl Part {
    fn of(part: &HealthPart) -> Self {
        let tone = match part.state.as_str() {
            "up" => Tone::Fine,
            "degraded" => Tone::Waiting,
            _ => Tone::Bad,
        };
        let said = words(&part.detail);
        let took =
            part.latency_ms.filter(|took| *took >= 0.1).map(|took| format!("answered in {took:.1} ms"));
        let detail: Vec<String> = took.into_iter().chain(said).collect();
        Self { name: clip(&part.name), state: clip(&part.state), tone, detail: clip(&detail.join("; ")) }
    }
}

/// `name value` of whatever holds something; a reason speaks for itself.
fn words(detail: &Value) -> Vec<String> {
    let Some(reason) = detail.get("reason").and_then(Value::as_str) else {
        let fields = detail.as_object().into_iter().flatten();
        return fields.filter_map(|(name, value)| Some(format!("{name} {}", word(value)?))).collect();
    };
    vec![reason.to_owned()]
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Array(values) => {
            let words: Vec<String> = values.iter().filter_map(word).collect();
            Some(list(&words)).filter(|text| !text.is_empty())
        }
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Parts;

    #[test]
    fn details_in_words() {
        let part = |name: &str, state: &str, detail| json!({ "name": name, "state": state, "latency_ms": 1.25, "detail": detail });
        let health = json!({ "state": "down", "parts": [
            part("database", "up", json!({})),
            part("migrations", "down", json!({ "status": "not ready", "reason": "pending: 1, 2", "pending": ["1", "2"] })),
            part("pool", "degraded", json!({ "max": 10, "waiting": 2, "ahead": [], "nothing": null })),
            part("redis", "down", json!({ "reason": "refused" })),
            json!({ "name": "bare", "state": "asleep" }),
        ]});
        let parts = Parts::of(Ok(serde_json::from_value(health).unwrap()));
        let details: Vec<&str> = parts.all.iter().map(|part| part.detail.as_str()).collect();
        let expected = [
            "answered in 1.2 ms",
            "answered in 1.2 ms; pending: 1, 2",
            "answered in 1.2 ms; max 10; waiting 2",
            "answered in 1.2 ms; refused",
            "",
        ];
        assert_eq!(details, expected);
        assert_eq!(parts.failing(), ["redis", "bare"]);
    }
}
