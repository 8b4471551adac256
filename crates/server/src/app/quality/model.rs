//! Answers of three and more people held against each other, by the anchored model or, for grades, the graded one, with the
//! majority always beside it.

use remit_stats::truth::{
    Choice, Evidence, Inference, Label, Labels, Model, Options, Repeats, Warning, Worker,
    adaptive::{Rule, replay},
    fit, infer,
};
use serde::{Deserialize, Serialize};

use super::{Level, Rate, WANTED, sheet::Sheet};

/// Threads that one look may use.
const THREADS: usize = 1;

/// Answers beyond which they are not replayed while somebody waits.
const REPLAYED_MAX: usize = 100_000;
/// Chance of a wrong answer at which a replayed case stops.
const LIMIT: f64 = 0.05;
/// Where the order of a replay begins.
const SEED: u64 = 1;

/// What answers held against each other say of one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelFigures {
    /// Name of the model, as the command line knows it.
    pub model: String,
    /// Cases with an answer.
    pub cases: u64,
    /// Answers by people that it rests on, panel readers and others; no known answer was shown to it.
    pub readings: u64,
    /// Cases on which all, two or more, gave one answer, and on how many of them the model holds another. It should be none.
    pub overturned: Rate,
    /// Cases whose best answer is not among those with the most votes.
    pub against_majority: Rate,
    /// Reference answers that the model found; of answers that tie, each has its part, and the sum is rounded down.
    pub right: Rate,
    /// Reference answers that the majority found, counted alike.
    pub majority_right: Rate,
    /// What fewer answers would have done; none with very many answers, for which a page cannot wait.
    pub saving: Option<Saving>,
    /// Why it may mislead here, in words.
    pub warning: Option<String>,
}

/// The recorded answers replayed as if each were bought when a rule asks for it: two first, the next from the best reader left,
/// until the model's chance of a wrong answer is small.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Saving {
    /// Chance of a wrong answer, as the model has it, at which a case stops.
    pub limit: f64,
    /// Where the chance of the order began.
    pub seed: u64,
    /// Answers used, of those recorded.
    pub used: Rate,
    /// Reference answers that they find.
    pub right: Rate,
}

/// How often an expert is right, as the model has it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Estimate {
    /// The expected share of right answers.
    pub share: f64,
    /// Its 95 % interval, for people who err independently.
    pub interval: Option<(f64, f64)>,
    /// Answers it rests on: those on cases that somebody else answered too.
    pub n: u64,
}

/// The model's figures, and its estimate of each person of the sheet.
pub(super) struct Modelled {
    pub(super) figures: ModelFigures,
    pub(super) people: Vec<Option<Estimate>>,
}

impl Estimate {
    /// Returns the estimate of a worker that a model of classes fitted.
    pub(super) fn of(worker: &Worker) -> Option<Self> {
        Some(Self {
            share: worker.accuracy?,
            interval: worker.interval.map(|ends| (ends.lower, ends.upper)),
            n: u64::from(worker.compared),
        })
    }
}

/// Returns what answers of a closed list say, held against each other; nothing with fewer than [`WANTED`] cases of three.
pub(super) fn of(sheet: &Sheet, three_or_more: u64, known: u64) -> Option<Modelled> {
    let model = match sheet.classes.level() {
        Level::Nominal => Model::Anchored,
        Level::Ordinal => Model::Graded,
        Level::Interval | Level::Sets => return None,
    };
    if three_or_more < WANTED {
        return None;
    }
    let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    let given: Vec<Label> = sheet
        .human()
        .map(|mark| Label { task: number(mark.case), worker: number(mark.person), class: number(mark.class) })
        .collect();
    let labels = Labels::new(sheet.classes.len(), sheet.cases.len(), sheet.people.len(), &given, Repeats::Last).ok()?;
    let evidence = Evidence::of(&labels);
    let options = Options { threads: THREADS, ..Options::default() };
    let inferred = infer(&evidence, Choice::One(model), &options).ok()?;
    let majority = fit(Model::Majority, &evidence, &options).ok()?;
    let reference: Vec<Option<u32>> = sheet.known.iter().map(|known| known.reference.map(number)).collect();
    let n = reference.iter().flatten().count();
    let right = |share: Option<f64>| share.map_or_else(Rate::default, |share| points(share, n));
    let cases = sheet.by_case().filter(|marks| marks.iter().any(super::sheet::Mark::human)).count();
    let saving = (given.len() <= REPLAYED_MAX).then(|| {
        let rule = Rule { threshold: 1.0 - LIMIT, ..Rule::default() };
        let replayed = replay(&evidence, Choice::One(model), &rule, SEED, &options, |_| {}).ok()?;
        Some(Saving {
            limit: LIMIT,
            seed: SEED,
            used: Rate::of(whole(replayed.readings_used), whole(replayed.readings_recorded)),
            right: right(replayed.inference.fit.accuracy(&reference)),
        })
    });
    let figures = ModelFigures {
        saving: saving.flatten(),
        model: inferred.fit.model.word().to_owned(),
        cases: whole(cases),
        readings: whole(given.len()),
        overturned: Rate::of(whole(inferred.judgement.overturned), whole(inferred.judgement.unanimous)),
        against_majority: points(inferred.judgement.against_majority, cases),
        right: right(inferred.fit.accuracy(&reference)),
        majority_right: right(majority.accuracy(&reference)),
        warning: warning(&inferred, known),
    };
    let people = inferred.fit.workers.iter().map(Estimate::of).collect();
    Some(Modelled { figures, people })
}

/// Returns what to be wary of. Where enough answers are known, the model is measured, and needs no warning.
fn warning(inferred: &Inference, known: u64) -> Option<String> {
    inferred.warnings.iter().find_map(|warning| match warning {
        Warning::ModelsDiffer(share) if known < WANTED => Some(format!(
            "Two ways of weighing these answers differ on {:.0} % of the cases, and too few right answers are known to \
             tell which to follow: take these estimates as a question, not as an answer.",
            100.0 * share
        )),
        Warning::ModelsDiffer(_) | Warning::OneLabelEach | Warning::NotCompared { .. } | Warning::BelowMajority(_) => {
            None
        }
        Warning::Switched(_) => Some(
            "The answers do not fit the model that tells experts apart, so a simpler one stands in for it.".to_owned(),
        ),
        Warning::OneWorker => Some("One person gave all answers: nothing can be held against them.".to_owned()),
    })
}

/// Returns a share of `n` as whole cases, rounded down.
fn points(share: f64, n: usize) -> Rate {
    #[expect(clippy::cast_precision_loss, reason = "counts of cases are far below 2^53")]
    let sum = share * n as f64 + 1e-6;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and n")]
    let hits = (sum as u64).min(whole(n));
    Rate::of(hits, whole(n))
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
