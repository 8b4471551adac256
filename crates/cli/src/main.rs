//! The one binary: `remit`.

#[macro_use]
mod out;

mod backup;
mod check_config;
mod db;
mod export;
mod import;
mod init;
mod instance;
mod pack;
mod quality;
mod remote;
mod restore;
mod serve;
mod settings;
mod user;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use remit_store::StoreError;

/// Acts, pages and replays make many small things on many threads: this allocator takes a tenth off their time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Remit: the operating system for knowledge process outsourcing.
#[derive(Debug, Parser)]
#[command(name = "remit", version, about, long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Copies the data of an installation while it is served, or rehearses losing it.
    Backup(backup::Args),
    /// Checks the settings of `remit serve`, and shows each with its origin.
    CheckConfig(check_config::Args),
    /// Copies a whole installation from one database to another.
    Db(db::Args),
    /// Writes an engagement as JSON Lines.
    Export(export::Args),
    /// Takes cases and readings in from files.
    Import(import::Args),
    /// Sets up an empty installation: the first organisation and its operator.
    Init(init::Args),
    /// Checks practice packs.
    Pack(pack::Args),
    /// Measures judgement: how far readers agree, what is true, what to check.
    Quality(quality::Args),
    /// Puts a backup in place, once it is verified.
    Restore(restore::Args),
    /// Serves the pages and the API.
    Serve(serve::Args),
    /// Replays every event and names the first difference.
    Verify(verify::Args),
    /// Gives people a way to sign in.
    User(user::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Backup(args) => backup::run(args).await,
        Command::CheckConfig(args) => check_config::run(&args),
        Command::Db(args) => db::run(args).await,
        Command::Export(args) => export::run(args).await,
        Command::Import(args) => import::run(args).await,
        Command::Init(args) => init::run(args).await,
        Command::Pack(args) => pack::run(args),
        Command::Quality(args) => quality::run(args).await,
        Command::Restore(args) => restore::run(args).await,
        Command::Serve(args) => serve::run(args).await,
        Command::Verify(args) => match verify::run(args).await {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::User(args) => user::run(args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell!("remit: {error:#}");
            for hint in hints(&error) {
                tell!("{hint}");
            }
            if broken(&error) { ExitCode::from(StoreError::BROKEN_EXIT) } else { ExitCode::FAILURE }
        }
    }
}

/// Returns what to do about each reason of a refusal.
fn hints(error: &anyhow::Error) -> Vec<&str> {
    let refused = error.chain().find_map(|cause| match cause.downcast_ref() {
        Some(remit_server::Error::Refused(refusal)) => Some(refusal),
        Some(_) | None => None,
    });
    let reasons = refused.map(|refusal| &refusal.reasons[..]).unwrap_or_default();
    reasons.iter().map(|reason| reason.hint.as_str()).filter(|hint| !hint.is_empty()).collect()
}

/// Returns whether the disk failed to make writes last, which has an exit code of its own.
fn broken(error: &anyhow::Error) -> bool {
    use remit_server::Error;
    error.chain().any(|cause| {
        matches!(cause.downcast_ref(), Some(StoreError::Broken))
            || matches!(cause.downcast_ref(), Some(Error::Store(StoreError::Broken)))
    })
}
