//! The models that weigh votes: majority, Wawa and BWA.

use super::{labels::Labels, pass::NO_GOLD, real};

/// Votes are so much alike that they tie.
const TIE: f64 = 1e-12;
/// Prior answers of a worker in BWA, and prior weight of the class shares.
const PRECISION_ANSWERS: f64 = 15.0;
const SHARE_WEIGHT: f64 = 1.0;

/// Returns each task's shares of votes, by task and class; a task without a vote has the shares of all.
pub(super) fn shares(labels: &Labels) -> Vec<f64> {
    weighed(labels, &[], |_| 1.0)
}

/// Returns the mean of the tasks' shares, which sum to 1.
pub(super) fn mean(shares: &[f64], classes: usize) -> Vec<f64> {
    let mut mean = vec![0.0; classes];
    for shares in shares.chunks_exact(classes) {
        for (mean, share) in mean.iter_mut().zip(shares) {
            *mean += share;
        }
    }
    let tasks = real(shares.len() / classes).max(1.0);
    mean.iter().map(|sum| sum / tasks).collect()
}

/// Returns each task's shares of votes, each weighed by its worker; known tasks have their class.
fn weighed(labels: &Labels, gold: &[u32], weight: impl Fn(usize) -> f64) -> Vec<f64> {
    let classes = labels.classes();
    let votes = labels.chosen();
    #[expect(clippy::cast_precision_loss, reason = "counts of labels are below 2^32")]
    let overall: Vec<f64> = votes.iter().map(|&votes| votes as f64 / real(labels.len()).max(1.0)).collect();
    let mut shares = vec![0.0; labels.tasks() * classes];
    for (task, shares) in shares.chunks_exact_mut(classes).enumerate() {
        let known = gold.get(task).copied().unwrap_or(NO_GOLD);
        if known != NO_GOLD {
            shares[known as usize] = 1.0;
            continue;
        }
        let mut total = 0.0;
        for (worker, class) in labels.of(task) {
            let weight = weight(worker);
            shares[class] += weight;
            total += weight;
        }
        if total > 0.0 {
            for share in shares {
                *share /= total;
            }
        } else {
            shares.copy_from_slice(&overall);
        }
    }
    shares
}

/// Returns votes weighed by how often each worker agrees with the majority or the known class; a tie agrees in part.
///
/// Source: the aggregator of that name of Toloka's crowd-kit (Ustalov, Pavlichenko and Tseitlin, JOSS 2024).
pub(super) fn wawa(labels: &Labels, gold: &[u32], history: impl Fn(usize) -> (f64, f64)) -> Vec<f64> {
    let classes = labels.classes();
    let majority = weighed(labels, gold, |_| 1.0);
    let mut agreed: Vec<(f64, f64)> = (0..labels.workers()).map(history).collect();
    for (task, shares) in majority.chunks_exact(classes).enumerate() {
        let top = shares.iter().copied().fold(0.0, f64::max);
        let tied = shares.iter().filter(|share| **share > top - TIE).count();
        for (worker, class) in labels.of(task) {
            let (hits, answers) = &mut agreed[worker];
            *answers += 1.0;
            if shares[class] > top - TIE {
                *hits += 1.0 / real(tied);
            }
        }
    }
    weighed(labels, gold, |worker| agreed[worker].0 / agreed[worker].1.max(1.0))
}

/// Returns each task's shares under Bayesian weighted averaging, and the rounds it took.
///
/// Each class is averaged against the rest by itself, with weights of its own for each worker.
/// Source: Li, Rubinstein and Cohn, WWW 2019, with their correction of the prior by the votes' mean variance.
pub(super) fn bwa(labels: &Labels, gold: &[u32], rounds_max: u32, change_min: f64) -> (Vec<f64>, u32) {
    let (classes, workers) = (labels.classes(), labels.workers());
    let mut shares = weighed(labels, gold, |_| 1.0);
    let answers = labels.answers();
    let mut scales = vec![0.0; classes];
    for (task, shares) in shares.chunks_exact(classes).enumerate() {
        let votes = real(labels.of(task).len());
        for (scale, share) in scales.iter_mut().zip(shares) {
            *scale += share * (1.0 - share) * votes;
        }
    }
    for scale in &mut scales {
        *scale *= PRECISION_ANSWERS * 4.0 * (1.0 - 1.0 / real(classes)) / real(labels.len()).max(1.0);
    }
    let mut weights = vec![0.0; workers * classes];
    let mut totals = vec![0.0; classes];
    let mut next = vec![0.0; classes];
    let mut rounds = 0;
    for round in 1..=rounds_max {
        weights.fill(0.0);
        for (task, shares) in shares.chunks_exact(classes).enumerate() {
            for (worker, class) in labels.of(task) {
                let errors = &mut weights[worker * classes..][..classes];
                for (answer, (error, share)) in errors.iter_mut().zip(shares).enumerate() {
                    let miss = if answer == class { 1.0 - share } else { *share };
                    *error += miss * miss;
                }
            }
        }
        for (weights, &answers) in weights.chunks_exact_mut(classes).zip(&answers) {
            for (weight, scale) in weights.iter_mut().zip(&scales) {
                *weight = (PRECISION_ANSWERS + f64::from(answers)) / (scale + *weight).max(1e-12);
            }
        }
        let mean = mean(&shares, classes);
        let mut change = 0.0_f64;
        for (task, shares) in shares.chunks_exact_mut(classes).enumerate() {
            if gold.get(task).is_some_and(|gold| *gold != NO_GOLD) {
                continue;
            }
            next.copy_from_slice(&mean);
            totals.fill(SHARE_WEIGHT);
            for (worker, class) in labels.of(task) {
                let weights = &weights[worker * classes..][..classes];
                next[class] += weights[class];
                for (total, weight) in totals.iter_mut().zip(weights) {
                    *total += weight;
                }
            }
            for ((share, next), total) in shares.iter_mut().zip(&next).zip(&totals) {
                let next = next / total;
                change = change.max((next - *share).abs());
                *share = next;
            }
        }
        if change < change_min || round == rounds_max {
            rounds = round;
            break;
        }
    }
    // Classes averaged one by one need not sum to 1.
    for shares in shares.chunks_exact_mut(classes) {
        let total: f64 = shares.iter().sum();
        for share in shares {
            *share /= total;
        }
    }
    (shares, rounds)
}
