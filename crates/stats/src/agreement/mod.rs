//! How far raters agree, corrected for chance.
//!
//! [`Pairs`] holds two raters against each other, [`Counts`] any number of raters by counts per unit; both are small
//! whatever the number of units, and a raters-by-units matrix is never built. [`numbers`] is for measured numbers, [`span`]
//! for marked passages, [`choice`] for answers of several options.
//!
//! Every coefficient is computed as `1 - observed / expected` *disagreement*. Sums of non-negative terms lose no digits,
//! where the textbook's `(p_o - p_e) / (1 - p_e)` does when one class is rare.

pub mod choice;
mod coefficient;
mod counts;
pub mod numbers;
mod pairs;
mod scale;
pub mod span;

pub use coefficient::Coefficient;
pub(crate) use coefficient::Figure;
pub use counts::Counts;
pub use pairs::{Kappa, Pairs};
pub use scale::{Distances, Scale, Weights};

use crate::StatsError;

/// Most classes of a square table: of [`Pairs`], [`Weights`] and [`Distances`].
pub const CLASSES_MAX: usize = 1_000;
/// Most classes of [`Counts`].
pub const COUNTED_CLASSES_MAX: usize = 1 << 16;

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

/// Returns agreement beyond chance from two disagreements in the same measure; the clamp takes off rounding only.
fn beyond_chance(observed: f64, expected: f64) -> Result<f64, Undefined> {
    if expected > 0.0 { Ok((1.0 - observed / expected).min(1.0)) } else { Err(Undefined::OneClass) }
}

fn check_classes(classes: usize, max: usize) -> Result<(), StatsError> {
    if classes > max { Err(StatsError::TooManyClasses { found: classes, max }) } else { Ok(()) }
}
