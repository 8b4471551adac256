//! Loading facts: snapshots of streams, people, packs and texts, as a command asks for them.

use std::collections::{BTreeMap, BTreeSet};

use remit_kernel::{
    case::CaseEvent,
    command::Command,
    directory::Person,
    engagement::Member,
    facts::{Facts, Want},
    hash::Digest,
    id::{CaseId, PersonId},
    index::{CaseStatus, DutyStatus, SeatRow},
    lot::Seed,
    pack::Duty,
    panel::PanelEvent,
    refusal::code,
    role::Role,
    routing::{CANDIDATES_MAX, Need, eligibility},
    stream::{Event, SHAPE, Scope, State, StreamId, apply},
    time::Instant,
};
use remit_store::{CaseFilter, SnapshotRow, StoredEvent};

use super::App;
use crate::error::{Error, Result};

/// Rounds of asking and loading; a command that wants more is a bug.
const ROUNDS_MAX: usize = 8;
/// Most duties or owned cases that one act may move, and one more to see that there are too many.
const MOVED_LIMIT: u32 = 501;

/// Most references of her own cases that a reader may meet again.
const REFERENCES_LIMIT: u32 = 2_000;
/// Most gold cases among which one is drawn.
const POOL_LIMIT: u32 = 8;

/// Facts with the heads of the streams they came from, to which new events are chained.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) facts: Facts,
    pub(crate) heads: BTreeMap<StreamId, Digest>,
}

impl Loaded {
    fn put(&mut self, stream: StreamId, snapshot: &SnapshotRow, state: State) {
        self.heads.insert(stream, snapshot.head);
        self.facts.put(stream, snapshot.version, state);
    }
}

impl App {
    /// Loads what the command wants beyond what is loaded, round by round, until it wants nothing more.
    ///
    /// Where the command wants a stream that is `ahead` of what the disk has, it gets that state.
    pub(crate) async fn facts(
        &self,
        mut loaded: Loaded,
        scope: Scope,
        actor: Option<PersonId>,
        command: &Command,
        ahead: Option<&SnapshotRow>,
    ) -> Result<Loaded> {
        for _ in 0..ROUNDS_MAX {
            let wants = command.wants(actor, &loaded.facts);
            if wants.is_empty() {
                break;
            }
            self.load(scope, &wants, &mut loaded).await?;
        }
        if let Some(ahead) = ahead
            && let Ok(stream) = ahead.stream.parse()
            && loaded.facts.versions.get(&stream).is_none_or(|version| *version < ahead.version)
        {
            loaded.put(stream, ahead, State::read(stream, &ahead.body)?);
        }
        Ok(loaded)
    }

    /// Loads some facts into place.
    pub(crate) async fn load(&self, scope: Scope, wants: &[Want], loaded: &mut Loaded) -> Result<()> {
        let mut own = Vec::new();
        let mut directory = Vec::new();
        let mut texts = Vec::new();
        let mut names = Vec::new();
        for want in wants {
            loaded.facts.loaded.insert(*want);
            match *want {
                Want::Stream(stream) => own.push(stream),
                Want::Person(person) => directory.push(StreamId::Person(person)),
                Want::Organisation(org) => directory.push(StreamId::Organisation(org)),
                Want::Text(text) => texts.push(text),
                Want::Name(person) => names.push(person),
                Want::Pack(_)
                | Want::Seed(_)
                | Want::Candidates(_)
                | Want::Rivals(_)
                | Want::DutiesOf(_)
                | Want::OwnedBy(_)
                | Want::Reference(_)
                | Want::Signers
                | Want::GoldPool(_)
                | Want::RoundsOf(_) => {}
            }
        }
        self.load_streams(scope, &own, loaded).await?;
        self.load_streams(Scope::Directory, &directory, loaded).await?;
        if !texts.is_empty() {
            loaded.facts.texts.extend(self.store.texts(&scope.to_string(), &texts).await?);
        }
        if !names.is_empty() {
            for person in self.store.people(&names).await? {
                loaded.facts.names.extend(person.name.map(|name| (person.row.person, name)));
            }
        }
        for want in wants {
            self.load_list(scope, *want, loaded).await?;
        }
        Ok(())
    }

    async fn load_list(&self, scope: Scope, want: Want, loaded: &mut Loaded) -> Result<()> {
        match want {
            Want::Pack(digest) => {
                if let Some(pack) = self.pack(digest).await? {
                    loaded.facts.packs.insert(digest, pack);
                }
            }
            Want::Seed(lot) => {
                if let Some(seed) = self.store.lot_seed(&scope.to_string(), lot).await? {
                    loaded.facts.seeds.insert(lot, Seed(seed));
                }
            }
            Want::Candidates(person) => {
                let cases = self.candidates(scope, person, &loaded.facts).await?;
                self.load_cases(scope, &cases, loaded).await?;
                loaded.facts.candidates = cases;
            }
            Want::Rivals(person) => {
                let natural = loaded.facts.people.get(&person).map_or(person, |known| known.natural);
                let better = loaded.facts.model.as_ref().map(|model| model.better_than(natural)).unwrap_or_default();
                loaded.facts.rivals = self.rivals(scope, &better).await?;
            }
            Want::DutiesOf(person) => {
                let held = self.store.duties_of(&scope.to_string(), person, DutyStatus::Active, MOVED_LIMIT).await?;
                let cases: BTreeSet<_> = held.iter().map(|(duty, _)| duty.case).collect();
                let cases: Vec<_> = cases.into_iter().collect();
                self.load_cases(scope, &cases, loaded).await?;
                loaded.facts.duties = cases;
            }
            Want::OwnedBy(person) => {
                let open = CaseStatus::ALL.iter().copied().filter(|status| {
                    !matches!(status, CaseStatus::Accepted | CaseStatus::Declined | CaseStatus::Cancelled)
                });
                let filter = CaseFilter { owner: Some(person), statuses: open.collect(), ..CaseFilter::default() };
                let rows = self.store.list_cases(&scope.to_string(), &filter, None, MOVED_LIMIT).await?;
                let cases: Vec<_> = rows.iter().map(|row| row.case).collect();
                self.load_cases(scope, &cases, loaded).await?;
                loaded.facts.owned = cases;
            }
            Want::Reference(key) => {
                if let Some(row) = self.store.find_case_by_reference(&scope.to_string(), key).await? {
                    loaded.facts.references.insert(key, row.case);
                }
            }
            Want::Signers => {
                let members = self.store.list_members(&scope.to_string()).await?;
                let signs = |row: &remit_kernel::index::MemberRow| row.active && row.roles.contains(&Role::Signer);
                loaded.facts.signers =
                    members.iter().filter(|member| signs(&member.row)).map(|member| member.row.person).collect();
            }
            Want::RoundsOf(person) => {
                loaded.facts.rounds = self.store.open_calibrations_of(&scope.to_string(), person).await?;
            }
            Want::GoldPool(person) => self.gold_pool(scope, person, loaded).await?,
            Want::Stream(_) | Want::Person(_) | Want::Organisation(_) | Want::Text(_) | Want::Name(_) => {}
        }
        Ok(())
    }

    /// Loads which gold cases this person may be shown, and the references of her own cases.
    async fn gold_pool(&self, scope: Scope, person: PersonId, loaded: &mut Loaded) -> Result<()> {
        let facts = &mut loaded.facts;
        let natural = facts.people.get(&person).map_or(person, |known| known.natural);
        let packs: BTreeSet<_> =
            facts.cases.values().filter_map(|case| Some(case.admission.as_ref()?.pack.digest)).collect();
        let packs: Vec<_> = packs.into_iter().collect();
        let (store, scope) = (&self.store, scope.to_string());
        let accounts = store.accounts_of(natural).await?;
        facts.gold_pool = store.gold_pool(&scope, &packs, &accounts, POOL_LIMIT).await?;
        facts.own_cases = store.cases_had(&scope, person, REFERENCES_LIMIT).await?;
        Ok(())
    }

    /// Returns people with their memberships. They are looked at, not rested on: their moving changes nothing.
    async fn rivals(&self, scope: Scope, people: &[PersonId]) -> Result<Vec<(Person, Member)>> {
        let mut looked = Loaded::default();
        let own: Vec<_> = people.iter().copied().map(StreamId::Member).collect();
        let persons: Vec<_> = people.iter().copied().map(StreamId::Person).collect();
        self.load_streams(scope, &own, &mut looked).await?;
        self.load_streams(Scope::Directory, &persons, &mut looked).await?;
        let Facts { people: mut known, mut members, .. } = looked.facts;
        Ok(people.iter().filter_map(|person| Some((known.remove(person)?, members.remove(person)?))).collect())
    }

    /// Loads cases with their panels.
    async fn load_cases(&self, scope: Scope, cases: &[CaseId], loaded: &mut Loaded) -> Result<()> {
        let streams: Vec<_> =
            cases.iter().flat_map(|case| [StreamId::Case(*case), StreamId::panel_of(*case)]).collect();
        loaded.facts.loaded.extend(streams.iter().copied().map(Want::Stream));
        self.load_streams(scope, &streams, loaded).await
    }

    pub(crate) async fn load_streams(&self, scope: Scope, streams: &[StreamId], loaded: &mut Loaded) -> Result<()> {
        if streams.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = streams.iter().map(ToString::to_string).collect();
        let snapshots = self.store.snapshots(&scope.to_string(), &names).await?;
        for (stream, snapshot) in streams.iter().zip(snapshots) {
            let Some(snapshot) = snapshot else { continue };
            let state = self.state(scope, *stream, &snapshot).await?;
            loaded.put(*stream, &snapshot, state);
        }
        Ok(())
    }

    /// Returns the state of a snapshot; another shape means folding the events again.
    async fn state(&self, scope: Scope, stream: StreamId, snapshot: &SnapshotRow) -> Result<State> {
        if snapshot.shape == SHAPE {
            return Ok(State::read(stream, &snapshot.body)?);
        }
        let events = self.store.events(&scope.to_string(), &stream.to_string(), None).await?;
        let folded = fold(stream, &events);
        if snapshot.shape > SHAPE && folded.is_err() {
            return Err(Error::Newer);
        }
        let state = folded?;
        state.ok_or_else(|| remit_kernel::stream::BadEvent::Stream(stream.to_string()).into())
    }

    /// Returns the state of a stream as it was at an instant.
    pub(crate) async fn state_at(&self, scope: Scope, stream: StreamId, until: Instant) -> Result<Option<State>> {
        let (scope, name) = (scope.to_string(), stream.to_string());
        let events = self.store.events(&scope, &name, Some(until)).await?;
        if events.is_empty() && matches!(stream, StreamId::Case(_) | StreamId::Panel(_)) {
            // A showing of gold has a past like any other case: as it says it came in, so it was until it was taken.
            let mut events = laid(stream, self.store.events(&scope, &name, None).await?)?;
            events.retain(|(at, laid, _)| *laid && *at <= until);
            let events: Vec<_> =
                events.into_iter().map(|(recorded_at, _, event)| StoredEvent { recorded_at, ..event }).collect();
            return fold(stream, &events);
        }
        fold(stream, &events)
    }

    /// Returns cases with a seat that this person might take: heads of her eligible needs, earliest promise first.
    async fn candidates(&self, scope: Scope, person: PersonId, facts: &Facts) -> Result<Vec<CaseId>> {
        let Some(known) = facts.people.get(&person) else { return Ok(Vec::new()) };
        let (now, member) = (self.clock.now(), facts.members.get(&person));
        let limit = u32::try_from(CANDIDATES_MAX).unwrap_or(u32::MAX);
        let mut seats: Vec<SeatRow> = Vec::new();
        for row in self.store.list_needs(&scope.to_string()).await? {
            let need: Need = serde_json::from_str(&row.body)?;
            // Who lacks nothing but calibration is given gold in their place.
            let reasons = eligibility("", known, member, &need, Duty::Read, now);
            if reasons.iter().all(|reason| reason.code == code::NOT_CALIBRATED) {
                seats.extend(self.store.open_seats(&scope.to_string(), row.need, person, None, limit).await?);
            }
        }
        seats.sort_unstable_by_key(|seat| (seat.due_at, seat.case));
        let cases: Vec<_> = seats.iter().map(|seat| seat.case).collect();
        let withheld = self.store.withheld_from(&scope.to_string(), person, now, &cases).await?;
        Ok(cases.into_iter().filter(|case| !withheld.contains(case)).take(CANDIDATES_MAX).collect())
    }
}

/// Returns the events of a case or panel with the instants at which they are said to have happened, and whether that is
/// another than the recorded one: what laid a showing of gold is said to have happened when it came in.
pub(crate) fn laid(stream: StreamId, events: Vec<StoredEvent>) -> Result<Vec<(Instant, bool, StoredEvent)>> {
    let mut laid_at = None;
    if let Some(first) = events.first() {
        laid_at = match Event::read(stream, &first.kind, first.v, &first.body)? {
            Event::Case(CaseEvent::Received { showing, .. }) => showing.map(|laid| laid.received_at),
            Event::Panel(PanelEvent::Planned { laid_at, .. }) => laid_at,
            _ => None,
        };
    }
    let at = |event: StoredEvent| {
        let laying = matches!(event.kind.as_str(), "received" | "item_added" | "admitted" | "planned");
        match laid_at.filter(|_| laying) {
            Some(at) => (at, true, event),
            None => (event.recorded_at, false, event),
        }
    };
    Ok(events.into_iter().map(at).collect())
}

/// Folds the events of a stream.
pub(crate) fn fold(stream: StreamId, events: &[StoredEvent]) -> Result<Option<State>> {
    let mut state = None;
    for stored in events {
        let event = Event::read(stream, &stored.kind, stored.v, &stored.body)?;
        state = Some(apply(stream, state, &event, stored.recorded_at)?);
    }
    Ok(state)
}
