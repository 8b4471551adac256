//! Practice packs: from a folder (or the binary itself) to the kernel's [`Pack`], or to everything that needs mending.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use remit_kernel::{
    decimal::Decimal,
    form::Form,
    lot::LIMITS,
    model::MILLION,
    pack::{
        Acceptance, Calibrated, CaseField, CaseType, Duty, GoldPlan, Kpi, Pack, Plan, Playbook, READINGS_MIN,
        Requirement, ReviewPlan, Risk, Stopping, WHOLE,
    },
};

use crate::{
    files::Files,
    form::{self, is_key},
    import_map::{self, ImportMap},
    playbook,
    source::{Fields, Node, PackErrors, Problem, Source, Value},
};

/// Most blind readings of one case.
const READINGS_MAX: u32 = 9;
const NAME_HINT: &str = "Use lower-case letters, digits and `-`, beginning with a letter.";

/// A pack that has passed every check.
#[derive(Debug, Clone)]
pub struct LoadedPack {
    /// What the kernel works by.
    pub pack: Pack,
    /// Maps for known files, by the name that `--map` takes.
    pub maps: BTreeMap<String, ImportMap>,
    /// What lies below `demo/`; empty if the pack brings none.
    pub demo: Files,
}

/// Reads and checks the pack in a folder.
///
/// # Errors
/// Every problem at once, each with file, line and remedy.
pub fn read(dir: &Path) -> Result<LoadedPack, PackErrors> {
    let files = Files::of_dir(dir).map_err(|error| {
        let hint = "Name a folder that holds pack.toml, form.json and playbook.md.";
        PackErrors(vec![whole_file("pack.toml", &format!("the folder cannot be read: {error}"), hint)])
    })?;
    read_files(&files)
}

/// Reads and checks a pack given as files, such as one of [`crate::files::shipped`].
///
/// # Errors
/// Every problem at once, each with file, line and remedy.
pub fn read_files(files: &Files) -> Result<LoadedPack, PackErrors> {
    let mut problems = Vec::new();
    let form = read_file(files, "form.json", &mut problems, form::read);
    let playbook = read_file(files, "playbook.md", &mut problems, |source| Some(playbook::read(source)));
    let pack = read_file(files, "pack.toml", &mut problems, |source| manifest(source, form, playbook));
    let Some(pack) = pack else { return Err(PackErrors(problems)) };
    let mut maps = BTreeMap::new();
    for (path, _) in files.iter() {
        let Some(name) = path.strip_prefix("import/").and_then(|path| path.strip_suffix(".toml")) else { continue };
        let map = read_file(files, path, &mut problems, |source| import_map::check(source, &pack));
        maps.extend(map.map(|map| (name.to_owned(), map)));
    }
    if problems.is_empty() {
        Ok(LoadedPack { pack, maps, demo: files.below("demo") })
    } else {
        Err(PackErrors(problems))
    }
}

pub(crate) fn read_file<T>(
    files: &Files,
    file: &str,
    problems: &mut Vec<Problem>,
    read: impl FnOnce(&Source<'_>) -> Option<T>,
) -> Option<T> {
    let Some(bytes) = files.find(file) else {
        problems.push(whole_file(file, "this file is missing", "Add it; \"Write a pack\" shows a small one."));
        return None;
    };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let place = error.valid_up_to();
            problems.push(whole_file(file, &format!("byte {place} is not UTF-8"), "Save the file as UTF-8."));
            return None;
        }
    };
    let source = Source::new(file, text);
    let value = read(&source);
    problems.extend(source.into_problems());
    value
}

fn whole_file(file: &str, message: &str, hint: &str) -> Problem {
    Problem { file: file.to_owned(), line: 1, column: 1, message: message.to_owned(), hint: hint.to_owned() }
}

/// Reads `pack.toml` and puts the pack together; nothing if one of its three files cannot be read at all.
fn manifest(source: &Source<'_>, form: Option<Form>, playbook: Option<Playbook>) -> Option<Pack> {
    let node = source.toml()?;
    let mut fields = Fields::of(source, &node, "the file")?;
    let name = fields.text("name").to_owned();
    if !name.is_empty() && !is_name(&name) {
        source.problem(fields.at, format!("`{name}` cannot be the name of a pack"), NAME_HINT);
    }
    let version = fields.text("version").to_owned();
    let numbers: Vec<_> = version.split('.').collect();
    if !version.is_empty() && (numbers.len() != 3 || numbers.iter().any(|number| number.parse::<u32>().is_err())) {
        source.problem(fields.at, format!("`{version}` is not a version"), "Write three numbers, such as 1.0.0.");
    }
    let title = fields.text("title").to_owned();
    let summary = fields.text("summary").to_owned();
    let rate_units = fields.texts("rate_units");
    if rate_units.is_empty() {
        source.problem(fields.at, "no rate unit is named", "Add rate_units = [\"case\"]: what a rate card may price.");
    }
    let attribution = fields.find_text("attribution").unwrap_or_default().to_owned();
    let case_types = unique(source, fields.list("case_types"), "case type", case_type, |case_type| &case_type.key);
    if case_types.is_empty() {
        source.problem(
            fields.at,
            "the pack names no case type",
            "Add a table [[case_types]] with key, title and fields.",
        );
    }
    let kpis = unique(source, fields.list("kpis"), "key figure", kpi, |kpi| &kpi.key);
    let plan = fields.require("plan").and_then(|node| plan(source, node, &case_types));
    let requirements = fields.find("requirements").map(|node| requirements(source, node)).unwrap_or_default();
    fields.finish();
    let plan = plan?;
    let signer: Requirement = requirements.get(&Duty::Sign).cloned().unwrap_or_default();
    if plan.signoff && signer.credentials.is_empty() {
        source.problem(
            node.at,
            "cases are signed, but no credential is named for the signer",
            "Add [requirements.sign] with credentials.",
        );
    }
    if plan.signoff_in_jurisdiction && !signer.in_jurisdiction {
        source.problem(
            node.at,
            "the plan asks for a signer in the jurisdiction, the requirement does not",
            "Write in_jurisdiction = true under [requirements.sign], or drop it from [plan].",
        );
    }
    Some(Pack {
        name,
        version,
        title,
        summary,
        case_types,
        form: form?,
        plan,
        requirements,
        playbook: playbook?,
        kpis,
        rate_units,
        attribution,
    })
}

fn requirements(source: &Source<'_>, node: &Node) -> BTreeMap<Duty, Requirement> {
    let mut requirements = BTreeMap::new();
    let Some(mut duties) = Fields::of(source, node, "`requirements`") else { return requirements };
    for (word, duty) in
        [("read", Duty::Read), ("adjudicate", Duty::Adjudicate), ("review", Duty::Review), ("sign", Duty::Sign)]
    {
        let Some(mut fields) = duties.table(word) else { continue };
        let credentials = fields.texts("credentials");
        let in_jurisdiction = fields.flag_or("in_jurisdiction", false);
        if in_jurisdiction && credentials.is_empty() {
            source.problem(
                fields.at,
                format!("`{word}` asks for a credential in the jurisdiction but names no credential"),
                "List the kinds that will do under credentials.",
            );
        }
        let calibration = fields.find("calibration").and_then(|node| calibrated(source, node));
        let clearances = fields.texts("clearances");
        requirements.insert(duty, Requirement { credentials, in_jurisdiction, clearances, calibration });
        fields.finish();
    }
    duties.finish();
    requirements
}

/// Reads how well gold cases must have been read before the first live one.
fn calibrated(source: &Source<'_>, node: &Node) -> Option<Calibrated> {
    let mut fields = Fields::of(source, node, "`calibration`")?;
    fields.require("share_bp");
    fields.require("answers_min");
    let share_bp = u16::try_from(fields.whole_or("share_bp", 1..=10_000, 1)).unwrap_or(u16::MAX);
    let answers_min = fields.whole_or("answers_min", 1..=1_000, 1);
    fields.finish();
    Some(Calibrated { share_bp, answers_min })
}

/// Reads a list of tables and reports those whose key was there before.
fn unique<T>(
    source: &Source<'_>,
    nodes: &[Node],
    noun: &str,
    read: impl Fn(&Source<'_>, &Node) -> Option<T>,
    key: impl Fn(&T) -> &String,
) -> Vec<T> {
    let mut items: Vec<T> = Vec::new();
    for node in nodes {
        let Some(item) = read(source, node) else { continue };
        let word = key(&item);
        if !word.is_empty() && items.iter().any(|earlier| key(earlier) == word) {
            source.problem(node.at, format!("the {noun} `{word}` is given twice"), "Keep one of the two.");
        }
        items.push(item);
    }
    items
}

fn case_type(source: &Source<'_>, node: &Node) -> Option<CaseType> {
    let mut fields = Fields::of(source, node, "a case type")?;
    let key = fields.text("key").to_owned();
    if !key.is_empty() && !is_name(&key) {
        source.problem(node.at, format!("`{key}` cannot be the key of a case type"), NAME_HINT);
    }
    let title = fields.text("title").to_owned();
    let case_fields = unique(source, fields.list("fields"), "field", case_field, |field| &field.key);
    fields.finish();
    Some(CaseType { key, title, fields: case_fields })
}

fn case_field(source: &Source<'_>, node: &Node) -> Option<CaseField> {
    let mut fields = Fields::of(source, node, "a field")?;
    let key = fields.text("key").to_owned();
    if !key.is_empty() && !is_key(&key) {
        source.problem(node.at, format!("`{key}` cannot be the key of a field"), form::KEY_HINT);
    }
    let title = fields.text("title").to_owned();
    let required = fields.flag_or("required", false);
    fields.finish();
    Some(CaseField { key, title, required })
}

fn kpi(source: &Source<'_>, node: &Node) -> Option<Kpi> {
    let mut fields = Fields::of(source, node, "a key figure")?;
    let kpi = Kpi {
        key: fields.text("key").to_owned(),
        title: fields.text("title").to_owned(),
        formula: fields.text("formula").to_owned(),
        target: fields.find_text("target").unwrap_or_default().to_owned(),
    };
    fields.finish();
    Some(kpi)
}

fn plan(source: &Source<'_>, node: &Node, case_types: &[CaseType]) -> Option<Plan> {
    let mut fields = Fields::of(source, node, "`plan`")?;
    let stopping = match fields.find("stopping") {
        Some(Node { value: Value::Text(word), .. }) if word == "sequential" => sequential(source, &mut fields),
        Some(Node { at, value: Value::Text(word) }) if word != "fixed" => {
            let hint = "Write stopping = \"fixed\" or stopping = \"sequential\".";
            source.problem(*at, format!("the stopping rule `{word}` is not known"), hint);
            return None;
        }
        Some(_) | None => {
            fields.require("readings");
            Stopping::Fixed { readings: small(fields.whole_or("readings", 1..=READINGS_MAX, u32::from(READINGS_MIN))) }
        }
    };
    let single_at = fields.find("single_reading").map(|node| node.at);
    let single_allowed: BTreeSet<String> = fields.texts("single_reading").into_iter().collect();
    for case_type in single_allowed.iter().filter(|case_type| !case_types.iter().any(|known| known.key == **case_type))
    {
        source.problem(
            single_at.unwrap_or(fields.at),
            format!("`single_reading` names `{case_type}`, which is no case type of the pack"),
            "Name case types of which one reading alone may decide.",
        );
    }
    if stopping.first() < READINGS_MIN && single_allowed.is_empty() {
        source.problem(
            fields.at,
            "one reading alone would decide every case",
            "Plan two readings, or name the case types of which one will do: single_reading = [\"...\"].",
        );
    }
    let signoff = fields.flag_or("signoff", true);
    let signoff_in_jurisdiction = fields.flag_or("signoff_in_jurisdiction", false);
    let gold = fields.find("gold").and_then(|node| gold_plan(source, node));
    let review = fields.table("review").map(|fields| review(source, fields));
    fields.finish();
    Some(Plan { stopping, signoff, signoff_in_jurisdiction, review, single_allowed, gold })
}

/// Reads which finished work is looked at again; shares are in basis points.
fn review(source: &Source<'_>, mut fields: Fields<'_>) -> ReviewPlan {
    let random = fields.whole_or("random", 0..=WHOLE, 0);
    let in_house = fields.whole_or("in_house", 0..=WHOLE, 0);
    let rebuttal_days = fields.whole_or("rebuttal_days", 0..=90, 7);
    let second = fields.whole_or("second", 0..=WHOLE, 0);
    let risks = fields.table("risks").map_or_else(BTreeMap::new, |mut risks| {
        let shares = Risk::ALL.iter().map(|risk| (*risk, risks.whole_or(risk.word(), 0..=WHOLE, 0)));
        let shares = shares.filter(|(_, share)| *share > 0).collect();
        risks.finish();
        shares
    });
    let acceptance = fields.table("acceptance").map(|mut fields| {
        fields.require("aql");
        let aql = fields.whole_or("aql", 1..=1_000, 100);
        if !LIMITS.contains(&aql) {
            let known = LIMITS.map(|limit| limit.to_string()).join(", ");
            source.problem(fields.at, "this is none of the standard's quality limits", format!("Give one of {known}."));
        }
        let reduced = fields.flag_or("reduced", false);
        fields.finish();
        Acceptance { aql, reduced }
    });
    fields.finish();
    ReviewPlan { random, risks, acceptance, in_house, rebuttal_days, second }
}

/// Reads the sequential rule: fewest and most readings, and the greatest chance of a wrong answer.
fn sequential(source: &Source<'_>, fields: &mut Fields<'_>) -> Stopping {
    let least = u32::from(READINGS_MIN);
    let readings_min = fields.whole_or("readings_min", 1..=READINGS_MAX, least);
    fields.require("readings_max");
    let readings_max = fields.whole_or("readings_max", readings_min..=READINGS_MAX, readings_min);
    let at = fields.require("error_max_percent").map_or(fields.at, |node| node.at);
    let percent = fields.find_decimal("error_max_percent").unwrap_or(Decimal::ZERO);
    let error_max = u32::try_from(percent.units(4)).unwrap_or_default();
    if percent.places() > 4 || !(1..MILLION).contains(&error_max) {
        source.problem(
            at,
            format!("`error_max_percent` is {percent}"),
            "Give the greatest chance of a wrong answer in percent, such as 1.0: above 0, below 100, at most 4 decimals.",
        );
    }
    Stopping::Sequential { readings_min: small(readings_min), readings_max: small(readings_max), error_max }
}

fn small(whole: u32) -> u8 {
    u8::try_from(whole).unwrap_or(u8::MAX)
}

/// Reads how gold cases are mixed in: the rate is required, the rest is as usual unless it is said.
fn gold_plan(source: &Source<'_>, node: &Node) -> Option<GoldPlan> {
    let mut fields = Fields::of(source, node, "`plan.gold`")?;
    fields.require("rate_bp");
    let usual = GoldPlan::USUAL;
    let small = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
    let plan = GoldPlan {
        rate_bp: small(fields.whole_or("rate_bp", 1..=5_000, 1)),
        window_days: small(fields.whole_or("window_days", 1..=90, u32::from(usual.window_days))),
        showings_max: fields.whole_or("showings_max", 1..=500, usual.showings_max),
        retire_above_bp: small(fields.whole_or("retire_above_bp", 5_000..=10_000, u32::from(usual.retire_above_bp))),
        retire_after: fields.whole_or("retire_after", 1..=500, usual.retire_after),
    };
    fields.finish();
    Some(plan)
}

/// Returns whether a text can name a pack or a case type.
fn is_name(text: &str) -> bool {
    text.len() <= 60
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
}
