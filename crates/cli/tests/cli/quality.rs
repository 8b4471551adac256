//! Judgement measured on files of labels, and plans for checking it.

use std::{
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::process::{done, refused, remit};

/// Writes a file and returns its path with the folder that holds it.
fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.csv");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

/// Runs `remit quality`, which must print one JSON object and nothing else.
#[track_caller]
fn object(args: &[&str]) -> Value {
    serde_json::from_str(&done(&[&["quality"], args, &["--json"]].concat())).unwrap()
}

/// Returns a coefficient's value by its name.
fn value(found: &Value, name: &str) -> f64 {
    let figure = found["coefficients"].as_array().unwrap().iter().find(|figure| figure["coefficient"] == name);
    figure.unwrap_or_else(|| panic!("no {name} in {found}"))["value"].as_f64().unwrap_or(f64::NAN)
}

#[track_caller]
fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-6, "{found} for {wanted}");
}

/// Krippendorff's example of 2011: four raters, twelve units, with gaps; one row without a label.
fn krippendorff() -> String {
    let mut text = "unit,rater,grade,half\n12,0,,second\n".to_owned();
    for (rater, grades) in ["123321412...", "1233224125.3", ".3332342251.", "12332441251."].iter().enumerate() {
        for (unit, grade) in grades.chars().enumerate().filter(|(_, grade)| *grade != '.') {
            let half = if unit < 6 { "first" } else { "second" };
            text.push_str(&[&unit.to_string(), &rater.to_string(), &grade.to_string(), half].join(","));
            text.push('\n');
        }
    }
    text
}

const NAMED: [&str; 6] = ["--task", "unit", "--worker", "rater", "--label", "grade"];

#[test]
fn agreement_of_any_file_equals_the_published_example() {
    let (_folder, path) = file(&krippendorff());
    let found = object(&[&["agreement", &path, "--levels", "nominal,ordinal,interval,ratio"], &NAMED[..]].concat());
    let counted = ["tasks", "workers", "labels", "classes", "blank", "replaced", "compared"]
        .map(|key| found[key].as_u64().unwrap());
    assert_eq!(counted, [12, 4, 41, 5, 1, 0, 11]);
    for (name, wanted) in [
        ("krippendorff_alpha_nominal", 0.743_421),
        ("krippendorff_alpha_ordinal", 0.815_388),
        ("krippendorff_alpha_interval", 0.849_107),
        ("krippendorff_alpha_ratio", 0.797_403),
        ("gwet_ac1", 0.775_444),
        ("brennan_prediger", 0.772_727),
        ("gwet_ac2_quadratic", 0.914_001),
    ] {
        near(value(&found, name), wanted);
    }
    let figures = found["coefficients"].as_array().unwrap();
    let fleiss = figures.iter().find(|figure| figure["coefficient"] == "fleiss_kappa").unwrap();
    assert_eq!(
        (&fleiss["value"], &fleiss["undefined"]),
        (&Value::Null, &json!("the units have different numbers of values"))
    );
    for figure in figures.iter().filter(|figure| !figure["value"].is_null()) {
        let ends = figure["interval"].as_array().unwrap_or_else(|| panic!("{figure} has no interval"));
        let value = figure["value"].as_f64().unwrap();
        assert!(
            ends[0].as_f64().unwrap() <= value && value <= ends[1].as_f64().unwrap() && figure["n"] == 11,
            "{figure}"
        );
    }
    let again = object(&[&["agreement", &path, "--levels", "nominal,ordinal,interval,ratio"], &NAMED[..]].concat());
    assert_eq!(found, again);
}

#[test]
fn agreement_is_told_by_pair_and_by_slice_with_n() {
    let (_folder, path) = file(&krippendorff());
    let found = object(&[&["agreement", &path, "--by", "half", "--pairs", "2"], &NAMED[..]].concat());
    assert_eq!((found["pairs_total"].as_u64(), found["pairs"].as_array().unwrap().len()), (Some(6), 2));
    let pair = &found["pairs"][0];
    // Raters 1 and 3 have ten units in common; of those of 1 and 2 or 2 and 3 the lower names come first.
    assert_eq!((&pair["workers"], pair["n"].as_u64()), (&json!(["1", "3"]), Some(10)));
    assert!(pair["kappa"].is_f64() && pair["interval"].is_null() && pair["share_interval"].is_array());
    assert_eq!(pair["no_interval"], "an interval needs 20 units with two values or more, there are 10");
    assert!(pair["weighted_kappa"].is_null());
    let graded = object(&[&["agreement", &path, "--levels", "ordinal", "--pairs", "1"], &NAMED[..]].concat());
    assert!(graded["pairs"][0]["weighted_kappa"].as_f64() > graded["pairs"][0]["kappa"].as_f64(), "{graded}");
    let slices: Vec<_> =
        found["slices"].as_array().unwrap().iter().map(|slice| (&slice["name"], slice["compared"].as_u64())).collect();
    assert_eq!(slices, [(&json!("first"), Some(6)), (&json!("second"), Some(5))]);
    // Of six and five tasks a bootstrap would promise too much.
    for slice in found["slices"].as_array().unwrap() {
        let figure = &slice["coefficients"][1];
        assert!(figure["value"].is_f64() && figure["interval"].is_null(), "{figure}");
        assert!(figure["no_interval"].as_str().unwrap().starts_with("an interval needs 10 units"), "{figure}");
    }
    let words = done(&[&["quality", "agreement", &path, "--by", "half"], &NAMED[..]].concat());
    for wanted in [
        "12 tasks, 4 workers, 41 labels",
        "1 row without a label says",
        "n = 11",
        "half first: 6 tasks",
        "1 and 3: kappa",
    ] {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
}

#[test]
fn a_label_that_nobody_gave_counts_if_it_is_declared() {
    let (_folder, path) =
        file("task,worker,label\n1,a,yes\n1,b,yes\n2,a,yes\n2,b,no\n3,a,no\n3,b,no\n4,a,yes\n4,b,yes\n");
    let (two, three) = (object(&["agreement", &path]), object(&["agreement", &path, "--classes", "yes,maybe,no"]));
    near(value(&two, "krippendorff_alpha_nominal"), value(&three, "krippendorff_alpha_nominal"));
    assert!(value(&three, "brennan_prediger") > value(&two, "brennan_prediger"));
    let said = refused(&["quality", "agreement", &path, "--classes", "yes,maybe"]);
    assert!(said.contains("the label `no` is not among `--classes`"), "{said}");
    let said = refused(&["quality", "agreement", &path, "--levels", "interval"]);
    assert!(said.contains("the label `no` is not a number"), "{said}");
}

#[test]
fn labels_of_several_options_are_compared_as_sets_and_one_by_one() {
    let (_folder, path) =
        file("task,worker,label\n1,a,left|top\n1,b,top|left\n2,a,left\n2,b,left|top\n3,a,right\n3,b,right\n");
    let found = object(&["agreement", &path, "--split", "|"]);
    let names: Vec<_> =
        found["options"].as_array().unwrap().iter().map(|option| option["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["left", "right", "top"]);
    assert!(value(&found, "krippendorff_alpha_jaccard") > value(&found, "krippendorff_alpha_masi"));
    near(value(&found["options"][1], "krippendorff_alpha_nominal"), 1.0);
}

#[test]
fn a_number_is_one_value_however_it_is_written() {
    let plain = "task,worker,label\n1,a,1\n1,b,1\n2,a,2\n2,b,1\n3,a,2\n3,b,2\n4,a,3\n4,b,3\n";
    let (_folder, one) = file(plain);
    let (_other_folder, other) = file(&plain.replace("1,b,1\n", "1,b,1.0\n").replace("3,b,2\n", "3,b,2e0\n"));
    let args = |path: &str| object(&["agreement", path, "--levels", "interval,ratio"]);
    let (one, other) = (args(&one), args(&other));
    assert_eq!((&one["coefficients"], other["classes"].as_u64()), (&other["coefficients"], Some(3)));
    near(value(&other, "share_agreed"), 0.75);
}

#[test]
fn what_other_levels_are_asked_for_changes_no_figure() {
    let rows = "1,a,1\n1,b,1.0\n2,a,2\n2,b,1\n3,a,2\n3,b,2\n4,a,3\n4,b,3\n";
    let (_folder, path) = file(&format!("task,worker,label\n{rows}"));
    let of = |levels: &str| object(&["agreement", &path, "--levels", levels]);
    let (names, numbers, both) = (of("nominal"), of("interval"), of("nominal,interval"));
    for name in ["share_agreed", "krippendorff_alpha_nominal", "gwet_ac1"] {
        near(value(&both, name), value(&names, name));
    }
    near(value(&both, "krippendorff_alpha_interval"), value(&numbers, "krippendorff_alpha_interval"));
    near(value(&both, "icc_1"), value(&numbers, "icc_1"));
    near(value(&names, "share_agreed"), 0.5);
    near(value(&numbers, "share_agreed"), 0.75);
}

#[test]
fn words_have_no_order_of_their_own() {
    let (_folder, path) = file("task,worker,label\n1,a,low\n1,b,medium\n2,a,high\n2,b,high\n3,a,low\n3,b,low\n");
    for args in [&["agreement", &path, "--levels", "ordinal"][..], &["truth", &path, "--method", "graded"]] {
        let said = refused(&[&["quality"], args].concat());
        assert!(said.contains("the labels `high`, `low`, `medium` are no numbers"), "{said}");
        assert!(said.contains("such as `--classes low,medium,high`"), "{said}");
        let found = object(&[args, &["--classes", "low,medium,high"]].concat());
        let wrong = object(&[args, &["--classes", "high,low,medium"]].concat());
        assert_ne!((&found["coefficients"], &found["classes"]), (&wrong["coefficients"], &wrong["classes"]));
    }
    let said = refused(&["quality", "truth", &path, "--method", "graded", "--classes", "low,high"]);
    assert!(said.contains("the label `medium` is not among `--classes`"), "{said}");
}

#[test]
fn certainty_is_not_claimed_of_three_tasks() {
    let (_folder, path) = file("task,worker,label\n1,a,1\n1,b,1\n2,a,2\n2,b,2\n3,a,3\n3,b,3\n");
    let found = object(&["agreement", &path, "--levels", "interval"]);
    let icc = found["coefficients"].as_array().unwrap().iter().find(|figure| figure["coefficient"] == "icc_1").unwrap();
    assert_eq!((&icc["value"], &icc["interval"]), (&json!(1.0), &Value::Null));
    assert_eq!(icc["no_interval"], "the data do not vary enough for an interval");
}

#[test]
fn numbers_beyond_a_scale_are_refused_with_what_to_do() {
    let refused = |label: &str, level: &str| {
        let (_folder, path) = file(&format!("task,worker,label\n1,a,{label}\n1,b,2\n2,a,1\n2,b,3\n"));
        refused(&["quality", "agreement", &path, "--levels", level])
    };
    let said = refused("-1", "ratio");
    assert!(said.contains("a ratio scale takes numbers of 0 or more; use `--levels interval`"), "{said}");
    let said = refused("1e308", "interval");
    assert!(said.contains("numbers up to 1e150 are measured"), "{said}");
}

#[test]
fn shares_are_read_as_per_cents_too() {
    let (_folder, path) = file(&krippendorff());
    let at = |confidence: &str| object(&[&["agreement", &path, "--confidence", confidence], &NAMED[..]].concat());
    assert_eq!(at("90%"), at("0.9"));
    for (written, wanted) in
        [("95", "write 0.95 or 95%"), ("100%", "must lie between 0 and 1"), ("x", "that is no share")]
    {
        let said = refused(&[&["quality", "agreement", &path, "--confidence", written], &NAMED[..]].concat());
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn large_plans_are_the_smallest_that_keep_both_risks() {
    let found = object(&["plan", "--aql", "20%", "--ltpd", "21%"]);
    assert_eq!((found["n"].as_u64(), found["accept"].as_u64()), (Some(13_953), Some(2_868)));
}

#[test]
fn labels_are_read_from_standard_input_too() {
    let text = "sep=;\ntask;worker;label\n1;a;yes\n1;b;yes\n2;a;yes\n2;b;no\n3;a;no\n3;b;no\n";
    let output = remit(&["quality", "agreement", "-", "--json"], text);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((found["tasks"].as_u64(), found["labels"].as_u64()), (Some(3), Some(6)));
    let output = remit(&["quality", "truth", "-", "--gold", "-"], text);
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot both be standard input"));
    let output = remit(&["quality", "agreement", "-"], "task,worker,label\n1,a,\"yes\n1,b,yes\n");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("the quote that opens in line 2 is never closed"), "{said}");
}

#[test]
fn a_worker_who_labels_a_task_again_is_taken_at_their_last_word() {
    let (_folder, path) = file("task,worker,label\n1,a,no\n1,b,yes\n1,a,yes\n2,a,no\n2,b,no\n");
    let found = object(&["agreement", &path]);
    assert_eq!((found["labels"].as_u64(), found["replaced"].as_u64()), (Some(4), Some(1)));
    near(value(&found, "share_agreed"), 1.0);
    let figure = &found["coefficients"][1];
    assert_eq!(
        (&figure["interval"], &figure["no_interval"]),
        (&Value::Null, &json!("an interval needs 10 units with two values or more, there are 2"))
    );
}

#[test]
fn files_that_tell_nothing_get_a_named_answer() {
    let (_folder, path) = file("task,worker,label\n1,a,yes\n2,a,no\n");
    let found = object(&["agreement", &path]);
    assert_eq!(found["coefficients"][1]["undefined"], "no unit has two values to compare");
    let (_folder, path) = file("task,worker,label\n");
    for args in [&["agreement", &path][..], &["truth", &path], &["adaptive", &path, "--threshold", "0.9"]] {
        let said = refused(&[&["quality"], args].concat());
        assert!(said.contains("labels.csv has a header and no row"), "{said}");
    }
    let (_folder, blank) = file("task,worker,label\n1,a,\n2,a,\n");
    let said = refused(&["quality", "agreement", &blank]);
    assert!(said.contains("`label` is empty in all 2 rows. Name the column with the judgement by `--label`"), "{said}");
    let said = refused(&["quality", "agreement", &path, "--task", "case"]);
    assert!(said.contains("labels.csv: there is no column `case`. Name the column with `--task`"), "{said}");
}

#[test]
fn plans_equal_their_references() {
    let plan = |args: &[&str]| object(&[&["plan"], args].concat());
    let found = plan(&["--aql", "0.01", "--ltpd", "5%", "--alpha", "0.05", "--beta", "0.10"]);
    assert_eq!(
        (found["n"].as_u64(), found["accept"].as_u64(), found["reject"].as_u64()),
        (Some(132), Some(3), Some(4))
    );
    let point = |share: f64| {
        let near = |point: &&Value| (point["share"].as_f64().unwrap() - share).abs() < 1e-9;
        found["curve"].as_array().unwrap().iter().find(near).unwrap()["accepted"].as_f64().unwrap()
    };
    assert!(point(0.01) >= 0.95 && point(0.05) <= 0.1);

    let letter = plan(&["--lot", "900", "--level", "II", "--aql", "1.0"]);
    assert_eq!((&letter["letter"], letter["n"].as_u64(), letter["accept"].as_u64()), (&json!("J"), Some(80), Some(2)));
    assert_eq!(
        (&letter["tightened"], &letter["reduced"]),
        (&json!({ "n": 80, "accept": 1 }), &json!({ "n": 32, "accept": 1 }))
    );
    let at_limit = letter["curve"].as_array().unwrap().iter().find(|point| point["share"] == 0.01).unwrap();
    assert!((at_limit["accepted"].as_f64().unwrap() - 0.9534).abs() < 5e-5, "{at_limit}");
    let last = plan(&["--lot", "600000", "--level", "II", "--aql", "0.04"]);
    assert_eq!((&last["letter"], &last["tightened"]), (&json!("Q"), &json!({ "n": 2_000, "accept": 1 })));
    // A sample as large as the lot is the whole lot.
    assert_eq!(plan(&["--lot", "40", "--level", "II", "--aql", "1.0"])["n"], 13);
    assert_eq!(plan(&["--lot", "10", "--level", "II", "--aql", "1.0"])["n"], 10);

    let zero = plan(&["zero", "--ltpd", "0.05", "--beta", "0.10"]);
    assert_eq!((zero["n"].as_u64(), zero["accept"].as_u64()), (Some(45), Some(0)));
    assert_eq!(plan(&["zero", "--ltpd", "5%", "--beta", "10%", "--lot", "100"])["n"], 37);
    // Of a drawn lot summary, table and what is left follow one law, in whole defects: by exact coefficients.
    let drawn = plan(&["zero", "--ltpd", "1%", "--beta", "5%", "--lot", "200"]);
    assert_eq!((drawn["n"].as_u64(), &drawn["defects_at"]), (Some(155), &json!([0, 1, 2])));
    near(drawn["outgoing_limit"].as_f64().unwrap(), 0.001_125);
    for point in drawn["curve"].as_array().unwrap() {
        near(point["share"].as_f64().unwrap(), point["defects"].as_f64().unwrap() / 200.0);
        assert!(point["outgoing"].as_f64() <= drawn["outgoing_limit"].as_f64(), "{point}");
    }
    assert!(drawn["curve"].as_array().unwrap().iter().any(|point| point["outgoing"] == drawn["outgoing_limit"]));
    let whole = plan(&["--aql", "1%", "--ltpd", "5%", "--lot", "10"]);
    assert_eq!(
        (whole["n"].as_u64(), &whole["defects_at"], &whole["outgoing_limit"]),
        (Some(10), &json!([0, 1, 1]), &json!(0.0))
    );
    let words = done(&["quality", "plan", "--aql", "1%", "--ltpd", "5%", "--lot", "10"]);
    assert!(words.contains("All are checked, so nothing is left to chance"), "{words}");
    let test = plan(&["sequential", "--aql", "0.02", "--ltpd", "0.08"]);
    near(test["slope"].as_f64().unwrap(), 0.043_587);
    let words = done(&["quality", "plan", "--aql", "1%", "--ltpd", "5%", "--lot", "300"]);
    assert!(words.contains(" of 300; accept with ") && words.contains("left on average"), "{words}");
}

#[test]
fn plans_of_nonsense_are_refused_with_what_to_write() {
    for (args, wanted) in [
        (&["--aql", "1", "--ltpd", "5%"][..], "`--aql 1` is all of the items: write 1% or 0.01 for 1 in a hundred"),
        (&["--aql", "2", "--ltpd", "5%"], "write 2% for 2 in a hundred"),
        (&["--aql", "1%", "--ltpd", "5%", "--lot", "0"], "`--lot 0` has nothing to check"),
        (&["--aql", "1%", "--ltpd", "5%", "--lot", "1"], "a plan takes a lot of 2 items or more"),
        (&["--aql", "1.0", "--level", "II", "--lot", "1"], "a plan takes a lot of 2 items or more"),
        (&["zero", "--ltpd", "5%", "--lot", "0"], "`--lot 0` has nothing to check"),
        (&["--aql", "0.0001%", "--ltpd", "0.0002%"], "part `--aql` and `--ltpd` further"),
        (&["sequential", "--aql", "0.0001%", "--ltpd", "0.0002%"], "part `--aql` and `--ltpd` further"),
        (&["--aql", "1%", "--ltpd", "5%", "--alpha", "0.6", "--beta", "0.5"], "together they must stay below 1"),
        (&["--aql", "5%", "--ltpd", "1%"], "the good share must lie below the bad one"),
        (&["--aql", "x", "--ltpd", "1%"], "`--aql x` is no share between 0 and 1"),
        (
            &["--aql", "0.7", "--level", "II", "--lot", "900"],
            "`0.7` is none of the standard's limits in per cent, which are 0.01, ",
        ),
        (&["--aql", "1.0", "--level", "II"], "--lot"),
        (&["--aql", "1.0", "--level", "II", "--lot", "900", "--alpha", ".2"], "--alpha"),
        (&["--aql", "1%", "--ltpd", "5%", "--lot", "1000000001"], "the largest lot has 1000000000 items"),
        (&["--aql", "2.01%", "--ltpd", "2.01%"], "`--aql` 0.0201 does not lie below `--ltpd` 0.0201"),
    ] {
        let said = refused(&[&["quality", "plan"], args].concat());
        assert!(said.contains(wanted), "{args:?}: {said}");
        assert!(!said.contains("no plan keeps these risks"), "{args:?}: {said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let said = refused(&["quality", "agreement", folder]);
    assert!(said.contains("is a folder: name the file with the labels in it"), "{said}");
    for command in ["draw", "recompute"] {
        let said = refused(&["quality", command, folder]);
        assert!(said.contains("is no export: name the folder that `remit export` wrote"), "{said}");
    }
}

#[test]
fn whoever_stops_listening_ends_no_command() {
    let (_folder, path) = file(&krippendorff());
    let agreement = [&["quality", "agreement", &path][..], &NAMED].concat();
    for args in [&["check-config", "--json"][..], &["--help"], &agreement] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_remit"))
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Nobody listens from the start: the first word is already one too many.
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn recorded_labels_are_measured_where_they_lie_beside_the_repository() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/truth-bluebirds");
    if !folder.exists() {
        println!("skipped: the recorded labels are not here");
        return;
    }
    let found = object(&["agreement", folder.join("labels.csv").to_str().unwrap()]);
    assert_eq!(
        (found["tasks"].as_u64(), found["workers"].as_u64(), found["labels"].as_u64()),
        (Some(108), Some(39), Some(4_212))
    );
    // 39 workers on every task: alpha is Fleiss' kappa but for its term for small samples.
    let (alpha, fleiss) = (value(&found, "krippendorff_alpha_nominal"), value(&found, "fleiss_kappa"));
    near(alpha, 1.0 - (1.0 - fleiss) * 4_211.0 / 4_212.0);
    assert_eq!((found["pairs_total"].as_u64(), found["pairs"].as_array().unwrap().len()), (Some(741), 10));
}

#[test]
fn the_certificate_of_imported_history_is_computed_again_from_its_export() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, out) = (at("data"), at("export"));
    let init =
        ["init", "--data", &data, "--organisation", "Firm", "--country", "GB", "--name", "Mary", "--login", "mary"];
    let output = remit(&init, "a long enough password\n");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let history = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packs/diagnostic-reading/demo/history");
    let [cases, readings] = ["cases", "decisions"].map(|name| format!("{history}/{name}.csv"));
    let import = ["import", "readings", "--data", &data, "--pack", "diagnostic-reading", "--cases", &cases];
    let import = [&import[..], &["--readings", &readings, "--new", "ECG 2025", "--json"]].concat();
    let imported: Value = serde_json::from_str(&done(&import)).unwrap();
    let engagement = imported["engagement"].as_str().unwrap();
    done(&["export", "--data", &data, "--engagement", engagement, "--out", &out]);
    // A stray quote near the end of a file stops the import before anything is recorded, with what to do.
    let text = std::fs::read_to_string(&readings).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let stray = folder.path().join("stray.csv");
    let (before, behind) = lines.split_at(lines.len() - 41);
    std::fs::write(&stray, format!("{}\n\"{}\n", before.join("\n"), behind.join("\n"))).unwrap();
    let stray = [&import[..8], &["--readings", stray.to_str().unwrap(), "--new", "Again"]].concat();
    let said = refused(&stray);
    let wanted = format!("stray.csv: the quote that opens in line {} is never closed", lines.len() - 40);
    assert!(said.contains(&wanted) && said.contains("write a quote that belongs to the text twice."), "{said}");
    let found: Value = serde_json::from_str(&done(&["quality", "recompute", &out, "--json"])).unwrap();
    assert_eq!((&found["equal"], &found["different"]), (&true.into(), &0.into()));
    let figure = |name: &str| {
        let figures = found["certificates"][0]["figures"].as_array().unwrap();
        figures.iter().find(|figure| figure["figure"] == name).map(|figure| figure["computed"].clone()).unwrap()
    };
    assert_eq!((figure("cases"), figure("witnessed"), figure("imported")), (331.into(), 0.into(), 662.into()));
    // History that came in as a file belongs to no lot: nothing was drawn.
    let drawn: Value = serde_json::from_str(&done(&["quality", "draw", &out, "--json"])).unwrap();
    assert_eq!(drawn, serde_json::json!({ "lots": [], "equal": true, "different": 0 }));
    // A certificate that says something else is found out, whatever it is.
    let file = folder.path().join("filed.json");
    let told = std::fs::read_to_string(folder.path().join("export/certificates.jsonl")).unwrap();
    let filed: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
    let check = |filed: &Value| {
        std::fs::write(&file, filed.to_string()).unwrap();
        refused(&["quality", "recompute", &out, "--certificate", file.to_str().unwrap()])
    };
    let forged: [(&str, Value); 11] = [
        ("/figures/agreed", 331.into()),
        ("/figures/plan", serde_json::json!({ "sample": 80 })),
        ("/subject/case_type", "other".into()),
        ("/subject/until", "2031-01-01T00:00:00Z".into()),
        ("/subject/service", "Another service".into()),
        ("/subject/number", 3.into()),
        ("/note", Value::Null),
        ("/limits", serde_json::json!([])),
        ("/limits/0", "Nothing is left to doubt.".into()),
        ("/engagement", "eng_01m7qw5qkc8v88ykdcpy7d4bam".into()),
        ("/made_at", "2019-01-01T00:00:00Z".into()),
    ];
    for (place, value) in forged {
        let mut forged = filed.clone();
        *forged.pointer_mut(place).unwrap() = value;
        let said = check(&forged);
        assert!(
            said.contains("differ from what the events give") || said.contains("of this version"),
            "{place}: {said}"
        );
    }
    let mut more = filed.clone();
    more["figures"]["review"]["seal"] = "gold".into();
    more["approved_by"] = "A. Nother".into();
    assert!(check(&more).contains("2 figures differ"), "what no certificate has");
    // So is an export that was changed: in a line, or by leaving one out.
    let events = folder.path().join("export/events.jsonl");
    let lines = std::fs::read_to_string(&events).unwrap();
    let line = lines.lines().find(|line| line.contains("\"version\":1,")).unwrap();
    std::fs::write(&events, lines.replacen(line, &line.replacen("\"recorded_at\":\"20", "\"recorded_at\":\"19", 1), 1))
        .unwrap();
    let said = refused(&["quality", "recompute", &out]);
    assert!(said.contains("does not fit its digest"), "{said}");
    std::fs::write(&events, lines.replacen(&format!("{line}\n"), "", 1)).unwrap();
    let said = refused(&["quality", "recompute", &out]);
    assert!(said.contains("missing or out of order") || said.contains("does not fit"), "{said}");
}
