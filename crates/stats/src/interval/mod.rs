//! Intervals around a share, a count in a finite lot and a coefficient of agreement, at a stated confidence.
//!
//! `confidence` lies strictly between 0 and 1 everywhere; `0.95` means 95 %. [`wilson`] is for display, [`clopper_pearson`]
//! for a promise, [`jeffreys`] for few trials, [`finite`] where the sample is a good part of the lot, [`clustered`] where trials
//! come in bunches.

mod bootstrap;
mod exact;

pub use bootstrap::{BOOTSTRAP_UNITS_MIN, RESAMPLES_MAX, RESAMPLES_MIN, alpha, bootstrap};
pub use exact::{Bounds, TRIALS_MAX, clopper_pearson, finite, jeffreys};

use crate::{StatsError, agreement::Kappa, real, special::normal_quantile};

/// Units below which the large-sample interval of [`kappa`] is too narrow to be shown: at 20 of them 93 in a hundred held kappa
/// when simulated, at 3 of them 69.
pub const KAPPA_UNITS_MIN: u64 = 20;

/// Spread below this is rounding, not knowledge.
const SPREAD_MIN: f64 = 1e-12;

/// An interval; `lower <= upper`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

/// Returns the Wilson score interval for `hits` out of `n`, as fractions in `0.0..=1.0`.
///
/// No hits give a lower end of exactly 0, no misses an upper end of exactly 1. Agrees with the vectors in this file's
/// tests to 1e-9. Source: Wilson, J. Am. Stat. Assoc. 22 (1927), 209–212.
///
/// # Errors
/// [`StatsError::NoTrials`] if `n` is zero, [`StatsError::HitsExceedTrials`] if `hits > n`,
/// [`StatsError::Confidence`].
pub fn wilson(hits: u64, n: u64, confidence: f64) -> Result<Interval, StatsError> {
    let z = two_sided(confidence)?;
    let misses = misses(hits, n)?;
    Ok(score(real(hits), real(misses), z))
}

/// Returns the Wilson interval for hits that came in clusters, `(hits, n)` of each, such as the questions of one case: those
/// of one cluster are alike, and so many answers tell less than as many from clusters of their own.
///
/// Hits and misses are divided by the design effect, the variance of the share as a ratio over clusters to that of independent
/// trials, taken to lie between 1 and the mean size of a cluster; where all hit or none does, no effect can be seen, and each
/// cluster counts as one trial. Empty clusters count for nothing. With 5 clusters or more of three, whatever their likeness,
/// between 93 and 98 in a hundred intervals held the share when simulated.
/// Source: Rao and Scott, Biometrics 48 (1992), 577–585, with Wilson's interval in place of the normal one.
///
/// # Errors
/// As [`wilson`], of the sums.
pub fn clustered(clusters: &[(u64, u64)], confidence: f64) -> Result<Interval, StatsError> {
    let z = two_sided(confidence)?;
    let sum = |of: fn(&(u64, u64)) -> u64| clusters.iter().map(of).fold(0, u64::saturating_add);
    let (hits, n) = (sum(|cluster| cluster.0), sum(|cluster| cluster.1));
    let misses = misses(hits, n)?;
    let filled = real(clusters.iter().filter(|cluster| cluster.1 > 0).count() as u64);
    let (share, size) = (real(hits) / real(n), real(n) / filled);
    let spread: f64 = clusters.iter().map(|(hits, n)| (real(*hits) - share * real(*n)).powi(2)).sum();
    let independent = share * (1.0 - share) * real(n);
    let effect = if filled > 1.0 && independent > 0.0 {
        (spread * filled / (filled - 1.0) / independent).clamp(1.0, size.max(1.0))
    } else {
        size
    };
    Ok(score(real(hits) / effect, real(misses) / effect, z))
}

/// Returns Wilson's interval for counts that need not be whole.
fn score(hits: f64, misses: f64, z: f64) -> Interval {
    let n = hits + misses;
    // The textbook's lower end, `(hits + z²/2 - root) / (n + z²)`, multiplied out with its conjugate: nothing cancels
    // when hits are few. The upper end is one less the lower end of the misses.
    let root = z * (hits * misses / n + z * z / 4.0).sqrt();
    let lower_of = |count: f64| if count > 0.0 { count * (count / n) / (count + z * z / 2.0 + root) } else { 0.0 };
    Interval { lower: lower_of(hits), upper: 1.0 - lower_of(misses) }
}

/// Returns the large-sample interval of a kappa, `value ± z · standard_error`, cut to `-1.0..=1.0`.
///
/// It is only as good as its normal approximation: below [`KAPPA_UNITS_MIN`] units, or with kappa near 1, it is too narrow.
/// Source: Fleiss, Cohen and Everitt, Psychol. Bull. 72 (1969), 323–327.
///
/// # Errors
/// [`StatsError::NoSpread`] if the standard error is zero, as in perfect agreement, where the formula would claim
/// certainty from any number of units; [`StatsError::Confidence`].
pub fn kappa(kappa: &Kappa, confidence: f64) -> Result<Interval, StatsError> {
    let reach = two_sided(confidence)? * kappa.standard_error;
    if kappa.standard_error < SPREAD_MIN {
        return Err(StatsError::NoSpread);
    }
    Ok(Interval { lower: (kappa.value - reach).max(-1.0), upper: (kappa.value + reach).min(1.0) })
}

/// Returns the probability beyond each end of a two-sided interval.
pub(crate) fn tail(confidence: f64) -> Result<f64, StatsError> {
    if confidence > 0.0 && confidence < 1.0 {
        Ok((1.0 - confidence) / 2.0)
    } else {
        Err(StatsError::Confidence(confidence))
    }
}

/// Returns the trials that did not hit.
fn misses(hits: u64, n: u64) -> Result<u64, StatsError> {
    if n == 0 {
        return Err(StatsError::NoTrials);
    }
    n.checked_sub(hits).ok_or(StatsError::HitsExceedTrials { hits, n })
}

/// Returns how many standard deviations a normal interval of this confidence reaches to each side.
fn two_sided(confidence: f64) -> Result<f64, StatsError> {
    Ok(-normal_quantile(tail(confidence)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::prelude::*;

    use super::*;
    use crate::agreement::Pairs;

    #[test]
    fn wilson_equals_its_formula_at_forty_digits() {
        // Computed with mpmath at 40 digits; to four digits also statsmodels 0.15.0, `proportion_confint`.
        for (hits, n, confidence, lower, upper) in [
            (8, 80, 0.95, 0.051_547_615_567_380_8, 0.185_106_888_061_041),
            (0, 50, 0.95, 0.0, 0.071_347_599_133_358_7),
            (1, 10, 0.95, 0.017_876_213_095_072_9, 0.404_150_026_795_238),
            (263, 300, 0.95, 0.834_626_275_971_177, 0.909_182_685_706_332),
            (3, 1500, 0.99, 0.000_505_324_563_690_812, 0.007_880_845_589_095_13),
            (50, 50, 0.9, 0.948_666_814_213_73, 1.0),
            (1, 1_000_000_000_000, 0.95, 1.765_245_549_351_75e-13, 5.664_934_265_736_51e-12),
        ] {
            let found = wilson(hits, n, confidence).unwrap();
            assert!((found.lower - lower).abs() < 1e-9, "{hits} of {n}: {found:?}");
            assert!((found.upper - upper).abs() < 1e-9, "{hits} of {n}: {found:?}");
        }
        // No digits are lost where hits are few.
        let lower = wilson(1, 1_000_000_000_000, 0.95).unwrap().lower;
        assert!((lower / 1.765_245_549_351_75e-13 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn wilson_refuses_what_is_not_a_share() {
        assert_eq!(wilson(0, 0, 0.95), Err(StatsError::NoTrials));
        assert_eq!(wilson(3, 2, 0.95), Err(StatsError::HitsExceedTrials { hits: 3, n: 2 }));
        for confidence in [0.0, 1.0, -0.5, 95.0, f64::INFINITY] {
            assert_eq!(wilson(1, 2, confidence), Err(StatsError::Confidence(confidence)));
        }
        assert!(wilson(1, 2, f64::NAN).is_err());
    }

    #[test]
    fn answers_of_one_case_tell_less_than_as_many_cases() {
        let near = |found: Interval, wanted: Interval| {
            assert!(
                (found.lower - wanted.lower).abs() < 1e-12 && (found.upper - wanted.upper).abs() < 1e-12,
                "{found:?}"
            );
        };
        // All or nothing in each of five cases of three questions: four of five cases.
        near(clustered(&[(3, 3), (3, 3), (3, 3), (3, 3), (0, 3)], 0.95).unwrap(), wilson(4, 5, 0.95).unwrap());
        // Spread over the cases as evenly as can be, they are as good as independent.
        near(clustered(&[(2, 3), (3, 3), (2, 3), (3, 3), (2, 3)], 0.95).unwrap(), wilson(12, 15, 0.95).unwrap());
        // Where all are right nothing tells how alike answers are: cases count.
        near(clustered(&[(3, 3); 5], 0.95).unwrap(), wilson(5, 5, 0.95).unwrap());
        near(clustered(&[(2, 3)], 0.95).unwrap(), score(2.0 / 3.0, 1.0 / 3.0, two_sided(0.95).unwrap()));
        // By hand: share .6, sum of (h - .6 n)^2 = 2.96, times 4/3, to .24 times 10: an effect of 74/45.
        let found = clustered(&[(3, 3), (0, 2), (2, 3), (1, 2), (0, 0)], 0.95).unwrap();
        near(found, score(6.0 * 45.0 / 74.0, 4.0 * 45.0 / 74.0, two_sided(0.95).unwrap()));
        // One question a case is Wilson's own interval.
        near(clustered(&[(1, 1), (0, 1), (1, 1)], 0.95).unwrap(), wilson(2, 3, 0.95).unwrap());
        assert_eq!(clustered(&[], 0.95), Err(StatsError::NoTrials));
        assert!(clustered(&[(5, 6), (1, 6)], 0.95).unwrap().lower < wilson(6, 12, 0.95).unwrap().lower);
        assert_eq!(clustered(&[(3, 2)], 0.95), Err(StatsError::HitsExceedTrials { hits: 3, n: 2 }));
    }

    #[test]
    fn kappa_reaches_as_far_as_its_standard_error() {
        let even = Pairs::from_cells(2, vec![20, 5, 10, 15]).unwrap().kappa().unwrap();
        let found = kappa(&even, 0.95).unwrap();
        assert!((found.lower - (0.4 - 1.959_964 * 0.126_996)).abs() < 1e-5);
        assert!((found.upper - (0.4 + 1.959_964 * 0.126_996)).abs() < 1e-5);
        assert_eq!(kappa(&even, 1.0), Err(StatsError::Confidence(1.0)));
    }

    #[test]
    fn perfect_agreement_has_no_interval_rather_than_a_certain_one() {
        let perfect = Pairs::from_cells(2, vec![7, 0, 0, 3]).unwrap().kappa().unwrap();
        assert!((perfect.value - 1.0).abs() < 1e-12);
        assert_eq!(kappa(&perfect, 0.95), Err(StatsError::NoSpread));
    }

    proptest! {
        #[test]
        fn wilson_holds_the_share_within_the_unit_interval(a in any::<u64>(), b in any::<u64>(), confidence in 0.001_f64..0.999_999) {
            let (hits, n) = (a.min(b), a.max(b).max(1));
            let found = wilson(hits, n, confidence).unwrap();
            let share = real(hits) / real(n);
            prop_assert!(0.0 <= found.lower && found.upper <= 1.0);
            prop_assert!(found.lower <= share + 1e-12 && share <= found.upper + 1e-12);
        }

        #[test]
        fn wilson_of_the_misses_is_the_mirror_of_the_hits(hits in 0_u64..50, misses in 1_u64..50) {
            let (straight, mirror) = (wilson(hits, hits + misses, 0.95).unwrap(), wilson(misses, hits + misses, 0.95).unwrap());
            prop_assert!((straight.lower - (1.0 - mirror.upper)).abs() < 1e-12);
            prop_assert!((straight.upper - (1.0 - mirror.lower)).abs() < 1e-12);
        }
    }
}
