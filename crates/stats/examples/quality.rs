//! What truth inference costs and how right it is, beside the goals; `cargo xtask bench quality` runs it.
//!
//! `quality FOLDER SETS` writes generated labels to FOLDER for other programs to read and prints one table; SETS is where the
//! recorded sets lie. Times are seconds of this thread on a processor, which other programs hardly disturb.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and says what it found")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers"
)]

use std::{
    error::Error,
    fmt::Write as _,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
    time::Instant,
};

use remit_stats::{
    random::Random,
    truth::{
        Choice, Evidence, Label, Labels, Live, Model, Options, Repeats,
        adaptive::{Rule, part, replay},
        calibrate::expected_error,
        fit,
        fit::point,
        infer,
    },
};

const SETS: [&str; 9] =
    ["weather_cf", "music_genre", "sentiment_sp_amt", "zencrowd_us", "d_product", "bluebirds", "dog", "rte", "s_rel"];
/// One threshold for all sets.
const THRESHOLD: f64 = 0.75;
const DRAWS: u64 = 20;
const REPLAYS: u64 = 12;
/// How often cases are played of which every chance holds.
const PLAYED: u32 = 20;
const CLASSES: usize = 4;

struct Set {
    name: &'static str,
    labels: Labels,
    truth: Vec<Option<u32>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (folder, sets) = (args.next().ok_or("name a folder to write to")?, args.next().ok_or("name the sets")?);
    fs::create_dir_all(&folder)?;
    println!("| what | measured | goal | |\n|---|---|---|---|");
    generated(Path::new(&folder))?;
    live()?;
    let sets: Vec<Set> = SETS.into_iter().filter_map(|name| read(Path::new(&sets), name)).collect();
    if sets.len() < SETS.len() {
        println!("\nskipped: {} of the {} recorded sets are not here", SETS.len() - sets.len(), SETS.len());
        return Ok(());
    }
    recorded(&sets)
}

fn row(what: &str, measured: &str, goal: &str, met: bool) {
    println!("| {what} | {measured} | {goal} | {} |", if met { "met" } else { "MISSED" });
}

/// Returns seconds that this thread has spent on a processor; the kernel counts them.
fn spent() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}

/// Returns the most memory that this process has held, in bytes.
fn peak() -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) * 1024.0
}

fn generated(folder: &Path) -> Result<(), Box<dyn Error>> {
    for (count, workers, goal) in [(100_000, 500, f64::INFINITY), (1_000_000, 2_000, 0.5), (5_000_000, 5_000, 3.0)] {
        let (given, truth) = drawn(count, workers);
        if count <= 1_000_000 {
            write(&folder.join(format!("labels-{count}.csv")), &given)?;
            let gold = truth.iter().enumerate().fold("task,label\n".to_owned(), |mut text, (task, class)| {
                let _ = writeln!(text, "{task},{}", class.unwrap_or_default());
                text
            });
            fs::write(folder.join(format!("gold-{count}.csv")), gold)?;
        }
        // From here on the peak counts from what is held now.
        fs::write("/proc/self/clear_refs", "5")?;
        let held = peak();
        let begun = spent();
        let labels = Labels::new(CLASSES, truth.len(), workers, &given, Repeats::All)?;
        let laid = spent() - begun;
        for model in [Model::Majority, Model::OneCoin, Model::DawidSkene, Model::Ibcc, Model::Anchored] {
            let begun = spent();
            let found = fit(model, &Evidence::of(&labels), &Options::default())?;
            let took = spent() - begun;
            let accuracy = found.accuracy(&truth).unwrap_or_default();
            let what = format!("{} of {count} generated labels, {workers} workers", model.word());
            let measured = format!("{took:.3} CPU s, {} rounds, accuracy {accuracy:.3}", found.iterations);
            if model == Model::DawidSkene && goal.is_finite() {
                row(
                    &what,
                    &format!("{measured}, layout {laid:.3} s"),
                    &format!("at most {goal} CPU s"),
                    took + laid <= goal,
                );
            } else {
                println!("| {what} | {measured} | | |");
            }
        }
        if count == 1_000_000 {
            let bytes = (peak() - held) / f64::from(count);
            row(
                "memory of a fit, 1M labels, over the labels given",
                &format!("{bytes:.0} bytes a label"),
                "below 100",
                bytes < 100.0,
            );
            let twice =
                |threads| fit(Model::DawidSkene, &Evidence::of(&labels), &Options { threads, ..Options::default() });
            row("one thread and two, 1M labels", "compared bit by bit", "the same", twice(1)? == twice(2)?);
        }
    }
    Ok(())
}

/// Returns five labels a task of workers from five different ones: accuracies .30 + .65 Beta(4, 2), errors of a Dirichlet a
/// class, a twentieth at random, a twentieth nearly always the first class; activity falls with rank to the power .7.
fn drawn(count: u32, workers: usize) -> (Vec<Label>, Vec<Option<u32>>) {
    let mut random = Random::new(20_260_101);
    let gamma = |random: &mut Random, shape: usize| (0..shape).map(|_| random.exponential()).sum::<f64>();
    let mut confusions = Vec::with_capacity(workers);
    for _ in 0..workers {
        let (right, wrong) = (gamma(&mut random, 4), gamma(&mut random, 2));
        let (accuracy, kind) = (0.30 + 0.65 * right / (right + wrong), random.share());
        let mut rows = [[0.0; CLASSES]; CLASSES];
        for (truth, row) in rows.iter_mut().enumerate() {
            let errors: [f64; CLASSES] =
                std::array::from_fn(|class| if class == truth { 0.0 } else { random.exponential() });
            let total: f64 = errors.iter().sum();
            for (class, cell) in row.iter_mut().enumerate() {
                *cell = match kind {
                    kind if kind < 0.05 => 0.25,
                    kind if kind < 0.10 && class == 0 => 0.85,
                    kind if kind < 0.10 => 0.05,
                    _ if class == truth => accuracy,
                    _ => errors[class] / total * (1.0 - accuracy),
                };
            }
        }
        confusions.push(rows);
    }
    let mut activity: Vec<f64> = (1..=workers).map(|rank| (rank as f64).powf(-0.7)).collect();
    random.shuffle(&mut activity);
    let ends: Vec<f64> = activity
        .iter()
        .scan(0.0, |end, share| {
            *end += share;
            Some(*end)
        })
        .collect();
    let total = ends[workers - 1];
    let (mut labels, mut truths) = (Vec::with_capacity(count as usize), Vec::new());
    for task in 0..count / 5 {
        let drawn = random.share();
        let truth = [0.4, 0.7, 0.9, 1.0].partition_point(|end| *end <= drawn).min(CLASSES - 1);
        truths.push(Some(truth as u32));
        let mut team: Vec<usize> = Vec::with_capacity(5);
        while team.len() < 5 {
            let drawn = random.share() * total;
            let worker = ends.partition_point(|end| *end <= drawn).min(workers - 1);
            if !team.contains(&worker) {
                team.push(worker);
            }
        }
        for worker in team {
            let (mut left, mut class) = (random.share(), 0);
            while class + 1 < CLASSES && left >= confusions[worker][truth][class] {
                left -= confusions[worker][truth][class];
                class += 1;
            }
            labels.push(Label { task, worker: worker as u32, class: class as u32 });
        }
    }
    (labels, truths)
}

fn write(path: &Path, labels: &[Label]) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "task,worker,label")?;
    for label in labels {
        writeln!(out, "{},{},{}", label.task, label.worker, label.class)?;
    }
    Ok(out.flush()?)
}

fn live() -> Result<(), Box<dyn Error>> {
    let (given, truth) = drawn(500_000, 500);
    let labels = Labels::new(CLASSES, truth.len(), 500, &given, Repeats::All)?;
    let mut live = Live::fitted(&Evidence::of(&labels), &Options::default())?;
    let mut random = Random::new(5);
    let mut times = Vec::new();
    for _ in 0..5_000 {
        let label = Label { task: random.below(100_000) as u32, worker: random.below(500) as u32, class: 1 };
        let begun = Instant::now();
        live.add(label)?;
        times.push(begun.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let (half, most) = (times[2_500] * 1e6, times[4_950] * 1e6);
    row(
        "one more reading, 100,000 tasks, 500 workers",
        &format!("{half:.0} µs (p50), {most:.0} µs (p99)"),
        "below 1 ms",
        most < 1_000.0,
    );
    Ok(())
}

fn read(sets: &Path, name: &'static str) -> Option<Set> {
    let folder = sets.join(format!("truth-{name}"));
    let numbers = |file: &str| -> Option<Vec<Vec<u32>>> {
        let text = fs::read_to_string(folder.join(file)).ok()?;
        text.lines().skip(1).map(|line| line.split(',').map(|number| number.parse().ok()).collect()).collect()
    };
    let (rows, gold) = (numbers("labels.csv")?, numbers("gold.csv")?);
    let end = |rows: &[Vec<u32>], column: usize| rows.iter().map(|row| row[column] as usize + 1).max().unwrap_or(0);
    let tasks = end(&rows, 0).max(end(&gold, 0));
    let given: Vec<_> = rows.iter().map(|row| Label { task: row[0], worker: row[1], class: row[2] }).collect();
    let classes = end(&rows, 2).max(end(&gold, 1));
    let labels = Labels::new(classes, tasks, end(&rows, 1), &given, Repeats::All).ok()?;
    let mut truth = vec![None; tasks];
    for row in gold {
        truth[row[0] as usize] = Some(row[1]);
    }
    Some(Set { name, labels, truth })
}

/// What one set comes to.
#[derive(Default)]
struct Figures {
    majority: f64,
    skene: f64,
    alone: f64,
    warned: bool,
    chosen: f64,
    below_majority: f64,
    error_alone: f64,
    error: f64,
    floor: f64,
    share: f64,
    replayed: f64,
    replay_majority: f64,
    streamed: f64,
}

fn recorded(sets: &[Set]) -> Result<(), Box<dyn Error>> {
    let mut all = Vec::new();
    for set in sets {
        all.push(figures(set)?);
    }
    let mean = |of: fn(&Figures) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    let most = |of: fn(&Figures) -> f64| all.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
    let mut shares: Vec<f64> = all.iter().map(|set| set.share).collect();
    shares.sort_by(f64::total_cmp);
    let median = shares[shares.len() / 2];
    let alone = mean(|set| set.alone);
    // The goals of 83.8 and 84.6 are those of seventeen sets; on these nine the same trial models reach 85.0 and 85.8.
    row(
        "mean accuracy of nine sets, no known answers",
        &format!("{alone:.2} %"),
        "85.0 (83.8 of 17 sets)",
        alone >= 85.0,
    );
    let chosen = mean(|set| set.chosen);
    row("the same with a tenth known", &format!("{chosen:.2} %"), "85.8 (84.6 of 17 sets)", chosen >= 85.8);
    let below = most(|set| set.below_majority);
    row("most below the majority on any draw, a tenth known", &format!("{below:.2} points"), "at most 1", below <= 1.0);
    let silent = all.iter().filter(|set| set.skene < set.majority - 1.0 && !set.warned).count();
    row("sets on which Dawid-Skene loses without a warning", &silent.to_string(), "none", silent == 0);
    let (error, worst) = (mean(|set| set.error), most(|set| set.error));
    row(
        "expected calibration error, a tenth known",
        &format!(
            "{error:.3} mean, {worst:.3} worst; {:.3} mean if every chance held; {:.3} mean with nothing known",
            mean(|set| set.floor),
            mean(|set| set.error_alone)
        ),
        "at most .050 on each",
        worst <= 0.05,
    );
    let gain = mean(|set| set.replayed - set.replay_majority);
    row(
        &format!("adaptive, one threshold {THRESHOLD}, a tenth known"),
        &format!("{:.1} % of the labels (median), {gain:+.2} points to the majority of all", median * 100.0),
        "at most 45 %, at least +1.5",
        median <= 0.45 && gain >= 1.5,
    );
    let apart = most(|set| (set.streamed - set.alone).abs());
    row("label by label against a full fit", &format!("{apart:.2} points at most"), "within 0.5", apart <= 0.5);
    println!(
        "\n| set | majority | Dawid-Skene | anchored | warned | a tenth known: auto | error, none known | error, a tenth known | if every chance held | adaptive: share, accuracy |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (set, own) in sets.iter().zip(&all) {
        println!(
            "| {} | {:.1} | {:.1} | {:.1} | {} | {:.1} | {:.3} | {:.3} | {:.3} | {:.0} %, {:.1} |",
            set.name,
            own.majority,
            own.skene,
            own.alone,
            if own.warned { "yes" } else { "" },
            own.chosen,
            own.error_alone,
            own.error,
            own.floor,
            own.share * 100.0,
            own.replayed
        );
    }
    Ok(())
}

fn figures(set: &Set) -> Result<Figures, Box<dyn Error>> {
    let options = Options::default();
    let of = |model, truth: &[Option<u32>]| -> Result<f64, Box<dyn Error>> {
        Ok(fit(model, &Evidence::of(&set.labels), &options)?.accuracy(truth).unwrap_or_default() * 100.0)
    };
    let mut figures = Figures {
        majority: of(Model::Majority, &set.truth)?,
        skene: of(Model::DawidSkene, &set.truth)?,
        below_majority: f64::NEG_INFINITY,
        ..Figures::default()
    };
    let judged = |found: &infer::Inference, truth: &[Option<u32>]| -> f64 {
        let cases: Vec<_> = (0..truth.len())
            .filter_map(|task| Some((found.chances[task], point(found.fit.of(task), truth[task]? as usize))))
            .collect();
        expected_error(&cases).unwrap_or_default()
    };
    let blind = infer::infer(&Evidence::of(&set.labels), Choice::Auto, &options)?;
    figures.alone = blind.fit.accuracy(&set.truth).unwrap_or_default() * 100.0;
    figures.error_alone = judged(&blind, &set.truth);
    figures.warned = !blind.warnings.is_empty();
    for draw in 0..DRAWS {
        let (gold, open) = part(&set.truth, 0.1, draw);
        let found = infer::infer(&Evidence { labels: &set.labels, gold: &gold, history: &[] }, Choice::Auto, &options)?;
        let accuracy = found.fit.accuracy(&open).unwrap_or_default() * 100.0;
        figures.chosen += accuracy / DRAWS as f64;
        figures.below_majority = figures.below_majority.max(of(Model::Majority, &open)? - accuracy);
        figures.error += judged(&found, &open) / DRAWS as f64;
        figures.floor += exact(&found, &open, draw) / DRAWS as f64;
    }
    for seed in 0..REPLAYS {
        let (gold, open) = part(&set.truth, 0.1, seed);
        let rule = Rule { threshold: THRESHOLD, ..Rule::default() };
        let evidence = Evidence { labels: &set.labels, gold: &gold, history: &[] };
        let found = replay(&evidence, Choice::Auto, &rule, seed, &options, |_| ())?;
        figures.share += found.readings_used as f64 / found.readings_recorded as f64 / REPLAYS as f64;
        figures.replayed += found.inference.fit.accuracy(&open).unwrap_or_default() * 100.0 / REPLAYS as f64;
        figures.replay_majority += of(Model::Majority, &open)? / REPLAYS as f64;
    }
    figures.streamed = streamed(set)?;
    Ok(figures)
}

/// Returns the calibration error that these chances would show if each of them held: what so few cases show of themselves.
fn exact(found: &infer::Inference, truth: &[Option<u32>], seed: u64) -> f64 {
    let mut random = Random::new(seed);
    let chances = found.chances.iter().zip(truth).filter(|(_, class)| class.is_some()).map(|(chance, _)| *chance);
    let chances: Vec<f64> = chances.collect();
    let mut sum = 0.0;
    for _ in 0..PLAYED {
        let cases: Vec<_> =
            chances.iter().map(|chance| (*chance, f64::from(u8::from(random.share() < *chance)))).collect();
        sum += expected_error(&cases).unwrap_or_default();
    }
    sum / f64::from(PLAYED)
}

/// Returns the accuracy after the labels came one by one in a random order.
fn streamed(set: &Set) -> Result<f64, Box<dyn Error>> {
    let (tasks, classes) = (set.labels.tasks(), set.labels.classes());
    let mut order: Vec<Label> = (0..tasks)
        .flat_map(|task| {
            set.labels.of(task).map(move |(worker, class)| Label {
                task: task as u32,
                worker: worker as u32,
                class: class as u32,
            })
        })
        .collect();
    Random::new(1).shuffle(&mut order);
    let mut live = Live::new(classes, tasks, set.labels.workers())?;
    for label in order {
        live.add(label)?;
    }
    let posterior: Vec<f64> = (0..tasks).filter_map(|task| live.posterior(task)).flatten().collect();
    Ok(remit_stats::truth::fit::accuracy(&posterior, classes, &set.truth).unwrap_or_default() * 100.0)
}
