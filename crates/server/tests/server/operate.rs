//! What operators see: probes, metrics and logs; and how the server behaves when there is too much or it has to go.

use std::{
    fs,
    io::{self, Write},
    num::NonZeroU32,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    body::Body,
    http::{Method, StatusCode},
    response::IntoResponse as _,
};
use remit_kernel::command::Command;
use remit_server::{
    Config, Error,
    api::Problem,
    lifecycle::{self, Failed},
    load::LoadLimits,
    operate,
    telemetry::{self, Format, Metrics},
};
use remit_store::{SessionKind, StoreError};
use serde_json::json;
use tower::ServiceExt as _;

use crate::{
    http::{Http, bearer, config},
    world::{START, World},
};

/// A log that a test can read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn no_name_text_or_token_reaches_the_log_and_every_request_is_in_it() {
    let log = Log::default();
    let (writer, level) = (log.clone(), telemetry::level("warn,remit_server=trace,remit_store=trace").unwrap());
    let subscriber = telemetry::subscriber(Format::Json, level, move || writer.clone());
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let world = World::live().await;
    world.app.add_login(world.client, "canary-login", "canary-password-1").await.unwrap();
    let http = Http::of(&world);
    let (client, operator) = (world.token(world.client).await, world.token(world.operator).await);
    let reader = world.token(world.reader1).await;
    let api = format!("/api/v1/engagements/{}", world.engagement);
    let due_at = START.plus_seconds(86_400).timestamp().to_string();
    let case = json!({
        "reference": "canary-reference", "title": "canary-title", "case_type": "trial", "fields": { "outcome": "canary-field" },
        "jurisdiction": "GB", "language": "en", "due_at": due_at, "owner": world.delivery,
        "items": [{ "name": "canary-item", "media": "text", "body": "canary-document", "material": true, "visibility": "both" }],
    });
    let taken = http.post(&format!("{api}/cases"), &client, &case).await;
    assert_eq!(taken.status, StatusCode::OK, "{taken:?}");
    let id = taken.json()["case"].as_str().unwrap().to_owned();
    let person =
        json!({ "organisation": world.client_org, "name": "Canary Person", "place": "GB", "languages": ["en"] });
    http.post("/api/v1/people", &operator, &person).await;
    // Refused: an unreadable body, a rule, a wrong password; each of them carries something of its own.
    http.post(&format!("{api}/cases/{id}/readings"), &reader, &json!({ "canary-key": "canary-answer" })).await;
    http.post(&format!("{api}/cases"), &client, &case).await;
    http.post("/api/v1/session", "", &json!({ "name": "canary-login", "password": "canary-guess", "label": "x" }))
        .await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    http.send(Method::POST, "/sign-in", &form, "name=canary-login&password=canary-password-1").await;
    let browser = world.app.open_session(world.client, SessionKind::Browser, "canary-label").await.unwrap().secret;
    let cookie = format!("remit={browser}");
    for page in [
        "/".to_owned(),
        format!("/e/{}/cases", world.engagement),
        format!("/e/{}/cases/{id}", world.engagement),
        format!("/e/{}/cases?search=canary-query", world.engagement),
        "/canary-path".to_owned(),
    ] {
        http.send(Method::GET, &page, &[("cookie", &cookie), ("user-agent", "canary-agent")], "").await;
    }

    let text = log.text();
    for secret in [&client, &operator, &reader, &browser] {
        assert!(!text.contains(secret.as_str()), "a token is in the log");
    }
    let seen = text.lines().find(|line| line.to_lowercase().contains("canary"));
    assert_eq!(seen, None);
    for name in ["Clara", "Harbour", "Durban", "Evidence 2026", "Rita"] {
        assert!(!text.contains(name), "{name}");
    }
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let answered = lines.iter().filter(|line| line["status"].is_u64() && line["duration_ms"].is_number());
    assert!(answered.count() >= 11, "{text}");
    let spans = |line: &serde_json::Value| line["spans"].to_string();
    let act = lines.iter().find(|line| line["message"] == "take_in: done").unwrap();
    assert!(spans(act).contains(&world.engagement.to_string()) && spans(act).contains("request_id"), "{act}");
}

#[tokio::test]
async fn metrics_tell_of_routes_acts_refusals_and_clocks_and_of_no_one_in_particular() {
    let metrics = Metrics::collect().unwrap();
    let world = World::live().await;
    let http = Http::of(&world);
    let client = world.token(world.client).await;
    http.get(&format!("/api/v1/engagements/{}/cases", world.engagement), &client).await;
    world.take_in("T-1").await;
    let engagement = world.engagement;
    world.act(world.client, Command::TakeIn { engagement, case: world.case_in("T-1") }).await.unwrap_err();
    world.app.clock().step_to(START.plus_seconds(5 * 86_400 - 60));
    telemetry::measure(&world.app).await.unwrap();
    let text = metrics.text();
    for line in [
        "remit_requests_total{route=\"/api/v1/engagements/{engagement}/cases\",method=\"GET\",status=\"200\"} 1",
        "remit_acts_total{command=\"take_in\",outcome=\"done\"} 1",
        "remit_acts_total{command=\"take_in\",outcome=\"refused\"} 1",
        "remit_refusals_total{code=\"duplicate\"} 1",
        "remit_cases_due_soon 1",
        "remit_cases_overdue 0",
        "remit_seats_open 2",
        "remit_views_total{query=\"ListCases\",outcome=\"done\"} 1",
    ] {
        assert!(text.lines().any(|told| told == line), "{line} is not in\n{text}");
    }
    assert!(text.contains("remit_writer_batch_writes_bucket") && text.contains("remit_build_info{version="), "{text}");
    for private in [world.engagement.to_string(), world.client.to_string(), "Harbour".into(), "Evidence 2026".into()] {
        assert!(!text.contains(&private), "{private} is in\n{text}");
    }
}

#[test]
fn every_metric_is_told_in_the_operators_handbook() {
    let handbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operate.md");
    let handbook = fs::read_to_string(handbook).unwrap();
    let untold: Vec<_> = Metrics::names().filter(|name| !handbook.contains(&format!("`{name}`"))).collect();
    assert_eq!(untold, [""; 0]);
}

#[tokio::test]
async fn a_server_is_ready_from_when_it_serves_until_it_has_to_go() {
    let world = World::live().await;
    let config = config();
    let life = config.life.clone();
    let http = Http::with(&world, config);
    let ready = async || {
        let answer = http.send(Method::GET, "/readyz", &[], "").await;
        (answer.status, answer.json()["reason"].as_str().unwrap_or_default().to_owned())
    };
    let (status, reason) = ready().await;
    assert!(status == StatusCode::SERVICE_UNAVAILABLE && reason.starts_with("starting"), "{reason}");
    life.serve();
    assert_eq!(ready().await, (StatusCode::OK, String::new()));
    life.end();
    let (status, reason) = ready().await;
    assert!(status == StatusCode::SERVICE_UNAVAILABLE && reason.starts_with("stopping"), "{reason}");
    assert_eq!(http.send(Method::GET, "/healthz", &[], "").await.status, StatusCode::OK, "it still lives");
}

#[tokio::test]
async fn metrics_and_probes_have_a_router_of_their_own_and_the_public_one_has_no_metrics() {
    let (world, config) = (World::live().await, config());
    let own = operate::router(config.life.clone(), Metrics::collect().unwrap());
    let ask = async |path: &str| {
        own.clone().oneshot(axum::http::Request::get(path).body(Body::empty()).unwrap()).await.unwrap().status()
    };
    assert_eq!(ask("/metrics").await, StatusCode::OK);
    assert_eq!(ask("/readyz").await, StatusCode::SERVICE_UNAVAILABLE);
    let public = Http::with(&world, config).send(Method::GET, "/metrics", &[], "").await;
    assert_eq!(public.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_live_page_is_told_when_to_come_again_and_let_go_at_once() {
    let world = World::live().await;
    let config = config();
    let life = config.life.clone();
    let http = Http::with(&world, config);
    let opened = world.app.open_session(world.client, SessionKind::Browser, "test").await.unwrap();
    let mut stream = http.stream(&format!("/e/{}/live", world.engagement), &format!("remit={}", opened.secret)).await;
    life.end();
    let last = tokio::time::timeout(Duration::from_secs(1), stream.next()).await.unwrap().unwrap();
    let wait: u64 = last.trim().strip_prefix("retry:").unwrap().trim().parse().unwrap();
    assert!((1_000..5_000).contains(&wait), "{last}");
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn what_is_too_much_is_refused_with_when_to_come_again_and_probes_are_answered_all_the_same() {
    let world = World::live().await;
    let load = LoadLimits { running_max: NonZeroU32::MIN, waiting_max: 0, ..LoadLimits::default() };
    let http = Http::with(&world, Config { load, ..config() });
    let token = world.token(world.client).await;
    // A body that never ends holds the only place.
    let endless = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, io::Error>>());
    let (held, path) = (http.clone(), format!("/api/v1/engagements/{}/cases", world.engagement));
    let authorization = bearer(&token);
    let holding = tokio::spawn(async move {
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        held.send(Method::POST, &path, &headers, endless).await
    });
    tokio::task::yield_now().await;
    let refused = http.get("/api/v1/me", &token).await;
    assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "overloaded"));
    assert_eq!(refused.header("retry-after"), "1");
    let page = http.send(Method::GET, "/sign-in", &[], "").await;
    assert!(page.status == StatusCode::SERVICE_UNAVAILABLE && page.body.contains("Too much to do"), "{page:?}");
    assert_eq!(http.send(Method::GET, "/healthz", &[], "").await.status, StatusCode::OK);
    holding.abort();
    let _ = holding.await;
    assert_eq!(http.get("/api/v1/me", &token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_that_takes_too_long_gives_its_place_back() {
    let world = World::live().await;
    let load = LoadLimits { request_max: Duration::from_millis(20), ..LoadLimits::default() };
    let http = Http::with(&world, Config { load, ..config() });
    let endless = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, io::Error>>());
    let path = format!("/api/v1/engagements/{}/cases", world.engagement);
    let authorization = bearer(&world.token(world.client).await);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let late = http.send(Method::POST, &path, &headers, endless).await;
    assert_eq!((late.status, late.problem().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "timed-out"));
}

#[test]
fn a_full_disk_and_a_store_that_goes_have_statuses_of_their_own() {
    let status = |error| Problem::new(Error::Store(error), "/api/v1/me").into_response().status();
    assert_eq!(status(StoreError::Full), StatusCode::INSUFFICIENT_STORAGE);
    assert_eq!(status(StoreError::Closed), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(status(StoreError::Broken), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_server_whose_clock_is_behind_the_record_does_not_start() {
    let world = World::live().await;
    world.app.clock().step_to(START.plus_seconds(-6));
    let served = lifecycle::serve(world.app.clone(), config(), |_| {}, std::future::ready(())).await;
    assert!(matches!(served, Err(Failed::Start(Error::Clock(_)))), "{served:?}");
    world.app.clock().step_to(START.plus_seconds(-5));
    lifecycle::serve(world.app.clone(), config(), |_| {}, std::future::ready(())).await.unwrap();
}
