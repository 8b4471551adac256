//! Calibration rounds and the gate before the first live case.

use std::sync::Arc;

use remit_kernel::{
    calibration::{Calibration, Closing, Departure, FindingKind},
    command::Command,
    ctx::Actor,
    engagement::LineKind,
    form::Answer,
    id::{CalibrationId, CaseId},
    index::CaseStatus,
    pack::{Calibrated, Duty},
    refusal::code,
    stream::{State, StreamId},
    why_not,
};

use crate::stage::{Stage, golden, pack, plan};

/// A stage with two decided cases, the first of them gold.
fn stage() -> (Stage, [CaseId; 2]) {
    let mut stage = Stage::set_under(golden(2));
    let gold = stage.gold_case("decreased").case();
    let case = stage.take_in();
    stage.reads("reader", case, "none");
    stage.reads("second", case, "none");
    (stage, [gold, case])
}

fn open(stage: &Stage, cases: &[CaseId], members: &[&str]) -> Command {
    Command::OpenCalibration {
        engagement: stage.engagement,
        title: "March".into(),
        cases: cases.to_vec(),
        members: members.iter().map(|name| stage.who(name)).collect(),
        ends_at: stage.world.now.plus_seconds(7 * 86_400),
    }
}

fn read(stage: &Stage, calibration: CalibrationId, case: CaseId, finding: &str) -> Command {
    let judgement = stage.judgement(case, finding);
    Command::ReadCalibration { engagement: stage.engagement, calibration, case, judgement }
}

fn round(stage: &Stage, calibration: CalibrationId) -> Calibration {
    match stage.world.state(stage.scope(), StreamId::Calibration(calibration)) {
        Some(State::Calibration(round)) => round.clone(),
        other => panic!("{calibration} is not there: {other:?}"),
    }
}

#[test]
fn a_round_is_over_decided_cases_of_one_form_for_people_who_may_read_them() {
    let (mut stage, cases) = stage();
    stage.foresee("manager", &open(&stage, &[], &["third", "deputy"]), "refused: field-invalid");
    stage.foresee("manager", &open(&stage, &cases, &["third"]), "refused: field-invalid");
    stage.foresee("manager", &open(&stage, &cases, &["third", "judge"]), "refused: role-missing");
    stage.foresee("manager", &open(&stage, &cases, &["third", "outsider"]), "refused: not-a-member");
    let live = stage.case_at(CaseStatus::Reading);
    stage.foresee("manager", &open(&stage, &[live], &["third", "deputy"]), "refused: wrong-state");
    let person = stage.who("third");
    stage.foresee("manager", &open(&stage, &cases, &["third", "deputy"]), "opened, made_known");
    stage.does("registrar", &Command::SetConflict { person, party: "acme".into(), declared: true });
    stage.foresee("manager", &open(&stage, &cases, &["third", "deputy"]), "refused: conflict");
}

#[test]
fn a_round_closes_when_all_have_read_and_measures_against_gold() {
    let (mut stage, [gold, case]) = stage();
    let calibration =
        Stage::round(&stage.does("manager", &open(&stage, &[gold, case], &["third", "deputy", "reader"])));
    let note = Command::NoteFinding {
        engagement: stage.engagement,
        calibration,
        kind: FindingKind::Precedent,
        question: Some("finding".into()),
        case: Some(case),
        text: "The interval includes zero.".into(),
    };
    stage.foresee("manager", &note, "refused: wrong-state");
    stage.foresee("second", &read(&stage, calibration, gold, "none"), "refused: not-found");
    for (name, finding) in [("third", "decreased"), ("deputy", "none"), ("reader", "decreased")] {
        stage.does(name, &read(&stage, calibration, gold, finding));
        stage.foresee(name, &read(&stage, calibration, gold, finding), "refused: already-read");
    }
    stage.does("third", &read(&stage, calibration, case, "none"));
    stage.does("deputy", &read(&stage, calibration, case, "none"));
    stage.check(
        "reader",
        &read(&stage, calibration, case, "none"),
        "read, closed, calibrated, calibrated, gold_tallied, gold_tallied",
    );
    assert_eq!(round(&stage, calibration).closed.map(|(cause, _)| cause), Some(Closing::AllRead));
    let tally = |name: &str| stage.member(name).gold.get(&stage.pack.digest).map(|tally| (tally.answers, tally.right));
    assert_eq!((tally("third"), tally("deputy")), (Some((1, 1)), Some((1, 0))));
    assert_eq!(tally("reader"), None, "she had read it before: it measures nothing");
    stage.check("manager", &note, "finding_noted");
    let next = Command::ClaimNext { engagement: stage.engagement };
    stage.take_in();
    for _ in 0..40 {
        stage.world.redraw();
        assert!(!stage.would("third", &next).contains("shown"), "what was read in a round is known");
    }
}

#[test]
fn a_correction_of_gold_measures_past_rounds_anew() {
    let (mut stage, [gold, _]) = stage();
    let engagement = stage.engagement;
    stage.take_in();
    let shown = stage.shown("third");
    stage.does("third", &stage.submit(shown, "none"));
    stage.wait(7 * 86_400);
    stage.world.act(Actor::Service, &Command::CloseShowing { engagement, case: shown }).unwrap();
    let calibration = Stage::round(&stage.does("manager", &open(&stage, &[gold], &["deputy", "second"])));
    stage.does("deputy", &read(&stage, calibration, gold, "none"));
    stage.does("second", &read(&stage, calibration, gold, "none"));
    let right = |stage: &Stage| stage.member("deputy").gold[&stage.pack.digest].right;
    assert_eq!(right(&stage), 0);
    stage.does("third", &Command::RebutGold { engagement, case: shown, note: "It did not fall.".into() });
    let corrected = Some([("finding".to_owned(), Answer::Choice("none".into()))].into());
    stage.does("umpire", &Command::DecideRebuttal { engagement, case: shown, corrected, note: "Right.".into() });
    assert_eq!(right(&stage), 1);
    crate::invariants::i24_everything_is_recomputed_from_events(&stage.world);
}

#[test]
fn i22_a_round_always_ends() {
    let (mut stage, [gold, case]) = stage();
    let engagement = stage.engagement;
    let calibration = Stage::round(&stage.does("manager", &open(&stage, &[gold, case], &["third", "deputy"])));
    stage.does("deputy", &read(&stage, calibration, gold, "none"));
    stage.does("deputy", &read(&stage, calibration, case, "none"));
    let close = Command::CloseCalibration { engagement, calibration };
    assert!(stage.world.clone().act(Actor::Service, &close).unwrap().decision.events.is_empty(), "not its last day");
    stage.foresee("manager", &close, "closed, calibrated, gold_tallied");
    // One who leaves the engagement leaves the round; it waited for her alone.
    let mut left = stage.clone();
    let person = left.who("third");
    left.does("manager", &Command::RemoveMember { engagement, person, successor: None });
    let over = round(&left, calibration);
    assert_eq!((over.left[&person], over.closed.map(|(cause, _)| cause)), (Departure::Lost, Some(Closing::AllRead)));
    // One who loses her place of work is taken out by the job that plans anew.
    let mut lost = stage.clone();
    lost.does("registrar", &Command::SetPlace { person, place: "FR".into() });
    lost.world.act(Actor::Service, &Command::Replan { engagement, person }).unwrap();
    assert!(!round(&lost, calibration).open());
    // One who steps back, and then the other: nobody is left.
    stage.does("third", &Command::LeaveCalibration { engagement, calibration });
    assert_eq!(round(&stage, calibration).closed.map(|(cause, _)| cause), Some(Closing::AllRead));
    let next = Stage::round(&stage.does("manager", &open(&stage, &[case], &["third", "deputy"])));
    stage.does("third", &Command::LeaveCalibration { engagement, calibration: next });
    stage.does("deputy", &Command::LeaveCalibration { engagement, calibration: next });
    assert_eq!(round(&stage, next).closed.map(|(cause, _)| cause), Some(Closing::Nobody));
    // And nobody does anything: the last day ends it.
    let last = Stage::round(&stage.does("manager", &open(&stage, &[case], &["third", "deputy"])));
    stage.wait(7 * 86_400);
    let close = Command::CloseCalibration { engagement, calibration: last };
    stage.world.act(Actor::Service, &close).unwrap();
    assert_eq!(round(&stage, last).closed.map(|(cause, _)| cause), Some(Closing::Time));
}

/// A stage whose pack asks readers for two of two gold answers, with one live case and gold made before it was asked.
fn gated() -> Stage {
    let mut stage = Stage::set();
    let engagement = stage.engagement;
    let mut gate = pack();
    gate.version = "1.1.0".into();
    let rule = Some(Calibrated { share_bp: 8_000, answers_min: 1 });
    gate.requirements.get_mut(&Duty::Read).unwrap().calibration = rule;
    let reference = gate.reference();
    stage.world.packs.insert(reference.digest, Arc::new(gate));
    stage.pack = reference;
    let sow = stage
        .draft_sow(vec![stage.line_in(LineKind::Standard, golden(2)), stage.line_in(LineKind::History, plan(2, true))]);
    stage.history = stage.sow(sow).lines[1].line;
    stage.does("manager", &Command::ProposeSow { engagement, sow });
    stage.does("manager", &Command::SignSow { engagement, sow });
    stage.does("client", &Command::SignSow { engagement, sow });
    stage
}

#[test]
fn below_the_threshold_there_is_no_live_case_and_the_figures_are_given() {
    let mut stage = gated();
    let case = stage.take_in();
    let claim = stage.claim(case);
    stage.foresee("third", &claim, "refused: not-calibrated");
    stage.foresee(
        "third",
        &Command::ClaimNext { engagement: stage.engagement },
        "refused: not-calibrated, nothing-eligible",
    );
    let facts = stage.world.facts(Some(stage.who("third")), &claim);
    let reasons = why_not(&facts, case, stage.who("third"), Duty::Read, stage.world.now);
    assert_eq!(reasons[0].code, code::NOT_CALIBRATED);
    assert!(
        reasons[0].sentence.contains("0 questions") && reasons[0].sentence.contains("1 are asked"),
        "{:?}",
        reasons[0]
    );
}

#[test]
fn who_lacks_nothing_but_calibration_is_given_gold_and_enters_at_once() {
    let mut stage = gated();
    let engagement = stage.engagement;
    // Gold under the gated pack comes from history: there its answer is known without anybody being calibrated.
    let past = stage.take_in_history();
    let answers = [("finding".to_owned(), Answer::Choice("decreased".into()))].into();
    let source = crate::stage::source(1);
    stage.does("manager", &stage.record(past, "reader", remit_kernel::index::Part::Panel, "decreased", 1));
    stage.does("manager", &Command::RecordReference { engagement, case: past, answers, source });
    stage.does("judge", &Command::ProposeGold { engagement, case: past, note: None });
    stage.does("manager", &Command::ApproveGold { engagement, gold: past.gold() });
    let live = stage.take_in();
    let next = Command::ClaimNext { engagement };
    for _ in 0..20 {
        stage.world.redraw();
        assert!(stage.would("third", &next).contains("shown"), "gold is all there is: {}", stage.would("third", &next));
    }
    let case = Stage::newest(&stage.does("third", &next));
    stage.foresee("third", &stage.claim(live), "refused: not-calibrated");
    stage.does("third", &stage.submit(case, "decreased"));
    stage.world.act(Actor::Service, &Command::CloseShowing { engagement, case }).unwrap();
    stage.check("third", &stage.claim(live), "seat_taken, duty_taken, reading_began");
    // Another who misses stays outside, with the share in the reason.
    let case = Stage::newest(&stage.does("deputy", &next));
    stage.does("deputy", &stage.submit(case, "none"));
    stage.world.act(Actor::Service, &Command::CloseShowing { engagement, case }).unwrap();
    let refusal = stage.act("deputy", &stage.claim(live)).unwrap_err();
    assert!(refusal.has(code::NOT_CALIBRATED) && refusal.to_string().contains("0 of 1"), "{refusal}");
    // I9: who no longer is calibrated does not finish what she began.
    let reader = stage.who("third");
    let facts = stage.world.facts(Some(reader), &stage.submit(live, "none"));
    let mut worse = facts.clone();
    worse.members.get_mut(&reader).unwrap().gold.clear();
    let refused = remit_kernel::decide(&stage.world.ctx(stage.as_person("third")), &stage.submit(live, "none"), &worse);
    assert!(refused.unwrap_err().has(code::NOT_CALIBRATED));
    assert!(
        remit_kernel::decide(&stage.world.ctx(stage.as_person("third")), &stage.submit(live, "none"), &facts).is_ok()
    );
}
