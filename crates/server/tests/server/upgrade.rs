//! Upgrades: data of every earlier schema is brought up to date, verifies, and is worked on.
//!
//! `earlier/` holds one copy of this world's data for each schema that was ever released, named after the last migration it
//! had seen: three cases, of which one is agreed, one in dispute, one half read. Whoever adds a migration adds the copy of
//! the schema before it, made with `App::store().backup_to` and gzip. None is ever changed.

use std::{collections::BTreeMap, fs, io::Read as _, path::Path};

use axum::http::{Method, StatusCode};
use remit_kernel::{
    command::{AnswerIn, Command, JudgementIn},
    form::Evidence,
    id::{CaseId, EngagementId, PersonId},
    stream::StreamId,
};
use remit_server::Error;
use remit_server::{
    App, Caller,
    clock::{Chance, Clock},
    edge,
};
use remit_store::{Commit, EventRow, Options, SessionKind, Store, Write};

use crate::{
    http::{Http, bearer, config},
    world::{START, World},
};

const ENGAGEMENT: &str = "eng_01kjpwd6m03wnbkcyh430y8658";
const HALF_READ: &str = "case_01kjpwd6m0zffttnerjqq2g3k4";
const READER: &str = "person_01kjpwd6m023a3mfnrxxp3wfyw";
const CLIENT: &str = "person_01kjpwd6m0xb0g60ntrxrmensn";

/// Opens the data of an earlier schema in a folder of its own.
fn open(earlier: &Path, folder: &Path) -> App {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(fs::File::open(earlier).unwrap()).read_to_end(&mut bytes).unwrap();
    fs::write(folder.join("remit.db"), bytes).unwrap();
    let store = Store::open(folder, Options::default()).unwrap();
    App::new(store, Clock::stepped(START.plus_seconds(60)), Chance::seeded(8)).unwrap()
}

/// Seals the reading that the case still waits for.
async fn read_on(app: &App) {
    let (engagement, case): (EngagementId, CaseId) = (ENGAGEMENT.parse().unwrap(), HALF_READ.parse().unwrap());
    let reader: PersonId = READER.parse().unwrap();
    let act = async |command| app.act(Caller::local(reader, "test"), command).await.unwrap();
    act(Command::ClaimSeat { engagement, case }).await;
    let row = app.store().snapshots(ENGAGEMENT, &[format!("case/{case}")]).await.unwrap().remove(0).unwrap();
    let state: serde_json::Value = serde_json::from_str(&row.body).unwrap();
    let item = state["items"][0]["item"].as_str().unwrap().parse().unwrap();
    let judgement = JudgementIn {
        answers: BTreeMap::from([("effect".to_owned(), AnswerIn::Choice("same".to_owned()))]),
        evidence: BTreeMap::from([("effect".to_owned(), vec![Evidence { item, version: 1, start: 0, end: 26 }])]),
        rationale: Some("the report says so".into()),
        confidence: None,
    };
    let sealed = act(Command::SubmitReading { engagement, case, judgement }).await;
    assert!(sealed.has("agreed"), "what was sealed under the earlier schema counts: {sealed:?}");
}

#[tokio::test]
async fn data_of_every_earlier_schema_is_brought_up_to_date_verifies_and_is_worked_on() {
    let mut schemas = 0;
    for earlier in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/earlier")).unwrap() {
        let (earlier, folder) = (earlier.unwrap().path(), tempfile::tempdir().unwrap());
        let app = open(&earlier, folder.path());
        let before = app.replay(|_| {}).await.unwrap();
        assert!(before.ok && before.counts.events > 40, "{}: {before:?}", earlier.display());
        read_on(&app).await;

        let client = CLIENT.parse().unwrap();
        let token = app.open_session(client, SessionKind::Token, "test").await.unwrap().secret;
        let http = Http::over(edge::router(app.clone(), config()));
        let cases = http.get(&format!("/api/v1/engagements/{ENGAGEMENT}/cases"), &token).await;
        assert_eq!((cases.status, cases.json()["cases"].as_array().unwrap().len()), (StatusCode::OK, 3), "{cases:?}");
        let after = app.replay(|_| {}).await.unwrap();
        assert!(after.ok && after.counts.events > before.counts.events, "{}: {after:?}", earlier.display());
        schemas += 1;
    }
    assert!(schemas > 0);
}

/// Nodes of two neighbouring releases share a database for a while.
#[tokio::test]
async fn what_only_a_newer_node_can_read_is_left_to_it_and_all_else_goes_on() {
    let world = World::live().await;
    let (newer, own) = (world.take_in("T-1").await, world.take_in("T-2").await);
    let (store, scope) = (world.app.store(), world.engagement.to_string());
    let stream = StreamId::Case(newer).to_string();
    let mut kept = store.snapshots(&scope, std::slice::from_ref(&stream)).await.unwrap().remove(0).unwrap();
    kept.version += 1;
    kept.shape += 1;
    let act = "act_01kjpwd6m0am6qh6kfstbnk6t4".parse().unwrap();
    let mut write = Write::new(scope, world.app.clock().now(), act);
    write.events.push(EventRow {
        stream,
        version: kept.version,
        kind: "foreseen".to_owned(),
        v: 1,
        body: "{}".to_owned(),
        digest: kept.head,
    });
    write.snapshots.push(kept);
    assert_eq!(store.commit(write).await.unwrap(), Commit::Done);

    let claim = |case| world.act(world.reader1, Command::ClaimSeat { engagement: world.engagement, case });
    let left = claim(newer).await;
    assert!(matches!(left, Err(Error::Newer)), "{left:?}");
    let (http, token) = (Http::of(&world), bearer(&world.token(world.reader1).await));
    let path = format!("/api/v1/engagements/{}/cases/{newer}/seats/claim", world.engagement);
    let headers = [("authorization", token.as_str()), ("content-type", "application/json"), ("idempotency-key", "one")];
    let answer = http.send(Method::POST, &path, &headers, String::new()).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    assert_eq!(answer.json()["type"], "/problems/newer-node");
    claim(own).await.unwrap();
}
