//! My work: what an expert may know of her own readings, once their panels are closed.
//!
//! Her figures rest on her own answers; what others said is shown by answer, never by name. A share is shown from ten cases
//! on: below, chance moves it further than skill.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use remit_access::{Action, Class, Label};
use remit_kernel::{
    facts::Want,
    form::{Answer, Question},
    id::{CaseId, EngagementId, PersonId, ReadingId},
    index::{AnswerRow, CaseRow, CaseStatus, Known, KnownAnswerRow, Origin, Part, ReadingRow},
    panel::{Panel, RoutingRule},
    refusal::Reason,
    stream::Scope,
    time::Instant,
};
use serde::Serialize;

use super::{Look, Query, look::ERASED, quality::Rate};
use crate::error::Result;

/// Cases below which no share is shown.
pub const CASES_MIN: u64 = 10;
/// Readings on a page.
pub const READINGS_MAX: u32 = 25;

/// Asks for the caller's own work.
#[derive(Debug, Clone)]
pub struct ShowMyWork {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Readings made before this instant; none: the latest.
    pub before: Option<Instant>,
}

/// The caller's own work.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MyWork {
    /// Figures by question, in the order of the form.
    pub questions: Vec<MyQuestion>,
    /// Cases below which no share is shown, because chance moves it further than skill.
    pub cases_min: u64,
    /// The latest readings of this page, the latest first.
    pub readings: Vec<MyReading>,
    /// Where the next page begins, as `before`; none: this is the last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next: Option<Timestamp>,
}

/// The caller's figures on one question. Each share is there from ten cases on; its count always.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MyQuestion {
    /// Key of the question.
    pub question: String,
    /// The question.
    pub title: String,
    /// The caller's answers in closed cases.
    pub answers: u64,
    /// Answers that every other panel reader of the case gave too, of cases that somebody else read.
    pub same: Rate,
    /// Answers that are the reference answer, of cases that have one.
    pub right: Rate,
    /// Answers that an adjudicator overturned, of all in closed cases.
    pub overturned: Rate,
}

/// One reading of the caller.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MyReading {
    /// The case.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// The client's reference.
    pub reference: String,
    /// What it is about.
    pub title: String,
    /// When it was sealed; of a file's, when the file claims it was made.
    #[schema(value_type = String, format = DateTime)]
    pub read_at: Timestamp,
    /// Whether Remit saw it happen.
    #[schema(value_type = String)]
    pub origin: Origin,
    /// Why the caller got the case, as recorded when the seat was taken; none for readings of files.
    pub why: Option<WhyMine>,
    /// Whether the panel is closed; until then nothing is told of it.
    pub closed: bool,
    /// Whether it was a gold case, as its reader is told once its window is over.
    pub gold: bool,
    /// The questions on which somebody held another answer: a colleague, an adjudicator, or the reference.
    pub feedback: Vec<Feedback>,
    /// The adjudicator's reasons, where there was one.
    pub reasons: Option<String>,
}

/// Why a person got a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct WhyMine {
    /// `next_case`, `chosen`, `assigned` or `imported`.
    #[schema(value_type = String)]
    pub rule: RoutingRule,
    /// How many cases with an earlier promise were passed over, each for a stated reason.
    pub passed_over: usize,
}

/// A question on which somebody held another answer than the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Feedback {
    /// The question.
    pub question: String,
    /// What the caller answered.
    pub mine: String,
    /// What other panel readers answered, without their names.
    pub others: Vec<String>,
    /// What the adjudicator decided.
    pub decided: Option<String>,
    /// The reference answer.
    pub reference: Option<String>,
}

/// Asks for a record of the caller's work to take along.
#[derive(Debug, Clone, Copy)]
pub struct TakeMyRecord {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// A record of one person's work in one engagement: figures, and not one word of the client's cases.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MyRecord {
    /// Name of the person.
    pub name: String,
    /// Name of the organisation that did the work.
    pub provider: String,
    /// When it was drawn up.
    #[schema(value_type = String, format = DateTime)]
    pub drawn_up_at: Timestamp,
    /// Cases read.
    pub cases: u64,
    /// Cases read, by their type.
    pub by_type: BTreeMap<String, u64>,
    /// The first reading.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first_at: Option<Timestamp>,
    /// The latest reading.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_at: Option<Timestamp>,
    /// Whether any reading is from a file: its time, author and blindness are as the file claims.
    pub imported: bool,
    /// Cases below which no share is shown.
    pub cases_min: u64,
    /// Figures by question.
    pub questions: Vec<MyQuestion>,
}

impl Query for ShowMyWork {
    type Out = MyWork;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<MyWork> {
        admit(look)?;
        let (me, scope) = (look.standing.id(), look.scope());
        let form = questions(look).await?;
        let questions = figures(look, &form, me).await?;
        let until = self
            .before
            .map_or(Instant::from_micros(i64::MAX), |before| Instant::from_micros(before.micros().saturating_sub(1)));
        let mut rows = look.app.store().readings_of(&scope, me, until, READINGS_MAX + 1).await?;
        let more = rows.len() > READINGS_MAX as usize;
        rows.truncate(READINGS_MAX as usize);
        let next = rows.last().filter(|_| more).map(|(reading, _)| reading.read_at.timestamp());
        let mut readings = Vec::new();
        for (reading, row) in rows {
            readings.extend(mine(look, &reading, &row, &form).await?);
        }
        look.saw(Action::ViewQueue, "my-work", None, None);
        Ok(MyWork { questions, cases_min: CASES_MIN, readings, next })
    }
}

impl Query for TakeMyRecord {
    type Out = MyRecord;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<MyRecord> {
        admit(look)?;
        let (me, scope, store) = (look.standing.id(), look.scope(), look.app.store());
        let named = store.find_engagement(&scope).await?.ok_or_else(|| Reason::hidden(self.engagement))?;
        let organisations = store.list_organisations().await?;
        let provider = organisations.into_iter().find(|known| known.row.org == named.row.provider);
        let form = questions(look).await?;
        let questions = figures(look, &form, me).await?;
        let store = look.app.store();
        let rows = store.readings_of(&scope, me, Instant::from_micros(i64::MAX), u32::MAX).await?;
        let cases: BTreeMap<CaseId, &str> = rows.iter().map(|(_, case)| (case.case, case.case_type.as_str())).collect();
        let mut by_type = BTreeMap::new();
        for case_type in cases.values() {
            *by_type.entry((*case_type).to_owned()).or_insert(0) += 1;
        }
        let name = look.names(&[me]).await?.remove(&me).unwrap_or_else(|| ERASED.to_owned());
        let record = MyRecord {
            name,
            provider: provider.and_then(|known| known.name).unwrap_or_else(|| ERASED.to_owned()),
            drawn_up_at: look.standing.now().timestamp(),
            cases: u64::try_from(cases.len()).unwrap_or(u64::MAX),
            by_type,
            first_at: rows.last().map(|(reading, _)| reading.read_at.timestamp()),
            last_at: rows.first().map(|(reading, _)| reading.read_at.timestamp()),
            imported: rows.iter().any(|(reading, _)| reading.origin == Origin::Imported),
            cases_min: CASES_MIN,
            questions,
        };
        look.saw(Action::ViewQueue, "my-record", None, None);
        Ok(record)
    }
}

/// Goes on if the caller is a member: everybody sees her own work.
fn admit(look: &mut Look<'_>) -> Result<()> {
    let engagement = look.standing.engagement()?;
    look.admit(Action::ViewQueue, &Label { own: true, ..Label::engagement(engagement) })
}

/// Returns the questions of the engagement's forms.
async fn questions(look: &mut Look<'_>) -> Result<Vec<Question>> {
    let (_, sows) = look.engagement().await?;
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

/// Returns the figures of a person, question by question.
async fn figures(look: &Look<'_>, form: &[Question], me: PersonId) -> Result<Vec<MyQuestion>> {
    let (store, scope) = (look.app.store(), look.scope());
    let answers = store.answers_beside(&scope, me).await?;
    let known = store.known_answers_beside(&scope, me).await?;
    let known: HashMap<(CaseId, &str, Known), &KnownAnswerRow> =
        known.iter().map(|row| ((row.case, row.question.as_str(), row.known), row)).collect();
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for beside in answers.chunk_by(|one, other| (&one.question, one.case) == (&other.question, other.case)) {
        let Some(mine) = beside.iter().find(|row| row.reader == me) else { continue };
        let Some(question) = form.iter().find(|question| question.key == mine.question) else { continue };
        let of = |kind| known.get(&(mine.case, mine.question.as_str(), kind)).map(|row| row.answer.as_str());
        let (reference, decided) = (of(Known::Reference), of(Known::Adjudicated));
        tallies.entry(&mine.question).or_default().take(question, mine, beside, (reference, decided));
    }
    Ok(form.iter().filter_map(|question| Some(tallies.get(question.key.as_str())?.figures(question))).collect())
}

/// Counts on the way to figures.
#[derive(Default)]
struct Tally {
    answers: u64,
    same: (u64, u64),
    right: (u64, u64),
    overturned: u64,
}

impl Tally {
    /// Takes an answer; it is the same as another, or right, by the tolerance of the form.
    fn take(
        &mut self,
        question: &Question,
        mine: &AnswerRow,
        beside: &[AnswerRow],
        (reference, decided): (Option<&str>, Option<&str>),
    ) {
        let answer = question.kind.read(&mine.answer);
        let same =
            |word: &str| word == mine.answer || question.same(answer.as_ref(), question.kind.read(word).as_ref());
        self.answers += 1;
        let mut others = beside.iter().filter(|row| row.reading != mine.reading && row.part == Part::Panel).peekable();
        if others.peek().is_some() {
            self.same = (self.same.0 + u64::from(others.all(|row| same(&row.answer))), self.same.1 + 1);
        }
        if let Some(reference) = reference {
            self.right = (self.right.0 + u64::from(same(reference)), self.right.1 + 1);
        }
        self.overturned += u64::from(mine.part == Part::Panel && decided.is_some_and(|decided| !same(decided)));
    }

    fn figures(&self, question: &Question) -> MyQuestion {
        MyQuestion {
            question: question.key.clone(),
            title: question.title.clone(),
            answers: self.answers,
            same: Rate::of(self.same.0, self.same.1).from(CASES_MIN),
            right: Rate::of(self.right.0, self.right.1).from(CASES_MIN),
            overturned: Rate::of(self.overturned, self.answers).from(CASES_MIN),
        }
    }
}

/// Returns one reading of the caller with what may be told of it; nothing if the case is closed to her now.
async fn mine(look: &mut Look<'_>, row: &ReadingRow, case: &CaseRow, form: &[Question]) -> Result<Option<MyReading>> {
    let Ok((state, Some(panel))) = look.case(row.case, None).await else { return Ok(None) };
    let label = look.label(Class::Reading, &state, Some(&panel))?;
    let open = panel.revealed() && look.may(Action::ViewReading, &label);
    let feedback = if open { feedback(&panel, row.reading, form) } else { Vec::new() };
    let decision = panel.adjudications.last().filter(|_| open);
    let rationale = decision.and_then(|decision| decision.judgement.rationale);
    let wanted: Vec<_> = [case.reference, case.title].into_iter().chain(rationale.map(|words| words.id)).collect();
    let texts = look.texts(&wanted).await?;
    let text = |id| texts.get(&id).cloned().unwrap_or_else(|| ERASED.to_owned());
    if open {
        look.saw(Action::ViewReading, row.reading, Some(row.case), None);
    }
    Ok(Some(MyReading {
        case: row.case,
        reference: text(case.reference),
        title: text(case.title),
        read_at: row.read_at.timestamp(),
        origin: row.origin,
        why: look.why_mine(row.case, row.reader).await?,
        closed: panel.revealed(),
        gold: case.showing && case.status == CaseStatus::Cancelled,
        feedback,
        reasons: rationale.map(|words| text(words.id)),
    }))
}

/// Returns the questions on which somebody held another answer than this reading.
fn feedback(panel: &Panel, reading: ReadingId, form: &[Question]) -> Vec<Feedback> {
    let Some(mine) = panel.readings.iter().find(|known| known.reading == reading) else { return Vec::new() };
    let decision = panel.adjudications.last().map(|decision| &decision.judgement.answers);
    let mut told = Vec::new();
    for question in form {
        let Some(answer) = mine.judgement.answers.get(&question.key) else { continue };
        let other = |given: Option<&Answer>| given.filter(|given| !question.same(Some(answer), Some(given))).cloned();
        let others: Vec<_> = panel
            .panel_readings()
            .filter(|known| known.reading != reading)
            .filter_map(|known| other(known.judgement.answers.get(&question.key)))
            .collect();
        let decided = decision.and_then(|answers| answers.get(&question.key));
        let reference = panel.reference.get(&question.key);
        if others.is_empty() && other(decided).is_none() && other(reference).is_none() {
            continue;
        }
        let said = |answer: &Answer| words(question, answer);
        told.push(Feedback {
            question: question.title.clone(),
            mine: said(answer),
            others: others.iter().map(said).collect(),
            decided: decided.map(said),
            reference: reference.map(said),
        });
    }
    told
}

/// Returns an answer in words; the reader's own words stay on the case's page.
fn words(question: &Question, answer: &Answer) -> String {
    if let Some(words) = question.words(answer) {
        return words;
    }
    match answer {
        Answer::Span(spans) if spans.len() == 1 => "1 passage".to_owned(),
        Answer::Span(spans) => format!("{} passages", spans.len()),
        Answer::Choice(_) | Answer::Grade(_) | Answer::Multi(_) | Answer::Number(_) | Answer::Text(_) => {
            "in words".to_owned()
        }
    }
}
