//! Deciding between readings: the queue, and one dispute without the names of those who differ.
//!
//! A reading is known here by its letter alone. Its identifier, its reader, its time and its seat never enter the view
//! until the decision is made.

use std::collections::BTreeSet;

use jiff::Timestamp;
use remit_access::{Action, Class, Label};
use remit_kernel::{
    case::Case,
    facts::Want,
    form::{Answer, QuestionKind},
    id::{AssignmentId, CaseId, EngagementId, PersonId, ReadingId},
    index::{CaseStatus, Origin},
    panel::{Bench, Panel, Reading},
    refusal::Reason,
    role::Role,
    stream::{Scope, StreamId},
};
use remit_store::{CaseFilter, CaseKey};
use serde::Serialize;

use super::{
    case::cursor,
    desk::Matter,
    judgement::Written,
    look::{Look, Query},
};
use crate::error::Result;

/// Most disputes on a page.
const PAGE: u32 = 50;

/// Asks for the disputes that wait for an adjudicator, and those that the caller has taken.
#[derive(Debug, Clone, Copy)]
pub struct ListDisputes {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Those that Remit saw happen, or those of the past.
    pub origin: Origin,
    /// After this place.
    pub after: Option<CaseKey>,
}

/// A page of disputes, earliest promise first.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct DisputeList {
    /// The disputes.
    pub disputes: Vec<DisputeLine>,
    /// Where the next page begins; none: this is the last.
    pub next: Option<String>,
}

/// A dispute in the list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct DisputeLine {
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
    /// Titles of the questions in dispute; empty if a finding was raised against a shared answer.
    pub questions: Vec<String>,
    /// Whether the caller has taken it.
    pub taken: bool,
}

impl Query for ListDisputes {
    type Out = DisputeList;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<DisputeList> {
        let label = Label { own: true, ..Label::engagement(self.engagement) };
        look.admit(Action::ViewQueue, &label)?;
        if !look.standing.holds(Role::Adjudicator) {
            return Err(Reason::hidden("adjudicate").into());
        }
        let person = look.standing.id();
        let natural = look.load(&[Want::Person(person)]).await?.people.get(&person).map(|known| known.natural);
        let filter =
            CaseFilter { statuses: vec![CaseStatus::Adjudicating], origin: Some(self.origin), ..CaseFilter::default() };
        let rows = look.app.store().list_cases(&look.scope(), &filter, self.after, PAGE + 1).await?;
        let next = (rows.len() > PAGE as usize)
            .then(|| rows.get(PAGE as usize - 1).map(|row| cursor(CaseKey::of(row))))
            .flatten();
        let rows = &rows[..rows.len().min(PAGE as usize)];
        let wanted: Vec<_> = rows
            .iter()
            .flat_map(|row| [Want::Stream(StreamId::Case(row.case)), Want::Stream(StreamId::panel_of(row.case))])
            .collect();
        let facts = look.load(&wanted).await?;
        let texts: Vec<_> = rows.iter().flat_map(|row| [row.reference, row.title]).collect();
        let texts = look.texts(&texts).await?;
        let text = |id| texts.get(&id).cloned().unwrap_or_default();
        let mut disputes = Vec::new();
        for row in rows {
            let (Some(case), Some(panel)) = (facts.cases.get(&row.case), facts.panels.get(&row.case.panel())) else {
                continue;
            };
            let taken = matches!(panel.bench, Bench::Taken { person: holder, .. } if holder == person);
            let part = natural.is_none_or(|natural| panel.barred_from_adjudication().contains(&natural));
            let label = look.label(Class::Case, case, Some(panel))?;
            // What somebody else has taken, or what she had a part in, does not wait for her.
            if (panel.bench != Bench::Open && !taken)
                || part
                || !look.may(Action::ViewCase, &label)
                || !look.may(Action::Adjudicate, &label)
            {
                continue;
            }
            let pack = look.pack_of(case).await?;
            let title =
                |key: &String| pack.form.question(key).map_or_else(|| key.clone(), |question| question.title.clone());
            disputes.push(DisputeLine {
                case: row.case,
                reference: text(row.reference),
                title: text(row.title),
                urgent: row.urgent,
                due_at: row.due_at.timestamp(),
                questions: panel.disputed.iter().filter(|_| panel.challenges.is_empty()).map(title).collect(),
                taken,
            });
        }
        look.saw(Action::ViewQueue, "disputes", None, None);
        Ok(DisputeList { disputes, next })
    }
}

/// Asks for one dispute.
#[derive(Debug, Clone, Copy)]
pub struct OpenDispute {
    /// In which engagement.
    pub engagement: EngagementId,
    /// On which case.
    pub case: CaseId,
}

/// A dispute as laid before one adjudicator.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Dispute {
    /// The case and what is asked about it.
    pub matter: Matter,
    /// Whether Remit saw the readings happen.
    #[schema(value_type = String)]
    pub origin: Origin,
    /// Where it stands for the caller.
    pub stand: Stand,
    /// Keys of the questions on which what follows differs.
    pub differing: BTreeSet<String>,
    /// The readings in the order drawn for this adjudicator; empty until she takes the dispute.
    pub voices: Vec<Voice>,
    /// Her draft, or what she decided.
    pub written: Written,
    /// When the draft was last kept.
    #[schema(value_type = Option<String>)]
    pub kept_at: Option<Timestamp>,
}

/// Where a dispute stands for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", tag = "stand")]
pub enum Stand {
    /// She may take it.
    Open,
    /// She has taken it and decides.
    Taken {
        /// Her assignment.
        #[schema(value_type = String)]
        assignment: AssignmentId,
    },
    /// She has decided it.
    Decided {
        /// When.
        #[schema(value_type = String)]
        at: Timestamp,
    },
    /// Another adjudicator has it, or it does not wait for one.
    Closed,
}

/// One of those who differ.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Voice {
    /// What it is called, such as `Reading A`.
    pub called: String,
    /// Its letter; empty for what is no reading.
    pub letter: String,
    /// Who said it; none before the decision.
    pub name: Option<String>,
    /// What was said.
    pub written: Written,
    /// The note that came with a finding.
    pub note: String,
}

impl Query for OpenDispute {
    type Out = Dispute;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Dispute> {
        let (case, panel) = look.case(self.case, None).await?;
        let panel = panel.ok_or_else(|| Reason::hidden(self.case))?;
        let label = look.label(Class::Case, &case, Some(&panel))?;
        look.admit(Action::Adjudicate, &label)?;
        let person = look.standing.id();
        let (stand, order) = stand(&panel, person);
        if matches!(stand, Stand::Closed) {
            return Err(Reason::hidden(self.case).into());
        }
        let matter = look.matter(&case, Some(&panel)).await?;
        let voices = look.voices(&case, &panel, stand, &order).await?;
        // A finding without answers questions what was said, and says nothing itself.
        let said: Vec<_> =
            voices.iter().map(|voice| &voice.written).filter(|written| !written.answers.is_empty()).collect();
        let differing = matter.form.questions.iter().filter(|question| {
            let read = |written: &&Written| question.kind.read(written.answers.get(&question.key)?);
            let closed = !matches!(question.kind, QuestionKind::Span { .. } | QuestionKind::Text { .. });
            let answers: Vec<_> = said.iter().map(read).collect();
            let unlike = |(place, one): (usize, &Option<Answer>)| {
                answers[place + 1..].iter().any(|other| !question.same(one.as_ref(), other.as_ref()))
            };
            panel.disputed.contains(&question.key) || (closed && answers.iter().enumerate().any(unlike))
        });
        let differing = differing.map(|question| question.key.clone()).collect();
        let (written, kept_at) = match stand {
            Stand::Taken { assignment } => {
                look.draft(person, assignment).await?.map_or_else(Default::default, |(written, at)| (written, Some(at)))
            }
            Stand::Decided { .. } => {
                let own = panel
                    .adjudications
                    .iter()
                    .rev()
                    .find(|decided| decided.by == person)
                    .map(|decided| &decided.judgement);
                (look.written(&own.into_iter().collect::<Vec<_>>()).await?.pop().unwrap_or_default(), None)
            }
            Stand::Open | Stand::Closed => Default::default(),
        };
        look.saw(Action::ViewCase, case.case, Some(case.case), None);
        Ok(Dispute { matter, origin: panel.origin, stand, differing, voices, written, kept_at })
    }
}

/// Returns where a dispute stands for a person, and the order in which she is shown the readings.
fn stand(panel: &Panel, person: PersonId) -> (Stand, Vec<ReadingId>) {
    match &panel.bench {
        Bench::Open => (Stand::Open, Vec::new()),
        Bench::Taken { assignment, person: holder, order, .. } if *holder == person => {
            (Stand::Taken { assignment: *assignment }, order.clone())
        }
        Bench::Taken { .. } => (Stand::Closed, Vec::new()),
        Bench::Closed => match panel.adjudications.iter().rev().find(|decided| decided.by == person) {
            Some(decided) => (Stand::Decided { at: decided.at.timestamp() }, decided.order.clone()),
            None => (Stand::Closed, Vec::new()),
        },
    }
}

impl Look<'_> {
    /// Returns those who differ: readings by letter, an earlier decision, findings raised afterwards. Names come with
    /// the decision.
    async fn voices(&mut self, case: &Case, panel: &Panel, stand: Stand, order: &[ReadingId]) -> Result<Vec<Voice>> {
        let named = match stand {
            Stand::Open | Stand::Closed => return Ok(Vec::new()),
            Stand::Taken { .. } => panel.revealed(),
            Stand::Decided { .. } => true,
        };
        let label = Label { revealed: panel.complete(), ..self.label(Class::AnonymousReading, case, Some(panel))? };
        self.admit(Action::ViewReadingsAnonymised, &label)?;
        let readings: Vec<&Reading> = order
            .iter()
            .filter_map(|wanted| panel.readings.iter().find(|reading| reading.reading == *wanted))
            .collect();
        let decided_before = match stand {
            Stand::Decided { .. } => panel.adjudications.len().saturating_sub(1),
            Stand::Open | Stand::Taken { .. } | Stand::Closed => panel.adjudications.len(),
        };
        let earlier = &panel.adjudications[..decided_before];
        let judgements: Vec<_> = readings
            .iter()
            .map(|reading| &reading.judgement)
            .chain(earlier.iter().map(|decided| &decided.judgement))
            .collect();
        let mut written = self.written(&judgements).await?.into_iter();
        let people: Vec<_> = readings
            .iter()
            .map(|reading| reading.reader)
            .chain(earlier.iter().map(|decided| decided.by))
            .chain(panel.challenges.iter().map(|challenge| challenge.by))
            .collect();
        // What may not be known yet is not even looked up.
        let names = if named { self.names(&people).await? } else { std::collections::HashMap::new() };
        let mut voices = Vec::new();
        for (letter, (reading, written)) in ('A'..='Z').zip(readings.iter().zip(written.by_ref())) {
            voices.push(Voice {
                called: format!("Reading {letter}"),
                letter: letter.to_string(),
                name: names.get(&reading.reader).cloned(),
                written,
                note: String::new(),
            });
        }
        for (decided, written) in earlier.iter().zip(written) {
            let name = names.get(&decided.by).cloned();
            voices.push(Voice {
                called: "An earlier decision".to_owned(),
                letter: String::new(),
                name,
                written,
                note: String::new(),
            });
        }
        for challenge in &panel.challenges {
            let finding: Vec<_> = challenge.finding.iter().collect();
            voices.push(Voice {
                // Whether signer or client raised it would tell who; that it came afterwards is all there is to know.
                called: "A finding raised afterwards".to_owned(),
                letter: String::new(),
                name: names.get(&challenge.by).cloned(),
                written: self.written(&finding).await?.pop().unwrap_or_default(),
                note: self.text(challenge.note).await?,
            });
        }
        self.saw(Action::ViewReadingsAnonymised, "readings", Some(case.case), None);
        Ok(voices)
    }
}
