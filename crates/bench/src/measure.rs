//! Taking times, and the figures drawn from them. No other file of the benchmark reads a clock.

use std::time::{Duration, Instant};

/// A stopwatch that runs from its making.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch(Instant);

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures durations; nothing is decided by them")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Durations of the same work done again and again.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Returns the smallest duration that at least `percent` of all do not exceed; zero if there are none.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or_default()
    }

    pub(crate) fn push(&mut self, took: Duration) {
        self.0.push(took);
    }
}

impl FromIterator<Duration> for Times {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        Self(times.into_iter().collect())
    }
}

/// Returns the middle of some figures, the lower of the two where there is none; zero if there are no figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// Returns how many things were done in each second.
pub(crate) fn rate(count: usize, took: Duration) -> f64 {
    count_as_f64(count) / took.as_secs_f64()
}

/// Returns a count for a division; counts here are far below the 2^53 that a float holds exactly.
#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
pub(crate) fn count_as_f64(count: usize) -> f64 {
    count as f64
}

/// Returns milliseconds with as many decimals as tell something.
pub(crate) fn milliseconds(took: Duration) -> String {
    let milliseconds = took.as_secs_f64() * 1_000.0;
    if milliseconds < 10.0 { format!("{milliseconds:.2} ms") } else { format!("{milliseconds:.0} ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let times: Times = (1..=10).map(Duration::from_millis).collect();
        assert_eq!(times.percentile(50), Duration::from_millis(5));
        assert_eq!(times.percentile(95), Duration::from_millis(10));
        assert_eq!(Times::default().percentile(50), Duration::ZERO);
    }

    #[test]
    fn a_median_is_the_middle_or_the_lower_of_two() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]).to_bits(), 2.0_f64.to_bits());
    }
}
