//! What an act did: enough for the caller to go on, and to be given again when the same request comes again.

use remit_kernel::{
    case::CaseEvent,
    gold::GoldEvent,
    id::{ActId, AssignmentId, CalibrationId, CaseId, EngagementId, OrgId, PersonId, SowId},
    panel::PanelEvent,
    stream::{Event, Scope, StreamId},
    time::Instant,
};
use serde::{Deserialize, Serialize};

/// What an act did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The act.
    pub act: ActId,
    /// When it was recorded.
    pub at: Instant,
    /// `dir` or the engagement.
    pub scope: String,
    /// Word of the command.
    pub command: String,
    /// What happened, in order; empty if nothing had to.
    pub events: Vec<Happened>,
    /// The assignment that came with the seat it took. Kept here because the seat may be gone when the request comes again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment: Option<AssignmentId>,
}

/// One event of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    /// The stream, such as `case/case_01...`.
    pub stream: String,
    /// What happened, such as `received`.
    pub kind: String,
}

impl Receipt {
    pub(crate) fn new(act: ActId, at: Instant, scope: Scope, command: &str, events: &[(StreamId, Event)]) -> Self {
        let happened =
            |(stream, event): &(StreamId, Event)| Happened { stream: stream.to_string(), kind: event.write().0 };
        // Whoever is shown gold, or reads it, is answered as about any other case.
        let shows = events.iter().any(|(_, event)| matches!(event, Event::Gold(GoldEvent::Shown { .. })));
        let told = |(_, event): &&(StreamId, Event)| match event {
            Event::Gold(GoldEvent::Shown { .. } | GoldEvent::Answered { .. } | GoldEvent::Retired { by: None, .. }) => {
                false
            }
            Event::Case(CaseEvent::Received { .. } | CaseEvent::ItemAdded { .. } | CaseEvent::Admitted { .. })
            | Event::Panel(PanelEvent::Planned { .. }) => !shows,
            _ => true,
        };
        Self {
            act,
            at,
            scope: scope.to_string(),
            command: command.to_owned(),
            events: events.iter().filter(told).map(happened).collect(),
            assignment: events.iter().find_map(|(_, event)| match event {
                Event::Panel(PanelEvent::SeatTaken { assignment, .. }) => Some(*assignment),
                _ => None,
            }),
        }
    }

    /// Returns the engagement in which it happened.
    pub fn engagement(&self) -> Option<EngagementId> {
        self.scope.parse().ok()
    }

    /// Returns the first case among the streams.
    pub fn case(&self) -> Option<CaseId> {
        self.first(|stream| match stream {
            StreamId::Case(case) => Some(case),
            StreamId::Panel(panel) => Some(panel.case()),
            StreamId::Engagement(_)
            | StreamId::Sow(_)
            | StreamId::Line(_)
            | StreamId::Gold(_)
            | StreamId::Calibration(_)
            | StreamId::Precedent(_)
            | StreamId::Alarm(_)
            | StreamId::Review(_)
            | StreamId::Lot(_)
            | StreamId::Sampler(_)
            | StreamId::Model(_)
            | StreamId::Member(_)
            | StreamId::Organisation(_)
            | StreamId::Person(_) => None,
        })
    }

    /// Returns the first statement of work among the streams.
    pub fn sow(&self) -> Option<SowId> {
        self.first(|stream| if let StreamId::Sow(sow) = stream { Some(sow) } else { None })
    }

    /// Returns the first calibration round among the streams.
    pub(crate) fn calibration(&self) -> Option<CalibrationId> {
        self.first(|stream| if let StreamId::Calibration(calibration) = stream { Some(calibration) } else { None })
    }

    /// Returns the first person among the streams.
    pub fn person(&self) -> Option<PersonId> {
        self.first(|stream| if let StreamId::Person(person) = stream { Some(person) } else { None })
    }

    /// Returns the first organisation among the streams.
    pub fn organisation(&self) -> Option<OrgId> {
        self.first(|stream| if let StreamId::Organisation(org) = stream { Some(org) } else { None })
    }

    /// Returns whether something of this kind happened.
    pub fn has(&self, kind: &str) -> bool {
        self.events.iter().any(|happened| happened.kind == kind)
    }

    fn first<T>(&self, wanted: impl Fn(StreamId) -> Option<T>) -> Option<T> {
        self.events.iter().filter_map(|happened| happened.stream.parse().ok()).find_map(wanted)
    }
}
