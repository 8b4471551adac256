//! The sequential rule: when a panel stops, on what ground, and that it always ends.

use std::collections::BTreeMap;

use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, RngSeed, TestRunner},
};
use remit_kernel::{
    case::DecidedBy,
    command::Command,
    form::Answer,
    id::CaseId,
    index::{CaseStatus, PanelStatus, Part},
    model::{GoldTaken, KNOWN_MIN, MILLION, Measured, measure},
    pack::{Plan, Stopping},
    panel::{Panel, Verdict, Weighed},
};

use crate::{
    invariants,
    stage::{Stage, pack, plan, source},
    world::told,
};

const READERS: [&str; 4] = ["reader", "second", "third", "deputy"];

fn sequential(readings_min: u8, readings_max: u8, error_max: u32) -> Plan {
    Plan { stopping: Stopping::Sequential { readings_min, readings_max, error_max }, ..plan(2, true) }
}

/// A stage whose line stops at a chance of 1 %.
fn one_percent(readings_max: u8) -> Stage {
    Stage::live(sequential(2, readings_max, 10_000))
}

/// Figures of four readers who are right so often out of a hundred, and err evenly.
pub(crate) fn figures(right: u32, known: u32) -> BTreeMap<String, Measured> {
    let classes: Vec<_> = ["increased", "decreased", "none"].map(str::to_owned).into();
    let cell = |place: usize| if place.is_multiple_of(4) { right * 100 } else { (100 - right) * 50 };
    let cells: Vec<_> = (0..9).map(cell).collect();
    let stage = Stage::set();
    let readers = READERS.iter().map(|name| (stage.who(name), cells.clone())).collect();
    let accuracy = right * (MILLION / 100);
    let measured =
        Measured { classes, prior: vec![333_333; 3], accuracy, readers, temperature: 1_000, known, cases: 400 };
    [("finding".to_owned(), measured)].into()
}

fn fitted(stage: &mut Stage, right: u32, known: u32) {
    let command = Command::FitModel {
        engagement: stage.engagement,
        questions: figures(right, known),
        panels: 400,
        gold: GoldTaken::default(),
    };
    assert_eq!(stage.tries("manager", &command), "fitted");
    assert_eq!(stage.tries("manager", &command), "nothing", "the same figures again");
}

fn last(panel: &Panel) -> Weighed {
    panel.weighed.last().expect("it was weighed").0
}

/// Seals readings one after the other and returns what the last one came to.
fn read(stage: &mut Stage, case: CaseId, findings: &[&str]) -> String {
    let mut came_to = String::new();
    for finding in findings {
        let sealed = stage.panel(case).panel_readings().count();
        let name = READERS[sealed];
        stage.does(name, &stage.claim(case));
        came_to = stage.tries(name, &stage.submit(case, finding));
    }
    came_to
}

#[test]
fn without_thirty_known_answers_the_fewest_readings_are_compared_and_nothing_is_claimed() {
    for known in [None, Some(KNOWN_MIN - 1)] {
        let mut stage = one_percent(4);
        if let Some(known) = known {
            fitted(&mut stage, 97, known);
        }
        let case = stage.take_in();
        let came_to = read(&mut stage, case, &["decreased", "none"]);
        assert_eq!(came_to, "reading_sealed, duty_ended, weighed, disputed, adjudication_asked");
        let weighed = last(&stage.panel(case));
        assert_eq!((weighed.verdict, weighed.error, weighed.model), (Verdict::Uncalibrated, None, None));
        assert_eq!(stage.panel(case).spared(), 0, "no limit spared the other two readings");
        assert_eq!(
            weighed.sentence(),
            "Stopped after 2 readings: nothing calibrates an estimate of the chance of a wrong answer yet"
        );
    }
}

#[test]
fn two_good_readers_who_agree_are_enough_and_the_deliverable_says_so() {
    let mut stage = one_percent(4);
    fitted(&mut stage, 97, KNOWN_MIN);
    let case = stage.take_in();
    let came_to = read(&mut stage, case, &["decreased", "decreased"]);
    assert_eq!(came_to, "reading_sealed, duty_ended, weighed, agreed, resolved, signoff_requested");
    let panel = stage.panel(case);
    let weighed = last(&panel);
    assert_eq!((weighed.verdict, weighed.readings, weighed.model), (Verdict::Enough, 2, Some(1)));
    assert_eq!(panel.spared(), 2, "four readings would have been allowed");
    // By hand: each is right with chance (97 + 4 * .97) / 104, and wrong in one of two ways.
    let (right, wrong) = (100.88 / 104.0_f64, 3.12 / 208.0_f64);
    let error = 2.0 * wrong * wrong / (right * right + 2.0 * wrong * wrong);
    let told = f64::from(weighed.error.unwrap());
    assert!((error * 1e6..error * 1e6 + 1.0).contains(&told), "{error} is told as {told} millionths");
    let sentence = "Stopped after 2 readings: estimated chance of a wrong answer under 0.1 %, limit 1 %";
    assert_eq!(weighed.sentence(), sentence);
    let deliverable = stage.case(case).resolution.unwrap().deliverable.unwrap();
    assert!(stage.world.texts[&deliverable.id].contains(sentence));
}

#[test]
fn readers_who_differ_get_a_third_and_a_fourth_and_one_is_outvoted() {
    let mut stage = one_percent(4);
    fitted(&mut stage, 97, KNOWN_MIN);
    let case = stage.take_in();
    assert_eq!(read(&mut stage, case, &["decreased", "none"]), "reading_sealed, duty_ended, weighed");
    let panel = stage.panel(case);
    assert_eq!(
        (panel.status, panel.open_seat(), last(&panel).verdict, panel.spared()),
        (PanelStatus::Reading, Some(3), Verdict::Another, 0)
    );
    assert_eq!(stage.case(case).status, CaseStatus::Reading);
    assert_eq!(read(&mut stage, case, &["decreased"]), "reading_sealed, duty_ended, weighed");
    let came_to = read(&mut stage, case, &["decreased"]);
    assert_eq!(came_to, "reading_sealed, duty_ended, weighed, outvoted, resolved, signoff_requested");
    let (panel, resolution) = (stage.panel(case), stage.case(case).resolution.unwrap());
    assert_eq!((panel.status, resolution.decided.by), (PanelStatus::Outvoted, DecidedBy::Panel));
    assert_eq!((panel.disputed.as_slice(), panel.agreed), (&["finding".to_owned()][..], false));
    assert_eq!(resolution.outcome.answers["finding"], Answer::Choice("decreased".into()));
    let verdicts: Vec<_> = panel.weighed.iter().map(|(weighed, _)| (weighed.readings, weighed.verdict)).collect();
    assert_eq!(verdicts, [(2, Verdict::Another), (3, Verdict::Another), (4, Verdict::Enough)]);
    // Whoever was outvoted may still be right: the signer can say so, and an adjudicator decides.
    stage.opens_all("signer", case);
    stage.does("signer", &stage.send_back(case, remit_kernel::case::ReturnCode::Fact));
    stage.adjudicates("judge", case, "none");
    assert_eq!(stage.panel(case).status, PanelStatus::Adjudicated);
}

#[test]
fn at_the_cap_readings_are_compared_as_they_stand() {
    let mut stage = one_percent(3);
    fitted(&mut stage, 97, KNOWN_MIN);
    let case = stage.take_in();
    let came_to = read(&mut stage, case, &["decreased", "none", "decreased"]);
    assert_eq!(came_to, "reading_sealed, duty_ended, weighed, disputed, adjudication_asked");
    assert_eq!(last(&stage.panel(case)).verdict, Verdict::Cap);
    let other = stage.take_in();
    fitted(&mut stage, 60, KNOWN_MIN);
    let came_to = read(&mut stage, other, &["none", "none", "none"]);
    assert_eq!(came_to, "reading_sealed, duty_ended, weighed, agreed, resolved, signoff_requested");
    assert_eq!((last(&stage.panel(other)).verdict, last(&stage.panel(other)).model), (Verdict::Cap, Some(2)));
}

#[test]
fn a_further_reading_waits_some_hours_for_a_better_reader_and_nobody_can_tell() {
    let mut stage = one_percent(4);
    let mut questions = figures(80, KNOWN_MIN);
    let best = stage.who("third");
    let measured = questions.get_mut("finding").unwrap();
    measured.readers.insert(best, vec![9_900, 50, 50, 50, 9_900, 50, 50, 50, 9_900]);
    let engagement = stage.engagement;
    stage.does("manager", &Command::FitModel { engagement, questions, panels: 400, gold: GoldTaken::default() });
    let (case, later) = (stage.take_in(), stage.take_in());
    read(&mut stage, case, &["decreased", "none"]);
    let next = Command::ClaimNext { engagement };
    // The best one is free, so the other is given the next case in the order of promises, and it says so in the record.
    let mut other = stage.clone();
    other.does("deputy", &next);
    assert!(other.panel(later).assignment_of(other.who("deputy")).is_some());
    let mut best_takes = stage.clone();
    best_takes.does("third", &next);
    assert!(best_takes.panel(case).assignment_of(best).is_some(), "the earliest promise, whichever reading it is");
    // After some hours, or where nothing else fits, anybody eligible takes it.
    let mut waited = stage.clone();
    waited.wait(4 * 3_600);
    waited.does("deputy", &next);
    assert!(waited.panel(case).assignment_of(waited.who("deputy")).is_some());
    stage.does("client", &stage.cancel(later));
    stage.does("deputy", &next);
    assert!(stage.panel(case).assignment_of(stage.who("deputy")).is_some());
}

#[test]
fn where_nobody_is_left_to_read_a_manager_closes_the_panel() {
    let mut stage = one_percent(5);
    fitted(&mut stage, 60, KNOWN_MIN);
    let case = stage.take_in();
    let close = Command::CloseReading { engagement: stage.engagement, case };
    stage.check("manager", &close, "refused: wrong-state");
    read(&mut stage, case, &["none"]);
    stage.check("manager", &close, "refused: wrong-state");
    read(&mut stage, case, &["none"]);
    stage.does("third", &stage.claim(case));
    stage.check("manager", &close, "refused: holds-seat");
    stage.does("third", &Command::ReleaseSeat { engagement: stage.engagement, case, reason: "Ill.".into() });
    stage.check("manager", &close, "weighed, agreed, resolved, signoff_requested");
    let panel = stage.panel(case);
    assert_eq!((last(&panel).verdict, panel.seats.len(), panel.ended()), (Verdict::Closed, 2, true));
    stage.check("manager", &close, "refused: wrong-state");
}

#[test]
fn one_reading_alone_decides_only_where_both_sides_signed_the_case_type() {
    let mut stage = Stage::set();
    let (engagement, starts_on, ends_on) =
        (stage.engagement, "2026-01-01".parse().unwrap(), "2026-12-31".parse().unwrap());
    let named = |mut plan: Plan, types: &[&str]| {
        plan.single_allowed = types.iter().map(|name| (*name).to_owned()).collect();
        plan
    };
    for (plan, expect) in [
        (named(plan(1, true), &[]), "refused: single-reading"),
        (named(sequential(1, 3, 10_000), &[]), "refused: single-reading"),
        (named(plan(1, true), &["census"]), "refused: field-invalid"),
        (named(sequential(3, 2, 10_000), &[]), "refused: field-invalid"),
        (named(sequential(2, 3, 0), &[]), "refused: field-invalid"),
        (named(sequential(2, 3, MILLION), &[]), "refused: field-invalid"),
        (named(sequential(2, 10, 10_000), &[]), "refused: field-invalid"),
        (named(plan(1, true), &["trial"]), "drafted"),
        (named(sequential(1, 3, 10_000), &["trial"]), "drafted"),
    ] {
        let lines = vec![stage.line_in(remit_kernel::engagement::LineKind::Standard, plan)];
        stage.check(
            "manager",
            &Command::DraftSow { engagement, starts_on, ends_on, names_people: false, lines },
            expect,
        );
    }
    let mut stage = Stage::live(named(sequential(1, 3, 50_000), &["trial"]));
    fitted(&mut stage, 97, KNOWN_MIN);
    let case = stage.take_in();
    let came_to = read(&mut stage, case, &["none"]);
    assert_eq!(came_to, "reading_sealed, duty_ended, weighed, left_single, resolved, signoff_requested");
    assert_eq!(named(sequential(1, 3, 1), &["trial"]).stopping_of("census").first(), 2, "of other types two");
    // A plan of one reading that was signed before types were named stays as it was signed, to the letter.
    let old = named(plan(1, true), &[]);
    assert_eq!(old.stopping_of("trial").first(), 1);
    let written = r#"{"signoff":true,"signoff_in_jurisdiction":true,"stopping":{"readings":1,"rule":"fixed"}}"#;
    assert_eq!(serde_json::from_str::<Plan>(written).unwrap(), old);
    assert_eq!(serde_json::to_value(&old).unwrap(), serde_json::from_str::<serde_json::Value>(written).unwrap());
}

#[test]
fn readers_are_measured_from_closed_panels_and_known_answers() {
    let mut stage = Stage::set();
    let findings = ["increased", "decreased", "none"];
    for number in 0..36_usize {
        let case = stage.take_in_history();
        let (truth, other) = (findings[number % 3], findings[(number + 1) % 3]);
        let second = if number % 4 == 0 { other } else { truth };
        stage.does("manager", &stage.record(case, "reader", Part::Panel, truth, 1));
        stage.does("manager", &stage.record(case, "second", Part::Panel, second, 2));
        let answers = [("finding".to_owned(), Answer::Choice(truth.into()))].into();
        let engagement = stage.engagement;
        stage.does("manager", &Command::RecordReference { engagement, case, answers, source: source(3) });
    }
    let panels: Vec<_> = crate::attempt::cases(&stage).iter().map(|case| stage.panel(case.case)).collect();
    let form = pack().form;
    let closed: Vec<_> = panels.iter().map(|panel| (panel, &form)).collect();
    let measured = measure(&closed, &[], stage.world.now);
    assert_eq!(measured.keys().collect::<Vec<_>>(), ["finding"], "one question decides");
    let finding = &measured["finding"];
    assert_eq!((finding.cases, finding.known), (36, 36));
    let right = |name: &str| {
        let cells = &finding.readers[&stage.who(name)];
        (0..3).map(|class| cells[class * 4]).sum::<u32>()
    };
    assert_eq!((right("reader"), right("second")), (3_600, 2_700), "hundredths of answers of today");
    assert_eq!(finding.accuracy, 875_000);
    assert_eq!(measure(&closed, &[], stage.world.now), measured, "the same panels give the same figures");
    // Half a year later they count half.
    let later = measure(&closed, &[], stage.world.now.plus_seconds(180 * 86_400));
    assert_eq!(later["finding"].readers[&stage.who("reader")].iter().sum::<u32>(), 1_800);
    assert_eq!(measure(&[], &[], stage.world.now), BTreeMap::new());
}

/// A plan, figures of the readers if there are any, and what happens while a panel is read: findings by turn, and whether
/// a seat is given back on the way.
type Life = (Plan, Option<(u32, u32)>, Vec<(&'static str, bool)>);

fn lives() -> impl Strategy<Value = Life> {
    let plans = (1_u8..4, 0_u8..4, select(vec![1, 500, 10_000, 200_000, 900_000]), any::<bool>());
    let plans = plans.prop_map(|(least, more, limit, single)| {
        let mut plan = sequential(least, least + more, limit);
        if least == 1 || single {
            plan.single_allowed = ["trial".to_owned()].into();
        }
        plan
    });
    let model = prop::option::of((34_u32..100, select(vec![0, KNOWN_MIN, 500])));
    let findings = select(vec!["decreased", "decreased", "none", "increased"]);
    (plans, model, prop::collection::vec((findings, any::<bool>()), 8))
}

#[test]
fn i22_a_panel_always_ends_under_any_sequential_plan_and_says_why() {
    let config =
        Config { cases: 120, rng_seed: RngSeed::Fixed(20_261_127), failure_persistence: None, ..Config::default() };
    let ran = TestRunner::new(config).run(&lives(), |(plan, model, turns)| {
        let stopping = plan.stopping_of("trial");
        let single = plan.single_allowed.contains("trial");
        let mut stage = Stage::live(plan);
        if let Some((right, known)) = model {
            fitted(&mut stage, right, known);
        }
        let case = stage.take_in();
        for (finding, away) in turns {
            let panel = stage.panel(case);
            if !panel.waits_for_readers() || panel.panel_readings().count() == READERS.len() {
                break;
            }
            let name = READERS[panel.panel_readings().count()];
            stage.does(name, &stage.claim(case));
            if away {
                stage.does(name, &Command::ReleaseSeat { engagement: stage.engagement, case, reason: "Ill.".into() });
                stage.does(name, &stage.claim(case));
            }
            let sealed = stage.act(name, &stage.submit(case, finding));
            invariants::hold(&stage.world, sealed.as_ref().map_err(|refusal| told(&Err(refusal.clone()))).unwrap());
        }
        if stage.panel(case).waits_for_readers() {
            let close = Command::CloseReading { engagement: stage.engagement, case };
            let closed = stage.act("manager", &close);
            invariants::hold(&stage.world, closed.as_ref().expect("it has its fewest readings"));
        }
        let panel = stage.panel(case);
        let weighed = last(&panel);
        prop_assert_ne!(weighed.verdict, Verdict::Another);
        prop_assert_eq!(panel.panel_readings().count(), usize::from(weighed.readings));
        prop_assert!(weighed.readings >= stopping.first() && weighed.readings <= stopping.last());
        prop_assert!(weighed.readings >= 2 || single);
        if stage.case(case).status == CaseStatus::Adjudicating {
            stage.adjudicates("judge", case, "none");
        }
        prop_assert!(stage.panel(case).ended());
        prop_assert_eq!(stage.case(case).status, CaseStatus::AwaitingSignOff);
        Ok(())
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
}
