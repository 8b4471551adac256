//! Every event ever shipped can be read for ever: `tests/events/` keeps at least one of each kind and version.
//!
//! The lines of a file are whole streams in the order they happened, so that they fold. A kept line is never edited;
//! a new kind, or a new version of one, is appended.

use std::collections::{BTreeMap, BTreeSet};

use remit_kernel::{
    alarm::{AlarmEvent, Watched},
    calibration::{CalibrationEvent, FindingKind},
    case::{CaseEvent, Material, ReturnCode, Visibility},
    command::Command,
    ctx::Actor,
    directory::{OrganisationEvent, PersonEvent},
    engagement::{EngagementEvent, LineEvent, LineKind, MemberEvent, SowEvent, SowStatus},
    form::Answer,
    gold::GoldEvent,
    id::{CaseId, EngagementId},
    index::{CaseStatus, DefectKind, Part, Severity},
    lot::{LotEvent, SamplerEvent},
    model::{GoldTaken, ModelEvent},
    pack::{Acceptance, Plan, ReviewPlan, Stopping, WHOLE},
    panel::PanelEvent,
    precedent::PrecedentEvent,
    review::ReviewEvent,
    role::Role,
    stream::{EVENT_V, Event, Scope, State, StreamId, apply},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    alarm::{close, raises, signal},
    second::{both, looks, third},
    sequential::figures,
    stage::{Stage, every_case, golden, item_in, plan, reviewed, source},
    world::{Logged, States},
};

/// One kept event.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    scope: String,
    stream: String,
    kind: String,
    v: u16,
    recorded_at: String,
    body: Value,
}

const V1: &str = include_str!("../events/v1.jsonl");

fn kept() -> impl Iterator<Item = Kept> {
    V1.lines().map(|line| serde_json::from_str(line).expect("a kept line is an event"))
}

#[test]
fn every_kept_event_reads_lifts_and_folds() {
    let mut states = States::new();
    for kept in kept() {
        let (scope, stream): (Scope, StreamId) = (kept.scope.parse().unwrap(), kept.stream.parse().unwrap());
        let event = Event::read(stream, &kept.kind, kept.v, &kept.body.to_string()).unwrap();
        let (version, state) =
            states.remove(&(scope, stream)).map_or((0, None), |(version, state)| (version, Some(state)));
        let next = apply(stream, state, &event, kept.recorded_at.parse().unwrap()).unwrap();
        states.insert((scope, stream), (version + 1, next));
    }
    assert!(states.values().all(|(_, state)| !state.write().is_empty()));
}

#[test]
fn every_kind_of_event_is_kept() {
    let kept: BTreeSet<_> = kept().map(|kept| (word(&kept.stream), kept.kind, kept.v)).collect();
    let missing: Vec<_> = every_kind()
        .into_iter()
        .filter(|(stream, kind)| !kept.contains(&(stream.clone(), kind.clone(), EVENT_V)))
        .collect();
    let lines: Vec<_> = everything_happens().iter().map(line).collect();
    assert!(
        missing.is_empty(),
        "{missing:?} are not kept; append their streams from these lines:\n{}",
        lines.join("\n")
    );
}

#[test]
fn an_event_of_no_known_version_is_an_error() {
    let stream = StreamId::Panel(remit_kernel::id::Id::of(remit_kernel::id::Suffix::new(1, [1; 10])));
    for (kind, v) in [("voided", EVENT_V + 1), ("unheard_of", EVENT_V)] {
        assert!(Event::read(stream, kind, v, "{}").unwrap_err().to_string().contains(kind));
    }
    assert!(
        apply(stream, None, &Event::Panel(PanelEvent::Voided {}), "2026-03-02T09:00:00Z".parse().unwrap()).is_err()
    );
}

fn word(stream: &str) -> String {
    stream.split('/').next().unwrap_or_default().to_owned()
}

fn line(logged: &Logged) -> String {
    let (kind, body) = logged.event.write();
    let body = serde_json::from_str(&body).unwrap();
    let (scope, stream) = (logged.scope.to_string(), logged.stream.to_string());
    serde_json::to_string(&Kept { scope, stream, kind, v: EVENT_V, recorded_at: logged.at.to_string(), body }).unwrap()
}

/// Returns every variant of every event enum, by the word of its stream.
fn every_kind() -> BTreeSet<(String, String)> {
    let kinds = [
        ("engagement", kinds_of::<EngagementEvent>()),
        ("sow", kinds_of::<SowEvent>()),
        ("line", kinds_of::<LineEvent>()),
        ("case", kinds_of::<CaseEvent>()),
        ("panel", kinds_of::<PanelEvent>()),
        ("gold", kinds_of::<GoldEvent>()),
        ("calibration", kinds_of::<CalibrationEvent>()),
        ("precedent", kinds_of::<PrecedentEvent>()),
        ("alarm", kinds_of::<AlarmEvent>()),
        ("review", kinds_of::<ReviewEvent>()),
        ("lot", kinds_of::<LotEvent>()),
        ("sampler", kinds_of::<SamplerEvent>()),
        ("model", kinds_of::<ModelEvent>()),
        ("member", kinds_of::<MemberEvent>()),
        ("org", kinds_of::<OrganisationEvent>()),
        ("person", kinds_of::<PersonEvent>()),
    ];
    kinds.into_iter().flat_map(|(stream, kinds)| kinds.into_iter().map(move |kind| (stream.to_owned(), kind))).collect()
}

/// Returns the kinds of an enum, as serde names them when it meets one it does not know.
fn kinds_of<T: DeserializeOwned + std::fmt::Debug>() -> Vec<String> {
    let unknown = serde_json::json!({ "kind": "?", "body": {} });
    let error = serde_json::from_value::<T>(unknown).unwrap_err().to_string();
    let kinds: Vec<_> = error.split('`').skip(1).step_by(2).skip(1).map(str::to_owned).collect();
    assert!(!kinds.is_empty(), "serde names the kinds in another way now: {error}");
    kinds
}

#[test]
fn every_kind_of_event_happens() {
    let mut times = BTreeMap::<_, u32>::new();
    for logged in everything_happens() {
        *times.entry((word(&logged.stream.to_string()), logged.event.write().0)).or_default() += 1;
    }
    let never: Vec<_> = every_kind().into_iter().filter(|kind| !times.contains_key(kind)).collect();
    assert!(never.is_empty(), "{never:?} cannot be brought about: a dead event, or a gap in this story");
}

/// Plays a story in which every kind of event happens.
fn everything_happens() -> Vec<Logged> {
    let mut stage = Stage::set();
    let engagement = stage.engagement;
    people_change(&mut stage);
    for status in [CaseStatus::Declined, CaseStatus::Accepted, CaseStatus::Cancelled, CaseStatus::Revision] {
        stage.case_at(status);
    }
    questioned(&mut stage);
    history(&mut stage);
    let mut log = golden_days();
    let sow = stage.draft_sow(vec![stage.line_in(LineKind::Standard, plan(1, false))]);
    let limit = Plan {
        stopping: Stopping::Sequential { readings_min: 2, readings_max: 3, error_max: 50_000 },
        ..plan(2, true)
    };
    let lines = vec![stage.line_in(LineKind::Standard, limit)];
    let known = stage.sow(sow);
    let (starts_on, ends_on) = (known.starts_on, known.ends_on);
    stage.does("manager", &Command::ReviseSow { engagement, sow, starts_on, ends_on, names_people: false, lines });
    stage.does("manager", &Command::ProposeSow { engagement, sow });
    stage.does("manager", &Command::SignSow { engagement, sow });
    stage.does("client", &Command::SignSow { engagement, sow });
    outvoted(&mut stage);
    let lines = vec![stage.line_in(LineKind::Standard, plan(1, true))];
    let (starts_on, ends_on) = ("2027-01-01".parse().unwrap(), "2027-12-31".parse().unwrap());
    stage.does("manager", &Command::DraftSow { engagement, starts_on, ends_on, names_people: false, lines });
    let ahead = stage.world.streams(stage.scope()).find_map(|(_, state)| match state {
        State::Sow(known) if known.status == SowStatus::Draft => Some(known.sow),
        _ => None,
    });
    let sow = ahead.expect("it was drafted");
    stage.does("manager", &Command::ProposeSow { engagement, sow });
    stage.does("manager", &Command::SignSow { engagement, sow });
    stage.does("client", &Command::SignSow { engagement, sow });
    let drifting = signal(Watched::Reader(stage.who("second")), None);
    raises(&mut stage, &drifting);
    stage.does("manager", &close(&stage, drifting.alarm(engagement)));
    log.extend(stage.world.log);
    log.extend(reviews());
    log.extend(mended());
    log
}

/// Gold in every turn it can take, on a stage of its own.
fn golden_days() -> Vec<Logged> {
    let mut stage = Stage::set_under(golden(2));
    let engagement = stage.engagement;
    let gold = stage.gold_case("decreased");
    stage.take_in();
    let case = stage.shown("third");
    stage.does("third", &stage.submit(case, "none"));
    stage.wait(7 * 86_400);
    stage.world.act(Actor::Service, &Command::CloseShowing { engagement, case }).unwrap();
    stage.does("third", &Command::RebutGold { engagement, case, note: "The interval includes zero.".into() });
    let corrected = Some([("finding".to_owned(), Answer::Choice("none".into()))].into());
    stage.does("umpire", &Command::DecideRebuttal { engagement, case, corrected, note: "So it does.".into() });
    let members = ["deputy", "second", "reader"].map(|name| stage.who(name)).to_vec();
    let (title, ends_at) = ("March".to_owned(), stage.world.now.plus_seconds(86_400));
    let round = Command::OpenCalibration { engagement, title, cases: vec![gold.case()], members, ends_at };
    let calibration = Stage::round(&stage.does("manager", &round));
    let judgement = stage.judgement(gold.case(), "none");
    let reading = Command::ReadCalibration { engagement, calibration, case: gold.case(), judgement };
    stage.does("reader", &Command::LeaveCalibration { engagement, calibration });
    stage.does("deputy", &reading);
    stage.does("second", &reading);
    let (kind, text) = (FindingKind::Playbook, "Read the interval first.".to_owned());
    let question = Some("finding".to_owned());
    stage.does(
        "manager",
        &Command::NoteFinding { engagement, calibration, kind, question, case: Some(gold.case()), text },
    );
    stage.does("manager", &Command::RetireGold { engagement, gold, reason: "Discussed in the open.".into() });
    let case = stage.take_in();
    stage.reads("reader", case, "none");
    stage.reads("second", case, "none");
    stage.does("judge", &Command::ProposeGold { engagement, case, note: None });
    stage.does("manager", &Command::DeclineGold { engagement, gold: case.gold(), reason: "Too plain.".into() });
    guidance(&mut stage, case);
    stage.world.log
}

/// An engagement whose work is reviewed until sampling is discontinued, and begins again.
fn reviews() -> Vec<Logged> {
    let review = ReviewPlan { acceptance: Some(Acceptance { aql: 650, reduced: false }), ..ReviewPlan::default() };
    let mut stage = Stage::under(reviewed(false, review), None);
    let (engagement, line) = (stage.engagement, stage.line);
    let wrong = Some((DefectKind::Format, Severity::Major));
    // A lot of three: its sample of two fails, one finding is struck, and the third case is drawn as well.
    let cases = [stage.decided(), stage.decided(), stage.decided(), stage.decided()];
    stage.does("manager", &stage.deliver(cases[0]));
    stage.does("client", &stage.cancel(cases[3]));
    let lot = stage.case(cases[0]).lot.expect("it was decided");
    stage.wait(7 * 86_400);
    stage.does("checker", &Command::CloseLot { engagement, lot });
    let sampled = stage.lot(lot).sampled();
    stage.does("checker", &stage.take_review(sampled[0]));
    let (case, reason) = (sampled[0], "Away.".to_owned());
    stage.does("checker", &Command::ReleaseSeat { engagement, case, reason });
    for case in sampled.clone() {
        stage.reviews("checker", case, wrong);
    }
    stage.does("checker", &Command::ScreenLot { engagement, lot });
    let (case, review, note) = (sampled[0], stage.review_of(sampled[0]), "It is there.".to_owned());
    stage.does("reader", &Command::RebutReview { engagement, case, review, note: note.clone() });
    stage.does("controller", &Command::RuleReview { engagement, case, review, upheld: false, note: note.clone() });
    let left = cases.into_iter().find(|case| stage.case(*case).holds.len() == 1).expect("it is to be reviewed");
    stage.does("client", &stage.cancel(left));
    // Six more lots of one case each, all rejected.
    for _ in 0..6 {
        let case = stage.decided();
        let lot = stage.case(case).lot.expect("it was decided");
        stage.wait(7 * 86_400);
        stage.does("checker", &Command::CloseLot { engagement, lot });
        stage.reviews("checker", case, wrong);
    }
    stage.does("client", &Command::ResumeSampling { engagement, line, case_type: "trial".into(), note });
    stage.world.log
}

/// Work that two reviewers look at: mended until nobody looks again, and a finding that is struck.
fn mended() -> Vec<Logged> {
    let mut stage = Stage::under(reviewed(false, ReviewPlan { second: WHOLE, ..every_case() }), None);
    let (engagement, wrong) = (stage.engagement, Some((DefectKind::Format, Severity::Major)));
    third(&mut stage);
    let [mended, struck] = [stage.decided(), stage.decided()];
    for case in [mended, struck] {
        let [one, other] = both(&stage, case);
        looks(&mut stage, "checker", (case, one), wrong);
        looks(&mut stage, "controller", (case, other), None);
    }
    for body in ["Pain fell.", "Pain fell a little."] {
        stage.does("manager", &Command::EditDeliverable { engagement, case: mended, body: body.into() });
        stage.reviews("checker", mended, wrong);
    }
    let ([review, _], note, case) = (both(&stage, struck), "It is there.".to_owned(), struck);
    stage.does("reader", &Command::RebutReview { engagement, case, review, note: note.clone() });
    stage.does("abroad", &Command::RuleReview { engagement, case, review, upheld: false, note });
    stage.world.log
}

/// Guidance in every turn it can take.
fn guidance(stage: &mut Stage, case: CaseId) {
    let engagement = stage.engagement;
    let other = stage.take_in();
    stage.reads("reader", other, "none");
    stage.reads("second", other, "none");
    let propose = |case, replaces| Command::ProposePrecedent {
        engagement,
        case,
        question: "finding".into(),
        text: "No effect where the interval includes zero.".into(),
        replaces,
    };
    let (first, second) = (case.precedent(), other.precedent());
    let reason = || "Too narrow.".to_owned();
    stage.does("judge", &propose(case, None));
    stage.does("manager", &Command::DeclinePrecedent { engagement, precedent: first, reason: reason() });
    stage.does("judge", &propose(case, None));
    stage.does("manager", &Command::ApprovePrecedent { engagement, precedent: first });
    stage.does("judge", &propose(other, Some(first)));
    stage.does("manager", &Command::ApprovePrecedent { engagement, precedent: second });
    stage.does("manager", &Command::WithdrawPrecedent { engagement, precedent: second, reason: reason() });
}

fn people_change(stage: &mut Stage) {
    let (engagement, person) = (stage.engagement, stage.who("third"));
    let credential = stage.credential("third", "lawyer", "GB", "2026-12-31");
    let roles = [Role::Expert].into();
    for command in [
        Command::RevokeCredential { person, credential, reason: "Struck off.".into() },
        Command::SetClearance { person, clearance: "trials".into(), granted: false },
        Command::SetConflict { person, party: "globex".into(), declared: true },
        Command::SetConflict { person, party: "globex".into(), declared: false },
        Command::SetPlace { person, place: "GB".into() },
        Command::ChangeMember { engagement, person, roles, capacity: 1 },
        Command::RemoveMember { engagement, person, successor: None },
        Command::MarkLeft { person },
    ] {
        stage.does("registrar", &command);
    }
}

/// A case with every detour: a seat and a bench given back, a signature refused, returned, voided.
fn questioned(stage: &mut Stage) {
    let engagement = stage.engagement;
    let case = stage.take_in();
    let away = |case| Command::ReleaseSeat { engagement, case, reason: "Away.".into() };
    let appendix = item_in("Appendix", Visibility::Client);
    let added = stage.does("client", &Command::AddItem { engagement, case, replaces: None, item: appendix });
    let item = match &added.decision.events[0].1 {
        Event::Case(CaseEvent::ItemAdded { item }) => item.item,
        other => panic!("an item was added, not {other:?}"),
    };
    stage.does("client", &Command::WidenItem { engagement, case, item });
    stage.does("manager", &Command::AddParty { engagement, case, party: "globex".into() });
    let to = stage.who("deputy");
    stage.does("manager", &Command::TransferCase { engagement, case, to, reason: "Holiday.".into() });
    stage.does("second", &stage.claim(case));
    stage.does("second", &away(case));
    stage.reads("reader", case, "decreased");
    stage.reads("second", case, "none");
    stage.does("judge", &stage.take_dispute(case));
    stage.does("judge", &away(case));
    stage.adjudicates("judge", case, "decreased");
    stage.does("signer", &stage.open(case, Material::Deliverable));
    stage.does("signer", &stage.send_back(case, ReturnCode::Fact));
    stage.adjudicates("umpire", case, "none");
    stage.does("signer", &Command::RefuseSignoff { engagement, case, note: "Not my field.".into() });
    stage.does("manager", &Command::RequestSignoff { engagement, case });
    stage.does("manager", &Command::EditDeliverable { engagement, case, body: "Pain did not change.".into() });
    let reader = stage.take_in();
    stage.does("reader", &stage.claim(reader));
    stage.does("client", &stage.cancel(reader));
}

/// A case under a limit: two differ, a third is asked for, and one is outvoted.
fn outvoted(stage: &mut Stage) {
    let questions = figures(99, 40);
    stage.does(
        "manager",
        &Command::FitModel { engagement: stage.engagement, questions, panels: 400, gold: GoldTaken::default() },
    );
    let case = stage.take_in();
    for (name, finding) in [("reader", "decreased"), ("second", "none"), ("deputy", "decreased")] {
        stage.reads(name, case, finding);
    }
}

/// A case of the past: agreed, with a suggestion and a reference beside it.
fn history(stage: &mut Stage) {
    let (engagement, case): (EngagementId, _) = (stage.engagement, stage.take_in_history());
    let answers = [("finding".to_owned(), Answer::Choice("none".into()))].into();
    stage.does("manager", &stage.record(case, "reader", Part::Panel, "none", 1));
    stage.does("manager", &stage.record(case, "second", Part::Panel, "none", 2));
    stage.does("manager", &stage.record(case, "judge", Part::Ai, "none", 3));
    stage.does("manager", &Command::RecordReference { engagement, case, answers, source: source(4) });
}
