//! The case: one matter owned from start to finish, with its file, its deliverable, sign-off and delivery.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    form::{Citable, Evidence, Judgement},
    hash::Digest,
    id::{CaseId, CredentialId, DeliveryId, GoldId, ItemId, LineId, LotId, PersonId, ReviewId, SignoffId, SowId},
    index::{CaseRow, CaseStatus, NeedRow, Origin, ReviewKind, Row, words},
    pack::{PackRef, Plan, Risk},
    routing::Need,
    text::TextRef,
    time::Instant,
};

/// What happens to a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
#[allow(clippy::large_enum_variant, reason = "an event is written once and folded once, one at a time")]
pub enum CaseEvent {
    /// It arrived.
    Received {
        case: CaseId,
        reference: TextRef,
        reference_key: Digest,
        title: TextRef,
        case_type: String,
        fields: BTreeMap<String, TextRef>,
        jurisdiction: String,
        language: String,
        parties: BTreeSet<String>,
        urgent: bool,
        due_at: Instant,
        owner: PersonId,
        origin: Origin,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        showing: Option<Laid>,
    },
    /// A document, image or link joined the file.
    ItemAdded { item: Item },
    /// An item that only one side could see may be seen by both.
    ItemWidened { item: ItemId },
    /// A party was added.
    PartyAdded { party: String },
    /// The scope gate stopped it.
    Stopped { clauses: Vec<Stop> },
    /// The scope gate let it in.
    Admitted { admission: Admission },
    /// It was turned away.
    Declined { reason: TextRef, by: PersonId },
    /// The first reader began.
    ReadingBegan {},
    /// An independent third has to decide.
    AdjudicationAsked { cause: Cause },
    /// It is decided.
    Resolved { outcome: Judgement, decided: Decided, deliverable: Option<TextRef>, content: Digest },
    /// The owner changed the words of the deliverable.
    DeliverableEdited { deliverable: TextRef, by: PersonId, natural: PersonId, content: Digest },
    /// It joined a lot, and the lot's secret seed said whether somebody looks at it again (I23).
    Drawn {
        lot: LotId,
        risks: BTreeSet<Risk>,
        causes: BTreeSet<DrawCause>,
        review: Option<ReviewId>,
        in_house: Option<ReviewId>,
        /// A second review of the same content, by another reviewer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        second: Option<ReviewId>,
    },
    /// It was drawn later, to complete the sample of its lot or because the lot was rejected.
    Selected { lot: LotId, cause: DrawCause, review: ReviewId },
    /// A review of it ended. Whoever finished it has looked behind the work, and neither decides nor signs it (I3).
    ReviewEnded { review: ReviewId, kind: ReviewKind, natural: PersonId, passed: bool },
    /// What a review found has to be mended before the case goes on, and what is mended is looked at again. These findings are
    /// why; for the `round`th time.
    ReworkOwed { round: u32, findings: BTreeSet<ReviewId> },
    /// The mended work waits for its review.
    ReworkDrawn { lot: LotId, review: ReviewId, round: u32 },
    /// A finding for which rework was owed was struck.
    FindingStruck { review: ReviewId },
    /// It failed as often as it is looked at again: no further review is drawn, and the delivery manager decides.
    ReworkEnded { round: u32 },
    /// A professional is asked to sign exactly this content.
    SignoffRequested { signoff: SignoffId, content: Digest },
    /// The signer opened an item.
    ItemOpened { signoff: SignoffId, by: PersonId, material: Material, how: Look },
    /// The professional took responsibility.
    Signed {
        signoff: SignoffId,
        by: PersonId,
        natural: PersonId,
        content: Digest,
        credential: Option<CredentialId>,
        statement: TextRef,
    },
    /// The signer sent it back with a finding.
    SignoffReturned { signoff: SignoffId, by: PersonId, code: ReturnCode, note: TextRef },
    /// The signer will not sign.
    SignoffRefused { signoff: SignoffId, by: PersonId, note: TextRef },
    /// The content changed: the request, or the signature, no longer holds.
    SignoffVoided { signoff: SignoffId },
    /// It was released to the client.
    Delivered { delivery: DeliveryId, content: Digest, by: PersonId },
    /// The client accepted.
    Accepted { delivery: DeliveryId, by: PersonId },
    /// The client sent it back.
    Returned { delivery: DeliveryId, by: PersonId, code: ReturnCode, note: TextRef, revision: u32, counted: bool },
    /// Another person is accountable now.
    OwnerChanged { from: PersonId, to: PersonId, reason: TextRef, by: PersonId },
    /// The client called it off.
    Cancelled { by: PersonId, reason: TextRef },
    /// It was a showing of a gold case, and has had its time.
    ShowingEnded {},
}

/// That a case is a showing of a gold case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Laid {
    /// Of which.
    pub gold: GoldId,
    /// When it is said to have come in: a case that came in the moment somebody asked would be known for what it is.
    pub received_at: Instant,
    /// Whether its reader is being calibrated: then she knows that it is gold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub practice: bool,
}

/// Why the scope gate stopped a case: what was wrong and the clause that says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Stable code of the reason.
    pub code: String,
    /// Clause, such as `SOW v3 § 2.1`.
    pub clause: String,
}

words! {
    /// Why an adjudicator is needed.
    Cause {
        /// The readers differ.
        Disagreement "disagreement",
        /// The signer found another answer.
        Signoff "sign_off",
        /// The client returned the answer itself.
        Return "return",
        /// A review found the answer wrong.
        Review "review",
    }
}

words! {
    /// Why a case was drawn for review.
    DrawCause {
        /// By chance alone.
        Random "random",
        /// By chance among urgent cases.
        Urgent "urgent",
        /// By chance among cases read with low confidence.
        LowConfidence "low_confidence",
        /// By chance among cases decided by one reading.
        SingleReading "single_reading",
        /// By chance among cases that an adjudicator decided.
        Adjudicated "adjudicated",
        /// By chance among cases of new experts.
        NewExpert "new_expert",
        /// Sampling is discontinued: every case is reviewed.
        EveryCase "every_case",
        /// To complete the sample of the lot.
        Sample "sample",
        /// The lot was rejected: all its cases are reviewed.
        Rejected "rejected",
        /// It failed a review and was mended.
        Rework "rework",
    }
}

impl From<Risk> for DrawCause {
    fn from(risk: Risk) -> Self {
        match risk {
            Risk::Urgent => Self::Urgent,
            Risk::LowConfidence => Self::LowConfidence,
            Risk::SingleReading => Self::SingleReading,
            Risk::Adjudicated => Self::Adjudicated,
            Risk::NewExpert => Self::NewExpert,
        }
    }
}

words! {
    /// Coded reasons for sending work back.
    ReturnCode {
        /// A fact is wrong.
        Fact "fact",
        /// Law or standard misapplied.
        Standard "standard",
        /// The reasoning does not hold.
        Reasoning "reasoning",
        /// Part of the scope was missed.
        MissedScope "missed_scope",
        /// Wrong form.
        Format "format",
        /// Wrong tone.
        Tone "tone",
        /// Too late to be of use.
        Late "late",
        /// Correct as ordered, but something else is wanted now.
        NewWish "new_wish",
    }
}

impl ReturnCode {
    /// Returns whether the answer itself is questioned, so that an adjudicator decides again.
    pub fn questions_answer(self) -> bool {
        match self {
            Self::Fact | Self::Standard | Self::Reasoning | Self::MissedScope => true,
            Self::Format | Self::Tone | Self::Late | Self::NewWish => false,
        }
    }

    /// Returns whether the revision uses up the allowance; what the provider caused does not.
    pub fn counted(self) -> bool {
        self == Self::NewWish
    }
}

words! {
    /// How an item was looked at.
    Look {
        /// Shown by Remit.
        Opened "opened",
        /// A link to the client's own viewer was followed; what was seen there Remit cannot know.
        LinkFollowed "link_followed",
    }
}

words! {
    /// What an item is.
    Media {
        /// Plain text with stable spans.
        Text "text",
        /// A drawing.
        Svg "svg",
        /// An address in the client's viewer.
        Link "link",
    }
}

words! {
    /// Who may see an item; fixed when it is made, never narrowed (I21).
    Visibility {
        /// Both sides.
        Both "both",
        /// The client's side only.
        Client "client",
        /// The provider's side only.
        Provider "provider",
    }
}

/// One version of one item of the case file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its identifier.
    pub item: ItemId,
    /// Version, from 1.
    pub version: u32,
    /// Name.
    pub name: TextRef,
    /// What it is.
    pub media: Media,
    /// Its content; the address for a link.
    pub body: TextRef,
    /// Whether a signer must open it.
    pub material: bool,
    /// Who may see it.
    pub visibility: Visibility,
}

/// Something that a signer must open before signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Material {
    /// A version of an item.
    Item(ItemId, u32),
    /// The deliverable as it reads now.
    Deliverable,
}

/// How a case was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// By whom or what.
    pub by: DecidedBy,
    /// Whether the readers had agreed and the answer was changed afterwards.
    pub changed_after_agreement: bool,
}

/// Who decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// The readers agreed.
    Agreement,
    /// An adjudicator decided.
    Adjudicator(PersonId),
    /// One reading alone, as the plan or the imported file has it.
    Single,
    /// The readers differed; what they said leaves a chance of a wrong answer within the limit of the plan.
    Panel,
}

/// A case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Case {
    pub case: CaseId,
    pub reference: TextRef,
    pub reference_key: Digest,
    pub title: TextRef,
    pub case_type: String,
    pub fields: BTreeMap<String, TextRef>,
    pub jurisdiction: String,
    pub language: String,
    pub parties: BTreeSet<String>,
    pub urgent: bool,
    pub due_at: Instant,
    pub owner: PersonId,
    pub origin: Origin,
    /// What it shows, if it is a showing of a gold case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub showing: Option<Laid>,
    pub received_at: Instant,
    pub since: Instant,
    pub items: Vec<Item>,
    pub status: CaseStatus,
    pub stops: Vec<Stop>,
    pub admission: Option<Admission>,
    pub resolution: Option<Resolution>,
    pub signoff: Option<Signoff>,
    /// Natural persons who signed some content of this case; they do not adjudicate it (I3).
    pub signers: BTreeSet<PersonId>,
    pub delivery: Option<Delivery>,
    pub revision: u32,
    pub revisions_counted: u32,
    /// The lot it joined when it was first decided under a review plan.
    pub lot: Option<LotId>,
    /// Its reviews, in the order they were drawn.
    pub reviews: Vec<ReviewId>,
    /// Quality reviews that are not finished: nothing is delivered before they are (I7).
    pub holds: BTreeSet<ReviewId>,
    /// Natural persons who reviewed it; they neither adjudicate nor sign it (I3).
    pub reviewers: BTreeSet<PersonId>,
    /// What has to be mended, and looked at again, before it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rework: Option<Rework>,
}

/// Work that failed a review before the client had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rework {
    /// How often it has failed.
    pub round: u32,
    /// The findings that stand.
    pub findings: BTreeSet<ReviewId>,
    /// The review of what was mended; none: nothing is mended yet.
    pub review: Option<ReviewId>,
}

/// Under what a case is worked; pinned for its life (I13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Admission {
    pub line: LineId,
    pub sow: SowId,
    pub sow_number: u32,
    pub clause: String,
    pub pack: PackRef,
    pub plan: Plan,
    pub need: Need,
    pub revisions_max: u32,
    pub history: bool,
}

/// The answer of a case and the words that carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Resolution {
    pub outcome: Judgement,
    pub decided: Decided,
    /// The words for the client; imported cases have none.
    pub deliverable: Option<TextRef>,
    /// Natural persons who worded the deliverable; they do not sign it (I3).
    pub authors: BTreeSet<PersonId>,
    pub content: Digest,
}

/// A request for one signature over one content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Signoff {
    pub signoff: SignoffId,
    pub content: Digest,
    pub requested_at: Instant,
    pub state: SignoffState,
    /// What each signer has opened under this request.
    pub opened: BTreeMap<PersonId, BTreeSet<Material>>,
    /// The deliverable of the request before, so that the change can be shown.
    pub before: Option<Before>,
}

/// What the last request was about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Before {
    pub deliverable: Option<TextRef>,
    pub outcome: Judgement,
}

/// Where a sign-off stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub enum SignoffState {
    Requested,
    Signed { by: PersonId, at: Instant, credential: Option<CredentialId>, statement: TextRef },
    Returned { by: PersonId, code: ReturnCode, note: TextRef },
    Refused { by: PersonId, note: TextRef },
    Voided,
}

/// The release of a deliverable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Delivery {
    pub delivery: DeliveryId,
    pub content: Digest,
    pub at: Instant,
    pub state: DeliveryState,
}

/// Where a delivery stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub enum DeliveryState {
    Released,
    Accepted { by: PersonId, at: Instant },
    Returned { by: PersonId, code: ReturnCode, note: TextRef },
}

impl Case {
    pub(crate) fn apply(state: Option<Self>, event: &CaseEvent, at: Instant) -> Option<Self> {
        let event = event.clone();
        if let CaseEvent::Received {
            case,
            reference,
            reference_key,
            title,
            case_type,
            fields,
            jurisdiction,
            language,
            parties,
            urgent,
            due_at,
            owner,
            origin,
            showing,
        } = event
        {
            let received_at = showing.map_or(at, |laid| laid.received_at);
            return state.is_none().then(|| Self {
                case,
                reference,
                reference_key,
                title,
                case_type,
                fields,
                jurisdiction,
                language,
                parties,
                urgent,
                due_at,
                owner,
                origin,
                showing,
                received_at,
                since: received_at,
                items: Vec::new(),
                status: CaseStatus::ScopeQuery,
                stops: Vec::new(),
                admission: None,
                resolution: None,
                signoff: None,
                signers: BTreeSet::new(),
                delivery: None,
                revision: 0,
                revisions_counted: 0,
                lot: None,
                reviews: Vec::new(),
                holds: BTreeSet::new(),
                reviewers: BTreeSet::new(),
                rework: None,
            });
        }
        let mut case = state?;
        let before = case.status;
        case.take(event, at);
        if case.status != before {
            case.since = at;
        }
        Some(case)
    }

    fn take(&mut self, event: CaseEvent, at: Instant) {
        match event {
            CaseEvent::Received { .. } => {}
            CaseEvent::ItemAdded { item } => self.items.push(item),
            CaseEvent::ItemWidened { item } => {
                for known in self.items.iter_mut().filter(|known| known.item == item) {
                    known.visibility = Visibility::Both;
                }
            }
            CaseEvent::PartyAdded { party } => {
                self.parties.insert(party);
            }
            CaseEvent::Stopped { clauses } => (self.stops, self.status) = (clauses, CaseStatus::ScopeQuery),
            CaseEvent::Admitted { admission } => {
                self.admission = Some(admission);
                self.stops.clear();
                self.status = CaseStatus::Ready;
            }
            CaseEvent::Declined { .. } => self.status = CaseStatus::Declined,
            CaseEvent::ReadingBegan {} => self.status = CaseStatus::Reading,
            CaseEvent::AdjudicationAsked { cause } => {
                // A first reading taken from a file decided alone until the next one differed from it. After a
                // challenge the questioned answer stays in sight.
                if cause == Cause::Disagreement {
                    self.resolution = None;
                }
                self.status = CaseStatus::Adjudicating;
            }
            CaseEvent::Resolved { outcome, decided, deliverable, content } => {
                let authors = BTreeSet::new();
                self.resolution = Some(Resolution { outcome, decided, deliverable, authors, content });
                self.status = CaseStatus::Resolved;
            }
            CaseEvent::DeliverableEdited { deliverable, natural, content, by: _ } => {
                if let Some(resolution) = &mut self.resolution {
                    (resolution.deliverable, resolution.content) = (Some(deliverable), content);
                    resolution.authors.insert(natural);
                }
            }
            CaseEvent::Drawn { lot, review, in_house, second, .. } => {
                self.lot = Some(lot);
                self.reviews.extend(review.into_iter().chain(in_house).chain(second));
                if review.is_some() {
                    self.holds.extend(review.into_iter().chain(second));
                    self.status = CaseStatus::InReview;
                }
            }
            CaseEvent::Selected { review, .. } => {
                self.reviews.push(review);
                self.holds.insert(review);
            }
            CaseEvent::ReviewEnded { review, kind, natural, passed } => {
                self.reviewers.insert(natural);
                self.reviewed(review, kind, passed);
            }
            CaseEvent::ReworkOwed { round, findings } => self.rework = Some(Rework { round, findings, review: None }),
            CaseEvent::ReworkDrawn { review, .. } => self.looked_at_again(review),
            CaseEvent::FindingStruck { review } => self.cleared_of(review),
            CaseEvent::ReworkEnded { .. } => self.rework = None,
            CaseEvent::SignoffRequested { signoff, content } => {
                let before = self.signoff.take().and_then(|last| last.before);
                let (state, opened) = (SignoffState::Requested, BTreeMap::new());
                self.signoff = Some(Signoff { signoff, content, requested_at: at, state, opened, before });
                self.status = CaseStatus::AwaitingSignOff;
            }
            CaseEvent::ItemOpened { by, material, .. } => self.opened(by, material),
            CaseEvent::Signed { by, natural, credential, statement, .. } => {
                self.signers.insert(natural);
                self.settle_signoff(SignoffState::Signed { by, at, credential, statement });
                self.status = CaseStatus::SignedOff;
            }
            CaseEvent::SignoffReturned { by, code, note, .. } => {
                self.settle_signoff(SignoffState::Returned { by, code, note });
                self.status = CaseStatus::Revision;
            }
            CaseEvent::SignoffRefused { by, note, .. } => {
                self.settle_signoff(SignoffState::Refused { by, note });
                self.status = CaseStatus::Revision;
            }
            CaseEvent::SignoffVoided { .. } => {
                self.settle_signoff(SignoffState::Voided);
                self.status = CaseStatus::Resolved;
            }
            CaseEvent::Delivered { delivery, content, by: _ } => {
                self.delivery = Some(Delivery { delivery, content, at, state: DeliveryState::Released });
                self.status = CaseStatus::Delivered;
            }
            CaseEvent::Accepted { by, .. } => {
                self.settle_delivery(DeliveryState::Accepted { by, at });
                self.status = CaseStatus::Accepted;
            }
            CaseEvent::Returned { by, code, note, revision, counted, .. } => {
                self.settle_delivery(DeliveryState::Returned { by, code, note });
                self.remember_signed();
                self.revision = revision;
                self.revisions_counted += u32::from(counted);
                self.status = CaseStatus::Revision;
            }
            CaseEvent::OwnerChanged { to, .. } => self.owner = to,
            CaseEvent::Cancelled { .. } | CaseEvent::ShowingEnded {} => self.status = CaseStatus::Cancelled,
        }
    }

    fn opened(&mut self, by: PersonId, material: Material) {
        if let Some(signoff) = &mut self.signoff {
            signoff.opened.entry(by).or_default().insert(material);
        }
    }

    /// Goes on after a quality review. What was released before it was found is the client's to return.
    fn reviewed(&mut self, review: ReviewId, kind: ReviewKind, passed: bool) {
        self.holds.remove(&review);
        if kind == ReviewKind::InHouse {
            return;
        }
        self.rework.take_if(|rework| passed && rework.review == Some(review));
        self.status = match (self.status, passed) {
            (CaseStatus::InReview, true) if self.holds.is_empty() => CaseStatus::Resolved,
            (
                CaseStatus::InReview | CaseStatus::Resolved | CaseStatus::AwaitingSignOff | CaseStatus::SignedOff,
                false,
            ) => CaseStatus::Revision,
            (
                status @ (CaseStatus::InReview
                | CaseStatus::Resolved
                | CaseStatus::AwaitingSignOff
                | CaseStatus::SignedOff
                | CaseStatus::ScopeQuery
                | CaseStatus::Declined
                | CaseStatus::Ready
                | CaseStatus::Reading
                | CaseStatus::Adjudicating
                | CaseStatus::Delivered
                | CaseStatus::Revision
                | CaseStatus::Accepted
                | CaseStatus::Cancelled),
                _,
            ) => status,
        };
    }

    fn looked_at_again(&mut self, review: ReviewId) {
        self.reviews.push(review);
        self.holds.insert(review);
        if let Some(rework) = &mut self.rework {
            rework.review = Some(review);
        }
        self.status = CaseStatus::InReview;
    }

    fn cleared_of(&mut self, review: ReviewId) {
        if let Some(rework) = &mut self.rework {
            rework.findings.remove(&review);
        }
        // What is being looked at again is looked at to the end.
        self.rework.take_if(|rework| rework.findings.is_empty() && rework.review.is_none());
    }

    fn settle_signoff(&mut self, state: SignoffState) {
        let signed = matches!(state, SignoffState::Signed { .. });
        if let Some(signoff) = &mut self.signoff {
            signoff.state = state;
        }
        if !signed {
            self.remember_signed();
        }
    }

    /// Keeps what the signer last had before him.
    fn remember_signed(&mut self) {
        if let (Some(signoff), Some(resolution)) = (&mut self.signoff, &self.resolution) {
            signoff.before = Some(Before { deliverable: resolution.deliverable, outcome: resolution.outcome.clone() });
        }
    }

    fn settle_delivery(&mut self, state: DeliveryState) {
        if let Some(delivery) = &mut self.delivery {
            delivery.state = state;
        }
    }

    /// Returns the newest version of each item, in the order they were added.
    pub fn current_items(&self) -> impl Iterator<Item = &Item> {
        self.items
            .iter()
            .filter(|item| !self.items.iter().any(|other| other.item == item.item && other.version > item.version))
    }

    /// Returns one version of an item.
    pub fn item(&self, item: ItemId, version: u32) -> Option<&Item> {
        self.items.iter().find(|known| known.item == item && known.version == version)
    }

    /// Returns the items that a judgement may cite: the newest version of each text that both sides see.
    pub fn citable(&self) -> Citable {
        self.current_items()
            .filter(|item| item.media == Media::Text && item.visibility == Visibility::Both)
            .map(|item| ((item.item, item.version), item.body.chars))
            .collect()
    }

    /// Returns what a signer must open: the material items and the deliverable.
    pub fn material(&self) -> Vec<Material> {
        self.current_items()
            .filter(|item| item.material && item.visibility != Visibility::Client)
            .map(|item| Material::Item(item.item, item.version))
            .chain(std::iter::once(Material::Deliverable))
            .collect()
    }

    /// Returns the digest that a signature is given for: pack, items, answer and the words of the deliverable.
    pub fn content(&self, outcome: &Judgement, deliverable: Option<&TextRef>) -> Digest {
        #[derive(Serialize)]
        struct Content<'a> {
            case: CaseId,
            pack: Option<&'a PackRef>,
            items: Vec<(ItemId, u32, Digest)>,
            outcome: &'a Judgement,
            deliverable: Option<Digest>,
        }
        Digest::of_json(&Content {
            case: self.case,
            pack: self.admission.as_ref().map(|admission| &admission.pack),
            items: self.current_items().map(|item| (item.item, item.version, item.body.commitment)).collect(),
            outcome,
            deliverable: deliverable.map(|text| text.commitment),
        })
    }

    /// Returns the countries from which the case may be worked on and seen; empty: all.
    pub fn places(&self) -> BTreeSet<String> {
        self.admission.as_ref().map(|admission| admission.need.places.clone()).unwrap_or_default()
    }

    /// Returns whether the case was taken from a file.
    pub fn imported(&self) -> bool {
        self.origin == Origin::Imported
    }

    /// Returns the evidence of the outcome under one question.
    pub fn evidence(&self, question: &str) -> &[Evidence] {
        self.resolution
            .as_ref()
            .and_then(|resolution| resolution.outcome.evidence.get(question))
            .map_or(&[], Vec::as_slice)
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        let row = CaseRow {
            case: self.case,
            reference: self.reference.id,
            reference_key: self.reference_key,
            title: self.title.id,
            case_type: self.case_type.clone(),
            status: self.status,
            origin: self.origin,
            line: self.admission.as_ref().map(|admission| admission.line),
            owner: self.owner,
            jurisdiction: self.jurisdiction.clone(),
            urgent: self.urgent,
            due_at: self.due_at,
            received_at: self.received_at,
            since: self.since,
            revision: self.revision,
            changed_after_agreement: self
                .resolution
                .as_ref()
                .is_some_and(|resolution| resolution.decided.changed_after_agreement),
            showing: self.showing.is_some(),
        };
        vec![Row::Case(row)]
    }

    /// Returns the row of the need this case brought; many cases share one, so it is kept by the writer, not compared
    /// per case.
    pub fn need_row(&self) -> Option<NeedRow> {
        self.admission.as_ref().filter(|_| self.showing.is_none()).map(|admission| admission.need.row())
    }
}
