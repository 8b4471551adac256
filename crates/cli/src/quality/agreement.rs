//! `remit quality agreement`: how far the workers of a file of labels agree.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write as _,
};

use anyhow::{Result, bail};
use clap::ValueEnum;
use remit_formats::labels::{Label, Labels};
use remit_stats::{
    StatsError,
    agreement::{
        Coefficient, Counts, Kappa, Pairs, Scale, Weights,
        choice::{Choices, SetDistance},
        numbers::Numbers,
    },
    interval::{self, BOOTSTRAP_UNITS_MIN, Interval, KAPPA_UNITS_MIN, bootstrap, wilson},
};
use serde::Serialize;

use super::input::{Input, between, count, ordered};

/// Most comparisons of two labels of one task; beyond them no pairs are shown.
const COMPARISONS_MAX: usize = 100_000_000;
/// Most slices that are told apart.
const SLICES_MAX: usize = 1_000;

/// Largest number of a label; its square is still one.
const NUMBER_MAX: f64 = 1e150;

/// After so many slices it is told how far the work is.
const SLICES_TOLD: usize = 50;

/// Measures how far the workers of a file of labels agree.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    input: Input,
    /// What the labels are: names, grades in order, or numbers. Several may be given.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "nominal")]
    levels: Vec<Level>,
    /// Every label there can be, in its order, with commas between. Those that nobody gave count too.
    #[arg(long, value_name = "LABELS", value_delimiter = ',')]
    classes: Vec<String>,
    /// The labels hold several options each, with this between them.
    #[arg(long, value_name = "SIGN", conflicts_with_all = ["levels", "classes"])]
    split: Option<String>,
    /// Tell the rows apart by this column, such as a site or a month.
    #[arg(long, value_name = "COLUMN")]
    by: Option<String>,
    /// How many pairs of workers to show, those with most tasks first.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    pairs: usize,
    /// How sure the intervals are, such as 0.95 or 95%.
    #[arg(long, value_name = "SHARE", default_value = "0.95", value_parser = between)]
    confidence: f64,
    /// How often units are drawn again for an interval.
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000)]
    resamples: u32,
    /// Where the draws begin.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What labels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    /// Names that are alike or not.
    Nominal,
    /// Grades in order.
    Ordinal,
    /// Numbers whose differences mean something.
    Interval,
    /// Numbers whose ratios mean something.
    Ratio,
}

/// Everything that is told.
#[derive(Debug, Serialize)]
struct Found {
    tasks: usize,
    workers: usize,
    labels: usize,
    classes: usize,
    /// Rows without a label.
    blank: u64,
    /// Labels that a later one of the same worker on the same task took the place of.
    replaced: usize,
    /// Tasks with labels of two workers or more: the n of every figure over all workers.
    compared: u64,
    confidence: f64,
    resamples: u32,
    seed: u64,
    coefficients: Vec<Figure>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<Part>,
    pairs: Vec<Pair>,
    pairs_total: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    slices: Vec<Part>,
}

/// One coefficient.
#[derive(Debug, Serialize)]
struct Figure {
    coefficient: &'static str,
    value: Option<f64>,
    interval: Option<(f64, f64)>,
    standard_error: Option<f64>,
    n: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    undefined: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_interval: Option<String>,
}

/// The figures of a part of the labels.
#[derive(Debug, Serialize)]
struct Part {
    name: String,
    tasks: u64,
    labels: u64,
    compared: u64,
    coefficients: Vec<Figure>,
}

/// Two workers.
#[derive(Debug, Serialize)]
struct Pair {
    workers: [String; 2],
    n: u64,
    share_agreed: f64,
    share_interval: (f64, f64),
    kappa: Option<f64>,
    interval: Option<(f64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_interval: Option<String>,
    /// With quadratic weights, where the labels have an order.
    #[serde(skip_serializing_if = "Option::is_none")]
    weighted_kappa: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weighted_interval: Option<(f64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undefined: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let labels = args.input.read(args.by.as_deref())?;
    let found = measure(args, &labels)?;
    if args.json {
        say!("{}", serde_json::to_string(&found)?);
    } else {
        say!("{}", words(&found, args.by.as_deref()));
    }
    Ok(())
}

fn measure(args: &Args, labels: &Labels) -> Result<Found> {
    if args.levels.contains(&Level::Ordinal) && args.classes.is_empty() {
        ordered(labels, "`--levels ordinal`")?;
    }
    let tables = Table::all(args, labels)?;
    // Counts and pairs are those of the first.
    let (by_task, replaced) = by_task(tables[0].rows(labels));
    let counts = counted(&by_task, tables[0].classes.names.len())?;
    let mut found = Found {
        tasks: labels.tasks.len(),
        workers: labels.workers.len(),
        labels: by_task.rows.len(),
        classes: tables[0].classes.names.len(),
        blank: labels.blank,
        replaced,
        compared: counts.pairable(),
        confidence: args.confidence,
        resamples: args.resamples,
        seed: args.seed,
        coefficients: Vec::new(),
        options: Vec::new(),
        pairs: Vec::new(),
        pairs_total: 0,
        slices: Vec::new(),
    };
    if let Some(sign) = &args.split {
        let choices = Split::new(&tables[0].classes.names, sign)?;
        (found.coefficients, found.options) = choices.measure(args, &by_task)?;
    } else {
        for table in &tables {
            let (by_task, _) = self::by_task(table.rows(labels));
            let counts = counted(&by_task, table.classes.names.len())?;
            found.coefficients.extend(figures(args, &counts, &table.coefficients)?);
            if table.levels.contains(&Level::Interval) {
                found.coefficients.push(correlation(&by_task, &table.classes.numbers(&[])?, args.confidence)?);
            }
        }
    }
    (found.pairs, found.pairs_total) = pairs(args, labels, &by_task, &tables[0].classes.grades(&args.levels)?)?;
    if labels.slices.len() > SLICES_MAX {
        bail!("the column has {} different values; up to {SLICES_MAX} are told apart", labels.slices.len());
    }
    found.slices = slices(args, labels, &tables)?;
    Ok(found)
}

/// Returns the figures of the rows of each slice, by name.
fn slices(args: &Args, labels: &Labels, tables: &[Table]) -> Result<Vec<Part>> {
    let total = labels.slices.len();
    let mut parts: Vec<Part> = Vec::with_capacity(total);
    for table in tables {
        let mut slices = vec![Vec::new(); total];
        for (row, slice) in table.rows(labels).into_iter().zip(&labels.slice_of) {
            slices[*slice as usize].push(row);
        }
        for (done, (rows, name)) in slices.into_iter().zip(labels.slices.iter()).enumerate() {
            if done > 0 && done % SLICES_TOLD == 0 {
                tell!("{done} of {total} values of `{}` measured …", args.by.as_deref().unwrap_or_default());
            }
            let (by_task, _) = by_task(rows);
            let counts = counted(&by_task, table.classes.names.len())?;
            let coefficients = match &args.split {
                Some(sign) => Split::new(&table.classes.names, sign)?.measure(args, &by_task)?.0,
                None => figures(args, &counts, &table.coefficients)?,
            };
            if let Some(part) = parts.get_mut(done) {
                part.coefficients.extend(coefficients);
                continue;
            }
            parts.push(Part {
                name: name.to_owned(),
                tasks: counts.units(),
                labels: counts.values(),
                compared: counts.pairable(),
                coefficients,
            });
        }
    }
    parts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(parts)
}

/// Labels told apart in one way, with the coefficients that go by it.
struct Table {
    levels: Vec<Level>,
    classes: Classes,
    coefficients: Vec<(&'static str, Result<Coefficient, StatsError>)>,
}

impl Table {
    /// Returns the ways that the levels ask for: names and grades are told apart as they are written, numbers by their value.
    /// What other levels are asked for changes no figure.
    fn all(args: &Args, labels: &Labels) -> Result<Vec<Self>> {
        let numeric = |level: &Level| matches!(level, Level::Interval | Level::Ratio);
        let (numbers, names): (Vec<Level>, Vec<Level>) = args.levels.iter().copied().partition(numeric);
        let mut tables = Vec::with_capacity(2);
        for (levels, by_value) in [(names, false), (numbers, true)] {
            if levels.is_empty() {
                continue;
            }
            let classes = Classes::new(labels, &args.classes, by_value)?;
            // The share agreed is told once, of the first.
            let coefficients = coefficients(&levels, &classes)?.into_iter().skip(tables.len()).collect();
            tables.push(Self { levels, classes, coefficients });
        }
        Ok(tables)
    }

    /// Returns the rows with their labels by place among the classes.
    fn rows(&self, labels: &Labels) -> Vec<Label> {
        labels.rows.iter().map(|row| Label { label: self.classes.place_of[row.label as usize], ..*row }).collect()
    }
}

/// The labels there can be, in their order.
struct Classes {
    names: Vec<String>,
    /// The place of each label of the file among them.
    place_of: Vec<u32>,
}

impl Classes {
    /// Of labels that are `numeric`, those of one value are one, however they are written.
    fn new(labels: &Labels, declared: &[String], numeric: bool) -> Result<Self> {
        if declared.iter().collect::<BTreeSet<_>>().len() < declared.len() {
            bail!("`--classes` names a label twice");
        }
        let mut names = declared.to_vec();
        let number = |name: &str| name.parse::<f64>().ok().filter(|number| numeric && number.is_finite());
        let key = |name: &str| number(name).map_or_else(|| name.to_owned(), |number| (number + 0.0).to_string());
        let mut places: HashMap<String, u32> = HashMap::new();
        for (place, name) in (0..).zip(&names) {
            if places.insert(key(name), place).is_some() {
                bail!("`--classes` names the value of `{name}` twice");
            }
        }
        let mut place_of = Vec::with_capacity(labels.labels.len());
        for name in labels.labels.iter() {
            let place = match places.get(&key(name)) {
                Some(place) => *place,
                None if declared.is_empty() => {
                    let place = u32::try_from(names.len())?;
                    places.insert(key(name), place);
                    names.push(name.to_owned());
                    place
                }
                None => bail!("the label `{name}` is not among `--classes`"),
            };
            place_of.push(place);
        }
        Ok(Self { names, place_of })
    }

    /// Returns where each label stands if the levels give them an order, and nothing otherwise.
    fn grades(&self, levels: &[Level]) -> Result<Vec<f64>> {
        if levels.contains(&Level::Interval) || levels.contains(&Level::Ratio) {
            return self.numbers(levels);
        }
        let ordered = levels.contains(&Level::Ordinal);
        Ok((0_u32..).map(f64::from).take(if ordered { self.names.len() } else { 0 }).collect())
    }

    /// Returns each label as the number that the levels ask it to be.
    fn numbers(&self, levels: &[Level]) -> Result<Vec<f64>> {
        let mut numbers = Vec::with_capacity(self.names.len());
        for name in &self.names {
            let number = match name.parse::<f64>() {
                Ok(number) if number.is_finite() => number,
                Ok(_) | Err(_) => bail!("the label `{name}` is not a number: use `--levels nominal` or `ordinal`"),
            };
            if number.abs() > NUMBER_MAX {
                bail!(
                    "the label `{name}` is too large: numbers up to {NUMBER_MAX:e} are measured; correct it, or give all \
                     labels in a larger unit"
                );
            }
            if number < 0.0 && levels.contains(&Level::Ratio) {
                bail!(
                    "the label `{name}` is below 0: a ratio scale takes numbers of 0 or more; use `--levels interval`"
                );
            }
            numbers.push(number);
        }
        Ok(numbers)
    }
}

/// Labels in the order of their tasks, each worker once a task.
struct ByTask {
    rows: Vec<Label>,
}

impl ByTask {
    /// Returns the labels of each task.
    fn tasks(&self) -> impl Iterator<Item = &[Label]> {
        self.rows.chunk_by(|one, other| one.task == other.task)
    }
}

/// Returns labels by task; of a worker who labelled a task more than once the last counts. Also how many did not.
fn by_task(mut rows: Vec<Label>) -> (ByTask, usize) {
    // Stable: turned round, the first of equals is the last of the file.
    rows.reverse();
    rows.sort_by_key(|row| (row.task, row.worker));
    let before = rows.len();
    rows.dedup_by_key(|row| (row.task, row.worker));
    let replaced = before - rows.len();
    (ByTask { rows }, replaced)
}

fn counted(by_task: &ByTask, classes: usize) -> Result<Counts> {
    let mut counts = Counts::new(classes)?;
    let mut values = Vec::new();
    for task in by_task.tasks() {
        values.clear();
        values.extend(task.iter().map(|row| row.label));
        counts.add_values(&mut values)?;
    }
    Ok(counts)
}

/// Returns the coefficients to compute, each by its name.
fn coefficients(levels: &[Level], classes: &Classes) -> Result<Vec<(&'static str, Result<Coefficient, StatsError>)>> {
    let identity = || Weights::identity(classes.names.len());
    let mut coefficients = vec![("share_agreed", Ok(Coefficient::ShareAgreed))];
    for level in levels {
        match level {
            Level::Nominal => {
                coefficients.push(("krippendorff_alpha_nominal", Ok(Coefficient::Alpha(Scale::Nominal))));
                coefficients.push(("gwet_ac1", identity().map(Coefficient::Gwet)));
                coefficients.push(("brennan_prediger", identity().map(Coefficient::BrennanPrediger)));
                coefficients.push(("fleiss_kappa", Ok(Coefficient::Fleiss)));
            }
            Level::Ordinal => {
                coefficients.push(("krippendorff_alpha_ordinal", Ok(Coefficient::Alpha(Scale::Ordinal))));
                coefficients.push(("gwet_ac2_ordinal", Weights::ordinal(classes.names.len()).map(Coefficient::Gwet)));
            }
            Level::Interval => {
                let numbers = classes.numbers(levels)?;
                coefficients.push(("gwet_ac2_quadratic", Weights::quadratic(&numbers).map(Coefficient::Gwet)));
                coefficients.push(("krippendorff_alpha_interval", Ok(Coefficient::Alpha(Scale::Interval(numbers)))));
            }
            Level::Ratio => {
                let scale = Scale::Ratio(classes.numbers(levels)?);
                coefficients.push(("krippendorff_alpha_ratio", Ok(Coefficient::Alpha(scale))));
            }
        }
    }
    Ok(coefficients)
}

fn figures(
    args: &Args,
    counts: &Counts,
    coefficients: &[(&'static str, Result<Coefficient, StatsError>)],
) -> Result<Vec<Figure>> {
    let possible: Vec<Coefficient> =
        coefficients.iter().filter_map(|(_, coefficient)| coefficient.clone().ok()).collect();
    let mut intervals = bootstrap(counts, &possible, args.confidence, args.resamples, args.seed)?.into_iter();
    let figures = coefficients.iter().map(|(name, coefficient)| {
        let value = coefficient.clone().and_then(|coefficient| counts.value(&coefficient));
        let error = coefficient.clone().and_then(|coefficient| counts.standard_error(&coefficient)).ok();
        let interval = if coefficient.is_ok() { intervals.next() } else { None };
        let interval = interval.map(|found| enough(counts.pairable(), BOOTSTRAP_UNITS_MIN).and(found));
        figure(name, value, interval, error, counts.pairable())
    });
    Ok(figures.collect())
}

/// Fails of fewer units than an interval needs.
fn enough(found: u64, min: u64) -> Result<(), StatsError> {
    if found < min { Err(StatsError::FewUnits { found, min }) } else { Ok(()) }
}

fn figure(
    coefficient: &'static str,
    value: Result<f64, StatsError>,
    interval: Option<Result<Interval, StatsError>>,
    standard_error: Option<f64>,
    n: u64,
) -> Figure {
    let undefined = value.as_ref().err().map(ToString::to_string);
    let no_interval = match (&undefined, &interval) {
        (None, Some(Err(why))) => Some(why.to_string()),
        _ => None,
    };
    let interval = interval.and_then(Result::ok).map(ends);
    Figure { coefficient, value: value.ok(), interval, standard_error, n, undefined, no_interval }
}

fn ends(interval: Interval) -> (f64, f64) {
    (interval.lower, interval.upper)
}

/// Returns the intraclass correlation of the labels as numbers, whoever gave them.
fn correlation(by_task: &ByTask, numbers: &[f64], confidence: f64) -> Result<Figure> {
    let mut units = Numbers::default();
    for task in by_task.tasks() {
        units.add(&task.iter().map(|row| numbers[row.label as usize]).collect::<Vec<_>>())?;
    }
    let found = units.icc_1(confidence);
    let interval = found.as_ref().map_err(Clone::clone).and_then(|found| found.interval.ok_or(StatsError::NoSpread));
    Ok(figure("icc_1", found.map(|found| found.value), Some(interval), None, units.pairable()))
}

/// Returns the pairs of workers with most tasks in common, and how many pairs there are.
fn pairs(args: &Args, labels: &Labels, by_task: &ByTask, grades: &[f64]) -> Result<(Vec<Pair>, usize)> {
    let comparisons = by_task.tasks().map(|task| task.len() * (task.len() - 1) / 2).fold(0, usize::saturating_add);
    if args.pairs == 0 || comparisons > COMPARISONS_MAX {
        return Ok((Vec::new(), 0));
    }
    let each = |take: &mut dyn FnMut(&Label, &Label)| {
        for task in by_task.tasks() {
            for (place, one) in task.iter().enumerate() {
                task[place + 1..].iter().for_each(|other| take(one, other));
            }
        }
    };
    let mut common: HashMap<(u32, u32), u64> = HashMap::new();
    each(&mut |one, other| *common.entry((one.worker, other.worker)).or_default() += 1);
    let mut order: Vec<((u32, u32), u64)> = common.into_iter().collect();
    let total = order.len();
    order.sort_unstable_by_key(|&(workers, n)| (std::cmp::Reverse(n), workers));
    order.truncate(args.pairs);
    let mut tables: HashMap<(u32, u32), HashMap<(u32, u32), u64>> =
        order.iter().map(|(workers, _)| (*workers, HashMap::new())).collect();
    each(&mut |one, other| {
        if let Some(table) = tables.get_mut(&(one.worker, other.worker)) {
            *table.entry((one.label, other.label)).or_default() += 1;
        }
    });
    let mut pairs = Vec::with_capacity(order.len());
    for (workers, n) in order {
        let cells = tables.remove(&workers).unwrap_or_default();
        pairs.push(pair(args.confidence, labels, (workers, n), &cells, grades)?);
    }
    Ok((pairs, total))
}

fn pair(
    confidence: f64,
    labels: &Labels,
    (workers, n): ((u32, u32), u64),
    cells: &HashMap<(u32, u32), u64>,
    grades: &[f64],
) -> Result<Pair> {
    let agreed: u64 = cells.iter().filter(|((one, other), _)| one == other).map(|(_, count)| count).sum();
    // A table of the classes that the two used is enough, and small whatever the file holds.
    let used: BTreeSet<u32> = cells.keys().flat_map(|&(one, other)| [one, other]).collect();
    let place: HashMap<u32, usize> = used.iter().enumerate().map(|(place, class)| (*class, place)).collect();
    let mut table = vec![0; used.len() * used.len()];
    for ((one, other), count) in cells {
        table[place[one] * used.len() + place[other]] = *count;
    }
    let pairs = Pairs::from_cells(used.len(), table);
    let kappa = pairs.clone().and_then(|pairs| Ok(pairs.kappa()?));
    let grades: Vec<f64> = used.iter().filter_map(|class| grades.get(*class as usize).copied()).collect();
    let weighted = pairs.and_then(|pairs| pairs.weighted_kappa(&Weights::quadratic(&grades)?)).ok();
    let interval_of =
        |found: &Kappa| enough(n, KAPPA_UNITS_MIN).and_then(|()| interval::kappa(found, confidence)).map(ends);
    let interval = kappa.as_ref().ok().map(interval_of);
    Ok(Pair {
        workers: [workers.0, workers.1].map(|worker| labels.workers.name(worker).to_owned()),
        n,
        share_agreed: small(agreed) / small(n),
        share_interval: ends(wilson(agreed, n, confidence)?),
        undefined: kappa.as_ref().err().map(ToString::to_string),
        no_interval: interval.as_ref().and_then(|found| found.as_ref().err()).map(ToString::to_string),
        interval: interval.and_then(Result::ok),
        kappa: kappa.ok().map(|kappa| kappa.value),
        weighted_interval: weighted.as_ref().and_then(|found| interval_of(found).ok()),
        weighted_kappa: weighted.map(|kappa| kappa.value),
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^53")]
fn small(count: u64) -> f64 {
    count as f64
}

/// Labels that hold several options each.
struct Split {
    options: Vec<String>,
    /// For each label its options, as places among them.
    sets: Vec<Vec<u32>>,
}

impl Split {
    fn new(names: &[String], sign: &str) -> Result<Self> {
        if sign.is_empty() {
            bail!("`--split` needs the sign that stands between the options");
        }
        let parts = |name: &str| {
            name.split(sign).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        let options: BTreeSet<String> = names.iter().flat_map(|name| parts(name)).collect();
        let options: Vec<String> = options.into_iter().collect();
        let place = |part: &String| options.binary_search(part).ok().and_then(|place| u32::try_from(place).ok());
        let sets = names.iter().map(|name| parts(name).iter().filter_map(place).collect()).collect();
        Ok(Self { options, sets })
    }

    /// Returns agreement on the sets, and on each option by itself.
    fn measure(&self, args: &Args, by_task: &ByTask) -> Result<(Vec<Figure>, Vec<Part>)> {
        let mut choices = Choices::new(self.options.len())?;
        for task in by_task.tasks() {
            choices.add(&task.iter().map(|row| self.sets[row.label as usize].clone()).collect::<Vec<_>>())?;
        }
        let (counts, jaccard) = choices.sets(SetDistance::Jaccard)?;
        let (_, masi) = choices.sets(SetDistance::Masi)?;
        let whole = [
            ("share_agreed", Ok(Coefficient::ShareAgreed)),
            ("krippendorff_alpha_jaccard", Ok(Coefficient::Alpha(jaccard))),
            ("krippendorff_alpha_masi", Ok(Coefficient::Alpha(masi))),
        ];
        let single = [
            ("share_agreed", Ok(Coefficient::ShareAgreed)),
            ("krippendorff_alpha_nominal", Ok(Coefficient::Alpha(Scale::Nominal))),
            ("gwet_ac1", Weights::identity(2).map(Coefficient::Gwet)),
        ];
        let mut options = Vec::with_capacity(self.options.len());
        for (name, counts) in self.options.iter().zip(choices.by_option()) {
            options.push(Part {
                name: name.clone(),
                tasks: counts.units(),
                labels: counts.values(),
                compared: counts.pairable(),
                coefficients: figures(args, counts, &single)?,
            });
        }
        Ok((figures(args, &counts, &whole)?, options))
    }
}

fn words(found: &Found, by: Option<&str>) -> String {
    let mut words = format!(
        "{}, {}, {} of {}; {} {} labels of two workers or more",
        count(found.tasks, "task"),
        count(found.workers, "worker"),
        count(found.labels, "label"),
        count(found.classes, "kind"),
        found.compared,
        if found.compared == 1 { "task has" } else { "tasks have" }
    );
    // Writing into a text cannot fail.
    if found.blank > 0 {
        let say = if found.blank == 1 { "row without a label says" } else { "rows without a label say" };
        let _ = write!(words, "\n{} {say} nothing", found.blank);
    }
    if found.replaced > 0 {
        let _ = write!(
            words,
            "\n{} replaced by a later one of the same worker on the same task",
            if found.replaced == 1 { "1 label was".to_owned() } else { format!("{} labels were", found.replaced) }
        );
    }
    let _ = write!(words, "\n{}", table(&found.coefficients, found.confidence));
    for part in &found.options {
        let _ = write!(words, "\n\nOption `{}`\n{}", part.name, table(&part.coefficients, found.confidence));
    }
    if found.pairs_total > 0 {
        let _ = write!(words, "\n\nPairs with most tasks, {} of {}", found.pairs.len(), found.pairs_total);
    }
    for pair in &found.pairs {
        let [first, second] = &pair.workers;
        let kappa = match (pair.kappa, pair.interval, &pair.undefined) {
            (Some(kappa), Some((lower, upper)), _) => format!("kappa {kappa:.3} ({lower:.3} to {upper:.3})"),
            (Some(kappa), None, _) => {
                let why = pair.no_interval.as_deref().unwrap_or("no reason is known");
                format!("kappa {kappa:.3} (no interval: {why})")
            }
            (None, _, why) => format!("kappa is undefined: {}", why.as_deref().unwrap_or("no reason is known")),
        };
        let weighted = pair.weighted_kappa.map_or_else(String::new, |weighted| match pair.weighted_interval {
            Some((lower, upper)) => format!(", weighted {weighted:.3} ({lower:.3} to {upper:.3})"),
            None => format!(", weighted {weighted:.3}"),
        });
        let (lower, upper) = pair.share_interval;
        let _ = write!(
            words,
            "\n  {first} and {second}: {kappa}{weighted}, agreed {:.3} ({lower:.3} to {upper:.3}), n = {}",
            pair.share_agreed, pair.n
        );
    }
    for part in &found.slices {
        let (by, name) = (by.unwrap_or("part"), if part.name.is_empty() { "(blank)" } else { &part.name });
        let (tasks, labels) =
            (if part.tasks == 1 { "task" } else { "tasks" }, if part.labels == 1 { "label" } else { "labels" });
        let _ = write!(words, "\n\n{by} {name}: {} {tasks}, {} {labels}", part.tasks, part.labels);
        let _ = write!(words, "\n{}", table(&part.coefficients, found.confidence));
    }
    words
}

fn table(figures: &[Figure], confidence: f64) -> String {
    let lines = figures.iter().map(|figure| {
        let name = figure.coefficient.replace('_', " ");
        let value = match (figure.value, figure.interval) {
            (Some(value), Some((lower, upper))) => format!("{value:.4}  ({lower:.4} to {upper:.4})"),
            (Some(value), None) => {
                let why = figure.no_interval.as_deref().unwrap_or("no interval");
                format!("{value:.4}  (no interval: {why})")
            }
            (None, _) => format!("undefined: {}", figure.undefined.as_deref().unwrap_or("no reason is known")),
        };
        format!("  {name:<28} {value}  n = {}", figure.n)
    });
    let head = format!("  {:<28} value, interval at {} %", "", confidence * 100.0);
    std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n")
}
