//! Two looks at the same items, neither knowing of the other: how many bad ones both missed, and how much one look misses.

use super::Inspector;
use crate::{
    StatsError,
    interval::{Interval, clopper_pearson},
    real,
};

/// Items that both looks must have found before anything is corrected by what two looks found.
///
/// Chapman's estimate is nearly unbiased from seven items found twice on. Source: Robson and Regier, Trans. Am. Fish. Soc. 93
/// (1964), 215–226.
pub const TWICE_MIN: u64 = 7;

/// What two independent looks found among the same items. Neither look is the first or the second of all items: each counts
/// as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recapture {
    /// Bad items that one look found and the other did not.
    pub one: u64,
    /// Bad items that both looks found.
    pub both: u64,
}

impl Recapture {
    /// Returns how many items at least one look found.
    pub fn found(self) -> u64 {
        self.one + self.both
    }

    /// Returns how many one look found on average.
    fn each(self) -> f64 {
        real(self.both) + real(self.one) / 2.0
    }

    /// Returns how many bad items there are, those that both looks missed among them: at least [`Recapture::found`], and 0
    /// where nothing was found.
    ///
    /// It takes the looks to be independent. Items that are hard to see for everybody are missed by both more often than that,
    /// so that it is rather too low.
    ///
    /// Source: Chapman, Univ. Calif. Publ. Stat. 1 (1951), 131–160, with the mean of both looks for each.
    pub fn number(self) -> f64 {
        (self.each() + 1.0).powi(2) / (real(self.both) + 1.0) - 1.0
    }

    /// Returns the share of the bad items that one look misses, as a fraction in `0.0..=1.0`: what one look found, held
    /// against [`Recapture::number`].
    ///
    /// # Errors
    /// [`StatsError::NoTrials`] if nothing was found.
    pub fn missed(self) -> Result<f64, StatsError> {
        if self.found() == 0 {
            return Err(StatsError::NoTrials);
        }
        Ok((1.0 - self.each() / self.number()).clamp(0.0, 1.0))
    }

    /// Returns the interval of the share that one look misses.
    ///
    /// Of the items that at least one look found, a share of `d / (2 - d)` was found by both if each look finds a share `d`.
    /// That rises with `d`, so that the Clopper-Pearson interval of the one share gives the exact interval of the other. The
    /// usual log-normal interval of [`Recapture::number`] was not taken: where both looks agree throughout it is a point, and
    /// with 20 bad items and `d = 0.9` it holds the true share in 27 of 100 simulated cases, this one in 96.
    ///
    /// # Errors
    /// [`StatsError::NoTrials`] if nothing was found, [`StatsError::Confidence`] unless `confidence` lies between 0 and 1.
    pub fn missed_interval(self, confidence: f64) -> Result<Interval, StatsError> {
        let twice = clopper_pearson(self.both, self.found(), confidence)?;
        let missed = |twice: f64| 1.0 - 2.0 * twice / (1.0 + twice);
        Ok(Interval { lower: missed(twice.upper), upper: missed(twice.lower) })
    }
}

/// Returns the inspector who looks once at `once` items and twice at `twice` others, if one look misses this share: an item
/// that is looked at twice counts as bad if either look finds it so. Nobody takes a sound item for defective.
///
/// # Errors
/// [`StatsError::Value`] of a share outside of `0.0..=1.0`, [`StatsError::NoTrials`] without items, [`StatsError::Risks`] if
/// everything is missed.
pub fn looks(missed: f64, once: u64, twice: u64) -> Result<Inspector, StatsError> {
    super::check_share(missed)?;
    if once + twice == 0 {
        return Err(StatsError::NoTrials);
    }
    let mean = (real(once) * missed + real(twice) * missed * missed) / (real(once) + real(twice));
    Inspector::new(mean, 0.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::prelude::*;

    use super::*;
    use crate::random::Random;

    #[test]
    fn estimates_equal_their_references() {
        // Number and share in plain fractions; the interval by bisection on sums of the binomial law, in Python.
        for (one, both, number, missed, (lower, upper)) in [
            (15, 5, 29.375, 0.574_468_085_106_383, (0.341_340_355_752_467_8, 0.840_652_048_092_310_3)),
            (3, 7, 10.281_25, 0.173_252_279_635_258_4, (0.034_521_737_532_841_16, 0.484_178_123_258_282_36)),
            (0, 12, 12.0, 0.0, (0.0, 0.152_504_241_780_395_46)),
            (9, 14, 24.35, 0.240_246_406_570_841_9, (0.109_309_360_967_404_29, 0.443_606_635_619_794_3)),
            (5, 0, 11.25, 0.777_777_777_777_777_8, (0.314_212_634_585_333_66, 1.0)),
        ] {
            let found = Recapture { one, both };
            assert!((found.number() - number).abs() < 1e-12, "{found:?}");
            assert!((found.missed().unwrap() - missed).abs() < 1e-12, "{found:?}");
            let ends = found.missed_interval(0.95).unwrap();
            assert!((ends.lower - lower).abs() < 1e-9 && (ends.upper - upper).abs() < 1e-9, "{found:?}: {ends:?}");
        }
    }

    #[test]
    fn where_nothing_was_found_nothing_is_said() {
        let nothing = Recapture { one: 0, both: 0 };
        assert_eq!((nothing.missed(), nothing.found()), (Err(StatsError::NoTrials), 0));
        assert_eq!(nothing.missed_interval(0.95), Err(StatsError::NoTrials));
        assert_eq!(looks(0.2, 0, 0), Err(StatsError::NoTrials));
        assert_eq!(looks(1.0, 3, 0), Err(StatsError::Risks));
    }

    #[test]
    fn two_looks_miss_what_both_miss() {
        // Of ten bad ones among 50 items, one look finds eight, two looks find 9.6.
        assert!((looks(0.2, 0, 50).unwrap().corrected(9.6 / 50.0).unwrap() - 0.2).abs() < 1e-12);
        assert!((looks(0.2, 50, 0).unwrap().corrected(8.0 / 50.0).unwrap() - 0.2).abs() < 1e-12);
        assert!((looks(0.2, 25, 25).unwrap().corrected(8.8 / 50.0).unwrap() - 0.2).abs() < 1e-12);
    }

    #[test]
    fn the_interval_holds_the_true_share_as_often_as_it_says() {
        let mut chance = Random::new(7);
        let mut within = |missed: f64| {
            let (mut held, mut told) = (0_u32, 0_u32);
            for _ in 0..2_000 {
                let (mut one, mut both) = (0, 0);
                for _ in 0..20 {
                    let (found, other) = (chance.share() >= missed, chance.share() >= missed);
                    one += u64::from(found != other);
                    both += u64::from(found && other);
                }
                let found = Recapture { one, both };
                let Ok(ends) = found.missed_interval(0.95) else { continue };
                told += 1;
                held += u32::from(ends.lower <= missed && missed <= ends.upper);
            }
            f64::from(held) / f64::from(told)
        };
        for missed in [0.05, 0.2, 0.5] {
            let coverage = within(missed);
            assert!(coverage >= 0.94, "{coverage} at {missed}");
        }
    }

    proptest! {
        #[test]
        fn the_estimate_lies_within_its_interval_and_above_what_was_found(one in 0_u64..80, both in 0_u64..80) {
            let found = Recapture { one, both };
            prop_assert!(found.number() + 1e-9 >= real(found.found()));
            if both >= TWICE_MIN {
                let (missed, ends) = (found.missed().unwrap(), found.missed_interval(0.95).unwrap());
                prop_assert!(ends.lower <= missed + 1e-9 && missed <= ends.upper + 1e-9, "{missed} {ends:?}");
            }
        }

        #[test]
        fn more_that_both_found_never_raises_the_share_missed(one in 0_u64..80, both in 1_u64..80) {
            let (fewer, more) = (Recapture { one, both }, Recapture { one, both: both + 1 });
            prop_assert!(more.missed().unwrap() <= fewer.missed().unwrap() + 1e-12);
        }
    }
}
