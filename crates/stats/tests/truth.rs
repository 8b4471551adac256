//! Truth inference on recorded sets with published results, where the sets lie beside the repository.
//!
//! The sets are not ours to ship; each lies with its source and licence. Published columns: Li, Rubinstein and Cohn, ICML
//! 2019 and WWW 2019 (iBCC, BWA), in per cent with one decimal.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test may stop at once, and a skipped one says so")]

use std::{fs, path::Path};

use remit_stats::truth::{
    Choice, Evidence, Label, Labels, Model, Options, Repeats, Warning, calibrate::expected_error, fit, fit::point,
    infer, infer::DISAGREEMENT_MAX,
};

struct Set {
    labels: Labels,
    truth: Vec<Option<u32>>,
}

/// Reads a set, or says that it is not here.
fn set(name: &str) -> Option<Set> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(format!("truth-{name}"));
    let Ok(labels) = fs::read_to_string(folder.join("labels.csv")) else {
        eprintln!("skipped: the recorded labels of {name} are not here");
        return None;
    };
    let numbers = |text: &str| -> Vec<Vec<u32>> {
        text.lines().skip(1).map(|line| line.split(',').map(|number| number.parse().unwrap()).collect()).collect()
    };
    let (rows, gold) = (numbers(&labels), numbers(&fs::read_to_string(folder.join("gold.csv")).unwrap()));
    let end = |column: usize| rows.iter().map(|row| row[column] as usize + 1).max().unwrap();
    let tasks = end(0).max(gold.iter().map(|row| row[0] as usize + 1).max().unwrap_or(0));
    let classes = end(2).max(gold.iter().map(|row| row[1] as usize + 1).max().unwrap_or(0));
    let labels: Vec<_> = rows.iter().map(|row| Label { task: row[0], worker: row[1], class: row[2] }).collect();
    let labels = Labels::new(classes, tasks, end(1), &labels, Repeats::All).unwrap();
    let mut truth = vec![None; tasks];
    for row in gold {
        truth[row[0] as usize] = Some(row[1]);
    }
    Some(Set { labels, truth })
}

fn per_cent(set: &Set, model: Model, options: &Options) -> f64 {
    fit(model, &Evidence::of(&set.labels), options).unwrap().accuracy(&set.truth).unwrap() * 100.0
}

#[test]
fn models_reach_what_was_published_of_them() {
    // iBCC and BWA as published; majority, Wawa and the anchored model as computed by an independent trial in numpy.
    let rows: [(&str, [f64; 5]); 9] = [
        ("weather_cf", [88.2, 88.7, 88.3, 89.3, 88.3]),
        ("music_genre", [70.4, 79.6, 79.0, 78.6, 79.9]),
        ("sentiment_sp_amt", [94.3, 94.4, 94.4, 94.6, 94.6]),
        ("zencrowd_us", [86.2, 86.2, 82.7, 88.7, 83.8]),
        ("d_product", [89.7, 89.7, 93.8, 91.9, 93.0]),
        ("bluebirds", [75.9, 75.9, 88.9, 75.9, 88.9]),
        ("dog", [82.2, 83.0, 83.9, 83.1, 84.1]),
        ("rte", [89.7, 92.1, 92.8, 92.8, 92.9]),
        ("s_rel", [54.2, 55.5, 58.6, 42.9, 59.7]),
    ];
    // To the end, as the publications went; one unit of the last digit is rounding.
    let options = |model| {
        let change_min = if model == Model::Bwa { 1e-4 } else { 1e-3 };
        Options { gain_min: 0.0, change_min, ..Options::default() }
    };
    for (name, published) in rows {
        let Some(set) = set(name) else { return };
        let models = [Model::Majority, Model::Wawa, Model::Ibcc, Model::Bwa, Model::Anchored];
        for (model, published) in models.into_iter().zip(published) {
            let tolerance = match model {
                // A different choice of strength may move a task or two.
                Model::Anchored => 1.0,
                _ => 0.1,
            };
            let found = per_cent(&set, model, &options(model));
            assert!((found - published).abs() <= tolerance, "{name}, {}: {found}, not {published}", model.word());
        }
    }
}

#[test]
fn where_dawid_skene_loses_to_the_vote_a_warning_asks_for_gold() {
    for name in ["weather_cf", "zencrowd_us"] {
        let Some(set) = set(name) else { return };
        let (vote, skene) =
            [Model::Majority, Model::DawidSkene].map(|model| per_cent(&set, model, &Options::default())).into();
        assert!(skene < vote - 1.9, "{name}: {skene} {vote}");
        let found = infer(&Evidence::of(&set.labels), Choice::One(Model::DawidSkene), &Options::default()).unwrap();
        assert!(matches!(found.warnings[..], [Warning::ModelsDiffer(share)] if share > DISAGREEMENT_MAX), "{name}");
    }
}

#[test]
fn a_tenth_of_known_answers_chooses_a_model_that_does_not_lose_to_the_vote() {
    for name in ["zencrowd_us", "d_product", "music_genre"] {
        let Some(set) = set(name) else { return };
        let known = |task: &usize| task % 10 == 3;
        let part = |wanted: bool| -> Vec<_> {
            set.truth.iter().enumerate().map(|(task, class)| class.filter(|_| known(&task) == wanted)).collect()
        };
        let (gold, open) = (part(true), part(false));
        let evidence = Evidence { labels: &set.labels, gold: &gold, history: &[] };
        let found = infer(&evidence, Choice::Auto, &Options::default()).unwrap();
        let vote = fit(Model::Majority, &evidence, &Options::default()).unwrap();
        let (own, by_vote) = (found.fit.accuracy(&open).unwrap(), vote.accuracy(&open).unwrap());
        assert!(own > by_vote + 0.03, "{name}: {own} {by_vote}");
        // What the curve makes of the cases that taught it nothing; of its own seventy known answers chance alone shows .08.
        let cases: Vec<_> = (0..open.len())
            .filter_map(|task| Some((found.chances[task], point(found.fit.of(task), open[task]? as usize))))
            .collect();
        let error = expected_error(&cases).unwrap();
        assert!(error < 0.06, "{name}: {error} {:?}", found.calibration);
        assert!(error < found.calibration.error_before.unwrap(), "{name}: {error} {:?}", found.calibration);
    }
}
