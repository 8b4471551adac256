//! Commands: everything that can be asked of Remit, as values. Time, place and author are never part of one (I33).

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    alarm::{AlarmCause, Signal, Watched},
    calibration::FindingKind,
    case::{Material, Media, ReturnCode, Visibility},
    decimal::Decimal,
    engagement::LineKind,
    facts::{Facts, Want},
    form::{Answer, Evidence, QuestionKey, QuestionKind},
    gold::Gold,
    hash::Digest,
    id::{
        AlarmId, CalibrationId, CaseId, CredentialId, EngagementId, GoldId, ItemId, LineId, LotId, OrgId, PersonId,
        PrecedentId, ReviewId, SowId,
    },
    index::{DefectKind, LotStatus, Part, Severity},
    lot::{Place, SCREENED_MAX, sampler_of},
    model::{GoldTaken, Measured},
    pack::{PackRef, Plan, Stopping},
    panel::{Panel, Source},
    role::{Role, Side},
    stream::{Scope, StreamId},
    text::TextRef,
    time::{Date, Instant},
};

/// A judgement as a person gives it: texts in clear, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JudgementIn {
    /// Answers by question.
    pub answers: BTreeMap<QuestionKey, AnswerIn>,
    /// Cited passages by question.
    pub evidence: BTreeMap<QuestionKey, Vec<Evidence>>,
    /// The reasons.
    pub rationale: Option<String>,
    /// Confidence in percent.
    pub confidence: Option<u8>,
}

/// An answer as a person gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerIn {
    /// Key of an option.
    Choice(String),
    /// Key of a step.
    Grade(String),
    /// Keys of options.
    Multi(BTreeSet<String>),
    /// A number.
    Number(Decimal),
    /// Passages.
    Span(Vec<Evidence>),
    /// Words.
    Text(String),
}

/// What a reviewer says of finished work.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReviewIn {
    /// What is wrong; nothing: it passes.
    pub defects: Vec<DefectIn>,
    /// A word to the authors that counts nowhere.
    pub coaching: Option<String>,
    /// The answer that the reviewer holds instead; in-house: the client's own reading.
    pub finding: Option<JudgementIn>,
}

/// A defect as a reviewer names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefectIn {
    /// Under which question; none: the work as a whole.
    pub question: Option<QuestionKey>,
    /// What is wrong.
    pub kind: DefectKind,
    /// How much it weighs.
    pub severity: Severity,
    /// What the reviewer saw.
    pub note: String,
}

impl AnswerIn {
    /// Returns the answer that a word or words stand for in a question of this kind; none if it takes no such words.
    pub fn read(kind: &QuestionKind, words: &str) -> Option<Self> {
        match kind {
            QuestionKind::Text { .. } => Some(Self::Text(words.to_owned())),
            QuestionKind::Choice { .. }
            | QuestionKind::Grade { .. }
            | QuestionKind::Multi { .. }
            | QuestionKind::Number { .. }
            | QuestionKind::Span { .. } => match kind.read(words)? {
                Answer::Choice(key) => Some(Self::Choice(key)),
                Answer::Grade(key) => Some(Self::Grade(key)),
                Answer::Multi(picks) => Some(Self::Multi(picks)),
                Answer::Number(number) => Some(Self::Number(number)),
                Answer::Span(_) | Answer::Text(_) => None,
            },
        }
    }

    /// Returns the answer as it is kept, its words through `keep`; none for no words and no picks at all, which are no
    /// answer.
    pub fn kept(&self, keep: impl FnOnce(&str) -> TextRef) -> Option<Answer> {
        match self {
            Self::Choice(key) => Some(Answer::Choice(key.clone())),
            Self::Grade(key) => Some(Answer::Grade(key.clone())),
            Self::Multi(picks) => (!picks.is_empty()).then(|| Answer::Multi(picks.clone())),
            Self::Number(number) => Some(Answer::Number(*number)),
            Self::Span(spans) => Some(Answer::Span(spans.clone())),
            Self::Text(body) => (!body.trim().is_empty()).then(|| Answer::Text(keep(body))),
        }
    }
}

/// An item as it is handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemIn {
    /// Name.
    pub name: String,
    /// What it is.
    pub media: Media,
    /// Content, or the address for a link.
    pub body: String,
    /// Whether a signer must open it.
    pub material: bool,
    /// Who may see it.
    pub visibility: Visibility,
}

/// A SOW line as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in SowLine")]
pub struct LineIn {
    pub clause: String,
    pub service: String,
    pub kind: LineKind,
    pub includes: BTreeSet<String>,
    pub excludes: BTreeSet<String>,
    pub jurisdictions: BTreeSet<String>,
    pub places: BTreeSet<String>,
    pub volume_max: Option<u32>,
    pub price_minor: i64,
    pub currency: String,
    pub revisions_max: u32,
    pub pack: PackRef,
    /// None: the pack's own plan.
    pub plan: Option<Plan>,
}

/// A case as it comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Case")]
pub struct CaseIn {
    pub reference: String,
    pub title: String,
    pub case_type: String,
    pub fields: BTreeMap<String, String>,
    pub jurisdiction: String,
    pub language: String,
    pub parties: BTreeSet<String>,
    pub urgent: bool,
    pub due_at: Instant,
    /// None: the delivery manager who takes it in, or the one named first.
    pub owner: PersonId,
    pub items: Vec<ItemIn>,
}

/// A person as added to the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Person")]
pub struct PersonIn {
    pub org: OrgId,
    pub name: String,
    /// Another account of the same human being, if there is one.
    pub same_as: Option<PersonId>,
    pub signs_in: bool,
    pub place: String,
    pub languages: BTreeSet<String>,
    pub roles: BTreeSet<Role>,
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? } $word:literal;)*) => {
        /// Everything that can be asked of Remit.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs, reason = "fields are named for what they hold")]
        pub enum Command { $($(#[$doc])* $name { $($field: $type),* },)* }

        impl Command {
            /// All words, for tests that every command is covered.
            pub const WORDS: &[&str] = &[$($word),*];

            /// Returns the command's word in records and answers.
            pub fn word(&self) -> &'static str {
                match self { $(Self::$name { .. } => $word,)* }
            }
        }
    };
}

commands! {
    /// Adds an organisation to the directory.
    AddOrganisation { name: String, country: String } "add_organisation";
    /// Adds a person to the directory.
    AddPerson { person: PersonIn } "add_person";
    /// Records a verified credential.
    RecordCredential { person: PersonId, kind: String, jurisdiction: String, number: String, valid_from: Date, valid_to: Date } "record_credential";
    /// Revokes a credential.
    RevokeCredential { person: PersonId, credential: CredentialId, reason: String } "revoke_credential";
    /// Grants or withdraws a clearance.
    SetClearance { person: PersonId, clearance: String, granted: bool } "set_clearance";
    /// Declares or clears an interest in a party.
    SetConflict { person: PersonId, party: String, declared: bool } "set_conflict";
    /// Records the country a person works from.
    SetPlace { person: PersonId, place: String } "set_place";
    /// Records that a person left.
    MarkLeft { person: PersonId } "mark_left";

    /// Sets up an engagement with its first members.
    DraftEngagement { name: String, client: OrgId, provider: OrgId, managers: Vec<(PersonId, Side)> } "draft_engagement";
    /// Writes a new version of the statement of work.
    DraftSow { engagement: EngagementId, starts_on: Date, ends_on: Date, names_people: bool, lines: Vec<LineIn> } "draft_sow";
    /// Rewrites a draft.
    ReviseSow { engagement: EngagementId, sow: SowId, starts_on: Date, ends_on: Date, names_people: bool, lines: Vec<LineIn> } "revise_sow";
    /// Lays a draft before the other side.
    ProposeSow { engagement: EngagementId, sow: SowId } "propose_sow";
    /// Signs for one side.
    SignSow { engagement: EngagementId, sow: SowId } "sign_sow";
    /// Lets work begin.
    GoLive { engagement: EngagementId } "go_live";
    /// Adds a person, or brings one back.
    AddMember { engagement: EngagementId, person: PersonId, side: Side, roles: BTreeSet<Role>, capacity: u32 } "add_member";
    /// Changes roles or capacity.
    ChangeMember { engagement: EngagementId, person: PersonId, roles: BTreeSet<Role>, capacity: u32 } "change_member";
    /// Takes a person out; open duties are planned anew, owned cases go to the successor.
    RemoveMember { engagement: EngagementId, person: PersonId, successor: Option<PersonId> } "remove_member";

    /// Takes a case in through the scope gate.
    TakeIn { engagement: EngagementId, case: CaseIn } "take_in";
    /// Takes a case of the past in, on a history line.
    TakeInHistory { engagement: EngagementId, case: CaseIn, line: LineId } "take_in_history";
    /// Puts a stopped case to the gate again.
    AdmitCase { engagement: EngagementId, case: CaseId } "admit_case";
    /// Turns a stopped case away.
    DeclineCase { engagement: EngagementId, case: CaseId, reason: String } "decline_case";
    /// Calls a case off.
    CancelCase { engagement: EngagementId, case: CaseId, reason: String } "cancel_case";
    /// Adds an item to the file, or a new version of one.
    AddItem { engagement: EngagementId, case: CaseId, replaces: Option<ItemId>, item: ItemIn } "add_item";
    /// Lets both sides see an item.
    WidenItem { engagement: EngagementId, case: CaseId, item: ItemId } "widen_item";
    /// Adds a party; people with an interest in it lose their duties on the case.
    AddParty { engagement: EngagementId, case: CaseId, party: String } "add_party";
    /// Makes another person accountable.
    TransferCase { engagement: EngagementId, case: CaseId, to: PersonId, reason: String } "transfer_case";

    /// Takes the best open seat for the actor.
    ClaimNext { engagement: EngagementId } "claim_next";
    /// Takes an open seat of a chosen case.
    ClaimSeat { engagement: EngagementId, case: CaseId } "claim_seat";
    /// Gives a reader a seat.
    AssignSeat { engagement: EngagementId, case: CaseId, person: PersonId } "assign_seat";
    /// Gives the actor's duty on a case back.
    ReleaseSeat { engagement: EngagementId, case: CaseId, reason: String } "release_seat";
    /// Takes a person's duty on a case away.
    RevokeSeat { engagement: EngagementId, case: CaseId, person: PersonId, reason: String } "revoke_seat";
    /// Seals the actor's reading.
    SubmitReading { engagement: EngagementId, case: CaseId, judgement: JudgementIn } "submit_reading";
    /// Records a reading that a file claims.
    RecordReading { engagement: EngagementId, case: CaseId, reader: PersonId, part: Part, judgement: JudgementIn, claimed_at: Option<Instant>, source: Source } "record_reading";
    /// Records a reference answer that a file gives.
    RecordReference { engagement: EngagementId, case: CaseId, answers: BTreeMap<QuestionKey, Answer>, source: Source } "record_reference";
    /// Closes a sequential panel with the readings it has, because nobody is left to read.
    CloseReading { engagement: EngagementId, case: CaseId } "close_reading";
    /// Records what was measured of the readers anew.
    FitModel { engagement: EngagementId, questions: BTreeMap<String, Measured>, panels: u32, gold: GoldTaken } "fit_model";
    /// Plans anew the duties of a person who may no longer do them.
    Replan { engagement: EngagementId, person: PersonId } "replan";

    /// Takes a dispute to decide.
    TakeAdjudication { engagement: EngagementId, case: CaseId } "take_adjudication";
    /// Decides a dispute.
    Adjudicate { engagement: EngagementId, case: CaseId, judgement: JudgementIn } "adjudicate";

    /// Takes an open review.
    TakeReview { engagement: EngagementId, case: CaseId, review: ReviewId } "take_review";
    /// Finishes a review: passed, or with what was found.
    FinishReview { engagement: EngagementId, case: CaseId, review: ReviewId, given: ReviewIn } "finish_review";
    /// Answers a finding about the actor's own work.
    RebutReview { engagement: EngagementId, case: CaseId, review: ReviewId, note: String } "rebut_review";
    /// Decides on an author's answer.
    RuleReview { engagement: EngagementId, case: CaseId, review: ReviewId, upheld: bool, note: String } "rule_review";
    /// Completes a lot whose week is over.
    CloseLot { engagement: EngagementId, lot: LotId } "close_lot";
    /// Draws the next cases of a rejected lot.
    ScreenLot { engagement: EngagementId, lot: LotId } "screen_lot";
    /// Lets sampling begin again after it was discontinued.
    ResumeSampling { engagement: EngagementId, line: LineId, case_type: String, note: String } "resume_sampling";

    /// Changes the words of the deliverable.
    EditDeliverable { engagement: EngagementId, case: CaseId, body: String } "edit_deliverable";
    /// Asks for a signature, or for none where the plan needs none.
    RequestSignoff { engagement: EngagementId, case: CaseId } "request_signoff";
    /// Records that the signer opened an item.
    OpenMaterial { engagement: EngagementId, case: CaseId, material: Material } "open_material";
    /// Signs the content with this digest.
    Sign { engagement: EngagementId, case: CaseId, content: Digest, statement: String } "sign";
    /// Sends the content back with a finding.
    ReturnSignoff { engagement: EngagementId, case: CaseId, code: ReturnCode, note: String, finding: Option<JudgementIn> } "return_signoff";
    /// Declines to sign.
    RefuseSignoff { engagement: EngagementId, case: CaseId, note: String } "refuse_signoff";
    /// Releases the deliverable to the client.
    Deliver { engagement: EngagementId, case: CaseId } "deliver";
    /// Accepts the delivery.
    AcceptDelivery { engagement: EngagementId, case: CaseId } "accept_delivery";
    /// Sends the delivery back.
    ReturnDelivery { engagement: EngagementId, case: CaseId, code: ReturnCode, note: String } "return_delivery";

    /// Proposes a decided case, with its answers, as gold.
    ProposeGold { engagement: EngagementId, case: CaseId, note: Option<String> } "propose_gold";
    /// Agrees that the answer of a proposed gold case is right.
    ApproveGold { engagement: EngagementId, gold: GoldId } "approve_gold";
    /// Does not agree.
    DeclineGold { engagement: EngagementId, gold: GoldId, reason: String } "decline_gold";
    /// Shows a gold case no more.
    RetireGold { engagement: EngagementId, gold: GoldId, reason: String } "retire_gold";
    /// Ends a showing that has had its time, and tells its reader.
    CloseShowing { engagement: EngagementId, case: CaseId } "close_showing";
    /// Holds that the gold answer of a showing is wrong.
    RebutGold { engagement: EngagementId, case: CaseId, note: String } "rebut_gold";
    /// Decides a rebuttal: with the right answers the gold case is corrected, without them it stands.
    DecideRebuttal { engagement: EngagementId, case: CaseId, corrected: Option<BTreeMap<QuestionKey, Answer>>, note: String } "decide_rebuttal";

    /// Opens a calibration round over decided cases.
    OpenCalibration { engagement: EngagementId, title: String, cases: Vec<CaseId>, members: Vec<PersonId>, ends_at: Instant } "open_calibration";
    /// Seals the actor's reading of a case of a round.
    ReadCalibration { engagement: EngagementId, calibration: CalibrationId, case: CaseId, judgement: JudgementIn } "read_calibration";
    /// Takes the actor out of a round.
    LeaveCalibration { engagement: EngagementId, calibration: CalibrationId } "leave_calibration";
    /// Closes a round: its readings are open to all who take part.
    CloseCalibration { engagement: EngagementId, calibration: CalibrationId } "close_calibration";
    /// Notes what the discussion of a round ended in.
    NoteFinding { engagement: EngagementId, calibration: CalibrationId, kind: FindingKind, question: Option<QuestionKey>, case: Option<CaseId>, text: String } "note_finding";

    /// Proposes a decided case as guidance on one of its questions.
    ProposePrecedent { engagement: EngagementId, case: CaseId, question: QuestionKey, text: String, replaces: Option<PrecedentId> } "propose_precedent";
    /// Agrees that a precedent guides from now on.
    ApprovePrecedent { engagement: EngagementId, precedent: PrecedentId } "approve_precedent";
    /// Does not agree.
    DeclinePrecedent { engagement: EngagementId, precedent: PrecedentId, reason: String } "decline_precedent";
    /// Lets a precedent guide no more.
    WithdrawPrecedent { engagement: EngagementId, precedent: PrecedentId, reason: String } "withdraw_precedent";

    /// Raises the alarm of a chart that reached its limit.
    RaiseAlarm { engagement: EngagementId, signal: Signal } "raise_alarm";
    /// Closes an alarm with what it came from.
    CloseAlarm { engagement: EngagementId, alarm: AlarmId, cause: AlarmCause, note: String } "close_alarm";
}

impl Command {
    /// Returns whose rows the command writes. A new engagement's scope is known only once it is decided: `None`.
    pub fn scope(&self) -> Option<Scope> {
        match self.engagement() {
            Some(engagement) => Some(Scope::Engagement(engagement)),
            None => (!matches!(self, Self::DraftEngagement { .. })).then_some(Scope::Directory),
        }
    }

    /// Returns the case the command is about.
    pub fn case(&self) -> Option<CaseId> {
        match self {
            Self::AdmitCase { case, .. }
            | Self::DeclineCase { case, .. }
            | Self::CancelCase { case, .. }
            | Self::AddItem { case, .. }
            | Self::WidenItem { case, .. }
            | Self::AddParty { case, .. }
            | Self::TransferCase { case, .. }
            | Self::ClaimSeat { case, .. }
            | Self::AssignSeat { case, .. }
            | Self::ReleaseSeat { case, .. }
            | Self::RevokeSeat { case, .. }
            | Self::SubmitReading { case, .. }
            | Self::CloseReading { case, .. }
            | Self::RecordReading { case, .. }
            | Self::RecordReference { case, .. }
            | Self::TakeAdjudication { case, .. }
            | Self::Adjudicate { case, .. }
            | Self::TakeReview { case, .. }
            | Self::FinishReview { case, .. }
            | Self::RebutReview { case, .. }
            | Self::RuleReview { case, .. }
            | Self::EditDeliverable { case, .. }
            | Self::RequestSignoff { case, .. }
            | Self::OpenMaterial { case, .. }
            | Self::Sign { case, .. }
            | Self::ReturnSignoff { case, .. }
            | Self::RefuseSignoff { case, .. }
            | Self::Deliver { case, .. }
            | Self::AcceptDelivery { case, .. }
            | Self::ReturnDelivery { case, .. }
            | Self::ProposeGold { case, .. }
            | Self::CloseShowing { case, .. }
            | Self::RebutGold { case, .. }
            | Self::DecideRebuttal { case, .. }
            | Self::ReadCalibration { case, .. }
            | Self::ProposePrecedent { case, .. } => Some(*case),
            Self::ApprovePrecedent { precedent, .. }
            | Self::DeclinePrecedent { precedent, .. }
            | Self::WithdrawPrecedent { precedent, .. } => Some(precedent.case()),
            Self::ApproveGold { gold, .. } | Self::DeclineGold { gold, .. } | Self::RetireGold { gold, .. } => {
                Some(gold.case())
            }
            Self::AddOrganisation { .. }
            | Self::AddPerson { .. }
            | Self::RecordCredential { .. }
            | Self::RevokeCredential { .. }
            | Self::SetClearance { .. }
            | Self::SetConflict { .. }
            | Self::SetPlace { .. }
            | Self::MarkLeft { .. }
            | Self::DraftEngagement { .. }
            | Self::DraftSow { .. }
            | Self::ReviseSow { .. }
            | Self::ProposeSow { .. }
            | Self::SignSow { .. }
            | Self::GoLive { .. }
            | Self::AddMember { .. }
            | Self::ChangeMember { .. }
            | Self::RemoveMember { .. }
            | Self::TakeIn { .. }
            | Self::TakeInHistory { .. }
            | Self::ClaimNext { .. }
            | Self::Replan { .. }
            | Self::OpenCalibration { .. }
            | Self::LeaveCalibration { .. }
            | Self::CloseCalibration { .. }
            | Self::NoteFinding { .. }
            | Self::CloseLot { .. }
            | Self::ScreenLot { .. }
            | Self::ResumeSampling { .. }
            | Self::RaiseAlarm { .. }
            | Self::CloseAlarm { .. }
            | Self::FitModel { .. } => None,
        }
    }

    /// Returns the engagement the command is about.
    pub fn engagement(&self) -> Option<EngagementId> {
        match self {
            Self::AddOrganisation { .. }
            | Self::AddPerson { .. }
            | Self::RecordCredential { .. }
            | Self::RevokeCredential { .. }
            | Self::SetClearance { .. }
            | Self::SetConflict { .. }
            | Self::SetPlace { .. }
            | Self::MarkLeft { .. }
            | Self::DraftEngagement { .. } => None,
            Self::DraftSow { engagement, .. }
            | Self::ReviseSow { engagement, .. }
            | Self::ProposeSow { engagement, .. }
            | Self::SignSow { engagement, .. }
            | Self::GoLive { engagement }
            | Self::AddMember { engagement, .. }
            | Self::ChangeMember { engagement, .. }
            | Self::RemoveMember { engagement, .. }
            | Self::TakeIn { engagement, .. }
            | Self::TakeInHistory { engagement, .. }
            | Self::AdmitCase { engagement, .. }
            | Self::DeclineCase { engagement, .. }
            | Self::CancelCase { engagement, .. }
            | Self::AddItem { engagement, .. }
            | Self::WidenItem { engagement, .. }
            | Self::AddParty { engagement, .. }
            | Self::TransferCase { engagement, .. }
            | Self::ClaimNext { engagement }
            | Self::ClaimSeat { engagement, .. }
            | Self::AssignSeat { engagement, .. }
            | Self::ReleaseSeat { engagement, .. }
            | Self::RevokeSeat { engagement, .. }
            | Self::SubmitReading { engagement, .. }
            | Self::RecordReading { engagement, .. }
            | Self::RecordReference { engagement, .. }
            | Self::CloseReading { engagement, .. }
            | Self::FitModel { engagement, .. }
            | Self::Replan { engagement, .. }
            | Self::TakeAdjudication { engagement, .. }
            | Self::Adjudicate { engagement, .. }
            | Self::TakeReview { engagement, .. }
            | Self::FinishReview { engagement, .. }
            | Self::RebutReview { engagement, .. }
            | Self::RuleReview { engagement, .. }
            | Self::CloseLot { engagement, .. }
            | Self::ScreenLot { engagement, .. }
            | Self::ResumeSampling { engagement, .. }
            | Self::EditDeliverable { engagement, .. }
            | Self::RequestSignoff { engagement, .. }
            | Self::OpenMaterial { engagement, .. }
            | Self::Sign { engagement, .. }
            | Self::ReturnSignoff { engagement, .. }
            | Self::RefuseSignoff { engagement, .. }
            | Self::Deliver { engagement, .. }
            | Self::AcceptDelivery { engagement, .. }
            | Self::ReturnDelivery { engagement, .. }
            | Self::ProposeGold { engagement, .. }
            | Self::ApproveGold { engagement, .. }
            | Self::DeclineGold { engagement, .. }
            | Self::RetireGold { engagement, .. }
            | Self::CloseShowing { engagement, .. }
            | Self::RebutGold { engagement, .. }
            | Self::DecideRebuttal { engagement, .. }
            | Self::OpenCalibration { engagement, .. }
            | Self::ReadCalibration { engagement, .. }
            | Self::LeaveCalibration { engagement, .. }
            | Self::CloseCalibration { engagement, .. }
            | Self::NoteFinding { engagement, .. }
            | Self::ProposePrecedent { engagement, .. }
            | Self::ApprovePrecedent { engagement, .. }
            | Self::DeclinePrecedent { engagement, .. }
            | Self::WithdrawPrecedent { engagement, .. }
            | Self::RaiseAlarm { engagement, .. }
            | Self::CloseAlarm { engagement, .. } => Some(*engagement),
        }
    }

    /// Returns what the command needs to know beyond what is loaded; nothing: `decide` may be asked.
    ///
    /// Asked again after each round of loading, because a case names its statement of work, and a panel its readers.
    pub fn wants(&self, actor: Option<PersonId>, facts: &Facts) -> Vec<Want> {
        let mut wants = Vec::new();
        let mut people: BTreeSet<PersonId> = actor.into_iter().collect();
        self.own_wants(actor, facts, &mut people, &mut wants);
        for person in &people {
            wants.extend([Want::Person(*person), Want::Name(*person)]);
        }
        if let Some(engagement) = self.engagement() {
            wants.push(Want::Stream(StreamId::Engagement(engagement)));
            wants.extend(people.iter().map(|person| Want::Stream(StreamId::Member(*person))));
            self.work_wants(facts, &mut wants);
        }
        wants.retain(|want| !facts.loaded.contains(want));
        wants.sort_unstable();
        wants.dedup();
        wants
    }

    /// Adds the people whom the command names and what it alone needs to know.
    #[expect(clippy::too_many_lines, reason = "one arm for each command")]
    fn own_wants(
        &self,
        actor: Option<PersonId>,
        facts: &Facts,
        people: &mut BTreeSet<PersonId>,
        wants: &mut Vec<Want>,
    ) {
        match self {
            Self::AddPerson { person } => {
                people.extend(person.same_as);
                wants.push(Want::Organisation(person.org));
            }
            Self::RecordCredential { person, .. }
            | Self::RevokeCredential { person, .. }
            | Self::SetClearance { person, .. }
            | Self::SetConflict { person, .. }
            | Self::SetPlace { person, .. }
            | Self::MarkLeft { person }
            | Self::AddMember { person, .. }
            | Self::AssignSeat { person, .. }
            | Self::RevokeSeat { person, .. } => people.extend([*person]),
            Self::DraftEngagement { client, provider, managers, .. } => {
                people.extend(managers.iter().map(|(person, _)| *person));
                wants.extend([Want::Organisation(*client), Want::Organisation(*provider)]);
            }
            Self::DraftSow { lines, .. } => wants.extend(lines.iter().map(|line| Want::Pack(line.pack.digest))),
            Self::ReviseSow { sow, lines, .. } => {
                wants.push(Want::Stream(StreamId::Sow(*sow)));
                wants.extend(lines.iter().map(|line| Want::Pack(line.pack.digest)));
            }
            Self::ProposeSow { sow, .. } | Self::SignSow { sow, .. } => wants.push(Want::Stream(StreamId::Sow(*sow))),
            Self::GoLive { .. } => wants.push(Want::Signers),
            Self::ChangeMember { person, .. } => {
                people.extend([*person]);
                wants.push(Want::DutiesOf(*person));
            }
            Self::Replan { person, .. } => {
                people.extend([*person]);
                wants.extend([Want::DutiesOf(*person), Want::RoundsOf(*person)]);
                round_wants(&facts.rounds, facts, people, wants);
            }
            Self::RemoveMember { person, successor, .. } => {
                people.extend([*person]);
                people.extend(*successor);
                wants.extend([Want::DutiesOf(*person), Want::OwnedBy(*person), Want::RoundsOf(*person)]);
                round_wants(&facts.rounds, facts, people, wants);
            }
            Self::TakeIn { engagement, case } | Self::TakeInHistory { engagement, case, .. } => {
                people.extend([case.owner]);
                wants.push(Want::Reference(reference_key(*engagement, &case.reference)));
                gate_wants(facts, wants);
            }
            Self::AdmitCase { .. } => gate_wants(facts, wants),
            Self::CancelCase { case, .. } => {
                let admission = facts.cases.get(case).and_then(|case| case.admission.as_ref());
                wants.extend(admission.map(|admission| Want::Stream(StreamId::Line(admission.line))));
                holder_wants(*case, facts, people);
                lot_wants(*case, facts, wants);
            }
            Self::Deliver { case, .. } => {
                people.extend(facts.cases.get(case).map(|case| case.owner));
                lot_wants(*case, facts, wants);
            }
            Self::TakeReview { case, review, .. }
            | Self::FinishReview { case, review, .. }
            | Self::RebutReview { case, review, .. }
            | Self::RuleReview { case, review, .. } => {
                people.extend(facts.cases.get(case).map(|case| case.owner));
                wants.push(Want::Stream(StreamId::Review(*review)));
                lot_wants(*case, facts, wants);
            }
            Self::CloseLot { lot, .. } | Self::ScreenLot { lot, .. } => whole_lot_wants(*lot, facts, wants),
            Self::ResumeSampling { line, case_type, .. } => {
                wants.push(Want::Stream(StreamId::Sampler(sampler_of(*line, case_type))));
            }
            Self::Adjudicate { case, .. } => draw_wants(*case, facts, wants),
            Self::AddParty { case, .. } => holder_wants(*case, facts, people),
            Self::TransferCase { to, .. } => people.extend([*to]),
            Self::ClaimNext { engagement } => next_wants(*engagement, actor, facts, wants),
            Self::ProposeGold { .. }
            | Self::ApproveGold { .. }
            | Self::DeclineGold { .. }
            | Self::RetireGold { .. }
            | Self::CloseShowing { .. }
            | Self::DecideRebuttal { .. }
            | Self::OpenCalibration { .. }
            | Self::ReadCalibration { .. }
            | Self::LeaveCalibration { .. }
            | Self::CloseCalibration { .. }
            | Self::NoteFinding { .. }
            | Self::ProposePrecedent { .. }
            | Self::ApprovePrecedent { .. }
            | Self::DeclinePrecedent { .. }
            | Self::WithdrawPrecedent { .. } => self.measure_wants(facts, people, wants),
            Self::RaiseAlarm { engagement, signal } => {
                let known = signal.after.into_iter().chain([signal.alarm(*engagement)]);
                wants.extend(known.map(|alarm| Want::Stream(StreamId::Alarm(alarm))));
            }
            Self::CloseAlarm { alarm, .. } => {
                wants.push(Want::Stream(StreamId::Alarm(*alarm)));
                // Whose reading it is about: she need not be a member any more.
                if let Some(Watched::Reader(person)) = facts.alarms.get(alarm).map(|known| &known.signal.chart.watched)
                {
                    wants.push(Want::Person(*person));
                }
            }
            Self::RecordReading { reader, .. } => people.extend([*reader]),
            Self::SubmitReading { engagement, case, .. } | Self::CloseReading { engagement, case } => {
                weigh_wants(*engagement, *case, facts, wants);
                draw_wants(*case, facts, wants);
            }
            Self::FitModel { engagement, .. } => wants.push(Want::Stream(StreamId::Model(*engagement))),
            Self::Sign { case, .. } => {
                let items = facts.cases.get(case).into_iter().flat_map(|case| &case.items);
                wants.extend(items.map(|item| Want::Text(item.name.id)));
            }
            Self::EditDeliverable { case, .. } => {
                let resolution = facts.cases.get(case).and_then(|case| case.resolution.as_ref());
                wants.extend(resolution.and_then(|known| known.deliverable).map(|text| Want::Text(text.id)));
            }
            Self::AddOrganisation { .. }
            | Self::DeclineCase { .. }
            | Self::AddItem { .. }
            | Self::WidenItem { .. }
            | Self::ClaimSeat { .. }
            | Self::ReleaseSeat { .. }
            | Self::RecordReference { .. }
            | Self::TakeAdjudication { .. }
            | Self::RequestSignoff { .. }
            | Self::OpenMaterial { .. }
            | Self::ReturnSignoff { .. }
            | Self::RefuseSignoff { .. }
            | Self::AcceptDelivery { .. }
            | Self::ReturnDelivery { .. }
            | Self::RebutGold { .. } => {}
        }
    }

    /// Adds what measuring readers rests on: gold cases and their readers, rounds and everybody in them.
    fn measure_wants(&self, facts: &Facts, people: &mut BTreeSet<PersonId>, wants: &mut Vec<Want>) {
        match self {
            Self::ProposeGold { case, .. } => {
                let (gold, precedent) = (StreamId::Gold(case.gold()), StreamId::Precedent(case.precedent()));
                wants.extend([Want::Stream(gold), Want::Stream(precedent)]);
            }
            Self::ProposePrecedent { case, replaces, .. } => {
                let (gold, precedent) = (StreamId::Gold(case.gold()), StreamId::Precedent(case.precedent()));
                wants.extend([Want::Stream(gold), Want::Stream(precedent)]);
                wants.extend(replaces.map(|replaced| Want::Stream(StreamId::Precedent(replaced))));
                wants.extend(facts.cases.get(case).map(|case| Want::Text(case.reference.id)));
            }
            Self::ApprovePrecedent { precedent, .. }
            | Self::DeclinePrecedent { precedent, .. }
            | Self::WithdrawPrecedent { precedent, .. } => {
                wants.push(Want::Stream(StreamId::Precedent(*precedent)));
                let replaced = facts.precedents.get(precedent).and_then(|known| known.example.replaces);
                wants.extend(replaced.map(|replaced| Want::Stream(StreamId::Precedent(replaced))));
            }
            Self::ApproveGold { gold, .. } | Self::DeclineGold { gold, .. } | Self::RetireGold { gold, .. } => {
                wants.push(Want::Stream(StreamId::Gold(*gold)));
            }
            Self::CloseShowing { case, .. } | Self::DecideRebuttal { case, .. } => {
                holder_wants(*case, facts, people);
                let laid = facts.cases.get(case).and_then(|case| case.showing);
                people.extend(laid.and_then(|laid| facts.golds.get(&laid.gold)).into_iter().flat_map(Gold::readers));
            }
            Self::OpenCalibration { cases, members, .. } => {
                people.extend(members.iter().take(PICKED_MAX));
                wants.extend(cases.iter().take(PICKED_MAX).map(|case| Want::Stream(StreamId::Gold(case.gold()))));
            }
            Self::ReadCalibration { calibration, .. }
            | Self::LeaveCalibration { calibration, .. }
            | Self::CloseCalibration { calibration, .. }
            | Self::NoteFinding { calibration, .. } => round_wants(&[*calibration], facts, people, wants),
            _ => {}
        }
    }

    /// Adds the wants of the work itself: the statements of work in force, and each case in question with its panel,
    /// statement of work and pack.
    fn work_wants(&self, facts: &Facts, wants: &mut Vec<Want>) {
        if let Some(engagement) = &facts.engagement {
            wants.extend(engagement.signed().map(|sow| Want::Stream(StreamId::Sow(sow))));
        }
        let listed = facts.candidates.iter().chain(&facts.duties).chain(&facts.owned).copied();
        let picked = match self {
            Self::OpenCalibration { cases, .. } => cases.as_slice(),
            _ => &[],
        };
        let rounds = facts.rounds.iter().filter_map(|round| facts.calibrations.get(round));
        let picked = picked.iter().take(PICKED_MAX).chain(rounds.flat_map(|round| &round.cases)).copied();
        for id in self.case().into_iter().chain(listed).chain(picked) {
            wants.extend([Want::Stream(StreamId::Case(id)), Want::Stream(StreamId::panel_of(id))]);
            let known = facts.cases.get(&id);
            wants
                .extend(known.into_iter().flat_map(|case| &case.reviews).map(|id| Want::Stream(StreamId::Review(*id))));
            if let Some(admission) = known.and_then(|case| case.admission.as_ref()) {
                wants.extend([Want::Stream(StreamId::Sow(admission.sow)), Want::Pack(admission.pack.digest)]);
            }
            let laid = facts.cases.get(&id).and_then(|case| case.showing);
            wants.extend(laid.map(|laid| Want::Stream(StreamId::Gold(laid.gold))));
        }
    }
}

/// Adds what the scope gate asks: the counters and packs of the lines in force.
fn gate_wants(facts: &Facts, wants: &mut Vec<Want>) {
    for line in facts.sows.values().flat_map(|sow| &sow.lines) {
        wants.extend([Want::Stream(StreamId::Line(line.line)), Want::Pack(line.pack.digest)]);
    }
}

/// Adds what a showing of gold would be made of, where the plan of a case that may be taken mixes gold in. All of it is
/// asked for before anybody knows whether gold is drawn, so that both answers take the same way.
fn pool_wants(actor: Option<PersonId>, facts: &Facts, wants: &mut Vec<Want>) {
    let plans = |case: &CaseId| facts.cases.get(case)?.admission.as_ref()?.plan.gold;
    if !facts.candidates.iter().any(|case| plans(case).is_some()) {
        return;
    }
    wants.extend(actor.map(Want::GoldPool));
    wants.extend(facts.gold_pool.iter().map(|gold| Want::Stream(StreamId::Gold(*gold))));
    wants.extend(facts.golds.values().map(|gold| Want::Text(gold.matter.reference.id)));
    let candidates = facts.candidates.iter().filter_map(|case| facts.cases.get(case));
    wants.extend(candidates.map(|case| Want::Text(case.reference.id)));
}

/// Most cases and people of a round that are looked at, and one more to see that there are too many.
const PICKED_MAX: usize = 51;

/// Adds what rounds rest on: themselves, their pack, the gold among their cases, and everybody who is invited.
fn round_wants(rounds: &[CalibrationId], facts: &Facts, people: &mut BTreeSet<PersonId>, wants: &mut Vec<Want>) {
    wants.extend(rounds.iter().map(|round| Want::Stream(StreamId::Calibration(*round))));
    for round in rounds.iter().filter_map(|round| facts.calibrations.get(round)) {
        wants.push(Want::Pack(round.pack.digest));
        wants.extend(round.cases.iter().map(|case| Want::Stream(StreamId::Gold(case.gold()))));
        people.extend(round.invited.iter().map(|invitee| invitee.person));
    }
}

/// Adds those who hold a duty on a case that may be taken from them.
fn holder_wants(case: CaseId, facts: &Facts, people: &mut BTreeSet<PersonId>) {
    let Some(panel) = facts.panels.get(&case.panel()) else { return };
    people.extend(panel.held_duties().map(|record| record.person));
    let reviews = facts.cases.get(&case).into_iter().flat_map(|case| &case.reviews);
    people.extend(reviews.filter_map(|review| facts.reviews.get(review)?.holder()).map(|holding| holding.person));
}

/// Adds the lot that a case is in, with its sampler.
fn lot_wants(case: CaseId, facts: &Facts, wants: &mut Vec<Want>) {
    let Some(case) = facts.cases.get(&case) else { return };
    let (Some(lot), Some(admission)) = (case.lot, &case.admission) else { return };
    let sampler = StreamId::Sampler(sampler_of(admission.line, &case.case_type));
    wants.extend([Want::Stream(StreamId::Lot(lot)), Want::Stream(sampler)]);
}

/// Adds what finds the next case. Who else might read is asked only where a further reading is wanted.
fn next_wants(engagement: EngagementId, actor: Option<PersonId>, facts: &Facts, wants: &mut Vec<Want>) {
    wants.extend(actor.map(Want::Candidates));
    pool_wants(actor, facts, wants);
    let mut panels = facts.candidates.iter().filter_map(|case| facts.panels.get(&case.panel()));
    if panels.any(|panel| panel.asks_another().is_some()) {
        wants.push(Want::Stream(StreamId::Model(engagement)));
        wants.extend(actor.map(Want::Rivals));
    }
}

/// Adds what was measured of the readers, which only a sequential panel asks.
fn weigh_wants(engagement: EngagementId, case: CaseId, facts: &Facts, wants: &mut Vec<Want>) {
    let panel = facts.panels.get(&case.panel());
    if panel.is_some_and(|panel| matches!(panel.stopping, Stopping::Sequential { .. })) {
        wants.push(Want::Stream(StreamId::Model(engagement)));
    }
}

/// Adds what the draw of a case that may now be decided rests on: the lot that cases join, its seed, and since when the
/// readers are here.
fn draw_wants(id: CaseId, facts: &Facts, wants: &mut Vec<Want>) {
    let fresh = |case: &&crate::case::Case| case.lot.is_none() && case.showing.is_none();
    let Some(case) = facts.cases.get(&id).filter(fresh) else { return };
    let Some(admission) = case.admission.as_ref().filter(|admission| admission.plan.review.is_some()) else { return };
    let sampler = sampler_of(admission.line, &case.case_type);
    wants.push(Want::Stream(StreamId::Sampler(sampler)));
    if let Some(lot) = facts.samplers.get(&sampler).and_then(|sampler| sampler.current) {
        wants.extend([Want::Stream(StreamId::Lot(lot)), Want::Seed(lot)]);
    }
    let readers = facts.panels.get(&id.panel()).into_iter().flat_map(Panel::panel_readings);
    wants.extend(readers.map(|reading| Want::Stream(StreamId::Member(reading.reader))));
}

/// Adds a lot with its sampler and seed, and the cases that would be drawn next.
fn whole_lot_wants(id: LotId, facts: &Facts, wants: &mut Vec<Want>) {
    wants.push(Want::Stream(StreamId::Lot(id)));
    let Some(lot) = facts.lots.get(&id) else { return };
    wants.push(Want::Stream(StreamId::Sampler(sampler_of(lot.line, &lot.case_type))));
    if lot.status == LotStatus::Open {
        wants.push(Want::Seed(id));
    }
    let next = facts.seeds.get(&id).map(|seed| lot.to_sample(seed)).unwrap_or_default();
    let rest = lot.at(Place::Undrawn).take(SCREENED_MAX).filter(|_| lot.status == LotStatus::Rejected && !lot.screened);
    wants.extend(next.into_iter().chain(rest).map(|case| Want::Stream(StreamId::Case(case))));
}

/// Returns the key under which a case's reference is unique in its engagement.
pub fn reference_key(engagement: EngagementId, reference: &str) -> Digest {
    Digest::of_parts(&[engagement.to_string().as_bytes(), reference.trim().as_bytes()])
}
