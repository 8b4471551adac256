//! The API's contract: signing in, problems, the document, and writes that count once.

use std::num::NonZeroU32;

use axum::http::{Method, StatusCode};
use remit_server::{Config, limit::Limits};
use serde_json::{Value, json};

use crate::{
    http::{Http, bearer, config},
    world::{START, World},
};

const PASSWORD: &str = "the tide waits for no one";

#[tokio::test]
async fn a_name_and_password_become_a_token_which_can_be_ended() {
    let world = World::live().await;
    world.app.add_login(world.client, "clara", PASSWORD).await.unwrap();
    let http = Http::of(&world);
    let given = json!({ "name": "clara", "password": PASSWORD, "label": "nightly intake" });
    let opened = http.post("/api/v1/session", "", &given).await;
    assert_eq!(opened.status, StatusCode::CREATED, "{opened:?}");
    let token = opened.json()["token"].as_str().unwrap().to_owned();

    let me = http.get("/api/v1/me", &token).await.json();
    assert_eq!(me["name"], "Clara Client");
    assert_eq!(me["engagements"][0]["roles"], json!(["client_manager"]));
    assert_eq!(me["session"]["label"], "nightly intake");
    assert!(me["session"]["signing_until"].is_string(), "the password was given this very moment");

    let ended = http.send(Method::DELETE, "/api/v1/session", &[("authorization", &bearer(&token))], "").await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert_eq!(http.get("/api/v1/me", &token).await.problem(), "signed-out");
}

#[tokio::test]
async fn the_signing_session_ends_and_the_password_opens_it_again() {
    let world = World::live().await;
    world.app.add_login(world.signer, "sam", PASSWORD).await.unwrap();
    let http = Http::of(&world);
    let token = world.token(world.signer).await;
    world.app.clock().step_to(world.app.clock().now().plus_seconds(16 * 60));
    assert_eq!(http.get("/api/v1/me", &token).await.json()["session"]["signing_until"], Value::Null);
    let wrong = http.post("/api/v1/session/reauth", &token, &json!({ "password": "nobody knows" })).await;
    assert_eq!((wrong.status, wrong.problem().as_str()), (StatusCode::UNAUTHORIZED, "signed-out"));
    let opened = http.post("/api/v1/session/reauth", &token, &json!({ "password": PASSWORD })).await;
    assert_eq!(opened.json()["signing_until"], "2026-03-02T09:31:00Z");
    assert_eq!(http.get("/api/v1/me", &token).await.json()["session"]["signing_until"], "2026-03-02T09:31:00Z");
}

#[tokio::test]
async fn guessing_passwords_is_slowed_down_and_says_when_to_come_again() {
    let world = World::live().await;
    world.app.add_login(world.client, "clara", PASSWORD).await.unwrap();
    let http = Http::of(&world);
    let guess = json!({ "name": "clara", "password": "a wrong one", "label": "guess" });
    for second in 0..10 {
        world.app.clock().step_to(START.plus_seconds(second));
        assert_eq!(http.post("/api/v1/session", "", &guess).await.problem(), "signed-out");
    }
    let right = json!({ "name": "clara", "password": PASSWORD, "label": "too late" });
    let slowed = http.post("/api/v1/session", "", &right).await;
    assert_eq!((slowed.status, slowed.problem().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too-many-requests"));
    assert_eq!(slowed.header("retry-after"), "900");
}

#[tokio::test]
async fn a_program_that_asks_too_often_is_told_when_to_come_again() {
    let world = World::live().await;
    let limits = Limits { api_per_minute: NonZeroU32::new(6), pages_per_minute: NonZeroU32::new(3) };
    let http = Http::with(&world, Config { limits, ..config() });
    let (client, auditor) = (world.token(world.client).await, world.token(world.auditor).await);
    for _ in 0..6 {
        assert_eq!(http.get("/api/v1/me", &client).await.status, StatusCode::OK);
    }
    let slowed = http.get("/api/v1/me", &client).await;
    assert_eq!((slowed.problem().as_str(), slowed.header("retry-after")), ("too-many-requests", "10"));
    assert_eq!(http.get("/api/v1/me", &auditor).await.status, StatusCode::OK);
    let page = format!("/e/{}/cases", world.engagement);
    for _ in 0..3 {
        assert_eq!(http.get(&page, &auditor).await.status, StatusCode::OK);
    }
    assert_eq!(http.get(&page, &auditor).await.status, StatusCode::TOO_MANY_REQUESTS);
    world.app.clock().step_to(START.plus_seconds(10));
    assert_eq!(http.get("/api/v1/me", &client).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_body_that_does_not_fit_names_the_place() {
    let world = World::live().await;
    let http = Http::of(&world);
    let send = async |media: &str, body: &str| {
        let answer = http.send(Method::POST, "/api/v1/session", &[("content-type", media)], body.to_owned()).await;
        let (code, problem) = (answer.problem(), answer.json());
        format!(
            "{} {code} | {} | {}",
            answer.status.as_u16(),
            problem["errors"][0]["subject"].as_str().unwrap_or("-"),
            problem["detail"].as_str().unwrap()
        )
    };
    let json = "application/json";
    let told = [
        send(json, "{\n  \"name\": \"clara\",\n  \"password\": }").await,
        send(json, "{} {}").await,
        send(json, "").await,
        send(json, r#"["clara", "password", "label"]"#).await,
        send(json, r#"{"name": "clara", "password": 7, "label": "x"}"#).await,
        send(json, r#"{"name": "clara", "label": "x"}"#).await,
        send(json, r#"{"name": "clara", "password": "x", "label": "x", "admin": true}"#).await,
        send(json, r#"{"name": "a", "name": "b", "password": "x", "label": "x"}"#).await,
        send("text/plain", "name=clara").await,
        send("application/x-www-form-urlencoded", "name=clara").await,
    ];
    insta::assert_snapshot!(told.join("\n"), @r"
    400 unreadable | - | The body is not JSON: expected value at line 3 column 15.
    422 field-invalid | name | `name` is missing.
    400 unreadable | - | The body is not JSON: EOF while parsing a value at line 1 column 0.
    422 field-invalid | body | `body` does not fit: it is a list, not an object.
    422 field-invalid | password | `password` does not fit: invalid type: integer `7`, expected a string.
    422 field-invalid | password | `password` is missing.
    422 field-invalid | admin | `admin` does not fit: unknown field `admin`, expected one of `name`, `password`, `label`.
    422 field-invalid | body | `body` does not fit: duplicate field `name`.
    415 not-json | - | The body is not said to be JSON.
    415 not-json | - | The body is not said to be JSON.
    ");
}

#[tokio::test]
async fn queries_and_paths_that_do_not_fit_are_told() {
    let world = World::live().await;
    let http = Http::of(&world);
    let token = world.token(world.client).await;
    let cases = format!("/api/v1/engagements/{}/cases", world.engagement);
    for (path, status, code) in [
        (format!("{cases}?limit=many"), StatusCode::UNPROCESSABLE_ENTITY, "field-invalid"),
        (format!("{cases}?limit=0"), StatusCode::UNPROCESSABLE_ENTITY, "field-invalid"),
        (format!("{cases}?limit=201"), StatusCode::UNPROCESSABLE_ENTITY, "field-invalid"),
        (format!("{cases}?limit=1&limit=2"), StatusCode::UNPROCESSABLE_ENTITY, "field-invalid"),
        (format!("{cases}?status=dreaming"), StatusCode::UNPROCESSABLE_ENTITY, "field-invalid"),
        (format!("{cases}?after=nowhere"), StatusCode::UNPROCESSABLE_ENTITY, "field-invalid"),
        ("/api/v1/engagements/eng_1/cases".to_owned(), StatusCode::NOT_FOUND, "not-found"),
        ("/api/v1/engagements/%00/cases".to_owned(), StatusCode::NOT_FOUND, "not-found"),
        ("/api/v1/engagements/%ff/cases".to_owned(), StatusCode::NOT_FOUND, "not-found"),
        ("/api/v1/nothing".to_owned(), StatusCode::NOT_FOUND, "not-found"),
        ("/api/v2".to_owned(), StatusCode::NOT_FOUND, "not-found"),
    ] {
        let answer = http.get(&path, &token).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{path}: {answer:?}");
        assert_eq!(answer.json()["instance"].as_str(), path.split('?').next(), "{path}");
    }
    let wrong = http.send(Method::PATCH, &cases, &[("authorization", &bearer(&token))], "").await;
    assert_eq!((wrong.status, wrong.problem().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "wrong-method"));
    assert!(wrong.header("allow").contains("GET"), "{wrong:?}");
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_with_and_without_its_length() {
    let world = World::live().await;
    let http = Http::of(&world);
    let large = " ".repeat(remit_server::edge::BODY_BYTES_MAX + 1);
    for key in [None, Some(("idempotency-key", "k"))] {
        let headers: Vec<_> = [("content-type", "application/json")].into_iter().chain(key).collect();
        let known = http.send(Method::POST, "/api/v1/session", &headers, large.clone()).await;
        assert_eq!((known.status, known.problem().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too-large"));
        let pieces = futures_util::stream::iter(
            large.as_bytes().chunks(1 << 20).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect::<Vec<_>>(),
        );
        let streamed =
            http.send(Method::POST, "/api/v1/session", &headers, axum::body::Body::from_stream(pieces)).await;
        assert_eq!((streamed.status, streamed.problem().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too-large"));
    }
}

#[tokio::test]
async fn a_page_of_another_site_is_refused_and_a_program_is_not() {
    let world = World::live().await;
    let http = Http::of(&world);
    let send = async |headers: &[(&str, &str)]| {
        let headers: Vec<_> =
            [("content-type", "application/json"), ("host", "remit.example")].iter().chain(headers).copied().collect();
        http.send(Method::POST, "/api/v1/session", &headers, "{}").await.problem()
    };
    assert_eq!(send(&[]).await, "field-invalid");
    assert_eq!(send(&[("sec-fetch-site", "same-origin")]).await, "field-invalid");
    assert_eq!(send(&[("sec-fetch-site", "cross-site")]).await, "cross-site");
    assert_eq!(send(&[("origin", "https://evil.example")]).await, "cross-site");
}

#[tokio::test]
async fn the_document_is_open_to_all_and_describes_every_operation() {
    let world = World::live().await;
    let http = Http::of(&world);
    let answer = http.send(Method::GET, "/api/v1/openapi.json", &[], "").await;
    assert_eq!(answer.status, StatusCode::OK);
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|words| words.len() > 5), "{at} has no summary");
            assert!(operation["tags"].is_array(), "{at} has no tag");
            assert!(operation["operationId"].is_string(), "{at} has no name");
            assert!(operation["responses"]["500"].is_object(), "{at} has no problems");
            let described =
                |parameter: &Value| parameter["description"].as_str().is_some_and(|words| !words.is_empty());
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            assert!(parameters.iter().all(described), "{at}: a parameter has no description: {parameters:?}");
            for name in path.split(['{', '}']).skip(1).step_by(2) {
                assert!(
                    parameters.iter().any(|known| known["name"] == name && known["in"] == "path"),
                    "{at} does not describe {name}"
                );
            }
        }
    }
    assert_references(&document, &document);
}

/// Every reference of the document leads somewhere.
fn assert_references(document: &Value, part: &Value) {
    match part {
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get("$ref") {
                let found = document.pointer(target.trim_start_matches('#'));
                assert!(found.is_some(), "{target} leads nowhere");
            }
            fields.values().for_each(|inner| assert_references(document, inner));
        }
        Value::Array(items) => items.iter().for_each(|inner| assert_references(document, inner)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
