//! `remit check-config`: every setting of `remit serve`, and where it came from.

use anyhow::Result;
use serde_json::json;

use crate::serve::Flags;

/// Checks the settings of `remit serve`, and shows each with its origin.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: Flags,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let (settings, shown) = args.flags.settings()?;
    settings.config()?;
    if args.json {
        let shown: serde_json::Map<_, _> = shown
            .into_iter()
            .map(|shown| (shown.key.to_owned(), json!({ "value": shown.value, "from": shown.from.to_string() })))
            .collect();
        say!("{}", json!({ "ok": true, "settings": shown }));
        return Ok(());
    }
    for shown in shown {
        say!("{:<28} {:<44} {}", shown.key, if shown.value.is_empty() { "(none)" } else { &shown.value }, shown.from);
    }
    say!("all in order");
    Ok(())
}
