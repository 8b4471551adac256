//! An export folded again: states, and what the events said of each draw.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result};
use remit_kernel::{
    case::CaseEvent,
    id::CaseId,
    stream::{Event, State, StreamId, apply},
    time::Instant,
};
use serde::Deserialize;
use serde_json::Value;

/// What the events of an export give.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// Each stream's state.
    pub(crate) states: BTreeMap<StreamId, State>,
    /// What was recorded when a case was drawn.
    pub(crate) drawn: BTreeMap<CaseId, CaseEvent>,
}

/// One exported event.
#[derive(Debug, Deserialize)]
struct Line {
    stream: String,
    kind: String,
    v: u16,
    recorded_at: String,
    body: Value,
}

impl Replayed {
    /// Folds the events of the folder that `remit export` wrote.
    pub(crate) fn of(export: &Path) -> Result<Self> {
        let file = export.join("events.jsonl");
        let mut replayed = Self::default();
        for (number, line) in (1..).zip(read(&file)?.lines()) {
            replayed.take(line).with_context(|| format!("{}, line {number}", file.display()))?;
        }
        Ok(replayed)
    }

    fn take(&mut self, line: &str) -> Result<()> {
        let line: Line = serde_json::from_str(line)?;
        let stream: StreamId = line.stream.parse()?;
        let at: Instant = line.recorded_at.parse()?;
        let event = Event::read(stream, &line.kind, line.v, &line.body.to_string())?;
        let state = apply(stream, self.states.remove(&stream), &event, at)?;
        self.states.insert(stream, state);
        if let (StreamId::Case(case), Event::Case(event @ CaseEvent::Drawn { .. })) = (stream, event) {
            self.drawn.insert(case, event);
        }
        Ok(())
    }
}

/// Reads a file of an export.
pub(crate) fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}
