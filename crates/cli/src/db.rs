//! `remit db`: what concerns the database itself.

use std::io::IsTerminal as _;

use anyhow::{Context as _, Result, ensure};
use remit_server::{
    App,
    clock::{Chance, Clock},
};
use remit_store::TableCopied;
use serde::Serialize;

use crate::instance::Place;

/// What concerns the database itself.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Copies a whole installation into an empty folder or database, and verifies the copy by replay.
    ///
    /// The place it comes from is left as it is, and may be in use if it is a database. Stop the servers first all the
    /// same: what is written after copying began is not in the copy.
    Copy(Copy),
}

#[derive(Debug, clap::Args)]
struct Copy {
    /// A data folder, or `postgres://user:password@host:port/database`.
    #[arg(long, value_name = "PLACE")]
    from: String,
    /// An empty data folder, or the address of an empty database.
    #[arg(long, value_name = "PLACE")]
    to: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What was copied, for programs.
#[derive(Serialize)]
struct Copied {
    tables: Vec<(&'static str, u64)>,
    rows: u64,
    verified: remit_server::app::verify::Verified,
}

pub(crate) async fn run(args: Args) -> Result<()> {
    let Command::Copy(args) = args.command;
    copy(args).await
}

async fn copy(args: Copy) -> Result<()> {
    let (from, to) = (Place::of(&args.from), Place::of(&args.to));
    ensure!(args.from != args.to, "`--from` and `--to` name the same place");
    if from.database.is_none() {
        // Opening would make an empty one where the name is wrong.
        ensure!(from.data.join("remit.db").is_file(), "there is no data in {from}");
    }
    let source = from.store().await.with_context(|| format!("opening {from}"))?;
    let target = to.store().await.with_context(|| format!("opening {to}"))?;
    let terminal = std::io::stderr().is_terminal();
    let told = |TableCopied { table, rows }| {
        if terminal {
            mark!("\r\x1b[K{table}: {rows} rows");
        }
    };
    let tables = source.copy_into(&target, told).await?;
    if terminal {
        tell!();
    }
    drop(source);

    let app = App::new(target, Clock::System, Chance::System)?;
    let verified = app
        .replay(|events| {
            if terminal {
                mark!("\r\x1b[K{events} events replayed");
            }
        })
        .await?;
    if terminal {
        tell!();
    }
    let rows = tables.iter().map(|table| table.rows).sum();
    let whole = verified.first_difference.as_ref().map(ToString::to_string);
    if args.json {
        let tables = tables.iter().map(|table| (table.table, table.rows)).collect();
        say!("{}", serde_json::to_string(&Copied { tables, rows, verified })?);
    } else {
        say!("{rows} rows of {} tables copied, {} events replayed", tables.len(), verified.counts.events);
    }
    ensure!(whole.is_none(), "the copy is not whole; the first difference: {}", whole.unwrap_or_default());
    Ok(())
}
