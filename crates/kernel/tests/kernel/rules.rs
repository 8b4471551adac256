//! Each rule where it bites: allowed, refused, and the second between the two.
//!
//! An outcome is told in words: the kinds of the events that happened, or `refused:` with the codes.

use remit_kernel::{
    case::{CaseEvent, Material, ReturnCode, Visibility},
    command::{AnswerIn, CaseIn, Command, JudgementIn},
    ctx::Actor,
    directory::Credential,
    engagement::LineKind,
    form::{Answer, Evidence},
    id::{CaseId, CredentialId, ItemId, TextId},
    index::{CaseStatus, PanelStatus, Part},
    panel::{Bench, Seat},
    role::{Role, Side},
    stream::{Event, Scope, State, StreamId},
    text::NewText,
    time::Instant,
};

use crate::{
    stage::{OfChance as _, REPORT, Stage, VOLUME_MAX, date, instant, item_in, plan, source},
    world::told,
};

const ADMITTED: &str = "received, item_added, admitted, volume_taken, planned";
const STOPPED: &str = "received, item_added, stopped";

/// Scope (I1).
mod scope {
    use super::*;

    fn take_in(stage: &mut Stage, change: impl FnOnce(&mut CaseIn)) -> Command {
        let mut case = stage.case_in();
        change(&mut case);
        Command::TakeIn { engagement: stage.engagement, case }
    }

    #[test]
    fn a_case_is_admitted_under_a_line_that_covers_it_and_stopped_with_the_clause_otherwise() {
        let mut stage = Stage::set();
        let covered = take_in(&mut stage, |_| {});
        stage.foresee("manager", &covered, ADMITTED);
        let elsewhere = take_in(&mut stage, |case| case.jurisdiction = "FR".into());
        stage.foresee("manager", &elsewhere, STOPPED);
        let other_type = take_in(&mut stage, |case| case.case_type = "census".into());
        let act = stage.does("manager", &other_type);
        match &act.decision.events.last().unwrap().1 {
            Event::Case(CaseEvent::Stopped { clauses }) => {
                let told: Vec<_> = clauses.iter().map(|stop| format!("{}: {}", stop.clause, stop.code)).collect();
                assert_eq!(told, ["SOW v1 § 2.1: out-of-scope"]);
            }
            other => panic!("stopped, not {other:?}"),
        }
    }

    #[test]
    fn the_term_runs_from_the_first_second_of_its_first_day_to_the_last_of_its_last() {
        let mut stage = Stage::set();
        for (at, expect) in [
            ("2025-12-31T23:59:59Z", STOPPED),
            ("2026-01-01T00:00:00Z", ADMITTED),
            ("2026-12-31T23:59:59Z", ADMITTED),
            ("2027-01-01T00:00:00Z", STOPPED),
        ] {
            stage.world.now = instant(at);
            let case = take_in(&mut stage, |_| {});
            stage.foresee("manager", &case, expect);
        }
    }

    #[test]
    fn the_volume_admits_its_last_case_and_not_one_more_until_one_is_called_off() {
        let mut stage = Stage::set();
        let first = stage.take_in();
        for _ in 1..VOLUME_MAX {
            let case = take_in(&mut stage, |_| {});
            stage.check("manager", &case, ADMITTED);
        }
        let beyond = take_in(&mut stage, |_| {});
        let stopped = Stage::newest(&stage.does("manager", &beyond));
        assert_eq!(stage.case(stopped).stops[0].code, "volume-used-up");
        stage.does("client", &stage.cancel(first));
        let again = Command::AdmitCase { engagement: stage.engagement, case: stopped };
        stage.check("manager", &again, "admitted, volume_taken, planned");
    }

    #[test]
    fn outside_the_term_nothing_is_worked_on_a_running_case() {
        let mut stage = Stage::set();
        let (open, held, signing) = (stage.take_in(), stage.take_in(), stage.case_at(CaseStatus::AwaitingSignOff));
        stage.does("reader", &stage.claim(held));
        stage.world.now = instant("2027-01-01T00:00:00Z");
        stage.check("second", &stage.claim(open), "refused: sow-not-in-force");
        stage.check("reader", &stage.submit(held, "none"), "refused: sow-not-in-force");
        stage.check("signer", &stage.open(signing, Material::Deliverable), "refused: sow-not-in-force");
        stage.check("client", &stage.cancel(open), "voided, volume_returned, cancelled");
    }

    #[test]
    fn a_place_that_the_line_does_not_cover_or_that_is_unknown_bars() {
        let mut stage = Stage::set();
        let case = stage.take_in();
        let person = stage.who("reader");
        stage.foresee("reader", &stage.claim(case), "seat_taken, duty_taken, reading_began");
        stage.does("registrar", &Command::SetPlace { person, place: "FR".into() });
        stage.check("reader", &stage.claim(case), "refused: place-not-covered");
    }

    #[test]
    fn fields_are_checked_against_the_case_type_and_all_faults_are_told_at_once() {
        let mut stage = Stage::set();
        let long = "x".repeat(4_001);
        let faults = take_in(&mut stage, |case| {
            case.reference = "\u{7}".into();
            case.title = String::new();
            case.jurisdiction = "Ohio".into();
            case.language = "English".into();
            case.parties = ["Mr Smith".to_owned()].into();
            case.fields = [("outcome".to_owned(), String::new()), ("Colour".to_owned(), long)].into();
        });
        stage.check("manager", &faults, "refused: field-invalid, text-characters, text-empty, text-too-long");
        let unspeakable = take_in(&mut stage, |case| case.case_type = "A census of everything".into());
        stage.check("manager", &unspeakable, "refused: field-invalid");
    }

    #[test]
    fn one_reference_is_one_case() {
        let mut stage = Stage::set();
        let first = take_in(&mut stage, |case| case.reference = "T-9".into());
        let spaced = take_in(&mut stage, |case| case.reference = " T-9 ".into());
        stage.does("manager", &first);
        stage.check("manager", &spaced, "refused: duplicate");
    }
}

/// Who reads (I9, I22, I28).
mod seats {
    use super::*;

    fn held(stage: &Stage, name: &str) -> Vec<CredentialId> {
        match stage.world.state(Scope::Directory, StreamId::Person(stage.who(name))) {
            Some(State::Person(person)) => person.credentials.keys().copied().collect(),
            other => panic!("{name} is not there: {other:?}"),
        }
    }

    /// Leaves `second` with one credential, which ends with this day.
    fn ends_on(stage: &mut Stage, day: &str) {
        let (person, old) = (stage.who("second"), held(stage, "second"));
        stage.credential("second", "analyst", "", day);
        for credential in old {
            stage.does("registrar", &Command::RevokeCredential { person, credential, reason: "Replaced.".into() });
        }
    }

    #[test]
    fn a_credential_holds_through_the_last_second_of_its_last_day_at_claim_and_at_submit() {
        let mut stage = Stage::set();
        ends_on(&mut stage, "2026-03-10");
        let (case, held) = (stage.take_in(), stage.take_in());
        stage.does("second", &stage.claim(held));
        stage.world.now = instant("2026-03-10T23:59:59Z");
        stage.foresee("second", &stage.claim(case), "seat_taken, duty_taken, reading_began");
        stage.foresee("second", &stage.submit(held, "none"), "reading_sealed, duty_ended");
        stage.world.now = instant("2026-03-11T00:00:00Z");
        stage.foresee("second", &stage.claim(case), "refused: credential-expired");
        stage.foresee("second", &stage.submit(held, "none"), "refused: credential-expired");
        let (engagement, person) = (stage.engagement, stage.who("second"));
        let outcome = stage.world.act(Actor::Service, &Command::Replan { engagement, person });
        assert_eq!(told(&outcome), "seat_released, duty_ended");
        assert_eq!(stage.panel(held).seats, [Seat::Open, Seat::Open]);
    }

    #[test]
    fn a_revoked_credential_bars_from_that_instant() {
        let mut stage = Stage::set();
        let (case, person) = (stage.take_in(), stage.who("second"));
        stage.does("second", &stage.claim(case));
        let credential = held(&stage, "second")[0];
        let revoke = Command::RevokeCredential { person, credential, reason: "Struck off.".into() };
        stage.foresee("second", &stage.submit(case, "none"), "reading_sealed, duty_ended");
        stage.does("registrar", &revoke);
        stage.check("second", &stage.submit(case, "none"), "refused: credential-revoked");
    }

    #[test]
    fn jurisdictions_cover_their_parts() {
        let number = NewText::new(TextId::of_chance(1), [0; 32], "R-1".into()).text;
        let (valid_from, valid_to) = (date("2026-01-01"), date("2026-01-02"));
        let credential = |jurisdiction: &str| Credential {
            kind: "physician".into(),
            jurisdiction: jurisdiction.into(),
            number,
            valid_from,
            valid_to,
            revoked_at: Some(instant("2026-01-02T12:00:00Z")),
        };
        for (held, wanted, covers) in [
            ("US", "US-OH", true),
            ("US-OH", "US-OH", true),
            ("", "GB", true),
            ("US-OH", "US", false),
            ("US-OH", "US-NY", false),
            ("U", "US-OH", false),
            ("GB", "US", false),
        ] {
            assert_eq!(credential(held).covers(wanted), covers, "{held} for {wanted}");
        }
        for (at, holds) in [
            ("2025-12-31T23:59:59.999999Z", false),
            ("2026-01-01T00:00:00Z", true),
            ("2026-01-02T11:59:59.999999Z", true),
            ("2026-01-02T12:00:00Z", false),
        ] {
            assert_eq!(credential("").holds(instant(at)), holds, "{at}");
        }
    }

    #[test]
    fn capacity_is_full_at_its_number_and_free_again_after_a_reading() {
        let mut stage = Stage::set();
        let cases = [stage.take_in(), stage.take_in(), stage.take_in(), stage.take_in()];
        let next = Command::ClaimNext { engagement: stage.engagement };
        for _ in 0..3 {
            stage.does("reader", &next);
        }
        assert_eq!(stage.member("reader").load, 3);
        stage.check("reader", &next, "refused: capacity-full");
        stage.check("reader", &stage.claim(cases[3]), "refused: capacity-full");
        stage.does("reader", &stage.submit(cases[0], "none"));
        stage.check("reader", &next, "seat_taken, duty_taken, reading_began");
    }

    #[test]
    fn one_human_being_holds_one_seat_and_reads_once_whatever_the_account() {
        let mut stage = Stage::set();
        let case = stage.take_in();
        stage.does("reader", &stage.claim(case));
        stage.check("reader", &stage.claim(case), "refused: holds-seat");
        stage.check("twin", &stage.claim(case), "refused: holds-seat");
        stage.does("reader", &stage.submit(case, "none"));
        stage.check("reader", &stage.submit(case, "none"), "refused: already-read");
        stage.check("twin", &stage.claim(case), "refused: already-read");
        let assign = Command::AssignSeat { engagement: stage.engagement, case, person: stage.who("twin") };
        stage.check("manager", &assign, "refused: already-read");
    }

    /// A way to lose the reader of a case.
    type Loses = fn(&Stage, CaseId) -> Command;

    #[test]
    fn a_lost_reader_is_replaced_in_the_same_act() {
        let ways: [(&str, Loses, &str); 5] = [
            (
                "reader",
                |stage, case| Command::ReleaseSeat { engagement: stage.engagement, case, reason: "Ill.".into() },
                "seat_released, duty_ended",
            ),
            (
                "manager",
                |stage, case| Command::RevokeSeat {
                    engagement: stage.engagement,
                    case,
                    person: stage.who("reader"),
                    reason: "Late.".into(),
                },
                "seat_released, duty_ended",
            ),
            (
                "manager",
                |stage, _| Command::RemoveMember {
                    engagement: stage.engagement,
                    person: stage.who("reader"),
                    successor: None,
                },
                "seat_released, duty_ended, removed",
            ),
            (
                "manager",
                |stage, _| Command::ChangeMember {
                    engagement: stage.engagement,
                    person: stage.who("reader"),
                    roles: [Role::Signer].into(),
                    capacity: 1,
                },
                "seat_released, duty_ended, changed",
            ),
            (
                "manager",
                |stage, case| Command::AddParty { engagement: stage.engagement, case, party: "globex".into() },
                "party_added, seat_released, duty_ended",
            ),
        ];
        for (name, loses, expect) in ways {
            let mut stage = Stage::set();
            let case = stage.take_in();
            let person = stage.who("reader");
            stage.does("registrar", &Command::SetConflict { person, party: "globex".into(), declared: true });
            stage.does("reader", &stage.claim(case));
            let command = loses(&stage, case);
            stage.check(name, &command, expect);
            assert_eq!(stage.panel(case).seats, [Seat::Open, Seat::Open]);
            assert_eq!(stage.member("reader").load, 0);
        }
    }

    #[test]
    fn who_owns_cases_and_holds_seats_leaves_neither_behind() {
        let mut stage = Stage::set();
        let (engagement, person, to) = (stage.engagement, stage.who("reader"), stage.who("second"));
        let (owned, other) = (stage.take_in(), stage.take_in());
        stage.does(
            "manager",
            &Command::TransferCase { engagement, case: owned, to: person, reason: "Expertise.".into() },
        );
        stage.does("reader", &stage.claim(owned));
        stage.does("reader", &stage.claim(other));
        let remove = Command::RemoveMember { engagement, person, successor: Some(to) };
        stage.check("manager", &remove, "owner_changed, seat_released, duty_ended, seat_released, duty_ended, removed");
        assert_eq!((stage.case(owned).owner, stage.member("reader").load), (to, 0));
    }

    #[test]
    fn an_interest_bars_at_claim_and_at_submit() {
        let mut stage = Stage::set();
        let (case, person) = (stage.take_in(), stage.who("reader"));
        stage.does("reader", &stage.claim(case));
        stage.does("registrar", &Command::SetConflict { person, party: "acme".into(), declared: true });
        stage.check("reader", &stage.submit(case, "none"), "refused: conflict");
        let engagement = stage.engagement;
        let outcome = stage.world.act(Actor::Service, &Command::Replan { engagement, person });
        assert_eq!(told(&outcome), "seat_released, duty_ended");
        stage.check("reader", &stage.claim(case), "refused: conflict");
    }
}

/// What a reading holds (I5) and how a panel ends (I4, I22).
mod panels {
    use super::*;

    fn seal(stage: &Stage, case: CaseId, change: impl FnOnce(&mut JudgementIn)) -> Command {
        let mut judgement = stage.judgement(case, "decreased");
        change(&mut judgement);
        Command::SubmitReading { engagement: stage.engagement, case, judgement }
    }

    /// What is changed about a complete judgement.
    type Change = Box<dyn Fn(&mut JudgementIn)>;

    #[test]
    fn a_judgement_is_complete_cites_its_evidence_and_fits_the_form() {
        let mut stage = Stage::set();
        let case = stage.take_in();
        stage.does("reader", &stage.claim(case));
        let chars = u32::try_from(REPORT.chars().count()).unwrap();
        let item = stage.report(case);
        let cite = |start, end| -> Change {
            let span = Evidence { item, version: 1, start, end };
            Box::new(move |judgement| drop(judgement.evidence.insert("finding".into(), vec![span])))
        };
        let answer = |key: &'static str, answer: AnswerIn| -> Change {
            Box::new(move |judgement| drop(judgement.answers.insert(key.into(), answer.clone())))
        };
        let cases: Vec<(Change, &str)> = vec![
            (Box::new(|_| {}), "reading_sealed, duty_ended"),
            (cite(0, chars), "reading_sealed, duty_ended"),
            (cite(0, chars + 1), "refused: span-outside"),
            (cite(5, 5), "refused: span-outside"),
            (Box::new(|judgement| judgement.evidence.clear()), "refused: evidence-missing"),
            (Box::new(|judgement| judgement.answers.clear()), "refused: answer-missing"),
            (Box::new(|judgement| judgement.rationale = Some("  ".into())), "refused: rationale-missing"),
            (Box::new(|judgement| judgement.rationale = Some("x".repeat(20_001))), "refused: text-too-long"),
            (Box::new(|judgement| judgement.rationale = Some("a\u{0}b".into())), "refused: text-characters"),
            (Box::new(|judgement| judgement.confidence = Some(100)), "reading_sealed, duty_ended"),
            (Box::new(|judgement| judgement.confidence = Some(101)), "refused: confidence-range"),
            (answer("finding", AnswerIn::Choice("maybe".into())), "refused: option-unknown"),
            (answer("finding", AnswerIn::Text("decreased".into())), "refused: answer-kind"),
            (answer("colour", AnswerIn::Choice("red".into())), "refused: question-unknown"),
            (answer("remark", AnswerIn::Text("x".repeat(200))), "reading_sealed, duty_ended"),
            (answer("remark", AnswerIn::Text("x".repeat(201))), "refused: text-too-long"),
            (answer("passage", AnswerIn::Span(Vec::new())), "refused: span-count"),
            (
                answer(
                    "passage",
                    AnswerIn::Span(vec![Evidence { item: ItemId::of_chance(1), version: 1, start: 0, end: 1 }]),
                ),
                "refused: evidence-item",
            ),
        ];
        for (change, expect) in cases {
            let command = seal(&stage, case, |judgement| change(judgement));
            stage.foresee("reader", &command, expect);
        }
    }

    #[test]
    fn readers_who_agree_resolve_the_case_and_other_evidence_makes_no_dispute() {
        let mut stage = Stage::set();
        let case = stage.take_in();
        stage.reads("reader", case, "decreased");
        assert!(!stage.panel(case).revealed());
        stage.does("second", &stage.claim(case));
        let elsewhere = seal(&stage, case, |judgement| {
            let spans = judgement.evidence.values_mut().flatten();
            spans.for_each(|span| (span.start, span.end) = (30, 40));
        });
        let expect = "reading_sealed, duty_ended, agreed, resolved, signoff_requested";
        stage.check("second", &elsewhere, expect);
        let panel = stage.panel(case);
        assert!(panel.revealed() && panel.other_evidence);
    }

    #[test]
    fn readers_who_differ_wait_for_an_independent_third() {
        let mut stage = Stage::set();
        let case = stage.take_in();
        stage.reads("reader", case, "decreased");
        stage.does("third", &stage.claim(case));
        let expect = "reading_sealed, duty_ended, disputed, adjudication_asked";
        stage.check("third", &stage.submit(case, "none"), expect);
        assert_eq!(stage.panel(case).disputed, ["finding"]);
        assert!(!stage.panel(case).revealed());
        stage.check("third", &stage.take_dispute(case), "refused: self-review");
        stage.check("twin", &stage.take_dispute(case), "refused: self-review");
        stage.check("manager", &stage.deliver(case), "refused: reading-open");
        stage.check("judge", &stage.adjudicate(case, "none"), "refused: seat-not-yours");
        stage.check("judge", &stage.take_dispute(case), "adjudicator_took, duty_taken");
        stage.check("umpire", &stage.take_dispute(case), "refused: adjudicator-taken");
        let expect = "adjudicated, duty_ended, resolved, signoff_requested";
        stage.check("judge", &stage.adjudicate(case, "none"), expect);
        assert!(stage.panel(case).revealed());
    }

    #[test]
    fn who_gave_a_seat_back_has_seen_the_case_as_a_reader_and_does_not_adjudicate_it() {
        let mut stage = Stage::set();
        let case = stage.take_in();
        stage.does("third", &stage.claim(case));
        stage.does("third", &Command::ReleaseSeat { engagement: stage.engagement, case, reason: "Ill.".into() });
        stage.reads("reader", case, "decreased");
        stage.reads("second", case, "none");
        stage.check("third", &stage.take_dispute(case), "refused: self-review");
    }

    #[test]
    fn a_lost_adjudicator_leaves_the_dispute_open_for_another() {
        let mut stage = Stage::set();
        let case = stage.case_at(CaseStatus::Adjudicating);
        let (engagement, person) = (stage.engagement, stage.who("judge"));
        let remove = Command::RemoveMember { engagement, person, successor: None };
        stage.check("manager", &remove, "adjudicator_released, duty_ended, removed");
        assert_eq!(stage.panel(case).bench, Bench::Open);
        stage.adjudicates("umpire", case, "none");
    }

    #[test]
    fn a_plan_of_one_reading_closes_with_it_and_of_three_with_the_third() {
        for (readings, last) in [(1, "left_single, resolved"), (3, "disputed, adjudication_asked")] {
            let mut stage = Stage::live(plan(readings, false));
            let case = stage.take_in();
            let readers = ["reader", "second", "third"];
            for name in &readers[..usize::from(readings) - 1] {
                stage.reads(name, case, "decreased");
            }
            let name = readers[usize::from(readings) - 1];
            stage.does(name, &stage.claim(case));
            stage.check(name, &stage.submit(case, "none"), &format!("reading_sealed, duty_ended, {last}"));
        }
    }

    #[test]
    fn a_case_called_off_ends_its_panel_whatever_was_going_on() {
        for (status, expect) in [
            (CaseStatus::Ready, "voided, volume_returned, cancelled"),
            (CaseStatus::Reading, "seat_released, duty_ended, voided, volume_returned, cancelled"),
            (CaseStatus::Adjudicating, "adjudicator_released, duty_ended, voided, volume_returned, cancelled"),
            (CaseStatus::AwaitingSignOff, "volume_returned, cancelled"),
            (CaseStatus::Delivered, "cancelled"),
            (CaseStatus::Revision, "cancelled"),
            (CaseStatus::ScopeQuery, "cancelled"),
        ] {
            let mut stage = Stage::set();
            let case = stage.case_at(status);
            stage.check("client", &stage.cancel(case), expect);
            assert!(status == CaseStatus::ScopeQuery || stage.panel(case).ended());
            stage.check("client", &stage.cancel(case), "refused: wrong-state");
        }
        let mut stage = Stage::set();
        let case = stage.case_at(CaseStatus::AwaitingSignOff);
        stage.does("signer", &stage.send_back(case, ReturnCode::Fact));
        stage.does("judge", &stage.take_dispute(case));
        let expect = "adjudicator_released, duty_ended, voided, volume_returned, cancelled";
        stage.check("client", &stage.cancel(case), expect);
    }

    #[test]
    fn the_file_on_which_people_judge_does_not_change_under_them_and_nothing_shown_is_hidden() {
        let mut stage = Stage::set();
        let (engagement, case) = (stage.engagement, stage.take_in());
        let replaces = Some(stage.report(case));
        let add =
            |replaces, visibility| Command::AddItem { engagement, case, replaces, item: item_in("Report", visibility) };
        stage.check("client", &add(replaces, Visibility::Client), "refused: field-invalid");
        stage.check("client", &add(replaces, Visibility::Both), "item_added");
        stage.check("client", &add(None, Visibility::Client), "item_added");
        let hidden = stage.case(case).items.last().unwrap().item;
        let widen = Command::WidenItem { engagement, case, item: hidden };
        stage.foresee("client", &widen, "item_widened");
        stage.does("reader", &stage.claim(case));
        stage.check("client", &add(None, Visibility::Both), "refused: wrong-state");
        stage.check("client", &widen, "refused: wrong-state");
        let on_the_old_version = stage.submit(case, "decreased");
        stage.check("reader", &on_the_old_version, "refused: evidence-item");
    }
}

/// Signature (I6), delivery (I7) and what comes back (I12).
mod release {
    use super::*;

    #[test]
    fn a_signature_takes_every_item_opened_identity_proved_and_the_content_as_asked() {
        let mut stage = Stage::set();
        let case = stage.case_at(CaseStatus::AwaitingSignOff);
        let (engagement, sign) = (stage.engagement, stage.sign(case));
        let unproved = Actor::Person { person: stage.who("signer"), reauthenticated: false };
        let outcome = stage.clone().world.act(unproved, &sign);
        assert_eq!(told(&outcome), "refused: item-unopened, reauth-needed");
        stage.does("signer", &stage.open(case, Material::Deliverable));
        stage.check("signer", &stage.open(case, Material::Deliverable), "nothing");
        stage.check("signer", &sign, "refused: item-unopened");
        stage.opens_all("signer", case);
        stage.foresee("signer", &sign, "signed");
        stage.foresee("deputy", &sign, "refused: item-unopened");
        let edit = Command::EditDeliverable { engagement, case, body: "Pain fell by 2.2 points.".into() };
        stage.check("manager", &edit, "signoff_voided, deliverable_edited, signoff_requested");
        stage.check("manager", &edit, "nothing");
        stage.check("signer", &sign, "refused: content-changed, item-unopened");
        stage.signs("signer", case);
    }

    #[test]
    fn a_change_after_the_signature_voids_it_and_nothing_is_delivered_on_it() {
        let mut stage = Stage::set();
        let case = stage.case_at(CaseStatus::SignedOff);
        let edit = Command::EditDeliverable { engagement: stage.engagement, case, body: "Other words.".into() };
        stage.check("manager", &edit, "signoff_voided, deliverable_edited, signoff_requested");
        stage.check("manager", &stage.deliver(case), "refused: signoff-missing");
        stage.signs("deputy", case);
        stage.check("manager", &stage.deliver(case), "delivered");
    }

    #[test]
    fn the_signer_is_licensed_where_the_matter_lies_at_that_instant_and_made_no_part_of_it() {
        let mut stage = Stage::set();
        let case = stage.case_at(CaseStatus::AwaitingSignOff);
        let open = stage.open(case, Material::Deliverable);
        stage.check("abroad", &open, "refused: credential-missing");
        stage.check("twin", &open, "refused: self-review");
        stage.check("judge", &open, "refused: credential-missing, role-missing");
        stage.opens_all("signer", case);
        stage.opens_all("deputy", case);
        let person = stage.who("signer");
        let edit = Command::EditDeliverable { engagement: stage.engagement, case, body: "My words.".into() };
        stage.does("deputy", &edit);
        stage.check("deputy", &open, "refused: self-review");
        stage.opens_all("signer", case);
        let lapsed = stage.credential("signer", "lawyer", "US", "2026-12-31");
        stage.does("registrar", &Command::RevokeCredential { person, credential: lapsed, reason: "None.".into() });
        stage.foresee("signer", &stage.sign(case), "signed");
        stage.does("registrar", &Command::SetClearance { person, clearance: "trials".into(), granted: false });
        stage.foresee("signer", &stage.sign(case), "signed");
        stage.does("registrar", &Command::MarkLeft { person });
        stage.check("signer", &stage.sign(case), "refused: person-inactive");
    }

    #[test]
    fn a_signer_who_sees_another_answer_returns_it_another_decides_and_then_he_signs() {
        let mut stage = Stage::set();
        let case = stage.case_at(CaseStatus::AwaitingSignOff);
        let engagement = stage.engagement;
        let (code, note) = (ReturnCode::Fact, "The interval includes zero.".to_owned());
        let unfounded = Command::ReturnSignoff { engagement, case, code, note, finding: None };
        stage.check("signer", &unfounded, "refused: answer-missing");
        let expect = "signoff_returned, challenged, adjudication_asked";
        stage.check("signer", &stage.send_back(case, ReturnCode::Fact), expect);
        assert!(!stage.panel(case).revealed(), "what is questioned is not shown as decided");
        stage.check("signer", &stage.take_dispute(case), "refused: self-review");
        stage.adjudicates("judge", case, "none");
        assert!(stage.case(case).resolution.unwrap().decided.changed_after_agreement);
        stage.does("signer", &stage.send_back(case, ReturnCode::Reasoning));
        stage.check("judge", &stage.take_dispute(case), "refused: self-review");
        stage.adjudicates("umpire", case, "decreased");
        assert!(
            !stage.case(case).resolution.unwrap().decided.changed_after_agreement,
            "it is the readers' answer again"
        );
        stage.signs("signer", case);
    }

    #[test]
    fn who_signed_does_not_decide_when_the_client_questions_the_answer() {
        let mut stage = Stage::set();
        let case = stage.case_at(CaseStatus::Delivered);
        let expect = "returned, challenged, adjudication_asked";
        stage.check("client", &stage.return_delivery(case, ReturnCode::Standard), expect);
        stage.check("signer", &stage.take_dispute(case), "refused: self-review");
        stage.adjudicates("judge", case, "decreased");
        stage.signs("signer", case);
        stage.does("manager", &stage.deliver(case));
    }

    #[test]
    fn only_what_the_client_newly_wishes_uses_up_the_included_revisions() {
        let mut stage = Stage::set();
        let case = stage.case_at(CaseStatus::Delivered);
        let engagement = stage.engagement;
        let again = |stage: &mut Stage| {
            stage.does("manager", &Command::RequestSignoff { engagement, case });
            stage.signs("signer", case);
            stage.does("manager", &stage.deliver(case));
        };
        for code in [ReturnCode::Format, ReturnCode::Late, ReturnCode::NewWish] {
            stage.check("client", &stage.return_delivery(case, code), "returned");
            again(&mut stage);
        }
        stage.check("client", &stage.return_delivery(case, ReturnCode::NewWish), "refused: revisions-used-up");
        stage.check("client", &stage.return_delivery(case, ReturnCode::Tone), "returned");
        assert_eq!((stage.case(case).revision, stage.case(case).revisions_counted), (4, 1));
    }

    #[test]
    fn without_a_signature_in_the_plan_the_owner_delivers_and_mends() {
        let mut stage = Stage::live(plan(1, false));
        let engagement = stage.engagement;
        let case = stage.take_in();
        stage.reads("reader", case, "none");
        stage.check("manager", &stage.deliver(case), "delivered");
        stage.does("client", &stage.return_delivery(case, ReturnCode::Format));
        stage.check("manager", &Command::RequestSignoff { engagement, case }, "refused: wrong-state");
        let edit = Command::EditDeliverable { engagement, case, body: "Pain did not change.".into() };
        stage.check("manager", &edit, "deliverable_edited");
        stage.check("manager", &stage.deliver(case), "delivered");
    }

    #[test]
    fn nobody_accepts_the_own_work() {
        let mut stage = Stage::set();
        let case = stage.case_at(CaseStatus::Delivered);
        let accept = Command::AcceptDelivery { engagement: stage.engagement, case };
        for name in ["reader", "twin", "signer"] {
            stage.foresee(name, &accept, "refused: self-review");
        }
        stage.check("client", &accept, "accepted");
        stage.check("client", &accept, "refused: wrong-state");
    }
}

/// Past work taken from files (I33, I36).
mod history {
    use super::*;

    #[test]
    fn readings_of_a_file_close_the_panel_again_with_each_and_count_once() {
        let mut stage = Stage::set();
        let case = stage.take_in_history();
        let record = |stage: &mut Stage, name, part, finding, expect: &str| {
            let command = stage.record(case, name, part, finding, 1);
            stage.check("manager", &command, expect);
        };
        record(&mut stage, "reader", Part::Panel, "none", "reading_sealed, left_single, resolved");
        record(&mut stage, "reader", Part::Panel, "decreased", "refused: duplicate");
        record(&mut stage, "twin", Part::Panel, "none", "refused: already-read");
        record(&mut stage, "twin", Part::Extra, "increased", "reading_sealed");
        record(&mut stage, "abroad", Part::Ai, "increased", "suggestion_recorded");
        record(&mut stage, "second", Part::Panel, "none", "reading_sealed, agreed, resolved");
        assert_eq!(stage.panel(case).status, PanelStatus::Agreed);
        record(&mut stage, "third", Part::Panel, "decreased", "reading_sealed, disputed, adjudication_asked");
        assert_eq!(stage.case(case).resolution, None, "a dispute has no answer yet");
        assert!(stage.panel(case).revealed(), "a dispute of the past is open to be seen");
        stage.check("third", &stage.take_dispute(case), "refused: self-review");
        stage.check("judge", &stage.take_dispute(case), "adjudicator_took, duty_taken");
        let record = |stage: &mut Stage, name, part, expect: &str| {
            let command = stage.record(case, name, part, "none", 1);
            stage.check("manager", &command, expect);
        };
        record(&mut stage, "deputy", Part::Panel, "refused: panel-closed");
        record(&mut stage, "judge", Part::Extra, "refused: self-review");
        record(&mut stage, "deputy", Part::Extra, "reading_sealed");
        stage.check("judge", &stage.adjudicate(case, "none"), "adjudicated, duty_ended, resolved");
        record(&mut stage, "signer", Part::Panel, "refused: panel-closed");
    }

    #[test]
    fn it_uses_no_volume_is_never_signed_or_delivered_and_takes_no_seat() {
        let mut stage = Stage::set();
        let case = stage.take_in_history();
        stage.does("manager", &stage.record(case, "reader", Part::Panel, "none", 1));
        stage.check("manager", &stage.deliver(case), "refused: wrong-state");
        stage.check("signer", &stage.sign(case), "refused: wrong-state");
        stage.check("second", &stage.claim(case), "refused: no-open-seat");
        stage.check("client", &stage.cancel(case), "refused: wrong-state");
        let edit = Command::EditDeliverable { engagement: stage.engagement, case, body: "Words.".into() };
        stage.check("manager", &edit, "refused: wrong-state");
        assert_eq!(stage.case(case).resolution.unwrap().deliverable, None);
    }

    #[test]
    fn it_needs_a_history_line_and_not_a_live_engagement() {
        let mut stage = Stage::set();
        let (engagement, standard, case) = (stage.engagement, stage.line, stage.case_in());
        let wrong = Command::TakeInHistory { engagement, case: case.clone(), line: standard };
        stage.check("manager", &wrong, "refused: history-line-only");
        let right = Command::TakeInHistory { engagement, case, line: stage.history };
        stage.check("manager", &right, "received, item_added, admitted, planned");
        stage.check("manager", &right, "refused: duplicate");

        let mut draft = Stage::unsigned(plan(2, true));
        let engagement = draft.engagement;
        let sow = draft.draft_sow(vec![draft.line_in(LineKind::History, plan(2, true))]);
        draft.does("manager", &Command::ProposeSow { engagement, sow });
        draft.check("manager", &Command::SignSow { engagement, sow }, "signed, took_effect, history_set");
        draft.history = draft.sow(sow).lines[0].line;
        let case = draft.take_in_history();
        draft.does("manager", &draft.record(case, "reader", Part::Panel, "none", 1));
        draft.does("manager", &draft.record(case, "second", Part::Panel, "decreased", 2));
        draft.adjudicates("judge", case, "none");
    }

    #[test]
    fn a_dispute_of_the_past_is_decided_after_the_term_of_its_line() {
        let mut stage = Stage::set();
        let case = stage.take_in_history();
        stage.does("manager", &stage.record(case, "reader", Part::Panel, "none", 1));
        stage.does("manager", &stage.record(case, "second", Part::Panel, "decreased", 2));
        stage.world.now = instant("2027-02-01T09:00:00Z");
        stage.adjudicates("judge", case, "none");
    }

    #[test]
    fn a_file_says_nothing_of_cases_worked_here() {
        let mut stage = Stage::set();
        let case = stage.take_in();
        stage.check("manager", &stage.record(case, "reader", Part::Panel, "none", 1), "refused: imported-only");
        let answers = [("finding".to_owned(), Answer::Choice("none".into()))].into();
        let reference = Command::RecordReference { engagement: stage.engagement, case, answers, source: source(1) };
        stage.check("manager", &reference, "refused: imported-only");
    }

    #[test]
    fn what_the_file_leaves_out_is_left_out_and_what_it_gets_wrong_is_refused() {
        let mut stage = Stage::set();
        let case = stage.take_in_history();
        let record = |judgement| Command::RecordReading {
            engagement: stage.engagement,
            case,
            reader: stage.who("reader"),
            part: Part::Panel,
            judgement,
            claimed_at: None,
            source: source(1),
        };
        let empty = record(JudgementIn::default());
        let answers = [("finding".to_owned(), AnswerIn::Choice("maybe".into()))].into();
        let unknown = record(JudgementIn { answers, ..JudgementIn::default() });
        stage.foresee("manager", &empty, "reading_sealed, left_single, resolved");
        stage.foresee("manager", &unknown, "refused: option-unknown");
    }
}

/// People and their credentials (I3).
mod people {
    use super::*;

    #[test]
    fn nobody_verifies_a_credential_of_the_own_by_whatever_account() {
        let stage = Stage::set();
        let record = |name: &str, days: (&str, &str)| Command::RecordCredential {
            person: stage.who(name),
            kind: "analyst".into(),
            jurisdiction: "US-OH".into(),
            number: "R-9".into(),
            valid_from: date(days.0),
            valid_to: date(days.1),
        };
        let day = ("2026-01-01", "2026-01-01");
        stage.foresee("reader", &record("reader", day), "refused: self-review");
        stage.foresee("twin", &record("reader", day), "refused: self-review");
        stage.foresee("registrar", &record("reader", day), "credential_recorded");
        stage.foresee("registrar", &record("reader", ("2026-01-02", "2026-01-01")), "refused: field-invalid");
    }

    #[test]
    fn what_changes_nothing_is_no_event_and_what_is_over_is_over() {
        let mut stage = Stage::set();
        let person = stage.who("reader");
        let cleared = Command::SetClearance { person, clearance: "trials".into(), granted: true };
        stage.check("registrar", &cleared, "nothing");
        let interest = |declared| Command::SetConflict { person, party: "acme".into(), declared };
        stage.check("registrar", &interest(false), "nothing");
        stage.check("registrar", &interest(true), "conflict_declared");
        stage.check("registrar", &interest(true), "nothing");
        let named = Command::SetConflict { person, party: "Mr Smith".into(), declared: true };
        stage.check("registrar", &named, "refused: field-invalid");
        let credential = stage.credential("reader", "lawyer", "", "2026-12-31");
        let revoke = Command::RevokeCredential { person, credential, reason: "Struck off.".into() };
        stage.check("registrar", &revoke, "credential_revoked");
        stage.check("registrar", &revoke, "refused: wrong-state");
        stage.check("registrar", &Command::MarkLeft { person }, "left");
        stage.check("registrar", &Command::MarkLeft { person }, "nothing");
    }

    #[test]
    fn who_left_is_barred_at_once() {
        let mut stage = Stage::set();
        let (case, person) = (stage.take_in(), stage.who("reader"));
        stage.does("reader", &stage.claim(case));
        stage.does("registrar", &Command::MarkLeft { person });
        stage.check("reader", &stage.submit(case, "none"), "refused: person-inactive");
        let back = Command::AddMember {
            engagement: stage.engagement,
            person,
            side: Side::Provider,
            roles: [Role::Expert].into(),
            capacity: 1,
        };
        stage.check("manager", &back, "refused: person-inactive");
    }
}

#[test]
fn seconds_between_instants_never_overflow() {
    let (least, most) = (Instant::from_micros(i64::MIN), Instant::from_micros(i64::MAX));
    assert_eq!(most.seconds_since(least), i64::MAX / 1_000_000);
}
