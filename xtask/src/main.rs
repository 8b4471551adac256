//! Chores in Rust, run as `cargo xtask …`: the demo, the tests, the browser journeys and the checks of house style.
//!
//! Each chore says what it does and how long it took. It ends with 0, with 1 on a failure, or with 2 when this machine
//! lacks something that the chore may not install by itself.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to the person who started it")]

mod bench;
mod browser;
mod demo;
mod e2e;
mod flame;
mod instructions;
mod npm;
mod step;
mod test;
mod tidy;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::step::Missing;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Chores of the Remit workspace", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Builds Remit and starts it here with two demo engagements; the data stays in `demo-data`
    Demo {
        /// Remove the data of earlier demos first
        #[arg(long)]
        fresh: bool,
        /// The loopback port to listen on
        #[arg(long, default_value_t = demo::PORT)]
        port: u16,
    },
    /// Installs what the tests need and runs them all: unit, integration, documentation, browser
    Test,
    /// Runs the browser journeys against a server of their own
    E2e {
        /// Only journeys whose file name contains this
        name: Option<String>,
        /// Show the browser
        #[arg(long)]
        headed: bool,
    },
    /// Writes the README's pictures to `docs/screenshots`
    Screenshots,
    /// Installs the third-party scripts that the server embeds
    Assets,
    /// Measures Remit against references in the same run and prints one table of ratios
    Bench {
        /// Open cases among which the next one is found
        #[arg(long, default_value_t = bench::CASES)]
        cases: usize,
        /// A little of everything, once: shows that it runs, measures nothing well
        #[arg(long)]
        quick: bool,
        /// Print instead how the costs grow from 10,000 to 1,000,000 cases; takes an hour
        #[arg(long)]
        curve: bool,
    },
    /// Draws a flame graph of one part of the benchmark, from what `perf` samples
    Flame {
        /// Part of the benchmark
        #[arg(default_value = "submit")]
        part: String,
        /// What `perf record --call-graph dwarf` left, instead of a new run
        #[arg(long)]
        samples: Option<PathBuf>,
        /// The picture to write
        #[arg(long, default_value = "docs/flame-submit.svg")]
        picture: String,
    },
    /// Counts instructions per act with callgrind; fails above the committed figure by a fifth
    Instructions {
        /// Write the committed figure anew instead
        #[arg(long)]
        renew: bool,
    },
    /// Checks the sentences of house style that a compiler cannot
    Tidy,
}

fn main() -> ExitCode {
    match run(Cli::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<Missing>() { 2 } else { 1 })
        }
    }
}

/// Runs one chore from the workspace's root, so that every path in this crate is relative to it.
fn run(chore: Chore) -> Result<()> {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").context("run this as `cargo xtask`")?;
    env::set_current_dir(Path::new(&manifest).join("..")).context("opening the workspace")?;
    match chore {
        Chore::Demo { fresh, port } => demo::run(fresh, port),
        Chore::Test => test::run(),
        Chore::E2e { name, headed } => e2e::journeys(name.as_deref(), headed),
        Chore::Screenshots => e2e::screenshots(),
        Chore::Assets => npm::install(npm::ASSETS),
        Chore::Bench { cases, quick, curve } => bench::run(cases, quick, curve),
        Chore::Flame { part, samples, picture } => flame::run(&part, samples, &picture),
        Chore::Instructions { renew } => instructions::run(renew),
        Chore::Tidy => tidy::run(),
    }
}
