//! `remit quality draw`: each complete lot drawn again from its opened seed, case by case.

use std::path::PathBuf;

use anyhow::{Result, bail};
use remit_kernel::{
    case::{CaseEvent, DrawCause},
    id::{CaseId, LotId},
    lot::{self, Lot, RANDOM, Seed},
    stream::{State, StreamId},
};
use serde_json::{Value, json};

use super::replay::Replayed;

/// Draws every case of the complete lots of an export again, and says whether that is what was recorded.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder that `remit export` wrote.
    #[arg(value_name = "EXPORT")]
    export: PathBuf,
    /// This lot alone.
    #[arg(long, value_name = "LOT")]
    lot: Option<LotId>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// One case drawn again.
#[expect(clippy::struct_excessive_bools, reason = "each is a word of its own in what is printed")]
struct Again {
    case: CaseId,
    /// The number it draws for chance alone.
    number: u64,
    causes: Vec<DrawCause>,
    in_house: bool,
    /// Whether two reviewers look at it.
    second: bool,
    /// Whether it belongs to the sample.
    sampled: bool,
    same: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let replayed = Replayed::of(&args.export)?;
    let lots = replayed.states.values().filter_map(|state| if let State::Lot(lot) = state { Some(lot) } else { None });
    let lots: Vec<_> = lots.filter(|lot| args.lot.is_none_or(|wanted| wanted == lot.lot)).collect();
    if let (Some(wanted), true) = (args.lot, lots.is_empty()) {
        bail!("the events of `{wanted}` are not in this export");
    }
    let (mut different, mut told) = (0, Vec::new());
    for lot in lots {
        let Some(seed) = lot.seed.map(|seed| Seed(*seed.bytes())) else {
            if !args.json {
                say!("{} is open: its seed is secret until {}", lot.lot, lot.ends_at.timestamp());
            }
            continue;
        };
        let fits = seed.commitment() == lot.commitment;
        let cases = again(&replayed, lot, &seed);
        different += u64::from(!fits) + cases.iter().filter(|case| !case.same).count() as u64;
        if args.json {
            told.push(document(lot, fits, &cases));
        } else {
            say!("{} seed {}", lot.lot, if fits { "fits its commitment" } else { "does not fit its commitment" });
            for case in cases {
                let causes = case.causes.iter().map(|cause| cause.word()).collect::<Vec<_>>().join(", ");
                let drawn = if causes.is_empty() { "not drawn".to_owned() } else { format!("drawn: {causes}") };
                let sampled = if case.sampled { ", in the sample" } else { "" };
                let second = if case.second { ", by two reviewers" } else { "" };
                let in_house = if case.in_house { ", read in-house" } else { "" };
                let same = if case.same { "equal" } else { "different from what was recorded" };
                say!("  {} number {} {drawn}{second}{sampled}{in_house}: {same}", case.case, case.number);
            }
        }
    }
    if args.json {
        say!("{}", json!({ "lots": told, "equal": different == 0, "different": different }));
    }
    if different > 0 {
        bail!("{different} draws differ from what the seeds give");
    }
    Ok(())
}

/// Draws the cases of a lot again, in the order of the draw. Cases whose events are not in the export are left out.
fn again(replayed: &Replayed, lot: &Lot, seed: &Seed) -> Vec<Again> {
    let sample = lot.sampled();
    let mut cases = Vec::new();
    for case in seed.order(lot.cases.keys().copied()) {
        let (Some(State::Case(known)), Some(CaseEvent::Drawn { risks, causes: recorded, in_house, second, .. })) =
            (replayed.states.get(&StreamId::Case(case)), replayed.drawn.get(&case))
        else {
            continue;
        };
        let Some(plan) = known.admission.as_ref().and_then(|admission| admission.plan.review.as_ref()) else {
            continue;
        };
        let causes = lot::causes(plan, lot.mode, seed, case, risks);
        let house = lot::in_house(plan, seed, case);
        let twice = lot::second(plan, seed, case, &causes);
        cases.push(Again {
            case,
            number: seed.number(case, RANDOM),
            same: causes == *recorded && house == in_house.is_some() && twice == second.is_some(),
            causes: causes.into_iter().collect(),
            in_house: house,
            second: twice,
            sampled: sample.contains(&case),
        });
    }
    cases
}

fn document(lot: &Lot, fits: bool, cases: &[Again]) -> Value {
    let cases = cases.iter().map(|again| {
        let causes = again.causes.iter().map(|cause| cause.word()).collect::<Vec<_>>();
        // Beyond 2^53 a number of JSON loses digits.
        json!({ "case": again.case, "number": again.number.to_string(), "causes": causes, "in_house": again.in_house, "second": again.second, "sampled": again.sampled, "equal": again.same })
    });
    json!({ "lot": lot.lot, "commitment_fits": fits, "cases": cases.collect::<Vec<_>>() })
}
