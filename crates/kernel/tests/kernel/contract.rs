//! The rules of the engagement, its statements of work and who answers for its cases (I10, I13), where they bite.

use std::collections::BTreeSet;

use remit_kernel::{
    command::{Command, LineIn},
    engagement::LineKind,
    id::SowId,
    index::{CaseStatus, PanelStatus},
    role::{Role, Side},
    stream::{Scope, State, StreamId},
};

use crate::stage::{Stage, date, instant, plan};

#[test]
fn an_engagement_goes_live_with_a_statement_of_work_in_force_and_a_signer_named() {
    let mut stage = Stage::unsigned(plan(2, true));
    let (engagement, sow) = (stage.engagement, stage.sow);
    let live = Command::GoLive { engagement };
    stage.foresee("manager", &live, "refused: sow-not-in-force");
    let case = stage.case_in();
    stage.foresee("manager", &Command::TakeIn { engagement, case }, "refused: engagement-not-live");
    stage.check("manager", &Command::SignSow { engagement, sow }, "refused: wrong-state");
    stage.does("manager", &Command::ProposeSow { engagement, sow });
    stage.check("manager", &Command::SignSow { engagement, sow }, "signed");
    stage.check("manager", &Command::SignSow { engagement, sow }, "refused: wrong-state");
    stage.check("reader", &Command::SignSow { engagement, sow }, "refused: role-missing");
    stage.check("client", &Command::SignSow { engagement, sow }, "signed, took_effect, baseline_set");
    let mut unsigned = stage.clone();
    for name in ["signer", "deputy", "abroad", "twin"] {
        let person = unsigned.who(name);
        unsigned.does("manager", &Command::RemoveMember { engagement, person, successor: None });
    }
    unsigned.check("manager", &live, "refused: no-signer");
    stage.check("manager", &live, "went_live");
    stage.check("manager", &live, "refused: wrong-state");
}

#[test]
fn a_proposed_version_never_changes_and_a_running_case_keeps_its_own() {
    let mut stage = Stage::set();
    let engagement = stage.engagement;
    let case = stage.take_in();
    let lines = vec![stage.line_in(LineKind::Standard, plan(1, false))];
    let (starts_on, ends_on) = (date("2026-01-01"), date("2026-12-31"));
    let revise = |sow, lines: &[LineIn]| Command::ReviseSow {
        engagement,
        sow,
        starts_on,
        ends_on,
        names_people: false,
        lines: lines.into(),
    };
    stage.check("manager", &revise(stage.sow, &lines), "refused: sow-immutable");
    let next = stage.draft_sow(lines.clone());
    stage.check("manager", &revise(next, &lines), "revised");
    stage.does("manager", &Command::ProposeSow { engagement, sow: next });
    stage.check("manager", &revise(next, &lines), "refused: sow-immutable");
    stage.does("manager", &Command::SignSow { engagement, sow: next });
    let signs = Command::SignSow { engagement, sow: next };
    stage.check("client", &signs, "signed, took_effect, superseded, baseline_set");
    assert_eq!(stage.case(case).admission.unwrap().sow_number, 1);
    let later = stage.take_in();
    assert_eq!(stage.case(later).admission.unwrap().sow_number, 2);
    stage.reads("reader", case, "none");
    assert_eq!(stage.panel(case).status, PanelStatus::Reading, "the old plan asks for two readings");
}

#[test]
fn a_version_written_on_an_older_one_does_not_take_the_place_of_a_newer() {
    let mut stage = Stage::set();
    let engagement = stage.engagement;
    let [one, other]: [SowId; 2] = [1, 2].map(|readings| {
        let sow = stage.draft_sow(vec![stage.line_in(LineKind::Standard, plan(readings, true))]);
        stage.does("manager", &Command::ProposeSow { engagement, sow });
        sow
    });
    stage.does("client", &Command::SignSow { engagement, sow: one });
    stage.does("manager", &Command::SignSow { engagement, sow: one });
    stage.check("client", &Command::SignSow { engagement, sow: other }, "refused: wrong-state");
}

/// Drafts, proposes and signs a version with one reading for this term, and checks what the last signature does.
fn agree(stage: &mut Stage, starts: &str, ends: &str, expect: &str) -> SowId {
    let engagement = stage.engagement;
    let lines = vec![stage.line_in(LineKind::Standard, plan(1, true))];
    let (starts_on, ends_on) = (date(starts), date(ends));
    let drafted =
        stage.does("manager", &Command::DraftSow { engagement, starts_on, ends_on, names_people: false, lines });
    let StreamId::Sow(sow) = drafted.decision.events[0].0 else { panic!("a statement of work was drafted") };
    stage.does("manager", &Command::ProposeSow { engagement, sow });
    stage.does("manager", &Command::SignSow { engagement, sow });
    stage.check("client", &Command::SignSow { engagement, sow }, expect);
    sow
}

#[test]
fn a_successor_takes_over_on_its_first_day_and_leaves_no_gap() {
    let mut stage = Stage::set();
    let first = stage.sow;
    let second = agree(&mut stage, "2026-07-01", "2027-06-30", "signed, took_effect, successor_set");
    for (at, number) in [("2026-06-30T23:59:59Z", 1), ("2026-07-01T00:00:00Z", 2), ("2027-01-01T00:00:00Z", 2)] {
        stage.world.now = instant(at);
        let mut that_day = stage.clone();
        let case = that_day.take_in();
        assert_eq!(that_day.case(case).admission.unwrap().sow_number, number, "{at}");
    }
    let third =
        agree(&mut stage, "2027-07-01", "2027-12-31", "signed, took_effect, baseline_set, superseded, successor_set");
    let standing = |sow| stage.sow(sow).status.word();
    assert_eq!([first, second, third].map(standing), ["superseded", "in_force", "in_force"]);
    stage.world.now = instant("2027-07-01T00:00:00Z");
    let case = stage.take_in();
    assert_eq!(stage.case(case).admission.unwrap().sow, third);
}

#[test]
fn a_successor_that_has_not_begun_is_replaced_by_the_next() {
    let mut stage = Stage::set();
    let second = agree(&mut stage, "2026-07-01", "2026-12-31", "signed, took_effect, successor_set");
    let third = agree(&mut stage, "2026-08-01", "2026-12-31", "signed, took_effect, superseded, successor_set");
    stage.world.now = instant("2026-07-15T00:00:00Z");
    let case = stage.take_in();
    assert_eq!(stage.case(case).admission.unwrap().sow, stage.sow, "the first holds until the third begins");
    assert_eq!(stage.sow(second).status.word(), "superseded");
    let fourth =
        agree(&mut stage, "2026-07-15", "2026-12-31", "signed, took_effect, superseded, superseded, baseline_set");
    assert_eq!(stage.sow(third).status.word(), "superseded");
    let case = stage.take_in();
    assert_eq!(stage.case(case).admission.unwrap().sow, fourth);
}

#[test]
fn people_are_named_to_the_client_as_both_sides_have_signed_and_from_the_first_day_on() {
    let mut stage = Stage::set();
    let engagement = stage.engagement;
    let named = |stage: &Stage| {
        let engagement = stage.world.streams(stage.scope()).find_map(|(_, state)| match state {
            State::Engagement(engagement) => Some(engagement.clone()),
            _ => None,
        });
        let sows = stage.world.streams(stage.scope()).filter_map(|(_, state)| match state {
            State::Sow(sow) => Some((sow.sow, sow.clone())),
            _ => None,
        });
        engagement.is_some_and(|engagement| engagement.names_people(&sows.collect(), stage.world.now))
    };
    assert!(!named(&stage), "nobody is named unless it is said");
    let mut agree = |names_people, starts: &str, kind| {
        let lines = vec![stage.line_in(kind, plan(1, true))];
        let (starts_on, ends_on) = (date(starts), date("2026-12-31"));
        let draft = Command::DraftSow { engagement, starts_on, ends_on, names_people, lines };
        if kind == LineKind::History {
            return stage.check("manager", &draft, "refused: field-invalid");
        }
        let StreamId::Sow(sow) = stage.does("manager", &draft).decision.events[0].0 else { panic!("it was drafted") };
        stage.does("manager", &Command::ProposeSow { engagement, sow });
        stage.does("manager", &Command::SignSow { engagement, sow });
        assert_eq!(named(&stage), !names_people, "one signature changes nothing");
        stage.does("client", &Command::SignSow { engagement, sow });
    };
    agree(true, "2026-01-01", LineKind::Standard);
    agree(true, "2026-01-01", LineKind::History);
    agree(false, "2026-07-01", LineKind::Standard);
    assert!(named(&stage), "until the first day of the successor the version before holds");
    stage.world.now = instant("2026-07-01T00:00:00Z");
    assert!(!named(&stage));
}

#[test]
fn one_person_does_not_sign_for_both_sides_of_the_house() {
    let mut stage = Stage::set();
    let org = stage.provider;
    let person = stage.who("manager");
    let managers = vec![(person, Side::Client), (person, Side::Provider)];
    let draft = Command::DraftEngagement { name: "In-house".into(), client: org, provider: org, managers };
    match stage.does("manager", &draft).decision.scope {
        Scope::Engagement(engagement) => stage.engagement = engagement,
        Scope::Directory => panic!("an engagement has a scope of its own"),
    }
    let engagement = stage.engagement;
    let sow = stage.draft_sow(vec![stage.line_in(LineKind::Standard, plan(1, false))]);
    stage.does("manager", &Command::ProposeSow { engagement, sow });
    stage.check("manager", &Command::SignSow { engagement, sow }, "signed");
    stage.check("manager", &Command::SignSow { engagement, sow }, "refused: same-person");
    let roles = BTreeSet::from([Role::ClientManager, Role::DeliveryManager, Role::Expert]);
    let change = Command::ChangeMember { engagement, person, roles, capacity: 5 };
    stage.check("manager", &change, "changed");
}

#[test]
fn lines_are_checked_field_by_field() {
    let mut stage = Stage::set();
    let engagement = stage.engagement;
    let mut line = stage.line_in(LineKind::Standard, plan(0, true));
    line.clause = String::new();
    line.currency = "pounds".into();
    line.price_minor = -1;
    line.includes = ["census".to_owned()].into();
    let (starts_on, ends_on) = (date("2026-02-01"), date("2026-01-31"));
    let draft = |lines| Command::DraftSow { engagement, starts_on, ends_on, names_people: false, lines };
    stage.check("manager", &draft(vec![line]), "refused: field-invalid, text-empty");
    stage.check("manager", &draft(Vec::new()), "refused: field-invalid");
    let mut unknown = stage.line_in(LineKind::Standard, plan(1, true));
    unknown.pack.digest = remit_kernel::hash::Digest::of(b"another pack");
    stage.check("manager", &draft(vec![unknown]), "refused: field-invalid, pack-unknown");
}

#[test]
fn a_manager_of_the_other_side_or_a_role_of_the_directory_is_not_given_here() {
    let mut stage = Stage::set();
    let (engagement, person) = (stage.engagement, stage.who("outsider"));
    let add = |roles: &[Role], capacity| Command::AddMember {
        engagement,
        person,
        side: Side::Provider,
        roles: roles.iter().copied().collect(),
        capacity,
    };
    stage.check("manager", &add(&[Role::ClientManager], 1), "refused: field-invalid");
    stage.check("manager", &add(&[Role::Operator], 1), "refused: field-invalid");
    stage.check("manager", &add(&[], 1), "refused: field-invalid");
    stage.check("manager", &add(&[Role::Expert], 10_001), "refused: field-invalid");
    stage.check("manager", &add(&[Role::Expert], 10_000), "added");
    stage.check("manager", &add(&[Role::Expert], 1), "refused: duplicate");
}

#[test]
fn an_owner_who_declares_an_interest_stays_owner_until_transferred_and_nothing_is_delivered_meanwhile() {
    let mut stage = Stage::set();
    let (engagement, owner) = (stage.engagement, stage.who("manager"));
    let case = stage.case_at(CaseStatus::SignedOff);
    stage.does("registrar", &Command::SetConflict { person: owner, party: "acme".into(), declared: true });
    assert_eq!(stage.case(case).owner, owner, "one owner at every instant");
    stage.check("manager", &stage.deliver(case), "refused: conflict");
    let to = stage.who("third");
    let transfer = Command::TransferCase { engagement, case, to, reason: "An interest.".into() };
    stage.check("manager", &transfer, "owner_changed");
    stage.check("manager", &stage.deliver(case), "delivered");
}

#[test]
fn each_open_case_has_an_owner_who_is_here_and_without_interest() {
    let mut stage = Stage::set();
    let (engagement, manager) = (stage.engagement, stage.who("manager"));
    let case = stage.take_in();
    let remove = |successor| Command::RemoveMember { engagement, person: manager, successor };
    stage.check("client", &remove(None), "refused: successor-needed");
    stage.check("client", &remove(Some(manager)), "refused: successor-needed");
    stage.check("client", &remove(Some(stage.who("auditor"))), "refused: role-missing");
    let to = stage.who("reader");
    stage.does("registrar", &Command::SetConflict { person: to, party: "acme".into(), declared: true });
    stage.check("client", &remove(Some(to)), "refused: conflict");
    let transfer = |to| Command::TransferCase { engagement, case, to, reason: "Holiday.".into() };
    stage.check("manager", &transfer(to), "refused: conflict");
    let gone = stage.who("second");
    stage.does("registrar", &Command::MarkLeft { person: gone });
    stage.check("manager", &transfer(gone), "refused: person-inactive");
    stage.check("manager", &transfer(manager), "refused: wrong-state");
    stage.check("client", &remove(Some(stage.who("third"))), "owner_changed, removed");
    assert_eq!(stage.case(case).owner, stage.who("third"));
}
