//! How far raters agree on measured numbers: intraclass correlations with their intervals.
//!
//! A correlation of 1 means that all the difference between values is between units; near 0, that units differ no more
//! than raters do on one of them. McGraw and Wong's names: (1) any raters, (A,1) the same raters with their levels counted
//! as disagreement, (C,1) the same raters with their levels forgiven.

use crate::{StatsError, interval::Interval, real, special::f_quantile};

/// An intraclass correlation of single values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correlation {
    /// At most 1.
    pub value: f64,
    /// Its interval; none where raters never differ, or differ by their levels alone, for any number of units would then claim
    /// certainty.
    pub interval: Option<Interval>,
}

/// Values by unit; all raters may differ from unit to unit.
///
/// # Errors of its figures
/// [`StatsError::TooFewUnits`] unless two units have values and one of them two, [`StatsError::NoSpread`] if no values
/// differ, [`StatsError::Confidence`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Numbers {
    units: Vec<Vec<f64>>,
}

impl Numbers {
    /// Adds one unit with the values that its raters gave. A unit without any is left out.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a value that is not finite or beyond 10^150.
    pub fn add(&mut self, values: &[f64]) -> Result<(), StatsError> {
        if let Some(&value) = values.iter().find(|value| value.abs().total_cmp(&VALUE_MAX).is_gt()) {
            return Err(StatsError::Value(value));
        }
        if !values.is_empty() {
            self.units.push(values.to_vec());
        }
        Ok(())
    }

    /// Returns how many units have two values or more.
    pub fn pairable(&self) -> u64 {
        self.units.iter().filter(|unit| unit.len() >= 2).count() as u64
    }

    /// Returns ICC(1): one-way, whoever the raters are. Units may differ in their number of values; the interval is then an
    /// approximation, with the number that the variance of the units' means implies.
    ///
    /// Sources: McGraw and Wong, Psychol. Methods 1 (1996), 30–46, case 1; Searle, *Linear Models* (1971), section 9.9, for
    /// unlike numbers.
    pub fn icc_1(&self, confidence: f64) -> Result<Correlation, StatsError> {
        let units = real(self.units.len() as u64);
        let total: f64 = self.units.iter().map(|unit| real(unit.len() as u64)).sum();
        if units < 2.0 || total <= units {
            return Err(StatsError::TooFewUnits);
        }
        let values = self.stretched()?;
        let grand = mean(values.iter().flatten());
        let (mut between, mut within, mut squares) = (0.0, 0.0, 0.0);
        for unit in &values {
            let (own, size) = (mean(unit), real(unit.len() as u64));
            between += size * (own - grand).powi(2);
            within += unit.iter().map(|value| (value - own).powi(2)).sum::<f64>();
            squares += size * size;
        }
        let raters = (total - squares / total) / (units - 1.0);
        let (between, within) = (between / (units - 1.0), within / (total - units));
        consistency(between, within, raters, [units - 1.0, total - units], confidence)
    }

    /// Returns ICC(C,1): two-way, consistency. Each unit's values must be by the same raters in the same order.
    ///
    /// Source: McGraw and Wong (1996), case 3; ICC(3,1) of Shrout and Fleiss, Psychol. Bull. 86 (1979), 420–428.
    ///
    /// # Errors
    /// As above; [`StatsError::Shape`] if units have different numbers of values.
    pub fn icc_consistency(&self, confidence: f64) -> Result<Correlation, StatsError> {
        let TwoWay { units, raters, by_unit, rest, .. } = self.two_way()?;
        consistency(by_unit, rest, raters, [units - 1.0, (units - 1.0) * (raters - 1.0)], confidence)
    }

    /// Returns ICC(A,1): two-way, absolute agreement. Each unit's values must be by the same raters in the same order.
    ///
    /// Source: McGraw and Wong (1996), case 2, their table 7 for the interval; ICC(2,1) of Shrout and Fleiss (1979).
    ///
    /// # Errors
    /// As [`Numbers::icc_consistency`].
    pub fn icc_agreement(&self, confidence: f64) -> Result<Correlation, StatsError> {
        let tail = tail(confidence)?;
        let TwoWay { units, raters, by_unit, by_rater, rest } = self.two_way()?;
        let value = (by_unit - rest) / (by_unit + (raters - 1.0) * rest + raters / units * (by_rater - rest));
        if value > 1.0 - f64::EPSILON {
            return Ok(Correlation { value: 1.0, interval: None });
        }
        let ratio = raters * value / (units * (1.0 - value));
        let (a, b) = (ratio, 1.0 + ratio * (units - 1.0));
        let freedom = (a * by_rater + b * rest).powi(2)
            / ((a * by_rater).powi(2) / (raters - 1.0) + (b * rest).powi(2) / ((units - 1.0) * (raters - 1.0)));
        // Where the mean squares cancel no freedom is left, and where all but the levels agrees nothing is left to vary:
        // neither end can be told.
        if !freedom.is_finite() || freedom < f64::EPSILON || rest <= by_unit * f64::EPSILON {
            return Ok(Correlation { value, interval: None });
        }
        let noise = raters * by_rater + (raters * units - raters - units) * rest;
        let (low, high) = (f_quantile(units - 1.0, freedom, 1.0 - tail), f_quantile(freedom, units - 1.0, 1.0 - tail));
        let lower = units * (by_unit - low * rest) / (low * noise + units * by_unit);
        let upper = units * (high * by_unit - rest) / (noise + units * high * by_unit);
        Ok(Correlation { value, interval: Some(ordered(lower, value, upper)) })
    }

    fn two_way(&self) -> Result<TwoWay, StatsError> {
        let raters = self.units.first().map_or(0, Vec::len);
        if let Some(unit) = self.units.iter().find(|unit| unit.len() != raters) {
            return Err(StatsError::Shape { found: unit.len(), wanted: raters });
        }
        if self.units.len() < 2 || raters < 2 {
            return Err(StatsError::TooFewUnits);
        }
        let values = self.stretched()?;
        let grand = mean(values.iter().flatten());
        let levels: Vec<f64> = (0..raters).map(|rater| mean(values.iter().map(|unit| &unit[rater]))).collect();
        let (mut by_unit, mut rest) = (0.0, 0.0);
        for unit in &values {
            let own = mean(unit);
            by_unit += (own - grand).powi(2);
            rest += unit.iter().zip(&levels).map(|(value, level)| (value - own - level + grand).powi(2)).sum::<f64>();
        }
        let by_rater: f64 = levels.iter().map(|level| (level - grand).powi(2)).sum();
        let (units, raters) = (real(self.units.len() as u64), real(raters as u64));
        Ok(TwoWay {
            units,
            raters,
            by_unit: raters * by_unit / (units - 1.0),
            by_rater: units * by_rater / (raters - 1.0),
            rest: rest / ((units - 1.0) * (raters - 1.0)),
        })
    }

    /// Returns the values moved and stretched into `0.0..=1.0`, which leaves every correlation as it is.
    fn stretched(&self) -> Result<Vec<Vec<f64>>, StatsError> {
        let all = || self.units.iter().flatten();
        let low = all().copied().fold(f64::INFINITY, f64::min);
        let range = all().copied().fold(f64::NEG_INFINITY, f64::max) - low;
        if range <= 0.0 {
            return Err(StatsError::NoSpread);
        }
        Ok(self.units.iter().map(|unit| unit.iter().map(|value| (value - low) / range).collect()).collect())
    }
}

/// Largest value of a number.
const VALUE_MAX: f64 = 1e150;

/// Mean squares of units by raters.
struct TwoWay {
    units: f64,
    raters: f64,
    by_unit: f64,
    by_rater: f64,
    rest: f64,
}

/// Returns the correlation that the ratio of two mean squares gives, with the interval of that ratio.
fn consistency(
    between: f64,
    within: f64,
    raters: f64,
    freedom: [f64; 2],
    confidence: f64,
) -> Result<Correlation, StatsError> {
    let tail = tail(confidence)?;
    if within <= between * f64::EPSILON {
        return Ok(Correlation { value: 1.0, interval: None });
    }
    let of_ratio = |ratio: f64| (ratio - 1.0) / (ratio + raters - 1.0);
    let ratio = between / within;
    let lower = of_ratio(ratio / f_quantile(freedom[0], freedom[1], 1.0 - tail));
    let upper = of_ratio(ratio * f_quantile(freedom[1], freedom[0], 1.0 - tail));
    Ok(Correlation { value: of_ratio(ratio), interval: Some(ordered(lower, of_ratio(ratio), upper)) })
}

/// Returns the interval cut to what a correlation can be, the value within it.
fn ordered(lower: f64, value: f64, upper: f64) -> Interval {
    let end = |end: f64, otherwise: f64| if end.is_nan() { otherwise } else { end.clamp(-1.0, 1.0) };
    Interval { lower: end(lower, -1.0).min(value), upper: end(upper, 1.0).max(value) }
}

fn mean<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    let (sum, count) = values.into_iter().fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

fn tail(confidence: f64) -> Result<f64, StatsError> {
    crate::interval::tail(confidence)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn numbers(units: &[Vec<f64>]) -> Numbers {
        let mut numbers = Numbers::default();
        for unit in units {
            numbers.add(unit).unwrap();
        }
        numbers
    }

    #[test]
    fn the_correlations_equal_shrout_and_fleiss() {
        // Shrout and Fleiss (1979), table 2: .17, .29, .71. Digits and intervals: numpy and scipy 1.12 by McGraw and Wong's
        // formulas, and pingouin, `intraclass_corr`.
        let judges = [
            [9.0, 2.0, 5.0, 8.0],
            [6.0, 1.0, 3.0, 2.0],
            [8.0, 4.0, 6.0, 8.0],
            [7.0, 1.0, 2.0, 6.0],
            [10.0, 5.0, 6.0, 9.0],
            [6.0, 2.0, 4.0, 7.0],
        ];
        let judges = numbers(&judges.map(Vec::from));
        for (found, value, lower, upper) in [
            (judges.icc_1(0.95), 0.165_741_768, -0.132_932_325, 0.722_560_062),
            (judges.icc_agreement(0.95), 0.289_763_780, 0.018_786_513, 0.761_084_370),
            (judges.icc_consistency(0.95), 0.714_840_715, 0.342_464_765, 0.945_858_260),
        ] {
            let found = found.unwrap();
            assert!((found.value - value).abs() < 1e-8, "{found:?}");
            let ends = found.interval.unwrap();
            assert!((ends.lower - lower).abs() < 1e-8 && (ends.upper - upper).abs() < 1e-8, "{found:?}");
        }
        assert_eq!(judges.pairable(), 6);
    }

    #[test]
    fn raters_who_agree_but_for_their_level_are_consistent_and_do_not_agree() {
        let shifted = numbers(&[vec![1.0, 3.0], vec![2.0, 4.0], vec![5.0, 7.0]]);
        assert!((shifted.icc_consistency(0.95).unwrap().value - 1.0).abs() < 1e-12);
        assert!(shifted.icc_agreement(0.95).unwrap().value < 0.75);
    }

    #[test]
    fn raters_who_never_differ_are_certain_of_nothing() {
        let alike = numbers(&[vec![1.0, 1.0], vec![2.0, 2.0], vec![3.0, 3.0]]);
        for found in [alike.icc_1(0.95), alike.icc_agreement(0.95), alike.icc_consistency(0.95)] {
            assert_eq!(found, Ok(Correlation { value: 1.0, interval: None }));
        }
        let shifted = numbers(&[vec![1.0, 3.0], vec![2.0, 4.0], vec![5.0, 7.0]]);
        assert_eq!(shifted.icc_agreement(0.95).map(|found| found.interval), Ok(None));
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        assert_eq!(numbers(&[]).icc_1(0.95), Err(StatsError::TooFewUnits));
        assert_eq!(numbers(&[vec![1.0], vec![2.0]]).icc_1(0.95), Err(StatsError::TooFewUnits));
        assert_eq!(numbers(&[vec![1.0, 1.0], vec![1.0, 1.0]]).icc_1(0.95), Err(StatsError::NoSpread));
        assert_eq!(
            numbers(&[vec![1.0, 2.0], vec![1.0]]).icc_agreement(0.95),
            Err(StatsError::Shape { found: 1, wanted: 2 })
        );
        assert_eq!(numbers(&[vec![1.0, 2.0], vec![1.0, 3.0]]).icc_1(1.5), Err(StatsError::Confidence(1.5)));
        assert!(matches!(Numbers::default().add(&[f64::NAN]), Err(StatsError::Value(_))));
        assert_eq!(Numbers::default().add(&[f64::INFINITY]), Err(StatsError::Value(f64::INFINITY)));
    }

    proptest! {
        #[test]
        fn no_values_give_anything_that_is_not_a_number(units in vec(vec(prop_oneof![-3.0..3.0_f64, -1e150..1e150_f64, Just(0.0)], 2), 0..8)) {
            let numbers = numbers(&units);
            for found in [numbers.icc_1(0.9), numbers.icc_consistency(0.9), numbers.icc_agreement(0.9)].into_iter().flatten() {
                prop_assert!(found.value <= 1.0 && found.value.is_finite(), "{:?}", found);
                prop_assert!(found.interval.is_none_or(|ends| ends.lower <= found.value && found.value <= ends.upper), "{:?}", found);
            }
        }

        #[test]
        fn the_order_of_units_and_raters_changes_nothing(units in vec(vec(-3.0..3.0_f64, 3), 2..8)) {
            let turned: Vec<Vec<f64>> = units.iter().rev().map(|unit| unit.iter().rev().copied().collect()).collect();
            let (units, turned) = (numbers(&units), numbers(&turned));
            for (one, other) in [(units.icc_1(0.9), turned.icc_1(0.9)), (units.icc_agreement(0.9), turned.icc_agreement(0.9))] {
                if let (Ok(one), Ok(other)) = (one, other) {
                    prop_assert!((one.value - other.value).abs() < 1e-9);
                }
            }
        }
    }
}
