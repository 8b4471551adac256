//! The clock and the source of chance: the one place where either is read. Everything below takes them as values.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time,
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
            Self::System => Instant::from_micros(system()),
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

/// How far the clock may stray from steady time before it counts as a jump: more than any slewing or leap second.
pub const STRAY_SECONDS_MAX: i64 = 5;
const STRAY_MICROS_MAX: i64 = STRAY_SECONDS_MAX * 1_000_000;

/// The time of this process as it was told last. A process has one clock, whoever asks.
static TOLD: Mutex<Option<Told>> = Mutex::new(None);

#[derive(Clone, Copy)]
struct Told {
    micros: i64,
    /// The same moment on the timer that nobody can set.
    steady: time::Instant,
    way: Way,
}

/// How the system's clock went since the time was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As steady time did.
    Even,
    /// It was set forward, or the machine slept.
    Forward,
    /// It was set back: steady time is told until it has caught up.
    Back,
}

/// Returns the time, never earlier than it was told before, and raises the alarm if the clock jumped.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
fn system() -> i64 {
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let (wall, steady) = (jiff::Timestamp::now().as_microsecond(), time::Instant::now());
    let Some(before) = *told else {
        *told = Some(Told { micros: wall, steady, way: Way::Even });
        return wall;
    };
    let passed = i64::try_from(steady.duration_since(before.steady).as_micros()).unwrap_or(i64::MAX);
    let (micros, way) = next(before.micros, passed, wall);
    *told = Some(Told { micros, steady, way });
    drop(told);
    if way != before.way || way == Way::Forward {
        alarm(way, (wall - before.micros - passed) / 1_000_000);
    }
    micros
}

/// Returns the time to tell, given the time told before, what has passed since by steady time, and the system's clock.
fn next(before: i64, passed: i64, wall: i64) -> (i64, Way) {
    let expected = before.saturating_add(passed);
    if wall < expected.saturating_sub(STRAY_MICROS_MAX) {
        (expected, Way::Back)
    } else if wall > expected.saturating_add(STRAY_MICROS_MAX) {
        (wall, Way::Forward)
    } else {
        (wall.max(before), Way::Even)
    }
}

/// Tells whoever watches over the server that its clock was set.
fn alarm(way: Way, seconds: i64) {
    metrics::gauge!("remit_clock_held").set(if way == Way::Back { 1.0 } else { 0.0 });
    match way {
        Way::Even => tracing::warn!("the clock has caught up with steady time"),
        Way::Forward => {
            metrics::counter!("remit_clock_jumps_total", "direction" => "forward").increment(1);
            tracing::error!(seconds, "the clock jumped forward by {seconds} s; check how this machine keeps time");
        }
        Way::Back => {
            metrics::counter!("remit_clock_jumps_total", "direction" => "back").increment(1);
            tracing::error!(
                seconds,
                "the clock was set back by {} s; steady time is told until it has caught up",
                seconds.abs()
            );
        }
    }
}

/// The clock is behind the record: entries made now would seem older than those before them.
#[derive(Debug, thiserror::Error)]
#[error(
    "this machine's clock says {now}, which is behind the newest entry of the record, {newest}: set the clock (`timedatectl` \
     shows it), then start again"
)]
pub struct ClockBehind {
    now: jiff::Timestamp,
    newest: jiff::Timestamp,
}

impl Clock {
    /// Checks that this clock can go on from the newest entry of a record, and lets it tell no earlier time.
    ///
    /// # Errors
    /// [`ClockBehind`] if it is behind by more than [`STRAY_SECONDS_MAX`].
    pub fn go_on_from(&self, newest: Instant) -> Result<(), ClockBehind> {
        let now = self.now();
        if now.plus_seconds(STRAY_SECONDS_MAX) < newest {
            return Err(ClockBehind { now: now.timestamp(), newest: newest.timestamp() });
        }
        if let (Self::System, Some(told)) = (self, TOLD.lock().unwrap_or_else(PoisonError::into_inner).as_mut()) {
            told.micros = told.micros.max(newest.micros());
        }
        Ok(())
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
            Self::Seeded { seed, drawn } => Ok(seeded(*seed, drawn.fetch_add(1, Ordering::SeqCst))),
        }
    }

    /// Leaves out draws of a seeded source until the next one is as wanted, so that the demo can tell of what comes by chance;
    /// the system's source goes its own way.
    pub(crate) fn leave_out_until(&self, wanted: impl Fn([u8; 32]) -> bool) {
        match self {
            Self::System => {}
            Self::Seeded { seed, drawn } => {
                let next = drawn.load(Ordering::SeqCst);
                let found = (next..next + LEFT_OUT_MAX).find(|ordinal| wanted(seeded(*seed, *ordinal)));
                drawn.store(found.unwrap_or(next), Ordering::SeqCst);
            }
        }
    }
}

/// Most draws that are left out; where none of them is as wanted, none is.
const LEFT_OUT_MAX: u64 = 10_000;

fn seeded(seed: u64, ordinal: u64) -> [u8; 32] {
    *Digest::of_parts(&[&seed.to_be_bytes(), &ordinal.to_be_bytes()]).bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seeded_source_can_be_moved_to_a_draw_that_is_as_wanted() {
        let chance = Chance::seeded(3);
        chance.leave_out_until(|bytes| bytes[0] < 8);
        assert!(chance.draw().is_ok_and(|bytes| bytes[0] < 8));
        let (untouched, moved) = (chance.draw(), Chance::seeded(3));
        moved.leave_out_until(|_| false);
        assert!(moved.draw().is_ok_and(|bytes| untouched.is_ok_and(|other| other != bytes)));
        assert_eq!(moved.draw().ok(), Some(seeded(3, 1)), "what never comes leaves everything as it was");
    }

    const SECOND: i64 = 1_000_000;
    const HOUR: i64 = 3_600 * SECOND;

    /// Tells the time once a second while the clock says `wall(second)`, from 1,000 h on; returns what was told.
    fn told(seconds: i64, wall: impl Fn(i64) -> i64) -> Vec<(i64, Way)> {
        let mut before = 1_000 * HOUR;
        let tell = |second| {
            let (micros, way) = next(before, SECOND, wall(1_000 * HOUR + second * SECOND));
            before = micros;
            (micros, way)
        };
        (1..=seconds).map(tell).collect()
    }

    fn monotonic(told: &[(i64, Way)]) -> bool {
        told.is_sorted_by_key(|(micros, _)| *micros)
    }

    #[test]
    fn a_clock_set_back_is_not_believed_until_it_has_caught_up() {
        for back in [600 * SECOND, HOUR, 24 * HOUR] {
            let told = told(100, |even| if even > 1_000 * HOUR + 50 * SECOND { even - back } else { even });
            assert!(monotonic(&told));
            assert_eq!(told[99], (1_000 * HOUR + 100 * SECOND, Way::Back), "deadlines run on by steady time");
        }
        let told = told(100, |even| if even < 1_000 * HOUR + 50 * SECOND { even - HOUR } else { even });
        assert!(monotonic(&told) && told[20].1 == Way::Back && told[99].1 == Way::Even);
    }

    #[test]
    fn a_clock_set_forward_is_believed_with_one_alarm() {
        let told = told(100, |even| if even > 1_000 * HOUR + 50 * SECOND { even + 24 * HOUR } else { even });
        assert!(monotonic(&told));
        assert_eq!(told.iter().filter(|(_, way)| *way == Way::Forward).count(), 1);
        assert_eq!(told[99].0, 1_024 * HOUR + 100 * SECOND);
    }

    #[test]
    fn a_leap_second_and_slewing_stand_still_rather_than_go_back() {
        let told = told(100, |even| if even > 1_000 * HOUR + 50 * SECOND { even - SECOND } else { even });
        assert!(monotonic(&told) && told.iter().all(|(_, way)| *way == Way::Even));
        assert_eq!(told[99].0, 1_000 * HOUR + 99 * SECOND);
    }

    #[test]
    fn a_clock_behind_the_record_is_refused_with_the_remedy() {
        let clock = Clock::stepped(Instant::from_micros(1_000 * HOUR));
        assert!(clock.go_on_from(Instant::from_micros(1_000 * HOUR + 5 * SECOND)).is_ok());
        let behind = clock.go_on_from(Instant::from_micros(1_000 * HOUR + 6 * SECOND));
        assert!(behind.is_err_and(|behind| behind.to_string().contains("set the clock")));
    }

    #[test]
    fn the_system_clock_goes_on_from_the_newest_entry() {
        let newest = Clock::System.now().plus_seconds(4);
        assert!(Clock::System.go_on_from(newest).is_ok());
        assert!(Clock::System.now() >= newest);
    }
}
