//! A share with its numbers: never a percentage alone.

use remit_stats::interval;
use serde::{Deserialize, Serialize};

use super::CONFIDENCE;

/// How often something was the case, with its 95 % interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Rate {
    /// How often it was the case.
    pub hits: u64,
    /// How often it could have been.
    pub n: u64,
    /// The share; none where `n` is 0.
    pub share: Option<f64>,
    /// Lower and upper end of the interval (Wilson).
    pub interval: Option<(f64, f64)>,
}

impl Rate {
    /// Returns the share of `hits` among `n`, with its interval.
    pub fn of(hits: u64, n: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts of cases are far below 2^53")]
        let share = (n > 0).then(|| hits as f64 / n as f64);
        let interval = interval::wilson(hits, n, CONFIDENCE).ok().map(|ends| (ends.lower, ends.upper));
        Self { hits, n, share, interval }
    }

    /// Returns the same numbers seen from the other side: how often it was not the case.
    #[must_use]
    pub fn other(self) -> Self {
        Self::of(self.n.saturating_sub(self.hits), self.n)
    }

    /// Returns the rate without its share and interval where it rests on fewer than `least`: the count stays.
    #[must_use]
    pub fn from(self, least: u64) -> Self {
        if self.n < least { Self { share: None, interval: None, ..self } } else { self }
    }
}
