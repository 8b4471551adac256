//! Work that failed a review: mended, looked at again, and no longer part of what its lot is judged by.

use remit_kernel::{
    command::Command,
    id::CaseId,
    index::{CaseStatus, DefectKind, LotStatus, Severity},
    lot::Place,
    pack::{Acceptance, ReviewPlan},
    role::Role,
};

use crate::{
    second::third,
    stage::{Stage, every_case, reviewed},
};

const UNTIDY: Option<(DefectKind, Severity)> = Some((DefectKind::Format, Severity::Major));
const WRONG: Option<(DefectKind, Severity)> = Some((DefectKind::Fact, Severity::Major));
const WEEK: i64 = 7 * 86_400;

fn stage() -> Stage {
    let acceptance = Some(Acceptance { aql: 650, reduced: false });
    Stage::under(reviewed(false, ReviewPlan { acceptance, ..every_case() }), None)
}

fn mends(stage: &mut Stage, case: CaseId, body: &str) -> String {
    let engagement = stage.engagement;
    stage.tries("manager", &Command::EditDeliverable { engagement, case, body: body.into() })
}

#[test]
fn what_was_mended_is_looked_at_again_and_its_lot_is_judged_by_the_first_submission() {
    let mut stage = stage();
    let (engagement, case) = (stage.engagement, stage.decided());
    stage.reviews("checker", case, UNTIDY);
    stage.foresee("manager", &stage.deliver(case), "refused: review-open");
    assert_eq!(mends(&mut stage, case, "Pain fell by four points."), "deliverable_edited, rework_drawn, drawn");
    assert_eq!(stage.case(case).status, CaseStatus::InReview);
    stage.foresee("manager", &stage.deliver(case), "refused: review-open");
    // Whoever mended it does not look at it; whoever found it wanting may.
    let (person, lot) = (stage.who("manager"), stage.case(case).lot.unwrap());
    let roles = [Role::DeliveryManager, Role::Reviewer].into();
    stage.does("manager", &Command::ChangeMember { engagement, person, roles, capacity: 3 });
    stage.foresee("manager", &stage.take_review(case), "refused: self-review");
    stage.reviews("checker", case, None);
    assert_eq!(stage.lot(lot).cases[&case], Place::Failed, "the first submission counts");
    stage.does("manager", &stage.deliver(case));
    stage.wait(WEEK);
    stage.does("checker", &Command::CloseLot { engagement, lot });
    assert_eq!((stage.lot(lot).status, stage.lot(lot).judged), (LotStatus::Rejected, Some(1)));
}

#[test]
fn after_two_looks_at_what_was_mended_the_delivery_manager_decides() {
    let mut stage = stage();
    let case = stage.decided();
    stage.reviews("checker", case, UNTIDY);
    for body in ["Pain fell.", "Pain fell a little."] {
        mends(&mut stage, case, body);
        stage.reviews("controller", case, UNTIDY);
        assert_eq!(stage.case(case).status, CaseStatus::Revision);
    }
    assert_eq!(stage.case(case).reviews.len(), 3);
    assert_eq!(mends(&mut stage, case, "Pain fell by four points."), "deliverable_edited");
    stage.does("manager", &stage.deliver(case));
}

#[test]
fn an_answer_that_was_decided_again_is_looked_at_again_and_rounds_end() {
    let mut stage = stage();
    let case = stage.decided();
    stage.reviews("checker", case, WRONG);
    stage.adjudicates("judge", case, "none");
    assert_eq!(stage.case(case).status, CaseStatus::InReview);
    stage.reviews("controller", case, WRONG);
    stage.adjudicates("umpire", case, "decreased");
    // An adjudicator has decided between the readers and each of the two: they are party to it.
    for name in ["checker", "controller"] {
        stage.foresee(name, &stage.take_review(case), "refused: self-review");
    }
    third(&mut stage);
    stage.reviews("abroad", case, UNTIDY);
    assert_eq!((stage.case(case).status, stage.case(case).rework), (CaseStatus::Revision, None));
    stage.does("manager", &stage.deliver(case));
}

#[test]
fn a_finding_that_is_struck_asks_for_no_mending() {
    let mut stage = stage();
    let (engagement, case) = (stage.engagement, stage.decided());
    stage.reviews("checker", case, UNTIDY);
    let (review, note) = (stage.review_of(case), "The words are the client's own.".to_owned());
    stage.does("reader", &Command::RebutReview { engagement, case, review, note: note.clone() });
    stage.foresee("manager", &stage.deliver(case), "refused: review-open");
    stage.does("controller", &Command::RuleReview { engagement, case, review, upheld: false, note });
    stage.does("manager", &stage.deliver(case));
}

#[test]
fn a_struck_finding_on_mended_work_leaves_the_first_one_in_its_lot() {
    let mut stage = stage();
    let (engagement, case) = (stage.engagement, stage.decided());
    stage.reviews("checker", case, UNTIDY);
    mends(&mut stage, case, "Pain fell.");
    stage.reviews("checker", case, UNTIDY);
    let (review, note) = (stage.review_of(case), "It does say so.".to_owned());
    stage.does("reader", &Command::RebutReview { engagement, case, review, note: note.clone() });
    stage.does("controller", &Command::RuleReview { engagement, case, review, upheld: false, note });
    assert_eq!(stage.lot(stage.case(case).lot.unwrap()).cases[&case], Place::Failed);
    stage.does("manager", &stage.deliver(case));
}

#[test]
fn what_the_client_has_already_is_the_clients_to_return() {
    let acceptance = Some(Acceptance { aql: 650, reduced: false });
    let plan = ReviewPlan { acceptance, rebuttal_days: 7, ..ReviewPlan::default() };
    let mut stage = Stage::under(reviewed(false, plan), None);
    let (engagement, case) = (stage.engagement, stage.decided());
    let lot = stage.case(case).lot.unwrap();
    stage.does("manager", &stage.deliver(case));
    stage.wait(WEEK);
    stage.does("checker", &Command::CloseLot { engagement, lot });
    stage.reviews("checker", case, UNTIDY);
    assert_eq!((stage.case(case).status, stage.case(case).rework), (CaseStatus::Delivered, None));
}

#[test]
fn a_case_called_off_ends_the_look_at_what_was_mended() {
    let mut stage = stage();
    let case = stage.decided();
    stage.reviews("checker", case, UNTIDY);
    mends(&mut stage, case, "Pain fell.");
    stage.does("checker", &stage.take_review(case));
    stage.does("client", &stage.cancel(case));
    assert_eq!(stage.member("checker").load, 0);
}
