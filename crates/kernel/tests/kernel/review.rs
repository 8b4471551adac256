//! Reviews and lots: what is drawn, who may look, what follows, and that all of it ends.

use std::collections::BTreeSet;

use remit_kernel::{
    case::Cause,
    command::{Command, ReviewIn},
    hash::canonical,
    id::{CaseId, Id as _, Suffix},
    index::{CaseStatus, DefectKind, LotStatus, ReviewStatus, Severity},
    lot::{self, IN_HOUSE, Mode, Place, RANDOM, Seed, week_end},
    pack::{Acceptance, ReviewPlan, Risk, WHOLE},
};
use remit_stats::interval::wilson;

use crate::stage::{Stage, every_case, instant, plan, reviewed};

const WRONG: Option<(DefectKind, Severity)> = Some((DefectKind::Fact, Severity::Major));
const UNTIDY: Option<(DefectKind, Severity)> = Some((DefectKind::Format, Severity::Major));
const SMALL: Option<(DefectKind, Severity)> = Some((DefectKind::Reasoning, Severity::Minor));
const WEEK: i64 = 7 * 86_400;

fn case(number: u64) -> CaseId {
    let mut chance = [0; 10];
    chance[2..].copy_from_slice(&number.to_be_bytes());
    CaseId::of(Suffix::new(1_770_000_000_000, chance))
}

pub(crate) fn cases(many: u64) -> Vec<CaseId> {
    (0..many).map(case).collect()
}

/// A stage on which every case is reviewed, with or without a signature.
fn all_reviewed(signoff: bool) -> Stage {
    Stage::under(reviewed(signoff, every_case()), None)
}

/// A stage on which lots are judged and nothing else is drawn.
fn judged() -> Stage {
    let acceptance = Some(Acceptance { aql: 650, reduced: false });
    Stage::under(reviewed(false, ReviewPlan { acceptance, rebuttal_days: 7, ..ReviewPlan::default() }), None)
}

#[test]
fn the_share_of_in_house_readings_lies_within_its_interval_over_a_thousand_cases() {
    let plan = ReviewPlan { in_house: 1_000, ..ReviewPlan::default() };
    for seed in 0..20_u8 {
        let seed = Seed([seed; 32]);
        let drawn = cases(1_000).into_iter().filter(|case| lot::in_house(&plan, &seed, *case)).count() as u64;
        let interval = wilson(drawn, 1_000, 0.999).unwrap();
        assert!(interval.lower <= 0.1 && 0.1 <= interval.upper, "{drawn} of 1000 were drawn at 10 %");
    }
}

#[test]
fn what_is_drawn_depends_on_the_secret_seed_alone() {
    let plan = ReviewPlan { random: 2_000, ..ReviewPlan::default() };
    let drawn = |seed: Seed| -> Vec<CaseId> {
        let risks = BTreeSet::new();
        cases(2_000)
            .into_iter()
            .filter(|case| !lot::causes(&plan, Mode::Normal, &seed, *case, &risks).is_empty())
            .collect()
    };
    let (one, other) = (drawn(Seed([1; 32])), drawn(Seed([2; 32])));
    assert_eq!(one, drawn(Seed([1; 32])), "whoever holds the seed draws the same");
    // Who knows all about one draw knows nothing of the other: of 400 drawn, a fifth is drawn again.
    let both = one.iter().filter(|case| other.contains(case)).count() as u64;
    let interval = wilson(both, one.len() as u64, 0.999).unwrap();
    assert!(interval.lower <= 0.2 && 0.2 <= interval.upper, "{both} of {} were drawn by both seeds", one.len());
    // The draws for different purposes are as independent of each other.
    let seed = Seed([3; 32]);
    let [random, in_house] = [RANDOM, IN_HOUSE].map(|purpose| -> Vec<_> {
        cases(2_000).into_iter().filter(|case| seed.draws(*case, purpose, 2_000)).collect()
    });
    let both = random.iter().filter(|case| in_house.contains(case)).count() as u64;
    let interval = wilson(both, random.len() as u64, 0.999).unwrap();
    assert!(interval.lower <= 0.2 && 0.2 <= interval.upper, "{both} of {} were drawn twice", random.len());
}

#[test]
fn a_share_of_all_draws_all_and_a_share_of_none_draws_none() {
    let seed = Seed([9; 32]);
    assert!(cases(500).into_iter().all(|case| seed.draws(case, RANDOM, WHOLE)));
    assert!(!cases(500).into_iter().any(|case| seed.draws(case, RANDOM, 0)));
}

#[test]
fn the_numbers_of_a_draw_are_those_that_the_documentation_computes() {
    // docs/quality-certificate.md shows how to compute this one by hand.
    let seed = Seed([0; 32]);
    assert_eq!(case(0).to_string(), "case_01kge3h9000000000000000000");
    assert_eq!(seed.commitment().to_string(), "aa29049429fdf2f5d728218ecf98b30aee7d185a2b051231b41726fd0ec0ddb7");
    assert_eq!(seed.number(case(0), RANDOM), 9_297_116_282_387_299_552);
}

#[test]
fn a_plan_without_reviews_is_written_as_it_ever_was() {
    assert_eq!(
        canonical(&plan(2, true)),
        r#"{"signoff":true,"signoff_in_jurisdiction":true,"stopping":{"readings":2,"rule":"fixed"}}"#
    );
}

#[test]
fn a_week_ends_on_monday_at_midnight() {
    for (now, end) in [
        ("2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"),
        ("2026-03-08T23:59:59Z", "2026-03-09T00:00:00Z"),
        ("2026-12-31T12:00:00Z", "2027-01-04T00:00:00Z"),
    ] {
        assert_eq!(week_end(instant(now)), instant(end), "{now}");
    }
}

#[test]
fn a_drawn_case_waits_for_its_review_and_goes_on_to_the_signature() {
    let mut stage = all_reviewed(true);
    let case = stage.decided();
    assert_eq!(stage.case(case).status, CaseStatus::InReview);
    assert_eq!(stage.would("manager", &stage.deliver(case)), "refused: review-open, signoff-missing");
    stage.reviews("checker", case, None);
    assert_eq!(stage.case(case).status, CaseStatus::AwaitingSignOff);
    stage.signs("signer", case);
    stage.does("manager", &stage.deliver(case));
}

#[test]
fn a_minor_defect_is_told_and_fails_nothing() {
    let mut stage = all_reviewed(false);
    let case = stage.decided();
    stage.reviews("checker", case, SMALL);
    let review = stage.review(stage.review_of(case));
    assert_eq!((review.status, review.standing().len()), (ReviewStatus::Passed, 1));
    assert_eq!(stage.case(case).status, CaseStatus::Resolved);
}

#[test]
fn a_wrong_answer_goes_to_an_adjudicator_who_is_not_the_reviewer_and_is_looked_at_again() {
    let mut stage = all_reviewed(true);
    let case = stage.decided();
    let incomplete = match stage.finish_review(case, WRONG) {
        Command::FinishReview { engagement, case, review, given } => {
            Command::FinishReview { engagement, case, review, given: ReviewIn { finding: None, ..given } }
        }
        _ => unreachable!("it finishes a review"),
    };
    stage.does("checker", &stage.take_review(case));
    assert_eq!(stage.would("checker", &incomplete), "refused: answer-missing");
    stage.does("checker", &stage.finish_review(case, WRONG));
    assert_eq!(stage.case(case).status, CaseStatus::Adjudicating);
    assert_eq!(stage.panel(case).challenges[0].cause, Cause::Review);
    let roles = [remit_kernel::role::Role::Reviewer, remit_kernel::role::Role::Adjudicator].into();
    let (engagement, person) = (stage.engagement, stage.who("checker"));
    stage.credential("checker", "analyst", "", "2027-12-31");
    stage.does("registrar", &Command::SetClearance { person, clearance: "trials".into(), granted: true });
    stage.does("manager", &Command::ChangeMember { engagement, person, roles, capacity: 3 });
    assert_eq!(stage.would("checker", &stage.take_dispute(case)), "refused: self-review");
    stage.adjudicates("judge", case, "none");
    assert_eq!((stage.case(case).status, stage.case(case).reviews.len()), (CaseStatus::InReview, 2));
    stage.reviews("controller", case, None);
    assert_eq!(stage.case(case).status, CaseStatus::AwaitingSignOff);
}

#[test]
fn wrong_words_go_back_to_the_owner() {
    let mut stage = all_reviewed(true);
    let (engagement, case) = (stage.engagement, stage.decided());
    stage.reviews("checker", case, UNTIDY);
    assert_eq!(stage.case(case).status, CaseStatus::Revision);
    let ask = Command::RequestSignoff { engagement, case };
    stage.foresee("manager", &ask, "refused: review-open");
    stage.does("manager", &Command::EditDeliverable { engagement, case, body: "Pain fell.".into() });
    assert_eq!(stage.case(case).status, CaseStatus::InReview, "what was mended is looked at again");
    stage.reviews("checker", case, None);
    stage.signs("signer", case);
    stage.does("manager", &stage.deliver(case));
}

#[test]
fn nobody_reviews_the_own_work_and_a_reviewer_does_not_sign() {
    let mut stage = all_reviewed(true);
    let (engagement, case) = (stage.engagement, stage.decided());
    let everybody = ["reader", "second", "twin", "manager", "judge", "signer"];
    for name in everybody {
        let member = stage.member(name);
        let roles = member.roles.iter().copied().chain([remit_kernel::role::Role::Reviewer]).collect();
        let person = stage.who(name);
        stage.does("manager", &Command::ChangeMember { engagement, person, roles, capacity: 3 });
    }
    for name in ["reader", "second", "twin", "manager"] {
        assert_eq!(stage.would(name, &stage.take_review(case)), "refused: self-review", "{name}");
    }
    stage.reviews("signer", case, None);
    assert_eq!(
        stage.would("signer", &stage.open(case, remit_kernel::case::Material::Deliverable)),
        "refused: self-review"
    );
}

#[test]
fn a_lost_reviewer_leaves_the_review_open_to_the_next() {
    let mut stage = all_reviewed(false);
    let (engagement, case) = (stage.engagement, stage.decided());
    stage.does("checker", &stage.take_review(case));
    assert_eq!(stage.would("controller", &stage.take_review(case)), "refused: review-taken");
    let person = stage.who("checker");
    stage.does("manager", &Command::RemoveMember { engagement, person, successor: None });
    assert_eq!(stage.review(stage.review_of(case)).status, ReviewStatus::Open);
    stage.reviews("controller", case, None);
    assert_eq!(stage.case(case).status, CaseStatus::Resolved);
}

#[test]
fn a_reviewer_with_an_interest_loses_the_review_in_the_same_act() {
    let mut stage = all_reviewed(false);
    let (engagement, case) = (stage.engagement, stage.decided());
    stage.does("checker", &stage.take_review(case));
    let person = stage.who("checker");
    stage.does("registrar", &Command::SetConflict { person, party: "globex".into(), declared: true });
    stage.does("manager", &Command::AddParty { engagement, case, party: "globex".into() });
    assert_eq!(stage.review(stage.review_of(case)).status, ReviewStatus::Open);
    assert_eq!(stage.member("checker").load, 0);
}

#[test]
fn an_author_answers_within_the_days_agreed_and_another_reviewer_decides() {
    let mut stage = all_reviewed(false);
    let (engagement, case) = (stage.engagement, stage.decided());
    stage.reviews("checker", case, UNTIDY);
    let review = stage.review_of(case);
    let lot = stage.case(case).lot.unwrap();
    assert_eq!(stage.lot(lot).cases[&case], Place::Failed);
    let note = "The words are the client's own.".to_owned();
    let rebut = Command::RebutReview { engagement, case, review, note: note.clone() };
    let rule = |upheld| Command::RuleReview { engagement, case, review, upheld, note: note.clone() };
    stage.foresee("judge", &rebut, "refused: not-permitted");
    let mut late = stage.clone();
    late.wait(WEEK + 1);
    late.check("reader", &rebut, "refused: too-late");
    stage.wait(WEEK);
    stage.check("reader", &rebut, "rebutted");
    stage.foresee("second", &rebut, "refused: wrong-state");
    stage.foresee("checker", &rule(false), "refused: self-review");
    stage.foresee("controller", &rule(true), "ruled");
    stage.check("controller", &rule(false), "ruled, finding_struck, overturned");
    assert_eq!(stage.lot(lot).cases[&case], Place::Passed, "what was struck counts no more");
    assert!(stage.review(review).standing().is_empty());
}

#[test]
fn the_clients_reader_answers_without_sight_of_the_answer_and_holds_nothing_up() {
    let review = ReviewPlan { in_house: WHOLE, ..ReviewPlan::default() };
    let mut stage = Stage::under(reviewed(false, review), None);
    let (engagement, case) = (stage.engagement, stage.decided());
    assert_eq!(stage.case(case).status, CaseStatus::Resolved);
    stage.foresee("checker", &stage.take_review(case), "refused: role-missing");
    let person = stage.who("client");
    let roles = stage.member("client").roles.into_iter().chain([remit_kernel::role::Role::Reviewer]).collect();
    stage.does("manager", &Command::ChangeMember { engagement, person, roles, capacity: 3 });
    stage.foresee("client", &stage.take_review(case), "refused: role-missing");
    stage.does("manager", &stage.deliver(case));
    stage.does("insider", &stage.take_review(case));
    let given = ReviewIn { finding: Some(stage.judgement(case, "none")), ..ReviewIn::default() };
    let review = stage.review_of(case);
    stage.does("insider", &Command::FinishReview { engagement, case, review, given });
    let review = stage.review(review);
    assert_eq!(review.status, ReviewStatus::Failed);
    assert_eq!(review.finish.unwrap().differing, ["finding"]);
    assert_eq!(stage.case(case).status, CaseStatus::Delivered, "what follows is the client's to decide");
}

#[test]
fn a_mark_draws_its_own_share() {
    let review =
        ReviewPlan { risks: [(Risk::Urgent, WHOLE), (Risk::Adjudicated, WHOLE)].into(), ..ReviewPlan::default() };
    let mut stage = Stage::under(reviewed(false, review), None);
    let plain = stage.decided();
    assert_eq!(stage.case(plain).status, CaseStatus::Resolved);
    let disputed = stage.take_in();
    stage.reads("reader", disputed, "decreased");
    stage.reads("second", disputed, "none");
    stage.adjudicates("judge", disputed, "none");
    assert_eq!(stage.case(disputed).status, CaseStatus::InReview);
}

#[test]
fn a_rejected_lot_goes_to_full_review_and_what_is_not_delivered_is_held() {
    let mut stage = judged();
    let engagement = stage.engagement;
    let cases: Vec<_> = (0..4).map(|_| stage.decided()).collect();
    let lot = stage.case(cases[0]).lot.unwrap();
    stage.foresee("checker", &Command::CloseLot { engagement, lot }, "refused: wrong-state");
    stage.wait(WEEK);
    stage.does("checker", &Command::CloseLot { engagement, lot });
    let sampled = stage.lot(lot).sampled();
    assert_eq!((sampled.len(), stage.lot(lot).status), (2, LotStatus::Judging));
    let rest: Vec<_> = cases.iter().copied().filter(|case| !sampled.contains(case)).collect();
    stage.foresee("manager", &stage.deliver(rest[0]), "delivered, delivered");
    stage.foresee("manager", &stage.deliver(sampled[0]), "refused: review-open");
    for case in sampled {
        stage.reviews("checker", case, UNTIDY);
    }
    assert_eq!(stage.lot(lot).status, LotStatus::Rejected);
    assert_eq!(stage.sampler().switching.mode, Mode::Normal, "one rejected lot changes nothing yet");
    // Held at once, before anybody has drawn them.
    stage.foresee("manager", &stage.deliver(rest[0]), "refused: review-open");
    stage.does("checker", &Command::ScreenLot { engagement, lot });
    assert_eq!(stage.tries("checker", &Command::ScreenLot { engagement, lot }), "nothing");
    for case in &rest {
        stage.foresee("manager", &stage.deliver(*case), "refused: review-open");
        stage.reviews("controller", *case, None);
        stage.does("manager", &stage.deliver(*case));
    }
    assert!(stage.lot(lot).at(Place::Pending).next().is_none());
}

#[test]
fn a_lot_is_judged_even_if_cases_of_its_sample_are_called_off() {
    let mut stage = judged();
    let engagement = stage.engagement;
    let cases: Vec<_> = (0..2).map(|_| stage.decided()).collect();
    let lot = stage.case(cases[0]).lot.unwrap();
    stage.wait(WEEK);
    stage.does("checker", &Command::CloseLot { engagement, lot });
    stage.does("checker", &stage.take_review(cases[0]));
    stage.does("client", &stage.cancel(cases[0]));
    assert_eq!(stage.member("checker").load, 0);
    stage.reviews("checker", cases[1], None);
    assert_eq!(stage.lot(lot).status, LotStatus::Accepted);
}

#[test]
fn a_lot_that_lost_its_seed_draws_nothing() {
    let mut stage = judged();
    let first = stage.decided();
    let lot = stage.case(first).lot.unwrap();
    stage.world.seeds.insert(lot, Seed([7; 32]));
    let next = stage.take_in();
    stage.reads("reader", next, "decreased");
    stage.does("second", &stage.claim(next));
    stage.check("second", &stage.submit(next, "decreased"), "refused: seed-lost");
}

#[test]
fn sampling_is_tightened_after_two_rejected_lots_and_discontinued_after_five_more() {
    let mut stage = judged();
    let engagement = stage.engagement;
    let mut modes = Vec::new();
    for _ in 0..7 {
        let case = stage.decided();
        let lot = stage.case(case).lot.unwrap();
        stage.wait(WEEK);
        stage.does("checker", &Command::CloseLot { engagement, lot });
        stage.reviews("checker", case, UNTIDY);
        modes.push(stage.sampler().switching.mode);
    }
    let mut expected = vec![Mode::Normal];
    expected.extend([Mode::Tightened; 5]);
    expected.push(Mode::Discontinued);
    assert_eq!(modes, expected);
    // From now on every case is reviewed, until the client lets sampling begin again.
    let case = stage.decided();
    assert_eq!(stage.case(case).status, CaseStatus::InReview);
    let (line, case_type, note) = (stage.line, "trial".to_owned(), "Trained anew.".to_owned());
    stage.does("client", &Command::ResumeSampling { engagement, line, case_type, note });
    assert_eq!(stage.sampler().switching.mode, Mode::Tightened);
}
