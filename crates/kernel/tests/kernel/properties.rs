//! Random histories: whatever people try in whatever order, the invariants hold after every act.
//!
//! The seed is fixed, so that a run is repeated exactly; `REMIT_SEED` chooses another.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, RngSeed, TestRunner},
};
use remit_kernel::{
    case::{Case, Material, ReturnCode, Visibility},
    command::Command,
    ctx::Actor,
    decide,
    directory::Person,
    engagement::{LineKind, Member, SowStatus},
    form::{Answer, Judgement},
    id::{CaseId, CredentialId, EngagementId, ItemId, LineId, OrgId, PersonId, SowId},
    index::{CaseStatus, Part},
    pack::{Duty, Requirement},
    panel::{Comparison, PanelEvent, compare},
    refusal::code,
    role::{Role, Side},
    routing::{Need, eligibility},
    stream::{Event, Scope, State, StreamId},
    text::NewText,
    time::Instant,
};

use crate::{
    invariants,
    stage::{OfChance as _, Stage, date, item_in, pack, plan, source},
    world::{over, told},
};

/// Runs a test on many inputs from the seed.
fn for_many<S: Strategy>(cases: u32, inputs: &S, test: impl Fn(S::Value)) {
    let seed = std::env::var("REMIT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_260_302);
    let config = Config { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    let ran = TestRunner::new(config).run(inputs, |input| {
        test(input);
        Ok(())
    });
    ran.unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
}

/// What somebody tries next; who, on what and how are chosen when it is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Try {
    /// What is due next on a case, whatever it is.
    GoOn,
    Wait,
    TakeIn,
    TakeInHistory,
    Record,
    RecordReference,
    Admit,
    Decline,
    Cancel,
    AddItem,
    Widen,
    AddParty,
    Transfer,
    ClaimNext,
    Claim,
    Assign,
    Release,
    Revoke,
    Submit,
    TakeDispute,
    Adjudicate,
    Edit,
    RequestSignoff,
    Open,
    Sign,
    ReturnSignoff,
    RefuseSignoff,
    Deliver,
    Accept,
    ReturnDelivery,
    Replan,
    AddMember,
    ChangeMember,
    RemoveMember,
    RecordCredential,
    RevokeCredential,
    Clearance,
    Conflict,
    Place,
    Leave,
    /// What is due next on the newest version of the statement of work.
    GoOnSow,
    DraftSow,
    ReviseSow,
    ProposeSow,
    SignSow,
    Elsewhere,
}

/// Each with its weight.
const TRIES: &[(Try, u32)] = &[
    (Try::GoOn, 150),
    (Try::Wait, 4),
    (Try::TakeIn, 6),
    (Try::TakeInHistory, 2),
    (Try::Record, 4),
    (Try::RecordReference, 1),
    (Try::Admit, 1),
    (Try::Decline, 1),
    (Try::Cancel, 3),
    (Try::AddItem, 2),
    (Try::Widen, 1),
    (Try::AddParty, 1),
    (Try::Transfer, 2),
    (Try::ClaimNext, 8),
    (Try::Claim, 8),
    (Try::Assign, 2),
    (Try::Release, 4),
    (Try::Revoke, 3),
    (Try::Submit, 18),
    (Try::TakeDispute, 6),
    (Try::Adjudicate, 6),
    (Try::Edit, 2),
    (Try::RequestSignoff, 3),
    (Try::Open, 12),
    (Try::Sign, 7),
    (Try::ReturnSignoff, 3),
    (Try::RefuseSignoff, 1),
    (Try::Deliver, 4),
    (Try::Accept, 2),
    (Try::ReturnDelivery, 3),
    (Try::Replan, 2),
    (Try::AddMember, 2),
    (Try::ChangeMember, 1),
    (Try::RemoveMember, 2),
    (Try::RecordCredential, 1),
    (Try::RevokeCredential, 1),
    (Try::Clearance, 1),
    (Try::Conflict, 1),
    (Try::Place, 1),
    (Try::Leave, 1),
    (Try::GoOnSow, 8),
    (Try::DraftSow, 2),
    (Try::ReviseSow, 1),
    (Try::ProposeSow, 1),
    (Try::SignSow, 2),
    (Try::Elsewhere, 1),
];

/// A try with the dice that settle its details.
#[derive(Debug, Clone, Copy)]
struct Step {
    tries: Try,
    who: usize,
    pick: usize,
    /// At 0 out of 5, somebody unfit tries it or tries it on an unfit case.
    twist: usize,
}

fn histories() -> impl Strategy<Value = Vec<Step>> {
    let tries: Vec<_> =
        TRIES.iter().flat_map(|(tries, weight)| std::iter::repeat_n(*tries, *weight as usize)).collect();
    let step = (select(tries), 0..64_usize, 0..64_usize, 0..64_usize);
    prop::collection::vec(step.prop_map(|(tries, who, pick, twist)| Step { tries, who, pick, twist }), 70..120)
}

impl Step {
    fn fit(self) -> bool {
        !self.twist.is_multiple_of(5)
    }

    fn one<T: Clone>(self, among: &[T]) -> Option<T> {
        (!among.is_empty()).then(|| among[self.pick % among.len()].clone())
    }

    /// Returns the case it is about: one in a fitting state, if it is to fit.
    fn case(self, stage: &Stage) -> Option<CaseId> {
        let fitting: &[CaseStatus] = match self.tries {
            Try::Admit | Try::Decline => &[CaseStatus::ScopeQuery],
            Try::Claim | Try::Assign | Try::AddItem => &[CaseStatus::Ready, CaseStatus::Reading],
            Try::Submit => &[CaseStatus::Reading],
            Try::Release | Try::Revoke => &[CaseStatus::Reading, CaseStatus::Adjudicating],
            Try::TakeDispute | Try::Adjudicate => &[CaseStatus::Adjudicating],
            Try::Open | Try::Sign | Try::ReturnSignoff | Try::RefuseSignoff => &[CaseStatus::AwaitingSignOff],
            Try::RequestSignoff => &[CaseStatus::Revision],
            Try::Deliver => &[CaseStatus::SignedOff],
            Try::Accept | Try::ReturnDelivery => &[CaseStatus::Delivered],
            _ => CaseStatus::ALL,
        };
        let history = matches!(self.tries, Try::Record | Try::RecordReference);
        let cases: Vec<_> = cases(stage).into_iter().filter(|case| !history || case.imported()).collect();
        let fit: Vec<_> = cases.iter().filter(|case| fitting.contains(&case.status)).map(|case| case.case).collect();
        let any: Vec<_> = cases.iter().map(|case| case.case).collect();
        if self.fit() { self.one(&fit) } else { None }.or_else(|| self.one(&any))
    }

    /// Returns who tries it: somebody whose business it is, if it is to fit.
    fn name(self, stage: &Stage, case: Option<CaseId>) -> &'static str {
        let everybody: Vec<_> = stage.people.keys().copied().collect();
        let anybody = everybody[self.who % everybody.len()];
        let holder = |duty: Duty| {
            let panel = case.and_then(|case| panel_of(stage, case))?;
            let held = panel.held_duties().find(|record| record.duty == duty)?;
            Some(stage.name_of(held.person))
        };
        let among = |names: &[&'static str]| names[self.who % names.len()];
        if !self.fit() {
            return anybody;
        }
        match self.tries {
            Try::ClaimNext | Try::Claim => among(&["reader", "second", "third", "twin", "deputy"]),
            Try::Submit => holder(Duty::Read).unwrap_or(anybody),
            Try::Release => holder(Duty::Read).or_else(|| holder(Duty::Adjudicate)).unwrap_or(anybody),
            Try::TakeDispute => among(&["judge", "umpire", "judge", "umpire", "third", "signer"]),
            Try::Adjudicate => holder(Duty::Adjudicate).unwrap_or(anybody),
            Try::Open | Try::Sign => among(&["signer", "signer", "signer", "signer", "deputy", "abroad"]),
            Try::ReturnSignoff | Try::RefuseSignoff => among(&["signer", "deputy", "abroad", "twin"]),
            Try::Accept | Try::ReturnDelivery | Try::Cancel => "client",
            Try::SignSow => among(&["client", "manager"]),
            Try::RecordCredential => "registrar",
            _ => "manager",
        }
    }

    /// Returns the step that takes a case on: the one that its status asks for.
    fn due(self, stage: &Stage) -> Option<(Self, CaseId)> {
        let open: Vec<_> = cases(stage).into_iter().filter(|case| !over(case.status)).collect();
        let case = self.one(&open)?;
        let panel = panel_of(stage, case.case);
        let held = panel.as_ref().is_some_and(|panel| panel.held_duties().next().is_some());
        let odd = self.who.is_multiple_of(3);
        let tries = match case.status {
            CaseStatus::ScopeQuery => Try::Decline,
            CaseStatus::Ready if case.imported() => Try::Record,
            CaseStatus::Reading if held => Try::Submit,
            CaseStatus::Ready | CaseStatus::Reading => Try::Claim,
            CaseStatus::Adjudicating if held => Try::Adjudicate,
            CaseStatus::Adjudicating => Try::TakeDispute,
            CaseStatus::AwaitingSignOff if self.who.is_multiple_of(16) => Try::ReturnSignoff,
            CaseStatus::AwaitingSignOff => {
                let opened = case.signoff.as_ref().and_then(|signoff| signoff.opened.get(&stage.who("signer")));
                let all = case.material().iter().all(|material| opened.is_some_and(|opened| opened.contains(material)));
                if all { Try::Sign } else { Try::Open }
            }
            CaseStatus::Resolved | CaseStatus::SignedOff => Try::Deliver,
            CaseStatus::Delivered if odd => Try::Accept,
            CaseStatus::Delivered => Try::ReturnDelivery,
            CaseStatus::Revision if odd => Try::Edit,
            CaseStatus::Revision => Try::RequestSignoff,
            CaseStatus::Declined | CaseStatus::Accepted | CaseStatus::Cancelled => return None,
        };
        Some((Self { tries, ..self }, case.case))
    }

    /// Returns the step that takes the newest version of the statement of work on.
    fn due_sow(stage: &Stage) -> Option<Self> {
        let place = sows(stage).len().checked_sub(1)?;
        let newest = stage.sow(sows(stage)[place]);
        let client_signed = newest.signatures.iter().any(|(side, ..)| *side == Side::Client);
        let tries = match newest.status {
            SowStatus::Draft => Try::ProposeSow,
            SowStatus::Proposed => Try::SignSow,
            SowStatus::InForce | SowStatus::Superseded => return None,
        };
        Some(Self { tries, pick: place, who: usize::from(client_signed), twist: 1 })
    }

    fn finding(self) -> &'static str {
        // Mostly alike, so that panels agree often enough to be signed and returned.
        ["decreased", "decreased", "decreased", "none", "increased", "unheard of"][self.pick % 6]
    }

    /// Returns the command that this step comes to now.
    #[expect(clippy::too_many_lines, reason = "one arm for each thing to try")]
    fn command(self, stage: &mut Stage, case: Option<CaseId>) -> Option<Command> {
        let engagement = stage.engagement;
        let everybody: Vec<_> = stage.people.values().copied().collect();
        let person = everybody[self.pick % everybody.len()];
        let code = ReturnCode::ALL[self.who % ReturnCode::ALL.len()];
        let note = "As discussed.".to_owned();
        let party = ["acme", "globex", "initech"][self.pick % 3].to_owned();
        let sow = self.one(&sows(stage));
        Some(match self.tries {
            Try::GoOn | Try::GoOnSow | Try::Wait => return None,
            Try::TakeIn => {
                let mut given = stage.case_in();
                if !self.fit() {
                    given.case_type = "census".into();
                    given.fields.clear();
                }
                given.owner = stage.who(["manager", "reader", "second", "deputy"][self.twist % 4]);
                given.items.push(item_in("Cover letter", Visibility::ALL[self.pick % 3]));
                Command::TakeIn { engagement, case: given }
            }
            Try::TakeInHistory => Command::TakeInHistory { engagement, case: stage.case_in(), line: stage.history },
            Try::Record => {
                let part = [Part::Panel, Part::Panel, Part::Panel, Part::Extra, Part::Ai][self.twist % 5];
                let reader = ["reader", "second", "third", "twin", "judge"][self.who % 5];
                stage.record(case?, reader, part, self.finding(), self.pick as u64)
            }
            Try::RecordReference => {
                let answers = [("finding".to_owned(), Answer::Choice(self.finding().into()))].into();
                Command::RecordReference { engagement, case: case?, answers, source: source(1) }
            }
            Try::Admit => Command::AdmitCase { engagement, case: case? },
            Try::Decline => Command::DeclineCase { engagement, case: case?, reason: note },
            Try::Cancel => Command::CancelCase { engagement, case: case?, reason: note },
            Try::AddItem => {
                let replaces = self.one(&items(stage, case?)).filter(|_| self.twist.is_multiple_of(2));
                let item = item_in("Appendix", Visibility::ALL[self.who % 3]);
                Command::AddItem { engagement, case: case?, replaces, item }
            }
            Try::Widen => Command::WidenItem { engagement, case: case?, item: self.one(&items(stage, case?))? },
            Try::AddParty => Command::AddParty { engagement, case: case?, party },
            Try::Transfer => Command::TransferCase { engagement, case: case?, to: person, reason: note },
            Try::ClaimNext => Command::ClaimNext { engagement },
            Try::Claim => stage.claim(case?),
            Try::Assign => Command::AssignSeat { engagement, case: case?, person },
            Try::Release => Command::ReleaseSeat { engagement, case: case?, reason: note },
            Try::Revoke => {
                let held = panel_of(stage, case?)?.held_duties().next()?.person;
                Command::RevokeSeat { engagement, case: case?, person: held, reason: note }
            }
            Try::Submit => stage.submit(case?, self.finding()),
            Try::TakeDispute => stage.take_dispute(case?),
            Try::Adjudicate => stage.adjudicate(case?, self.finding()),
            Try::Edit => {
                Command::EditDeliverable { engagement, case: case?, body: format!("Pain: {}.", self.pick % 3) }
            }
            Try::RequestSignoff => Command::RequestSignoff { engagement, case: case? },
            Try::Open => {
                let known = stage.case(case?);
                let opened = known.signoff.as_ref().and_then(|signoff| signoff.opened.get(&stage.who("signer")));
                let unseen = |material: &Material| !opened.is_some_and(|opened| opened.contains(material));
                stage.open(case?, known.material().into_iter().find(unseen).unwrap_or(Material::Deliverable))
            }
            Try::Sign => stage.sign(case?),
            Try::ReturnSignoff => stage.send_back(case?, code),
            Try::RefuseSignoff => Command::RefuseSignoff { engagement, case: case?, note },
            Try::Deliver => stage.deliver(case?),
            Try::Accept => Command::AcceptDelivery { engagement, case: case? },
            Try::ReturnDelivery => stage.return_delivery(case?, code),
            Try::Replan => Command::Replan { engagement, person },
            Try::AddMember => {
                let roles = [[Role::Expert, Role::Adjudicator], [Role::Signer, Role::Expert]][self.twist % 2].into();
                Command::AddMember { engagement, person, side: Side::Provider, roles, capacity: 2 }
            }
            Try::ChangeMember => {
                let roles = BTreeSet::from([Role::ALL[self.twist % Role::ALL.len()], Role::Expert]);
                let roles = if self.who.is_multiple_of(2) { roles } else { [Role::Signer].into() };
                Command::ChangeMember { engagement, person, roles, capacity: [1, 2, 3][self.twist % 3] }
            }
            Try::RemoveMember => {
                let successor = self.fit().then(|| everybody[self.twist % everybody.len()]);
                Command::RemoveMember { engagement, person, successor }
            }
            Try::RecordCredential => Command::RecordCredential {
                person,
                kind: ["analyst", "physician"][self.twist % 2].into(),
                jurisdiction: ["", "US", "US-OH", "GB"][self.who % 4].into(),
                number: "R-2".into(),
                valid_from: date("2026-01-01"),
                valid_to: date(["2026-03-02", "2026-05-01", "2027-01-01"][self.twist % 3]),
            },
            Try::RevokeCredential => {
                let credential = self.one(&credentials(stage, person))?;
                Command::RevokeCredential { person, credential, reason: note }
            }
            Try::Clearance => {
                Command::SetClearance { person, clearance: "trials".into(), granted: self.twist.is_multiple_of(2) }
            }
            Try::Conflict => Command::SetConflict { person, party, declared: !self.twist.is_multiple_of(3) },
            Try::Place => Command::SetPlace { person, place: ["ZA", "GB", "FR"][self.twist % 3].into() },
            Try::Leave => Command::MarkLeft { person },
            Try::DraftSow => Command::DraftSow {
                engagement,
                starts_on: date(["2026-02-01", "2026-03-20"][self.pick % 2]),
                ends_on: date(["2026-06-30", "2027-12-31"][self.twist % 2]),
                lines: vec![
                    stage.line_in(LineKind::Standard, plan([1, 2, 3][self.twist % 3], !self.who.is_multiple_of(3))),
                ],
            },
            Try::ReviseSow => {
                let lines = vec![stage.line_in(LineKind::Standard, plan(2, true))];
                let (starts_on, ends_on) = (date("2026-02-01"), date("2026-09-30"));
                Command::ReviseSow { engagement, sow: sow?, starts_on, ends_on, lines }
            }
            Try::ProposeSow => Command::ProposeSow { engagement, sow: sow? },
            Try::SignSow => Command::SignSow { engagement, sow: sow? },
            Try::Elsewhere => {
                let engagement = EngagementId::of_chance(9);
                let case = case?;
                match self.twist % 4 {
                    0 => Command::ClaimSeat { engagement, case },
                    1 => Command::CancelCase { engagement, case, reason: note },
                    2 => Command::TransferCase { engagement, case, to: person, reason: note },
                    _ => Command::AddParty { engagement, case, party },
                }
            }
        })
    }
}

fn cases(stage: &Stage) -> Vec<Case> {
    let case = |(_, state): (StreamId, &State)| match state {
        State::Case(case) => Some(case.clone()),
        _ => None,
    };
    stage.world.streams(stage.scope()).filter_map(case).collect()
}

fn sows(stage: &Stage) -> Vec<SowId> {
    let sow = |(_, state): (StreamId, &State)| match state {
        State::Sow(sow) => Some(sow.sow),
        _ => None,
    };
    let mut sows: Vec<_> = stage.world.streams(stage.scope()).filter_map(sow).collect();
    sows.retain(|sow| stage.sow(*sow).status != SowStatus::Superseded);
    sows
}

fn items(stage: &Stage, case: CaseId) -> Vec<ItemId> {
    stage.case(case).items.iter().map(|item| item.item).collect()
}

fn panel_of(stage: &Stage, case: CaseId) -> Option<remit_kernel::panel::Panel> {
    stage.case(case).admission.as_ref()?;
    Some(stage.panel(case))
}

fn credentials(stage: &Stage, person: PersonId) -> Vec<CredentialId> {
    match stage.world.state(Scope::Directory, StreamId::Person(person)) {
        Some(State::Person(person)) => person.credentials.keys().copied().collect(),
        _ => Vec::new(),
    }
}

/// Plays a step; returns what it came to, if anything was tried.
fn play(stage: &mut Stage, step: Step) -> Option<String> {
    if step.tries == Try::Wait {
        stage.wait([1, 3_600, 86_400, 86_400, 5 * 86_400, 9 * 86_400, 90 * 86_400][step.twist % 7]);
        return None;
    }
    let (step, case) = match step.tries {
        Try::GoOn => step.due(stage).map(|(step, case)| (step, Some(case)))?,
        Try::GoOnSow => (Step::due_sow(stage)?, None),
        _ => (step, step.case(stage)),
    };
    let name = step.name(stage, case);
    let command = step.command(stage, case)?;
    let before = stage.world.clone();
    let outcome = stage.act(name, &command);
    match &outcome {
        Ok(act) => {
            invariants::hold(&stage.world, act);
            i36_a_second_import_changes_nothing(stage, name, &command);
        }
        Err(refusal) => {
            assert_eq!(before.states, stage.world.states, "a refused command changed something");
            assert!(refusal.reasons.iter().all(|reason| code::ALL.contains(&reason.code.as_ref())));
        }
    }
    assert!(step.tries != Try::Elsewhere || outcome.is_err(), "I20: a case was reached from another engagement");
    Some(told(&outcome))
}

fn i36_a_second_import_changes_nothing(stage: &Stage, name: &str, command: &Command) {
    match command {
        Command::RecordReading { .. } | Command::TakeInHistory { .. } | Command::TakeIn { .. } => {
            assert_eq!(stage.would(name, command), "refused: duplicate", "I36: imported twice");
        }
        Command::RecordReference { .. } => assert_eq!(stage.would(name, command), "nothing", "I36: imported twice"),
        _ => {}
    }
}

#[test]
fn i1_to_i36_hold_after_every_act_of_random_histories() {
    let happened = RefCell::new(BTreeMap::<String, u32>::new());
    for_many(80, &histories(), |steps| {
        let mut stage = Stage::set();
        for step in steps {
            for word in play(&mut stage, step).iter().flat_map(|told| told.split(", ")) {
                *happened.borrow_mut().entry(word.to_owned()).or_default() += 1;
            }
        }
        invariants::i24_everything_is_recomputed_from_events(&stage.world);
    });
    // The histories go deep enough to mean something.
    for word in [
        "seat_taken",
        "reading_sealed",
        "agreed",
        "disputed",
        "adjudicated",
        "signed",
        "signoff_returned",
        "challenged",
        "delivered",
        "accepted",
        "returned",
        "cancelled",
        "voided",
        "signoff_voided",
        "superseded",
        "successor_set",
        "removed",
        "owner_changed",
        "seat_released",
        "adjudicator_released",
        "left_single",
    ] {
        assert!(happened.borrow().contains_key(word), "`{word}` never happened: {:?}", happened.borrow());
    }
}

/// Returns what a decision on the facts of this instant would move; nothing if it is refused.
fn moved(stage: &Stage, name: &str, command: &Command) -> Option<BTreeSet<StreamId>> {
    let ctx = stage.world.ctx(stage.as_person(name));
    let decision = decide(&ctx, command, &stage.world.facts(ctx.person(), command)).ok()?;
    Some(decision.events.iter().map(|(stream, _)| *stream).collect())
}

/// Of two commands decided on the same facts, only one can win: they move one stream, whose version can be expected
/// only once. Either may win.
#[track_caller]
fn only_one_wins(stage: &Stage, (one, first): (&str, Command), (other, second): (&str, Command)) {
    let moves = |name: &str, command: &Command| moved(stage, name, command).expect("it could be done");
    let shared: Vec<_> = moves(one, &first).intersection(&moves(other, &second)).copied().collect();
    assert!(!shared.is_empty(), "I35: `{}` and `{}` can both win", first.word(), second.word());
    let mut after = stage.clone();
    after.does(one, &first);
    let outcome = after.tries(other, &second);
    assert!(outcome.starts_with("refused") || outcome == "nothing", "I35: the second came to {outcome}");
}

#[test]
fn i35_parallel_commands_on_one_thing_have_one_winner() {
    let mut stage = Stage::set();
    let engagement = stage.engagement;
    let case = stage.take_in();
    stage.reads("reader", case, "decreased");
    only_one_wins(&stage, ("second", stage.claim(case)), ("third", stage.claim(case)));
    only_one_wins(&stage, ("second", Command::ClaimNext { engagement }), ("third", stage.claim(case)));
    stage.does("second", &stage.claim(case));
    only_one_wins(&stage, ("second", stage.submit(case, "none")), ("second", stage.submit(case, "decreased")));
    let release = |stage: &Stage| Command::ReleaseSeat { engagement: stage.engagement, case, reason: "Away.".into() };
    only_one_wins(&stage, ("second", release(&stage)), ("second", stage.submit(case, "none")));
    only_one_wins(&stage, ("client", stage.cancel(case)), ("second", stage.submit(case, "none")));
    let leaves = Command::RemoveMember { engagement, person: stage.who("second"), successor: None };
    only_one_wins(&stage, ("manager", leaves), ("second", stage.submit(case, "none")));
    stage.does("second", &stage.submit(case, "none"));
    only_one_wins(&stage, ("judge", stage.take_dispute(case)), ("umpire", stage.take_dispute(case)));
    stage.does("judge", &stage.take_dispute(case));
    only_one_wins(&stage, ("judge", stage.adjudicate(case, "none")), ("judge", stage.adjudicate(case, "decreased")));
    stage.does("judge", &stage.adjudicate(case, "none"));
    stage.opens_all("signer", case);
    stage.opens_all("deputy", case);
    only_one_wins(&stage, ("signer", stage.sign(case)), ("deputy", stage.sign(case)));
    let edit = Command::EditDeliverable { engagement, case, body: "Other words.".into() };
    only_one_wins(&stage, ("manager", edit), ("signer", stage.sign(case)));
    only_one_wins(&stage, ("signer", stage.send_back(case, ReturnCode::Fact)), ("deputy", stage.sign(case)));
    stage.does("signer", &stage.sign(case));
    only_one_wins(&stage, ("manager", stage.deliver(case)), ("manager", stage.deliver(case)));
    stage.does("manager", &stage.deliver(case));
    let accept = Command::AcceptDelivery { engagement, case };
    only_one_wins(&stage, ("client", accept), ("client", stage.return_delivery(case, ReturnCode::NewWish)));
}

#[test]
fn i35_the_last_unit_of_a_volume_is_taken_once() {
    let mut stage = Stage::set();
    for _ in 1..crate::stage::VOLUME_MAX {
        stage.take_in();
    }
    let engagement = stage.engagement;
    let (one, other) = (stage.case_in(), stage.case_in());
    let (one, other) = (Command::TakeIn { engagement, case: one }, Command::TakeIn { engagement, case: other });
    let line = StreamId::Line(stage.line);
    assert!([&one, &other].iter().all(|command| moved(&stage, "manager", command).unwrap().contains(&line)), "I35");
    stage.does("manager", &one);
    assert_eq!(stage.tries("manager", &other), "received, item_added, stopped");
}

#[test]
fn i35_a_statement_of_work_takes_effect_once() {
    let mut stage = Stage::set();
    let engagement = stage.engagement;
    let sows = [1, 2].map(|readings| {
        let sow = stage.draft_sow(vec![stage.line_in(LineKind::Standard, plan(readings, true))]);
        stage.does("manager", &Command::ProposeSow { engagement, sow });
        stage.does("client", &Command::SignSow { engagement, sow });
        sow
    });
    let [one, other] = sows.map(|sow| Command::SignSow { engagement, sow });
    only_one_wins(&stage, ("manager", one), ("manager", other));
}

/// Traits of a person that routing must not know, and those that it declares.
fn people_alike() -> impl Strategy<Value = (Person, Person)> {
    let kinds = select(vec!["analyst", "physician", "lawyer"]);
    let there = select(vec!["", "US", "US-OH", "GB"]);
    let until = select(vec!["2026-02-28", "2026-03-02", "2027-01-01"]);
    let credential = (kinds, there, until, any::<bool>());
    let declared = (
        prop::collection::vec(credential, 0..4),
        any::<bool>(),
        any::<bool>(),
        select(vec!["ZA", "GB", ""]),
        prop::collection::btree_set(select(vec!["en".to_owned(), "zu".to_owned()]), 0..2),
    );
    (declared, 1..200_u8, 1..200_u8).prop_map(|((credentials, cleared, active, place, languages), one, other)| {
        let person = |number: u8| {
            let text =
                |body: &str| NewText::new(remit_kernel::id::TextId::of_chance(number), [number; 32], body.into()).text;
            let record = |(place, (kind, jurisdiction, until, revoked)): (u8, &(&str, &str, &str, bool))| {
                let record = remit_kernel::directory::Credential {
                    kind: (*kind).into(),
                    jurisdiction: (*jurisdiction).into(),
                    number: text("R-3"),
                    valid_from: date("2026-01-01"),
                    valid_to: date(until),
                    revoked_at: revoked.then_some(Instant::from_micros(0)),
                };
                // Identifiers in another order too: the order of recording is no merit.
                (CredentialId::of_chance(if number.is_multiple_of(2) { place } else { 200 - place }), record)
            };
            Person {
                person: PersonId::of_chance(number),
                natural: PersonId::of_chance(number),
                org: OrgId::of_chance(number),
                name: text("A name"),
                signs_in: number.is_multiple_of(2),
                place: place.into(),
                languages: languages.clone(),
                roles: BTreeSet::new(),
                credentials: (1_u8..).zip(&credentials).map(record).collect(),
                clearances: cleared.then(|| "trials".to_owned()).into_iter().collect(),
                conflicts: BTreeSet::new(),
                active,
            }
        };
        (person(one), person(other))
    })
}

#[test]
fn i29_eligibility_depends_on_declared_factors_only() {
    let requirement = |in_jurisdiction| Requirement {
        credentials: vec!["analyst".into(), "physician".into()],
        in_jurisdiction,
        clearances: vec!["trials".into()],
    };
    let need = Need {
        line: LineId::of_chance(1),
        jurisdiction: "US-OH".into(),
        reader: requirement(false),
        adjudicator: requirement(false),
        signer: requirement(true),
        places: ["ZA".to_owned()].into(),
        language: "en".into(),
    };
    for_many(256, &people_alike(), |(one, other)| {
        for duty in [Duty::Read, Duty::Adjudicate, Duty::Sign] {
            let verdict = |person: &Person| {
                let roles = [Role::Expert, Role::Signer].into();
                let (id, natural) = (person.person, person.natural);
                let member =
                    Member { person: id, natural, side: Side::Provider, roles, capacity: 1, load: 0, active: true };
                let now = "2026-03-02T09:00:00Z".parse().unwrap();
                let reasons = eligibility("somebody", person, Some(&member), &need, duty, now);
                reasons.iter().map(|reason| reason.code.to_string()).collect::<Vec<_>>()
            };
            assert_eq!(verdict(&one), verdict(&other), "I29: {duty:?} was judged by more than declared factors");
        }
    });
}

#[test]
fn i29_the_next_case_is_the_earliest_promise_and_the_passed_over_are_kept() {
    let mut stage = Stage::set();
    let engagement = stage.engagement;
    let barred = stage.take_in();
    let fitting = stage.take_in();
    stage.take_in();
    let person = stage.who("reader");
    stage.does("manager", &Command::AddParty { engagement, case: barred, party: "globex".into() });
    stage.does("registrar", &Command::SetConflict { person, party: "globex".into(), declared: true });
    let act = stage.does("reader", &Command::ClaimNext { engagement });
    match &act.decision.events[0] {
        (stream, Event::Panel(PanelEvent::SeatTaken { routing, .. })) => {
            assert_eq!(*stream, StreamId::panel_of(fitting));
            let kept: Vec<_> =
                routing.passed_over.iter().map(|examined| (examined.case, examined.why_not.join(", "))).collect();
            assert_eq!(kept, [(barred, code::CONFLICT.to_owned())]);
        }
        other => panic!("a seat was taken, not {other:?}"),
    }
}

/// Readings in any order give the same comparison: neither speed nor place decides (I29).
#[test]
fn the_order_of_sealing_does_not_change_the_outcome() {
    let form = pack().form;
    let spans = (0..40_u32, 1..20_u32).prop_map(|(start, length)| (start, start + length));
    let reading = (select(vec!["increased", "decreased", "none"]), prop::collection::vec(spans, 0..3));
    for_many(256, &prop::collection::vec(reading, 1..5), |given| {
        let judgements: Vec<_> = given
            .iter()
            .map(|(finding, spans)| {
                let span = |(start, end): &(u32, u32)| remit_kernel::form::Evidence {
                    item: ItemId::of_chance(1),
                    version: 1,
                    start: *start,
                    end: *end,
                };
                Judgement {
                    answers: [("finding".to_owned(), Answer::Choice((*finding).into()))].into(),
                    evidence: [("finding".to_owned(), spans.iter().map(span).collect())].into(),
                    ..Judgement::default()
                }
            })
            .collect();
        let forward: Vec<_> = judgements.iter().collect();
        let backward: Vec<_> = judgements.iter().rev().collect();
        let told = |comparison: Comparison| match comparison {
            Comparison::Agreed { outcome, other_evidence } => (outcome.answers, Some(other_evidence), Vec::new()),
            Comparison::Disputed(questions) => (BTreeMap::new(), None, questions),
            Comparison::Single(outcome) => (outcome.answers, None, Vec::new()),
            Comparison::Nothing => (BTreeMap::new(), None, Vec::new()),
        };
        assert_eq!(told(compare(&form, &forward)), told(compare(&form, &backward)));
    });
}

#[test]
fn a_service_decides_nothing_that_calls_for_judgement() {
    let mut stage = Stage::set();
    let case = stage.case_at(CaseStatus::Adjudicating);
    let signing = stage.case_at(CaseStatus::AwaitingSignOff);
    for command in [
        stage.submit(case, "none"),
        stage.adjudicate(case, "none"),
        stage.sign(signing),
        stage.deliver(signing),
        stage.send_back(signing, ReturnCode::Fact),
    ] {
        let outcome = told(&stage.clone().world.act(Actor::Service, &command));
        assert!(outcome.contains(code::AI_CANNOT_DECIDE), "I17: `{}` came to {outcome}", command.word());
    }
}
