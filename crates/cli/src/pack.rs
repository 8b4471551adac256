//! `remit pack`: practice packs in folders.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use remit_formats::pack;

/// Checks practice packs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Packs,
}

#[derive(Debug, Subcommand)]
enum Packs {
    /// Checks a pack and explains every problem with file and line.
    Check(Check),
}

#[derive(Debug, clap::Args)]
struct Check {
    /// The pack's folder.
    dir: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let Packs::Check(Check { dir, json }) = args.command;
    let problems = match pack::read(&dir) {
        Ok(loaded) => {
            let reference = loaded.pack.reference();
            if json {
                let maps: Vec<_> = loaded.maps.keys().collect();
                say!("{}", serde_json::json!({ "ok": true, "pack": reference, "maps": maps, "problems": [] }));
            } else {
                say!("{} {} is in order, digest {}", reference.name, reference.version, reference.digest);
            }
            return Ok(());
        }
        Err(problems) => problems.0,
    };
    if json {
        let listed: Vec<_> = problems
            .iter()
            .map(|problem| {
                serde_json::json!({
                    "file": problem.file, "line": problem.line, "column": problem.column,
                    "message": problem.message, "hint": problem.hint,
                })
            })
            .collect();
        say!("{}", serde_json::json!({ "ok": false, "problems": listed }));
    } else {
        for problem in &problems {
            say!("{problem}");
        }
    }
    anyhow::bail!(
        "{} to mend in {}",
        if problems.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", problems.len()) },
        dir.display()
    )
}
