//! Index rows: the small tables by which lists, queues and figures are found.
//!
//! Rows are a pure function of a stream's state, so `remit verify` can make them again and compare.

use serde::{Deserialize, Serialize};

use crate::{
    alarm::{AlarmCause, Yardstick},
    calibration::CalibrationStatus,
    gold::{GoldStatus, RebuttalState},
    hash::Digest,
    id::{
        AlarmId, AssignmentId, CalibrationId, CaseId, CredentialId, GoldId, LineId, LotId, OrgId, PersonId,
        PrecedentId, ReadingId, ReviewId, TextId,
    },
    pack::Duty,
    precedent::PrecedentStatus,
    role::{Role, Side},
    time::{Date, Instant},
};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the word used in the store, in files and in the API.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Returns the value of a word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Where a case stands.
    CaseStatus {
        /// Stopped by the scope gate; nobody works on it.
        ScopeQuery "scope_query",
        /// Declined; the end.
        Declined "declined",
        /// Admitted; no reader has begun.
        Ready "ready",
        /// Being read blind.
        Reading "reading",
        /// Readers differ, or an answer was challenged: an independent third decides.
        Adjudicating "adjudicating",
        /// Decided; waits for its owner to release it, the plan asks for no sign-off (or it is imported history).
        Resolved "resolved",
        /// Decided and drawn: somebody who had no part in it looks at it before it goes on.
        InReview "in_review",
        /// Waits for a professional to sign the exact content.
        AwaitingSignOff "awaiting_sign_off",
        /// Signed; waits for delivery.
        SignedOff "signed_off",
        /// With the client.
        Delivered "delivered",
        /// Returned by the client; the owner mends the deliverable.
        Revision "revision",
        /// Accepted; the end of the work.
        Accepted "accepted",
        /// Cancelled by the client.
        Cancelled "cancelled",
    }
}

words! {
    /// Where a panel stands.
    PanelStatus {
        /// Seats are open, nothing is sealed.
        Planned "planned",
        /// At least one reading is sealed.
        Reading "reading",
        /// All readings are in and differ on a deciding question.
        Disputed "disputed",
        /// Closed: the readers agree.
        Agreed "agreed",
        /// Closed: an adjudicator decided.
        Adjudicated "adjudicated",
        /// Closed: the readers differ, and the chance that the best answer is wrong is within the limit of the plan.
        Outvoted "outvoted",
        /// Closed with one reading, as the plan or the file has it.
        Single "single",
        /// Closed without outcome.
        Void "void",
    }
}

words! {
    /// Whether Remit saw it happen.
    Origin {
        /// Done in Remit.
        Witnessed "witnessed",
        /// Taken from a file: times, authors and blindness as claimed.
        Imported "imported",
    }
}

words! {
    /// What part a reading plays.
    Part {
        /// Counts in the panel's outcome.
        Panel "panel",
        /// Kept and shown; never in the outcome or the count of disputes.
        Extra "extra",
        /// A model's suggestion: measured, never counted towards a decision.
        Ai "ai",
    }
}

words! {
    /// Why an answer counts as right.
    Known {
        /// A file gave it as the reference answer.
        Reference "reference",
        /// An adjudicator decided so, between readers who differed or after a challenge.
        Adjudicated "adjudicated",
    }
}

words! {
    /// Where a duty stands.
    DutyStatus {
        /// Held now.
        Active "active",
        /// Finished.
        Done "done",
        /// Given back or taken away.
        Released "released",
    }
}

words! {
    /// What a review is for.
    ReviewKind {
        /// The provider's quality control.
        Quality "quality",
        /// The client's own reading, without sight of the answer.
        InHouse "in_house",
    }
}

words! {
    /// Where a review stands.
    ReviewStatus {
        /// Drawn; nobody has it.
        Open "open",
        /// Somebody has it.
        Taken "taken",
        /// Nothing was found that counts; or the client's reader gave the same answer.
        Passed "passed",
        /// Something was found; or the client's reader gave another answer.
        Failed "failed",
        /// The author holds that the finding is wrong.
        Rebutted "rebutted",
        /// Another person let the finding stand.
        Upheld "upheld",
        /// Another person struck the finding.
        Overturned "overturned",
        /// The case ended first.
        Cancelled "cancelled",
    }
}

impl ReviewStatus {
    /// Returns whether the review is finished and a finding stands.
    pub const fn found(self) -> bool {
        match self {
            Self::Failed | Self::Rebutted | Self::Upheld => true,
            Self::Open | Self::Taken | Self::Passed | Self::Overturned | Self::Cancelled => false,
        }
    }

    /// Returns whether the review waits for a reviewer to finish it.
    pub const fn waits(self) -> bool {
        match self {
            Self::Open | Self::Taken => true,
            Self::Passed | Self::Failed | Self::Rebutted | Self::Upheld | Self::Overturned | Self::Cancelled => false,
        }
    }
}

words! {
    /// How much a defect weighs.
    Severity {
        /// Somebody could come to harm, or the answer is wrong.
        Critical "critical",
        /// The work does not serve its purpose.
        Major "major",
        /// It can be better, and serves its purpose; it does not fail a case.
        Minor "minor",
    }
}

words! {
    /// What is wrong.
    DefectKind {
        /// A fact is wrong.
        Fact "fact",
        /// Law or standard misapplied.
        Standard "standard",
        /// The reasoning does not hold.
        Reasoning "reasoning",
        /// The passages cited do not carry the answer.
        Evidence "evidence",
        /// Wrong form of the deliverable.
        Format "format",
        /// Part of the scope was missed.
        MissedScope "missed_scope",
    }
}

words! {
    /// Where a lot stands.
    LotStatus {
        /// Cases join it.
        Open "open",
        /// Complete; its sample is being reviewed.
        Judging "judging",
        /// The sample was good enough.
        Accepted "accepted",
        /// The sample was not: every other case is reviewed too.
        Rejected "rejected",
        /// Complete; its plan asks for no judgement.
        Closed "closed",
    }
}

words! {
    /// Where an engagement stands.
    EngagementStatus {
        /// Being set up.
        Draft "draft",
        /// Work may be taken in.
        Live "live",
    }
}

/// One row of one index table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "table", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is the row type of its name")]
pub enum Row {
    Engagement(EngagementRow),
    Member(MemberRow),
    Case(CaseRow),
    Seat(SeatRow),
    Need(NeedRow),
    Duty(DutyRow),
    Panel(PanelRow),
    Dispute(DisputeRow),
    Answer(AnswerRow),
    Gold(GoldRow),
    Showing(ShowingRow),
    Calibration(CalibrationRow),
    Invitee(InviteeRow),
    Precedent(PrecedentRow),
    Alarm(AlarmRow),
    Review(ReviewRow),
    Defect(DefectRow),
    Lot(LotRow),
    Reading(ReadingRow),
    KnownAnswer(KnownAnswerRow),
    Organisation(OrganisationRow),
    Person(PersonRow),
    Credential(CredentialRow),
}

/// An engagement. Key: none beyond the scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct EngagementRow {
    pub name: TextId,
    pub client: OrgId,
    pub provider: OrgId,
    pub status: EngagementStatus,
    pub drafted_at: Instant,
}

/// A person in an engagement. Key: `person`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct MemberRow {
    pub person: PersonId,
    pub side: Side,
    /// In ascending order.
    pub roles: Vec<Role>,
    /// Whether the membership holds now.
    pub active: bool,
    pub capacity: u32,
    /// Duties held now.
    pub load: u32,
}

/// A case. Key: `case`; unique: `reference_key`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct CaseRow {
    pub case: CaseId,
    pub reference: TextId,
    /// Digest over engagement and reference: one reference, one case.
    pub reference_key: Digest,
    pub title: TextId,
    pub case_type: String,
    pub status: CaseStatus,
    pub origin: Origin,
    pub line: Option<LineId>,
    pub owner: PersonId,
    pub jurisdiction: String,
    pub urgent: bool,
    pub due_at: Instant,
    pub received_at: Instant,
    /// When the status last changed.
    pub since: Instant,
    pub revision: u32,
    /// Whether readers agreed and the answer was changed at sign-off or after a return.
    pub changed_after_agreement: bool,
    /// Whether it is a showing of a gold case: of such a case no list or count but its reader's own speaks.
    pub showing: bool,
}

/// An open seat of a panel. Key: `case`, `seat`. Found by `need`, `due_at`, `case`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct SeatRow {
    pub case: CaseId,
    /// From 1.
    pub seat: u8,
    pub need: Digest,
    pub due_at: Instant,
}

/// What a seat calls for; many seats share one. Key: `need`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct NeedRow {
    pub need: Digest,
    /// Canonical JSON of the need.
    pub body: String,
}

/// A person's duty on a case. Key: `case`, `duty`, `ordinal`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct DutyRow {
    pub case: CaseId,
    pub duty: Duty,
    /// Counts the assignments of this duty on this case, from 1.
    pub ordinal: u32,
    /// Unique.
    pub assignment: AssignmentId,
    pub person: PersonId,
    pub status: DutyStatus,
    pub taken_at: Instant,
    pub due_at: Instant,
}

/// A panel. Key: `case`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct PanelRow {
    pub case: CaseId,
    pub status: PanelStatus,
    pub origin: Origin,
    /// Planned number of readings.
    pub planned: u32,
    /// Sealed panel readings.
    pub sealed: u32,
    /// Readings that the plan would have allowed and that were not bought, because its limit stopped the panel before. 0 until
    /// revealed.
    pub spared: u32,
    /// Whether the panel readers differed on a deciding question, however it was settled. False until revealed.
    pub disputed: bool,
    /// Whether the readers gave the same answers on other evidence. False until revealed.
    pub other_evidence: bool,
}

/// A deciding question on which panel readers differed; made once all readings are in. Key: `case`, `question`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct DisputeRow {
    pub case: CaseId,
    pub question: String,
    pub origin: Origin,
}

/// One answer of one reading, as [`crate::form::Answer::word`] writes it: of choice, grade, multi and number. Key: `case`, `reading`, `question`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct AnswerRow {
    pub case: CaseId,
    pub reading: ReadingId,
    pub question: String,
    pub reader: PersonId,
    pub answer: String,
    pub part: Part,
    pub origin: Origin,
    /// Whether the panel is closed, so that figures may use it.
    pub revealed: bool,
}

/// A gold case. Key: `gold`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct GoldRow {
    pub gold: GoldId,
    /// Digest of the pack by which it is read.
    pub pack: Digest,
    pub case_type: String,
    pub status: GoldStatus,
    /// Version of the answer, from 1.
    pub version: u32,
    /// Questions that are measured.
    pub questions: u32,
    pub shown: u32,
    pub answered: u32,
    /// Readers who missed none of the questions.
    pub passed: u32,
    pub proposed_at: Instant,
}

/// A showing of a gold case. Key: `case`, the case that it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct ShowingRow {
    pub case: CaseId,
    pub gold: GoldId,
    pub person: PersonId,
    /// The case in whose place it was given.
    pub stands_for: CaseId,
    pub shown_at: Instant,
    /// Until then that case is not offered to the same reader.
    pub withheld_until: Instant,
    pub closes_at: Instant,
    pub answered_at: Option<Instant>,
    pub questions: u32,
    pub missed: u32,
    /// Whether the reader has been told.
    pub told: bool,
    pub rebuttal: Option<RebuttalState>,
}

/// A calibration round. Key: `calibration`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct CalibrationRow {
    pub calibration: CalibrationId,
    pub title: TextId,
    pub status: CalibrationStatus,
    pub cases: u32,
    pub invited: u32,
    pub opened_at: Instant,
    pub ends_at: Instant,
    pub findings: u32,
}

/// Somebody invited to a calibration round. Key: `calibration`, `person`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct InviteeRow {
    pub calibration: CalibrationId,
    pub person: PersonId,
    /// How many cases she has read.
    pub read: u32,
    /// Whether she takes part.
    pub present: bool,
}

/// A precedent. Key: `precedent`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct PrecedentRow {
    pub precedent: PrecedentId,
    /// Name of the pack.
    pub pack: String,
    pub case_type: String,
    pub question: String,
    pub status: PrecedentStatus,
    /// When the status last changed.
    pub since: Instant,
}

/// An alarm of a chart. Key: `alarm`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct AlarmRow {
    pub alarm: AlarmId,
    pub yardstick: Yardstick,
    pub question: String,
    /// Of a reader's chart.
    pub reader: Option<PersonId>,
    /// Of a site's chart.
    pub site: Option<String>,
    pub raised_at: Instant,
    pub closed_at: Option<Instant>,
    pub cause: Option<AlarmCause>,
}

/// A review. Key: `review`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct ReviewRow {
    pub review: ReviewId,
    pub case: CaseId,
    pub lot: LotId,
    pub kind: ReviewKind,
    pub status: ReviewStatus,
    /// Who has it or finished it.
    pub reviewer: Option<PersonId>,
    pub drawn_at: Instant,
    pub finished_at: Option<Instant>,
    /// The other review of the same content, where two were drawn.
    pub twin: Option<ReviewId>,
    /// Whether it looks at what was mended after a review had failed it; such a look counts in no rate of first submissions.
    pub rework: bool,
}

/// A defect that stands. Key: `review`, `ordinal`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct DefectRow {
    pub review: ReviewId,
    /// From 1.
    pub ordinal: u32,
    pub case: CaseId,
    pub lot: LotId,
    pub kind: DefectKind,
    pub severity: Severity,
    /// Empty: the work as a whole.
    pub question: String,
}

/// A lot. Key: `lot`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct LotRow {
    pub lot: LotId,
    pub line: LineId,
    pub case_type: String,
    /// Counts the lots of a sampler, from 1.
    pub number: u32,
    pub status: LotStatus,
    pub opened_at: Instant,
    pub ends_at: Instant,
    /// Cases in it.
    pub size: u32,
    /// Cases drawn for quality review.
    pub drawn: u32,
    /// Of these, reviewed.
    pub reviewed: u32,
    /// Of these, failed.
    pub found: u32,
}

/// A sealed reading, or a suggestion, and when it was made. Key: `case`, `reading`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct ReadingRow {
    pub case: CaseId,
    pub reading: ReadingId,
    pub reader: PersonId,
    pub part: Part,
    pub origin: Origin,
    /// When it was sealed; of a file's, when the file claims that it was made, if it does.
    pub read_at: Instant,
}

/// An answer that counts as right, whatever the readers said. Key: `case`, `question`, `known`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct KnownAnswerRow {
    pub case: CaseId,
    pub question: String,
    pub known: Known,
    pub answer: String,
}

/// An organisation (scope `dir`). Key: `org`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct OrganisationRow {
    pub org: OrgId,
    pub name: TextId,
}

/// A person (scope `dir`). Key: `person`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct PersonRow {
    pub person: PersonId,
    /// The natural person behind this account.
    pub natural: PersonId,
    pub org: OrgId,
    pub name: TextId,
    pub active: bool,
    /// Whether this account can ever sign in; readers taken from files cannot.
    pub signs_in: bool,
}

/// A credential (scope `dir`). Key: `credential`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "columns are named for what they hold")]
pub struct CredentialRow {
    pub credential: CredentialId,
    pub person: PersonId,
    pub kind: String,
    pub jurisdiction: String,
    pub valid_from: Date,
    /// Last day on which it holds.
    pub valid_to: Date,
    pub revoked: bool,
}
