//! Space kept back on the disk of a data folder. When the disk is full, acts are refused, and the reserve is given up so that
//! looking goes on: a look is on record before its answer leaves, and that takes a little space.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::PathBuf,
    time::{Duration, Instant},
};

/// How often it is tried to keep the reserve again.
const PAUSE: Duration = Duration::from_secs(1);
/// Written at a time.
static CHUNK: [u8; 64 * 1024] = [0; 64 * 1024];

/// The reserve of a data folder.
pub(crate) struct Reserve {
    path: PathBuf,
    size_bytes: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// None is wanted, or the disk never had the space: nothing can be given up.
    Absent,
    /// It lies on the disk.
    Kept,
    /// The disk was full: it was given up, and last tried to be kept again at this moment.
    GivenUp(Instant),
}

impl Reserve {
    /// Returns the reserve at this path, kept if there is space for it.
    pub(crate) fn keep(path: PathBuf, size_bytes: u64) -> Self {
        let mut reserve = Self { path, size_bytes, state: State::Absent };
        if size_bytes > 0 {
            match reserve.fill() {
                Ok(()) => reserve.state = State::Kept,
                Err(error) => {
                    tracing::warn!(%error, "there is no space for a reserve: on a full disk nobody can look either");
                }
            }
        }
        reserve
    }

    /// Gives the reserve up because the disk is full. Returns whether there was one.
    #[expect(
        clippy::disallowed_methods,
        reason = "the time bounds how often the disk is tried; nothing is decided by it"
    )]
    pub(crate) fn give_up(&mut self) -> bool {
        if self.state != State::Kept {
            return false;
        }
        self.state = State::GivenUp(Instant::now());
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::error!(%error, "the reserve could not be given up");
        }
        tracing::error!("the disk is full: acts are refused until there is space, looking goes on");
        true
    }

    /// Returns whether acts must be refused: the reserve was given up, and there is still no space to keep it again.
    #[expect(
        clippy::disallowed_methods,
        reason = "the time bounds how often the disk is tried; nothing is decided by it"
    )]
    pub(crate) fn is_given_up(&mut self) -> bool {
        let State::GivenUp(tried) = self.state else { return false };
        if tried.elapsed() < PAUSE {
            return true;
        }
        if self.fill().is_ok() {
            self.state = State::Kept;
            tracing::info!("there is space again: acts are taken");
            return false;
        }
        self.state = State::GivenUp(Instant::now());
        true
    }

    /// Writes the reserve in full, or leaves nothing of it. A file without content would reserve nothing.
    fn fill(&self) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|known| known.len() == self.size_bytes) {
            return Ok(());
        }
        let written = File::create(&self.path).and_then(|mut file| {
            let mut left = self.size_bytes;
            while left > 0 {
                let chunk = usize::try_from(left).unwrap_or(CHUNK.len()).min(CHUNK.len());
                file.write_all(&CHUNK[..chunk])?;
                left -= chunk as u64;
            }
            Ok(())
        });
        if written.is_err() {
            // What was written of it takes the space that is missing; if it cannot be removed, the next attempt overwrites it.
            let _ = fs::remove_file(&self.path);
        }
        written
    }
}
