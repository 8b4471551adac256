//! The review: one look at finished work by somebody who had no part in it, what was found, and the author's answer.
//!
//! A review always ends: a reviewer who is lost leaves it open to the next in the same act, and it ends with its case
//! (I22).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    case::DrawCause,
    form::{Judgement, QuestionKey},
    hash::Digest,
    id::{AssignmentId, CaseId, LotId, PersonId, ReviewId},
    index::{DefectKind, DefectRow, DutyRow, DutyStatus, ReviewKind, ReviewRow, ReviewStatus, Row, Severity},
    pack::Duty,
    panel::Release,
    text::TextRef,
    time::Instant,
};

/// What happens to a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
#[allow(clippy::large_enum_variant, reason = "an event is written once and folded once, one at a time")]
pub enum ReviewEvent {
    /// The lot's seed drew it.
    Drawn {
        review: ReviewId,
        case: CaseId,
        lot: LotId,
        sort: ReviewKind,
        causes: BTreeSet<DrawCause>,
        due_at: Instant,
        place: u32,
        /// Another review of the same content, drawn with this one: neither reviewer knows of the other.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        twin: Option<ReviewId>,
    },
    /// A reviewer took it.
    Taken { assignment: AssignmentId, person: PersonId, natural: PersonId },
    /// The reviewer gave it back, or was lost: it is open again.
    Released { assignment: AssignmentId, person: PersonId, cause: Release, note: Option<TextRef> },
    /// It is finished; a record of what was found in exactly this content, which never changes (I5).
    Finished {
        by: PersonId,
        natural: PersonId,
        content: Digest,
        passed: bool,
        defects: Vec<Defect>,
        coaching: Option<TextRef>,
        finding: Option<Judgement>,
        differing: Vec<QuestionKey>,
        authors: BTreeSet<PersonId>,
    },
    /// An author holds that the finding is wrong.
    Rebutted { by: PersonId, natural: PersonId, note: TextRef },
    /// Another person decided on the author's answer.
    Ruled { by: PersonId, natural: PersonId, upheld: bool, note: TextRef },
    /// The case ended first.
    Cancelled {},
}

/// Something found wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defect {
    /// Under which question; none: the work as a whole.
    pub question: Option<QuestionKey>,
    /// What is wrong.
    pub kind: DefectKind,
    /// How much it weighs.
    pub severity: Severity,
    /// What the reviewer saw.
    pub note: TextRef,
}

impl DefectKind {
    /// Returns whether the answer itself is questioned, so that an adjudicator decides again; else the owner mends words.
    pub const fn questions_answer(self) -> bool {
        match self {
            Self::Fact | Self::Standard | Self::Reasoning | Self::Evidence | Self::MissedScope => true,
            Self::Format => false,
        }
    }
}

impl Severity {
    /// Returns whether a defect of this weight fails the case.
    pub const fn fails(self) -> bool {
        match self {
            Self::Critical | Self::Major => true,
            Self::Minor => false,
        }
    }
}

/// A finished look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Finish {
    pub by: PersonId,
    pub natural: PersonId,
    pub at: Instant,
    pub content: Digest,
    pub passed: bool,
    pub defects: Vec<Defect>,
    pub coaching: Option<TextRef>,
    /// The answer that the reviewer holds instead; the client's own reading in an in-house review.
    pub finding: Option<Judgement>,
    /// Deciding questions on which an in-house reading differs from the outcome.
    pub differing: Vec<QuestionKey>,
    /// Natural persons whose work was looked at; they may answer.
    pub authors: BTreeSet<PersonId>,
}

impl Finish {
    /// Returns the first defect for which the answer has to be decided again.
    pub fn weighty(&self) -> Option<&Defect> {
        self.defects.iter().find(|defect| defect.severity.fails() && defect.kind.questions_answer())
    }
}

/// An author's answer to a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Rebuttal {
    pub by: PersonId,
    pub natural: PersonId,
    pub note: TextRef,
    pub at: Instant,
    pub ruling: Option<Ruling>,
}

/// A decision on an author's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Ruling {
    pub by: PersonId,
    pub natural: PersonId,
    pub upheld: bool,
    pub note: TextRef,
    pub at: Instant,
}

/// A time in which somebody has or had the review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Holding {
    pub assignment: AssignmentId,
    pub person: PersonId,
    pub natural: PersonId,
    pub status: DutyStatus,
    pub taken_at: Instant,
}

/// A review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Review {
    pub review: ReviewId,
    pub case: CaseId,
    pub lot: LotId,
    pub kind: ReviewKind,
    pub causes: BTreeSet<DrawCause>,
    pub drawn_at: Instant,
    pub due_at: Instant,
    /// Counts the reviews of its case, from 1.
    pub place: u32,
    /// The other review of the same content, where two were drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin: Option<ReviewId>,
    pub status: ReviewStatus,
    pub holdings: Vec<Holding>,
    pub finish: Option<Finish>,
    pub rebuttal: Option<Rebuttal>,
}

/// Ordinals of duties that one review may use up; the next review of the case begins after them.
const HOLDINGS_MAX: u32 = 1_000;

impl Review {
    pub(crate) fn apply(state: Option<Self>, event: &ReviewEvent, at: Instant) -> Option<Self> {
        let event = event.clone();
        if let ReviewEvent::Drawn { review, case, lot, sort, causes, due_at, place, twin } = event {
            return state.is_none().then_some(Self {
                review,
                case,
                lot,
                kind: sort,
                causes,
                drawn_at: at,
                due_at,
                place,
                twin,
                status: ReviewStatus::Open,
                holdings: Vec::new(),
                finish: None,
                rebuttal: None,
            });
        }
        let mut review = state?;
        review.take(event, at);
        Some(review)
    }

    fn take(&mut self, event: ReviewEvent, at: Instant) {
        match event {
            ReviewEvent::Drawn { .. } => {}
            ReviewEvent::Taken { assignment, person, natural } => {
                self.holdings.push(Holding { assignment, person, natural, status: DutyStatus::Active, taken_at: at });
                self.status = ReviewStatus::Taken;
            }
            ReviewEvent::Released { .. } => {
                self.let_go(DutyStatus::Released);
                self.status = ReviewStatus::Open;
            }
            ReviewEvent::Finished { by, natural, content, passed, defects, coaching, finding, differing, authors } => {
                self.let_go(DutyStatus::Done);
                self.status = if passed { ReviewStatus::Passed } else { ReviewStatus::Failed };
                self.finish =
                    Some(Finish { by, natural, at, content, passed, defects, coaching, finding, differing, authors });
            }
            ReviewEvent::Rebutted { by, natural, note } => {
                self.rebuttal = Some(Rebuttal { by, natural, note, at, ruling: None });
                self.status = ReviewStatus::Rebutted;
            }
            ReviewEvent::Ruled { by, natural, upheld, note } => {
                if let Some(rebuttal) = &mut self.rebuttal {
                    rebuttal.ruling = Some(Ruling { by, natural, upheld, note, at });
                }
                self.status = if upheld { ReviewStatus::Upheld } else { ReviewStatus::Overturned };
            }
            ReviewEvent::Cancelled {} => {
                self.let_go(DutyStatus::Released);
                self.status = ReviewStatus::Cancelled;
            }
        }
    }

    fn let_go(&mut self, status: DutyStatus) {
        for holding in self.holdings.iter_mut().filter(|holding| holding.status == DutyStatus::Active) {
            holding.status = status;
        }
    }

    /// Returns who has it now.
    pub fn holder(&self) -> Option<&Holding> {
        self.holdings.iter().find(|holding| holding.status == DutyStatus::Active)
    }

    /// Returns whether it looks at work that was mended after a review had failed it.
    pub fn of_rework(&self) -> bool {
        self.causes.contains(&DrawCause::Rework)
    }

    /// Returns whether a natural person has it or finished it.
    pub fn done_by(&self, natural: PersonId) -> bool {
        self.holder().is_some_and(|holding| holding.natural == natural)
            || self.finish.as_ref().is_some_and(|finish| finish.natural == natural)
    }

    /// Returns whether what it found is nobody's to know yet: the other reviewer of the same content has not finished.
    pub fn withheld(&self, twin: Option<&Self>) -> bool {
        self.finish.is_some() && twin.is_some_and(|twin| twin.status.waits())
    }

    /// Returns whether it must stay unknown to somebody who reviews: she may have, or may yet take, the other review of the
    /// same content, and of two that are both open one is shown.
    pub fn concealed(&self, twin: Option<&Self>, natural: PersonId) -> bool {
        let Some(twin) = twin else { return false };
        if self.done_by(natural) || !(self.status.waits() || twin.status.waits()) {
            return false;
        }
        let untouched = |review: &Self| review.status == ReviewStatus::Open;
        twin.done_by(natural) || !untouched(self) || (untouched(twin) && twin.place < self.place)
    }

    /// Returns whether a person has or had it.
    pub fn held_by(&self, person: PersonId) -> bool {
        self.holdings.iter().any(|holding| holding.person == person && holding.status != DutyStatus::Released)
    }

    /// Returns the last instant at which an author may answer.
    pub fn rebuttable_until(&self, days: u32) -> Option<Instant> {
        self.finish.as_ref().map(|finish| finish.at.plus_seconds(i64::from(days) * 86_400))
    }

    /// Returns the defects that stand: none once the finding was struck.
    pub fn standing(&self) -> &[Defect] {
        match (&self.finish, self.status) {
            (None, _) | (_, ReviewStatus::Overturned) => &[],
            (Some(finish), _) => &finish.defects,
        }
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        let finished = self.finish.as_ref();
        let row = ReviewRow {
            review: self.review,
            case: self.case,
            lot: self.lot,
            kind: self.kind,
            status: self.status,
            reviewer: self.holder().map(|holding| holding.person).or(finished.map(|finish| finish.by)),
            drawn_at: self.drawn_at,
            finished_at: finished.map(|finish| finish.at),
            twin: self.twin,
            rework: self.of_rework(),
        };
        let duties = (1_u32..).zip(&self.holdings).map(|(ordinal, holding)| {
            Row::Duty(DutyRow {
                case: self.case,
                duty: Duty::Review,
                ordinal: self.place * HOLDINGS_MAX + ordinal,
                assignment: holding.assignment,
                person: holding.person,
                status: holding.status,
                taken_at: holding.taken_at,
                due_at: self.due_at,
            })
        });
        let defects = (1_u32..).zip(self.standing()).map(|(ordinal, defect)| {
            Row::Defect(DefectRow {
                review: self.review,
                ordinal,
                case: self.case,
                lot: self.lot,
                kind: defect.kind,
                severity: defect.severity,
                question: defect.question.clone().unwrap_or_default(),
            })
        });
        std::iter::once(Row::Review(row)).chain(duties).chain(defects).collect()
    }
}
