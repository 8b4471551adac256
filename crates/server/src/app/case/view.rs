//! One case as one person may know it: facts, file, outcome, readings once revealed, sign-off, delivery, and what can be
//! done now. Built for its reader: what she may not know never enters.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use remit_access::{Action, Class, Label};
use remit_kernel::{
    case::{Case, Cause, DecidedBy, DeliveryState, Item, Media, Resolution, ReturnCode, SignoffState, Visibility},
    facts::Want,
    form::{Answer, Evidence, Form, Judgement, Question},
    hash::Digest,
    id::{AssignmentId, CaseId, CredentialId, EngagementId, ItemId, PersonId, TextId},
    index::{CaseStatus, Origin, Part},
    pack::{Pack, Stopping},
    panel::{Panel, Provenance, Reading, Verdict, Weighed},
    quote,
    role::Role,
    stream::{Scope, State, StreamId},
    text::TextRef,
    time::Instant,
};
use serde::Serialize;

use super::{
    file::{self, ItemView},
    sight::{Sight, sight},
};
use crate::{
    app::{
        look::{ERASED, Look, Query},
        stopping::StoppingOut,
    },
    error::Result,
};

/// Said of every imported case.
pub const IMPORTED: &str = "Imported: times, authors and blindness as claimed by the file, not witnessed by Remit";

/// Asks for a case, as it is or as it was at an instant.
#[derive(Debug, Clone, Copy)]
pub struct GetCase {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Which case.
    pub case: CaseId,
    /// As it was then; none: as it is.
    pub as_of: Option<Instant>,
}

/// A case as one person may know it.
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of a case, on its own")]
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CaseView {
    /// The case.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// The client's reference.
    pub reference: String,
    /// What it is about.
    pub title: String,
    /// Kind of case.
    pub case_type: String,
    /// The kind in words.
    pub case_type_title: String,
    /// Named facts, in the order of the pack.
    pub fields: Vec<FieldView>,
    /// Where the matter lies.
    pub jurisdiction: String,
    /// Language of the case.
    pub language: String,
    /// Codes of the parties.
    pub parties: Vec<String>,
    /// Whether it is urgent.
    pub urgent: bool,
    /// When it is promised.
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Timestamp,
    /// When it came in.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// Who is accountable.
    #[schema(value_type = String)]
    pub owner: PersonId,
    /// Name of the owner.
    pub owner_name: String,
    /// Where it stands.
    #[schema(value_type = String)]
    pub status: CaseStatus,
    /// Whether Remit saw it happen.
    #[schema(value_type = String)]
    pub origin: Origin,
    /// What must be known of an imported case.
    pub note: Option<String>,
    /// Whether it was a gold case, which its reader is told when the window is over.
    pub gold: bool,
    /// The instant of which this tells; none: now.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub as_of: Option<Timestamp>,
    /// Why the scope gate stopped it.
    pub stops: Vec<StopView>,
    /// Under what it is worked.
    pub basis: Option<BasisView>,
    /// The file: every version that this person may see.
    pub items: Vec<ItemView>,
    /// The decision, once it is open.
    pub outcome: Option<OutcomeView>,
    /// The words for the client, where this person may see them.
    pub deliverable: Option<String>,
    /// Readings that count: all once the panel is closed, before that the reader's own.
    pub readings: Vec<ReadingView>,
    /// Further readings and suggestions of programs: measured, never counted.
    pub others: Vec<ReadingView>,
    /// Decisions of adjudicators, oldest first.
    pub adjudications: Vec<ReadingView>,
    /// Findings against the answer, oldest first.
    pub challenges: Vec<ChallengeView>,
    /// Questions on which the panel differed.
    pub disputed: Vec<String>,
    /// Whether the readers gave the same answers on other evidence.
    pub other_evidence: bool,
    /// The reference answer of a file, in the order of the form.
    pub references: Vec<AnswerView>,
    /// The latest request for a signature.
    pub signoff: Option<SignoffView>,
    /// The latest delivery.
    pub delivery: Option<DeliveryView>,
    /// Revision, from 0.
    pub revision: u32,
    /// Revisions that count against the allowance.
    pub revisions_counted: u32,
    /// A review found it wanting, and it is to be mended for the so-manieth time: what is mended is reviewed again. None: not so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rework: Option<u32>,
    /// The caller's duty on the case now: where its desk is.
    #[schema(value_type = Option<String>)]
    pub assignment: Option<AssignmentId>,
    /// Whether the owner has an interest in a party of it; told to who may transfer it.
    pub owner_barred: bool,
    /// Words of the commands that this person may give now.
    pub acts: Vec<&'static str>,
}

/// A named fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldView {
    /// Key.
    pub key: String,
    /// Its name for people.
    pub title: String,
    /// The fact.
    pub value: String,
}

/// Why the scope gate stopped a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StopView {
    /// Stable code.
    pub code: String,
    /// The clause that says so.
    pub clause: String,
}

/// Under what a case is worked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BasisView {
    /// The clause, such as `SOW v3 § 2.1`.
    pub clause: String,
    /// Name of the pack.
    pub pack: String,
    /// Its title.
    pub pack_title: String,
    /// Version of pack and playbook.
    pub pack_version: String,
    /// Digest of the pack.
    #[schema(value_type = String)]
    pub pack_digest: Digest,
    /// How often the plan asks for a reading; history has what the file has.
    #[serde(flatten)]
    pub stopping: StoppingOut,
    /// Whether a professional signs.
    pub signoff: bool,
    /// Revisions included.
    pub revisions_max: u32,
}

/// A judgement in words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
pub struct JudgementView {
    /// Answers in the order of the form.
    pub answers: Vec<AnswerView>,
    /// The reasons.
    pub rationale: Option<String>,
    /// Confidence in percent.
    pub confidence: Option<u8>,
}

/// An answer in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AnswerView {
    /// Key of the question.
    pub question: String,
    /// The question.
    pub title: String,
    /// Whether unlike answers put the panel in dispute.
    pub decides: bool,
    /// The answer in words; none was given: empty.
    pub answer: String,
    /// What is cited for it, or the passages that are the answer.
    pub evidence: Vec<QuoteView>,
    /// Whether it is unlike: among readers on a question that decides, beside them from the outcome.
    pub differs: bool,
}

/// A cited passage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct QuoteView {
    /// The item.
    #[schema(value_type = String)]
    pub item: ItemId,
    /// Its version.
    pub version: u32,
    /// Its name.
    pub name: String,
    /// First code point, from 0.
    pub start: u32,
    /// One past the last code point.
    pub end: u32,
    /// The passage.
    pub quote: String,
}

/// When and why a sequential panel stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StoppedView {
    /// In a sentence.
    pub sentence: String,
    /// After how many readings.
    pub readings: u8,
    /// Estimated chance of a wrong answer, in millionths; none: nothing calibrates it.
    pub error: Option<u32>,
    /// The limit of the plan, in millionths.
    pub error_max: u32,
    /// Version of the model that was asked.
    pub model: Option<u32>,
    /// `enough`, `cap`, `closed` or `uncalibrated`.
    #[schema(value_type = String)]
    pub verdict: Verdict,
}

impl StoppedView {
    fn of(weighed: Weighed) -> Self {
        let Weighed { readings, error, error_max, model, verdict } = weighed;
        Self { sentence: weighed.sentence(), readings, error, error_max, model, verdict }
    }
}

/// Returns what is to be known of single answers of an outcome.
fn notes(form: Option<&Form>, panel: Option<&Panel>, resolution: &Resolution) -> Vec<String> {
    let (Some(form), Some(panel)) = (form, panel) else { return Vec::new() };
    let estimated = panel.weighed.last().is_some_and(|(weighed, _)| weighed.error.is_some());
    let unlike_all = |question: &&Question| match resolution.outcome.answers.get(&question.key) {
        Some(answer @ Answer::Number(_)) => {
            panel.panel_readings().all(|reading| reading.judgement.answers.get(&question.key) != Some(answer))
        }
        _ => false,
    };
    let by_readers = matches!(resolution.decided.by, DecidedBy::Agreement | DecidedBy::Panel)
        && !resolution.decided.changed_after_agreement;
    let left_out = form.compared_alone().filter(|_| estimated).map(|question| {
        format!("The estimate leaves out \u{201c}{}\u{201d}: it is compared, with its tolerance", question.title)
    });
    let half_way = form.deciding().filter(|_| by_readers).filter(unlike_all).map(|question| {
        format!("\u{201c}{}\u{201d} lies half-way between answers that agree within its tolerance", question.title)
    });
    left_out.chain(half_way).collect()
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OutcomeView {
    /// How it was decided: `agreement`, `panel` (the readers differ, and the plan's limit is met), `adjudicated` or `single`.
    pub decided: &'static str,
    /// Readings that counted.
    pub readings: u32,
    /// When and why a sequential panel stopped; none: the number of readings was fixed.
    pub stopped: Option<StoppedView>,
    /// What is to be known of single answers, in sentences: which the estimate leaves out, which no reader gave as it is.
    pub notes: Vec<String>,
    /// Whether the readers had agreed and the answer was changed afterwards.
    pub changed_after_agreement: bool,
    /// The answers.
    pub judgement: JudgementView,
    /// Digest of the content that is signed and delivered.
    #[schema(value_type = String)]
    pub content: Digest,
}

/// A reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ReadingView {
    /// What to call it: `Reader 1`.
    pub label: String,
    /// Name of the reader, for those who may know it.
    pub reader_name: Option<String>,
    /// Whether it is the caller's own.
    pub own: bool,
    /// What part it plays.
    #[schema(value_type = String)]
    pub part: Part,
    /// Whether Remit saw it happen.
    #[schema(value_type = String)]
    pub origin: Origin,
    /// When it was sealed, or when the file claims it was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// What it says.
    pub judgement: JudgementView,
}

/// A finding against the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ChallengeView {
    /// Where it arose.
    #[schema(value_type = String)]
    pub cause: Cause,
    /// By whom.
    pub by: Option<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What was said.
    pub note: String,
    /// The answer held instead.
    pub finding: Option<JudgementView>,
}

/// A request for a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SignoffView {
    /// `requested`, `signed`, `returned`, `refused` or `voided`.
    pub state: &'static str,
    /// The exact content.
    #[schema(value_type = String)]
    pub content: Digest,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Timestamp,
    /// Who signed, returned or refused.
    pub by: Option<String>,
    /// When it was signed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub signed_at: Option<Timestamp>,
    /// The credential under which it was signed.
    #[schema(value_type = Option<String>)]
    pub credential: Option<CredentialId>,
    /// Why it was returned.
    #[schema(value_type = Option<String>)]
    pub code: Option<ReturnCode>,
    /// The statement of the signature, or the note of a return or refusal.
    pub words: Option<String>,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DeliveryView {
    /// `released`, `accepted` or `returned`.
    pub state: &'static str,
    /// When it was released.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who accepted or returned it.
    pub by: Option<String>,
    /// When it was accepted.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub accepted_at: Option<Timestamp>,
    /// Why it was returned.
    #[schema(value_type = Option<String>)]
    pub code: Option<ReturnCode>,
    /// The note of a return.
    pub note: Option<String>,
}

impl CaseView {
    /// Returns whether the caller may give this command now.
    pub fn may(&self, word: &str) -> bool {
        self.acts.contains(&word)
    }

    /// Returns the newest version of each item.
    pub fn current_items(&self) -> impl Iterator<Item = &ItemView> {
        self.items.iter().filter(|item| item.newest)
    }
}

impl Query for GetCase {
    type Out = CaseView;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<CaseView> {
        let scene = look.scene(self.case, self.as_of).await?;
        let view = look.case_view(&scene).await?;
        look.saw(Action::ViewCase, self.case, Some(self.case), None);
        Ok(view)
    }
}

/// A case at an instant, with what the caller may know of it today.
#[derive(Debug)]
pub(crate) struct Scene {
    /// As it is: walls, places and blindness are those of today.
    pub(crate) now: (Case, Option<Panel>),
    /// As it was at the instant asked for.
    pub(crate) case: Case,
    /// Its panel then.
    pub(crate) panel: Option<Panel>,
    /// How far the caller sees, now and then.
    pub(crate) sight: Sight,
    /// The pack under which it was worked.
    pub(crate) pack: Option<std::sync::Arc<Pack>>,
    /// The instant.
    pub(crate) as_of: Option<Instant>,
}

impl Look<'_> {
    /// Returns a case at an instant; not found if the caller may not see it as it is.
    pub(crate) async fn scene(&mut self, id: CaseId, as_of: Option<Instant>) -> Result<Scene> {
        let as_of = as_of.filter(|instant| *instant < self.standing.now());
        let now = self.case(id, None).await?;
        let case = self.case_then(&now.0, as_of).await?;
        let panel = match as_of {
            None => now.1.clone(),
            Some(instant) => match self.app.state_at(self.standing.scope, StreamId::panel_of(id), instant).await? {
                Some(State::Panel(panel)) => Some(panel),
                Some(_) | None => None,
            },
        };
        // What is closed to her now stays closed, even where it was open then; and what was closed then is not told.
        let (today, then) = (sight(self.standing, now.1.as_ref()), sight(self.standing, panel.as_ref()));
        let sight = match (today, then) {
            (Sight::Blind, _) | (_, Sight::Blind) => Sight::Blind,
            (Sight::Arranging, _) | (_, Sight::Arranging) => Sight::Arranging,
            (Sight::Open, Sight::Open) => Sight::Open,
        };
        let pack = match &case.admission {
            Some(admission) => self.app.pack(admission.pack.digest).await?,
            None => None,
        };
        Ok(Scene { now, case, panel, sight, pack, as_of })
    }

    /// Returns whether this reading may be shown.
    fn may_see_reading(&mut self, scene: &Scene, reading: &Reading) -> Result<bool> {
        let own = reading.reader == self.standing.id();
        let (now, panel) = (&scene.now.0, scene.now.1.as_ref());
        let revealed = scene.sight == Sight::Open;
        let label = Label { own, revealed, ..self.label(Class::Reading, now, panel)? };
        Ok(self.may(Action::ViewReading, &label))
    }

    /// Returns whether the answer may be shown: like a reading that is nobody's own.
    pub(crate) fn may_see_outcome(&mut self, scene: &Scene) -> Result<bool> {
        let (now, panel) = (&scene.now.0, scene.now.1.as_ref());
        let label =
            Label { own: false, revealed: scene.sight == Sight::Open, ..self.label(Class::Reading, now, panel)? };
        Ok(self.may(Action::ViewReading, &label))
    }

    /// Returns whether the words for the client may be shown.
    fn may_see_deliverable(&mut self, scene: &Scene) -> Result<bool> {
        let (now, panel) = (&scene.now.0, scene.now.1.as_ref());
        let released = now.delivery.is_some() && scene.case.delivery.is_some();
        let label = Label { released, ..self.label(Class::Deliverable, now, panel)? };
        Ok((released || scene.sight == Sight::Open) && self.may(Action::ViewDeliverable, &label))
    }

    /// Builds the view of a case.
    #[expect(clippy::too_many_lines, reason = "one field after the other, each built for this viewer")]
    pub(crate) async fn case_view(&mut self, scene: &Scene) -> Result<CaseView> {
        let (case, panel) = (&scene.case, scene.panel.as_ref());
        let items = self.visible_items(scene)?;
        let (mut counted, mut others) = (Vec::new(), Vec::new());
        for reading in panel.iter().flat_map(|panel| &panel.readings) {
            if self.may_see_reading(scene, reading)? {
                if reading.part == Part::Panel { counted.push(reading) } else { others.push(reading) }
            }
        }
        let open = self.may_see_outcome(scene)?;
        let panel_open = panel.filter(|_| open);
        let resolution = case.resolution.as_ref().filter(|_| open);
        let deliverable = case.resolution.as_ref().and_then(|resolution| resolution.deliverable);
        let deliverable = if self.may_see_deliverable(scene)? { deliverable } else { None };

        let mut judgements: Vec<&Judgement> = counted.iter().chain(&others).map(|reading| &reading.judgement).collect();
        judgements.extend(resolution.map(|resolution| &resolution.outcome));
        if let Some(panel) = panel_open {
            judgements.extend(panel.adjudications.iter().map(|adjudication| &adjudication.judgement));
            judgements.extend(panel.challenges.iter().filter_map(|challenge| challenge.finding.as_ref()));
        }
        let words = self.words(scene, &items, &judgements, deliverable).await?;
        let names = self.called(&people(scene, panel_open)).await?;
        let telling = Telling { form: scene.pack.as_ref().map(|pack| &pack.form), words: &words, case };
        let disputed: BTreeSet<&str> =
            panel_open.iter().flat_map(|panel| &panel.disputed).map(String::as_str).collect();
        let outcome = resolution.map(|resolution| &resolution.outcome);
        let named = self.knows_readers();
        let reader = |label: String, reading: &Reading, judgement: JudgementView| ReadingView {
            label,
            reader_name: names.get(&reading.reader).filter(|_| named || reading.reader == self.standing.id()).cloned(),
            own: reading.reader == self.standing.id(),
            part: reading.part,
            origin: reading.provenance.origin(),
            at: made_at(reading),
            judgement,
        };
        let place = |reading: &Reading| {
            panel.and_then(|panel| panel.panel_readings().position(|other| other.reading == reading.reading))
        };
        let readings = counted.iter().map(|reading| {
            // Until the panel closes, a number would tell her place among the readings.
            let label = if open && named {
                format!("Reader {}", place(reading).unwrap_or_default() + 1)
            } else if open {
                names.get(&reading.reader).cloned().unwrap_or_else(|| ERASED.to_owned())
            } else {
                "Your reading".to_owned()
            };
            reader(label, reading, telling.judgement(&reading.judgement, |question, _| disputed.contains(question)))
        });
        let unlike = |question: &str, answer: Option<&Answer>| telling.differs(question, answer, outcome);
        let mut ordinal = (0, 0);
        let others: Vec<_> = others
            .iter()
            .map(|reading| {
                let label = match reading.part {
                    Part::Ai => {
                        ordinal.0 += 1;
                        format!("AI suggestion {}", ordinal.0)
                    }
                    Part::Extra | Part::Panel => {
                        ordinal.1 += 1;
                        format!("Further reading {}", ordinal.1)
                    }
                };
                reader(label, reading, telling.judgement(&reading.judgement, unlike))
            })
            .collect();
        let adjudications = panel_open.iter().flat_map(|panel| &panel.adjudications).map(|adjudication| ReadingView {
            label: "Adjudicator".to_owned(),
            reader_name: names
                .get(&adjudication.by)
                .filter(|_| named || adjudication.by == self.standing.id())
                .cloned(),
            own: adjudication.by == self.standing.id(),
            part: Part::Panel,
            origin: case.origin,
            at: Some(adjudication.at.timestamp()),
            judgement: telling.judgement(&adjudication.judgement, |_, _| false),
        });
        let challenges = panel_open.iter().flat_map(|panel| &panel.challenges).map(|challenge| ChallengeView {
            cause: challenge.cause,
            by: names.get(&challenge.by).cloned(),
            at: challenge.at.timestamp(),
            note: words.text(challenge.note),
            finding: challenge.finding.as_ref().map(|finding| telling.judgement(finding, unlike)),
        });
        let reference = panel_open.map(|panel| Judgement { answers: panel.reference.clone(), ..Judgement::default() });
        let references = reference.map(|reference| telling.judgement(&reference, unlike).answers).unwrap_or_default();
        let acts = self.acts(scene)?;
        Ok(CaseView {
            case: case.case,
            reference: words.text(case.reference),
            title: words.text(case.title),
            case_type: case.case_type.clone(),
            case_type_title: telling_case_type(scene),
            fields: telling.fields(scene.pack.as_deref()),
            jurisdiction: case.jurisdiction.clone(),
            language: case.language.clone(),
            parties: case.parties.iter().cloned().collect(),
            urgent: case.urgent,
            due_at: case.due_at.timestamp(),
            received_at: case.received_at.timestamp(),
            owner: case.owner,
            owner_name: names.get(&case.owner).cloned().unwrap_or_default(),
            status: case.status,
            origin: case.origin,
            gold: case.showing.is_some() && case.status == CaseStatus::Cancelled,
            note: case.imported().then(|| IMPORTED.to_owned()).or_else(|| self.gold_note(case).map(str::to_owned)),
            as_of: scene.as_of.map(Instant::timestamp),
            stops: case
                .stops
                .iter()
                .map(|stop| StopView { code: stop.code.clone(), clause: stop.clause.clone() })
                .collect(),
            basis: basis(scene),
            items: items.iter().map(|item| file::view(case, item, words.text(item.name))).collect(),
            outcome: resolution.map(|resolution| OutcomeView {
                decided: match resolution.decided.by {
                    DecidedBy::Agreement => "agreement",
                    DecidedBy::Adjudicator(_) => "adjudicated",
                    DecidedBy::Single => "single",
                    DecidedBy::Panel => "panel",
                },
                readings: u32::try_from(panel.map_or(0, |panel| panel.panel_readings().count())).unwrap_or(u32::MAX),
                stopped: panel.and_then(|panel| panel.weighed.last()).map(|(weighed, _)| StoppedView::of(*weighed)),
                notes: notes(scene.pack.as_ref().map(|pack| &pack.form), panel, resolution),
                changed_after_agreement: resolution.decided.changed_after_agreement,
                judgement: telling.judgement(&resolution.outcome, |_, _| false),
                content: resolution.content,
            }),
            deliverable: deliverable.map(|text| words.text(text)),
            readings: readings.collect(),
            others,
            adjudications: adjudications.collect(),
            challenges: challenges.collect(),
            disputed: panel_open.map(|panel| panel.disputed.clone()).unwrap_or_default(),
            other_evidence: panel_open.is_some_and(|panel| panel.other_evidence),
            references,
            signoff: signoff(case, &names, &words).filter(|_| open),
            delivery: delivery(case, &names, &words),
            revision: case.revision,
            revisions_counted: case.revisions_counted,
            rework: case
                .rework
                .as_ref()
                .filter(|_| open && case.status == CaseStatus::Revision)
                .map(|rework| rework.round),
            assignment: self.own_assignment(scene),
            owner_barred: acts.contains(&"transfer_case") && self.owner_barred(case).await?,
            acts,
        })
    }

    /// Returns what must be known of a showing of gold: at once by those who keep the pool, by its reader when it is over.
    fn gold_note(&self, case: &Case) -> Option<&'static str> {
        case.showing?;
        if self.standing.holds(Role::DeliveryManager) {
            return Some("A showing of a gold case: nobody is paid, promised or told by it");
        }
        (case.status == CaseStatus::Cancelled).then_some("This was a gold case; see how you did under your gold cases")
    }

    /// Returns whether the owner has an interest in a party of the case.
    async fn owner_barred(&self, case: &Case) -> Result<bool> {
        if case.parties.is_empty() {
            return Ok(false);
        }
        let people = self.load(&[Want::Person(case.owner)]).await?.people;
        Ok(people.values().any(|owner| !owner.conflicts.is_disjoint(&case.parties)))
    }

    fn own_assignment(&self, scene: &Scene) -> Option<AssignmentId> {
        let panel = scene.now.1.as_ref().filter(|_| scene.as_of.is_none())?;
        panel.assignment_of(self.standing.id()).map(|(assignment, _)| assignment)
    }

    /// Returns a judgement of a case in words, for somebody who may see its outcome.
    pub(crate) async fn told(&mut self, scene: &Scene, judgement: &Judgement) -> Result<JudgementView> {
        let items = self.visible_items(scene)?;
        let words = self.words(scene, &items, &[judgement], None).await?;
        let telling = Telling { form: scene.pack.as_ref().map(|pack| &pack.form), words: &words, case: &scene.case };
        Ok(telling.judgement(judgement, |_, _| false))
    }

    fn visible_items(&mut self, scene: &Scene) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        for item in &scene.case.items {
            if self.may_see_item(&scene.now.0, scene.now.1.as_ref(), item)? {
                items.push(item.clone());
            }
        }
        Ok(items)
    }

    /// Loads every text that the view needs in one statement, the cited documents among them.
    async fn words(
        &self,
        scene: &Scene,
        items: &[Item],
        judgements: &[&Judgement],
        deliverable: Option<TextRef>,
    ) -> Result<Words> {
        let case = &scene.case;
        let spans = |judgement: &Judgement| {
            let answers = judgement
                .answers
                .values()
                .flat_map(|answer| if let Answer::Span(spans) = answer { spans.clone() } else { Vec::new() });
            answers.chain(judgement.evidence.values().flatten().copied()).collect::<Vec<_>>()
        };
        let cited: BTreeSet<_> =
            judgements.iter().flat_map(|judgement| spans(judgement)).map(|span| (span.item, span.version)).collect();
        let bodies =
            items.iter().filter(|item| item.media == Media::Text && cited.contains(&(item.item, item.version)));
        let mut wanted: Vec<TextId> =
            bodies.map(|item| item.body.id).chain(items.iter().map(|item| item.name.id)).collect();
        wanted.extend([case.reference.id, case.title.id]);
        wanted.extend(case.fields.values().map(|text| text.id));
        wanted.extend(deliverable.map(|text| text.id));
        for judgement in judgements {
            wanted.extend(judgement.rationale.map(|text| text.id));
            wanted.extend(
                judgement
                    .answers
                    .values()
                    .filter_map(|answer| if let Answer::Text(text) = answer { Some(text.id) } else { None }),
            );
        }
        wanted.extend(scene.panel.iter().flat_map(|panel| &panel.challenges).map(|challenge| challenge.note.id));
        wanted.extend(case.signoff.iter().filter_map(|signoff| said(&signoff.state)).map(|text| text.id));
        wanted.extend(case.delivery.iter().filter_map(|delivery| returned(&delivery.state)).map(|text| text.id));
        Ok(Words(self.texts(&wanted).await?))
    }

    /// Returns the words of the commands that the caller may give now. The kernel decides again when one is given.
    fn acts(&mut self, scene: &Scene) -> Result<Vec<&'static str>> {
        if scene.as_of.is_some() {
            return Ok(Vec::new());
        }
        let (case, panel) = (&scene.now.0, scene.now.1.as_ref());
        let label = self.label(Class::Case, case, panel)?;
        let person = self.standing.id();
        let status = case.status;
        let over = matches!(status, CaseStatus::Declined | CaseStatus::Accepted | CaseStatus::Cancelled);
        let working = !over && !case.imported();
        let seat = panel.is_some_and(|panel| {
            panel.open_seat().is_some() && panel.reading_of(person).is_none() && panel.assignment_of(person).is_none()
        });
        let signed = case.admission.as_ref().is_some_and(|admission| admission.plan.signoff);
        let editable = matches!(
            status,
            CaseStatus::Resolved | CaseStatus::AwaitingSignOff | CaseStatus::SignedOff | CaseStatus::Revision
        );
        let mended = status == CaseStatus::Revision && case.rework.is_none();
        let deliverable = status == CaseStatus::SignedOff || (!signed && (status == CaseStatus::Resolved || mended));
        let filing = matches!(status, CaseStatus::ScopeQuery | CaseStatus::Ready);
        let wideable = case.current_items().any(|item| item.visibility != Visibility::Both);
        let possible = [
            (
                "claim_seat",
                Action::ReadCaseAsReader,
                seat && matches!(status, CaseStatus::Ready | CaseStatus::Reading) && !case.imported(),
            ),
            ("close_reading", Action::AssignSeat, scene.sight == Sight::Arranging && closable(case, panel)),
            ("admit_case", Action::SettleScope, status == CaseStatus::ScopeQuery),
            ("decline_case", Action::SettleScope, status == CaseStatus::ScopeQuery),
            ("take_adjudication", Action::Adjudicate, status == CaseStatus::Adjudicating),
            ("edit_deliverable", Action::EditDeliverable, editable && working && scene.sight == Sight::Open),
            ("request_signoff", Action::EditDeliverable, mended && signed),
            ("sign", Action::SignOff, status == CaseStatus::AwaitingSignOff),
            ("deliver", Action::Deliver, deliverable && working),
            ("accept_delivery", Action::AcceptDelivery, status == CaseStatus::Delivered),
            ("return_delivery", Action::AcceptDelivery, status == CaseStatus::Delivered),
            ("transfer_case", Action::TransferCase, !over),
            ("add_party", Action::TakeInCase, !over),
            ("add_item", Action::TakeInCase, filing),
            ("widen_item", Action::TakeInCase, wideable && !over),
            ("cancel_case", Action::CancelCase, working),
            (
                "propose_precedent",
                Action::ProposePrecedent,
                scene.sight == Sight::Open && case.showing.is_none() && case.resolution.is_some(),
            ),
            ("propose_gold", Action::ProposeGold, scene.sight == Sight::Open && agreed(case, panel)),
        ];
        Ok(possible
            .into_iter()
            .filter(|(_, action, fits)| *fits && self.may(*action, &label))
            .map(|(word, ..)| word)
            .collect())
    }
}

/// Returns whether a case has an answer that could be gold: agreed, decided by a third, or given by a file.
fn agreed(case: &Case, panel: Option<&Panel>) -> bool {
    let decided = case.resolution.as_ref().is_some_and(|known| known.decided.by != DecidedBy::Single);
    let referenced = panel.is_some_and(|panel| !panel.reference.is_empty());
    case.showing.is_none() && (decided || referenced)
}

/// Opened texts of a view.
pub(crate) struct Words(HashMap<TextId, String>);

impl Words {
    fn text(&self, text: TextRef) -> String {
        self.0.get(&text.id).cloned().unwrap_or_else(|| ERASED.to_owned())
    }
}

/// What turns a judgement into words.
struct Telling<'a> {
    form: Option<&'a Form>,
    words: &'a Words,
    case: &'a Case,
}

impl Telling<'_> {
    fn judgement(&self, judgement: &Judgement, differs: impl Fn(&str, Option<&Answer>) -> bool) -> JudgementView {
        let questions = self.form.map(|form| form.questions.as_slice()).unwrap_or_default();
        let answers = questions.iter().filter_map(|question| {
            let answer = judgement.answers.get(&question.key);
            let cited = judgement.evidence.get(&question.key).map(Vec::as_slice).unwrap_or_default();
            if answer.is_none() && cited.is_empty() {
                return None;
            }
            let (words, spans) = match answer {
                None => (String::new(), &[][..]),
                Some(Answer::Text(text)) => (self.words.text(*text), &[][..]),
                Some(Answer::Span(spans)) => (String::new(), spans.as_slice()),
                Some(closed) => (question.words(closed).unwrap_or_default(), &[][..]),
            };
            Some(AnswerView {
                question: question.key.clone(),
                title: question.title.clone(),
                decides: question.decides,
                answer: words,
                evidence: spans.iter().chain(cited).map(|span| self.quote(span)).collect(),
                differs: differs(&question.key, answer),
            })
        });
        JudgementView {
            answers: answers.collect(),
            rationale: judgement.rationale.map(|text| self.words.text(text)),
            confidence: judgement.confidence,
        }
    }

    fn quote(&self, span: &Evidence) -> QuoteView {
        let item = self.case.item(span.item, span.version);
        let body = item.and_then(|item| self.words.0.get(&item.body.id));
        QuoteView {
            item: span.item,
            version: span.version,
            name: item.map(|item| self.words.text(item.name)).unwrap_or_default(),
            start: span.start,
            end: span.end,
            quote: body.map_or_else(|| ERASED.to_owned(), |body| quote::cut(body, span.start, span.end).to_owned()),
        }
    }

    fn differs(&self, question: &str, answer: Option<&Answer>, outcome: Option<&Judgement>) -> bool {
        let Some(question) = self.form.and_then(|form| form.question(question)) else { return false };
        let Some(decided) = outcome.and_then(|outcome| outcome.answers.get(&question.key)) else { return false };
        question.decides && answer.is_some() && !question.same(Some(decided), answer)
    }

    fn fields(&self, pack: Option<&Pack>) -> Vec<FieldView> {
        let known = pack
            .and_then(|pack| pack.case_type(&self.case.case_type))
            .map(|case_type| case_type.fields.as_slice())
            .unwrap_or_default();
        let titled = known
            .iter()
            .filter_map(|field| Some((field.key.clone(), field.title.clone(), *self.case.fields.get(&field.key)?)));
        let rest = self.case.fields.iter().filter(|(key, _)| !known.iter().any(|field| field.key == **key));
        let rest = rest.map(|(key, text)| (key.clone(), key.clone(), *text));
        titled.chain(rest).map(|(key, title, text)| FieldView { key, title, value: self.words.text(text) }).collect()
    }
}

/// Returns whether a sequential panel has its fewest readings, wants another, and nobody is at it.
fn closable(case: &Case, panel: Option<&Panel>) -> bool {
    let waits = |panel: &&Panel| {
        matches!(panel.stopping, Stopping::Sequential { .. })
            && panel.panel_readings().count() >= usize::from(panel.stopping.first())
            && panel.held_duties().next().is_none()
    };
    case.status == CaseStatus::Reading && panel.is_some_and(|panel| waits(&panel))
}

fn telling_case_type(scene: &Scene) -> String {
    let known = scene.pack.as_ref().and_then(|pack| pack.case_type(&scene.case.case_type));
    known.map_or_else(|| scene.case.case_type.clone(), |case_type| case_type.title.clone())
}

fn basis(scene: &Scene) -> Option<BasisView> {
    let admission = scene.case.admission.as_ref()?;
    Some(BasisView {
        clause: admission.clause.clone(),
        pack: admission.pack.name.clone(),
        pack_title: scene.pack.as_ref().map_or_else(|| admission.pack.name.clone(), |pack| pack.title.clone()),
        pack_version: admission.pack.version.clone(),
        pack_digest: admission.pack.digest,
        stopping: StoppingOut::of(&admission.plan),
        signoff: admission.plan.signoff,
        revisions_max: admission.revisions_max,
    })
}

fn made_at(reading: &Reading) -> Option<Timestamp> {
    match &reading.provenance {
        Provenance::Witnessed { .. } => reading.sealed_at.map(Instant::timestamp),
        Provenance::Imported { claimed_at, .. } => claimed_at.map(Instant::timestamp),
    }
}

/// Returns whose names the view tells.
fn people(scene: &Scene, panel: Option<&Panel>) -> Vec<PersonId> {
    let mut people: BTreeSet<PersonId> = BTreeSet::from([scene.case.owner]);
    if let Some(panel) = panel {
        people.extend(panel.readings.iter().map(|reading| reading.reader));
        people.extend(panel.adjudications.iter().map(|adjudication| adjudication.by));
        people.extend(panel.challenges.iter().map(|challenge| challenge.by));
    }
    people.extend(scene.panel.iter().flat_map(|panel| &panel.readings).map(|reading| reading.reader));
    people.extend(scene.case.signoff.iter().filter_map(|signoff| match signoff.state {
        SignoffState::Signed { by, .. } | SignoffState::Returned { by, .. } | SignoffState::Refused { by, .. } => {
            Some(by)
        }
        SignoffState::Requested | SignoffState::Voided => None,
    }));
    people.extend(scene.case.delivery.iter().filter_map(|delivery| match delivery.state {
        DeliveryState::Accepted { by, .. } | DeliveryState::Returned { by, .. } => Some(by),
        DeliveryState::Released => None,
    }));
    people.into_iter().collect()
}

fn said(state: &SignoffState) -> Option<TextRef> {
    match state {
        SignoffState::Signed { statement, .. } => Some(*statement),
        SignoffState::Returned { note, .. } | SignoffState::Refused { note, .. } => Some(*note),
        SignoffState::Requested | SignoffState::Voided => None,
    }
}

fn returned(state: &DeliveryState) -> Option<TextRef> {
    match state {
        DeliveryState::Returned { note, .. } => Some(*note),
        DeliveryState::Released | DeliveryState::Accepted { .. } => None,
    }
}

fn signoff(case: &Case, names: &HashMap<PersonId, String>, words: &Words) -> Option<SignoffView> {
    let signoff = case.signoff.as_ref()?;
    let name = |person| names.get(person).cloned();
    let (state, by, signed_at, credential, code) = match &signoff.state {
        SignoffState::Requested => ("requested", None, None, None, None),
        SignoffState::Signed { by, at, credential, .. } => {
            ("signed", name(by), Some(at.timestamp()), *credential, None)
        }
        SignoffState::Returned { by, code, .. } => ("returned", name(by), None, None, Some(*code)),
        SignoffState::Refused { by, .. } => ("refused", name(by), None, None, None),
        SignoffState::Voided => ("voided", None, None, None, None),
    };
    let words = said(&signoff.state).map(|text| words.text(text));
    let (content, requested_at) = (signoff.content, signoff.requested_at.timestamp());
    Some(SignoffView { state, content, requested_at, by, signed_at, credential, code, words })
}

fn delivery(case: &Case, names: &HashMap<PersonId, String>, words: &Words) -> Option<DeliveryView> {
    let delivery = case.delivery.as_ref()?;
    let name = |person| names.get(person).cloned();
    let (state, by, accepted_at, code) = match &delivery.state {
        DeliveryState::Released => ("released", None, None, None),
        DeliveryState::Accepted { by, at } => ("accepted", name(by), Some(at.timestamp()), None),
        DeliveryState::Returned { by, code, .. } => ("returned", name(by), None, Some(*code)),
    };
    let note = returned(&delivery.state).map(|text| words.text(text));
    Some(DeliveryView { state, at: delivery.at.timestamp(), by, accepted_at, code, note })
}
