//! Numbers measured by several readers: the value of each task, and how each reader leans and spreads.
//!
//! A reading is the value plus the reader's bias plus an error of the reader's own size with long tails, so that one slip of
//! the pen moves neither the value nor the reader's figures much. Fitted by expectation and maximisation: each reading has a
//! weight that falls with its distance. Source: Lange, Little and Taylor, J. Am. Stat. Assoc. 84 (1989), 881–896.

use super::{TruthError, real};
use crate::{
    StatsError,
    interval::{Interval, tail},
    special::f_quantile,
};

/// Degrees of freedom of the errors' t distribution: long tails, and still a variance.
const FREEDOM: f64 = 4.0;
/// Readings by which a reader's bias is drawn towards 0 and its variance towards that of all.
const BIAS_READINGS: f64 = 2.0;
const SPREAD_READINGS: f64 = 4.0;
/// A spread is taken to be no smaller than this part of the size of the values.
const SPREAD_MIN: f64 = 1e-9;
/// A freedom so great that a greater one changes nothing.
const ENDLESS: f64 = 1e9;
const ROUNDS_MAX: u32 = 200;
/// A fit ends when no value moves by more than this part of the common spread.
const CHANGE_MIN: f64 = 1e-6;

/// One reader's number on one task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The task, from 0.
    pub task: u32,
    /// The reader, from 0.
    pub worker: u32,
    /// The number, in the question's unit.
    pub value: f64,
}

/// What readings say.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberFit {
    /// The value of each task; none of a task that nobody read and nobody knows.
    pub values: Vec<Option<Value>>,
    /// What is to be said of each reader; none of one without a reading.
    pub readers: Vec<Option<NumberReader>>,
    /// Rounds until nothing moved.
    pub iterations: u32,
}

/// The value of a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// The value.
    pub value: f64,
    /// Its standard error, 0 of a known value. It takes the readers to err independently.
    pub standard_error: f64,
    /// Readings behind it.
    pub readings: u32,
}

/// How a reader measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NumberReader {
    /// Readings.
    pub readings: u32,
    /// By how much it reads above the value on average. Without known values biases sum to about 0 over the readings, for
    /// what all readers share cannot be seen.
    pub bias: f64,
    /// Standard deviation of its errors around that.
    pub spread: f64,
}

impl NumberReader {
    /// Returns the interval of the bias, as if errors were normal and the values had been known. The bias is drawn a little
    /// towards 0, and so is its interval. Source: Student, Biometrika 6 (1908), 1–25; its t is the root of an F.
    ///
    /// # Errors
    /// [`StatsError::Confidence`], [`StatsError::TooFewUnits`] below two readings.
    pub fn bias_interval(&self, confidence: f64) -> Result<Interval, StatsError> {
        let (tail, freedom) = self.tail(confidence)?;
        let half = (f_quantile(1.0, freedom, 1.0 - 2.0 * tail) / f64::from(self.readings)).sqrt() * self.spread;
        Ok(Interval { lower: self.bias - half, upper: self.bias + half })
    }

    /// Returns the interval of the spread, as if errors were normal and the values had been known: the chi-squared one.
    ///
    /// # Errors
    /// As [`NumberReader::bias_interval`].
    pub fn spread_interval(&self, confidence: f64) -> Result<Interval, StatsError> {
        let (tail, freedom) = self.tail(confidence)?;
        // Chi-squared over its freedom is an F whose second freedom has no end.
        let end = |share: f64| self.spread / f_quantile(freedom, ENDLESS, share).sqrt();
        Ok(Interval { lower: end(1.0 - tail), upper: end(tail) })
    }

    fn tail(&self, confidence: f64) -> Result<(f64, f64), StatsError> {
        if self.readings < 2 {
            return Err(StatsError::TooFewUnits);
        }
        Ok((tail(confidence)?, f64::from(self.readings - 1)))
    }
}

/// Fits values, biases and spreads.
///
/// `known` holds the true value of each task where it is known, and is empty otherwise. Several readings of one reader on a
/// task all count.
///
/// # Errors
/// [`TruthError::NoLabels`], [`TruthError::UnknownTask`], [`TruthError::UnknownWorker`], [`TruthError::Shape`] of `known`,
/// [`TruthError::Number`] of a reading or known value that is not finite.
pub fn fit_numbers(
    tasks: usize,
    workers: usize,
    readings: &[Reading],
    known: &[Option<f64>],
) -> Result<NumberFit, TruthError> {
    check(tasks, workers, readings, known)?;
    let held = |task: usize| known.get(task).copied().flatten();
    let by_task = ordered(tasks, readings, |reading| reading.task as usize);
    let mut values: Vec<f64> =
        (0..tasks).map(|task| held(task).unwrap_or_else(|| median(of(&by_task, task)))).collect();
    let size = readings.iter().map(|reading| reading.value.abs()).fold(0.0, f64::max);
    let floor = (size * SPREAD_MIN).max(f64::MIN_POSITIVE.sqrt());
    let mut state =
        State { biases: vec![0.0; workers], variances: vec![common_variance(readings, &values, floor); workers] };
    let mut iterations = 0;
    for _ in 0..ROUNDS_MAX {
        iterations += 1;
        let common = state.learn(readings, &values, &|task| held(task).is_some(), floor);
        let mut change = 0.0_f64;
        for (task, value) in values.iter_mut().enumerate() {
            let own = of(&by_task, task);
            if held(task).is_some() || own.is_empty() {
                continue;
            }
            let (next, _) = state.value(own, *value);
            change = change.max((next - *value).abs());
            *value = next;
        }
        if change <= CHANGE_MIN * common.sqrt() {
            break;
        }
    }
    Ok(state.finish(workers, readings, &by_task, &values, &held, iterations))
}

fn check(tasks: usize, workers: usize, readings: &[Reading], known: &[Option<f64>]) -> Result<(), TruthError> {
    if readings.is_empty() {
        return Err(TruthError::NoLabels);
    }
    if !known.is_empty() && known.len() != tasks {
        return Err(TruthError::Shape { found: known.len(), wanted: tasks });
    }
    for &Reading { task, worker, .. } in readings {
        if task as usize >= tasks {
            return Err(TruthError::UnknownTask(task));
        }
        if worker as usize >= workers {
            return Err(TruthError::UnknownWorker(worker));
        }
    }
    let all = readings.iter().map(|reading| reading.value).chain(known.iter().flatten().copied());
    // Squares of larger numbers would be infinite.
    match all.into_iter().find(|value| !(-1e150..=1e150).contains(value)) {
        Some(value) => Err(TruthError::Number(value)),
        None => Ok(()),
    }
}

/// Biases and variances of readers as they stand.
struct State {
    biases: Vec<f64>,
    variances: Vec<f64>,
}

impl State {
    /// Returns a reading's weight: 1 or so near the value, little far from it.
    fn weight(&self, reading: &Reading, value: f64) -> f64 {
        let distance = reading.value - value - self.biases[reading.worker as usize];
        (FREEDOM + 1.0) / (FREEDOM + distance * distance / self.variances[reading.worker as usize])
    }

    /// Returns a task's value and the precision behind it.
    fn value(&self, own: &[Reading], value: f64) -> (f64, f64) {
        let (mut sum, mut precision) = (0.0, 0.0);
        for reading in own {
            let worker = reading.worker as usize;
            let weight = self.weight(reading, value) / self.variances[worker];
            sum += weight * (reading.value - self.biases[worker]);
            precision += weight;
        }
        (sum / precision, precision)
    }

    /// Learns biases and variances from the readings' distances; returns the variance of all.
    fn learn(&mut self, readings: &[Reading], values: &[f64], held: &impl Fn(usize) -> bool, floor: f64) -> f64 {
        let anchored = (0..values.len()).any(held);
        let workers = self.biases.len();
        let weights: Vec<f64> =
            readings.iter().map(|reading| self.weight(reading, values[reading.task as usize])).collect();
        // The precision of each task tells how much a reading has pulled the value towards itself.
        let mut precisions = vec![0.0; values.len()];
        for (reading, weight) in readings.iter().zip(&weights) {
            precisions[reading.task as usize] += weight / self.variances[reading.worker as usize];
        }
        let (mut sums, mut totals) = (vec![0.0; workers], vec![0.0; workers]);
        for (reading, weight) in readings.iter().zip(&weights) {
            let worker = reading.worker as usize;
            sums[worker] += weight * (reading.value - values[reading.task as usize]);
            totals[worker] += weight;
        }
        for (bias, (sum, total)) in self.biases.iter_mut().zip(sums.iter().zip(&totals)) {
            *bias = sum / (total + BIAS_READINGS);
        }
        if !anchored {
            let (sum, total) = self
                .biases
                .iter()
                .zip(&totals)
                .fold((0.0, 0.0), |sum, (bias, total)| (sum.0 + bias * total, sum.1 + total));
            let shared = sum / total;
            for bias in &mut self.biases {
                *bias -= shared;
            }
        }
        let (mut squares, mut counts) = (vec![0.0; workers], vec![0.0; workers]);
        for (reading, weight) in readings.iter().zip(&weights) {
            let worker = reading.worker as usize;
            let distance = reading.value - values[reading.task as usize] - self.biases[worker];
            squares[worker] += weight * distance * distance;
            let pull = weight / self.variances[worker] / precisions[reading.task as usize];
            counts[worker] += if held(reading.task as usize) { 1.0 } else { (1.0 - pull).max(0.0) };
        }
        let common = (squares.iter().sum::<f64>() / counts.iter().sum::<f64>().max(1.0)).max(floor * floor);
        for (variance, (square, count)) in self.variances.iter_mut().zip(squares.iter().zip(&counts)) {
            *variance = ((square + SPREAD_READINGS * common) / (count + SPREAD_READINGS)).max(floor * floor);
        }
        common
    }

    fn finish(
        self,
        workers: usize,
        readings: &[Reading],
        by_task: &(Vec<usize>, Vec<Reading>),
        values: &[f64],
        held: &impl Fn(usize) -> Option<f64>,
        iterations: u32,
    ) -> NumberFit {
        let count = |readings: usize| u32::try_from(readings).unwrap_or(u32::MAX);
        let value = |(task, value): (usize, &f64)| {
            let own = of(by_task, task);
            let readings = count(own.len());
            if held(task).is_some() {
                return Some(Value { value: *value, standard_error: 0.0, readings });
            }
            let (value, precision) = (!own.is_empty()).then(|| self.value(own, *value))?;
            Some(Value { value, standard_error: 1.0 / precision.sqrt(), readings })
        };
        let values = values.iter().enumerate().map(value).collect();
        let mut given = vec![0_usize; workers];
        for reading in readings {
            given[reading.worker as usize] += 1;
        }
        // The variance of a t distribution is larger than the square of its scale.
        let tails = FREEDOM / (FREEDOM - 2.0);
        let readers = given.iter().enumerate().map(|(worker, &given)| {
            (given > 0).then(|| NumberReader {
                readings: count(given),
                bias: self.biases[worker],
                spread: (self.variances[worker] * tails).sqrt(),
            })
        });
        NumberFit { values, readers: readers.collect(), iterations }
    }
}

/// Returns readings in the order of their tasks, with the start of each task's.
fn ordered(tasks: usize, readings: &[Reading], task: impl Fn(&Reading) -> usize) -> (Vec<usize>, Vec<Reading>) {
    let mut sorted = readings.to_vec();
    // By all that a reading is, so that the order in which they came changes no digit.
    sorted.sort_by(|one, other| {
        (one.task, one.worker).cmp(&(other.task, other.worker)).then(one.value.total_cmp(&other.value))
    });
    let mut starts = vec![0; tasks + 1];
    for reading in &sorted {
        starts[task(reading) + 1] += 1;
    }
    for place in 0..tasks {
        starts[place + 1] += starts[place];
    }
    (starts, sorted)
}

fn of((starts, sorted): &(Vec<usize>, Vec<Reading>), task: usize) -> &[Reading] {
    &sorted[starts[task]..starts[task + 1]]
}

fn median(own: &[Reading]) -> f64 {
    let mut values: Vec<f64> = own.iter().map(|reading| reading.value).collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[odd / 2],
        even => values[even / 2 - 1] / 2.0 + values[even / 2] / 2.0,
    }
}

/// Returns a first variance of all readings: that of a normal distribution with the same median distance.
fn common_variance(readings: &[Reading], values: &[f64], floor: f64) -> f64 {
    let mut distances: Vec<f64> =
        readings.iter().map(|reading| (reading.value - values[reading.task as usize]).abs()).collect();
    distances.sort_by(f64::total_cmp);
    let mean = distances.iter().sum::<f64>() / real(distances.len());
    let typical = (distances[distances.len() / 2] * 1.4826).max(mean / 4.0).max(floor);
    typical * typical
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::random::Random;

    /// Returns a number of the normal distribution, nearly: twelve uniform ones.
    fn normal(random: &mut Random) -> f64 {
        (0..12).map(|_| random.share()).sum::<f64>() - 6.0
    }

    /// Returns readings by four readers: exact, high by 2, wide, and exact with slips a tenth of the time.
    fn drawn(tasks: u32, seed: u64) -> (Vec<Reading>, Vec<f64>) {
        let mut random = Random::new(seed);
        let mut readings = Vec::new();
        let mut truth = Vec::new();
        for task in 0..tasks {
            let value = 50.0 + 10.0 * normal(&mut random);
            truth.push(value);
            for worker in 0..4 {
                let (bias, spread) = [(0.0, 0.5), (2.0, 0.5), (0.0, 4.0), (0.0, 0.5)][worker as usize];
                let slip = if worker == 3 && random.share() < 0.1 { 100.0 } else { 0.0 };
                readings.push(Reading { task, worker, value: value + bias + spread * normal(&mut random) + slip });
            }
        }
        (readings, truth)
    }

    fn distance(found: &NumberFit, truth: &[f64]) -> f64 {
        let squares = found.values.iter().zip(truth).map(|(found, truth)| (found.unwrap().value - truth).powi(2));
        (squares.sum::<f64>() / real(truth.len())).sqrt()
    }

    #[test]
    fn intervals_of_a_reader_are_those_of_normal_errors() {
        // Thirty readings, spread 1: t(29) .975 = 2.045230, chi-squared(29) .025 and .975 = 16.04707 and 45.72229.
        let reader = NumberReader { readings: 30, bias: 0.5, spread: 1.0 };
        let (bias, spread) = (reader.bias_interval(0.95).unwrap(), reader.spread_interval(0.95).unwrap());
        assert!(
            (bias.upper - 0.5 - 2.045_230 / 30.0_f64.sqrt()).abs() < 1e-5
                && (bias.lower + bias.upper - 1.0).abs() < 1e-12
        );
        assert!((spread.lower - (29.0_f64 / 45.722_29).sqrt()).abs() < 1e-5, "{spread:?}");
        assert!((spread.upper - (29.0_f64 / 16.047_07).sqrt()).abs() < 1e-5, "{spread:?}");
        let one = NumberReader { readings: 1, ..reader };
        assert_eq!(one.bias_interval(0.95), Err(StatsError::TooFewUnits));
        assert_eq!(reader.spread_interval(1.0), Err(StatsError::Confidence(1.0)));
    }

    #[test]
    fn a_robust_mean_knows_its_readers() {
        let (readings, truth) = drawn(500, 1);
        // One value in twenty is known: without it the bias that all share could not be seen.
        let known: Vec<_> = truth.iter().enumerate().map(|(n, value)| (n % 20 == 0).then_some(*value)).collect();
        let found = fit_numbers(500, 4, &readings, &known).unwrap();
        let readers: Vec<_> = found.readers.iter().map(|reader| reader.unwrap()).collect();
        assert!((readers[1].bias - 2.0).abs() < 0.3 && readers[0].bias.abs() < 0.3, "{readers:?}");
        assert!(readers[2].spread > 3.0 && readers[0].spread < 1.0, "{readers:?}");
        let mean: Vec<f64> =
            readings.chunks(4).map(|own| own.iter().map(|reading| reading.value).sum::<f64>() / 4.0).collect();
        let plain = (mean.iter().zip(&truth).map(|(mean, truth)| (mean - truth).powi(2)).sum::<f64>() / 500.0).sqrt();
        let own = distance(&found, &truth);
        assert!(own < 0.5 && plain > 3.0, "{own} {plain}");
        // The standard error says how far the values are off.
        let open = found.values.iter().enumerate().filter(|(n, _)| n % 20 != 0);
        let within =
            open.filter(|(n, value)| (value.unwrap().value - truth[*n]).abs() < 2.0 * value.unwrap().standard_error);
        let within = within.count();
        assert!((400..=474).contains(&within), "{within} of 475");
    }

    #[test]
    fn without_known_values_biases_are_relative() {
        let (readings, _) = drawn(300, 2);
        let found = fit_numbers(300, 4, &readings, &[]).unwrap();
        let biases: Vec<f64> = found.readers.iter().map(|reader| reader.unwrap().bias).collect();
        assert!((biases[1] - biases[0] - 2.0).abs() < 0.2, "{biases:?}");
    }

    #[test]
    fn odd_numbers_have_an_answer_or_an_error_with_a_name() {
        let reading = |task, worker, value| Reading { task, worker, value };
        assert_eq!(fit_numbers(1, 1, &[], &[]), Err(TruthError::NoLabels));
        assert_eq!(fit_numbers(1, 1, &[reading(1, 0, 1.0)], &[]), Err(TruthError::UnknownTask(1)));
        assert_eq!(fit_numbers(1, 1, &[reading(0, 1, 1.0)], &[]), Err(TruthError::UnknownWorker(1)));
        assert_eq!(fit_numbers(1, 1, &[reading(0, 0, 1e200)], &[]), Err(TruthError::Number(1e200)));
        assert!(matches!(fit_numbers(1, 1, &[reading(0, 0, f64::NAN)], &[]), Err(TruthError::Number(_))));
        assert_eq!(fit_numbers(2, 1, &[reading(0, 0, 1.0)], &[None]), Err(TruthError::Shape { found: 1, wanted: 2 }));
        let alone = fit_numbers(2, 2, &[reading(0, 0, 7.5)], &[]).unwrap();
        assert!((alone.values[0].unwrap().value - 7.5).abs() < 1e-9);
        assert_eq!((alone.values[1], alone.readers[1]), (None, None));
        let same = fit_numbers(1, 3, &[reading(0, 0, 4.0), reading(0, 1, 4.0), reading(0, 2, 4.0)], &[]).unwrap();
        assert!((same.values[0].unwrap().value - 4.0).abs() < 1e-9);
        let zero = fit_numbers(1, 2, &[reading(0, 0, 0.0), reading(0, 1, 0.0)], &[]).unwrap();
        assert!(zero.values[0].unwrap().value.abs() < 1e-9 && zero.values[0].unwrap().standard_error.is_finite());
    }

    proptest! {
        #[test]
        fn figures_are_finite_and_the_order_of_readings_changes_none(
            given in vec((0_u32..5, 0_u32..4, -1e6_f64..1e6), 1..40), known in vec(prop::option::of(-1e3_f64..1e3), 5),
        ) {
            let mut readings: Vec<_> =
                given.into_iter().map(|(task, worker, value)| Reading { task, worker, value }).collect();
            let found = fit_numbers(5, 4, &readings, &known).unwrap();
            for value in found.values.iter().flatten() {
                prop_assert!(value.value.is_finite() && value.standard_error.is_finite() && value.standard_error >= 0.0);
            }
            for reader in found.readers.iter().flatten() {
                prop_assert!(reader.bias.is_finite() && reader.spread.is_finite() && reader.spread >= 0.0);
            }
            readings.reverse();
            let turned = fit_numbers(5, 4, &readings, &known).unwrap();
            for (one, other) in found.values.iter().zip(&turned.values) {
                let near = one.zip(*other).is_none_or(|(one, other)| (one.value - other.value).abs() < 1e-3 * one.value.abs().max(1.0));
                prop_assert!(one.is_some() == other.is_some() && near, "{one:?} {other:?}");
            }
        }
    }
}
