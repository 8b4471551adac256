//! How often one person may ask: a bucket for each person that fills evenly over a minute.
//!
//! The generic cell rate algorithm keeps one instant for each person: when her bucket will be full again. By the server's own
//! clock, so that tests move it. It guards one process; a balancer in front guards the house.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
};

use remit_kernel::{id::PersonId, time::Instant};

use crate::error::{Error, Result};

/// The bucket holds a minute's worth.
const MINUTE_MICROS: i64 = 60_000_000;
/// People remembered at most; whoever's bucket is full again is forgotten first.
const PEOPLE_MAX: usize = 10_000;

/// How often one person may ask within a minute; none: as often as she likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests to the API.
    pub api_per_minute: Option<NonZeroU32>,
    /// Pages opened.
    pub pages_per_minute: Option<NonZeroU32>,
}

impl Limits {
    /// No limits: for the demo, where everybody sits at one machine, and for tests.
    pub const NONE: Self = Self { api_per_minute: None, pages_per_minute: None };
}

impl Default for Limits {
    fn default() -> Self {
        Self { api_per_minute: NonZeroU32::new(600), pages_per_minute: NonZeroU32::new(120) }
    }
}

/// The buckets of all people.
#[derive(Debug)]
pub(crate) struct Buckets {
    per_minute: Option<NonZeroU32>,
    full_again_at: Mutex<HashMap<PersonId, i64>>,
}

impl Buckets {
    pub(crate) fn new(per_minute: Option<NonZeroU32>) -> Self {
        Self { per_minute, full_again_at: Mutex::default() }
    }

    /// Takes one request out of a person's bucket.
    ///
    /// # Errors
    /// [`Error::TooMany`] if it is empty, with the seconds until it is not.
    pub(crate) fn take(&self, person: PersonId, now: Instant) -> Result<()> {
        let Some(per_minute) = self.per_minute else { return Ok(()) };
        let now = now.micros();
        let one = MINUTE_MICROS / i64::from(per_minute.get());
        let mut people = self.full_again_at.lock().unwrap_or_else(PoisonError::into_inner);
        if people.len() >= PEOPLE_MAX {
            people.retain(|_, full_at| *full_at > now);
        }
        let full_at = people.entry(person).or_insert(now);
        let next = (*full_at).max(now) + one;
        let missing = next - now - MINUTE_MICROS;
        if missing > 0 {
            let wait_seconds = missing.unsigned_abs().div_ceil(1_000_000);
            return Err(Error::TooMany { wait_seconds });
        }
        *full_at = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use remit_kernel::id::{Id as _, Suffix};

    use super::*;

    #[test]
    fn a_bucket_empties_at_its_limit_and_fills_evenly() {
        let buckets = Buckets::new(NonZeroU32::new(60));
        let (ada, ben) = (PersonId::of(Suffix::new(1, [1; 10])), PersonId::of(Suffix::new(2, [2; 10])));
        let now = Instant::from_micros(1_000_000_000);
        assert!((0..60).all(|_| buckets.take(ada, now).is_ok()));
        assert!(matches!(buckets.take(ada, now), Err(Error::TooMany { wait_seconds: 1 })));
        assert!(buckets.take(ben, now).is_ok());
        assert!(buckets.take(ada, now.plus_seconds(1)).is_ok());
        assert!(buckets.take(ada, now.plus_seconds(1)).is_err());
        assert!((0..60).all(|_| buckets.take(ada, now.plus_seconds(61)).is_ok()));
    }
}
