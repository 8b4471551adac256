//! How much the server takes at a time. What is too much is refused at once or after a short wait, so that what is taken is
//! still answered in good time: a queue without an end helps nobody.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};

/// How much the server takes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadLimits {
    /// Requests worked on at the same time.
    pub running_max: NonZeroU32,
    /// Requests that may wait for a place.
    pub waiting_max: u32,
    /// How long one of them waits at most.
    pub wait_max: Duration,
    /// How long a request may take once it has a place; exports, imports and verifications take what they need.
    pub request_max: Duration,
}

impl LoadLimits {
    /// Takes everything, sooner or later: for tests, and for measuring what is behind.
    pub const NONE: Self = Self {
        running_max: NonZeroU32::MAX,
        waiting_max: u32::MAX,
        wait_max: Duration::from_hours(1),
        request_max: Duration::from_hours(1),
    };
}

/// Requests worked on at a time for each core: enough to share a commit, too few to crowd one another out.
const RUNNING_PER_CORE: u32 = 8;
/// Fewest and most requests worked on at a time, however many cores there are.
const RUNNING: [u32; 2] = [16, 512];
/// Requests that may wait for each one worked on.
const WAITING_PER_PLACE: u32 = 8;

impl Default for LoadLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        let running = cores.saturating_mul(RUNNING_PER_CORE).clamp(RUNNING[0], RUNNING[1]);
        Self {
            running_max: NonZeroU32::new(running).unwrap_or(NonZeroU32::MIN),
            waiting_max: running * WAITING_PER_PLACE,
            wait_max: Duration::from_millis(150),
            request_max: Duration::from_secs(30),
        }
    }
}

/// How a request is treated when there is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Takes no place at all: probes, assets, and streams of events, which only wait.
    Free,
    /// Work of people and programs.
    Work,
    /// Long and never urgent: exports, imports, verifications. It gets a place only while half of them are free.
    Heavy,
}

impl Kind {
    /// Returns the kind of a route by its template.
    pub(crate) fn of(route: &str) -> Self {
        let ends = |ending: &str| route.ends_with(ending);
        if matches!(route, "/healthz" | "/readyz" | "/assets/{hash}/{name}")
            || ends("/live") && !ends("/engagement/live")
        {
            Self::Free
        } else if route.contains("/export")
            || ends(".xlsx")
            || ends("/imports")
            || ends("/verify")
            || ends("/verifications")
        {
            Self::Heavy
        } else {
            Self::Work
        }
    }
}

/// The places of a server.
#[derive(Debug)]
pub(crate) struct Load {
    limits: LoadLimits,
    places: Arc<Semaphore>,
    waiting: AtomicU32,
}

/// A request's place, unless it needs none; dropping it frees it.
pub(crate) type Place = Option<OwnedSemaphorePermit>;

/// Somebody who waits; counted until dropped.
struct Waiting<'a>(&'a AtomicU32);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Load {
    pub(crate) fn new(limits: LoadLimits) -> Self {
        let places = usize::try_from(limits.running_max.get()).unwrap_or(1);
        Self { limits, places: Arc::new(Semaphore::new(places)), waiting: AtomicU32::new(0) }
    }

    /// Returns a place for a request.
    ///
    /// # Errors
    /// [`Error::Overloaded`] if too many wait already, if none came free in time, or for heavy work when half are taken.
    pub(crate) async fn take(&self, kind: Kind) -> Result<Place> {
        if kind == Kind::Free {
            return Ok(None);
        }
        let half = usize::try_from(self.limits.running_max.get()).unwrap_or(1).div_ceil(2);
        if kind == Kind::Heavy && self.places.available_permits() < half {
            return Err(refuse("heavy"));
        }
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(Some(place));
        }
        let waiting = Waiting(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::SeqCst) >= self.limits.waiting_max {
            return Err(refuse("queue"));
        }
        let place = tokio::time::timeout(self.limits.wait_max, Arc::clone(&self.places).acquire_owned()).await;
        drop(waiting);
        match place {
            Ok(Ok(place)) => Ok(Some(place)),
            Ok(Err(_)) | Err(_) => Err(refuse("wait")),
        }
    }

    /// Returns how long a request of this kind may take.
    pub(crate) fn time_max(&self, kind: Kind) -> Option<Duration> {
        (kind == Kind::Work).then_some(self.limits.request_max)
    }

    /// Sets the gauges of what runs and what waits.
    pub(crate) fn measure(&self) {
        let places = self.limits.running_max.get();
        let free = u32::try_from(self.places.available_permits()).unwrap_or(places);
        metrics::gauge!("remit_requests_running").set(places.saturating_sub(free));
        metrics::gauge!("remit_requests_waiting").set(self.waiting.load(Ordering::SeqCst));
    }
}

/// Counts a refusal by why it was made.
fn refuse(why: &'static str) -> Error {
    metrics::counter!("remit_requests_shed_total", "why" => why).increment(1);
    Error::Overloaded
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails says where")]

    use super::*;

    fn load(running: u32, waiting_max: u32) -> Load {
        let wait_max = Duration::from_millis(20);
        let running_max = NonZeroU32::new(running).unwrap();
        Load::new(LoadLimits { running_max, waiting_max, wait_max, request_max: Duration::from_secs(1) })
    }

    #[tokio::test]
    async fn who_finds_no_place_in_time_is_refused_and_who_finds_one_is_taken() {
        let load = load(1, 1);
        let place = load.take(Kind::Work).await.unwrap();
        assert!(matches!(load.take(Kind::Work).await, Err(Error::Overloaded)));
        let (waiting, ()) = tokio::join!(load.take(Kind::Work), async { drop(place) });
        assert!(waiting.is_ok());
    }

    #[tokio::test]
    async fn more_than_may_wait_are_refused_without_waiting() {
        let load = load(1, 0);
        let _place = load.take(Kind::Work).await.unwrap();
        assert!(matches!(load.take(Kind::Work).await, Err(Error::Overloaded)));
        assert!(load.take(Kind::Free).await.is_ok(), "a probe needs no place");
    }

    #[tokio::test]
    async fn heavy_work_is_refused_first() {
        let load = load(4, 4);
        let _three = (load.take(Kind::Work).await, load.take(Kind::Work).await, load.take(Kind::Work).await);
        assert!(matches!(load.take(Kind::Heavy).await, Err(Error::Overloaded)));
        assert!(load.take(Kind::Work).await.is_ok());
    }

    #[test]
    fn the_kind_of_a_request_is_told_by_its_route() {
        assert_eq!(Kind::of("/readyz"), Kind::Free);
        assert_eq!(Kind::of("/e/{engagement}/live"), Kind::Free);
        assert_eq!(Kind::of("/e/{engagement}/engagement/live"), Kind::Work, "going live is an act");
        assert_eq!(Kind::of("/api/v1/engagements/{engagement}/export/cases"), Kind::Heavy);
        assert_eq!(Kind::of("/e/{engagement}/cases.xlsx"), Kind::Heavy);
        assert_eq!(Kind::of("/api/v1/engagements/{engagement}/cases"), Kind::Work);
    }
}
