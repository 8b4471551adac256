//! Opening: the lock, what is still there afterwards, copies, and that every statement fits the tables.

use std::fs;

use remit_kernel::index::{CaseStatus, EngagementStatus, Origin, PanelStatus, Part};
use remit_store::{
    Commit, Options, Store, StoreError,
    testing::{TestDir, copying_statements, prepare, skips_folders, statements},
};

use crate::given::{Fresh, SCOPE, case, panel, step};

#[tokio::test]
async fn every_statement_fits_the_tables_and_numbers_its_placeholders_in_order() {
    let fresh = Fresh::new().await;
    let statements = statements();
    assert!(statements.len() > 90);
    for sql in statements.into_iter().chain(copying_statements()) {
        assert!(prepare(&fresh.store, sql).await.unwrap(), "placeholders out of order: {sql}");
    }
}

/// What asks for a page or for some keys must not read the whole engagement: it finds by a key or in the order of one.
#[tokio::test]
async fn no_page_and_no_set_is_found_by_reading_a_whole_scope() {
    if skips_folders() {
        return;
    }
    let fresh = Fresh::new().await;
    let database = rusqlite::Connection::open(fresh.dir.path().join("remit.db")).unwrap();
    let bounded = statements().into_iter().filter(|sql| sql.contains("LIMIT $") || sql.contains(" IN (SELECT key"));
    for sql in bounded.filter(|sql| !sql.contains("COUNT(*)")) {
        let mut explain = database.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let nulls = vec![rusqlite::types::Null; explain.parameter_count()];
        let steps = explain.query_map(rusqlite::params_from_iter(nulls), |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<String> = steps.map(Result::unwrap).collect();
        let whole = |step: &String| {
            (step.starts_with("SCAN") && !step.contains("json_each"))
                || (step.ends_with("(scope_id=?)") && !step.contains(" engagements "))
                || step.contains("FOR ORDER BY")
        };
        assert!(!steps.iter().any(whole), "{sql}\n{steps:#?}");
    }
}

#[tokio::test]
async fn a_folder_is_held_by_one_until_the_last_clone_is_dropped() {
    let dir = TestDir::fresh();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    assert!(matches!(Store::open(dir.path(), Options::default()), Err(StoreError::Held { .. })));
    let clone = store.clone();
    drop(store);
    assert!(matches!(Store::open(dir.path(), Options::default()), Err(StoreError::Held { .. })));
    drop(clone);
    Store::open(dir.path(), Options::default()).unwrap();
}

#[tokio::test]
async fn a_folder_at_rest_is_one_database_file() {
    if skips_folders() {
        return;
    }
    let fresh = Fresh::new().await;
    assert_eq!(fresh.store.commit(step("case/a", 1)).await.unwrap(), Commit::Done);
    // A read leaves a connection that may not write.
    fresh.store.scopes().await.unwrap();
    let dir = fresh.dir;
    drop(fresh.store);
    assert!(dir.path().join("remit.db").is_file());
    assert!(!dir.path().join("remit.db-wal").exists());
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_opening_again() {
    let dir = TestDir::fresh();
    for version in 1..=3 {
        let store = Store::open(dir.path(), Options::default()).unwrap();
        assert_eq!(store.commit(step("case/a", version)).await.unwrap(), Commit::Done);
    }
    let store = Store::open(dir.path(), Options::default()).unwrap();
    assert_eq!(store.events(SCOPE, "case/a", None).await.unwrap().len(), 3);
}

#[tokio::test]
async fn data_of_a_newer_version_and_edited_migrations_are_refused() {
    let dir = TestDir::fresh();
    drop(Store::open(dir.path(), Options::default()).unwrap());
    let change = |sql| rusqlite::Connection::open(dir.path().join("remit.db")).unwrap().execute_batch(sql).unwrap();

    change("INSERT INTO migrations VALUES ('9999_later', 'x')");
    assert!(Store::open(dir.path(), Options::default()).is_err());
    change("UPDATE migrations SET digest = (SELECT digest FROM migrations LIMIT 1) WHERE name = '9999_later'");
    let newer = Store::open(dir.path(), Options::default());
    assert!(matches!(newer, Err(StoreError::Newer { name }) if name == "9999_later"));

    change("DELETE FROM migrations WHERE name = '9999_later'");
    change("UPDATE migrations SET digest = (SELECT digest FROM migrations WHERE name = '0002_work')");
    let edited = Store::open(dir.path(), Options::default());
    assert!(matches!(edited, Err(StoreError::MigrationChanged { name }) if name == "0001_record"));
}

#[tokio::test]
async fn a_copy_made_while_open_opens_by_itself() {
    if skips_folders() {
        return;
    }
    let fresh = Fresh::new().await;
    fresh.store.commit(step("case/a", 1)).await.unwrap();
    let copy = TestDir::fresh();
    fs::create_dir_all(copy.path()).unwrap();
    fresh.store.backup_to(&copy.path().join("remit.db")).await.unwrap();
    fresh.store.commit(step("case/a", 2)).await.unwrap();
    let copied = Store::open(copy.path(), Options::default()).unwrap();
    assert_eq!(copied.events(SCOPE, "case/a", None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_row_changed_by_other_hands_is_named() {
    if skips_folders() {
        return;
    }
    let fresh = Fresh::new().await;
    fresh.store.commit(step("case/a", 1)).await.unwrap();
    let database = rusqlite::Connection::open(fresh.dir.path().join("remit.db")).unwrap();
    database.execute_batch("UPDATE events SET digest = UPPER(digest)").unwrap();
    let error = fresh.store.events(SCOPE, "case/a", None).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unreadable(unreadable) if unreadable.column == "digest"));
    assert!(error.to_string().contains("case/a"), "{error}");
}

#[tokio::test]
async fn every_word_of_the_kernel_passes_the_checks_of_the_tables() {
    use remit_kernel::index::{AnswerRow, DutyStatus, EngagementRow, Known, KnownAnswerRow, Row};
    use remit_kernel::pack::Duty;

    use crate::given::{at, duty, id};

    let fresh = Fresh::new().await;
    let mut rows = Vec::new();
    for (number, status) in (1..).zip(CaseStatus::ALL) {
        rows.push(Row::Case(case(number, *status, 1)));
    }
    for (number, status) in (1..).zip(PanelStatus::ALL) {
        let mut row = panel(number, *status, false);
        row.origin = Origin::ALL[usize::try_from(number).unwrap() % Origin::ALL.len()];
        rows.push(Row::Panel(row));
    }
    for (number, status) in (1..).zip(DutyStatus::ALL) {
        for (place, kind) in (0..).zip([Duty::Read, Duty::Adjudicate, Duty::Sign]) {
            let mut row = duty(number, 1, *status);
            (row.duty, row.assignment) = (kind, id(10 * number + place));
            rows.push(Row::Duty(row));
        }
    }
    for (number, part) in (1..).zip(Part::ALL) {
        rows.push(Row::Answer(AnswerRow {
            case: id(1),
            reading: id(number),
            question: "q".to_owned(),
            reader: id(1),
            answer: "yes".to_owned(),
            part: *part,
            origin: Origin::Imported,
            revealed: true,
        }));
    }
    for known in Known::ALL {
        rows.push(Row::KnownAnswer(KnownAnswerRow {
            case: id(1),
            question: "q".to_owned(),
            known: *known,
            answer: "yes".to_owned(),
        }));
    }
    fresh.index(SCOPE, rows).await;
    for (number, status) in (1..).zip(EngagementStatus::ALL) {
        let row = EngagementRow { name: id(1), client: id(1), provider: id(2), status: *status, drafted_at: at(1) };
        fresh.index(&format!("eng_{number}"), vec![Row::Engagement(row)]).await;
    }
}
