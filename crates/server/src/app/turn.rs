//! Turns at a counter that many acts move at once: that of a SOW line, whose cap every admission is held against.
//!
//! An act that moves a counter waits for its turn, decides on the counter as the act before it left it, and gives the
//! turn on as soon as the writer has its write, before the disk does. So admissions are one after the other and still
//! share a commit. The writer checks every version: if the write before comes to nothing, so do those that built on it. Each
//! of them decides again alone, when nothing before it is under way, so that it cannot come to nothing for that reason twice.
//!
//! Where many nodes share a database server, a turn is waited for only while turns are given on: deciding may have to ask a
//! server that does not answer.

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
use tokio::sync::{Mutex as Queue, OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::error::{Error, Result};

/// How long no turn may be given on before those who wait give up, where deciding may wait for a server.
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
    /// Held by each write that is handed over and not settled, and by who goes alone against all of them.
    flight: Arc<RwLock<()>>,
    /// How many turns were taken.
    taken: AtomicU64,
}

/// The newest state of a counter, while the turn is held.
type Newest = OwnedMutexGuard<Option<SnapshotRow>>;

/// A turn at the counter that a write moves; none if it moves no counter. Dropping it gives the turn on.
pub(crate) struct Turn(Option<(Newest, Flight)>);

/// Who else may be under way.
enum Flight {
    /// Others, each building on the one before.
    Among { _held: OwnedRwLockReadGuard<()> },
    /// Nobody.
    Alone { _held: OwnedRwLockWriteGuard<()> },
}

impl Turns {
    /// Waits for a turn at the counter that a write moves; `alone`, until no write before it is under way. Where many nodes
    /// share a store, only while turns are given on: the act ahead may be waiting for a database that does not answer, and
    /// each behind it would wait for all before.
    ///
    /// # Errors
    /// [`Error::Overloaded`] if the turn does not come in time.
    pub(crate) async fn take(&self, write: &Write, alone: bool, shared: bool) -> Result<Turn> {
        let Some(moved) = counter(write) else { return Ok(Turn(None)) };
        let counter = self.counter(&moved.stream);
        let mut turn = Box::pin(counter.turn(alone));
        if !shared {
            return Ok(turn.await);
        }
        for _ in 0..WAITS_MAX {
            let before = counter.taken.load(Ordering::Relaxed);
            match patience::wait(STILL_MAX, &mut turn).await {
                Ok(turn) => {
                    counter.taken.fetch_add(1, Ordering::Relaxed);
                    return Ok(turn);
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

impl Counter {
    async fn turn(&self, alone: bool) -> Turn {
        let mut newest = Arc::clone(&self.queue).lock_owned().await;
        let flight = if alone {
            let flight = Arc::clone(&self.flight).write_owned().await;
            // All before it are settled: the store has what they left.
            *newest = None;
            Flight::Alone { _held: flight }
        } else {
            Flight::Among { _held: Arc::clone(&self.flight).read_owned().await }
        };
        Turn(Some((newest, flight)))
    }
}

impl Turn {
    /// Returns whether no other write that moves this counter is under way here.
    pub(crate) fn is_alone(&self) -> bool {
        matches!(self.0, Some((_, Flight::Alone { .. })))
    }

    /// Returns the counter as the act before left it, if that is not what the write rests on.
    pub(crate) fn ahead_of(&self, write: &Write) -> Option<&SnapshotRow> {
        let newest = self.0.as_ref()?.0.as_ref()?;
        counter(write).is_some_and(|own| own.stream == newest.stream && own.version <= newest.version).then_some(newest)
    }

    /// Notes the state that a write leaves; the turn itself is given on later.
    pub(crate) fn leave(self, write: &Write) -> Left {
        let Some(((mut newest, flight), left)) = self.0.zip(counter(write)) else { return Left(None) };
        *newest = Some(left.clone());
        Left(Some((left.stream.clone(), Some(newest), flight)))
    }
}

/// What was noted at the counter that a write moves, the turn for as long as it is kept, and that the write is under way.
pub(crate) struct Left(Option<(String, Option<Newest>, Flight)>);

impl Left {
    /// Gives the turn on, unless the write goes alone.
    pub(crate) fn give_on(&mut self) {
        if let Some((_, turn, Flight::Among { .. })) = &mut self.0 {
            *turn = None;
        }
    }

    /// Forgets what was noted because the write came to nothing: the next act loads the counter.
    pub(crate) async fn forget(self, turns: &Turns) {
        match self.0 {
            Some((_, Some(mut turn), _)) => *turn = None,
            Some((stream, None, flight)) => {
                // Whoever has the turn may be waiting for this write to be settled.
                drop(flight);
                *turns.counter(&stream).queue.lock().await = None;
            }
            None => {}
        }
    }
}

/// Returns the counter that a write moves.
pub(crate) fn counter(write: &Write) -> Option<&SnapshotRow> {
    write.snapshots.iter().find(|snapshot| matches!(snapshot.stream.parse(), Ok(StreamId::Line(_))))
}
