//! `remit-simulate`: plays seeds and says which fail. Run as `cargo xtask simulate`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to the person who started it")]

use std::{
    path::Path,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, Result};
use clap::Parser;
use remit_simulation::{Plan, run};

#[derive(Parser)]
#[command(name = "remit-simulate", about = "Plays Remit in worlds made from seeds and says which fail")]
struct Cli {
    /// How many seeds are played
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Plant a bug: `synchronous=NORMAL`, under which a power cut loses acknowledged acts
    #[arg(long)]
    lax: bool,
}

/// What all seeds came to.
#[derive(Debug, Default)]
struct Total {
    failed: u64,
    acknowledged: usize,
    reviewed: usize,
    shown: usize,
    crashes: usize,
    forgotten_bytes: u64,
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let folder = std::env::temp_dir().join(format!("remit-simulate-{}", std::process::id()));
    let next = AtomicU64::new(cli.seed);
    let total = Mutex::new(Total::default());
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    std::thread::scope(|scope| {
        let working: Vec<_> = (0..workers)
            .map(|worker| {
                let (folder, next, total, cli) = (folder.join(worker.to_string()), &next, &total, &cli);
                scope.spawn(move || work(&folder, cli, next, total))
            })
            .collect();
        working.into_iter().try_for_each(|worker| match worker.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    let Total { failed, acknowledged, reviewed, shown, crashes, forgotten_bytes } =
        total.into_inner().unwrap_or_default();
    println!(
        "{} seeds, {acknowledged} acts acknowledged, {reviewed} reviews finished, gold shown {shown} times, {crashes} crashes, {forgotten_bytes} bytes forgotten: {failed} failed",
        cli.seeds
    );
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays seed after seed until none is left.
fn work(folder: &Path, cli: &Cli, next: &AtomicU64, total: &Mutex<Total>) -> Result<()> {
    loop {
        let seed = next.fetch_add(1, Ordering::SeqCst);
        if seed >= cli.seed.saturating_add(cli.seeds) {
            return Ok(());
        }
        let plan = Plan { lax: cli.lax, ..Plan::of_seed(seed) };
        let outcome = run(folder, plan).with_context(|| format!("seed {seed}"))?;
        let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
        total.acknowledged += outcome.acknowledged;
        total.reviewed += outcome.reviewed;
        total.shown += outcome.shown;
        total.crashes += outcome.crashes;
        total.forgotten_bytes += outcome.forgotten_bytes;
        if let Some(failure) = outcome.failure {
            total.failed += 1;
            println!("seed {seed}: {failure}\n  again: cargo xtask simulate --seeds 1 --seed {seed}");
        }
    }
}
