//! The harness's own watch: how long things took, and short waits for other processes.

use std::time::{Duration, Instant};

/// A watch that runs from when it is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch(Instant);

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "how long a server took is what is measured here")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Waits ten milliseconds for another process.
pub(crate) fn wait_a_little() {
    wait(Duration::from_millis(10));
}

/// Waits while another process goes on.
#[expect(
    clippy::disallowed_methods,
    reason = "there is no event to wait for: the other process is to be disturbed at any moment"
)]
pub(crate) fn wait(time: Duration) {
    std::thread::sleep(time);
}

/// Returns the `share`-th quantile of some times, in milliseconds; 0 if there are none.
pub(crate) fn quantile(mut times: Vec<Duration>, share: f64) -> f64 {
    times.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a list"
    )]
    let place = ((times.len().saturating_sub(1)) as f64 * share).round() as usize;
    times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}
