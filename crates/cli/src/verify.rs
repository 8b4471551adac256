//! `remit verify`: replays every event and names the first difference.

use std::{io::IsTerminal as _, process::ExitCode};

use anyhow::Result;
use remit_kernel::stream::Scope;
use remit_server::app::verify::Verified;

use crate::instance::Instance;

/// Replays every event and compares everything kept with what the events give.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    instance: Instance,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Returns failure if something differs.
pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let app = args.instance.open().await?;
    let caller = args.instance.caller(&app).await?;
    let terminal = std::io::stderr().is_terminal();
    let told = |events: u64| {
        if terminal {
            eprint!("\r{events} events replayed");
        }
    };
    let found = app.verify(&caller, Scope::Directory, told).await?;
    if terminal {
        eprintln!();
    }
    if args.json {
        println!("{}", serde_json::to_string(&found)?);
    } else {
        println!("{}", words(&found));
    }
    Ok(if found.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn words(found: &Verified) -> String {
    let counts = found.counts;
    let compared = format!(
        "{} events replayed in {} scopes; {} states, {} index rows, {} texts ({} erased) and {} entries compared",
        counts.events, counts.scopes, counts.snapshots, counts.rows, counts.texts, counts.erased, counts.entries
    );
    match &found.first_difference {
        None => format!("{compared}\nall equal"),
        Some(difference) => format!("{compared}\nthe first difference: {difference}"),
    }
}
