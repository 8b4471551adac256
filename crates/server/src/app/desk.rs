//! The reading desk: what one reader is shown, built for her alone. Nothing here looks at another reading.

use jiff::Timestamp;
use remit_access::{Action, Class, Label};
use remit_kernel::{
    case::Case,
    facts::Want,
    form::Form,
    id::{AssignmentId, CaseId, EngagementId, PersonId},
    index::DutyStatus,
    pack::{Duty, Pack, Stage},
    panel::{Panel, Provenance},
    refusal::{Reason, code},
    routing::{CANDIDATES_MAX, eligibility},
    stream::{Scope, StreamId},
};
use remit_store::DraftKey;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    App,
    judgement::{Paper, Passage, Written, find},
    look::{Look, Query},
    precedent::Guidance,
};
use crate::{caller::Caller, error::Result};

/// Most seats a reader can hold, and so the most that are looked through.
const SEATS_MAX: u32 = 500;
/// Largest draft, in bytes: every text at its limit fits.
const DRAFT_BYTES_MAX: usize = 1024 * 1024;
/// Longest quote that is looked for, in code points.
const QUOTE_CHARS_MAX: usize = 20_000;

/// Asks for the caller's seats, and how much more there is to read.
#[derive(Debug, Clone, Copy)]
pub struct Seats {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// What a reader has on her desk.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SeatList {
    /// The seats she holds, earliest promise first.
    pub seats: Vec<SeatLine>,
    /// How many open cases fit her now.
    pub fitting: usize,
    /// Whether there may be more than that.
    pub more: bool,
    /// Whether she may take one.
    pub may_read: bool,
    /// What she lacks to be calibrated: until then each case she takes is gold.
    pub uncalibrated: Option<String>,
    /// Whether gold is mixed into the work here.
    pub gold: bool,
}

/// One seat that the caller holds.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SeatLine {
    /// Her assignment.
    #[schema(value_type = String)]
    pub assignment: AssignmentId,
    /// The case.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// The client's reference.
    pub reference: String,
    /// What it is about.
    pub title: String,
    /// Whether it is urgent.
    pub urgent: bool,
    /// When it is promised.
    #[schema(value_type = String)]
    pub due_at: Timestamp,
    /// When her draft was last kept; none: not begun.
    #[schema(value_type = Option<String>)]
    pub drafted_at: Option<Timestamp>,
}

impl Query for Seats {
    type Out = SeatList;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<SeatList> {
        let label = Label { own: true, ..Label::engagement(self.engagement) };
        look.admit(Action::ViewQueue, &label)?;
        let may_read = look.may(Action::ReadCaseAsReader, &label);
        let person = look.standing.id();
        let held = look.held().await?;
        let texts: Vec<_> = held.iter().flat_map(|(case, ..)| [case.reference.id, case.title.id]).collect();
        let texts = look.texts(&texts).await?;
        let text = |id| texts.get(&id).cloned().unwrap_or_default();
        let mut seats = Vec::new();
        for (case, panel, assignment, duty) in &held {
            let label = look.label(Class::Case, case, Some(panel))?;
            if *duty != Duty::Read || !look.may(Action::ViewCase, &label) {
                continue;
            }
            seats.push(SeatLine {
                assignment: *assignment,
                case: case.case,
                reference: text(case.reference.id),
                title: text(case.title.id),
                urgent: case.urgent,
                due_at: case.due_at.timestamp(),
                drafted_at: look.draft(person, *assignment).await?.map(|(_, at)| at),
            });
        }
        let (fitting, uncalibrated) = if may_read { look.fitting(person).await? } else { (0, None) };
        look.saw(Action::ViewQueue, "seats", None, None);
        let gold = may_read && !look.rates().await?.is_empty();
        Ok(SeatList { seats, fitting, more: fitting == CANDIDATES_MAX, may_read, uncalibrated, gold })
    }
}

/// Asks for the desk of an assignment: the caller's own, held or sealed.
#[derive(Debug, Clone, Copy)]
pub struct OpenDesk {
    /// In which engagement.
    pub engagement: EngagementId,
    /// The assignment.
    pub assignment: AssignmentId,
}

/// The desk of one reader for one case.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Desk {
    /// Her assignment.
    #[schema(value_type = String)]
    pub assignment: AssignmentId,
    /// The case and what is asked about it.
    pub matter: Matter,
    /// Her draft, or what she sealed.
    pub written: Written,
    /// When the draft was last kept; none: nothing is kept yet.
    #[schema(value_type = Option<String>)]
    pub kept_at: Option<Timestamp>,
    /// When her reading was sealed; none: it is still hers to write.
    #[schema(value_type = Option<String>)]
    pub sealed_at: Option<Timestamp>,
}

/// A case as laid before somebody who judges it: the file and the questions, and nothing of any answer.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Matter {
    /// The case.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// The client's reference.
    pub reference: String,
    /// What it is about.
    pub title: String,
    /// Named facts, in the pack's order: label and value.
    pub facts: Vec<(String, String)>,
    /// Whether it is urgent.
    pub urgent: bool,
    /// When it is promised.
    #[schema(value_type = String)]
    pub due_at: Timestamp,
    /// The documents.
    pub papers: Vec<Paper>,
    /// The questions.
    #[schema(value_type = Object)]
    pub form: Form,
    /// The playbook by stages.
    #[schema(value_type = Vec<Object>)]
    pub stages: Vec<Stage>,
    /// Precedents of like cases, by question.
    pub precedents: Vec<Guidance>,
}

impl Query for OpenDesk {
    type Out = Desk;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Desk> {
        let person = look.standing.id();
        let (case, panel) = look.seat(self.assignment).await?;
        let matter = look.matter(&case, Some(&panel)).await?;
        let own = panel.reading_of(person).filter(|reading| {
            matches!(reading.provenance, Provenance::Witnessed { assignment, .. } if assignment == self.assignment)
        });
        let (written, kept_at, sealed_at) = match own {
            None => {
                let draft = look.draft(person, self.assignment).await?;
                let (written, kept_at) = draft.map_or_else(Default::default, |(written, at)| (written, Some(at)));
                (written, kept_at, None)
            }
            Some(reading) => {
                let label = Label { own: true, ..look.label(Class::Reading, &case, Some(&panel))? };
                look.admit(Action::ViewReading, &label)?;
                look.saw(Action::ViewReading, reading.reading, Some(case.case), None);
                let written = look.written(&[&reading.judgement]).await?.pop().unwrap_or_default();
                (written, None, reading.sealed_at.map(remit_kernel::time::Instant::timestamp))
            }
        };
        look.saw(Action::ViewCase, case.case, Some(case.case), None);
        Ok(Desk { assignment: self.assignment, matter, written, kept_at, sealed_at })
    }
}

/// Asks for a case as laid before somebody who judges it.
#[derive(Debug, Clone, Copy)]
pub struct Lay {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Which case.
    pub case: CaseId,
}

impl Query for Lay {
    type Out = Matter;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Matter> {
        let (case, panel) = look.case(self.case, None).await?;
        look.matter(&case, panel.as_ref()).await
    }
}

/// Asks where a quote stands in the documents of a case.
#[derive(Debug, Clone)]
pub struct FindQuote {
    /// In which engagement.
    pub engagement: EngagementId,
    /// In which case.
    pub case: CaseId,
    /// The quote as pasted.
    pub quote: String,
}

impl Query for FindQuote {
    type Out = Vec<Passage>;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Vec<Passage>> {
        let (case, panel) = look.case(self.case, None).await?;
        check_quote(&self.quote)?;
        let papers = look.papers(&case, panel.as_ref()).await?;
        Ok(find(&papers, &self.quote))
    }
}

/// Checks that a quote is no longer than is looked for.
pub(crate) fn check_quote(quote: &str) -> std::result::Result<(), Reason> {
    if quote.chars().count() <= QUOTE_CHARS_MAX {
        return Ok(());
    }
    let sentence = format!("the quote has more than {QUOTE_CHARS_MAX} characters");
    Err(Reason::field(code::TEXT_TOO_LONG, "quote", sentence).hint("Paste the sentence that carries the answer."))
}

/// Asks whether a duty is the caller's now: on which case, and which one.
struct Held {
    engagement: EngagementId,
    assignment: AssignmentId,
}

impl Query for Held {
    type Out = (CaseId, Duty);

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<(CaseId, Duty)> {
        let held = look.held().await?;
        let found = held.into_iter().find(|(_, _, assignment, _)| *assignment == self.assignment);
        let (case, panel, _, duty) = found.ok_or_else(|| Reason::hidden(self.assignment))?;
        let action = match duty {
            Duty::Read => Action::ReadCaseAsReader,
            Duty::Adjudicate => Action::Adjudicate,
            Duty::Sign => Action::SignOff,
            Duty::Review => Action::Review,
        };
        let label = look.label(Class::Case, &case, Some(&panel))?;
        look.admit(action, &label)?;
        Ok((case.case, duty))
    }
}

/// Asks for the draft of a duty that the caller holds.
struct KeptDraft(Held);

impl Query for KeptDraft {
    type Out = Option<(Written, Timestamp)>;

    fn scope(&self) -> Scope {
        self.0.scope()
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Self::Out> {
        let assignment = self.0.assignment;
        self.0.answer(look).await?;
        look.draft(look.standing.id(), assignment).await
    }
}

impl App {
    /// Keeps what a person has written for a duty that she holds, in place of what was kept before, and returns when.
    ///
    /// The one write without an event: a draft is nobody's business but hers, and is gone once she seals or gives back.
    ///
    /// # Errors
    /// `not-found` unless the duty is hers now; a field reason for a draft beyond every limit of a form.
    pub async fn keep_draft(
        &self,
        caller: &Caller,
        engagement: EngagementId,
        assignment: AssignmentId,
        written: &Written,
    ) -> Result<Timestamp> {
        self.view(caller, Held { engagement, assignment }).await?;
        let person = caller.person().ok_or_else(|| Reason::hidden(assignment))?;
        let key = DraftKey { person, stream: assignment.to_string() };
        self.put_draft(Scope::Engagement(engagement), &key, written).await
    }

    /// Keeps a draft, if it is no larger than any form could be.
    pub(crate) async fn put_draft(&self, scope: Scope, key: &DraftKey, written: &impl Serialize) -> Result<Timestamp> {
        let body = serde_json::to_string(written)?;
        if body.len() > DRAFT_BYTES_MAX {
            let long = Reason::field(code::TEXT_TOO_LONG, "draft", "the draft is larger than any form could be");
            return Err(long.hint("Cite passages instead of copying them.").into());
        }
        let now = self.clock.now();
        self.store.put_draft(&scope.to_string(), key, &body, now).await?;
        Ok(now.timestamp())
    }

    /// Returns what the caller keeps for a duty that she holds, and when it was kept.
    ///
    /// # Errors
    /// `not-found` unless the duty is hers now.
    pub async fn find_draft(
        &self,
        caller: &Caller,
        engagement: EngagementId,
        assignment: AssignmentId,
    ) -> Result<Option<(Written, Timestamp)>> {
        self.view(caller, KeptDraft(Held { engagement, assignment })).await
    }
}

impl Look<'_> {
    /// Returns the duties that the caller holds now, earliest promise first.
    async fn held(&self) -> Result<Vec<(Case, Panel, AssignmentId, Duty)>> {
        let Some(person) = self.standing.person else { return Ok(Vec::new()) };
        let duties = self.app.store().duties_of(&self.scope(), person, DutyStatus::Active, SEATS_MAX).await?;
        let cases: Vec<_> = duties.iter().map(|(duty, _)| duty.case).collect();
        let wanted: Vec<_> = cases
            .iter()
            .flat_map(|case| [Want::Stream(StreamId::Case(*case)), Want::Stream(StreamId::panel_of(*case))])
            .collect();
        let mut facts = self.load(&wanted).await?;
        let held = |id: CaseId| {
            let (case, panel) = (facts.cases.remove(&id)?, facts.panels.remove(&id.panel())?);
            let (assignment, duty) = panel.assignment_of(person)?;
            Some((case, panel, assignment, duty))
        };
        Ok(cases.into_iter().filter_map(held).collect())
    }

    /// Returns the case of a seat that the caller holds, or from which she sealed; not found if it is another's.
    async fn seat(&mut self, assignment: AssignmentId) -> Result<(Case, Panel)> {
        let person = self.standing.person.ok_or_else(|| Reason::hidden(assignment))?;
        let duty = self.app.store().find_duty(&self.scope(), assignment).await?;
        let mine =
            duty.filter(|duty| duty.person == person && duty.duty == Duty::Read && duty.status != DutyStatus::Released);
        let mine = mine.ok_or_else(|| Reason::hidden(assignment))?;
        let (case, panel) = self.case(mine.case, None).await.map_err(|_| Reason::hidden(assignment))?;
        Ok((case, panel.ok_or_else(|| Reason::hidden(assignment))?))
    }

    /// Returns the case as laid before somebody who judges it.
    pub(crate) async fn matter(&mut self, case: &Case, panel: Option<&Panel>) -> Result<Matter> {
        let papers = self.papers(case, panel).await?;
        self.matter_with(case, papers).await
    }

    /// Returns the case with these documents as laid before somebody who judges it.
    pub(crate) async fn matter_with(&mut self, case: &Case, papers: Vec<Paper>) -> Result<Matter> {
        let pack = self.pack_of(case).await?;
        let named = pack.case_type(&case.case_type).map(|case_type| case_type.fields.clone()).unwrap_or_default();
        let texts: Vec<_> =
            [case.reference.id, case.title.id].into_iter().chain(case.fields.values().map(|text| text.id)).collect();
        let texts = self.texts(&texts).await?;
        let text = |id| texts.get(&id).cloned().unwrap_or_else(|| super::look::ERASED.to_owned());
        Ok(Matter {
            case: case.case,
            reference: text(case.reference.id),
            title: text(case.title.id),
            facts: named
                .into_iter()
                .filter_map(|field| Some((field.title, text(case.fields.get(&field.key)?.id))))
                .collect(),
            urgent: case.urgent,
            due_at: case.due_at.timestamp(),
            papers,
            form: pack.form.clone(),
            stages: pack.playbook.stages.clone(),
            precedents: self.guidance(case, &pack).await?,
        })
    }

    /// Returns the pack a case is worked by.
    pub(crate) async fn pack_of(&self, case: &Case) -> Result<std::sync::Arc<Pack>> {
        let admission = case.admission.as_ref().ok_or_else(|| Reason::hidden(case.case))?;
        Ok(self.app.pack(admission.pack.digest).await?.ok_or_else(|| Reason::hidden(&admission.pack.name))?)
    }

    /// Returns the caller's draft for a duty, and when it was kept. One that no longer reads counts as none.
    pub(crate) async fn draft(
        &self,
        person: PersonId,
        assignment: AssignmentId,
    ) -> Result<Option<(Written, Timestamp)>> {
        debug_assert_eq!(Some(person), self.standing.person);
        self.kept(&assignment.to_string()).await
    }

    /// Returns the caller's draft under a name, and when it was kept. One that no longer reads counts as none.
    pub(crate) async fn kept<T: DeserializeOwned>(&self, stream: &str) -> Result<Option<(T, Timestamp)>> {
        let key = DraftKey { person: self.standing.id(), stream: stream.to_owned() };
        let draft = self.app.store().find_draft(&self.scope(), &key).await?;
        Ok(draft.and_then(|draft| Some((serde_json::from_str(&draft.body).ok()?, draft.updated_at.timestamp()))))
    }

    /// Returns how many open cases fit a reader now, counted up to [`CANDIDATES_MAX`], and what she lacks to be calibrated
    /// where nothing else keeps her from others.
    async fn fitting(&self, person: PersonId) -> Result<(usize, Option<String>)> {
        let mut loaded = super::load::Loaded::default();
        let wants = [Want::Person(person), Want::Name(person), Want::Stream(StreamId::Member(person))];
        self.app.load(self.standing.scope, &wants, &mut loaded).await?;
        self.app.load(self.standing.scope, &[Want::Candidates(person)], &mut loaded).await?;
        let facts = &loaded.facts;
        let Some(known) = facts.people.get(&person) else { return Ok((0, None)) };
        let (member, now) = (facts.members.get(&person), self.standing.now());
        let name = facts.names.get(&person).map_or("", String::as_str);
        let (mut fitting, mut lacks) = (0, None);
        for case in facts.candidates.iter().filter_map(|case| facts.cases.get(case)) {
            let Some(admission) = case.admission.as_ref().filter(|_| case.parties.is_disjoint(&known.conflicts)) else {
                continue;
            };
            // Cases that she lacks nothing but calibration for are among the candidates: gold is given in their place.
            match eligibility(name, known, member, &admission.need, Duty::Read, now).into_iter().next() {
                None => fitting += 1,
                Some(reason) => lacks = lacks.or(Some(reason.sentence)),
            }
        }
        Ok((fitting, lacks.filter(|_| fitting == 0)))
    }
}
