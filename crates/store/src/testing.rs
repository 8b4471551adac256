//! A fresh store for each test on either database, a look at every statement, and the bare driver that the benchmark compares with.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::{
    Options, Store, Write, alarm, answer, calibration, case, copy,
    dialect::{Address, Connection, Session},
    draft, duty, engagement, entry,
    error::Result,
    event, folder, gold, health, index, job, lease, lot, migrate, pack, panel, person, precedent, reading, review,
    seat, session, text, verify,
    write::Plan,
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

/// Names the PostgreSQL server on which tests run instead of in a data folder, such as `postgres://remit@127.0.0.1:5432/postgres`.
pub const SERVER: &str = "REMIT_TEST_POSTGRES";

/// Names the file of the certificate with which that server proves who it is over TLS, where it can.
pub const SERVER_ROOT: &str = "REMIT_TEST_POSTGRES_ROOT";

/// Returns the server on which this run of the tests works; without one they work in data folders.
pub fn server() -> Option<String> {
    env::var(SERVER).ok().filter(|url| !url.is_empty())
}

/// Returns whether a test of what only a data folder has must be passed over in this run, and says so.
pub fn skips_folders() -> bool {
    let skips = server().is_some();
    if skips {
        tracing::warn!("skipped: it is about the files of a data folder, and this run is on a server");
    }
    skips
}

/// Opens a fresh store for a test: in this folder, or in a schema of its own on the server named by [`SERVER`].
pub async fn open(dir: &Path) -> Result<Store> {
    match server() {
        None => Store::open(dir, Options::default()),
        Some(server) => Store::connect(&fresh_schema(&server).await?, Options::default()).await,
    }
}

/// Returns the store of another node at the same database; nothing for a data folder, which has one node.
pub async fn beside(store: &Store) -> Result<Option<Store>> {
    store.beside().await
}

/// Opens the store of a data folder as a build to come might, whose tables are wider than those of this one.
pub fn open_to_come(dir: &Path) -> Result<Store> {
    Store::open_knowing(dir, Options::default(), migrate::to_come())
}

/// Connects to the store of a database as a build to come might, whose tables are wider than those of this one.
pub async fn connect_to_come(url: &str) -> Result<Store> {
    Store::connect_knowing(url, Options::default(), migrate::to_come()).await
}

/// Connects to the store of a database as an earlier build did, which knew the migrations up to a number.
pub async fn connect_until(url: &str, number: u32) -> Result<Store> {
    Store::connect_knowing(url, Options::default(), migrate::until(number)).await
}

/// Makes a schema that nobody else has; returns the address that leads into it.
pub async fn fresh_schema(server: &str) -> Result<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{}_{count}", process::id());
    let owner = Session::owner(&Address::parse(server)?).await?;
    // A process of this number may have been here before.
    owner.run(&format!("DROP SCHEMA IF EXISTS {name} CASCADE")).await?;
    owner.run(&format!("CREATE SCHEMA {name}")).await?;
    let and = if server.contains('?') { '&' } else { '?' };
    Ok(format!("{server}{and}options=-csearch_path%3D{name}"))
}

/// Returns the rows that a statement of a test gives on the server, every cell as text; `NULL` where there is none.
pub async fn look(url: &str, sql: &str) -> Result<Vec<Vec<String>>> {
    Session::owner(&Address::parse(url)?).await?.texts(sql).await
}

/// Returns how many bytes a database of the server takes on its disk, every schema of it, if it tells.
pub async fn size(url: &str) -> Result<Option<u64>> {
    let rows = look(url, "SELECT pg_database_size(current_database())").await?;
    Ok(rows.concat().first().and_then(|bytes| bytes.parse().ok()))
}

/// Returns the numbers of the server's processes that work for Remit, other than the one that answers this.
pub async fn processes(url: &str) -> Result<Vec<u32>> {
    let sql =
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'remit' AND pid <> pg_backend_pid() ORDER BY pid";
    let rows = look(url, sql).await?;
    Ok(rows.iter().flatten().filter_map(|pid| pid.parse().ok()).collect())
}

/// Returns every event that one server of a cluster has, a standby too: its scope, stream, version and act, in order.
pub async fn event_keys(url: &str) -> Result<Vec<String>> {
    let sql = "SELECT concat_ws(' ', scope_id, stream, stream_version, act_id) FROM events ORDER BY 1";
    Ok(Session::owner(&Address::parse(url)?.of_any_server()).await?.texts(sql).await?.concat())
}

/// Runs text on the server as the role that works behind the wall.
pub async fn run_as_worker(url: &str, sql: &str) -> Result<()> {
    Session::worker(&Address::parse(url)?).await?.run(sql).await
}

/// Opens a store that a simulation steps through: within the caller's runtime, without threads of its own. `give_way` is
/// asked at each read and each commit how often others go first, so that a seed decides every order.
pub fn open_stepped(dir: &Path, give_way: impl Fn() -> u32 + Send + Sync + 'static) -> Result<Store> {
    Store::open_stepped(dir, Options::default(), Arc::new(give_way))
}

/// Returns every statement that the store runs in its daily work.
pub fn statements() -> Vec<&'static str> {
    [
        answer::ALL,
        calibration::ALL,
        alarm::ALL,
        case::ALL,
        migrate::ALL,
        draft::ALL,
        duty::ALL,
        engagement::ALL,
        entry::ALL,
        event::ALL,
        gold::ALL,
        health::ALL,
        index::ALL,
        job::ALL,
        lease::ALL,
        lot::ALL,
        pack::ALL,
        panel::ALL,
        person::ALL,
        precedent::ALL,
        review::ALL,
        reading::ALL,
        seat::ALL,
        session::ALL,
        text::ALL,
        verify::ALL,
    ]
    .concat()
}

/// Returns the statements that read and write whole tables, one after the other, to copy a store.
pub fn copying_statements() -> Vec<&'static str> {
    copy::all()
}

/// Returns every table that a copy takes along with its columns, the key's first, and how many of them are the key; and
/// the tables that it leaves behind.
pub fn copied_tables() -> (&'static [(&'static str, &'static str, usize)], &'static [&'static str]) {
    copy::tables()
}

/// Prepares a statement against the tables of a store. Returns whether its placeholders appear in order.
pub async fn prepare(store: &Store, sql: &'static str) -> Result<bool> {
    store.check(sql).await
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
        let connection = Connection::open_writer(&folder::file(dir))?;
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

/// Writes the rows of a write to a server by the bare driver: one pipelined transaction of its own, every row a statement,
/// nothing compared.
pub async fn replay_on_server(store: &Store, mut write: Write) -> Result<()> {
    (write.expects, write.answer) = (Vec::new(), None);
    store.say_plainly(write.into_plan().statements).await
}

/// Writes the rows of a write as the store does, together with those that wait, and compares nothing.
pub async fn write_unchecked(store: &Store, mut write: Write) -> Result<()> {
    (write.expects, write.answer) = (Vec::new(), None);
    store.commit(write).await.map(drop)
}

/// Changes one character, number or byte of one row in the data folder of a closed store, as a failing disk or a foreign
/// hand would. The row is the first one whose column is filled.
pub fn flip(dir: &Path, table: &str, column: &str) -> Result<()> {
    let connection = Connection::open_writer(&folder::file(dir))?;
    connection.run("PRAGMA ignore_check_constraints = ON")?;
    connection.run(&format!(
        "UPDATE {table} SET {column} = CASE typeof({column}) WHEN 'integer' THEN 1 - {column} \
         WHEN 'blob' THEN zeroblob(length({column})) \
         ELSE substr({column}, 1, length({column}) - 1) || CASE substr({column}, -1) WHEN '0' THEN '1' ELSE '0' END END \
         WHERE rowid = (SELECT MIN(rowid) FROM {table} WHERE {column} IS NOT NULL)"
    ))
}
