//! `remit quality recompute`: the figures of certificates, computed again from nothing but exported events.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use remit_kernel::{
    engagement::{Engagement, Sow},
    gold::Gold,
    id::{CaseId, LotId, ReviewId, SowId},
    index::LotStatus,
    lot::Lot,
    stream::{State, StreamId},
};
use remit_server::app::{
    certificate::{
        Before, Certificate, Drawn, FORMATS, Figures, GoldFigures, Levels, Whole, figures, file_of, import_subject,
        limits, lot_subject, note,
    },
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
    found: Found,
}

/// What came of comparing a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Equal,
    Different,
    /// It rests on cases that this export withholds.
    Withheld,
}

/// What came of one certificate.
#[derive(Debug)]
struct Checked {
    name: String,
    figures: Vec<Figure>,
    /// Cases of it that the export withholds, those of the lot before too.
    withheld: u64,
}

/// What no event tells: it stands as the certificate says.
const UNCHECKED: [&str; 3] = ["engagement_name", "made_at", "questions"];

pub(crate) fn run(args: &Args) -> Result<()> {
    let replayed = Replayed::of(&args.export)?;
    let states = &replayed.states;
    let (file, lines) = if let Some(file) = &args.certificate {
        (file.clone(), vec![read(file)?])
    } else {
        let file = args.export.join("certificates.jsonl");
        let text = if file.exists() { read(&file)? } else { String::new() };
        (file, text.lines().map(ToOwned::to_owned).collect())
    };
    let mut checked = Vec::new();
    let mut gold_withheld = false;
    for line in lines {
        let raw: Value = serde_json::from_str(&line).with_context(|| unreadable(&file))?;
        let certificate: Certificate = serde_json::from_value(raw.clone()).with_context(|| unreadable(&file))?;
        if !FORMATS.contains(&certificate.format.as_str()) {
            bail!("{}: `{}` is unknown to this program", unreadable(&file), certificate.format);
        }
        gold_withheld |= golds(states).next().is_none() && certificate.figures.gold.is_some();
        checked.push(check(&certificate, &raw, states)?);
    }
    let count =
        |wanted: Found| checked.iter().flat_map(|one| &one.figures).filter(|figure| figure.found == wanted).count();
    let (different, unjudged) = (count(Found::Different), count(Found::Withheld));
    if args.json {
        let told = checked.iter().map(|one| {
            let figures = one.figures.iter().map(|figure| {
                json!({
                    "figure": figure.name, "certified": figure.certified, "computed": figure.computed,
                    "equal": match figure.found { Found::Equal => Some(true), Found::Different => Some(false), Found::Withheld => None },
                })
            });
            json!({ "certificate": one.name, "withheld": one.withheld, "figures": figures.collect::<Vec<_>>() })
        });
        say!(
            "{}",
            json!({
                "certificates": told.collect::<Vec<_>>(), "equal": different == 0 && unjudged == 0, "different": different,
                "unjudged": unjudged, "gold_withheld": gold_withheld, "unchecked": UNCHECKED,
                "events": { "chained": replayed.chained, "unchained": replayed.unchained },
            })
        );
    } else {
        tell(&checked, &replayed, gold_withheld);
        if !checked.is_empty() {
            say!("{} certificates, {different} figures different, {unjudged} that cannot be judged", checked.len());
        }
    }
    if different > 0 {
        bail!("{different} figures differ from what the events give");
    }
    Ok(())
}

/// Says what came of it, figure by figure.
fn tell(checked: &[Checked], replayed: &Replayed, gold_withheld: bool) {
    for Checked { name, figures, withheld } in checked {
        for Figure { name: figure, certified, computed, found } in figures {
            match found {
                Found::Equal => say!("{name} {figure} {computed} equal"),
                Found::Different => say!("{name} {figure} {computed} different: the certificate says {certified}"),
                Found::Withheld => say!("{name} {figure} {certified} cannot be judged from this export"),
            }
        }
        if *withheld > 0 {
            say!("{name}: {withheld} cases are withheld from whoever took this export, until they are delivered.");
        }
    }
    say!(
        "{} events fit their digests; {} follow one that is withheld here and were not held against it.",
        replayed.chained,
        replayed.unchained
    );
    if checked.is_empty() {
        say!("This export holds no certificate: no lot is complete, and nothing was imported.");
        return;
    }
    if gold_withheld {
        say!("This export withholds gold: what was passed of how many stands as certified.");
    }
    say!("No event tells {}: they stand as certified.", UNCHECKED.join(", "));
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

/// Makes a certificate again from the states, and compares all of it but what no event tells.
fn check(certificate: &Certificate, raw: &Value, states: &BTreeMap<StreamId, State>) -> Result<Checked> {
    let Some(State::Engagement(engagement)) =
        states.iter().find_map(|(stream, state)| matches!(stream, StreamId::Engagement(_)).then_some(state))
    else {
        bail!("this export holds no event of an engagement");
    };
    let levels = Levels::of(certificate);
    let (subject, figures, draw, before, missing) = match (certificate.subject.lot, certificate.subject.file) {
        (Some(id), _) => {
            let lot = lot(states, id)?;
            let before = lot_before(states, lot);
            let before = before.map(|before| of_before(states, before, certificate.before.as_ref(), &levels));
            let (before, missing_before) = before.unzip();
            let (figures, missing) = of_lot(states, lot, Some(&certificate.figures), &levels);
            (
                lot_subject(lot, &sows(states, engagement)),
                figures,
                Drawn::of(lot),
                before,
                [missing, missing_before.unwrap_or(0)],
            )
        }
        (None, Some(file)) => {
            let whole = cases(states).filter(|whole| whole.case.imported() && file_of(&whole.panel) == Some(file));
            let whole: Vec<_> = whole.collect();
            (import_subject(file, &whole), figures(None, &whole, &[], &[], &levels), None, None, [0, 0])
        }
        (None, None) => bail!("this certificate is about neither a lot nor a file"),
    };
    let told = |key: &String| figures.agreement.iter().any(|question| question.question == *key);
    let questions = certificate.questions.clone().into_iter().filter(|(key, _)| told(key) || missing[0] > 0).collect();
    let again = Certificate {
        format: certificate.format.clone(),
        engagement: engagement.engagement,
        engagement_name: certificate.engagement_name.clone(),
        note: note(&figures),
        // It cannot be older than what it is about.
        made_at: certificate.made_at.max(subject.until),
        questions,
        limits: limits(&figures, subject.lot.is_some()),
        subject,
        figures,
        before,
        draw,
    };
    let mut figures = compare(certificate, &again, missing)?;
    figures.extend(unknown(certificate, raw)?);
    Ok(Checked { name: name(certificate), figures, withheld: missing.iter().sum() })
}

fn lot(states: &BTreeMap<StreamId, State>, id: LotId) -> Result<&Lot> {
    match states.get(&StreamId::Lot(id)) {
        Some(State::Lot(lot)) => Ok(lot),
        _ => bail!("the events of `{id}` are not in this export"),
    }
}

/// Returns the complete lot of the same line and case type that opened last before this one.
fn lot_before<'s>(states: &'s BTreeMap<StreamId, State>, lot: &Lot) -> Option<&'s Lot> {
    let lots = states.values().filter_map(|state| if let State::Lot(lot) = state { Some(lot) } else { None });
    lots.filter(|other| {
        let alike = other.line == lot.line && other.case_type == lot.case_type;
        alike && other.status != LotStatus::Open && other.opened_at < lot.opened_at
    })
    .max_by_key(|other| (other.opened_at, other.lot))
}

fn of_before(
    states: &BTreeMap<StreamId, State>,
    before: &Lot,
    certified: Option<&Before>,
    levels: &Levels,
) -> (Before, u64) {
    let (figures, missing) = of_lot(states, before, certified.map(|before| &before.figures), levels);
    (Before { lot: before.lot, number: before.number, figures }, missing)
}

fn sows(states: &BTreeMap<StreamId, State>, engagement: &Engagement) -> BTreeMap<SowId, Sow> {
    let sow = |id: SowId| match states.get(&StreamId::Sow(id)) {
        Some(State::Sow(sow)) => Some((id, sow.clone())),
        _ => None,
    };
    engagement.signed().filter_map(sow).collect()
}

/// Returns the figures of a lot, and how many of its cases the export withholds. Gold is computed from its events where the
/// export holds any; where it withholds them, the certified counts are taken and their interval is computed.
fn of_lot(
    states: &BTreeMap<StreamId, State>,
    lot: &Lot,
    certified: Option<&Figures>,
    levels: &Levels,
) -> (Figures, u64) {
    let whole: Vec<_> = lot.cases.keys().filter_map(|case| whole(states, *case)).collect();
    let golds: Vec<_> = golds(states).collect();
    let counts = |id: LotId| match states.get(&StreamId::Lot(id)) {
        Some(State::Lot(earlier)) => counts_for(lot, earlier),
        _ => false,
    };
    let reviews =
        states.values().filter_map(|state| if let State::Review(review) = state { Some(review) } else { None });
    let pairs = pairs(reviews.filter(|review| counts(review.lot)));
    let mut computed = figures(Some(lot), &whole, &golds, &pairs, levels);
    if let Some(gold) = certified.and_then(|known| known.gold.as_ref()).filter(|_| golds.is_empty()) {
        computed.gold = GoldFigures::of(gold.passed, gold.answered);
    }
    // The lot itself tells how many cases it has, whoever may see them.
    computed.cases = lot.cases.len() as u64;
    (computed, (lot.cases.len() - whole.len()) as u64)
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

/// Compares two certificates, figure by figure. `missing` cases of the lot, and of the one before, are withheld: what rests
/// on them is not judged.
fn compare(certified: &Certificate, computed: &Certificate, missing: [u64; 2]) -> Result<Vec<Figure>> {
    let (left, right) = (flat(certified)?, flat(computed)?);
    let names: BTreeSet<_> = left.keys().chain(right.keys()).collect();
    let mut found = Vec::new();
    for name in names {
        let certified = left.get(name).cloned().unwrap_or(Value::Null);
        let computed = right.get(name).cloned().unwrap_or(Value::Null);
        let equal = match (certified.as_f64(), computed.as_f64()) {
            (Some(one), Some(other)) => (one - other).abs() <= ROUNDING,
            (_, _) => certified == computed,
        };
        let withheld = match name.strip_prefix("before.") {
            Some(name) => missing[1] > 0 && rests_on_cases(name),
            None => missing[0] > 0 && rests_on_cases(name),
        };
        let verdict = match (withheld, equal) {
            (true, _) => Found::Withheld,
            (false, true) => Found::Equal,
            (false, false) => Found::Different,
        };
        if !UNCHECKED.contains(&name.split('.').next().unwrap_or_default()) || verdict == Found::Different {
            // Figures are called by their own names, as they always were.
            let name = name.replacen("figures.", "", 1);
            found.push(Figure { name, certified, computed, found: verdict });
        }
    }
    Ok(found)
}

/// Returns whether a part of a certificate rests on every case of its lot. What the lot itself says does not.
fn rests_on_cases(name: &str) -> bool {
    let of_cases = name.strip_prefix("figures.").is_some_and(|figure| figure != "cases" && !figure.starts_with("plan"));
    of_cases || name == "note" || name.starts_with("limits")
}

/// Returns what a certificate holds and none has.
fn unknown(certificate: &Certificate, raw: &Value) -> Result<Vec<Figure>> {
    let known = flat(certificate)?;
    let mut held = BTreeMap::new();
    flatten("", raw, &mut held);
    let extra = held.into_iter().filter(|(name, _)| !known.contains_key(name));
    let of = |(name, certified)| Figure { name, certified, computed: Value::Null, found: Found::Different };
    Ok(extra.map(of).collect())
}

fn flat(certificate: &Certificate) -> Result<BTreeMap<String, Value>> {
    let mut flat = BTreeMap::new();
    flatten("", &serde_json::to_value(certificate)?, &mut flat);
    Ok(flat)
}

fn flatten(name: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
    let under = |key: &str| {
        if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") }
    };
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(key, value)| flatten(&under(key), value, into));
        }
        Value::Array(list) if !list.is_empty() => {
            for (place, value) in list.iter().enumerate() {
                flatten(&under(&place.to_string()), value, into);
            }
        }
        leaf => drop(into.insert(name.to_owned(), leaf.clone())),
    }
}
