//! Who may do what to a case in which state: one table, every command, as the kernel alone sees it.
//!
//! What a person may not even see is a matter of access and tested there: a cell says `ok` wherever no rule of the
//! domain refuses. Under each command stand the states in which it comes to the same, and under those who gets which
//! answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use remit_kernel::{
    alarm::{AlarmCause, Watched},
    calibration::FindingKind,
    case::{Material, ReturnCode, Visibility},
    command::{Command, PersonIn, ReviewIn},
    ctx::Actor,
    engagement::LineKind,
    form::Answer,
    id::{AlarmId, CalibrationId, CaseId, LotId, ReviewId},
    index::{CaseStatus, Part},
    model::GoldTaken,
    role::{Role, Side},
};

use crate::{
    alarm::signal,
    stage::{OfChance as _, Stage, date, every_case, item_in, plan, reviewed, source},
    world::codes,
};

/// Who tries it; `service` is a job of the server.
const ACTORS: &[&str] =
    &["reader", "second", "judge", "signer", "checker", "manager", "client", "auditor", "outsider", "service"];
/// The states that a case is tried in, and one of the past.
const STATES: &[CaseStatus] = &[
    CaseStatus::ScopeQuery,
    CaseStatus::Declined,
    CaseStatus::Ready,
    CaseStatus::Reading,
    CaseStatus::Adjudicating,
    CaseStatus::InReview,
    CaseStatus::AwaitingSignOff,
    CaseStatus::SignedOff,
    CaseStatus::Delivered,
    CaseStatus::Revision,
    CaseStatus::Accepted,
    CaseStatus::Cancelled,
];

/// What came of each command, by the state of the case and then by actor.
type Tried = BTreeMap<&'static str, Vec<(&'static str, Vec<String>)>>;

#[test]
fn every_command_is_tried_by_everybody_in_every_state() {
    let mut tried = Tried::new();
    let mut stage = Stage::set();
    for command in without_case(&mut stage) {
        tried.entry(command.word()).or_default().push(("any", cells(&stage, &command)));
    }
    let mut past = Stage::set();
    let case = past.take_in_history();
    past.does("manager", &past.record(case, "third", Part::Panel, "none", 1));
    let states = STATES.iter().map(|status| {
        let drawn = *status == CaseStatus::InReview;
        let mut stage = if drawn { Stage::under(reviewed(true, every_case()), Some(5)) } else { Stage::set() };
        let case = stage.case_at(*status);
        (status.word(), stage, case)
    });
    for (state, stage, case) in states.chain([("imported", past, case)]) {
        for command in on_case(&stage, case) {
            tried.entry(command.word()).or_default().push((state, cells(&stage, &command)));
        }
    }
    assert_eq!(tried.keys().collect::<BTreeSet<_>>(), Command::WORDS.iter().collect(), "a command is missing here");
    insta::assert_snapshot!("matrix", table(&tried));
}

fn cells(stage: &Stage, command: &Command) -> Vec<String> {
    let cell = |name: &&str| {
        let mut stage = stage.clone();
        let actor = if *name == "service" { Actor::Service } else { stage.as_person(name) };
        match stage.world.act(actor, command) {
            Ok(act) if act.decision.events.is_empty() => "nothing".to_owned(),
            Ok(_) => "ok".to_owned(),
            Err(refusal) => codes(&refusal),
        }
    };
    ACTORS.iter().map(cell).collect()
}

/// Writes the commands in their order; states in which a command comes to the same stand on one line.
fn table(tried: &Tried) -> String {
    let mut out = String::new();
    for word in Command::WORDS {
        let _ = writeln!(out, "{word}");
        for (states, cells) in grouped(tried[word].iter().map(|(state, cells)| (*state, cells))) {
            let _ = writeln!(out, "  {}", states.join(" · "));
            for (names, cell) in grouped(ACTORS.iter().copied().zip(cells)) {
                let names = if names.len() == ACTORS.len() { "everybody".to_owned() } else { names.join(", ") };
                let _ = writeln!(out, "    {names}: {cell}");
            }
        }
    }
    out
}

/// Returns each value once with the names that have it, in the order of the first.
fn grouped<'a, T: PartialEq>(pairs: impl Iterator<Item = (&'a str, &'a T)>) -> Vec<(Vec<&'a str>, &'a T)> {
    let mut groups: Vec<(Vec<&str>, &T)> = Vec::new();
    for (name, value) in pairs {
        match groups.iter_mut().find(|(_, other)| *other == value) {
            Some((names, _)) => names.push(name),
            None => groups.push((vec![name], value)),
        }
    }
    groups
}

fn without_case(stage: &mut Stage) -> Vec<Command> {
    let engagement = stage.engagement;
    let (person, outsider) = (stage.who("reader"), stage.who("outsider"));
    let credential = stage.credential("reader", "lawyer", "GB", "2026-12-31");
    let lines = vec![stage.line_in(LineKind::Standard, plan(2, true))];
    let (starts_on, ends_on) = (date("2026-01-01"), date("2026-12-31"));
    let draft = stage.draft_sow(lines.clone());
    let proposed = stage.draft_sow(lines.clone());
    stage.does("manager", &Command::ProposeSow { engagement, sow: proposed });
    let (case, past) = (stage.case_in(), stage.case_in());
    stage.take_in();
    let added = PersonIn {
        org: stage.provider,
        name: "A. Newcomer".into(),
        same_as: None,
        signs_in: true,
        place: "ZA".into(),
        languages: BTreeSet::new(),
        roles: BTreeSet::new(),
    };
    let (kind, jurisdiction, number) = ("analyst".to_owned(), "GB".to_owned(), "R-4".to_owned());
    let (valid_from, valid_to) = (starts_on, ends_on);
    let roles = BTreeSet::from([Role::Expert]);
    vec![
        Command::AddOrganisation { name: "Third House".into(), country: "GB".into() },
        Command::AddPerson { person: added },
        Command::RecordCredential { person, kind, jurisdiction, number, valid_from, valid_to },
        Command::RevokeCredential { person, credential, reason: "Struck off.".into() },
        Command::SetClearance { person, clearance: "finance".into(), granted: true },
        Command::SetConflict { person, party: "globex".into(), declared: true },
        Command::SetPlace { person, place: "GB".into() },
        Command::MarkLeft { person },
        Command::DraftEngagement {
            name: "Another".into(),
            client: stage.client,
            provider: stage.provider,
            managers: vec![(person, Side::Provider)],
        },
        Command::DraftSow { engagement, starts_on, ends_on, names_people: false, lines: lines.clone() },
        Command::ReviseSow { engagement, sow: draft, starts_on, ends_on, names_people: false, lines },
        Command::ProposeSow { engagement, sow: draft },
        Command::SignSow { engagement, sow: proposed },
        Command::GoLive { engagement },
        Command::AddMember { engagement, person: outsider, side: Side::Provider, roles: roles.clone(), capacity: 1 },
        Command::ChangeMember { engagement, person, roles, capacity: 1 },
        Command::RemoveMember { engagement, person, successor: None },
        Command::TakeIn { engagement, case },
        Command::TakeInHistory { engagement, case: past, line: stage.history },
        Command::ClaimNext { engagement },
        Command::CloseLot { engagement, lot: LotId::of_chance(9) },
        Command::ScreenLot { engagement, lot: LotId::of_chance(9) },
        Command::ResumeSampling { engagement, line: stage.line, case_type: "trial".into(), note: "Go on.".into() },
        Command::FitModel { engagement, questions: BTreeMap::new(), panels: 0, gold: GoldTaken::default() },
        Command::RaiseAlarm { engagement, signal: signal(Watched::Site("ZA".into()), None) },
        Command::CloseAlarm { engagement, alarm: AlarmId::of_chance(1), cause: AlarmCause::Chance, note: "So.".into() },
        Command::Replan { engagement, person },
        Command::LeaveCalibration { engagement, calibration: CalibrationId::of_chance(1) },
        Command::CloseCalibration { engagement, calibration: CalibrationId::of_chance(1) },
        Command::NoteFinding {
            engagement,
            calibration: CalibrationId::of_chance(1),
            kind: FindingKind::Glossary,
            question: None,
            case: None,
            text: "Lower means below the interval.".into(),
        },
    ]
}

fn on_case(stage: &Stage, case: CaseId) -> Vec<Command> {
    let engagement = stage.engagement;
    let reason = "As discussed.".to_owned();
    let note = reason.clone();
    let review = stage.case(case).reviews.first().copied().unwrap_or(ReviewId::of_chance(9));
    let answers = [("finding".to_owned(), Answer::Choice("none".into()))].into();
    let item = item_in("Appendix", Visibility::Both);
    vec![
        Command::AdmitCase { engagement, case },
        Command::DeclineCase { engagement, case, reason: reason.clone() },
        stage.cancel(case),
        Command::AddItem { engagement, case, replaces: None, item },
        Command::WidenItem { engagement, case, item: stage.report(case) },
        Command::AddParty { engagement, case, party: "globex".into() },
        Command::TransferCase { engagement, case, to: stage.who("third"), reason: reason.clone() },
        stage.claim(case),
        Command::AssignSeat { engagement, case, person: stage.who("third") },
        Command::ReleaseSeat { engagement, case, reason: reason.clone() },
        Command::RevokeSeat { engagement, case, person: stage.who("reader"), reason },
        stage.submit(case, "none"),
        Command::CloseReading { engagement, case },
        stage.record(case, "second", Part::Panel, "none", 7),
        Command::RecordReference { engagement, case, answers, source: source(7) },
        stage.take_dispute(case),
        stage.adjudicate(case, "none"),
        Command::EditDeliverable { engagement, case, body: "Pain fell.".into() },
        Command::RequestSignoff { engagement, case },
        stage.open(case, Material::Deliverable),
        stage.sign(case),
        stage.send_back(case, ReturnCode::Fact),
        Command::RefuseSignoff { engagement, case, note },
        Command::TakeReview { engagement, case, review },
        Command::FinishReview { engagement, case, review, given: ReviewIn::default() },
        Command::RebutReview { engagement, case, review, note: "As discussed.".to_owned() },
        Command::RuleReview { engagement, case, review, upheld: true, note: "As discussed.".to_owned() },
        stage.deliver(case),
        Command::AcceptDelivery { engagement, case },
        stage.return_delivery(case, ReturnCode::Format),
        Command::ProposeGold { engagement, case, note: None },
        Command::ApproveGold { engagement, gold: case.gold() },
        Command::DeclineGold { engagement, gold: case.gold(), reason: "Too plain.".into() },
        Command::RetireGold { engagement, gold: case.gold(), reason: "Well known.".into() },
        Command::ProposePrecedent {
            engagement,
            case,
            question: "finding".into(),
            text: "Read the interval first.".into(),
            replaces: None,
        },
        Command::ApprovePrecedent { engagement, precedent: case.precedent() },
        Command::DeclinePrecedent { engagement, precedent: case.precedent(), reason: "Too plain.".into() },
        Command::WithdrawPrecedent { engagement, precedent: case.precedent(), reason: "Too plain.".into() },
        Command::CloseShowing { engagement, case },
        Command::RebutGold { engagement, case, note: "It is wrong.".into() },
        Command::OpenCalibration {
            engagement,
            title: "March".into(),
            cases: vec![case],
            members: ["third", "deputy"].map(|name| stage.who(name)).to_vec(),
            ends_at: stage.world.now.plus_seconds(86_400),
        },
        Command::ReadCalibration {
            engagement,
            calibration: CalibrationId::of_chance(1),
            case,
            judgement: stage.judgement(case, "none"),
        },
        Command::DecideRebuttal { engagement, case, corrected: None, note: "It is right.".into() },
    ]
}
