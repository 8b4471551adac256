//! Truth inferred from files of labels, and readings replayed.

use std::{fmt::Write as _, fs};

use serde_json::Value;

use crate::process::{done, refused, remit};

/// Eighty tasks, four readers: three good, the fourth with the other answer on every third task.
fn files() -> (tempfile::TempDir, String, String) {
    let (mut labels, mut gold) = ("task,worker,label\n".to_owned(), "task,label\n".to_owned());
    for task in 0..80 {
        let truth = if task % 4 == 0 { "yes, surely" } else { "no" };
        writeln!(gold, "t{task},\"{truth}\"").unwrap();
        for reader in ["ann", "bob", "cid", "dan"] {
            let slips = match reader {
                "dan" => task % 3 == 0,
                "cid" => task % 17 == 0,
                _ => false,
            };
            let said = if slips == (truth == "no") { "yes, surely" } else { "no" };
            writeln!(labels, "t{task},{reader},\"{said}\"").unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let paths = ["labels.csv", "gold.csv"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    fs::write(&paths[0], labels).unwrap();
    fs::write(&paths[1], gold).unwrap();
    let [labels, gold] = paths;
    (folder, labels, gold)
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&done(args)).unwrap()
}

#[test]
fn truth_is_one_json_object_and_a_file_of_answers() {
    let (folder, labels, gold) = files();
    let out = folder.path().join("out.csv");
    let out = out.to_str().unwrap();
    for method in ["majority", "wawa", "one-coin", "dawid-skene", "ibcc", "bwa", "anchored", "ebcc", "auto"] {
        let found = json(&["quality", "truth", &labels, "--gold", &gold, "--method", method, "--out", out, "--json"]);
        assert_eq!((&found["tasks"], &found["labels"]), (&80.into(), &320.into()), "{method}");
        assert_eq!(found["asked"], method);
        assert!(found["accuracy"].as_f64().unwrap() > 0.95, "{method}: {}", found["accuracy"]);
        assert_eq!(found["workers"].as_array().unwrap().len(), 4);
        let dan = &found["workers"][3];
        assert_eq!((&dan["worker"], &dan["answers"]), (&"dan".into(), &80.into()));
        assert_eq!(dan["compared"], 80);
        let ends = dan["interval"].as_array().unwrap_or_else(|| panic!("{method} has no interval"));
        assert!(ends[0].as_f64() <= dan["accuracy"].as_f64() && dan["accuracy"].as_f64() <= ends[1].as_f64());
        let wrote = fs::read_to_string(out).unwrap();
        assert!(
            wrote.starts_with("task,label,probability\nt0,\"yes, surely\",") && wrote.lines().count() == 81,
            "{wrote}"
        );
    }
    let skene = json(&["quality", "truth", &labels, "--method", "dawid-skene", "--json"]);
    assert!(skene["log_likelihood"].as_f64().unwrap() < 0.0 && skene["accuracy"].is_null());
    assert_eq!((&skene["warning"], &skene["unanimous_overturned"]), (&Value::Null, &0.into()));
    let exact = json(&["quality", "truth", &labels, "--method", "dawid-skene", "--exact", "--json"]);
    assert!(exact["log_likelihood"].as_f64() >= skene["log_likelihood"].as_f64(), "{exact}");
    assert!(exact["iterations"].as_u64() > skene["iterations"].as_u64(), "{exact}");
    let words = done(&["quality", "truth", &labels, "--gold", &gold]);
    assert!(words.contains("accuracy on 80 known answers, held back: ") && words.contains("ann, 80, "), "{words}");
}

#[test]
fn whoever_was_compared_with_nobody_has_no_accuracy_and_a_warning() {
    let (folder, labels, _) = files();
    let mut text = fs::read_to_string(&labels).unwrap();
    for task in 80..580 {
        writeln!(text, "t{task},solo,{}", if task % 2 == 0 { "no" } else { "\"yes, surely\"" }).unwrap();
    }
    let path = folder.path().join("solo.csv");
    fs::write(&path, text).unwrap();
    let args = ["quality", "truth", path.to_str().unwrap()];
    let found = json(&[&args[..], &["--json"]].concat());
    let solo = &found["workers"][4];
    assert_eq!((&solo["answers"], &solo["compared"]), (&500.into(), &0.into()));
    assert_eq!((&solo["accuracy"], &solo["interval"]), (&Value::Null, &Value::Null));
    let said = found["warning"].as_str().unwrap();
    assert!(said.contains("500 of 820 answers are on tasks that nobody else labelled"), "{said}");
    assert!(said.contains("one worker gave no others, of whom no accuracy is told"), "{said}");
    let words = done(&args);
    assert!(words.contains("solo, 500, 0, not told") && words.contains("ann, 80, 80, "), "{words}");
}

#[test]
fn a_method_that_does_not_exist_and_an_empty_file_are_refused() {
    let (folder, labels, _) = files();
    let said = refused(&["quality", "truth", &labels, "--method", "oracle"]);
    assert!(said.contains("dawid-skene"), "{said}");
    let empty = folder.path().join("empty.csv");
    fs::write(&empty, "task,worker,label\n").unwrap();
    let said = refused(&["quality", "truth", empty.to_str().unwrap()]);
    assert!(said.contains("label"), "{said}");
    let said = refused(&["quality", "adaptive", &labels, "--threshold", "95"]);
    assert!(said.contains("write 0.95 or 95%"), "{said}");
    let adaptive = |more: &[&str]| refused(&[&["quality", "adaptive", &labels, "--threshold", "90%"], more].concat());
    for share in ["NaN", "2", "101%"] {
        let said = adaptive(&["--gold", &labels, "--gold-share", share]);
        assert!(said.contains("--gold-share") && said.contains("from 0 to 1") || said.contains("write 0.02"), "{said}");
    }
    // What would be ignored is refused.
    assert!(adaptive(&["--gold-share", "0.5"]).contains("--gold <FILE>"));
    assert!(refused(&["quality", "truth", &labels, "--gold-task", "x"]).contains("--gold <FILE>"));
}

#[test]
fn a_replay_that_nothing_measures_warns_as_truth_does() {
    // Six in a hundred are positive, and four in ten of the others only look so, to all alike.
    let mut text = "task,worker,label\n".to_owned();
    let mut gold = "task,label\n".to_owned();
    for task in 0..600_u32 {
        let odd = task % 5 < 2;
        writeln!(gold, "t{task},{}", u32::from(task % 16 == 0)).unwrap();
        for worker in 0..6_u32 {
            let noise = (task * 7919 + worker * 104_729 + task * worker * 31) % 100;
            let chance = if task % 16 == 0 {
                95
            } else if odd {
                40
            } else {
                3
            };
            writeln!(text, "t{task},w{worker},{}", u32::from(noise < chance)).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let [labels, known] = ["labels.csv", "gold.csv"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    fs::write(&labels, text).unwrap();
    fs::write(&known, gold).unwrap();
    let warning = |args: &[&str]| json(args)["warning"].as_str().unwrap_or_default().to_owned();
    let truth = warning(&["quality", "truth", &labels, "--json"]);
    let adaptive = warning(&["quality", "adaptive", &labels, "--threshold", "0.8", "--json"]);
    assert!(truth.contains("Models that should agree differ on"), "{truth}");
    assert_eq!(truth, adaptive);
    // With everything known to the replay nothing is left to judge by.
    let all = ["quality", "adaptive", &labels, "--threshold", "0.8", "--gold", &known, "--gold-share", "1", "--json"];
    assert!(warning(&all).contains("No known answer is left to judge by"));
    // A method that you name is told to let the known answers choose, not to give some.
    let named = warning(&["quality", "truth", &labels, "--gold", &known, "--method", "dawid-skene", "--json"]);
    assert!(named.contains("use `--method auto`, which lets the known answers choose"), "{named}");
    assert!(!named.contains("give 30 known answers"), "{named}");
    // A file of known answers without one has one message.
    fs::write(&known, "task,label\n").unwrap();
    let words = done(&["quality", "truth", &labels, "--gold", &known]);
    assert!(words.contains("has a header and no answer below it"), "{words}");
    assert!(!words.contains("none of the known answers"), "{words}");
}

#[test]
fn a_replay_needs_fewer_readings_and_repeats() {
    let (_folder, labels, gold) = files();
    let args = ["quality", "adaptive", &labels, "--threshold", "0.9", "--gold", &gold, "--gold-share", "0.4", "--json"];
    let output = remit(&args, "");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("round 1: 160 readings bought"));
    assert_eq!(found["readings_recorded"], 320);
    let used = found["readings_used"].as_u64().unwrap();
    assert!((160..320).contains(&used), "{used}");
    assert_eq!((&found["gold"]["known"], &found["gold"]["judged"]), (&32.into(), &48.into()));
    assert!(found["accuracy"].as_f64().unwrap() > 0.9, "{found}");
    assert_eq!(found, json(&args));
    let all = json(&["quality", "adaptive", &labels, "--threshold", "1", "--seed", "7", "--json"]);
    assert_eq!((&all["readings_used"], &all["accuracy"]), (&320.into(), &Value::Null));
}

#[test]
fn known_answers_that_cannot_serve_are_a_warning() {
    let (folder, labels, _) = files();
    let gold = folder.path().join("odd.csv");
    let warned = |text: &str, command: &[&str]| {
        fs::write(&gold, text).unwrap();
        let found = json(&[&["quality"], command, &["--gold", gold.to_str().unwrap(), "--json"]].concat());
        found["warning"].as_str().unwrap_or_default().to_owned()
    };
    for command in [&["truth", &labels][..], &["adaptive", &labels, "--threshold", "0.9"]] {
        let said = warned("task,label\nx1,no\nx2,no\n", command);
        assert!(said.starts_with("None of the 2 known answers is about a task of the labels: "), "{said}");
        let said = warned("task,label\nt1,no\nt2,No\nt3,no\n", command);
        assert!(said.contains("3 known answers are too few to choose a method"), "{said}");
        assert!(said.contains(". No worker ever gave `No`, which known answers hold: "), "{said}");
    }
}

#[test]
fn the_file_that_is_read_is_not_written_over() {
    let (folder, labels, gold) = files();
    let link = folder.path().join("link.csv");
    std::os::unix::fs::symlink(&labels, &link).unwrap();
    let roundabout =
        format!("{}/../{}/labels.csv", folder.path().display(), folder.path().file_name().unwrap().display());
    for out in [labels.as_str(), gold.as_str(), link.to_str().unwrap(), &roundabout] {
        let before = fs::read_to_string(out).unwrap();
        let said = refused(&["quality", "truth", &labels, "--gold", &gold, "--out", out]);
        assert!(said.contains("that is read: name another, or it would be lost"), "{said}");
        assert_eq!(fs::read_to_string(out).unwrap(), before);
    }
}

#[test]
fn readings_that_no_task_can_have_are_refused_by_their_flags() {
    let (_folder, labels, _) = files();
    let adaptive = |more: &[&str]| refused(&[&["quality", "adaptive", &labels, "--threshold", "0.9"], more].concat());
    let said = adaptive(&["--min", "0"]);
    assert!(said.contains("`--min 0`") && said.contains("give 1 or more"), "{said}");
    let said = adaptive(&["--min", "3", "--max", "2"]);
    assert!(said.contains("`--min 3` is more than `--max 2`"), "{said}");
}

/// Rewrites a file with the rows behind its header in the opposite order.
fn turn(path: &str) {
    let text = fs::read_to_string(path).unwrap();
    let (head, rows) = text.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().rev().collect();
    fs::write(path, format!("{head}\n{}\n", rows.join("\n"))).unwrap();
}

#[test]
fn the_order_of_the_rows_changes_no_figure() {
    let (folder, labels, gold) = files();
    let known: Vec<String> = fs::read_to_string(&gold).unwrap().lines().take(41).map(str::to_owned).collect();
    fs::write(&gold, known.join("\n")).unwrap();
    let out = folder.path().join("out.csv");
    let truth = || {
        let found = json(&["quality", "truth", &labels, "--gold", &gold, "--out", out.to_str().unwrap(), "--json"]);
        let mut answers: Vec<String> = fs::read_to_string(&out).unwrap().lines().map(str::to_owned).collect();
        answers.sort();
        let keys = ["method", "accuracy", "candidates", "calibration", "log_likelihood", "classes", "models_differ"];
        (keys.map(|key| found[key].clone()), answers)
    };
    let adaptive = || {
        json(&["quality", "adaptive", &labels, "--threshold", "0.9", "--gold", &gold, "--gold-share", "0.8", "--json"])
    };
    let before = (truth(), adaptive());
    turn(&labels);
    turn(&gold);
    assert_eq!((truth(), adaptive()), before);
}

#[test]
fn a_replayed_method_that_loses_to_the_vote_has_the_warning_of_truth() {
    // Dawid-Skene follows two workers who are always alike and often wrong; three good ones outvote them.
    let (mut text, mut gold) = ("task,worker,label\n".to_owned(), "task,label\n".to_owned());
    for task in 0..200 {
        let truth = u32::from(task % 10 == 0);
        writeln!(gold, "t{task},{truth}").unwrap();
        for worker in 0..5 {
            let alike = u32::from(task % 3 == 0);
            let said = if worker < 2 {
                alike
            } else if (task + worker * 7) % 6 == 0 {
                1 - truth
            } else {
                truth
            };
            writeln!(text, "t{task},w{worker},{said}").unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let [labels, known] = ["labels.csv", "gold.csv"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    fs::write(&labels, text).unwrap();
    fs::write(&known, gold).unwrap();
    let method = ["--gold", &known, "--method", "dawid-skene", "--json"];
    let truth = json(&[&["quality", "truth", &labels][..], &method].concat());
    let adaptive = json(&[&["quality", "adaptive", &labels, "--threshold", "0.9"][..], &method].concat());
    assert!(truth["warning"].as_str().unwrap().contains("fewer than a plain majority of votes"), "{truth}");
    let said = adaptive["warning"].as_str().unwrap();
    assert!(said.starts_with(truth["warning"].as_str().unwrap()), "{said}");
    assert!(said.contains("fewer than a plain majority of all recorded readings"), "{said}");
}
