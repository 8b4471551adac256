//! `remit quality report`: the figures of an engagement.

use std::fmt::Write as _;

use anyhow::Result;
use clap::ValueEnum;
use remit_kernel::{id::EngagementId, index::Origin};
use remit_server::app::quality::{Agreement, Quality, Rate, ShowQuality};
use serde_json::json;

use crate::{instance::Instance, remote::Remote};

/// Prints agreement by question and pair of an engagement.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    instance: Instance,
    #[command(flatten)]
    remote: Remote,
    /// The engagement.
    #[arg(long, value_name = "ENGAGEMENT")]
    engagement: EngagementId,
    /// Which readings the figures rest on.
    #[arg(long, value_enum, default_value_t = Of::All)]
    origin: Of,
    /// Print one JSON list with an object for each question.
    #[arg(long)]
    json: bool,
}

/// Which readings.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    /// All of them.
    All,
    /// Those made in Remit.
    Witnessed,
    /// Those taken from files.
    Imported,
}

pub(crate) async fn run(args: Args) -> Result<()> {
    let Args { instance, remote, engagement, origin, json } = args;
    let origin = match origin {
        Of::All => None,
        Of::Witnessed => Some(Origin::Witnessed),
        Of::Imported => Some(Origin::Imported),
    };
    let quality = if let Some(server) = remote.server()? {
        let origin = origin.map_or("all", Origin::word);
        serde_json::from_value(server.get(&format!("/engagements/{engagement}/quality?origin={origin}"))?)?
    } else {
        let app = instance.open().await?;
        let caller = instance.caller(&app).await?;
        app.view(&caller, ShowQuality { engagement, origin }).await?
    };
    if json {
        say!("{}", figures(&quality));
    } else {
        say!("{}", words(&quality));
    }
    Ok(())
}

fn figures(quality: &Quality) -> serde_json::Value {
    let questions = quality.questions.iter().map(|question| {
        let pairs = question.pairs.iter().map(|pair| {
            json!({
                "readers": pair.readers.clone().map(|reader| reader.name), "kappa": pair.agreement.value, "n": pair.agreement.n,
                "interval": pair.agreement.interval, "share_agreed": pair.share_agreed, "differ": pair.differ,
            })
        });
        json!({
            "question": question.question, "coefficient": question.coefficient, "value": question.agreement.value,
            "interval": question.agreement.interval, "undefined": question.agreement.undefined, "n": question.agreement.n,
            "ac1": question.ac1, "share_agreed": question.share_agreed, "right": question.right, "unsettled": question.unsettled,
            "disputed": question.disputed, "imported": quality.imported, "pairs": pairs.collect::<Vec<_>>(),
        })
    });
    questions.collect()
}

fn words(quality: &Quality) -> String {
    let Quality { panels, agreed, disputed, single, other_evidence, imported, cost, questions, changed } = quality;
    let mut words = format!(
        "{panels} closed panels: {agreed} agreed, {disputed} in dispute, {single} with one reading, {changed} agreed and \
         changed afterwards; {other_evidence} with the same answer on other evidence"
    );
    // Writing into a text cannot fail.
    let _ = write!(words, "\n{} readings of {} closed cases", cost.readings, cost.cases);
    if cost.second.n > 0 && cost.readings_max <= 2 {
        let _ = write!(words, "; the second reading changed or opened {}", rate(&cost.second));
    }
    for question in questions {
        let _ = write!(
            words,
            "\n\n{}\n  {}; {} cases in dispute",
            question.title,
            agreement(&question.agreement),
            question.disputed
        );
        if let (Some(ac1), Some(share)) = (question.ac1, question.share_agreed) {
            let _ = write!(words, "\n  AC1 {ac1:.3}; same answer {:.1} %", 100.0 * share);
        }
        if question.right.n > 0 {
            let _ = write!(
                words,
                "\n  where readers agreed or somebody decided, the outcome is the reference answer: {}",
                rate(&question.right)
            );
            if question.unsettled > 0 {
                let _ = write!(words, "; {} more have a reference answer and no outcome", question.unsettled);
            }
        }
        for pair in &question.pairs {
            let [first, second] = &pair.readers;
            let _ = write!(words, "\n  {} and {}: {}", first.name, second.name, agreement(&pair.agreement));
        }
    }
    if *imported {
        words.push_str("\n\nImported: times, authors and blindness as claimed by the file, not witnessed by Remit");
    }
    words
}

fn rate(rate: &Rate) -> String {
    let ends = rate.interval.map(|(lower, upper)| format!(" ({:.1} to {:.1} %)", 100.0 * lower, 100.0 * upper));
    format!("{} of {}{}", rate.hits, rate.n, ends.unwrap_or_default())
}

fn agreement(agreement: &Agreement) -> String {
    let interval = agreement
        .interval
        .map_or_else(|| "no interval".to_owned(), |(lower, upper)| format!("{lower:.2} to {upper:.2}"));
    match (agreement.value, &agreement.undefined) {
        (Some(value), _) => format!("agreement beyond chance {value:.3} ({interval}), n = {}", agreement.n),
        (None, why) => format!(
            "agreement beyond chance is undefined: {}, n = {}",
            why.as_deref().unwrap_or("no reason is known"),
            agreement.n
        ),
    }
}
