//! Verify: every event is replayed in order, and every state, index row, text and entry compared with what is stored.
//!
//! The first difference is named: which scope, which table, which key, and what. Everything is read in pages by key, each
//! table once.

use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::Ordering,
};

use remit_access::{Action, Label};
use remit_kernel::{
    hash::{Digest, canonical},
    index::Row,
    stream::{Event, SHAPE, Scope, State, StreamId, apply, chain},
    text::{TextRef, commitment},
};
use remit_store::{EventKey, Store, StoredEvent, Table, Verification, key_of};
use serde::Serialize;

use super::{App, Look, Query};
use crate::{
    caller::Caller,
    error::{Error, Result},
};

/// Rows read at a time.
const PAGE: u32 = 2_000;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Verified {
    /// Whether everything was equal.
    pub ok: bool,
    /// The first difference.
    pub first_difference: Option<Difference>,
    /// How much was compared.
    pub counts: Counts,
}

/// Where the record differs from what its events give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Difference {
    /// `dir` or an engagement.
    pub scope: String,
    /// Table.
    pub table: String,
    /// Key within the scope.
    pub key: String,
    /// What differs.
    pub what: String,
}

/// How much was compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Counts {
    /// Scopes.
    pub scopes: u64,
    /// Events.
    pub events: u64,
    /// States kept as snapshots.
    pub snapshots: u64,
    /// Index rows.
    pub rows: u64,
    /// Texts.
    pub texts: u64,
    /// Of these, texts that were erased, whose commitment alone is left.
    pub erased: u64,
    /// Entries of the record.
    pub entries: u64,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { scope, table, key, what } = self;
        write!(f, "{table} `{key}` of `{scope}`: {what}")
    }
}

/// Asks whether the caller may verify the record.
struct AskVerify(Scope);

impl Query for AskVerify {
    type Out = ();

    fn scope(&self) -> Scope {
        self.0
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<()> {
        let label = match self.0 {
            Scope::Directory => Label::directory(),
            Scope::Engagement(engagement) => Label::engagement(engagement),
        };
        look.admit(Action::VerifyRecord, &label)?;
        look.saw(Action::VerifyRecord, "record", None, None);
        Ok(())
    }
}

/// Whether a verification is running, so that a second one waits its turn. Let go when dropped.
struct Turn(App);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.verifying.store(u64::MAX, Ordering::SeqCst);
    }
}

impl App {
    /// Verifies the whole record for a caller who may, in the given scope, and keeps what was found.
    ///
    /// # Errors
    /// A rule reason if a verification is running; [`Error::Refused`] for a caller who may not.
    pub async fn verify(
        &self,
        caller: &Caller,
        scope: Scope,
        progress: impl Fn(u64) + Send + Sync,
    ) -> Result<Verified> {
        self.view(caller, AskVerify(scope)).await?;
        let turn = self.turn()?;
        let found = self.verify_all(&turn, progress).await;
        drop(turn);
        found
    }

    /// Begins a verification that goes on after the answer.
    ///
    /// # Errors
    /// As [`App::verify`].
    pub async fn begin_verify(&self, caller: &Caller, scope: Scope) -> Result<()> {
        self.view(caller, AskVerify(scope)).await?;
        let turn = self.turn()?;
        let app = self.clone();
        tokio::spawn(async move {
            if let Err(error) = app.verify_all(&turn, |_| {}).await {
                tracing::error!(%error, "a verification could not be finished: {error}");
            }
        });
        Ok(())
    }

    /// Replays the whole record of a folder that nobody serves, such as a copy before it is put in place. Nothing is kept of
    /// it, and nobody is asked: whoever holds the folder may.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn replay(&self, progress: impl Fn(u64) + Send + Sync) -> Result<Verified> {
        let turn = self.turn()?;
        self.replay_all(&turn, progress).await
    }

    /// Returns how many events the running verification has replayed; nothing: none is running.
    pub fn verifying(&self) -> Option<u64> {
        Some(self.verifying.load(Ordering::SeqCst)).filter(|events| *events != u64::MAX)
    }

    fn turn(&self) -> Result<Turn> {
        use remit_kernel::refusal::{Reason, code};
        match self.verifying.compare_exchange(u64::MAX, 0, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => Ok(Turn(self.clone())),
            Err(_) => Err(Reason::rule(code::TOO_MANY, "verify", "a verification is running already")
                .hint("Wait until it has finished; its outcome is shown here.")
                .into()),
        }
    }

    async fn verify_all(&self, turn: &Turn, progress: impl Fn(u64) + Send + Sync) -> Result<Verified> {
        let at = self.clock.now();
        let found = self.replay_all(turn, progress).await?;
        let kept = Verification {
            at,
            ok: found.ok,
            first_difference: found.first_difference.as_ref().map(ToString::to_string),
            counts: canonical(&found.counts),
        };
        self.store.put_verification(kept).await?;
        Ok(found)
    }

    async fn replay_all(&self, _: &Turn, progress: impl Fn(u64) + Send + Sync) -> Result<Verified> {
        let mut counts = Counts::default();
        let told = |events: u64| {
            self.verifying.store(events, Ordering::SeqCst);
            progress(events);
        };
        let mut first_difference = None;
        // Others go on writing meanwhile: everything is compared as it stood at one moment.
        let store = self.store.frozen().await?;
        for scope in store.scopes().await? {
            counts.scopes += 1;
            let replay = Replay {
                store: &store,
                scope: &scope,
                counts: &mut counts,
                rows: BTreeMap::new(),
                texts: HashMap::new(),
            };
            match replay.run(&told).await {
                Ok(()) => {}
                Err(Stopped::Different(difference)) => {
                    first_difference = Some(difference);
                    break;
                }
                Err(Stopped::Failed(error)) => return Err(error),
            }
        }
        Ok(Verified { ok: first_difference.is_none(), first_difference, counts })
    }
}

/// Why a replay ended early.
enum Stopped {
    Different(Difference),
    Failed(Error),
}

impl From<remit_store::StoreError> for Stopped {
    fn from(error: remit_store::StoreError) -> Self {
        Self::Failed(error.into())
    }
}

type Step<T = ()> = std::result::Result<T, Stopped>;

/// One scope being replayed.
struct Replay<'a> {
    store: &'a Store,
    scope: &'a str,
    counts: &'a mut Counts,
    /// Index rows that the states give, by table and key.
    rows: BTreeMap<&'static str, HashMap<String, Row>>,
    /// Texts that the events name.
    texts: HashMap<remit_kernel::id::TextId, TextRef>,
}

/// A stream while its events go by.
struct Moving {
    name: String,
    stream: StreamId,
    state: Option<State>,
    version: u64,
    head: Digest,
}

impl Replay<'_> {
    async fn run(mut self, told: &(impl Fn(u64) + Send + Sync)) -> Step {
        self.events(told).await?;
        for table in Table::ALL {
            self.index(*table).await?;
        }
        self.texts().await?;
        self.entries().await
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers hand over identifiers and words as they have them")]
    fn different<T>(&self, table: &str, key: impl ToString, what: impl Into<String>) -> Step<T> {
        let (scope, table) = (self.scope.to_owned(), table.to_owned());
        // The engagement's own row has no key but its scope.
        let key = Some(key.to_string()).filter(|key| !key.is_empty()).unwrap_or_else(|| scope.clone());
        Err(Stopped::Different(Difference { scope, table, key, what: what.into() }))
    }

    /// Returns a page, or the difference that a row nobody wrote is.
    fn page<T>(&self, table: &str, page: remit_store::Result<Vec<T>>) -> Step<Vec<T>> {
        match page {
            Ok(page) => Ok(page),
            Err(remit_store::StoreError::Unreadable(row)) => {
                self.different(table, &row.row, format!("`{}` cannot be read", row.column))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Replays the events, stream by stream, beside the snapshots, which come in the same order.
    async fn events(&mut self, told: &(impl Fn(u64) + Send + Sync)) -> Step {
        let mut snapshots = Snapshots { after: None, page: Vec::new().into_iter(), ended: false };
        let mut moving: Option<Moving> = None;
        let mut after: Option<EventKey> = None;
        loop {
            let page = self.store.events_page(self.scope, after.as_ref(), PAGE).await;
            let page = self.page("events", page)?;
            let last = page.len() < PAGE as usize;
            after = page.last().map(StoredEvent::key);
            for event in page {
                self.counts.events += 1;
                if moving.as_ref().is_none_or(|moving| moving.name != event.stream) {
                    if let Some(done) = moving.take() {
                        self.settle(done, &mut snapshots).await?;
                    }
                    let Ok(stream) = event.stream.parse() else {
                        return self.different("events", &event.stream, "this is not the name of a stream");
                    };
                    moving = Some(Moving {
                        name: event.stream.clone(),
                        stream,
                        state: None,
                        version: 0,
                        head: Digest::default(),
                    });
                }
                if let Some(moving) = &mut moving {
                    self.fold(moving, &event)?;
                }
            }
            told(self.counts.events);
            if last {
                break;
            }
        }
        if let Some(done) = moving {
            self.settle(done, &mut snapshots).await?;
        }
        match snapshots.next(self).await? {
            Some(left) => self.different("snapshots", &left.stream, "there are no events for this state"),
            None => Ok(()),
        }
    }

    fn fold(&mut self, moving: &mut Moving, stored: &StoredEvent) -> Step {
        let key = format!("{} {}", stored.stream, stored.version);
        if stored.version != moving.version + 1 {
            return self.different("events", key, format!("event {} is missing before it", moving.version + 1));
        }
        let StoredEvent { stream, version, kind, v, body, digest, recorded_at, act: _ } = stored;
        moving.head = chain(moving.head, self.scope, stream, *version, kind, *v, *recorded_at, body);
        moving.version = *version;
        if moving.head != *digest {
            return self.different("events", key, "its digest does not fit its content and the events before it");
        }
        let event = match Event::read(moving.stream, kind, *v, body) {
            Ok(event) => event,
            Err(error) => return self.different("events", key, error.to_string()),
        };
        self.note_texts(body);
        match apply(moving.stream, moving.state.take(), &event, *recorded_at) {
            Ok(state) => {
                moving.state = Some(state);
                Ok(())
            }
            Err(error) => self.different("events", key, error.to_string()),
        }
    }

    /// Notes the texts that an event names, wherever in its body they stand.
    fn note_texts(&mut self, body: &str) {
        if !body.contains("\"commitment\"") {
            return;
        }
        let Ok(value) = serde_json::from_str(body) else { return };
        let mut left = vec![value];
        while let Some(value) = left.pop() {
            match value {
                serde_json::Value::Object(members) => {
                    if members.contains_key("commitment")
                        && let Ok(text) = serde_json::from_value::<TextRef>(serde_json::Value::Object(members.clone()))
                    {
                        self.texts.insert(text.id, text);
                    } else {
                        left.extend(members.into_iter().map(|(_, value)| value));
                    }
                }
                serde_json::Value::Array(items) => left.extend(items),
                serde_json::Value::Null
                | serde_json::Value::Bool(_)
                | serde_json::Value::Number(_)
                | serde_json::Value::String(_) => {}
            }
        }
    }

    /// Compares the state of a finished stream with its snapshot, and keeps its index rows for the comparison of tables.
    async fn settle(&mut self, done: Moving, snapshots: &mut Snapshots) -> Step {
        self.counts.snapshots += 1;
        let name = done.name;
        let Some(kept) = snapshots.next(self).await? else {
            return self.different("snapshots", name, "the state is missing");
        };
        if kept.stream != name {
            // Both come in order: the earlier name is the one that stands alone.
            return if kept.stream < name {
                self.different("snapshots", kept.stream, "there are no events for this state")
            } else {
                self.different("snapshots", name, "the state is missing")
            };
        }
        let Some(state) = done.state else { return self.different("snapshots", name, "the state is missing") };
        if kept.version != done.version {
            return self.different(
                "snapshots",
                name,
                format!("it is of version {}, the events end at {}", kept.version, done.version),
            );
        }
        if kept.head != done.head {
            return self.different("snapshots", name, "its digest is not that of the last event");
        }
        // Another shape is folded anew when it is read, so its body counts for nothing.
        if kept.shape == SHAPE && kept.body != state.write() {
            return self.different("snapshots", name, "the state differs from what the events give");
        }
        // Needs are shared and never taken away: the cases ever admitted give them all.
        let need = if let State::Case(case) = &state { case.need_row().map(Row::Need) } else { None };
        for row in state.rows().into_iter().chain(need) {
            self.expect(row);
        }
        Ok(())
    }

    fn expect(&mut self, row: Row) {
        let table = Table::of(&row);
        self.rows.entry(table.name()).or_default().insert(key_of(&row), row);
    }

    async fn index(&mut self, table: Table) -> Step {
        let mut expected = self.rows.remove(table.name()).unwrap_or_default();
        let mut after: Option<Row> = None;
        loop {
            let page = self.store.index_page(self.scope, table, after.as_ref(), PAGE).await;
            let page = self.page(table.name(), page)?;
            let last = page.len() < PAGE as usize;
            for row in &page {
                self.counts.rows += 1;
                let key = key_of(row);
                match expected.remove(&key) {
                    Some(wanted) if wanted == *row => {}
                    Some(wanted) => return self.different(table.name(), key, differing(&wanted, row)),
                    None => return self.different(table.name(), key, "the events give no such row"),
                }
            }
            after = page.into_iter().last();
            if last {
                break;
            }
        }
        match expected.into_keys().min() {
            Some(missing) => self.different(table.name(), missing, "the row is missing"),
            None => Ok(()),
        }
    }

    async fn texts(&mut self) -> Step {
        let mut named = std::mem::take(&mut self.texts);
        let mut after = None;
        loop {
            let page = self.store.texts_page(self.scope, after, PAGE).await;
            let page = self.page("texts", page)?;
            let last = page.len() < PAGE as usize;
            after = page.last().map(|text| text.id);
            for text in page {
                self.counts.texts += 1;
                let Some(wanted) = named.remove(&text.id) else {
                    return self.different("texts", text.id, "no event names this text");
                };
                if text.commitment != wanted.commitment {
                    return self.different("texts", text.id, "its commitment is not the one that the event holds");
                }
                match (&text.salt, &text.body) {
                    (Some(salt), Some(body)) if commitment(salt, body) == text.commitment => {}
                    (Some(_), Some(_)) => {
                        return self.different("texts", text.id, "its body does not fit its commitment");
                    }
                    (None, None) => self.counts.erased += 1,
                    (Some(_), None) | (None, Some(_)) => return self.different("texts", text.id, "it is half erased"),
                }
            }
            if last {
                break;
            }
        }
        match named.into_keys().min() {
            Some(missing) => self.different("texts", missing, "the text is missing"),
            None => Ok(()),
        }
    }

    async fn entries(&mut self) -> Step {
        let mut after = None;
        loop {
            let page = self.store.entries_page(self.scope, after, PAGE).await;
            let page = self.page("entries", page)?;
            let last = page.len() < PAGE as usize;
            after = page.last().map(|stored| stored.entry.id);
            for stored in page {
                self.counts.entries += 1;
                if !stored.is_whole() {
                    return self.different("entries", stored.entry.id, "its content does not fit its digest");
                }
            }
            if last {
                return Ok(());
            }
        }
    }
}

/// Snapshots of a scope in order, read in pages.
struct Snapshots {
    after: Option<String>,
    page: std::vec::IntoIter<remit_store::SnapshotRow>,
    ended: bool,
}

impl Snapshots {
    async fn next(&mut self, replay: &Replay<'_>) -> Step<Option<remit_store::SnapshotRow>> {
        if self.page.len() == 0 && !self.ended {
            let page = replay.store.snapshots_page(replay.scope, self.after.as_deref(), PAGE).await;
            let page = replay.page("snapshots", page)?;
            self.ended = page.len() < PAGE as usize;
            self.after = page.last().map(|row| row.stream.clone());
            self.page = page.into_iter();
        }
        Ok(self.page.next())
    }
}

/// Names the columns in which a row differs.
fn differing(wanted: &Row, stored: &Row) -> String {
    let columns = |row: &Row| match serde_json::to_value(row) {
        Ok(serde_json::Value::Object(columns)) => columns,
        Ok(_) | Err(_) => serde_json::Map::new(),
    };
    let (wanted, stored) = (columns(wanted), columns(stored));
    let unlike = wanted.iter().filter(|(column, value)| stored.get(*column) != Some(value));
    let told: Vec<_> = unlike
        .map(|(column, value)| {
            format!("`{column}` is {}, the events give {value}", stored.get(column).unwrap_or(&serde_json::Value::Null))
        })
        .collect();
    told.join("; ")
}
