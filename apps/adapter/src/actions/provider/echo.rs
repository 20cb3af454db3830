//! The provider for development: it answers with what it was sent.

use serde_json::{Value, json};

use super::Call;

pub(super) fn answer(call: &Call<'_>) -> Value {
    // It was read as a value before; null can only mean that this has changed.
    let payload: Value = serde_json::from_str(call.payload.get()).unwrap_or_default();
    json!({ "echo": payload })
}
