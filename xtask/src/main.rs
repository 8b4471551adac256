//! Chores in Rust, run as `cargo xtask …`: the demo, the tests, the browser journeys and the checks of house style.
//!
//! Each chore says what it does and how long it took. It ends with 0, with 1 on a failure, or with 2 when this machine
//! lacks something that the chore may not install by itself.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to the person who started it")]

mod bench;
mod browser;
mod demo;
mod e2e;
mod failover;
mod faults;
mod flame;
mod fuzz;
mod instructions;
mod npm;
mod package;
mod postgres;
mod quality;
mod schemathesis;
mod simulate;
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
    /// Builds Remit and starts it here with four demo engagements; the data stays in `demo-data`
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
        /// `quality`: measures truth inference and agreement instead, beside other programs
        #[arg(value_parser = ["quality"])]
        part: Option<String>,
        /// Open cases among which the next one is found
        #[arg(long, default_value_t = bench::CASES)]
        cases: usize,
        /// A little of everything, once: shows that it runs, measures nothing well
        #[arg(long)]
        quick: bool,
        /// Print instead how the costs grow from 10,000 to 1,000,000 cases; takes an hour
        #[arg(long)]
        curve: bool,
        /// Only these parts: submit, next, pages, import, large, start; without it, all
        #[arg(long, value_name = "PART", value_delimiter = ',', conflicts_with = "curve")]
        only: Vec<String>,
        /// Only on these databases: sqlite, postgres; without it, on both
        #[arg(long, value_name = "DATABASE", value_delimiter = ',')]
        on: Vec<String>,
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
    /// Builds the Debian package, looks into it and tries it
    Package {
        /// Take the binary that `cargo build --release -p remit-cli` left, instead of building it
        #[arg(long)]
        built: bool,
    },
    /// Starts a throw-away PostgreSQL on a free loopback port and keeps it until Enter is pressed
    Postgres,
    /// Does to a real server what goes wrong in operation, and prints what held; exits with 1 if something did not
    Faults {
        /// As many rounds as the list in `docs/guarantees.md` asks for, instead of a few
        #[arg(long)]
        long: bool,
        /// Only these rows, such as `R1,R2`
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
        /// On which database: `sqlite`, `postgres` or `both`
        #[arg(long, default_value = "sqlite")]
        database: String,
    },
    /// Takes the leader away from a pair of PostgreSQL servers under load: killed, frozen, cut from who decides
    Failover {
        /// Rounds of each kind
        #[arg(long, default_value_t = failover::ROUNDS)]
        rounds: usize,
        /// Only this kind: `kill`, `freeze` or `cut`
        #[arg(long)]
        only: Option<String>,
    },
    /// Plays the application in worlds made from seeds, with crashes, failing disks and jumping clocks
    Simulate {
        /// How many seeds are played
        #[arg(long, default_value_t = simulate::SEEDS)]
        seeds: u64,
        /// The first seed; with `--seeds 1` it plays one again
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Throws bytes at every parser and at `decide`, guided by coverage
    Fuzz {
        /// How long for each target
        #[arg(long, default_value_t = fuzz::SECONDS)]
        seconds: u32,
        /// Only the targets whose name contains this
        name: Option<String>,
    },
    /// Asks a running server everything that its OpenAPI document allows, and holds it to what it promises there
    Schemathesis {
        /// Examples for each operation
        #[arg(long, default_value_t = schemathesis::EXAMPLES)]
        examples: u32,
        /// Where chance begins
        #[arg(long, default_value_t = 1)]
        seed: u64,
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
        Chore::Bench { part: Some(_), .. } => quality::run(),
        Chore::Bench { part: None, cases, quick, curve, only, on } => {
            bench::run(&bench::Wanted { cases, quick, curve, only, on })
        }
        Chore::Flame { part, samples, picture } => flame::run(&part, samples, &picture),
        Chore::Instructions { renew } => instructions::run(renew),
        Chore::Package { built } => package::run(built),
        Chore::Postgres => postgres::keep(),
        Chore::Faults { long, only, database } => faults::run(long, &only, &database),
        Chore::Failover { rounds, only } => failover::run(rounds, only.as_deref()),
        Chore::Simulate { seeds, seed } => simulate::run(seeds, seed),
        Chore::Fuzz { seconds, name } => fuzz::run(seconds, name.as_deref()),
        Chore::Schemathesis { examples, seed } => schemathesis::run(examples, seed),
        Chore::Tidy => tidy::run(),
    }
}
