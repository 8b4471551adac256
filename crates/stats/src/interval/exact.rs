//! Intervals that rest on the exact law of the hits: binomial for an endless process, hypergeometric for a finite lot.

use super::{Interval, misses, tail};
use crate::{
    StatsError,
    special::{Lot, beta_quantile},
};

/// Most trials of an exact interval; beyond them [`wilson`](super::wilson) differs in no digit that is shown.
pub const TRIALS_MAX: u64 = 1_000_000_000;

/// Bounds of a whole number; `lower <= upper`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Lower bound.
    pub lower: u64,
    /// Upper bound.
    pub upper: u64,
}

/// Returns the Clopper-Pearson interval for `hits` out of `n`, as fractions in `0.0..=1.0`.
///
/// It covers the true share at least as often as `confidence` says, whatever the share: the one for a promise. No hits give
/// a lower end of exactly 0, no misses an upper end of exactly 1. Agrees with the vectors in this file's tests to 1e-6.
/// Source: Clopper and Pearson, Biometrika 26 (1934), 404–413, by beta quantiles.
///
/// # Errors
/// [`StatsError::NoTrials`], [`StatsError::HitsExceedTrials`], [`StatsError::TooManyTrials`], [`StatsError::Confidence`].
pub fn clopper_pearson(hits: u64, n: u64, confidence: f64) -> Result<Interval, StatsError> {
    ends(hits, n, confidence, [0.0, 1.0])
}

/// Returns the Jeffreys interval for `hits` out of `n`: what is believed of a share of which nothing was known before.
///
/// As fractions in `0.0..=1.0`. No hits give a lower end of exactly 0, no misses an upper end of exactly 1, so that it
/// always holds the share found. On average it covers as often as it says, for single shares a little more or less.
/// Source: Brown, Cai and DasGupta, Stat. Sci. 16 (2001), 101–133, section 4.1.2.
///
/// # Errors
/// As [`clopper_pearson`].
pub fn jeffreys(hits: u64, n: u64, confidence: f64) -> Result<Interval, StatsError> {
    ends(hits, n, confidence, [0.5, 0.5])
}

/// Both ends from beta quantiles; `added` to hits and to misses for the lower end, turned round for the upper.
fn ends(hits: u64, n: u64, confidence: f64, added: [f64; 2]) -> Result<Interval, StatsError> {
    let tail = tail(confidence)?;
    let misses = misses(hits, n)?;
    if n > TRIALS_MAX {
        return Err(StatsError::TooManyTrials(n));
    }
    let lower_of = |count: u64, rest: u64| {
        if count == 0 { 0.0 } else { beta_quantile(crate::real(count) + added[0], crate::real(rest) + added[1], tail) }
    };
    let (lower, upper) = (lower_of(hits, misses), 1.0 - lower_of(misses, hits));
    // A confidence near 0 leaves both ends at one number, up to rounding.
    Ok(Interval { lower: lower.min(upper), upper })
}

/// Returns how many hits a lot of `size` items holds, if `n` of them, drawn without replacement, held `hits`.
///
/// Every number in between explains the draw: neither so many hits nor so few would be rarer than half of what
/// `confidence` leaves over. Covers at least as often as it says. The whole lot drawn gives the number itself.
/// Source: Buonaccorsi, J. Am. Stat. Assoc. 82 (1987), 1073–1079, by inverting the tests of the hypergeometric law.
///
/// # Errors
/// [`StatsError::NoTrials`], [`StatsError::HitsExceedTrials`], [`StatsError::TooManyTrials`],
/// [`StatsError::SampleExceedsLot`], [`StatsError::Confidence`].
pub fn finite(hits: u64, n: u64, size: u64, confidence: f64) -> Result<Bounds, StatsError> {
    let tail = tail(confidence)?;
    let misses = misses(hits, n)?;
    if size < n {
        return Err(StatsError::SampleExceedsLot { n, size });
    }
    if size > TRIALS_MAX {
        return Err(StatsError::TooManyTrials(size));
    }
    // Fewest and most hits that the draw leaves possible; between them both tails are monotone in the hits.
    let (fewest, most) = (hits, size - misses);
    let lower = first(fewest, most, |held| Lot { size, hits: held, n }.at_least(hits) > tail);
    let upper = first(fewest, most, |held| Lot { size, hits: fewest + most - held, n }.at_most(hits) > tail);
    let upper = fewest + most - upper;
    // A confidence near 0 may leave no number that passes both; the two then stand next to each other.
    Ok(Bounds { lower: lower.min(upper), upper: upper.max(lower) })
}

/// Returns the first number in `low..=high` that holds, if all after it do too, or `high`.
fn first(low: u64, high: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (low, high);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::prelude::*;

    use super::*;
    use crate::{interval::wilson, random::Random, special::binomial_term};

    type Method = fn(u64, u64, f64) -> Result<Interval, StatsError>;

    #[test]
    fn exact_intervals_equal_their_references() {
        // statsmodels 0.15.0, `proportion_confint`, methods `beta` and `jeffreys`, its two free ends mended.
        for (method, hits, n, lower, upper) in [
            (clopper_pearson as Method, 0, 50, 0.0, 0.071_122),
            (clopper_pearson, 1, 10, 0.002_529, 0.445_016),
            (clopper_pearson, 3, 1_500, 0.000_413, 0.005_834),
            (clopper_pearson, 50, 50, 0.928_878, 1.0),
            (jeffreys, 0, 50, 0.0, 0.048_758),
            (jeffreys, 1, 10, 0.011_012, 0.381_315),
        ] {
            let found = method(hits, n, 0.95).unwrap();
            assert!(
                (found.lower - lower).abs() < 1e-6 && (found.upper - upper).abs() < 1e-6,
                "{hits} of {n}: {found:?}"
            );
        }
    }

    #[test]
    fn a_lot_is_bounded_by_what_its_sample_leaves_possible() {
        // Found by trying every number of hits with scipy 1.12, `hypergeom`.
        for (hits, n, size, bounds) in [
            (1, 50, 500, (1, 51)),
            (0, 45, 100, (0, 5)),
            (3, 10, 20, (3, 11)),
            (5, 5, 5, (5, 5)),
            (0, 10, 1_000_000, (0, 308_495)),
        ] {
            assert_eq!(finite(hits, n, size, 0.95), Ok(Bounds { lower: bounds.0, upper: bounds.1 }), "{hits} of {n}");
        }
        assert_eq!(finite(1, 6, 5, 0.95), Err(StatsError::SampleExceedsLot { n: 6, size: 5 }));
    }

    #[test]
    fn exact_intervals_refuse_what_is_not_a_share() {
        for method in [clopper_pearson as Method, jeffreys, |hits, n, confidence| {
            finite(hits, n, n, confidence).map(|_| Interval { lower: 0.0, upper: 1.0 })
        }] {
            assert_eq!(method(0, 0, 0.95), Err(StatsError::NoTrials));
            assert_eq!(method(3, 2, 0.95), Err(StatsError::HitsExceedTrials { hits: 3, n: 2 }));
            assert_eq!(method(1, 2, 1.0), Err(StatsError::Confidence(1.0)));
            assert_eq!(method(1, TRIALS_MAX + 1, 0.95), Err(StatsError::TooManyTrials(TRIALS_MAX + 1)));
        }
    }

    /// Returns how often an interval covers a share, over all that may be found.
    fn coverage(method: Method, n: u64, share: f64) -> f64 {
        let covers = |hits: &u64| {
            let found = method(*hits, n, 0.95).unwrap();
            found.lower <= share && share <= found.upper
        };
        (0..=n).filter(covers).map(|hits| binomial_term(hits, n, share)).sum()
    }

    #[test]
    fn intervals_cover_as_often_as_they_say() {
        let shares: Vec<f64> = (1..40).map(|step| f64::from(step) / 40.0).collect();
        for n in [10, 50, 300] {
            let covered = |method: Method| shares.iter().map(|&share| coverage(method, n, share)).collect::<Vec<_>>();
            assert!(covered(clopper_pearson).iter().all(|&covered| covered >= 0.95), "{n}");
            for method in [jeffreys as Method, wilson] {
                let covered = covered(method);
                let mean = covered.iter().sum::<f64>() / 39.0;
                assert!((mean - 0.95).abs() < 0.012, "{n}: {mean}");
                assert!(covered.iter().all(|&covered| covered > 0.83), "{n}: {covered:?}");
            }
        }
    }

    #[test]
    fn bounds_of_a_lot_cover_as_often_as_they_say_in_simulation() {
        let mut random = Random::new(20_261_127);
        let (size, held, n) = (400_u64, 30_u64, 60_u64);
        let covered = (0..2_000)
            .filter(|_| {
                let (mut hits, mut left, mut hits_left) = (0, size, held);
                for _ in 0..n {
                    let hit = random.below(left) < hits_left;
                    hits += u64::from(hit);
                    hits_left -= u64::from(hit);
                    left -= 1;
                }
                let found = finite(hits, n, size, 0.9).unwrap();
                (found.lower..=found.upper).contains(&held)
            })
            .count();
        // At least 90 %, less three standard errors of 2,000 rounds.
        assert!((1_760..1_990).contains(&covered), "{covered}");
    }

    proptest! {
        #[test]
        fn an_exact_interval_holds_the_share_and_clopper_pearson_is_the_wider(hits in 0_u64..300, misses in 0_u64..300, confidence in 0.5_f64..0.9999) {
            let n = (hits + misses).max(1);
            let (exact, believed) = (clopper_pearson(hits.min(n), n, confidence).unwrap(), jeffreys(hits.min(n), n, confidence).unwrap());
            let share = crate::real(hits) / crate::real(n);
            for found in [exact, believed] {
                prop_assert!(0.0 <= found.lower && found.upper <= 1.0);
                prop_assert!(found.lower <= share + 1e-9 && share <= found.upper + 1e-9);
            }
            prop_assert!(exact.lower <= believed.lower + 1e-12 && believed.upper <= exact.upper + 1e-12);
        }

        #[test]
        fn any_counts_give_ends_in_order(a in any::<u64>(), b in 0..=TRIALS_MAX, confidence in 0.000_001_f64..1.0) {
            let hits = a % (b + 1);
            for method in [clopper_pearson as Method, jeffreys] {
                if let Ok(found) = method(hits, b, confidence) {
                    prop_assert!(0.0 <= found.lower && found.lower <= found.upper && found.upper <= 1.0);
                }
            }
        }

        #[test]
        fn a_lot_of_which_more_is_known_is_bounded_no_wider_than_an_endless_process(n in 1_u64..60, of in 0_u64..60, more in 0_u64..500) {
            let hits = of % (n + 1);
            let size = n + more;
            let found = finite(hits, n, size, 0.95).unwrap();
            prop_assert!(hits <= found.lower && found.upper <= size - (n - hits) && found.lower <= found.upper);
            let endless = clopper_pearson(hits, n, 0.95).unwrap();
            // One item of rounding at each end.
            prop_assert!(crate::real(found.lower) >= endless.lower * crate::real(size) - 1.0);
            prop_assert!(crate::real(found.upper) <= endless.upper * crate::real(size) + 1.0);
        }
    }
}
