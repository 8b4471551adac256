//! What was measured of readers and questions: the ground on which a sequential panel stops.
//!
//! A model is fitted from closed panels and kept as whole numbers, so that its event reads back to the last digit and the
//! chance of a wrong answer can be computed again from it, by anybody.

use std::collections::{BTreeMap, BTreeSet};

use remit_stats::truth::{
    Evidence, Label, Labels, Model as Rule, Options, Repeats, fit,
    math::{exp, ln},
    posterior::{self, Reader, confusion, posterior},
};
use serde::{Deserialize, Serialize};

use crate::{
    form::{Answer, Form, OptionKey, Question, QuestionKey, QuestionKind},
    gold::Gold,
    id::PersonId,
    panel::Panel,
    time::Instant,
};

/// Known answers that a question needs before its chances count as calibrated.
pub const KNOWN_MIN: u32 = 30;
/// Most closed panels that one fit looks at, the latest first.
pub const PANELS_MAX: usize = 5_000;
/// Better readers who are looked at before somebody takes a further reading.
pub const RIVALS_MAX: usize = 8;
/// How much better counts, in millionths.
const CLEARLY: u32 = 10_000;
/// A million: chances are kept in parts of it.
pub const MILLION: u32 = 1_000_000;

/// A panel half a year old counts half as much.
const HALF_LIFE_DAYS: f64 = 180.0;
/// Answers of a reader like all others that each reader begins with, for each class.
const STRENGTH: f64 = 4.0;
/// Chances are never sharpened, only flattened: by a temperature from 1 to this, in thousandths.
const TEMPERATURE_MAX: u32 = 10_000;
/// Parts of the known answers that are foretold from the others, to see how far the chances can be trusted.
const PARTS: usize = 5;
/// The class of an option that was picked.
const PICKED: usize = 1;
/// Steps in which the temperature is looked for, in thousandths.
const TEMPERATURE_STEP: u32 = 50;

/// What happens to a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub enum ModelEvent {
    /// It was fitted anew, from so many closed panels and what of gold was known.
    Fitted {
        questions: BTreeMap<String, Measured>,
        panels: u32,
        #[serde(default, skip_serializing_if = "GoldTaken::nothing")]
        gold: GoldTaken,
    },
}

/// What of gold a fit took in: whenever either number moves, another fit would say something else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoldTaken {
    /// Answers to gold cases of which their readers have been told.
    pub answers: u32,
    /// How often a gold answer has been corrected.
    pub corrections: u32,
}

impl GoldTaken {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    fn nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// What is measured of the readers of an engagement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Counts the fits, from 1.
    pub version: u32,
    /// When it was fitted.
    pub fitted_at: Instant,
    /// From how many closed panels.
    pub panels: u32,
    /// What of gold it took in.
    #[serde(default, skip_serializing_if = "GoldTaken::nothing")]
    pub gold: GoldTaken,
    /// What was measured, by [`key`].
    pub questions: BTreeMap<String, Measured>,
}

/// What was measured of one question, or of one option where several may be picked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// The answers, in the order of the form.
    pub classes: Vec<OptionKey>,
    /// How common each answer is, in millionths.
    pub prior: Vec<u32>,
    /// How often readers are right on the whole, in millionths.
    pub accuracy: u32,
    /// Each reader's answers by truth and then answer, in hundredths; older ones count less.
    pub readers: BTreeMap<PersonId, Vec<u32>>,
    /// By how much chances are flattened, in thousandths; 1000: not at all.
    pub temperature: u32,
    /// Answers known from an adjudicator, a reference or gold, on which the temperature rests.
    pub known: u32,
    /// Cases of closed panels with an answer.
    pub cases: u32,
}

/// The answer that would stand for a question, and the chance that it is wrong, in millionths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// The answer.
    pub answer: Answer,
    /// The chance that another answer is right.
    pub error: u32,
}

/// Returns the name under which a model keeps a question, or one option of it.
pub fn key(question: &str, option: Option<&str>) -> String {
    option.map_or_else(|| question.to_owned(), |option| format!("{question}/{option}"))
}

/// A question as a model sees it: one list of classes, or one yes-or-no for each option.
fn parts(question: &Question) -> Vec<(String, Vec<OptionKey>)> {
    let keys = |options: &[crate::form::Choice]| options.iter().map(|option| option.key.clone()).collect();
    match &question.kind {
        QuestionKind::Choice { options } | QuestionKind::Grade { steps: options, .. } => {
            vec![(key(&question.key, None), keys(options))]
        }
        QuestionKind::Multi { options, .. } => {
            options.iter().map(|option| (key(&question.key, Some(&option.key)), picks())).collect()
        }
        QuestionKind::Number { .. } | QuestionKind::Span { .. } | QuestionKind::Text { .. } => Vec::new(),
    }
}

/// The classes of one option of several.
fn picks() -> Vec<OptionKey> {
    ["left", "picked"].map(str::to_owned).into()
}

/// Returns the class of an answer in one part of its question.
fn class_of(question: &Question, part: &str, answer: &Answer) -> Option<usize> {
    match answer {
        Answer::Choice(key) | Answer::Grade(key) => {
            question.kind.options().iter().position(|option| option.key == *key)
        }
        Answer::Multi(picks) => {
            let option = part.split_once('/')?.1;
            Some(if picks.contains(option) { PICKED } else { 0 })
        }
        Answer::Number(_) | Answer::Span(_) | Answer::Text(_) => None,
    }
}

impl Model {
    #[expect(clippy::unnecessary_wraps, reason = "as every state: another stream's first event may not fit")]
    pub(crate) fn apply(state: Option<Self>, event: &ModelEvent, at: Instant) -> Option<Self> {
        let ModelEvent::Fitted { questions, panels, gold } = event.clone();
        let version = state.map_or(0, |before| before.version).saturating_add(1);
        Some(Self { version, fitted_at: at, panels, gold, questions })
    }

    /// Returns whether the chances of a question rest on enough known answers.
    pub fn calibrates(&self, question: &Question) -> bool {
        let parts = parts(question);
        !parts.is_empty()
            && parts.iter().all(|(part, classes)| {
                self.questions
                    .get(part)
                    .is_some_and(|measured| measured.known >= KNOWN_MIN && measured.classes == *classes)
            })
    }

    /// Returns what the answers of a panel say of a question: the best answer, or the one in `standing`, and the chance
    /// that it is wrong. None where nothing calibrates it, or the best picks are no answer that the question takes.
    ///
    /// A grade counts as right within the tolerance of its question. Several picks are right if each option is; options
    /// count as independent.
    pub fn estimate(
        &self,
        question: &Question,
        answers: &[(PersonId, &Answer)],
        standing: Option<&Answer>,
    ) -> Option<Estimate> {
        if !self.calibrates(question) {
            return None;
        }
        let mut right = 1.0;
        let mut best = BTreeSet::new();
        for (part, _) in parts(question) {
            let chances = self.questions.get(&part)?.chances(question, &part, answers)?;
            let window = match &question.kind {
                QuestionKind::Grade { tolerance, .. } => usize::from(*tolerance),
                QuestionKind::Choice { .. }
                | QuestionKind::Multi { .. }
                | QuestionKind::Number { .. }
                | QuestionKind::Span { .. }
                | QuestionKind::Text { .. } => 0,
            };
            let mass = |class: usize| -> f64 {
                chances
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| at.abs_diff(class) <= window)
                    .map(|(_, chance)| chance)
                    .sum()
            };
            let wanted = standing.and_then(|answer| class_of(question, &part, answer));
            let class = match wanted {
                Some(class) => class,
                // The class with most around it, and of these the likeliest itself.
                None => (0..chances.len()).max_by(|one, other| {
                    let weigh = |class: usize| (mass(class), chances[class]);
                    let (one, other) = (weigh(*one), weigh(*other));
                    one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1))
                })?,
            };
            right *= mass(class);
            match part.split_once('/') {
                Some((_, option)) => best.extend((class == PICKED).then(|| option.to_owned())),
                None => best.extend(question.kind.options().get(class).map(|option| option.key.clone())),
            }
        }
        let answer = match (&question.kind, standing) {
            (_, Some(standing)) => standing.clone(),
            (QuestionKind::Choice { .. }, None) => Answer::Choice(best.into_iter().next()?),
            (QuestionKind::Grade { .. }, None) => Answer::Grade(best.into_iter().next()?),
            (QuestionKind::Multi { picks_min, picks_max, .. }, None) => {
                let wanted = usize::from(*picks_min)..=usize::from(*picks_max);
                Answer::Multi(Some(best).filter(|picks| wanted.contains(&picks.len()))?)
            }
            (QuestionKind::Number { .. } | QuestionKind::Span { .. } | QuestionKind::Text { .. }, None) => return None,
        };
        Some(Estimate { answer, error: millionths(1.0 - right) })
    }

    /// Returns the readers who are clearly better than this one, the best first: at most [`RIVALS_MAX`].
    pub fn better_than(&self, natural: PersonId) -> Vec<PersonId> {
        let own = self.accuracy(natural).unwrap_or(0);
        let readers: BTreeSet<_> =
            self.questions.values().flat_map(|measured| measured.readers.keys()).copied().collect();
        let mut better: Vec<_> = readers
            .into_iter()
            .filter_map(|reader| Some((self.accuracy(reader)?, reader)))
            .filter(|(accuracy, _)| *accuracy >= own.saturating_add(CLEARLY))
            .collect();
        better.sort_unstable_by(|one, other| other.cmp(one));
        better.into_iter().take(RIVALS_MAX).map(|(_, reader)| reader).collect()
    }

    /// Returns how often a reader is right on the questions it has measured, in millionths; none if she has not read.
    pub fn accuracy(&self, natural: PersonId) -> Option<u32> {
        let (mut right, mut all) = (0_u64, 0_u64);
        for measured in self.questions.values() {
            let Some(cells) = measured.readers.get(&natural) else { continue };
            let width = measured.classes.len();
            right += (0..width)
                .filter_map(|class| cells.get(class * width + class))
                .map(|cell| u64::from(*cell))
                .sum::<u64>();
            all += cells.iter().map(|cell| u64::from(*cell)).sum::<u64>();
        }
        let share = (right * u64::from(MILLION)).checked_div(all)?;
        u32::try_from(share).ok()
    }
}

impl Measured {
    /// Returns whether the figures fit the classes.
    pub(crate) fn whole(&self) -> bool {
        let classes = self.classes.len();
        classes > 0
            && self.prior.len() == classes
            && self.prior.iter().all(|share| *share <= MILLION)
            && self.accuracy <= MILLION
            && (1_000..=TEMPERATURE_MAX).contains(&self.temperature)
            && self.readers.values().all(|cells| cells.len() == classes * classes)
    }

    /// Returns the chance of each class, given what readers answered.
    fn chances(&self, question: &Question, part: &str, answers: &[(PersonId, &Answer)]) -> Option<Vec<f64>> {
        let readers = self.confusions(answers.iter().map(|(reader, _)| *reader))?;
        let mut given = Vec::new();
        for (cells, (_, answer)) in readers.iter().zip(answers) {
            given
                .push(posterior::Answer { reader: Reader::Confusion(cells), class: class_of(question, part, answer)? });
        }
        let prior: Vec<f64> = self.prior.iter().map(|share| f64::from(*share)).collect();
        posterior(&prior, &given, f64::from(self.temperature) / 1_000.0).ok()
    }

    fn confusions(&self, readers: impl Iterator<Item = PersonId>) -> Option<Vec<Vec<f64>>> {
        let classes = self.classes.len();
        let accuracy = f64::from(self.accuracy) / f64::from(MILLION);
        let unknown = vec![0; classes * classes];
        readers
            .map(|reader| {
                let cells = self.readers.get(&reader).unwrap_or(&unknown);
                let counts: Vec<f64> = cells.iter().map(|cell| f64::from(*cell) / 100.0).collect();
                confusion(&counts, classes, accuracy, STRENGTH).ok()
            })
            .collect()
    }
}

/// A closed panel and the form it was read by.
pub type Closed<'a> = (&'a Panel, &'a Form);
/// A gold case and the form it is read by.
pub type Golden<'a> = (&'a Gold, &'a Form);

/// Returns what closed panels and gold say of every question of classes that decides. The latest panels come first; a question's
/// classes are those of the first form that asks it, and other answers are left out.
///
/// Of gold, answers count whose readers have been told: each as a case of its own whose answer is known. How common an
/// answer is follows from the panels alone, for gold is picked by hand.
///
/// Truth is inferred by the anchored model of [`remit_stats::truth`], the known answers held. The temperature is the one
/// under which known answers, a fifth at a time inferred without being held, would have been least surprising.
pub fn measure(panels: &[Closed<'_>], golds: &[Golden<'_>], now: Instant) -> BTreeMap<String, Measured> {
    let mut asked: BTreeMap<&QuestionKey, &Question> = BTreeMap::new();
    for (_, form) in panels {
        for question in form.deciding() {
            asked.entry(&question.key).or_insert(question);
        }
    }
    let mut measured = BTreeMap::new();
    for question in asked.into_values() {
        for (part, classes) in parts(question) {
            let table = Table::of((panels, golds), question, &part, classes.len(), now);
            measured.extend(table.measured(classes).map(|figures| (part, figures)));
        }
    }
    measured
}

/// The answers to one part of a question, case by case.
struct Table {
    classes: usize,
    readers: Vec<PersonId>,
    labels: Vec<Label>,
    /// The class known of each case, and how much the case counts.
    known: Vec<Option<u32>>,
    weights: Vec<f64>,
    /// Where the cases of panels end and those of gold begin.
    panels: usize,
}

impl Table {
    fn of(
        (panels, golds): (&[Closed<'_>], &[Golden<'_>]),
        question: &Question,
        part: &str,
        classes: usize,
        now: Instant,
    ) -> Self {
        let class = |answer: Option<&Answer>| {
            answer.and_then(|answer| class_of(question, part, answer)).and_then(|class| u32::try_from(class).ok())
        };
        let mut places: BTreeMap<PersonId, u32> = BTreeMap::new();
        let mut table = Self {
            classes,
            readers: Vec::new(),
            labels: Vec::new(),
            known: Vec::new(),
            weights: Vec::new(),
            panels: 0,
        };
        let mut worker = |readers: &mut Vec<PersonId>, natural: PersonId| {
            *places.entry(natural).or_insert_with(|| {
                readers.push(natural);
                u32::try_from(readers.len() - 1).unwrap_or(u32::MAX)
            })
        };
        for (panel, _) in panels {
            let given: Vec<_> = panel
                .panel_readings()
                .filter_map(|reading| {
                    Some((reading.natural, class(reading.judgement.answers.get(&question.key))?, reading.sealed_at))
                })
                .collect();
            let Some(last) = given.iter().filter_map(|(.., at)| *at).max() else { continue };
            let Ok(task) = u32::try_from(table.known.len()) else { break };
            for (natural, class, _) in given {
                let worker = worker(&mut table.readers, natural);
                table.labels.push(Label { task, worker, class });
            }
            let decided = panel.adjudications.last().and_then(|last| class(last.judgement.answers.get(&question.key)));
            table.known.push(class(panel.reference.get(&question.key)).or(decided));
            table.weights.push(weight(last, now));
        }
        table.panels = table.known.len();
        // What is still being shown is left out: its reader has not been told.
        let told = golds.iter().flat_map(|(gold, _)| {
            let ended = gold.showings.iter().filter(|showing| showing.told);
            ended.filter_map(move |showing| Some((*gold, showing.natural, showing.answered.as_ref()?)))
        });
        for (gold, natural, answered) in told {
            let given = class(answered.answers.get(&question.key));
            let (Some(class), Some(right)) = (given, class(gold.answers.get(&question.key))) else { continue };
            let Ok(task) = u32::try_from(table.known.len()) else { break };
            let worker = worker(&mut table.readers, natural);
            table.labels.push(Label { task, worker, class });
            table.known.push(Some(right));
            table.weights.push(weight(answered.at, now));
        }
        table
    }

    fn measured(&self, classes: Vec<OptionKey>) -> Option<Measured> {
        let mut figures = self.fitted(&self.known, classes)?;
        figures.known = u32::try_from(self.known.iter().flatten().count()).unwrap_or(u32::MAX);
        figures.temperature = self.temperature(&figures.classes);
        Some(figures)
    }

    /// Fits with these answers held.
    fn fitted(&self, held: &[Option<u32>], classes: Vec<OptionKey>) -> Option<Measured> {
        let width = self.classes;
        let labels = Labels::new(width, self.known.len(), self.readers.len(), &self.labels, Repeats::Last).ok()?;
        let evidence = Evidence { gold: held, ..Evidence::of(&labels) };
        let fitted = fit(Rule::Anchored, &evidence, &Options::default()).ok()?;
        // Older cases count less: the same answers again, each weighed by the age of its case.
        let mut prior = vec![0.0; width];
        let mut cells = vec![vec![0.0; width * width]; self.readers.len()];
        for (task, weight) in self.weights.iter().enumerate().take(self.panels) {
            for (class, chance) in fitted.of(task).iter().enumerate() {
                prior[class] += weight * chance;
            }
        }
        for Label { task, worker, class } in &self.labels {
            let (task, worker, class) = (*task as usize, *worker as usize, *class as usize);
            for (truth, chance) in fitted.of(task).iter().enumerate() {
                cells[worker][truth * width + class] += self.weights[task] * chance;
            }
        }
        let all: f64 = cells.iter().flatten().sum();
        let right: f64 =
            cells.iter().map(|cells| (0..width).map(|class| cells[class * width + class]).sum::<f64>()).sum();
        let total: f64 = prior.iter().sum();
        if total <= 0.0 || all <= 0.0 {
            return None;
        }
        // Every class keeps a little, so that none is impossible before anybody has read.
        let share =
            |mass: f64| millionths((mass + 1.0) / (total + f64::from(u32::try_from(width).unwrap_or(u32::MAX))));
        Some(Measured {
            classes,
            prior: prior.into_iter().map(share).collect(),
            accuracy: millionths(right / all),
            readers: self
                .readers
                .iter()
                .zip(cells)
                .map(|(reader, cells)| (*reader, cells.into_iter().map(hundredths).collect()))
                .collect(),
            temperature: 1_000,
            known: 0,
            cases: u32::try_from(self.panels).unwrap_or(u32::MAX),
        })
    }

    /// Returns the temperature under which the known answers are least surprising, in thousandths.
    fn temperature(&self, classes: &[OptionKey]) -> u32 {
        let mut chances = Vec::new();
        for part in 0..PARTS {
            let held: Vec<_> =
                self.known.iter().enumerate().map(|(task, known)| known.filter(|_| task % PARTS != part)).collect();
            let Some(figures) = self.fitted(&held, classes.to_vec()) else { continue };
            chances.extend(self.foretold(&figures, part));
        }
        let surprise = |temperature: u32| -> f64 {
            let power = 1_000.0 / f64::from(temperature);
            let of = |(chances, known): &(Vec<f64>, usize)| {
                let raised: Vec<f64> =
                    chances.iter().map(|chance| exp(power * ln(chance.max(posterior::CHANCE_MIN)))).collect();
                -ln(raised[*known] / raised.iter().sum::<f64>())
            };
            chances.iter().map(of).sum()
        };
        let steps = (1_000..=TEMPERATURE_MAX).step_by(TEMPERATURE_STEP as usize);
        steps.min_by(|one, other| surprise(*one).total_cmp(&surprise(*other))).unwrap_or(1_000)
    }

    /// Returns the chances that figures give the cases of one part whose answer is known, with that answer.
    fn foretold(&self, figures: &Measured, part: usize) -> Vec<(Vec<f64>, usize)> {
        let mut given: BTreeMap<u32, Vec<(PersonId, usize)>> = BTreeMap::new();
        for label in &self.labels {
            given.entry(label.task).or_default().push((self.readers[label.worker as usize], label.class as usize));
        }
        let prior: Vec<f64> = figures.prior.iter().map(|share| f64::from(*share)).collect();
        let of = |(task, answers): (u32, Vec<(PersonId, usize)>)| {
            let known = self.known[task as usize].filter(|_| task as usize % PARTS == part)?;
            let readers = figures.confusions(answers.iter().map(|(reader, _)| *reader))?;
            let answers: Vec<_> = readers
                .iter()
                .zip(&answers)
                .map(|(cells, (_, class))| posterior::Answer { reader: Reader::Confusion(cells), class: *class })
                .collect();
            Some((posterior(&prior, &answers, 1.0).ok()?, known as usize))
        };
        given.into_iter().filter_map(of).collect()
    }
}

fn weight(at: Instant, now: Instant) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "days of a few decades")]
    let days = (now.micros().saturating_sub(at.micros()) / 86_400_000_000).max(0) as f64;
    exp(-days / HALF_LIFE_DAYS * std::f64::consts::LN_2)
}

/// Returns a share of one in millionths, rounded up: a chance of error is never told smaller than it is.
fn millionths(share: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 and a million")]
    let parts = (share.clamp(0.0, 1.0) * f64::from(MILLION)).ceil() as u32;
    parts
}

fn hundredths(count: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of answers, far below the limit"
    )]
    let parts = (count.max(0.0) * 100.0).round() as u32;
    parts
}
