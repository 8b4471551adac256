//! The one binary: `remit`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks through them")]

mod init;
mod instance;
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
    /// Sets up an empty installation: the first organisation and its operator.
    Init(init::Args),
    /// Serves the pages and the API.
    Serve(serve::Args),
    /// Gives people a way to sign in.
    User(user::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Init(args) => init::run(args).await,
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
