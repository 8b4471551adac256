//! How far two classes lie apart: scales for Krippendorff's alpha, weights for the kappas.

use std::sync::Arc;

use super::{CLASSES_MAX, check_classes};
use crate::{StatsError, real};

/// How far two classes lie apart, for Krippendorff's alpha.
///
/// Source: Krippendorff, *Computing Krippendorff's Alpha-Reliability* (2011), section D.
#[derive(Debug, Clone, PartialEq)]
pub enum Scale {
    /// Two classes are alike or not.
    Nominal,
    /// The classes stand in the order of their numbers; how many values lie between two of them is their distance.
    ///
    /// This is Krippendorff's metric. Gwet's ordinal weights ([`Weights::ordinal`]) are another one, with other results.
    Ordinal,
    /// Each class is a number, and the squared difference is their distance.
    Interval(Vec<f64>),
    /// Each class is a number of 0 or more, and their squared difference in units of their sum is their distance.
    Ratio(Vec<f64>),
    /// Distances that are given.
    Custom(Distances),
}

impl Scale {
    /// Returns nothing if the scale fits a number of classes.
    pub(super) fn check(&self, classes: usize) -> Result<(), StatsError> {
        let found = match self {
            Self::Nominal | Self::Ordinal => classes,
            Self::Interval(values) => {
                check_values(values, f64::NEG_INFINITY)?;
                values.len()
            }
            Self::Ratio(values) => {
                check_classes(values.len(), CLASSES_MAX)?;
                check_values(values, 0.0)?;
                values.len()
            }
            Self::Custom(distances) => distances.classes,
        };
        if found == classes { Ok(()) } else { Err(StatsError::Shape { found, wanted: classes }) }
    }
}

/// Distances between classes: symmetric, 0 or more, 0 from each class to itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Distances {
    classes: usize,
    cells: Vec<f64>,
}

impl Distances {
    /// Returns the distances that a function gives for each two classes, the first one less than the second.
    ///
    /// # Errors
    /// [`StatsError::TooManyClasses`] above [`CLASSES_MAX`], [`StatsError::Value`] of a distance that is negative or not
    /// finite.
    pub fn of(classes: usize, distance: impl Fn(usize, usize) -> f64) -> Result<Self, StatsError> {
        let cells = square(classes, 0.0, distance)?;
        match cells.iter().find(|cell| !cell.is_finite() || **cell < 0.0 || **cell > VALUE_MAX) {
            Some(&cell) => Err(StatsError::Value(cell)),
            None => Ok(Self { classes, cells }),
        }
    }

    pub(super) fn between(&self, first: usize, second: usize) -> f64 {
        self.cells[first * self.classes + second]
    }
}

/// How far two classes agree, for the kappas and for Gwet's coefficients: 1 on the diagonal, in `0.0..=1.0` and symmetric
/// beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    classes: usize,
    /// Shared: a table of a thousand classes is large, and many figures go by it.
    cells: Arc<[f64]>,
    total: f64,
}

impl Weights {
    /// Returns the weights under which unlike classes do not agree at all.
    ///
    /// # Errors
    /// [`StatsError::TooManyClasses`] above [`CLASSES_MAX`].
    pub fn identity(classes: usize) -> Result<Self, StatsError> {
        Self::of(classes, |_, _| 0.0)
    }

    /// Returns weights that fall with the difference of the classes' values: `1 - |a - b| / range`.
    ///
    /// # Errors
    /// [`StatsError::TooManyClasses`], [`StatsError::Value`] of a value that is not finite.
    pub fn linear(values: &[f64]) -> Result<Self, StatsError> {
        Self::by_difference(values, |difference| difference)
    }

    /// Returns weights that fall with the squared difference of the classes' values: `1 - (a - b)² / range²`.
    ///
    /// # Errors
    /// As [`Weights::linear`].
    pub fn quadratic(values: &[f64]) -> Result<Self, StatsError> {
        Self::by_difference(values, |difference| difference * difference)
    }

    /// Returns Gwet's ordinal weights, by the number of pairs of classes from one to the other.
    ///
    /// They are another metric than [`Scale::Ordinal`], which goes by how many values lie between two classes.
    /// Source: Gwet, *Handbook of Inter-Rater Reliability*, 4th ed. (2014), section 3.5.
    ///
    /// # Errors
    /// [`StatsError::TooManyClasses`] above [`CLASSES_MAX`].
    pub fn ordinal(classes: usize) -> Result<Self, StatsError> {
        let pairs = |count: usize| real((count * (count - 1) / 2) as u64);
        Self::of(classes, |first, second| 1.0 - pairs(second - first + 1) / pairs(classes))
    }

    /// Returns the weights that a function gives for each two classes, the first one less than the second.
    ///
    /// # Errors
    /// [`StatsError::TooManyClasses`] above [`CLASSES_MAX`], [`StatsError::Value`] of a weight outside of `0.0..=1.0`.
    pub fn of(classes: usize, weight: impl Fn(usize, usize) -> f64) -> Result<Self, StatsError> {
        let cells = square(classes, 1.0, weight)?;
        match cells.iter().find(|cell| !(0.0..=1.0).contains(*cell)) {
            Some(&cell) => Err(StatsError::Value(cell)),
            None => Ok(Self { classes, total: cells.iter().sum(), cells: cells.into() }),
        }
    }

    fn by_difference(values: &[f64], fall: impl Fn(f64) -> f64) -> Result<Self, StatsError> {
        let values = within_one(values)?;
        Self::of(values.len(), |first, second| (1.0 - fall((values[first] - values[second]).abs())).max(0.0))
    }

    pub(super) fn classes(&self) -> usize {
        self.classes
    }

    pub(super) fn of_pair(&self, first: usize, second: usize) -> f64 {
        self.cells[first * self.classes + second]
    }

    /// Returns the sum of all weights.
    pub(super) fn total(&self) -> f64 {
        self.total
    }
}

/// Largest value of a class; beyond it a difference could leave the range.
const VALUE_MAX: f64 = 1e300;

fn check_values(values: &[f64], min: f64) -> Result<(), StatsError> {
    // Not `value < min`: a NaN is no value either.
    match values.iter().find(|value| !(value.abs() <= VALUE_MAX && **value >= min)) {
        Some(&value) => Err(StatsError::Value(value)),
        None => Ok(()),
    }
}

/// Returns values moved and stretched into `0.0..=1.0`, where squares neither overflow nor vanish.
pub(super) fn within_one(values: &[f64]) -> Result<Vec<f64>, StatsError> {
    check_values(values, f64::NEG_INFINITY)?;
    let (low, high) =
        values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
    let range = high - low;
    Ok(values.iter().map(|value| if range > 0.0 { (value - low) / range } else { 0.0 }).collect())
}

/// Returns a symmetric table, cell by cell above its diagonal.
fn square(classes: usize, diagonal: f64, cell: impl Fn(usize, usize) -> f64) -> Result<Vec<f64>, StatsError> {
    check_classes(classes, CLASSES_MAX)?;
    let mut cells = vec![diagonal; classes * classes];
    for first in 0..classes {
        for second in first + 1..classes {
            let cell = cell(first, second);
            cells[first * classes + second] = cell;
            cells[second * classes + first] = cell;
        }
    }
    Ok(cells)
}
