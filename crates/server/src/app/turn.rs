//! Turns at a counter that many acts move at once: that of a SOW line, whose cap every admission is held against.
//!
//! An act that moves a counter waits for its turn, decides on the counter as the act before it left it, and gives the
//! turn on as soon as the writer has its write, before the disk does. So admissions are one after the other and still
//! share a commit. The writer checks every version: if the write before comes to nothing, so do those that built on it.
//!
//! A database server applies writes as they come, so there the turn is kept until the write is done, and waited for only
//! while turns are given on.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use remit_kernel::stream::StreamId;
use remit_store::{
    SnapshotRow, Write,
    patience::{self, Late},
};
use tokio::sync::{Mutex as Queue, OwnedMutexGuard};

use crate::error::{Error, Result};

/// How long no turn may be given on before those who wait give up, where a turn is kept until a server has answered.
const STILL_MAX: Duration = Duration::from_millis(500);
/// How often that long an act waits at the most, however well the turns go on.
const WAITS_MAX: u32 = 6;

/// The counters that were moved since the start.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<String, Arc<Counter>>>);

/// Those who wait for a turn at one counter.
#[derive(Default)]
struct Counter {
    /// The newest state handed to the writer.
    queue: Arc<Queue<Option<SnapshotRow>>>,
    /// How many turns were taken.
    taken: AtomicU64,
}

/// A turn at the counter that a write moves; none if it moves no counter. Dropping it gives the turn on.
pub(crate) struct Turn(Option<OwnedMutexGuard<Option<SnapshotRow>>>);

impl Turns {
    /// Waits for a turn at the counter that a write moves. Where many nodes share a store, only while turns are given on:
    /// the act ahead may be waiting for a database that does not answer, and each behind it would wait for all before.
    ///
    /// # Errors
    /// [`Error::Overloaded`] if the turn does not come in time.
    pub(crate) async fn take(&self, write: &Write, shared: bool) -> Result<Turn> {
        let Some(moved) = counter(write) else { return Ok(Turn(None)) };
        let counter = self.counter(&moved.stream);
        let mut turn = Box::pin(Arc::clone(&counter.queue).lock_owned());
        if !shared {
            return Ok(Turn(Some(turn.await)));
        }
        for _ in 0..WAITS_MAX {
            let before = counter.taken.load(Ordering::Relaxed);
            match patience::wait(STILL_MAX, &mut turn).await {
                Ok(turn) => {
                    counter.taken.fetch_add(1, Ordering::Relaxed);
                    return Ok(Turn(Some(turn)));
                }
                Err(Late::Unanswered) if counter.taken.load(Ordering::Relaxed) != before => {}
                Err(Late::Unanswered | Late::Impatient) => break,
            }
        }
        Err(Error::Overloaded)
    }

    fn counter(&self, stream: &str) -> Arc<Counter> {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(counters.entry(stream.to_owned()).or_default())
    }
}

impl Turn {
    /// Returns the counter as the act before left it, if that is not what the write rests on.
    pub(crate) fn ahead_of(&self, write: &Write) -> Option<&SnapshotRow> {
        let newest = self.0.as_ref()?.as_ref()?;
        counter(write).is_some_and(|own| own.stream == newest.stream && own.version <= newest.version).then_some(newest)
    }

    /// Notes the state that a write leaves; the turn itself is given on later.
    pub(crate) fn leave(self, write: &Write) -> Left {
        let Some((mut newest, left)) = self.0.zip(counter(write)) else { return Left(None) };
        *newest = Some(left.clone());
        Left(Some((left.stream.clone(), Some(newest))))
    }
}

/// What was noted at the counter that a write moves, and the turn for as long as it is kept.
pub(crate) struct Left(Option<(String, Option<OwnedMutexGuard<Option<SnapshotRow>>>)>);

impl Left {
    /// Gives the turn on.
    pub(crate) fn give_on(&mut self) {
        if let Some((_, turn)) = &mut self.0 {
            *turn = None;
        }
    }

    /// Forgets what was noted because the write came to nothing: the next act loads the counter.
    pub(crate) async fn forget(self, turns: &Turns) {
        match self.0 {
            Some((_, Some(mut turn))) => *turn = None,
            Some((stream, None)) => *turns.counter(&stream).queue.lock().await = None,
            None => {}
        }
    }
}

/// Returns the counter that a write moves.
fn counter(write: &Write) -> Option<&SnapshotRow> {
    write.snapshots.iter().find(|snapshot| matches!(snapshot.stream.parse(), Ok(StreamId::Line(_))))
}
