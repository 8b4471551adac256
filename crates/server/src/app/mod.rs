//! The one decision path. [`App::act`] is the only way to change anything, [`App::view`] the only way to read content.

mod act;
pub mod adjudicate;
pub mod admin;
pub mod calibration;
mod called;
pub mod case;
pub mod certificate;
pub mod desk;
pub mod engagement;
pub mod export;
pub mod gold;
pub mod import;
pub mod judgement;
pub mod knowledge;
pub mod live;
mod load;
pub mod look;
pub mod lot;
pub mod me;
pub mod model;
pub mod mywork;
mod node;
pub mod people;
mod permit;
pub mod planner;
pub mod precedent;
pub mod protection;
pub mod quality;
mod receipt;
pub mod review;
pub mod second;
pub mod session;
pub mod signoff;
pub mod stopping;
pub mod today;
mod turn;
pub mod verify;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicU64},
};

use remit_access::Authorizer;
use remit_kernel::{
    hash::Digest,
    pack::{Pack, PackRef},
    stream::Scope,
};
use remit_store::{Store, StoredPack};
use tokio::sync::broadcast;

use crate::{
    clock::{Chance, Clock},
    config::Demo,
    error::Result,
};

pub(crate) use act::{
    CLOSE_CALIBRATION, CLOSE_LOT, CLOSE_SHOWING, CloseCalibration, CloseShowing, OfLot, REPLAN, Replan, SCREEN_LOT,
};
pub(crate) use load::Loaded;
pub use look::{Look, Query, Standing};
pub use receipt::{Happened, Receipt};

/// Changes that a live page may hear of; a listener that falls further behind reloads.
const TOPICS_MAX: usize = 1_024;

/// The application: everything that pages, API, command line and jobs share. Clones share it.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What clones of [`App`] share.
pub struct Inner {
    pub(crate) store: Store,
    pub(crate) authorizer: Authorizer,
    pub(crate) clock: Clock,
    pub(crate) chance: Chance,
    turns: turn::Turns,
    packs: Mutex<HashMap<Digest, Arc<Pack>>>,
    figures: quality::Kept,
    topics: broadcast::Sender<Option<Topic>>,
    demo: OnceLock<(Demo, u16)>,
    /// Events replayed by the verification that is running; `u64::MAX` when none is.
    verifying: AtomicU64,
}

/// Something changed. Carries no content: the page that hears it asks again through `view`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// Where.
    pub scope: Scope,
    /// Which case, if it was one.
    pub case: Option<remit_kernel::id::CaseId>,
    /// Whether a case came in whose seats may be taken.
    pub opened: bool,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Returns the application over a store.
    ///
    /// # Errors
    /// If the policies do not validate.
    pub fn new(store: Store, clock: Clock, chance: Chance) -> Result<Self> {
        let (topics, _) = broadcast::channel(TOPICS_MAX);
        let packs = Mutex::new(HashMap::new());
        let (turns, verifying) = (turn::Turns::default(), AtomicU64::new(u64::MAX));
        let authorizer = Authorizer::new()?;
        if let Some(heard) = store.hear_nodes() {
            tokio::spawn(node::relay(heard, store.node().to_owned(), topics.clone()));
        }
        Ok(Self(Arc::new(Inner {
            store,
            authorizer,
            clock,
            chance,
            turns,
            packs,
            figures: quality::Kept::default(),
            topics,
            demo: OnceLock::new(),
            verifying,
        })))
    }

    /// Returns the store, for what is neither an act nor content: sign-in, jobs, verification.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Checks that time goes on from the newest entry of the record.
    ///
    /// # Errors
    /// [`Error::Clock`](crate::Error::Clock) if the clock is behind it: entries made now would seem older than it.
    pub async fn go_on_from_record(&self) -> Result<()> {
        match self.store.newest_entry().await? {
            Some(newest) => Ok(self.clock.go_on_from(newest)?),
            None => Ok(()),
        }
    }

    /// Returns a listener to changes, those made through other nodes included; nothing stands for changes that may have
    /// been missed.
    pub fn topics(&self) -> broadcast::Receiver<Option<Topic>> {
        self.topics.subscribe()
    }

    /// Says that this is the demo, and on which port its personas have their hosts. Once said, it stays.
    pub(crate) fn show_demo(&self, demo: Demo, port: u16) {
        self.demo.get_or_init(|| (demo, port));
    }

    /// Returns the personas and the port of the demo, if this is one.
    pub(crate) fn demo(&self) -> Option<&(Demo, u16)> {
        self.demo.get()
    }

    /// Keeps a checked pack, so that statements of work can name it. A pack that is here already is left alone.
    pub async fn keep_pack(&self, pack: &Pack) -> Result<PackRef> {
        let reference = pack.reference();
        let body = remit_kernel::hash::canonical(pack);
        let PackRef { name, version, digest } = reference.clone();
        self.store.put_pack(StoredPack { digest, name, version, body }).await?;
        Ok(reference)
    }

    /// Returns a pack by its digest.
    pub async fn pack(&self, digest: Digest) -> Result<Option<Arc<Pack>>> {
        let known = self.packs.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let Some(stored) = self.store.find_pack(digest).await? else { return Ok(None) };
        let pack: Arc<Pack> = Arc::new(serde_json::from_str(&stored.body)?);
        self.packs.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, Arc::clone(&pack));
        Ok(Some(pack))
    }
}

impl App {
    /// Returns the roles a person holds in the directory itself, for the command line that looks for its operator.
    pub async fn directory_roles(&self, person: remit_kernel::id::PersonId) -> Result<Vec<remit_kernel::role::Role>> {
        let standing = self.standing(&crate::Caller::local(person, "roles"), Scope::Directory).await?;
        Ok(standing.principal.roles.into_iter().collect())
    }
}
