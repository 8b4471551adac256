//! The one binary: `remit`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks through them")]

mod import;
mod init;
mod instance;
mod pack;
mod serve;
mod user;

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
    /// Takes cases and readings in from files.
    Import(import::Args),
    /// Sets up an empty installation: the first organisation and its operator.
    Init(init::Args),
    /// Checks practice packs.
    Pack(pack::Args),
    /// Serves the pages and the API.
    Serve(serve::Args),
    /// Gives people a way to sign in.
    User(user::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Import(args) => import::run(args).await,
        Command::Init(args) => init::run(args).await,
        Command::Pack(args) => pack::run(args),
        Command::Serve(args) => serve::run(args).await,
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
