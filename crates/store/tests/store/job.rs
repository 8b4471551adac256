//! Jobs: written with their act, claimed by one, tried again, given up.

use remit_store::{Job, JobRow};

use crate::given::{Fresh, SCOPE, at, id, write};

async fn enqueue(fresh: &Fresh, run_at: &[i64]) {
    let mut act = write(SCOPE, 1);
    let job = |(number, second): (u64, &i64)| JobRow {
        id: id(number),
        name: "replan".to_owned(),
        body: "{}".to_owned(),
        run_at: at(*second),
    };
    act.jobs = (1..).zip(run_at).map(job).collect();
    fresh.store.commit(act).await.unwrap();
}

async fn claim(fresh: &Fresh, lease: &str, now: i64) -> Vec<Job> {
    fresh.store.claim_jobs(lease, at(now), at(now + 30), 2).await.unwrap()
}

#[tokio::test]
async fn due_jobs_are_claimed_oldest_first_by_one_at_a_time() {
    let fresh = Fresh::new().await;
    enqueue(&fresh, &[30, 10, 20, 99]).await;
    assert_eq!(fresh.store.next_job_at().await.unwrap(), Some(at(10)));
    assert_eq!(claim(&fresh, "l0", 9).await, []);
    let first = claim(&fresh, "l1", 50).await;
    assert_eq!(first.iter().map(|job| job.row.run_at).collect::<Vec<_>>(), [at(10), at(20)]);
    assert_eq!((first[0].attempts, first[0].scope.as_str()), (1, SCOPE));
    let second = claim(&fresh, "l2", 50).await;
    assert_eq!(second.iter().map(|job| job.row.run_at).collect::<Vec<_>>(), [at(30)]);
    assert_eq!(claim(&fresh, "l3", 50).await, []);
    assert_eq!(fresh.store.next_job_at().await.unwrap(), Some(at(99)));

    assert!(fresh.store.finish_job(&first[0]).await.unwrap());
    assert!(!fresh.store.finish_job(&first[0]).await.unwrap());
    let expired = claim(&fresh, "l4", 80).await;
    assert_eq!(
        expired.iter().map(|job| (job.row.run_at, job.attempts)).collect::<Vec<_>>(),
        [(at(20), 2), (at(30), 2)]
    );
    assert!(!fresh.store.finish_job(&second[0]).await.unwrap(), "its lease ran out and another holds it");
}

#[tokio::test]
async fn a_failed_job_waits_and_one_given_up_stays_to_be_seen() {
    let fresh = Fresh::new().await;
    enqueue(&fresh, &[10]).await;
    let job = claim(&fresh, "l1", 10).await.remove(0);
    assert!(fresh.store.retry_job(&job, at(60), "busy").await.unwrap());
    assert_eq!(claim(&fresh, "l2", 59).await, []);
    let again = claim(&fresh, "l3", 60).await.remove(0);
    assert_eq!((again.attempts, again.error.as_deref()), (2, Some("busy")));
    assert!(fresh.store.stop_job(&again, at(61), "gone").await.unwrap());
    assert_eq!(claim(&fresh, "l4", 1_000).await, []);
    let stopped = fresh.store.list_stopped_jobs(10).await.unwrap();
    assert_eq!((stopped[0].error.as_deref(), stopped[0].stopped_at), (Some("gone"), Some(at(61))));
    assert_eq!(fresh.store.next_job_at().await.unwrap(), None);
}
