//! The benchmark: builds Remit and its measuring program optimised, and runs one after the other.

use std::{env, path::PathBuf, process::Command, thread};

use anyhow::{Context, Result};

use crate::{
    npm,
    postgres::{Cluster, Disk},
    step::{Steps, answer, cargo, run as finish},
};

/// Open cases among which the next one is found, unless another number is asked for.
pub(crate) const CASES: usize = 100_000;

/// How the two programs are built.
const BUILD: [&str; 6] = ["build", "--release", "-p", "remit-bench", "-p", "remit-cli"];

/// What is measured.
pub(crate) struct Wanted {
    /// Open cases among which the next one is found.
    pub(crate) cases: usize,
    /// A little of everything.
    pub(crate) quick: bool,
    /// How the costs grow, instead.
    pub(crate) curve: bool,
    /// Parts; none means all.
    pub(crate) only: Vec<String>,
    /// Databases; none means both.
    pub(crate) on: Vec<String>,
}

/// Prints the machine and one table of ratios; `docs/performance.md` says how to read it.
pub(crate) fn run(wanted: &Wanted) -> Result<()> {
    let mut steps = Steps::default();
    steps.run("third-party scripts", || npm::install(npm::ASSETS))?;
    let target = steps.run("remit and its benchmark, optimised", build)?;
    let (release, cores) = (target.join("release"), thread::available_parallelism().context("counting the cores")?);
    let load = answer(Command::new("cut").args(["-d ", "-f1-3", "/proc/loadavg"])).unwrap_or_default();
    println!("\n{cores} cores, load before the run {load}\n");
    let cluster = steps.run("PostgreSQL", || Cluster::start(Disk::Durable))?;
    let mut bench = Command::new(release.join("remit-bench"));
    bench.args(["--server", &cluster.url()]);
    let Wanted { cases, quick, curve, only, on } = wanted;
    bench.args(["--cases", &cases.to_string()]).args(quick.then_some("--quick")).args(curve.then_some("--curve"));
    for (flag, words) in [("--only", only), ("--on", on)] {
        bench.args(words.iter().flat_map(|word| [flag, word]));
    }
    bench.arg("--remit").arg(release.join("remit")).arg("--data").arg(target.join("bench-data"));
    finish(&mut bench)
}

/// Builds the two programs and returns the target folder.
fn build() -> Result<PathBuf> {
    finish(cargo().args(BUILD))?;
    folder()
}

/// Builds the two programs with the names of their functions, for a profile, and returns the target folder.
pub(crate) fn build_with_names() -> Result<PathBuf> {
    let kept = ["remit-bench", "remit-cli"].map(|name| format!("profile.release.package.{name}.strip=\"none\""));
    finish(cargo().args(BUILD).args(kept.iter().flat_map(|kept| ["--config", kept])))?;
    folder()
}

/// Returns the target folder.
pub(crate) fn folder() -> Result<PathBuf> {
    // This very program lies in the folder of its profile, wherever the target folder is.
    let own = env::current_exe().context("finding the target folder")?;
    Ok(own.ancestors().nth(2).context("finding the target folder")?.to_owned())
}
