//! Entries: kept as written, found by object, case and person, newest first.

use remit_store::{StoredEntry, testing::skips_folders};

use crate::given::{Fresh, SCOPE, at, entry, id, step};

fn numbers(entries: &[StoredEntry]) -> Vec<i64> {
    entries.iter().map(|entry| entry.entry.at.micros() / 1_000_000).collect()
}

#[tokio::test]
async fn an_entry_comes_back_as_written_with_its_act_or_by_itself() {
    let fresh = Fresh::new().await;
    let mut act = step("case/a", 1);
    act.entry = Some(entry(1, "case/a"));
    fresh.store.commit(act).await.unwrap();
    let mut plain = entry(2, "case/b");
    (plain.actor, plain.case, plain.object_hash) = (None, None, None);
    (plain.country, plain.roles) = (Some("ZA".to_owned()), vec![]);
    fresh.store.record(plain.clone()).await.unwrap();

    let entries = fresh.store.entries_page(SCOPE, None, 10).await.unwrap();
    assert_eq!(entries[0].entry, entry(1, "case/a"));
    assert_eq!(entries[1].entry, plain);
    assert!(entries.iter().all(StoredEntry::is_whole));
    assert_eq!(fresh.store.newest_entry_at(SCOPE).await.unwrap(), Some(at(2)));
    assert_eq!(fresh.store.newest_entry_at("dir").await.unwrap(), None);
}

#[tokio::test]
async fn a_changed_entry_is_not_whole() {
    if skips_folders() {
        return;
    }
    let fresh = Fresh::new().await;
    fresh.store.record(entry(1, "case/a")).await.unwrap();
    let database = rusqlite::Connection::open(fresh.dir.path().join("remit.db")).unwrap();
    database.execute_batch("UPDATE entries SET purpose = 'worK'").unwrap();
    assert!(!fresh.store.entries_page(SCOPE, None, 1).await.unwrap()[0].is_whole());
}

#[tokio::test]
async fn entries_are_found_by_what_and_who_and_paged_back_in_time() {
    let fresh = Fresh::new().await;
    let entries = (1..=6).map(|number| {
        let mut row = entry(number, if number % 2 == 0 { "case/a" } else { "case/b" });
        row.case = (number > 3).then_some(id(9));
        row.actor = (number < 3).then_some(id(1));
        row
    });
    fresh.store.record_many(entries.collect()).await.unwrap();
    let store = &fresh.store;
    let newest = store.list_entries(SCOPE, None, 4).await.unwrap();
    assert_eq!(numbers(&newest), [6, 5, 4, 3]);
    assert_eq!(numbers(&store.list_entries(SCOPE, Some(newest[3].key()), 4).await.unwrap()), [2, 1]);
    let of_object = store.entries_of_object(SCOPE, "case/a", None, 2).await.unwrap();
    assert_eq!(numbers(&of_object), [6, 4]);
    let rest = store.entries_of_object(SCOPE, "case/a", Some(of_object[1].key()), 2).await.unwrap();
    assert_eq!(numbers(&rest), [2]);
    assert_eq!(numbers(&store.entries_of_case(SCOPE, id(9), None, 9).await.unwrap()), [6, 5, 4]);
    assert_eq!(numbers(&store.entries_of_person(SCOPE, id(1), None, 9).await.unwrap()), [2, 1]);
    assert_eq!(store.entries_of_person("dir", id(1), None, 9).await.unwrap(), []);
}
