//! How far raters agree on nominal classes, corrected for chance.
//!
//! [`Pairs`] holds two raters against each other, [`Counts`] any number of raters by counts per unit. Both are small
//! whatever the number of units: a raters-by-units matrix is never built.
//!
//! Every coefficient is computed as `1 - observed / expected` *disagreement*. Sums of non-negative terms lose no digits,
//! where the textbook's `(p_o - p_e) / (1 - p_e)` does when one class is rare.

use std::collections::BTreeMap;

use crate::{StatsError, real};

/// Most classes a table may have.
pub const CLASSES_MAX: usize = 1_000;

const TOTAL_MAX: u64 = 1 << f64::MANTISSA_DIGITS;

/// Why a coefficient has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Undefined {
    /// No unit has two values to compare.
    #[error("no unit has two values to compare")]
    NoPairs,
    /// All values are of one class, so agreement by chance is certain and nothing can be said beyond it.
    #[error("all values are of one class")]
    OneClass,
    /// Fleiss' kappa needs the same number of values on every unit.
    #[error("the units have different numbers of values")]
    UnequalValues,
}

/// Cohen's kappa with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kappa {
    /// In `-1.0..=1.0`: 1 is perfect agreement, 0 is what chance would give.
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
        check_classes(classes)?;
        Ok(Self { classes, cells: vec![0; classes * classes] })
    }

    /// Returns the table with these `classes * classes` counts, row by row.
    ///
    /// # Errors
    /// [`StatsError::TooManyClasses`] above [`CLASSES_MAX`], [`StatsError::Shape`] if the table is not square,
    /// [`StatsError::TooLarge`] if the counts sum to more than 2^53.
    pub fn from_cells(classes: usize, cells: Vec<u64>) -> Result<Self, StatsError> {
        check_classes(classes)?;
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

    /// Returns Cohen's unweighted kappa with its large-sample standard error.
    ///
    /// Sources: Cohen, Educ. Psychol. Meas. 20 (1960), 37–46; the standard error is that of Fleiss, Cohen and Everitt,
    /// Psychol. Bull. 72 (1969), 323–327, written as the spread of each cell's influence, which cannot turn negative.
    ///
    /// # Errors
    /// [`Undefined::NoPairs`] of an empty table, [`Undefined::OneClass`] if both raters gave one same class throughout.
    pub fn kappa(&self) -> Result<Kappa, Undefined> {
        let units = self.units();
        if units == 0 {
            return Err(Undefined::NoPairs);
        }
        let share = |count: u64| real(count) / real(units);
        let (mut firsts, mut seconds, mut disagreed) = (vec![0; self.classes], vec![0; self.classes], 0);
        for (first, second, count) in self.cells() {
            firsts[first] += count;
            seconds[second] += count;
            disagreed += if first == second { 0 } else { count };
        }

        let observed = share(disagreed);
        let expected: f64 =
            firsts.iter().zip(&seconds).map(|(&first, &second)| share(first) * share(units - second)).sum();
        let value = coefficient(observed, expected)?;

        let influence = |first: usize, second: usize| {
            f64::from(first == second) - (1.0 - value) * (share(seconds[first]) + share(firsts[second]))
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

/// How often each class was given to each unit, gathered by distinct pattern of counts.
///
/// A unit with fewer than two values has nothing to compare: it is counted in [`Counts::units`] and in nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    classes: usize,
    units: u64,
    patterns: BTreeMap<Vec<u32>, u64>,
}

impl Counts {
    /// Returns an empty table.
    ///
    /// # Errors
    /// [`StatsError::TooManyClasses`] above [`CLASSES_MAX`].
    pub fn new(classes: usize) -> Result<Self, StatsError> {
        check_classes(classes)?;
        Ok(Self { classes, units: 0, patterns: BTreeMap::new() })
    }

    /// Adds one unit: how many raters gave it each class, one count a class. Raters who gave none are simply absent.
    ///
    /// # Errors
    /// [`StatsError::Shape`] if there is not one count a class; the table is then as before.
    pub fn add(&mut self, unit: &[u32]) -> Result<(), StatsError> {
        if unit.len() != self.classes {
            return Err(StatsError::Shape { found: unit.len(), wanted: self.classes });
        }
        self.units += 1;
        if values(unit) >= 2 {
            if let Some(times) = self.patterns.get_mut(unit) {
                *times += 1;
            } else {
                self.patterns.insert(unit.to_vec(), 1);
            }
        }
        Ok(())
    }

    /// Returns the number of units added.
    pub fn units(&self) -> u64 {
        self.units
    }

    /// Returns the number of units with two values or more: those that every figure here rests on.
    pub fn pairable(&self) -> u64 {
        self.patterns.values().sum()
    }

    /// Returns the share of pairs of values that agree within a unit, as the mean over pairable units, in `0.0..=1.0`.
    ///
    /// Source: Fleiss, Psychol. Bull. 76 (1971), 378–382, his mean P; with two raters it is the share of units agreed.
    ///
    /// # Errors
    /// [`Undefined::NoPairs`] if no unit has two values.
    pub fn share_agreed(&self) -> Result<f64, Undefined> {
        let pairable = self.pairable();
        if pairable == 0 {
            return Err(Undefined::NoPairs);
        }
        let disagreed: f64 =
            self.patterns().map(|(unit, times)| real(times) * clashes(unit) / real(values(unit))).sum();
        Ok((1.0 - disagreed / real(pairable)).clamp(0.0, 1.0))
    }

    /// Returns Krippendorff's alpha for nominal classes, in `-1.0..=1.0`. Gaps are allowed: units may differ in their
    /// number of values.
    ///
    /// Source: Krippendorff, *Computing Krippendorff's Alpha-Reliability* (2011), section C.
    ///
    /// # Errors
    /// [`Undefined::NoPairs`] if no unit has two values, [`Undefined::OneClass`] if all paired values are of one class.
    pub fn alpha(&self) -> Result<f64, Undefined> {
        alpha(self.classes, self.patterns())
    }

    /// Returns Fleiss' kappa, in `-1.0..=1.0`, over the pairable units.
    ///
    /// Source: Fleiss, Psychol. Bull. 76 (1971), 378–382.
    ///
    /// # Errors
    /// [`Undefined::NoPairs`] if no unit has two values, [`Undefined::UnequalValues`] if pairable units differ in their
    /// number of values, [`Undefined::OneClass`] if all their values are of one class.
    pub fn fleiss(&self) -> Result<f64, Undefined> {
        let observed = 1.0 - self.share_agreed()?;
        let mut sizes = self.patterns.keys().map(|unit| values(unit));
        let size = sizes.next();
        if sizes.any(|other| Some(other) != size) {
            return Err(Undefined::UnequalValues);
        }
        let totals = totals(self.classes, self.patterns());
        let total: f64 = totals.iter().sum();
        coefficient(observed, totals.iter().map(|class| class / total * ((total - class) / total)).sum())
    }

    pub(crate) fn classes(&self) -> usize {
        self.classes
    }

    /// Returns each distinct pairable pattern and how many units show it, in a fixed order.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = (&[u32], u64)> + Clone {
        self.patterns.iter().map(|(unit, &times)| (unit.as_slice(), times))
    }
}

/// Returns alpha over pairable patterns, each so many `times`.
pub(crate) fn alpha<'a>(
    classes: usize,
    patterns: impl Iterator<Item = (&'a [u32], u64)> + Clone,
) -> Result<f64, Undefined> {
    let totals = totals(classes, patterns.clone());
    let total: f64 = totals.iter().sum();
    if total <= 0.0 {
        return Err(Undefined::NoPairs);
    }
    let observed: f64 = patterns.map(|(unit, times)| real(times) * clashes(unit)).sum();
    let expected: f64 = totals.iter().map(|class| class * ((total - class) / (total - 1.0))).sum();
    coefficient(observed, expected)
}

/// Returns how many values each class has over all patterns.
fn totals<'a>(classes: usize, patterns: impl Iterator<Item = (&'a [u32], u64)>) -> Vec<f64> {
    let mut totals = vec![0.0; classes];
    for (unit, times) in patterns {
        for (total, &count) in totals.iter_mut().zip(unit) {
            *total += real(times) * f64::from(count);
        }
    }
    totals
}

/// Returns a unit's values that clash with another one: its ordered pairs of unlike values over `values - 1`.
fn clashes(unit: &[u32]) -> f64 {
    let values = values(unit);
    let unlike: f64 = unit.iter().map(|&count| f64::from(count) * real(values - u64::from(count))).sum();
    unlike / real(values - 1)
}

fn values(unit: &[u32]) -> u64 {
    unit.iter().copied().map(u64::from).sum()
}

/// Returns agreement beyond chance from two disagreements in the same measure; the clamp takes off rounding only.
fn coefficient(observed: f64, expected: f64) -> Result<f64, Undefined> {
    if expected > 0.0 { Ok((1.0 - observed / expected).clamp(-1.0, 1.0)) } else { Err(Undefined::OneClass) }
}

fn check_classes(classes: usize) -> Result<(), StatsError> {
    if classes > CLASSES_MAX { Err(StatsError::TooManyClasses(classes)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn counts(classes: usize, units: &[Vec<u32>]) -> Counts {
        let mut counts = Counts::new(classes).unwrap();
        for unit in units {
            counts.add(unit).unwrap();
        }
        counts
    }

    /// The example of Krippendorff (2011), section C: four raters, twelve units, with gaps.
    fn krippendorff_2011() -> Counts {
        let raters = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."];
        let mut counts = Counts::new(5).unwrap();
        for place in 0..12 {
            let mut unit = [0; 5];
            for rater in raters {
                if let Some(class) = rater.chars().nth(place).and_then(|class| class.to_digit(10)) {
                    unit[class as usize - 1] += 1;
                }
            }
            counts.add(&unit).unwrap();
        }
        counts
    }

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
    fn alpha_equals_krippendorffs_example() {
        let counts = krippendorff_2011();
        assert!((counts.alpha().unwrap() - 0.743_421).abs() < 1e-6);
        assert_eq!((counts.units(), counts.pairable()), (12, 11));
        assert_eq!(counts.fleiss(), Err(Undefined::UnequalValues));
    }

    #[test]
    fn fleiss_kappa_equals_the_example_of_ten_units_and_fourteen_raters() {
        // The worked example of the article "Fleiss' kappa", Wikipedia: mean P 0.378, chance 0.213, kappa 0.210.
        let counts = counts(
            5,
            &[
                vec![0, 0, 0, 0, 14],
                vec![0, 2, 6, 4, 2],
                vec![0, 0, 3, 5, 6],
                vec![0, 3, 9, 2, 0],
                vec![2, 2, 8, 1, 1],
                vec![7, 7, 0, 0, 0],
                vec![3, 2, 6, 3, 0],
                vec![2, 5, 3, 2, 2],
                vec![6, 5, 2, 1, 0],
                vec![0, 2, 2, 3, 7],
            ],
        );
        assert!((counts.share_agreed().unwrap() - 0.378).abs() < 5e-4);
        assert!((counts.fleiss().unwrap() - 0.210).abs() < 5e-4);
    }

    #[test]
    fn one_class_throughout_is_undefined_rather_than_perfect() {
        let pairs = Pairs::from_cells(2, vec![331, 0, 0, 0]).unwrap();
        assert_eq!(pairs.kappa(), Err(Undefined::OneClass));
        assert_eq!(pairs.share_agreed(), Ok(1.0));
        let counts = counts(2, &[vec![2, 0], vec![3, 0], vec![0, 1]]);
        assert_eq!(counts.alpha(), Err(Undefined::OneClass));
        assert_eq!(counts.share_agreed(), Ok(1.0));
    }

    #[test]
    fn nothing_to_compare_is_undefined() {
        let pairs = Pairs::new(3).unwrap();
        assert_eq!((pairs.kappa(), pairs.share_agreed()), (Err(Undefined::NoPairs), Err(Undefined::NoPairs)));
        let counts = counts(2, &[vec![1, 0], vec![0, 0], vec![0, 1]]);
        assert_eq!((counts.units(), counts.pairable()), (3, 0));
        assert_eq!((counts.alpha(), counts.fleiss()), (Err(Undefined::NoPairs), Err(Undefined::NoPairs)));
        assert_eq!(counts.share_agreed(), Err(Undefined::NoPairs));
    }

    #[test]
    fn a_table_of_the_wrong_shape_is_refused_and_unchanged() {
        assert_eq!(Pairs::from_cells(2, vec![1; 3]), Err(StatsError::Shape { found: 3, wanted: 4 }));
        assert_eq!(Pairs::from_cells(1, vec![TOTAL_MAX + 1]), Err(StatsError::TooLarge));
        assert_eq!(Pairs::from_cells(2, vec![u64::MAX; 4]), Err(StatsError::TooLarge));
        assert_eq!(Pairs::new(CLASSES_MAX + 1), Err(StatsError::TooManyClasses(CLASSES_MAX + 1)));
        assert_eq!(Counts::new(usize::MAX), Err(StatsError::TooManyClasses(usize::MAX)));
        let mut pairs = Pairs::new(2).unwrap();
        assert_eq!(pairs.add(0, 2), Err(StatsError::UnknownClass { class: 2, classes: 2 }));
        assert_eq!(pairs.units(), 0);
        let mut counts = Counts::new(2).unwrap();
        assert_eq!(counts.add(&[1]), Err(StatsError::Shape { found: 1, wanted: 2 }));
        assert_eq!(counts.units(), 0);
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

    fn any_count() -> impl Strategy<Value = u32> {
        prop_oneof![4 => 0_u32..4, 1 => any::<u32>(), 1 => Just(u32::MAX)]
    }

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
        fn figures_from_counts_stay_in_range_and_ignore_the_order_of_units_and_classes(
            units in vec(vec(any_count(), CLASSES), 0..12),
            order in Just((0..CLASSES).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let straight = counts(CLASSES, &units);
            let relabelled: Vec<Vec<u32>> =
                units.iter().rev().map(|unit| order.iter().map(|&class| unit[class]).collect()).collect();
            let relabelled = counts(CLASSES, &relabelled);
            for figure in [Counts::alpha, Counts::fleiss, Counts::share_agreed] {
                let value = figure(&straight);
                prop_assert!(value.is_err() || value.is_ok_and(|value| (-1.0..=1.0).contains(&value)));
                prop_assert!(same(value, figure(&relabelled)));
            }
            prop_assert!(straight.pairable() <= straight.units());
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
