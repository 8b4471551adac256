//! Copies of a data folder: made beside a running server, and put in place of lost data.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::{
    dialect::Connection,
    error::{Result, StoreError},
    folder::{file, lock},
};

/// Copies the database of a data folder, as it stands at this moment, into a new file.
///
/// The folder's lock is not taken: a server may hold it and goes on writing. The copy is made through a connection that can
/// only read, within one read transaction, so that it is what one moment left. `told` hears how many pages of how many are
/// copied. Blocks.
pub fn back_up(dir: &Path, to: &Path, mut told: impl FnMut(u64, u64)) -> Result<()> {
    let from = file(dir);
    if !from.is_file() {
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(StoreError::File { path: from, source });
    }
    Connection::open_reader(&from)?.backup(to, &mut told)?;
    File::open(to).and_then(|copy| copy.sync_all()).map_err(|source| StoreError::File { path: to.to_owned(), source })
}

/// Moves the database file of a folder into a data folder, which nobody may have open. Data that was there is kept beside it
/// under a name that ends with `kept_as`; returns that name. Both folders must be on one file system.
pub fn place(from: &Path, dir: &Path, kept_as: &str) -> Result<Option<PathBuf>> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::File { path, source }
    };
    fs::create_dir_all(dir).map_err(failed(dir))?;
    let _held = lock(dir)?;
    let (copy, target) = (file(from), file(dir));
    let mut kept = None;
    if target.exists() {
        let aside = dir.join(format!("remit.db.{kept_as}"));
        // What the log still holds belongs to the old file, and would spoil the new one.
        for ending in ["-wal", "-shm"] {
            let log = dir.join(format!("remit.db{ending}"));
            if log.exists() {
                let beside = dir.join(format!("remit.db.{kept_as}{ending}"));
                fs::rename(&log, beside).map_err(failed(&log))?;
            }
        }
        fs::rename(&target, &aside).map_err(failed(&target))?;
        kept = Some(aside);
    }
    fs::rename(&copy, &target).map_err(failed(&copy))?;
    for folder in [from, dir] {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder))?;
    }
    Ok(kept)
}
