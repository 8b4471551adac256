//! `remit quality plan`: how many items to check, how many defects to bear, and what that promises.

use std::{collections::BTreeSet, fmt::Write as _};

use anyhow::{Error, Result, anyhow, bail};
use clap::{Subcommand, ValueEnum};
use remit_stats::{
    StatsError,
    interval::TRIALS_MAX,
    sampling::{
        Plan, Risks, SAMPLE_MAX,
        sequential::Sequential,
        standard::{Letter, Severity},
    },
};
use serde::Serialize;

/// Probabilities of being accepted at which the curve is told: of good lots and of bad ones.
const HIGH: [f64; 4] = [0.99, 0.95, 0.9, 0.75];
const LOW: [f64; 5] = [0.5, 0.25, 0.1, 0.05, 0.01];

/// Items of a sequential test from which on a run says how far it is.
const LONG: u64 = 10_000;

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
    #[arg(long, value_name = "SHARE", default_value = "0.05", conflicts_with = "level")]
    alpha: String,
    /// The share of defects that is not to be borne.
    #[arg(long, value_name = "SHARE", required_unless_present = "level", conflicts_with = "level")]
    ltpd: Option<String>,
    /// How likely a lot that bad may be accepted.
    #[arg(long, value_name = "SHARE", default_value = "0.10", conflicts_with = "level")]
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
    /// Shares of defects at which a lot is accepted with these probabilities; of a lot that is drawn from, the most with
    /// which it passes at least as often, and the fewest with which it passes at most as often.
    quality_at_95: f64,
    quality_at_50: f64,
    quality_at_10: f64,
    /// The same in whole defects, of a lot that is drawn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    defects_at: Option<[u64; 3]>,
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
    /// How many the share is, of a lot that is drawn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    defects: Option<u64>,
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
            drawable(zero.lot)?;
            let (ltpd, beta) = (share("ltpd", &zero.ltpd)?, share("beta", &zero.beta)?);
            let plan = match zero.lot {
                Some(lot) => Plan::zero_acceptance_for_lot(ltpd, beta, lot)?,
                None => Plan::zero_acceptance(ltpd, beta).map_err(|_| {
                    anyhow!("no sample of up to {SAMPLE_MAX} items tells `--ltpd {}`: give a larger share", zero.ltpd)
                })?,
            };
            let found = match zero.lot {
                Some(lot) => {
                    let (_, bad) = Risks { aql: ltpd / 2.0, alpha: (1.0 - beta) / 2.0, ltpd, beta }.defects(lot)?;
                    of_lot(plan, lot, &[bad])?
                }
                None => of_process(plan, None, &[ltpd])?,
            };
            tell_plan(&found, zero.json)
        }
        Some(Kind::Sequential(in_turn)) => sequential(in_turn),
        None => single(&args.single),
    }
}

fn single(args: &Single) -> Result<()> {
    drawable(args.lot)?;
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
    let found = match args.lot {
        Some(lot) => {
            let (good, bad) = risks.defects(lot)?;
            let plan = Plan::smallest_for_lot(risks, lot).map_err(|why| refusal(why, risks))?;
            of_lot(plan, lot, &[good, bad])?
        }
        None => of_process(smallest(risks)?, None, &[risks.aql, risks.ltpd])?,
    };
    tell_plan(&found, args.json)
}

/// Fails of a lot from which no sample can be drawn.
fn drawable(lot: Option<u64>) -> Result<()> {
    match lot {
        Some(0) => bail!("`--lot 0` has nothing to check: give the number of items in the lot, 2 or more"),
        Some(1) => bail!("`--lot 1` has one item, which is checked whole: a plan takes a lot of 2 items or more"),
        Some(lot) if lot > TRIALS_MAX => {
            bail!(
                "`--lot {lot}` is more than is reckoned with: the largest lot has {TRIALS_MAX} items; leave `--lot` out"
            )
        }
        Some(_) | None => Ok(()),
    }
}

fn smallest(risks: Risks) -> Result<Plan> {
    Plan::smallest(risks).map_err(|why| refusal(why, risks))
}

/// Returns why there is no plan, in words.
fn refusal(why: StatsError, risks: Risks) -> Error {
    if why == StatsError::Risks { anyhow!(none_small_enough(risks)) } else { why.into() }
}

/// Returns why there is no plan for risks, in words.
fn none_small_enough(risks: Risks) -> String {
    // As they were written: 2.01% is 0.0201, not what a division leaves of it.
    let written = |share: f64| (share * 1e12).round() / 1e12;
    let [aql, alpha, ltpd, beta] = [risks.aql, risks.alpha, risks.ltpd, risks.beta].map(written);
    if aql >= ltpd {
        format!("`--aql` {aql} does not lie below `--ltpd` {ltpd}: the good share must lie below the bad one")
    } else if alpha + beta >= 1.0 {
        format!("`--alpha` {alpha} and `--beta` {beta} leave nothing between them: together they must stay below 1")
    } else {
        format!(
            "no sample of up to {SAMPLE_MAX} items tells {aql} from {ltpd} with these risks: \
             part `--aql` and `--ltpd` further, or allow more risk with `--alpha` or `--beta`"
        )
    }
}

/// The plan of the standard's code letter.
fn standard(args: &Single, aql: &str) -> Result<()> {
    let lot = args.lot.unwrap_or_default();
    let letter = Letter::of_lot(lot)?;
    let limit = aql.trim_end_matches('%').trim().parse().unwrap_or(f64::NAN);
    let plan = letter.plan(limit, Severity::Normal).map_err(|_| {
        let limits = Letter::limits().map(|limit| limit.to_string()).collect::<Vec<_>>().join(", ");
        anyhow!("`{aql}` is none of the standard's limits in per cent, which are {limits}")
    })?;
    let beside =
        |severity| letter.plan(limit, severity).map(|plan| Some(Sample { n: plan.n.min(lot), accept: plan.accept }));
    let whole = plan.n >= lot;
    // The standard's own curves are those of an endless process; all of a lot leaves nothing to chance, and a sample as
    // large as the lot is the lot.
    let promised = if whole {
        of_lot(Plan::new(lot, plan.accept.min(lot - 1))?, lot, &[])?
    } else {
        of_process(plan, Some(lot), &[limit / 100.0])?
    };
    let found = Found {
        letter: Some(letter.letter()),
        tightened: beside(Severity::Tightened)?,
        reduced: beside(Severity::Reduced)?,
        ..promised
    };
    tell_plan(&found, args.json)
}

/// Returns what a plan promises of lots from an endless process, at the shares named and some others; `lot` is their size,
/// if it is known.
fn of_process(plan: Plan, lot: Option<u64>, named: &[f64]) -> Result<Found> {
    let mut shares = named.to_vec();
    for probability in HIGH.into_iter().chain(LOW) {
        shares.push(plan.quality_at(probability)?);
    }
    shares.sort_unstable_by(f64::total_cmp);
    let mut curve = Vec::with_capacity(shares.len());
    for share in shares {
        let outgoing = lot.map(|lot| plan.outgoing(share, lot)).transpose()?;
        curve.push(Point { defects: None, share, accepted: plan.acceptance(share)?, outgoing });
    }
    Ok(Found {
        letter: None,
        lot,
        n: plan.n,
        accept: plan.accept,
        reject: plan.accept + 1,
        quality_at_95: plan.quality_at(0.95)?,
        quality_at_50: plan.quality_at(0.5)?,
        quality_at_10: plan.quality_at(0.1)?,
        defects_at: None,
        outgoing_limit: lot.map(|lot| plan.outgoing_limit(lot)).transpose()?,
        tightened: None,
        reduced: None,
        curve,
    })
}

/// Returns what a plan promises of a lot that the sample is drawn from, with the defects named and some others: by the law of
/// drawing without replacement throughout.
fn of_lot(plan: Plan, lot: u64, named: &[u64]) -> Result<Found> {
    let mut defects: BTreeSet<u64> = named.iter().copied().collect();
    for probability in HIGH {
        defects.insert(plan.most_defects_at(lot, probability)?);
    }
    for probability in LOW {
        defects.insert(plan.fewest_defects_at(lot, probability)?.min(lot));
    }
    let mut curve = Vec::with_capacity(defects.len());
    for defects in defects {
        curve.push(Point {
            defects: Some(defects),
            share: small(defects) / small(lot),
            accepted: plan.acceptance_of_lot(lot, defects)?,
            outgoing: Some(plan.outgoing_of_lot(lot, defects)?),
        });
    }
    let defects_at = [
        plan.most_defects_at(lot, 0.95)?,
        plan.fewest_defects_at(lot, 0.5)?.min(lot),
        plan.fewest_defects_at(lot, 0.1)?.min(lot),
    ];
    let [quality_at_95, quality_at_50, quality_at_10] = defects_at.map(|defects| small(defects) / small(lot));
    Ok(Found {
        letter: None,
        lot: Some(lot),
        n: plan.n,
        accept: plan.accept,
        reject: plan.accept + 1,
        quality_at_95,
        quality_at_50,
        quality_at_10,
        defects_at: Some(defects_at),
        outgoing_limit: Some(plan.outgoing_limit_of_lot(lot)?),
        tightened: None,
        reduced: None,
        curve,
    })
}

#[expect(clippy::cast_precision_loss, reason = "items of a lot are far below 2^53")]
fn small(count: u64) -> f64 {
    count as f64
}

fn sequential(args: &InTurn) -> Result<()> {
    let risks = Risks {
        aql: share("aql", &args.aql)?,
        alpha: share("alpha", &args.alpha)?,
        ltpd: share("ltpd", &args.ltpd)?,
        beta: share("beta", &args.beta)?,
    };
    let single = smallest(risks)?;
    let test = Sequential::new(risks, 3 * single.n)?;
    let mut curve = Vec::new();
    let shares = [
        0.0,
        risks.aql / 2.0,
        risks.aql,
        f64::midpoint(risks.aql, risks.ltpd),
        risks.ltpd,
        (1.5 * risks.ltpd).min(1.0),
    ];
    for (number, share) in (1..).zip(shares) {
        if test.n_max > LONG {
            tell!("share {number} of {}, up to {} items each …", shares.len(), test.n_max);
        }
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
    let items = |n: u64| if n == 1 { "1 item".to_owned() } else { format!("{n} items") };
    let _ = write!(words, "Check {}", items(found.n));
    if let Some(lot) = found.lot {
        let _ = write!(words, " of {lot}{}", if found.n >= lot { ", which is all" } else { "" });
    }
    let _ = write!(words, "; accept with {}, reject with {} or more", defects(found.accept), found.reject);
    for (name, sample) in [("Tightened", &found.tightened), ("Reduced", &found.reduced)] {
        if let Some(Sample { n, accept }) = sample {
            let _ = write!(words, "\n{name}: check {}, accept with {}", items(*n), defects(*accept));
        }
    }
    let (high, half, low) = (found.quality_at_95, found.quality_at_50, found.quality_at_10);
    let _ = match (found.defects_at, found.lot) {
        (Some(_), Some(lot)) if found.n >= lot => {
            write!(words, "\nAll are checked, so nothing is left to chance")
        }
        (Some([at_95, at_50, at_10]), _) => write!(
            words,
            "\nOf a lot, accepted 19 times in 20 or more with up to {at_95} defective ({:.3} %), half the time or less from \
             {at_50} on ({:.3} %), once in 10 or less from {at_10} on ({:.3} %)",
            high * 100.0,
            half * 100.0,
            low * 100.0
        ),
        (None, _) => write!(
            words,
            "\nAccepted 19 times in 20 at {:.3} % defective, half the time at {:.3} %, once in 10 at {:.3} %",
            high * 100.0,
            half * 100.0,
            low * 100.0
        ),
    };
    if let Some(limit) = found.outgoing_limit {
        let _ =
            write!(words, "\nIf rejected lots are checked whole, at most {:.3} % are left on average", limit * 100.0);
    }
    let counted = if found.defects_at.is_some() { "defects  " } else { "" };
    let left = if found.lot.is_some() { "   left on average" } else { "" };
    let _ = write!(words, "\n\n  {counted} defective   accepted{left}");
    for point in &found.curve {
        let count = point.defects.map_or_else(String::new, |count| format!("{count:>7}  "));
        let _ = write!(words, "\n  {count}{:>8.3} %   {:>8.4}", point.share * 100.0, point.accepted);
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
        Ok(number) if unit < 2.0 && (number - 1.0).abs() < f64::EPSILON => {
            bail!("`--{option} {written}` is all of the items: write 1% or 0.01 for 1 in a hundred")
        }
        Ok(number) if unit < 2.0 && (1.0..100.0).contains(&number) => {
            bail!("`--{option} {written}` is more than all: write {number}% for {number} in a hundred")
        }
        Ok(_) | Err(_) => bail!("`--{option} {written}` is no share between 0 and 1, such as 0.01 or 1%"),
    }
}
