//! `remit quality agreement`: how far the workers of a file of labels agree.

use anyhow::Result;
use remit_stats::{agreement::Counts, interval};
use serde_json::json;

use super::input::Input;

const CONFIDENCE: f64 = 0.95;

/// Measures how far the workers of a file of labels agree.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    input: Input,
    /// Where the resamples of the interval begin.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let labels = args.input.read(None)?;
    let classes = labels.labels.len();
    let mut by_task = vec![vec![0; classes]; labels.tasks.len()];
    for row in &labels.rows {
        by_task[row.task as usize][row.label as usize] += 1;
    }
    let mut counts = Counts::new(classes)?;
    for unit in &by_task {
        counts.add(unit)?;
    }
    let (alpha, agreed) = (counts.alpha(), counts.share_agreed().ok());
    let interval = interval::alpha(&counts, CONFIDENCE, 1_000, args.seed).ok().map(|found| (found.lower, found.upper));
    if args.json {
        let undefined = alpha.as_ref().err().map(ToString::to_string);
        say!(
            "{}",
            json!({
                "tasks": labels.tasks.len(), "workers": labels.workers.len(), "labels": labels.rows.len(),
                "compared": counts.pairable(), "share_agreed": agreed, "alpha": alpha.ok(), "interval": interval,
                "undefined": undefined,
            })
        );
    } else {
        say!("{} tasks, {} of them with two labels or more", labels.tasks.len(), counts.pairable());
        match alpha {
            Ok(alpha) => say!("Krippendorff's alpha {alpha:.3}"),
            Err(why) => say!("Krippendorff's alpha is undefined: {why}"),
        }
    }
    Ok(())
}
