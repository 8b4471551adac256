//! What a panel's answers say about one case: the chance of each class, by Bayes' rule.
//!
//! A small pure function of what was measured before: how common each class is, how each reader errs, and by how much such
//! chances were over-confident. The same numbers give the same chances on every machine.

use super::{
    TruthError,
    math::{exp, ln},
};
use crate::agreement::CLASSES_MAX;

/// No chance of an answer is taken to be smaller: one slip must never make a class impossible.
pub const CHANCE_MIN: f64 = 1e-9;

/// How a reader answers, given the true class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reader<'a> {
    /// Right with this chance, in `0.0..=1.0`; every wrong class is equally likely.
    Accuracy(f64),
    /// The chance of each answer given each truth, truth by truth, `classes * classes` numbers of 0 or more; each truth's
    /// row is scaled to sum to 1. [`confusion`] makes one from counts.
    Confusion(&'a [f64]),
}

/// One reader's answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer<'a> {
    /// Who answered.
    pub reader: Reader<'a>,
    /// The class that the reader gave, from 0.
    pub class: usize,
}

/// Returns the chance of each class given `answers`, which sum to 1.
///
/// `prior` holds one share of 0 or more for each class and need not sum to 1. `temperature` above 1 flattens
/// over-confident chances, 1 leaves them: each is raised to `1 / temperature` and all are scaled to sum to 1 again. Answers
/// count as independent given the truth, so the order does not matter but for the last digit. With no answers the
/// (flattened) prior remains.
/// Source: Dawid and Skene, Appl. Stat. 28 (1979), 20–28, equation 2.5; temperature after Guo et al., ICML 2017.
///
/// # Errors
/// [`TruthError::Classes`], [`TruthError::Weight`] of a negative, infinite or missing number or a prior that sums to 0,
/// [`TruthError::Temperature`], [`TruthError::UnknownClass`], [`TruthError::Shape`] of a confusion that is not square.
pub fn posterior(prior: &[f64], answers: &[Answer<'_>], temperature: f64) -> Result<Vec<f64>, TruthError> {
    let classes = prior.len();
    if classes == 0 || classes > CLASSES_MAX {
        return Err(TruthError::Classes(classes));
    }
    if !(temperature.is_finite() && temperature > 0.0) {
        return Err(TruthError::Temperature(temperature));
    }
    let total = total(prior)?;
    let mut scores: Vec<f64> = prior.iter().map(|&share| ln((share / total).max(CHANCE_MIN))).collect();
    for Answer { reader, class } in answers {
        let class = *class;
        if class >= classes {
            return Err(TruthError::UnknownClass { class, classes });
        }
        match *reader {
            Reader::Accuracy(accuracy) => {
                if !(0.0..=1.0).contains(&accuracy) {
                    return Err(TruthError::Weight(accuracy));
                }
                let wrong = (1.0 - accuracy) / real(classes.saturating_sub(1).max(1));
                for (truth, score) in scores.iter_mut().enumerate() {
                    *score += ln(if truth == class { accuracy } else { wrong }.max(CHANCE_MIN));
                }
            }
            Reader::Confusion(cells) => {
                let wanted = classes * classes;
                if cells.len() != wanted {
                    return Err(TruthError::Shape { found: cells.len(), wanted });
                }
                for (score, row) in scores.iter_mut().zip(cells.chunks_exact(classes)) {
                    *score += ln((row[class] / self::total(row)?).max(CHANCE_MIN));
                }
            }
        }
    }
    Ok(shares(scores, temperature))
}

/// Returns the class with the best chance, the first of equals, and the chance that it is wrong; nothing of no classes.
pub fn best(chances: &[f64]) -> Option<(usize, f64)> {
    let (mut best, mut chance) = (0, *chances.first()?);
    for (class, &other) in chances.iter().enumerate() {
        if other > chance {
            (best, chance) = (class, other);
        }
    }
    // The others are summed, because one less the best would lose the digits of a small error.
    let wrong = chances.iter().enumerate().filter(|(class, _)| *class != best).map(|(_, chance)| chance).sum();
    Some((best, wrong))
}

/// Returns the median of ordered classes: the first at which the chances from below reach a half; nothing of no classes.
/// Of grades it errs by fewer steps than the best class does.
pub fn median(chances: &[f64]) -> Option<usize> {
    let half = chances.iter().sum::<f64>() / 2.0;
    let mut sum = 0.0;
    chances.iter().position(|chance| {
        sum += chance;
        sum >= half
    })
}

/// Returns a model's chance that its best class is right, corrected by a logistic curve: the chance whose log-odds are
/// `slope` times those of `chance`, plus `offset`. [`super::Calibration`] finds such a curve; a slope of 1 with no offset
/// changes nothing. Chances count as no nearer to 0 or 1 than a millionth.
pub fn calibrated(chance: f64, slope: f64, offset: f64) -> f64 {
    let chance = chance.clamp(1e-6, 1.0 - 1e-6);
    1.0 / (1.0 + exp(-(slope * ln(chance / (1.0 - chance)) + offset)))
}

/// Returns a reader's confusion, truth by truth, from counts of its answers given the truth.
///
/// `counts` are `classes * classes` numbers of 0 or more, whole or expected, truth down and answer across. To each row are
/// added `strength` answers of a reader who is right with chance `accuracy` and errs evenly: of few answers a reader is
/// like the others, of many like itself. Rows sum to 1.
///
/// # Errors
/// [`TruthError::Classes`], [`TruthError::Shape`], [`TruthError::Weight`] of a negative, infinite or missing number, of an
/// accuracy outside `0.0..=1.0`, or if a row has neither answers nor strength.
pub fn confusion(counts: &[f64], classes: usize, accuracy: f64, strength: f64) -> Result<Vec<f64>, TruthError> {
    if classes == 0 || classes > CLASSES_MAX {
        return Err(TruthError::Classes(classes));
    }
    if counts.len() != classes * classes {
        return Err(TruthError::Shape { found: counts.len(), wanted: classes * classes });
    }
    if !(0.0..=1.0).contains(&accuracy) {
        return Err(TruthError::Weight(accuracy));
    }
    if !(strength.is_finite() && strength >= 0.0) {
        return Err(TruthError::Weight(strength));
    }
    let wrong = (1.0 - accuracy) / real(classes.saturating_sub(1).max(1));
    let mut cells = Vec::with_capacity(counts.len());
    for (truth, row) in counts.chunks_exact(classes).enumerate() {
        let start = cells.len();
        cells.extend(
            row.iter()
                .enumerate()
                .map(|(class, count)| count + strength * if class == truth { accuracy } else { wrong }),
        );
        let total = total(&cells[start..])?;
        for cell in &mut cells[start..] {
            *cell /= total;
        }
    }
    Ok(cells)
}

/// Returns the shares whose logarithms, but for a common term, are `scores / temperature`; they sum to 1.
pub(crate) fn shares(mut scores: Vec<f64>, temperature: f64) -> Vec<f64> {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for score in &mut scores {
        *score = exp((*score - top) / temperature);
        sum += *score;
    }
    for score in &mut scores {
        *score /= sum;
    }
    scores
}

/// Returns the sum of weights, each finite and 0 or more, that do not all vanish.
fn total(weights: &[f64]) -> Result<f64, TruthError> {
    if let Some(&weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
        return Err(TruthError::Weight(weight));
    }
    let total: f64 = weights.iter().sum();
    if total > 0.0 && total.is_finite() { Ok(total) } else { Err(TruthError::Weight(total)) }
}

#[expect(clippy::cast_precision_loss, reason = "a count of classes, at most a thousand")]
fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn near(found: &[f64], wanted: &[f64]) {
        assert_eq!(found.len(), wanted.len());
        assert!(found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn two_readers_who_differ_are_weighed_by_their_accuracy() {
        let answers =
            [Answer { reader: Reader::Accuracy(0.9), class: 0 }, Answer { reader: Reader::Accuracy(0.8), class: 1 }];
        // .5 * .9 * .2 against .5 * .1 * .8.
        near(&posterior(&[1.0, 1.0], &answers, 1.0).unwrap(), &[9.0 / 13.0, 4.0 / 13.0]);
        // A class nine times as common outweighs the better reader.
        near(&posterior(&[1.0, 9.0], &answers, 1.0).unwrap(), &[0.2, 0.8]);
    }

    #[test]
    fn a_reader_who_errs_in_one_direction_is_known_by_the_confusion() {
        // The published share of sound and decayed teeth with the first dentist's rows, Espeland and Handelman 1989.
        let dentist = [0.9942, 0.0058, 0.5963, 0.4037];
        let said = |class| [Answer { reader: Reader::Confusion(&dentist), class }];
        let positive = posterior(&[0.8003, 0.1997], &said(1), 1.0).unwrap();
        let (sound, decayed) = (0.8003 * 0.0058, 0.1997 * 0.4037);
        near(&positive, &[sound / (sound + decayed), decayed / (sound + decayed)]);
        assert_eq!(best(&positive).map(|(class, _)| class), Some(1));
        let negative = posterior(&[0.8003, 0.1997], &said(0), 1.0).unwrap();
        assert_eq!(best(&negative).map(|(class, _)| class), Some(0));
    }

    #[test]
    fn temperature_flattens_and_keeps_the_order() {
        let sure = [Answer { reader: Reader::Accuracy(0.9), class: 0 }; 2];
        near(&posterior(&[1.0, 1.0], &sure, 1.0).unwrap(), &[81.0 / 82.0, 1.0 / 82.0]);
        near(&posterior(&[1.0, 1.0], &sure, 2.0).unwrap(), &[0.9, 0.1]);
    }

    #[test]
    fn a_logistic_curve_keeps_the_order_and_moves_the_chance() {
        assert!((calibrated(0.9, 1.0, 0.0) - 0.9).abs() < 1e-12);
        // Odds of 9 to 1 become those of 3 to 1.
        assert!((calibrated(0.9, 0.5, 0.0) - 0.75).abs() < 1e-12);
        assert!(calibrated(1.0, 0.5, 0.0) < 1.0 && calibrated(0.9, 0.5, -1.0) < 0.75);
    }

    #[test]
    fn the_median_grade_has_half_on_either_side() {
        assert_eq!(median(&[0.4, 0.15, 0.45]), Some(1));
        assert_eq!(median(&[0.0, 1.0]), Some(1));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn few_answers_leave_a_reader_near_the_others() {
        near(&confusion(&[0.0; 4], 2, 0.8, 5.0).unwrap(), &[0.8, 0.2, 0.2, 0.8]);
        near(&confusion(&[5.0, 0.0, 0.0, 5.0], 2, 0.8, 5.0).unwrap(), &[0.9, 0.1, 0.1, 0.9]);
        near(&confusion(&[9.0, 1.0, 4.0, 6.0], 2, 0.8, 0.0).unwrap(), &[0.9, 0.1, 0.4, 0.6]);
    }

    #[test]
    fn what_no_panel_could_say_is_refused_by_name() {
        let one = |reader, class| [Answer { reader, class }];
        let half = [0.5, 0.5];
        assert_eq!(posterior(&[], &[], 1.0), Err(TruthError::Classes(0)));
        assert_eq!(posterior(&[0.0, 0.0], &[], 1.0), Err(TruthError::Weight(0.0)));
        assert!(matches!(posterior(&[f64::NAN, 1.0], &[], 1.0), Err(TruthError::Weight(_))));
        assert_eq!(posterior(&[-1.0, 2.0], &[], 1.0), Err(TruthError::Weight(-1.0)));
        assert_eq!(posterior(&half, &[], 0.0), Err(TruthError::Temperature(0.0)));
        assert!(matches!(posterior(&half, &[], f64::NAN), Err(TruthError::Temperature(_))));
        assert_eq!(
            posterior(&half, &one(Reader::Accuracy(0.9), 2), 1.0),
            Err(TruthError::UnknownClass { class: 2, classes: 2 })
        );
        assert_eq!(posterior(&half, &one(Reader::Accuracy(1.5), 0), 1.0), Err(TruthError::Weight(1.5)));
        assert_eq!(
            posterior(&half, &one(Reader::Confusion(&[1.0; 3]), 0), 1.0),
            Err(TruthError::Shape { found: 3, wanted: 4 })
        );
        assert_eq!(confusion(&[0.0; 4], 2, 0.8, 0.0), Err(TruthError::Weight(0.0)));
        assert_eq!(best(&[]), None);
    }

    #[test]
    fn even_an_infallible_reader_can_be_outvoted() {
        let mut answers = vec![Answer { reader: Reader::Accuracy(1.0), class: 0 }];
        answers.extend([Answer { reader: Reader::Accuracy(0.99), class: 1 }; 6]);
        let chances = posterior(&[1.0, 1.0], &answers, 1.0).unwrap();
        assert_eq!(best(&chances).map(|(class, _)| class), Some(1), "{chances:?}");
    }

    proptest! {
        #[test]
        fn chances_sum_to_one_and_do_not_depend_on_the_order(
            prior in vec(0.001_f64..1.0, 3), said in vec((0.0_f64..=1.0, 0_usize..3), 0..12), temperature in 0.2_f64..5.0,
        ) {
            let mut answers: Vec<_> =
                said.iter().map(|&(accuracy, class)| Answer { reader: Reader::Accuracy(accuracy), class }).collect();
            let chances = posterior(&prior, &answers, temperature).unwrap();
            prop_assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            answers.reverse();
            for (one, other) in chances.iter().zip(posterior(&prior, &answers, temperature).unwrap()) {
                prop_assert!((one - other).abs() < 1e-9);
            }
        }

        #[test]
        fn one_more_reader_better_than_chance_who_agrees_never_lowers_a_class(
            said in vec((0.34_f64..1.0, 0_usize..3), 0..8), accuracy in 0.34_f64..=1.0, class in 0_usize..3,
        ) {
            let mut answers: Vec<_> =
                said.iter().map(|&(accuracy, class)| Answer { reader: Reader::Accuracy(accuracy), class }).collect();
            let before = posterior(&[1.0; 3], &answers, 1.0).unwrap()[class];
            answers.push(Answer { reader: Reader::Accuracy(accuracy), class });
            prop_assert!(posterior(&[1.0; 3], &answers, 1.0).unwrap()[class] >= before - 1e-12);
        }
    }
}
