//! The locks of one file: SQLite's five levels on the file, and the eight slots of the write-ahead log's shared memory.
//!
//! All connections are in this process, so a lock is a line in a table.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
};

use libsqlite3_sys::{
    SQLITE_LOCK_EXCLUSIVE, SQLITE_LOCK_NONE, SQLITE_LOCK_PENDING, SQLITE_LOCK_RESERVED, SQLITE_LOCK_SHARED,
};

/// Slots of the shared memory, by the format of the write-ahead log.
pub(crate) const SLOTS: usize = 8;

/// Who holds which level.
#[derive(Debug, Default)]
pub(crate) struct Levels(BTreeMap<u64, i32>);

impl Levels {
    /// Raises a handle's lock; false if another handle is in the way.
    pub(crate) fn raise(&mut self, handle: u64, wanted: i32) -> bool {
        let held = self.0.get(&handle).copied().unwrap_or(SQLITE_LOCK_NONE);
        if held >= wanted {
            return true;
        }
        let others = self.0.iter().filter(|(other, _)| **other != handle).map(|(_, level)| *level).max();
        let others = others.unwrap_or(SQLITE_LOCK_NONE);
        let (level, free) = match wanted {
            SQLITE_LOCK_SHARED => (wanted, others < SQLITE_LOCK_PENDING),
            SQLITE_LOCK_RESERVED => (wanted, others < SQLITE_LOCK_RESERVED),
            _ if others >= SQLITE_LOCK_RESERVED => (held, false),
            // Readers may finish, and no new one may begin.
            _ if others == SQLITE_LOCK_SHARED => (SQLITE_LOCK_PENDING, false),
            _ => (SQLITE_LOCK_EXCLUSIVE, true),
        };
        if free || level == SQLITE_LOCK_PENDING {
            self.0.insert(handle, level);
        }
        free
    }

    /// Lowers a handle's lock.
    pub(crate) fn lower(&mut self, handle: u64, level: i32) {
        if level == SQLITE_LOCK_NONE {
            self.0.remove(&handle);
        } else if let Some(held) = self.0.get_mut(&handle) {
            *held = (*held).min(level);
        }
    }

    /// Returns whether anybody means to write.
    pub(crate) fn reserved(&self) -> bool {
        self.0.values().any(|level| *level >= SQLITE_LOCK_RESERVED)
    }
}

#[derive(Debug, Default)]
struct Slot {
    exclusive: Option<u64>,
    shared: BTreeSet<u64>,
}

/// The shared memory of one write-ahead log, for one life of the machine.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    regions: Mutex<Vec<Arc<[AtomicU64]>>>,
    slots: Mutex<[Slot; SLOTS]>,
}

impl Shared {
    /// Returns a region of shared memory, made if `extend`. It never moves and lives as long as this.
    pub(crate) fn region(&self, number: usize, size_bytes: usize, extend: bool) -> Option<Arc<[AtomicU64]>> {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        while extend && regions.len() <= number {
            regions.push((0..size_bytes.div_ceil(8)).map(|_| AtomicU64::new(0)).collect());
        }
        regions.get(number).cloned()
    }

    /// Takes slots, for reading or alone; false if another handle is in the way.
    pub(crate) fn take(&self, handle: u64, slots: std::ops::Range<usize>, alone: bool) -> bool {
        let mut all = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(wanted) = all.get_mut(slots) else { return false };
        let free = wanted.iter().all(|slot| {
            slot.exclusive.is_none_or(|other| other == handle)
                && (!alone || slot.shared.iter().all(|other| *other == handle))
        });
        for slot in wanted.iter_mut().filter(|_| free) {
            if alone {
                slot.exclusive = Some(handle);
            } else {
                slot.shared.insert(handle);
            }
        }
        free
    }

    /// Gives slots back.
    pub(crate) fn give(&self, handle: u64, slots: std::ops::Range<usize>) {
        let mut all = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        for slot in all.get_mut(slots).into_iter().flatten() {
            slot.shared.remove(&handle);
            slot.exclusive = slot.exclusive.filter(|holder| *holder != handle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_waits_for_readers_and_keeps_new_ones_out() {
        let mut levels = Levels::default();
        assert!(levels.raise(1, SQLITE_LOCK_SHARED) && levels.raise(2, SQLITE_LOCK_SHARED));
        assert!(levels.raise(1, SQLITE_LOCK_RESERVED) && !levels.raise(2, SQLITE_LOCK_RESERVED));
        assert!(!levels.raise(1, SQLITE_LOCK_EXCLUSIVE) && !levels.raise(3, SQLITE_LOCK_SHARED));
        levels.lower(2, SQLITE_LOCK_NONE);
        assert!(levels.raise(1, SQLITE_LOCK_EXCLUSIVE) && levels.reserved());
        levels.lower(1, SQLITE_LOCK_NONE);
        assert!(levels.raise(3, SQLITE_LOCK_SHARED) && !levels.reserved());
    }

    #[test]
    fn a_slot_is_shared_or_held_alone() {
        let shared = Shared::default();
        assert!(shared.take(1, 0..1, false) && shared.take(2, 0..1, false));
        assert!(!shared.take(3, 0..2, true) && shared.take(3, 1..2, true));
        shared.give(1, 0..1);
        shared.give(2, 0..8);
        assert!(shared.take(3, 0..1, true) && !shared.take(1, 0..1, false));
    }
}
