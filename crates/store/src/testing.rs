//! A fresh store for each test, a look at every statement, and the bare driver that the benchmark compares with.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    Store, Write, answer, case, db, dialect::Connection, draft, duty, engagement, entry, error::Result, event, index,
    job, pack, panel, person, seat, session, text, verify, write::Plan,
};

/// A folder for one test's data, removed when it is dropped: declare it before the store.
#[derive(Debug)]
pub struct TestDir(PathBuf);

impl TestDir {
    /// Returns a folder that does not exist yet.
    pub fn fresh() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("remit-test-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = Self(env::temp_dir().join(name));
        dir.remove();
        dir
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// An earlier process of this number may have left one behind; a folder that cannot be removed harms nobody.
    fn remove(&self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Returns every statement that the store ever runs.
pub fn statements() -> Vec<&'static str> {
    [
        answer::ALL,
        case::ALL,
        db::ALL,
        draft::ALL,
        duty::ALL,
        engagement::ALL,
        entry::ALL,
        event::ALL,
        index::ALL,
        job::ALL,
        pack::ALL,
        panel::ALL,
        person::ALL,
        seat::ALL,
        session::ALL,
        text::ALL,
        verify::ALL,
    ]
    .concat()
}

/// Prepares a statement against the tables of a store. Returns whether its placeholders appear in order.
pub async fn prepare(store: &Store, sql: &'static str) -> Result<bool> {
    store.read(move |connection| connection.check(sql)).await
}

/// Returns how many statements a store was read with since it was opened.
pub fn statements_asked(store: &Store) -> u64 {
    store.asked()
}

/// Returns how many versions a write checks, and how many statements it then runs.
pub fn statements_of(write: Write) -> (usize, usize) {
    write.into_plan().counts()
}

/// The statements of some writes, run by the bare driver: the least that writing these rows costs.
///
/// Nothing is loaded, expected, authorised or decided; the folder is not locked, so no store may have it open.
pub struct Replay {
    connection: Connection,
    plans: Vec<Plan>,
}

impl Replay {
    /// Returns a replay of writes on the database of a data folder. Statements and values are made here.
    pub fn of(dir: &Path, writes: Vec<Write>) -> Result<Self> {
        let connection = Connection::open_writer(&db::file(dir))?;
        Ok(Self { connection, plans: writes.into_iter().map(Write::into_plan).collect() })
    }

    /// Writes everything, so many writes to a transaction; returns how many rows that changed, once all is on the disk.
    pub fn run(&self, writes_per_commit: usize) -> Result<u64> {
        let mut rows = 0;
        for group in self.plans.chunks(writes_per_commit) {
            self.connection.run("BEGIN IMMEDIATE")?;
            for plan in group {
                rows += plan.run(&self.connection)?;
            }
            self.connection.run("COMMIT")?;
        }
        Ok(rows)
    }
}

/// Changes one character, number or byte of one row in the data folder of a closed store, as a failing disk or a foreign
/// hand would. The row is the first one whose column is filled.
pub fn flip(dir: &Path, table: &str, column: &str) -> Result<()> {
    let connection = Connection::open_writer(&db::file(dir))?;
    connection.run("PRAGMA ignore_check_constraints = ON")?;
    connection.run(&format!(
        "UPDATE {table} SET {column} = CASE typeof({column}) WHEN 'integer' THEN 1 - {column} \
         WHEN 'blob' THEN zeroblob(length({column})) \
         ELSE substr({column}, 1, length({column}) - 1) || CASE substr({column}, -1) WHEN '0' THEN '1' ELSE '0' END END \
         WHERE rowid = (SELECT MIN(rowid) FROM {table} WHERE {column} IS NOT NULL)"
    ))
}
