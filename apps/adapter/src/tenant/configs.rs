//! `provider_configs`: how a tenant's providers are reached, and with which secrets.
//!
//! What is not known to be public is taken to be secret: every text and number but the fields in [`PUBLIC`] is
//! shown as [`MASK`]. A client that sends the mask back keeps what is stored.

use axum::http::{HeaderName, HeaderValue, Uri};
use serde_json::{Map, Value};

use crate::problem::{FieldError, Problem};

/// What is shown instead of a secret.
pub(crate) const MASK: &str = "***";

/// Fields of a provider's configuration that are no secret.
const PUBLIC: [&str; 2] = ["base_url", "kind"];

/// `action_logs.provider_name` has room for so many characters.
const LONGEST_NAME: usize = 100;

const LONGEST_URL: usize = 2000;

/// What a client sends, checked, with the stored secrets where it sent masks.
pub(crate) fn accepted(given: &Map<String, Value>, stored: &Value) -> Result<Value, Problem> {
    let mut errors = Vec::new();
    let mut accepted = Map::new();
    for (name, config) in given {
        let restored = restore(config, stored.get(name), name, &mut errors);
        check(name, &restored, &mut errors);
        accepted.insert(name.clone(), restored);
    }
    if errors.is_empty() { Ok(Value::Object(accepted)) } else { Err(Problem::fields(errors)) }
}

/// What may be shown.
pub(crate) fn masked(configs: &Value) -> Value {
    match configs {
        Value::Object(configs) => {
            configs.iter().map(|(name, config)| (name.clone(), masked_config(config))).collect()
        }
        other => masked_value(other),
    }
}

fn masked_config(config: &Value) -> Value {
    let Value::Object(fields) = config else { return masked_value(config) };
    let shown = |(name, value): (&String, &Value)| {
        let public = PUBLIC.contains(&name.as_str()) && value.is_string();
        (name.clone(), if public { value.clone() } else { masked_value(value) })
    };
    fields.iter().map(shown).collect()
}

fn masked_value(value: &Value) -> Value {
    match value {
        Value::String(_) | Value::Number(_) => Value::from(MASK),
        Value::Array(values) => values.iter().map(masked_value).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), masked_value(value))).collect()
        }
        Value::Null | Value::Bool(_) => value.clone(),
    }
}

/// Puts what is stored at the same place where a mask is.
fn restore(given: &Value, stored: Option<&Value>, at: &str, errors: &mut Vec<FieldError>) -> Value {
    match given {
        Value::String(text) if text == MASK => match stored {
            Some(stored @ (Value::String(_) | Value::Number(_))) => stored.clone(),
            _ => {
                errors.push(error(at, format!("{MASK} keeps what is stored, and nothing is stored here")));
                Value::Null
            }
        },
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let stored = stored.and_then(|stored| stored.get(name));
                (name.clone(), restore(value, stored, &format!("{at}.{name}"), errors))
            })
            .collect(),
        Value::Array(values) => values
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let stored = stored.and_then(|stored| stored.get(index));
                restore(value, stored, &format!("{at}[{index}]"), errors)
            })
            .collect(),
        other => other.clone(),
    }
}

fn check(name: &str, config: &Value, errors: &mut Vec<FieldError>) {
    if !is_name(name) {
        let wanted =
            format!("a provider's name is made of a-z, 0-9, _ and -, at most {LONGEST_NAME} of them");
        errors.push(error(name, wanted));
    }
    let Value::Object(fields) = config else {
        return errors.push(error(name, "a configuration is a JSON object".to_owned()));
    };
    for (field, value) in fields {
        let wrong = match field.as_str() {
            "base_url" => wrong_url(value),
            "kind" => (!value.is_string()).then(|| "a kind is a text".to_owned()),
            "headers" => wrong_headers(value),
            _ => None,
        };
        errors.extend(wrong.map(|wrong| error(&format!("{name}.{field}"), wrong)));
    }
}

fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
}

/// It is shown, so it holds no password.
fn wrong_url(value: &Value) -> Option<String> {
    let text = value.as_str().unwrap_or_default();
    let uri = text.parse::<Uri>().ok().filter(|_| text.len() <= LONGEST_URL && !text.contains('#'));
    let right = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && uri.query().is_none()
    });
    (!right).then(|| {
        "an address is needed such as https://api.example.com/v1, without credentials, query and fragment \
         (a secret goes into headers)"
            .to_owned()
    })
}

fn wrong_headers(value: &Value) -> Option<String> {
    let Value::Object(headers) = value else {
        return Some("headers are an object of names and texts".to_owned());
    };
    let wrong = headers.iter().find(|(name, value)| {
        let value = value.as_str().map(HeaderValue::from_str);
        name.parse::<HeaderName>().is_err() || !matches!(value, Some(Ok(_)))
    });
    wrong.map(|(name, _)| {
        format!("{name:?} is not the name of an HTTP header, or has no text that one can have")
    })
}

fn error(field: &str, message: String) -> FieldError {
    FieldError { field: field.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{accepted, masked};

    fn put(given: &Value, stored: &Value) -> Result<Value, String> {
        let given = given.as_object().expect("an object");
        accepted(given, stored).map_err(|problem| problem.detail().to_owned())
    }

    #[test]
    fn what_is_not_public_is_masked_and_comes_back() {
        let stored = json!({
            "hubspot": {
                "base_url": "https://api.example.com", "kind": "http", "api_key": "hush", "pin": 1234,
                "headers": {"Authorization": "Bearer hush", "kind": "hush"}, "on": true, "list": ["hush", null],
            },
            "odd": "hush",
        });
        let shown = masked(&stored);
        assert!(!shown.to_string().contains("hush") && !shown.to_string().contains("1234"), "{shown}");
        assert_eq!(shown["hubspot"]["base_url"], "https://api.example.com");
        assert_eq!(shown["hubspot"]["headers"]["Authorization"], "***");
        let given = json!({ "hubspot": shown["hubspot"] });
        assert_eq!(put(&given, &stored), Ok(json!({ "hubspot": stored["hubspot"] })));
        assert_eq!(masked(&json!("hush")), "***");
    }

    #[test]
    fn a_mask_where_nothing_is_stored_is_refused() {
        let none = json!({});
        for given in [json!({"a": {"key": "***"}}), json!({"a": {"list": ["***"]}}), json!({"a": "***"})] {
            assert!(put(&given, &none).is_err(), "{given}");
        }
        // What is stored there is not one value.
        assert!(put(&json!({"a": {"key": "***"}}), &json!({"a": {"key": {"b": "c"}}})).is_err());
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        let cases = [
            (json!({"A b": {}}), "A b: a provider's name"),
            (json!({"a": []}), "a: a configuration is a JSON object"),
            (json!({"a": {"base_url": "ftp://x"}}), "a.base_url: an address"),
            (json!({"a": {"base_url": "https://me:hush@x"}}), "a.base_url: an address"),
            (json!({"a": {"base_url": "https://x/?key=hush"}}), "a.base_url: an address"),
            (json!({"a": {"base_url": "/x"}}), "a.base_url: an address"),
            (json!({"a": {"base_url": 1}}), "a.base_url: an address"),
            (json!({"a": {"headers": {"X": "1\r\nY: 2"}}}), "a.headers: \"X\" is not"),
            (json!({"a": {"headers": {"X Y": "1"}}}), "a.headers: \"X Y\" is not"),
            (json!({"a": {"headers": ["X"]}}), "a.headers: headers are an object"),
        ];
        for (given, words) in cases {
            let refused = put(&given, &json!({})).expect_err("it is refused");
            assert!(refused.starts_with(words) && !refused.contains("hush"), "{given}: {refused}");
        }
    }
}
