//! What a plan of readings would come to: cases and answers drawn from measured readers, judged by the rule itself.
//!
//! The same readers, plan and seed give the same figures on every machine.

use super::{
    TruthError,
    posterior::{Answer, Reader, best, calibrated, confusion, posterior},
    real,
};
use crate::{agreement::CLASSES_MAX, random::Random};

/// Most simulated cases.
pub const CASES_MAX: u32 = 10_000_000;

/// When a case has readings enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stop {
    /// After so many.
    Fixed(usize),
    /// When the best class is right with this calibrated chance, between a least and a greatest number.
    Sequential {
        /// Readings before it may stop.
        readings_min: usize,
        /// Readings after which it stops in any case.
        readings_max: usize,
        /// The chance, in `0.0..=1.0`.
        threshold: f64,
    },
}

/// A plan on measured readers.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Share of each class, 0 or more; they need not sum to 1.
    pub prior: Vec<f64>,
    /// Each reader's confusion, truth by truth, as [`confusion`] gives it.
    pub readers: Vec<Vec<f64>>,
    /// When a case stops.
    pub stop: Stop,
    /// Whether the better readers come first; otherwise whoever comes.
    pub best_first: bool,
    /// The chance that a reader answers as the case suggests to all alike, in `0.0..=1.0`; 0 is independence. It makes
    /// readers err together, which is what costs a plan its accuracy.
    pub alike: f64,
    /// Slope and offset of the curve that corrects the chances, 1 and 0 if there is none.
    pub curve: (f64, f64),
}

/// What a plan came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Cases simulated.
    pub cases: u32,
    /// Cases decided as they truly are.
    pub right: u32,
    /// Cases by the number of readings they took, from 0.
    pub by_readings: Vec<u32>,
    /// Cases that stopped below the threshold, because the greatest number or the readers ran out.
    pub unsettled: u32,
    /// Readings by each reader.
    pub by_reader: Vec<u64>,
    /// Cases by true class and by class decided.
    pub decided: Vec<u32>,
}

impl Outcome {
    /// Returns the share of cases decided as they are.
    pub fn accuracy(&self) -> f64 {
        f64::from(self.right) / f64::from(self.cases.max(1))
    }

    /// Returns the mean number of readings a case.
    pub fn readings_mean(&self) -> f64 {
        let sum: f64 =
            self.by_readings.iter().enumerate().map(|(readings, cases)| real(readings) * f64::from(*cases)).sum();
        sum / f64::from(self.cases.max(1))
    }
}

/// Simulates a plan on so many cases.
///
/// # Errors
/// [`TruthError::Classes`], [`TruthError::NoLabels`] without cases or readers, [`TruthError::TooLarge`] above [`CASES_MAX`],
/// [`TruthError::Shape`] of a confusion, [`TruthError::Weight`] of a share, a threshold or `alike` that is none.
pub fn simulate(plan: &Plan, cases: u32, seed: u64) -> Result<Outcome, TruthError> {
    let classes = plan.prior.len();
    let readers = checked(plan, cases)?;
    let total: f64 = plan.prior.iter().sum();
    let mut random = Random::new(seed);
    let mut outcome = Outcome {
        cases,
        right: 0,
        by_readings: vec![0; plan.readers.len() + 1],
        unsettled: 0,
        by_reader: vec![0; plan.readers.len()],
        decided: vec![0; classes * classes],
    };
    let common = mean(&readers, classes);
    let mut order: Vec<usize> = (0..readers.len()).collect();
    let mut answers = Vec::with_capacity(readers.len());
    for _ in 0..cases {
        let truth = draw(&plan.prior, total, &mut random);
        let suggested = draw(&common[truth * classes..][..classes], 1.0, &mut random);
        if plan.best_first {
            order.sort_by(|one, other| skill(&readers[*other], plan).total_cmp(&skill(&readers[*one], plan)));
        } else {
            random.shuffle(&mut order);
        }
        answers.clear();
        let mut settled = false;
        let mut decided = best(&plan.prior).map_or(0, |(class, _)| class);
        for (read, &reader) in order.iter().enumerate() {
            if plan.stop.enough(read, settled) {
                break;
            }
            let row = &readers[reader][truth * classes..][..classes];
            let class = if random.share() < plan.alike { suggested } else { draw(row, 1.0, &mut random) };
            answers.push(Answer { reader: Reader::Confusion(&readers[reader]), class });
            outcome.by_reader[reader] += 1;
            let chances = posterior(&plan.prior, &answers, 1.0)?;
            let (class, wrong) = best(&chances).unwrap_or((0, 1.0));
            decided = class;
            settled = plan.stop.settles(calibrated(1.0 - wrong, plan.curve.0, plan.curve.1));
        }
        outcome.right += u32::from(decided == truth);
        outcome.by_readings[answers.len()] += 1;
        outcome.unsettled += u32::from(!settled);
        outcome.decided[truth * classes + decided] += 1;
    }
    Ok(outcome)
}

impl Stop {
    fn enough(self, read: usize, settled: bool) -> bool {
        match self {
            Self::Fixed(readings) => read >= readings,
            Self::Sequential { readings_min, readings_max, .. } => {
                read >= readings_max || (read >= readings_min && settled)
            }
        }
    }

    /// Returns whether a chance is enough to stop at; a fixed number asks for none.
    fn settles(self, chance: f64) -> bool {
        match self {
            Self::Fixed(_) => true,
            Self::Sequential { threshold, .. } => chance >= threshold,
        }
    }
}

/// Returns the readers' confusions with rows that sum to 1.
fn checked(plan: &Plan, cases: u32) -> Result<Vec<Vec<f64>>, TruthError> {
    let classes = plan.prior.len();
    if classes == 0 || classes > CLASSES_MAX {
        return Err(TruthError::Classes(classes));
    }
    if cases == 0 || plan.readers.is_empty() {
        return Err(TruthError::NoLabels);
    }
    if cases > CASES_MAX {
        return Err(TruthError::TooLarge);
    }
    // The prior is checked as the posterior would.
    posterior(&plan.prior, &[], 1.0)?;
    let threshold = match plan.stop {
        Stop::Fixed(_) => 0.0,
        Stop::Sequential { threshold, .. } => threshold,
    };
    if let Some(share) = [threshold, plan.alike].into_iter().find(|share| !(0.0..=1.0).contains(share)) {
        return Err(TruthError::Weight(share));
    }
    if let Some(weight) = [plan.curve.0, plan.curve.1].into_iter().find(|weight| !weight.is_finite()) {
        return Err(TruthError::Weight(weight));
    }
    plan.readers.iter().map(|cells| confusion(cells, classes, 1.0, 0.0)).collect()
}

/// Returns the mean of all readers' confusions.
fn mean(readers: &[Vec<f64>], classes: usize) -> Vec<f64> {
    let mut mean = vec![0.0; classes * classes];
    for reader in readers {
        for (mean, cell) in mean.iter_mut().zip(reader) {
            *mean += cell / real(readers.len());
        }
    }
    mean
}

/// Returns the chance that a reader is right.
fn skill(reader: &[f64], plan: &Plan) -> f64 {
    let classes = plan.prior.len();
    plan.prior.iter().enumerate().map(|(class, share)| share * reader[class * classes + class]).sum()
}

/// Draws a class by weights that sum to `total`.
fn draw(weights: &[f64], total: f64, random: &mut Random) -> usize {
    let mut left = random.share() * total;
    for (class, weight) in weights.iter().enumerate() {
        if left < *weight {
            return class;
        }
        left -= weight;
    }
    // Rounding may leave a rest: the last class that can be drawn.
    weights.iter().rposition(|weight| *weight > 0.0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::*;

    fn plan(stop: Stop) -> Plan {
        let reader = |right: f64| vec![right, 1.0 - right, 1.0 - right, right];
        Plan {
            prior: vec![0.5, 0.5],
            readers: [0.7, 0.8, 0.9, 0.8, 0.7].map(reader).to_vec(),
            stop,
            best_first: false,
            alike: 0.0,
            curve: (1.0, 0.0),
        }
    }

    #[test]
    fn one_reading_is_as_right_as_its_reader_and_three_as_the_binomial_says() {
        let one = simulate(&Plan { best_first: true, ..plan(Stop::Fixed(1)) }, 20_000, 1).unwrap();
        assert!((one.accuracy() - 0.9).abs() < 0.01, "{}", one.accuracy());
        assert_eq!((one.by_reader[2], one.by_readings[1]), (20_000, 20_000));
        let even = Plan { readers: vec![vec![0.8, 0.2, 0.2, 0.8]; 3], ..plan(Stop::Fixed(3)) };
        // .8^3 + 3 * .8^2 * .2.
        let three = simulate(&even, 20_000, 2).unwrap();
        assert!((three.accuracy() - 0.896).abs() < 0.01, "{}", three.accuracy());
        assert!((three.readings_mean() - 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_threshold_buys_the_same_accuracy_with_fewer_readings() {
        let all = simulate(&plan(Stop::Fixed(5)), 20_000, 3).unwrap();
        let stop = Stop::Sequential { readings_min: 2, readings_max: 5, threshold: 0.95 };
        let some = simulate(&plan(stop), 20_000, 3).unwrap();
        assert!(some.readings_mean() < 4.0 && some.readings_mean() >= 2.0, "{}", some.readings_mean());
        assert!(all.accuracy() - some.accuracy() < 0.02, "{} {}", all.accuracy(), some.accuracy());
        assert!(some.unsettled > 0 && some.by_readings[0] + some.by_readings[1] == 0);
        assert_eq!(some.by_readings.iter().sum::<u32>(), 20_000);
        assert_eq!(some, simulate(&plan(stop), 20_000, 3).unwrap());
    }

    #[test]
    fn readers_who_err_together_cost_accuracy() {
        let apart = simulate(&plan(Stop::Fixed(5)), 20_000, 4).unwrap();
        let alike = simulate(&Plan { alike: 0.6, ..plan(Stop::Fixed(5)) }, 20_000, 4).unwrap();
        assert!(alike.accuracy() < apart.accuracy() - 0.03, "{} {}", alike.accuracy(), apart.accuracy());
    }

    #[test]
    fn what_is_no_plan_is_refused() {
        let refused = |plan: Plan, cases| simulate(&plan, cases, 1).map(|_| ());
        assert_eq!(refused(plan(Stop::Fixed(1)), 0), Err(TruthError::NoLabels));
        assert_eq!(refused(plan(Stop::Fixed(1)), CASES_MAX + 1), Err(TruthError::TooLarge));
        assert_eq!(refused(Plan { readers: vec![], ..plan(Stop::Fixed(1)) }, 1), Err(TruthError::NoLabels));
        assert_eq!(refused(Plan { alike: 2.0, ..plan(Stop::Fixed(1)) }, 1), Err(TruthError::Weight(2.0)));
        let short = Plan { readers: vec![vec![1.0]], ..plan(Stop::Fixed(1)) };
        assert_eq!(refused(short, 1), Err(TruthError::Shape { found: 1, wanted: 4 }));
        assert_eq!(refused(Plan { prior: vec![], ..plan(Stop::Fixed(1)) }, 1), Err(TruthError::Classes(0)));
        // No readings at all is a plan: the commonest class.
        let none = simulate(&Plan { prior: vec![1.0, 9.0], ..plan(Stop::Fixed(0)) }, 1_000, 1).unwrap();
        assert!((none.accuracy() - 0.9).abs() < 0.05 && none.by_readings[0] == 1_000);
    }
}
