//! The clock and the source of chance: the one place where either is read. Everything below takes them as values.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
};

use remit_kernel::{hash::Digest, time::Instant};

/// Where the time comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The system's clock.
    System,
    /// Stands still until it is moved: for tests, and for the demo's history.
    Stepped(Arc<AtomicI64>),
}

impl Clock {
    /// Returns a clock that stands at `start`.
    pub fn stepped(start: Instant) -> Self {
        Self::Stepped(Arc::new(AtomicI64::new(start.micros())))
    }

    /// Returns the time.
    pub fn now(&self) -> Instant {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
            Self::System => Self::never_back(jiff::Timestamp::now().into()),
            Self::Stepped(micros) => Instant::from_micros(micros.load(Ordering::SeqCst)),
        }
    }

    /// Lets the system's clock give no time before this one: that of the newest entry of a record that is gone on with.
    pub fn resume_after(&self, newest: Instant) {
        match self {
            Self::System => drop(NEWEST.fetch_max(newest.micros(), Ordering::SeqCst)),
            Self::Stepped(_) => {}
        }
    }

    /// Returns the time read, or the newest one given before: the record's times never go back. Whoever set the clock back
    /// is told once, and time stands still until the clock has caught up.
    fn never_back(read: Instant) -> Instant {
        let newest = Instant::from_micros(NEWEST.fetch_max(read.micros(), Ordering::SeqCst));
        let behind_seconds = newest.seconds_since(read);
        if behind_seconds < CLOCK_SECONDS_TOLD {
            BEHIND.store(false, Ordering::SeqCst);
        } else if !BEHIND.swap(true, Ordering::SeqCst) {
            tracing::error!(
                behind_seconds,
                "the system's clock went back by {behind_seconds} s: time stands still here"
            );
        }
        read.max(newest)
    }

    /// Moves a stepped clock to an instant; the system's clock goes its own way.
    pub fn step_to(&self, now: Instant) {
        match self {
            Self::System => {}
            Self::Stepped(micros) => micros.store(now.micros(), Ordering::SeqCst),
        }
    }
}

/// The newest time that this process gave.
static NEWEST: AtomicI64 = AtomicI64::new(i64::MIN);
/// Whether the clock is known to have gone back.
static BEHIND: AtomicBool = AtomicBool::new(false);
/// A clock that went back by less is only being adjusted.
const CLOCK_SECONDS_TOLD: i64 = 1;

/// Where fresh random bytes come from.
#[derive(Debug, Clone)]
pub enum Chance {
    /// The system's source.
    System,
    /// The same bytes in the same order on every run, for tests and the demo.
    Seeded {
        /// Where the order begins.
        seed: u64,
        /// How many draws were made.
        drawn: Arc<AtomicU64>,
    },
}

impl Chance {
    /// Returns a source that gives the same bytes on every run.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded { seed, drawn: Arc::new(AtomicU64::new(0)) }
    }

    /// Returns 32 fresh bytes.
    ///
    /// # Errors
    /// If the system has no source of chance, without which nothing here is safe.
    pub fn draw(&self) -> std::io::Result<[u8; 32]> {
        match self {
            Self::System => {
                let mut bytes = [0; 32];
                #[expect(clippy::disallowed_methods, reason = "this is the one place that draws from the system")]
                getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
                Ok(bytes)
            }
            Self::Seeded { seed, drawn } => {
                let ordinal = drawn.fetch_add(1, Ordering::SeqCst);
                Ok(*Digest::of_parts(&[&seed.to_be_bytes(), &ordinal.to_be_bytes()]).bytes())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_the_record_never_goes_back() {
        let first = Clock::never_back(Instant::from_micros(2_000_000_000));
        assert_eq!(Clock::never_back(Instant::from_micros(1_000_000_000)), first);
        assert!(BEHIND.load(Ordering::SeqCst), "nobody was told");
        Clock::System.resume_after(Instant::from_micros(3_000_000_000));
        assert_eq!(Clock::never_back(Instant::from_micros(2_500_000_000)).micros(), 3_000_000_000);
        assert!(Clock::System.now() > Instant::from_micros(3_000_000_000));
        assert!(!BEHIND.load(Ordering::SeqCst), "the clock has caught up");
    }
}
