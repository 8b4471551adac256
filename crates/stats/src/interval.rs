//! Intervals around a share, a kappa and an alpha, at a stated confidence.
//!
//! `confidence` lies strictly between 0 and 1 everywhere; `0.95` means 95 %.

use crate::{
    StatsError,
    agreement::{self, Counts, Kappa},
    real,
};

/// Fewest resamples of [`alpha`]; fewer leave its ends to chance.
pub const RESAMPLES_MIN: u32 = 200;
/// Most resamples of [`alpha`].
pub const RESAMPLES_MAX: u32 = 100_000;

/// Spread below this is rounding, not knowledge.
const SPREAD_MIN: f64 = 1e-12;
/// At most one resample in so many may have no alpha; beyond that the interval would be one of the lucky ones only.
const UNDEFINED_ONE_IN: u32 = 20;

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
    if n == 0 {
        return Err(StatsError::NoTrials);
    }
    let misses = n.checked_sub(hits).ok_or(StatsError::HitsExceedTrials { hits, n })?;
    // The textbook's lower end, `(hits + z²/2 - root) / (n + z²)`, multiplied out with its conjugate: nothing cancels
    // when hits are few. The upper end is one less the lower end of the misses.
    let root = z * (real(hits) * real(misses) / real(n) + z * z / 4.0).sqrt();
    let lower_of = |count: u64| {
        let count = real(count);
        if count > 0.0 { count * (count / real(n)) / (count + z * z / 2.0 + root) } else { 0.0 }
    };
    Ok(Interval { lower: lower_of(hits), upper: 1.0 - lower_of(misses) })
}

/// Returns the large-sample interval of a kappa, `value ± z · standard_error`, cut to `-1.0..=1.0`.
///
/// It is only as good as its normal approximation: with few units, or kappa near 1, read it as an indication.
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

/// Returns the percentile bootstrap interval of Krippendorff's nominal alpha, within `-1.0..=1.0`.
///
/// Pairable units are drawn again with replacement, as many as there are, `resamples` times
/// ([`RESAMPLES_MIN`]`..=`[`RESAMPLES_MAX`]; 1,000 serve for display). A unit is drawn by its distinct pattern of
/// counts, so memory does not grow with units; time grows with `resamples` times units. The same counts, however
/// ordered, and the same `seed` give the same interval on every machine. Resamples that fall on one class only have no
/// alpha and are left out.
/// Source: Efron and Tibshirani, *An Introduction to the Bootstrap* (1993), section 13.3, over units as in Hayes and
/// Krippendorff, Commun. Methods Meas. 1 (2007), 77–89.
///
/// # Errors
/// [`StatsError::Undefined`] if alpha itself is; [`StatsError::NoSpread`] if all resamples give one alpha, as in
/// perfect agreement, or more than 5 % have none; [`StatsError::Resamples`], [`StatsError::Confidence`].
pub fn alpha(counts: &Counts, confidence: f64, resamples: u32, seed: u64) -> Result<Interval, StatsError> {
    let tail = tail(confidence)?;
    if !(RESAMPLES_MIN..=RESAMPLES_MAX).contains(&resamples) {
        return Err(StatsError::Resamples(resamples));
    }
    counts.alpha()?;

    let patterns: Vec<&[u32]> = counts.patterns().map(|(unit, _)| unit).collect();
    let ends: Vec<u64> = counts
        .patterns()
        .scan(0, |end, (_, times)| {
            *end += times;
            Some(*end)
        })
        .collect();
    let pairable = counts.pairable();
    let mut random = SplitMix64(seed);
    let mut times = vec![0; patterns.len()];
    let (mut alphas, mut undefined) = (Vec::new(), 0);
    for _ in 0..resamples {
        times.fill(0);
        for _ in 0..pairable {
            let unit = random.below(pairable);
            times[ends.partition_point(|&end| end <= unit)] += 1;
        }
        match agreement::alpha(counts.classes(), patterns.iter().copied().zip(times.iter().copied())) {
            Ok(alpha) => alphas.push(alpha),
            Err(_) => undefined += 1,
        }
    }
    if undefined > resamples / UNDEFINED_ONE_IN {
        return Err(StatsError::NoSpread);
    }

    alphas.sort_unstable_by(f64::total_cmp);
    let last = alphas.len() - 1;
    if alphas[last] - alphas[0] < SPREAD_MIN {
        return Err(StatsError::NoSpread);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most half the resamples")]
    let outside = (tail * f64::from(resamples - undefined)) as usize;
    let outside = outside.min(last / 2);
    Ok(Interval { lower: alphas[outside], upper: alphas[last - outside] })
}

/// Returns the probability beyond each end of a two-sided interval.
fn tail(confidence: f64) -> Result<f64, StatsError> {
    if confidence > 0.0 && confidence < 1.0 {
        Ok((1.0 - confidence) / 2.0)
    } else {
        Err(StatsError::Confidence(confidence))
    }
}

/// Returns how many standard deviations a normal interval of this confidence reaches to each side.
fn two_sided(confidence: f64) -> Result<f64, StatsError> {
    Ok(-normal_quantile(tail(confidence)?))
}

/// Returns the standard normal quantile of `p` in `(0, 1)`, to about one part in 10^16.
///
/// Source: Wichura, Algorithm AS 241 (PPND16), Appl. Stat. 37 (1988), 477–484.
#[expect(clippy::unreadable_literal, clippy::excessive_precision, reason = "coefficients stand as printed")]
fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * polynomial(
            [
                3.3871328727963666080e0,
                1.3314166789178437745e2,
                1.9715909503065514427e3,
                1.3731693765509461125e4,
                4.5921953931549871457e4,
                6.7265770927008700853e4,
                3.3430575583588128105e4,
                2.5090809287301226727e3,
            ],
            r,
        ) / polynomial(
            [
                1.0,
                4.2313330701600911252e1,
                6.8718700749205790830e2,
                5.3941960214247511077e3,
                2.1213794301586595867e4,
                3.9307895800092710610e4,
                2.8729085735721942674e4,
                5.2264952788528545610e3,
            ],
            r,
        );
    }
    let r = (-p.min(1.0 - p).ln()).sqrt();
    let size = if r <= 5.0 {
        let r = r - 1.6;
        polynomial(
            [
                1.42343711074968357734e0,
                4.63033784615654529590e0,
                5.76949722146069140550e0,
                3.64784832476320460504e0,
                1.27045825245236838258e0,
                2.41780725177450611770e-1,
                2.27238449892691845833e-2,
                7.74545014278341407640e-4,
            ],
            r,
        ) / polynomial(
            [
                1.0,
                2.05319162663775882187e0,
                1.67638483018380384940e0,
                6.89767334985100004550e-1,
                1.48103976427480074590e-1,
                1.51986665636164571966e-2,
                5.47593808499534494600e-4,
                1.05075007164441684324e-9,
            ],
            r,
        )
    } else {
        let r = r - 5.0;
        polynomial(
            [
                6.65790464350110377720e0,
                5.46378491116411436990e0,
                1.78482653991729133580e0,
                2.96560571828504891230e-1,
                2.65321895265761230930e-2,
                1.24266094738807843860e-3,
                2.71155556874348757815e-5,
                2.01033439929228813265e-7,
            ],
            r,
        ) / polynomial(
            [
                1.0,
                5.99832206555887937690e-1,
                1.36929880922735805310e-1,
                1.48753612908506148525e-2,
                7.86869131145613259100e-4,
                1.84631831751005468180e-5,
                1.42151175831644588870e-7,
                2.04426310338993978564e-15,
            ],
            r,
        )
    };
    size.copysign(q)
}

/// Returns the polynomial at `r`, its coefficients in rising order.
fn polynomial(coefficients: [f64; 8], r: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * r + coefficient)
}

/// A small generator whose stream depends on nothing but its seed.
///
/// Source: Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`; its bias, at most `bound / 2^64`, is far beneath what a resample can show.
    fn below(&mut self, bound: u64) -> u64 {
        self.next().carrying_mul(bound, 0).1
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::prelude::*;

    use super::*;
    use crate::agreement::{Pairs, Undefined};

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
    fn the_normal_quantile_holds_to_the_last_digits() {
        // Computed with mpmath at 40 digits.
        for (p, quantile) in [
            (0.4, -0.253_347_103_135_799_7),
            (0.1, -1.281_551_565_544_600_4),
            (0.025, -1.959_963_984_540_054_3),
            (0.000_5, -3.290_526_731_491_895),
            (1e-9, -5.997_807_015_007_686_5),
            (1e-16, -8.222_082_216_130_435),
            (1e-100, -21.273_453_560_965_326),
            (1e-300, -37.047_096_299_361_2),
        ] {
            assert!((normal_quantile(p) / quantile - 1.0).abs() < 2e-15, "{p}: {}", normal_quantile(p));
        }
        assert!(normal_quantile(0.5).abs() < 1e-16);
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-14);
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
        assert_eq!(alpha(&counts(&[([2, 0], 50), ([0, 2], 50)]), 0.95, 1_000, 1), Err(StatsError::NoSpread));
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
    fn the_generator_equals_its_reference() {
        // The output for seed 1234567 of the authors' C code, as listed at Rosetta Code, "Pseudo-random numbers".
        let mut random = SplitMix64(1_234_567);
        let found = [(); 3].map(|()| random.next());
        assert_eq!(found, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
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

        #[test]
        fn the_bootstrap_stays_in_range(agreed in 0_u32..20, split in 0_u32..20, other in 0_u32..20, seed in any::<u64>()) {
            if let Ok(found) = alpha(&counts(&[([2, 0], agreed), ([1, 1], split), ([0, 2], other)]), 0.9, 200, seed) {
                prop_assert!(-1.0 <= found.lower && found.lower <= found.upper && found.upper <= 1.0);
            }
        }
    }
}
