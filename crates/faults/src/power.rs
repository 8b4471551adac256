//! R2 and R3: the power goes under the real store with its threads, on a disk in memory that forgets and tears.

use std::path::Path;

use anyhow::{Result, ensure};
use remit_faultfs::Survival;
use remit_simulation::{Crash, Outcome, Plan, run};

/// Acts of each client in each life.
const ACTS: usize = 20;

fn play(dir: &Path, seed: u64, lives: usize, survival: Survival, lax: bool) -> Result<Outcome> {
    let plan = Plan { seed, lives, acts: ACTS, crash: Crash::Power(survival), threads: true, reviewed: false, lax };
    let folder = dir.join(seed.to_string());
    run(&folder, plan)
}

fn held(outcome: &Outcome) -> Result<String> {
    if let Some(failure) = &outcome.failure {
        anyhow::bail!("{failure}");
    }
    Ok(format!(
        "{} acknowledged in {} lives cut short, 0 lost, 0 doubled, {} bytes forgotten",
        outcome.acknowledged, outcome.crashes, outcome.forgotten_bytes
    ))
}

/// Cuts the power so many times; and once more without full synchronisation, which must be found out.
pub(crate) fn cuts(dir: &Path, rounds: usize) -> Result<String> {
    let outcome = play(dir, 2, rounds, Survival::Any, false)?;
    let told = held(&outcome)?;
    let lax = play(dir, 3, rounds, Survival::Nothing, true)?;
    ensure!(lax.failure.is_some(), "`synchronous=NORMAL` was forced and no loss was found: the test proves nothing");
    Ok(format!("{told}; with NORMAL forced the loss is found"))
}

/// Tears the last write, or drops sectors, half of the rounds each.
pub(crate) fn torn(dir: &Path, rounds: usize) -> Result<String> {
    let prefix = held(&play(dir, 4, rounds.div_ceil(2), Survival::TornPrefix, false)?)?;
    let sectors = held(&play(dir, 5, rounds / 2, Survival::Sectors, false)?)?;
    Ok(format!("torn: {prefix}; sectors: {sectors}"))
}
