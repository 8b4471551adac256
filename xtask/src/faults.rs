//! The faults: builds Remit, the program that does harm and the library that fails a disk, and runs them.

use std::{env, process::Command};

use anyhow::{Context, Result};

use crate::{
    postgres::{Cluster, Disk},
    step::{Steps, cargo, run as finish},
};

/// Prints one row for each test; `docs/guarantees.md` says what they mean.
pub(crate) fn run(long: bool, only: &[String], database: &str) -> Result<()> {
    let mut steps = Steps::default();
    steps.run("remit and what does it harm", || {
        finish(cargo().args(["build", "-p", "remit-cli", "-p", "remit-faults", "--bins"]))?;
        finish(cargo().args(["build", "-p", "remit-faultfs", "--examples"]))
    })?;
    // This very program lies beside the others, wherever the target folder is.
    let own = env::current_exe().context("finding the target folder")?;
    let mut faults = Command::new(own.with_file_name("remit-faults"));
    faults.arg("run").args(long.then_some("--long")).args(["--database", database]);
    // It ends with this function, and its data with it.
    let cluster = if database == "sqlite" { None } else { Some(Cluster::start(Disk::Durable)?) };
    if let Some(cluster) = &cluster {
        faults.args(["--server", &cluster.url()]);
    }
    faults.args(only.iter().flat_map(|row| ["--only", row]));
    faults.arg("--remit").arg(own.with_file_name("remit"));
    faults.arg("--disk").arg(own.with_file_name("examples").join("libfailing_disk.so"));
    faults.arg("--work").arg(own.with_file_name("faults-data"));
    finish(&mut faults)
}
