//! The one binary: `remit`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks through them")]

mod export;
mod import;
mod init;
mod instance;
mod pack;
mod quality;
mod serve;
mod user;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Remit: the operating system for knowledge process outsourcing.
#[derive(Debug, Parser)]
#[command(name = "remit", version, about, long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes an engagement as JSON Lines.
    Export(export::Args),
    /// Takes cases and readings in from files.
    Import(import::Args),
    /// Sets up an empty installation: the first organisation and its operator.
    Init(init::Args),
    /// Checks practice packs.
    Pack(pack::Args),
    /// Reports how far readers agree.
    Quality(quality::Args),
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
        Command::Export(args) => export::run(args).await,
        Command::Import(args) => import::run(args).await,
        Command::Init(args) => init::run(args).await,
        Command::Pack(args) => pack::run(args),
        Command::Quality(args) => quality::run(args).await,
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
            eprintln!("remit: {error:#}");
            ExitCode::FAILURE
        }
    }
}
