//! Intervals of coefficients of agreement from the data's own spread: units are drawn again, and again.

use super::{Interval, SPREAD_MIN, tail};
use crate::{
    StatsError,
    agreement::{Coefficient, Counts, Scale},
    random::Random,
};

/// Fewest resamples; fewer leave the ends to chance.
pub const RESAMPLES_MIN: u32 = 200;
/// Most resamples.
pub const RESAMPLES_MAX: u32 = 100_000;

/// Units with two values below which the interval is too narrow to be shown: at 5 of them 84 in a hundred held alpha when
/// simulated, at 10 between 81 and 92, at 20 between 91 and 96, at 30 and more 94 and 95.
pub const BOOTSTRAP_UNITS_MIN: u64 = 10;

/// A value beyond so many resamples to one side is not what they are spread around, however narrow an interval is asked for.
const EXCLUDED_TAIL: f64 = 0.025;

/// At most one resample in so many may have no value; beyond that the interval would be one of the lucky ones only.
const UNDEFINED_ONE_IN: u32 = 20;

/// Returns the percentile bootstrap interval of each of some coefficients of the same units, within `-1.0..=1.0`.
///
/// Units are drawn again with replacement, as many as there are, `resamples` times
/// ([`RESAMPLES_MIN`]`..=`[`RESAMPLES_MAX`]; 1,000 serve for display), the same draws for every coefficient. They are drawn
/// by their distinct patterns of counts, all of a pattern at once: a million units cost no more than as many patterns. The
/// same counts, however ordered, and the same `seed` give the same interval. Resamples in which a coefficient has no value,
/// because they fall on one class only, are left out.
/// Source: Efron and Tibshirani, *An Introduction to the Bootstrap* (1993), section 13.3, over units as in Hayes and
/// Krippendorff, Commun. Methods Meas. 1 (2007), 77–89.
///
/// # Errors
/// [`StatsError::Resamples`], [`StatsError::Confidence`]; in place of a single interval what the coefficient itself is
/// refused with, or [`StatsError::NoSpread`] if all resamples give one value, as in perfect agreement, or more than 5 % none,
/// or [`StatsError::Resampled`] if the middle 95 % of them, or as many as asked for, do not hold the value itself, as where
/// most classes were given once.
pub fn bootstrap(
    counts: &Counts,
    coefficients: &[Coefficient],
    confidence: f64,
    resamples: u32,
    seed: u64,
) -> Result<Vec<Result<Interval, StatsError>>, StatsError> {
    let tail = tail(confidence)?;
    if !(RESAMPLES_MIN..=RESAMPLES_MAX).contains(&resamples) {
        return Err(StatsError::Resamples(resamples));
    }
    let mut spreads: Vec<_> = coefficients
        .iter()
        .map(|coefficient| {
            let figure = counts.figure(coefficient)?;
            let value = figure.value()?;
            Ok::<_, StatsError>((figure, value, Vec::new(), 0))
        })
        .collect();
    if spreads.iter().any(Result::is_ok) {
        let times = counts.times();
        let units = times.iter().sum();
        let mut random = Random::new(seed);
        for _ in 0..resamples {
            let drawn = random.multinomial(units, &times);
            for (figure, _, values, undefined) in spreads.iter_mut().flatten() {
                match figure.value_of(&drawn) {
                    Ok(value) => values.push(value),
                    Err(_) => *undefined += 1,
                }
            }
        }
    }
    let found = spreads.into_iter().map(|spread| {
        let (_, value, mut values, undefined) = spread?;
        if undefined > resamples / UNDEFINED_ONE_IN {
            return Err(StatsError::NoSpread);
        }
        let ends = middle(&mut values, tail)?;
        let wide = middle(&mut values, tail.min(EXCLUDED_TAIL))?;
        let held = wide.lower - SPREAD_MIN <= value && value <= wide.upper + SPREAD_MIN;
        if held { Ok(ends) } else { Err(StatsError::Resampled) }
    });
    Ok(found.collect())
}

/// Returns the percentile bootstrap interval of Krippendorff's nominal alpha, within `-1.0..=1.0`; see [`bootstrap`].
///
/// # Errors
/// As [`bootstrap`].
pub fn alpha(counts: &Counts, confidence: f64, resamples: u32, seed: u64) -> Result<Interval, StatsError> {
    let found = bootstrap(counts, &[Coefficient::Alpha(Scale::Nominal)], confidence, resamples, seed)?;
    found.into_iter().next().unwrap_or(Err(StatsError::NoSpread))
}

/// Returns the ends of the middle of some values, with a share of them outside of each.
fn middle(values: &mut [f64], tail: f64) -> Result<Interval, StatsError> {
    values.sort_unstable_by(f64::total_cmp);
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return Err(StatsError::NoSpread) };
    if last - first < SPREAD_MIN {
        return Err(StatsError::NoSpread);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most half of the values")]
    let outside = (tail * crate::real(values.len() as u64)) as usize;
    let outside = outside.min((values.len() - 1) / 2);
    Ok(Interval { lower: values[outside], upper: values[values.len() - 1 - outside] })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::prelude::*;

    use super::*;
    use crate::agreement::{Undefined, Weights};

    fn counts(patterns: &[([u32; 2], u32)]) -> Counts {
        let mut counts = Counts::new(2).unwrap();
        for (unit, times) in patterns {
            for _ in 0..*times {
                counts.add(unit).unwrap();
            }
        }
        counts
    }

    #[test]
    fn perfect_agreement_has_no_interval_rather_than_a_certain_one() {
        assert_eq!(alpha(&counts(&[([2, 0], 50), ([0, 2], 50)]), 0.95, 1_000, 1), Err(StatsError::NoSpread));
    }

    #[test]
    fn what_resamples_never_give_has_no_interval() {
        // Each class was given once: drawn again, a unit meets itself and alpha moves off 0, to one side alone.
        let mut each = Counts::new(60).unwrap();
        for unit in 0..30 {
            let mut values = vec![0; 60];
            (values[2 * unit], values[2 * unit + 1]) = (1, 1);
            each.add(&values).unwrap();
        }
        let value = each.alpha().unwrap();
        let found = alpha(&each, 0.95, 1_000, 1);
        assert_eq!(found, Err(StatsError::Resampled), "{value}");
    }

    #[test]
    fn a_class_too_rare_to_be_drawn_again_has_no_interval() {
        // The one unit with the rare class is missing from more than a third of the resamples.
        assert_eq!(alpha(&counts(&[([2, 0], 99), ([1, 1], 1)]), 0.95, 1_000, 1), Err(StatsError::NoSpread));
    }

    #[test]
    fn the_bootstrap_of_alpha_repeats_and_comes_near_the_large_sample_interval() {
        // 400 + 400 of 1,000 units agreed: with equal margins and many units alpha is kappa, 0.6 +- 1.96 * 0.0253.
        let even = counts(&[([2, 0], 400), ([1, 1], 200), ([0, 2], 400)]);
        let found = alpha(&even, 0.95, 2_000, 7).unwrap();
        assert_eq!(alpha(&even, 0.95, 2_000, 7), Ok(found));
        assert_ne!(alpha(&even, 0.95, 2_000, 8), Ok(found));
        assert!((found.lower - 0.550).abs() < 0.01 && (found.upper - 0.650).abs() < 0.01, "{found:?}");
        let narrow = alpha(&even, 1e-300, 200, 7).unwrap();
        assert!(narrow.lower <= narrow.upper && narrow.lower > found.lower && narrow.upper < found.upper);
    }

    #[test]
    fn the_bootstrap_refuses_what_it_cannot_answer() {
        let even = counts(&[([2, 0], 4), ([1, 1], 2), ([0, 2], 4)]);
        assert_eq!(alpha(&even, 0.95, 0, 1), Err(StatsError::Resamples(0)));
        assert_eq!(alpha(&even, 0.95, u32::MAX, 1), Err(StatsError::Resamples(u32::MAX)));
        assert_eq!(alpha(&even, 0.0, 1_000, 1), Err(StatsError::Confidence(0.0)));
        assert_eq!(alpha(&counts(&[]), 0.95, 1_000, 1), Err(Undefined::NoPairs.into()));
        assert_eq!(alpha(&counts(&[([2, 0], 9)]), 0.95, 1_000, 1), Err(Undefined::OneClass.into()));
    }

    #[test]
    fn many_coefficients_share_their_draws_and_fail_each_for_itself() {
        let even = counts(&[([2, 0], 400), ([1, 1], 200), ([0, 2], 400), ([1, 0], 50)]);
        let coefficients = [
            Coefficient::Alpha(Scale::Nominal),
            Coefficient::Gwet(Weights::identity(2).unwrap()),
            Coefficient::Alpha(Scale::Interval(vec![1.0])),
            Coefficient::ShareAgreed,
        ];
        let found = bootstrap(&even, &coefficients, 0.95, 500, 3).unwrap();
        assert_eq!(found[0], alpha(&even, 0.95, 500, 3));
        assert_eq!(found[2], Err(StatsError::Shape { found: 1, wanted: 2 }));
        let (kappa, agreed) = (found[1].unwrap(), found[3].unwrap());
        // With two classes used alike AC1 is nearly 2 P - 1.
        assert!(
            (kappa.lower - (2.0 * agreed.lower - 1.0)).abs() < 0.01
                && (kappa.upper - (2.0 * agreed.upper - 1.0)).abs() < 0.01
        );
        assert!((agreed.lower - 0.775).abs() < 0.008 && (agreed.upper - 0.825).abs() < 0.008, "{agreed:?}");
    }

    #[test]
    fn the_bootstrap_covers_nearly_as_often_as_it_says() {
        // Two raters of two even classes who agree on 80 % of the units: alpha is 0.6 but for chance.
        let mut random = Random::new(11);
        let covered = (0..400)
            .filter(|round| {
                let drawn = random.multinomial(200, &[40, 20, 40]);
                let times = |kind: usize| u32::try_from(drawn[kind]).unwrap();
                let found = counts(&[([2, 0], times(0)), ([1, 1], times(1)), ([0, 2], times(2))]);
                let found = alpha(&found, 0.95, 400, *round).unwrap();
                found.lower <= 0.6 && 0.6 <= found.upper
            })
            .count();
        // 95 % of 400 less and plus three standard errors.
        assert!((366..=394).contains(&covered), "{covered}");
    }

    proptest! {
        #[test]
        fn the_bootstrap_stays_in_range(agreed in 0_u32..20, split in 0_u32..20, other in 0_u32..20, seed in any::<u64>()) {
            if let Ok(found) = alpha(&counts(&[([2, 0], agreed), ([1, 1], split), ([0, 2], other)]), 0.9, 200, seed) {
                prop_assert!(-1.0 <= found.lower && found.lower <= found.upper && found.upper <= 1.0);
            }
        }
    }
}
