//! The disk: files in memory, what of them is safe, and what goes wrong.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    chance::Chance,
    lock::{Levels, Shared},
    vfs,
};

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// All mounted disks.
static DISKS: Mutex<Vec<(PathBuf, Disk)>> = Mutex::new(Vec::new());

/// A disk that a folder lives on. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct Disk(Arc<Mutex<State>>);

/// What of the unsynced writes a power cut leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survival {
    /// For each file one of the others, by chance.
    Any,
    /// Nothing.
    Nothing,
    /// All.
    Everything,
    /// The first of them, the last of these torn at an arbitrary byte.
    TornPrefix,
    /// An arbitrary set of their sectors.
    Sectors,
}

#[derive(Debug)]
struct State {
    files: BTreeMap<PathBuf, File>,
    chance: Chance,
    /// Counts from 0; what was opened in an earlier life is dead.
    life: u64,
    off: bool,
    operations: u64,
    off_at: Option<u64>,
    capacity_bytes: Option<u64>,
    read_only: bool,
    syncs_to_fail: u32,
    short_writes: u32,
    handles: u64,
    /// Whether connections are brought to `synchronous=NORMAL` whatever they ask for.
    lax: bool,
    survival: Survival,
    forgotten_bytes: u64,
}

#[derive(Debug, Default)]
struct File {
    /// What a process reads.
    current: Vec<u8>,
    /// What survives a power cut for certain.
    safe: Vec<u8>,
    /// What was done since the last sync, in order.
    unsynced: Vec<Change>,
    /// Whether the name survives a power cut.
    named: bool,
    levels: Levels,
    shared: Arc<Shared>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { length: usize },
}

/// Why the disk did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The power is off, or was since this handle was opened.
    Off,
    /// The disk is full.
    Full,
    /// The disk may only be read.
    ReadOnly,
    /// The sync failed: what it was to save may be lost, and a later sync does not save it.
    Sync,
    /// There is no such file.
    Absent,
}

/// A file as one connection has it open.
#[derive(Debug)]
pub(crate) struct Handle {
    disk: Disk,
    path: PathBuf,
    life: u64,
    number: u64,
    shared: Arc<Shared>,
}

impl Disk {
    /// Puts a folder on an empty disk. `seed` decides what its failures leave.
    pub fn mount(folder: &Path, seed: u64) -> Self {
        vfs::install();
        let disk = Self(Arc::new(Mutex::new(State {
            files: BTreeMap::new(),
            chance: Chance::of(seed),
            life: 0,
            off: false,
            operations: 0,
            off_at: None,
            capacity_bytes: None,
            read_only: false,
            syncs_to_fail: 0,
            short_writes: 0,
            handles: 0,
            lax: false,
            survival: Survival::Any,
            forgotten_bytes: 0,
        })));
        let mut disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
        disks.retain(|(mounted, _)| mounted != folder);
        disks.push((folder.to_owned(), disk.clone()));
        disk
    }

    /// Takes the folder off its disk again; open files stay as they are.
    pub fn unmount(folder: &Path) {
        DISKS.lock().unwrap_or_else(PoisonError::into_inner).retain(|(mounted, _)| mounted != folder);
    }

    /// Returns the disk on which a path lies, if it lies on one of ours.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
        disks.iter().find(|(folder, _)| path.starts_with(folder)).map(|(_, disk)| disk.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many writes, truncations, deletions and syncs there were.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Cuts the power in the middle of the `operations`-th operation from now.
    pub fn power_off_after(&self, operations: u64) {
        let mut state = self.state();
        state.off_at = Some(state.operations + operations);
    }

    /// Cuts the power now.
    pub fn power_off(&self) {
        self.state().off = true;
    }

    /// Returns whether the power is off.
    pub fn is_off(&self) -> bool {
        self.state().off
    }

    /// Says what later power cuts leave.
    pub fn set_survival(&self, survival: Survival) {
        self.state().survival = survival;
    }

    /// Brings the power back: what was synced is there, and of the rest what chance leaves. Whatever was open is dead.
    /// Returns how many bytes of unsynced writes were forgotten, ever.
    pub fn power_on(&self) -> u64 {
        let mut state = self.state();
        let State { files, chance, forgotten_bytes, survival, .. } = &mut *state;
        for file in files.values_mut() {
            *forgotten_bytes += file.lose_power(*survival, chance);
        }
        files.retain(|_, file| file.named || chance.coin());
        let forgotten = *forgotten_bytes;
        state.life += 1;
        state.off = false;
        state.off_at = None;
        forgotten
    }

    /// Ends the process that has the files open, without a power cut: everything written stays, whatever was open is dead.
    pub fn kill(&self) {
        let mut state = self.state();
        state.life += 1;
        for file in state.files.values_mut() {
            file.levels = Levels::default();
            file.shared = Arc::default();
        }
    }

    /// Lets the disk hold this much in all; without a number, as much as is written.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity_bytes = bytes;
    }

    /// Returns how much the disk holds.
    pub fn used_bytes(&self) -> u64 {
        self.state().used_bytes()
    }

    /// Lets the disk only be read, or be written again.
    pub fn set_read_only(&self, read_only: bool) {
        self.state().read_only = read_only;
    }

    /// Fails the next syncs, as a disk with a bad sector does. Later ones succeed without saving what these should have.
    pub fn fail_syncs(&self, count: u32) {
        self.state().syncs_to_fail = count;
    }

    /// Lets the next writes stop half-way and say that the disk is full.
    pub fn shorten_writes(&self, count: u32) {
        self.state().short_writes = count;
    }

    /// Brings connections opened from now on to `synchronous=NORMAL`, whatever they ask for.
    pub fn force_normal(&self, lax: bool) {
        self.state().lax = lax;
    }

    pub(crate) fn is_lax(&self) -> bool {
        self.state().lax
    }

    pub(crate) fn open(&self, path: &Path, create: bool) -> Result<Handle, Fault> {
        let mut state = self.state();
        if state.off {
            return Err(Fault::Off);
        }
        if !create && !state.files.contains_key(path) {
            return Err(Fault::Absent);
        }
        state.handles += 1;
        let (life, number) = (state.life, state.handles);
        let shared = Arc::clone(&state.files.entry(path.to_owned()).or_default().shared);
        Ok(Handle { disk: self.clone(), path: path.to_owned(), life, number, shared })
    }

    pub(crate) fn delete(&self, path: &Path) -> Result<(), Fault> {
        let mut state = self.state();
        state.operate()?;
        state.files.remove(path).map(drop).ok_or(Fault::Absent)
    }

    pub(crate) fn exists(&self, path: &Path) -> bool {
        self.state().files.contains_key(path)
    }
}

impl State {
    /// Counts an operation; fails if the power is off or goes off now.
    fn operate(&mut self) -> Result<(), Fault> {
        self.operations += 1;
        self.off |= self.off_at.is_some_and(|at| self.operations >= at);
        if self.off { Err(Fault::Off) } else { Ok(()) }
    }

    fn used_bytes(&self) -> u64 {
        self.files.values().map(|file| file.current.len() as u64).sum()
    }

    /// Returns how many of the bytes may be written.
    fn admit(&mut self, path: &Path, end: usize, count: usize) -> usize {
        let length = self.files.get(path).map_or(0, |file| file.current.len());
        let growth = end.saturating_sub(length) as u64;
        let free = self.capacity_bytes.map_or(u64::MAX, |capacity| capacity.saturating_sub(self.used_bytes()));
        if self.short_writes > 0 {
            self.short_writes -= 1;
            return count / 2;
        }
        let missing = usize::try_from(growth.saturating_sub(free)).unwrap_or(usize::MAX);
        count.saturating_sub(missing)
    }
}

impl File {
    fn apply(&mut self, change: Change) {
        change.apply(&mut self.current);
        self.unsynced.push(change);
    }

    fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            change.apply(&mut self.safe);
        }
        self.named = true;
    }

    /// Leaves what a power cut leaves; returns how many written bytes are forgotten.
    fn lose_power(&mut self, survival: Survival, chance: &mut Chance) -> u64 {
        let unsynced = std::mem::take(&mut self.unsynced);
        let written: u64 = unsynced.iter().map(Change::size_bytes).sum();
        let survival = match survival {
            Survival::Any => {
                [Survival::Nothing, Survival::Everything, Survival::TornPrefix, Survival::Sectors][chance.below(4)]
            }
            chosen => chosen,
        };
        let kept: Vec<Change> = match survival {
            Survival::Any | Survival::Nothing => Vec::new(),
            Survival::Everything => unsynced,
            Survival::TornPrefix => {
                let count = chance.below(unsynced.len() + 1);
                let mut kept = unsynced;
                kept.truncate(count);
                if let Some(Change::Write { bytes, .. }) = kept.last_mut() {
                    let torn = chance.below(bytes.len() + 1);
                    bytes.truncate(torn);
                }
                kept
            }
            Survival::Sectors => {
                unsynced.into_iter().flat_map(Change::into_sectors).filter(|_| chance.coin()).collect()
            }
        };
        let survived: u64 = kept.iter().map(Change::size_bytes).sum();
        self.named |= !kept.is_empty();
        for change in kept {
            change.apply(&mut self.safe);
        }
        self.current.clone_from(&self.safe);
        self.levels = Levels::default();
        self.shared = Arc::default();
        written.saturating_sub(survived)
    }
}

impl Change {
    fn size_bytes(&self) -> u64 {
        match self {
            Self::Write { bytes, .. } => bytes.len() as u64,
            Self::Truncate { .. } => 0,
        }
    }

    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => {
                let end = at + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*at..end].copy_from_slice(bytes);
            }
            Self::Truncate { length } => content.truncate(*length),
        }
    }

    fn into_sectors(self) -> Vec<Self> {
        match self {
            Self::Write { at, bytes } => {
                let (mut sectors, mut done) = (Vec::new(), 0);
                while done < bytes.len() {
                    let start = at + done;
                    let size = (SECTOR_BYTES - start % SECTOR_BYTES).min(bytes.len() - done);
                    sectors.push(Self::Write { at: start, bytes: bytes[done..done + size].to_vec() });
                    done += size;
                }
                sectors
            }
            Self::Truncate { .. } => vec![self],
        }
    }
}

impl Handle {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut state = self.disk.state();
        if state.off || state.life != self.life {
            return Err(Fault::Off);
        }
        work(&mut state)
    }

    fn with_file<T>(&self, work: impl FnOnce(&mut File) -> Result<T, Fault>) -> Result<T, Fault> {
        self.with(|state| work(state.files.get_mut(&self.path).ok_or(Fault::Absent)?))
    }

    pub(crate) fn is_lax(&self) -> bool {
        self.disk.is_lax()
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Fills the buffer and returns how much of it came from the file; zeroes follow.
    pub(crate) fn read(&self, at: usize, buffer: &mut [u8]) -> Result<usize, Fault> {
        self.with_file(|file| {
            let there = file.current.get(at..).unwrap_or_default();
            let count = there.len().min(buffer.len());
            buffer[..count].copy_from_slice(&there[..count]);
            buffer[count..].fill(0);
            Ok(count)
        })
    }

    pub(crate) fn write(&self, at: usize, bytes: &[u8]) -> Result<(), Fault> {
        self.with(|state| {
            if state.read_only {
                return Err(Fault::ReadOnly);
            }
            let cut = state.operate();
            let count = state.admit(&self.path, at + bytes.len(), bytes.len());
            let file = state.files.get_mut(&self.path).ok_or(Fault::Absent)?;
            // A write under way when the power goes may arrive, torn or whole, like any other that was not synced.
            file.apply(Change::Write { at, bytes: bytes[..count].to_vec() });
            cut?;
            if count < bytes.len() { Err(Fault::Full) } else { Ok(()) }
        })
    }

    pub(crate) fn truncate(&self, length: usize) -> Result<(), Fault> {
        self.with(|state| {
            state.operate()?;
            let file = state.files.get_mut(&self.path).ok_or(Fault::Absent)?;
            file.apply(Change::Truncate { length });
            Ok(())
        })
    }

    pub(crate) fn sync(&self) -> Result<(), Fault> {
        self.with(|state| {
            state.operate()?;
            let fails = state.syncs_to_fail > 0;
            state.syncs_to_fail = state.syncs_to_fail.saturating_sub(1);
            let file = state.files.get_mut(&self.path).ok_or(Fault::Absent)?;
            if fails {
                // The system marks the pages clean although they are not on the disk; no later sync writes them.
                file.unsynced.clear();
                return Err(Fault::Sync);
            }
            file.sync();
            Ok(())
        })
    }

    pub(crate) fn size(&self) -> Result<usize, Fault> {
        self.with_file(|file| Ok(file.current.len()))
    }

    pub(crate) fn raise(&self, level: i32) -> Result<bool, Fault> {
        self.with_file(|file| Ok(file.levels.raise(self.number, level)))
    }

    pub(crate) fn lower(&self, level: i32) {
        // A dead handle holds nothing any more.
        let _ = self.with_file(|file| {
            file.levels.lower(self.number, level);
            Ok(())
        });
    }

    pub(crate) fn reserved(&self) -> Result<bool, Fault> {
        self.with_file(|file| Ok(file.levels.reserved()))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.lower(libsqlite3_sys::SQLITE_LOCK_NONE);
        self.shared.give(self.number, 0..crate::lock::SLOTS);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails says where")]

    use super::*;

    fn disk(name: &str) -> (Disk, Handle) {
        let disk = Disk::mount(&PathBuf::from("/nowhere").join(name), 7);
        let handle = disk.open(&PathBuf::from("/nowhere").join(name).join("a.db"), true).unwrap();
        (disk, handle)
    }

    fn content(disk: &Disk) -> Vec<u8> {
        disk.state().files.values().next().map(|file| file.current.clone()).unwrap_or_default()
    }

    #[test]
    fn what_was_synced_survives_a_power_cut_and_what_was_not_may_not() {
        let (disk, handle) = disk("synced");
        handle.write(0, b"safe").unwrap();
        handle.sync().unwrap();
        handle.write(4, b" lost").unwrap();
        disk.set_survival(Survival::Nothing);
        disk.power_off();
        assert_eq!(handle.write(0, b"no"), Err(Fault::Off));
        assert_eq!(disk.power_on(), 5);
        assert_eq!(content(&disk), b"safe");
        // What was open before is dead.
        assert_eq!(handle.size(), Err(Fault::Off));
    }

    #[test]
    fn an_arbitrary_part_of_the_unsynced_survives() {
        let (mut torn, mut some) = (0, 0);
        for seed in 0..40 {
            let (disk, handle) = disk("arbitrary");
            disk.state().chance = Chance::of(seed);
            handle.sync().unwrap();
            handle.write(0, &[1; 4 * SECTOR_BYTES]).unwrap();
            disk.power_off();
            disk.power_on();
            let left = content(&disk);
            torn += usize::from(!left.len().is_multiple_of(SECTOR_BYTES));
            some += usize::from(left.contains(&0) && left.contains(&1));
        }
        assert!(torn > 0 && some > 0, "{torn} torn, {some} with holes");
    }

    #[test]
    fn a_full_disk_takes_what_fits_and_says_so() {
        let (disk, handle) = disk("full");
        disk.set_capacity(Some(6));
        assert_eq!(handle.write(0, b"12345678"), Err(Fault::Full));
        assert_eq!(content(&disk), b"123456");
        handle.write(0, b"654321").unwrap();
        disk.set_capacity(None);
        handle.write(6, b"78").unwrap();
        assert_eq!(disk.used_bytes(), 8);
    }

    #[test]
    fn a_failed_sync_loses_its_writes_even_if_the_next_one_succeeds() {
        let (disk, handle) = disk("sync");
        handle.write(0, b"a").unwrap();
        handle.sync().unwrap();
        handle.write(0, b"b").unwrap();
        disk.fail_syncs(1);
        assert_eq!(handle.sync(), Err(Fault::Sync));
        handle.sync().unwrap();
        assert_eq!(content(&disk), b"b");
        disk.power_off();
        disk.power_on();
        assert_eq!(content(&disk), b"a");
    }
}
