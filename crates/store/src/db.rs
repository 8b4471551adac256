//! The door: open, migrate, read, commit. What lies behind it is a data folder or a database server.

use std::{
    fs,
    path::Path,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::{Mutex, broadcast, oneshot};

use crate::{
    cluster::Cluster,
    dialect::{Columns, Session, first},
    error::{Result, StoreError, Taken, Unreadable},
    folder::{self, Folder, GiveWay},
    migrate::{self, Known},
    value::{Statement, Value},
    write::{Applied, Commit, Plan, Write},
};

/// How the store is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Statements that read at the same time from a data folder.
    pub readers_max: usize,
    /// Writes that may wait for the writer of a data folder; a caller beyond them waits too.
    pub writes_max: usize,
    /// Bytes kept back on the disk of a data folder, so that looks can be recorded when it is full; 0 for none.
    pub reserve_bytes: u64,
    /// Connections to a database server. More than four for each of its cores make it slower.
    pub connections_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers_max: 4, writes_max: 1_024, reserve_bytes: 0, connections_max: 16 }
    }
}

/// The store, and how many statements it was read with so far. Clones share both; a data folder is let go when the last
/// one is dropped.
#[derive(Clone)]
pub struct Store(Arc<Inner>, Arc<AtomicU64>);

enum Inner {
    /// A data folder: SQLite.
    Folder(Folder),
    /// A database server: PostgreSQL.
    Cluster(Cluster),
    /// The server's data as they stood at one moment.
    Frozen(Box<Mutex<Session>>),
}

impl Store {
    fn of(inner: Inner) -> Self {
        Self(Arc::new(inner), Arc::default())
    }

    /// Returns how many statements were read with so far.
    pub(crate) fn asked(&self) -> u64 {
        self.1.load(Ordering::Relaxed)
    }

    /// Opens the store of a data folder, making the folder and bringing the tables up to date where needed.
    ///
    /// Blocks for as long as migrations take. [`StoreError::Held`] if another process has the folder open.
    pub fn open(dir: &Path, options: Options) -> Result<Self> {
        Self::open_knowing(dir, options, migrate::own())
    }

    /// Opens a data folder as a build would that knows these migrations.
    pub(crate) fn open_knowing(dir: &Path, options: Options, known: Known) -> Result<Self> {
        Ok(Self::of(Inner::Folder(Folder::open(dir, options, known, None)?)))
    }

    /// Opens a data folder that a simulation steps through: without threads of its own, in the caller's runtime.
    pub(crate) fn open_stepped(dir: &Path, options: Options, give_way: GiveWay) -> Result<Self> {
        Ok(Self::of(Inner::Folder(Folder::open(dir, options, migrate::own(), Some(give_way))?)))
    }

    /// Connects to the store of a PostgreSQL database, bringing the tables up to date where needed.
    ///
    /// `url` is `postgres://user:password@host:port/database`. [`StoreError::Address`] if it cannot be used,
    /// [`StoreError::Unreachable`] if nobody answers there.
    pub async fn connect(url: &str, options: Options) -> Result<Self> {
        Self::connect_knowing(url, options, migrate::own()).await
    }

    /// Connects to a PostgreSQL database as a build would that knows these migrations.
    pub(crate) async fn connect_knowing(url: &str, options: Options, known: Known) -> Result<Self> {
        Ok(Self::of(Inner::Cluster(Cluster::connect(url, options.connections_max, known).await?)))
    }

    /// Connects once more to the same server, as another node would.
    pub(crate) async fn beside(&self) -> Result<Option<Self>> {
        match &*self.0 {
            Inner::Cluster(cluster) => Ok(Some(Self::of(Inner::Cluster(cluster.beside().await?)))),
            Inner::Folder(_) | Inner::Frozen(_) => Ok(None),
        }
    }

    /// Returns whether many nodes may share this store. Only then do others write beside this process.
    pub fn is_shared(&self) -> bool {
        match &*self.0 {
            Inner::Folder(_) => false,
            Inner::Cluster(_) | Inner::Frozen(_) => true,
        }
    }

    /// Returns the address of the database server without its password; nothing for a data folder.
    pub fn address(&self) -> Option<String> {
        match &*self.0 {
            Inner::Cluster(cluster) => Some(cluster.shown()),
            Inner::Folder(_) | Inner::Frozen(_) => None,
        }
    }

    /// Returns a word that no other process at this store has: for leases, and to know one's own hints again.
    pub fn node(&self) -> &str {
        match &*self.0 {
            Inner::Cluster(cluster) => cluster.node(),
            Inner::Folder(_) | Inner::Frozen(_) => "here",
        }
    }

    /// Tells the other nodes something, soon and perhaps not at all. Where there are none, nothing happens.
    pub fn tell_nodes(&self, hint: String) {
        match &*self.0 {
            Inner::Cluster(cluster) => cluster.tell(hint),
            Inner::Folder(_) | Inner::Frozen(_) => {}
        }
    }

    /// Returns a listener to what nodes tell, this one included; `None` among it stands for what may have been missed.
    pub fn hear_nodes(&self) -> Option<broadcast::Receiver<Option<String>>> {
        match &*self.0 {
            Inner::Cluster(cluster) => Some(cluster.heard()),
            Inner::Folder(_) | Inner::Frozen(_) => None,
        }
    }

    /// Applies a write whole or not at all. When this returns [`Commit::Done`], the write is on the disk.
    ///
    /// Dropping the future does not undo a write that was already handed over.
    pub async fn commit(&self, write: Write) -> Result<Commit> {
        self.hand_over(write).await?.done().await
    }

    /// Hands a write over. The writer of a data folder applies writes in the order in which they were handed over; a
    /// database server applies them as they come.
    pub async fn hand_over(&self, write: Write) -> Result<Pending> {
        self.send(write.into_plan()).await.map(Pending)
    }

    /// Returns the store as it stands at this moment: what is written from now on is not seen through it, and nothing can
    /// be written through it. Drop it soon; until then the database keeps what it shows.
    pub async fn frozen(&self) -> Result<Self> {
        let inner = match &*self.0 {
            Inner::Folder(folder) => Inner::Folder(folder.frozen().await?),
            Inner::Cluster(cluster) => Inner::Frozen(Box::new(Mutex::new(cluster.frozen().await?))),
            Inner::Frozen(_) => return Ok(self.clone()),
        };
        Ok(Self::of(inner))
    }

    /// Copies the whole store, as it stands at this moment, into a new SQLite file: a data folder's page by page, a
    /// server's row by row.
    pub async fn backup_to(&self, path: &Path) -> Result<()> {
        match &*self.0 {
            Inner::Folder(folder) => {
                let path = path.to_owned();
                folder.read(move |connection| connection.backup(&path, &mut |_, _| {})).await
            }
            Inner::Cluster(_) | Inner::Frozen(_) => {
                let mut name = path.file_name().unwrap_or_default().to_owned();
                name.push(".partial");
                let partial = path.with_file_name(name);
                let copy = Self::open(&partial, Options::default())?;
                self.copy_into(&copy, |_| {}).await?;
                drop(copy);
                let failed = |source| StoreError::File { path: path.to_owned(), source };
                fs::rename(folder::file(&partial), path).map_err(failed)?;
                fs::remove_dir_all(&partial).map_err(failed)
            }
        }
    }

    /// Returns how many writes wait for the writer of a data folder, or for a connection to the server.
    pub fn writes_waiting(&self) -> usize {
        match &*self.0 {
            Inner::Folder(folder) => folder.writes_waiting(),
            Inner::Cluster(cluster) => cluster.waiting(),
            Inner::Frozen(_) => 0,
        }
    }

    /// Checks that a statement can be prepared; returns whether its placeholders appear in the order of their numbers.
    pub(crate) async fn check(&self, sql: &'static str) -> Result<bool> {
        match &*self.0 {
            Inner::Folder(folder) => folder.read(move |connection| connection.check(sql)).await,
            Inner::Cluster(cluster) => cluster.session().await?.check(sql).await.map(|()| true),
            Inner::Frozen(session) => session.lock().await.check(sql).await.map(|()| true),
        }
    }

    /// Runs statements of a server in one transaction, as they stand; on a data folder, together.
    pub(crate) async fn say_plainly(&self, statements: Vec<Statement>) -> Result<()> {
        match &*self.0 {
            Inner::Cluster(cluster) => cluster.session().await?.say_plainly(&statements).await,
            Inner::Folder(_) | Inner::Frozen(_) => self.change(statements).await.map(drop),
        }
    }

    /// Applies statements together; returns how many rows they changed, once that is on the disk.
    pub(crate) async fn change(&self, statements: Vec<Statement>) -> Result<u64> {
        let answer = self.send(Plan::of(statements)).await?;
        Ok(answer.await.map_err(|_| StoreError::Closed)??.rows)
    }

    /// Applies statements that only keep that somebody looked, or came in to look: even while the disk is full.
    pub(crate) async fn note(&self, statements: Vec<Statement>) -> Result<u64> {
        let answer = self.send(Plan { looks: true, ..Plan::of(statements) }).await?;
        Ok(answer.await.map_err(|_| StoreError::Closed)??.rows)
    }

    /// Returns the rows of one statement.
    pub(crate) async fn rows<T: Send + 'static>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        read: fn(&mut Columns<'_>) -> std::result::Result<T, Unreadable>,
    ) -> Result<Vec<T>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let statement = Statement { sql, values };
        match &*self.0 {
            Inner::Folder(folder) => folder.read(move |connection| connection.rows(&statement, read)).await,
            Inner::Cluster(cluster) => erased(async { cluster.session().await?.rows(&statement, read).await }).await,
            Inner::Frozen(session) => erased(async { session.lock().await.rows(&statement, read).await }).await,
        }
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

    async fn send(&self, plan: Plan) -> Result<oneshot::Receiver<Result<Applied>>> {
        match &*self.0 {
            Inner::Folder(folder) => folder.send(plan).await,
            Inner::Cluster(cluster) => Ok(cluster.send(plan)),
            Inner::Frozen(_) => Err(StoreError::Closed),
        }
    }
}

/// Puts a future behind one pointer: the drivers' own are deep, and every page and act would carry their whole type.
fn erased<'a, T>(future: impl Future<Output = T> + Send + 'a) -> Pin<Box<dyn Future<Output = T> + Send + 'a>> {
    Box::pin(future)
}

/// A write that was handed over. Dropping this does not undo it.
pub struct Pending(oneshot::Receiver<Result<Applied>>);

impl Pending {
    /// Returns what became of the write; [`Commit::Done`] once it is on the disk.
    pub async fn done(self) -> Result<Commit> {
        match self.0.await.map_err(|_| StoreError::Closed)? {
            Ok(applied) => Ok(applied.commit),
            // Somebody else wrote this version although no expectation named the stream.
            Err(StoreError::Taken(Taken::Event) | StoreError::Contended) => Ok(Commit::Stale),
            Err(StoreError::Taken(taken)) => Ok(Commit::Conflict(taken)),
            Err(error) => Err(error),
        }
    }
}
