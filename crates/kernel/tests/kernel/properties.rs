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
    case::ReturnCode,
    command::Command,
    ctx::Actor,
    decide,
    directory::Person,
    engagement::{LineKind, Member},
    form::{Answer, Judgement},
    id::{CredentialId, ItemId, LineId, OrgId, PersonId},
    index::CaseStatus,
    pack::{Acceptance, Duty, Plan, Requirement, ReviewPlan, Risk},
    panel::{Comparison, PanelEvent, compare},
    refusal::code,
    role::{Role, Side},
    routing::{Need, eligibility},
    stream::{Event, State, StreamId},
    text::NewText,
    time::Instant,
};

use crate::{
    attempt::{GOLD_TRIES, Step, TRIES, Try, play},
    invariants,
    stage::{OfChance as _, Stage, date, golden, pack, plan, reviewed},
    world::told,
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

fn histories(more: &[(Try, u32)]) -> impl Strategy<Value = Vec<Step>> {
    let weighed = TRIES.iter().chain(more);
    let tries: Vec<_> = weighed.flat_map(|(tries, weight)| std::iter::repeat_n(*tries, *weight as usize)).collect();
    let step = (select(tries), 0..64_usize, 0..64_usize, 0..64_usize);
    prop::collection::vec(step.prop_map(|(tries, who, pick, twist)| Step { tries, who, pick, twist }), 70..120)
}

/// Returns a plan by which half of the cases are drawn, more of the risky ones, and lots are judged.
fn sampled() -> Plan {
    let review = ReviewPlan {
        random: 5_000,
        risks: [(Risk::Adjudicated, 8_000), (Risk::NewExpert, 1_000)].into(),
        acceptance: Some(Acceptance { aql: 650, reduced: true }),
        in_house: 3_000,
        rebuttal_days: 7,
        second: 6_000,
    };
    reviewed(true, review)
}

#[test]
fn i1_to_i36_hold_after_every_act_of_random_histories() {
    let happened = RefCell::new(BTreeMap::<String, u32>::new());
    for_many(80, &histories(&[]), |steps| {
        // Every other history is played under a plan with reviews.
        let mut stage = if steps.len() % 2 == 0 { Stage::set() } else { Stage::under(sampled(), Some(8)) };
        for step in steps {
            for word in play(&mut stage, step).iter().flat_map(|told| told.split(", ")) {
                *happened.borrow_mut().entry(word.to_owned()).or_default() += 1;
            }
        }
        let both = stage.world.streams(stage.scope()).filter(|(_, state)| match state {
            State::Review(review) => {
                review.twin.is_some_and(|twin| review.finish.is_some() && stage.review(twin).finish.is_some())
            }
            _ => false,
        });
        *happened.borrow_mut().entry("reviewed twice".to_owned()).or_default() += u32::try_from(both.count()).unwrap();
        invariants::i24_everything_is_recomputed_from_events(&stage.world);
    });
    assert!(happened.borrow()["reviewed twice"] >= 4, "hardly anything was reviewed twice: {:?}", happened.borrow());
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
        "drawn",
        "taken",
        "finished",
        "rebutted",
        "ruled",
        "joined",
        "closed",
        "selected",
        "judged",
    ] {
        assert!(happened.borrow().contains_key(word), "`{word}` never happened: {:?}", happened.borrow());
    }
}

#[test]
fn the_invariants_hold_where_gold_is_mixed_in() {
    let happened = RefCell::new(BTreeMap::<String, u32>::new());
    for_many(80, &histories(GOLD_TRIES), |steps| {
        let mut stage = Stage::set_under(golden(2));
        stage.gold_case("decreased");
        stage.take_in();
        let case = stage.shown("third");
        stage.does("third", &stage.submit(case, "none"));
        stage.wait(7 * 86_400);
        for step in steps {
            for word in play(&mut stage, step).iter().flat_map(|told| told.split(", ")) {
                *happened.borrow_mut().entry(word.to_owned()).or_default() += 1;
            }
        }
        invariants::i24_everything_is_recomputed_from_events(&stage.world);
    });
    for word in ["shown", "answered", "closed", "gold_tallied", "rebutted", "rebuttal_decided", "corrected", "retired"]
    {
        assert!(happened.borrow().contains_key(word), "`{word}` never happened: {:?}", happened.borrow());
    }
}

#[test]
fn the_histories_that_fuzzing_begins_with_keep_the_invariants() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/decide");
    for file in std::fs::read_dir(corpus).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let mut stage = Stage::set();
        let (steps, _) = bytes.as_chunks::<4>();
        for step in steps {
            play(&mut stage, Step::of_bytes(*step));
        }
        invariants::i24_everything_is_recomputed_from_events(&stage.world);
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
        calibration: None,
    };
    let need = Need {
        line: LineId::of_chance(1),
        jurisdiction: "US-OH".into(),
        reader: requirement(false),
        adjudicator: requirement(false),
        signer: requirement(true),
        reviewer: Requirement::default(),
        places: ["ZA".to_owned()].into(),
        calibrated_on: None,
        language: "en".into(),
    };
    for_many(256, &people_alike(), |(one, other)| {
        for duty in [Duty::Read, Duty::Adjudicate, Duty::Sign] {
            let verdict = |person: &Person| {
                let roles = [Role::Expert, Role::Signer].into();
                let (id, natural) = (person.person, person.natural);
                let member = Member {
                    person: id,
                    natural,
                    side: Side::Provider,
                    roles,
                    capacity: 1,
                    load: 0,
                    active: true,
                    joined_at: Instant::from_micros(0),
                    gold: BTreeMap::new(),
                };
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
