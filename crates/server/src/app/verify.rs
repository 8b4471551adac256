//! Verify: every event is replayed in order, and every state, index row, text and entry compared with what is stored.
//!
//! The first difference is named: which scope, which table, which key, and what. Everything is read in pages by key, the
//! next page while the one before is compared. Rows are first compared by tallies, which hold nothing in memory, and
//! what is stored is tallied while the events are replayed; only where two tallies differ is the scope replayed again
//! with its rows in hand, to name the one that differs.

mod stored;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    future::Future,
    hash::{BuildHasher as _, RandomState},
    sync::atomic::Ordering,
};

use remit_access::{Action, Label};
use remit_kernel::{
    case::CaseEvent,
    hash::{Digest, canonical},
    id::{CaseId, LotId, TextId},
    index::Row,
    lot::{self, Mode, Seed},
    pack::ReviewPlan,
    stream::{Event, SHAPE, Scope, State, StreamId, apply, chain},
    text::TextRef,
};
use remit_store::{SnapshotRow, StoredEvent, Table, Verification, key_of};
use serde::Serialize;
use tokio::task::JoinSet;

use self::stored::{PAGE, Pages, Place, Stored, Tally};
use super::{App, Look, Query};
use crate::{
    caller::Caller,
    error::{Error, Result},
};

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
            let before = counts;
            let place = Place { store: store.clone(), scope };
            let mut found = Replay::new(place.clone(), &mut counts, Rows::tallied()).run(&told).await;
            if matches!(found, Err(Stopped::Unlike)) {
                counts = before;
                found = Replay::new(place.clone(), &mut counts, Rows::in_hand()).run(&told).await;
            }
            match found {
                Ok(()) => {}
                Err(Stopped::Different(difference)) => {
                    first_difference = Some(difference);
                    break;
                }
                Err(Stopped::Unlike) => return Err(std::io::Error::other("tallies differ and rows do not").into()),
                Err(Stopped::Failed(error)) => return Err(error),
            }
        }
        Ok(Verified { ok: first_difference.is_none(), first_difference, counts })
    }
}

/// Why a replay ended early.
enum Stopped {
    Different(Difference),
    /// Two tallies differ: which row it is, the rows in hand will tell.
    Unlike,
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
    place: Place,
    counts: &'a mut Counts,
    rows: Rows,
    draws: Draws,
}

/// Draws of cases, to be drawn again once the lots are known.
#[derive(Default)]
struct Draws {
    /// What the event of the case at hand said.
    at_hand: Option<CaseEvent>,
    drawn: Vec<(CaseId, usize, CaseEvent)>,
    /// The plans that the cases are pinned to, each once.
    plans: Vec<ReviewPlan>,
    lots: BTreeMap<LotId, (Mode, Digest, Option<Digest>)>,
}

/// What the events say must be there: index rows and texts.
enum Rows {
    Tallied {
        key: RandomState,
        rows: BTreeMap<&'static str, Tally>,
        texts: Tally,
        /// Hashes of what more than one event may name: needs, which cases share, and texts.
        named: HashSet<u64>,
    },
    InHand {
        rows: BTreeMap<&'static str, HashMap<String, Row>>,
        texts: HashMap<TextId, Digest>,
    },
}

impl Rows {
    fn tallied() -> Self {
        let (rows, texts, named) = (BTreeMap::new(), Tally::default(), HashSet::new());
        Self::Tallied { key: RandomState::new(), rows, texts, named }
    }

    fn in_hand() -> Self {
        Self::InHand { rows: BTreeMap::new(), texts: HashMap::new() }
    }

    fn expect(&mut self, row: Row) {
        let table = Table::of(&row).name();
        match self {
            Self::Tallied { key, rows, named, .. } => {
                if !matches!(row, Row::Need(_)) || named.insert(key.hash_one(&row)) {
                    rows.entry(table).or_default().add(key, &row);
                }
            }
            Self::InHand { rows, .. } => drop(rows.entry(table).or_default().insert(key_of(&row), row)),
        }
    }

    fn expect_text(&mut self, id: TextId, commitment: Digest) {
        match self {
            Self::Tallied { key, texts, named, .. } => {
                if named.insert(key.hash_one((id, commitment))) {
                    texts.add(key, &(id, commitment));
                }
            }
            Self::InHand { texts, .. } => drop(texts.insert(id, commitment)),
        }
    }
}

/// A stream while its events go by.
struct Moving {
    name: String,
    stream: StreamId,
    state: Option<State>,
    version: u64,
    head: Digest,
}

impl Draws {
    /// Keeps what a finished stream tells of draws.
    fn settle(&mut self, state: &State) {
        match state {
            State::Case(case) => {
                let plan = case.admission.as_ref().and_then(|admission| admission.plan.review.clone());
                let (Some(event), Some(plan)) = (self.at_hand.take(), plan) else { return };
                let place = self.plans.iter().position(|known| *known == plan).unwrap_or(self.plans.len());
                if place == self.plans.len() {
                    self.plans.push(plan);
                }
                self.drawn.push((case.case, place, event));
            }
            State::Lot(lot) => drop(self.lots.insert(lot.lot, (lot.mode, lot.commitment, lot.seed))),
            State::Engagement(_)
            | State::Sow(_)
            | State::Line(_)
            | State::Panel(_)
            | State::Gold(_)
            | State::Calibration(_)
            | State::Precedent(_)
            | State::Alarm(_)
            | State::Review(_)
            | State::Sampler(_)
            | State::Model(_)
            | State::Member(_)
            | State::Organisation(_)
            | State::Person(_) => {}
        }
    }
}

impl<'a> Replay<'a> {
    fn new(place: Place, counts: &'a mut Counts, rows: Rows) -> Self {
        Self { place, counts, rows, draws: Draws::default() }
    }

    async fn run(mut self, told: &(impl Fn(u64) + Send + Sync)) -> Step {
        // Ends with this, whatever comes of the events.
        let mut beside = JoinSet::new();
        if let Rows::Tallied { key, .. } = &self.rows {
            beside.spawn(self.place.clone().tally(key.clone()));
        }
        self.events(told).await?;
        self.lots().await?;
        match beside.join_next().await {
            Some(Ok(stored)) => self.compare(stored),
            Some(Err(broken)) => std::panic::resume_unwind(broken.into_panic()),
            None => self.name_difference().await,
        }
    }

    fn different<T>(&self, table: &str, key: impl ToString, what: impl Into<String>) -> Step<T> {
        Err(self.place.different(table, key, what))
    }

    /// Replays the events, stream by stream, beside the snapshots, which come in the same order.
    async fn events(&mut self, told: &(impl Fn(u64) + Send + Sync)) -> Step {
        let (place, beside) = (self.place.clone(), self.place.clone());
        let mut snapshots = Snapshots::new(move |last: Option<&SnapshotRow>| {
            let (place, after) = (beside.clone(), last.map(|row| row.stream.clone()));
            async move { place.store.snapshots_page(&place.scope, after.as_deref(), PAGE).await }
        });
        let mut events = Pages::new(move |last: Option<&StoredEvent>| {
            let (place, after) = (place.clone(), last.map(StoredEvent::key));
            async move { place.store.events_page(&place.scope, after.as_ref(), PAGE).await }
        });
        let mut moving: Option<Moving> = None;
        while let Some(page) = events.page().await {
            let page = self.place.page("events", page)?;
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
        moving.head = chain(moving.head, &self.place.scope, stream, *version, kind, *v, *recorded_at, body);
        moving.version = *version;
        if moving.head != *digest {
            return self.different("events", key, "its digest does not fit its content and the events before it");
        }
        let event = match Event::read(moving.stream, kind, *v, body) {
            Ok(event) => event,
            Err(error) => return self.different("events", key, error.to_string()),
        };
        self.note_texts(body);
        if let Event::Case(event @ CaseEvent::Drawn { .. }) = &event {
            self.draws.at_hand = Some(event.clone());
        }
        match apply(moving.stream, moving.state.take(), &event, *recorded_at) {
            Ok(state) => {
                moving.state = Some(state);
                Ok(())
            }
            Err(error) => self.different("events", key, error.to_string()),
        }
    }

    /// Notes the texts that an event names, wherever in its body they stand.
    ///
    /// The body is canonical, so members stand in order and no quote stands bare within a text: what looks like the
    /// middle of a [`TextRef`] is one.
    fn note_texts(&mut self, body: &str) {
        for (at, mark) in body.match_indices("\"commitment\":\"") {
            let begin = body[..at].rfind('{').unwrap_or(at);
            let end = body[at + mark.len()..].find('}').map_or(body.len(), |end| at + mark.len() + end + 1);
            if let Ok(text) = serde_json::from_str::<TextRef>(&body[begin..end]) {
                self.rows.expect_text(text.id, text.commitment);
            }
        }
    }

    /// Compares the state of a finished stream with its snapshot, and keeps its index rows for the comparison of tables.
    async fn settle<F, R>(&mut self, done: Moving, snapshots: &mut Snapshots<R>) -> Step
    where
        F: Future<Output = remit_store::Result<Vec<SnapshotRow>>> + Send + 'static,
        R: Fn(Option<&SnapshotRow>) -> F,
    {
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
        self.draws.settle(&state);
        // Needs are shared and never taken away: the cases ever admitted give them all.
        let need = if let State::Case(case) = &state { case.need_row().map(Row::Need) } else { None };
        for row in state.rows().into_iter().chain(need) {
            self.rows.expect(row);
        }
        Ok(())
    }

    /// Draws every case again from the seeds that are open, and holds those that are secret against their commitments.
    async fn lots(&mut self) -> Step {
        for (id, (_, commitment, open)) in &self.draws.lots {
            let name = StreamId::Lot(*id);
            let kept = self.place.store.lot_seed(&self.place.scope, *id).await?.map(Seed);
            if kept.is_none_or(|seed| seed.commitment() != *commitment) {
                return self.different("lot_seeds", id, "the seed is not the one that the lot's commitment binds");
            }
            if open.is_some_and(|open| Seed(*open.bytes()).commitment() != *commitment) {
                return self.different("events", name, "the seed that was opened is not the one that was committed to");
            }
        }
        for (case, plan, event) in &self.draws.drawn {
            let CaseEvent::Drawn { lot, risks, causes, in_house, second, .. } = event else { continue };
            let name = StreamId::Case(*case);
            let Some((mode, _, open)) = self.draws.lots.get(lot) else {
                return self.different("events", name, format!("it was drawn in `{lot}`, which does not exist"));
            };
            let (Some(open), Some(plan)) = (open, self.draws.plans.get(*plan)) else { continue };
            let seed = Seed(*open.bytes());
            let again = lot::causes(plan, *mode, &seed, *case, risks);
            let others = (lot::in_house(plan, &seed, *case), lot::second(plan, &seed, *case, &again));
            if again != *causes || others != (in_house.is_some(), second.is_some()) {
                return self.different("events", name, "the seed of its lot gives another draw than the one recorded");
            }
        }
        Ok(())
    }

    /// Compares what the events give with what is stored, by tallies.
    fn compare(self, stored: Stored) -> Step {
        let Rows::Tallied { rows, texts, .. } = &self.rows else { return Ok(()) };
        for (table, count, tally) in stored.tables {
            self.counts.rows += count;
            if rows.get(table.name()).copied().unwrap_or_default() != tally {
                return Err(Stopped::Unlike);
            }
        }
        if let Some((count, erased, tally)) = stored.texts {
            self.counts.texts += count;
            self.counts.erased += erased;
            if *texts != tally {
                return Err(Stopped::Unlike);
            }
        }
        self.counts.entries += stored.entries;
        stored.stopped.map_or(Ok(()), Err)
    }

    /// Compares what the events give with what is stored, row by row.
    async fn name_difference(self) -> Step {
        let Rows::InHand { mut rows, mut texts } = self.rows else { return Ok(()) };
        let (place, counts) = (self.place, self.counts);
        for table in Table::ALL {
            let name = table.name();
            let mut wanted = rows.remove(name).unwrap_or_default();
            let compared = place.rows(*table, |row| {
                counts.rows += 1;
                let key = key_of(&row);
                match wanted.remove(&key) {
                    Some(wanted) if wanted == row => Ok(()),
                    Some(wanted) => Err(place.different(name, key, differing(&wanted, &row))),
                    None => Err(place.different(name, key, "the events give no such row")),
                }
            });
            compared.await?;
            if let Some(missing) = wanted.keys().min() {
                return Err(place.different(name, missing, "the row is missing"));
            }
        }
        let compared = place.texts(|text| {
            counts.texts += 1;
            match texts.remove(&text.id) {
                Some(wanted) if wanted == text.commitment => Ok(()),
                Some(_) => Err(place.different("texts", text.id, "its commitment is not the one that the event holds")),
                None => Err(place.different("texts", text.id, "no event names this text")),
            }
        });
        counts.erased += compared.await?;
        if let Some(missing) = texts.keys().min() {
            return Err(place.different("texts", missing, "the text is missing"));
        }
        counts.entries += place.entries().await?;
        Ok(())
    }
}

/// Snapshots of a scope in order.
struct Snapshots<R> {
    pages: Pages<SnapshotRow, R>,
    page: std::vec::IntoIter<SnapshotRow>,
}

impl<F, R> Snapshots<R>
where
    F: Future<Output = remit_store::Result<Vec<SnapshotRow>>> + Send + 'static,
    R: Fn(Option<&SnapshotRow>) -> F,
{
    fn new(read: R) -> Self {
        Self { pages: Pages::new(read), page: Vec::new().into_iter() }
    }

    async fn next(&mut self, replay: &Replay<'_>) -> Step<Option<SnapshotRow>> {
        if self.page.len() == 0
            && let Some(page) = self.pages.page().await
        {
            self.page = replay.place.page("snapshots", page)?.into_iter();
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
