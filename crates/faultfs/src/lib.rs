//! A disk that fails, for tests: a file system of SQLite's that forgets what was never synced, tears, and fills up.
//!
//! [`Disk::mount`] puts a folder on such a disk. From then on every SQLite database below the folder lives in memory, and
//! whoever opens it needs to know nothing of that: the file system registers itself as SQLite's default and passes every
//! other path on to the one before it. So the real store, its writer thread and its readers run on it unchanged.
//!
//! What a power cut leaves is chosen by a seed: of the writes since the last sync, a prefix whose last write is torn, an
//! arbitrary set of sectors, everything, or nothing.

mod chance;
mod disk;
mod lock;
mod vfs;

pub use chance::Chance;
pub use disk::{Disk, Survival};
