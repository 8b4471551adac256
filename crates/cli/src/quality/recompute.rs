//! `remit quality recompute`: the figures of certificates, computed again from nothing but exported events.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use remit_kernel::{
    gold::Gold,
    id::{CaseId, LotId, ReviewId},
    lot::{Lot, Seed},
    stream::{State, StreamId},
};
use remit_server::app::{
    certificate::{Certificate, Figures, GoldFigures, Whole, figures, file_of},
    second::{counts_for, pairs},
};
use serde_json::{Value, json};

use super::replay::{Replayed, read};

/// How far two numbers may lie apart and still be the same one, written and read again.
const ROUNDING: f64 = 1e-9;

/// Computes the certificates of an export again from its events, and says for each figure whether it is equal.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder that `remit export` wrote.
    #[arg(value_name = "EXPORT")]
    export: PathBuf,
    /// A certificate that was filed, instead of those in the export.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// One figure, as certified and as computed again.
#[derive(Debug)]
struct Figure {
    name: String,
    certified: Value,
    computed: Value,
    equal: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let states = Replayed::of(&args.export)?.states;
    let certificates = if let Some(file) = &args.certificate {
        vec![serde_json::from_str(&read(file)?).with_context(|| unreadable(file))?]
    } else {
        let file = args.export.join("certificates.jsonl");
        let lines = if file.exists() { read(&file)? } else { String::new() };
        let parsed = lines.lines().map(serde_json::from_str).collect::<std::result::Result<Vec<Certificate>, _>>();
        parsed.with_context(|| unreadable(&file))?
    };
    let withheld = golds(&states).next().is_none() && certificates.iter().any(|known| known.figures.gold.is_some());
    let mut different = 0;
    let mut told = Vec::new();
    for certificate in &certificates {
        let name = name(certificate);
        let found = recomputed(certificate, &states)?;
        different += found.iter().filter(|figure| !figure.equal).count();
        if args.json {
            let figures = found.iter().map(|figure| {
                json!({ "figure": figure.name, "certified": figure.certified, "computed": figure.computed, "equal": figure.equal })
            });
            told.push(json!({ "certificate": name, "figures": figures.collect::<Vec<_>>() }));
        } else {
            for Figure { name: figure, certified, computed, equal } in found {
                if equal {
                    say!("{name} {figure} {computed} equal");
                } else {
                    say!("{name} {figure} {computed} different: the certificate says {certified}");
                }
            }
        }
    }
    if args.json {
        say!(
            "{}",
            json!({ "certificates": told, "equal": different == 0, "different": different, "gold_withheld": withheld })
        );
    } else if certificates.is_empty() {
        say!("This export holds no certificate: no lot is complete, and nothing was imported.");
    } else {
        if withheld {
            say!("This export withholds gold: what was passed of how many stands as certified.");
        }
        say!("{} certificates, {different} figures different", certificates.len());
    }
    if different > 0 {
        bail!("{different} figures differ from what the events give");
    }
    Ok(())
}

fn unreadable(file: &Path) -> String {
    format!("{} holds no certificate of this version", file.display())
}

/// Returns what a certificate is called here.
fn name(certificate: &Certificate) -> String {
    match (certificate.subject.lot, certificate.subject.file) {
        (Some(lot), _) => lot.to_string(),
        (None, Some(file)) => format!("import {file}"),
        (None, None) => certificate.engagement.to_string(),
    }
}

/// Computes the figures of a certificate again, those of the lot before too, and compares each.
fn recomputed(certificate: &Certificate, states: &BTreeMap<StreamId, State>) -> Result<Vec<Figure>> {
    let mut found = Vec::new();
    match (certificate.subject.lot, certificate.subject.file) {
        (Some(id), _) => {
            let lot = lot(states, id)?;
            compare("", &certificate.figures, &of_lot(states, lot, &certificate.figures), &mut found)?;
            if let Some(draw) = &certificate.draw {
                let fits = Seed(*draw.seed.bytes()).commitment() == lot.commitment && lot.seed == Some(draw.seed);
                let (certified, computed) = (json!(draw.fits), json!(fits));
                found.push(Figure { name: "draw.fits".to_owned(), equal: certified == computed, certified, computed });
            }
            if let Some(before) = &certificate.before {
                let known = of_lot(states, self::lot(states, before.lot)?, &before.figures);
                compare("before.", &before.figures, &known, &mut found)?;
            }
        }
        (None, Some(file)) => {
            let whole = cases(states).filter(|whole| whole.case.imported() && file_of(&whole.panel) == Some(file));
            compare("", &certificate.figures, &figures(None, &whole.collect::<Vec<_>>(), &[], &[]), &mut found)?;
        }
        (None, None) => bail!("this certificate is about neither a lot nor a file"),
    }
    Ok(found)
}

fn lot(states: &BTreeMap<StreamId, State>, id: LotId) -> Result<&Lot> {
    match states.get(&StreamId::Lot(id)) {
        Some(State::Lot(lot)) => Ok(lot),
        _ => bail!("the events of `{id}` are not in this export"),
    }
}

/// Returns the figures of a lot. Gold is computed from its events where the export holds any; where it withholds them, the
/// certified counts are taken and their interval is computed.
fn of_lot(states: &BTreeMap<StreamId, State>, lot: &Lot, certified: &Figures) -> Figures {
    let whole: Vec<_> = lot.cases.keys().filter_map(|case| whole(states, *case)).collect();
    let golds: Vec<_> = golds(states).collect();
    let counts = |id: LotId| match states.get(&StreamId::Lot(id)) {
        Some(State::Lot(earlier)) => counts_for(lot, earlier),
        _ => false,
    };
    let reviews =
        states.values().filter_map(|state| if let State::Review(review) = state { Some(review) } else { None });
    let pairs = pairs(reviews.filter(|review| counts(review.lot)));
    let mut computed = figures(Some(lot), &whole, &golds, &pairs);
    if let Some(gold) = certified.gold.as_ref().filter(|_| golds.is_empty()) {
        computed.gold = GoldFigures::of(gold.passed, gold.answered);
    }
    computed
}

fn golds(states: &BTreeMap<StreamId, State>) -> impl Iterator<Item = Gold> {
    states.values().filter_map(|state| if let State::Gold(gold) = state { Some(gold.clone()) } else { None })
}

fn cases(states: &BTreeMap<StreamId, State>) -> impl Iterator<Item = Whole> {
    states.keys().filter_map(|stream| if let StreamId::Case(case) = stream { whole(states, *case) } else { None })
}

fn whole(states: &BTreeMap<StreamId, State>, id: CaseId) -> Option<Whole> {
    let State::Case(case) = states.get(&StreamId::Case(id))? else { return None };
    let State::Panel(panel) = states.get(&StreamId::panel_of(id))? else { return None };
    let review = |review: &ReviewId| match states.get(&StreamId::Review(*review)) {
        Some(State::Review(review)) => Some(review.clone()),
        _ => None,
    };
    let reviews = case.reviews.iter().filter_map(review).collect();
    Some(Whole { case: case.clone(), panel: panel.clone(), reviews })
}

/// Compares two documents figure by figure.
fn compare<T: serde::Serialize>(prefix: &str, certified: &T, computed: &T, found: &mut Vec<Figure>) -> Result<()> {
    let (mut left, mut right) = (BTreeMap::new(), BTreeMap::new());
    flatten(prefix, &serde_json::to_value(certified)?, &mut left);
    flatten(prefix, &serde_json::to_value(computed)?, &mut right);
    let names: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).cloned().collect();
    for name in names {
        let certified = left.get(&name).cloned().unwrap_or(Value::Null);
        let computed = right.get(&name).cloned().unwrap_or(Value::Null);
        let equal = match (certified.as_f64(), computed.as_f64()) {
            (Some(one), Some(other)) => (one - other).abs() <= ROUNDING,
            (_, _) => certified == computed,
        };
        found.push(Figure { name, certified, computed, equal });
    }
    Ok(())
}

fn flatten(name: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
    let under = |key: &str| {
        if name.is_empty() || name.ends_with('.') { format!("{name}{key}") } else { format!("{name}.{key}") }
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| flatten(&under(key), value, into)),
        Value::Array(list) => {
            for (place, value) in list.iter().enumerate() {
                flatten(&under(&place.to_string()), value, into);
            }
        }
        leaf => drop(into.insert(name.to_owned(), leaf.clone())),
    }
}
