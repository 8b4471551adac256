//! Truth inference: what is the case, given what several fallible raters said, and how reliable each of them is.
//!
//! Sources are named at each model. Sums run in a fixed order and the arithmetic is that of IEEE 754 alone, so that a
//! figure is the same bit for bit on every machine and at any number of threads.

pub mod math;
pub mod posterior;

/// Why truth could not be inferred.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum TruthError {
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
    /// A temperature that is not a finite number above 0.
    #[error("temperature {0} is not above 0")]
    Temperature(f64),
}
