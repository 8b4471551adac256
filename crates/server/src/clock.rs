//! The clock and the source of chance: the one place where either is read. Everything below takes them as values.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
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
            Self::System => jiff::Timestamp::now().into(),
            Self::Stepped(micros) => Instant::from_micros(micros.load(Ordering::SeqCst)),
        }
    }

    /// Moves a stepped clock to an instant; the system's clock goes its own way.
    pub fn step_to(&self, now: Instant) {
        match self {
            Self::System => {}
            Self::Stepped(micros) => micros.store(now.micros(), Ordering::SeqCst),
        }
    }
}

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
