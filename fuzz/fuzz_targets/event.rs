//! What comes back from a database that others had their hands on: events are read, lifted and folded, or refused.
//!
//! Lines of JSON as in `crates/kernel/tests/events`: stream, kind, version, body.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use remit_kernel::{
    stream::{Event, State, StreamId, apply},
    time::Instant,
};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut states: BTreeMap<StreamId, State> = BTreeMap::new();
    for line in text.lines().take(200) {
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        let (Some(stream), Some(kind)) = (line["stream"].as_str(), line["kind"].as_str()) else { continue };
        let Ok(stream) = stream.parse::<StreamId>() else { continue };
        let v = line["v"].as_u64().and_then(|v| u16::try_from(v).ok()).unwrap_or(1);
        let Ok(event) = Event::read(stream, kind, v, &line["body"].to_string()) else { continue };
        // What is read is written the same way.
        let (kind, body) = event.write();
        assert_eq!(Event::read(stream, &kind, remit_kernel::stream::EVENT_V, &body).ok().as_ref(), Some(&event));
        let before = states.remove(&stream);
        if let Ok(state) = apply(stream, before, &event, Instant::from_micros(0)) {
            let _ = state.rows();
            let written = state.write();
            assert_eq!(State::read(stream, &written).expect("a state can be read").write(), written);
            states.insert(stream, state);
        }
    }
});
