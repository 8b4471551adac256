//! The benchmark: what Remit's work costs, each figure held against a reference measured in the same run.
//!
//! Run as `cargo xtask bench`, which builds this and `remit` optimised. Prints one table; `docs/performance.md` says
//! how to read it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to the person who started it")]

mod measure;
mod next;
mod pages;
mod start;
mod submit;
mod table;
mod world;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Parser;

#[derive(Parser)]
#[command(name = "remit-bench", about = "Measures Remit and prints one table of ratios")]
struct Cli {
    /// Open cases among which the next one is found
    #[arg(long, default_value_t = 100_000)]
    cases: usize,
    /// A little of everything, once: shows that it runs, measures nothing well
    #[arg(long)]
    quick: bool,
    /// The program to start, to import with and to verify with
    #[arg(long, value_name = "PATH")]
    remit: PathBuf,
    /// A folder on the disk to be measured; emptied first and removed at the end
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    if cli.data.exists() {
        std::fs::remove_dir_all(&cli.data).with_context(|| format!("emptying {}", cli.data.display()))?;
    }
    let (repetitions, requests, cases) = if cli.quick { (1, 20, cli.cases / 100) } else { (5, 200, cli.cases) };
    let mut rows = Vec::new();
    eprintln!("readings are sealed ...");
    rows.extend(submit::rows(&cli.data.join("submit"), repetitions).await?);
    eprintln!("pages are shown ...");
    rows.extend(pages::rows(&cli.data.join("pages"), requests).await?);
    eprintln!("the server starts ...");
    rows.extend(start::rows(&cli.remit, &cli.data.join("start"), repetitions)?);
    eprintln!("{cases} cases come in, and the next one is claimed ...");
    rows.extend(next::rows(&cli.data.join("next"), cases).await?);
    println!("{}", table::table(&rows));
    std::fs::remove_dir_all(&cli.data).with_context(|| format!("removing {}", cli.data.display()))
}
