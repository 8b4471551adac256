//! Gold: who may make it, that a showing gives nothing away, when readers are told, and what an objection changes.

use std::collections::BTreeSet;

use remit_kernel::{
    command::Command,
    ctx::Actor,
    decide,
    form::Answer,
    gold::{GoldStatus, Retirement},
    id::{CaseId, GoldId},
    index::{CaseStatus, Part, Row},
    model::measure,
    panel::Release,
    role::Role,
    stream::{Event, StreamId},
};

use crate::{
    stage::{Stage, golden, source},
    world::codes,
};

/// A stage on which every second request is answered with gold, one gold case in rotation and two cases to read.
fn stage() -> (Stage, GoldId) {
    let mut stage = Stage::set_under(golden(2));
    let gold = stage.gold_case("decreased");
    stage.take_in();
    stage.take_in();
    (stage, gold)
}

fn close(stage: &mut Stage, case: CaseId) -> usize {
    let command = Command::CloseShowing { engagement: stage.engagement, case };
    stage.world.act(Actor::Service, &command).unwrap().decision.events.len()
}

#[test]
fn only_an_agreed_or_referenced_case_becomes_gold() {
    let mut stage = Stage::set();
    let propose = |stage: &Stage, case| Command::ProposeGold { engagement: stage.engagement, case, note: None };
    let open = stage.case_at(CaseStatus::Reading);
    stage.foresee("judge", &propose(&stage, open), "refused: not-gold");
    let agreed = stage.case_at(CaseStatus::AwaitingSignOff);
    stage.check("judge", &propose(&stage, agreed), "proposed");
    stage.foresee("judge", &propose(&stage, agreed), "refused: duplicate");
    let single = stage.take_in_history();
    stage.does("manager", &stage.record(single, "reader", Part::Panel, "none", 1));
    stage.foresee("judge", &propose(&stage, single), "refused: not-gold");
    let answers = [("finding".to_owned(), Answer::Choice("none".into()))].into();
    let engagement = stage.engagement;
    stage.does("manager", &Command::RecordReference { engagement, case: single, answers, source: source(2) });
    stage.check("judge", &propose(&stage, single), "proposed");
}

#[test]
fn whoever_proposed_read_or_decided_does_not_approve() {
    let mut stage = Stage::set();
    let (engagement, case) = (stage.engagement, stage.case_at(CaseStatus::SignedOff));
    stage.does("judge", &Command::ProposeGold { engagement, case, note: None });
    let approve = Command::ApproveGold { engagement, gold: case.gold() };
    for involved in ["judge", "reader", "second", "signer", "twin"] {
        stage.foresee(involved, &approve, "refused: self-review");
    }
    stage.check("manager", &approve, "approved");
    stage.foresee("umpire", &approve, "refused: wrong-state");
}

#[test]
fn a_showing_is_what_the_case_it_stands_for_would_have_been() {
    let (mut stage, gold) = stage();
    stage.wait(86_400);
    let next = Command::ClaimNext { engagement: stage.engagement };
    let mut real = stage.clone();
    let live = loop {
        if !real.would("third", &next).contains("shown") {
            break Stage::newest(&real.does("third", &next));
        }
        real.world.redraw();
    };
    let shown = stage.shown("third");
    let (live, case) = (real.case(live), stage.case(shown));
    assert_eq!(
        (case.status, case.urgent, case.owner, case.origin, case.revision, &case.jurisdiction),
        (live.status, live.urgent, live.owner, live.origin, live.revision, &live.jurisdiction)
    );
    let span = |case: &remit_kernel::case::Case| case.due_at.micros() - case.received_at.micros();
    assert_eq!(span(&case), span(&live), "it is promised as soon after its receipt as any");
    let (ours, theirs) = (case.admission.clone().unwrap(), live.admission.unwrap());
    assert_eq!((ours.clause, ours.plan, ours.pack, ours.sow), (theirs.clause, theirs.plan, theirs.pack, theirs.sow));
    let panel = stage.panel(shown);
    assert_eq!((panel.seats.len(), panel.due_at), (2, case.due_at), "as many readings are planned");
    // The reader knows every number before it, so it is the newest, and came in a little later.
    let late = case.received_at.micros() - live.received_at.micros();
    assert!((1..=3_600_000_000).contains(&late), "it came in a little later: {late}");
    // What an identifier tells of its time is what the case says of itself.
    let millis = |id: &str| id.split('_').nth(1).map(|suffix| suffix[..10].to_owned());
    assert_eq!(millis(&case.case.to_string()), millis(&case.items[0].item.to_string()));
    assert!(millis(&case.case.to_string()) > millis(&live.case.to_string()));
    assert_ne!(case.items[0].item, stage.gold(gold).matter.items[0].item, "an item names no other case");
    let reference = &stage.world.texts[&case.reference.id];
    assert!(reference.starts_with("T-") && reference.len() == 3, "{reference}");
    assert!(!stage.world.texts.iter().any(|(id, body)| *id != case.reference.id && body == reference), "{reference}");
}

#[test]
fn a_showing_takes_no_volume_opens_no_seat_and_enters_no_figure() {
    let (mut stage, _) = stage();
    let before: Vec<_> = stage.world.rows(stage.scope()).collect();
    let shown = stage.shown("third");
    stage.does("third", &stage.submit(shown, "decreased"));
    let now: BTreeSet<_> = stage.world.rows(stage.scope()).map(|row| format!("{row:?}")).collect();
    let before: BTreeSet<_> = before.iter().map(|row| format!("{row:?}")).collect();
    let new: BTreeSet<_> =
        now.difference(&before).map(|row| row.split('(').next().unwrap_or_default().to_owned()).collect();
    assert_eq!(new, ["Case", "Duty", "Gold", "Reading", "Showing"].map(str::to_owned).into(), "{new:?}");
    assert!(now.iter().any(|row| row.starts_with("Case") && row.contains("showing: true")));
    let taken = |logged: &&crate::world::Logged| matches!(logged.stream, StreamId::Line(_));
    assert_eq!(stage.world.log.iter().filter(taken).count(), 3, "three real cases took volume");
}

#[test]
fn nobody_who_knows_it_or_its_pool_is_shown_it() {
    let (mut stage, _) = stage();
    let next = Command::ClaimNext { engagement: stage.engagement };
    let (engagement, person) = (stage.engagement, stage.who("manager"));
    stage.credential("manager", "analyst", "", "2027-12-31");
    stage.does("registrar", &Command::SetClearance { person, clearance: "trials".into(), granted: true });
    let roles = BTreeSet::from([Role::DeliveryManager, Role::Expert]);
    stage.does("client", &Command::ChangeMember { engagement, person, roles, capacity: 3 });
    for name in ["reader", "second", "twin", "manager"] {
        let mut stage = stage.clone();
        for _ in 0..50 {
            stage.world.redraw();
            assert!(stage.would(name, &next).starts_with("seat_taken"), "{name}: {}", stage.would(name, &next));
        }
    }
    let shown = stage.shown("third");
    stage.does("third", &Command::ReleaseSeat { engagement, case: shown, reason: "Away.".into() });
    for _ in 0..50 {
        stage.world.redraw();
        assert!(!stage.would("third", &next).contains("shown"), "what was seen once is known");
    }
}

#[test]
fn the_draw_follows_the_rate_and_rests_on_nothing_but_chance() {
    let (mut stage, _) = stage();
    let next = Command::ClaimNext { engagement: stage.engagement };
    for _ in 0..50 {
        stage.world.redraw();
        let at_once = stage.would("third", &next);
        assert!(at_once.starts_with("seat_taken"), "a showing that came in when it was asked for: {at_once}");
    }
    stage.wait(60);
    let actor = stage.as_person("third");
    let facts = stage.world.facts(Some(stage.who("third")), &next);
    let mut ctx = stage.world.ctx(actor);
    let mut shown = 0;
    for number in 0_u32..2_000 {
        ctx.seed = *remit_kernel::hash::Digest::of(&number.to_be_bytes()).bytes();
        let decided = decide(&ctx, &next, &facts).unwrap();
        shown += u32::from(decided.events.iter().any(|(stream, _)| matches!(stream, StreamId::Gold(_))));
    }
    // 2,000 draws at one half: four standard deviations to each side.
    assert!((910..=1_090).contains(&shown), "{shown}");
}

#[test]
fn the_case_it_stood_for_rests_for_its_reader_and_waits_for_others() {
    let (mut stage, gold) = stage();
    let shown = stage.shown("third");
    let showing = stage.gold(gold).showing(shown).cloned().unwrap();
    let next = Command::ClaimNext { engagement: stage.engagement };
    let facts = |stage: &Stage, name: &str| stage.world.facts(Some(stage.who(name)), &next).candidates;
    assert!(!facts(&stage, "third").contains(&showing.stands_for));
    assert_eq!(facts(&stage, "reader").first(), Some(&showing.stands_for));
    stage.wait((showing.withheld_until.micros() - stage.world.now.micros()) / 1_000_000 + 1);
    assert_eq!(facts(&stage, "third").first(), Some(&showing.stands_for), "it comes back");
}

#[test]
fn a_case_that_comes_with_the_reference_of_a_showing_is_taken_in_and_read_by_others() {
    let (mut stage, _) = stage();
    let shown = stage.shown("third");
    let reference = stage.world.texts[&stage.case(shown).reference.id].clone();
    let case = remit_kernel::command::CaseIn { reference, ..stage.case_in() };
    let taken = stage.does("manager", &Command::TakeIn { engagement: stage.engagement, case });
    let real = Stage::newest(&taken);
    let next = Command::ClaimNext { engagement: stage.engagement };
    let offered = |stage: &Stage, name: &str| stage.world.facts(Some(stage.who(name)), &next).candidates;
    assert!(offered(&stage, "reader").contains(&real));
    assert!(!offered(&stage, "third").contains(&real), "she would know that one of the two is gold");
    stage.check(
        "third",
        &Command::ReleaseSeat { engagement: stage.engagement, case: shown, reason: "ill".into() },
        "seat_released, duty_ended, voided, showing_ended",
    );
}

#[test]
fn the_reader_is_told_when_the_window_is_over_and_not_before() {
    let (mut stage, gold) = stage();
    let case = stage.shown("third");
    stage.does("third", &stage.submit(case, "none"));
    let rebut = Command::RebutGold { engagement: stage.engagement, case, note: "It did not fall.".into() };
    stage.foresee("third", &rebut, "refused: not-found");
    stage.wait(7 * 86_400 - 1);
    assert_eq!(close(&mut stage, case), 0, "a second too early");
    assert!(stage.member("third").gold.is_empty(), "nothing counts before it is told");
    stage.wait(1);
    assert!(close(&mut stage, case) > 0);
    assert_eq!(close(&mut stage, case), 0, "done twice, it is done once");
    let tally = stage.member("third").gold[&stage.pack.digest];
    assert_eq!((tally.answers, tally.right), (1, 0));
    assert!(stage.gold(gold).showing(case).unwrap().told);
    assert_eq!(stage.case(case).status, CaseStatus::Cancelled);
    stage.check("third", &rebut, "rebutted");
    stage.foresee("third", &rebut, "refused: wrong-state");
}

#[test]
fn gold_teaches_the_model_once_its_reader_has_been_told_and_as_it_stands_now() {
    let (mut stage, gold) = stage();
    let engagement = stage.engagement;
    let form = crate::stage::pack().form;
    let measured = |stage: &Stage| {
        let (panel, gold) = (stage.panel(gold.case()), stage.gold(gold));
        let mut measured = measure(&[(&panel, &form)], &[(&gold, &form)], stage.world.now);
        measured.remove("finding").unwrap()
    };
    let case = stage.shown("third");
    stage.does("third", &stage.submit(case, "none"));
    let (before, third) = (measured(&stage), stage.who("third"));
    assert_eq!((before.known, before.readers.contains_key(&third)), (0, false), "it is still being shown");
    stage.wait(7 * 86_400);
    close(&mut stage, case);
    let after = measured(&stage);
    let place = |option: &str| after.classes.iter().position(|class| class == option).unwrap();
    let cells = |wanted: &str, given: &str| place(wanted) * after.classes.len() + place(given);
    assert_eq!((after.known, after.cases), (1, 1), "gold is known truth, and no case of a panel");
    let taught = |cells: &[u32], at: usize| cells[at] > 0 && cells[at] == cells.iter().sum::<u32>();
    assert!(taught(&after.readers[&third], cells("decreased", "none")), "{after:?}");
    stage.does("third", &Command::RebutGold { engagement, case, note: "It did not fall.".into() });
    let corrected = Some([("finding".to_owned(), Answer::Choice("none".into()))].into());
    stage.does("umpire", &Command::DecideRebuttal { engagement, case, corrected, note: "Looked at.".into() });
    let anew = measured(&stage);
    assert!(taught(&anew.readers[&third], cells("none", "none")), "{anew:?}");
}

#[test]
fn an_upheld_objection_measures_everybody_anew() {
    let (mut stage, gold) = stage();
    let engagement = stage.engagement;
    let (wrong, right) = (stage.shown("third"), stage.shown("deputy"));
    stage.does("third", &stage.submit(wrong, "none"));
    stage.does("deputy", &stage.submit(right, "decreased"));
    stage.wait(7 * 86_400);
    close(&mut stage, wrong);
    close(&mut stage, right);
    let tally = |stage: &Stage, name: &str| {
        let tally = stage.member(name).gold[&stage.pack.digest];
        (tally.answers, tally.right)
    };
    assert_eq!((tally(&stage, "third"), tally(&stage, "deputy")), ((1, 0), (1, 1)));
    stage.does("third", &Command::RebutGold { engagement, case: wrong, note: "It did not fall.".into() });
    let answer = |finding: &str| Some([("finding".to_owned(), Answer::Choice(finding.into()))].into());
    let decide = |corrected| Command::DecideRebuttal { engagement, case: wrong, corrected, note: "Looked at.".into() };
    for involved in ["third", "judge", "manager"] {
        stage.foresee(involved, &decide(answer("none")), "refused: self-review");
    }
    stage.foresee("umpire", &decide(answer("decreased")), "refused: field-invalid");
    stage.foresee("umpire", &decide(answer("unheard of")), "refused: option-unknown");
    stage.foresee("umpire", &decide(None), "rebuttal_decided");
    stage.does("umpire", &decide(answer("none")));
    assert_eq!((tally(&stage, "third"), tally(&stage, "deputy")), ((1, 1), (1, 0)));
    let known = stage.gold(gold);
    assert_eq!((known.version, known.passes()), (2, (2, 1)));
    let missed = stage.world.rows(stage.scope()).filter_map(|row| match row {
        Row::Showing(showing) => Some((showing.case, showing.missed)),
        _ => None,
    });
    assert_eq!(missed.collect::<BTreeSet<_>>(), [(wrong, 0), (right, 1)].into());
    crate::invariants::i24_everything_is_recomputed_from_events(&stage.world);
}

#[test]
fn gold_retires_when_it_was_shown_often_or_is_too_easy() {
    let (mut stage, gold) = stage();
    for name in ["third", "deputy"] {
        let case = stage.shown(name);
        stage.does(name, &stage.submit(case, "decreased"));
    }
    assert_eq!(stage.gold(gold).status, GoldStatus::Active);
    let outsider = add_expert(&mut stage, "fourth");
    let case = stage.shown(outsider);
    stage.does(outsider, &stage.submit(case, "decreased"));
    assert_eq!(stage.gold(gold).retired, Some(Retirement::TooEasy), "three of three passed, and three are enough");

    let (mut stage, gold) = self::stage();
    for name in ["third", "deputy", add_expert(&mut stage, "fourth"), add_expert(&mut stage, "fifth")] {
        stage.shown(name);
    }
    assert_eq!(stage.gold(gold).retired, Some(Retirement::Shown), "the plan allows four showings");
}

fn add_expert(stage: &mut Stage, name: &'static str) -> &'static str {
    stage.add_person(name, stage.provider, "ZA", None);
    stage.credential(name, "analyst", "", "2027-12-31");
    let (engagement, person) = (stage.engagement, stage.who(name));
    stage.does("registrar", &Command::SetClearance { person, clearance: "trials".into(), granted: true });
    let (side, roles) = (remit_kernel::role::Side::Provider, BTreeSet::from([Role::Expert]));
    stage.does("manager", &Command::AddMember { engagement, person, side, roles, capacity: 3 });
    name
}

#[test]
fn without_its_reader_a_showing_is_over() {
    let (mut stage, _) = stage();
    let (engagement, case) = (stage.engagement, stage.shown("third"));
    let person = stage.who("third");
    let revoke = Command::RevokeSeat { engagement, case, person, reason: "Ill.".into() };
    stage.foresee("manager", &revoke, "seat_released, duty_ended, voided, showing_ended");
    stage.does("registrar", &Command::SetPlace { person, place: "FR".into() });
    stage.world.act(Actor::Service, &Command::Replan { engagement, person }).unwrap();
    assert_eq!(stage.case(case).status, CaseStatus::Cancelled);
    let barred = stage.world.log.iter().any(|logged| {
        matches!(
            &logged.event,
            Event::Panel(remit_kernel::panel::PanelEvent::SeatReleased { cause: Release::Barred, .. })
        )
    });
    assert!(barred && stage.member("third").load == 0);
}

#[test]
fn an_unread_showing_ends_with_its_window_and_counts_for_nothing() {
    let (mut stage, gold) = stage();
    let case = stage.shown("third");
    let closes_at = stage.gold(gold).showing(case).unwrap().closes_at;
    stage.wait((closes_at.micros() - stage.world.now.micros()) / 1_000_000);
    close(&mut stage, case);
    assert_eq!((stage.member("third").load, stage.member("third").gold.len()), (0, 0));
    assert_eq!(stage.gold(gold).passes(), (0, 0));
}

#[test]
fn nobody_works_on_a_showing_but_its_reader() {
    let (mut stage, _) = stage();
    let (engagement, case) = (stage.engagement, stage.shown("third"));
    for command in [
        Command::AssignSeat { engagement, case, person: stage.who("deputy") },
        stage.cancel(case),
        Command::AddParty { engagement, case, party: "globex".into() },
        Command::ProposeGold { engagement, case, note: None },
    ] {
        stage.foresee("manager", &command, "refused: wrong-state");
        let answer = stage.clone().act("judge", &command).map_err(|refusal| codes(&refusal));
        assert_eq!(answer.err().as_deref(), Some("not-found"), "{}", command.word());
    }
    // Its reader meets the rules that she meets on any other case.
    let live = stage.case_at(CaseStatus::Ready);
    stage.does("third", &stage.claim(live));
    for (shown, other) in [(stage.claim(case), stage.claim(live)), (stage.take_dispute(case), stage.take_dispute(live))]
    {
        assert_eq!(stage.would("third", &shown), stage.would("third", &other), "{}", shown.word());
    }
}
