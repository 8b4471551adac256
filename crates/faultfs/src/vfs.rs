//! SQLite's side: the functions of a file system and of a file, in C's terms. Nothing is decided here.
//!
//! What is unsafe, and why it is sound: SQLite calls these functions with pointers that its documentation describes. A file
//! is an allocation of `szOsFile` bytes, at least the size of [`File`], that SQLite zeroes, hands to `xOpen` and then to the
//! methods, from one thread at a time, until `xClose`. A buffer is as long as the length that comes with it.

use std::{
    ffi::{CStr, OsStr, c_char, c_int, c_void},
    os::unix::ffi::OsStrExt as _,
    path::Path,
    ptr, slice,
    sync::{Once, atomic::Ordering},
};

use libsqlite3_sys::{
    SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_FCNTL_PRAGMA, SQLITE_FULL, SQLITE_IOCAP_POWERSAFE_OVERWRITE,
    SQLITE_IOERR_DELETE_NOENT, SQLITE_IOERR_FSYNC, SQLITE_IOERR_READ, SQLITE_IOERR_SHORT_READ, SQLITE_IOERR_WRITE,
    SQLITE_NOTFOUND, SQLITE_OK, SQLITE_OPEN_CREATE, SQLITE_READONLY, SQLITE_SHM_EXCLUSIVE, SQLITE_SHM_UNLOCK,
    sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

use crate::disk::{Disk, Fault, Handle};

/// What SQLite allocates for a file of ours. A file of the system's is larger; the size is the larger of the two.
#[repr(C)]
struct File {
    base: sqlite3_file,
    /// Made by `Box::into_raw` in [`open`] and taken back in [`close`].
    handle: *mut Handle,
}

/// Makes this the default file system of the process, once.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: A null name asks for the default; finding it initialises SQLite, which may be done at any time.
        let system = unsafe { sqlite3_vfs_find(ptr::null()) };
        assert!(!system.is_null(), "SQLite has no file system");
        // SAFETY: File systems live as long as they are registered, and the default one is never unregistered.
        let system: &'static mut sqlite3_vfs = unsafe { &mut *system };
        let own_bytes = c_int::try_from(size_of::<File>()).unwrap_or(c_int::MAX);
        let ours = Box::leak(Box::new(sqlite3_vfs {
            szOsFile: system.szOsFile.max(own_bytes),
            pNext: ptr::null_mut(),
            zName: c"remit-faults".as_ptr(),
            pAppData: ptr::from_mut(system).cast(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            // All else is the system's own affair: paths, chance, sleep and clock.
            ..*system
        }));
        // SAFETY: `ours` is never freed and holds a function for everything that its version names.
        let registered = unsafe { sqlite3_vfs_register(ours, 1) };
        assert_eq!(registered, SQLITE_OK, "the file system could not be registered");
    });
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Returns the file system that paths of others go to.
fn system(own: *mut sqlite3_vfs) -> *mut sqlite3_vfs {
    // SAFETY: SQLite hands over the file system that it was given in `install`.
    unsafe { (*own).pAppData }.cast()
}

fn path_of<'a>(name: *const c_char) -> Option<&'a Path> {
    if name.is_null() {
        return None;
    }
    // SAFETY: SQLite's names end with a zero byte and outlive the call.
    let name = unsafe { CStr::from_ptr(name) };
    Some(Path::new(OsStr::from_bytes(name.to_bytes())))
}

/// Returns the open file behind SQLite's pointer.
fn handle_of<'a>(file: *mut sqlite3_file) -> &'a Handle {
    let file: *mut File = file.cast();
    // SAFETY: Only files that `open` filled have our methods, and SQLite calls none after `close`.
    let handle = unsafe { (*file).handle };
    // SAFETY: `open` made it by `Box::into_raw`, and only `close` takes it back.
    unsafe { &*handle }
}

fn index(number: sqlite3_int64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn length(number: c_int) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// Returns how SQLite is told of a fault; `off` is its word for a dead disk in this operation.
fn code(fault: Fault, off: c_int) -> c_int {
    match fault {
        Fault::Off | Fault::Absent => off,
        Fault::Full => SQLITE_FULL,
        Fault::ReadOnly => SQLITE_READONLY,
        Fault::Sync => SQLITE_IOERR_FSYNC,
    }
}

fn outcome(done: Result<(), Fault>, off: c_int) -> c_int {
    done.map_or_else(|fault| code(fault, off), |()| SQLITE_OK)
}

unsafe extern "C" fn open(
    own: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    let Some((path, disk)) = path_of(name).and_then(|path| Some((path, Disk::of(path)?))) else {
        let system = system(own);
        // SAFETY: The system's file system outlives ours.
        let theirs = unsafe { (*system).xOpen };
        // SAFETY: The arguments are SQLite's own, and the file is large enough for the system's.
        return theirs.map_or(SQLITE_CANTOPEN, |theirs| unsafe { theirs(system, name, file, flags, flags_out) });
    };
    let file: *mut File = file.cast();
    let opened = disk.open(path, flags & SQLITE_OPEN_CREATE != 0).map(|handle| Box::into_raw(Box::new(handle)));
    // Without methods SQLite does not close it.
    let methods = if opened.is_ok() { &raw const METHODS } else { ptr::null() };
    let filled = File { base: sqlite3_file { pMethods: methods }, handle: opened.unwrap_or(ptr::null_mut()) };
    // SAFETY: SQLite allocated `szOsFile` bytes for this file.
    unsafe { file.write(filled) };
    if !flags_out.is_null() {
        // SAFETY: It points to an integer if it is not null.
        unsafe { *flags_out = flags };
    }
    if opened.is_ok() { SQLITE_OK } else { SQLITE_CANTOPEN }
}

unsafe extern "C" fn delete(own: *mut sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    if let Some((path, disk)) = path_of(name).and_then(|path| Some((path, Disk::of(path)?))) {
        return match disk.delete(path) {
            Err(Fault::Absent) => SQLITE_IOERR_DELETE_NOENT,
            done => outcome(done, SQLITE_IOERR_WRITE),
        };
    }
    let system = system(own);
    // SAFETY: The system's file system outlives ours.
    let theirs = unsafe { (*system).xDelete };
    // SAFETY: The arguments are SQLite's own.
    theirs.map_or(SQLITE_IOERR_WRITE, |theirs| unsafe { theirs(system, name, sync_folder) })
}

unsafe extern "C" fn access(own: *mut sqlite3_vfs, name: *const c_char, flags: c_int, out: *mut c_int) -> c_int {
    if let Some((path, disk)) = path_of(name).and_then(|path| Some((path, Disk::of(path)?))) {
        // SAFETY: It points to an integer.
        unsafe { *out = c_int::from(disk.exists(path)) };
        return SQLITE_OK;
    }
    let system = system(own);
    // SAFETY: The system's file system outlives ours.
    let theirs = unsafe { (*system).xAccess };
    // SAFETY: The arguments are SQLite's own.
    theirs.map_or(SQLITE_IOERR_READ, |theirs| unsafe { theirs(system, name, flags, out) })
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let file: *mut File = file.cast();
    // SAFETY: SQLite closes a file that `open` filled, once.
    let handle = unsafe { (*file).handle };
    // SAFETY: `open` made it by `Box::into_raw`, and nobody uses it after this.
    drop(unsafe { Box::from_raw(handle) });
    SQLITE_OK
}

unsafe extern "C" fn read(file: *mut sqlite3_file, buffer: *mut c_void, count: c_int, at: sqlite3_int64) -> c_int {
    // SAFETY: The buffer has room for `count` bytes and is SQLite's alone during the call.
    let buffer = unsafe { slice::from_raw_parts_mut(buffer.cast::<u8>(), length(count)) };
    match handle_of(file).read(index(at), buffer) {
        Ok(read) if read == buffer.len() => SQLITE_OK,
        Ok(_) => SQLITE_IOERR_SHORT_READ,
        Err(fault) => code(fault, SQLITE_IOERR_READ),
    }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, bytes: *const c_void, count: c_int, at: sqlite3_int64) -> c_int {
    // SAFETY: There are `count` bytes, which nobody changes during the call.
    let bytes = unsafe { slice::from_raw_parts(bytes.cast::<u8>(), length(count)) };
    outcome(handle_of(file).write(index(at), bytes), SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    outcome(handle_of(file).truncate(index(size)), SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _flags: c_int) -> c_int {
    outcome(handle_of(file).sync(), SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn size(file: *mut sqlite3_file, out: *mut sqlite3_int64) -> c_int {
    match handle_of(file).size() {
        Ok(size) => {
            // SAFETY: It points to an integer.
            unsafe { *out = sqlite3_int64::try_from(size).unwrap_or(sqlite3_int64::MAX) };
            SQLITE_OK
        }
        Err(fault) => code(fault, SQLITE_IOERR_READ),
    }
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    match handle_of(file).raise(level) {
        Ok(true) => SQLITE_OK,
        Ok(false) => SQLITE_BUSY,
        Err(fault) => code(fault, SQLITE_IOERR_READ),
    }
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    handle_of(file).lower(level);
    SQLITE_OK
}

unsafe extern "C" fn check_reserved(file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    match handle_of(file).reserved() {
        Ok(reserved) => {
            // SAFETY: It points to an integer.
            unsafe { *out = c_int::from(reserved) };
            SQLITE_OK
        }
        Err(fault) => code(fault, SQLITE_IOERR_READ),
    }
}

/// Sees each pragma before SQLite does: where the disk says so, `synchronous` becomes 1, which is `NORMAL`.
unsafe extern "C" fn control(file: *mut sqlite3_file, what: c_int, argument: *mut c_void) -> c_int {
    if what == SQLITE_FCNTL_PRAGMA && handle_of(file).is_lax() {
        // SAFETY: For a pragma the argument is an array of three strings: an answer, the name, and the value or null.
        let words = unsafe { slice::from_raw_parts(argument.cast::<*mut c_char>(), 3) };
        let named = path_of(words[1]).is_some_and(|name| name.as_os_str().eq_ignore_ascii_case("synchronous"));
        let valued = path_of(words[2]).is_some_and(|value| !value.as_os_str().is_empty());
        if named && valued {
            // SAFETY: The value is a buffer of SQLite's own with at least one character before its end.
            unsafe { words[2].copy_from_nonoverlapping(c"1".as_ptr(), 2) };
        }
    }
    SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut sqlite3_file) -> c_int {
    4_096
}

unsafe extern "C" fn characteristics(_: *mut sqlite3_file) -> c_int {
    SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    region: c_int,
    size_bytes: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    let region = handle_of(file).shared().region(length(region), length(size_bytes), extend != 0);
    // The memory belongs to the file's `Shared`, which the handle keeps until it is closed; atomics may be changed through
    // a shared pointer, and SQLite orders its own accesses by locks and barriers.
    let start = region.map_or(ptr::null_mut(), |region| region.as_ptr().cast_mut().cast());
    // SAFETY: It points to a pointer.
    unsafe { *out = start };
    SQLITE_OK
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    let handle = handle_of(file);
    let slots = length(offset)..length(offset) + length(count);
    if flags & SQLITE_SHM_UNLOCK != 0 {
        handle.shared().give(handle.number(), slots);
        return SQLITE_OK;
    }
    let taken = handle.shared().take(handle.number(), slots, flags & SQLITE_SHM_EXCLUSIVE != 0);
    if taken { SQLITE_OK } else { SQLITE_BUSY }
}

unsafe extern "C" fn shm_barrier(_: *mut sqlite3_file) {
    std::sync::atomic::fence(Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, _delete: c_int) -> c_int {
    let handle = handle_of(file);
    handle.shared().give(handle.number(), 0..crate::lock::SLOTS);
    SQLITE_OK
}
