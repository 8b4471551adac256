//! A library to be loaded before the system's (`LD_PRELOAD`): the disk under a real server fills up or fails to sync.
//!
//! It stands before `write`, `pwrite64`, `fsync` and `fdatasync`, and acts only on files below `REMIT_DISK_FOLDER`. What it
//! does is read from the file `REMIT_DISK_ORDERS`, one line: `ID room BYTES` lets files grow by so much together from when the
//! order was given and then is full, `ID free` ends that, `ID eio` fails one sync. What it did is appended to `REMIT_DISK_TRACE`.

use std::{
    ffi::{c_int, c_long, c_void},
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

const ENOSPC: c_int = 28;
const EIO: c_int = 5;

/// Numbers of the system calls on this machine's Linux.
#[cfg(target_arch = "x86_64")]
mod call {
    pub(super) const WRITE: i64 = 1;
    pub(super) const SEEK: i64 = 8;
    pub(super) const PWRITE: i64 = 18;
    pub(super) const FSYNC: i64 = 74;
    pub(super) const FDATASYNC: i64 = 75;
}
#[cfg(target_arch = "aarch64")]
mod call {
    pub(super) const SEEK: i64 = 62;
    pub(super) const WRITE: i64 = 64;
    pub(super) const PWRITE: i64 = 68;
    pub(super) const FSYNC: i64 = 82;
    pub(super) const FDATASYNC: i64 = 83;
}

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
    fn __errno_location() -> *mut c_int;
}

/// Where everything is, from the environment.
struct Places {
    folder: PathBuf,
    orders: PathBuf,
    trace: PathBuf,
}

/// How far the order that is being followed has come.
#[derive(Default)]
struct Following {
    order: String,
    /// What the files took together when the order was given.
    taken: u64,
    told: bool,
    /// The file whose sync failed under this order.
    failed: Option<PathBuf>,
}

static FOLLOWING: Mutex<Option<Following>> = Mutex::new(None);

fn places() -> Option<&'static Places> {
    static PLACES: OnceLock<Option<Places>> = OnceLock::new();
    let place = |name| std::env::var_os(name).map(PathBuf::from);
    let found = || {
        let (folder, orders) = (place("REMIT_DISK_FOLDER")?, place("REMIT_DISK_ORDERS")?);
        Some(Places { folder, orders, trace: place("REMIT_DISK_TRACE")? })
    };
    PLACES.get_or_init(found).as_ref()
}

/// The files that take space: those of the database, and the reserve that Remit gives up when there is none left.
const FILES: [&str; 3] = ["remit.db", "remit.db-wal", "remit.reserve"];

/// Returns how many bytes the files take together. What is removed or cut is space again.
fn taken(folder: &Path) -> u64 {
    FILES.iter().filter_map(|name| Some(fs::metadata(folder.join(name)).ok()?.len())).sum()
}

/// Returns the path of an open file if it is one of them, below the folder.
fn path(file: c_int) -> Option<PathBuf> {
    let path = fs::read_link(format!("/proc/self/fd/{file}")).ok()?;
    let name = path.file_name()?.to_str()?;
    (FILES.contains(&name) && path.starts_with(&places()?.folder)).then_some(path)
}

/// Asks what the order of the moment makes of an operation.
fn follow<T>(work: impl FnOnce(&mut Following, &str, &Places) -> Option<T>) -> Option<T> {
    let places = places()?;
    let order = fs::read_to_string(&places.orders).ok()?;
    let mut following = FOLLOWING.lock().unwrap_or_else(PoisonError::into_inner);
    let following = following.get_or_insert_default();
    if following.order != order {
        *following = Following { order: order.clone(), taken: taken(&places.folder), ..Following::default() };
    }
    work(following, order.trim(), places)
}

/// Tells what was done. What cannot be told is told nowhere else either.
fn tell(places: &Places, what: &str) {
    if let Ok(mut trace) = File::options().append(true).open(&places.trace) {
        let _ = trace.write_all(format!("{what}\n").as_bytes());
    }
}

/// Returns how many of `count` bytes there is room for; none: as many as are wanted.
fn room(file: c_int, at: impl FnOnce() -> i64, count: usize) -> Option<usize> {
    let path = path(file)?;
    let end = u64::try_from(at()).unwrap_or(0) + count as u64;
    follow(|following, order, places| {
        let (id, room) = order.split_once(" room ")?;
        let room: u64 = room.parse().ok()?;
        let size = fs::metadata(&path).ok()?.len();
        let growth = end.saturating_sub(size);
        let free = (following.taken + room).saturating_sub(taken(&places.folder));
        if growth <= free {
            return None;
        }
        if !following.told {
            following.told = true;
            tell(places, &format!("{id} full"));
        }
        Some(count.saturating_sub(usize::try_from(growth - free).unwrap_or(usize::MAX)))
    })
}

/// Returns whether this sync is to fail.
fn fails(file: c_int) -> bool {
    let Some(path) = path(file) else { return false };
    let failed = follow(|following, order, places| {
        let id = order.strip_suffix(" eio")?;
        if let Some(before) = &following.failed {
            if *before == path {
                tell(places, &format!("{id} again"));
            }
            return None;
        }
        tell(places, &format!("{id} eio"));
        following.failed = Some(path.clone());
        Some(())
    });
    failed.is_some()
}

fn refuse(code: c_int) {
    // SAFETY: It returns the address of this thread's error number.
    let place = unsafe { __errno_location() };
    // SAFETY: The address is valid as long as the thread lives.
    unsafe { *place = code };
}

/// Stands before the system's function of this name.
///
/// # Safety
/// As for the system's: `bytes` points to at least `count` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(file: c_int, bytes: *const c_void, count: usize, at: i64) -> isize {
    let allowed = room(file, || at, count).unwrap_or(count);
    if allowed == 0 && count > 0 {
        refuse(ENOSPC);
        return -1;
    }
    // SAFETY: The caller's promise, for no more bytes than it promised.
    let written = unsafe { syscall(call::PWRITE, file, bytes, allowed, at) };
    isize::try_from(written).unwrap_or(-1)
}

/// Stands before the system's function of this name.
///
/// # Safety
/// As for [`pwrite64`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(file: c_int, bytes: *const c_void, count: usize, at: i64) -> isize {
    // SAFETY: The caller's promise is the same.
    unsafe { pwrite64(file, bytes, count, at) }
}

/// Stands before the system's function of this name. Only files of a database are looked at.
///
/// # Safety
/// As for [`pwrite64`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(file: c_int, bytes: *const c_void, count: usize) -> isize {
    // SAFETY: To move by nothing tells where the file stands, and touches no memory of ours.
    let at = || unsafe { syscall(call::SEEK, file, 0_i64, 1) };
    let allowed = room(file, at, count).unwrap_or(count);
    if allowed == 0 && count > 0 {
        refuse(ENOSPC);
        return -1;
    }
    // SAFETY: The caller's promise, for no more bytes than it promised.
    let written = unsafe { syscall(call::WRITE, file, bytes, allowed) };
    isize::try_from(written).unwrap_or(-1)
}

/// Stands before the system's function of this name.
#[unsafe(no_mangle)]
pub extern "C" fn fsync(file: c_int) -> c_int {
    sync(call::FSYNC, file)
}

/// Stands before the system's function of this name.
#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(file: c_int) -> c_int {
    sync(call::FDATASYNC, file)
}

fn sync(number: i64, file: c_int) -> c_int {
    if fails(file) {
        refuse(EIO);
        return -1;
    }
    // SAFETY: These calls take a file's number and touch no memory of ours.
    let done = unsafe { syscall(number, file) };
    c_int::try_from(done).unwrap_or(-1)
}
