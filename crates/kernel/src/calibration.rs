//! Calibration rounds: the same decided cases read blind by everybody invited, then laid side by side and discussed.
//!
//! A round always ends: when all have read, when a manager closes it, when nobody is left, or on its last day (I22).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    form::{Judgement, QuestionKey},
    id::{CalibrationId, CaseId, PersonId},
    index::{CalibrationRow, InviteeRow, Row, words},
    pack::PackRef,
    text::TextRef,
    time::Instant,
};

/// What happens to a calibration round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub enum CalibrationEvent {
    /// A manager picked cases and invited people.
    Opened {
        calibration: CalibrationId,
        title: TextRef,
        pack: PackRef,
        cases: Vec<CaseId>,
        invited: Vec<Invitee>,
        by: PersonId,
        ends_at: Instant,
    },
    /// Somebody sealed a reading of one of the cases.
    Read { case: CaseId, person: PersonId, judgement: Judgement },
    /// Somebody takes no part any more; what she has read stays.
    Left { person: PersonId, cause: Departure },
    /// The readings are open to all who take part.
    Closed { cause: Closing, by: Option<PersonId> },
    /// Something was learned.
    FindingNoted { finding: Finding },
}

words! {
    /// Where a round stands.
    CalibrationStatus {
        /// Being read, each reader for herself.
        Open "open",
        /// Read; everybody sees everything.
        Closed "closed",
    }
}

words! {
    /// Why somebody takes no part any more.
    Departure {
        /// She stepped back.
        SteppedBack "stepped_back",
        /// She left the engagement, or may no longer read its cases.
        Lost "lost",
    }
}

words! {
    /// Why a round ended.
    Closing {
        /// Everybody has read everything.
        AllRead "all_read",
        /// A manager closed it.
        Manager "manager",
        /// Its last day is over.
        Time "time",
        /// Nobody is left.
        Nobody "nobody",
    }
}

words! {
    /// What a discussion ended in.
    FindingKind {
        /// The playbook says it from now on.
        Playbook "playbook",
        /// A word means this from now on.
        Glossary "glossary",
        /// The case stands as an example.
        Precedent "precedent",
    }
}

/// Somebody who is invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitee {
    /// Who.
    pub person: PersonId,
    /// The natural person.
    pub natural: PersonId,
    /// Cases that she had got to know before: her answers to them are shown, and measure nothing.
    pub knows: BTreeSet<CaseId>,
}

/// What was learned in a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub struct Finding {
    pub kind: FindingKind,
    pub question: Option<QuestionKey>,
    pub case: Option<CaseId>,
    pub text: TextRef,
    pub by: PersonId,
}

/// A calibration round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Calibration {
    pub calibration: CalibrationId,
    pub title: TextRef,
    pub pack: PackRef,
    pub cases: Vec<CaseId>,
    pub invited: Vec<Invitee>,
    pub by: PersonId,
    pub opened_at: Instant,
    pub ends_at: Instant,
    /// Those who take no part any more.
    pub left: BTreeMap<PersonId, Departure>,
    /// By reader, then by case.
    pub readings: BTreeMap<PersonId, BTreeMap<CaseId, Judgement>>,
    pub closed: Option<(Closing, Instant)>,
    pub findings: Vec<(Finding, Instant)>,
}

impl Calibration {
    pub(crate) fn apply(state: Option<Self>, event: &CalibrationEvent, at: Instant) -> Option<Self> {
        let event = event.clone();
        if let CalibrationEvent::Opened { calibration, title, pack, cases, invited, by, ends_at } = event {
            let (left, readings) = (BTreeMap::new(), BTreeMap::new());
            let opened = Self {
                calibration,
                title,
                pack,
                cases,
                invited,
                by,
                opened_at: at,
                ends_at,
                left,
                readings,
                closed: None,
                findings: Vec::new(),
            };
            return state.is_none().then_some(opened);
        }
        let mut round = state?;
        match event {
            CalibrationEvent::Opened { .. } => {}
            CalibrationEvent::Read { case, person, judgement } => {
                round.readings.entry(person).or_default().insert(case, judgement);
            }
            CalibrationEvent::Left { person, cause } => drop(round.left.insert(person, cause)),
            CalibrationEvent::Closed { cause, by: _ } => round.closed = Some((cause, at)),
            CalibrationEvent::FindingNoted { finding } => round.findings.push((finding, at)),
        }
        Some(round)
    }

    /// Returns whether it is still being read.
    pub fn open(&self) -> bool {
        self.closed.is_none()
    }

    /// Returns where it stands.
    pub fn status(&self) -> CalibrationStatus {
        if self.open() { CalibrationStatus::Open } else { CalibrationStatus::Closed }
    }

    /// Returns the invitation of a person who takes part.
    pub fn invitee(&self, person: PersonId) -> Option<&Invitee> {
        self.invited.iter().find(|invitee| invitee.person == person && !self.left.contains_key(&person))
    }

    /// Returns those who take part.
    pub fn present(&self) -> impl Iterator<Item = &Invitee> {
        self.invited.iter().filter(|invitee| !self.left.contains_key(&invitee.person))
    }

    /// Returns a person's reading of a case.
    pub fn reading(&self, person: PersonId, case: CaseId) -> Option<&Judgement> {
        self.readings.get(&person)?.get(&case)
    }

    /// Returns how many of the cases a person has read.
    pub fn read_by(&self, person: PersonId) -> usize {
        self.readings.get(&person).map_or(0, BTreeMap::len)
    }

    /// Returns why it is over now, if it is: everybody who is there has read, or nobody is there.
    pub fn over(&self) -> Option<Closing> {
        if self.present().next().is_none() {
            return Some(Closing::Nobody);
        }
        self.present().all(|invitee| self.read_by(invitee.person) == self.cases.len()).then_some(Closing::AllRead)
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let round = CalibrationRow {
            calibration: self.calibration,
            title: self.title.id,
            status: self.status(),
            cases: number(self.cases.len()),
            invited: number(self.invited.len()),
            opened_at: self.opened_at,
            ends_at: self.ends_at,
            findings: number(self.findings.len()),
        };
        let invitees = self.invited.iter().map(|invitee| {
            Row::Invitee(InviteeRow {
                calibration: self.calibration,
                person: invitee.person,
                read: number(self.read_by(invitee.person)),
                present: !self.left.contains_key(&invitee.person),
            })
        });
        std::iter::once(Row::Calibration(round)).chain(invitees).collect()
    }
}
