//! Whether a rate or a mean has moved: charts whose mean time to a false alarm is known before they are used.
//!
//! A chart's run length is the number of observations to its alarm. On average, whatever the number of charts, each
//! observation without a change raises an alarm once in so many: see [`pooled`].

use crate::{StatsError, random::Random, real, special::normal_below};

/// Cells that a cumulative sum's range is parted into when its run length is computed: fewest where a miss is not a small
/// part of it, and most.
const GRID_MIN: f64 = 400.0;
const GRID_MAX: f64 = 1_000.0;
/// Cells of a moving average's range, in each the same average; with half as many the fourth digit would change.
const AVERAGES: usize = 161;
/// Longest designed run length.
pub const RUN_LENGTH_MAX: f64 = 1e9;

/// A cumulative sum of hits and misses that watches for a rate to rise: Page's chart for single trials.
///
/// Source: Reynolds and Stoumbos, J. Qual. Technol. 31 (1999), 87–108.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cusum {
    up: f64,
    down: f64,
    alarm: f64,
}

impl Cusum {
    /// Returns a chart that tells the rate `bad` from the rate `good` and raises its alarm at the sum `alarm`.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a rate outside of `(0, 1)` or an alarm that is not above 0; [`StatsError::Risks`] unless
    /// `good < bad`.
    pub fn new(good: f64, bad: f64, alarm: f64) -> Result<Self, StatsError> {
        for rate in [good, bad] {
            // Not `rate <= 0.0`: a NaN is no rate either.
            if !(rate > 0.0 && rate < 1.0) {
                return Err(StatsError::Value(rate));
            }
        }
        if !(alarm > 0.0 && alarm.is_finite()) {
            return Err(StatsError::Value(alarm));
        }
        if good >= bad {
            return Err(StatsError::Risks);
        }
        Ok(Self { up: (bad / good).ln(), down: ((1.0 - good) / (1.0 - bad)).ln(), alarm })
    }

    /// Returns the chart that needs at least so many observations on average to a false alarm, its alarm as low as that
    /// allows, to three digits behind the point.
    ///
    /// # Errors
    /// As [`Cusum::new`]; [`StatsError::Value`] of a run length outside of `1.0..=`[`RUN_LENGTH_MAX`].
    pub fn designed(good: f64, bad: f64, run_length: f64) -> Result<Self, StatsError> {
        if !(1.0..=RUN_LENGTH_MAX).contains(&run_length) {
            return Err(StatsError::Value(run_length));
        }
        // The sum rarely passes `h` without a change: about once in exp(h) observations and more.
        let (mut low, mut high) = (0_u32, 64_000_u32);
        let with = |thousandths: u32| Self::new(good, bad, f64::from(thousandths.max(1)) / 1_000.0);
        while low < high {
            let middle = low + (high - low) / 2;
            let long = match with(middle)?.run_length(good) {
                Ok(length) => length >= run_length,
                // Beyond reckoning is beyond any length that may be asked for.
                Err(StatsError::TooLarge) => true,
                Err(other) => return Err(other),
            };
            if long {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        with(low)
    }

    /// Returns the sum at which the alarm is raised.
    pub fn alarm(&self) -> f64 {
        self.alarm
    }

    /// Returns the sum after one more trial, which counts as 0 if it is not a number; begin with 0.
    pub fn after(&self, sum: f64, hit: bool) -> f64 {
        (sum + if hit { self.up } else { -self.down }).max(0.0)
    }

    /// Returns whether a sum raises the alarm.
    pub fn alarms(&self, sum: f64) -> bool {
        sum >= self.alarm
    }

    /// Returns the mean number of trials to the alarm, from a sum of 0, where trials hit at this rate.
    ///
    /// Solves the chain of sums on a grid of which a miss goes down whole cells where their number allows; what lands between
    /// two cells is shared out by nearness. Differs from the vectors in this file's tests by less than two in a hundred.
    /// Source: Brook and Evans, Biometrika 59 (1972), 539–549.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a rate outside of `0.0..=1.0`, [`StatsError::NoTrials`] of a rate of 0, at which no trial ever
    /// raises it, [`StatsError::TooLarge`] of a length beyond reckoning.
    pub fn run_length(&self, rate: f64) -> Result<f64, StatsError> {
        if !(0.0..=1.0).contains(&rate) {
            return Err(StatsError::Value(rate));
        }
        if rate <= 0.0 {
            return Err(StatsError::NoTrials);
        }
        // So many misses undo what raises the alarm.
        let misses = self.alarm / self.down;
        let cell =
            if misses < GRID_MAX { self.down / (GRID_MIN / misses).ceil().min(40.0) } else { self.alarm / GRID_MAX };
        let cells = whole((self.alarm / cell).ceil()).max(1);
        let (up, down) = (self.up / cell, self.down / cell);
        let mut chain = Chain::new(cells, (whole(down) + 2).min(cells), (whole(up) + 2).min(cells));
        for at in 0..cells {
            let place = real(at as u64);
            chain.go(at, (place - down).max(0.0), 1.0 - rate);
            // A hit that reaches the alarm ends the run, exactly where the sum would.
            if place * cell + self.up < self.alarm {
                chain.go(at, place + up, rate);
            } else {
                chain.end(at, rate);
            }
        }
        chain.run_length(0)
    }
}

/// Returns the run length that each of several charts must be designed for, so that all of them together raise so many
/// false alarms in a time, in which they take in `observations` together.
///
/// The number of charts plays no part: an observation without a change raises an alarm as often on one chart as on many.
///
/// # Errors
/// [`StatsError::Value`] of a number of alarms that is not above 0, or more than there are observations.
pub fn pooled(observations: u64, false_alarms: f64) -> Result<f64, StatsError> {
    if false_alarms > 0.0 && false_alarms <= real(observations) {
        Ok(real(observations) / false_alarms)
    } else {
        Err(StatsError::Value(false_alarms))
    }
}

/// An exponentially weighted moving average of standardised values that watches for a mean to move either way.
///
/// Source: Lucas and Saccucci, Technometrics 32 (1990), 1–12.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ewma {
    weight: f64,
    limit: f64,
}

impl Ewma {
    /// Returns a chart that gives each new value this `weight` and raises its alarm `width` standard deviations of the
    /// average away from 0.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a weight outside of `(0, 1]` or a width outside of `(0, 10]`.
    pub fn new(weight: f64, width: f64) -> Result<Self, StatsError> {
        if !(weight > 0.0 && weight <= 1.0) {
            return Err(StatsError::Value(weight));
        }
        if !(width > 0.0 && width <= 10.0) {
            return Err(StatsError::Value(width));
        }
        Ok(Self { weight, limit: width * (weight / (2.0 - weight)).sqrt() })
    }

    /// Returns the chart of this weight with at least so many observations on average to a false alarm, its width as small
    /// as that allows, to three digits behind the point.
    ///
    /// # Errors
    /// As [`Ewma::new`]; [`StatsError::Value`] of a run length outside of `1.0..=`[`RUN_LENGTH_MAX`], or that no width up to
    /// 10 reaches.
    pub fn designed(weight: f64, run_length: f64) -> Result<Self, StatsError> {
        if !(1.0..=RUN_LENGTH_MAX).contains(&run_length) {
            return Err(StatsError::Value(run_length));
        }
        let (mut low, mut high) = (1_u32, 7_000_u32);
        let with = |thousandths: u32| Self::new(weight, f64::from(thousandths) / 1_000.0);
        while low < high {
            let middle = low + (high - low) / 2;
            if with(middle)?.run_length(0.0)? >= run_length {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        if with(low)?.run_length(0.0)? >= run_length { with(low) } else { Err(StatsError::Value(run_length)) }
    }

    /// Returns the average at which the alarm is raised, either way, in standard deviations of a value.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// Returns the average after one more value, in standard deviations from where it should be; begin with 0.
    pub fn after(&self, average: f64, value: f64) -> f64 {
        average + self.weight * (value - average)
    }

    /// Returns whether an average raises the alarm.
    pub fn alarms(&self, average: f64) -> bool {
        average.abs() >= self.limit
    }

    /// Returns the mean number of values to the alarm, from an average of 0, where their mean lies `shift` standard
    /// deviations off.
    ///
    /// Solves the chain of averages of normal values, its range parted into equal cells.
    /// Source: Brook and Evans, Biometrika 59 (1972), 539–549, as Lucas and Saccucci do.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a shift that is not finite, [`StatsError::TooLarge`] of a length beyond reckoning.
    pub fn run_length(&self, shift: f64) -> Result<f64, StatsError> {
        if !shift.is_finite() {
            return Err(StatsError::Value(shift));
        }
        let cell = 2.0 * self.limit / real(AVERAGES as u64);
        let middle = |place: usize| -self.limit + (real(place as u64) + 0.5) * cell;
        let mut chain = Chain::new(AVERAGES, AVERAGES - 1, AVERAGES - 1);
        for at in 0..AVERAGES {
            let kept = (1.0 - self.weight) * middle(at);
            let below = |average: f64| normal_below((average - kept) / self.weight - shift);
            // From above, which keeps the digits of what is rare there.
            let above = |average: f64| normal_below(shift - (average - kept) / self.weight);
            for to in 0..AVERAGES {
                let (low, high) = (middle(to) - cell / 2.0, middle(to) + cell / 2.0);
                let within = (below(high) - below(low)).max(above(low) - above(high));
                chain.add(at, to, within.max(0.0));
            }
            chain.end(at, below(-self.limit) + above(self.limit));
        }
        chain.run_length(AVERAGES / 2)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "places on a small grid, none below 0")]
fn whole(place: f64) -> usize {
    place as usize
}

/// A chain of states that leads only to its neighbours, or to its end.
struct Chain {
    size: usize,
    below: usize,
    above: usize,
    /// Probability of each step to another state; steps that lead nowhere are left out.
    steps: Vec<f64>,
    /// Probability of the end, from each state.
    ends: Vec<f64>,
}

impl Chain {
    fn new(size: usize, below: usize, above: usize) -> Self {
        Self { size, below, above, steps: vec![0.0; size * (below + above + 1)], ends: vec![0.0; size] }
    }

    fn place(&self, from: usize, to: usize) -> usize {
        from * (self.below + self.above + 1) + to + self.below - from
    }

    fn add(&mut self, from: usize, to: usize, probability: f64) {
        if from != to {
            let place = self.place(from, to);
            self.steps[place] += probability;
        }
    }

    /// Leads to a place between two states, shared out by nearness.
    fn go(&mut self, from: usize, place: f64, probability: f64) {
        let near = whole(place).min(self.size - 1);
        let beyond = if near + 1 < self.size { place - real(near as u64) } else { 0.0 };
        self.add(from, near, probability * (1.0 - beyond));
        if beyond > 0.0 {
            self.add(from, near + 1, probability * beyond);
        }
    }

    fn end(&mut self, from: usize, probability: f64) {
        self.ends[from] += probability;
    }

    /// Returns how many steps it takes on average from a state to the end.
    ///
    /// States are taken out one by one, and what led through them is led past them. Nothing is ever subtracted, so that no
    /// length is too long to be exact. Source: Grassmann, Taksar and Heyman, Oper. Res. 33 (1985), 1107–1116.
    fn run_length(mut self, from: usize) -> Result<f64, StatsError> {
        let mut lengths = vec![1.0; self.size];
        let mut leaving = vec![0.0; self.size];
        for out in 0..self.size {
            let last = (out + self.above).min(self.size - 1);
            let steps: f64 = (out + 1..=last).map(|to| self.steps[self.place(out, to)]).sum();
            leaving[out] = self.ends[out] + steps;
            for past in out + 1..=(out + self.below).min(self.size - 1) {
                let share = self.steps[self.place(past, out)] / leaving[out];
                if share > 0.0 {
                    for to in out + 1..=last {
                        let step = self.steps[self.place(out, to)];
                        self.add(past, to, share * step);
                    }
                    self.ends[past] += share * self.ends[out];
                    lengths[past] += share * lengths[out];
                }
            }
        }
        for state in (0..self.size).rev() {
            let last = (state + self.above).min(self.size - 1);
            let after: f64 = (state + 1..=last).map(|to| self.steps[self.place(state, to)] * lengths[to]).sum();
            lengths[state] = (lengths[state] + after) / leaving[state];
        }
        let found = lengths.get(from).copied();
        found.filter(|length| length.is_finite() && *length >= 1.0).ok_or(StatsError::TooLarge)
    }
}

/// Returns the mean number of trials to the alarm of a chart over some simulated runs, none longer than `trials_max`.
///
/// It is there to check [`Cusum::run_length`] on one's own rates.
pub fn simulated_run_length(chart: &Cusum, rate: f64, runs: u32, trials_max: u64, seed: u64) -> f64 {
    let mut random = Random::new(seed);
    let mut trials = 0_u64;
    for _ in 0..runs {
        let mut sum = 0.0;
        for _ in 0..trials_max {
            trials += 1;
            sum = chart.after(sum, random.share() < rate);
            if chart.alarms(sum) {
                break;
            }
        }
    }
    real(trials) / f64::from(runs.max(1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_chart_of_rare_misses_is_designed_too() {
        for good in [0.005, 0.006_04, 0.01] {
            let chart = Cusum::designed(good, 3.0 * good, 2_000.0).unwrap();
            let length = chart.run_length(good).unwrap();
            assert!((2_000.0..2_600.0).contains(&length), "{good}: {length}");
        }
    }

    #[test]
    fn run_lengths_of_the_cumulative_sum_equal_their_references() {
        // Simulated by whoever wrote them down; to the last of their digits but one.
        for (alarm, good, bad) in [(3.0, 529.0, 36.0), (4.0, 1_515.0, 49.0)] {
            let chart = Cusum::new(0.05, 0.15, alarm).unwrap();
            let (found_good, found_bad) = (chart.run_length(0.05).unwrap(), chart.run_length(0.15).unwrap());
            assert!((found_good / good - 1.0).abs() < 0.02, "{alarm}: {found_good}");
            assert!((found_bad / bad - 1.0).abs() < 0.02, "{alarm}: {found_bad}");
        }
    }

    #[test]
    fn run_lengths_of_the_moving_average_equal_lucas_and_saccucci() {
        for (weight, width, unmoved, moved) in [(0.2, 2.86, 371.0, 9.8), (0.1, 2.703, 372.0, 9.75)] {
            let chart = Ewma::new(weight, width).unwrap();
            assert!((chart.run_length(0.0).unwrap() - unmoved).abs() < 1.5, "{}", chart.run_length(0.0).unwrap());
            assert!((chart.run_length(1.0).unwrap() - moved).abs() < 0.06, "{}", chart.run_length(1.0).unwrap());
            assert!((chart.run_length(-1.0).unwrap() - chart.run_length(1.0).unwrap()).abs() < 1e-6);
        }
        // With the whole weight on the newest value it is Shewhart's chart: 1 in 370.4 beyond three standard deviations.
        assert!((Ewma::new(1.0, 3.0).unwrap().run_length(0.0).unwrap() - 370.4).abs() < 0.1);
    }

    #[test]
    fn computed_run_lengths_agree_with_simulated_ones() {
        for (good, bad, alarm, rate) in [
            (0.05, 0.15, 3.0, 0.05),
            (0.02, 0.06, 2.5, 0.02),
            (0.02, 0.06, 2.5, 0.06),
            (0.1, 0.4, 2.0, 0.1),
            (0.001, 0.002, 1.5, 0.001),
        ] {
            let chart = Cusum::new(good, bad, alarm).unwrap();
            let (computed, simulated) =
                (chart.run_length(rate).unwrap(), simulated_run_length(&chart, rate, 4_000, 100_000, 9));
            // A run's length varies about as much as its mean: four standard errors.
            assert!((computed / simulated - 1.0).abs() < 0.065, "{good} {bad} {alarm} {rate}: {computed} {simulated}");
        }
    }

    #[test]
    fn a_defect_rate_that_trebles_at_one_site_alarms_there_and_nowhere_else() {
        // 2 % to 6 % at one of five sites that read 600 cases each, a hundred times over.
        let chart = Cusum::designed(0.02, 0.06, 20_000.0).unwrap();
        let within = 3.0 * chart.run_length(0.06).unwrap();
        let mut random = Random::new(2);
        let (mut found, mut false_alarms) = (0, 0);
        for _ in 0..100 {
            for site in 0..5 {
                let rate = if site == 3 { 0.06 } else { 0.02 };
                let mut sum = 0.0;
                let alarm = (0..600_u32).find(|_| {
                    sum = chart.after(sum, random.share() < rate);
                    chart.alarms(sum)
                });
                match alarm {
                    Some(trial) if site == 3 => found += u32::from(f64::from(trial) < within),
                    Some(_) => false_alarms += 1,
                    None => {}
                }
            }
        }
        // 240,000 readings without a change: 12 false alarms are designed for, less at the beginning, when sums are low.
        assert!(found >= 90 && false_alarms <= 24, "{found} of 100 within {within}, {false_alarms} elsewhere");
    }

    #[test]
    fn a_length_beyond_all_digits_of_one_is_still_longer_at_a_lower_rate() {
        // Solved by subtraction these came out in any order.
        let chart = Cusum::new(0.312, 0.344, 5.986).unwrap();
        let [low, middle, high] = [0.09, 0.135, 0.2].map(|rate| chart.run_length(rate).unwrap());
        assert!(low > 1e3 * middle && middle > 1e3 * high && high > 1e12, "{low:e} {middle:e} {high:e}");
    }

    #[test]
    fn a_designed_chart_keeps_its_run_length_with_the_lowest_alarm() {
        let chart = Cusum::designed(0.05, 0.15, 500.0).unwrap();
        // At most one false alarm in 500 gold answers, and a rate that trebles is seen within 40.
        assert!(chart.run_length(0.05).unwrap() >= 500.0 && chart.run_length(0.15).unwrap() < 40.0);
        // One step lower would not.
        let lower = Cusum::new(0.05, 0.15, chart.alarm() - 0.001).unwrap();
        assert!(lower.run_length(0.05).unwrap() < 500.0);
        let average = Ewma::designed(0.2, 370.4).unwrap();
        assert!((average.limit() / (0.2_f64 / 1.8).sqrt() - 2.86).abs() < 0.003);
        // 40 experts with 25 gold answers a month each, one false alarm in two months among them all.
        assert_eq!(pooled(40 * 25, 0.5), Ok(2_000.0));
        assert_eq!(pooled(10, 0.0), Err(StatsError::Value(0.0)));
    }

    #[test]
    fn an_alarm_is_raised_at_its_limit_and_never_below() {
        let chart = Cusum::new(0.05, 0.15, 3.0).unwrap();
        // Three misses of gold in a row pass 3 (three times 1.0986); two do not.
        let sum = chart.after(chart.after(0.0, true), true);
        assert!(!chart.alarms(sum) && chart.alarms(chart.after(sum, true)));
        assert!(chart.after(0.0, false).abs() < 1e-12 && chart.after(f64::NAN, true).abs() < 1e-12);
        let average = Ewma::new(0.5, 2.0).unwrap();
        assert!((average.after(1.0, 3.0) - 2.0).abs() < 1e-12 && average.alarms(-2.0) && !average.alarms(0.5));
    }

    #[test]
    fn charts_of_nonsense_are_refused() {
        assert_eq!(Cusum::new(0.2, 0.1, 3.0), Err(StatsError::Risks));
        assert_eq!(Cusum::new(0.0, 0.1, 3.0), Err(StatsError::Value(0.0)));
        assert!(Cusum::new(0.1, f64::NAN, 3.0).is_err() && Cusum::new(0.1, 0.2, f64::INFINITY).is_err());
        assert_eq!(Cusum::new(0.1, 0.2, 3.0).unwrap().run_length(0.0), Err(StatsError::NoTrials));
        assert_eq!(Ewma::new(0.0, 3.0), Err(StatsError::Value(0.0)));
        assert!(Ewma::new(0.2, f64::NAN).is_err() && Ewma::new(0.2, 3.0).unwrap().run_length(f64::NAN).is_err());
        assert_eq!(Cusum::designed(0.05, 0.15, 0.0), Err(StatsError::Value(0.0)));
    }

    proptest! {
        #[test]
        fn run_lengths_are_numbers_and_shorter_where_the_rate_is_higher(good in 0.001_f64..0.5, times in 1.1_f64..5.0, alarm in 0.01_f64..6.0, rate in 0.001_f64..0.9) {
            let bad = (good * times).min(0.99);
            let chart = Cusum::new(good, bad, alarm).unwrap();
            match (chart.run_length(rate), chart.run_length((rate * 1.5).min(1.0))) {
                (Ok(length), Ok(shorter)) => {
                    prop_assert!(length.is_finite() && length >= 1.0);
                    prop_assert!(shorter <= length * (1.0 + 1e-6));
                }
                (length, _) => prop_assert!(length.is_err() || length.is_ok_and(f64::is_finite)),
            }
        }
    }
}
