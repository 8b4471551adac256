//! The one thread that writes: each write in a savepoint of its own, many writes in one commit.
//!
//! Waiting for the disk is most of a write's time, so all that wait together go to the disk together. A group is
//! committed as soon as nobody else waits; the writer never waits idly for company.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, oneshot};

use crate::{
    db::GiveWay,
    dialect::Connection,
    error::{Result, StoreError},
    write::{Applied, Plan},
};

/// Most writes of one commit.
const GROUP_MAX: usize = 256;
/// A group that took this long is committed even if others wait.
const GROUP_TIME_MAX: Duration = Duration::from_millis(5);

/// A write on its way, and whom to tell.
pub(crate) struct Request {
    pub(crate) plan: Plan,
    pub(crate) reply: oneshot::Sender<Result<Applied>>,
}

/// Writes until every sender is gone.
pub(crate) fn run(connection: &Connection, mut requests: mpsc::Receiver<Request>) {
    while let Some(first) = requests.blocking_recv() {
        for (reply, result) in write_group(connection, first, &mut requests, GROUP_TIME_MAX) {
            // A caller that stopped listening gave up its answer, not its write.
            let _ = reply.send(result);
        }
    }
}

/// Writes as [`run`] does, for a simulation: in its runtime, so that chance alone decides which writes share a commit.
pub(crate) async fn step(connection: Connection, mut requests: mpsc::Receiver<Request>, give_way: GiveWay) {
    while let Some(first) = requests.recv().await {
        pause(&give_way).await;
        // How long a group took is no matter of chance.
        for (reply, result) in write_group(&connection, first, &mut requests, Duration::MAX) {
            let _ = reply.send(result);
        }
    }
}

/// Lets others go first.
pub(crate) async fn pause(give_way: &GiveWay) {
    for _ in 0..give_way() {
        tokio::task::yield_now().await;
    }
}

type Answer = (oneshot::Sender<Result<Applied>>, Result<Applied>);

/// Writes `first` and those that wait behind it in one commit; returns what to tell each.
#[expect(clippy::disallowed_methods, reason = "the time bounds how long a group grows; nothing is decided by it")]
fn write_group(
    connection: &Connection,
    first: Request,
    requests: &mut mpsc::Receiver<Request>,
    time_max: Duration,
) -> Vec<Answer> {
    if let Err(error) = connection.run("BEGIN IMMEDIATE") {
        return vec![(first.reply, Err(error))];
    }
    let began = Instant::now();
    let mut answers = Vec::new();
    let mut next = Some(first);
    while let Some(Request { plan, reply }) = next {
        answers.push((reply, alone(connection, || plan.apply(connection))));
        let more = connection.in_transaction() && answers.len() < GROUP_MAX && began.elapsed() < time_max;
        next = if more { requests.try_recv().ok() } else { None };
    }
    let lost = if connection.in_transaction() {
        connection.run("COMMIT").err()
    } else {
        Some(StoreError::failed("the transaction was ended by the database"))
    };
    if let Some(lost) = lost {
        tracing::error!(writes = answers.len(), error = ?lost, "a group of writes was lost");
        if connection.in_transaction()
            && let Err(error) = connection.run("ROLLBACK")
        {
            tracing::error!(?error, "the lost group could not be rolled back");
        }
        let cause: Arc<dyn std::error::Error + Send + Sync> = Arc::new(lost);
        for (_, result) in &mut answers {
            if result.is_ok() {
                *result = Err(StoreError::Database(Arc::clone(&cause)));
            }
        }
    }
    answers
}

/// Runs one write so that its failure, even by a panic, undoes it alone.
fn alone<T>(connection: &Connection, work: impl FnOnce() -> Result<T>) -> Result<T> {
    connection.run("SAVEPOINT one")?;
    let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::error!("a write panicked and was undone");
        Err(StoreError::Panicked)
    });
    if connection.in_transaction() {
        if result.is_err() {
            connection.run("ROLLBACK TO one")?;
        }
        connection.run("RELEASE one")?;
    }
    result
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails says where")]

    use super::*;
    use crate::{testing::TestDir, value::Statement};

    #[test]
    fn a_write_that_panics_is_undone_alone() {
        let dir = TestDir::fresh();
        std::fs::create_dir_all(dir.path()).unwrap();
        let connection = Connection::open_writer(&dir.path().join("one.db")).unwrap();
        connection.run("CREATE TABLE things (name TEXT NOT NULL)").unwrap();
        let insert = |name: &str| {
            connection.execute(&Statement { sql: "INSERT INTO things (name) VALUES ($1)", values: values![name] })
        };
        connection.run("BEGIN IMMEDIATE").unwrap();
        alone(&connection, || insert("before")).unwrap();
        let panicked = alone(&connection, || {
            insert("never").unwrap();
            panic!("a fault");
            #[expect(unreachable_code, reason = "names the type")]
            Ok(())
        });
        assert!(matches!(panicked, Err(StoreError::Panicked)));
        alone(&connection, || insert("after")).unwrap();
        connection.run("COMMIT").unwrap();
        let names = Statement { sql: "SELECT name FROM things ORDER BY name", values: values![] };
        assert_eq!(connection.rows(&names, crate::dialect::first::<String>).unwrap(), ["after", "before"]);
    }
}
