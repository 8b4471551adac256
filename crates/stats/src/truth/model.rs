//! The models of classes: each is a rule that turns expected counts into chances of answers.
//!
//! Counts stand by worker, answer and state, as a pass leaves them. All rules take what is known of a worker from before
//! (`history`) as counts, anew in every round: a history that is used once is forgotten by the second round.

use super::{
    math::{digamma, exp, ln_gamma},
    pass::Sums,
    real,
};

/// Strengths of the common part in the anchored model, in answers for each class.
pub(super) const STRENGTHS: [f64; 9] = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
/// Rounds between two choices of a strength.
const STRENGTH_ROUNDS: u32 = 5;
/// Answers by which a worker's accuracy is drawn towards that of all.
const CROWD_ANSWERS: f64 = 4.0;
/// What a worker's accuracy begins with in the one-coin model: right four times of five, as in the mean-field models.
const COIN_HITS: f64 = 4.0;
const COIN_ANSWERS: f64 = 5.0;
/// No chance is smaller, lest a class die out by rounding.
const CHANCE_MIN: f64 = 1e-12;

/// What a rule makes: chances of answers by worker, answer and state, and chances of states.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) chances: Vec<f64>,
    pub(super) prior: Vec<f64>,
}

/// The sizes that every rule needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) classes: usize,
    pub(super) workers: usize,
    /// Latent kinds of each class; 1 but for [`Rule::Kinds`].
    pub(super) kinds: usize,
}

impl Size {
    pub(super) fn states(self) -> usize {
        self.classes * self.kinds
    }

    /// Returns the place of a worker's answer given a state.
    fn at(self, worker: usize, answer: usize, state: usize) -> usize {
        (worker * self.classes + answer) * self.states() + state
    }
}

/// How counts become chances.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    /// One accuracy for each worker, errors even.
    OneCoin,
    /// A full confusion for each worker with so many answers added to each cell; 0 is maximum likelihood.
    Confusion { smoothing: f64 },
    /// A confusion with the prior of [`diagonal`]; mean field.
    MeanField,
    /// A confusion drawn towards the worker's own accuracy by a strength that the data choose.
    Anchored { strength: f64 },
    /// Ordered classes: a lean and a spread for each worker, in classes.
    Graded,
    /// As [`Rule::MeanField`], with several kinds of task in each class.
    Kinds,
}

/// Prior answers in a cell of the mean-field models: more on the diagonal.
fn diagonal(answer: usize, class: usize) -> f64 {
    if answer == class { 4.0 } else { 1.0 }
}

impl Rule {
    /// Makes the table of the next round from the sums of the last.
    pub(super) fn update(&mut self, size: Size, round: u32, sums: &Sums, table: &mut Table) {
        match self {
            Self::OneCoin => one_coin(size, sums, table),
            Self::Confusion { smoothing } => {
                confusion(size, &sums.counts, *smoothing, &mut table.chances);
                learn_prior(&sums.mass, &mut table.prior);
            }
            Self::MeanField | Self::Kinds => mean_field(size, sums, table),
            Self::Graded => graded(size, &sums.counts, &mut table.chances),
            Self::Anchored { strength } => {
                let own = accuracies(size, &sums.counts);
                if round % STRENGTH_ROUNDS == 1 {
                    *strength = best_strength(size, &sums.counts, &own);
                }
                anchored(size, &sums.counts, &own, *strength, &mut table.chances);
            }
        }
    }
}

fn learn_prior(mass: &[f64], prior: &mut [f64]) {
    let total: f64 = mass.iter().sum();
    for (prior, mass) in prior.iter_mut().zip(mass) {
        *prior = if total > 0.0 { (mass / total).max(CHANCE_MIN) } else { 1.0 };
    }
}

/// One parameter a worker, the shares of classes held at those of the votes: learnt, they run away where votes are few.
///
/// Source: Demartini, Difallah and Cudré-Mauroux, WWW 2012.
fn one_coin(size: Size, sums: &Sums, table: &mut Table) {
    let Size { classes, workers, .. } = size;
    for worker in 0..workers {
        let (hits, answers) = hits(size, &sums.counts, worker);
        let accuracy = ((hits + COIN_HITS) / (answers + COIN_ANSWERS)).clamp(CHANCE_MIN, 1.0 - CHANCE_MIN);
        let wrong = (1.0 - accuracy) / real(classes.saturating_sub(1).max(1));
        for answer in 0..classes {
            for class in 0..classes {
                table.chances[size.at(worker, answer, class)] = if answer == class { accuracy } else { wrong };
            }
        }
    }
}

/// Source: Dawid and Skene, Appl. Stat. 28 (1979), 20–28.
fn confusion(size: Size, counts: &[f64], smoothing: f64, chances: &mut [f64]) {
    let Size { classes, workers, .. } = size;
    for worker in 0..workers {
        for class in 0..classes {
            let total: f64 = (0..classes).map(|answer| counts[size.at(worker, answer, class)] + smoothing).sum();
            for answer in 0..classes {
                let at = size.at(worker, answer, class);
                chances[at] = if total > 0.0 { (counts[at] + smoothing) / total } else { 1.0 / real(classes) };
            }
        }
    }
}

/// Makes the confusions of ordered classes: an answer is the truth, moved by the worker's lean, with a normal spread cut to
/// the classes there are; a little of it falls anywhere.
///
/// Lean and spread are the expected answers' mean and standard deviation around the truth, both drawn towards the crowd's by
/// a few answers. Source: the normal error model of rating scales, after Uebersax and Grove, Biometrics 49 (1993), 823–835.
fn graded(size: Size, counts: &[f64], chances: &mut [f64]) {
    let Size { classes, workers, .. } = size;
    let each: Vec<Lean> = (0..workers).map(|worker| Lean::of(size, counts, worker)).collect();
    let crowd = each.iter().fold(Lean::default(), |sum, own| Lean {
        answers: sum.answers + own.answers,
        distance: sum.distance + own.distance,
        square: sum.square + own.square,
    });
    let common = crowd.square / crowd.answers.max(1.0);
    for (worker, own) in each.iter().enumerate() {
        let weight = own.answers + CROWD_ANSWERS;
        let lean = own.distance / weight;
        let around = own.square - 2.0 * lean * own.distance + lean * lean * own.answers;
        let spread = ((around.max(0.0) + CROWD_ANSWERS * common) / weight).max(SPREAD_MIN * SPREAD_MIN);
        for class in 0..classes {
            let distance = |answer: usize| real(answer) - real(class) - lean;
            // Taken from the nearest answer, lest all of them vanish where the lean leads beyond the scale.
            let nearest = (0..classes).map(|answer| distance(answer).abs()).fold(f64::INFINITY, f64::min);
            let fall = |answer: usize| exp((nearest * nearest - distance(answer) * distance(answer)) / (2.0 * spread));
            let total: f64 = (0..classes).map(fall).sum();
            for answer in 0..classes {
                let even = ANYWHERE / real(classes);
                chances[size.at(worker, answer, class)] = even + (1.0 - ANYWHERE) * fall(answer) / total;
            }
        }
    }
}

/// Smallest standard deviation of a graded answer, in classes.
const SPREAD_MIN: f64 = 0.25;
/// The share of graded answers that falls anywhere, so that one slip of the pen rules nothing out.
const ANYWHERE: f64 = 0.02;

/// How far a worker's expected answers lie from the truth, in classes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lean {
    pub(super) answers: f64,
    pub(super) distance: f64,
    pub(super) square: f64,
}

impl Lean {
    /// Returns the sums for one worker.
    pub(super) fn of(size: Size, counts: &[f64], worker: usize) -> Self {
        let mut lean = Self::default();
        for answer in 0..size.classes {
            for class in 0..size.classes {
                let count = counts[size.at(worker, answer, class)];
                let distance = real(answer) - real(class);
                lean.answers += count;
                lean.distance += count * distance;
                lean.square += count * distance * distance;
            }
        }
        lean
    }
}

/// Sources: Kim and Ghahramani, AISTATS 2012; with kinds, Li, Rubinstein and Cohn, ICML 2019.
fn mean_field(size: Size, sums: &Sums, table: &mut Table) {
    let Size { classes, workers, kinds } = size;
    let states = size.states();
    let total = digamma(sums.mass.iter().sum::<f64>() + real(classes));
    for class in 0..classes {
        let own = &sums.mass[class * kinds..][..kinds];
        let mass: f64 = own.iter().sum();
        let of_class = digamma(mass + 1.0) - total;
        let of_kinds = digamma(mass + KIND_MASS);
        for (kind, own) in own.iter().enumerate() {
            let within = if kinds == 1 { 0.0 } else { digamma(own + KIND_MASS / real(kinds)) - of_kinds };
            table.prior[class * kinds + kind] = exp(of_class + within).max(1e-300);
        }
    }
    for worker in 0..workers {
        for state in 0..states {
            let class = state / kinds;
            let mut total = 0.0;
            for answer in 0..classes {
                let at = size.at(worker, answer, state);
                let count = sums.counts[at] + diagonal(answer, class);
                total += count;
                table.chances[at] = digamma(count);
            }
            let total = digamma(total);
            for answer in 0..classes {
                let at = size.at(worker, answer, state);
                table.chances[at] = exp(table.chances[at] - total);
            }
        }
    }
}

/// Prior mass shared by the kinds of a class.
const KIND_MASS: f64 = 0.1;

/// Returns the evidence's lower bound of the mean-field models, given the entropy of the chances.
///
/// With the parameters at their optimum the bound is the entropy plus, for each Dirichlet, how its normaliser grew.
pub(super) fn bound(size: Size, sums: &Sums, entropy: f64) -> f64 {
    let Size { classes, workers, kinds } = size;
    let mut bound = entropy;
    let mut masses = Vec::with_capacity(classes);
    for class in 0..classes {
        let own = &sums.mass[class * kinds..][..kinds];
        masses.push(own.iter().sum::<f64>());
        if kinds > 1 {
            let prior = vec![KIND_MASS / real(kinds); kinds];
            bound += growth(own, &prior);
        }
    }
    bound += growth(&masses, &vec![1.0; classes]);
    let (mut counts, mut prior) = (vec![0.0; classes], vec![0.0; classes]);
    for worker in 0..workers {
        for state in 0..size.states() {
            for answer in 0..classes {
                counts[answer] = sums.counts[size.at(worker, answer, state)];
                prior[answer] = diagonal(answer, state / kinds);
            }
            bound += growth(&counts, &prior);
        }
    }
    bound
}

/// Returns the logarithm by which counts change the normaliser of a Dirichlet: the chance of those answers in their order.
fn growth(counts: &[f64], prior: &[f64]) -> f64 {
    let (mut growth, mut counted, mut total) = (0.0, 0.0, 0.0);
    for (count, prior) in counts.iter().zip(prior) {
        if *count > 0.0 {
            growth += ln_gamma(count + prior) - ln_gamma(*prior);
        }
        counted += count;
        total += prior;
    }
    if counted > 0.0 { growth + ln_gamma(total) - ln_gamma(counted + total) } else { 0.0 }
}

/// Returns a worker's expected hits and answers.
pub(super) fn hits(size: Size, counts: &[f64], worker: usize) -> (f64, f64) {
    let (mut hits, mut answers) = (0.0, 0.0);
    for answer in 0..size.classes {
        for class in 0..size.classes {
            let count = counts[size.at(worker, answer, class)];
            answers += count;
            if answer == class {
                hits += count;
            }
        }
    }
    (hits, answers)
}

/// Returns each worker's accuracy, drawn towards that of all by a few answers.
fn accuracies(size: Size, counts: &[f64]) -> Vec<f64> {
    let each: Vec<_> = (0..size.workers).map(|worker| hits(size, counts, worker)).collect();
    let (hits, answers) = each.iter().fold((0.0, 0.0), |sum, each| (sum.0 + each.0, sum.1 + each.1));
    let crowd = if answers > 0.0 { hits / answers } else { 1.0 };
    each.into_iter().map(|own| crowd_drawn(own, crowd)).collect()
}

/// Returns the accuracy of hits among answers, drawn towards that of all by a few answers.
pub(super) fn crowd_drawn((hits, answers): (f64, f64), crowd: f64) -> f64 {
    ((hits + CROWD_ANSWERS * crowd) / (answers + CROWD_ANSWERS)).clamp(1e-6, 1.0 - 1e-6)
}

/// Makes the confusions of the anchored model: of few answers one coin, of many the counts themselves.
fn anchored(size: Size, counts: &[f64], own: &[f64], strength: f64, chances: &mut [f64]) {
    for (worker, accuracy) in own.iter().enumerate() {
        for class in 0..size.classes {
            anchored_row(size, counts, worker, class, *accuracy, strength, chances);
        }
    }
}

/// Makes the chances of one worker's answers to one class.
pub(super) fn anchored_row(
    size: Size,
    counts: &[f64],
    worker: usize,
    class: usize,
    accuracy: f64,
    strength: f64,
    chances: &mut [f64],
) {
    let classes = size.classes;
    let wrong = (1.0 - accuracy) / real(classes.saturating_sub(1).max(1));
    // Counts that are moved by differences may fall below 0 by a rounding.
    let count = |answer: usize| counts[size.at(worker, answer, class)].max(0.0);
    let total: f64 = (0..classes).map(count).sum();
    for answer in 0..classes {
        let prior = strength * if answer == class { accuracy } else { wrong };
        chances[size.at(worker, answer, class)] = (count(answer) + prior) / (total + strength);
    }
}

/// Returns the strength under which the counts are most likely, each row a draw from a Dirichlet-multinomial.
fn best_strength(size: Size, counts: &[f64], own: &[f64]) -> f64 {
    let (mut best, mut best_evidence) = (STRENGTHS[0], f64::NEG_INFINITY);
    for strength in STRENGTHS {
        let evidence = strength_evidence(size, counts, own, strength);
        if evidence > best_evidence {
            (best, best_evidence) = (strength, evidence);
        }
    }
    best
}

fn strength_evidence(size: Size, counts: &[f64], own: &[f64], strength: f64) -> f64 {
    own.iter()
        .enumerate()
        .map(|(worker, accuracy)| strength_evidence_of(size, counts, worker, *accuracy, strength))
        .sum()
}

/// Returns the logarithm of the chance of one worker's counts under a strength.
pub(super) fn strength_evidence_of(size: Size, counts: &[f64], worker: usize, accuracy: f64, strength: f64) -> f64 {
    let classes = size.classes;
    let right = strength * accuracy;
    let wrong = strength * (1.0 - accuracy) / real(classes.saturating_sub(1).max(1));
    let (of_right, of_wrong, of_strength) = (ln_gamma(right), ln_gamma(wrong), ln_gamma(strength));
    let mut evidence = 0.0;
    for class in 0..classes {
        let mut total = 0.0;
        for answer in 0..classes {
            let count = counts[size.at(worker, answer, class)];
            if count > 0.0 {
                total += count;
                evidence += if answer == class {
                    ln_gamma(count + right) - of_right
                } else {
                    ln_gamma(count + wrong) - of_wrong
                };
            }
        }
        if total > 0.0 {
            evidence += of_strength - ln_gamma(total + strength);
        }
    }
    evidence
}
