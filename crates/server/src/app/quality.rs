//! Quality: how far readers agree, question by question and pair by pair, and the disputes behind each figure.
//!
//! Only answers of closed panels enter a figure. The client's side sees readers by number, the provider's by name.

pub(in crate::app) mod agree;
mod alarm;
mod behind;
pub(in crate::app) mod classes;
mod cost;
mod drift;
mod expert;
mod ground;
mod kept;
mod model;
mod number;
mod option;
mod rate;
mod sheet;
mod slice;
mod wanted;

pub(crate) use agree::of_all;
pub use alarm::{AlarmCase, AlarmLine, AlarmOut, ListAlarms, ShowAlarm};
pub use behind::{Against, Behind};
pub use classes::Level;
pub use cost::{Cost, StoppedEarly};
pub use drift::{AlarmMark, ChartOf, Design, Drift, DriftChart, RUN_LENGTH, ShowDrift};
pub(in crate::app) use expert::measure;
pub use expert::{Confusion, ExpertFigures, Experts, Limit, Measured, QuestionName, ShowExperts};
pub(in crate::app) use kept::Kept;
pub use model::{Estimate, ModelFigures, Saving};
pub use number::{HeldAgainst, Measures, NumberYardstick};
pub use option::OptionFigures;
pub use rate::Rate;
pub(crate) use slice::UNKNOWN;
pub use slice::{By, ShowSlices, SliceFigures, Slices};
pub use wanted::{ListWanted, WANTED, Wanted, WantedCase};

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use remit_access::{Action, Class};
use remit_kernel::{
    case::Visibility,
    facts::Want,
    form::{Answer, Question},
    id::{CaseId, EngagementId, PersonId},
    index::{Origin, Part},
    panel::Reading,
    quote,
    refusal::{Reason, code},
    stream::{Scope, StreamId},
};
use serde::{Deserialize, Serialize};

use sheet::{Mark, Sheet};

use super::{Look, Query, look::ERASED};
use crate::error::Result;

/// Confidence of every interval.
const CONFIDENCE: f64 = 0.95;
/// Disputed cases on a page.
pub const DISPUTES_MAX: u32 = 25;

/// Asks how far readers agree.
#[derive(Debug, Clone)]
pub struct ShowQuality {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Of which origin; none: both.
    pub origin: Option<Origin>,
}

/// How far readers agree.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Quality {
    /// Panels closed with an outcome or a dispute.
    pub panels: u64,
    /// Panels whose readers agreed.
    pub agreed: u64,
    /// Panels whose readers differed on a question that decides, however that was settled.
    pub disputed: u64,
    /// Panels with one reading.
    pub single: u64,
    /// Panels whose readers agreed, and whose answer was changed after that.
    #[serde(default)]
    pub changed: u64,
    /// Panels whose readers gave the same answers on other evidence.
    pub other_evidence: u64,
    /// Whether any figure rests on readings from files.
    pub imported: bool,
    /// What was bought for it, and what can be said of savings.
    pub cost: Cost,
    /// Question by question, in the order of the form.
    pub questions: Vec<QuestionQuality>,
}

/// How far readers agree on one question.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct QuestionQuality {
    /// Key of the question.
    pub question: String,
    /// The question.
    pub title: String,
    /// Whether unlike answers make a dispute.
    pub decides: bool,
    /// What can be said of how far two answers lie apart; the coefficients go by it.
    pub level: Level,
    /// Which coefficient: Krippendorff's alpha at the level of the answers, over all panel readers.
    pub coefficient: Cow<'static, str>,
    /// Which coefficient of two readers: Cohen's kappa, weighted where answers have an order or are sets; of numbers the
    /// intraclass correlation.
    pub pair_coefficient: Cow<'static, str>,
    /// Agreement beyond chance.
    #[serde(flatten)]
    pub agreement: Agreement,
    /// Gwet's AC1 beside it: where one answer is rare, alpha falls though readers agree. Of choices.
    pub ac1: Option<f64>,
    /// The same for grades: AC2 with Gwet's ordinal weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ac2: Option<f64>,
    /// Share of pairs of answers that are the same, as the mean over cases; of numbers, that are within the tolerance.
    pub share_agreed: Option<f64>,
    /// Cases on which panel readers differed on this question.
    pub disputed: u64,
    /// Panels whose outcome counts as the reference answer, of those that have both.
    pub right: Rate,
    /// Panels with a reference answer and no outcome: their readers differ, and nobody has decided.
    #[serde(default)]
    pub unsettled: u64,
    /// Where several options may be picked: agreement on each by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<OptionQuality>,
    /// Pair by pair, those with most cases first.
    pub pairs: Vec<PairQuality>,
    /// Pairs left out because there are very many.
    pub pairs_left_out: usize,
}

/// How far readers agree whether one option applies.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OptionQuality {
    /// Key of the option.
    pub option: String,
    /// The option.
    pub title: String,
    /// Krippendorff's alpha, nominal.
    #[serde(flatten)]
    pub agreement: Agreement,
}

/// A coefficient with its interval, or why it has none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Agreement {
    /// The coefficient; 1 is perfect agreement, 0 what chance would give.
    pub value: Option<f64>,
    /// Lower and upper end of the 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// Why there is no value.
    pub undefined: Option<Cow<'static, str>>,
    /// Cases with two or more answers.
    pub n: u64,
}

/// How far two readers agree on one question.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PairQuality {
    /// The two readers.
    pub readers: [ReaderName; 2],
    /// The coefficient that the question names.
    #[serde(flatten)]
    pub agreement: Agreement,
    /// Share of cases with the same answer; of numbers, within the tolerance.
    pub share_agreed: Option<f64>,
    /// Cases on which the two differ.
    pub differ: u64,
    /// The answers that occur, as columns and rows of `cells`; of numbers, and of very many answers, none.
    pub answers: Vec<String>,
    /// How often the first reader gave the answer of the row and the second that of the column.
    pub cells: Vec<Vec<u64>>,
}

/// A reader as this viewer may know her.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReaderName {
    /// Stands for the reader in addresses.
    pub key: String,
    /// The name; on the client's side a number.
    pub name: String,
}

/// What readers are called for one viewer.
#[derive(Clone)]
pub(in crate::app) struct Readers {
    names: Arc<HashMap<PersonId, ReaderName>>,
}

impl Query for ShowQuality {
    type Out = Quality;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Quality> {
        let questions = questions(look).await?;
        let readers = Readers::of(look).await?;
        let name = kept::name("agreement", &(&questions, readers.named()), self.origin);
        let quality = look.once(name, self.measure(look, &questions, &readers)).await?;
        look.saw(Action::ViewQuality, "quality", None, None);
        Ok(Quality::clone(&quality))
    }
}

impl ShowQuality {
    async fn measure(&self, look: &Look<'_>, questions: &[Question], readers: &Readers) -> Result<Quality> {
        let (store, scope) = (look.app.store(), look.scope());
        let of_origin = |origin: Origin| self.origin.is_none_or(|wanted| wanted == origin);
        let mut quality = Quality::default();
        for count in store.count_panels(&scope).await?.into_iter().filter(|count| of_origin(count.origin)) {
            quality.count(&count);
        }
        let mut disputes: HashMap<String, u64> = HashMap::new();
        for (question, _, cases) in store.count_disputes(&scope).await?.into_iter().filter(|row| of_origin(row.1)) {
            *disputes.entry(question).or_default() += cases;
        }
        // One question after the other: a form may ask much, and the answers to one are let go before the next.
        for question in questions {
            let given = store.panel_answers(&scope, &question.key, self.origin).await?;
            if given.is_empty() {
                continue;
            }
            let known = store.known_answers(&scope, &question.key).await?;
            let disputed = disputes.get(&question.key).copied().unwrap_or_default();
            let (question, readers) = (question.clone(), readers.clone());
            let figures = move || agree::of_question(&question, &given, &known, disputed, &readers);
            // Resampling takes a while where cases are many: it must not hold up others.
            quality.questions.push(tokio::task::spawn_blocking(figures).await.map_err(std::io::Error::other)?);
        }
        Ok(quality)
    }
}

impl kept::Weigh for Quality {}

impl Quality {
    fn count(&mut self, count: &remit_store::PanelCount) {
        use remit_kernel::index::PanelStatus;
        match count.status {
            PanelStatus::Agreed => self.agreed += count.panels,
            PanelStatus::Single => self.single += count.panels,
            PanelStatus::Adjudicated if !count.disputed => self.changed += count.panels,
            PanelStatus::Disputed | PanelStatus::Outvoted | PanelStatus::Adjudicated => {}
            PanelStatus::Planned | PanelStatus::Reading | PanelStatus::Void => return,
        }
        let revealed = count.disputed || count.status != PanelStatus::Disputed;
        self.imported |= revealed && count.sealed > 0 && count.origin == Origin::Imported;
        // A dispute under adjudication is nobody's business yet: it is counted once it is revealed.
        if count.disputed
            || matches!(
                count.status,
                PanelStatus::Agreed | PanelStatus::Outvoted | PanelStatus::Single | PanelStatus::Adjudicated
            )
        {
            self.panels += count.panels;
        }
        self.disputed += if count.disputed { count.panels } else { 0 };
        self.cost.count(count);
        self.other_evidence += if count.other_evidence { count.panels } else { 0 };
    }
}

/// Admits the look at figures, and returns the questions of the engagement's forms.
pub(in crate::app) async fn questions(look: &mut Look<'_>) -> Result<Vec<Question>> {
    let label = look.engagement_label()?;
    look.admit(Action::ViewEngagement, &label).map_err(|_| Reason::hidden(look.scope()))?;
    look.admit(Action::ViewQuality, &label)?;
    if !look.standing.principal.conflicts.is_empty() {
        // A figure over cases that a wall hides would tell of them.
        return Err(Reason::forbidden(
            code::CONFLICT,
            "quality",
            "you declared an interest in a party, and figures rest on its cases too",
        )
        .hint("Ask a manager or auditor who has none.")
        .into());
    }
    asked(look).await
}

/// Returns the questions of the engagement's forms, for whoever was admitted.
async fn asked(look: &Look<'_>) -> Result<Vec<Question>> {
    let engagement = look.standing.engagement()?;
    let facts = look.load(&[Want::Stream(StreamId::Engagement(engagement))]).await?;
    let known = facts.engagement.ok_or_else(|| Reason::hidden(engagement))?;
    let signed: Vec<_> = known.signed().map(|sow| Want::Stream(StreamId::Sow(sow))).collect();
    let sows = look.load(&signed).await?.sows;
    let packs: BTreeSet<_> = sows.values().flat_map(|sow| &sow.lines).map(|line| line.pack.digest).collect();
    let wants: Vec<_> = packs.into_iter().map(Want::Pack).collect();
    let mut questions: Vec<Question> = Vec::new();
    for question in look.load(&wants).await?.packs.values().flat_map(|pack| &pack.form.questions) {
        if !questions.iter().any(|known| known.key == question.key) {
            questions.push(question.clone());
        }
    }
    Ok(questions)
}

impl Readers {
    /// Names the readers of an engagement for whoever looks. Numbers follow the identifiers, those of panel readers first.
    pub(in crate::app) async fn of(look: &mut Look<'_>) -> Result<Self> {
        let people = look.once("readers".to_owned(), Self::people(look)).await?;
        let named = |(number, person): (usize, PersonId)| {
            (person, ReaderName { key: format!("reader-{}", number + 1), name: format!("Reader {}", number + 1) })
        };
        if !look.knows_readers() {
            return Ok(Self { names: Arc::new(people.iter().copied().enumerate().map(named).collect()) });
        }
        let mut names = look.names(&people).await?;
        let named = |person: PersonId| {
            let name = names.remove(&person).unwrap_or_else(|| ERASED.to_owned());
            (person, ReaderName { key: person.to_string(), name })
        };
        Ok(Self { names: Arc::new(people.iter().copied().map(named).collect()) })
    }

    /// Returns the readers of an engagement: panel readers first, then others, by their identifiers.
    async fn people(look: &Look<'_>) -> Result<Vec<PersonId>> {
        let mut known = look.app.store().revealed_readers(&look.scope()).await?;
        known.sort_unstable();
        let mut people: Vec<PersonId> = Vec::new();
        for (_, person) in known {
            if !people.contains(&person) {
                people.push(person);
            }
        }
        Ok(people)
    }

    /// Returns who is called what, in the order of their identifiers: what figures for this viewer rest on.
    fn named(&self) -> BTreeMap<PersonId, &ReaderName> {
        self.names.iter().map(|(person, name)| (*person, name)).collect()
    }

    /// Adds readers who have no answer in a closed panel: by name for the provider; for others they have no number yet.
    async fn with(mut self, look: &Look<'_>, people: Vec<PersonId>) -> Result<Self> {
        let new: Vec<_> = people.into_iter().filter(|person| !self.names.contains_key(person)).collect();
        if new.is_empty() {
            return Ok(self);
        }
        let mut names = if look.knows_readers() { look.names(&new).await? } else { HashMap::new() };
        for person in new {
            let name = names.remove(&person);
            let key = if name.is_some() { person.to_string() } else { String::new() };
            let name = name.unwrap_or_else(|| "Another reader".to_owned());
            Arc::make_mut(&mut self.names).insert(person, ReaderName { key, name });
        }
        Ok(self)
    }

    /// Returns the number of a reader, in words, for whoever knows readers by number.
    pub(in crate::app) fn number(&self, person: PersonId) -> Option<String> {
        self.names.get(&person).map(|name| name.name.clone())
    }

    fn name(&self, person: PersonId) -> ReaderName {
        self.names.get(&person).cloned().unwrap_or_else(|| ReaderName { key: String::new(), name: ERASED.to_owned() })
    }

    fn person(&self, key: &str) -> Option<PersonId> {
        self.names.iter().find(|(_, name)| name.key == key).map(|(person, _)| *person)
    }
}

/// Asks for disputed cases with their readings side by side.
#[derive(Debug, Clone)]
pub struct ShowDisputes {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Which of them.
    pub which: Which,
    /// Of which origin; none: both.
    pub origin: Option<Origin>,
    /// After this case.
    pub after: Option<CaseId>,
    /// At most so many.
    pub limit: u32,
}

/// Which cases are laid side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Those on which panel readers differ on a question; with a pair, those on which these two differ.
    Question {
        /// Key of the question.
        question: String,
        /// Keys of two readers, as [`ReaderName`] has them.
        pair: Option<(String, String)>,
    },
    /// Those on which readers gave the same answers on other evidence.
    OtherEvidence,
    /// Those behind a figure of an expert or a slice.
    Behind(Behind),
}

/// Cases with their readings side by side.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Disputes {
    /// What they are about: the question, or the evidence.
    pub title: String,
    /// The two readers, where a pair was asked for.
    pub pair: Option<[ReaderName; 2]>,
    /// How many there are, pages apart.
    pub total: u64,
    /// The cases of this page.
    pub cases: Vec<Disputed>,
    /// Where the next page begins; none: this is the last.
    #[schema(value_type = Option<String>)]
    pub next: Option<CaseId>,
}

/// A case with its readings side by side.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Disputed {
    /// The case.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// The client's reference.
    pub reference: String,
    /// What it is about.
    pub title: String,
    /// Whether Remit saw it happen.
    #[schema(value_type = String)]
    pub origin: Origin,
    /// The readings, in the order of the readers.
    pub sides: Vec<ReadingShown>,
    /// How the case was decided, if it was.
    pub outcome: Option<String>,
    /// The reference answer of the file, if it gave one.
    pub reference_answer: Option<String>,
}

/// One reading of a dispute.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ReadingShown {
    /// Who read.
    pub reader: ReaderName,
    /// The answer.
    pub answer: String,
    /// The passages cited for it.
    pub quotes: Vec<String>,
    /// The reasons.
    pub rationale: Option<String>,
}

impl Query for ShowDisputes {
    type Out = Disputes;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Disputes> {
        let questions = questions(look).await?;
        let readers = Readers::of(look).await?;
        let limit = self.limit.clamp(1, DISPUTES_MAX) as usize;
        let (question, pair, cases, title) = match &self.which {
            Which::Question { question, pair } => {
                let question =
                    questions.iter().find(|known| known.key == *question).ok_or_else(|| Reason::hidden(question))?;
                let known = |key: &str| readers.person(key).ok_or_else(|| Reason::hidden(key));
                let pair = match pair {
                    Some((first, second)) => Some((known(first)?, known(second)?)),
                    None => None,
                };
                let sheet = Sheet::load(look, question, self.origin).await?;
                (Some(question), pair, differing(&sheet, pair), question.title.clone())
            }
            Which::Behind(behind) => {
                let question = questions
                    .iter()
                    .find(|known| known.key == behind.question)
                    .ok_or_else(|| Reason::hidden(&behind.question))?;
                let cases = behind.cases(look, question, self.origin, &readers).await?;
                (Some(question), None, cases, format!("{}: {}", question.title, behind.words(question, &readers)))
            }
            Which::OtherEvidence => {
                let cases = look.app.store().cases_on_other_evidence(&look.scope(), self.origin).await?;
                (None, None, cases, "Same answer, other evidence".to_owned())
            }
        };
        let total = u64::try_from(cases.len()).unwrap_or(u64::MAX);
        let mut following = cases.into_iter().filter(|case| self.after.is_none_or(|after| *case > after));
        let page: Vec<_> = following.by_ref().take(limit).collect();
        let next = following.next().and(page.last().copied());
        let mut shown = Vec::new();
        for case in page {
            let everybody = matches!(self.which, Which::Behind(_));
            shown.extend(disputed(look, case, question, &questions, pair, everybody, &readers).await?);
        }
        let pair = pair.map(|(first, second)| [readers.name(first), readers.name(second)]);
        Ok(Disputes { title, pair, total, cases: shown, next })
    }
}

/// Returns the cases on which panel readers, or the two of a pair, gave unlike answers.
fn differing(sheet: &Sheet, pair: Option<(PersonId, PersonId)>) -> Vec<CaseId> {
    let counts = |person: PersonId| pair.is_none_or(|(first, second)| person == first || person == second);
    let unlike = |marks: &[Mark]| {
        let given: BTreeSet<_> = marks
            .iter()
            .filter(|mark| mark.part == Part::Panel && counts(sheet.people[mark.person]))
            .map(|mark| mark.class)
            .collect();
        given.iter().any(|one| given.range(*one..).any(|other| !sheet.classes.same(*one, *other)))
    };
    sheet.by_case().filter(|marks| unlike(marks)).map(|marks| sheet.cases[marks[0].case]).collect()
}

/// Returns one case with its readings, as far as this viewer may see them.
async fn disputed(
    look: &mut Look<'_>,
    id: CaseId,
    question: Option<&Question>,
    questions: &[Question],
    pair: Option<(PersonId, PersonId)>,
    everybody: bool,
    readers: &Readers,
) -> Result<Option<Disputed>> {
    // A case behind a wall is absent here as everywhere.
    let Ok((case, Some(panel))) = look.case(id, None).await else { return Ok(None) };
    let label = look.label(Class::Reading, &case, Some(&panel))?;
    if !look.may(Action::ViewReading, &label) {
        return Ok(None);
    }
    let question = question.or_else(|| {
        let cites = |question: &&Question| {
            panel.panel_readings().any(|reading| reading.judgement.evidence.contains_key(&question.key))
        };
        questions.iter().find(cites)
    });
    let item = look.label(Class::Item, &case, Some(&panel))?;
    let of_pair =
        |reading: &&Reading| pair.is_none_or(|(first, second)| reading.reader == first || reading.reader == second);
    // Behind an expert's figure stands what she read beside the panel, too.
    let shown = |reading: &&Reading| everybody || reading.part == Part::Panel;
    let readings: Vec<_> = panel.readings.iter().filter(shown).filter(of_pair).collect();
    let spans = |reading: &Reading| {
        question.and_then(|question| reading.judgement.evidence.get(&question.key)).cloned().unwrap_or_default()
    };
    let cited: BTreeSet<_> =
        readings.iter().flat_map(|reading| spans(reading)).map(|span| (span.item, span.version)).collect();
    let open = case
        .items
        .iter()
        .filter(|item| item.visibility == Visibility::Both && cited.contains(&(item.item, item.version)));
    let bodies: HashMap<_, _> = if look.may(Action::ViewItem, &item) {
        open.map(|item| ((item.item, item.version), item.body.id)).collect()
    } else {
        HashMap::new()
    };
    let wanted: Vec<_> = bodies
        .values()
        .copied()
        .chain([case.reference.id, case.title.id])
        .chain(readings.iter().flat_map(|reading| texts_of(reading, question)))
        .collect();
    let texts = look.texts(&wanted).await?;
    let text = |id| texts.get(&id).cloned().unwrap_or_else(|| ERASED.to_owned());
    let said = |answer: Option<&Answer>| match answer {
        None => "no answer".to_owned(),
        Some(Answer::Span(spans)) => format!("{} passages", spans.len()),
        Some(Answer::Text(words)) => text(words.id),
        Some(closed) => question.and_then(|question| question.words(closed)).unwrap_or_default(),
    };
    let answer_in =
        |answers: &BTreeMap<String, Answer>| question.and_then(|question| answers.get(&question.key)).cloned();
    let mut sides: Vec<ReadingShown> = Vec::new();
    for reading in &readings {
        let quotes = spans(reading).into_iter().map(|span| {
            let body = bodies.get(&(span.item, span.version)).and_then(|id| texts.get(id));
            body.map_or_else(
                || "(a passage that is closed to you)".to_owned(),
                |body| quote::cut(body, span.start, span.end).to_owned(),
            )
        });
        sides.push(ReadingShown {
            reader: readers.name(reading.reader),
            answer: said(answer_in(&reading.judgement.answers).as_ref()),
            quotes: quotes.collect(),
            rationale: reading.judgement.rationale.map(|rationale| text(rationale.id)),
        });
        look.saw(Action::ViewReading, reading.reading, Some(id), None);
    }
    sides.sort_by(|one, other| one.reader.cmp(&other.reader));
    let decided = case.resolution.as_ref().and_then(|resolution| answer_in(&resolution.outcome.answers));
    Ok(Some(Disputed {
        case: id,
        reference: text(case.reference.id),
        title: text(case.title.id),
        origin: case.origin,
        sides,
        outcome: decided.map(|answer| said(Some(&answer))),
        reference_answer: answer_in(&panel.reference).map(|answer| said(Some(&answer))),
    }))
}

fn texts_of(reading: &Reading, question: Option<&Question>) -> Vec<remit_kernel::id::TextId> {
    let answer = question.and_then(|question| reading.judgement.answers.get(&question.key));
    let words = match answer {
        Some(Answer::Text(words)) => Some(words.id),
        Some(Answer::Choice(_) | Answer::Grade(_) | Answer::Multi(_) | Answer::Number(_) | Answer::Span(_)) | None => {
            None
        }
    };
    words.into_iter().chain(reading.judgement.rationale.map(|rationale| rationale.id)).collect()
}
