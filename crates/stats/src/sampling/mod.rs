//! Acceptance sampling: which lots pass when a sample of them is checked, and with what risks.
//!
//! A plan is a sample size and an acceptance number; a lot passes if its sample holds no more defects than that. Plans are
//! computed, not looked up. [`standard`] has the code letters and the switching rules of ISO 2859-1, [`sequential`] the
//! test that stops as soon as it may, [`elusion`] what a search left behind, [`recapture`] what a look misses.

mod draw;
pub mod elusion;
pub mod recapture;
pub mod sequential;
pub mod standard;

pub use draw::{draw, keys};

use crate::{
    StatsError, real,
    special::{Lot, beta_quantile, binomial_at_most},
};

/// Largest sample of a plan.
pub const SAMPLE_MAX: u64 = 10_000_000;

/// Acceptance numbers that are tried one by one.
const TRIED_ONE_BY_ONE: u64 = 200;

/// A single sampling plan: a lot passes if no more than `accept` of `n` items are defective.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Items checked; at least 1.
    pub n: u64,
    /// Most defects with which a lot passes; less than `n`.
    pub accept: u64,
}

/// What a plan must promise to both sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Risks {
    /// The share of defects that is good enough: the acceptable quality limit.
    pub aql: f64,
    /// Highest probability of rejecting a lot that good.
    pub alpha: f64,
    /// The share of defects that is not to be borne: the lot tolerance percent defective, as a share.
    pub ltpd: f64,
    /// Highest probability of accepting a lot that bad.
    pub beta: f64,
}

impl Risks {
    fn check(self) -> Result<(), StatsError> {
        for share in [self.aql, self.alpha, self.ltpd, self.beta] {
            // Not `share <= 0.0`: a NaN is no share either.
            if !(share > 0.0 && share < 1.0) {
                return Err(StatsError::Value(share));
            }
        }
        if self.aql < self.ltpd && self.alpha + self.beta < 1.0 { Ok(()) } else { Err(StatsError::Risks) }
    }

    /// Returns most defects of a good lot of `size` items and fewest of a bad one: at most `aql * size`, at least
    /// `ltpd * size`.
    ///
    /// # Errors
    /// [`StatsError::Value`] and [`StatsError::Risks`] as [`Plan::smallest`]; [`StatsError::NoTrials`] of an empty lot,
    /// [`StatsError::TooManyTrials`].
    pub fn defects(self, size: u64) -> Result<(u64, u64), StatsError> {
        self.check()?;
        defects(self, size)
    }
}

impl Plan {
    /// Returns a plan.
    ///
    /// # Errors
    /// [`StatsError::Plan`] unless `accept < n` and `n` is at most [`SAMPLE_MAX`].
    pub fn new(n: u64, accept: u64) -> Result<Self, StatsError> {
        if accept < n && n <= SAMPLE_MAX { Ok(Self { n, accept }) } else { Err(StatsError::Plan { n, accept }) }
    }

    /// Returns the smallest plan that keeps both risks on lots from an endless process.
    ///
    /// The law is binomial, which on a finite lot errs on the safe side. Checked against the vectors in this file's tests.
    /// Source: Guenther, J. Qual. Technol. 1 (1969), 81–87.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a share or risk outside of `(0, 1)`; [`StatsError::Risks`] unless `aql < ltpd` and the two
    /// risks leave something between them, or if no sample of up to [`SAMPLE_MAX`] keeps both.
    pub fn smallest(risks: Risks) -> Result<Self, StatsError> {
        risks.check()?;
        Self::search(
            SAMPLE_MAX,
            |n, accept| binomial_at_most(accept, n, risks.ltpd) <= risks.beta,
            |n, accept| binomial_at_most(accept, n, risks.aql) >= 1.0 - risks.alpha,
        )
    }

    /// Returns the smallest plan that keeps both risks on lots of `size` items, drawn without replacement.
    ///
    /// A lot is good enough with at most `aql * size` defects, and too bad with at least `ltpd * size`. The whole lot keeps
    /// any risk.
    ///
    /// # Errors
    /// As [`Plan::smallest`]; [`StatsError::NoTrials`] of an empty lot, [`StatsError::TooManyTrials`].
    pub fn smallest_for_lot(risks: Risks, size: u64) -> Result<Self, StatsError> {
        risks.check()?;
        let (good, bad) = defects(risks, size)?;
        Self::search(
            size.min(SAMPLE_MAX),
            |n, accept| Lot { size, hits: bad, n }.at_most(accept) <= risks.beta,
            |n, accept| Lot { size, hits: good, n }.at_most(accept) >= 1.0 - risks.alpha,
        )
    }

    /// Goes up in acceptance numbers: each has a smallest sample that keeps the buyer's risk, growing with the number, and
    /// the first of these that also keeps the seller's is the smallest plan.
    ///
    /// Beyond [`TRIED_ONE_BY_ONE`] numbers are doubled and the gap then halved, on which the seller's risk falls but for
    /// the rounding of samples to whole items. So from there it goes back down, until a number keeps neither risk with one
    /// item fewer than its sample: no smaller number keeps both. For if one did, the best test on that one item fewer, which
    /// is a threshold drawn by lot where it must be (Neyman and Pearson), would keep both as well; it would then accept
    /// at least what the number accepts, because that rejects too many good lots, and so too many bad ones.
    fn search(max: u64, tight: impl Fn(u64, u64) -> bool, fair: impl Fn(u64, u64) -> bool) -> Result<Self, StatsError> {
        let mut n = 1;
        for accept in 0..TRIED_ONE_BY_ONE {
            n = Self::sample(accept, n, max, &tight).ok_or(StatsError::Risks)?;
            if fair(n, accept) {
                return Self::new(n, accept);
            }
        }
        let kept = |accept: u64| Self::sample(accept, n, max, &tight).is_none_or(|n| fair(n, accept));
        let (mut low, mut high) = (TRIED_ONE_BY_ONE, 2 * TRIED_ONE_BY_ONE);
        while !kept(high) {
            (low, high) = (high + 1, 2 * high);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if kept(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let mut smallest = None;
        for accept in (TRIED_ONE_BY_ONE..=low).rev() {
            // Too large a sample for the one found, and then not for the one below.
            let Some(own) = Self::sample(accept, n, max, &tight) else { continue };
            if fair(own, accept) {
                smallest = Some((own, accept));
            }
            if !fair(own - 1, accept) {
                break;
            }
        }
        let (n, accept) = smallest.ok_or(StatsError::Risks)?;
        Self::new(n, accept)
    }

    /// Returns the smallest sample from `n` up to `max` that keeps the buyer's risk with this acceptance number.
    fn sample(accept: u64, n: u64, max: u64, tight: impl Fn(u64, u64) -> bool) -> Option<u64> {
        let (mut low, mut high, mut step) = (n.max(accept + 1), n.max(accept + 1), 1);
        while high > max || !tight(high, accept) {
            if high >= max {
                return None;
            }
            low = high + 1;
            high = high.saturating_add(step).min(max);
            step *= 2;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if tight(middle, accept) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Some(high)
    }

    /// Returns the smallest plan that lets no defect pass and accepts a share of `ltpd` with a probability of `beta` at most.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a share or risk outside of `(0, 1)`, [`StatsError::Risks`] beyond [`SAMPLE_MAX`].
    pub fn zero_acceptance(ltpd: f64, beta: f64) -> Result<Self, StatsError> {
        let even = Risks { aql: ltpd / 2.0, alpha: (1.0 - beta) / 2.0, ltpd, beta };
        even.check()?;
        Self::search(SAMPLE_MAX, |n, accept| binomial_at_most(accept, n, ltpd) <= beta, |_, _| true)
    }

    /// Returns the smallest plan for lots of `size` items that lets no defect pass, as [`Plan::zero_acceptance`].
    ///
    /// # Errors
    /// As there; [`StatsError::NoTrials`] of an empty lot, [`StatsError::TooManyTrials`].
    pub fn zero_acceptance_for_lot(ltpd: f64, beta: f64, size: u64) -> Result<Self, StatsError> {
        let even = Risks { aql: ltpd / 2.0, alpha: (1.0 - beta) / 2.0, ltpd, beta };
        even.check()?;
        let (_, bad) = defects(even, size)?;
        Self::search(size.min(SAMPLE_MAX), |n, accept| Lot { size, hits: bad, n }.at_most(accept) <= beta, |_, _| true)
    }

    /// Returns the probability that a lot from a process with this share of defects passes: a point of the operating
    /// characteristic.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a share outside of `0.0..=1.0`.
    pub fn acceptance(self, share: f64) -> Result<f64, StatsError> {
        check_share(share)?;
        Ok(binomial_at_most(self.accept, self.n, share))
    }

    /// Returns the probability that a lot of `size` items with so many defects passes. A lot no larger than the sample is
    /// checked whole.
    ///
    /// # Errors
    /// [`StatsError::HitsExceedTrials`] of more defects than items, [`StatsError::TooManyTrials`].
    pub fn acceptance_of_lot(self, size: u64, defects: u64) -> Result<f64, StatsError> {
        if defects > size {
            return Err(StatsError::HitsExceedTrials { hits: defects, n: size });
        }
        check_size(size)?;
        Ok(Lot { size, hits: defects, n: self.n.min(size) }.at_most(self.accept))
    }

    /// Returns the share of defects at which a lot passes with this probability: 0.95 gives the quality that is nearly
    /// always accepted, 0.1 the one that is nearly always rejected.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a probability outside of `(0, 1)`.
    pub fn quality_at(self, probability: f64) -> Result<f64, StatsError> {
        if !(probability > 0.0 && probability < 1.0) {
            return Err(StatsError::Value(probability));
        }
        Ok(beta_quantile(real(self.accept) + 1.0, real(self.n - self.accept), 1.0 - probability))
    }

    /// Returns the most defects with which a lot of `size` items passes with at least this probability.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a probability outside of `(0, 1)`; [`StatsError::NoTrials`] of an empty lot,
    /// [`StatsError::TooManyTrials`].
    pub fn most_defects_at(self, size: u64, probability: f64) -> Result<u64, StatsError> {
        // Without a defect every lot passes.
        Ok(self.defects_below(size, probability, |accepted| accepted >= probability)? - 1)
    }

    /// Returns the fewest defects with which a lot of `size` items passes with at most this probability, or one more than
    /// its items if it passes whatever it holds.
    ///
    /// # Errors
    /// As [`Plan::most_defects_at`].
    pub fn fewest_defects_at(self, size: u64, probability: f64) -> Result<u64, StatsError> {
        self.defects_below(size, probability, |accepted| accepted > probability)
    }

    /// Returns the fewest defects at which the probability to pass, which falls with them, is no longer high.
    fn defects_below(self, size: u64, probability: f64, high: impl Fn(f64) -> bool) -> Result<u64, StatsError> {
        if !(probability > 0.0 && probability < 1.0) {
            return Err(StatsError::Value(probability));
        }
        check_size(size)?;
        if size == 0 {
            return Err(StatsError::NoTrials);
        }
        let (mut low, mut end) = (1, size + 1);
        while low < end {
            let middle = low + (end - low) / 2;
            if high(self.acceptance_of_lot(size, middle)?) {
                low = middle + 1;
            } else {
                end = middle;
            }
        }
        Ok(low)
    }

    /// Returns the share of defects left on average in a lot of `size` items that holds so many, if a rejected lot is
    /// checked whole and what is found is mended: the sum of `h(x) (D - x) / N` over the `x` with which it passes.
    ///
    /// A defect stays if it is not drawn, which has the chance `(N - n) / N`, and the sample from all others passes.
    ///
    /// # Errors
    /// As [`Plan::acceptance_of_lot`]; [`StatsError::NoTrials`] of an empty lot.
    pub fn outgoing_of_lot(self, size: u64, defects: u64) -> Result<f64, StatsError> {
        if size == 0 {
            return Err(StatsError::NoTrials);
        }
        if defects > size {
            return Err(StatsError::HitsExceedTrials { hits: defects, n: size });
        }
        check_size(size)?;
        if defects == 0 || self.n >= size {
            return Ok(0.0);
        }
        let others = Lot { size: size - 1, hits: defects - 1, n: self.n };
        let undrawn = real(size - self.n) / real(size);
        Ok(real(defects) / real(size) * undrawn * others.at_most(self.accept))
    }

    /// Returns the highest share of defects that [`Plan::outgoing_of_lot`] gives for any number of defects.
    ///
    /// # Errors
    /// As there.
    pub fn outgoing_limit_of_lot(self, size: u64) -> Result<f64, StatsError> {
        // It rises to one peak and falls again: both its factors are concave in their logarithm.
        let (mut low, mut high) = (0, size);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.outgoing_of_lot(size, middle)? < self.outgoing_of_lot(size, middle + 1)? {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.outgoing_of_lot(size, low)
    }

    /// Returns the share of defects left on average in lots of `size` from a process with this share, if rejected lots are
    /// checked whole and mended: the average outgoing quality, `p Pa (N - n) / N`. For a lot with a known number of
    /// defects see [`Plan::outgoing_of_lot`].
    ///
    /// Source: Montgomery, *Introduction to Statistical Quality Control* (2012), section 15.2.5.
    ///
    /// # Errors
    /// As [`Plan::acceptance`]; [`StatsError::NoTrials`] of an empty lot.
    pub fn outgoing(self, share: f64, size: u64) -> Result<f64, StatsError> {
        if size == 0 {
            return Err(StatsError::NoTrials);
        }
        Ok(share * self.acceptance(share)? * (real(size.saturating_sub(self.n)) / real(size)))
    }

    /// Returns the highest share of defects that [`Plan::outgoing`] gives for any share that comes in: the limit of the
    /// average outgoing quality, to six digits.
    ///
    /// # Errors
    /// As [`Plan::outgoing`].
    pub fn outgoing_limit(self, size: u64) -> Result<f64, StatsError> {
        // It rises to one peak and falls again.
        let (mut low, mut high) = (0.0_f64, 1.0_f64);
        for _ in 0..60 {
            let (left, right) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
            // Both may vanish far beyond the peak, which then lies to the left.
            if self.outgoing(left, size)? < self.outgoing(right, size)? {
                low = left;
            } else {
                high = right;
            }
        }
        self.outgoing(f64::midpoint(low, high), size)
    }
}

/// How often whoever checks errs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inspector {
    miss: f64,
    false_alarm: f64,
}

impl Inspector {
    /// Returns an inspector who misses this share of the defects and takes this share of the sound items for defective.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a share outside of `0.0..=1.0`; [`StatsError::Risks`] if the two sum to 1 or more, because
    /// then what the inspector says tells nothing.
    pub fn new(miss: f64, false_alarm: f64) -> Result<Self, StatsError> {
        check_share(miss)?;
        check_share(false_alarm)?;
        if miss + false_alarm < 1.0 { Ok(Self { miss, false_alarm }) } else { Err(StatsError::Risks) }
    }

    /// Returns the share that the inspector finds where `share` is defective.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a share outside of `0.0..=1.0`.
    pub fn found(self, share: f64) -> Result<f64, StatsError> {
        check_share(share)?;
        Ok(share * (1.0 - self.miss) + (1.0 - share) * self.false_alarm)
    }

    /// Returns the share that is defective where the inspector finds `found`, cut to `0.0..=1.0`. It rises with `found`, so
    /// that the ends of an interval may be corrected one by one.
    ///
    /// Source: Rogan and Gladen, Am. J. Epidemiol. 107 (1978), 71–76.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a share outside of `0.0..=1.0`.
    pub fn corrected(self, found: f64) -> Result<f64, StatsError> {
        check_share(found)?;
        Ok(((found - self.false_alarm) / (1.0 - self.miss - self.false_alarm)).clamp(0.0, 1.0))
    }
}

/// Returns most defects of a good lot and fewest of a bad one.
fn defects(risks: Risks, size: u64) -> Result<(u64, u64), StatsError> {
    check_size(size)?;
    if size == 0 {
        return Err(StatsError::NoTrials);
    }
    // A share written in decimals times a size may miss a whole number by a rounding.
    let near =
        |exact: f64, otherwise: f64| if (exact - exact.round()).abs() < 1e-9 { exact.round() } else { otherwise };
    let (good, bad) = (risks.aql * real(size), risks.ltpd * real(size));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lie between 0 and the size")]
    let (good, bad) = (near(good, good.floor()) as u64, near(bad, bad.ceil()) as u64);
    Ok((good.min(size), bad.clamp(1, size)))
}

fn check_share(share: f64) -> Result<(), StatsError> {
    if (0.0..=1.0).contains(&share) { Ok(()) } else { Err(StatsError::Value(share)) }
}

fn check_size(size: u64) -> Result<(), StatsError> {
    if size <= crate::interval::TRIALS_MAX { Ok(()) } else { Err(StatsError::TooManyTrials(size)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::prelude::*;

    use super::*;

    fn plan(n: u64, accept: u64) -> Plan {
        Plan::new(n, accept).unwrap()
    }

    fn risks(aql: f64, ltpd: f64) -> Risks {
        Risks { aql, alpha: 0.05, ltpd, beta: 0.1 }
    }

    #[test]
    fn operating_characteristics_equal_their_references() {
        // scipy, `binom.cdf`, and its inverse.
        for (plan, share, probability) in [
            (plan(80, 2), 0.01, 0.9534),
            (plan(80, 2), 0.05, 0.2306),
            (plan(125, 3), 0.01, 0.9626),
            (plan(125, 3), 0.05, 0.1238),
        ] {
            assert!((plan.acceptance(share).unwrap() - probability).abs() < 5e-5, "{plan:?}");
        }
        for (plan, probability, share) in
            [(plan(80, 2), 0.1, 0.06516), (plan(125, 3), 0.95, 0.01100), (plan(125, 3), 0.1, 0.05266)]
        {
            assert!((plan.quality_at(probability).unwrap() - share).abs() < 5e-6, "{plan:?}");
        }
        assert!((plan(50, 1).acceptance_of_lot(500, 25).unwrap() - 0.263_594).abs() < 1e-6);
        assert!((plan(50, 1).acceptance(0.05).unwrap() - 0.279_432).abs() < 1e-6);
        // Checked whole, a lot passes if it holds no more.
        assert_eq!((plan(50, 1).acceptance_of_lot(30, 1), plan(50, 1).acceptance_of_lot(30, 2)), (Ok(1.0), Ok(0.0)));
    }

    #[test]
    fn the_smallest_plans_equal_their_references() {
        // Found by trying every plan with scipy, `binom.cdf`.
        for (aql, ltpd, n, accept) in [(0.01, 0.05, 132, 3), (0.01, 0.03, 390, 7), (0.02, 0.08, 98, 4)] {
            assert_eq!(Plan::smallest(risks(aql, ltpd)), Ok(plan(n, accept)));
        }
        for (ltpd, beta, n) in [(0.05, 0.1, 45), (0.05, 0.05, 59), (0.01, 0.1, 230), (0.01, 0.05, 299)] {
            assert_eq!(Plan::zero_acceptance(ltpd, beta), Ok(plan(n, 0)));
        }
    }

    #[test]
    fn large_plans_are_the_smallest_too() {
        // One item fewer, or one defect fewer, and no plan keeps both risks: found by trying every acceptance number.
        for (aql, ltpd, n, accept) in
            [(0.2, 0.21, 13_953, 2_868), (0.45, 0.47, 5_326, 2_456), (0.3, 0.31, 18_156, 5_548)]
        {
            assert_eq!(Plan::smallest(risks(aql, ltpd)), Ok(plan(n, accept)));
        }
        let near = risks(0.3, 0.32);
        let of_lot = Plan::smallest_for_lot(near, 40_000).unwrap();
        let (good, bad) = near.defects(40_000).unwrap();
        let keeps = |plan: Plan| {
            plan.acceptance_of_lot(40_000, good).unwrap() >= 0.95 && plan.acceptance_of_lot(40_000, bad).unwrap() <= 0.1
        };
        assert!(of_lot.accept > TRIED_ONE_BY_ONE && keeps(of_lot), "{of_lot:?}");
        assert!((1..40).all(|fewer| (0..40).all(|below| !keeps(plan(of_lot.n - fewer, of_lot.accept - below)))));
    }

    #[test]
    fn a_small_lot_needs_a_smaller_sample() {
        let small = Plan::smallest_for_lot(risks(0.01, 0.05), 300).unwrap();
        assert!(small.n < 132, "{small:?}");
        assert!(small.acceptance_of_lot(300, 3).unwrap() >= 0.95 && small.acceptance_of_lot(300, 15).unwrap() <= 0.1);
        assert_eq!(Plan::smallest_for_lot(risks(0.01, 0.05), 1), Ok(plan(1, 0)));
        assert_eq!(Plan::zero_acceptance_for_lot(0.05, 0.1, 100), Ok(plan(37, 0)));
    }

    #[test]
    fn outgoing_quality_has_a_peak() {
        // (80, 2) on lots of 900: 0.01 * .9534 * 820 / 900.
        assert!((plan(80, 2).outgoing(0.01, 900).unwrap() - 0.008_686).abs() < 1e-6);
        let limit = plan(80, 2).outgoing_limit(900).unwrap();
        let highest =
            (0..=2_000).map(|step| plan(80, 2).outgoing(f64::from(step) / 20_000.0, 900).unwrap()).fold(0.0, f64::max);
        assert!((limit - highest).abs() < 1e-7, "{limit} {highest}");
        assert_eq!(plan(80, 2).outgoing(0.3, 60), Ok(0.0));
    }

    #[test]
    fn what_is_left_in_a_drawn_lot_equals_its_sum_defect_by_defect() {
        // Exact binomial coefficients: the highest of sum over x <= c of h(x)(D - x) / N.
        for (size, plan, limit) in [(200, plan(155, 0), 0.001_125_000_000), (900, plan(127, 3), 0.013_841_963_795)] {
            let left = plan.outgoing_limit_of_lot(size).unwrap();
            assert!((left - limit).abs() < 1e-9, "{left}");
            let highest = (0..=size).map(|defects| plan.outgoing_of_lot(size, defects).unwrap()).fold(0.0, f64::max);
            assert!((left - highest).abs() < 1e-15, "{left} {highest}");
        }
        for defects in 0..=40 {
            let lot = Lot { size: 40, hits: defects, n: 9 };
            let exactly = |x: u64| lot.at_most(x) - if x == 0 { 0.0 } else { lot.at_most(x - 1) };
            let sum: f64 = (0..=2_u64.min(defects)).map(|x| exactly(x) * real(defects - x) / 40.0).sum();
            assert!((plan(9, 2).outgoing_of_lot(40, defects).unwrap() - sum).abs() < 1e-12, "{defects}");
        }
        // Nothing is left in a lot that is checked whole.
        assert_eq!((plan(40, 2).outgoing_of_lot(40, 30), plan(50, 2).outgoing_limit_of_lot(40)), (Ok(0.0), Ok(0.0)));
        assert_eq!(plan(9, 2).outgoing_of_lot(0, 0), Err(StatsError::NoTrials));
        assert_eq!(plan(9, 2).outgoing_of_lot(3, 4), Err(StatsError::HitsExceedTrials { hits: 4, n: 3 }));
    }

    #[test]
    fn the_quality_of_a_drawn_lot_is_a_whole_number_of_defects() {
        // By exact binomial coefficients.
        let found = |size, plan: Plan| {
            [plan.most_defects_at(size, 0.95), plan.fewest_defects_at(size, 0.5), plan.fewest_defects_at(size, 0.1)]
                .map(Result::unwrap)
        };
        assert_eq!(found(200, plan(155, 0)), [0, 1, 2]);
        assert_eq!(found(900, plan(127, 3)), [10, 26, 45]);
        // Checked whole, a lot passes with what is let pass and with no more.
        assert_eq!(found(10, plan(10, 1)), [1, 2, 2]);
        assert_eq!(plan(9, 2).most_defects_at(0, 0.5), Err(StatsError::NoTrials));
        assert_eq!(plan(9, 2).fewest_defects_at(9, 1.0), Err(StatsError::Value(1.0)));
    }

    #[test]
    fn an_inspector_who_errs_is_corrected() {
        let inspector = Inspector::new(0.2, 0.03).unwrap();
        // 5 % defective: 4 % seen and 2.85 % sound ones suspected.
        assert!((inspector.found(0.05).unwrap() - 0.0685).abs() < 1e-12);
        assert!((inspector.corrected(0.0685).unwrap() - 0.05).abs() < 1e-12);
        assert_eq!((inspector.corrected(0.0), inspector.corrected(1.0)), (Ok(0.0), Ok(1.0)));
        assert_eq!(Inspector::new(0.6, 0.4), Err(StatsError::Risks));
    }

    #[test]
    fn what_no_plan_can_promise_is_refused() {
        assert_eq!(Plan::smallest(risks(0.05, 0.05)), Err(StatsError::Risks));
        assert_eq!(Plan::smallest(risks(0.05, 0.050_000_001)), Err(StatsError::Risks));
        assert_eq!(Plan::smallest(risks(0.0, 0.05)), Err(StatsError::Value(0.0)));
        assert!(Plan::smallest(risks(f64::NAN, 0.05)).is_err() && Plan::zero_acceptance(0.05, f64::NAN).is_err());
        assert_eq!(Plan::new(3, 3), Err(StatsError::Plan { n: 3, accept: 3 }));
        assert_eq!(Plan::smallest_for_lot(risks(0.01, 0.05), 0), Err(StatsError::NoTrials));
        assert_eq!(plan(9, 1).acceptance(1.5), Err(StatsError::Value(1.5)));
        assert_eq!(plan(9, 1).acceptance_of_lot(3, 4), Err(StatsError::HitsExceedTrials { hits: 4, n: 3 }));
    }

    proptest! {
        #[test]
        fn plans_keep_their_risks_and_no_smaller_sample_does(aql in 0.002_f64..0.1, times in 2.0_f64..9.0, alpha in 0.01_f64..0.3, beta in 0.01_f64..0.3) {
            let risks = Risks { aql, alpha, ltpd: (aql * times).min(0.9), beta };
            let plan = Plan::smallest(risks).unwrap();
            prop_assert!(plan.acceptance(risks.aql).unwrap() >= 1.0 - alpha && plan.acceptance(risks.ltpd).unwrap() <= beta);
            for accept in 0..plan.n - 1 {
                let Ok(smaller) = Plan::new(plan.n - 1, accept) else { continue };
                prop_assert!(smaller.acceptance(risks.aql).unwrap() < 1.0 - alpha || smaller.acceptance(risks.ltpd).unwrap() > beta);
            }
        }

        #[test]
        fn plans_for_a_lot_keep_their_risks_with_no_larger_sample(aql in 0.01_f64..0.1, times in 2.0_f64..9.0, size in 20_u64..600) {
            let risks = risks(aql, (aql * times).min(0.9));
            let (of_lot, endless) = (Plan::smallest_for_lot(risks, size).unwrap(), Plan::smallest(risks).unwrap());
            let (good, bad) = defects(risks, size).unwrap();
            prop_assert!(of_lot.acceptance_of_lot(size, good).unwrap() >= 0.95 && of_lot.acceptance_of_lot(size, bad).unwrap() <= 0.1);
            prop_assert!(of_lot.n <= endless.n.min(size));
        }

        #[test]
        fn drawing_without_replacement_is_surer_on_both_sides(n in 1_u64..60, accept in 0_u64..5, defects in 0_u64..120) {
            // Far enough from the middle the hypergeometric law has the lighter tail.
            let plan = Plan::new(n.max(accept + 1), accept).unwrap();
            let share = real(defects) / 120.0;
            let (of_lot, endless) = (plan.acceptance_of_lot(120, defects).unwrap(), plan.acceptance(share).unwrap());
            let mean = real(plan.n) * share;
            if real(accept) < mean - 1.0 {
                prop_assert!(of_lot <= endless + 1e-12, "{:?} {}", plan, defects);
            } else if real(accept) > mean {
                prop_assert!(of_lot >= endless - 1e-12, "{:?} {}", plan, defects);
            }
        }

        #[test]
        fn probabilities_of_any_plan_are_probabilities(n in 1..SAMPLE_MAX, accept in any::<u64>(), share in 0.0..=1.0_f64) {
            let plan = Plan::new(n, accept % n).unwrap();
            prop_assert!((0.0..=1.0).contains(&plan.acceptance(share).unwrap()));
            prop_assert!((0.0..=1.0).contains(&plan.outgoing(share, n).unwrap()));
        }
    }
}
