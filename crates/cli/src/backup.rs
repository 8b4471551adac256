//! `remit backup`: a verified way back. A backup is one database file and its manifest beside it.

use std::{
    fs::{self, File},
    io::{self, IsTerminal as _, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use remit_server::clock::Clock;
use remit_store::back_up;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{instance::Place, restore};

/// Bytes read at a time.
const CHUNK: usize = 1024 * 1024;
/// The size for which a drill tells how long a restore would take.
const TEN_GB: f64 = 10e9;

/// Copies the data of an installation while it is served, or rehearses losing it.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    drill: Option<Backups>,
    #[command(flatten)]
    make: Option<Make>,
}

#[derive(Debug, Subcommand)]
enum Backups {
    /// Backs up, restores into a folder of its own, verifies, and tells how long each took.
    Drill(Drill),
}

#[derive(Debug, clap::Args)]
struct Make {
    /// The data folder; a server may have it open.
    #[arg(long, value_name = "DIR", default_value = "./remit-data")]
    data: PathBuf,
    /// Address of a PostgreSQL database, instead of the data folder.
    #[arg(long, value_name = "URL", env = "REMIT_STORE_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// The new file; its manifest is written beside it.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Drill {
    /// The data folder; a server may have it open.
    #[arg(long, value_name = "DIR", default_value = "./remit-data")]
    data: PathBuf,
    /// Address of a PostgreSQL database, instead of the data folder.
    #[arg(long, value_name = "URL", env = "REMIT_STORE_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// Folder for the copies, which are removed again; without it, beside the data, or a temporary one for a database.
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// Form of this manifest.
    format: u32,
    /// Version of Remit that made it.
    made_by: String,
    /// Everything acknowledged before this moment is in the backup.
    pub(crate) taken_at: String,
    /// Size of the file.
    pub(crate) size_bytes: u64,
    /// SHA-256 of the file.
    pub(crate) sha256: String,
}

impl Manifest {
    const FORMAT: u32 = 1;

    /// Returns where the manifest of a backup is.
    pub(crate) fn path(backup: &Path) -> PathBuf {
        let mut name = backup.file_name().unwrap_or_default().to_owned();
        name.push(".manifest.json");
        backup.with_file_name(name)
    }

    /// Reads the manifest of a backup.
    pub(crate) fn of(backup: &Path) -> Result<Self> {
        let path = Self::path(backup);
        let text = fs::read_to_string(&path).with_context(|| {
            format!("the manifest {} cannot be read; a backup and its manifest belong together", path.display())
        })?;
        let manifest: Self =
            serde_json::from_str(&text).with_context(|| format!("{} is no manifest of a backup", path.display()))?;
        if manifest.format > Self::FORMAT {
            bail!("{} was made by a newer Remit, {}: restore with that one", path.display(), manifest.made_by);
        }
        Ok(manifest)
    }
}

pub(crate) async fn run(args: Args) -> Result<()> {
    match (args.drill, args.make) {
        (Some(Backups::Drill(drill)), _) => rehearse(drill).await,
        (None, Some(Make { data, database, to, json })) => {
            let place = Place { data, database };
            let manifest = make(&place, &to).await?;
            if json {
                say!("{}", serde_json::to_string(&manifest)?);
            } else {
                say!("{} holds everything up to {}", to.display(), manifest.taken_at);
                say!("{} bytes, SHA-256 {}", manifest.size_bytes, manifest.sha256);
            }
            Ok(())
        }
        (None, None) => bail!("say where the backup goes: `--to FILE`"),
    }
}

/// Makes a backup and its manifest. A file under the final name is whole: it is made under another and then renamed.
///
/// Of a data folder the pages are copied, of a database the rows; either way a server may go on writing, and what one
/// moment left is in the file.
async fn make(place: &Place, to: &Path) -> Result<Manifest> {
    for taken in [to, &Manifest::path(to)] {
        if taken.exists() {
            bail!("{} is there already: a backup never takes the place of another", taken.display());
        }
    }
    let part = to.with_extension("part");
    if part.exists() {
        bail!("{} is there: another backup is being made, or was given up; remove it then", part.display());
    }
    let taken_at = Clock::System.now().timestamp().to_string();
    let copied = if place.database.is_some() {
        place.store().await?.backup_to(&part).await
    } else {
        let (data, part) = (place.data.clone(), part.clone());
        let copied = tokio::task::spawn_blocking(move || {
            let meter = Meter::new("copied");
            back_up(&data, &part, |done, total| meter.show(done, total))
        });
        copied.await?
    };
    let made = copied.with_context(|| format!("{place} cannot be backed up")).and_then(|()| {
        let (size_bytes, sha256) = digest(&part, |_| {})?;
        let made_by = env!("CARGO_PKG_VERSION").to_owned();
        let manifest = Manifest { format: Manifest::FORMAT, made_by, taken_at, size_bytes, sha256 };
        // The manifest comes last: a file without one is not a backup yet.
        fs::rename(&part, to)?;
        let path = Manifest::path(to);
        let told = serde_json::to_string_pretty(&manifest)? + "\n";
        fs::write(&path, told).with_context(|| format!("{} cannot be written", path.display()))?;
        File::open(&path)?.sync_all()?;
        if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        Ok(manifest)
    });
    if made.is_err() {
        // What is left of a failed copy is of no use; if it cannot be removed either, the next attempt says so.
        let _ = fs::remove_file(&part);
    }
    made
}

/// Returns the size and the SHA-256 of a file; `each` sees it go by.
pub(crate) fn digest(path: &Path, mut each: impl FnMut(&[u8])) -> Result<(u64, String)> {
    use std::fmt::Write as _;
    let unread = || format!("{} cannot be read", path.display());
    let mut file = File::open(path).with_context(unread)?;
    let (mut hash, mut size, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK]);
    loop {
        let read = file.read(&mut chunk).with_context(unread)?;
        if read == 0 {
            break;
        }
        hash.update(&chunk[..read]);
        each(&chunk[..read]);
        size += read as u64;
    }
    let hex = hash.finalize().iter().fold(String::new(), |mut hex, byte| {
        // Writing into a text cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    Ok((size, hex))
}

/// Backs up, restores elsewhere, verifies, and removes both copies again.
async fn rehearse(drill: Drill) -> Result<()> {
    let Drill { data, database, work, json } = drill;
    let place = Place { data, database };
    let name = format!("remit-drill-{}", std::process::id());
    let beside = if place.database.is_some() { std::env::temp_dir() } else { place.data.clone() };
    let work = work.unwrap_or(beside).join(name);
    fs::create_dir_all(&work).with_context(|| format!("the folder {} cannot be made", work.display()))?;
    let done = rehearse_in(&place, &work).await;
    fs::remove_dir_all(&work).with_context(|| format!("the folder {} cannot be removed", work.display()))?;
    let Drilled { manifest, backup, restored, whole } = done?;
    let seconds = whole.as_secs_f64();
    let for_ten_gb = seconds * TEN_GB / float(manifest.size_bytes.max(1)) / 60.0;
    if json {
        let told = serde_json::json!({
            "taken_at": manifest.taken_at, "size_bytes": manifest.size_bytes, "backup_seconds": backup.as_secs_f64(),
            "restore_seconds": seconds, "events": restored.events, "entries": restored.entries, "verified": true,
            "restore_minutes_for_10_gb": for_ten_gb,
        });
        say!("{told}");
    } else {
        say!("backed up   {} bytes in {:.2} s", manifest.size_bytes, backup.as_secs_f64());
        say!(
            "restored    and verified in {seconds:.2} s: {} events and {} entries, all equal",
            restored.events,
            restored.entries
        );
        say!(
            "RPO         everything up to {}: the time between two backups and {:.2} s",
            manifest.taken_at,
            backup.as_secs_f64()
        );
        say!("RTO         {seconds:.2} s for this size; {for_ten_gb:.1} min for 10 GB at this speed");
    }
    Ok(())
}

struct Drilled {
    manifest: Manifest,
    backup: Duration,
    restored: restore::Restored,
    whole: Duration,
}

#[expect(clippy::disallowed_methods, reason = "a drill tells how long it took; nothing is decided by it")]
async fn rehearse_in(place: &Place, work: &Path) -> Result<Drilled> {
    let began = std::time::Instant::now();
    let copy = work.join("backup.db");
    let manifest = make(place, &copy).await?;
    let backup = began.elapsed();
    let began = std::time::Instant::now();
    let restored = restore::restore(&copy, &work.join("restored"), false).await?;
    Ok(Drilled { manifest, backup, restored, whole: began.elapsed() })
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn float(bytes: u64) -> f64 {
    bytes as f64
}

/// Progress on standard error: one line that is written over on a terminal, the last alone elsewhere. Dropping it ends the
/// line.
pub(crate) struct Meter {
    what: &'static str,
    terminal: bool,
}

impl Meter {
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, terminal: io::stderr().is_terminal() }
    }

    /// Tells how much of how much is done.
    pub(crate) fn show(&self, done: u64, total: u64) {
        let percent = 100 * done / total.max(1);
        if self.terminal {
            mark!("\r{} {percent} %", self.what);
        } else if done == total {
            tell!("{} {percent} %", self.what);
        }
    }

    /// Tells how many are done where nobody knows of how many.
    pub(crate) fn count(&self, done: u64) {
        if self.terminal {
            mark!("\r{done} {}", self.what);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.terminal {
            tell!();
        }
    }
}
