//! Writes that count once: whoever sends a key may send the request as often as she likes.

use std::{collections::BTreeSet, time::Duration};

use axum::http::{Method, StatusCode};
use remit_kernel::{command::Command, hash::Digest, index::CaseStatus, role::Side};
use remit_server::{Caller, Error, caller::Once};
use serde_json::json;

use crate::{
    http::{Answer, Http, bearer},
    world::World,
};

/// Posts JSON with a key.
async fn post(http: &Http, path: &str, token: &str, key: &str, body: &str) -> Answer {
    let authorization = bearer(token);
    let headers =
        [("authorization", authorization.as_str()), ("content-type", "application/json"), ("idempotency-key", key)];
    http.send(Method::POST, path, &headers, body.to_owned()).await
}

#[tokio::test]
async fn the_same_key_and_body_is_done_once_and_answered_alike() {
    let world = World::live().await;
    let http = Http::of(&world);
    let case = world.case_at(CaseStatus::Ready, "T-1").await;
    let token = world.token(world.reader1).await;
    let path = format!("/api/v1/engagements/{}/cases/{case}/seats/claim", world.engagement);
    let first = post(&http, &path, &token, "key-1", "").await;
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    world.app.clock().step_to(world.app.clock().now().plus_seconds(3_600));
    let again = post(&http, &path, &token, "key-1", "").await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    // The key is hers alone: another reader may use the same words.
    let other = post(&http, &path, &world.token(world.reader2).await, "key-1", "").await;
    assert_eq!(other.status, StatusCode::OK, "{other:?}");
    assert_ne!(other.body, first.body);
}

#[tokio::test]
async fn a_claim_is_answered_alike_after_its_seat_was_given_back() {
    let world = World::live().await;
    let http = Http::of(&world);
    let case = world.case_at(CaseStatus::Ready, "T-1").await;
    let token = world.token(world.reader1).await;
    let engagement = world.engagement;
    let path = format!("/api/v1/engagements/{engagement}/seats/next");
    let first = post(&http, &path, &token, "key-1", "").await;
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    let release = Command::ReleaseSeat { engagement, case, reason: "Away.".into() };
    world.act(world.reader1, release).await.unwrap();
    let again = post(&http, &path, &token, "key-1", "").await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
}

#[tokio::test]
async fn a_key_that_comes_with_another_body_is_refused() {
    let world = World::live().await;
    let http = Http::of(&world);
    let case = world.case_at(CaseStatus::Ready, "T-1").await;
    let token = world.token(world.delivery).await;
    let path = format!("/api/v1/engagements/{}/cases/{case}/seats/assign", world.engagement);
    let to = |person| json!({ "person": person }).to_string();
    let first = post(&http, &path, &token, "key-1", &to(world.reader1)).await;
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    let reused = post(&http, &path, &token, "key-1", &to(world.reader2)).await;
    assert_eq!((reused.status, reused.problem().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "key-reused"));
    let next = post(&http, &path, &token, "key-2", &to(world.reader2)).await;
    assert_eq!(next.status, StatusCode::OK, "{next:?}");
    for bad in ["", &"k".repeat(201)] {
        let refused = post(&http, &path, &token, bad, &to(world.reader2)).await;
        assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "field-invalid"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_duplicates_at_once_one_takes_effect_and_all_hear_the_same() {
    let world = World::live().await;
    let http = Http::of(&world);
    for number in 0..3 {
        world.case_at(CaseStatus::Ready, &format!("T-{number}")).await;
    }
    let token = world.token(world.reader1).await;
    let path = format!("/api/v1/engagements/{}/seats/next", world.engagement);
    let sent = (0..200).map(|_| {
        let (http, path, token) = (http.clone(), path.clone(), token.clone());
        tokio::spawn(async move {
            for _ in 0..100 {
                let answer = post(&http, &path, &token, "key-1", "").await;
                if answer.status != StatusCode::SERVICE_UNAVAILABLE {
                    return answer;
                }
                // Turned away because the machine is busy otherwise: sent again, as the answer says.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            panic!("turned away a hundred times")
        })
    });
    let mut heard = BTreeSet::new();
    for answer in sent.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        heard.insert(answer.body);
    }
    assert_eq!(heard.len(), 1, "{heard:?}");
    let seats = http.get(&format!("/api/v1/engagements/{}/seats", world.engagement), &token).await.json();
    assert_eq!(seats["seats"].as_array().map(Vec::len), Some(1), "{seats}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_duplicates_of_a_new_engagement_make_one() {
    let world = World::live().await;
    let once = |fingerprint: &str| Once {
        route: "POST /engagements".into(),
        key: "key-1".into(),
        fingerprint: Digest::of(fingerprint.as_bytes()),
    };
    let managers = vec![(world.client, Side::Client), (world.delivery, Side::Provider)];
    let (client, provider) = (world.client_org, world.provider_org);
    let draft = Command::DraftEngagement { name: "Evidence 2027".into(), client, provider, managers };
    let sent = (0..200).map(|_| {
        let caller = Caller { once: Some(once("a body")), ..world.caller(world.operator) };
        let (app, draft) = (world.app.clone(), draft.clone());
        tokio::spawn(async move { app.act(caller, draft).await.unwrap() })
    });
    let mut engagements = BTreeSet::new();
    for receipt in sent.collect::<Vec<_>>() {
        engagements.insert(receipt.await.unwrap().engagement());
    }
    assert_eq!(engagements.len(), 1);
    assert_eq!(world.app.store().list_engagements().await.unwrap().len(), 2, "the world's own, and one more");
    let caller = Caller { once: Some(once("another body")), ..world.caller(world.operator) };
    assert!(matches!(world.app.act(caller, draft).await, Err(Error::KeyReused)));
}
