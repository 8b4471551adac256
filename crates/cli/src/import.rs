//! `remit import`: cases and readings from files.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use clap::{ArgGroup, Subcommand};
use remit_formats::{
    files,
    import_map::{self, ImportMap},
    pack::{self, LoadedPack},
    table::{Encoding, Table},
};
use remit_kernel::id::{EngagementId, PersonId};
use remit_server::app::import::{CasesIn, CasesTaken, History, Imported, Progress, Reported, Target};
use serde::Serialize;

use crate::{
    instance::Instance,
    remote::{self, Remote},
};

/// How often progress is told.
const PROGRESS_PAUSE: Duration = Duration::from_millis(200);
/// Rows named on the terminal; `--json` names all.
const NAMED_MAX: usize = 20;

/// Takes cases and readings in from files.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Import,
}

#[derive(Debug, Subcommand)]
enum Import {
    /// Takes live cases in through the scope gate.
    Cases(Cases),
    /// Plays past readings through panels, disputes and figures.
    Readings(Readings),
}

/// What both have in common.
#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    instance: Instance,
    /// Name of a pack that comes with Remit, or a pack's folder.
    #[arg(long, value_name = "PACK")]
    pack: String,
    /// Name of a map in the pack's `import` folder, or a file; without it, the pack's only map.
    #[arg(long, value_name = "MAP")]
    map: Option<String>,
    /// Encoding of the files: `detect` (UTF-8, or UTF-16 with a byte order mark) or `cp1252`.
    #[arg(long, value_name = "ENCODING", default_value = "detect")]
    encoding: Encoding,
    /// CSV or JSON Lines with one row for each case; may be gzipped.
    #[arg(long, value_name = "FILE")]
    cases: PathBuf,
    /// CSV or JSON Lines with one row for each document.
    #[arg(long, value_name = "FILE")]
    documents: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Cases {
    #[command(flatten)]
    common: Common,
    /// The engagement they belong to.
    #[arg(long, value_name = "ENGAGEMENT")]
    engagement: EngagementId,
    /// Who is accountable for them: a person's identifier; without it, whoever acts.
    #[arg(long, value_name = "PERSON")]
    owner: Option<PersonId>,
    /// Language of the files.
    #[arg(long, value_name = "LANGUAGE", default_value = "en")]
    language: String,
    /// In how many days they are promised.
    #[arg(long, value_name = "DAYS", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=3650))]
    due_in_days: u16,
}

#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("target").required(true).args(["engagement", "new"])))]
#[expect(clippy::struct_field_names, reason = "the names of the flags")]
struct Readings {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    remote: Remote,
    /// CSV or JSON Lines with one row or more for each reading.
    #[arg(long, value_name = "FILE")]
    readings: PathBuf,
    /// CSV or JSON Lines with one row for each reference answer.
    #[arg(long, value_name = "FILE")]
    gold: Option<PathBuf>,
    /// The engagement they belong to.
    #[arg(long, value_name = "ENGAGEMENT")]
    engagement: Option<EngagementId>,
    /// Name of a new engagement within your own organisation.
    #[arg(long, value_name = "NAME")]
    new: Option<String>,
}

pub(crate) async fn run(args: Args) -> Result<()> {
    match args.command {
        Import::Cases(args) => cases(args).await,
        Import::Readings(args) => readings(args).await,
    }
}

async fn readings(args: Readings) -> Result<()> {
    let Readings { common, remote, readings, gold, engagement, new } = args;
    if let Some(server) = remote.server()? {
        let file = |path: &PathBuf| remote::file(path);
        let map_file = common.map.as_ref().map(PathBuf::from).filter(|path| path.is_file());
        let body = serde_json::json!({
            "pack": common.pack, "map": common.map.as_ref().filter(|_| map_file.is_none()), "encoding": common.encoding_word(),
            "map_file": map_file.as_ref().map(file).transpose()?, "cases": file(&common.cases)?,
            "documents": common.documents.as_ref().map(file).transpose()?, "readings": file(&readings)?,
            "gold": gold.as_ref().map(file).transpose()?, "name": new,
        });
        let path =
            engagement.map_or_else(|| "/imports".to_owned(), |engagement| format!("/engagements/{engagement}/imports"));
        return tell(&serde_json::from_value::<Imported>(server.post(&path, &body)?)?, common.json);
    }
    let (pack, map) = common.pack()?;
    let target = match (engagement, new) {
        (Some(engagement), _) => Target::Engagement(engagement),
        (None, Some(name)) => Target::New(name),
        (None, None) => bail!("say where the readings go: `--engagement ENGAGEMENT` or `--new NAME`"),
    };
    let history = History {
        pack,
        map,
        cases: common.open(&common.cases)?,
        documents: common.documents.as_deref().map(|file| common.open(file)).transpose()?,
        readings: common.open(&readings)?,
        gold: gold.as_deref().map(|file| common.open(file)).transpose()?,
        target,
    };
    let app = common.instance.open().await?;
    let caller = common.instance.caller(&app).await?;
    let meter = Meter::default();
    let imported = app.import_history(&caller, history, |progress| meter.show(progress)).await;
    meter.end();
    tell(&imported?, common.json)
}

async fn cases(args: Cases) -> Result<()> {
    let Cases { common, engagement, owner, language, due_in_days } = args;
    let (_, map) = common.pack()?;
    let (cases, documents) =
        (common.open(&common.cases)?, common.documents.as_deref().map(|file| common.open(file)).transpose()?);
    let app = common.instance.open().await?;
    let caller = common.instance.caller(&app).await?;
    let owner = owner.or(caller.person()).context("a service owns no case")?;
    let due_at = app.clock().now().plus_seconds(i64::from(due_in_days) * 86_400);
    let given = CasesIn { engagement, map, cases, documents, language, owner, due_at };
    tell(&app.import_cases(&caller, given).await?, common.json)
}

impl Common {
    /// Returns the pack and the map by which its files are read.
    fn pack(&self) -> Result<(remit_kernel::pack::Pack, ImportMap)> {
        let LoadedPack { pack, mut maps, .. } = load(&self.pack)?;
        let known = || maps.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let name = match (&self.map, maps.len()) {
            (Some(name), _) if maps.contains_key(name) => name.clone(),
            (Some(file), _) if Path::new(file).is_file() => {
                let map = import_map::read(Path::new(file), &pack)
                    .with_context(|| format!("the map `{file}` cannot be used"))?;
                return Ok((pack, map));
            }
            (Some(name), _) => bail!("`{name}` is neither a file nor a map of this pack, which has {}", known()),
            (None, 1) => maps.keys().next().cloned().unwrap_or_default(),
            (None, _) => bail!("say what the columns mean with `--map`: a file, or one of {}", known()),
        };
        let map = maps.remove(&name).context("the map is gone")?;
        Ok((pack, map))
    }

    fn encoding_word(&self) -> &'static str {
        match self.encoding {
            Encoding::Detect => "detect",
            Encoding::Cp1252 => "cp1252",
        }
    }

    fn open(&self, file: &Path) -> Result<Table> {
        Table::open(file, self.encoding).map_err(anyhow::Error::from)
    }
}

/// Returns a pack by the name under which it is shipped, or from its folder.
pub(crate) fn load(name: &str) -> Result<LoadedPack> {
    match files::find_shipped(name) {
        Some(files) => Ok(pack::read_files(&files)?),
        None if Path::new(name).is_dir() => {
            pack::read(Path::new(name)).with_context(|| format!("the pack `{name}` cannot be used"))
        }
        None => {
            let shipped: Vec<_> = files::shipped().map(|(name, _)| format!("`{name}`")).collect();
            bail!("`{name}` is neither a folder nor a pack that comes with Remit, which are {}", shipped.join(", "))
        }
    }
}

/// Progress on standard error: a line that is written over on a terminal, a line now and then elsewhere.
#[derive(Default)]
struct Meter {
    shown: Mutex<Option<Instant>>,
}

impl Meter {
    #[expect(
        clippy::disallowed_methods,
        reason = "the time bounds how often progress is told; nothing is decided by it"
    )]
    fn show(&self, Progress { done, total }: Progress) {
        let Ok(mut shown) = self.shown.lock() else { return };
        if done < total && shown.is_some_and(|at| at.elapsed() < PROGRESS_PAUSE) {
            return;
        }
        *shown = Some(Instant::now());
        let percent = 100 * done / total.max(1);
        if std::io::stderr().is_terminal() {
            mark!("\r{done} of {total} acts, {percent} %");
        } else {
            tell!("{done} of {total} acts, {percent} %");
        }
    }

    fn end(&self) {
        if std::io::stderr().is_terminal() && self.shown.lock().is_ok_and(|shown| shown.is_some()) {
            tell!();
        }
    }
}

/// What a command found, in words.
pub(crate) trait Tell: Serialize {
    fn words(&self) -> String;
}

/// Prints what a command found.
pub(crate) fn tell(found: &impl Tell, json: bool) -> Result<()> {
    if json {
        say!("{}", serde_json::to_string(found)?);
    } else {
        say!("{}", found.words());
    }
    Ok(())
}

impl Tell for Imported {
    fn words(&self) -> String {
        use std::fmt::Write as _;
        let Self {
            engagement,
            figures,
            cases,
            readings,
            panels,
            extra,
            suggestions,
            ignored,
            duplicates,
            rejected,
            unplaced,
        } = self;
        let mut words = format!(
            "{engagement}\n{cases} cases and {readings} panel readings recorded, {extra} extra readings, {suggestions} suggestions\n\
             panels: {} agreed, {} disputed, {} with one reading\n\
             {ignored} rows ignored, {duplicates} duplicates, {} rejected, {} passages not placed\n\
             Imported: times, authors and blindness as claimed by the file, not witnessed by Remit",
            panels.agreed,
            panels.disputed,
            panels.single,
            rejected.len(),
            unplaced.len()
        );
        words.push_str(&named("rejected", rejected));
        words.push_str(&named("not placed", unplaced));
        // Writing into a text cannot fail.
        let _ = write!(
            words,
            "\n\nHow far the readers agree stands under {figures} of the server that `remit serve` starts, and is printed by\n  remit quality report --engagement {engagement}"
        );
        words
    }
}

impl Tell for CasesTaken {
    fn words(&self) -> String {
        let Self { engagement, cases, stopped, duplicates, rejected } = self;
        let mut words = format!(
            "{engagement}\n{cases} cases taken in, {stopped} of them stopped at the scope gate, {duplicates} here already, {} rejected",
            rejected.len()
        );
        words.push_str(&named("rejected", rejected));
        words
    }
}

fn named(what: &str, rows: &[Reported]) -> String {
    use std::fmt::Write as _;
    let mut words = String::new();
    for Reported { file, row, reason } in rows.iter().take(NAMED_MAX) {
        // Writing into a text cannot fail.
        let _ = write!(words, "\n{what}: {file}, row {row}: {reason}");
    }
    if let Some(more) = rows.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        let _ = write!(words, "\nand {more} more; `--json` names them all");
    }
    words
}
