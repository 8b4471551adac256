//! The whole answer: a model chosen by known answers or by default, chances that hold, and what ought to be said beside it.
//!
//! No single model wins everywhere. Known answers choose among the cheap ones; without them the anchored model stands, and
//! where one-coin and Dawid-Skene part, a warning asks for known answers.

use super::{
    Evidence, Model, Options, TruthError,
    calibrate::{Calibration, GOLD_MIN, Known},
    fit::{Fit, fit, measures, point},
    order::Order,
    real,
    reliable::lend,
};

/// The models among which known answers choose, and whose mean is the pool.
pub const CANDIDATES: [Model; 7] =
    [Model::Majority, Model::Wawa, Model::OneCoin, Model::DawidSkene, Model::Ibcc, Model::Bwa, Model::Anchored];

/// Parts of the known answers of which one at a time is held back.
const FOLDS: usize = 3;

/// Above this share of tasks on which one-coin and Dawid-Skene differ, labels alone do not tell which is right.
pub const DISAGREEMENT_MAX: f64 = 0.08;

/// What to infer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// This model, and its own chances.
    One(Model),
    /// The candidate that known answers prefer, or the anchored model.
    Auto,
}

/// How a candidate did on known answers, which it did not see.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The model.
    pub model: Model,
    /// Share of the known answers that it found; ties share the point.
    pub accuracy: f64,
}

/// What a model says of a known task when the answer is held back from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldBack {
    /// The task.
    pub task: usize,
    /// The best class.
    pub class: usize,
    /// The chance that it is right, calibrated as [`Inference::chances`] are.
    pub chance: f64,
    /// 1 if it is, 0 if not, a part if several are best.
    pub right: f64,
}

/// What labels say, with what ought to be said beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Inference {
    /// The model chosen, fitted to all that is known.
    pub fit: Fit,
    /// The chance that each task's best class is right: calibrated under [`Choice::Auto`], the model's own otherwise; 1
    /// where the class is known.
    pub chances: Vec<f64>,
    /// The curve behind `chances`, under [`Choice::Auto`]; and for a model asked for, the one that known answers teach, not
    /// applied.
    pub calibration: Calibration,
    /// How each candidate did on known answers, by which the model was chosen: the best of them looks better here than
    /// elsewhere, and [`Inference::held_back`] does not. Empty with fewer than [`GOLD_MIN`] of them, or if a model was asked for.
    pub candidates: Vec<Candidate>,
    /// What is said of each known task that has labels, without knowing it: under [`Choice::Auto`] a third of them are held
    /// back at a time and judge the model that the others choose; of a model asked for all of them are. They stand in the order of [`Order`].
    pub held_back: Vec<HeldBack>,
    /// Share of these on which most votes are for the true class; ties share the point. None without known tasks.
    pub majority_accuracy: Option<f64>,
    /// How the model stands beside the votes and beside other models.
    pub judgement: Judgement,
    /// What to be wary of.
    pub warnings: Vec<Warning>,
}

/// How a model stands beside the votes and beside other models, on tasks with labels.
///
/// Under [`Choice::Auto`] known tasks are left aside; for a model asked for, every known answer was held back instead.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Tasks that count here.
    pub tasks: usize,
    /// Share of them on which one-coin and Dawid-Skene differ.
    pub disagreement: f64,
    /// Those whose labels, two or more, are all of one class.
    pub unanimous: usize,
    /// Of these, those whose best class is another.
    pub overturned: usize,
    /// Share of the tasks whose best class is not among those with the most votes.
    pub against_majority: f64,
    /// Workers with an answer.
    pub workers: usize,
}

/// What to be wary of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Warning {
    /// One-coin and Dawid-Skene differ on this share of tasks, more than [`DISAGREEMENT_MAX`], and the model was not chosen by
    /// known answers.
    ModelsDiffer(f64),
    /// On known tasks the model falls behind the majority by this share, which is no chance.
    BelowMajority(f64),
    /// The model asked for switched the names of classes and was replaced by a simpler one.
    Switched(Model),
    /// A single worker gave all labels and no class is known, so nothing can be said of its accuracy.
    OneWorker,
    /// No task has labels of two workers and none with labels is known, so nothing can be said of anybody's accuracy.
    OneLabelEach,
    /// So many answers stand alone on their tasks, whose class is not known, and so many workers gave no others: nothing is
    /// said of these workers, and of others by their other answers.
    NotCompared {
        /// Workers of whom no answer was compared.
        workers: usize,
        /// Answers that were not compared, of whomever.
        answers: u64,
    },
}

/// Infers the class of each task.
///
/// Under [`Choice::Auto`] each of [`CANDIDATES`] is judged on known answers that were held back from it; the best replaces
/// the anchored model if it leads by more than one standard error of the difference, of at least [`GOLD_MIN`] answers.
///
/// Tasks and workers are taken in their [`Order`], so that neither their numbers nor the order of the labels change a figure.
/// Other numbers of the classes may change which of equally good classes is the first, and last digits.
///
/// # Errors
/// Those of [`fit()`].
pub fn infer(evidence: &Evidence<'_>, choice: Choice, options: &Options) -> Result<Inference, TruthError> {
    check(evidence)?;
    let order = Order::of(evidence);
    let (labels, gold) = (order.labels(evidence.labels)?, order.gold(evidence.gold));
    let history = order.history(evidence.history, labels.classes());
    let evidence = Evidence { labels: &labels, gold: &gold, history: &history };
    Ok(order.restored(ordered(&evidence, choice, options)?))
}

/// Infers as [`infer`] of what stands in its [`Order`] already, or must keep the one it has.
pub(super) fn ordered(evidence: &Evidence<'_>, choice: Choice, options: &Options) -> Result<Inference, TruthError> {
    match choice {
        Choice::Auto => automatic(evidence, options),
        Choice::One(model) => one(evidence, model, options),
    }
}

fn automatic(evidence: &Evidence<'_>, options: &Options) -> Result<Inference, TruthError> {
    let (labels, classes) = (evidence.labels, evidence.labels.classes());
    let gold = known(evidence);
    let tries = cross_fitted(evidence, &gold, options)?;
    let winner = choose(&tries, &gold, |_| true);
    let mut pool = vec![0.0; labels.tasks() * classes];
    let mut best_of = Vec::with_capacity(2);
    let (mut won, mut lender) = (None, Vec::new());
    for model in CANDIDATES {
        let fit = fit(model, evidence, options)?;
        for (pool, chance) in pool.iter_mut().zip(&fit.posterior) {
            *pool += chance / real(CANDIDATES.len());
        }
        if matches!(model, Model::OneCoin | Model::DawidSkene) {
            best_of.push(bests(&fit));
        }
        if model == Model::Anchored {
            lender.clone_from(&fit.workers);
        }
        // The winner is one of the candidates, or the anchored model, which is the last.
        if model == winner || won.is_none() {
            won = Some(fit);
        }
    }
    let Some(mut fit) = won else { return Err(TruthError::NoLabels) };
    lend(&mut fit.workers, &lender);
    let cases = judged(evidence, &tries, &gold, options)?;
    // The curve is that of the model whose chances it turns.
    let taught = cases_of(&tries, &gold, [winner; FOLDS]);
    let calibration = Calibration::fit(taught.iter().map(|case| case.known), true);
    let chances = (0..labels.tasks())
        .map(|task| {
            if evidence.gold.get(task).is_some_and(Option::is_some) {
                return 1.0;
            }
            let (class, own) = best(fit.of(task));
            calibration.chance(own, Some(pool[task * classes + class]))
        })
        .collect();
    let candidates = if gold.len() < GOLD_MIN {
        Vec::new()
    } else {
        tries.iter().map(|one| Candidate { model: one.model, accuracy: one.accuracy(&gold) }).collect()
    };
    let held_back = cases.iter().zip(&gold).map(|(case, (task, _))| HeldBack {
        task: *task,
        class: case.class,
        chance: calibration.chance(case.known.chance, case.known.pool),
        right: case.known.right,
    });
    let held_back: Vec<HeldBack> = held_back.collect();
    let judgement = Judgement::of(evidence, &fit, &best_of);
    let mut warnings = judgement.warnings(gold.len() < GOLD_MIN, &fit);
    let majority_accuracy = by_majority(evidence, &gold);
    warnings.extend(loses(&held_back, &gold, evidence).map(Warning::BelowMajority));
    Ok(Inference { fit, chances, calibration, candidates, held_back, majority_accuracy, judgement, warnings })
}

/// Fits what was asked for, and judges it by what it says with every known answer held back: that is what a model of this
/// name says of these labels.
fn one(evidence: &Evidence<'_>, model: Model, options: &Options) -> Result<Inference, TruthError> {
    let mut wanted = fit(model, evidence, options)?;
    if !measures(model) {
        lend(&mut wanted.workers, &fit(Model::Anchored, evidence, options)?.workers);
    }
    let gold = known(evidence);
    let blind = Evidence { gold: &[], ..*evidence };
    let unaware = if gold.is_empty() { None } else { Some(fit(model, &blind, options)?) };
    let judged = unaware.as_ref().unwrap_or(&wanted);
    let held_back: Vec<HeldBack> = gold
        .iter()
        .map(|&(task, truth)| {
            let (class, chance) = best(judged.of(task));
            HeldBack { task, class, chance, right: point(judged.of(task), truth) }
        })
        .collect();
    let cases = held_back.iter().map(|held| Known { chance: held.chance, pool: None, right: held.right });
    let calibration = Calibration::fit(cases, false);
    let mut best_of = Vec::with_capacity(2);
    for other in [Model::OneCoin, Model::DawidSkene] {
        best_of.push(if other == model { bests(judged) } else { bests(&fit(other, &blind, options)?) });
    }
    let judgement = Judgement::of(&blind, judged, &best_of);
    let mut warnings = judgement.warnings(true, &wanted);
    let majority_accuracy = by_majority(evidence, &gold);
    warnings.extend(loses(&held_back, &gold, evidence).map(Warning::BelowMajority));
    let chances = (0..wanted.tasks()).map(|task| best(wanted.of(task)).1).collect();
    Ok(Inference {
        fit: wanted,
        chances,
        calibration,
        candidates: Vec::new(),
        held_back,
        majority_accuracy,
        judgement,
        warnings,
    })
}

/// Fails as [`fit()`] would of gold that does not belong to the labels.
pub(super) fn check(evidence: &Evidence<'_>) -> Result<(), TruthError> {
    let (tasks, classes) = (evidence.labels.tasks(), evidence.labels.classes());
    if !evidence.gold.is_empty() && evidence.gold.len() != tasks {
        return Err(TruthError::Shape { found: evidence.gold.len(), wanted: tasks });
    }
    match evidence.gold.iter().flatten().find(|class| **class as usize >= classes) {
        Some(class) => Err(TruthError::UnknownClass { class: *class as usize, classes }),
        None => Ok(()),
    }
}

/// Returns the tasks with labels whose class is known, by the share of their most votes; tasks alike in that keep their order.
///
/// Parts of which every so-maniest is one are then about equally hard, as far as labels tell. Parts made alike by what is
/// true of them would be more alike than chance makes them, and each would flatter what the others teach and choose.
fn known(evidence: &Evidence<'_>) -> Vec<(usize, usize)> {
    let known = evidence.gold.iter().enumerate().filter_map(|(task, class)| Some((task, (*class)? as usize)));
    let mut known: Vec<_> = known.filter(|(task, _)| evidence.labels.of(*task).len() > 0).collect();
    let mut votes = vec![0_usize; evidence.labels.classes()];
    known.sort_by_cached_key(|&(task, _)| {
        votes.fill(0);
        for (_, class) in evidence.labels.of(task) {
            votes[class] += 1;
        }
        // Shares to six digits, as whole numbers that can be sorted by.
        votes.iter().max().map_or(0, |most| most * 1_000_000 / evidence.labels.of(task).len())
    });
    known
}

/// What a candidate said of tasks whose class is known, each time without knowing it.
struct Try {
    model: Model,
    /// The chances of each class, one task after the other.
    said: Vec<f64>,
    classes: usize,
}

/// A known task as one model sees it.
struct Case {
    /// The best class.
    class: usize,
    known: Known,
}

/// Lets each model say what known tasks are, a part of them held back at a time.
///
/// Held back entirely, known answers could not show that they put right what labels alone get wrong.
fn cross_fitted(evidence: &Evidence<'_>, gold: &[(usize, usize)], options: &Options) -> Result<Vec<Try>, TruthError> {
    let mut tries = Try::all(evidence, gold);
    for fold in 0..FOLDS.min(gold.len()) {
        fit_without(&[fold], evidence, gold, options, |model, place, chances| tries[model].keep(place, chances))?;
    }
    Ok(tries)
}

/// Returns for each part what each model says of the others while neither that part nor their own is known.
fn cross_fitted_aside(
    evidence: &Evidence<'_>,
    gold: &[(usize, usize)],
    options: &Options,
) -> Result<[Vec<Try>; FOLDS], TruthError> {
    let mut aside: [Vec<Try>; FOLDS] = std::array::from_fn(|_| Try::all(evidence, gold));
    for one in 0..FOLDS {
        for other in one + 1..FOLDS {
            fit_without(&[one, other], evidence, gold, options, |model, place, chances| {
                let unknown = if place % FOLDS == one { other } else { one };
                aside[unknown][model].keep(place, chances);
            })?;
        }
    }
    Ok(aside)
}

/// Fits each candidate without the known answers of some parts, and tells what it says of these: the number of the candidate,
/// the place among the known answers, the chances.
fn fit_without(
    parts: &[usize],
    evidence: &Evidence<'_>,
    gold: &[(usize, usize)],
    options: &Options,
    mut say: impl FnMut(usize, usize, &[f64]),
) -> Result<(), TruthError> {
    let folds = FOLDS.min(gold.len());
    let own = || (0..gold.len()).filter(|place| parts.contains(&(place % folds)));
    let mut others = evidence.gold.to_vec();
    for place in own() {
        others[gold[place].0] = None;
    }
    for (number, model) in CANDIDATES.into_iter().enumerate() {
        let fit = fit(model, &Evidence { gold: &others, ..*evidence }, options)?;
        for place in own() {
            say(number, place, fit.of(gold[place].0));
        }
    }
    Ok(())
}

impl Try {
    /// Returns one for each candidate, which has said nothing yet.
    fn all(evidence: &Evidence<'_>, gold: &[(usize, usize)]) -> Vec<Self> {
        let classes = evidence.labels.classes();
        CANDIDATES.map(|model| Self { model, said: vec![0.0; gold.len() * classes], classes }).into()
    }

    fn keep(&mut self, place: usize, chances: &[f64]) {
        self.said[place * self.classes..][..self.classes].copy_from_slice(chances);
    }

    fn of(&self, place: usize) -> &[f64] {
        &self.said[place * self.classes..][..self.classes]
    }

    /// Returns the points for each known task.
    fn points<'a>(&'a self, gold: &'a [(usize, usize)]) -> impl Iterator<Item = f64> + 'a {
        gold.iter().enumerate().map(|(place, (_, class))| point(self.of(place), *class))
    }

    fn accuracy(&self, gold: &[(usize, usize)]) -> f64 {
        self.points(gold).sum::<f64>() / real(gold.len()).max(1.0)
    }
}

/// Returns what is said of each known task by the model that the known answers of the other parts choose.
///
/// The best of several models on some answers looks better on these than elsewhere, so no answer may both choose and judge,
/// nor teach a model while it chooses.
fn judged(
    evidence: &Evidence<'_>,
    tries: &[Try],
    gold: &[(usize, usize)],
    options: &Options,
) -> Result<Vec<Case>, TruthError> {
    let chosen = if gold.len() < GOLD_MIN {
        [Model::Anchored; FOLDS]
    } else {
        let aside = cross_fitted_aside(evidence, gold, options)?;
        std::array::from_fn(|fold| choose(&aside[fold], gold, |place| place % FOLDS != fold))
    };
    Ok(cases_of(tries, gold, chosen))
}

/// Returns what is said of each known task, held back, by the model that is chosen for its part.
fn cases_of(tries: &[Try], gold: &[(usize, usize)], chosen: [Model; FOLDS]) -> Vec<Case> {
    let cases = gold.iter().enumerate().filter_map(|(place, (_, truth))| {
        let own = tries.iter().find(|one| one.model == chosen[place % FOLDS])?.of(place);
        let (class, chance) = best(own);
        let pool = tries.iter().map(|one| one.of(place)[class]).sum::<f64>() / real(tries.len());
        Some(Case { class, known: Known { chance, pool: Some(pool), right: point(own, *truth) } })
    });
    cases.collect()
}

/// Returns the model that known answers prefer to the anchored one, or that.
///
/// Those in places that do not `count` are left aside.
fn choose(tries: &[Try], gold: &[(usize, usize)], counts: impl Fn(usize) -> bool) -> Model {
    let Some(anchored) = tries.iter().find(|one| one.model == Model::Anchored) else {
        return Model::Anchored;
    };
    if gold.len() < GOLD_MIN {
        return Model::Anchored;
    }
    let (mut winner, mut lead) = (Model::Anchored, 0.0);
    for other in tries {
        let (mut ahead, mut square) = (0.0, 0.0);
        let points = other.points(gold).zip(anchored.points(gold)).enumerate();
        for (_, (one, own)) in points.filter(|(place, _)| counts(*place)) {
            ahead += one - own;
            square += (one - own) * (one - own);
        }
        if ahead > lead && ahead > f64::sqrt(square) {
            (winner, lead) = (other.model, ahead);
        }
    }
    winner
}

/// Returns the best class, the first of equals, and its chance.
fn best(chances: &[f64]) -> (usize, f64) {
    let (mut best, mut top) = (0, f64::NEG_INFINITY);
    for (class, &chance) in chances.iter().enumerate() {
        if chance > top {
            (best, top) = (class, chance);
        }
    }
    (best, top)
}

fn bests(fit: &Fit) -> Vec<u32> {
    fit.posterior.chunks_exact(fit.classes).map(|chances| u32::try_from(best(chances).0).unwrap_or(u32::MAX)).collect()
}

/// Returns whether a task has labels and no known class.
fn open(evidence: &Evidence<'_>, task: usize) -> bool {
    evidence.gold.get(task).is_none_or(Option::is_none) && evidence.labels.of(task).len() > 0
}

/// Returns the point that a vote of the majority gets on a known task.
fn vote_point(evidence: &Evidence<'_>, task: usize, truth: usize, votes: &mut [f64]) -> f64 {
    votes.fill(0.0);
    for (_, class) in evidence.labels.of(task) {
        votes[class] += 1.0;
    }
    point(votes, truth)
}

/// Returns the share of known tasks on which most votes are for the true class; ties share the point.
fn by_majority(evidence: &Evidence<'_>, gold: &[(usize, usize)]) -> Option<f64> {
    let mut votes = vec![0.0; evidence.labels.classes()];
    let points: f64 = gold.iter().map(|&(task, truth)| vote_point(evidence, task, truth, &mut votes)).sum();
    (!gold.is_empty()).then(|| points / real(gold.len()))
}

/// Returns by how much the model falls behind the majority on known tasks, if by more than two standard errors.
fn loses(held_back: &[HeldBack], gold: &[(usize, usize)], evidence: &Evidence<'_>) -> Option<f64> {
    let mut votes = vec![0.0; evidence.labels.classes()];
    let (mut behind, mut square) = (0.0, 0.0);
    for (held, &(task, truth)) in held_back.iter().zip(gold) {
        let distance = vote_point(evidence, task, truth, &mut votes) - held.right;
        behind += distance;
        square += distance * distance;
    }
    (behind > 2.0 * f64::sqrt(square) && behind > 0.0).then(|| behind / real(gold.len()))
}

impl Judgement {
    fn of(evidence: &Evidence<'_>, fit: &Fit, best_of: &[Vec<u32>]) -> Self {
        let labels = evidence.labels;
        let (mut tasks, mut differ, mut unanimous, mut overturned, mut against) = (0_usize, 0_usize, 0, 0, 0_usize);
        let mut votes = vec![0_usize; labels.classes()];
        for task in (0..labels.tasks()).filter(|task| open(evidence, *task)) {
            votes.fill(0);
            for (_, class) in labels.of(task) {
                votes[class] += 1;
            }
            let (class, _) = best(fit.of(task));
            let top = votes.iter().copied().max().unwrap_or(0);
            tasks += 1;
            against += usize::from(votes[class] < top);
            if let [one, other] = best_of {
                differ += usize::from(one[task] != other[task]);
            }
            if labels.of(task).len() > 1 && top == labels.of(task).len() {
                unanimous += 1;
                overturned += usize::from(votes[class] == 0);
            }
        }
        let share = |count: usize| real(count) / real(tasks).max(1.0);
        Self {
            tasks,
            disagreement: share(differ),
            unanimous,
            overturned,
            against_majority: share(against),
            workers: labels.answers().iter().filter(|answers| **answers > 0).count(),
        }
    }

    fn warnings(&self, undecided: bool, fit: &Fit) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if undecided && self.disagreement > DISAGREEMENT_MAX {
            warnings.push(Warning::ModelsDiffer(self.disagreement));
        }
        warnings.extend(fit.refused.map(Warning::Switched));
        let answered = || fit.workers.iter().filter(|worker| worker.answers > 0);
        let workers = answered().filter(|worker| worker.compared == 0).count();
        let answers: u64 = answered().map(|worker| u64::from(worker.answers - worker.compared)).sum();
        if workers < self.workers {
            warnings.extend((answers > 0).then_some(Warning::NotCompared { workers, answers }));
        } else if workers == 1 {
            warnings.push(Warning::OneWorker);
        } else {
            warnings.push(Warning::OneLabelEach);
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{
        random::Random,
        truth::{Label, Labels, Repeats, adaptive},
    };

    /// Returns labels of two classes by workers of whom `blind` say yes to nearly everything, with the truth.
    fn drawn(tasks: u32, workers: u32, blind: u32, seed: u64) -> (Labels, Vec<Option<u32>>) {
        let mut random = Random::new(seed);
        let mut labels = Vec::new();
        let mut truth = Vec::new();
        for task in 0..tasks {
            let class = u32::from(random.share() < 0.3);
            truth.push(Some(class));
            for worker in 0..workers {
                let right = if worker < blind { class == 1 } else { random.share() < 0.9 };
                let right = if worker < blind && random.share() < 0.05 { !right } else { right };
                labels.push(Label { task, worker, class: if right { class } else { 1 - class } });
            }
        }
        (Labels::new(2, tasks as usize, workers as usize, &labels, Repeats::All).unwrap(), truth)
    }

    #[test]
    fn known_answers_choose_the_model_that_finds_them() {
        // Three of five say yes to everything: the vote is lost, and one coin for each hides it.
        let (labels, truth) = drawn(600, 5, 3, 1);
        let gold: Vec<_> = truth.iter().enumerate().map(|(n, class)| class.filter(|_| n % 6 == 0)).collect();
        let open: Vec<_> = truth.iter().enumerate().map(|(n, class)| class.filter(|_| n % 6 != 0)).collect();
        let evidence = Evidence { labels: &labels, gold: &gold, history: &[] };
        let found = infer(&evidence, Choice::Auto, &Options::default()).unwrap();
        assert_eq!((found.held_back.len(), found.candidates.len()), (100, CANDIDATES.len()));
        let vote = fit(Model::Majority, &Evidence::of(&labels), &Options::default()).unwrap();
        let (own, by_vote) = (found.fit.accuracy(&open).unwrap(), vote.accuracy(&open).unwrap());
        assert!(own > 0.85 && own > by_vote + 0.2, "{own} {by_vote} {:?}", found.candidates);
        assert!(found.calibration.measured() && found.calibration.error.unwrap() < 0.1);
        assert!(found.warnings.is_empty(), "{:?}", found.warnings);
        assert!(found.judgement.against_majority > 0.2);
    }

    #[test]
    fn accuracy_on_known_answers_is_that_elsewhere_though_they_choose_the_model() {
        // Everybody tosses a coin: whichever model is chosen, half of the answers are right.
        let mut random = Random::new(17);
        let (mut found_right, mut all) = (0.0, 0);
        for _ in 0..150 {
            let given: Vec<_> = (0..360)
                .map(|n| Label {
                    task: n / 3,
                    worker: (n / 3 * 5 + n % 3 * 4) % 11,
                    class: u32::from(random.share() < 0.5),
                })
                .collect();
            let labels = Labels::new(2, 120, 11, &given, Repeats::All).unwrap();
            let gold: Vec<_> = (0..120).map(|n| (n < 40).then(|| u32::from(random.share() < 0.5))).collect();
            let evidence = Evidence { labels: &labels, gold: &gold, history: &[] };
            let found = infer(&evidence, Choice::Auto, &Options::default()).unwrap();
            found_right += found.held_back.iter().map(|held| held.right).sum::<f64>();
            all += found.held_back.len();
        }
        // The standard error is .0065; the best of seven models on the same answers would show .55.
        let share = found_right / real(all);
        assert!((share - 0.5).abs() < 0.02, "{share}");
    }

    #[test]
    fn without_known_answers_models_that_differ_are_a_warning() {
        // Six in a hundred are positive, and four in ten of the others only look so, to all workers alike.
        let mut random = Random::new(4);
        let mut labels = Vec::new();
        for task in 0..800 {
            let positive = random.share() < 0.06;
            let suspicious = !positive && random.share() < 0.4;
            for worker in 0..6 {
                let chance = if positive {
                    0.95
                } else if suspicious {
                    0.4
                } else {
                    0.03
                };
                labels.push(Label { task, worker, class: u32::from(random.share() < chance) });
            }
        }
        let labels = Labels::new(2, 800, 6, &labels, Repeats::All).unwrap();
        let found = infer(&Evidence::of(&labels), Choice::Auto, &Options::default()).unwrap();
        assert_eq!(found.fit.model, Model::Anchored);
        assert!(
            matches!(found.warnings[..], [Warning::ModelsDiffer(share)] if share > DISAGREEMENT_MAX),
            "{} {:?}",
            found.judgement.disagreement,
            found.warnings
        );
        assert!(!found.calibration.measured() && found.candidates.is_empty());
        let one = infer(&Evidence::of(&labels), Choice::One(Model::DawidSkene), &Options::default()).unwrap();
        assert_eq!(one.judgement.disagreement.to_bits(), found.judgement.disagreement.to_bits());
    }

    #[test]
    fn good_workers_need_no_warning_and_keep_what_all_say() {
        let (labels, truth) = drawn(400, 4, 0, 2);
        let found = infer(&Evidence::of(&labels), Choice::Auto, &Options::default()).unwrap();
        assert_eq!((found.judgement.overturned, found.warnings.len()), (0, 0), "{:?}", found.warnings);
        assert!(found.judgement.unanimous > 200 && found.fit.accuracy(&truth).unwrap() > 0.9);
        assert!(found.chances.iter().all(|chance| (0.0..=1.0).contains(chance)));
    }

    #[test]
    fn too_little_to_compare_is_said() {
        let alone: Vec<_> = (0..9).map(|task| Label { task, worker: 0, class: task % 2 }).collect();
        let alone = Labels::new(2, 9, 1, &alone, Repeats::All).unwrap();
        let found = infer(&Evidence::of(&alone), Choice::Auto, &Options::default()).unwrap();
        assert!(found.warnings.contains(&Warning::OneWorker));
        let each: Vec<_> = (0..9).map(|task| Label { task, worker: task % 3, class: task % 2 }).collect();
        let each = Labels::new(2, 9, 3, &each, Repeats::All).unwrap();
        let found = infer(&Evidence::of(&each), Choice::Auto, &Options::default()).unwrap();
        assert!(found.warnings.contains(&Warning::OneLabelEach));
        assert_eq!(found.judgement.unanimous, 0);
        assert!(found.fit.workers.iter().all(|worker| (worker.compared, worker.accuracy) == (0, None)));
        // Known answers are something to be held against.
        let gold: Vec<_> = (0..9).map(|task| (task == 0).then_some(0)).collect();
        let evidence = Evidence { labels: &each, gold: &gold, history: &[] };
        let found = infer(&evidence, Choice::Auto, &Options::default()).unwrap();
        assert!(found.warnings.contains(&Warning::NotCompared { workers: 2, answers: 8 }), "{:?}", found.warnings);
        assert_eq!(found.fit.workers[0].accuracy, Some(1.0));
    }

    #[test]
    fn whoever_was_compared_with_nobody_is_shown_as_nothing_and_told() {
        // Three workers share forty tasks; a fourth tosses a coin on five hundred others, alone, and on one of theirs.
        let mut random = Random::new(3);
        let mut given = Vec::new();
        let mut toss = |worth: f64| random.share() < worth;
        for task in 0..40 {
            given.extend((0..3).map(|worker| Label { task, worker, class: u32::from(toss(0.8) == (task % 2 == 0)) }));
        }
        given.extend((40..540).map(|task| Label { task, worker: 3, class: u32::from(toss(0.5)) }));
        let alone = Labels::new(2, 540, 4, &given, Repeats::All).unwrap();
        for choice in [Choice::Auto].into_iter().chain(Model::ALL.map(Choice::One)) {
            let options = Options { restarts: 1, ..Options::default() };
            let found = infer(&Evidence::of(&alone), choice, &options).unwrap();
            let fourth = found.fit.workers[3];
            assert_eq!((fourth.answers, fourth.compared), (500, 0), "{choice:?}");
            assert_eq!((fourth.accuracy, fourth.interval), (None, None), "{choice:?}");
            for worker in &found.fit.workers[..3] {
                let (accuracy, ends) = (worker.accuracy.unwrap(), worker.interval.unwrap());
                assert!(ends.lower <= accuracy && accuracy <= ends.upper, "{choice:?} {worker:?}");
                assert!(ends.upper - ends.lower > 0.15, "forty answers: {choice:?} {worker:?}");
            }
            let told = Warning::NotCompared { workers: 1, answers: 500 };
            assert!(found.warnings.contains(&told), "{choice:?} {:?}", found.warnings);
        }
        given.push(Label { task: 0, worker: 3, class: 1 });
        let once = Labels::new(2, 540, 4, &given, Repeats::All).unwrap();
        let found = infer(&Evidence::of(&once), Choice::Auto, &Options::default()).unwrap();
        let (fourth, ends) = (found.fit.workers[3], found.fit.workers[3].interval.unwrap());
        assert_eq!((fourth.answers, fourth.compared), (501, 1));
        assert!(ends.upper - ends.lower > 0.7, "{ends:?}");
        assert!(found.warnings.contains(&Warning::NotCompared { workers: 0, answers: 500 }));
    }

    #[test]
    fn neither_the_numbers_of_tasks_and_workers_nor_the_order_of_labels_change_a_figure() {
        let (labels, truth) = drawn(240, 6, 2, 11);
        let gold: Vec<_> = truth.iter().enumerate().map(|(task, class)| class.filter(|_| task % 3 == 0)).collect();
        let mut random = Random::new(12);
        let (mut task_of, mut worker_of): (Vec<u32>, Vec<u32>) = ((0..240).collect(), (0..6).collect());
        random.shuffle(&mut task_of);
        random.shuffle(&mut worker_of);
        let mut moved = Vec::new();
        let mut other_gold = vec![None; 240];
        for (task, to) in task_of.iter().enumerate() {
            other_gold[*to as usize] = gold[task];
            moved.extend(labels.of(task).map(|(worker, class)| Label {
                task: *to,
                worker: worker_of[worker],
                class: u32::try_from(class).unwrap(),
            }));
        }
        random.shuffle(&mut moved);
        let moved = Labels::new(2, 240, 6, &moved, Repeats::All).unwrap();
        for choice in [Choice::Auto, Choice::One(Model::DawidSkene), Choice::One(Model::Ebcc)] {
            let of =
                |labels, gold| infer(&Evidence { labels, gold, history: &[] }, choice, &Options::default()).unwrap();
            let (one, other) = (of(&labels, &gold), of(&moved, &other_gold));
            assert_eq!((one.fit.model, &one.candidates), (other.fit.model, &other.candidates));
            assert_eq!((&one.calibration, &one.judgement), (&other.calibration, &other.judgement));
            assert_eq!(one.fit.trace, other.fit.trace);
            for (task, to) in task_of.iter().enumerate() {
                assert_eq!(one.fit.of(task), other.fit.of(*to as usize), "{choice:?} {task}");
                assert_eq!(one.chances[task].to_bits(), other.chances[*to as usize].to_bits());
            }
            for (worker, to) in worker_of.iter().enumerate() {
                assert_eq!(one.fit.workers[worker], other.fit.workers[*to as usize]);
            }
            assert!(one.held_back.iter().all(|held| gold[held.task].is_some()));
            assert!(
                one.held_back
                    .iter()
                    .zip(&other.held_back)
                    .all(|(one, other)| one.chance.to_bits() == other.chance.to_bits())
            );
        }
    }

    #[test]
    fn other_names_of_classes_change_nothing_but_names() {
        let (labels, truth) = drawn(240, 5, 1, 13);
        let gold: Vec<_> = truth.iter().enumerate().map(|(task, class)| class.filter(|_| task % 4 == 0)).collect();
        let turned: Vec<_> = (0..240)
            .flat_map(|task| labels.of(task).map(move |(worker, class)| (task, worker, class)))
            .map(|(task, worker, class)| Label {
                task: u32::try_from(task).unwrap(),
                worker: u32::try_from(worker).unwrap(),
                class: 1 - u32::try_from(class).unwrap(),
            })
            .collect();
        let turned = Labels::new(2, 240, 5, &turned, Repeats::All).unwrap();
        let other_gold: Vec<_> = gold.iter().map(|class| class.map(|class| 1 - class)).collect();
        let of =
            |labels, gold| infer(&Evidence { labels, gold, history: &[] }, Choice::Auto, &Options::default()).unwrap();
        let (one, other) = (of(&labels, &gold), of(&turned, &other_gold));
        assert_eq!((one.fit.model, &one.candidates), (other.fit.model, &other.candidates));
        for task in 0..240 {
            assert!((one.fit.of(task)[0] - other.fit.of(task)[1]).abs() < 1e-9, "{task}");
            assert!((one.chances[task] - other.chances[task]).abs() < 1e-9, "{task}");
        }
    }

    #[test]
    fn gold_of_another_size_is_refused() {
        let (labels, _) = drawn(10, 3, 0, 3);
        let evidence = Evidence { labels: &labels, gold: &[Some(1)], history: &[] };
        let refused = infer(&evidence, Choice::Auto, &Options::default()).err();
        assert_eq!(refused, Some(TruthError::Shape { found: 1, wanted: 10 }));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_labels_with_any_known_answers_have_chances(
            given in vec((0_u32..9, 0_u32..5, 0_u32..3), 1..50), known in vec(prop::option::of(0_u32..3), 9),
        ) {
            let given: Vec<_> = given.into_iter().map(|(task, worker, class)| Label { task, worker, class }).collect();
            let labels = Labels::new(3, 9, 5, &given, Repeats::All).unwrap();
            let evidence = Evidence { labels: &labels, gold: &known, history: &[] };
            for choice in [Choice::Auto, Choice::One(Model::Graded), Choice::One(Model::Bwa)] {
                let found = infer(&evidence, choice, &Options::default()).unwrap();
                prop_assert!(found.chances.iter().all(|chance| (0.0..=1.0).contains(chance)), "{choice:?}");
                prop_assert!(found.held_back.iter().all(|held| known[held.task].is_some()));
                prop_assert!(found.judgement.overturned <= found.judgement.unanimous);
            }
            let rule = adaptive::Rule { threshold: 0.8, ..adaptive::Rule::default() };
            let played = adaptive::replay(&evidence, Choice::Auto, &rule, 1, &Options::default(), |_| ()).unwrap();
            prop_assert!(played.readings_used <= played.readings_recorded && played.stopped <= 9);
        }
    }
}
