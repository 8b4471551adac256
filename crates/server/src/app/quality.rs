//! Quality: how far readers agree, question by question and pair by pair, and the disputes behind each figure.
//!
//! Only answers of closed panels enter a figure. The client's side sees readers by number, the provider's by name.

mod alarm;
mod behind;
mod cost;
mod drift;
mod expert;
mod ground;
mod model;
mod rate;
mod sheet;
mod slice;
mod wanted;

pub use alarm::{AlarmCase, AlarmLine, AlarmOut, ListAlarms, ShowAlarm};
pub use behind::{Against, Behind};
pub use cost::Cost;
pub use drift::{AlarmMark, ChartOf, Design, Drift, DriftChart, RUN_LENGTH, ShowDrift};
pub(in crate::app) use expert::measure;
pub use expert::{Confusion, ExpertFigures, Experts, Limit, Measured, QuestionName, ShowExperts};
pub use model::{Estimate, ModelFigures, Saving};
pub use rate::Rate;
pub use slice::{By, ShowSlices, SliceFigures, Slices};
pub use wanted::{ListWanted, WANTED, Wanted, WantedCase};

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use remit_access::{Action, Class};
use remit_kernel::{
    case::Visibility,
    facts::Want,
    form::{Answer, Question, QuestionKind},
    id::{CaseId, EngagementId, PersonId},
    index::{AnswerRow, Known, KnownAnswerRow, Origin, Part},
    panel::Reading,
    quote,
    refusal::{Reason, code},
    role::Side,
    stream::{Scope, StreamId},
};
use remit_stats::{
    agreement::{Coefficient, Counts, Pairs, Undefined, Weights},
    interval,
};
use serde::{Deserialize, Serialize};

use super::{Look, Query, look::ERASED};
use crate::error::Result;

/// Name of the coefficient over all panel readers, as programs know it.
pub const COEFFICIENT: &str = "krippendorff_alpha_nominal";
/// Confidence of every interval.
const CONFIDENCE: f64 = 0.95;
/// Resamples behind an interval of alpha, where the cases are few enough for that many.
const RESAMPLES: u64 = 1_000;
/// Draws that one interval of alpha may take: with very many cases it rests on fewer resamples.
const DRAWS_MAX: u64 = 20_000_000;
/// Why numbers have no coefficient here.
const NUMBERS: &str = "these are numbers, and a coefficient for classes would not see how near they lie";
/// Where the drawing begins, so that the same answers give the same interval.
const SEED: u64 = 20_260_301;
/// Pairs of readers shown for one question, those with most cases first.
const PAIRS_MAX: usize = 200;
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
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Quality {
    /// Panels closed with an outcome or a dispute.
    pub panels: u64,
    /// Panels whose readers agreed.
    pub agreed: u64,
    /// Panels whose readers differed on a question that decides, however that was settled.
    pub disputed: u64,
    /// Panels with one reading.
    pub single: u64,
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
    /// Which coefficient: Krippendorff's alpha for nominal answers, over all panel readers.
    pub coefficient: Cow<'static, str>,
    /// Agreement beyond chance.
    #[serde(flatten)]
    pub agreement: Agreement,
    /// Gwet's AC1 beside it: where one answer is rare, alpha falls though readers agree.
    pub ac1: Option<f64>,
    /// Share of pairs of answers that are the same, as the mean over cases.
    pub share_agreed: Option<f64>,
    /// Cases on which panel readers differed on this question.
    pub disputed: u64,
    /// Panels whose outcome is the reference answer, of those that have both.
    pub right: Rate,
    /// Pair by pair, those with most cases first.
    pub pairs: Vec<PairQuality>,
    /// Pairs left out because there are very many.
    pub pairs_left_out: usize,
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
    /// Cohen's kappa.
    #[serde(flatten)]
    pub agreement: Agreement,
    /// Share of cases with the same answer.
    pub share_agreed: Option<f64>,
    /// Cases on which the two differ.
    pub differ: u64,
    /// The answers that occur, as columns and rows of `cells`.
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
struct Readers {
    names: HashMap<PersonId, ReaderName>,
}

impl Query for ShowQuality {
    type Out = Quality;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Quality> {
        let questions = questions(look).await?;
        let scope = look.scope();
        let answers: Vec<_> = panel_answers(look, None, self.origin).await?;
        let readers = Readers::of(look).await?;
        let of_origin = |origin: Origin| self.origin.is_none_or(|wanted| wanted == origin);
        let store = look.app.store();
        let mut disputes: HashMap<String, u64> = HashMap::new();
        for (question, _, cases) in store.count_disputes(&scope).await?.into_iter().filter(|row| of_origin(row.1)) {
            *disputes.entry(question).or_default() += cases;
        }
        let mut quality = Quality {
            panels: 0,
            agreed: 0,
            disputed: 0,
            single: 0,
            other_evidence: 0,
            imported: false,
            cost: Cost::default(),
            questions: Vec::new(),
        };
        for count in store.count_panels(&scope).await?.into_iter().filter(|count| of_origin(count.origin)) {
            quality.count(&count);
        }
        let mut known = HashMap::new();
        for question in &questions {
            known.insert(question.key.clone(), store.known_answers(&scope, &question.key).await?);
        }
        quality.imported = answers.iter().any(|answer| answer.origin == Origin::Imported);
        let figures = move || {
            let mut by_question: BTreeMap<&str, Vec<&AnswerRow>> = BTreeMap::new();
            for answer in &answers {
                by_question.entry(answer.question.as_str()).or_default().push(answer);
            }
            let mut figures = Vec::new();
            for question in &questions {
                let Some(rows) = by_question.remove(question.key.as_str()) else { continue };
                let disputed = disputes.get(&question.key).copied().unwrap_or_default();
                let known = known.get(&question.key).map_or(&[][..], Vec::as_slice);
                figures.push(of_question(question, &rows, known, disputed, &readers));
            }
            figures
        };
        // Resampling takes a while where cases are many: it must not hold up others.
        quality.questions = tokio::task::spawn_blocking(figures).await.map_err(std::io::Error::other)?;
        look.saw(Action::ViewQuality, "quality", None, None);
        Ok(quality)
    }
}

impl Quality {
    fn count(&mut self, count: &remit_store::PanelCount) {
        use remit_kernel::index::PanelStatus;
        match count.status {
            PanelStatus::Agreed => self.agreed += count.panels,
            PanelStatus::Single => self.single += count.panels,
            PanelStatus::Disputed | PanelStatus::Outvoted | PanelStatus::Adjudicated => {}
            PanelStatus::Planned | PanelStatus::Reading | PanelStatus::Void => return,
        }
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

/// Returns whether answers to a question are classes that can be counted.
fn measured(question: &Question) -> bool {
    match question.kind {
        QuestionKind::Choice { .. } | QuestionKind::Grade { .. } => true,
        QuestionKind::Multi { .. }
        | QuestionKind::Number { .. }
        | QuestionKind::Span { .. }
        | QuestionKind::Text { .. } => false,
    }
}

/// Admits the look at figures, and returns the questions of the engagement's forms.
async fn questions(look: &mut Look<'_>) -> Result<Vec<Question>> {
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

/// Returns the answers of panel readers in closed panels.
async fn panel_answers(look: &Look<'_>, question: Option<&str>, origin: Option<Origin>) -> Result<Vec<AnswerRow>> {
    let answers = look.app.store().revealed_answers(&look.scope(), question, origin).await?;
    Ok(answers.into_iter().filter(|answer| answer.part == Part::Panel).collect())
}

impl Readers {
    /// Names the readers of an engagement for whoever looks. Numbers follow the identifiers, those of panel readers first.
    async fn of(look: &mut Look<'_>) -> Result<Self> {
        let mut known = look.app.store().revealed_readers(&look.scope()).await?;
        known.sort_unstable();
        let mut people: Vec<PersonId> = Vec::new();
        for (_, person) in known {
            if !people.contains(&person) {
                people.push(person);
            }
        }
        let named = |(number, person): (usize, PersonId)| {
            (person, ReaderName { key: format!("reader-{}", number + 1), name: format!("Reader {}", number + 1) })
        };
        if look.standing.principal.side != Some(Side::Provider) {
            return Ok(Self { names: people.into_iter().enumerate().map(named).collect() });
        }
        let mut names = look.names(&people).await?;
        let named = |person: PersonId| {
            let name = names.remove(&person).unwrap_or_else(|| ERASED.to_owned());
            (person, ReaderName { key: person.to_string(), name })
        };
        Ok(Self { names: people.into_iter().map(named).collect() })
    }

    /// Adds readers who have no answer in a closed panel: by name for the provider; for others they have no number yet.
    async fn with(mut self, look: &Look<'_>, people: Vec<PersonId>) -> Result<Self> {
        let new: Vec<_> = people.into_iter().filter(|person| !self.names.contains_key(person)).collect();
        if new.is_empty() {
            return Ok(self);
        }
        let inside = look.standing.principal.side == Some(Side::Provider);
        let mut names = if inside { look.names(&new).await? } else { HashMap::new() };
        for person in new {
            let name = names.remove(&person);
            let key = if name.is_some() { person.to_string() } else { String::new() };
            let name = name.unwrap_or_else(|| "Another reader".to_owned());
            self.names.insert(person, ReaderName { key, name });
        }
        Ok(self)
    }

    fn name(&self, person: PersonId) -> ReaderName {
        self.names.get(&person).cloned().unwrap_or_else(|| ReaderName { key: String::new(), name: ERASED.to_owned() })
    }

    fn person(&self, key: &str) -> Option<PersonId> {
        self.names.iter().find(|(_, name)| name.key == key).map(|(person, _)| *person)
    }
}

/// Returns the figures of one question. `rows` are its answers, those of one case together.
fn of_question(
    question: &Question,
    rows: &[&AnswerRow],
    known: &[KnownAnswerRow],
    disputed: u64,
    readers: &Readers,
) -> QuestionQuality {
    if matches!(question.kind, QuestionKind::Number { .. }) {
        return of_number(question, rows, disputed, readers);
    }
    let classes = Classes::of(question, rows);
    let mut cases: BTreeMap<CaseId, Vec<(PersonId, usize)>> = BTreeMap::new();
    for row in rows {
        cases.entry(row.case).or_default().push((row.reader, classes.number(&row.answer)));
    }
    let mut counts = Counts::new(classes.len()).ok();
    let mut pairs: BTreeMap<(PersonId, PersonId), Vec<u64>> = BTreeMap::new();
    let tolerated = classes.tolerated(question);
    for answers in cases.values_mut() {
        answers.sort_unstable();
        let mut unit = vec![0_u32; classes.len()];
        for (_, class) in answers.iter() {
            unit[*class] += 1;
        }
        if let Some(counts) = &mut counts {
            // The unit is as wide as the table, so it always fits.
            let _ = counts.add(&unit);
        }
        for (place, (first, one)) in answers.iter().enumerate() {
            for (second, other) in &answers[place + 1..] {
                let cells = pairs.entry((*first, *second)).or_insert_with(|| vec![0; classes.len() * classes.len()]);
                cells[one * classes.len() + other] += 1;
            }
        }
    }
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    pairs.sort_by_key(|(people, cells)| (std::cmp::Reverse(cells.iter().sum::<u64>()), *people));
    let pairs_left_out = pairs.len().saturating_sub(PAIRS_MAX);
    let pairs = pairs
        .into_iter()
        .take(PAIRS_MAX)
        .map(|(people, cells)| of_pair(people, cells, &classes, &tolerated, readers))
        .collect();
    QuestionQuality {
        question: question.key.clone(),
        title: question.title.clone(),
        decides: question.decides,
        coefficient: Cow::Borrowed(COEFFICIENT),
        ac1: counts
            .as_ref()
            .and_then(|counts| counts.value(&Coefficient::Gwet(Weights::identity(classes.len()).ok()?)).ok()),
        share_agreed: counts.as_ref().and_then(|counts| counts.share_agreed().ok()),
        agreement: counts.map_or_else(Agreement::none, |counts| of_all(&counts)),
        disputed,
        right: right(&cases, &classes, known),
        pairs,
        pairs_left_out,
    }
}

/// Returns the figures of a question of numbers: how often two readers are within the tolerance. A coefficient for
/// classes would take `12.0` and `12.1` for as unlike as `12` and `90`.
fn of_number(question: &Question, rows: &[&AnswerRow], disputed: u64, readers: &Readers) -> QuestionQuality {
    let mut cases: BTreeMap<CaseId, Vec<(PersonId, &str)>> = BTreeMap::new();
    for row in rows {
        cases.entry(row.case).or_default().push((row.reader, &row.answer));
    }
    let mut pairs: BTreeMap<(PersonId, PersonId), (u64, u64)> = BTreeMap::new();
    for answers in cases.values_mut() {
        answers.sort_unstable();
        for (place, (first, one)) in answers.iter().enumerate() {
            for (second, other) in &answers[place + 1..] {
                let (n, differ) = pairs.entry((*first, *second)).or_default();
                *n += 1;
                *differ += u64::from(!same(question, one, other));
            }
        }
    }
    let none = |n| Agreement { value: None, interval: None, undefined: Some(Cow::Borrowed(NUMBERS)), n };
    let n = cases.values().filter(|answers| answers.len() > 1).count() as u64;
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    pairs.sort_by_key(|(people, (n, _))| (std::cmp::Reverse(*n), *people));
    let pairs_left_out = pairs.len().saturating_sub(PAIRS_MAX);
    #[expect(clippy::cast_precision_loss, reason = "a share to show")]
    let shown = |((first, second), (n, differ)): ((PersonId, PersonId), (u64, u64))| PairQuality {
        readers: [readers.name(first), readers.name(second)],
        agreement: none(n),
        share_agreed: Some((n - differ) as f64 / n as f64),
        differ,
        answers: Vec::new(),
        cells: Vec::new(),
    };
    QuestionQuality {
        question: question.key.clone(),
        title: question.title.clone(),
        decides: question.decides,
        coefficient: Cow::Borrowed(COEFFICIENT),
        agreement: none(n),
        ac1: None,
        share_agreed: None,
        disputed,
        right: Rate::of(0, 0),
        pairs: pairs.into_iter().take(PAIRS_MAX).map(shown).collect(),
        pairs_left_out,
    }
}

/// Returns how often the outcome of a panel is the reference answer: what its readers agree on, or else what the adjudicator
/// decided. A panel that has neither, or no reference answer, counts for nothing.
fn right(cases: &BTreeMap<CaseId, Vec<(PersonId, usize)>>, classes: &Classes, known: &[KnownAnswerRow]) -> Rate {
    let mut decided: HashMap<CaseId, (Option<usize>, Option<usize>)> = HashMap::new();
    for row in known {
        let slot = decided.entry(row.case).or_default();
        match row.known {
            Known::Reference => slot.0 = classes.find(&row.answer),
            Known::Adjudicated => slot.1 = classes.find(&row.answer),
        }
    }
    let (mut hits, mut n) = (0, 0);
    for (case, answers) in cases {
        let Some((Some(reference), adjudicated)) = decided.get(case).copied() else { continue };
        let alike = answers.first().filter(|first| answers.iter().all(|other| other.1 == first.1)).map(|first| first.1);
        let Some(outcome) = adjudicated.or(alike) else { continue };
        n += 1;
        hits += u64::from(outcome == reference);
    }
    Rate::of(hits, n)
}

/// The answers that occur, in the order of the form; one that the form no longer knows comes last.
struct Classes(Vec<(String, String)>);

impl Classes {
    fn of(question: &Question, rows: &[&AnswerRow]) -> Self {
        // Of several picks each set that occurs is an answer of its own.
        let declared = match &question.kind {
            QuestionKind::Choice { options } | QuestionKind::Grade { steps: options, .. } => options.as_slice(),
            QuestionKind::Multi { .. }
            | QuestionKind::Number { .. }
            | QuestionKind::Span { .. }
            | QuestionKind::Text { .. } => &[],
        };
        let mut classes: Vec<(String, String)> =
            declared.iter().map(|option| (option.key.clone(), option.title.clone())).collect();
        for row in rows {
            if !classes.iter().any(|(key, _)| *key == row.answer) {
                let words = question.kind.read(&row.answer).and_then(|answer| question.words(&answer));
                classes.push((row.answer.clone(), words.unwrap_or_else(|| row.answer.clone())));
            }
        }
        Self(classes)
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns which pairs of classes count as the same answer, row by row.
    fn tolerated(&self, question: &Question) -> Vec<bool> {
        let keys = || self.0.iter().map(|(key, _)| key.as_str());
        keys().flat_map(|one| keys().map(move |other| same(question, one, other))).collect()
    }

    fn title(&self, class: usize) -> &str {
        self.0.get(class).map_or("", |(_, title)| title)
    }

    fn number(&self, answer: &str) -> usize {
        self.find(answer).unwrap_or_default()
    }

    fn find(&self, answer: &str) -> Option<usize> {
        self.0.iter().position(|(key, _)| key == answer)
    }
}

pub(crate) fn of_all(counts: &Counts) -> Agreement {
    let n = counts.pairable();
    match counts.alpha() {
        Ok(value) => {
            let resamples = (DRAWS_MAX / n.max(1)).clamp(u64::from(interval::RESAMPLES_MIN), RESAMPLES);
            let resamples = u32::try_from(resamples).unwrap_or(interval::RESAMPLES_MIN);
            let interval =
                interval::alpha(counts, CONFIDENCE, resamples, SEED).ok().map(|ends| (ends.lower, ends.upper));
            Agreement { value: Some(value), interval, undefined: None, n }
        }
        Err(why) => Agreement { value: None, interval: None, undefined: Some(Cow::Borrowed(why_undefined(why))), n },
    }
}

fn of_pair(
    (first, second): (PersonId, PersonId),
    cells: Vec<u64>,
    classes: &Classes,
    tolerated: &[bool],
    readers: &Readers,
) -> PairQuality {
    let wide = classes.len();
    let rows: Vec<Vec<u64>> = cells.chunks(wide.max(1)).map(<[u64]>::to_vec).collect();
    let total: u64 = cells.iter().sum();
    // What counts as the same makes no difference to open, though it is no equal answer to kappa.
    let same: u64 = cells.iter().zip(tolerated).map(|(cases, same)| if *same { *cases } else { 0 }).sum();
    let (agreement, share_agreed) = match Pairs::from_cells(wide, cells) {
        Err(_) => (Agreement::none(), None),
        Ok(pairs) => {
            let agreement = match pairs.kappa() {
                Ok(kappa) => {
                    let interval = interval::kappa(&kappa, CONFIDENCE).ok().map(|ends| (ends.lower, ends.upper));
                    Agreement { value: Some(kappa.value), interval, undefined: None, n: total }
                }
                Err(why) => Agreement {
                    value: None,
                    interval: None,
                    undefined: Some(Cow::Borrowed(why_undefined(why))),
                    n: total,
                },
            };
            (agreement, pairs.share_agreed().ok())
        }
    };
    // Only answers that one of the two gave are drawn: a table of zeros says nothing.
    let used: Vec<usize> =
        (0..wide).filter(|class| (0..wide).any(|other| rows[*class][other] + rows[other][*class] > 0)).collect();
    PairQuality {
        readers: [readers.name(first), readers.name(second)],
        agreement,
        share_agreed,
        differ: total - same,
        answers: used.iter().map(|class| classes.0[*class].1.clone()).collect(),
        cells: used.iter().map(|row| used.iter().map(|column| rows[*row][*column]).collect()).collect(),
    }
}

impl Agreement {
    pub(crate) fn none() -> Self {
        Self { value: None, interval: None, undefined: Some(Cow::Borrowed(why_undefined(Undefined::NoPairs))), n: 0 }
    }
}

fn why_undefined(why: Undefined) -> &'static str {
    match why {
        Undefined::OneClass => "everybody gave the same answer",
        Undefined::NoPairs | Undefined::UnequalValues => "no case was answered by two readers",
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
                let rows = panel_answers(look, Some(&question.key), self.origin).await?;
                (Some(question), pair, differing(question, rows.iter(), pair), question.title.clone())
            }
            Which::Behind(behind) => {
                let question = questions
                    .iter()
                    .find(|known| known.key == behind.question)
                    .ok_or_else(|| Reason::hidden(&behind.question))?;
                let cases = behind.cases(look, question, self.origin, &readers).await?;
                (Some(question), None, cases, format!("{}: {}", question.title, behind.words(&readers)))
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

/// Returns the cases on which readers, or the two of a pair, gave unlike answers.
fn differing<'a>(
    question: &Question,
    rows: impl Iterator<Item = &'a AnswerRow>,
    pair: Option<(PersonId, PersonId)>,
) -> Vec<CaseId> {
    let counts = |row: &&AnswerRow| pair.is_none_or(|(first, second)| row.reader == first || row.reader == second);
    let mut answers: BTreeMap<CaseId, BTreeSet<&str>> = BTreeMap::new();
    for row in rows.filter(counts) {
        answers.entry(row.case).or_default().insert(&row.answer);
    }
    let unlike = |answers: &BTreeSet<&str>| {
        answers.iter().any(|one| answers.range(*one..).any(|other| !same(question, one, other)))
    };
    answers.into_iter().filter(|(_, answers)| unlike(answers)).map(|(case, _)| case).collect()
}

/// Returns whether two answers, as index rows have them, count as the same.
fn same(question: &Question, one: &str, other: &str) -> bool {
    one == other || question.same(question.kind.read(one).as_ref(), question.kind.read(other).as_ref())
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
