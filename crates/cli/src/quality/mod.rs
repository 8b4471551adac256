//! `remit quality`: judgement measured, of an engagement or on anybody's labels.

mod adaptive;
mod agreement;
mod draw;
mod gold;
mod input;
mod plan;
mod recompute;
mod replay;
mod report;
mod truth;

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
    /// Replays recorded readings and buys as many as a rule asks for.
    Adaptive(adaptive::Args),
    /// Measures how far the workers of a file of labels agree.
    Agreement(agreement::Args),
    /// Says how many items to check and how many defects to bear.
    Plan(plan::Args),
    /// Prints agreement by question and pair of an engagement.
    Report(report::Args),
    /// Infers the true answer of each task, and how reliable each worker is.
    Truth(truth::Args),
    /// Draws the lots of an export again from their opened seeds.
    Draw(draw::Args),
    /// Computes the certificates of an export again from its events.
    Recompute(recompute::Args),
}

pub(crate) async fn run(args: Args) -> Result<()> {
    match args.command {
        Figures::Adaptive(args) => adaptive::run(&args),
        Figures::Agreement(args) => agreement::run(&args),
        Figures::Plan(args) => plan::run(&args),
        Figures::Report(args) => report::run(args).await,
        Figures::Truth(args) => truth::run(&args),
        Figures::Draw(args) => draw::run(&args),
        Figures::Recompute(args) => recompute::run(&args),
    }
}
