//! Agreement on answers of several options at once: each option by itself, and the answers as sets.

use std::collections::BTreeMap;

use super::{CLASSES_MAX, Counts, Distances, Scale};
use crate::{StatsError, real};

/// How far two sets of options lie apart, between 0 for the same and 1 for nothing in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetDistance {
    /// The share of the options in either that are not in both. Source: Jaccard, New Phytol. 11 (1912), 37–50.
    Jaccard,
    /// As Jaccard's, milder where one set holds the other: MASI. Source: Passonneau, LREC (2006), 831–836.
    Masi,
}

/// Answers by unit, each a set of options.
#[derive(Debug, Clone)]
pub struct Choices {
    /// For each option how many raters of a unit chose it (class 1) and how many did not (class 0).
    by_option: Vec<Counts>,
    /// Every different set, by the order in which it first came up.
    sets: BTreeMap<Vec<u32>, u32>,
    /// The sets that each unit was given.
    units: Vec<Vec<u32>>,
}

impl Choices {
    /// Returns a table without units for so many options.
    ///
    /// # Errors
    /// [`StatsError::TooManyClasses`] above [`CLASSES_MAX`].
    pub fn new(options: usize) -> Result<Self, StatsError> {
        super::check_classes(options, CLASSES_MAX)?;
        let by_option = (0..options).map(|_| Counts::new(2)).collect::<Result<_, _>>()?;
        Ok(Self { by_option, sets: BTreeMap::new(), units: Vec::new() })
    }

    /// Adds one unit with the options that each rater chose, each from 0, in any order; a rater may choose none.
    ///
    /// # Errors
    /// [`StatsError::UnknownClass`] if there is no such option, [`StatsError::TooManyClasses`] beyond [`CLASSES_MAX`]
    /// different sets; the table is then as before.
    pub fn add(&mut self, answers: &[Vec<u32>]) -> Result<(), StatsError> {
        let options = self.by_option.len();
        let mut sorted = answers.to_vec();
        for answer in &mut sorted {
            answer.sort_unstable();
            answer.dedup();
            if let Some(&option) = answer.last().filter(|option| **option as usize >= options) {
                return Err(StatsError::UnknownClass { class: option as usize, classes: options });
            }
        }
        let fresh = sorted.iter().filter(|answer| !self.sets.contains_key(*answer)).count();
        if self.sets.len() + fresh > CLASSES_MAX {
            return Err(StatsError::TooManyClasses { found: self.sets.len() + fresh, max: CLASSES_MAX });
        }
        for (option, counts) in (0..).zip(&mut self.by_option) {
            let mut chosen: Vec<u32> = sorted.iter().map(|answer| u32::from(answer.contains(&option))).collect();
            counts.add_values(&mut chosen)?;
        }
        let known = |answer| {
            let next = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
            *self.sets.entry(answer).or_insert(next)
        };
        self.units.push(sorted.into_iter().map(known).collect());
        Ok(())
    }

    /// Returns for each option how many raters chose it (class 1) and how many did not (class 0), unit by unit.
    pub fn by_option(&self) -> &[Counts] {
        &self.by_option
    }

    /// Returns the answers as sets: their counts, and the scale for [`Coefficient::Alpha`](super::Coefficient::Alpha).
    ///
    /// The distance stands in place of the squared difference, as is usual for sets.
    ///
    /// # Errors
    /// None that [`Choices::add`] has not given before.
    pub fn sets(&self, distance: SetDistance) -> Result<(Counts, Scale), StatsError> {
        let mut sets = vec![&[][..]; self.sets.len()];
        for (set, &place) in &self.sets {
            sets[place as usize] = set;
        }
        let mut counts = Counts::new(sets.len())?;
        for unit in &self.units {
            counts.add_values(&mut unit.clone())?;
        }
        let distances = Distances::of(sets.len(), |first, second| apart(sets[first], sets[second], distance))?;
        Ok((counts, Scale::Custom(distances)))
    }
}

/// Returns the distance of two sorted sets.
fn apart(first: &[u32], second: &[u32], distance: SetDistance) -> f64 {
    let both = first.iter().filter(|option| second.binary_search(option).is_ok()).count();
    let either = first.len() + second.len() - both;
    if either == 0 {
        return 0.0;
    }
    let alike = real(both as u64) / real(either as u64);
    let holds = match distance {
        SetDistance::Jaccard => 1.0,
        SetDistance::Masi if both == first.len() && both == second.len() => 1.0,
        SetDistance::Masi if both == first.len() || both == second.len() => 2.0 / 3.0,
        SetDistance::Masi => 1.0 / 3.0,
    };
    1.0 - alike * holds
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::*;
    use crate::agreement::{Coefficient, Undefined};

    #[test]
    fn masi_and_jaccard_equal_passonneaus_cases() {
        for (first, second, jaccard, masi) in [
            (&[0, 1][..], &[0, 1][..], 0.0, 0.0),
            (&[0], &[0, 1], 0.5, 2.0 / 3.0),
            (&[0, 1], &[1, 2], 2.0 / 3.0, 8.0 / 9.0),
            (&[0], &[1], 1.0, 1.0),
            (&[], &[1], 1.0, 1.0),
            (&[], &[], 0.0, 0.0),
        ] {
            assert!((apart(first, second, SetDistance::Jaccard) - jaccard).abs() < 1e-12);
            assert!((apart(second, first, SetDistance::Masi) - masi).abs() < 1e-12);
        }
    }

    #[test]
    fn alpha_over_sets_equals_the_one_over_single_options() {
        let mut choices = Choices::new(3).unwrap();
        let mut plain = Counts::new(3).unwrap();
        for unit in [[0, 0], [1, 1], [0, 1], [2, 2], [2, 0]] {
            choices.add(&unit.map(|option| vec![option])).unwrap();
            plain.add_values(&mut unit.clone()).unwrap();
        }
        for distance in [SetDistance::Jaccard, SetDistance::Masi] {
            let (counts, scale) = choices.sets(distance).unwrap();
            let found = counts.value(&Coefficient::Alpha(scale)).unwrap();
            assert!((found - plain.alpha().unwrap()).abs() < 1e-12);
        }
        assert_eq!(choices.by_option().len(), 3);
        assert!((choices.by_option()[2].share_agreed().unwrap() - 0.8).abs() < 1e-12);
    }

    #[test]
    fn partial_agreement_counts_in_part() {
        // By hand: two units, {a} {a,b} and {c} {c}. Observed: Jaccard 1/2 twice; expected over the 12 ordered pairs of the
        // four values: 1/2 twice, 1 eight times. 1 - 3 * 1 / 9.
        let mut choices = Choices::new(3).unwrap();
        choices.add(&[vec![0], vec![1, 0, 0]]).unwrap();
        choices.add(&[vec![2], vec![2]]).unwrap();
        let (counts, scale) = choices.sets(SetDistance::Jaccard).unwrap();
        assert!((counts.value(&Coefficient::Alpha(scale)).unwrap() - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn options_that_do_not_exist_are_refused_and_nothing_chosen_is_an_answer() {
        let mut choices = Choices::new(2).unwrap();
        assert_eq!(choices.add(&[vec![0], vec![2]]), Err(StatsError::UnknownClass { class: 2, classes: 2 }));
        choices.add(&[vec![], vec![]]).unwrap();
        let (counts, scale) = choices.sets(SetDistance::Masi).unwrap();
        assert_eq!((counts.units(), counts.share_agreed()), (1, Ok(1.0)));
        assert_eq!(counts.value(&Coefficient::Alpha(scale)), Err(Undefined::OneClass.into()));
    }
}
