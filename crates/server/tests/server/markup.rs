//! Markup in every field that people fill stays text on every page that anybody opens, and long documents are read whole.

use axum::http::StatusCode;
use remit_kernel::{
    case::{Material, ReturnCode},
    command::{AnswerIn, Command, JudgementIn},
    id::{CaseId, PersonId},
};

use crate::{desk::Browser, routes::PAGES, world::World};

/// Breaks out of a text, an attribute with either quote, a comment and a script.
const EVIL: &str = "--></script><script>alert(1)</script><img src=x onerror=alert(1)>\"' onmouseover='alert(1)&";

/// What must never stand on a page: each would run or load something.
const LIVE: [&str; 3] = ["<script>alert", "<img src=x", "' onmouseover='"];

/// Opens every page as these people, and returns how many showed the words as text.
async fn every_page(world: &World, case: CaseId, people: &[PersonId]) -> usize {
    let (engagement, item) = (world.engagement.to_string(), world.item(case).await.to_string());
    let mut told = 0;
    for person in people {
        let browser = Browser::of(world, *person).await;
        for route in PAGES.iter().filter(|route| !route.ends_with("/live") && !route.contains("/items/")) {
            let path = route.replace("{engagement}", &engagement).replace("{case}", &case.to_string());
            let path = path.replace("{item}", &item).replace("{person}", &world.reader1.to_string());
            let page = browser.get(&path).await;
            assert!(!page.status.is_server_error(), "{path}");
            for live in LIVE {
                assert!(!page.body.contains(live), "{path} carries {live}: {}", page.body);
            }
            told += usize::from(page.body.contains("alert(1)"));
        }
    }
    told
}

#[tokio::test]
async fn markup_of_every_person_stays_text_on_every_page() {
    let world = World::live().await;
    let engagement = world.engagement;
    let mut given = world.case_in(EVIL);
    (given.title, given.items[0].name) = (EVIL.into(), EVIL.into());
    given.fields.insert("outcome".into(), EVIL.into());
    given.items[0].body = format!("The mean fell by 4 points. {EVIL}");
    let case = world.act(world.client, Command::TakeIn { engagement, case: given }).await.unwrap().case().unwrap();
    let reader = world.another_reader(EVIL).await;
    let judgement = async |answer: &str| JudgementIn {
        answers: [("effect".to_owned(), AnswerIn::Choice(answer.to_owned()))].into(),
        rationale: Some(EVIL.into()),
        ..world.judgement(case, answer).await
    };
    for (person, answer) in [(world.reader1, "fell"), (reader, "rose")] {
        world.act(person, Command::ClaimSeat { engagement, case }).await.unwrap();
        if person == reader {
            let shown = every_page(&world, case, &[reader]).await;
            assert!(shown > 2, "her desk and her lists show it: {shown}");
        }
        let judgement = judgement(answer).await;
        world.act(person, Command::SubmitReading { engagement, case, judgement }).await.unwrap();
    }
    world.act(world.adjudicator, Command::TakeAdjudication { engagement, case }).await.unwrap();
    let everybody = [world.client, world.delivery, world.reader1, world.adjudicator, world.signer, world.auditor];
    assert!(every_page(&world, case, &everybody).await > 10);

    let note = || EVIL.to_owned();
    let decided = judgement("fell").await;
    world.act(world.adjudicator, Command::Adjudicate { engagement, case, judgement: decided }).await.unwrap();
    world.act(world.delivery, Command::EditDeliverable { engagement, case, body: note() }).await.unwrap();
    for material in [Material::Item(world.item(case).await, 1), Material::Deliverable] {
        world.act(world.signer, Command::OpenMaterial { engagement, case, material }).await.unwrap();
    }
    assert!(every_page(&world, case, &everybody).await > 10);
    let content = world.state(case).await["resolution"]["content"].as_str().unwrap().parse().unwrap();
    world.act(world.signer, Command::Sign { engagement, case, content, statement: note() }).await.unwrap();
    world.act(world.delivery, Command::Deliver { engagement, case }).await.unwrap();
    let back = Command::ReturnDelivery { engagement, case, code: ReturnCode::Format, note: note() };
    world.act(world.client, back).await.unwrap();
    let transfer = Command::TransferCase { engagement, case, to: reader, reason: note() };
    world.act(world.delivery, transfer).await.unwrap();
    assert!(every_page(&world, case, &everybody).await > 10);
}

#[tokio::test]
async fn a_document_of_three_hundred_kilobytes_is_read_and_cited_to_its_last_words() {
    let world = World::live().await;
    let engagement = world.engagement;
    let mut given = world.case_in("L-1");
    let last = "At the very end the mean fell by 4 points 😀.";
    given.items[0].body = format!("{}{last}", "Ümläute and 😀 count as one character each.\n".repeat(7_000));
    assert!(given.items[0].body.len() > 300_000);
    let case = world.act(world.client, Command::TakeIn { engagement, case: given }).await.unwrap().case().unwrap();
    let assignment = world.seat(world.reader1, case).await;
    let (browser, desk) = (Browser::of(&world, world.reader1).await, format!("/e/{engagement}/read/{assignment}"));
    let shown = browser.get(&desk).await;
    assert!(shown.status == StatusCode::OK && shown.body.contains(last));
    let sealed = browser
        .send(&desk, &[("a.effect", "fell"), ("q.effect", last), ("rationale", "its last words"), ("do", "seal")])
        .await;
    assert_eq!(sealed.status, StatusCode::SEE_OTHER, "{}", &sealed.body[..sealed.body.len().min(2_000)]);
    let exported = browser.get(&format!("/api/v1/engagements/{engagement}/cases/{case}")).await.json();
    assert_eq!(exported["readings"][0]["judgement"]["answers"][0]["evidence"][0]["quote"], last, "{exported}");
}
