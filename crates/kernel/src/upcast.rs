//! Lifting older versions of events to the current one. A shipped `(kind, v)` is never edited.
//!
//! `tests/events/*.jsonl` keeps one of every version ever shipped; each must fold.

use serde_json::Value;

use crate::stream::{BadEvent, EVENT_V};

/// Returns the body as the current version of the kind has it.
pub(crate) fn lift(kind: &str, v: u16, body: Value) -> Result<Value, serde_json::Error> {
    if v == EVENT_V { Ok(body) } else { Err(BadEvent::unknown_version(kind, v)) }
}
