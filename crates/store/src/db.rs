//! The door: open, migrate, read, commit.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use remit_kernel::hash::Digest;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::{
    dialect::{Columns, Connection, first},
    error::{Result, StoreError, Taken, Unreadable},
    value::{Statement, Value},
    write::{Applied, Commit, Plan, Write},
    writer::{self, Request},
};

/// The migrations in order. An applied one is never edited: its digest is kept beside its name.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_record", include_str!("../migrations/shared/0001_record.sql")),
    ("0002_work", include_str!("../migrations/shared/0002_work.sql")),
    ("0003_sign_in", include_str!("../migrations/shared/0003_sign_in.sql")),
    ("0004_index", include_str!("../migrations/shared/0004_index.sql")),
];

const MIGRATIONS_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS migrations (name TEXT NOT NULL PRIMARY KEY, digest TEXT NOT NULL)";

statements! {
    APPLIED = "SELECT name, digest FROM migrations ORDER BY name";
    APPLY = "INSERT INTO migrations (name, digest) VALUES ($1, $2)";
}

/// How the store is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Statements that read at the same time.
    pub readers_max: usize,
    /// Writes that may wait; a caller beyond them waits too.
    pub writes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers_max: 4, writes_max: 1_024 }
    }
}

/// The store of one data folder. Clones share it; the folder is let go when the last one is dropped.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    path: PathBuf,
    writes: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    readers: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    /// Statements that were read with so far.
    asked: AtomicU64,
    /// Held open for the lock on it; declared last, so that it is let go after the connections.
    lock: Arc<File>,
}

impl Store {
    /// Opens the store of a data folder, making the folder and bringing the tables up to date where needed.
    ///
    /// Blocks for as long as migrations take. [`StoreError::Held`] if another process has the folder open.
    pub fn open(dir: &Path, options: Options) -> Result<Self> {
        fs::create_dir_all(dir).map_err(|source| StoreError::File { path: dir.to_owned(), source })?;
        let lock = lock(dir)?;
        let path = file(dir);
        let connection = Connection::open_writer(&path)?;
        migrate(&connection)?;

        let (writes, requests) = mpsc::channel(options.writes_max);
        let thread = thread::Builder::new()
            .name("remit-writer".to_owned())
            .spawn(move || writer::run(&connection, requests))
            .map_err(|source| StoreError::File { path: path.clone(), source })?;
        Ok(Self(Arc::new(Inner {
            path,
            writes: Some(writes),
            writer: Some(thread),
            readers: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(options.readers_max)),
            asked: AtomicU64::new(0),
            lock: Arc::new(lock),
        })))
    }

    /// Applies a write whole or not at all. When this returns [`Commit::Done`], the write is on the disk.
    ///
    /// Dropping the future does not undo a write that was already handed over.
    pub async fn commit(&self, write: Write) -> Result<Commit> {
        self.hand_over(write).await?.done().await
    }

    /// Hands a write to the writer, which applies writes in the order in which they were handed over.
    pub async fn hand_over(&self, write: Write) -> Result<Pending> {
        self.send(write.into_plan()).await.map(Pending)
    }

    /// Returns the store as it stands at this moment: what is written from now on is not seen through it, and nothing can
    /// be written through it. Drop it soon; until then the database keeps what it shows.
    pub async fn frozen(&self) -> Result<Self> {
        let (path, lock) = (self.0.path.clone(), Arc::clone(&self.0.lock));
        let frozen = tokio::task::spawn_blocking(move || {
            let connection = Connection::open_reader(&path)?;
            connection.run("BEGIN")?;
            // The moment is that of the first look.
            connection.rows(&Statement { sql: APPLIED, values: values![] }, first::<String>)?;
            let (readers, permits) = (Mutex::new(vec![connection]), Arc::new(Semaphore::new(1)));
            let asked = AtomicU64::new(0);
            Ok(Self(Arc::new(Inner { path, writes: None, writer: None, readers, permits, asked, lock })))
        });
        frozen.await.map_err(|_| StoreError::Panicked)?
    }

    /// Copies the whole store, as it stands at this moment, into a new database file.
    pub async fn backup_to(&self, path: &Path) -> Result<()> {
        let path = path.to_owned();
        self.read(move |connection| connection.backup(&path)).await
    }

    /// Applies statements together; returns how many rows they changed, once that is on the disk.
    pub(crate) async fn change(&self, statements: Vec<Statement>) -> Result<u64> {
        Ok(self.apply(Plan::of(statements)).await?.rows)
    }

    /// Returns the rows of one statement.
    pub(crate) async fn rows<T: Send + 'static>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        read: fn(&mut Columns<'_>) -> std::result::Result<T, Unreadable>,
    ) -> Result<Vec<T>> {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        self.read(move |connection| connection.rows(&Statement { sql, values }, read)).await
    }

    /// Returns how many statements were read with so far.
    pub(crate) fn asked(&self) -> u64 {
        self.0.asked.load(Ordering::Relaxed)
    }

    /// Returns the first row of one statement.
    pub(crate) async fn row<T: Send + 'static>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        read: fn(&mut Columns<'_>) -> std::result::Result<T, Unreadable>,
    ) -> Result<Option<T>> {
        Ok(self.rows(sql, values, read).await?.into_iter().next())
    }

    /// Returns the number that a counting statement gives.
    pub(crate) async fn count(&self, sql: &'static str, values: Vec<Value>) -> Result<u64> {
        Ok(self.row(sql, values, first).await?.unwrap_or_default())
    }

    async fn apply(&self, plan: Plan) -> Result<Applied> {
        self.send(plan).await?.await.map_err(|_| StoreError::Closed)?
    }

    async fn send(&self, plan: Plan) -> Result<oneshot::Receiver<Result<Applied>>> {
        let (reply, answer) = oneshot::channel();
        let writes = self.0.writes.as_ref().ok_or(StoreError::Closed)?;
        writes.send(Request { plan, reply }).await.map_err(|_| StoreError::Closed)?;
        Ok(answer)
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = Arc::clone(&self.0.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let inner = Arc::clone(&self.0);
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let free = inner.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = free.map_or_else(|| Connection::open_reader(&inner.path), Ok)?;
            let result = work(&connection);
            inner.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            result
        });
        read.await.map_err(|_| StoreError::Panicked)?
    }
}

/// A write that the writer has. Dropping this does not undo it.
pub struct Pending(oneshot::Receiver<Result<Applied>>);

impl Pending {
    /// Returns what became of the write; [`Commit::Done`] once it is on the disk.
    pub async fn done(self) -> Result<Commit> {
        match self.0.await.map_err(|_| StoreError::Closed)? {
            Ok(applied) => Ok(applied.commit),
            // Somebody else wrote this version although no expectation named the stream.
            Err(StoreError::Taken(Taken::Event)) => Ok(Commit::Stale),
            Err(StoreError::Taken(taken)) => Ok(Commit::Conflict(taken)),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Inner {
    /// Lets the writer finish what was handed over. It goes last: only who may write can fold the log into the file, so that
    /// a data folder at rest is one file.
    fn drop(&mut self) {
        self.readers.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        self.writes = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the writer ended by a fault");
        }
    }
}

/// Returns where the database of a data folder is.
pub(crate) fn file(dir: &Path) -> PathBuf {
    dir.join("remit.db")
}

/// Takes the folder for this process alone. The system lets go of the lock however the process ends.
fn lock(dir: &Path) -> Result<File> {
    let path = dir.join("remit.lock");
    let failed = |source: io::Error| StoreError::File { path: path.clone(), source };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Held { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Applies the migrations that this data has not seen, each whole, one statement at a time.
fn migrate(connection: &Connection) -> Result<()> {
    connection.run(MIGRATIONS_TABLE)?;
    let applied = connection.rows(&Statement { sql: APPLIED, values: values![] }, |columns| {
        Ok((columns.take::<String>()?, columns.take::<Digest>()?))
    })?;
    if let Some((name, _)) = applied.iter().find(|(name, _)| MIGRATIONS.iter().all(|(known, _)| known != name)) {
        return Err(StoreError::Newer { name: name.clone() });
    }
    for (name, sql) in MIGRATIONS {
        let digest = Digest::of(sql.as_bytes());
        match applied.iter().find(|(known, _)| known == name) {
            Some((_, known)) if *known == digest => {}
            Some(_) => return Err(StoreError::MigrationChanged { name: (*name).to_owned() }),
            None => {
                connection.run("BEGIN IMMEDIATE")?;
                for statement in sql.split_inclusive(";\n") {
                    connection.run(statement)?;
                }
                connection.execute(&Statement { sql: APPLY, values: values![*name, digest] })?;
                connection.run("COMMIT")?;
                tracing::info!(migration = name, "applied migration {name}");
            }
        }
    }
    Ok(())
}
