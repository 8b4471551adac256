//! Streams: events in order, folded into states. A state is what `decide` needs, and the snapshot is its JSON.

use std::{fmt, str::FromStr};

use serde::de::Error as _;
use serde_json::Value;

use crate::{
    alarm::{Alarm, AlarmEvent},
    calibration::{Calibration, CalibrationEvent},
    case::{Case, CaseEvent},
    directory::{Organisation, OrganisationEvent, Person, PersonEvent},
    engagement::{Engagement, EngagementEvent, LineEvent, LineUse, Member, MemberEvent, Sow, SowEvent},
    gold::{Gold, GoldEvent},
    hash::{Digest, canonical},
    id::{
        AlarmId, CalibrationId, CaseId, EngagementId, GoldId, Id, LineId, LotId, OrgId, PanelId, PersonId, PrecedentId,
        ReviewId, SamplerId, SowId,
    },
    index::Row,
    lot::{Lot, LotEvent, Sampler, SamplerEvent},
    model::{Model, ModelEvent},
    panel::{Panel, PanelEvent},
    precedent::{Precedent, PrecedentEvent},
    review::{Review, ReviewEvent},
    time::Instant,
};

/// Whose rows they are: the first part of every key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Organisations, people, credentials and sign-in.
    Directory,
    /// Everything made under one engagement.
    Engagement(EngagementId),
}

/// The word of the directory's scope.
const DIRECTORY: &str = "dir";

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory => f.write_str(DIRECTORY),
            Self::Engagement(engagement) => engagement.fmt(f),
        }
    }
}

impl FromStr for Scope {
    type Err = crate::id::BadId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == DIRECTORY { Ok(Self::Directory) } else { text.parse().map(Self::Engagement) }
    }
}

macro_rules! streams {
    ($($(#[$doc:meta])* $name:ident($id:ty) $word:literal $event:ident $state:ident;)*) => {
        /// The name of a stream within its scope.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum StreamId { $($(#[$doc])* $name($id),)* }

        /// One event of any stream.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each variant is the events of the stream of its name")]
        #[allow(clippy::large_enum_variant, reason = "an act makes a handful of them")]
        pub enum Event { $($name($event),)* }

        /// The state of any stream.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each variant is the state of the stream of its name")]
        #[allow(clippy::large_enum_variant, reason = "states live in maps, one at a time")]
        pub enum State { $($name($state),)* }

        impl fmt::Display for StreamId {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Self::$name(id) => write!(f, "{}/{id}", $word),)* }
            }
        }

        impl FromStr for StreamId {
            type Err = BadEvent;
            fn from_str(text: &str) -> Result<Self, BadEvent> {
                let (word, id) = text.split_once('/').ok_or_else(|| BadEvent::stream(text))?;
                match word {
                    $($word => id.parse().map(Self::$name).map_err(|_| BadEvent::stream(text)),)*
                    _ => Err(BadEvent::stream(text)),
                }
            }
        }

        impl Event {
            /// Returns the event's kind and the canonical JSON of its body.
            pub fn write(&self) -> (String, String) {
                // Members stand in the order of their names, so the kind, a word without quotes, is last.
                let mut body = match self { $(Self::$name(event) => canonical(event),)* };
                let kind = body.strip_suffix("\"}").and_then(|rest| rest.rsplit('"').next()).unwrap_or_default().to_owned();
                body.truncate(body.len().saturating_sub(kind.len() + "\"kind\":\"\"}".len()));
                let told = body.strip_prefix("{\"body\":").and_then(|rest| rest.strip_suffix(','));
                (kind, told.unwrap_or("null").to_owned())
            }

            /// Reads an event of a stream back, lifting older versions to the current one.
            pub fn read(stream: StreamId, kind: &str, v: u16, body: &str) -> Result<Self, BadEvent> {
                let bad = |source| BadEvent::Body { stream: stream.to_string(), kind: kind.to_owned(), source };
                if v == EVENT_V && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                    // Read where it stands: most events are of today's version, and a replay reads them all.
                    let told = format!("{{\"kind\":\"{kind}\",\"body\":{body}}}");
                    return match stream { $(StreamId::$name(_) => serde_json::from_str(&told).map(Self::$name).map_err(bad),)* };
                }
                let body: Value = serde_json::from_str(body).map_err(bad)?;
                let value = serde_json::json!({ "kind": kind, "body": crate::upcast::lift(kind, v, body).map_err(bad)? });
                match stream { $(StreamId::$name(_) => serde_json::from_value(value).map(Self::$name).map_err(bad),)* }
            }
        }

        /// Folds one event onto a state.
        ///
        /// # Errors
        /// [`BadEvent::Misplaced`] if the event belongs to another kind of stream, or does not fit: a stream begins
        /// with its first event, and begins once.
        pub fn apply(stream: StreamId, state: Option<State>, event: &Event, at: Instant) -> Result<State, BadEvent> {
            let next = match (stream, event) {
                $((StreamId::$name(_), Event::$name(event)) => match state {
                    None => $state::apply(None, event, at).map(State::$name),
                    Some(State::$name(state)) => $state::apply(Some(state), event, at).map(State::$name),
                    Some(_) => None,
                },)*
                _ => None,
            };
            next.ok_or_else(|| BadEvent::Misplaced { stream: stream.to_string(), kind: event.write().0 })
        }

        impl State {
            /// Returns the canonical JSON kept as snapshot.
            pub fn write(&self) -> String {
                match self { $(Self::$name(state) => canonical(state),)* }
            }

            /// Reads a snapshot back.
            pub fn read(stream: StreamId, body: &str) -> Result<Self, serde_json::Error> {
                match stream { $(StreamId::$name(_) => serde_json::from_str(body).map(Self::$name),)* }
            }

            /// Returns the index rows of this state.
            pub fn rows(&self) -> Vec<Row> {
                match self {
                    Self::Engagement(state) => state.rows(),
                    Self::Case(state) => state.rows(),
                    Self::Panel(state) => state.rows(),
                    Self::Gold(state) => state.rows(),
                    Self::Calibration(state) => state.rows(),
                    Self::Precedent(state) => state.rows(),
                    Self::Alarm(state) => state.rows(),
                    Self::Review(state) => state.rows(),
                    Self::Lot(state) => state.rows(),
                    Self::Member(state) => state.rows(),
                    Self::Organisation(state) => state.rows(),
                    Self::Person(state) => state.rows(),
                    // Statements of work, their counters and models are few: they are read by their names.
                    Self::Sow(_) | Self::Line(_) | Self::Model(_) | Self::Sampler(_) => Vec::new(),
                }
            }
        }
    };
}

streams! {
    /// The engagement itself.
    Engagement(EngagementId) "engagement" EngagementEvent Engagement;
    /// One version of a statement of work.
    Sow(SowId) "sow" SowEvent Sow;
    /// Counters of a SOW line.
    Line(LineId) "line" LineEvent LineUse;
    /// A case.
    Case(CaseId) "case" CaseEvent Case;
    /// The panel of a case.
    Panel(PanelId) "panel" PanelEvent Panel;
    /// A gold case with its showings.
    Gold(GoldId) "gold" GoldEvent Gold;
    /// A calibration round.
    Calibration(CalibrationId) "calibration" CalibrationEvent Calibration;
    /// A decided case published as guidance.
    Precedent(PrecedentId) "precedent" PrecedentEvent Precedent;
    /// A chart of misses at its limit.
    Alarm(AlarmId) "alarm" AlarmEvent Alarm;
    /// A review of a case.
    Review(ReviewId) "review" ReviewEvent Review;
    /// A lot.
    Lot(LotId) "lot" LotEvent Lot;
    /// The sampling of a service and case type.
    Sampler(SamplerId) "sampler" SamplerEvent Sampler;
    /// What is measured of the readers of an engagement.
    Model(EngagementId) "model" ModelEvent Model;
    /// A person in the engagement.
    Member(PersonId) "member" MemberEvent Member;
    /// An organisation (scope `dir`).
    Organisation(OrgId) "org" OrganisationEvent Organisation;
    /// A person (scope `dir`).
    Person(PersonId) "person" PersonEvent Person;
}

/// Version of the snapshot's shape: raise it when a state changes, and snapshots are folded anew.
pub const SHAPE: u32 = 4;
/// Version of the events written today.
pub const EVENT_V: u16 = 1;

/// An event that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BadEvent {
    /// The stream's name is none of ours.
    #[error("`{0}` is not the name of a stream")]
    Stream(String),
    /// The body does not fit the kind.
    #[error("event `{kind}` of `{stream}` cannot be read: {source}")]
    Body {
        /// The stream.
        stream: String,
        /// The event's kind.
        kind: String,
        /// What was wrong.
        source: serde_json::Error,
    },
    /// The event belongs to another stream, or to a stream that has not begun.
    #[error("event `{kind}` does not fit the state of `{stream}`")]
    Misplaced {
        /// The stream.
        stream: String,
        /// The event's kind.
        kind: String,
    },
}

impl BadEvent {
    fn stream(text: &str) -> Self {
        Self::Stream(text.chars().take(80).collect())
    }

    /// Returns an error for a kind that no version of Remit wrote.
    pub(crate) fn unknown_version(kind: &str, v: u16) -> serde_json::Error {
        serde_json::Error::custom(format!("version {v} of `{kind}` is not known to this program"))
    }
}

/// Returns the digest that chains an event to the one before it in its stream.
#[expect(clippy::too_many_arguments, reason = "a digest over an event names everything the event is")]
pub fn chain(
    before: Digest,
    scope: &str,
    stream: &str,
    version: u64,
    kind: &str,
    v: u16,
    at: Instant,
    body: &str,
) -> Digest {
    Digest::of_parts(&[
        before.bytes(),
        scope.as_bytes(),
        stream.as_bytes(),
        &version.to_be_bytes(),
        kind.as_bytes(),
        &v.to_be_bytes(),
        &at.micros().to_be_bytes(),
        body.as_bytes(),
    ])
}

impl StreamId {
    /// Returns the stream of a case's panel.
    pub fn panel_of(case: CaseId) -> Self {
        Self::Panel(PanelId::of(case.suffix()))
    }
}
