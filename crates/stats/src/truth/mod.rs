//! Truth inference: what is the case, given what several fallible raters said, and how reliable each of them is.
//!
//! [`fit()`] fits one model of classes to [`Labels`], [`infer()`] chooses one and says how sure it may be. Sources are
//! named at each model. Sums run in a fixed order and the arithmetic is that of IEEE 754 alone, so that a figure is the same
//! bit for bit on every machine and at any number of threads; [`infer()`] takes tasks and workers in an order of their own,
//! so that their numbers change no figure either.

pub mod adaptive;
pub mod calibrate;
pub mod fit;
mod history;
pub mod infer;
pub mod labels;
mod live;
pub mod math;
mod model;
pub mod multi;
pub mod number;
pub mod order;
mod pass;
pub mod posterior;
mod reliable;
pub mod simulate;
mod vote;

pub use calibrate::Calibration;
pub use fit::{Fit, fit};
pub use history::History;
pub use infer::{Choice, HeldBack, Inference, Judgement, Warning, infer};
pub use labels::{Label, Labels, Repeats};
pub use live::Live;
pub use order::Order;
pub use reliable::Worker;

/// A model of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Model {
    /// Shares of votes; ties are shared.
    Majority,
    /// Votes weighed by how often a worker agrees with the majority.
    Wawa,
    /// One accuracy for each worker; errors fall evenly on the other classes.
    OneCoin,
    /// A confusion for each worker, by maximum likelihood with a little smoothing.
    DawidSkene,
    /// A confusion for each worker with a prior, by mean field.
    Ibcc,
    /// Votes weighed by a worker's Bayesian precision.
    Bwa,
    /// A confusion for each worker, drawn towards one coin by as much as the data ask; the default.
    Anchored,
    /// For ordered classes, such as grades: each worker leans and spreads by so many classes.
    Graded,
    /// Several kinds of task in each class, so that workers may err together; slow.
    Ebcc,
}

impl Model {
    /// All models, in the order of their cost.
    pub const ALL: [Self; 9] = [
        Self::Majority,
        Self::Wawa,
        Self::OneCoin,
        Self::DawidSkene,
        Self::Ibcc,
        Self::Bwa,
        Self::Anchored,
        Self::Graded,
        Self::Ebcc,
    ];

    /// Returns the model's name, as it is written on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Majority => "majority",
            Self::Wawa => "wawa",
            Self::OneCoin => "one-coin",
            Self::DawidSkene => "dawid-skene",
            Self::Ibcc => "ibcc",
            Self::Bwa => "bwa",
            Self::Anchored => "anchored",
            Self::Graded => "graded",
            Self::Ebcc => "ebcc",
        }
    }
}

/// All that is known: labels, true classes of some tasks, and what workers did before.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The labels.
    pub labels: &'a Labels,
    /// The true class of each task where it is known; empty if it is known of none. Such a task is held at its class, and
    /// still teaches how its workers err.
    pub gold: &'a [Option<u32>],
    /// Earlier answers of each worker, as counts by truth and then answer, `classes * classes` a worker; empty if there
    /// are none. They count in every round like answers of now.
    pub history: &'a [f64],
}

impl<'a> Evidence<'a> {
    /// Returns labels alone as evidence.
    pub fn of(labels: &'a Labels) -> Self {
        Self { labels, gold: &[], history: &[] }
    }
}

/// How a fit is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Answers added to each cell of [`Model::DawidSkene`]; 0 is maximum likelihood.
    pub smoothing: f64,
    /// Most rounds.
    pub rounds_max: u32,
    /// A fit ends when no chance of any task moves by more in a round.
    pub change_min: f64,
    /// A fit ends as well when the labels' log-likelihood gains by no more than this part of itself in a round; a likelihood
    /// driven to its end tells more of the noise than of the tasks.
    pub gain_min: f64,
    /// Threads; they change the time, never the outcome.
    pub threads: usize,
    /// Beginnings of [`Model::Ebcc`], of which the one with the best evidence counts.
    pub restarts: u32,
    /// Where the chance of [`Model::Ebcc`] begins.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { smoothing: 0.01, rounds_max: 500, change_min: 1e-3, gain_min: 1e-6, threads: 1, restarts: 10, seed: 1 }
    }
}

/// Why truth could not be inferred.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum TruthError {
    /// There is nothing to infer from.
    #[error("there is no label")]
    NoLabels,
    /// Fewer than one class or more than [`crate::agreement::CLASSES_MAX`].
    #[error("{0} classes lie outside 1..={max}", max = crate::agreement::CLASSES_MAX)]
    Classes(usize),
    /// A class that was never declared.
    #[error("class {class} is not one of the {classes} declared")]
    UnknownClass {
        /// The class that was given, from 0.
        class: usize,
        /// Classes declared.
        classes: usize,
    },
    /// A task beyond those declared.
    #[error("task {0} was not declared")]
    UnknownTask(u32),
    /// A worker beyond those declared.
    #[error("worker {0} was not declared")]
    UnknownWorker(u32),
    /// More labels, tasks, or workers times classes than 2^32.
    #[error("labels, tasks, or workers times classes reach 2^32")]
    TooLarge,
    /// A list with the wrong number of entries.
    #[error("{found} entries were given, {wanted} are needed")]
    Shape {
        /// Entries that were given.
        found: usize,
        /// Entries that are needed.
        wanted: usize,
    },
    /// A share, weight or count that is not a finite number of 0 or more, or shares that sum to nothing.
    #[error("{0} is no share, weight or count")]
    Weight(f64),
    /// A number that is not finite, or too large to be squared.
    #[error("{0} is not a number of a usual size")]
    Number(f64),
    /// A temperature that is not a finite number above 0.
    #[error("temperature {0} is not above 0")]
    Temperature(f64),
}

/// Returns a count for a division; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
pub(crate) fn real(count: usize) -> f64 {
    count as f64
}
