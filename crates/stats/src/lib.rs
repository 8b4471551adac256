//! Agreement, intervals, sampling plans, drift, queues and assignment: numbers in, numbers out.
//!
//! The words here are the statistician's: raters give units classes. No figure is ever NaN: where a formula has no
//! answer, the outcome has a name, because "undefined" and "perfect" must not look alike on a page.

pub mod agreement;
pub mod assignment;
pub mod describe;
pub mod drift;
pub mod interval;
pub mod queueing;
pub mod random;
pub mod sampling;
mod special;
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
    /// Resamples give other values than the data do, so their middle is no interval around the figure.
    #[error("drawn again, the data give other values than the figure itself")]
    Resampled,
    /// Fewer units than an interval needs.
    #[error("an interval needs {min} units with two values or more, there {are} {found}", are = if *found == 1 { "is" } else { "are" })]
    FewUnits {
        /// Units there are.
        found: u64,
        /// Units that are needed.
        min: u64,
    },
    /// The figure itself is undefined, and so is its interval.
    #[error(transparent)]
    Undefined(#[from] Undefined),
    /// A table has more classes than it may have.
    #[error("{found} classes exceed {max}")]
    TooManyClasses {
        /// Classes that were asked for.
        found: usize,
        /// Most that are possible.
        max: usize,
    },
    /// A value, weight or distance that is not finite or lies outside of what is possible.
    #[error("{0:?} is not a possible value")]
    Value(f64),
    /// More trials than [`interval::TRIALS_MAX`].
    #[error("{0} trials exceed {max}", max = interval::TRIALS_MAX)]
    TooManyTrials(u64),
    /// More were drawn than the lot holds.
    #[error("a sample of {n} exceeds its lot of {size}")]
    SampleExceedsLot {
        /// Items drawn.
        n: u64,
        /// Items in the lot.
        size: u64,
    },
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
    /// Two risks or shares that leave nothing between them, or that no plan up to the largest sample keeps.
    #[error("no plan keeps these risks: the good share must lie below the bad one, and both risks sum to less than 1")]
    Risks,
    /// A plan that accepts as many defects as it reads, or reads more than [`sampling::SAMPLE_MAX`].
    #[error("a plan of {n} items that accepts {accept} defects decides nothing")]
    Plan {
        /// Items checked.
        n: u64,
        /// Most defects with which a lot passes.
        accept: u64,
    },
    /// A team with no more people than load, or more than [`queueing::PEOPLE_MAX`].
    #[error("{people} people never catch up with {load} erlangs")]
    Overloaded {
        /// The load in erlangs.
        load: f64,
        /// The people.
        people: u64,
    },
    /// A cost beyond [`assignment::COST_MAX`].
    #[error("the cost {0} lies beyond what is reckoned with")]
    Cost(i64),
    /// A marked passage that ends before it begins, leaves its text or overlaps another one.
    #[error("the passage from {begin} to {end} is none")]
    Span {
        /// Where it begins.
        begin: u64,
        /// Where it ends.
        end: u64,
    },
    /// Fewer units or raters than a figure needs.
    #[error("two units with values are needed, and one with two")]
    TooFewUnits,
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
