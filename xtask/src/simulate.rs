//! The simulation: builds it and plays seeds.

use std::{env, process::Command};

use anyhow::{Context, Result};

use crate::step::{Steps, cargo, run as finish};

/// Seeds played with each change.
pub(crate) const SEEDS: u64 = 100;

/// Plays seeds; a failing one is named with the command that plays it again.
pub(crate) fn run(seeds: u64, seed: u64) -> Result<()> {
    let mut steps = Steps::default();
    steps.run("the simulation", || finish(cargo().args(["build", "-p", "remit-simulation", "--bins"])))?;
    let own = env::current_exe().context("finding the target folder")?;
    let mut simulate = Command::new(own.with_file_name("remit-simulate"));
    simulate.args(["--seeds", &seeds.to_string(), "--seed", &seed.to_string()]);
    steps.run(&format!("{seeds} seeds from {seed}"), || finish(&mut simulate))
}
