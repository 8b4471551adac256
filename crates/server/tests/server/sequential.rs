//! Panels under a limit: what readers cannot tell, what the signer is told, how readers are measured, and who may ask.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use remit_kernel::{
    command::Command,
    id::{CaseId, PersonId},
    model::{GoldTaken, KNOWN_MIN, MILLION, Measured},
    pack::{Pack, Plan, Stopping},
    stream::Scope,
};
use remit_server::{Caller, app::quality::ShowQuality, jobs};
use serde_json::json;

use crate::{
    desk::Browser,
    world::{World, pack},
};

/// The small pack: two to four readings, until the estimated chance of a wrong answer is at most 1 %.
fn limited() -> Pack {
    let pack = pack();
    let stopping = Stopping::Sequential { readings_min: 2, readings_max: 4, error_max: 10_000 };
    Pack { plan: Plan { stopping, ..pack.plan }, ..pack }
}

/// A world in which everybody is known to be right 97 times of a hundred.
async fn measured() -> World {
    let world = World::by(limited()).await;
    let classes: Vec<_> = ["rose", "fell", "same"].map(str::to_owned).into();
    let measured = Measured {
        classes,
        prior: vec![MILLION / 3; 3],
        accuracy: 970_000,
        readers: BTreeMap::new(),
        temperature: 1_000,
        known: KNOWN_MIN,
        cases: 400,
    };
    let questions = [("effect".to_owned(), measured)].into();
    let fit = Command::FitModel { engagement: world.engagement, questions, panels: 400, gold: GoldTaken::default() };
    world.app.act(Caller::service("test"), fit).await.unwrap();
    world
}

/// Returns every page and answer about a case that its reader can open, with what names the case taken out.
async fn seen_by(world: &World, reader: PersonId, case: CaseId, reference: &str) -> Vec<String> {
    let seat = world.seat(reader, case).await;
    let item = world.item(case).await;
    let browser = Browser::of(world, reader).await;
    let engagement = world.engagement;
    let mut seen = Vec::new();
    for path in [
        format!("/e/{engagement}/read/{seat}"),
        format!("/e/{engagement}/cases/{case}"),
        format!("/api/v1/engagements/{engagement}/assignments/{seat}"),
        format!("/api/v1/engagements/{engagement}/cases/{case}"),
        format!("/api/v1/engagements/{engagement}/cases/{case}/timeline"),
        format!("/e/{engagement}/cases"),
        format!("/e/{engagement}/read"),
        "/".to_owned(),
    ] {
        let answer = browser.get(&path).await;
        let mut told = format!("{} {:?} {}", answer.status, answer.headers, answer.body);
        for (name, stands) in [
            (case.to_string(), "CASE"),
            (case.to_string().replace("case_", "panel_"), "PANEL"),
            (seat.to_string(), "SEAT"),
            (item.to_string(), "ITEM"),
            (reference.to_owned(), "REFERENCE"),
        ] {
            told = told.replace(&name, stands);
        }
        // Lengths are those of the names taken out.
        let told: Vec<_> =
            told.split("content-length").map(|part| part.trim_start_matches(['"', ':', ' ']).to_owned()).collect();
        seen.push(told.join(""));
    }
    let reason = "The next one is read instead.".to_owned();
    world.act(reader, Command::ReleaseSeat { engagement, case, reason }).await.unwrap();
    seen
}

#[tokio::test]
async fn a_third_seat_looks_like_a_second_to_whoever_takes_it() {
    let world = measured().await;
    let (second, third) = (world.take_in("T-1").await, world.take_in("T-2").await);
    world.read(world.reader1, second, "fell").await.unwrap();
    world.read(world.reader1, third, "fell").await.unwrap();
    let receipt = world.read(world.reader2, third, "rose").await.unwrap();
    assert!(receipt.has("weighed") && !receipt.has("disputed"), "a third reading is asked for");
    // Two newcomers, so that each comes to one case alone.
    let (one, other) = (world.another_reader("Nia Newcomer").await, world.another_reader("Nia Newcomer").await);
    let of_second = seen_by(&world, one, second, "T-1").await;
    let of_third = seen_by(&world, other, third, "T-2").await;
    for (second, third) in of_second.iter().zip(&of_third) {
        assert_eq!(
            second.replace(&one.to_string(), "ME"),
            third.replace(&other.to_string(), "ME"),
            "side channels 1, 2, 4, 10, 11"
        );
    }
    assert!(of_third[0].starts_with("200") && of_third[1].starts_with("200"), "{}", of_third[0]);
}

#[tokio::test]
async fn whoever_has_sealed_sees_nothing_of_a_seat_that_opens() {
    let world = measured().await;
    let engagement = world.engagement;
    let case = world.take_in("T-1").await;
    world.read(world.reader1, case, "fell").await.unwrap();
    let seat = world.seat(world.reader2, case).await;
    let browser = Browser::of(&world, world.reader1).await;
    let paths = [
        format!("/e/{engagement}/cases/{case}"),
        format!("/e/{engagement}/cases"),
        format!("/e/{engagement}/read"),
        format!("/api/v1/engagements/{engagement}/cases/{case}"),
        format!("/api/v1/engagements/{engagement}/seats"),
        "/".to_owned(),
    ];
    let mut before = Vec::new();
    for path in &paths {
        before.push(browser.get(path).await);
    }
    let judgement = world.judgement(case, "rose").await;
    world.act(world.reader2, Command::SubmitReading { engagement, case, judgement }).await.unwrap();
    for (path, before) in paths.iter().zip(before) {
        let after = browser.get(path).await;
        assert_eq!((before.body, before.headers), (after.body, after.headers), "{path}");
    }
    assert!(!seat.to_string().is_empty());
}

#[tokio::test]
async fn signer_client_and_case_are_told_when_the_panel_stopped_and_why() {
    let world = measured().await;
    let engagement = world.engagement;
    let case = world.take_in("T-1").await;
    world.read(world.reader1, case, "fell").await.unwrap();
    world.read(world.reader2, case, "fell").await.unwrap();
    let sentence = "Stopped after 2 readings: estimated chance of a wrong answer under 0.1 %, limit 1 %";
    let signer = Browser::of(&world, world.signer).await;
    let page = signer.get(&format!("/e/{engagement}/sign/{case}")).await.body;
    assert!(page.contains(&format!("Two readers agreed. {sentence}.")), "{page}");
    let manager = Browser::of(&world, world.delivery).await;
    let page = manager.get(&format!("/e/{engagement}/cases/{case}")).await.body;
    assert!(page.matches(sentence).count() >= 3, "outcome, deliverable and timeline: {page}");
    let shown = manager.get(&format!("/api/v1/engagements/{engagement}/cases/{case}")).await.json();
    let stopped = &shown["outcome"]["stopped"];
    assert_eq!((stopped["verdict"].as_str(), stopped["readings"].as_u64()), (Some("enough"), Some(2)), "{shown}");
    assert!(stopped["error"].as_u64().unwrap() <= 10_000 && stopped["model"] == 1);

    let split = world.take_in("T-2").await;
    world.read(world.reader1, split, "fell").await.unwrap();
    world.read(world.reader2, split, "rose").await.unwrap();
    let close = format!("/api/v1/engagements/{engagement}/cases/{split}/readings/close");
    let page = manager.get(&format!("/e/{engagement}/cases/{split}")).await.body;
    assert!(
        page.contains("Close the panel with the readings it has") && !page.contains("Another reading was asked for"),
        "{page}"
    );
    for stranger in [world.reader1, world.client, world.signer] {
        let refused = Browser::of(&world, stranger).await.json(&close, &json!({})).await;
        assert!(refused.status == StatusCode::FORBIDDEN || refused.status == StatusCode::NOT_FOUND, "{refused:?}");
    }
    let closed = manager.send(&format!("/e/{engagement}/cases/{split}/close-reading"), &[]).await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER);
    assert_eq!(world.state(split).await["status"], "adjudicating");

    let quality = manager.get(&format!("/api/v1/engagements/{engagement}/quality")).await.json();
    assert_eq!(quality["cost"]["stopped_early"], json!({ "cases": 1, "bought": 2, "not_bought": 2 }), "{quality}");
    let page = manager.get(&format!("/e/{engagement}/quality")).await.body;
    assert!(page.contains("and 2 that their plans would have allowed not bought"), "{page}");
    assert!(page.contains("it does not show that fewer readings are as right"), "{page}");
    let behind = manager.get(&format!("/api/v1/engagements/{engagement}/cases?stopped_early=true")).await.json();
    let behind: Vec<_> =
        behind["cases"].as_array().unwrap().iter().map(|found| found["case"].as_str().unwrap()).collect();
    assert_eq!(behind, [case.to_string()]);
}

#[tokio::test]
async fn readers_are_measured_on_request_and_by_the_hour_from_closed_panels() {
    let world = World::by(limited()).await;
    let engagement = world.engagement;
    let address = format!("/api/v1/engagements/{engagement}/model");
    let manager = Browser::of(&world, world.delivery).await;
    let page = manager.get(&format!("/e/{engagement}/model")).await.body;
    assert!(page.contains("Nothing has been measured yet") && page.contains("Measure anew"), "{page}");
    for number in 0..4 {
        let case = world.take_in(&format!("T-{number}")).await;
        world.read(world.reader1, case, "fell").await.unwrap();
        world.read(world.reader2, case, if number == 0 { "rose" } else { "fell" }).await.unwrap();
    }
    for stranger in [world.reader1, world.client, world.auditor, world.signer] {
        let refused = Browser::of(&world, stranger).await.json(&address, &json!({})).await;
        assert!(refused.status == StatusCode::FORBIDDEN || refused.status == StatusCode::NOT_FOUND, "{refused:?}");
    }
    assert_eq!(jobs::measure(&world.app).await.unwrap(), Some(1));
    assert_eq!(jobs::measure(&world.app).await.unwrap(), Some(0), "nothing has closed since");
    let shown = manager.get(&address).await.json();
    // The case in dispute is nobody's business yet.
    assert_eq!((shown["version"].as_u64(), shown["panels"].as_u64()), (Some(1), Some(3)), "{shown}");
    let question = &shown["questions"][0];
    assert_eq!(
        (question["cases"].as_u64(), question["known"].as_u64(), &question["calibrated"]),
        (Some(3), Some(0), &json!(false))
    );
    world.app.clock().step_to(world.app.clock().now().plus_seconds(3_601));
    assert_eq!(jobs::measure(&world.app).await.unwrap(), Some(0), "no panel has closed since");
    let auditor = Browser::of(&world, world.auditor).await.get(&format!("/e/{engagement}/model")).await;
    assert!(
        auditor.body.contains("needs 30 known answers") && !auditor.body.contains("Measure anew"),
        "{}",
        auditor.body
    );
    assert_eq!(manager.send(&format!("/e/{engagement}/model"), &[]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_limit_is_agreed_in_the_statement_of_work_by_form_and_by_program() {
    let world = World::by(limited()).await;
    let engagement = world.engagement;
    let manager = Browser::of(&world, world.delivery).await;
    let line = |readings: &'static str, most: &'static str, limit: &'static str, single: &'static str| {
        [
            ("starts_on", "2026-01-01"),
            ("ends_on", "2026-12-31"),
            ("clause.0", "2.1"),
            ("service.0", "Reading"),
            ("kind.0", "standard"),
            ("includes.0", "trial"),
            ("price.0", "45.00"),
            ("currency.0", "GBP"),
            ("revisions_max.0", "1"),
            ("readings.0", readings),
            ("readings_max.0", most),
            ("error_max.0", limit),
            ("single_allowed.0", single),
        ]
    };
    let digest = world.pack.digest.to_string();
    let send = async |line: [(&'static str, &'static str); 13]| {
        let fields: Vec<_> = line.into_iter().chain([("pack.0", digest.as_str())]).collect();
        manager.send(&format!("/e/{engagement}/engagement/sows/new"), &fields).await
    };
    let refused = send(line("1", "3", "0.5", "")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("One reading alone would decide"), "{}", refused.body);
    let refused = send(line("2", "x", "0.5", "")).await;
    assert!(refused.body.contains("such as 2, 4 and 1"), "{}", refused.body);
    assert_eq!(send(line("1", "3", "0.5", "trial")).await.status, StatusCode::SEE_OTHER);
    let page = manager.get(&format!("/e/{engagement}/engagement")).await.body;
    let rule = "1 to 3 blind readings, until the estimated chance of a wrong answer is at most 0.5 % of trial";
    assert!(page.contains(rule), "{page}");
    assert!(page.contains("2 to 4 blind readings, until the estimated chance of a wrong answer is at most 1 %"));

    let given = |plan: serde_json::Value| {
        json!({
            "starts_on": "2026-01-01", "ends_on": "2026-12-31",
            "lines": [{
                "clause": "2.1", "service": "Reading", "kind": "standard", "includes": ["trial"], "price_minor": 4_500,
                "currency": "GBP", "revisions_max": 1, "plan": plan,
                "pack": {"name": world.pack.name, "version": world.pack.version, "digest": world.pack.digest},
            }],
        })
    };
    let address = format!("/api/v1/engagements/{engagement}/sows");
    let refused = manager.json(&address, &given(json!({"readings": 1, "signoff": true}))).await;
    assert!(
        refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.body.contains("single-reading"),
        "{refused:?}"
    );
    let plan =
        json!({"readings": 2, "readings_max": 5, "error_max": 2_500, "signoff": true, "single_allowed": ["trial"]});
    assert_eq!(manager.json(&address, &given(plan)).await.status, StatusCode::OK);
    let shown = manager.get(&format!("/api/v1/engagements/{engagement}")).await.json();
    let line = shown["sows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sow| &sow["lines"][0])
        .find(|line| line["readings_max"] == 5)
        .unwrap();
    assert_eq!(
        (&line["readings"], &line["error_max"], &line["single_allowed"]),
        (&json!(2), &json!(2_500), &json!(["trial"]))
    );
}

#[tokio::test]
async fn a_reader_may_be_outvoted_and_the_record_of_it_holds() {
    let world = measured().await;
    let engagement = world.engagement;
    let (third, fourth) = (world.another_reader("Tia Third").await, world.another_reader("Flo Fourth").await);
    let case = world.take_in("T-1").await;
    for (reader, answer) in [(world.reader1, "fell"), (world.reader2, "rose"), (third, "fell"), (fourth, "fell")] {
        world.read(reader, case, answer).await.unwrap();
    }
    assert_eq!(world.state(case).await["status"], "awaiting_sign_off");
    let manager = Browser::of(&world, world.delivery).await;
    let page = manager.get(&format!("/e/{engagement}/cases/{case}")).await.body;
    for shown in [
        "4 readers differed; the answer with the best chance stands, the others are kept below. Stopped after 4 readings",
        "Another reading was asked for after 3 readings",
        "The readers differed on effect; the plan’s limit was met",
        "readers differ",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let quality = world.app.view(&world.caller(world.client), ShowQuality { engagement, origin: None }).await.unwrap();
    assert_eq!((quality.panels, quality.agreed, quality.disputed), (1, 0, 1));
    let given = manager.get(&format!("/api/v1/engagements/{engagement}/export/cases")).await.json();
    assert_eq!(given["judgements"][0]["decided_by"], "panel");
    assert_eq!(given["judgements"][0]["judgement"]["answers"]["effect"], "fell");
    // The model is measured from it too, and every stream and row is found as it was folded.
    world.app.measure(&world.caller(world.delivery), engagement).await.unwrap();
    let found = world.app.verify(&world.caller(world.operator), Scope::Directory, |_| {}).await.unwrap();
    assert!(found.ok, "{found:?}");
}
