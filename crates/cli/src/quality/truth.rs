//! `remit quality truth`: what is true, given what several workers said, and how reliable each of them is.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Result};
use clap::ValueEnum;
use remit_formats::labels::{Gold, Labels};
use remit_stats::{
    interval,
    truth::{self, Choice, Evidence, Inference, Model, Options, Warning, calibrate::GOLD_MIN},
};
use serde_json::{Value, json};

use super::{
    gold,
    input::{Input, count, ordered, reorder},
};

/// Labels from which on a run says how far it is.
const LONG: usize = 200_000;
const CONFIDENCE: f64 = 0.95;
/// Rounds of an exact fit.
const ROUNDS_MAX: u32 = 10_000;
/// Workers that are printed for people; `--json` has all.
const SHOWN: usize = 20;

/// Infers the true answer of each task, and how reliable each worker is.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    known: gold::Known,
    /// How the answers are weighed.
    #[arg(long, value_enum, default_value_t = Method::Auto)]
    method: Method,
    /// Every label there can be, with commas between; for `graded` from the lowest to the highest.
    #[arg(long, value_name = "LABELS", value_delimiter = ',')]
    classes: Vec<String>,
    /// Write task, label and the chance that it is right to this file, as CSV.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Fit to the very end of the likelihood, and `dawid-skene` without smoothing, as published figures are.
    #[arg(long)]
    exact: bool,
    /// Where the chance of `ebcc` begins.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// How answers are weighed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Method {
    /// Every answer counts the same.
    Majority,
    /// By agreement with the majority.
    Wawa,
    /// By one accuracy for each worker.
    OneCoin,
    /// By each worker's confusion of labels.
    DawidSkene,
    /// The same, with a prior.
    Ibcc,
    /// By each worker's precision.
    Bwa,
    /// By a confusion drawn towards one accuracy where a worker gave few answers.
    Anchored,
    /// For ordered labels: by how far a worker leans and spreads.
    Graded,
    /// By kinds of task on which workers err together; slow.
    Ebcc,
    /// The one that known answers prefer; without 30 of them `anchored`.
    Auto,
}

impl Method {
    pub(super) fn choice(self) -> Choice {
        Choice::One(match self {
            Self::Majority => Model::Majority,
            Self::Wawa => Model::Wawa,
            Self::OneCoin => Model::OneCoin,
            Self::DawidSkene => Model::DawidSkene,
            Self::Ibcc => Model::Ibcc,
            Self::Bwa => Model::Bwa,
            Self::Anchored => Model::Anchored,
            Self::Graded => Model::Graded,
            Self::Ebcc => Model::Ebcc,
            Self::Auto => return Choice::Auto,
        })
    }
}

/// Returns how a fit is done on this machine; the number of threads changes no figure.
pub(super) fn options(seed: u64) -> Options {
    Options { threads: thread::available_parallelism().map_or(1, usize::from), seed, ..Options::default() }
}

pub(super) fn run(args: &Args) -> Result<()> {
    if let Some(out) = &args.out {
        args.input.spare(out)?;
        args.known.spare(out)?;
    }
    let mut read = args.input.read(None)?;
    let mut gold = args.known.read(&args.input, &mut read)?;
    arrange(args.method, &args.classes, &mut read, gold.as_mut())?;
    let labels = gold::labels(&read)?;
    if labels.len() >= LONG {
        tell!("{} labels read, inferring …", labels.len());
    }
    let answers = gold.as_ref().map_or(&[][..], |gold| &gold.answers);
    let evidence = Evidence { labels: &labels, gold: answers, history: &[] };
    let usual = options(args.seed);
    let exact = Options { smoothing: 0.0, rounds_max: ROUNDS_MAX, change_min: 1e-10, gain_min: 0.0, ..usual };
    let found = truth::infer(&evidence, args.method.choice(), if args.exact { &exact } else { &usual })?;
    if let Some(out) = &args.out {
        write(out, &read, &found).with_context(|| format!("writing {}", out.display()))?;
    }
    if args.json {
        say!("{}", figures(args.method, &read, gold.as_ref(), &found));
    } else {
        words(&read, gold.as_ref(), &found);
    }
    Ok(())
}

/// Brings the labels into the order that is declared; fails of words without one where the method goes by their order.
pub(super) fn arrange(method: Method, classes: &[String], read: &mut Labels, gold: Option<&mut Gold>) -> Result<()> {
    match (method, classes) {
        (Method::Graded, []) => ordered(read, "`--method graded`"),
        (_, []) => Ok(()),
        (_, classes) => reorder(read, gold, classes),
    }
}

/// Writes the best label of each task with its chance.
fn write(path: &Path, read: &Labels, found: &Inference) -> Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "task,label,probability")?;
    for (task, chance) in (0_u32..).zip(&found.chances) {
        let label = best(found.fit.of(task as usize));
        writeln!(out, "{},{},{chance:.6}", quoted(read.tasks.name(task)), quoted(read.labels.name(label)))?;
    }
    out.flush()?;
    Ok(())
}

/// Returns the first class with the best chance.
fn best(chances: &[f64]) -> u32 {
    let mut best = 0;
    for (class, chance) in (0_u32..).zip(chances) {
        if *chance > chances[best as usize] {
            best = class;
        }
    }
    best
}

/// Returns a field of CSV.
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

fn figures(method: Method, read: &Labels, gold: Option<&Gold>, found: &Inference) -> Value {
    let fit = &found.fit;
    let workers = (0_u32..).zip(&fit.workers).map(|(worker, own)| {
        let interval = own.interval.map(|interval| [interval.lower, interval.upper]);
        json!({
            "worker": read.workers.name(worker), "answers": own.answers, "compared": own.compared,
            "accuracy": own.accuracy, "interval": interval,
        })
    });
    let classes = (0_u32..).zip(&fit.prior).map(|(class, share)| {
        // Summed by size, the sum does not depend on how the tasks stand in the file.
        let mut chances: Vec<f64> = fit.posterior.iter().skip(class as usize).step_by(fit.classes).copied().collect();
        chances.sort_unstable_by(f64::total_cmp);
        let expected: f64 = chances.iter().sum();
        json!({ "label": read.labels.name(class), "prior": share, "tasks_expected": expected })
    });
    let candidates = found.candidates.iter().map(|one| json!({ "method": one.model.word(), "accuracy": one.accuracy }));
    let accuracy = accuracy(found);
    json!({
        "method": fit.model.word(),
        "asked": method.to_possible_value().map(|value| value.get_name().to_owned()),
        "tasks": read.tasks.len(),
        "labels": read.rows.len(),
        "blank": read.blank,
        "iterations": fit.iterations,
        "log_likelihood": fit.log_likelihood(),
        "evidence_bound": fit.bound,
        "accuracy": accuracy.map(|(value, _)| value),
        "accuracy_interval": accuracy.and_then(|(_, interval)| interval),
        "accuracy_of_majority": found.majority_accuracy,
        "gold": gold.map(|gold| json!({ "known": gold.known, "elsewhere": gold.elsewhere })),
        "candidates": candidates.collect::<Vec<_>>(),
        "calibration": {
            "known": found.calibration.known, "measured": found.calibration.measured(),
            "error_before": found.calibration.error_before, "error": found.calibration.error,
        },
        "models_differ": found.judgement.disagreement,
        "against_majority": found.judgement.against_majority,
        "unanimous": found.judgement.unanimous,
        "unanimous_overturned": found.judgement.overturned,
        "warning": warning(read, gold, found),
        "classes": classes.collect::<Vec<_>>(),
        "workers": workers.collect::<Vec<_>>(),
    })
}

/// Returns the share of known answers that the model finds when they are held back from it, with its interval.
fn accuracy(found: &Inference) -> Option<(f64, Option<[f64; 2]>)> {
    let n = u64::try_from(found.held_back.len()).ok().filter(|n| *n > 0)?;
    let right: f64 = found.held_back.iter().map(|held| held.right).sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of points, rounded")]
    let interval = interval::wilson(right.round() as u64, n, CONFIDENCE).ok();
    #[expect(clippy::cast_precision_loss, reason = "counts of tasks are exact")]
    let share = right / n as f64;
    Some((share, interval.map(|interval| [interval.lower, interval.upper])))
}

/// Returns what to be wary of in known answers and in what was inferred, as one text.
pub(super) fn warning(read: &Labels, gold: Option<&Gold>, found: &Inference) -> Option<String> {
    let mut sentences = gold.map(|gold| gold::wary(read, gold)).unwrap_or_default();
    sentences.extend(warnings(found));
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// Returns what to be wary of, a sentence each.
fn warnings(found: &Inference) -> Vec<String> {
    let sentence = |warning: &Warning| match warning {
        Warning::ModelsDiffer(share) => format!(
            "Models that should agree differ on {:.1} % of the tasks, so the labels alone do not tell who is right: {}.",
            share * 100.0,
            if found.calibration.measured() {
                "use `--method auto`, which lets the known answers choose".to_owned()
            } else {
                format!("give {GOLD_MIN} known answers or more with `--gold` and `--method auto`")
            }
        ),
        Warning::BelowMajority(share) => format!(
            "On the known answers this method finds {:.1} % fewer than a plain majority of votes: use `--method auto`.",
            share * 100.0
        ),
        Warning::Switched(model) => format!(
            "`{}` was replaced by `{}`, because its classes no longer stood for what the workers called them.",
            model.word(),
            found.fit.model.word()
        ),
        Warning::OneWorker => "One worker gave all labels: nothing can be said of how reliable it is.".to_owned(),
        Warning::OneLabelEach => {
            "No task has labels of two workers: they cannot be held against each other.".to_owned()
        }
        Warning::NotCompared { workers, answers } => not_compared(found, *workers, *answers),
    };
    found.warnings.iter().map(sentence).collect()
}

/// Returns that some answers stand alone, and whom they leave without a figure.
fn not_compared(found: &Inference, workers: usize, answers: u64) -> String {
    let all: u64 = found.fit.workers.iter().map(|worker| u64::from(worker.answers)).sum();
    let alone = format!(
        "{answers} of {all} answers are on tasks that nobody else labelled and whose truth is not known: they say nothing of \
         who is reliable"
    );
    match workers {
        0 => format!("{alone}."),
        1 => format!("{alone}, and one worker gave no others, of whom no accuracy is told."),
        more => format!("{alone}, and {more} workers gave no others, of whom no accuracy is told."),
    }
}

fn words(read: &Labels, gold: Option<&Gold>, found: &Inference) {
    let fit = &found.fit;
    say!(
        "{} on {} by {}",
        count(read.rows.len(), "label"),
        count(read.tasks.len(), "task"),
        count(read.workers.len(), "worker")
    );
    say!("method {}, rounds {}", fit.model.word(), fit.iterations);
    if let Some(gold) = gold {
        // Without one the warning says why.
        if let Some((accuracy, interval)) = accuracy(found) {
            let ends = interval.map_or_else(String::new, |[lower, upper]| format!(" ({lower:.3} to {upper:.3})"));
            say!("accuracy on {}, held back: {accuracy:.4}{ends}", count(found.held_back.len(), "known answer"));
        }
        if let Some(majority) = found.majority_accuracy {
            say!("accuracy of a plain majority on the same: {majority:.4}");
        }
        if gold.elsewhere > 0 {
            let are = if gold.elsewhere == 1 { "known answer is" } else { "known answers are" };
            say!("{} {are} about tasks that nobody labelled", gold.elsewhere);
        }
    }
    match (found.calibration.measured(), found.calibration.error) {
        (true, Some(error)) => {
            say!("chances are off by {error:.3} on average, measured on {} known answers", found.calibration.known);
        }
        _ => say!("chances are not measured: that takes {GOLD_MIN} known answers"),
    }
    let judgement = &found.judgement;
    let are = if judgement.unanimous == 1 { "is" } else { "are" };
    say!("{} {are} unanimous, {} of them overturned", count(judgement.unanimous, "task"), judgement.overturned);
    if let Some(warning) = warning(read, gold, found) {
        say!("warning: {warning}");
    }
    say!("");
    say!("worker, answers, of them compared, accuracy (95 % interval)");
    for (worker, own) in (0_u32..).zip(&fit.workers).take(SHOWN) {
        let accuracy = own.accuracy.map_or_else(|| "not told".to_owned(), |accuracy| format!("{accuracy:.3}"));
        let ends = own.interval.map_or_else(String::new, |ends| format!(" ({:.3} to {:.3})", ends.lower, ends.upper));
        say!("{}, {}, {}, {accuracy}{ends}", read.workers.name(worker), own.answers, own.compared);
    }
    if fit.workers.len() > SHOWN {
        say!("… and {} more: `--json` has all", fit.workers.len() - SHOWN);
    }
}
