//! What goes wrong in operation, done on purpose to a real server, and what must hold. Run as `cargo xtask faults`.
//!
//! Each row is a test of the list in `docs/guarantees.md`. The clients are separate from the server and keep a journal of
//! what they were answered; after each fault everything acknowledged is asked for again, and the record is verified.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to the person who started it")]

mod clock;
mod crash;
mod database;
mod disk;
mod duplicate;
mod failover;
mod http;
mod load;
mod memory;
mod overload;
mod patroni;
mod power;
mod proxy;
mod serve;
mod server;
mod site;
mod table;
mod upgrade;
mod watch;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand, ValueEnum};

use remit_simulation::world::Size;

use crate::{
    crash::End,
    site::{Place, Site},
    table::{Row, Verdict},
    watch::Watch,
};

#[derive(Parser)]
#[command(name = "remit-faults", about = "Does to a real server what goes wrong in operation, and says what held")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the rows and prints them
    Run(Run),
    /// Runs R10: the leader of a pair of PostgreSQL servers is killed, frozen and cut off
    Failover(failover::Args),
    /// Makes a data folder with people who can act, and prints one JSON object that names them
    Site {
        /// Where; emptied first
        dir: PathBuf,
    },
    /// Serves without limits on how often one person may ask, for the rows that act as one person ten thousand times
    Serve(serve::Args),
}

#[derive(clap::Args)]
struct Run {
    /// As many rounds as the list asks for, instead of a few
    #[arg(long)]
    long: bool,
    /// Only these rows
    #[arg(long, value_enum, value_delimiter = ',', value_name = "ROWS", ignore_case = true)]
    only: Vec<Id>,
    /// On which database
    #[arg(long, value_enum, default_value = "sqlite")]
    database: Database,
    /// The PostgreSQL server on which sites are made, each in a place of its own
    #[arg(long, value_name = "URL", required_if_eq_any([("database", "postgres"), ("database", "both")]))]
    server: Option<String>,
    /// The program to do it to
    #[arg(long, value_name = "PATH")]
    remit: PathBuf,
    /// The library that fails a disk
    #[arg(long, value_name = "PATH")]
    disk: PathBuf,
    /// A folder to work in; what failed is left there
    #[arg(long, value_name = "DIR")]
    work: PathBuf,
}

/// The rows, by their names in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Id {
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R14,
    R15,
    R16,
    R17,
    R18,
    /// Not in that list: nodes restarted one after the other.
    Rolling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
    Both,
}

fn main() -> Result<ExitCode> {
    match Cli::parse().command {
        Command::Failover(args) => Ok(failover::run(&args)),
        Command::Serve(args) => serve::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Site { dir } => {
            let site = Site::make(&dir, Size { clients: 2, readers: 2, volume_max: None })?;
            println!(
                "{}",
                serde_json::json!({
                    "data": site.data, "engagement": site.world.engagement, "client": site.clients[0],
                    "reader": site.readers[0], "delivery": site.delivery,
                })
            );
            Ok(ExitCode::SUCCESS)
        }
        Command::Run(run) => rows(&run),
    }
}

fn rows(run: &Run) -> Result<ExitCode> {
    let mut broke = 0;
    let own = std::env::current_exe().context("finding this program")?;
    for id in Id::value_variants().iter().filter(|id| run.only.is_empty() || run.only.contains(id)) {
        let watch = Watch::start();
        let folder = (run.database != Database::Postgres).then(|| row(*id, run, &own));
        let server = (run.database != Database::Sqlite).then(|| on_server(*id, run, &own));
        for row in [folder, server].into_iter().flatten() {
            broke += usize::from(row.broke());
            println!("{row}");
        }
        println!("{:15}{:.0} s", "", watch.elapsed().as_secs_f64());
    }
    println!("{}", if broke == 0 { "all rows that were run held".to_owned() } else { format!("{broke} rows broke") });
    Ok(if broke == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs one row in a data folder.
fn row(id: Id, run: &Run, own: &Path) -> Row {
    let dir = run.work.join(format!("{id:?}"));
    let place = Place { dir: dir.clone(), server: None };
    let remit = run.remit.as_path();
    let few = |short: usize, long: usize| if run.long { long } else { short };
    let nothing_lost = "0 acknowledged acts lost, 0 doubled, the record verifies";
    match id {
        Id::R1 => {
            let rounds = few(10, 200);
            let mark = "0 acknowledged acts lost, 0 doubled, the record verifies, ready within 5 s";
            made("R1", "kill -9 under load", mark, rounds, crash::rounds(remit, &place, End::Kill, rounds))
        }
        Id::R2 => {
            let rounds = few(10, 50);
            made("R2", "power cut, unsynced writes forgotten", nothing_lost, rounds, power::cuts(&dir, rounds))
        }
        Id::R3 => {
            let rounds = few(10, 100);
            made("R3", "torn last page or frame", nothing_lost, rounds, power::torn(&dir, rounds))
        }
        Id::R4 => {
            let rounds = few(2, 12);
            let mark = "writes 507, reads go on, no partial act, recovers within 10 s";
            made("R4", "disk full at each further MiB", mark, rounds, disk::full(remit, &run.disk, &dir, rounds))
        }
        Id::R5 => {
            let rounds = few(3, 20);
            let mark = "the process ends, no sync is tried again, the restart is clean";
            made("R5", "a sync fails", mark, rounds, disk::sync_fails(remit, &run.disk, &dir, rounds))
        }
        Id::R6 => {
            let mark = "no crash, at most 512 MiB";
            made("R6", "1 GiB uploaded, 500 viewers", mark, 1, memory::row(remit, &dir))
        }
        Id::R7 => {
            let (what, mark) = ("the clock jumps by hours and days", "times never go back, an alarm is raised");
            match clock::library() {
                Some(library) => made("R7", what, mark, 1, clock::row(remit, &library, &dir)),
                None => not_shown("R7", what, mark, "needs Debian's package `libfaketime`"),
            }
        }
        Id::R8 => not_shown(
            "R8",
            "partition between application and database",
            "nothing acknowledged is absent, 503 within 5 s, back within 10 s",
            "SQLite has no network: `--database postgres`",
        ),
        Id::R9 => not_shown(
            "R9",
            "connection cut after COMMIT was sent",
            "the same request gives the same answer, 0 doubled",
            "SQLite has no connection: `--database postgres`",
        ),
        Id::R14 => {
            let seconds = if run.long { 600 } else { 4 };
            let mark = "80 % of the peak is done, p99 at most doubled, recovers within 30 s";
            made("R14", "overload, 5 times capacity", mark, 1, overload::row(own, &dir, Duration::from_secs(seconds)))
        }
        Id::R15 => {
            let rounds = few(5, 100);
            let mark = "0 acknowledged acts lost, ended within 20 s";
            made("R15", "SIGTERM under load", mark, rounds, crash::rounds(remit, &place, End::Terminate, rounds))
        }
        Id::R16 => {
            let duplicates = few(2_000, 10_000);
            let mark = "one effect, the same answer, 422 for another body";
            made("R16", "one key, many times at once", mark, duplicates, duplicate::row(own, &place, duplicates))
        }
        Id::R17 => {
            let rounds = few(5, 100);
            let mark = "volume and readings counted from events equal the rows and what was acknowledged";
            made("R17", "sums after kill -9 under load", mark, rounds, crash::rounds(remit, &place, End::Kill, rounds))
        }
        Id::R18 => {
            let rounds = few(4, 50);
            let mark = "0 acknowledged acts lost, all of an upgrade or nothing, the record verifies";
            made("R18", "upgrade after a stop under load", mark, rounds, upgrade::at_start(own, &place, rounds))
        }
        Id::Rolling => {
            let mark = "0 lost, what failed is done when sent again";
            not_shown("", "rolling restart of two nodes", mark, "a data folder has one node: `--database postgres`")
        }
    }
}

/// Why rows about the disk are not run on a server.
const DISK: &str = "the disk is the database server's own to keep";
/// Why others are not.
const SAME: &str = "it has been run on data folders only";

/// Runs one row on a database server.
fn on_server(id: Id, run: &Run, own: &Path) -> Row {
    let place = Place { dir: run.work.join(format!("{id:?}-postgres")), server: run.server.clone() };
    let remit = run.remit.as_path();
    let few = |short: usize, long: usize| if run.long { long } else { short };
    let nothing_lost = "0 acknowledged acts lost, 0 doubled, the record verifies";
    match id {
        Id::R1 => {
            let (rounds, kills) = (few(5, 200), few(1, 20));
            let done = crash::rounds(remit, &place, End::Kill, rounds)
                .and_then(|first| Ok(format!("{first}; {}", database::kill_backends(remit, &place, kills)?)));
            made("R1", "PostgreSQL: kill -9 of Remit, and of the database's processes", nothing_lost, rounds, done)
        }
        Id::R8 => {
            let (what, seconds) = ("PostgreSQL: the way to the database stalls, slows, is half open", few(6, 30));
            let mark = "nothing acknowledged is absent, 503 within 5 s, back within 10 s";
            made("R8", what, mark, 4, database::partition(remit, &place, seconds as u64))
        }
        Id::R9 => {
            let rounds = few(20, 1_000);
            let mark = "the same request is answered alike, 0 doubled";
            let done = database::cut_after_commit(own, &place, rounds);
            made("R9", "PostgreSQL: connection cut after COMMIT was sent", mark, rounds, done)
        }
        Id::R15 => {
            let rounds = few(3, 100);
            let mark = "0 acknowledged acts lost, ended within 20 s";
            let done = crash::rounds(remit, &place, End::Terminate, rounds);
            made("R15", "PostgreSQL: SIGTERM under load", mark, rounds, done)
        }
        Id::R16 => {
            let duplicates = few(2_000, 10_000);
            let mark = "one effect, the same answer, 422 for another body";
            let done = duplicate::row(own, &place, duplicates);
            made("R16", "PostgreSQL: one key, many times at once", mark, duplicates, done)
        }
        Id::R17 => {
            let rounds = few(3, 100);
            let mark = "volume and readings counted from events equal the rows and what was acknowledged";
            let done = crash::rounds(remit, &place, End::Kill, rounds);
            made("R17", "PostgreSQL: sums after kill -9 under load", mark, rounds, done)
        }
        Id::R18 => {
            let rounds = few(1, 10);
            let mark = "0 lost, what failed is done when sent again, every request answered within 5 s";
            let done = upgrade::live(own, &place, rounds);
            made("R18", "PostgreSQL: tables upgraded under two nodes under load", mark, rounds, done)
        }
        Id::Rolling => {
            let rounds = few(2, 20);
            let mark = "0 lost, what failed is done when sent again";
            let done = database::rolling(own, &place, rounds);
            made("", "PostgreSQL: rolling restart of two nodes under load", mark, rounds, done)
        }
        Id::R2 => folders_only("R2", DISK),
        Id::R3 => folders_only("R3", DISK),
        Id::R4 => folders_only("R4", DISK),
        Id::R5 => folders_only("R5", DISK),
        Id::R6 => folders_only("R6", SAME),
        Id::R7 => folders_only("R7", SAME),
        Id::R14 => folders_only("R14", SAME),
    }
}

/// A row that says why it was not run on a server.
fn folders_only(id: &'static str, why: &str) -> Row {
    not_shown(id, "PostgreSQL", "none: this row concerns data folders only", why)
}

fn made(id: &'static str, what: &'static str, mark: &'static str, rounds: usize, done: Result<String>) -> Row {
    let verdict = match done {
        Ok(figures) => Verdict::Held(figures),
        Err(error) => Verdict::Broke(format!("{error:#}")),
    };
    Row { id, what, mark, rounds, verdict }
}

fn not_shown(id: &'static str, what: &'static str, mark: &'static str, why: &str) -> Row {
    Row { id, what, mark, rounds: 0, verdict: Verdict::NotShown(why.to_owned()) }
}
