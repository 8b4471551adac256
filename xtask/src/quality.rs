//! `cargo xtask bench quality`: what truth inference and agreement cost and how right they are, beside other programs.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;

use crate::{
    bench,
    step::{Steps, answer, cargo, run as finish},
};

/// Where the recorded sets lie, beside the repository.
const SETS: &str = "../shared/data";
/// The other programs, as they are installed into an environment of their own. crowd-kit does not bound scikit-learn.
const PEERS: [&str; 4] = ["crowd-kit==1.4.2", "krippendorff==0.9.0", "scikit-learn<1.6", "pandas<3"];

/// Prints one table; `docs/quality.md` says how to read it.
pub(crate) fn run() -> Result<()> {
    let mut steps = Steps::default();
    let target = bench::folder()?;
    steps.run("the measuring programs, optimised", || {
        finish(cargo().args(["build", "--release", "-p", "remit-stats", "--examples"]))
    })?;
    let (examples, folder) = (target.join("release/examples"), target.join("quality-bench"));
    let peers = steps.run("other programs", || Ok(peers(&target.join("quality-peers"))))?;
    println!();
    finish(Command::new(examples.join("quality")).arg(&folder).arg(SETS))?;
    println!("\nAgreement, with intervals:\n");
    finish(&mut Command::new(examples.join("million_labels")))?;
    println!("\nOther programs on the same generated labels:\n");
    let Some(python) = peers else {
        println!(
            "skipped: crowd-kit and krippendorff cannot be installed here (python3 with venv, and PyPI, are needed)"
        );
        return Ok(());
    };
    println!("| what | measured | goal | |\n|---|---|---|---|");
    finish(Command::new(python).arg("xtask/src/quality_peers.py").arg(&folder))
}

/// Installs the other programs into a folder and returns its Python, or nothing if this machine cannot.
fn peers(folder: &Path) -> Option<PathBuf> {
    let python = folder.join("bin/python");
    if !python.exists() {
        answer(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    }
    let installed =
        |python: &Path| answer(Command::new(python).args(["-c", "import crowdkit, krippendorff"])).is_some();
    if !installed(&python) {
        answer(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PEERS))?;
    }
    installed(&python).then_some(python)
}
