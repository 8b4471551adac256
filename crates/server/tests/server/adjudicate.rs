//! Adjudication: readings without names until the decision, evidence to adopt, exactly one decision.

use axum::http::StatusCode;
use remit_kernel::{command::Command, id::CaseId};
use serde_json::json;

use crate::{desk::Browser, world::World};

async fn disputed(world: &World) -> CaseId {
    let case = world.take_in("T-1").await;
    world.read(world.reader1, case, "fell").await.unwrap();
    world.read(world.reader2, case, "rose").await.unwrap();
    case
}

/// Everything that would tell who, when or in which order.
async fn telling(world: &World, case: CaseId) -> Vec<String> {
    let mut tells: Vec<String> = [world.reader1, world.reader2].iter().map(ToString::to_string).collect();
    tells.extend(["Rita", "Ravi", "sealed_at", "claimed_at", "\"seat\"", "reader"].map(str::to_owned));
    let panel = world
        .app
        .store()
        .snapshots(&world.engagement.to_string(), &[format!("panel/{}", case.panel())])
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    let state: serde_json::Value = serde_json::from_str(&panel.body).unwrap();
    for reading in state["readings"].as_array().unwrap() {
        tells.push(reading["reading"].as_str().unwrap().to_owned());
        tells.push(reading["provenance"]["assignment"].as_str().unwrap().to_owned());
        tells.push(reading["judgement"]["rationale"]["id"].as_str().unwrap().to_owned());
    }
    tells
}

#[tokio::test]
async fn the_adjudicator_learns_names_only_after_deciding() {
    let world = World::live().await;
    let case = disputed(&world).await;
    let browser = Browser::of(&world, world.adjudicator).await;
    let (page, api) = (
        format!("/e/{}/adjudicate/{case}", world.engagement),
        format!("/api/v1/engagements/{}/cases/{case}/dispute", world.engagement),
    );
    let queue = browser.get(&format!("/e/{}/adjudicate", world.engagement)).await;
    assert!(queue.body.contains("T-1") && queue.body.contains("1 question"), "{}", queue.body);
    let closed = browser.get(&page).await;
    assert!(closed.body.contains("Take this dispute") && !closed.body.contains("Reading A"), "{}", closed.body);

    assert_eq!(browser.send(&format!("{page}/take"), &[]).await.status, StatusCode::SEE_OTHER);
    let (open, shown) = (browser.get(&page).await, browser.get(&api).await);
    assert!(
        open.body.contains("Reading A") && open.body.contains("Reading B") && open.body.contains("They differ"),
        "{}",
        open.body
    );
    assert!(!open.body.contains(" checked"), "nothing is preselected");
    for tell in telling(&world, case).await {
        // The frame's own words may speak of readers; the readings may not.
        let main = open.body.split("<main").nth(1).unwrap();
        assert!(!main.contains(&tell) || tell == "reader", "the page tells {tell}: {main}");
        assert!(!shown.body.contains(&tell), "the answer tells {tell}: {}", shown.body);
    }

    let adopted = browser
        .send(&page, &[("a.effect", "fell"), ("rationale", "A reads the test rightly"), ("do", "adopt.0.effect")])
        .await;
    assert_eq!(adopted.status, StatusCode::OK);
    let cited = adopted.body.split("name=\"e.effect\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let missing = browser.send(&page, &[("a.effect", "fell"), ("e.effect", &cited), ("do", "seal")]).await;
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(missing.body.contains("The rationale is missing"), "{}", missing.body);
    let sealed = browser
        .send(
            &page,
            &[("a.effect", "fell"), ("e.effect", &cited), ("rationale", "A reads the test rightly"), ("do", "seal")],
        )
        .await;
    assert_eq!(sealed.status, StatusCode::SEE_OTHER, "{}", sealed.body);
    let decided = browser.get(&page).await;
    assert!(decided.body.contains("Rita Reader") && decided.body.contains("Ravi Reader"), "{}", decided.body);
    let again = browser.send(&page, &[("a.effect", "rose"), ("do", "seal")]).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.body);
}

#[tokio::test]
async fn a_finding_raised_afterwards_carries_no_name() {
    let world = World::live().await;
    let engagement = world.engagement;
    let case = world.take_in("T-1").await;
    world.read(world.reader1, case, "fell").await.unwrap();
    world.read(world.reader2, case, "fell").await.unwrap();
    let finding = Some(world.judgement(case, "rose").await);
    let code = remit_kernel::case::ReturnCode::Fact;
    world
        .act(
            world.signer,
            Command::ReturnSignoff { engagement, case, code, note: "the other arm rose".into(), finding },
        )
        .await
        .unwrap();
    let browser = Browser::of(&world, world.adjudicator).await;
    let page = format!("/e/{engagement}/adjudicate/{case}");
    browser.send(&format!("{page}/take"), &[]).await;
    let shown = browser.get(&page).await;
    assert!(
        shown.body.contains("A finding raised afterwards") && shown.body.contains("the other arm rose"),
        "{}",
        shown.body
    );
    for tell in ["Sam", "Rita", "Ravi", &world.signer.to_string()] {
        assert!(!shown.body.contains(tell), "{tell}");
    }
}

#[tokio::test]
async fn whoever_read_a_case_finds_no_dispute_about_it() {
    let world = World::live().await;
    let case = disputed(&world).await;
    for person in [world.reader1, world.reader2, world.client, world.auditor, world.stranger] {
        let browser = Browser::of(&world, person).await;
        let page = browser.get(&format!("/e/{}/adjudicate/{case}", world.engagement)).await;
        assert!(page.status.is_client_error() && !page.body.contains("Reading A"), "{}", page.body);
        let list = browser.get(&format!("/api/v1/engagements/{}/disputes", world.engagement)).await;
        assert_eq!(list.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_dispute_taken_or_decided_twice_at_once_has_one_taker_and_one_decision() {
    let world = World::live().await;
    let case = disputed(&world).await;
    let second = world.another_adjudicator("Abel Adjudicator").await;
    let path = format!("/api/v1/engagements/{}/cases/{case}/dispute", world.engagement);
    let (one, other) = (Browser::of(&world, world.adjudicator).await, Browser::of(&world, second).await);
    let (none, take) = (json!({}), format!("{path}/take"));
    let (first, late) = tokio::join!(one.json(&take, &none), other.json(&take, &none));
    assert_eq!(
        [&first, &late].iter().filter(|answer| answer.status == StatusCode::OK).count(),
        1,
        "{first:?} {late:?}"
    );
    let taker = if first.status == StatusCode::OK { &one } else { &other };
    let loser = if first.status == StatusCode::OK { &other } else { &one };
    assert_eq!(loser.get(&path).await.status, StatusCode::NOT_FOUND, "the other adjudicator sees nothing of it");
    let body = json!({"answers": {"effect": "fell"}, "quotes": {"effect": "The mean fell by 4 points."}, "rationale": "it says so"});
    let (a, b) = tokio::join!(taker.json(&path, &body), taker.json(&path, &body));
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{a:?} {b:?}");
}
