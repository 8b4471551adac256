//! The benchmark: what Remit's work costs, each figure held against a reference measured in the same run.
//!
//! Run as `cargo xtask bench`, which builds this and `remit` optimised. Prints one table; `docs/performance.md` says
//! how to read it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to the person who started it")]

mod curve;
mod figures;
mod import;
mod large;
mod measure;
mod next;
mod pages;
mod place;
mod program;
mod round;
mod start;
mod submit;
mod table;
mod world;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, ValueEnum};
use mimalloc::MiMalloc;

use crate::{
    place::{Database, Place},
    table::Row,
};

/// The one that `remit` has.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Documents of 300 kB that are taken in.
const DOCUMENTS: usize = 1_000;

#[derive(Parser)]
#[command(name = "remit-bench", about = "Measures Remit and prints one table of ratios")]
struct Cli {
    /// Open cases among which the next one is found
    #[arg(long, default_value_t = 100_000)]
    cases: usize,
    /// Readings of the past that are taken in
    #[arg(long, default_value_t = 100_000)]
    readings: usize,
    /// Grow one engagement to 10,000, 100,000 and 1,000,000 cases instead, and print how the costs grow
    #[arg(long, conflicts_with = "only")]
    curve: bool,
    /// Do so many rounds of fixed work instead, one act after the other, and print nothing: for counting instructions
    #[arg(long, conflicts_with_all = ["only", "curve"])]
    rounds: Option<usize>,
    /// A little of everything, once: shows that it runs, measures nothing well
    #[arg(long)]
    quick: bool,
    /// Only these parts; without it, all
    #[arg(long, value_enum, value_name = "PART", value_delimiter = ',')]
    only: Vec<Part>,
    /// Only on these databases; without it, on both if there is a server
    #[arg(long, value_enum, value_name = "DATABASE", value_delimiter = ',')]
    on: Vec<Database>,
    /// The program to start and to import with
    #[arg(long, value_name = "PATH")]
    remit: PathBuf,
    /// Address of a PostgreSQL server, to measure it beside the data folder
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// A folder on the disk to be measured; emptied first and removed at the end
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

/// What is measured, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Submit,
    Next,
    Pages,
    Import,
    Large,
    Start,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    empty(&cli.data)?;
    if let Some(rounds) = cli.rounds {
        // One thread, so that nothing hangs on which of two was faster.
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(round::run(&cli.data, rounds))?;
        return empty(&cli.data);
    }
    tokio::runtime::Runtime::new()?.block_on(run(cli))
}

async fn run(cli: Cli) -> Result<()> {
    if cli.curve {
        let share = if cli.quick { 100 } else { 1 };
        let sizes = curve::SIZES.map(|size| size / share);
        let mut lines = vec![curve::head()];
        for server in cli.servers()? {
            lines.extend(curve::lines(&Place::fresh(&cli.data, server).await?, &sizes).await?);
        }
        println!("{}", table::aligned(&lines));
        return empty(&cli.data);
    }
    let mut rows = Vec::new();
    for part in Part::value_variants().iter().filter(|part| cli.only.is_empty() || cli.only.contains(part)) {
        eprintln!("measuring: {part:?}");
        rows.extend(measure(*part, &cli).await?);
    }
    println!("{}", table::table(&rows));
    let (met, held) = table::judged(&rows);
    println!("{met} of {held} goals met");
    empty(&cli.data)
}

impl Cli {
    /// Returns where to measure: in a data folder where there is none, or on a server.
    fn servers(&self) -> Result<Vec<Option<&str>>> {
        let wanted = |database| self.on.is_empty() || self.on.contains(&database);
        let server = self.server.as_deref().filter(|_| wanted(Database::Postgres));
        let folder = wanted(Database::Sqlite).then_some(None);
        ensure!(folder.is_some() || server.is_some(), "PostgreSQL is measured on a server: say where by `--server`");
        Ok(folder.into_iter().chain(server.map(Some)).collect())
    }
}

async fn measure(part: Part, cli: &Cli) -> Result<Vec<Row>> {
    let (repetitions, requests, share) = if cli.quick { (1, 20, 100) } else { (5, 200, 1) };
    let mut rows = Vec::new();
    for server in cli.servers()? {
        let dir = cli.data.join(format!("{part:?}")).join(if server.is_some() { "server" } else { "folder" });
        let fresh = Place::fresh(&dir, server);
        rows.extend(match part {
            Part::Submit => submit::rows(&dir, server, repetitions).await?,
            Part::Next => next::rows(&fresh.await?, cli.cases / share, next::PEOPLE / share.min(10)).await?,
            Part::Pages => pages::rows(&fresh.await?, requests).await?,
            Part::Import => import::rows(&cli.remit, &fresh.await?, &dir, cli.readings / share).await?,
            Part::Large => large::rows(&cli.remit, &dir, server, DOCUMENTS / share).await?,
            Part::Start => start::rows(&cli.remit, &fresh.await?, repetitions)?,
        });
    }
    Ok(rows)
}

/// Removes a folder that may be absent.
fn empty(dir: &Path) -> Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("emptying {}", dir.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
