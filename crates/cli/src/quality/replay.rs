//! An export folded again: states, and what the events said of each draw.
//!
//! Each event carries a digest over itself and the event before it in its stream. Those are held against the lines, so that
//! a line that was changed, moved or left out of the middle of a stream is found. Who makes all digests anew, or cuts off
//! the end of a stream, is not found here: hold the export against the one that somebody else took.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result, bail};
use remit_kernel::{
    case::CaseEvent,
    hash::{Digest, canonical},
    id::{CaseId, EngagementId},
    stream::{Event, State, StreamId, apply, chain},
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
    /// Events whose digest fits them and the event before.
    pub(crate) chained: u64,
    /// Events that follow one which the export withholds: their digest could not be held against anything.
    pub(crate) unchained: u64,
    heads: BTreeMap<StreamId, (u64, Digest)>,
}

/// One exported event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    stream: String,
    version: u64,
    kind: String,
    v: u16,
    recorded_at: String,
    #[serde(rename = "act")]
    _act: Value,
    digest: Digest,
    body: Value,
}

impl Replayed {
    /// Folds the events of the folder that `remit export` wrote.
    pub(crate) fn of(export: &Path) -> Result<Self> {
        let file = export.join("events.jsonl");
        let text = read(&file)
            .with_context(|| format!("{} is no export: name the folder that `remit export` wrote", export.display()))?;
        let mut lines = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let place = || format!("{}, line {number}", file.display());
            let line: Line = serde_json::from_str(line).with_context(place)?;
            let stream: StreamId = line.stream.parse().with_context(place)?;
            lines.push((number, stream, line));
        }
        let engagement = lines.iter().find_map(|(_, stream, _)| match stream {
            StreamId::Engagement(engagement) => Some(*engagement),
            _ => None,
        });
        let Some(engagement) = engagement else {
            bail!(
                "{} holds no event of an engagement: it is no whole export; name the folder that `remit export` wrote",
                file.display()
            )
        };
        let mut replayed = Self::default();
        for (number, stream, line) in lines {
            replayed.take(engagement, stream, &line).with_context(|| format!("{}, line {number}", file.display()))?;
        }
        Ok(replayed)
    }

    fn take(&mut self, engagement: EngagementId, stream: StreamId, line: &Line) -> Result<()> {
        let at: Instant = line.recorded_at.parse()?;
        self.link(engagement, stream, line, at)?;
        let event = Event::read(stream, &line.kind, line.v, &line.body.to_string())?;
        let state = apply(stream, self.states.remove(&stream), &event, at)?;
        self.states.insert(stream, state);
        if let (StreamId::Case(case), Event::Case(event @ CaseEvent::Drawn { .. })) = (stream, event) {
            self.drawn.insert(case, event);
        }
        Ok(())
    }

    /// Holds the digest of an event against it and the one before. Of members' streams alone are events withheld: duties
    /// on cases that whoever took the export may not see.
    fn link(&mut self, engagement: EngagementId, stream: StreamId, line: &Line, at: Instant) -> Result<()> {
        let (version, head) = self.heads.get(&stream).copied().unwrap_or_default();
        if line.version == version + 1 {
            let scope = engagement.to_string();
            let Line { stream: name, kind, v, body, digest, .. } = line;
            if chain(head, &scope, name, line.version, kind, *v, at, &canonical(body)) != *digest {
                bail!("event {} of `{name}` does not fit its digest: the line is not as it was recorded", line.version);
            }
            self.chained += 1;
        } else if line.version > version && matches!(stream, StreamId::Member(_)) {
            self.unchained += 1;
        } else {
            bail!(
                "event {} of `{}` follows event {version}: lines are missing or out of order",
                line.version,
                line.stream
            );
        }
        self.heads.insert(stream, (line.version, line.digest));
        Ok(())
    }
}

/// Reads a file of an export.
pub(crate) fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}
