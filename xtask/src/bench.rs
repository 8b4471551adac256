//! The benchmark: builds Remit and its measuring program optimised, and runs one after the other.

use std::{env, path::PathBuf, process::Command, thread};

use anyhow::{Context, Result};

use crate::step::{Steps, answer, cargo, run as finish};

/// Open cases among which the next one is found, unless another number is asked for.
pub(crate) const CASES: usize = 100_000;

/// Prints the machine and one table of ratios; `docs/performance.md` says how to read it.
pub(crate) fn run(cases: usize, quick: bool) -> Result<()> {
    let mut steps = Steps::default();
    let target = steps.run("remit and its benchmark, optimised", build)?;
    let (release, cores) = (target.join("release"), thread::available_parallelism().context("counting the cores")?);
    let load = answer(Command::new("cut").args(["-d ", "-f1-3", "/proc/loadavg"])).unwrap_or_default();
    println!("\n{cores} cores, load before the run {load}\n");
    let mut bench = Command::new(release.join("remit-bench"));
    bench.args(["--cases", &cases.to_string()]).args(quick.then_some("--quick"));
    bench.arg("--remit").arg(release.join("remit")).arg("--data").arg(target.join("bench-data"));
    finish(&mut bench)
}

/// Builds the two programs and returns the target folder.
fn build() -> Result<PathBuf> {
    finish(cargo().args(["build", "--release", "-p", "remit-bench", "-p", "remit-cli"]))?;
    // This very program lies in the folder of its profile, wherever the target folder is.
    let own = env::current_exe().context("finding the target folder")?;
    Ok(own.ancestors().nth(2).context("finding the target folder")?.to_owned())
}
