//! Act: load the facts, authorise, let the kernel decide, hand the store one write. Nothing else changes anything.

use std::collections::BTreeMap;

use remit_access::{Action, Decision, Gate, Principal};
use remit_kernel::index::Row;
use remit_kernel::{
    calibration::CalibrationEvent,
    command::Command,
    ctx::{Actor, Ctx},
    decide,
    facts::Facts,
    gold::GoldEvent,
    id::{ActId, CalibrationId, EntryId, JobId, LotId, PersonId},
    lot::LotEvent,
    stream::{EVENT_V, Event, SHAPE, Scope, State, StreamId, apply, chain},
    time::Instant,
};
use remit_store::{
    AnswerKept, Commit, DraftKey, EntryRow, EventRow, Expect, IndexChange, JobRow, SeedRow, SnapshotRow, TextRow,
    Write, patience,
};
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

use super::{
    App, Receipt, Topic,
    calibration::{OpenRoundDesk, draft_of},
    load::Loaded,
    permit, turn,
};
use crate::{
    caller::{Caller, Once, Who},
    error::{Error, Result},
    telemetry::{self, Timer},
};

/// How often an act decides again because somebody else was faster.
const STALE_RETRIES_MAX: usize = 8;

/// What the job `replan` works on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Replan {
    pub(crate) engagement: remit_kernel::id::EngagementId,
    pub(crate) person: PersonId,
}

/// What the job `close_showing` works on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CloseShowing {
    pub(crate) engagement: remit_kernel::id::EngagementId,
    pub(crate) case: remit_kernel::id::CaseId,
}

/// What the job `close_calibration` works on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CloseCalibration {
    pub(crate) engagement: remit_kernel::id::EngagementId,
    pub(crate) calibration: CalibrationId,
}

/// Name of the job that closes a calibration round on its last day.
pub(crate) const CLOSE_CALIBRATION: &str = "close_calibration";

/// Name of the job that ends a showing of gold when its window is over.
pub(crate) const CLOSE_SHOWING: &str = "close_showing";
/// Where the identifiers of these jobs begin, apart from those of other jobs of an act.
const CLOSE_ORDINAL: u32 = 1_000_000;

/// Name of the job that plans anew the duties of a person.
pub(crate) const REPLAN: &str = "replan";

/// What the jobs of lots work on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OfLot {
    pub(crate) engagement: remit_kernel::id::EngagementId,
    pub(crate) lot: LotId,
}

/// Name of the job that completes a lot.
pub(crate) const CLOSE_LOT: &str = "close_lot";
/// Name of the job that draws all cases of a rejected lot.
pub(crate) const SCREEN_LOT: &str = "screen_lot";
/// The first ordinal of the identifiers of these jobs, beyond those of other jobs of an act.
const LOT_JOBS: u32 = 1_000_000;

impl App {
    /// Does what the command asks, or says why not. Once this returns, what it says is on the disk.
    ///
    /// Runs in a task of its own: a caller who goes away does not leave half an act.
    ///
    /// # Errors
    /// [`Error::Refused`] with every reason; [`Error::Busy`] if others were faster eight times; [`Error::KeyReused`].
    pub async fn act(&self, caller: Caller, command: Command) -> Result<Receipt> {
        let (app, word, timer) = (self.clone(), command.word(), Timer::start());
        let span = tracing::debug_span!(
            "app.act",
            command = word,
            engagement = tracing::field::Empty,
            case.id = tracing::field::Empty
        );
        if let Some(engagement) = command.engagement() {
            span.record("engagement", tracing::field::display(engagement));
        }
        if let Some(case) = command.case() {
            span.record("case.id", tracing::field::display(case));
        }
        let told = span.clone();
        let acted = async move { app.act_once(&caller, &command).await }.instrument(span);
        let acted = tokio::spawn(patience::shared(acted)).await;
        let acted = acted.map_err(|broken| Error::from(std::io::Error::other(broken.to_string()))).flatten();
        let outcome = telemetry::outcome(&acted);
        metrics::counter!("remit_acts_total", "command" => word, "outcome" => outcome).increment(1);
        metrics::histogram!("remit_act_seconds", "command" => word).record(timer.elapsed());
        told.in_scope(|| tracing::debug!(duration_ms = timer.millis(), outcome, "{word}: {outcome}"));
        acted
    }

    async fn act_once(&self, caller: &Caller, command: &Command) -> Result<Receipt> {
        let answered = self.answered(caller, command).await?;
        if let Some(receipt) = answered {
            return Ok(receipt);
        }
        for retry in 0..STALE_RETRIES_MAX {
            match self.attempt(caller, command, retry > 0).await {
                Ok(Some(receipt)) => return Ok(receipt),
                Ok(None) => {}
                // The same request may have been done in between: then its answer is ours too.
                Err(Error::Refused(refusal)) => {
                    return self.answered(caller, command).await?.ok_or(Error::Refused(refusal));
                }
                Err(other) => return Err(other),
            }
        }
        Err(Error::Busy)
    }

    /// Returns whether nobody is in the directory yet: then whoever holds the data folder may add the first people.
    async fn unfounded(&self) -> Result<bool> {
        Ok(self.store.list_people().await?.is_empty())
    }

    /// Returns the answer of an earlier sending of the same request.
    async fn answered(&self, caller: &Caller, command: &Command) -> Result<Option<Receipt>> {
        let (Some(once), Some(person)) = (&caller.once, caller.person()) else { return Ok(None) };
        match self.store.find_answer(&kept(command, once, person, String::new())).await? {
            None | Some(Commit::Done | Commit::Stale | Commit::Conflict(_)) => Ok(None),
            Some(Commit::Replayed(body)) => Ok(Some(serde_json::from_str(&body)?)),
            Some(Commit::KeyReused) => Err(Error::KeyReused),
        }
    }

    /// Decides and commits once; `alone`, while no other act here moves the same counter. Nothing: somebody else was faster.
    async fn attempt(&self, caller: &Caller, command: &Command, alone: bool) -> Result<Option<Receipt>> {
        let (mut write, mut receipt, loaded) = self.decide_on(Loaded::default(), caller, command, None).await?;
        let turn = self.turns.take(&write, alone, self.store.is_shared()).await?;
        if turn.is_alone() {
            (write, receipt, _) = self.decide_on(Loaded::default(), caller, command, None).await?;
        } else if let Some(ahead) = turn.ahead_of(&write) {
            // What else was loaded still stands, or the commit finds that it does not.
            (write, receipt, _) = self.decide_on(loaded, caller, command, Some(ahead)).await?;
        }
        write.counter = turn::counter(&write).map(|moved| moved.stream.clone());
        let mut left = turn.leave(&write);
        let commit = match self.store.hand_over(write).await {
            Ok(pending) => {
                // Only now: whoever builds on this write is written after it. Who goes alone keeps the turn.
                left.give_on();
                pending.done().await
            }
            Err(error) => Err(error),
        };
        if !matches!(commit, Ok(Commit::Done)) {
            left.forget(&self.turns).await;
        }
        match commit? {
            Commit::Done => {
                let scope = receipt.engagement().map_or(Scope::Directory, Scope::Engagement);
                if !receipt.events.is_empty() {
                    self.tell(Topic { scope, case: receipt.case(), opened: receipt.has("planned") });
                }
                Ok(Some(receipt))
            }
            Commit::Stale | Commit::Conflict(_) => Ok(None),
            Commit::Replayed(body) => Ok(Some(serde_json::from_str(&body)?)),
            Commit::KeyReused => Err(Error::KeyReused),
        }
    }

    /// Loads, authorises and decides: returns what [`App::act`] would commit, and what it would answer.
    ///
    /// Changes nothing but the record of a denial. Public for the benchmark, which replays such writes.
    #[doc(hidden)]
    pub async fn prepare(&self, caller: &Caller, command: &Command) -> Result<(Write, Receipt)> {
        let (write, receipt, _) = self.decide_on(Loaded::default(), caller, command, None).await?;
        Ok((write, receipt))
    }

    /// Loads what is not `loaded` yet, authorises and decides; returns what was loaded, too.
    ///
    /// `ahead` is a stream's state that is on its way to the disk.
    async fn decide_on(
        &self,
        loaded: Loaded,
        caller: &Caller,
        command: &Command,
        ahead: Option<&SnapshotRow>,
    ) -> Result<(Write, Receipt, Loaded)> {
        let scope = command.scope();
        let actor = caller.person();
        let loaded = self.facts(loaded, scope.unwrap_or(Scope::Directory), actor, command, ahead).await?;
        let ctx = self.ctx(caller)?;
        let facts = &loaded.facts;
        let known = actor.and_then(|person| facts.people.get(&person));
        let member = actor.and_then(|person| facts.members.get(&person));
        let mut principal = permit::principal(caller, known, member);
        if known.is_none() && scope == Some(Scope::Directory) && self.unfounded().await? {
            permit::found(&mut principal);
        }
        let action = permit::action(command, actor, facts);
        let decision = self.admit(caller, command, &principal, action, facts, &ctx).await?;
        let decided = decide(&ctx, command, facts)?;
        let receipt = Receipt::new(ctx.id::<ActId>(0), ctx.now, decided.scope, command.word(), &decided.events);

        let mut write = Write::new(decided.scope.to_string(), ctx.now, receipt.act);
        Self::fold_into(&mut write, &loaded, &decided, &ctx)?;
        let closing = closing_jobs(&decided, &ctx);
        write.texts = decided.texts.into_iter().map(|text| TextRow::of(receipt.case(), text)).collect();
        write.seeds = decided.seeds.iter().map(|(lot, seed)| SeedRow { lot: *lot, seed: seed.0 }).collect();
        write.jobs = self.follow_up(command, &ctx).await?;
        write.jobs.extend(closing);
        write.jobs.extend(lot_jobs(decided.scope, &decided.events, &ctx));
        write.entry = Some(self.entry(caller, &principal, action, &decision, command, &receipt, &ctx));
        write.drafts_dropped = used_draft(command, actor, facts);
        if let (Some(once), Some(person)) = (&caller.once, actor) {
            write.answer = Some(kept(command, once, person, serde_json::to_string(&receipt)?));
        }
        Ok((write, receipt, loaded))
    }

    pub(crate) fn ctx(&self, caller: &Caller) -> Result<Ctx> {
        let actor = match caller.who {
            Who::Person { person, reauthenticated, .. } => Actor::Person { person, reauthenticated },
            Who::Service => Actor::Service,
        };
        Ok(Ctx { actor, now: self.clock.now(), seed: self.chance.draw()? })
    }

    /// Lets the policies decide; a denial is recorded and told.
    async fn admit(
        &self,
        caller: &Caller,
        command: &Command,
        principal: &Principal,
        action: Action,
        facts: &Facts,
        ctx: &Ctx,
    ) -> Result<Decision> {
        let label = permit::label(command, command.scope(), facts, principal);
        let (denied, reason) = {
            let mut gate = Gate::new(&self.authorizer, principal, ctx.now);
            match gate.admit(action, &label) {
                Ok(decision) => return Ok(decision.clone()),
                Err(denied) => {
                    let subject = command.case().map_or_else(|| command.word().to_owned(), |case| case.to_string());
                    let reason = permit::denied(&mut gate, &label, &subject, ctx.now);
                    (denied, reason)
                }
            }
        };
        let scope = command.scope().unwrap_or(Scope::Directory);
        let receipt = Receipt::new(ctx.id::<ActId>(0), ctx.now, scope, command.word(), &[]);
        self.store.record(self.entry(caller, principal, action, &denied.decision, command, &receipt, ctx)).await?;
        Err(reason.into())
    }

    /// Folds the decided events onto the loaded states: events with their chain, snapshots, index rows, expectations.
    fn fold_into(write: &mut Write, loaded: &Loaded, decided: &remit_kernel::Decision, ctx: &Ctx) -> Result<()> {
        struct Moving {
            before: Option<State>,
            now: Option<State>,
            version: u64,
            head: remit_kernel::hash::Digest,
        }
        let mut moving: BTreeMap<StreamId, Moving> = BTreeMap::new();
        for (stream, event) in &decided.events {
            let place = moving.entry(*stream).or_insert_with(|| {
                let before = loaded.facts.state(*stream);
                Moving {
                    now: before.clone(),
                    before,
                    version: loaded.facts.versions.get(stream).copied().unwrap_or(0),
                    head: loaded.heads.get(stream).copied().unwrap_or_default(),
                }
            });
            let (kind, body) = event.write();
            place.version += 1;
            let name = stream.to_string();
            place.head = chain(place.head, &write.scope, &name, place.version, &kind, EVENT_V, ctx.now, &body);
            place.now = Some(apply(*stream, place.now.take(), event, ctx.now)?);
            write.events.push(EventRow {
                stream: name,
                version: place.version,
                kind,
                v: EVENT_V,
                body,
                digest: place.head,
            });
        }
        for (stream, place) in &moving {
            let Some(now) = &place.now else { continue };
            let name = stream.to_string();
            write.snapshots.push(SnapshotRow {
                stream: name.clone(),
                version: place.version,
                shape: SHAPE,
                head: place.head,
                body: now.write(),
            });
            let old = place.before.as_ref().map(State::rows).unwrap_or_default();
            write.index.push(IndexChange { stream: name.clone(), old, new: now.rows() });
            if let (State::Case(case), before) = (now, &place.before) {
                let admitted = !matches!(before, Some(State::Case(before)) if before.admission.is_some());
                let need = case.need_row().filter(|_| admitted).map(Row::Need);
                write.index.extend(need.map(|need| IndexChange {
                    stream: name.clone(),
                    old: Vec::new(),
                    new: vec![need],
                }));
            }
        }
        write.expects = expectations(loaded, decided);
        Ok(())
    }

    /// Returns the work that follows an act: whoever may have lost a qualification is planned anew everywhere.
    async fn follow_up(&self, command: &Command, ctx: &Ctx) -> Result<Vec<JobRow>> {
        let person = match command {
            Command::RevokeCredential { person, .. }
            | Command::SetClearance { person, granted: false, .. }
            | Command::SetConflict { person, declared: true, .. }
            | Command::SetPlace { person, .. }
            | Command::MarkLeft { person } => *person,
            _ => return Ok(Vec::new()),
        };
        let engagements = self.store.engagements_of(person, u32::MAX).await?;
        let job = |(ordinal, (scope, _)): (u32, (String, _))| {
            let engagement = scope.parse().ok()?;
            let body = serde_json::to_string(&Replan { engagement, person }).ok()?;
            Some(JobRow { id: ctx.id::<JobId>(ordinal), name: REPLAN.to_owned(), body, run_at: ctx.now })
        };
        Ok((0..).zip(engagements).filter_map(job).collect())
    }

    #[expect(clippy::too_many_arguments, reason = "an entry names everything that a decision rests on")]
    fn entry(
        &self,
        caller: &Caller,
        principal: &Principal,
        action: Action,
        decision: &Decision,
        command: &Command,
        receipt: &Receipt,
        ctx: &Ctx,
    ) -> EntryRow {
        let object = receipt.events.first().map(|happened| happened.stream.clone());
        EntryRow {
            id: ctx.id::<EntryId>(0),
            scope: receipt.scope.clone(),
            at: ctx.now,
            actor: caller.person(),
            roles: principal.roles.iter().copied().collect(),
            action: command.word().to_owned(),
            object: object
                .or_else(|| command.case().map(|case| case.to_string()))
                .unwrap_or_else(|| action.word().to_owned()),
            case: receipt.case().or_else(|| command.case()),
            object_hash: None,
            decision: if decision.allowed { remit_store::Decision::Allow } else { remit_store::Decision::Deny },
            policy_set_hash: self.authorizer.policy_set_hash(),
            policy_ids: decision.policies.clone(),
            purpose: "work".to_owned(),
            country: Some(principal.place.clone()).filter(|place| !place.is_empty()),
            request_id: caller.request_id.clone(),
            commitments: Vec::new(),
        }
    }
}

/// Returns the versions on which a decision rests: the streams it moves, and those that say whether it may.
///
/// Streams that were only looked through (candidates for the next case) are left out: their moving changes nothing.
fn expectations(loaded: &Loaded, decided: &remit_kernel::Decision) -> Vec<Expect> {
    let Loaded { facts, heads } = loaded;
    let rests_on = |stream: &StreamId| match stream {
        // Of two reviewers who finish at once each would take the other for unfinished, and the case would wait for ever.
        StreamId::Review(_) | StreamId::Engagement(_) | StreamId::Sow(_) | StreamId::Member(_) => true,
        StreamId::Line(_)
        | StreamId::Case(_)
        | StreamId::Panel(_)
        | StreamId::Gold(_)
        | StreamId::Calibration(_)
        | StreamId::Precedent(_)
        | StreamId::Alarm(_)
        | StreamId::Lot(_)
        | StreamId::Sampler(_)
        | StreamId::Model(_)
        | StreamId::Organisation(_)
        | StreamId::Person(_) => false,
    };
    let engagement_scope = decided.scope != Scope::Directory;
    let read = facts
        .versions
        .iter()
        .filter(|(stream, _)| engagement_scope && rests_on(stream))
        .map(|(stream, version)| (*stream, *version));
    let moved = decided.events.iter().map(|(stream, _)| (*stream, facts.versions.get(stream).copied().unwrap_or(0)));
    // A case and its panel are decided together: whoever moves one rests on the other.
    let paired = decided.events.iter().filter_map(|(stream, _)| match stream {
        StreamId::Case(case) => Some(StreamId::panel_of(*case)),
        StreamId::Panel(panel) => Some(StreamId::Case(panel.case())),
        StreamId::Engagement(_)
        | StreamId::Sow(_)
        | StreamId::Line(_)
        | StreamId::Gold(_)
        | StreamId::Calibration(_)
        | StreamId::Precedent(_)
        | StreamId::Alarm(_)
        | StreamId::Review(_)
        | StreamId::Lot(_)
        | StreamId::Sampler(_)
        | StreamId::Model(_)
        | StreamId::Member(_)
        | StreamId::Organisation(_)
        | StreamId::Person(_) => None,
    });
    let paired = paired.filter_map(|stream| Some((stream, facts.versions.get(&stream).copied()?)));
    let all: BTreeMap<StreamId, u64> = read.chain(paired).chain(moved).collect();
    let expect = |(stream, version): (StreamId, u64)| Expect {
        stream: stream.to_string(),
        version,
        head: heads.get(&stream).copied().unwrap_or_default(),
    };
    all.into_iter().map(expect).collect()
}

/// Returns the jobs of lots: one completes a new lot when its week is over, others draw all cases of a rejected one.
fn lot_jobs(scope: Scope, events: &[(StreamId, Event)], ctx: &Ctx) -> Vec<JobRow> {
    let Scope::Engagement(engagement) = scope else { return Vec::new() };
    let job = |(stream, event): &(StreamId, Event)| {
        let (StreamId::Lot(lot), Event::Lot(event)) = (stream, event) else { return None };
        match event {
            LotEvent::Opened { ends_at, .. } => Some((*lot, CLOSE_LOT, *ends_at)),
            LotEvent::Judged { accepted: false, .. } => Some((*lot, SCREEN_LOT, ctx.now)),
            LotEvent::Judged { .. }
            | LotEvent::Joined { .. }
            | LotEvent::Closed { .. }
            | LotEvent::Selected { .. }
            | LotEvent::Reviewed { .. }
            | LotEvent::Overturned { .. }
            | LotEvent::Delivered { .. }
            | LotEvent::Left { .. }
            | LotEvent::Screened {} => None,
        }
    };
    let jobs = (LOT_JOBS..).zip(events.iter().filter_map(job));
    let row = |(ordinal, (lot, name, run_at)): (u32, (LotId, &str, Instant))| {
        let body = serde_json::to_string(&OfLot { engagement, lot }).ok()?;
        Some(JobRow { id: ctx.id::<JobId>(ordinal), name: name.to_owned(), body, run_at })
    };
    jobs.filter_map(row).collect()
}

/// Returns the jobs that will end what an act began: showings of gold when their window is over, rounds on their last day.
fn closing_jobs(decided: &remit_kernel::Decision, ctx: &Ctx) -> Vec<JobRow> {
    let Scope::Engagement(engagement) = decided.scope else { return Vec::new() };
    let closes = decided.events.iter().filter_map(|(_, event)| match event {
        Event::Gold(GoldEvent::Shown { case, closes_at, .. } | GoldEvent::Answered { case, closes_at, .. }) => {
            let body = serde_json::to_string(&CloseShowing { engagement, case: *case }).ok()?;
            Some((CLOSE_SHOWING, body, *closes_at))
        }
        Event::Calibration(CalibrationEvent::Opened { calibration, ends_at, .. }) => {
            let body = serde_json::to_string(&CloseCalibration { engagement, calibration: *calibration }).ok()?;
            Some((CLOSE_CALIBRATION, body, *ends_at))
        }
        _ => None,
    });
    let job = |(ordinal, (name, body, run_at)): (u32, (&str, String, _))| JobRow {
        id: ctx.id::<JobId>(CLOSE_ORDINAL + ordinal),
        name: name.to_owned(),
        body,
        run_at,
    };
    (0..).zip(closes).map(job).collect()
}

/// Returns the draft that an act used up.
fn used_draft(command: &Command, actor: Option<PersonId>, facts: &Facts) -> Vec<DraftKey> {
    if let (Command::ReadCalibration { engagement, calibration, case, .. }, Some(person)) = (command, actor) {
        let desk = OpenRoundDesk { engagement: *engagement, calibration: *calibration, case: *case };
        return vec![DraftKey { person, stream: draft_of(desk) }];
    }
    if let (Command::FinishReview { review, .. }, Some(person)) = (command, actor) {
        return vec![DraftKey { person, stream: super::review::draft_of(*review) }];
    }
    let (Command::SubmitReading { case, .. } | Command::Adjudicate { case, .. } | Command::ReleaseSeat { case, .. }) =
        command
    else {
        return Vec::new();
    };
    let Some(person) = actor else { return Vec::new() };
    let reviews = facts
        .reviews
        .values()
        .filter(|review| review.case == *case && review.holder().is_some_and(|holding| holding.person == person));
    let reviews = reviews.map(|review| DraftKey { person, stream: super::review::draft_of(review.review) });
    let held = actor.and_then(|person| Some((person, facts.panels.get(&case.panel())?.assignment_of(person)?.0)));
    let held = held.map(|(person, assignment)| DraftKey { person, stream: assignment.to_string() });
    reviews.chain(held).collect()
}

/// Returns the answer to keep. A new engagement has no scope to look in before it is decided: the directory's serves.
fn kept(command: &Command, once: &Once, person: PersonId, body: String) -> AnswerKept {
    let scope = command.scope().unwrap_or(Scope::Directory).to_string();
    AnswerKept { scope, person, route: once.route.clone(), key: once.key.clone(), fingerprint: once.fingerprint, body }
}
