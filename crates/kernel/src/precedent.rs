//! Precedents: decided cases published as guidance for like ones. Never from a sealed panel, never from gold in rotation.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    form::{Answer, QuestionKey},
    id::{PersonId, PrecedentId},
    index::{PrecedentRow, Row, words},
    text::TextRef,
    time::Instant,
};

/// What happens to a precedent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub enum PrecedentEvent {
    /// A decided case was proposed as guidance. `involved` are those whose answer it is.
    Proposed { precedent: PrecedentId, matter: Box<Example>, involved: BTreeSet<PersonId>, by: PersonId },
    /// Another person agreed: it is shown from now on.
    Approved { by: PersonId, natural: PersonId },
    /// Another person did not agree.
    Declined { by: PersonId, reason: TextRef },
    /// It no longer guides.
    Withdrawn { by: PersonId, reason: TextRef },
    /// Another precedent says it better.
    Superseded { successor: PrecedentId },
}

words! {
    /// Where a precedent stands.
    PrecedentStatus {
        /// Waits for another person to approve it.
        Proposed "proposed",
        /// Shown beside like cases.
        InForce "in_force",
        /// Not approved.
        Declined "declined",
        /// Guides no more.
        Withdrawn "withdrawn",
        /// Replaced by another.
        Superseded "superseded",
    }
}

/// What a precedent holds of the case it comes from: what it was about and how it was answered, and none of its documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub struct Example {
    /// Name of the pack; guidance outlives its versions.
    pub pack: String,
    pub case_type: String,
    pub fields: BTreeMap<String, TextRef>,
    pub question: QuestionKey,
    pub answer: Answer,
    /// The guidance, in words of its own.
    pub text: TextRef,
    /// The precedent whose place it takes.
    pub replaces: Option<PrecedentId>,
}

/// A precedent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Precedent {
    pub precedent: PrecedentId,
    pub example: Example,
    pub involved: BTreeSet<PersonId>,
    pub status: PrecedentStatus,
    pub proposed_by: PersonId,
    pub approved_by: Option<PersonId>,
    pub since: Instant,
    pub successor: Option<PrecedentId>,
}

impl Precedent {
    pub(crate) fn apply(state: Option<Self>, event: &PrecedentEvent, at: Instant) -> Option<Self> {
        let event = event.clone();
        if let PrecedentEvent::Proposed { precedent, matter, involved, by } = event {
            // What does not stand may be proposed again: the stream goes on.
            let again = state.as_ref().is_none_or(|state| !state.standing());
            return again.then_some(Self {
                precedent,
                example: *matter,
                involved,
                status: PrecedentStatus::Proposed,
                proposed_by: by,
                approved_by: None,
                since: at,
                successor: None,
            });
        }
        let mut precedent = state?;
        precedent.since = at;
        match event {
            PrecedentEvent::Proposed { .. } => {}
            PrecedentEvent::Approved { by, natural: _ } => {
                (precedent.status, precedent.approved_by) = (PrecedentStatus::InForce, Some(by));
            }
            PrecedentEvent::Declined { .. } => precedent.status = PrecedentStatus::Declined,
            PrecedentEvent::Withdrawn { .. } => precedent.status = PrecedentStatus::Withdrawn,
            PrecedentEvent::Superseded { successor } => {
                (precedent.status, precedent.successor) = (PrecedentStatus::Superseded, Some(successor));
            }
        }
        Some(precedent)
    }

    /// Returns whether it is proposed or in force.
    pub fn standing(&self) -> bool {
        matches!(self.status, PrecedentStatus::Proposed | PrecedentStatus::InForce)
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        vec![Row::Precedent(PrecedentRow {
            precedent: self.precedent,
            pack: self.example.pack.clone(),
            case_type: self.example.case_type.clone(),
            question: self.example.question.clone(),
            status: self.status,
            since: self.since,
        })]
    }
}
