//! Chances that hold: how sure a model may be, measured where the truth is known.
//!
//! Models of independent raters are over-confident wherever raters err together. Two things tell by how much: known answers,
//! and how far other models of the same labels differ. A logistic curve over both gives the chance that the best class is
//! right; without known answers its prior stands, which already takes most of the excess away.

use super::{
    math::{exp, ln},
    real,
};

/// Known answers below which nothing is chosen or called measured.
pub const GOLD_MIN: usize = 30;
/// Bins of equal width in which chances are held against what came true.
pub const BINS: usize = 10;

/// Chances are taken to be no nearer to 0 or 1 than this.
const CHANCE_MIN: f64 = 1e-6;
/// What the curve is without known answers: weights of the model's own log-odds, of the pool's, and a constant.
const ALONE: [f64; 3] = [0.3, 0.0, 0.5];
const POOLED: [f64; 3] = [0.15, 0.5, 0.0];
/// How far known answers may easily move the curve's slope (from 1) and its offset (from 0).
///
/// A tenth of a few hundred cases tells the share that is right to a twentieth, and little of the slope: spreads of .1 to .25
/// and .3 to .5 do alike on the recorded sets, wider ones worse, and so does an isotonic curve, which has no prior at all.
const SLOPE_SPREAD: f64 = 0.2;
const OFFSET_SPREAD: f64 = 0.4;
/// Rounds of Newton's method; it settles in less than ten.
const ROUNDS: usize = 50;
/// Parts into which known answers are divided so that none judges a curve it has taught.
const FOLDS: usize = 5;

/// A case whose truth is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// The model's chance of its best class, from labels alone.
    pub chance: f64,
    /// The mean chance that all models give this class, if several were fitted.
    pub pool: Option<f64>,
    /// 1 if the best class is the true one, 0 if not, a part if several are best.
    pub right: f64,
}

/// A curve from a model's chance to one that holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// Weight of the log-odds of the model's own chance.
    pub own: f64,
    /// Weight of the log-odds of the pool's chance; 0 where there is no pool.
    pub pool: f64,
    /// Constant log-odds.
    pub offset: f64,
    /// Known answers behind it.
    pub known: usize,
    /// Expected calibration error of the model's own chances on the known answers; none without any.
    pub error_before: Option<f64>,
    /// Expected calibration error of the curve, each known answer judged by a curve made from the others; none without any.
    pub error: Option<f64>,
}

impl Calibration {
    /// Returns the curve that known answers teach; with none, what is to be assumed of models like these.
    ///
    /// `pooled` says whether several models were fitted. The order of the known answers decides which of them are held back
    /// together for [`Calibration::error`]; [`infer`](super::infer()) gives them in one that rests on what was said alone.
    pub fn fit(known: impl IntoIterator<Item = Known>, pooled: bool) -> Self {
        let known: Vec<Known> = known.into_iter().collect();
        let weights = if pooled { POOLED } else { ALONE };
        let points: Vec<(f64, f64)> =
            known.iter().map(|case| (score(weights, case.chance, case.pool), case.right)).collect();
        let (slope, offset) = logistic(&points);
        let mut judged = Vec::with_capacity(points.len());
        if !points.is_empty() {
            for fold in 0..FOLDS {
                let (own, others): (Vec<_>, Vec<_>) =
                    points.iter().enumerate().partition(|(place, _)| place % FOLDS == fold);
                let others: Vec<(f64, f64)> = others.into_iter().map(|(_, point)| *point).collect();
                let (slope, offset) = logistic(&others);
                judged.extend(own.into_iter().map(|(_, (score, right))| (sigmoid(slope * score + offset), *right)));
            }
        }
        let before: Vec<(f64, f64)> = known.iter().map(|case| (case.chance, case.right)).collect();
        Self {
            own: slope * weights[0],
            pool: slope * weights[1],
            offset: slope * weights[2] + offset,
            known: known.len(),
            error_before: expected_error(&before),
            error: expected_error(&judged),
        }
    }

    /// Returns the chance that a best class is right, in `(0, 1)`, from the model's chance and the pool's.
    pub fn chance(&self, own: f64, pool: Option<f64>) -> f64 {
        sigmoid(self.own * log_odds(own) + self.pool * log_odds(pool.unwrap_or(own)) + self.offset)
    }

    /// Returns whether enough known answers stand behind the curve to call it measured.
    pub fn measured(&self) -> bool {
        self.known >= GOLD_MIN
    }
}

/// Returns the expected calibration error of chances, each with what came true: the mean over ten bins of equal width of the
/// distance between the mean chance and the share that came true, weighed by the cases in the bin. None of no cases.
///
/// Source: Naeini, Cooper and Hauskrecht, AAAI 2015.
pub fn expected_error(judged: &[(f64, f64)]) -> Option<f64> {
    let mut bins = [(0.0, 0.0); BINS];
    for &(chance, right) in judged {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a chance lies in 0..=1")]
        let bin = ((chance * real(BINS)) as usize).min(BINS - 1);
        bins[bin].0 += chance;
        bins[bin].1 += right;
    }
    let distance: f64 = bins.iter().map(|(chance, right)| (chance - right).abs()).sum();
    (!judged.is_empty()).then(|| distance / real(judged.len()))
}

fn score(weights: [f64; 3], own: f64, pool: Option<f64>) -> f64 {
    weights[0] * log_odds(own) + weights[1] * log_odds(pool.unwrap_or(own)) + weights[2]
}

fn log_odds(chance: f64) -> f64 {
    let chance = chance.clamp(CHANCE_MIN, 1.0 - CHANCE_MIN);
    ln(chance / (1.0 - chance))
}

fn sigmoid(score: f64) -> f64 {
    1.0 / (1.0 + exp(-score))
}

/// Returns slope and offset of the most probable logistic curve, given scores with what came true and normal priors.
///
/// Source: Platt (1999), with a prior in place of his smoothed targets; Newton's method, of which the loss is convex.
fn logistic(points: &[(f64, f64)]) -> (f64, f64) {
    let (slope_weight, offset_weight) = (SLOPE_SPREAD.powi(-2), OFFSET_SPREAD.powi(-2));
    let (mut slope, mut offset) = (1.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        let (mut by_slope, mut by_offset) = ((slope - 1.0) * slope_weight, offset * offset_weight);
        let (mut slope_slope, mut slope_offset, mut offset_offset) = (slope_weight, 0.0, offset_weight);
        for &(score, right) in points {
            let chance = sigmoid(slope * score + offset);
            let (miss, weight) = (chance - right, chance * (1.0 - chance));
            by_slope += miss * score;
            by_offset += miss;
            slope_slope += weight * score * score;
            slope_offset += weight * score;
            offset_offset += weight;
        }
        let determinant = slope_slope * offset_offset - slope_offset * slope_offset;
        let slope_step = (offset_offset * by_slope - slope_offset * by_offset) / determinant;
        let offset_step = (slope_slope * by_offset - slope_offset * by_slope) / determinant;
        // Half steps of a length of 1 at most keep the first rounds from overshooting where the curve is flat.
        let length = slope_step.abs() + offset_step.abs();
        let part = if length > 1.0 { 1.0 / length } else { 1.0 };
        // A curve that falls would call the surest cases the worst; it stays level at the least.
        slope = (slope - part * slope_step).max(0.0);
        offset -= part * offset_step;
        if length < 1e-9 {
            break;
        }
    }
    (slope, offset)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::random::Random;

    fn known(chance: f64, right: f64) -> Known {
        Known { chance, pool: None, right }
    }

    #[test]
    fn the_calibration_error_is_the_mean_distance_over_bins() {
        // Bin .9: mean .95, one of two right; bin .6: .6, all right. (2 * |.95 - .5| + 1 * |.6 - 1|) / 3.
        let error = expected_error(&[(0.92, 1.0), (0.98, 0.0), (0.6, 1.0)]).unwrap();
        assert!((error - (0.9 + 0.4) / 3.0).abs() < 1e-12, "{error}");
        assert_eq!(expected_error(&[]), None);
        assert!(expected_error(&[(1.0, 1.0), (1.0, 1.0)]).unwrap().abs() < 1e-12);
    }

    #[test]
    fn a_model_that_is_sure_and_often_wrong_is_brought_to_its_share() {
        // Always .99 sure, right four times of five.
        let cases: Vec<Known> = (0..500).map(|n| known(0.99, if n / 5 % 5 == 0 { 0.0 } else { 1.0 })).collect();
        let curve = Calibration::fit(cases.iter().copied(), false);
        assert!((curve.chance(0.99, None) - 0.8).abs() < 0.01, "{curve:?}");
        assert!((curve.error_before.unwrap() - 0.19).abs() < 1e-9);
        assert!(curve.error.unwrap() < 0.02 && curve.measured());
    }

    #[test]
    fn chances_that_hold_are_left_nearly_as_they_are() {
        let mut random = Random::new(3);
        let cases: Vec<Known> = (0..20_000)
            .map(|_| {
                let chance = 0.5 + random.share() / 2.0;
                known(chance, if random.share() < chance { 1.0 } else { 0.0 })
            })
            .collect();
        let curve = Calibration::fit(cases.iter().copied(), false);
        for chance in [0.55, 0.7, 0.9, 0.97] {
            assert!((curve.chance(chance, None) - chance).abs() < 0.03, "{chance} {}", curve.chance(chance, None));
        }
        assert!(curve.error.unwrap() < 0.02);
    }

    #[test]
    fn without_known_answers_the_curve_is_an_assumption_and_says_so() {
        let curve = Calibration::fit([], true);
        assert!(!curve.measured() && curve.error.is_none() && curve.error_before.is_none());
        // Where the models differ, the chance is lower.
        assert!(curve.chance(0.999, Some(0.7)) < curve.chance(0.999, Some(0.95)));
        assert!(curve.chance(0.999, Some(0.95)) < 0.999);
    }

    proptest! {
        #[test]
        fn a_surer_case_never_has_the_lower_chance(
            cases in vec((0.2_f64..=1.0, prop::bool::ANY), 0..60), low in 0.0_f64..=1.0, high in 0.0_f64..=1.0,
        ) {
            let cases: Vec<Known> = cases.into_iter().map(|(chance, right)| known(chance, f64::from(u8::from(right)))).collect();
            let curve = Calibration::fit(cases.iter().copied(), false);
            let (low, high) = (curve.chance(low.min(high), None), curve.chance(low.max(high), None));
            prop_assert!(0.0 < low && low <= high && high < 1.0);
        }
    }
}
