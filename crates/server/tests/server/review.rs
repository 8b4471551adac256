//! Reviews on pages and in the API: what is drawn and held, who sees what, and how a week's lot is judged.

use axum::http::{Method, StatusCode};
use remit_kernel::{
    alarm::Yardstick,
    command::Command,
    id::{CaseId, LotId, PersonId, ReviewId},
    pack::{Acceptance, Plan, ReviewPlan, WHOLE},
    role::{Role, Side},
    stream::Scope,
};
use remit_server::{
    Caller,
    app::{
        certificate::GetCertificate,
        lot::ShowLot,
        quality::ShowDrift,
        review::{MyFeedback, OpenReview, ShowReviews},
    },
    jobs::run_due,
};
use serde_json::{Value, json};

use crate::{
    case::submit,
    http::{Http, bearer},
    world::{World, pack},
};

/// A world in which reviews are planned, and its reviewers.
pub(crate) struct Reviewed {
    pub(crate) world: World,
    pub(crate) checker: PersonId,
    pub(crate) controller: PersonId,
    insider: PersonId,
}

impl Reviewed {
    pub(crate) async fn under(review: ReviewPlan) -> Self {
        let world = World::live().await;
        let checker = world.member("Carl Checker", Side::Provider, Role::Reviewer).await;
        let controller = world.member("Cleo Controller", Side::Provider, Role::Reviewer).await;
        let insider = world.member("Ines Insider", Side::Client, Role::Reviewer).await;
        let Command::DraftSow { engagement, starts_on, ends_on, names_people, mut lines } = world.draft_sow(Some(100))
        else {
            unreachable!("it drafts a statement of work")
        };
        lines[0].plan = Some(Plan { signoff: false, review: Some(review), ..pack().plan });
        lines.truncate(1);
        let draft = Command::DraftSow { engagement, starts_on, ends_on, names_people, lines };
        let sow = world.act(world.delivery, draft).await.unwrap().sow().unwrap();
        world.put_in_force(sow).await;
        Self { world, checker, controller, insider }
    }

    pub(crate) async fn decided(&self, reference: &str) -> CaseId {
        let case = self.world.take_in(reference).await;
        self.world.read(self.world.reader1, case, "fell").await.unwrap();
        self.world.read(self.world.reader2, case, "fell").await.unwrap();
        case
    }

    async fn review_of(&self, case: CaseId) -> ReviewId {
        let scope = self.world.engagement.to_string();
        self.world.app.store().reviews_of_cases(&scope, &[case]).await.unwrap().last().unwrap().review
    }

    /// Lets a reviewer take and finish the newest review of a case by the API; returns the answer's status.
    async fn reviews(&self, http: &Http, who: PersonId, case: CaseId, body: &Value) -> StatusCode {
        let token = self.world.token(who).await;
        let at = format!(
            "/api/v1/engagements/{}/cases/{case}/reviews/{}",
            self.world.engagement,
            self.review_of(case).await
        );
        let taken = http.post(&format!("{at}/take"), &token, &json!({})).await;
        assert_eq!(taken.status, StatusCode::OK, "{}", taken.body);
        let finished = http.post(&format!("{at}/finish"), &token, body).await;
        assert!(finished.status == StatusCode::OK || finished.status.is_client_error(), "{}", finished.body);
        finished.status
    }

    pub(crate) async fn lot(&self) -> LotId {
        let scope = self.world.engagement.to_string();
        let now = self.world.app.clock().now().plus_seconds(1);
        self.world.app.store().list_lots(&scope, now, 1).await.unwrap()[0].lot
    }

    pub(crate) async fn end_the_week(&self) {
        let end = remit_kernel::lot::week_end(self.world.app.clock().now());
        self.world.app.clock().step_to(end.plus_seconds(60));
        run_due(&self.world.app).await.unwrap();
    }
}

pub(crate) fn every_case() -> ReviewPlan {
    ReviewPlan { random: WHOLE, rebuttal_days: 7, ..ReviewPlan::default() }
}

fn judged() -> ReviewPlan {
    let acceptance = Some(Acceptance { aql: 650, reduced: false });
    ReviewPlan { acceptance, rebuttal_days: 7, ..ReviewPlan::default() }
}

pub(crate) fn untidy() -> Value {
    let defect = json!({"kind": "format", "severity": "major", "note": "Two headings are missing."});
    json!({"defects": [defect], "coaching": "Look at the template."})
}

#[tokio::test]
async fn a_drawn_case_is_held_until_a_reviewer_has_passed_it() {
    let reviewed = Reviewed::under(every_case()).await;
    let (world, http) = (&reviewed.world, Http::of(&reviewed.world));
    let (engagement, case) = (world.engagement, reviewed.decided("R-1").await);
    let refused = world.act(world.delivery, Command::Deliver { engagement, case }).await.unwrap_err();
    assert!(refused.to_string().contains("review"), "{refused}");
    let token = world.token(reviewed.checker).await;
    let board = http.get(&format!("/e/{engagement}/reviews"), &token).await;
    assert!(
        board.body.contains("R-1") && board.body.contains("by chance") && board.body.contains("Take"),
        "{}",
        board.body
    );
    let at = format!("/e/{engagement}/review/{case}/{}", reviewed.review_of(case).await);
    assert_eq!(submit(&http, &format!("{at}/take"), &token, &[]).await.status, StatusCode::SEE_OTHER);
    let desk = http.get(&at, &token).await;
    assert!(desk.body.contains("The mean fell by 4 points") && desk.body.contains("The answer"), "{}", desk.body);
    // A row that was begun and not finished is named, and nothing typed is lost.
    let half = [("do", "finish"), ("d.0.kind", "fact"), ("d.0.note", "It rose.")];
    let refused = submit(&http, &at, &token, &half).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.body.contains("lacks its kind or its weight") && refused.body.contains("It rose."),
        "{}",
        refused.body
    );
    assert_eq!(submit(&http, &at, &token, &[("do", "finish")]).await.status, StatusCode::SEE_OTHER);
    world.act(world.delivery, Command::Deliver { engagement, case }).await.unwrap();
    assert!(world.app.verify(&world.caller(world.auditor), Scope::Engagement(engagement), |_| ()).await.unwrap().ok);
}

#[tokio::test]
async fn an_author_hears_what_was_found_answers_it_and_another_reviewer_strikes_it() {
    let reviewed = Reviewed::under(every_case()).await;
    let (world, http) = (&reviewed.world, Http::of(&reviewed.world));
    let (engagement, case) = (world.engagement, reviewed.decided("A-1").await);
    assert_eq!(reviewed.reviews(&http, reviewed.checker, case, &untidy()).await, StatusCode::OK);
    let review = reviewed.review_of(case).await;
    let reader = world.token(world.reader1).await;
    let mine = http.get(&format!("/e/{engagement}/reviews/mine"), &reader).await;
    assert!(
        mine.body.contains("Two headings are missing.") && mine.body.contains("Look at the template."),
        "{}",
        mine.body
    );
    let heard = world.app.view(&world.caller(world.adjudicator), MyFeedback { engagement }).await.unwrap();
    assert!(heard.is_empty(), "she had no part in it");
    let at = format!("/api/v1/engagements/{engagement}/cases/{case}/reviews/{review}");
    let answered = http.post(&format!("{at}/rebut"), &reader, &json!({"note": "The client asked for it so."})).await;
    assert_eq!(answered.status, StatusCode::OK, "{}", answered.body);
    let own = world.token(reviewed.checker).await;
    let ruling = json!({"upheld": false, "note": "The client did ask."});
    assert_eq!(http.post(&format!("{at}/rule"), &own, &ruling).await.status, StatusCode::CONFLICT);
    let other = world.token(reviewed.controller).await;
    assert_eq!(http.post(&format!("{at}/rule"), &other, &ruling).await.status, StatusCode::OK);
    let board = world.app.view(&world.caller(world.delivery), ShowReviews { engagement }).await.unwrap();
    let figures = board.figures.unwrap();
    assert_eq!(
        (figures.quality.n, figures.quality.found, figures.defects.len()),
        (1, 0, 0),
        "what was struck counts nowhere"
    );
}

#[tokio::test]
async fn the_clients_own_reader_sees_no_answer_before_her_own_and_others_see_no_lot_she_reads_in() {
    let reviewed = Reviewed::under(ReviewPlan { in_house: WHOLE, ..ReviewPlan::default() }).await;
    let (world, http) = (&reviewed.world, Http::of(&reviewed.world));
    let (engagement, case) = (world.engagement, reviewed.decided("H-1").await);
    world.act(world.delivery, Command::Deliver { engagement, case }).await.unwrap();
    let review = reviewed.review_of(case).await;
    let token = world.token(reviewed.insider).await;
    for closed in [
        format!("/e/{engagement}/cases/{case}"),
        format!("/api/v1/engagements/{engagement}/cases/{case}"),
        format!("/api/v1/engagements/{engagement}/cases/{case}/readings"),
        format!("/e/{engagement}/quality"),
    ] {
        let answer = http.get(&closed, &token).await;
        assert!(answer.status.is_client_error() || !answer.body.contains("fell\""), "{closed} shows: {}", answer.body);
    }
    let at = format!("/e/{engagement}/review/{case}/{review}");
    submit(&http, &format!("{at}/take"), &token, &[]).await;
    let desk = world.app.view(&world.caller(reviewed.insider), OpenReview { engagement, case, review }).await.unwrap();
    assert!(desk.view.is_none() && desk.finish.is_none() && !desk.matter.papers.is_empty());
    let cited = json!([{"item": world.item(case).await, "version": 1, "start": 0, "end": 26}]);
    let finding =
        json!({"answers": {"effect": "rose"}, "evidence": {"effect": cited}, "rationale": "The median rose."});
    let body = json!({ "finding": finding });
    let finish = format!("/api/v1/engagements/{engagement}/cases/{case}/reviews/{review}/finish");
    let finished = http.post(&finish, &token, &body).await;
    assert_eq!(finished.status, StatusCode::OK, "{}", finished.body);
    let desk = world.app.view(&world.caller(reviewed.insider), OpenReview { engagement, case, review }).await.unwrap();
    let finish = desk.finish.unwrap();
    assert!(!finish.passed && finish.differing == ["Effect"] && desk.view.is_some(), "now she sees both: {finish:?}");
    // Nobody of the provider's side but its managers hears of it.
    let expert = world.token(world.reader1).await;
    assert_eq!(http.get(&at, &expert).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_rejected_lot_is_reviewed_whole_and_its_draw_can_be_repeated() {
    let reviewed = Reviewed::under(judged()).await;
    let (world, http) = (&reviewed.world, Http::of(&reviewed.world));
    let engagement = world.engagement;
    let mut cases = Vec::new();
    for number in 1..=4 {
        cases.push(reviewed.decided(&format!("L-{number}")).await);
    }
    let lot = reviewed.lot().await;
    let manager = world.caller(world.delivery);
    let view = world.app.view(&manager, ShowLot { engagement, lot }).await.unwrap();
    assert!(view.seed.is_none() && view.recomputed.is_none() && view.cases.iter().all(|case| case.number.is_none()));
    let early = world.app.view(&manager, GetCertificate { engagement, lot }).await;
    assert!(early.is_err(), "a lot that is open has no certificate");
    reviewed.end_the_week().await;
    let view = world.app.view(&manager, ShowLot { engagement, lot }).await.unwrap();
    assert_eq!(view.recomputed, Some(true));
    let sampled: Vec<_> = view.cases.iter().filter(|case| case.sampled).map(|case| case.case).collect();
    for case in &sampled {
        assert_eq!(reviewed.reviews(&http, reviewed.checker, *case, &untidy()).await, StatusCode::OK);
    }
    // The rejection draws all others as a job of the server.
    run_due(&world.app).await.unwrap();
    let rest: Vec<_> = cases.iter().copied().filter(|case| !sampled.contains(case)).collect();
    for case in &rest {
        assert!(world.act(world.delivery, Command::Deliver { engagement, case: *case }).await.is_err());
        assert_eq!(reviewed.reviews(&http, reviewed.controller, *case, &json!({})).await, StatusCode::OK);
        world.act(world.delivery, Command::Deliver { engagement, case: *case }).await.unwrap();
    }
    let certificate = world.app.view(&manager, GetCertificate { engagement, lot }).await.unwrap();
    let review = &certificate.figures.review;
    assert_eq!((review.random, review.random_failed), (4, sampled.len() as u64));
    assert_eq!(review.method, "hypergeometric");
    assert_eq!(review.interval, Some((0.5, 0.5)), "all were looked at");
    assert_eq!(certificate.figures.plan.as_ref().unwrap().accepted, Some(false));
    assert!(certificate.draw.as_ref().unwrap().fits);
    let page = http.get(&format!("/e/{engagement}/lots/{lot}/certificate"), &world.token(world.client).await).await;
    assert!(
        page.body.contains("Rejected") && page.body.contains("No reader of this work has been told of a gold case"),
        "{}",
        page.body
    );
    assert!(world.app.verify(&world.caller(world.auditor), Scope::Engagement(engagement), |_| ()).await.unwrap().ok);
}

#[tokio::test]
async fn no_person_may_complete_a_lot_and_nobody_but_the_client_lets_sampling_begin_again() {
    let reviewed = Reviewed::under(judged()).await;
    let world = &reviewed.world;
    let (engagement, case) = (world.engagement, reviewed.decided("N-1").await);
    let lot = reviewed.lot().await;
    for who in [world.delivery, world.client, reviewed.checker, world.operator] {
        assert!(world.act(who, Command::CloseLot { engagement, lot }).await.is_err());
    }
    let service = Caller::service("test");
    assert!(world.app.act(service, Command::CloseLot { engagement, lot }).await.is_err(), "its week is not over");
    let line = world.line_of(case).await;
    let resume =
        |note: &str| Command::ResumeSampling { engagement, line, case_type: "trial".into(), note: note.into() };
    assert!(world.act(world.delivery, resume("Go on.")).await.is_err());
    // While sampling goes on there is nothing that the client could let begin again.
    let refused = world.act(world.client, resume("Go on.")).await.unwrap_err();
    assert!(refused.to_string().contains("sampling goes on"), "{refused}");
}

#[tokio::test]
async fn what_reviews_find_wrong_is_charted_against_the_readings_that_gave_it() {
    let reviewed = Reviewed::under(every_case()).await;
    let (world, http) = (&reviewed.world, Http::of(&reviewed.world));
    let engagement = world.engagement;
    let missed = async || {
        let ask = ShowDrift { engagement, question: None, origin: None, yardstick: Yardstick::Defects };
        let drift = world.app.view(&world.caller(world.delivery), ask).await.unwrap();
        (drift.missed.hits, drift.missed.n)
    };
    let (good, format) = (reviewed.decided("D-1").await, reviewed.decided("D-2").await);
    assert_eq!(missed().await, (0, 0));
    assert_eq!(reviewed.reviews(&http, reviewed.checker, good, &json!({})).await, StatusCode::OK);
    assert_eq!(reviewed.reviews(&http, reviewed.checker, format, &untidy()).await, StatusCode::OK);
    assert_eq!(missed().await, (0, 4), "a missing heading is no reader's");
    let wrong = reviewed.decided("D-3").await;
    let defect = json!({"question": "effect", "kind": "fact", "severity": "critical", "note": "It rose."});
    let item = world.item(wrong).await;
    let finding = json!({"answers": {"effect": "rose"}, "evidence": {"effect": [{"item": item, "version": 1, "start": 0, "end": 26}]}});
    let body = json!({"defects": [defect], "finding": finding});
    assert_eq!(reviewed.reviews(&http, reviewed.checker, wrong, &body).await, StatusCode::OK);
    assert_eq!(missed().await, (0, 4), "it is being decided anew");
    world.act(world.adjudicator, Command::TakeAdjudication { engagement, case: wrong }).await.unwrap();
    let judgement = world.judgement(wrong, "rose").await;
    world.act(world.adjudicator, Command::Adjudicate { engagement, case: wrong, judgement }).await.unwrap();
    assert_eq!(missed().await, (2, 6), "both had read it so");
}

#[tokio::test]
async fn what_a_reviewer_types_is_kept_for_her_alone_until_she_finishes_or_gives_it_back() {
    let reviewed = Reviewed::under(every_case()).await;
    let (world, http) = (&reviewed.world, Http::of(&reviewed.world));
    let (engagement, case) = (world.engagement, reviewed.decided("K-1").await);
    let review = reviewed.review_of(case).await;
    let (mine, other) = (world.token(reviewed.checker).await, world.token(reviewed.controller).await);
    let at = format!("/e/{engagement}/review/{case}/{review}");
    let api = format!("/api/v1/engagements/{engagement}/cases/{case}/reviews/{review}");
    let draft = json!({"coaching": "Well cited.", "defects": [{"kind": "fact", "note": "It rose."}]});
    let put = async |token: &str| {
        let headers = [("authorization", &*bearer(token)), ("content-type", "application/json")];
        http.send(Method::PUT, &format!("{api}/draft"), &headers, draft.to_string()).await.status
    };
    assert_eq!(put(&mine).await, StatusCode::NOT_FOUND, "she has not taken it");
    submit(&http, &format!("{at}/take"), &mine, &[]).await;
    let typed = [("do", "keep"), ("d.0.kind", "fact"), ("d.0.note", "It rose."), ("coaching", "Well cited.")];
    assert_eq!(submit(&http, &at, &mine, &typed).await.status, StatusCode::OK);
    let again = http.get(&at, &mine).await;
    assert!(again.body.contains("It rose.") && again.body.contains("Well cited."), "{}", again.body);
    assert!(again.body.contains("Draft kept"), "{}", again.body);
    assert!(!http.get(&at, &other).await.body.contains("It rose."), "a draft is nobody's but hers");
    assert_eq!((put(&mine).await, put(&other).await), (StatusCode::OK, StatusCode::NOT_FOUND));
    let released = submit(&http, &format!("{at}/release"), &mine, &[("note", "Away.")]).await;
    assert_eq!(released.status, StatusCode::SEE_OTHER);
    submit(&http, &format!("{at}/take"), &mine, &[]).await;
    assert!(!http.get(&at, &mine).await.body.contains("It rose."), "given back, it is gone");
    submit(&http, &at, &mine, &typed).await;
    assert_eq!(submit(&http, &at, &mine, &[("do", "finish")]).await.status, StatusCode::SEE_OTHER);
    let scope = engagement.to_string();
    let key = remit_store::DraftKey { person: reviewed.checker, stream: review.to_string() };
    assert!(world.app.store().find_draft(&scope, &key).await.unwrap().is_none());
}

#[tokio::test]
async fn what_failed_is_mended_on_its_page_looked_at_again_and_counts_as_first_submitted() {
    let acceptance = Some(Acceptance { aql: 650, reduced: false });
    let reviewed = Reviewed::under(ReviewPlan { acceptance, ..every_case() }).await;
    let (world, http) = (&reviewed.world, Http::of(&reviewed.world));
    let (engagement, case) = (world.engagement, reviewed.decided("M-1").await);
    assert_eq!(reviewed.reviews(&http, reviewed.checker, case, &untidy()).await, StatusCode::OK);
    let token = world.token(world.delivery).await;
    let at = format!("/e/{engagement}/cases/{case}");
    let page = http.get(&at, &token).await.body;
    assert!(page.contains("A review found this case wanting") && page.contains("Save the new words"), "{page}");
    assert!(!page.contains("/deliver\""), "it cannot be delivered yet: {page}");
    let refused = world.act(world.delivery, Command::Deliver { engagement, case }).await.unwrap_err();
    assert!(refused.to_string().contains("not mended and looked at again"), "{refused}");
    // The newest review is the one drawn last.
    world.app.clock().step_to(world.app.clock().now().plus_seconds(60));
    let words = [("body", "The mean fell; both headings stand.")];
    let saved = submit(&http, &format!("{at}/deliverable"), &token, &words).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let board = world.app.view(&world.caller(reviewed.checker), ShowReviews { engagement }).await.unwrap();
    let waiting: Vec<_> = board.waiting.iter().map(|line| (line.case, line.open, line.causes.clone())).collect();
    assert_eq!(waiting, [(case, true, vec!["it failed a review and was mended"])]);
    assert_eq!(reviewed.reviews(&http, reviewed.checker, case, &json!({})).await, StatusCode::OK);
    world.act(world.delivery, Command::Deliver { engagement, case }).await.unwrap();
    // The rate is that of first submissions: the later look counts nowhere.
    let figures =
        world.app.view(&world.caller(world.delivery), ShowReviews { engagement }).await.unwrap().figures.unwrap();
    assert_eq!((figures.quality.n, figures.quality.found), (1, 1));
    assert_eq!((figures.lots[0].drawn, figures.lots[0].reviewed, figures.lots[0].found), (1, 1, 1));
    reviewed.end_the_week().await;
    let lot = reviewed.lot().await;
    let certificate = world.app.view(&world.caller(world.delivery), GetCertificate { engagement, lot }).await.unwrap();
    let review = &certificate.figures.review;
    assert_eq!((review.drawn, review.reviewed, review.failed, review.random_failed), (1, 1, 1, 1));
    assert!(world.app.verify(&world.caller(world.auditor), Scope::Engagement(engagement), |_| ()).await.unwrap().ok);
}

#[tokio::test]
async fn once_it_failed_as_often_as_it_is_looked_at_again_the_delivery_manager_delivers_it_from_its_page() {
    let reviewed = Reviewed::under(every_case()).await;
    let (world, http) = (&reviewed.world, Http::of(&reviewed.world));
    let (engagement, case) = (world.engagement, reviewed.decided("E-1").await);
    let (token, at) = (world.token(world.delivery).await, format!("/e/{engagement}/cases/{case}"));
    assert_eq!(reviewed.reviews(&http, reviewed.checker, case, &untidy()).await, StatusCode::OK);
    for words in ["The mean fell.", "The mean fell by four."] {
        world.app.clock().step_to(world.app.clock().now().plus_seconds(60));
        submit(&http, &format!("{at}/deliverable"), &token, &[("body", words)]).await;
        assert_eq!(reviewed.reviews(&http, reviewed.controller, case, &untidy()).await, StatusCode::OK);
    }
    let page = http.get(&at, &token).await.body;
    assert!(page.contains("the delivery manager decides") && page.contains("/deliver\""), "{page}");
    world.act(world.delivery, Command::Deliver { engagement, case }).await.unwrap();
}
