//! A world in memory: every stream as its folded state, and the log of all events.
//!
//! It loads facts and applies decisions as the server does, and checks on the way what must hold for every act.

use std::{collections::BTreeMap, sync::Arc};

use remit_kernel::{
    Decision,
    command::Command,
    ctx::{Actor, Ctx},
    decide,
    facts::{Facts, Want},
    gold::GoldStatus,
    hash::Digest,
    id::{CaseId, LotId, PersonId, TextId},
    index::{CaseStatus, DutyStatus, Origin, Row},
    lot::Seed,
    pack::Pack,
    refusal::Refusal,
    role::Role,
    stream::{EVENT_V, Event, Scope, State, StreamId, apply},
    time::Instant,
};

/// One event of the log.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) scope: Scope,
    pub(crate) stream: StreamId,
    pub(crate) event: Event,
    pub(crate) at: Instant,
}

/// Version and state of every stream.
pub(crate) type States = BTreeMap<(Scope, StreamId), (u64, State)>;

/// Everything that is known, and the clock.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) states: States,
    pub(crate) log: Vec<Logged>,
    pub(crate) texts: BTreeMap<TextId, String>,
    pub(crate) packs: BTreeMap<Digest, Arc<Pack>>,
    /// Seeds of lots, secret as in the store.
    pub(crate) seeds: BTreeMap<LotId, Seed>,
    acts: u64,
}

/// What an act met and made.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub(crate) actor: Actor,
    pub(crate) decision: Decision,
    /// The touched streams as they were.
    pub(crate) before: BTreeMap<StreamId, State>,
}

impl World {
    pub(crate) fn new(now: Instant) -> Self {
        let (states, log, texts, packs) = (BTreeMap::new(), Vec::new(), BTreeMap::new(), BTreeMap::new());
        Self { now, states, log, texts, packs, seeds: BTreeMap::new(), acts: 0 }
    }

    /// Returns the context of the next act; each act draws other identifiers.
    pub(crate) fn ctx(&self, actor: Actor) -> Ctx {
        Ctx { actor, now: self.now, seed: *Digest::of(&self.acts.to_be_bytes()).bytes() }
    }

    /// Loads what the command wants, round by round, as the server does.
    pub(crate) fn facts(&self, actor: Option<PersonId>, command: &Command) -> Facts {
        let scope = command.scope().unwrap_or(Scope::Directory);
        let mut facts = Facts::default();
        for _ in 0..8 {
            let wants = command.wants(actor, &facts);
            if wants.is_empty() {
                return facts;
            }
            for want in wants {
                self.load(scope, want, &mut facts);
            }
        }
        panic!("`{}` goes on wanting facts", command.word());
    }

    fn load(&self, scope: Scope, want: Want, facts: &mut Facts) {
        facts.loaded.insert(want);
        match want {
            Want::Stream(stream) => self.put(scope, stream, facts),
            Want::Person(person) => self.put(Scope::Directory, StreamId::Person(person), facts),
            Want::Organisation(org) => self.put(Scope::Directory, StreamId::Organisation(org), facts),
            Want::Pack(digest) => facts.packs.extend(self.packs.get(&digest).map(|pack| (digest, pack.clone()))),
            Want::Text(text) => facts.texts.extend(self.texts.get(&text).map(|body| (text, body.clone()))),
            Want::Name(person) => facts.names.extend(self.name(person).map(|name| (person, name))),
            Want::Seed(lot) => facts.seeds.extend(self.seeds.get(&lot).map(|seed| (lot, *seed))),
            Want::Candidates(person) => facts.candidates = self.candidates(scope, person),
            Want::Rivals(person) => {
                let natural = match self.state(Scope::Directory, StreamId::Person(person)) {
                    Some(State::Person(person)) => person.natural,
                    _ => person,
                };
                let better = facts.model.as_ref().map(|model| model.better_than(natural)).unwrap_or_default();
                let known = |id| match (
                    self.state(Scope::Directory, StreamId::Person(id)),
                    self.state(scope, StreamId::Member(id)),
                ) {
                    (Some(State::Person(person)), Some(State::Member(member))) => {
                        Some((person.clone(), member.clone()))
                    }
                    _ => None,
                };
                facts.rivals = better.into_iter().filter_map(known).collect();
            }
            Want::DutiesOf(person) => {
                facts.duties = self.cases_where(
                    scope,
                    |row| matches!(row, Row::Duty(duty) if duty.person == person && duty.status == DutyStatus::Active),
                );
            }
            Want::OwnedBy(person) => {
                facts.owned = self.cases_where(
                    scope,
                    |row| matches!(row, Row::Case(case) if case.owner == person && !over(case.status)),
                );
            }
            Want::Reference(key) => {
                let found = self.cases_where(scope, |row| matches!(row, Row::Case(case) if case.reference_key == key));
                facts.references.extend(found.first().map(|case| (key, *case)));
            }
            Want::RoundsOf(person) => {
                let open = self.streams(scope).filter_map(|(_, state)| match state {
                    State::Calibration(round) if round.open() && round.invitee(person).is_some() => {
                        Some(round.calibration)
                    }
                    _ => None,
                });
                facts.rounds = open.collect();
            }
            Want::GoldPool(person) => self.gold_pool(scope, person, facts),
            Want::Signers => {
                facts.signers =
                    self.members(scope).filter(|row| row.1.contains(&Role::Signer)).map(|row| row.0).collect();
            }
        }
    }

    fn put(&self, scope: Scope, stream: StreamId, facts: &mut Facts) {
        if let Some((version, state)) = self.states.get(&(scope, stream)) {
            facts.put(stream, *version, state.clone());
        }
    }

    fn members(&self, scope: Scope) -> impl Iterator<Item = (PersonId, Vec<Role>)> {
        self.rows(scope).filter_map(|row| match row {
            Row::Member(member) if member.active => Some((member.person, member.roles)),
            _ => None,
        })
    }

    fn name(&self, person: PersonId) -> Option<String> {
        match self.state(Scope::Directory, StreamId::Person(person))? {
            State::Person(person) => self.texts.get(&person.name.id).cloned(),
            _ => None,
        }
    }

    /// Loads the gold cases in rotation, least shown first, and the references of the person's own cases.
    fn gold_pool(&self, scope: Scope, person: PersonId, facts: &mut Facts) {
        let mut pool: Vec<_> = self
            .rows(scope)
            .filter_map(|row| match row {
                Row::Gold(gold) if gold.status == GoldStatus::Active => Some((gold.shown, gold.gold)),
                _ => None,
            })
            .collect();
        let knows = |case: CaseId| {
            self.rows(scope).any(|row| matches!(row, Row::Duty(duty) if duty.case == case && duty.person == person))
        };
        pool.retain(|(_, gold)| !knows(gold.case()));
        pool.sort_unstable();
        facts.gold_pool = pool.into_iter().map(|(_, gold)| gold).collect();
        let had = self.cases_where(scope, |row| matches!(row, Row::Duty(duty) if duty.person == person));
        let reference = |case: CaseId| match self.state(scope, StreamId::Case(case)) {
            Some(State::Case(case)) => Some((self.texts.get(&case.reference.id)?.clone(), case.received_at)),
            _ => None,
        };
        facts.own_cases = had.into_iter().filter_map(reference).collect();
    }

    /// Lets the next act draw other chances.
    pub(crate) fn redraw(&mut self) {
        self.acts += 1;
    }

    /// Returns the cases with an open seat on which the person has and had no duty, earliest promise first. The case in
    /// whose place gold was shown rests for a while.
    fn candidates(&self, scope: Scope, person: PersonId) -> Vec<CaseId> {
        let mut had = self.cases_where(scope, |row| matches!(row, Row::Duty(duty) if duty.person == person));
        had.extend(self.rows(scope).filter_map(|row| match row {
            Row::Showing(showing) if showing.person == person && showing.withheld_until > self.now => {
                Some(showing.stands_for)
            }
            _ => None,
        }));
        had.extend(self.namesakes(scope, person));
        let mut seats: Vec<_> = self
            .rows(scope)
            .filter_map(|row| match row {
                Row::Seat(seat) => Some((seat.due_at, seat.case)),
                _ => None,
            })
            .filter(|(_, case)| !had.contains(case))
            .collect();
        seats.sort_unstable();
        seats.dedup();
        seats.into_iter().map(|(_, case)| case).collect()
    }

    /// Returns the cases that are called as a showing is of which this reader has not been told.
    fn namesakes(&self, scope: Scope, person: PersonId) -> Vec<CaseId> {
        let reference = |case: CaseId| match self.state(scope, StreamId::Case(case)) {
            Some(State::Case(case)) => self.texts.get(&case.reference.id).cloned(),
            _ => None,
        };
        let shown = self.rows(scope).filter_map(|row| match row {
            Row::Showing(showing) if showing.person == person && !showing.told => reference(showing.case),
            _ => None,
        });
        let shown: Vec<_> = shown.collect();
        let cases = self.cases_where(scope, |row| matches!(row, Row::Case(_)));
        cases.into_iter().filter(|case| reference(*case).is_some_and(|name| shown.contains(&name))).collect()
    }

    fn cases_where(&self, scope: Scope, wanted: impl Fn(&Row) -> bool) -> Vec<CaseId> {
        let mut cases: Vec<_> = self
            .rows(scope)
            .filter(wanted)
            .filter_map(|row| match row {
                Row::Case(case) => Some(case.case),
                Row::Duty(duty) => Some(duty.case),
                _ => None,
            })
            .collect();
        cases.sort_unstable();
        cases.dedup();
        cases
    }

    pub(crate) fn rows(&self, scope: Scope) -> impl Iterator<Item = Row> {
        self.streams(scope).flat_map(|(_, state)| state.rows())
    }

    /// Returns the streams of a scope with their states.
    pub(crate) fn streams(&self, scope: Scope) -> impl Iterator<Item = (StreamId, &State)> {
        let of_scope = self.states.iter().filter(move |((whose, _), _)| *whose == scope);
        of_scope.map(|((_, stream), (_, state))| (*stream, state))
    }

    pub(crate) fn state(&self, scope: Scope, stream: StreamId) -> Option<&State> {
        self.states.get(&(scope, stream)).map(|(_, state)| state)
    }

    /// Decides a command and, if nothing stands against it, lets it happen.
    ///
    /// Checks on the way: deciding twice gives the same (I34); no event leaves the command's scope (I20); every event
    /// and every snapshot reads back as it was written (I24); words live beside the events, never in them.
    pub(crate) fn act(&mut self, actor: Actor, command: &Command) -> Result<Act, Refusal> {
        let ctx = self.ctx(actor);
        self.acts += 1;
        let facts = self.facts(ctx.person(), command);
        let decided = decide(&ctx, command, &facts);
        assert_eq!(decided, decide(&ctx, command, &facts), "I34: the same context and facts gave another answer");
        let decision =
            decided.inspect_err(|refusal| assert!(!refusal.reasons.is_empty(), "a refusal without a reason"))?;
        assert!(command.scope().is_none_or(|scope| scope == decision.scope), "I20: decided in another scope");
        let mut before = BTreeMap::new();
        for (stream, event) in &decision.events {
            let state = self.states.get(&(decision.scope, *stream)).map(|(_, state)| state.clone());
            before.extend(state.filter(|_| !before.contains_key(stream)).map(|state| (*stream, state)));
            self.happen(decision.scope, *stream, event);
        }
        let bodies: Vec<_> = decision.events.iter().map(|(_, event)| event.write().1).collect();
        for text in &decision.texts {
            let id = text.text.id.to_string();
            assert!(bodies.iter().any(|body| body.contains(&id)), "a text is kept that no event names");
            let short = text.body.chars().count() < 12;
            assert!(
                short || !bodies.iter().any(|body| body.contains(&text.body)),
                "words stand in an event: {}",
                text.body
            );
        }
        self.seeds.extend(decision.seeds.iter().copied());
        self.texts.extend(decision.texts.iter().map(|text| (text.text.id, text.body.clone())));
        Ok(Act { actor, decision, before })
    }

    fn happen(&mut self, scope: Scope, stream: StreamId, event: &Event) {
        assert!(belongs(scope, stream), "I20: {stream} does not belong to {scope}");
        let (kind, body) = event.write();
        assert_eq!(Event::read(stream, &kind, EVENT_V, &body).unwrap(), *event, "an event reads back as written");
        let (version, state) =
            self.states.remove(&(scope, stream)).map_or((0, None), |(version, state)| (version, Some(state)));
        let next = apply(stream, state, event, self.now).unwrap();
        assert_eq!(State::read(stream, &next.write()).unwrap(), next, "a snapshot reads back as written");
        self.states.insert((scope, stream), (version + 1, next));
        self.log.push(Logged { scope, stream, event: event.clone(), at: self.now });
    }

    /// Folds the whole log anew.
    pub(crate) fn refold(&self) -> States {
        let mut states = States::new();
        for logged in &self.log {
            let key = (logged.scope, logged.stream);
            let (version, state) = states.remove(&key).map_or((0, None), |(version, state)| (version, Some(state)));
            states.insert(key, (version + 1, apply(logged.stream, state, &logged.event, logged.at).unwrap()));
        }
        states
    }
}

/// Returns whether nothing more happens to a case of this status.
pub(crate) fn over(status: CaseStatus) -> bool {
    matches!(status, CaseStatus::Declined | CaseStatus::Accepted | CaseStatus::Cancelled)
}

fn belongs(scope: Scope, stream: StreamId) -> bool {
    let directory = matches!(stream, StreamId::Organisation(_) | StreamId::Person(_));
    directory == (scope == Scope::Directory)
}

/// Returns the words of what happened, or the codes of why not: `seat_taken, duty_taken` or `refused: conflict`.
pub(crate) fn told(outcome: &Result<Act, Refusal>) -> String {
    match outcome {
        Ok(act) if act.decision.events.is_empty() => "nothing".to_owned(),
        Ok(act) => act.decision.events.iter().map(|(_, event)| event.write().0).collect::<Vec<_>>().join(", "),
        Err(refusal) => format!("refused: {}", codes(refusal)),
    }
}

/// Returns the codes of a refusal, each once, in order.
pub(crate) fn codes(refusal: &Refusal) -> String {
    let mut codes: Vec<_> = refusal.reasons.iter().map(|reason| reason.code.as_ref()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes.join(", ")
}

/// Returns whether Remit saw it happen.
pub(crate) fn witnessed(origin: Origin) -> bool {
    origin == Origin::Witnessed
}
