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
    dialect::Connection,
    error::{Result, StoreError},
    folder::GiveWay,
    reserve::Reserve,
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
    /// When it was handed over, for the measure of how long writes wait.
    pub(crate) queued: Instant,
}

impl Request {
    /// Returns a write that is handed over now, and where its answer will be.
    #[expect(clippy::disallowed_methods, reason = "a measure of waiting; nothing is decided by it")]
    pub(crate) fn new(plan: Plan) -> (Self, oneshot::Receiver<Result<Applied>>) {
        let (reply, answer) = oneshot::channel();
        (Self { plan, reply, queued: Instant::now() }, answer)
    }
}

/// What writes.
pub(crate) struct Writer {
    connection: Connection,
    reserve: Reserve,
    broken: bool,
}

impl Writer {
    pub(crate) fn new(connection: Connection, reserve: Reserve) -> Self {
        Self { connection, reserve, broken: false }
    }

    /// Writes until every sender is gone.
    pub(crate) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(first) = requests.blocking_recv() {
            self.answer(first, &mut requests, GROUP_TIME_MAX);
        }
        self.end();
    }

    /// Writes as [`Writer::run`] does, for a simulation: in its runtime, so that chance alone decides which writes share a
    /// commit.
    pub(crate) async fn step(mut self, mut requests: mpsc::Receiver<Request>, give_way: GiveWay) {
        while let Some(first) = requests.recv().await {
            pause(&give_way).await;
            // How long a group took is no matter of chance.
            self.answer(first, &mut requests, Duration::MAX);
        }
        self.end();
    }

    /// Writes `first` and what waits behind it, and tells each what became of it.
    ///
    /// Once the disk failed to make writes last, nothing is written any more: a second `fsync` might succeed although the
    /// writes before it are gone. When the disk is full and a reserve can be given up, records of looks are written from
    /// then on and all else is refused, until there is space for the reserve again.
    fn answer(&mut self, first: Request, requests: &mut mpsc::Receiver<Request>, time_max: Duration) {
        let connection = &self.connection;
        let answers = if self.broken {
            vec![(first, Err(StoreError::Broken))]
        } else if !self.reserve.is_given_up() {
            let answers = write_group(connection, first, Some(requests), time_max);
            let full = answers.iter().any(|(_, result)| matches!(result, Err(StoreError::Full)));
            if full && self.reserve.give_up() { look_again(connection, answers) } else { answers }
        } else if first.plan.looks {
            write_group(connection, first, None, time_max)
        } else {
            vec![(first, Err(StoreError::Full))]
        };
        self.broken |= answers.iter().any(|(_, result)| matches!(result, Err(StoreError::Broken)));
        for (request, result) in answers {
            // A caller that stopped listening gave up its answer, not its write.
            let _ = request.reply.send(result);
        }
    }

    /// Closes the database, unless its disk failed: closing it would try the same `fsync` again.
    fn end(self) {
        if self.broken {
            std::mem::forget(self.connection);
        }
    }
}

/// Lets others go first.
pub(crate) async fn pause(give_way: &GiveWay) {
    for _ in 0..give_way() {
        tokio::task::yield_now().await;
    }
}

type Answer = (Request, Result<Applied>);

/// Writes the looks of a group that found the disk full, now that the reserve was given up.
fn look_again(connection: &Connection, answers: Vec<Answer>) -> Vec<Answer> {
    let again = |(request, result): Answer| match result {
        Err(StoreError::Full) if request.plan.looks => write_group(connection, request, None, GROUP_TIME_MAX),
        told => vec![(request, told)],
    };
    answers.into_iter().flat_map(again).collect()
}

/// Writes `first` and, of these requests, those that wait behind it in one commit; returns what to tell each.
#[expect(clippy::disallowed_methods, reason = "the time bounds how long a group grows; nothing is decided by it")]
fn write_group(
    connection: &Connection,
    first: Request,
    mut requests: Option<&mut mpsc::Receiver<Request>>,
    time_max: Duration,
) -> Vec<Answer> {
    if let Err(error) = connection.run("BEGIN IMMEDIATE") {
        return vec![(first, Err(error))];
    }
    let began = Instant::now();
    let mut answers = Vec::new();
    let mut next = Some(first);
    while let Some(request) = next {
        metrics::histogram!("remit_writer_wait_seconds").record(request.queued.elapsed());
        let applied = alone(connection, || request.plan.apply(connection));
        answers.push((request, applied));
        let more = connection.in_transaction() && answers.len() < GROUP_MAX && began.elapsed() < time_max;
        next = requests.as_mut().filter(|_| more).and_then(|requests| requests.try_recv().ok());
    }
    metrics::histogram!("remit_writer_batch_writes").record(u32::try_from(answers.len()).unwrap_or(u32::MAX));
    let lost = if connection.in_transaction() {
        connection.run("COMMIT").err()
    } else {
        Some(StoreError::failed("the transaction was ended by the database"))
    };
    metrics::histogram!("remit_writer_batch_seconds").record(began.elapsed());
    if let Some(lost) = lost {
        tracing::error!(writes = answers.len(), error = ?lost, "a group of writes was lost");
        if connection.in_transaction()
            && let Err(error) = connection.run("ROLLBACK")
        {
            tracing::error!(?error, "the lost group could not be rolled back");
        }
        let lost = Arc::new(lost);
        for (_, result) in &mut answers {
            if result.is_ok() {
                *result = Err(StoreError::of_group(&lost));
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
    fn a_full_disk_loses_the_group_whole_and_takes_writes_again_once_there_is_space() {
        let dir = TestDir::fresh();
        std::fs::create_dir_all(dir.path()).unwrap();
        let connection = Connection::open_writer(&dir.path().join("one.db")).unwrap();
        connection.run("CREATE TABLE things (body BLOB NOT NULL); PRAGMA max_page_count = 8").unwrap();
        let big = || Statement { sql: "INSERT INTO things (body) VALUES (zeroblob($1))", values: values![100_000_i64] };
        let write = |connection: &Connection| {
            let (request, _) = Request::new(Plan::of(vec![big()]));
            write_group(connection, request, None, GROUP_TIME_MAX).remove(0).1
        };
        assert!(matches!(write(&connection), Err(StoreError::Full)));
        let count = Statement { sql: "SELECT COUNT(*) FROM things", values: values![] };
        assert_eq!(connection.rows(&count, crate::dialect::first::<u64>).unwrap(), [0]);
        connection.run("PRAGMA max_page_count = 1000").unwrap();
        assert_eq!(write(&connection).unwrap().rows, 1);
    }

    #[test]
    fn on_a_full_disk_looks_are_recorded_from_the_reserve_and_acts_refused_until_there_is_space() {
        let dir = TestDir::fresh();
        std::fs::create_dir_all(dir.path()).unwrap();
        let connection = Connection::open_writer(&dir.path().join("one.db")).unwrap();
        connection.run("CREATE TABLE things (body BLOB NOT NULL); PRAGMA max_page_count = 12").unwrap();
        let kept_at = dir.path().join("reserve");
        let reserve = Reserve::keep(kept_at.clone(), 100_000);
        assert_eq!(std::fs::metadata(&kept_at).unwrap().len(), 100_000);
        let (sender, requests) = mpsc::channel(8);
        let writer = std::thread::spawn(move || Writer::new(connection, reserve).run(requests));
        let send = |looks, bytes: i64| {
            let insert = Statement { sql: "INSERT INTO things (body) VALUES (zeroblob($1))", values: values![bytes] };
            let (request, answer) = Request::new(Plan { looks, ..Plan::of(vec![insert]) });
            sender.blocking_send(request).unwrap_or_else(|_| panic!("the writer ended"));
            answer.blocking_recv().unwrap()
        };
        assert!(matches!(send(false, 100_000), Err(StoreError::Full)));
        assert!(!kept_at.exists(), "the reserve was given up");
        assert!(matches!(send(false, 1), Err(StoreError::Full)), "an act would fit, and is refused all the same");
        assert_eq!(send(true, 1).unwrap().rows, 1);
        #[expect(clippy::disallowed_methods, reason = "the disk is tried again once a second, on a thread of its own")]
        std::thread::sleep(Duration::from_millis(1_100));
        assert_eq!(send(false, 1).unwrap().rows, 1, "there is space again");
        assert!(kept_at.exists());
        drop(sender);
        writer.join().unwrap();
    }

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
