//! `remit quality adaptive`: how many of the recorded readings would have done, had they been bought one by one.

use anyhow::{Result, ensure};
use clap::ValueEnum;
use remit_stats::truth::{
    self, Choice, Evidence, Model,
    adaptive::{Next, Replay, Rule, part, replay},
    fit, infer,
};
use serde_json::{Value, json};

use super::{
    gold,
    input::Input,
    truth::{Method, options, warning},
};

/// Replays recorded readings in random order and buys as many as a rule asks for.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    known: gold::Known,
    /// A task stops when its best answer is right with this chance, from 0 to 1.
    #[arg(long, value_name = "CHANCE")]
    threshold: f64,
    /// How the answers are weighed.
    #[arg(long, value_enum, default_value_t = Method::Auto)]
    method: Method,
    /// Readings that every task has at least.
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    min: usize,
    /// Readings that no task exceeds.
    #[arg(long, value_name = "NUMBER")]
    max: Option<usize>,
    /// Who reads next.
    #[arg(long, value_enum, default_value_t = Order::Best)]
    next: Order,
    /// The share of the known answers that the replay may know; the others measure its accuracy.
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    gold_share: f64,
    /// Where the random order begins.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Who reads next.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Order {
    /// The best worker who has not read the task.
    Best,
    /// Whoever comes.
    Random,
}

/// What is said of a replay.
struct Report {
    replay: Replay,
    known: usize,
    judged: usize,
    accuracy: Option<f64>,
    majority: Option<f64>,
    warning: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    ensure!(
        (0.0..=1.0).contains(&args.threshold),
        "`--threshold {}` is no chance: give a number from 0 to 1, such as 0.95",
        args.threshold
    );
    ensure!(args.min > 0, "`--min 0` buys nothing for a task to begin with: give 1 or more");
    if let Some(max) = args.max {
        ensure!(
            args.min <= max,
            "`--min {}` is more than `--max {max}`: every task has at least the one and at most the other",
            args.min
        );
    }
    let mut read = args.input.read(None)?;
    let gold = args.known.read(&args.input, &mut read)?;
    let filed = gold::labels(&read)?;
    let answers = gold.as_ref().map(|gold| gold.answers.clone()).unwrap_or_default();
    // Which known answers are drawn must not depend on how the rows stand in the file.
    let order = truth::Order::of(&Evidence { labels: &filed, gold: &answers, history: &[] });
    let (labels, answers) = (order.labels(&filed)?, order.gold(&answers));
    let (known, judged) = part(&answers, args.gold_share, args.seed);
    let next = match args.next {
        Order::Best => Next::Best,
        Order::Random => Next::Random,
    };
    let rule =
        Rule { readings_min: args.min, readings_max: args.max.unwrap_or(usize::MAX), threshold: args.threshold, next };
    let evidence = Evidence { labels: &labels, gold: &known, history: &[] };
    let replay = replay(&evidence, args.method.choice(), &rule, args.seed, &options(args.seed), |round| {
        tell!("round {}: {} readings bought, {} more wanted", round.number, round.bought, round.wanted);
    })?;
    // A method that was asked for is judged on all that is recorded and known, as `truth` judges it.
    let judgement = match args.method.choice() {
        Choice::Auto => None,
        choice @ Choice::One(_) => {
            Some(infer(&Evidence { labels: &labels, gold: &answers, history: &[] }, choice, &options(args.seed))?)
        }
    };
    let warning = warning(&read, gold.as_ref(), judgement.as_ref().unwrap_or(&replay.inference));
    let majority = fit(Model::Majority, &Evidence::of(&labels), &options(args.seed))?.accuracy(&judged);
    let report = Report {
        accuracy: replay.inference.fit.accuracy(&judged),
        replay,
        known: known.iter().flatten().count(),
        judged: judged.iter().flatten().count(),
        majority,
        warning,
    };
    if args.json {
        say!("{}", figures(args, &report));
    } else {
        words(args, &report);
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of readings are exact")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn figures(args: &Args, report: &Report) -> Value {
    let Report { replay, known, judged, accuracy, majority, warning } = report;
    let tasks = replay.bought.tasks();
    let calibration = &replay.inference.calibration;
    json!({
        "method": replay.inference.fit.model.word(),
        "threshold": args.threshold,
        "seed": args.seed,
        "tasks": tasks,
        "workers": replay.bought.workers(),
        "readings_used": replay.readings_used,
        "readings_recorded": replay.readings_recorded,
        "share_used": ratio(replay.readings_used, replay.readings_recorded),
        "readings_per_task": ratio(replay.readings_used, tasks),
        "rounds": replay.rounds,
        "stopped": replay.stopped,
        "exhausted": tasks - replay.stopped,
        "gold": { "known": known, "judged": judged },
        "accuracy": accuracy,
        "accuracy_of_majority_of_all": majority,
        "calibration": { "known": calibration.known, "measured": calibration.measured(), "error": calibration.error },
        "warning": warning,
    })
}

fn words(args: &Args, report: &Report) {
    let Report { replay, known, judged, accuracy, majority, warning } = report;
    let tasks = replay.bought.tasks();
    say!(
        "{} of {} recorded readings bought ({:.1} %), {:.2} a task",
        replay.readings_used,
        replay.readings_recorded,
        ratio(replay.readings_used, replay.readings_recorded) * 100.0,
        ratio(replay.readings_used, tasks)
    );
    say!(
        "{} of {tasks} tasks stopped at a chance of {}; the others ran out of readings",
        replay.stopped,
        args.threshold
    );
    if let Some(accuracy) = accuracy {
        say!("accuracy {accuracy:.4} on {judged} known answers; {known} others were known to the replay");
    }
    if let Some(majority) = majority {
        say!("a plain majority of all recorded readings: {majority:.4}");
    }
    if !replay.inference.calibration.measured() {
        say!("the chances are not measured: that takes 30 answers known to the replay");
    }
    if let Some(warning) = warning {
        say!("warning: {warning}");
    }
}
