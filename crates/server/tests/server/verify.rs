//! Verify: a record that is whole is found whole, and a changed byte is named wherever it lies.

use remit_kernel::{stream::Scope, time::Instant};
use remit_server::{
    App,
    app::verify::Verified,
    clock::{Chance, Clock},
};
use remit_store::{Options, Store, testing};

use crate::world::{START, World};

/// A world in which one case was resolved and one is in adjudication.
async fn lived() -> World {
    let world = World::live().await;
    for (reference, second) in [("T-1", "fell"), ("T-2", "rose")] {
        let case = world.take_in(reference).await;
        world.read(world.reader1, case, "fell").await.unwrap();
        world.read(world.reader2, case, second).await.unwrap();
    }
    world
}

async fn verify(world: &World, app: &App) -> Verified {
    app.verify(&world.caller(world.operator), Scope::Directory, |_| {}).await.unwrap()
}

/// A copy of the world's store in a folder of its own.
async fn copy(world: &World) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    world.app.store().backup_to(&folder.path().join("remit.db")).await.unwrap();
    folder
}

#[tokio::test]
async fn what_nobody_touched_is_whole_and_the_outcome_is_kept() {
    let world = lived().await;
    let found = verify(&world, &world.app).await;
    assert!(found.ok, "{found:?}");
    assert!(found.counts.events > 40 && found.counts.rows > 30 && found.counts.texts > 20 && found.counts.entries > 30, "{found:?}");
    let kept = world.app.store().newest_verification().await.unwrap().unwrap();
    assert!(kept.ok && kept.at == world.app.clock().now());
    assert!(world.app.verifying().is_none());
}

#[tokio::test]
async fn erased_texts_leave_the_record_whole() {
    let world = lived().await;
    let scope = world.engagement.to_string();
    let texts = world.app.store().texts_page(&scope, None, 1_000).await.unwrap();
    let texts: Vec<_> = texts.iter().map(|text| text.id).collect();
    world.app.store().erase_texts(&scope, &texts, Instant::from_micros(1)).await.unwrap();
    let found = verify(&world, &world.app).await;
    assert!(found.ok && found.counts.erased == texts.len() as u64, "{found:?}");
}

#[tokio::test]
async fn a_changed_byte_is_named_in_every_table() {
    let world = lived().await;
    for (table, column) in [
        ("events", "body"), ("events", "digest"), ("events", "recorded_at"), ("snapshots", "body"), ("snapshots", "head"), ("texts", "body"),
        ("texts", "salt"), ("texts", "commitment"), ("entries", "object"), ("entries", "decision"), ("engagements", "client_id"),
        ("members", "capacity"), ("cases", "due_at"), ("cases", "status"), ("panels", "sealed"), ("needs", "body"), ("duties", "ordinal"),
        ("answers", "answer"), ("answers", "revealed"), ("organisations", "name_id"), ("people", "signs_in"), ("credentials", "revoked"),
    ] {
        let folder = copy(&world).await;
        testing::flip(folder.path(), table, column).unwrap();
        let store = Store::open(folder.path(), Options::default()).unwrap();
        let app = App::new(store, Clock::stepped(START), Chance::seeded(8)).unwrap();
        let found = match app.verify(&world.caller(world.operator), Scope::Directory, |_| {}).await {
            Ok(found) => found,
            Err(error) => panic!("{table}.{column}: {error}"),
        };
        let difference = found.first_difference.unwrap_or_else(|| panic!("{table}.{column} is not missed"));
        assert_eq!(difference.table, table, "{difference}");
        assert!(!difference.key.is_empty() && !difference.what.is_empty(), "{difference}");
    }
}

#[tokio::test]
async fn whoever_has_no_part_in_the_record_cannot_verify_it() {
    let world = lived().await;
    let scope = Scope::Engagement(world.engagement);
    assert!(world.app.verify(&world.caller(world.reader1), scope, |_| {}).await.is_err());
    assert!(world.app.verify(&world.caller(world.auditor), scope, |_| {}).await.unwrap().ok);
}
