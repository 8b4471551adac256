//! What can go wrong at the border of the store. "Not found" is not among it: that is an `Option`.

use std::{error::Error, fmt, io, path::PathBuf, sync::Arc};

/// Result of a call of the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else has the data folder open.
    #[error("another process holds the data folder `{}`", dir.display())]
    Held {
        /// The folder.
        dir: PathBuf,
    },
    /// The data folder cannot be used.
    #[error("cannot use `{}`", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A migration was edited after it had been applied here.
    #[error("migration `{name}` is not the one that was applied to this data")]
    MigrationChanged {
        /// File name of the migration.
        name: String,
    },
    /// A migration could not be applied; what it would have changed is as it was.
    #[error("migration `{name}` could not be applied, and changed nothing")]
    Migration {
        /// File name of the migration.
        name: String,
        /// What went wrong; [`StoreError::Contended`] if others held its tables for too long.
        #[source]
        source: Box<StoreError>,
    },
    /// The data comes from a later version of Remit.
    #[error("this data was written by a newer Remit: migration `{name}` is unknown here")]
    Newer {
        /// File name of the migration.
        name: String,
    },
    /// The database failed. Nothing of the write is kept; shared by all writes of one lost group.
    #[error("the database failed")]
    Database(#[source] Arc<dyn Error + Send + Sync>),
    /// The database cannot be reached, is going down or coming up. Nothing of the write is kept.
    #[error("the database cannot be reached")]
    Unreachable {
        /// What the driver said.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// All connections to the database were in use for as long as a caller waits. Nothing of the write is kept.
    #[error("no connection to the database became free in time")]
    Crowded,
    /// The connection was lost while a commit was under way: the write may be kept or not. The same request with the same
    /// key finds out.
    #[error("the connection to the database was lost before it could say whether the write is kept")]
    Unknown {
        /// What the driver said.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// Others hold what this write needs; nothing of it is kept. Another try may find it free.
    #[error("others change the same rows right now")]
    Contended,
    /// The address of the database cannot be used.
    #[error("the address of the database cannot be used: {why}")]
    Address {
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// What is to be filled is not empty.
    #[error("there is something in the other store already: its table `{table}` is not empty")]
    NotEmpty {
        /// The first table in which there is something.
        table: &'static str,
    },
    /// The disk takes no more: it is full, or was mounted read-only. Nothing of the write is kept, reading goes on, and
    /// writing goes on by itself once there is space again.
    #[error("the disk takes no more: it is full, or can only be read")]
    Full,
    /// The disk failed to make writes last (`fsync`). What it holds is unknown until the data is opened anew, so the store
    /// writes nothing any more: the process must end, with [`StoreError::BROKEN_EXIT`].
    #[error("the disk failed to make writes last; nothing is written any more until Remit is started again")]
    Broken,
    /// A value that must be unique exists already.
    #[error("{0} exists already")]
    Taken(Taken),
    /// A row does not hold what Remit writes.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A fault in Remit, caught; nothing of the write is kept.
    #[error("a fault in the store was caught; nothing was changed")]
    Panicked,
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// How a process ends whose store is broken: `EX_IOERR` of `sysexits.h`.
    pub const BROKEN_EXIT: u8 = 74;

    /// Returns what to tell each of the writes that were lost together.
    pub(crate) fn of_group(lost: &Arc<Self>) -> Self {
        match **lost {
            Self::Full => Self::Full,
            Self::Broken => Self::Broken,
            Self::Crowded => Self::Crowded,
            Self::Closed => Self::Closed,
            Self::Unreachable { .. } => Self::Unreachable { source: Arc::clone(lost) as Arc<dyn Error + Send + Sync> },
            Self::Unknown { .. } => Self::Unknown { source: Arc::clone(lost) as Arc<dyn Error + Send + Sync> },
            _ => Self::Database(Arc::clone(lost) as Arc<dyn Error + Send + Sync>),
        }
    }

    /// Returns the failure of a database that did not answer in time.
    pub fn late() -> Self {
        Self::failed("the database did not answer in time")
    }

    /// Returns a failure of the database that came without an error of its own.
    pub(crate) fn failed(what: &str) -> Self {
        Self::Database(Arc::new(io::Error::other(what.to_owned())))
    }
}

/// What exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// An event with this stream and version.
    Event,
    /// A case with this reference in the engagement.
    Reference,
    /// A login with this name.
    LoginName,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Event => "an event of this stream and version",
            Self::Reference => "a case with this reference",
            Self::LoginName => "a login with this name",
        })
    }
}

/// A row that does not hold what Remit writes: it was changed by other hands, or the disk failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column `{column}` of the row beginning [{row}] cannot be read")]
pub struct Unreadable {
    /// The column.
    pub column: String,
    /// The cells before it, enough to find the row.
    pub row: String,
}
