//! How often each class was given to each unit, whoever gave it.

use std::collections::BTreeMap;

use super::{COUNTED_CLASSES_MAX, Coefficient, Figure, Scale, Undefined, beyond_chance, check_classes};
use crate::{StatsError, real};

/// A class and how often a unit was given it, at least once.
pub(super) type Cell = (u32, u32);

/// How often each class was given to each unit, gathered by distinct pattern of counts.
///
/// A unit with fewer than two values has nothing to compare: it tells how common a class is, where a coefficient goes by
/// that ([`Coefficient::Gwet`]), and otherwise is counted in [`Counts::units`] only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    classes: usize,
    units: u64,
    patterns: BTreeMap<Vec<Cell>, u64>,
}

impl Counts {
    /// Returns an empty table.
    ///
    /// # Errors
    /// [`StatsError::TooManyClasses`] above [`COUNTED_CLASSES_MAX`].
    pub fn new(classes: usize) -> Result<Self, StatsError> {
        check_classes(classes, COUNTED_CLASSES_MAX)?;
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
        let pattern: Vec<Cell> =
            (0..).zip(unit).filter(|(_, count)| **count > 0).map(|(class, &count)| (class, count)).collect();
        self.add_pattern(pattern.as_slice());
        Ok(())
    }

    /// Adds one unit by the classes it was given, each from 0, in any order; the slice is sorted.
    ///
    /// # Errors
    /// [`StatsError::UnknownClass`] if the table has no such class; the table is then as before.
    pub fn add_values(&mut self, values: &mut [u32]) -> Result<(), StatsError> {
        values.sort_unstable();
        if let Some(&class) = values.last().filter(|class| **class as usize >= self.classes) {
            return Err(StatsError::UnknownClass { class: class as usize, classes: self.classes });
        }
        let mut pattern: Vec<Cell> = Vec::with_capacity(values.len());
        for &class in values.iter() {
            match pattern.last_mut() {
                Some((last, count)) if *last == class => *count += 1,
                _ => pattern.push((class, 1)),
            }
        }
        self.add_pattern(pattern.as_slice());
        Ok(())
    }

    fn add_pattern(&mut self, pattern: &[Cell]) {
        self.units += 1;
        if pattern.is_empty() {
            return;
        }
        if let Some(times) = self.patterns.get_mut(pattern) {
            *times += 1;
        } else {
            self.patterns.insert(pattern.to_vec(), 1);
        }
    }

    /// Returns the number of units added.
    pub fn units(&self) -> u64 {
        self.units
    }

    /// Returns the number of units with two values or more: those on which agreement can be seen.
    pub fn pairable(&self) -> u64 {
        self.patterns().filter(|(pattern, _)| values(pattern) >= 2).map(|(_, times)| times).sum()
    }

    /// Returns how many values the units have together.
    pub fn values(&self) -> u64 {
        self.patterns().fold(0, |sum: u64, (pattern, times)| sum.saturating_add(values(pattern).saturating_mul(times)))
    }

    /// Returns the share of pairs of values that agree within a unit, as the mean over pairable units, in `0.0..=1.0`.
    ///
    /// Source: Fleiss, Psychol. Bull. 76 (1971), 378–382, his mean P; with two raters it is the share of units agreed.
    ///
    /// # Errors
    /// [`Undefined::NoPairs`] if no unit has two values.
    pub fn share_agreed(&self) -> Result<f64, Undefined> {
        Figure::share(self).value()
    }

    /// Returns Krippendorff's alpha for nominal classes, in `-1.0..=1.0`. Gaps are allowed: units may differ in their
    /// number of values.
    ///
    /// Source: Krippendorff, *Computing Krippendorff's Alpha-Reliability* (2011), section C.
    ///
    /// # Errors
    /// [`Undefined::NoPairs`] if no unit has two values, [`Undefined::OneClass`] if all paired values are of one class.
    pub fn alpha(&self) -> Result<f64, Undefined> {
        Figure::alpha(self, &Scale::Nominal).value()
    }

    /// Returns Fleiss' kappa, in `-1.0..=1.0`, over the pairable units.
    ///
    /// Source: Fleiss, Psychol. Bull. 76 (1971), 378–382.
    ///
    /// # Errors
    /// [`Undefined::NoPairs`] if no unit has two values, [`Undefined::UnequalValues`] if pairable units differ in their
    /// number of values, [`Undefined::OneClass`] if all their values are of one class.
    pub fn fleiss(&self) -> Result<f64, Undefined> {
        Figure::fleiss(self).value()
    }

    /// Returns any of the coefficients.
    ///
    /// # Errors
    /// [`StatsError::Undefined`] with what is undefined of it, [`StatsError::Shape`] if scale or weights are for another
    /// number of classes, [`StatsError::Value`] of a class's value that is not finite, or negative on a ratio scale.
    pub fn value(&self, coefficient: &Coefficient) -> Result<f64, StatsError> {
        Ok(self.figure(coefficient)?.value()?)
    }

    /// Returns the large-sample standard error of a coefficient, 0 or more, for units drawn from very many.
    ///
    /// It is Gwet's linearised one: the spread of each unit's influence. Of [`Scale::Ordinal`] the distances are held fixed.
    /// It is 0 where the units do not vary around the value, as in perfect agreement: that says nothing about certainty.
    /// Source: Gwet, *Handbook of Inter-Rater Reliability*, 4th ed. (2014), section 5.3.
    ///
    /// # Errors
    /// As [`Counts::value`]; [`StatsError::NoSpread`] of a single unit.
    pub fn standard_error(&self, coefficient: &Coefficient) -> Result<f64, StatsError> {
        self.figure(coefficient)?.standard_error()
    }

    /// Returns Conger's kappa, which lets each rater have a chance of their own: `by_rater` holds how often each of them
    /// gave each class.
    ///
    /// Source: Conger, Psychol. Bull. 88 (1980), 322–328, for units with gaps as in Gwet (2014), section 2.8.
    ///
    /// # Errors
    /// [`StatsError::Shape`] unless there is one count a class for two raters or more, each with a value;
    /// [`StatsError::Undefined`].
    pub fn conger(&self, by_rater: &[Vec<u64>]) -> Result<f64, StatsError> {
        let observed = 1.0 - self.share_agreed()?;
        let shares = by_rater.iter().map(|rater| {
            let total: u64 = rater.iter().sum();
            let fits = rater.len() == self.classes && total > 0;
            fits.then(|| rater.iter().map(|&count| real(count) / real(total)).collect::<Vec<f64>>())
        });
        let shares: Vec<Vec<f64>> = shares.flatten().collect();
        if shares.len() < by_rater.len().max(2) {
            return Err(StatsError::Shape { found: shares.len(), wanted: by_rater.len().max(2) });
        }
        // Two raters meet by chance on unlike classes: the mean over all pairs of raters.
        let raters = real(shares.len() as u64);
        let expected = (0..self.classes).map(|class| {
            let (sum, squares) = shares
                .iter()
                .fold((0.0, 0.0), |(sum, squares), rater| (sum + rater[class], squares + rater[class] * rater[class]));
            (sum * sum - squares) / (raters * (raters - 1.0))
        });
        let expected = 1.0 - expected.sum::<f64>();
        // One class throughout leaves rounding only.
        if expected < f64::EPSILON * raters {
            return Err(Undefined::OneClass.into());
        }
        Ok(beyond_chance(observed, expected)?)
    }

    pub(crate) fn figure(&self, coefficient: &Coefficient) -> Result<Figure<'_>, StatsError> {
        Figure::new(self, coefficient)
    }

    /// Returns the number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Returns each distinct pattern and how many units show it, in a fixed order.
    pub(super) fn patterns(&self) -> impl Iterator<Item = (&[Cell], u64)> + Clone {
        self.patterns.iter().map(|(pattern, &times)| (pattern.as_slice(), times))
    }

    /// Returns how many units show each pattern, in their fixed order.
    pub(crate) fn times(&self) -> Vec<u64> {
        self.patterns.values().copied().collect()
    }
}

/// Returns how many values a pattern has.
pub(super) fn values(pattern: &[Cell]) -> u64 {
    pattern.iter().map(|&(_, count)| u64::from(count)).sum()
}
