//! The engagement, its statements of work with lines, and its members.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    hash::Digest,
    id::{CaseId, EngagementId, LineId, OrgId, PersonId, SowId},
    index::{EngagementRow, EngagementStatus, MemberRow, Row, words},
    pack::{Duty, PackRef, Plan},
    role::{Role, Side},
    text::TextRef,
    time::{Date, Instant},
};

/// What happens to an engagement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub enum EngagementEvent {
    /// It was set up.
    Drafted { engagement: EngagementId, name: TextRef, client: OrgId, provider: OrgId },
    /// A statement of work became the baseline: new cases come in under it.
    BaselineSet { sow: SowId },
    /// A signed statement of work waits for its first day; until then the baseline holds.
    SuccessorSet { sow: SowId },
    /// A statement of work for history was put in place.
    HistorySet { sow: SowId },
    /// Work may begin.
    WentLive { by: PersonId },
}

/// What happens to one version of a statement of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub enum SowEvent {
    /// It was written.
    Drafted {
        sow: SowId,
        number: u32,
        starts_on: Date,
        ends_on: Date,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        names_people: bool,
        lines: Vec<SowLine>,
    },
    /// It was rewritten while still a draft.
    Revised {
        starts_on: Date,
        ends_on: Date,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        names_people: bool,
        lines: Vec<SowLine>,
    },
    /// It was laid before the other side; from here on it never changes (I13).
    Proposed { by: PersonId },
    /// One side signed.
    Signed { side: Side, by: PersonId, natural: PersonId },
    /// Both sides have signed.
    TookEffect {},
    /// A later version took its place.
    Superseded { successor: SowId },
}

/// What happens to the counters of a SOW line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub enum LineEvent {
    /// A case took one unit of the volume.
    VolumeTaken { case: CaseId },
    /// A cancelled case gave it back.
    VolumeReturned { case: CaseId },
}

/// What happens to a person's membership.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub enum MemberEvent {
    /// The person joined.
    Added { person: PersonId, natural: PersonId, side: Side, roles: BTreeSet<Role>, capacity: u32 },
    /// Roles or capacity changed.
    Changed { roles: BTreeSet<Role>, capacity: u32 },
    /// A duty was taken.
    DutyTaken { case: CaseId, duty: Duty },
    /// A duty ended, however it ended.
    DutyEnded { case: CaseId, duty: Duty },
    /// Answers to gold cases that the person has been told of, all in all, by the pack under which they were given.
    GoldTallied { pack: Digest, answers: u32, right: u32 },
    /// The person left the engagement.
    Removed { successor: Option<PersonId> },
}

words! {
    /// What a SOW line is for.
    LineKind {
        /// Work to be done.
        Standard "standard",
        /// Past work taken from files: no volume, no price, never signed or delivered.
        History "history",
    }
}

words! {
    /// Where a statement of work stands.
    SowStatus {
        /// Being written.
        Draft "draft",
        /// Laid before the other side.
        Proposed "proposed",
        /// In force.
        InForce "in_force",
        /// Replaced.
        Superseded "superseded",
    }
}

/// One service with unit, price, caps and the plan for its quality.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SowLine {
    /// Its identifier.
    pub line: LineId,
    /// Clause by which people call it, such as `2.1`.
    pub clause: String,
    /// Service in words.
    pub service: String,
    /// Work or history.
    pub kind: LineKind,
    /// Case types that are in scope.
    pub includes: BTreeSet<String>,
    /// Case types that are named as out of scope.
    pub excludes: BTreeSet<String>,
    /// Jurisdictions in scope; empty: all.
    pub jurisdictions: BTreeSet<String>,
    /// Countries from which the work may be done and seen; empty: all.
    pub places: BTreeSet<String>,
    /// Most cases; none: no cap.
    pub volume_max: Option<u32>,
    /// Price of one case in minor units.
    pub price_minor: i64,
    /// Currency, ISO 4217.
    pub currency: String,
    /// Revisions included for each case; those caused by the provider are not counted.
    pub revisions_max: u32,
    /// The pack by which its cases are worked.
    pub pack: PackRef,
    /// The quality plan.
    pub plan: Plan,
}

/// An engagement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engagement {
    /// Its identifier.
    pub engagement: EngagementId,
    /// Its name.
    pub name: TextRef,
    /// Who owns the goal.
    pub client: OrgId,
    /// Who does the work.
    pub provider: OrgId,
    /// Where it stands.
    pub status: EngagementStatus,
    /// The statement of work under which cases come in, until its successor begins.
    pub baseline: Option<SowId>,
    /// The signed statement of work that takes its place on its own first day.
    pub successor: Option<SowId>,
    /// The statement of work for history.
    pub history: Option<SowId>,
    /// When it was set up.
    pub drafted_at: Instant,
}

/// One version of a statement of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sow {
    /// Its identifier.
    pub sow: SowId,
    /// Version number, from 1.
    pub number: u32,
    /// First day.
    pub starts_on: Date,
    /// Last day.
    pub ends_on: Date,
    /// Whether the client knows the people who read by name; otherwise by number.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub names_people: bool,
    /// Its lines.
    pub lines: Vec<SowLine>,
    /// Where it stands.
    pub status: SowStatus,
    /// Who signed: side, person, natural person.
    pub signatures: Vec<(Side, PersonId, PersonId)>,
}

/// Counters of a SOW line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LineUse {
    /// Cases admitted and not cancelled.
    pub taken: u32,
}

/// A person in an engagement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The person.
    pub person: PersonId,
    /// The natural person.
    pub natural: PersonId,
    /// On whose side.
    pub side: Side,
    /// Roles.
    pub roles: BTreeSet<Role>,
    /// Most duties at a time.
    pub capacity: u32,
    /// Duties held now.
    pub load: u32,
    /// Whether the membership holds.
    pub active: bool,
    /// Answers to gold cases that the person has been told of, by pack.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gold: BTreeMap<Digest, Tally>,
    /// When the membership began.
    pub joined_at: Instant,
}

/// Answers to questions of gold cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// How many were given.
    pub answers: u32,
    /// How many of them were like the gold answer.
    pub right: u32,
}

impl Engagement {
    pub(crate) fn apply(state: Option<Self>, event: &EngagementEvent, at: Instant) -> Option<Self> {
        if let EngagementEvent::Drafted { engagement, name, client, provider } = *event {
            let (baseline, successor, history) = (None, None, None);
            let status = EngagementStatus::Draft;
            let drafted =
                Self { engagement, name, client, provider, status, baseline, successor, history, drafted_at: at };
            return state.is_none().then_some(drafted);
        }
        let mut engagement = state?;
        match *event {
            EngagementEvent::Drafted { .. } => {}
            EngagementEvent::BaselineSet { sow } => {
                engagement.baseline = Some(sow);
                engagement.successor = None;
            }
            EngagementEvent::SuccessorSet { sow } => engagement.successor = Some(sow),
            EngagementEvent::HistorySet { sow } => engagement.history = Some(sow),
            EngagementEvent::WentLive { .. } => engagement.status = EngagementStatus::Live,
        }
        Some(engagement)
    }

    /// Returns the statement of work by which cases come in: the successor from its first day on, the baseline before.
    ///
    /// So no day lies between a version and the one that follows it, unless the two leave one out. `sows` hold both.
    pub fn agreed<'a>(&self, sows: &'a BTreeMap<SowId, Sow>, now: Instant) -> Option<&'a Sow> {
        let successor = self.successor.and_then(|sow| sows.get(&sow)).filter(|sow| sow.begun(now));
        successor.or_else(|| sows.get(&self.baseline?))
    }

    /// Returns whether the client knows the people who read by name, as both sides have signed. `sows` hold those that
    /// [`Engagement::signed`] names.
    pub fn names_people(&self, sows: &BTreeMap<SowId, Sow>, now: Instant) -> bool {
        self.agreed(sows, now).is_some_and(|sow| sow.names_people)
    }

    /// Returns its statements of work that are signed by both sides, those it lives by now and next.
    pub fn signed(&self) -> impl Iterator<Item = SowId> {
        self.baseline.into_iter().chain(self.successor).chain(self.history)
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        vec![Row::Engagement(EngagementRow {
            name: self.name.id,
            client: self.client,
            provider: self.provider,
            status: self.status,
            drafted_at: self.drafted_at,
        })]
    }
}

impl Sow {
    pub(crate) fn apply(state: Option<Self>, event: &SowEvent, _: Instant) -> Option<Self> {
        if let SowEvent::Drafted { sow, number, starts_on, ends_on, names_people, lines } = event.clone() {
            let (status, signatures) = (SowStatus::Draft, Vec::new());
            let drafted = Self { sow, number, starts_on, ends_on, names_people, lines, status, signatures };
            return state.is_none().then_some(drafted);
        }
        let mut sow = state?;
        match event.clone() {
            SowEvent::Drafted { .. } => {}
            SowEvent::Revised { starts_on, ends_on, names_people, lines } => {
                (sow.starts_on, sow.ends_on) = (starts_on, ends_on);
                (sow.names_people, sow.lines) = (names_people, lines);
            }
            SowEvent::Proposed { .. } => sow.status = SowStatus::Proposed,
            SowEvent::Signed { side, by, natural } => sow.signatures.push((side, by, natural)),
            SowEvent::TookEffect {} => sow.status = SowStatus::InForce,
            SowEvent::Superseded { .. } => sow.status = SowStatus::Superseded,
        }
        Some(sow)
    }

    /// Returns the line with this identifier.
    pub fn line(&self, line: LineId) -> Option<&SowLine> {
        self.lines.iter().find(|candidate| candidate.line == line)
    }

    /// Returns whether it holds at this instant: in force, and between its first and last day.
    pub fn holds(&self, now: Instant) -> bool {
        self.status == SowStatus::InForce && self.starts_on <= now.date() && now.date() <= self.ends_on
    }

    /// Returns whether its first day has come.
    pub fn begun(&self, now: Instant) -> bool {
        self.starts_on <= now.date()
    }

    /// Returns whether all lines are of kind history: then it promises nothing, and one signature is enough.
    pub fn history_only(&self) -> bool {
        self.lines.iter().all(|line| line.kind == LineKind::History)
    }
}

impl LineUse {
    pub(crate) fn apply(state: Option<Self>, event: &LineEvent, _: Instant) -> Option<Self> {
        Some(match event {
            LineEvent::VolumeTaken { .. } => Self { taken: state.unwrap_or_default().taken.saturating_add(1) },
            LineEvent::VolumeReturned { .. } => Self { taken: state?.taken.saturating_sub(1) },
        })
    }
}

impl Member {
    pub(crate) fn apply(state: Option<Self>, event: &MemberEvent, at: Instant) -> Option<Self> {
        if let MemberEvent::Added { person, natural, side, roles, capacity } = event.clone() {
            // A person who comes back keeps the duties of the first stay, if any were left.
            let (load, gold) = state.map_or_else(Default::default, |before| (before.load, before.gold));
            return Some(Self { person, natural, side, roles, capacity, load, active: true, joined_at: at, gold });
        }
        let mut member = state?;
        match event.clone() {
            MemberEvent::Added { .. } => {}
            MemberEvent::Changed { roles, capacity } => (member.roles, member.capacity) = (roles, capacity),
            MemberEvent::DutyTaken { .. } => member.load = member.load.saturating_add(1),
            MemberEvent::DutyEnded { .. } => member.load = member.load.saturating_sub(1),
            MemberEvent::GoldTallied { pack, answers, right } => {
                member.gold.insert(pack, Tally { answers, right });
            }
            MemberEvent::Removed { .. } => member.active = false,
        }
        Some(member)
    }

    /// Returns whether the person holds this role now.
    pub fn holds(&self, role: Role) -> bool {
        self.active && self.roles.contains(&role)
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        vec![Row::Member(MemberRow {
            person: self.person,
            side: self.side,
            roles: self.roles.iter().copied().collect(),
            active: self.active,
            capacity: self.capacity,
            load: self.load,
        })]
    }
}
