//! Commits: whole or not at all, once, in groups.

use std::sync::Arc;

use remit_kernel::index::{CaseStatus, Row};
use remit_store::{Commit, IndexChange, StoreError, Taken};
use tokio::{sync::Barrier, task::JoinSet};

use crate::given::{Fresh, SCOPE, asked, at, case, digest, entry, id, step, text, write};

#[tokio::test]
async fn events_and_their_state_come_back_as_they_were_written() {
    let fresh = Fresh::new().await;
    for version in 1..=3 {
        assert_eq!(fresh.store.commit(step("case/a", version)).await.unwrap(), Commit::Done);
    }
    let events = fresh.store.events(SCOPE, "case/a", None).await.unwrap();
    assert_eq!(events.iter().map(|event| event.version).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(events[1].body, "{\"step\":2}");
    assert_eq!((events[1].act, events[1].recorded_at), (id(2), at(2)));
    assert_eq!(fresh.store.events(SCOPE, "case/a", Some(at(2))).await.unwrap(), events[..2]);
    assert_eq!(fresh.store.events("dir", "case/a", None).await.unwrap(), []);

    let streams = ["case/none".to_owned(), "case/a".to_owned()];
    let snapshots = fresh.store.snapshots(SCOPE, &streams).await.unwrap();
    assert_eq!(snapshots[0], None);
    assert_eq!(snapshots[1], step("case/a", 3).snapshots.pop());
}

#[tokio::test]
async fn a_write_on_a_stream_that_moved_is_stale_and_leaves_nothing() {
    let fresh = Fresh::new().await;
    fresh.store.commit(step("case/a", 1)).await.unwrap();
    let mut late = step("case/a", 1);
    late.texts = vec![text(5, None, "never")];
    late.entry = Some(entry(5, "case/a"));
    assert_eq!(fresh.store.commit(late).await.unwrap(), Commit::Stale);
    assert!(fresh.store.texts(SCOPE, &[id(5)]).await.unwrap().is_empty());
    assert_eq!(fresh.store.list_entries(SCOPE, None, 10).await.unwrap(), []);

    let mut blind = step("case/a", 1);
    blind.expects.clear();
    assert_eq!(fresh.store.commit(blind).await.unwrap(), Commit::Stale);
}

/// Two writes may give a stream the same version, and one of them come to nothing.
#[tokio::test]
async fn a_write_that_rests_on_a_write_that_came_to_nothing_is_stale() {
    let fresh = Fresh::new().await;
    fresh.store.commit(step("case/a", 1)).await.unwrap();
    let mut onto_another = step("case/a", 2);
    onto_another.expects[0].head = digest("another first event");
    assert_eq!(fresh.store.commit(onto_another).await.unwrap(), Commit::Stale);
    assert_eq!(fresh.store.commit(step("case/a", 2)).await.unwrap(), Commit::Done);
}

#[tokio::test]
async fn a_request_that_comes_again_is_answered_again_and_done_once() {
    let fresh = Fresh::new().await;
    let request = |fingerprint: &str, body: &str| {
        let mut write = step("case/a", 1);
        write.answer = Some(asked("key-1", fingerprint, body));
        write
    };
    assert_eq!(fresh.store.find_answer(&asked("key-1", "same", "")).await.unwrap(), None);
    assert_eq!(fresh.store.commit(request("same", "first")).await.unwrap(), Commit::Done);
    let replayed = Commit::Replayed("first".to_owned());
    assert_eq!(fresh.store.commit(request("same", "second")).await.unwrap(), replayed);
    assert_eq!(fresh.store.find_answer(&asked("key-1", "same", "")).await.unwrap(), Some(replayed));
    assert_eq!(fresh.store.commit(request("other", "second")).await.unwrap(), Commit::KeyReused);
    assert_eq!(fresh.store.events(SCOPE, "case/a", None).await.unwrap().len(), 1);

    assert_eq!(fresh.store.drop_answers(at(1)).await.unwrap(), 0);
    assert_eq!(fresh.store.drop_answers(at(2)).await.unwrap(), 1);
    assert_eq!(fresh.store.commit(request("other", "late")).await.unwrap(), Commit::Stale);
}

#[tokio::test]
async fn one_reference_is_one_case() {
    let fresh = Fresh::new().await;
    let intake = |number| {
        let mut row = case(number, CaseStatus::Ready, 10);
        row.reference_key = case(1, CaseStatus::Ready, 10).reference_key;
        let mut write = write(SCOPE, number);
        write.texts = vec![text(number, None, "title")];
        write.index = vec![IndexChange { stream: format!("case/{number}"), old: vec![], new: vec![Row::Case(row)] }];
        write
    };
    assert_eq!(fresh.store.commit(intake(1)).await.unwrap(), Commit::Done);
    assert_eq!(fresh.store.commit(intake(2)).await.unwrap(), Commit::Conflict(Taken::Reference));
    assert!(fresh.store.texts(SCOPE, &[id(2)]).await.unwrap().is_empty());
}

#[tokio::test]
async fn of_many_writers_at_once_each_is_kept_and_a_failing_one_harms_nobody() {
    let fresh = Fresh::new().await;
    let start = Arc::new(Barrier::new(33));
    let mut writers = JoinSet::new();
    for number in 0..32_u64 {
        let (store, start) = (fresh.store.clone(), Arc::clone(&start));
        writers.spawn(async move {
            start.wait().await;
            for version in 1..=20 {
                assert_eq!(store.commit(step(&format!("case/{number}"), version)).await.unwrap(), Commit::Done);
            }
        });
    }
    let (store, start) = (fresh.store.clone(), Arc::clone(&start));
    writers.spawn(async move {
        start.wait().await;
        for _ in 0..20 {
            let mut twice = write(SCOPE, 7);
            twice.texts = vec![text(7, None, "one"), text(7, None, "the same key")];
            assert!(matches!(store.commit(twice).await, Err(StoreError::Database(_))));
        }
    });
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    let mut after = None;
    let mut events = 0;
    loop {
        let page = fresh.store.events_page(SCOPE, after.as_ref(), 100).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.key());
        events += page.len();
    }
    assert_eq!(events, 32 * 20);
    assert_eq!(fresh.store.count_events(SCOPE, "case").await.unwrap(), 32 * 20);
    assert_eq!(fresh.store.count_events(SCOPE, "cas").await.unwrap(), 0, "a kind is a whole word");
    assert_eq!(fresh.store.count_events("dir", "case").await.unwrap(), 0);
    assert!(fresh.store.texts(SCOPE, &[id(7)]).await.unwrap().is_empty());
}

#[tokio::test]
async fn of_writers_that_expect_the_same_version_exactly_one_wins() {
    let fresh = Fresh::new().await;
    let mut writers = JoinSet::new();
    for _ in 0..32 {
        let store = fresh.store.clone();
        writers.spawn(async move { store.commit(step("case/a", 1)).await.unwrap() });
    }
    let commits = writers.join_all().await;
    assert_eq!(commits.iter().filter(|commit| **commit == Commit::Done).count(), 1);
    assert_eq!(commits.iter().filter(|commit| **commit == Commit::Stale).count(), 31);
}

#[tokio::test]
async fn a_write_handed_over_by_a_caller_who_left_is_kept() {
    let fresh = Fresh::new().await;
    let store = fresh.store.clone();
    let caller = tokio::spawn(async move { store.commit(step("case/a", 1)).await });
    tokio::task::yield_now().await;
    caller.abort();
    let kept = caller.await.is_ok();
    // Either it was never handed over, or it is whole.
    let events = fresh.store.events(SCOPE, "case/a", None).await.unwrap().len();
    let next = fresh.store.commit(step("case/a", 1)).await.unwrap();
    assert!(!kept || events == 1);
    assert!(matches!(next, Commit::Done | Commit::Stale));
    assert_eq!(fresh.store.events(SCOPE, "case/a", None).await.unwrap().len(), 1);
}

/// Each rests on the counter as the one before leaves it, and none waits for the disk of another.
#[tokio::test]
async fn writes_of_one_counter_are_applied_in_their_order_and_what_rests_on_a_failed_one_is_stale() {
    let fresh = Fresh::new().await;
    let counted = |version: u64, reference: u64| {
        let mut write = step("line/a", version);
        write.counter = Some("line/a".to_owned());
        let mut row = case(version, CaseStatus::Ready, 10);
        row.reference_key = case(reference, CaseStatus::Ready, 10).reference_key;
        let new = vec![Row::Case(row)];
        write.index = vec![IndexChange { stream: format!("case/{version}"), old: Vec::new(), new }];
        write.answer = Some(asked(&format!("key-{version}"), "same", "done"));
        write
    };
    let mut again = counted(3, 3);
    again.answer = Some(asked("key-2", "same", "again"));
    let mut pending = Vec::new();
    for write in [counted(1, 1), counted(2, 2), again, counted(3, 3), counted(4, 2), counted(5, 5)] {
        pending.push(fresh.store.hand_over(write).await.unwrap());
    }
    let mut ends = Vec::new();
    for pending in pending {
        ends.push(pending.done().await.unwrap());
    }
    let replayed = Commit::Replayed("done".to_owned());
    let taken = Commit::Conflict(Taken::Reference);
    assert_eq!(ends, [Commit::Done, Commit::Done, replayed, Commit::Done, taken, Commit::Stale]);
    assert_eq!(fresh.store.events(SCOPE, "line/a", None).await.unwrap().len(), 3);
    // The queue goes on.
    assert_eq!(fresh.store.commit(counted(4, 4)).await.unwrap(), Commit::Done);
}
