//! How the store stands: clocks at risk across engagements, what waits, and the probe.

use remit_kernel::index::{CaseStatus, EngagementRow, EngagementStatus, Origin, Row};
use remit_store::{Backlog, CaseClocks, JobRow};

use crate::given::{Fresh, SCOPE, at, case, entry, id, seat, write};

fn engagement() -> Row {
    let (client, provider) = (id(1), id(2));
    Row::Engagement(EngagementRow { name: id(1), client, provider, status: EngagementStatus::Live, drafted_at: at(1) })
}

#[tokio::test]
async fn clocks_at_risk_are_counted_across_engagements_and_only_while_they_run() {
    let fresh = Fresh::new().await;
    let imported = remit_kernel::index::CaseRow { origin: Origin::Imported, ..case(9, CaseStatus::Resolved, 10) };
    for scope in [SCOPE, "eng_2"] {
        let rows = vec![
            engagement(),
            Row::Case(case(1, CaseStatus::Reading, 99)),
            Row::Case(case(2, CaseStatus::ScopeQuery, 100)),
            Row::Case(case(3, CaseStatus::AwaitingSignOff, 149)),
            Row::Case(case(4, CaseStatus::Reading, 150)),
            Row::Case(case(5, CaseStatus::Delivered, 10)),
            Row::Case(case(6, CaseStatus::Cancelled, 10)),
            Row::Case(imported.clone()),
        ];
        fresh.index(scope, rows).await;
    }
    let clocks = fresh.store.case_clocks(at(100), at(150)).await.unwrap();
    assert_eq!(clocks, CaseClocks { overdue: 2, at_risk: 4 });
}

#[tokio::test]
async fn what_waits_is_counted_with_the_age_of_the_oldest() {
    let fresh = Fresh::new().await;
    assert_eq!(fresh.store.backlog(at(50)).await.unwrap(), Backlog::default());
    fresh.index(SCOPE, vec![Row::Seat(seat(1, 1, 10)), Row::Seat(seat(1, 2, 10))]).await;
    let mut act = write(SCOPE, 1);
    act.jobs = (1..=4)
        .map(|number| JobRow {
            id: id(number),
            name: "replan".to_owned(),
            body: "{}".to_owned(),
            run_at: at(i64::try_from(number).unwrap() * 10),
        })
        .collect();
    fresh.store.commit(act).await.unwrap();
    let held = fresh.store.claim_jobs("l1", at(20), at(60), 2).await.unwrap();
    fresh.store.stop_job(&held[0], at(20), "it broke").await.unwrap();
    let expected = Backlog { jobs_due: 1, oldest_due_at: Some(at(30)), jobs_leased: 1, jobs_stopped: 1, seats_open: 2 };
    assert_eq!(fresh.store.backlog(at(35)).await.unwrap(), expected);
}

#[tokio::test]
async fn the_newest_entry_of_all_scopes_is_found() {
    let fresh = Fresh::new().await;
    assert_eq!(fresh.store.newest_entry().await.unwrap(), None);
    fresh.index("eng_2", vec![engagement()]).await;
    fresh.store.record(remit_store::EntryRow { scope: "dir".to_owned(), ..entry(3, "case_1") }).await.unwrap();
    fresh.store.record(remit_store::EntryRow { scope: "eng_2".to_owned(), ..entry(7, "case_1") }).await.unwrap();
    assert_eq!(fresh.store.newest_entry().await.unwrap(), Some(at(7)));
}

#[tokio::test]
async fn a_probe_takes_the_writers_turn_and_changes_nothing() {
    let fresh = Fresh::new().await;
    fresh.store.probe().await.unwrap();
    assert_eq!(fresh.store.newest_verification().await.unwrap(), None);
    assert_eq!(fresh.store.writes_waiting(), 0);
}
