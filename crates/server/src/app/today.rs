//! Today: what waits for the caller in each engagement, earliest promise first, and what waits for the other side.
//!
//! A reader hears of her own seats and of cases she may take; nothing here follows from another reading.

use std::collections::BTreeSet;

use jiff::Timestamp;
use remit_access::{Action, Class, Label};
use remit_kernel::{
    calibration::CalibrationStatus,
    engagement::SowStatus,
    facts::{Facts, Want},
    gold::{Gold, GoldStatus, RebuttalState},
    id::{AssignmentId, CaseId, EngagementId, PersonId, SowId},
    index::{CaseStatus, DutyStatus, EngagementStatus, Origin, ReviewKind, ReviewStatus, ShowingRow},
    pack::Duty,
    precedent::PrecedentStatus,
    refusal::code,
    role::{Role, Side},
    stream::{Scope, StreamId},
    time::Instant,
    why_not,
};
use remit_store::CaseFilter;
use serde::Serialize;

use super::{
    App,
    engagement::sows,
    load::Loaded,
    look::{ERASED, Look, Query},
    review::MyFeedback,
};
use crate::{caller::Caller, error::Result};

/// Most engagements that one Today looks into.
const ENGAGEMENTS_MAX: u32 = 50;
/// Most cases of one kind that are looked at in one engagement.
const CASES_MAX: u32 = 50;
/// A case is at risk when its promise falls due within this time.
const RISK_SECONDS: i64 = 24 * 3_600;

/// What waits for a person.
#[derive(Debug, Clone, Default, Serialize, utoipa::ToSchema)]
pub struct Today {
    /// What waits for the caller, earliest promise first; the first is the next action.
    pub mine: Vec<Task>,
    /// What the caller waits for.
    pub theirs: Vec<Wait>,
    /// What was closed, for auditors.
    pub closed: Vec<Closed>,
    /// When the whole record was last verified, for those who may verify it.
    pub verification: Option<Verified>,
    /// What the installation needs, for operators.
    pub installation: Option<Installation>,
    /// The engagements of the caller.
    pub engagements: Vec<Place>,
}

/// An engagement of the caller.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Place {
    /// Which.
    #[schema(value_type = String)]
    pub engagement: EngagementId,
    /// Its name.
    pub name: String,
}

/// What kind of act is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Seal a reading of a seat that is held.
    Read,
    /// Decide a dispute that is held.
    Decide,
    /// Sign cases.
    Sign,
    /// Take a dispute to decide.
    Adjudicate,
    /// Take the next case to read.
    NextCase,
    /// Read gold cases until one counts as calibrated.
    Calibrate,
    /// Read the cases of a calibration round.
    ReadRound,
    /// Decide objections to gold answers.
    DecideObjection,
    /// Approve or decline proposed gold cases.
    ApproveGold,
    /// Approve or decline proposed precedents.
    ApprovePrecedent,
    /// Look into an alarm of drift, and close it.
    CloseAlarm,
    /// Review finished work that was drawn, or go on with a review that is held.
    Review,
    /// Hear what reviews found in one's own work while it can be answered.
    Feedback,
    /// Mend returned cases.
    Mend,
    /// Deliver decided or signed cases.
    Deliver,
    /// Accept or return deliveries.
    Accept,
    /// Settle cases that the scope gate stopped.
    SettleScope,
    /// A case one is accountable for falls due.
    Risk,
    /// Transfer a case whose owner has an interest in it.
    NewOwner,
    /// Lay a draft of a statement of work before the other side.
    ProposeSow,
    /// Sign a statement of work.
    SignSow,
    /// Let work begin.
    GoLive,
}

/// One kind of act that waits in one engagement, or one case where it stands alone.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Task {
    /// What to do.
    pub kind: TaskKind,
    /// Where.
    #[schema(value_type = String)]
    pub engagement: EngagementId,
    /// Its name.
    pub engagement_name: String,
    /// How many cases; 1 where one is named.
    pub cases: u64,
    /// Whether there may be more of them than were counted.
    pub more: bool,
    /// How many of them are urgent.
    pub urgent: u64,
    /// The earliest promise.
    #[schema(value_type = Option<String>)]
    pub due_at: Option<Timestamp>,
    /// The case, where there is one.
    #[schema(value_type = Option<String>)]
    pub case: Option<CaseId>,
    /// The status that all of them have, where they wait for a manager.
    #[schema(value_type = Option<String>)]
    pub status: Option<CaseStatus>,
    /// The caller's duty on it, where she holds one.
    #[schema(value_type = Option<String>)]
    pub assignment: Option<AssignmentId>,
    /// The client's reference.
    pub reference: String,
    /// What it is about.
    pub title: String,
}

/// What somebody else does next.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Wait {
    /// What it is.
    pub kind: WaitKind,
    /// Where.
    #[schema(value_type = String)]
    pub engagement: EngagementId,
    /// Its name.
    pub engagement_name: String,
    /// Name of the organisation that acts next.
    pub organisation: String,
    /// How many cases; 0 for a statement of work.
    pub cases: u64,
    /// The earliest promise.
    #[schema(value_type = Option<String>)]
    pub due_at: Option<Timestamp>,
}

/// What one waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitKind {
    /// Cases that the provider works on.
    Work,
    /// Deliveries that the client has not accepted.
    Acceptance,
    /// A statement of work that the other side has not signed.
    SowSignature,
}

/// What was closed in an engagement.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Closed {
    /// Where.
    #[schema(value_type = String)]
    pub engagement: EngagementId,
    /// Its name.
    pub engagement_name: String,
    /// Cases accepted so far.
    pub accepted: u64,
    /// Cases whose answer was changed after the readers had agreed.
    pub changed_after_agreement: u64,
}

/// A verification of the record.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Verified {
    /// When; none: never.
    #[schema(value_type = Option<String>)]
    pub at: Option<Timestamp>,
    /// Whether everything was equal.
    pub ok: bool,
}

/// What an installation needs.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Installation {
    /// Jobs that were given up.
    pub jobs_stopped: u64,
    /// Engagements that are being set up.
    pub drafts: u64,
}

/// What one engagement adds to Today.
#[derive(Debug, Clone, Copy)]
struct TodayIn {
    engagement: EngagementId,
}

/// What the directory adds to Today.
#[derive(Debug, Clone, Copy)]
struct TodayOfInstallation;

impl App {
    /// Returns what waits for the caller, over all her engagements: the one look that crosses them.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn today(&self, caller: &Caller) -> Result<Today> {
        let mut today = self.view(caller, TodayOfInstallation).await?;
        let Some(person) = caller.person() else { return Ok(today) };
        for (scope, _) in self.store.engagements_of(person, ENGAGEMENTS_MAX).await? {
            let Ok(Scope::Engagement(engagement)) = scope.parse() else { continue };
            let part = self.view(caller, TodayIn { engagement }).await?;
            today.mine.extend(part.mine);
            today.theirs.extend(part.theirs);
            today.closed.extend(part.closed);
            today.engagements.extend(part.engagements);
            today.verification = today.verification.or(part.verification);
        }
        // Without a promise last; among equals the order of the kinds.
        today.mine.sort_by_key(|task| (task.due_at.is_none(), task.due_at, task.kind, task.case));
        today.theirs.sort_by_key(|wait| (wait.due_at.is_none(), wait.due_at, wait.engagement));
        Ok(today)
    }
}

impl Query for TodayOfInstallation {
    type Out = Today;

    fn scope(&self) -> Scope {
        Scope::Directory
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Today> {
        let installation = if look.may(Action::ViewAdmin, &Label::directory()) {
            let jobs_stopped = look.app.store().list_stopped_jobs(CASES_MAX).await?.len() as u64;
            let engagements = look.app.store().list_engagements().await?;
            let drafts = engagements.iter().filter(|known| known.row.status == EngagementStatus::Draft).count() as u64;
            Some(Installation { jobs_stopped, drafts })
        } else {
            None
        };
        Ok(Today { installation, ..Today::default() })
    }
}

impl Query for TodayIn {
    type Out = Today;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Today> {
        let mut part = Part::begin(look).await?;
        let role = |role| part.look.standing.holds(role);
        let (client, delivery) = (role(Role::ClientManager), role(Role::DeliveryManager));
        let (expert, adjudicator, signer, auditor) =
            (role(Role::Expert), role(Role::Adjudicator), role(Role::Signer), role(Role::Auditor));
        part.held().await?;
        if expert {
            part.next_case().await?;
            part.rounds().await?;
        }
        if adjudicator {
            part.fitting(TaskKind::Adjudicate, CaseStatus::Adjudicating, Duty::Adjudicate).await?;
        }
        if part.look.standing.holds(Role::Reviewer) {
            part.reviews().await?;
        }
        if expert || adjudicator {
            part.feedback().await?;
        }
        if signer {
            part.fitting(TaskKind::Sign, CaseStatus::AwaitingSignOff, Duty::Sign).await?;
        }
        if client {
            part.queue(TaskKind::Accept, &[CaseStatus::Delivered]).await?;
        }
        if client || delivery {
            part.queue(TaskKind::SettleScope, &[CaseStatus::ScopeQuery]).await?;
            part.contract(client, delivery).await?;
        }
        if delivery {
            part.approvals().await?;
            part.alarms().await?;
            part.new_owners().await?;
            part.queue(TaskKind::Mend, &[CaseStatus::Revision]).await?;
            // What needs no signature is delivered once it is decided.
            for status in [CaseStatus::Resolved, CaseStatus::SignedOff] {
                part.queue(TaskKind::Deliver, &[status]).await?;
            }
            part.wait(WaitKind::Acceptance, &[CaseStatus::Delivered]).await?;
        }
        if client {
            part.wait(WaitKind::Work, IN_WORK).await?;
        }
        part.at_risk().await?;
        if auditor {
            part.closed().await?;
        }
        if part.look.may(Action::VerifyRecord, &Label::engagement(self.engagement)) {
            let newest = part.look.app.store().newest_verification().await?;
            let ok = newest.as_ref().is_some_and(|newest| newest.ok);
            part.today.verification = Some(Verified { at: newest.map(|newest| newest.at.timestamp()), ok });
        }
        let Part { today, .. } = part;
        look.saw(Action::ViewQueue, "today", None, None);
        Ok(today)
    }
}

/// Statuses in which the provider works.
const IN_WORK: &[CaseStatus] = &[
    CaseStatus::Ready,
    CaseStatus::Reading,
    CaseStatus::Adjudicating,
    CaseStatus::Resolved,
    CaseStatus::InReview,
    CaseStatus::AwaitingSignOff,
    CaseStatus::SignedOff,
    CaseStatus::Revision,
];

/// One engagement's part of Today, as it grows.
struct Part<'l, 'a> {
    look: &'l mut Look<'a>,
    scope: String,
    engagement: EngagementId,
    name: String,
    person: PersonId,
    now: Instant,
    facts: Facts,
    today: Today,
}

impl<'l, 'a> Part<'l, 'a> {
    async fn begin(look: &'l mut Look<'a>) -> Result<Self> {
        let engagement = look.standing.engagement()?;
        look.admit(Action::ViewQueue, &Label { own: true, ..Label::engagement(engagement) })?;
        let (scope, person, now) = (look.scope(), look.standing.id(), look.standing.now());
        let named = look.app.store().find_engagement(&scope).await?;
        let name = named.and_then(|named| named.name).unwrap_or_else(|| ERASED.to_owned());
        let wants = [
            Want::Person(person),
            Want::Name(person),
            Want::Stream(StreamId::Member(person)),
            Want::Stream(StreamId::Engagement(engagement)),
        ];
        let facts = look.load(&wants).await?;
        let today = Today { engagements: vec![Place { engagement, name: name.clone() }], ..Today::default() };
        Ok(Self { look, scope, engagement, name, person, now, facts, today })
    }

    fn task(&self, kind: TaskKind) -> Task {
        Task {
            kind,
            engagement: self.engagement,
            engagement_name: self.name.clone(),
            cases: 0,
            more: false,
            urgent: 0,
            due_at: None,
            case: None,
            status: None,
            assignment: None,
            reference: String::new(),
            title: String::new(),
        }
    }

    /// Loads cases with panels and the statements of work they came in under, and leaves out those that are closed to her.
    async fn open(&mut self, cases: &[CaseId]) -> Result<Vec<CaseId>> {
        let wants: Vec<_> = cases
            .iter()
            .flat_map(|case| [StreamId::Case(*case), StreamId::panel_of(*case)])
            .map(Want::Stream)
            .collect();
        let found = self.look.load(&wants).await?;
        let sows: BTreeSet<SowId> =
            found.cases.values().filter_map(|case| Some(case.admission.as_ref()?.sow)).collect();
        let known: Vec<_> = sows
            .into_iter()
            .filter(|sow| !self.facts.sows.contains_key(sow))
            .map(|sow| Want::Stream(StreamId::Sow(sow)))
            .collect();
        self.facts.sows.extend(self.look.load(&known).await?.sows);
        let mut open = Vec::new();
        for id in cases {
            let Some(case) = found.cases.get(id) else { continue };
            let label = self.look.label(Class::Case, case, found.panels.get(&id.panel()))?;
            if self.look.may(Action::ViewCase, &label) {
                open.push(*id);
            }
        }
        self.facts.cases.extend(found.cases);
        self.facts.panels.extend(found.panels);
        Ok(open)
    }

    /// Adds a task over these cases, which are loaded and open to her. One case is named.
    async fn over(&mut self, kind: TaskKind, cases: &[CaseId], counted: u64, more: bool) -> Result<()> {
        let (Some(first), false) = (cases.first(), counted == 0) else { return Ok(()) };
        let of = |id: &CaseId| self.facts.cases.get(id);
        let due_at = cases.iter().filter_map(of).map(|case| case.due_at).min();
        let urgent = cases.iter().filter_map(of).filter(|case| case.urgent).count() as u64;
        let mut task = Task { cases: counted, more, urgent, due_at: due_at.map(Instant::timestamp), ..self.task(kind) };
        if let (1, Some(case)) = (counted, self.facts.cases.get(first)) {
            (task.reference, task.title) = (self.look.text(case.reference).await?, self.look.text(case.title).await?);
            task.case = Some(*first);
        }
        self.today.mine.push(task);
        Ok(())
    }

    /// The seats and disputes she holds, each by itself.
    async fn held(&mut self) -> Result<()> {
        let held = self.look.app.store().duties_of(&self.scope, self.person, DutyStatus::Active, CASES_MAX).await?;
        let cases: Vec<_> = held.iter().map(|(duty, _)| duty.case).collect();
        for case in self.open(&cases).await? {
            let assignment = self.facts.panels.get(&case.panel()).and_then(|panel| panel.assignment_of(self.person));
            let (kind, assignment) = match assignment {
                Some((assignment, Duty::Read)) => (TaskKind::Read, assignment),
                Some((assignment, Duty::Adjudicate)) => (TaskKind::Decide, assignment),
                Some((_, Duty::Sign | Duty::Review)) | None => continue,
            };
            self.over(kind, &[case], 1, false).await?;
            if let Some(task) = self.today.mine.last_mut() {
                task.assignment = Some(assignment);
            }
        }
        Ok(())
    }

    /// How many cases she may take to read now.
    async fn next_case(&mut self) -> Result<()> {
        let mut loaded = Loaded { facts: self.facts.clone(), ..Loaded::default() };
        self.look.app.load(self.look.standing.scope, &[Want::Candidates(self.person)], &mut loaded).await?;
        let candidates = loaded.facts.candidates;
        self.open(&candidates).await?;
        let reasons = |case: &CaseId| why_not(&self.facts, *case, self.person, Duty::Read, self.now);
        let fitting: Vec<_> = candidates.iter().copied().filter(|case| reasons(case).is_empty()).collect();
        if fitting.is_empty()
            && let Some(reason) = candidates.iter().find_map(|case| {
                let reasons = reasons(case);
                let only = reasons.iter().all(|reason| reason.code == code::NOT_CALIBRATED);
                reasons.into_iter().next().filter(|_| only)
            })
        {
            let task = Task { cases: 1, title: reason.sentence, ..self.task(TaskKind::Calibrate) };
            self.today.mine.push(task);
        }
        let more = candidates.len() >= CASES_MAX as usize;
        self.over(TaskKind::NextCase, &fitting, fitting.len() as u64, more).await?;
        if let Some(task) = self.today.mine.last_mut().filter(|task| task.kind == TaskKind::NextCase) {
            // Before she takes a seat, a case has neither name nor address for her.
            (task.case, task.reference, task.title) = (None, String::new(), String::new());
        }
        Ok(())
    }

    /// The open calibration rounds in which she has cases left to read.
    async fn rounds(&mut self) -> Result<()> {
        let rounds = self.look.app.store().list_calibrations(&self.scope).await?;
        let invited = self.look.app.store().list_invitees(&self.scope).await?;
        for round in rounds.into_iter().filter(|round| round.status == CalibrationStatus::Open) {
            let mine = invited.iter().find(|row| {
                row.calibration == round.calibration
                    && row.person == self.person
                    && row.present
                    && row.read < round.cases
            });
            let Some(mine) = mine else { continue };
            let titles = self.look.texts(&[round.title]).await?;
            let title = titles.into_values().next().unwrap_or_else(|| ERASED.to_owned());
            let left = u64::from(round.cases - mine.read);
            let due_at = Some(round.ends_at.timestamp());
            let reference = round.calibration.to_string();
            let task = Task { cases: left, due_at, reference, title, ..self.task(TaskKind::ReadRound) };
            self.today.mine.push(task);
        }
        Ok(())
    }

    /// Objections to gold answers, gold cases and precedents that wait for somebody who had no part in them, as she is.
    async fn approvals(&mut self) -> Result<()> {
        let (store, natural) = (self.look.app.store().clone(), self.look.natural().await?);
        let mut open = store.list_showings(&self.scope).await?;
        open.retain(|showing| showing.rebuttal == Some(RebuttalState::Open));
        let mut golds = store.list_golds(&self.scope).await?;
        golds.retain(|gold| gold.status == GoldStatus::Proposed);
        let mut precedents = store.list_precedents(&self.scope).await?;
        precedents.retain(|precedent| precedent.status == PrecedentStatus::Proposed);
        let streams = open.iter().map(|showing| StreamId::Gold(showing.gold));
        let streams = streams.chain(golds.iter().map(|gold| StreamId::Gold(gold.gold)));
        let streams = streams.chain(precedents.iter().map(|known| StreamId::Precedent(known.precedent)));
        let facts = self.look.load(&streams.map(Want::Stream).collect::<Vec<_>>()).await?;
        let decides = |showing: &ShowingRow| {
            facts.golds.get(&showing.gold).is_some_and(|gold| gold.may_decide(showing.case, natural))
        };
        let objections = open.into_iter().filter(decides).count();
        let proposed = |gold: &&Gold| gold.status == GoldStatus::Proposed && !gold.known_to.contains(&natural);
        let golds = facts.golds.values().filter(proposed).count();
        let precedents = facts.precedents.values().filter(|known| !known.involved.contains(&natural)).count();
        for (kind, count) in [
            (TaskKind::DecideObjection, objections),
            (TaskKind::ApproveGold, golds),
            (TaskKind::ApprovePrecedent, precedents),
        ] {
            if count > 0 {
                let task = Task { cases: count as u64, ..self.task(kind) };
                self.today.mine.push(task);
            }
        }
        Ok(())
    }

    /// Alarms of drift that wait for a person; one is named.
    async fn alarms(&mut self) -> Result<()> {
        if !self.look.may(Action::CloseAlarm, &Label::engagement(self.engagement)) {
            return Ok(());
        }
        let open = self.look.app.store().open_alarms(&self.scope, CASES_MAX).await?;
        if open.is_empty() {
            return Ok(());
        }
        let more = open.len() >= CASES_MAX as usize;
        let mut task = Task { cases: open.len() as u64, more, ..self.task(TaskKind::CloseAlarm) };
        if let [only] = open.as_slice() {
            task.reference = only.alarm.to_string();
        }
        self.today.mine.push(task);
        Ok(())
    }

    /// The cases in this status on which she may take this duty.
    async fn fitting(&mut self, kind: TaskKind, status: CaseStatus, duty: Duty) -> Result<()> {
        let cases = self.of_status(&[status]).await?;
        let open = self.open(&cases).await?;
        let fits = |case: &CaseId| why_not(&self.facts, *case, self.person, duty, self.now).is_empty();
        let fitting: Vec<_> = open.into_iter().filter(fits).collect();
        self.over(kind, &fitting, fitting.len() as u64, cases.len() >= CASES_MAX as usize).await
    }

    /// The reviews she has or may take.
    async fn reviews(&mut self) -> Result<()> {
        let kind = match self.look.standing.principal.side {
            Some(Side::Client) => ReviewKind::InHouse,
            Some(Side::Provider) | None => ReviewKind::Quality,
        };
        let mut rows = Vec::new();
        for status in [ReviewStatus::Taken, ReviewStatus::Open, ReviewStatus::Rebutted] {
            rows.extend(self.look.app.store().list_reviews(&self.scope, status, Some(kind), CASES_MAX).await?);
        }
        let more = rows.len() >= CASES_MAX as usize;
        let lines = self.look.review_lines(&rows).await?;
        let mine: Vec<_> = lines.into_iter().filter(|line| line.mine || line.open).collect();
        if mine.is_empty() {
            return Ok(());
        }
        let due_at = mine.iter().map(|line| line.due_at).min();
        let mut task = Task { cases: mine.len() as u64, more, due_at, ..self.task(TaskKind::Review) };
        if let [only] = mine.as_slice() {
            (task.reference, task.title) = (only.reference.clone(), only.title.clone());
        }
        self.today.mine.push(task);
        Ok(())
    }

    /// Findings in her own work that she may still answer.
    async fn feedback(&mut self) -> Result<()> {
        let lines = MyFeedback { engagement: self.engagement }.answer(self.look).await?;
        let open: Vec<_> = lines.into_iter().filter(|line| line.rebut_until.is_some()).collect();
        if open.is_empty() {
            return Ok(());
        }
        let due_at = open.iter().filter_map(|line| line.rebut_until).min();
        let mut task = Task { cases: open.len() as u64, due_at, ..self.task(TaskKind::Feedback) };
        if let [only] = open.as_slice() {
            task.reference.clone_from(&only.reference);
        }
        self.today.mine.push(task);
        Ok(())
    }

    /// The cases in these statuses, which wait for a manager.
    async fn queue(&mut self, kind: TaskKind, statuses: &[CaseStatus]) -> Result<()> {
        let cases = self.of_status(statuses).await?;
        let open = self.open(&cases).await?;
        let more = cases.len() >= CASES_MAX as usize;
        let before = self.today.mine.len();
        self.over(kind, &open, open.len() as u64, more).await?;
        if let (Some(task), [status]) = (self.today.mine.get_mut(before), statuses) {
            task.status = Some(*status);
        }
        Ok(())
    }

    async fn of_status(&self, statuses: &[CaseStatus]) -> Result<Vec<CaseId>> {
        let filter =
            CaseFilter { statuses: statuses.to_vec(), origin: Some(Origin::Witnessed), ..CaseFilter::default() };
        self.list(&filter).await
    }

    async fn list(&self, filter: &CaseFilter) -> Result<Vec<CaseId>> {
        let rows = self.look.app.store().list_cases(&self.scope, filter, None, CASES_MAX).await?;
        Ok(rows.into_iter().map(|row| row.case).collect())
    }

    /// Cases she is accountable for whose promise is near. Where they stand is not said: she may be one of the readers.
    async fn at_risk(&mut self) -> Result<()> {
        let open = IN_WORK.iter().copied().chain([CaseStatus::ScopeQuery]).collect();
        let filter = CaseFilter {
            owner: Some(self.person),
            due_before: Some(self.now.plus_seconds(RISK_SECONDS)),
            origin: Some(Origin::Witnessed),
            statuses: open,
            ..CaseFilter::default()
        };
        let cases = self.list(&filter).await?;
        let listed: BTreeSet<_> = self.today.mine.iter().filter_map(|task| task.case).collect();
        for case in self.open(&cases).await?.into_iter().filter(|case| !listed.contains(case)).take(10) {
            self.over(TaskKind::Risk, &[case], 1, false).await?;
        }
        Ok(())
    }

    /// Open cases whose owner has declared an interest in a party: they go to another owner, and are not delivered before.
    async fn new_owners(&mut self) -> Result<()> {
        let members = self.look.app.store().list_members(&self.scope).await?;
        let owners = members.iter().filter(|member| member.row.active && member.row.side == Side::Provider);
        let wants: Vec<_> = owners.map(|member| Want::Person(member.row.person)).collect();
        let people = self.look.load(&wants).await?.people;
        for owner in people.into_values().filter(|person| !person.conflicts.is_empty()) {
            let filter = CaseFilter {
                owner: Some(owner.person),
                origin: Some(Origin::Witnessed),
                statuses: IN_WORK.iter().copied().chain([CaseStatus::ScopeQuery, CaseStatus::Delivered]).collect(),
                ..CaseFilter::default()
            };
            let cases = self.list(&filter).await?;
            for case in self.open(&cases).await? {
                let known = self.facts.cases.get(&case);
                if known.is_some_and(|known| !known.parties.is_disjoint(&owner.conflicts)) {
                    self.over(TaskKind::NewOwner, &[case], 1, false).await?;
                }
            }
        }
        Ok(())
    }

    /// Statements of work that wait for her or for the other side, and an engagement that can go live.
    async fn contract(&mut self, client: bool, delivery: bool) -> Result<()> {
        let Some(engagement) = self.facts.engagement.clone() else { return Ok(()) };
        let mine = |side: Side| match side {
            Side::Client => client,
            Side::Provider => delivery,
        };
        for sow in sows(self.look).await? {
            let unsigned = |side: &Side| !sow.signatures.iter().any(|(by, ..)| by == side);
            match sow.status {
                SowStatus::Draft => self.today.mine.push(self.task(TaskKind::ProposeSow)),
                SowStatus::Proposed if Side::ALL.iter().any(|side| mine(*side) && unsigned(side)) => {
                    self.today.mine.push(self.task(TaskKind::SignSow));
                }
                SowStatus::Proposed => {
                    let Some(other) = Side::ALL.iter().copied().find(unsigned) else { continue };
                    let wait = self.wait_for(WaitKind::SowSignature, other).await?;
                    self.today.theirs.push(wait);
                }
                SowStatus::InForce | SowStatus::Superseded => {}
            }
        }
        if engagement.status == EngagementStatus::Draft && engagement.baseline.is_some() {
            self.today.mine.push(self.task(TaskKind::GoLive));
        }
        Ok(())
    }

    async fn wait_for(&self, kind: WaitKind, side: Side) -> Result<Wait> {
        let organisation = self.organisation(side).await?;
        Ok(Wait {
            kind,
            engagement: self.engagement,
            engagement_name: self.name.clone(),
            organisation,
            cases: 0,
            due_at: None,
        })
    }

    async fn organisation(&self, side: Side) -> Result<String> {
        let Some(engagement) = &self.facts.engagement else { return Ok(String::new()) };
        let org = match side {
            Side::Client => engagement.client,
            Side::Provider => engagement.provider,
        };
        let known = self.look.app.store().list_organisations().await?;
        Ok(known
            .into_iter()
            .find(|known| known.row.org == org)
            .and_then(|known| known.name)
            .unwrap_or_else(|| ERASED.to_owned()))
    }

    async fn wait(&mut self, kind: WaitKind, statuses: &[CaseStatus]) -> Result<()> {
        let cases = self.of_status(statuses).await?;
        let open = self.open(&cases).await?;
        let Some(due_at) = open.iter().filter_map(|id| self.facts.cases.get(id)).map(|case| case.due_at).min() else {
            return Ok(());
        };
        let side = match kind {
            WaitKind::Work => Side::Provider,
            WaitKind::Acceptance | WaitKind::SowSignature => Side::Client,
        };
        let wait = self.wait_for(kind, side).await?;
        self.today.theirs.push(Wait { cases: open.len() as u64, due_at: Some(due_at.timestamp()), ..wait });
        Ok(())
    }

    async fn closed(&mut self) -> Result<()> {
        let store = self.look.app.store();
        let accepted = CaseFilter { statuses: vec![CaseStatus::Accepted], ..CaseFilter::default() };
        let changed = CaseFilter { changed_after_agreement: Some(true), ..CaseFilter::default() };
        let closed = Closed {
            engagement: self.engagement,
            engagement_name: self.name.clone(),
            accepted: store.count_cases(&self.scope, &accepted).await?,
            changed_after_agreement: store.count_cases(&self.scope, &changed).await?,
        };
        self.today.closed.push(closed);
        Ok(())
    }
}
