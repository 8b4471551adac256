//! Reliability of each expert on one question, where there is something to hold her answers against.
//!
//! Two readers who differ do not show who is right. What is shown rests on answers that are known, or on three and more
//! readings of a case held against each other; where there is neither, the page says what is wanted instead of a figure.

use remit_access::Action;
use remit_kernel::{
    form::{Question, QuestionKind},
    id::EngagementId,
    index::{Origin, Part},
    refusal::Reason,
    stream::Scope,
};
use serde::{Deserialize, Serialize};

use super::{
    Level, Rate, ReaderName, Readers, WANTED, kept,
    model::{self, Estimate, ModelFigures},
    number::{self, HeldAgainst, Measures},
    option::{self, OptionFigures},
    sheet::Sheet,
};
use crate::{
    app::{Look, Query},
    error::Result,
};

/// Asks how reliable experts are on a question.
#[derive(Debug, Clone)]
pub struct ShowExperts {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Key of the question; none: the first of the form that has answers.
    pub question: Option<String>,
    /// Of which origin; none: both.
    pub origin: Option<Origin>,
}

/// How reliable experts are on a question.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Experts {
    /// The questions that can be asked for.
    pub questions: Vec<QuestionName>,
    /// Key of the question; empty where the form has none whose answers can be compared.
    pub question: String,
    /// The question.
    pub title: String,
    /// What can be said of how far two answers lie apart; what is shown of experts goes by it.
    #[serde(default)]
    pub level: Level,
    /// Unit of numbers; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// What numbers were held against; none: nothing is said of how experts measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_against: Option<HeldAgainst>,
    /// Closed cases with an answer.
    pub cases: u64,
    /// Those with a reference answer.
    pub with_reference: u64,
    /// Those that an adjudicator decided.
    pub adjudicated: u64,
    /// Those with three or more answers by people.
    pub three_or_more: u64,
    /// Whether any answer is from a file.
    pub imported: bool,
    /// What cannot be said, and what would help.
    pub limit: Option<Limit>,
    /// What three and more answers on a case, held against each other, say; none with fewer than 30 such cases.
    pub model: Option<ModelFigures>,
    /// Expert by expert: panel readers, then others, then programs.
    pub experts: Vec<ExpertFigures>,
}

/// A question that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct QuestionName {
    /// Key of the question.
    pub question: String,
    /// The question.
    pub title: String,
}

/// What cannot be said, and what would help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Limit {
    /// A sentence for people.
    pub sentence: String,
    /// For how many cases an answer is wanted that is known to be right; they are listed under `quality/wanted`.
    pub wanted: u64,
}

/// Figures of one expert on one question.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExpertFigures {
    /// Who.
    pub reader: ReaderName,
    /// `panel`, `extra` or `ai`.
    #[schema(value_type = String)]
    pub part: Part,
    /// Answers in closed cases.
    pub readings: u64,
    /// Answers that are the reference answer.
    pub right: Rate,
    /// Answers with which the adjudicator sided, of adjudicated cases: those on which readers had differed or that were
    /// challenged, so never a share of all work.
    pub sided: Rate,
    /// Answers that an adjudicator overturned, of all answers in closed cases.
    pub overturned: Rate,
    /// How often the expert is right, as the model has it.
    pub estimated: Option<Estimate>,
    /// What was right against what was answered, over cases with a reference answer or an adjudication; where answers are one
    /// of a closed list.
    pub confusion: Option<Confusion>,
    /// Where several options may be picked: each by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<OptionFigures>,
    /// Where answers are numbers: how she measures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures: Option<Measures>,
}

/// What was right, against what was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Confusion {
    /// The answers that occur, as columns and rows of `cells`.
    pub answers: Vec<String>,
    /// How often the answer of the row was right and that of the column given.
    pub cells: Vec<Vec<u64>>,
}

impl Query for ShowExperts {
    type Out = Experts;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Experts> {
        let questions = super::questions(look).await?;
        let (names, chosen) = choose(&questions, self.question.as_deref())?;
        let mut experts = Experts::empty(names);
        if let Some(question) = chosen {
            let readers = Readers::of(look).await?;
            let name = kept::name("experts", &(question, readers.named()), self.origin);
            let made = look.once(name, Experts::make(look, question, self.origin, &readers)).await?;
            experts = Experts { questions: experts.questions, ..Experts::clone(&made) };
        }
        look.saw(Action::ViewQuality, "quality/experts", None, None);
        Ok(experts)
    }
}

/// Returns the questions whose answers can be held against each other, and the one that was asked for, or the first.
pub(super) fn choose<'q>(
    questions: &'q [Question],
    asked: Option<&str>,
) -> Result<(Vec<QuestionName>, Option<&'q Question>)> {
    choose_among(questions, asked, |question| Level::of(question).is_some())
}

fn choose_among<'q>(
    questions: &'q [Question],
    asked: Option<&str>,
    fits: impl Fn(&Question) -> bool,
) -> Result<(Vec<QuestionName>, Option<&'q Question>)> {
    let closed: Vec<_> = questions.iter().filter(|question| fits(question)).collect();
    let chosen = match asked {
        None => closed.first().copied(),
        Some(key) => Some(*closed.iter().find(|question| question.key == key).ok_or_else(|| Reason::hidden(key))?),
    };
    let names = closed
        .iter()
        .map(|question| QuestionName { question: question.key.clone(), title: question.title.clone() })
        .collect();
    Ok((names, chosen))
}

/// What is measured of the experts of a question, for a simulation to draw from.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The questions that can be asked for.
    pub questions: Vec<QuestionName>,
    /// Key of the question.
    pub question: String,
    /// The question.
    pub title: String,
    /// Reference answers by class.
    pub prior: Vec<f64>,
    /// For each panel reader, how often each answer was given to each right one, truth by truth.
    pub experts: Vec<Vec<f64>>,
    /// Share of their answers that are right.
    pub accuracy: f64,
    /// Reference answers that they were measured on.
    pub known: u64,
    /// Why nothing is measured, and what would help.
    pub limit: Option<String>,
}

/// Returns what is measured of a question's panel readers against reference answers. What adjudicators decided does not
/// count here: it was asked of disputed cases alone, and would make every expert look worse than she is.
pub(in crate::app) async fn measure(
    look: &mut Look<'_>,
    question: Option<&str>,
    origin: Option<Origin>,
) -> Result<Measured> {
    let questions = super::questions(look).await?;
    let one_of_a_list = |question: &Question| matches!(Level::of(question), Some(Level::Nominal | Level::Ordinal));
    let (names, chosen) = choose_among(&questions, question, one_of_a_list)?;
    let mut measured = Measured {
        questions: names,
        question: String::new(),
        title: String::new(),
        prior: Vec::new(),
        experts: Vec::new(),
        accuracy: 0.0,
        known: 0,
        limit: None,
    };
    let Some(question) = chosen else { return Ok(measured) };
    let sheet = Sheet::load(look, question, origin).await?;
    let wide = sheet.classes.len();
    measured.question.clone_from(&question.key);
    measured.title.clone_from(&question.title);
    measured.prior = vec![0.0; wide];
    for reference in sheet.known.iter().filter_map(|known| known.reference) {
        measured.prior[reference] += 1.0;
        measured.known += 1;
    }
    if measured.known < WANTED {
        measured.limit = Some(format!(
            "Experts are measured on reference answers, and {} cases have one: add gold for {} more.",
            measured.known,
            WANTED - measured.known
        ));
        return Ok(measured);
    }
    let mut cells = vec![vec![0.0; wide * wide]; sheet.people.len()];
    let (mut right, mut all) = (0.0, 0.0);
    for mark in sheet.marks.iter().filter(|mark| mark.part == Part::Panel) {
        let Some(reference) = sheet.known[mark.case].reference else { continue };
        cells[mark.person][reference * wide + mark.class] += 1.0;
        all += 1.0;
        right += f64::from(u8::from(reference == mark.class));
    }
    measured.experts = cells.into_iter().filter(|cells| cells.iter().any(|count| *count > 0.0)).collect();
    measured.accuracy = if all > 0.0 { right / all } else { 0.0 };
    Ok(measured)
}

impl kept::Weigh for Experts {}

/// Counts of one expert on the way to figures.
#[derive(Clone)]
struct Tally {
    part: Option<Part>,
    readings: u64,
    right: (u64, u64),
    sided: (u64, u64),
    cells: Vec<u64>,
}

impl Experts {
    fn empty(questions: Vec<QuestionName>) -> Self {
        Self {
            questions,
            question: String::new(),
            title: String::new(),
            level: Level::default(),
            unit: String::new(),
            held_against: None,
            cases: 0,
            with_reference: 0,
            adjudicated: 0,
            three_or_more: 0,
            imported: false,
            limit: None,
            model: None,
            experts: Vec::new(),
        }
    }

    async fn make(look: &Look<'_>, question: &Question, origin: Option<Origin>, readers: &Readers) -> Result<Self> {
        let sheet = Sheet::load(look, question, origin).await?;
        let mut experts = Self::empty(Vec::new());
        experts.question.clone_from(&question.key);
        experts.title.clone_from(&question.title);
        if let QuestionKind::Number { unit, .. } = &question.kind {
            experts.unit.clone_from(unit);
        }
        let (readers, question) = (readers.clone(), question.clone());
        let filled = move || {
            experts.fill(&question, &sheet, &readers);
            experts
        };
        // Models take a while where answers are many: they must not hold up others.
        Ok(tokio::task::spawn_blocking(filled).await.map_err(std::io::Error::other)?)
    }

    fn fill(&mut self, question: &Question, sheet: &Sheet, readers: &Readers) {
        let count = |wanted: &dyn Fn(usize) -> bool| {
            u64::try_from((0..sheet.cases.len()).filter(|case| wanted(*case)).count()).unwrap_or(u64::MAX)
        };
        self.imported = sheet.imported;
        self.level = sheet.classes.level();
        self.cases = count(&|_| true);
        self.with_reference = count(&|case| sheet.known[case].reference.is_some());
        self.adjudicated = count(&|case| sheet.known[case].adjudicated.is_some());
        let sizes = sheet.by_case().map(|marks| marks.iter().filter(|mark| mark.part != Part::Ai).count());
        let (mut most, mut three_or_more) = (0, 0);
        for size in sizes {
            most = most.max(size);
            three_or_more += u64::from(size >= 3);
        }
        self.three_or_more = three_or_more;
        let known = count(&|case| sheet.known[case].right().is_some());
        self.limit = limit(self.cases, known, most, three_or_more);
        let modelled = model::of(sheet, three_or_more, known);
        let measured = number::of(sheet);
        self.held_against = measured.as_ref().map(|measured| measured.against);
        let mut options = option::of(question, sheet, three_or_more);
        // Numbers and sets have no closed list: a table of what was right against what was answered would have no end.
        let wide = match self.level {
            Level::Nominal | Level::Ordinal => sheet.classes.len(),
            Level::Interval | Level::Sets => 0,
        };
        let mut tallies =
            vec![
                Tally { part: None, readings: 0, right: (0, 0), sided: (0, 0), cells: vec![0; wide * wide] };
                sheet.people.len()
            ];
        for mark in &sheet.marks {
            tallies[mark.person].take(mark, sheet, wide);
        }
        let estimated = |person: usize| modelled.as_ref().and_then(|model| model.people.get(person).copied().flatten());
        let mut experts: Vec<_> = tallies
            .into_iter()
            .enumerate()
            .map(|(person, tally)| {
                let estimated = estimated(person).filter(|known| known.n > 0);
                ExpertFigures {
                    options: options.get_mut(person).map(std::mem::take).unwrap_or_default(),
                    measures: measured.as_ref().and_then(|measured| *measured.people.get(person)?),
                    ..tally.figures(readers.name(sheet.people[person]), estimated, sheet)
                }
            })
            .collect();
        self.model = modelled.map(|model| model.figures);
        experts.sort_by(|one, other| (one.part, &one.reader.name).cmp(&(other.part, &other.reader.name)));
        self.experts = experts;
    }
}

impl Tally {
    fn take(&mut self, mark: &super::sheet::Mark, sheet: &Sheet, wide: usize) {
        let known = sheet.known[mark.case];
        self.part = Some(self.part.map_or(mark.part, |part| part.min(mark.part)));
        self.readings += 1;
        if let Some(reference) = known.reference {
            self.right = (self.right.0 + u64::from(sheet.classes.same(reference, mark.class)), self.right.1 + 1);
        }
        // An adjudicator decides between panel readings: what stood beside the panel was not before her.
        if let Some(adjudicated) = known.adjudicated.filter(|_| mark.part == Part::Panel) {
            self.sided = (self.sided.0 + u64::from(sheet.classes.same(adjudicated, mark.class)), self.sided.1 + 1);
        }
        if let Some(right) = known.right().filter(|_| wide > 0) {
            self.cells[right * wide + mark.class] += 1;
        }
    }

    fn figures(self, reader: ReaderName, estimated: Option<Estimate>, sheet: &Sheet) -> ExpertFigures {
        let part = self.part.unwrap_or(Part::Panel);
        let overturned =
            if part == Part::Panel { Rate::of(self.sided.1 - self.sided.0, self.readings) } else { Rate::default() };
        ExpertFigures {
            reader,
            part,
            readings: self.readings,
            right: Rate::of(self.right.0, self.right.1),
            sided: Rate::of(self.sided.0, self.sided.1),
            overturned,
            estimated,
            confusion: confusion(&self.cells, sheet),
            options: Vec::new(),
            measures: None,
        }
    }
}

/// Returns the table without answers that neither were right nor given.
fn confusion(cells: &[u64], sheet: &Sheet) -> Option<Confusion> {
    let wide = if cells.is_empty() { 0 } else { sheet.classes.len() };
    let used = |class: usize| (0..wide).any(|other| cells[class * wide + other] + cells[other * wide + class] > 0);
    let used: Vec<usize> = (0..wide).filter(|class| used(*class)).collect();
    (!used.is_empty()).then(|| Confusion {
        answers: used.iter().map(|class| sheet.classes.title(*class).to_owned()).collect(),
        cells: used.iter().map(|row| used.iter().map(|column| cells[row * wide + column]).collect()).collect(),
    })
}

/// Returns what cannot be said from these numbers, if anything.
fn limit(cases: u64, known: u64, readings_max: usize, three_or_more: u64) -> Option<Limit> {
    if cases == 0 || known >= WANTED.min(cases) || three_or_more >= WANTED {
        return None;
    }
    let wanted = WANTED.min(cases) - known;
    let what = format!(
        "adjudicate or add gold for {}{wanted} {}",
        if known > 0 { "another " } else { "" },
        if wanted == 1 { "case" } else { "cases" }
    );
    let sentence = match (known, readings_max) {
        (0, 0 | 1) => format!("One reader cannot show whether she is right: {what}"),
        (0, 3..) => format!("Too few cases have three readers to show who is right: {what}"),
        (0, _) => format!("Two readers cannot show who is right: {what}"),
        (1, _) => format!("The right answer is known of one case only: {what}"),
        _ => format!("The right answer is known of {known} cases only: {what}"),
    };
    Some(Limit { sentence, wanted })
}

#[cfg(test)]
mod tests {
    use super::limit;

    fn said(cases: u64, known: u64, readings_max: usize) -> Option<String> {
        limit(cases, known, readings_max, 0).map(|limit| limit.sentence)
    }

    #[test]
    fn what_cannot_be_said_depends_on_what_is_known_and_how_many_read() {
        assert_eq!(
            said(331, 0, 2).as_deref(),
            Some("Two readers cannot show who is right: adjudicate or add gold for 30 cases")
        );
        assert_eq!(
            said(4, 0, 2).as_deref(),
            Some("Two readers cannot show who is right: adjudicate or add gold for 4 cases")
        );
        assert_eq!(
            said(331, 0, 1).as_deref(),
            Some("One reader cannot show whether she is right: adjudicate or add gold for 30 cases")
        );
        assert_eq!(
            said(331, 29, 2).as_deref(),
            Some("The right answer is known of 29 cases only: adjudicate or add gold for another 1 case")
        );
        assert_eq!([said(331, 30, 2), said(4, 4, 2), said(0, 0, 0)], [None, None, None]);
        assert_eq!(limit(331, 0, 3, 30), None);
        assert!(limit(331, 0, 3, 29).is_some_and(|limit| limit.sentence.starts_with("Too few cases")));
    }
}
