//! Two reviewers of one case: neither finds the other before both have finished, and what both found corrects the error rate.

use axum::http::StatusCode;
use remit_kernel::{
    command::{Command, ReviewIn},
    facts::Want,
    id::{CaseId, PersonId, ReviewId},
    index::{CaseStatus, ReviewStatus},
    pack::{Acceptance, ReviewPlan, WHOLE},
    stream::{Scope, State, StreamId},
};
use remit_server::app::{
    case::timeline::GetTimeline,
    certificate::GetCertificate,
    lot::ShowLot,
    review::{MyFeedback, ShowReviews},
    second::{ShowSecond, pairs},
};
use remit_store::Commit;
use serde_json::{Value, json};

use crate::{
    http::Http,
    review::{Reviewed, every_case, untidy},
};

/// A world in which two reviewers look at every case, and lots are judged.
async fn twice() -> Reviewed {
    let acceptance = Some(Acceptance { aql: 650, reduced: false });
    Reviewed::under(ReviewPlan { second: WHOLE, acceptance, ..every_case() }).await
}

/// Returns the reviews of a case in the order in which they were drawn.
async fn both(reviewed: &Reviewed, case: CaseId) -> [ReviewId; 2] {
    let scope = reviewed.world.engagement.to_string();
    let stream = StreamId::Case(case);
    let kept = reviewed.world.app.store().snapshots(&scope, &[stream.to_string()]).await.unwrap();
    match State::read(stream, &kept[0].as_ref().unwrap().body).unwrap() {
        State::Case(case) => case.reviews.try_into().unwrap(),
        other => panic!("this is no case: {other:?}"),
    }
}

impl Reviewed {
    fn at(&self, case: CaseId, review: ReviewId) -> String {
        format!("/api/v1/engagements/{}/cases/{case}/reviews/{review}", self.world.engagement)
    }

    async fn looks(&self, http: &Http, who: PersonId, (case, review): (CaseId, ReviewId), body: &Value) {
        let (token, at) = (self.world.token(who).await, self.at(case, review));
        for (act, body) in [("take", &json!({})), ("finish", body)] {
            let done = http.post(&format!("{at}/{act}"), &token, body).await;
            assert_eq!(done.status, StatusCode::OK, "{act}: {}", done.body);
        }
    }
}

#[tokio::test]
async fn neither_reviewer_finds_the_other_and_no_author_hears_before_both_have_finished() {
    let reviewed = twice().await;
    let (world, http) = (&reviewed.world, Http::of(&reviewed.world));
    let (engagement, case) = (world.engagement, reviewed.decided("S-1").await);
    let [one, other] = both(&reviewed, case).await;
    let sees = async |who: PersonId, review: ReviewId| {
        let api = http.get(&reviewed.at(case, review), &world.token(who).await).await.status;
        let page = http.get(&format!("/e/{engagement}/review/{case}/{review}"), &world.token(who).await).await.status;
        assert_eq!(api, page);
        api == StatusCode::OK
    };
    let waiting = async |who: PersonId| {
        let board = world.app.view(&world.caller(who), ShowReviews { engagement }).await.unwrap();
        board.waiting.into_iter().map(|line| (line.review, line.open)).collect::<Vec<_>>()
    };
    for who in [reviewed.checker, reviewed.controller] {
        assert_eq!(waiting(who).await, [(one, true)], "of two that are open, one is offered");
        assert!(sees(who, one).await && !sees(who, other).await);
    }
    let of_two = async |who: PersonId| {
        let board = world.app.view(&world.caller(who), ShowReviews { engagement }).await.unwrap();
        board.waiting.into_iter().map(|line| line.of_two).collect::<Vec<_>>()
    };
    assert_eq!(of_two(world.delivery).await, [true, true], "who reviews nothing knows of both");
    assert_eq!(of_two(reviewed.checker).await, [false], "who may be one of them does not");
    // The first has it, then has finished it: the second finds the other alone, just as it looked before.
    let before = http.get(&format!("/e/{engagement}/reviews"), &world.token(reviewed.controller).await).await.body;
    reviewed.looks(&http, reviewed.checker, (case, one), &untidy()).await;
    assert_eq!((waiting(reviewed.checker).await, waiting(reviewed.controller).await), (vec![], vec![(other, true)]));
    assert!(sees(reviewed.checker, one).await && !sees(reviewed.checker, other).await);
    assert!(!sees(reviewed.controller, one).await && sees(reviewed.controller, other).await);
    let after = http.get(&format!("/e/{engagement}/reviews"), &world.token(reviewed.controller).await).await.body;
    assert_eq!(before.replace(&one.to_string(), "R"), after.replace(&other.to_string(), "R"), "the board looks alike");
    let desk = http.get(&reviewed.at(case, other), &world.token(reviewed.controller).await).await.body;
    assert!(!desk.contains("headings are missing") && !desk.contains(&one.to_string()), "{desk}");
    let ask = GetTimeline { engagement, case, as_of: None };
    let timeline = world.app.view(&world.caller(reviewed.controller), ask).await.unwrap();
    let timeline = serde_json::to_string(&timeline).unwrap();
    assert!(!timeline.contains("Reviewed"), "{timeline}");
    let feedback =
        async || world.app.view(&world.caller(world.reader1), MyFeedback { engagement }).await.unwrap().len();
    assert_eq!(feedback().await, 0);
    assert!(!sees(world.reader1, one).await);
    let figures = world.app.view(&world.caller(world.delivery), ShowReviews { engagement }).await.unwrap().figures;
    assert_eq!(figures.unwrap().quality.n, 0, "nothing is counted before both have finished");
    // Both have finished: everybody sees what either found.
    reviewed.looks(&http, reviewed.controller, (case, other), &json!({})).await;
    assert_eq!(feedback().await, 2);
    let told = world.app.view(&world.caller(world.reader1), MyFeedback { engagement }).await.unwrap();
    assert!(told.iter().all(|line| line.of_two), "why the case stands there twice");
    let figures = world.app.view(&world.caller(world.delivery), ShowReviews { engagement }).await.unwrap().figures;
    let quality = figures.unwrap().quality;
    assert_eq!((quality.n, quality.found, quality.interval), (1, 1, None), "two looks, one case");
    for who in [reviewed.checker, reviewed.controller, world.reader1, world.delivery] {
        assert!(sees(who, one).await && sees(who, other).await);
    }
    let known = world.app.store().find_case(&engagement.to_string(), case).await.unwrap().unwrap();
    assert_eq!(known.status, CaseStatus::Revision, "the stricter one holds");
    assert!(world.app.verify(&world.caller(world.auditor), Scope::Engagement(engagement), |_| ()).await.unwrap().ok);
}

/// Each decides while the other has not finished: whoever commits second has to decide again, or the case would wait for ever.
#[tokio::test]
async fn of_two_reviewers_who_finish_at_once_the_second_sees_that_the_first_is_through() {
    let reviewed = twice().await;
    let (world, http) = (&reviewed.world, Http::of(&reviewed.world));
    let (engagement, case) = (world.engagement, reviewed.decided("S-1").await);
    let mut writes = Vec::new();
    let looks: Vec<_> = both(&reviewed, case).await.into_iter().zip([reviewed.checker, reviewed.controller]).collect();
    for (review, who) in &looks {
        let (token, at) = (world.token(*who).await, reviewed.at(case, *review));
        assert_eq!(http.post(&format!("{at}/take"), &token, &json!({})).await.status, StatusCode::OK);
    }
    for (review, who) in looks {
        let given = ReviewIn { defects: Vec::new(), coaching: None, finding: None };
        let command = Command::FinishReview { engagement, case, review, given };
        let caller = world.caller(who);
        writes.push((world.app.prepare(&caller, &command).await.unwrap().0, caller, command));
    }
    let [(first, ..), (second, caller, command)] = <[_; 2]>::try_from(writes).ok().unwrap();
    assert_eq!(world.app.store().commit(first).await.unwrap(), Commit::Done);
    assert_eq!(world.app.store().commit(second).await.unwrap(), Commit::Stale);
    world.app.act(caller, command).await.unwrap();
    let known = world.app.store().find_case(&engagement.to_string(), case).await.unwrap().unwrap();
    assert_ne!(known.status, CaseStatus::InReview, "both are through");
}

#[tokio::test]
async fn what_two_reviewers_found_corrects_the_error_rate_once_it_tells_enough() {
    let reviewed = twice().await;
    let (world, http) = (&reviewed.world, Http::of(&reviewed.world));
    let (engagement, manager) = (world.engagement, world.caller(world.delivery));
    let mut all = Vec::new();
    // Seven failed by both, one by one alone, two by none.
    for number in 0..10 {
        let case = reviewed.decided(&format!("C-{number}")).await;
        let [one, other] = both(&reviewed, case).await;
        if number == 7 {
            let early = world.app.view(&manager, ShowSecond { engagement }).await.unwrap();
            assert_eq!((early.errors.both, early.errors.missed.is_some()), (7, true));
        }
        if number == 6 {
            let early = world.app.view(&manager, ShowSecond { engagement }).await.unwrap();
            assert_eq!((early.errors.both, early.errors.corrected), (6, None));
            let board = http.get(&format!("/e/{engagement}/reviews"), &world.token(world.delivery).await).await.body;
            assert!(board.contains("6 of the 6 cases that two reviewers looked at failed with both"), "{board}");
        }
        reviewed.looks(&http, reviewed.checker, (case, one), &if number < 8 { untidy() } else { json!({}) }).await;
        reviewed.looks(&http, reviewed.controller, (case, other), &if number < 7 { untidy() } else { json!({}) }).await;
        all.extend([one, other]);
    }
    let lot = reviewed.lot().await;
    reviewed.end_the_week().await;
    let certificate = world.app.view(&manager, GetCertificate { engagement, lot }).await.unwrap();
    let (review, errors) = (&certificate.figures.review, certificate.figures.reviewers.clone().unwrap());
    assert_eq!((review.drawn, review.reviewed, review.failed, review.random_failed), (10, 10, 8, 8), "by case, once");
    assert_eq!((errors.twice, errors.both, errors.one, errors.why_not.clone()), (10, 7, 1, None));
    let (missed, corrected) = (errors.missed.unwrap(), errors.corrected.unwrap());
    let number = 8.5_f64.powi(2) / 8.0 - 1.0;
    assert!((missed - (1.0 - 7.5 / number)).abs() < 1e-12, "{missed}");
    assert!((corrected - 0.8 / (1.0 - missed * missed)).abs() < 1e-12, "two looks miss what both miss: {corrected}");
    let (lower, upper) = errors.corrected_interval.unwrap();
    assert!(lower <= corrected && corrected <= upper, "{lower} {upper}");
    // The lot says the same, and its draw of the second reviewers is the seed's.
    let view = world.app.view(&manager, ShowLot { engagement, lot }).await.unwrap();
    assert_eq!((view.errors, view.recomputed), (Some(errors), Some(true)));
    assert!(view.cases.iter().all(|case| case.twice));
    // Who holds the states counts the same pairs as the rows do.
    let wants: Vec<_> = all.iter().map(|review| Want::Stream(StreamId::Review(*review))).collect();
    let mut states = Vec::new();
    for want in wants {
        let Want::Stream(stream) = want else { unreachable!() };
        let kept = world.app.store().snapshots(&engagement.to_string(), &[stream.to_string()]).await.unwrap();
        if let State::Review(review) = State::read(stream, &kept[0].as_ref().unwrap().body).unwrap() {
            states.push(review);
        }
    }
    let mut found = pairs(states.iter());
    let rows = world.app.store().reviewed_twice(&engagement.to_string(), None, 100).await.unwrap();
    let mut kept: Vec<_> = rows.iter().map(|twice| (twice.one.1, twice.other.1)).collect();
    found.sort_unstable();
    kept.sort_unstable();
    assert_eq!(found, kept);
    assert_eq!(found.iter().filter(|pair| pair.0 == ReviewStatus::Failed && pair.1 == ReviewStatus::Failed).count(), 7);
    // Each figure opens to its cases.
    let token = world.token(world.client).await;
    for (show, many) in [("both", 7), ("one", 1), ("none", 2)] {
        let page = http.get(&format!("/e/{engagement}/reviews/second?show={show}"), &token).await.body;
        assert_eq!(page.matches("class=\"mark\"").count(), many, "{show}: {page}");
    }
    let page = http.get(&format!("/e/{engagement}/lots/{lot}/certificate"), &token).await.body;
    assert!(page.contains("Missed by one look") && page.contains("rather too low"), "{page}");
    let board = http.get(&format!("/e/{engagement}/reviews"), &token).await.body;
    assert!(board.contains("Error rate, corrected"), "{board}");
    // A finding that is struck clears the case and counts as a wrong alarm.
    let case = world.app.view(&manager, ShowSecond { engagement }).await.unwrap();
    let case = case.cases.iter().find(|case| case.failed == 1).unwrap().clone();
    let failed = case.reviews.iter().find(|review| review.status == ReviewStatus::Failed).unwrap().review;
    let note = "The template says so.".to_owned();
    let rebut = Command::RebutReview { engagement, case: case.case, review: failed, note: note.clone() };
    world.act(world.reader1, rebut).await.unwrap();
    let rule = Command::RuleReview { engagement, case: case.case, review: failed, upheld: false, note };
    assert!(world.act(reviewed.controller, rule.clone()).await.is_err(), "she passed it herself");
    world.act(world.reviewer, rule).await.unwrap();
    let errors = world.app.view(&manager, ShowSecond { engagement }).await.unwrap().errors;
    assert_eq!((errors.one, errors.struck, errors.findings), (0, 1, 15));
    assert!(world.app.verify(&world.caller(world.auditor), Scope::Engagement(engagement), |_| ()).await.unwrap().ok);
}
