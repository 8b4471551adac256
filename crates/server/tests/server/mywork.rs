//! My work: own figures from ten cases on, nothing of others before a panel closes, and a record without the client's words.

use axum::http::{Method, StatusCode};
use remit_kernel::{command::Command, id::CaseId, panel::RoutingRule};
use remit_server::app::mywork::{Feedback, MyWork, ShowMyWork, TakeMyRecord};
use remit_store::SessionKind;

use crate::{http::Http, world::World};

async fn page(world: &World, path: &str) -> String {
    let opened = world.app.open_session(world.reader1, SessionKind::Browser, "test").await.unwrap();
    let cookie = format!("remit={}", opened.secret);
    let answer = Http::of(world).send(Method::GET, path, &[("cookie", &cookie)], "").await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    answer.body
}

async fn mine(world: &World) -> MyWork {
    let ask = ShowMyWork { engagement: world.engagement, before: None };
    world.app.view(&world.caller(world.reader1), ask).await.unwrap()
}

async fn both_read(world: &World, reference: &str, second: &str) -> CaseId {
    let case = world.take_in(reference).await;
    world.read(world.reader1, case, "fell").await.unwrap();
    world.read(world.reader2, case, second).await.unwrap();
    case
}

#[tokio::test]
async fn what_others_held_is_told_once_the_panel_is_closed_and_without_their_names() {
    let world = World::live().await;
    let engagement = world.engagement;
    assert!(mine(&world).await.readings.is_empty());
    let case = world.take_in("T-1").await;
    world.act(world.reader1, Command::ClaimNext { engagement }).await.unwrap();
    let judgement = world.judgement(case, "fell").await;
    world.act(world.reader1, Command::SubmitReading { engagement, case, judgement }).await.unwrap();
    world.read(world.reader2, case, "rose").await.unwrap();
    world.act(world.adjudicator, Command::TakeAdjudication { engagement, case }).await.unwrap();
    let open = mine(&world).await;
    let reading = &open.readings[0];
    assert!(open.questions.is_empty() && !reading.closed && reading.feedback.is_empty(), "{open:?}");
    assert_eq!(reading.why.unwrap().rule, RoutingRule::NextCase);

    let judgement = world.judgement(case, "rose").await;
    world.act(world.adjudicator, Command::Adjudicate { engagement, case, judgement }).await.unwrap();
    let told = mine(&world).await;
    let feedback = Feedback {
        question: "Effect".into(),
        mine: "fell".into(),
        others: vec!["rose".into()],
        decided: Some("rose".into()),
        reference: None,
    };
    assert_eq!(told.readings[0].feedback, [feedback]);
    assert_eq!(told.readings[0].reasons.as_deref(), Some("the report says so"));
    let question = &told.questions[0];
    assert_eq!((question.same.hits, question.same.n, question.overturned.hits), (0, 1, 1));
    let written = serde_json::to_string(&told).unwrap();
    assert!(!written.contains("Ravi") && !written.contains(&world.reader2.to_string()), "{written}");

    let page = page(&world, &format!("/e/{engagement}/my-work")).await;
    assert!(page.contains("You asked for the next case") && page.contains("The adjudicator’s reasons"), "{page}");
    let stranger = ShowMyWork { engagement, before: None };
    assert!(world.app.view(&world.caller(world.stranger), stranger).await.is_err());
}

#[tokio::test]
async fn a_share_is_shown_from_ten_cases_on_and_the_record_has_no_word_of_the_client() {
    let world = World::live().await;
    let engagement = world.engagement;
    for number in 1..=9 {
        both_read(&world, &format!("T-{number}"), "fell").await;
    }
    let few = mine(&world).await.questions.remove(0);
    assert_eq!((few.same.hits, few.same.n, few.same.share, few.same.interval), (9, 9, None, None));
    both_read(&world, "T-10", "fell").await;
    let work = mine(&world).await;
    let enough = &work.questions[0];
    assert_eq!((enough.answers, enough.same.share), (10, Some(1.0)));
    assert!(enough.same.interval.is_some_and(|(lower, upper)| lower > 0.7 && upper >= 1.0));
    assert_eq!((work.readings.len(), work.readings[0].feedback.len()), (10, 0));

    let record = world.app.view(&world.caller(world.reader1), TakeMyRecord { engagement }).await.unwrap();
    assert_eq!((record.cases, record.by_type["trial"], record.name.as_str()), (10, 10, "Rita Reader"));
    assert_eq!(record.provider, "Durban Analytics");
    let written = serde_json::to_string(&record).unwrap();
    for word in ["T-1", "Did ", "the mean", "Harbour", "Evidence 2026", "Ravi"] {
        assert!(!written.contains(word), "{word}: {written}");
    }
    let file = page(&world, &format!("/api/v1/engagements/{engagement}/my-work/record")).await;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&file).unwrap()["cases"], 10);
    let page = page(&world, &format!("/e/{engagement}/my-work/record")).await;
    assert!(page.contains("Record of work") && page.contains("100.0 %"), "{page}");
    let token = world.token(world.reader1).await;
    let api = Http::of(&world).get(&format!("/api/v1/engagements/{engagement}/my-work"), &token).await;
    assert_eq!((api.status, api.json()["cases_min"].as_u64()), (StatusCode::OK, Some(10)));
}
