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
    for method in ["majority", "wawa", "one-coin", "dawid-skene", "ibcc", "bwa", "anchored", "graded", "ebcc", "auto"] {
        let found = json(&["quality", "truth", &labels, "--gold", &gold, "--method", method, "--out", out, "--json"]);
        assert_eq!((&found["tasks"], &found["labels"]), (&80.into(), &320.into()), "{method}");
        assert_eq!(found["asked"], method);
        assert!(found["accuracy"].as_f64().unwrap() > 0.95, "{method}: {}", found["accuracy"]);
        assert_eq!(found["workers"].as_array().unwrap().len(), 4);
        let dan = &found["workers"][3];
        assert_eq!((&dan["worker"], &dan["answers"]), (&"dan".into(), &80.into()));
        let ends = dan["interval"].as_array().unwrap();
        assert!(ends[0].as_f64() < dan["accuracy"].as_f64() && dan["accuracy"].as_f64() < ends[1].as_f64());
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
fn a_method_that_does_not_exist_and_an_empty_file_are_refused() {
    let (folder, labels, _) = files();
    let said = refused(&["quality", "truth", &labels, "--method", "oracle"]);
    assert!(said.contains("dawid-skene"), "{said}");
    let empty = folder.path().join("empty.csv");
    fs::write(&empty, "task,worker,label\n").unwrap();
    let said = refused(&["quality", "truth", empty.to_str().unwrap()]);
    assert!(said.contains("label"), "{said}");
    let said = refused(&["quality", "adaptive", &labels, "--threshold", "95"]);
    assert!(said.contains("from 0 to 1"), "{said}");
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
