//! `remit-simulate`: plays seeds and says which fail. Run as `cargo xtask simulate`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to the person who started it")]

use std::process::ExitCode;

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

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let folder = std::env::temp_dir().join(format!("remit-simulate-{}", std::process::id()));
    let (mut failed, mut acknowledged, mut crashes, mut forgotten) = (0_u64, 0, 0, 0);
    for seed in cli.seed..cli.seed.saturating_add(cli.seeds) {
        let plan = Plan { lax: cli.lax, ..Plan::of_seed(seed) };
        let outcome = run(&folder, plan).with_context(|| format!("seed {seed}"))?;
        acknowledged += outcome.acknowledged;
        crashes += outcome.crashes;
        forgotten += outcome.forgotten_bytes;
        if let Some(failure) = outcome.failure {
            failed += 1;
            println!("seed {seed}: {failure}\n  again: cargo xtask simulate --seeds 1 --seed {seed}");
        }
    }
    std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    println!(
        "{} seeds, {acknowledged} acts acknowledged, {crashes} crashes, {forgotten} bytes forgotten: {failed} failed",
        cli.seeds
    );
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
