//! Precedents: what may guide, and who says so.

use remit_kernel::{
    command::Command,
    id::{CaseId, PrecedentId},
    index::CaseStatus,
    precedent::{Precedent, PrecedentStatus},
    stream::{State, StreamId},
};

use crate::stage::{Stage, golden};

fn decided(stage: &mut Stage) -> CaseId {
    let case = stage.take_in();
    stage.reads("reader", case, "none");
    stage.reads("second", case, "none");
    case
}

fn propose(stage: &Stage, case: CaseId, text: &str, replaces: Option<PrecedentId>) -> Command {
    let (engagement, question) = (stage.engagement, "finding".to_owned());
    Command::ProposePrecedent { engagement, case, question, text: text.into(), replaces }
}

fn precedent(stage: &Stage, id: PrecedentId) -> Precedent {
    match stage.world.state(stage.scope(), StreamId::Precedent(id)) {
        Some(State::Precedent(known)) => known.clone(),
        other => panic!("{id} is not there: {other:?}"),
    }
}

#[test]
fn a_sealed_panel_guides_nobody() {
    let mut stage = Stage::set_under(golden(2));
    let reading = stage.case_at(CaseStatus::Reading);
    stage.foresee("manager", &propose(&stage, reading, "Read it first.", None), "refused: not-precedent");
    let case = stage.take_in();
    stage.reads("reader", case, "none");
    stage.foresee("manager", &propose(&stage, case, "Read it first.", None), "refused: not-precedent");
    stage.reads("second", case, "none");
    stage.check("manager", &propose(&stage, case, "Read it first.", None), "proposed");
}

#[test]
fn gold_in_rotation_guides_nobody_and_guidance_is_no_gold() {
    let mut stage = Stage::set_under(golden(2));
    let gold = stage.gold_case("decreased");
    let guiding = propose(&stage, gold.case(), "Read it first.", None);
    stage.foresee("manager", &guiding, "refused: not-precedent");
    let engagement = stage.engagement;
    stage.does("manager", &Command::RetireGold { engagement, gold, reason: "Well known.".into() });
    stage.check("manager", &guiding, "proposed");
    let case = decided(&mut stage);
    stage.does("manager", &propose(&stage, case, "Read it first.", None));
    stage.foresee("judge", &Command::ProposeGold { engagement, case, note: None }, "refused: not-gold");
    stage.gold_case("none");
    stage.take_in();
    let showing = stage.shown("third");
    stage.foresee("manager", &propose(&stage, showing, "Read it first.", None), "refused: wrong-state");
}

#[test]
fn guidance_is_said_of_one_question_in_words_that_name_nobody() {
    let mut stage = Stage::set_under(golden(2));
    let case = decided(&mut stage);
    stage.foresee("manager", &propose(&stage, case, "What ACME asked for.", None), "refused: field-invalid");
    stage.foresee("manager", &propose(&stage, case, " ", None), "refused: text-empty");
    let (engagement, text) = (stage.engagement, "Read it first.".to_owned());
    let unknown = Command::ProposePrecedent { engagement, case, question: "colour".into(), text, replaces: None };
    stage.foresee("manager", &unknown, "refused: question-unknown");
}

#[test]
fn another_person_approves_guidance_and_a_better_one_takes_its_place() {
    let mut stage = Stage::set_under(golden(2));
    let engagement = stage.engagement;
    let (one, two) = (decided(&mut stage), decided(&mut stage));
    let approve = |case: CaseId| Command::ApprovePrecedent { engagement, precedent: case.precedent() };
    stage.does("manager", &propose(&stage, one, "Read it first.", None));
    stage.foresee("manager", &approve(one), "refused: self-review");
    let reason = "Mine.".to_owned();
    stage.does("manager", &Command::DeclinePrecedent { engagement, precedent: one.precedent(), reason });
    stage.does("judge", &propose(&stage, one, "Read it first.", None));
    stage.foresee("judge", &propose(&stage, one, "Read it first.", None), "refused: duplicate");
    stage.foresee("judge", &propose(&stage, two, "Read all of it.", Some(one.precedent())), "refused: wrong-state");
    stage.check("manager", &approve(one), "approved");
    stage.foresee("manager", &approve(one), "refused: wrong-state");
    stage.check("judge", &propose(&stage, two, "Read all of it.", Some(one.precedent())), "proposed");
    stage.check("manager", &approve(two), "approved, superseded");
    let (old, new) = (precedent(&stage, one.precedent()), precedent(&stage, two.precedent()));
    assert_eq!((old.status, old.successor), (PrecedentStatus::Superseded, Some(two.precedent())));
    assert_eq!((new.status, new.approved_by), (PrecedentStatus::InForce, Some(stage.who("manager"))));
    let reason = "The form changed.".to_owned();
    stage.check("manager", &Command::WithdrawPrecedent { engagement, precedent: two.precedent(), reason }, "withdrawn");
    assert!(!precedent(&stage, two.precedent()).standing());
}
