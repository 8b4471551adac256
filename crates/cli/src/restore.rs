//! `remit restore`: a backup is put in place only once its digest fits and every event was replayed.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use remit_server::{
    App,
    app::verify::Counts,
    clock::{Chance, Clock},
};
use remit_store::{Options, Store, StoreError, place};

use crate::{
    backup::{Manifest, Meter, digest},
    instance,
};

/// Puts a backup in place, once it is verified.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The backup; its manifest lies beside it.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The data folder to fill.
    #[arg(long, value_name = "DIR", required_unless_present = "database")]
    data: Option<PathBuf>,
    /// Address of the empty PostgreSQL database to fill, instead of a folder.
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "force"])]
    database: Option<String>,
    /// Take the place of data that is there; it is kept beside the new under another name.
    #[arg(long)]
    force: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What was restored.
pub(crate) struct Restored {
    pub(crate) taken_at: String,
    pub(crate) events: u64,
    pub(crate) entries: u64,
    pub(crate) kept: Option<PathBuf>,
}

pub(crate) async fn run(args: Args) -> Result<()> {
    let Args { from, data, database, force, json } = args;
    let (restored, filled) = match (database, data) {
        (Some(url), _) => (restore_into_database(&from, &url).await?, "the database".to_owned()),
        (None, Some(data)) => (restore(&from, &data, force).await?, data.display().to_string()),
        (None, None) => bail!("say where to restore: `--data DIR` or `--database URL`"),
    };
    let Restored { taken_at, events, entries, kept } = restored;
    if json {
        say!("{}", serde_json::json!({ "taken_at": taken_at, "events": events, "entries": entries, "kept": kept }));
        return Ok(());
    }
    say!("{filled} holds everything up to {taken_at}: {events} events and {entries} entries, all equal");
    if let Some(kept) = kept {
        say!("What was there before is kept as {}", kept.display());
    }
    Ok(())
}

/// Copies, checks, replays, and only then moves a backup into a data folder.
pub(crate) async fn restore(from: &Path, data: &Path, force: bool) -> Result<Restored> {
    let manifest = Manifest::of(from)?;
    if data.join("remit.db").exists() && !force {
        bail!("{} holds data: restore into another folder, or say `--force` to put it aside", data.display());
    }
    // On the same file system as its place, so that moving it there is one step.
    let work = data.join(format!(".restoring-{}", std::process::id()));
    fs::create_dir_all(&work).with_context(|| format!("the folder {} cannot be made", work.display()))?;
    let restored = restore_through(&work, from, data, &manifest).await;
    // A copy that was not put in place is of no use; the next restore makes its own.
    let _ = fs::remove_dir_all(&work);
    restored
}

/// Copies and checks a backup, then fills an empty database with it and replays what is there.
async fn restore_into_database(from: &Path, url: &str) -> Result<Restored> {
    let manifest = Manifest::of(from)?;
    let target = instance::connect(url, Options::default()).await?;
    let work = std::env::temp_dir().join(format!("remit-restoring-{}", std::process::id()));
    fs::create_dir_all(&work).with_context(|| format!("the folder {} cannot be made", work.display()))?;
    let filled = async {
        copy(from, &work.join("remit.db"), &manifest)?;
        let source = instance::open_store(&work, Options::default())?;
        source.copy_into(&target, |_| {}).await?;
        replay(from, target).await
    };
    let filled = filled.await;
    // The database has it now, or the next restore makes its own copy.
    let _ = fs::remove_dir_all(&work);
    let counts = filled?;
    Ok(Restored { taken_at: manifest.taken_at, events: counts.events, entries: counts.entries, kept: None })
}

/// Replays every event of a store and compares all that is kept with it.
async fn replay(from: &Path, store: Store) -> Result<Counts> {
    let app = App::new(store, Clock::System, Chance::System)?;
    let meter = Meter::new("events replayed");
    let verified = app.replay(|events| meter.count(events)).await;
    drop(meter);
    let verified = verified?;
    if let Some(difference) = verified.first_difference {
        bail!("{} was not put in place: it differs from its own record, first in {difference}", from.display());
    }
    Ok(verified.counts)
}

async fn restore_through(work: &Path, from: &Path, data: &Path, manifest: &Manifest) -> Result<Restored> {
    copy(from, &work.join("remit.db"), manifest)?;
    let counts = replay(from, instance::open_store(work, Options::default())?).await?;
    let now = Clock::System.now().timestamp().strftime("%Y%m%dT%H%M%SZ");
    let kept = match place(work, data, &format!("replaced-{now}")) {
        Ok(kept) => kept,
        Err(StoreError::Held { .. }) => bail!("{} is in use: stop the server first", data.display()),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be filled", data.display())),
    };
    Ok(Restored { taken_at: manifest.taken_at.clone(), events: counts.events, entries: counts.entries, kept })
}

/// Copies a backup and checks that it is what its manifest says.
fn copy(from: &Path, to: &Path, manifest: &Manifest) -> Result<()> {
    let mut file = File::create_new(to).with_context(|| format!("{} cannot be written", to.display()))?;
    let (meter, mut done, mut written) = (Meter::new("copied"), 0, Ok(()));
    let (size_bytes, sha256) = digest(from, |chunk| {
        if written.is_ok() {
            written = file.write_all(chunk);
        }
        done += chunk.len() as u64;
        meter.show(done, manifest.size_bytes);
    })?;
    drop(meter);
    written.and_then(|()| file.sync_all()).with_context(|| format!("{} cannot be written", to.display()))?;
    if (size_bytes, &sha256) != (manifest.size_bytes, &manifest.sha256) {
        bail!(
            "{} is not what its manifest says: {size_bytes} bytes with SHA-256 {sha256}, not {} with {}. Take another copy.",
            from.display(),
            manifest.size_bytes,
            manifest.sha256
        );
    }
    Ok(())
}
