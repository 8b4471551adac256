//! A store in a data folder: one SQLite file, one thread that writes, a few connections that read.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::{
    db::Options,
    dialect::Connection,
    error::{Result, StoreError},
    migrate::{self, Kind, Known},
    reserve::Reserve,
    write::{Applied, Plan},
    writer::{self, Request, Writer},
};

/// The store of one data folder.
pub(crate) struct Folder {
    path: PathBuf,
    writes: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    readers: Arc<Readers>,
    permits: Arc<Semaphore>,
    /// How a simulation decides who goes first; none: the threads do.
    give_way: Option<GiveWay>,
    /// Held open for the lock on it; declared last, so that it is let go after the connections.
    lock: Arc<File>,
}

/// How often a call of a store gives way to others before it is served, asked anew for each call.
pub(crate) type GiveWay = Arc<dyn Fn() -> u32 + Send + Sync>;

/// Connections that wait for the next read.
#[derive(Default)]
struct Readers(Mutex<Vec<Connection>>);

impl Folder {
    /// Opens the store of a data folder, making the folder and bringing the tables up to date where needed.
    ///
    /// With `give_way` a simulation steps through it: there are no threads, all happens in the caller's runtime.
    pub(crate) fn open(dir: &Path, options: Options, known: Known, give_way: Option<GiveWay>) -> Result<Self> {
        fs::create_dir_all(dir).map_err(|source| StoreError::File { path: dir.to_owned(), source })?;
        let lock = lock(dir)?;
        let path = file(dir);
        let connection = Connection::open_writer(&path)?;
        bring_up_to_date(&connection, known)?;

        let (writes, requests) = mpsc::channel(options.writes_max);
        let work = Writer::new(connection, Reserve::keep(dir.join("remit.reserve"), options.reserve_bytes));
        let writer = if let Some(give_way) = &give_way {
            tokio::spawn(work.step(requests, Arc::clone(give_way)));
            None
        } else {
            let thread = thread::Builder::new().name("remit-writer".to_owned());
            let running = thread.spawn(move || work.run(requests));
            Some(running.map_err(|source| StoreError::File { path: path.clone(), source })?)
        };
        Ok(Self {
            path,
            writes: Some(writes),
            writer,
            readers: Arc::default(),
            permits: Arc::new(Semaphore::new(options.readers_max)),
            give_way,
            lock: Arc::new(lock),
        })
    }

    /// Returns the folder as it stands at this moment; it can only be read.
    pub(crate) async fn frozen(&self) -> Result<Self> {
        let (path, lock) = (self.path.clone(), Arc::clone(&self.lock));
        let frozen = tokio::task::spawn_blocking(move || {
            let connection = Connection::open_reader(&path)?;
            connection.run("BEGIN")?;
            // The moment is that of the first look.
            connection.rows(&migrate::applied(), migrate::read_applied)?;
            let readers = Arc::new(Readers(Mutex::new(vec![connection])));
            let permits = Arc::new(Semaphore::new(1));
            Ok(Self { path, writes: None, writer: None, readers, permits, give_way: None, lock })
        });
        frozen.await.map_err(|_| StoreError::Panicked)?
    }

    /// Hands a plan to the writer, which applies plans in the order in which they were handed over.
    pub(crate) async fn send(&self, plan: Plan) -> Result<oneshot::Receiver<Result<Applied>>> {
        let (request, answer) = Request::new(plan);
        let writes = self.writes.as_ref().ok_or(StoreError::Closed)?;
        writes.send(request).await.map_err(|_| StoreError::Closed)?;
        Ok(answer)
    }

    /// Returns how many plans wait for the writer.
    pub(crate) fn writes_waiting(&self) -> usize {
        self.writes.as_ref().map_or(0, |writes| writes.max_capacity() - writes.capacity())
    }

    /// Lets one of the reading connections do some work.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (readers, path) = (Arc::clone(&self.readers), self.path.clone());
        // The work keeps the folder locked for as long as it goes on, even if nobody waits for it any more.
        let lock = Arc::clone(&self.lock);
        let read = move || {
            let (_permit, _lock) = (permit, lock);
            let connection = readers.take().map_or_else(|| Connection::open_reader(&path), Ok)?;
            let result = work(&connection);
            readers.give_back(connection);
            result
        };
        if let Some(give_way) = &self.give_way {
            writer::pause(give_way).await;
            return read();
        }
        tokio::task::spawn_blocking(read).await.map_err(|_| StoreError::Panicked)?
    }
}

impl Readers {
    fn take(&self) -> Option<Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, connection: Connection) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for Folder {
    /// Lets the writer finish what was handed over. It goes last: only who may write can fold the log into the file, so that
    /// a data folder at rest is one file.
    fn drop(&mut self) {
        self.readers.clear();
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
pub(crate) fn lock(dir: &Path) -> Result<File> {
    let path = dir.join("remit.lock");
    let failed = |source: io::Error| StoreError::File { path: path.clone(), source };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Held { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Applies the migrations that this data has not seen, all or none: nobody else is there, and if one fails, the build before
/// can go on with what it left.
fn bring_up_to_date(connection: &Connection, known: Known) -> Result<()> {
    connection.run(migrate::TABLE)?;
    let seen = connection.rows(&migrate::applied(), migrate::read_applied)?;
    let missing = migrate::missing(known, Kind::Sqlite, &seen)?;
    if missing.is_empty() {
        return Ok(());
    }
    connection.run("BEGIN IMMEDIATE")?;
    for migration in &missing {
        let run = || {
            migration.statements().try_for_each(|statement| connection.run(statement))?;
            connection.execute(&migration.keep()).map(drop)
        };
        // Whoever opened the connection drops it now, and with it all that was done since the beginning.
        run().map_err(|error| StoreError::Migration { name: migration.name.to_owned(), source: Box::new(error) })?;
    }
    connection.run("COMMIT")?;
    for migration in missing {
        tracing::info!(migration = migration.name, "applied migration {}", migration.name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails says where")]

    use super::*;
    use crate::testing::TestDir;

    #[tokio::test]
    async fn a_migration_that_fails_is_named_and_leaves_the_folder_to_the_build_before() {
        let dir = TestDir::fresh();
        let open = |known| Folder::open(dir.path(), Options::default(), known, None);
        drop(open(migrate::until(13)).unwrap());
        let error = open(migrate::failing()).map(drop).unwrap_err();
        assert!(matches!(&error, StoreError::Migration { name, .. } if name == migrate::FAILING), "{error:?}");
        // Those before it, which alone had been well, are gone too: the build before knows nothing of them.
        drop(open(migrate::until(13)).unwrap());
        drop(open(migrate::own()).unwrap());
        let earlier = open(migrate::until(13)).map(drop).unwrap_err();
        assert!(matches!(&earlier, StoreError::Newer { name } if name == "0014_counts"), "{earlier:?}");
    }
}
