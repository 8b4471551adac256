//! Two raters' classes counted against each other.

use super::{CLASSES_MAX, TOTAL_MAX, Undefined, Weights, beyond_chance, check_classes};
use crate::{StatsError, real};

/// Cohen's kappa with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kappa {
    /// At most 1, which is perfect agreement; 0 is what chance would give, and -1 the least without weights.
    pub value: f64,
    /// Large-sample standard error, 0 or more. It is 0 where the units do not vary around `value`, as in perfect
    /// agreement: that says nothing about certainty.
    pub standard_error: f64,
}

/// Two raters' classes counted against each other: a square table, the first rater's class down, the second's across.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs {
    classes: usize,
    cells: Vec<u64>,
}

impl Pairs {
    /// Returns an empty table.
    ///
    /// # Errors
    /// [`StatsError::TooManyClasses`] above [`CLASSES_MAX`].
    pub fn new(classes: usize) -> Result<Self, StatsError> {
        check_classes(classes, CLASSES_MAX)?;
        Ok(Self { classes, cells: vec![0; classes * classes] })
    }

    /// Returns the table with these `classes * classes` counts, row by row.
    ///
    /// # Errors
    /// [`StatsError::TooManyClasses`] above [`CLASSES_MAX`], [`StatsError::Shape`] if the table is not square,
    /// [`StatsError::TooLarge`] if the counts sum to more than 2^53.
    pub fn from_cells(classes: usize, cells: Vec<u64>) -> Result<Self, StatsError> {
        check_classes(classes, CLASSES_MAX)?;
        if cells.len() != classes * classes {
            return Err(StatsError::Shape { found: cells.len(), wanted: classes * classes });
        }
        let total = cells.iter().try_fold(0_u64, |total, &cell| total.checked_add(cell));
        if total.is_none_or(|total| total > TOTAL_MAX) {
            return Err(StatsError::TooLarge);
        }
        Ok(Self { classes, cells })
    }

    /// Counts one unit that the raters gave the classes `first` and `second`, each from 0.
    ///
    /// # Errors
    /// [`StatsError::UnknownClass`] if the table has no such class; the table is then as before.
    pub fn add(&mut self, first: usize, second: usize) -> Result<(), StatsError> {
        let class = first.max(second);
        if class >= self.classes {
            return Err(StatsError::UnknownClass { class, classes: self.classes });
        }
        self.cells[first * self.classes + second] += 1;
        Ok(())
    }

    /// Returns the number of units counted.
    pub fn units(&self) -> u64 {
        self.cells.iter().sum()
    }

    /// Returns the share of units on which the raters gave the same class, in `0.0..=1.0`.
    ///
    /// # Errors
    /// [`Undefined::NoPairs`] of an empty table.
    pub fn share_agreed(&self) -> Result<f64, Undefined> {
        let units = self.units();
        if units == 0 {
            return Err(Undefined::NoPairs);
        }
        let agreed: u64 = self.cells().filter(|(first, second, _)| first == second).map(|(.., count)| count).sum();
        Ok(real(agreed) / real(units))
    }

    /// Returns Cohen's unweighted kappa with its large-sample standard error, as [`Pairs::weighted_kappa`] does.
    ///
    /// # Errors
    /// [`Undefined::NoPairs`] of an empty table, [`Undefined::OneClass`] if both raters gave one same class throughout.
    pub fn kappa(&self) -> Result<Kappa, Undefined> {
        self.kappa_of(|first, second| f64::from(first != second))
    }

    /// Returns Cohen's kappa with its large-sample standard error, where two unlike classes may agree in part.
    ///
    /// Sources: Cohen, Educ. Psychol. Meas. 20 (1960), 37–46, and Psychol. Bull. 70 (1968), 213–220; the standard error is
    /// that of Fleiss, Cohen and Everitt, Psychol. Bull. 72 (1969), 323–327, written as the spread of each cell's influence,
    /// which cannot turn negative.
    ///
    /// # Errors
    /// [`StatsError::Shape`] if there are weights for another number of classes; as [`Pairs::kappa`].
    pub fn weighted_kappa(&self, weights: &Weights) -> Result<Kappa, StatsError> {
        if weights.classes() != self.classes {
            return Err(StatsError::Shape { found: weights.classes(), wanted: self.classes });
        }
        Ok(self.kappa_of(|first, second| 1.0 - weights.of_pair(first, second))?)
    }

    fn kappa_of(&self, distance: impl Fn(usize, usize) -> f64) -> Result<Kappa, Undefined> {
        let units = self.units();
        if units == 0 {
            return Err(Undefined::NoPairs);
        }
        let share = |count: u64| real(count) / real(units);
        let (mut firsts, mut seconds) = (vec![0; self.classes], vec![0; self.classes]);
        for (first, second, count) in self.cells() {
            firsts[first] += count;
            seconds[second] += count;
        }
        // How far each class of one rater lies from what the other gives, on average.
        let mean_of = |class: usize, others: &[u64]| -> f64 {
            others.iter().enumerate().map(|(other, &count)| share(count) * distance(class, other)).sum()
        };
        let first_means: Vec<f64> = (0..self.classes).map(|class| mean_of(class, &seconds)).collect();
        let second_means: Vec<f64> = (0..self.classes).map(|class| mean_of(class, &firsts)).collect();
        let observed: f64 = self.cells().map(|(first, second, count)| share(count) * distance(first, second)).sum();
        let expected: f64 = firsts.iter().zip(&first_means).map(|(&count, mean)| share(count) * mean).sum();
        let value = beyond_chance(observed, expected)?;

        let influence = |first: usize, second: usize| {
            distance(first, second) - (1.0 - value) * (first_means[first] + second_means[second])
        };
        let mean: f64 = self.cells().map(|(first, second, count)| share(count) * influence(first, second)).sum();
        let variance: f64 =
            self.cells().map(|(first, second, count)| share(count) * (influence(first, second) - mean).powi(2)).sum();
        Ok(Kappa { value, standard_error: (variance / real(units)).sqrt() / expected })
    }

    fn cells(&self) -> impl Iterator<Item = (usize, usize, u64)> {
        self.cells.iter().enumerate().map(|(place, &count)| (place / self.classes, place % self.classes, count))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::agreement::Counts;

    #[test]
    fn kappa_equals_the_textbook() {
        // 20 + 15 of fifty units agreed: kappa 0.4. Standard error: statsmodels 0.15.0, `cohens_kappa`.
        let even = Pairs::from_cells(2, vec![20, 5, 10, 15]).unwrap().kappa().unwrap();
        assert!((even.value - 0.4).abs() < 1e-12);
        assert!((even.standard_error - 0.126_996).abs() < 1e-6);
        // The prevalence paradox (Feinstein and Cicchetti 1990): 94 % agreed, yet below chance.
        let rare = Pairs::from_cells(2, vec![118, 5, 2, 0]).unwrap();
        assert!((rare.kappa().unwrap().value + 0.023_392).abs() < 1e-6);
        assert!((rare.share_agreed().unwrap() - 0.944).abs() < 1e-12);
    }

    #[test]
    fn weighted_kappa_equals_statsmodels() {
        // statsmodels 0.15.0, `cohens_kappa` with `wt` of `linear` and `quadratic`.
        let pairs = Pairs::from_cells(3, vec![20, 5, 2, 4, 15, 6, 1, 3, 24]).unwrap();
        let grades = [1.0, 2.0, 3.0];
        for (found, value, standard_error) in [
            (pairs.weighted_kappa(&Weights::identity(3).unwrap()), 0.605_077_574, 0.073_288_384),
            (pairs.weighted_kappa(&Weights::linear(&grades).unwrap()), 0.669_989_687, 0.067_067_524),
            (pairs.weighted_kappa(&Weights::quadratic(&grades).unwrap()), 0.731_723_675, 0.067_994_981),
            (
                pairs.weighted_kappa(&Weights::of(3, |a, b| if b - a == 1 { 0.5 } else { 0.0 }).unwrap()),
                0.669_989_687,
                0.067_067_524,
            ),
        ] {
            let found = found.unwrap();
            assert!(
                (found.value - value).abs() < 1e-8 && (found.standard_error - standard_error).abs() < 1e-8,
                "{found:?}"
            );
        }
        let plain = pairs.kappa().unwrap();
        assert!((plain.value - 0.605_077_574).abs() < 1e-8);
        assert_eq!(
            pairs.weighted_kappa(&Weights::identity(2).unwrap()),
            Err(StatsError::Shape { found: 2, wanted: 3 })
        );
    }

    #[test]
    fn one_class_throughout_is_undefined_rather_than_perfect() {
        let pairs = Pairs::from_cells(2, vec![331, 0, 0, 0]).unwrap();
        assert_eq!(pairs.kappa(), Err(Undefined::OneClass));
        assert_eq!(pairs.share_agreed(), Ok(1.0));
        let pairs = Pairs::new(3).unwrap();
        assert_eq!((pairs.kappa(), pairs.share_agreed()), (Err(Undefined::NoPairs), Err(Undefined::NoPairs)));
    }

    #[test]
    fn a_table_of_the_wrong_shape_is_refused_and_unchanged() {
        assert_eq!(Pairs::from_cells(2, vec![1; 3]), Err(StatsError::Shape { found: 3, wanted: 4 }));
        assert_eq!(Pairs::from_cells(1, vec![TOTAL_MAX + 1]), Err(StatsError::TooLarge));
        assert_eq!(Pairs::from_cells(2, vec![u64::MAX; 4]), Err(StatsError::TooLarge));
        let (found, max) = (CLASSES_MAX + 1, CLASSES_MAX);
        assert_eq!(Pairs::new(found), Err(StatsError::TooManyClasses { found, max }));
        let mut pairs = Pairs::new(2).unwrap();
        assert_eq!(pairs.add(0, 2), Err(StatsError::UnknownClass { class: 2, classes: 2 }));
        assert_eq!(pairs.units(), 0);
    }

    #[test]
    fn pairs_counted_one_by_one_make_the_same_table() {
        let mut pairs = Pairs::new(2).unwrap();
        for (first, second) in [(0, 0), (0, 1), (1, 1), (1, 0), (0, 1)] {
            pairs.add(first, second).unwrap();
        }
        assert_eq!(pairs, Pairs::from_cells(2, vec![1, 2, 1, 1]).unwrap());
    }

    const CLASSES: usize = 3;

    fn any_cell() -> impl Strategy<Value = u64> {
        prop_oneof![4 => 0_u64..6, 1 => 0..TOTAL_MAX / 9]
    }

    /// Equal but for the order of summation.
    fn same(left: Result<f64, Undefined>, right: Result<f64, Undefined>) -> bool {
        match (left, right) {
            (Ok(left), Ok(right)) => (left - right).abs() <= 1e-9,
            (left, right) => left == right,
        }
    }

    proptest! {
        #[test]
        fn kappa_stays_in_range_and_ignores_the_order_of_raters_and_classes(
            cells in vec(any_cell(), CLASSES * CLASSES),
            order in Just((0..CLASSES).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let rearranged = |place: &dyn Fn(usize, usize) -> (usize, usize)| {
                let mut moved = vec![0; CLASSES * CLASSES];
                for (index, &cell) in cells.iter().enumerate() {
                    let (first, second) = place(index / CLASSES, index % CLASSES);
                    moved[first * CLASSES + second] = cell;
                }
                Pairs::from_cells(CLASSES, moved).unwrap().kappa()
            };
            let kappa = rearranged(&|first, second| (first, second));
            if let Ok(kappa) = kappa {
                prop_assert!((-1.0..=1.0).contains(&kappa.value));
                prop_assert!(kappa.standard_error.is_finite() && kappa.standard_error >= 0.0);
            }
            let value = |kappa: Result<Kappa, Undefined>| kappa.map(|kappa| kappa.value);
            let error = |kappa: Result<Kappa, Undefined>| kappa.map(|kappa| kappa.standard_error);
            let swapped = rearranged(&|first, second| (second, first));
            let relabelled = rearranged(&|first, second| (order[first], order[second]));
            prop_assert!(same(value(kappa), value(swapped)) && same(error(kappa), error(swapped)));
            prop_assert!(same(value(kappa), value(relabelled)) && same(error(kappa), error(relabelled)));
        }

        #[test]
        fn two_raters_agree_as_often_by_pairs_as_by_counts(
            classes in vec((0..CLASSES, 0..CLASSES), 0..40),
        ) {
            let (mut pairs, mut counts) = (Pairs::new(CLASSES).unwrap(), Counts::new(CLASSES).unwrap());
            for (first, second) in classes {
                pairs.add(first, second).unwrap();
                let mut unit = [0; CLASSES];
                unit[first] += 1;
                unit[second] += 1;
                counts.add(&unit).unwrap();
            }
            prop_assert!(same(pairs.share_agreed(), counts.share_agreed()));
        }
    }
}
