//! `remit quality plan`: how many items to check, how many defects to bear, and what that promises.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use clap::{Subcommand, ValueEnum};
use remit_stats::sampling::{
    Plan, Risks,
    sequential::Sequential,
    standard::{Letter, Severity},
};
use serde::Serialize;

/// Says how many items to check and how many defects to bear.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    kind: Option<Kind>,
    #[command(flatten)]
    single: Single,
}

#[derive(Debug, Subcommand)]
enum Kind {
    /// A plan that lets no defect pass.
    Zero(Zero),
    /// A test that stops as soon as it may.
    Sequential(InTurn),
}

/// A single plan: from its risks, or from the code letter of ISO 2859-1.
#[derive(Debug, clap::Args)]
struct Single {
    /// The share of defects that is good enough, such as 0.01 or 1%; with `--level` the standard's limit in per cent.
    #[arg(long, value_name = "SHARE", required = true)]
    aql: Option<String>,
    /// How likely a lot that good may be rejected.
    #[arg(long, value_name = "SHARE", default_value = "0.05")]
    alpha: String,
    /// The share of defects that is not to be borne.
    #[arg(long, value_name = "SHARE", required_unless_present = "level", conflicts_with = "level")]
    ltpd: Option<String>,
    /// How likely a lot that bad may be accepted.
    #[arg(long, value_name = "SHARE", default_value = "0.10")]
    beta: String,
    /// Items in the lot; without it the lots are taken as very large.
    #[arg(long, value_name = "ITEMS", required_if_eq("level", "II"))]
    lot: Option<u64>,
    /// Take the plan of the standard's code letter at this level.
    #[arg(long, value_enum)]
    level: Option<Level>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Level of inspection.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Level {
    /// The general level that is used unless another is agreed.
    #[value(name = "II")]
    Two,
}

/// A plan that lets no defect pass.
#[derive(Debug, clap::Args)]
struct Zero {
    /// The share of defects that is not to be borne, such as 0.05 or 5%.
    #[arg(long, value_name = "SHARE")]
    ltpd: String,
    /// How likely a lot that bad may be accepted.
    #[arg(long, value_name = "SHARE", default_value = "0.10")]
    beta: String,
    /// Items in the lot; without it the lots are taken as very large.
    #[arg(long, value_name = "ITEMS")]
    lot: Option<u64>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// A test that stops as soon as it may.
#[derive(Debug, clap::Args)]
struct InTurn {
    /// The share of defects that is good enough, such as 0.02 or 2%.
    #[arg(long, value_name = "SHARE")]
    aql: String,
    /// How likely a lot that good may be rejected.
    #[arg(long, value_name = "SHARE", default_value = "0.05")]
    alpha: String,
    /// The share of defects that is not to be borne.
    #[arg(long, value_name = "SHARE")]
    ltpd: String,
    /// How likely a lot that bad may be accepted.
    #[arg(long, value_name = "SHARE", default_value = "0.10")]
    beta: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// A plan and what it promises.
#[derive(Debug, Serialize)]
struct Found {
    #[serde(skip_serializing_if = "Option::is_none")]
    letter: Option<char>,
    lot: Option<u64>,
    n: u64,
    accept: u64,
    reject: u64,
    /// Shares of defects at which a lot is accepted with these probabilities.
    quality_at_95: f64,
    quality_at_50: f64,
    quality_at_10: f64,
    /// Most defects left on average, if rejected lots are checked whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    outgoing_limit: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tightened: Option<Sample>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reduced: Option<Sample>,
    curve: Vec<Point>,
}

/// A plan beside another one.
#[derive(Debug, Serialize)]
struct Sample {
    n: u64,
    accept: u64,
}

/// A point of the operating characteristic.
#[derive(Debug, Serialize)]
struct Point {
    share: f64,
    accepted: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    outgoing: Option<f64>,
}

/// A sequential test and what it promises.
#[derive(Debug, Serialize)]
struct Lines {
    slope: f64,
    accept: f64,
    reject: f64,
    n_max: u64,
    single: Sample,
    curve: Vec<Turn>,
}

/// How a sequential test ends at a share of defects.
#[derive(Debug, Serialize)]
struct Turn {
    share: f64,
    accepted: f64,
    items: f64,
}

pub(super) fn run(args: &Args) -> Result<()> {
    match &args.kind {
        Some(Kind::Zero(zero)) => {
            let (ltpd, beta) = (share("ltpd", &zero.ltpd)?, share("beta", &zero.beta)?);
            let plan = match zero.lot {
                Some(lot) => Plan::zero_acceptance_for_lot(ltpd, beta, lot)?,
                None => Plan::zero_acceptance(ltpd, beta)?,
            };
            tell_plan(&found(plan, zero.lot, zero.lot, &[ltpd])?, zero.json)
        }
        Some(Kind::Sequential(in_turn)) => sequential(in_turn),
        None => single(&args.single),
    }
}

fn single(args: &Single) -> Result<()> {
    let aql = args.aql.as_deref().unwrap_or_default();
    if args.level.is_some() {
        return standard(args, aql);
    }
    let risks = Risks {
        aql: share("aql", aql)?,
        alpha: share("alpha", &args.alpha)?,
        ltpd: share("ltpd", args.ltpd.as_deref().unwrap_or_default())?,
        beta: share("beta", &args.beta)?,
    };
    let plan = match args.lot {
        Some(lot) => Plan::smallest_for_lot(risks, lot)?,
        None => Plan::smallest(risks)?,
    };
    tell_plan(&found(plan, args.lot, args.lot, &[risks.aql, risks.ltpd])?, args.json)
}

/// The plan of the standard's code letter.
fn standard(args: &Single, aql: &str) -> Result<()> {
    let lot = args.lot.unwrap_or_default();
    let letter = Letter::of_lot(lot)?;
    let limit = aql.trim_end_matches('%').trim().parse().unwrap_or(f64::NAN);
    let plan = letter.plan(limit, Severity::Normal).with_context(|| {
        let limits = Letter::limits().map(|limit| limit.to_string()).collect::<Vec<_>>().join(", ");
        format!("`{aql}` is none of the standard's limits in per cent, which are {limits}")
    })?;
    let beside =
        |severity| letter.plan(limit, severity).map(|plan| Some(Sample { n: plan.n.min(lot), accept: plan.accept }));
    let whole = plan.n >= lot;
    // A sample as large as the lot is the lot.
    let plan = if whole { Plan::new(lot, plan.accept.min(lot - 1))? } else { plan };
    let found = Found {
        letter: Some(letter.letter()),
        tightened: beside(Severity::Tightened)?,
        reduced: beside(Severity::Reduced)?,
        // The standard's own curves are those of an endless process; all of a lot leaves nothing to chance.
        ..found(plan, Some(lot), whole.then_some(lot), &[limit / 100.0])?
    };
    tell_plan(&found, args.json)
}

/// Returns what a plan promises, at the shares named and some others: on lots of `drawn_from` items, or an endless process.
fn found(plan: Plan, lot: Option<u64>, drawn_from: Option<u64>, named: &[f64]) -> Result<Found> {
    let quality = |probability| plan.quality_at(probability);
    let mut shares = named.to_vec();
    for probability in [0.99, 0.95, 0.9, 0.75, 0.5, 0.25, 0.1, 0.05, 0.01] {
        shares.push(quality(probability)?);
    }
    shares.sort_unstable_by(f64::total_cmp);
    let mut curve = Vec::with_capacity(shares.len());
    for share in shares {
        let accepted = match drawn_from {
            Some(lot) => plan.acceptance_of_lot(lot, whole(share, lot))?,
            None => plan.acceptance(share)?,
        };
        let outgoing = lot.map(|lot| plan.outgoing(share, lot)).transpose()?;
        curve.push(Point { share, accepted, outgoing });
    }
    Ok(Found {
        letter: None,
        lot,
        n: plan.n,
        accept: plan.accept,
        reject: plan.accept + 1,
        quality_at_95: quality(0.95)?,
        quality_at_50: quality(0.5)?,
        quality_at_10: quality(0.1)?,
        outgoing_limit: lot.map(|lot| plan.outgoing_limit(lot)).transpose()?,
        tightened: None,
        reduced: None,
        curve,
    })
}

/// Returns how many defects a share of a lot is, the nearest whole number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a lot lies between 0 and the lot"
)]
fn whole(share: f64, lot: u64) -> u64 {
    ((share * lot as f64).round() as u64).min(lot)
}

fn sequential(args: &InTurn) -> Result<()> {
    let risks = Risks {
        aql: share("aql", &args.aql)?,
        alpha: share("alpha", &args.alpha)?,
        ltpd: share("ltpd", &args.ltpd)?,
        beta: share("beta", &args.beta)?,
    };
    let single = Plan::smallest(risks)?;
    let test = Sequential::new(risks, 3 * single.n)?;
    let mut curve = Vec::new();
    for share in
        [0.0, risks.aql / 2.0, risks.aql, f64::midpoint(risks.aql, risks.ltpd), risks.ltpd, (1.5 * risks.ltpd).min(1.0)]
    {
        let outcome = test.outcome(share)?;
        curve.push(Turn { share, accepted: outcome.accepted, items: outcome.items });
    }
    let Sequential { slope, accept, reject, n_max } = test;
    let lines = Lines { slope, accept, reject, n_max, single: Sample { n: single.n, accept: single.accept }, curve };
    if args.json {
        say!("{}", serde_json::to_string(&lines)?);
        return Ok(());
    }
    let mut words = format!(
        "After n items accept with {slope:.6} n {accept:+.6} defects or fewer, reject with {slope:.6} n {reject:+.6} or more\n\
         After {n_max} items the nearer line decides; the single plan is {} items, at most {} defects\n\n\
         \x20  defective   accepted   items",
        lines.single.n, lines.single.accept
    );
    for turn in &lines.curve {
        // Writing into a text cannot fail.
        let _ = write!(words, "\n  {:>8.3} %   {:>8.4}   {:>5.1}", turn.share * 100.0, turn.accepted, turn.items);
    }
    say!("{words}");
    Ok(())
}

/// Returns how many defects let a lot pass, in words.
fn defects(accept: u64) -> String {
    match accept {
        0 => "no defect".to_owned(),
        1 => "1 defect or none".to_owned(),
        more => format!("{more} defects or fewer"),
    }
}

fn tell_plan(found: &Found, json: bool) -> Result<()> {
    if json {
        say!("{}", serde_json::to_string(found)?);
        return Ok(());
    }
    let mut words = String::new();
    // Writing into a text cannot fail.
    if let Some(letter) = found.letter {
        let _ = writeln!(words, "Code letter {letter}");
    }
    let _ = write!(words, "Check {} items", found.n);
    if let Some(lot) = found.lot {
        let _ = write!(words, " of {lot}{}", if found.n >= lot { ", which is all" } else { "" });
    }
    let _ = write!(words, "; accept with {}, reject with {} or more", defects(found.accept), found.reject);
    for (name, sample) in [("Tightened", &found.tightened), ("Reduced", &found.reduced)] {
        if let Some(Sample { n, accept }) = sample {
            let _ = write!(words, "\n{name}: check {n} items, accept with {}", defects(*accept));
        }
    }
    let _ = write!(
        words,
        "\nAccepted 19 times in 20 at {:.3} % defective, half the time at {:.3} %, once in 10 at {:.3} %",
        found.quality_at_95 * 100.0,
        found.quality_at_50 * 100.0,
        found.quality_at_10 * 100.0
    );
    if let Some(limit) = found.outgoing_limit {
        let _ =
            write!(words, "\nIf rejected lots are checked whole, at most {:.3} % are left on average", limit * 100.0);
    }
    let _ = write!(words, "\n\n   defective   accepted{}", if found.lot.is_some() { "   left on average" } else { "" });
    for point in &found.curve {
        let _ = write!(words, "\n  {:>8.3} %   {:>8.4}", point.share * 100.0, point.accepted);
        if let Some(outgoing) = point.outgoing {
            let _ = write!(words, "   {:>13.3} %", outgoing * 100.0);
        }
    }
    say!("{words}");
    Ok(())
}

/// Returns a share written as 0.01 or 1%.
fn share(option: &str, written: &str) -> Result<f64> {
    let (number, unit) =
        written.trim().strip_suffix('%').map_or((written.trim(), 1.0), |number| (number.trim(), 100.0));
    match number.parse::<f64>() {
        Ok(number) if number > 0.0 && number < unit => Ok(number / unit),
        Ok(number) if (1.0..100.0).contains(&number) => {
            bail!("`--{option} {written}` is more than all: write {number}% for {number} in a hundred")
        }
        Ok(_) | Err(_) => bail!("`--{option} {written}` is no share between 0 and 1, such as 0.01 or 1%"),
    }
}
