//! One life of the installation: who plays, what was sent and answered, and what goes wrong when.

use std::sync::{Mutex, MutexGuard, PoisonError};

use remit_faultfs::{Chance, Disk};
use remit_kernel::{command::Command, hash::Digest, id::PersonId};
use remit_server::{App, Error, app::Receipt, caller::Once};

use crate::world::{World, by};

/// A request as a client sent it, and what it was answered.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) key: String,
    pub(crate) person: PersonId,
    pub(crate) command: Command,
    pub(crate) answer: Option<Receipt>,
}

/// What the clients remember: it outlives every crash, as it is on their machines.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) sent: Vec<Sent>,
    /// The first thing that must not happen, and did.
    pub(crate) failure: Option<String>,
    /// Everything that happened, chained: two runs are the same if and only if this is.
    pub(crate) trace: Digest,
    pub(crate) references: u64,
    /// How often gold had been shown when it was last judged.
    pub(crate) shown: usize,
}

impl Journal {
    pub(crate) fn trace(&mut self, what: &str) {
        self.trace = Digest::of_parts(&[self.trace.bytes(), what.as_bytes()]);
    }

    pub(crate) fn fail(&mut self, what: String) {
        self.trace(&what);
        self.failure.get_or_insert(what);
    }
}

/// What goes wrong once so many acts of a life were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// The next sync fails.
    SyncFails,
    /// The next write stops half-way.
    ShortWrite,
    /// The disk holds this much more and then is full.
    Fills(u64),
    /// There is room again.
    Room,
    /// The clock jumps by so many seconds.
    Clock(i64),
}

/// One life, shared by its clients.
pub(crate) struct Play {
    pub(crate) app: App,
    pub(crate) world: World,
    pub(crate) disk: Disk,
    pub(crate) chance: Mutex<Chance>,
    pub(crate) journal: Mutex<Journal>,
    pub(crate) mishaps: Mutex<Vec<(u64, Mishap)>>,
    pub(crate) answered: Mutex<Answered>,
}

/// How far a life has come.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    pub(crate) acts: u64,
    /// A sync failed: the process must not go on.
    pub(crate) broken: bool,
    pub(crate) full: bool,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Play {
    pub(crate) fn dice(&self, sides: usize) -> usize {
        lock(&self.chance).below(sides)
    }

    pub(crate) fn one<T: Copy>(&self, among: &[T]) -> Option<T> {
        if among.is_empty() { None } else { among.get(self.dice(among.len())).copied() }
    }

    pub(crate) fn over(&self) -> bool {
        self.disk.is_off() || lock(&self.answered).broken || lock(&self.journal).failure.is_some()
    }

    /// Notes a request as about to be sent.
    pub(crate) fn note(&self, person: PersonId, command: Command) -> usize {
        let mut journal = lock(&self.journal);
        let place = journal.sent.len();
        journal.sent.push(Sent { key: format!("key-{place}"), person, command, answer: None });
        place
    }

    /// Sends a request, for the first time or again, and notes what it is answered.
    pub(crate) async fn send(&self, place: usize) {
        let Some(sent) = lock(&self.journal).sent.get(place).cloned() else { return };
        let mut caller = by(sent.person);
        let fingerprint = Digest::of(format!("{:?}", sent.command).as_bytes());
        caller.once = Some(Once { route: sent.command.word().to_owned(), key: sent.key.clone(), fingerprint });
        let answer = self.app.act(caller, sent.command.clone()).await;
        self.answered(place, &sent, answer);
    }

    fn answered(&self, place: usize, sent: &Sent, answer: Result<Receipt, Error>) {
        let mut journal = lock(&self.journal);
        let word = sent.command.word();
        let known = journal.sent.get(place).and_then(|sent| sent.answer.clone());
        match (answer, known) {
            (Ok(receipt), None) => {
                journal.trace(&format!("{place} {word} {}", receipt.act));
                if let Some(sent) = journal.sent.get_mut(place) {
                    sent.answer = Some(receipt);
                }
            }
            (Ok(receipt), Some(known)) if receipt == known => journal.trace(&format!("{place} again")),
            (Ok(receipt), Some(known)) => {
                journal
                    .fail(format!("request {place} ({word}) was done twice: as {} and as {}", known.act, receipt.act));
            }
            (Err(Error::Refused(refusal)), Some(known)) => {
                journal
                    .fail(format!("request {place} ({word}) was acknowledged as {} and is lost: {refusal}", known.act));
            }
            (Err(Error::Refused(refusal)), None) => journal.trace(&format!("{place} {word} {refusal}")),
            (Err(Error::Busy), _) => journal.trace(&format!("{place} {word} busy")),
            // The disk failed: whether it was done is not known, unless it was acknowledged before.
            (Err(Error::Store(_)), _) => journal.trace(&format!("{place} {word} failed")),
            (Err(other), _) => journal.fail(format!("request {place} ({word}) met a fault of ours: {other}")),
        }
        drop(journal);
        self.advance();
    }

    /// Counts an answer, and lets go wrong what is due.
    fn advance(&self) {
        let mut answered = lock(&self.answered);
        answered.acts += 1;
        let acts = answered.acts;
        let mut mishaps = lock(&self.mishaps);
        let (due, later) = mishaps.drain(..).partition(|(at, _)| *at <= acts);
        *mishaps = later;
        let due: Vec<(u64, Mishap)> = due;
        for (_, mishap) in due {
            lock(&self.journal).trace(&format!("{mishap:?}"));
            match mishap {
                Mishap::SyncFails => {
                    self.disk.fail_syncs(1);
                    // A process that saw a sync fail ends, because nothing that it still holds can be trusted.
                    answered.broken = true;
                }
                Mishap::ShortWrite => self.disk.shorten_writes(1),
                Mishap::Fills(room) => {
                    answered.full = true;
                    self.disk.set_capacity(Some(self.disk.used_bytes() + room));
                }
                Mishap::Room => {
                    answered.full = false;
                    self.disk.set_capacity(None);
                }
                Mishap::Clock(seconds) => {
                    let clock = self.app.clock();
                    clock.step_to(clock.now().plus_seconds(seconds));
                }
            }
        }
    }
}
