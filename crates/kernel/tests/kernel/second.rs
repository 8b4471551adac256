//! Two reviews of the same content: drawn by the lot's seed, blind to each other, and the stricter one holds.

use std::collections::BTreeSet;

use remit_kernel::{
    case::DrawCause,
    command::Command,
    hash::canonical,
    id::{CaseId, ReviewId},
    index::{CaseStatus, DefectKind, LotStatus, ReviewStatus, Severity},
    lot::{self, Mode, Place, Seed},
    pack::{Acceptance, ReviewPlan, Risk, WHOLE},
    role::Role,
};

use crate::{
    review::cases,
    stage::{Stage, every_case, reviewed},
};

const WRONG: Option<(DefectKind, Severity)> = Some((DefectKind::Fact, Severity::Major));
const UNTIDY: Option<(DefectKind, Severity)> = Some((DefectKind::Format, Severity::Major));
const WEEK: i64 = 7 * 86_400;

/// A stage on which two reviewers look at every case.
fn twice(signoff: bool) -> Stage {
    Stage::under(reviewed(signoff, ReviewPlan { second: WHOLE, ..every_case() }), None)
}

/// Lets a third person review, so that somebody is left to rule.
pub(crate) fn third(stage: &mut Stage) {
    let (engagement, person) = (stage.engagement, stage.who("abroad"));
    let roles = stage.member("abroad").roles.into_iter().chain([Role::Reviewer]).collect();
    stage.does("manager", &Command::ChangeMember { engagement, person, roles, capacity: 3 });
}

pub(crate) fn both(stage: &Stage, case: CaseId) -> [ReviewId; 2] {
    stage.case(case).reviews.try_into().expect("two reviews were drawn")
}

fn take(stage: &Stage, case: CaseId, review: ReviewId) -> Command {
    Command::TakeReview { engagement: stage.engagement, case, review }
}

fn finish(stage: &Stage, case: CaseId, of: ReviewId, defect: Option<(DefectKind, Severity)>) -> Command {
    match stage.finish_review(case, defect) {
        Command::FinishReview { engagement, case, given, .. } => {
            Command::FinishReview { engagement, case, review: of, given }
        }
        other => unreachable!("it finishes a review, not {other:?}"),
    }
}

pub(crate) fn looks(
    stage: &mut Stage,
    name: &str,
    (case, review): (CaseId, ReviewId),
    defect: Option<(DefectKind, Severity)>,
) {
    stage.does(name, &take(stage, case, review));
    stage.does(name, &finish(stage, case, review, defect));
}

#[test]
fn the_second_reviewer_is_drawn_among_what_chance_drew_by_the_same_seed() {
    let plan =
        ReviewPlan { random: 4_000, second: 5_000, risks: [(Risk::Urgent, WHOLE)].into(), ..ReviewPlan::default() };
    let seed = Seed([5; 32]);
    let (mut random, mut second) = (0_u64, 0_u64);
    for case in cases(2_000) {
        let causes = lot::causes(&plan, Mode::Normal, &seed, case, &[Risk::Urgent].into());
        let by_chance = causes.contains(&DrawCause::Random);
        assert!(!lot::second(&plan, &seed, case, &causes) || by_chance, "what a mark drew tells nothing of all cases");
        random += u64::from(by_chance);
        second += u64::from(lot::second(&plan, &seed, case, &causes));
    }
    let interval = remit_stats::interval::wilson(second, random, 0.999).unwrap();
    assert!(interval.lower <= 0.5 && 0.5 <= interval.upper, "{second} of {random}");
    assert!(!lot::second(&plan, &seed, cases(1)[0], &BTreeSet::from([DrawCause::Sample])));
}

#[test]
fn a_plan_without_second_reviews_is_written_as_it_ever_was() {
    let plan = ReviewPlan { random: 500, ..ReviewPlan::default() };
    assert_eq!(canonical(&plan), r#"{"in_house":0,"random":500,"rebuttal_days":0}"#);
}

#[test]
fn the_first_finding_moves_nothing_before_the_second_reviewer_has_finished() {
    let mut stage = twice(true);
    let (engagement, case) = (stage.engagement, stage.decided());
    let [one, other] = both(&stage, case);
    // Of two that are open one is offered, and whoever has one cannot find the other.
    assert_eq!(stage.would("checker", &take(&stage, case, other)), "refused: not-found");
    stage.does("checker", &take(&stage, case, one));
    assert_eq!(stage.would("checker", &take(&stage, case, other)), "refused: not-found");
    assert_eq!(stage.would("controller", &take(&stage, case, one)), "refused: not-found");
    assert_eq!(stage.tries("checker", &finish(&stage, case, one, UNTIDY)), "finished, duty_ended");
    assert_eq!(stage.case(case).status, CaseStatus::InReview);
    let lot = stage.case(case).lot.unwrap();
    assert_eq!(stage.lot(lot).cases[&case], Place::Pending);
    let rebut = Command::RebutReview { engagement, case, review: one, note: "It is as ordered.".into() };
    assert_eq!(stage.would("reader", &rebut), "refused: not-found", "its author hears of it once both are finished");
    assert_eq!(stage.would("manager", &stage.deliver(case)), "refused: review-open, signoff-missing");
    looks(&mut stage, "controller", (case, other), None);
    assert_eq!(stage.case(case).status, CaseStatus::Revision, "the stricter one holds");
    assert_eq!((stage.lot(lot).cases[&case], stage.case(case).reviewers.len()), (Place::Failed, 2));
    stage.does("reader", &rebut);
}

#[test]
fn what_both_pass_goes_on_to_the_signature() {
    let mut stage = twice(true);
    let case = stage.decided();
    let [one, other] = both(&stage, case);
    // In either order.
    stage.does("checker", &take(&stage, case, one));
    looks(&mut stage, "controller", (case, other), None);
    assert_eq!(stage.case(case).status, CaseStatus::InReview);
    stage.does("checker", &finish(&stage, case, one, None));
    assert_eq!(stage.case(case).status, CaseStatus::AwaitingSignOff);
    stage.signs("signer", case);
    stage.does("manager", &stage.deliver(case));
}

#[test]
fn a_wrong_answer_that_the_first_found_is_decided_again_though_the_second_passed_it() {
    let mut stage = twice(false);
    let case = stage.decided();
    let [one, other] = both(&stage, case);
    looks(&mut stage, "checker", (case, one), WRONG);
    looks(&mut stage, "controller", (case, other), None);
    assert_eq!(stage.case(case).status, CaseStatus::Adjudicating);
    assert_eq!(stage.panel(case).challenges[0].by, stage.who("checker"));
    stage.adjudicates("judge", case, "none");
}

#[test]
fn a_struck_finding_clears_the_case_only_if_the_other_one_does_not_stand() {
    let mut stage = twice(false);
    let (engagement, case) = (stage.engagement, stage.decided());
    third(&mut stage);
    let [one, other] = both(&stage, case);
    looks(&mut stage, "checker", (case, one), UNTIDY);
    looks(&mut stage, "controller", (case, other), UNTIDY);
    let lot = stage.case(case).lot.unwrap();
    let note = "The words are the client's own.".to_owned();
    for (review, passes) in [(one, Place::Failed), (other, Place::Passed)] {
        stage.does("reader", &Command::RebutReview { engagement, case, review, note: note.clone() });
        let rule = Command::RuleReview { engagement, case, review, upheld: false, note: note.clone() };
        assert_eq!(stage.would("checker", &rule), "refused: self-review");
        assert_eq!(stage.would("controller", &rule), "refused: self-review");
        stage.does("abroad", &rule);
        assert_eq!(stage.lot(lot).cases[&case], passes);
    }
}

#[test]
fn a_lost_reviewer_or_a_case_called_off_ends_both() {
    let mut stage = twice(false);
    let (engagement, case) = (stage.engagement, stage.decided());
    third(&mut stage);
    let [one, other] = both(&stage, case);
    looks(&mut stage, "checker", (case, one), None);
    stage.does("controller", &take(&stage, case, other));
    let person = stage.who("controller");
    stage.does("manager", &Command::RemoveMember { engagement, person, successor: None });
    assert_eq!(stage.review(other).status, ReviewStatus::Open);
    stage.foresee("checker", &take(&stage, case, other), "refused: not-found");
    let mut ended = stage.clone();
    ended.does("client", &ended.cancel(case));
    assert_eq!((ended.review(one).status, ended.review(other).status), (ReviewStatus::Passed, ReviewStatus::Cancelled));
    looks(&mut stage, "abroad", (case, other), None);
    assert_eq!(stage.case(case).status, CaseStatus::Resolved);
}

#[test]
fn a_case_that_is_looked_at_twice_counts_once_in_its_lot() {
    let acceptance = Some(Acceptance { aql: 650, reduced: false });
    let mut stage = Stage::under(reviewed(false, ReviewPlan { second: WHOLE, acceptance, ..every_case() }), None);
    let (engagement, case) = (stage.engagement, stage.decided());
    let lot = stage.case(case).lot.unwrap();
    let [one, other] = both(&stage, case);
    looks(&mut stage, "checker", (case, one), UNTIDY);
    stage.wait(WEEK);
    stage.does("checker", &Command::CloseLot { engagement, lot });
    assert_eq!(stage.lot(lot).status, LotStatus::Judging, "one of the two is still looking");
    looks(&mut stage, "controller", (case, other), UNTIDY);
    assert_eq!((stage.lot(lot).status, stage.lot(lot).judged), (LotStatus::Rejected, Some(1)));
}
