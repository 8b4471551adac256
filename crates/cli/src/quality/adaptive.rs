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
    input::{Input, count, share},
    truth::{Method, arrange, options, warning},
};

/// Replays recorded readings in random order and buys as many as a rule asks for.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    known: gold::Known,
    /// A task stops when its best answer is right with this chance, from 0 to 1, such as 0.8 or 80%.
    #[arg(long, value_name = "CHANCE", value_parser = share)]
    threshold: f64,
    /// How the answers are weighed.
    #[arg(long, value_enum, default_value_t = Method::Auto)]
    method: Method,
    /// Every label there can be, with commas between; for `graded` from the lowest to the highest.
    #[arg(long, value_name = "LABELS", value_delimiter = ',')]
    classes: Vec<String>,
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
    #[arg(long, value_name = "SHARE", default_value = "0.1", value_parser = share, requires = "gold")]
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
    ensure!(args.min > 0, "`--min 0` buys nothing for a task to begin with: give 1 or more");
    if let Some(max) = args.max {
        ensure!(
            args.min <= max,
            "`--min {}` is more than `--max {max}`: every task has at least the one and at most the other",
            args.min
        );
    }
    let mut read = args.input.read(None)?;
    let mut gold = args.known.read(&args.input, &mut read)?;
    arrange(args.method, &args.classes, &mut read, gold.as_mut())?;
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
    // A method that was asked for is judged on all that is recorded and known, as `truth` judges it; so is the default while
    // no known answers measure what it says of the readings bought.
    let choice = args.method.choice();
    let on_all = match choice {
        Choice::Auto if replay.inference.calibration.measured() => None,
        Choice::Auto => Some(&known),
        Choice::One(_) => Some(&answers),
    };
    let judgement = on_all
        .map(|gold| infer(&Evidence { labels: &labels, gold, history: &[] }, choice, &options(args.seed)))
        .transpose()?;
    let majority = fit(Model::Majority, &Evidence::of(&labels), &options(args.seed))?.accuracy(&judged);
    let accuracy = replay.inference.fit.accuracy(&judged);
    let mut sentences: Vec<String> =
        warning(&read, gold.as_ref(), judgement.as_ref().unwrap_or(&replay.inference)).into_iter().collect();
    sentences.extend(behind(accuracy, majority));
    if gold.as_ref().is_some_and(|gold| gold.known > 0) && judged.iter().all(Option::is_none) {
        sentences.push("No known answer is left to judge by: give a smaller `--gold-share`.".to_owned());
    }
    let warning = (!sentences.is_empty()).then(|| sentences.join(" "));
    let report = Report {
        accuracy,
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

/// Returns that the readings bought find fewer of the known answers than a majority of all does, if they do.
fn behind(accuracy: Option<f64>, majority: Option<f64>) -> Option<String> {
    let behind = majority? - accuracy?;
    (behind > 0.0).then(|| {
        format!(
            "On the known answers the readings bought find {:.1} % fewer than a plain majority of all recorded readings: \
             what was saved is paid for.",
            behind * 100.0
        )
    })
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
        let others = if *known == 1 { "other was" } else { "others were" };
        say!("accuracy {accuracy:.4} on {}; {known} {others} known to the replay", count(*judged, "known answer"));
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
