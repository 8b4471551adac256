//! SQLite: connecting, binding, reading cells, telling violations apart.

use std::{path::Path, sync::Arc};

use rusqlite::{
    ErrorCode, OpenFlags, ToSql,
    backup::{Backup, StepResult},
    config::DbConfig,
    ffi, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use super::{Columns, Row};
use crate::{
    error::{Result, StoreError, Taken, Unreadable},
    value::{Cell, Statement, Value},
};

/// Prepared statements kept by each connection; more than there are statements.
const STATEMENTS_MAX: usize = 256;
/// Pages copied before progress is told.
const PAGES_A_STEP: i32 = 4_096;

/// A connection to the database.
pub(crate) struct Connection(rusqlite::Connection);

impl Connection {
    /// Opens the one connection that writes, making the file if it is not there.
    ///
    /// An acknowledged write is on the disk: with `synchronous=NORMAL` a power cut loses acknowledged writes. Up to
    /// 32 MiB of pages are kept and the log grows to 16 MiB before it is folded in, so that an import of many rows
    /// writes each page once rather than at every turn.
    pub(crate) fn open_writer(path: &Path) -> Result<Self> {
        let connection = rusqlite::Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
             PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; \
             PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4096",
        )?;
        Self::new(connection)
    }

    /// Opens a connection that can only read.
    pub(crate) fn open_reader(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(path, flags)?;
        connection
            .execute_batch("PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF")?;
        Self::new(connection)
    }

    /// Plans must not hang on the values bound: else each run of a kept statement would be planned anew, which takes
    /// longer than the run.
    fn new(connection: rusqlite::Connection) -> Result<Self> {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(Self(connection))
    }

    /// Returns how many rows a statement changed.
    pub(crate) fn execute(&self, statement: &Statement) -> Result<u64> {
        let mut prepared = self.0.prepare_cached(statement.sql)?;
        let rows = prepared.execute(params_from_iter(&statement.values))?;
        Ok(u64::try_from(rows).unwrap_or(u64::MAX))
    }

    /// Runs text that binds nothing: transaction words and migrations.
    pub(crate) fn run(&self, sql: &str) -> Result<()> {
        Ok(self.0.execute_batch(sql)?)
    }

    /// Returns the rows of a statement.
    pub(crate) fn rows<T>(
        &self,
        statement: &Statement,
        read: impl Fn(&mut Columns<'_>) -> std::result::Result<T, Unreadable>,
    ) -> Result<Vec<T>> {
        let mut prepared = self.0.prepare_cached(statement.sql)?;
        let mut rows = prepared.query(params_from_iter(&statement.values))?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(read(&mut Columns::of(Row::Sqlite(row)))?);
        }
        Ok(out)
    }

    /// Returns whether a transaction is open: the engine ends one by itself when the disk fails under it.
    pub(crate) fn in_transaction(&self) -> bool {
        !self.0.is_autocommit()
    }

    /// Checks that a statement can be prepared and that its placeholders appear in the order of their numbers.
    pub(crate) fn check(&self, sql: &str) -> Result<bool> {
        let prepared = self.0.prepare(sql)?;
        Ok((1..=prepared.parameter_count()).all(|at| prepared.parameter_name(at) == Some(&format!("${at}"))))
    }

    /// Copies the whole database, as it stands at this moment, into a new file.
    ///
    /// `told` hears how many pages of how many are copied. Others may write meanwhile: what they write is not in the copy.
    pub(crate) fn backup(&self, path: &Path, told: &mut dyn FnMut(u64, u64)) -> Result<()> {
        let mut copy = rusqlite::Connection::open(path)?;
        // All steps see the moment of this first look.
        let moment = self.0.unchecked_transaction()?;
        moment.query_row("SELECT COUNT(*) FROM migrations", [], |_| Ok(()))?;
        let backup = Backup::new(&self.0, &mut copy)?;
        loop {
            let step = backup.step(PAGES_A_STEP)?;
            let progress = backup.progress();
            let pages = |count: i32| u64::try_from(count).unwrap_or(0);
            told(pages(progress.pagecount - progress.remaining), pages(progress.pagecount));
            match step {
                StepResult::More => {}
                StepResult::Done => break,
                other => return Err(StoreError::failed(&format!("the copy ended early: {other:?}"))),
            }
        }
        drop(backup);
        copy.close().map_err(|(_, error)| error)?;
        Ok(moment.commit()?)
    }
}

/// Returns a cell of a row.
pub(super) fn cell<'r>(row: &'r rusqlite::Row<'_>, at: usize) -> Option<Cell<'r>> {
    match row.get_ref(at).ok()? {
        ValueRef::Null => Some(Cell::Null),
        ValueRef::Integer(number) => Some(Cell::Int(number)),
        ValueRef::Real(_) => None,
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok().map(Cell::Text),
        ValueRef::Blob(bytes) => Some(Cell::Bytes(bytes)),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Bool(flag) => ValueRef::Integer(i64::from(*flag)),
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match taken(&error) {
            Some(taken) => Self::Taken(taken),
            None => failed_disk(&error).unwrap_or_else(|| Self::Database(Arc::new(error))),
        }
    }
}

/// Returns which failure of the disk this is, if it is one that has a remedy of its own.
fn failed_disk(error: &rusqlite::Error) -> Option<StoreError> {
    let failure = error.sqlite_error()?;
    match failure.extended_code {
        ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC => Some(StoreError::Broken),
        ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_SHMOPEN => Some(StoreError::Full),
        _ => matches!(failure.code, ErrorCode::DiskFull | ErrorCode::ReadOnly).then_some(StoreError::Full),
    }
}

/// Returns which of the violations that we expect this is; any other is a fault of ours.
fn taken(error: &rusqlite::Error) -> Option<Taken> {
    let rusqlite::Error::SqliteFailure(failure, Some(message)) = error else { return None };
    if failure.code != ErrorCode::ConstraintViolation {
        return None;
    }
    [
        ("events.stream_version", Taken::Event),
        ("cases.reference_key", Taken::Reference),
        ("logins.name", Taken::LoginName),
    ]
    .into_iter()
    .find_map(|(column, taken)| (message.starts_with("UNIQUE") && message.ends_with(column)).then_some(taken))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails says where")]

    use rusqlite::StatementStatus;

    use super::*;
    use crate::testing::{TestDir, statements};

    #[test]
    fn no_statement_is_planned_again_for_its_values() {
        let dir = TestDir::fresh();
        drop(crate::Store::open(dir.path(), crate::Options::default()).unwrap());
        let connection = Connection::open_writer(&crate::folder::file(dir.path())).unwrap();
        for sql in statements().into_iter().filter(|sql| sql.starts_with("SELECT")) {
            let mut prepared = connection.0.prepare_cached(sql).unwrap();
            let values = vec![Value::from("x"); prepared.parameter_count()];
            for _ in 0..2 {
                // A text is no limit and no key of numbers: that it fails is as good.
                drop(prepared.query(params_from_iter(&values)).unwrap().next());
            }
            assert_eq!(prepared.get_status(StatementStatus::RePrepare), 0, "{sql}");
        }
    }

    #[test]
    fn failures_of_the_disk_are_told_apart_by_their_remedy() {
        let failure = |code| StoreError::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        assert!(matches!(failure(ffi::SQLITE_FULL), StoreError::Full));
        assert!(matches!(failure(ffi::SQLITE_READONLY), StoreError::Full));
        assert!(matches!(failure(ffi::SQLITE_IOERR_WRITE), StoreError::Full));
        assert!(matches!(failure(ffi::SQLITE_IOERR_FSYNC), StoreError::Broken));
        assert!(matches!(failure(ffi::SQLITE_IOERR_DIR_FSYNC), StoreError::Broken));
        assert!(matches!(failure(ffi::SQLITE_IOERR_READ), StoreError::Database(_)));
        assert!(matches!(failure(ffi::SQLITE_BUSY), StoreError::Database(_)));
    }
}
