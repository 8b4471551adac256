//! `remit quality`: judgement measured, of an engagement or on anybody's labels.

mod agreement;
mod draw;
mod input;
mod recompute;
mod replay;
mod report;

use anyhow::Result;
use clap::Subcommand;

/// Measures judgement: how far readers agree, what is true, what to check.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Figures,
}

#[derive(Debug, Subcommand)]
enum Figures {
    /// Measures how far the workers of a file of labels agree.
    Agreement(agreement::Args),
    /// Prints agreement by question and pair of an engagement.
    Report(report::Args),
    /// Draws the lots of an export again from their opened seeds.
    Draw(draw::Args),
    /// Computes the certificates of an export again from its events.
    Recompute(recompute::Args),
}

pub(crate) async fn run(args: Args) -> Result<()> {
    match args.command {
        Figures::Agreement(args) => agreement::run(&args),
        Figures::Report(args) => report::run(args).await,
        Figures::Draw(args) => draw::run(&args),
        Figures::Recompute(args) => recompute::run(&args),
    }
}
