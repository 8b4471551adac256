//! Agreement statistics, intervals and quantiles: numbers in, numbers out.
//!
//! The words here are the statistician's: raters give units classes. No figure is ever NaN: where a formula has no
//! answer, the outcome has a name, because "undefined" and "perfect" must not look alike on a page.

pub mod agreement;
pub mod describe;
pub mod interval;
pub mod truth;

use agreement::Undefined;

/// Why a figure was refused.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum StatsError {
    /// The confidence is not a number strictly between 0 and 1.
    #[error("confidence {0} does not lie between 0 and 1")]
    Confidence(f64),
    /// A share of nothing was asked for.
    #[error("an interval needs at least one trial")]
    NoTrials,
    /// More hits than trials.
    #[error("{hits} hits exceed {n} trials")]
    HitsExceedTrials {
        /// Hits that were given.
        hits: u64,
        /// Trials that were given.
        n: u64,
    },
    /// The number of resamples lies outside [`interval::RESAMPLES_MIN`]`..=`[`interval::RESAMPLES_MAX`].
    #[error("{0} resamples lie outside {min}..={max}", min = interval::RESAMPLES_MIN, max = interval::RESAMPLES_MAX)]
    Resamples(u32),
    /// Every resample gives one value or none, so the data cannot tell how far the figure would move.
    #[error("the data do not vary enough for an interval")]
    NoSpread,
    /// The figure itself is undefined, and so is its interval.
    #[error(transparent)]
    Undefined(#[from] Undefined),
    /// A table has more classes than [`agreement::CLASSES_MAX`].
    #[error("{0} classes exceed {max}", max = agreement::CLASSES_MAX)]
    TooManyClasses(usize),
    /// A class that the table does not have.
    #[error("class {class} is not one of the table's {classes}")]
    UnknownClass {
        /// The class that was given, from 0.
        class: usize,
        /// Classes in the table.
        classes: usize,
    },
    /// A row or table with the wrong number of counts.
    #[error("{found} counts were given, {wanted} are needed")]
    Shape {
        /// Counts that were given.
        found: usize,
        /// Counts that the table needs.
        wanted: usize,
    },
    /// Counts that sum to more than 2^53, beyond which a sum is no longer exact.
    #[error("the counts sum to more than 2^53")]
    TooLarge,
    /// A quantile of nothing was asked for.
    #[error("a quantile needs at least one value")]
    NoValues,
    /// A percentile above 100.
    #[error("percentile {0} exceeds 100")]
    Percent(u32),
}

#[expect(clippy::cast_precision_loss, reason = "the formulas are real; exact up to 2^53, rounded beyond")]
fn real(count: u64) -> f64 {
    count as f64
}
