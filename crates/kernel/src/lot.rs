//! Lots and the draw: which decided cases are looked at again, so that nobody can foresee, skip or swap (I23).
//!
//! A lot is what was decided in one week under one SOW line and case type. When it opens, a secret seed is drawn and only
//! its commitment is recorded. Each case draws its number from that seed *after* it is decided; when the lot is complete
//! its seed is revealed, and whoever holds the events can draw every number again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::ToSpan as _;
use remit_stats::sampling::standard::{self, Letter, Severity, Shown};
use serde::{Deserialize, Serialize};

use crate::{
    case::DrawCause,
    hash::Digest,
    id::{CaseId, Id as _, LineId, LotId, PersonId, SamplerId, Suffix},
    index::{LotRow, LotStatus, Row, words},
    pack::{Acceptance, ReviewPlan, Risk, WHOLE},
    text::TextRef,
    time::Instant,
};

/// Most cases of a lot: a fuller week is judged in several lots.
pub const LOT_MAX: usize = 1_000;
/// So often work that failed is mended and looked at again; then the delivery manager decides.
pub const ROUNDS_MAX: u32 = 2;
/// Most cases that one act draws once a lot is rejected; the next act goes on.
pub const SCREENED_MAX: usize = 100;

/// What happens to a lot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub enum LotEvent {
    /// Its first case was decided. `commitment` binds the seed that nobody knows yet.
    Opened {
        lot: LotId,
        line: LineId,
        case_type: String,
        number: u32,
        ends_at: Instant,
        commitment: Digest,
        mode: Mode,
        acceptance: Option<Acceptance>,
    },
    /// A decided case joined it; `drawn`: a quality review of it is due.
    Joined { case: CaseId, drawn: bool },
    /// It is complete, and its seed is open: the first `sample` cases in the order of the draw are judged, and up to
    /// `accept` of them may fail.
    Closed { seed: Digest, letter: String, sample: u32, accept: u32 },
    /// A case was drawn after the lot was complete.
    Selected { case: CaseId },
    /// The review of a case was finished.
    Reviewed { case: CaseId, passed: bool },
    /// A finding was struck after the author's answer.
    Overturned { case: CaseId },
    /// A case was released to the client.
    Delivered { case: CaseId },
    /// A case ended before it was reviewed.
    Left { case: CaseId },
    /// The sample is reviewed.
    Judged { found: u32, accepted: bool },
    /// Every case of the rejected lot is drawn.
    Screened {},
}

/// What happens to the sampling of a service and case type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub enum SamplerEvent {
    /// The first lot opened.
    Began { sampler: SamplerId, line: LineId, case_type: String },
    /// A lot opened: decided cases join it.
    LotOpened { lot: LotId },
    /// A lot was judged, and this is how the next ones are sampled.
    LotJudged { lot: LotId, accepted: bool, switching: Switching },
    /// The client lets sampling begin again after it was discontinued.
    Resumed { by: PersonId, note: TextRef },
}

words! {
    /// How strictly lots are judged.
    Mode {
        /// As planned.
        Normal "normal",
        /// Fewer failures are let pass, after rejected lots.
        Tightened "tightened",
        /// Smaller samples, after a good run.
        Reduced "reduced",
        /// Too many lots were rejected: every case is reviewed until the client lets sampling begin again.
        Discontinued "discontinued",
    }
}

words! {
    /// Where a case of a lot stands.
    Place {
        /// Not drawn.
        Undrawn "undrawn",
        /// Drawn, not yet reviewed.
        Pending "pending",
        /// Reviewed, nothing found that counts.
        Passed "passed",
        /// Reviewed and failed.
        Failed "failed",
    }
}

/// The secret seed of a lot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub [u8; 32]);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(secret)")
    }
}

impl Seed {
    /// Returns what is recorded of it while it is secret.
    pub fn commitment(&self) -> Digest {
        Digest::of_parts(&[b"remit lot seed 1", &self.0])
    }

    /// Returns the number that a case draws for one purpose, spread evenly over all 64-bit numbers.
    ///
    /// It is the first eight bytes, big end first, of SHA-256 over the seed, the purpose and the case's identifier, each
    /// preceded by its length in eight bytes.
    pub fn number(&self, case: CaseId, purpose: &str) -> u64 {
        let digest = Digest::of_parts(&[&self.0, purpose.as_bytes(), case.to_string().as_bytes()]);
        let mut first = [0; 8];
        first.copy_from_slice(&digest.bytes()[..8]);
        u64::from_be_bytes(first)
    }

    /// Returns whether a case is drawn for a purpose at a share in basis points.
    pub fn draws(&self, case: CaseId, purpose: &str, share: u32) -> bool {
        u128::from(self.number(case, purpose)) * u128::from(WHOLE) < u128::from(share) << 64
    }

    /// Returns the cases in the order of the draw: the smallest number first.
    pub fn order(&self, cases: impl IntoIterator<Item = CaseId>) -> Vec<CaseId> {
        let mut order: Vec<_> = cases.into_iter().collect();
        order.sort_unstable_by_key(|case| (self.number(*case, RANDOM), *case));
        order
    }
}

/// The purpose of the draw by chance alone, and of the order in which a sample is taken.
pub const RANDOM: &str = "random";
/// The purpose of the draw for the client's own readers.
pub const IN_HOUSE: &str = "in_house";
/// The purpose of the draw for a second reviewer.
pub const SECOND: &str = "second";

/// Returns why a decided case is drawn for quality review; nothing: it is not.
pub fn causes(plan: &ReviewPlan, mode: Mode, seed: &Seed, case: CaseId, risks: &BTreeSet<Risk>) -> BTreeSet<DrawCause> {
    if mode == Mode::Discontinued {
        return [DrawCause::EveryCase].into();
    }
    let random = seed.draws(case, RANDOM, plan.random).then_some(DrawCause::Random);
    let marked =
        risks.iter().filter(|risk| plan.risks.get(risk).is_some_and(|share| seed.draws(case, risk.word(), *share)));
    random.into_iter().chain(marked.map(|risk| DrawCause::from(*risk))).collect()
}

/// Returns whether a decided case is drawn for the client's own readers.
pub fn in_house(plan: &ReviewPlan, seed: &Seed, case: CaseId) -> bool {
    seed.draws(case, IN_HOUSE, plan.in_house)
}

/// Returns whether a case that was drawn for these causes is drawn for a second reviewer too: chance alone must have drawn
/// it, so that what both find tells of all cases.
pub fn second(plan: &ReviewPlan, seed: &Seed, case: CaseId, causes: &BTreeSet<DrawCause>) -> bool {
    causes.contains(&DrawCause::Random) && seed.draws(case, SECOND, plan.second)
}

/// Returns the name of the sampling of a line's case type.
pub fn sampler_of(line: LineId, case_type: &str) -> SamplerId {
    let digest = Digest::of_parts(&[line.to_string().as_bytes(), case_type.as_bytes()]);
    let mut name = [0; 10];
    name.copy_from_slice(&digest.bytes()[..10]);
    SamplerId::of(Suffix::new(0, name))
}

/// Returns when the week of an instant ends: Monday at midnight, UTC.
pub fn week_end(now: Instant) -> Instant {
    let today = now.date();
    let days = 7 - i64::from(today.weekday().to_monday_zero_offset());
    let monday = today.checked_add(days.days()).unwrap_or(jiff::civil::Date::MAX);
    let midnight = monday.to_zoned(jiff::tz::TimeZone::UTC).map(|at| at.timestamp().as_microsecond());
    midnight.map_or(now.plus_seconds(days * 86_400), Instant::from_micros)
}

/// How the lots of a sampler are judged, and what led there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Switching {
    /// How strictly.
    pub mode: Mode,
    /// The last lots since the mode changed, the newest last: whether each was accepted; at most five.
    pub recent: Vec<bool>,
    /// Grows with lots that would have passed more strictly; at 30 smaller samples may do.
    pub score: u32,
    /// Lots rejected since sampling was tightened.
    pub rejected: u32,
}

#[allow(clippy::derivable_impls, reason = "the macro of words marks no variant")]
impl Default for Mode {
    fn default() -> Self {
        Self::Normal
    }
}

/// The sampling of a service and case type, from lot to lot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sampler {
    /// Its name.
    pub sampler: SamplerId,
    /// The SOW line.
    pub line: LineId,
    /// The case type.
    pub case_type: String,
    /// Lots opened so far.
    pub lots: u32,
    /// The lot that decided cases join.
    pub current: Option<LotId>,
    /// How strictly lots are judged.
    pub switching: Switching,
    /// Since when.
    pub since: Instant,
}

/// A lot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Lot {
    pub lot: LotId,
    pub line: LineId,
    pub case_type: String,
    pub number: u32,
    pub opened_at: Instant,
    pub ends_at: Instant,
    pub commitment: Digest,
    pub mode: Mode,
    pub acceptance: Option<Acceptance>,
    pub status: LotStatus,
    /// Its cases; at most [`LOT_MAX`].
    pub cases: BTreeMap<CaseId, Place>,
    /// Cases that ended before they were reviewed.
    pub left: u32,
    /// Cases released to the client.
    pub delivered: u32,
    /// The seed, once it is open.
    pub seed: Option<Digest>,
    pub letter: String,
    pub sample: u32,
    pub accept: u32,
    /// Failures in the sample when it was judged.
    pub judged: Option<u32>,
    /// When it was complete.
    pub closed_at: Option<Instant>,
    /// When it was judged.
    pub judged_at: Option<Instant>,
    /// Whether every case of the rejected lot is drawn.
    pub screened: bool,
}

impl Lot {
    pub(crate) fn apply(state: Option<Self>, event: &LotEvent, at: Instant) -> Option<Self> {
        if let LotEvent::Opened { lot, line, case_type, number, ends_at, commitment, mode, acceptance } = event.clone()
        {
            return state.is_none().then_some(Self {
                lot,
                line,
                case_type,
                number,
                opened_at: at,
                ends_at,
                commitment,
                mode,
                acceptance,
                status: LotStatus::Open,
                cases: BTreeMap::new(),
                left: 0,
                delivered: 0,
                seed: None,
                letter: String::new(),
                sample: 0,
                accept: 0,
                judged: None,
                closed_at: None,
                judged_at: None,
                screened: false,
            });
        }
        let mut lot = state?;
        lot.take(event.clone(), at);
        Some(lot)
    }

    fn take(&mut self, event: LotEvent, at: Instant) {
        match event {
            LotEvent::Opened { .. } => {}
            LotEvent::Joined { case, drawn } => {
                self.cases.insert(case, if drawn { Place::Pending } else { Place::Undrawn });
            }
            LotEvent::Closed { seed, letter, sample, accept } => {
                (self.seed, self.closed_at) = (Some(seed), Some(at));
                (self.letter, self.sample, self.accept) = (letter, sample, accept);
                self.status = if sample == 0 { LotStatus::Closed } else { LotStatus::Judging };
            }
            LotEvent::Selected { case } => drop(self.cases.insert(case, Place::Pending)),
            LotEvent::Reviewed { case, passed } => {
                self.cases.insert(case, if passed { Place::Passed } else { Place::Failed });
            }
            LotEvent::Overturned { case } => drop(self.cases.insert(case, Place::Passed)),
            LotEvent::Delivered { .. } => self.delivered += 1,
            LotEvent::Left { case } => {
                self.cases.remove(&case);
                self.left += 1;
            }
            LotEvent::Judged { found, accepted } => {
                (self.judged, self.judged_at) = (Some(found), Some(at));
                self.status = if accepted { LotStatus::Accepted } else { LotStatus::Rejected };
            }
            LotEvent::Screened {} => self.screened = true,
        }
    }

    /// Returns the cases that are judged: the first in the order of the draw, once the seed is open.
    pub fn sampled(&self) -> Vec<CaseId> {
        let Some(seed) = self.seed else { return Vec::new() };
        let mut order = Seed(*seed.bytes()).order(self.cases.keys().copied());
        order.truncate(self.sample as usize);
        order
    }

    /// Returns the cases that complete its sample once its seed is open.
    pub fn to_sample(&self, seed: &Seed) -> Vec<CaseId> {
        let size = u32::try_from(self.cases.len()).unwrap_or(u32::MAX);
        let plan = self.acceptance.and_then(|acceptance| plan_for(acceptance, self.mode, size));
        let mut order = seed.order(self.cases.keys().copied());
        order.truncate(plan.map_or(0, |plan| plan.sample as usize));
        order.retain(|case| self.cases.get(case) == Some(&Place::Undrawn));
        order
    }

    /// Returns how many of these cases failed; none: one of them is not reviewed yet.
    pub fn failures(&self, cases: &[CaseId]) -> Option<u32> {
        let mut found = 0;
        for case in cases {
            match self.cases.get(case)? {
                Place::Undrawn | Place::Pending => return None,
                Place::Passed => {}
                Place::Failed => found += 1,
            }
        }
        Some(found)
    }

    /// Returns the cases at a place.
    pub fn at(&self, place: Place) -> impl Iterator<Item = CaseId> {
        self.cases.iter().filter(move |(_, known)| **known == place).map(|(case, _)| *case)
    }

    /// Returns whether decided cases may still join it.
    pub fn joinable(&self, now: Instant) -> bool {
        self.status == LotStatus::Open && now < self.ends_at && self.cases.len() < LOT_MAX
    }

    /// Returns whether a case may not be delivered because its lot was rejected and nobody has reviewed it.
    pub fn holds(&self, case: CaseId) -> bool {
        self.status == LotStatus::Rejected && matches!(self.cases.get(&case), Some(Place::Undrawn | Place::Pending))
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        let count = |wanted: &[Place]| {
            u32::try_from(self.cases.values().filter(|place| wanted.contains(place)).count()).unwrap_or(u32::MAX)
        };
        vec![Row::Lot(LotRow {
            lot: self.lot,
            line: self.line,
            case_type: self.case_type.clone(),
            number: self.number,
            status: self.status,
            opened_at: self.opened_at,
            ends_at: self.ends_at,
            size: count(Place::ALL),
            drawn: count(&[Place::Pending, Place::Passed, Place::Failed]),
            reviewed: count(&[Place::Passed, Place::Failed]),
            found: count(&[Place::Failed]),
        })]
    }
}

impl Sampler {
    pub(crate) fn apply(state: Option<Self>, event: &SamplerEvent, at: Instant) -> Option<Self> {
        if let SamplerEvent::Began { sampler, line, case_type } = event.clone() {
            let (current, switching) = (None, Switching::default());
            return state.is_none().then_some(Self {
                sampler,
                line,
                case_type,
                lots: 0,
                current,
                switching,
                since: at,
            });
        }
        let mut sampler = state?;
        match event.clone() {
            SamplerEvent::Began { .. } => {}
            SamplerEvent::LotOpened { lot } => {
                sampler.lots += 1;
                sampler.current = Some(lot);
            }
            SamplerEvent::LotJudged { switching, .. } => {
                if switching.mode != sampler.switching.mode {
                    sampler.since = at;
                }
                sampler.switching = switching;
            }
            SamplerEvent::Resumed { .. } => {
                // Work that begins again is judged strictly until five lots in a row have passed.
                sampler.switching = Switching { mode: Mode::Tightened, ..Switching::default() };
                sampler.since = at;
            }
        }
        Some(sampler)
    }
}

/// How a lot of one size is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamplePlan {
    /// Code letter of the sample size.
    pub letter: String,
    /// Cases in the sample, at most the lot's size.
    pub sample: u32,
    /// Failures that are let pass.
    pub accept: u32,
}

/// Returns how a lot of this size is judged, by ISO 2859-1 at inspection level II; nothing: it is empty, every case of it
/// is reviewed anyway, or the limit is none of the standard's.
pub fn plan_for(acceptance: Acceptance, mode: Mode, size: u32) -> Option<SamplePlan> {
    let severity = match mode {
        Mode::Normal => Severity::Normal,
        Mode::Tightened => Severity::Tightened,
        Mode::Reduced => Severity::Reduced,
        Mode::Discontinued => return None,
    };
    if size < 2 {
        // A sample of one case is the lot.
        return (size == 1).then(|| SamplePlan { letter: String::new(), sample: 1, accept: 0 });
    }
    let letter = Letter::of_lot(size.into()).ok()?;
    let plan = letter.plan(f64::from(acceptance.aql) / 100.0, severity).ok()?;
    let whole = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Some(SamplePlan {
        letter: letter.letter().to_string(),
        sample: whole(plan.n).min(size),
        accept: whole(plan.accept),
    })
}

/// Quality limits that the standard has plans for, in basis points, from 0.1 % on.
pub const LIMITS: [u32; 11] = [10, 15, 25, 40, 65, 100, 150, 250, 400, 650, 1_000];
/// Lots that are looked back on.
const LOOKED_BACK: usize = 5;

impl Switching {
    /// Returns how the next lots are judged after this one, by the rules of ISO 2859-1, 9.3.
    #[must_use]
    pub fn after(&self, lot: &Lot, found: u32, accepted: bool) -> Self {
        let shown = Shown {
            accepted,
            accepted_one_step_tighter: lot.would_pass_tighter(found),
            accept: lot.accept.into(),
            reducible: lot.acceptance.is_some_and(|acceptance| acceptance.reduced),
        };
        let (mode, score, rejected) = match self.standing().after(shown) {
            standard::Switching::Normal { score, .. } => (Mode::Normal, score, 0),
            standard::Switching::Tightened { rejected, .. } => (Mode::Tightened, 0, rejected),
            standard::Switching::Reduced => (Mode::Reduced, 0, 0),
            standard::Switching::Discontinued => (Mode::Discontinued, 0, 0),
        };
        let mut recent = if mode == self.mode { self.recent.clone() } else { Vec::new() };
        if mode == self.mode {
            recent.push(accepted);
            recent.drain(..recent.len().saturating_sub(LOOKED_BACK));
        }
        Self { mode, recent, score, rejected }
    }

    /// Returns where the standard's rules stand.
    fn standing(&self) -> standard::Switching {
        let newest = |place: usize| self.recent.iter().rev().nth(place);
        match self.mode {
            Mode::Normal => {
                let rejected = [0, 1, 2, 3].map(|place| newest(place) == Some(&false));
                standard::Switching::Normal { rejected, score: self.score }
            }
            Mode::Tightened => {
                let run = self.recent.iter().rev().take_while(|accepted| **accepted).count();
                let accepted_in_a_row = u32::try_from(run).unwrap_or(u32::MAX);
                standard::Switching::Tightened { accepted_in_a_row, rejected: self.rejected }
            }
            Mode::Reduced => standard::Switching::Reduced,
            Mode::Discontinued => standard::Switching::Discontinued,
        }
    }
}

impl Lot {
    /// Returns whether the lot would have passed at the next stricter limit.
    fn would_pass_tighter(&self, found: u32) -> bool {
        let Some(acceptance) = self.acceptance else { return false };
        let Some(stricter) = LIMITS.iter().rev().find(|limit| **limit < acceptance.aql) else { return false };
        let size = u32::try_from(self.cases.len()).unwrap_or(u32::MAX);
        let plan = plan_for(Acceptance { aql: *stricter, ..acceptance }, self.mode, size);
        plan.is_some_and(|plan| found <= plan.accept)
    }
}
