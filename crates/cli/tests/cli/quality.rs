//! Judgement measured on files of labels.

use std::{
    io::Read as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::process::{done, refused, remit};

const LABELS: &str = "case,reader,finding\nc1,ann,yes\nc1,bob,yes\nc2,ann,no\nc2,bob,yes\nc3,ann,no\nc3,bob,no\n";

#[test]
fn agreement_of_any_file_is_one_json_object() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("labels.csv");
    std::fs::write(&file, LABELS).unwrap();
    let file = file.to_str().unwrap();
    let named = ["--task", "case", "--worker", "reader", "--label", "finding", "--json"];
    let found: Value = serde_json::from_str(&done(&[&["quality", "agreement", file][..], &named].concat())).unwrap();
    assert_eq!((&found["tasks"], &found["workers"], &found["labels"]), (&3.into(), &2.into(), &6.into()));
    let said = refused(&["quality", "agreement", file]);
    assert!(said.contains("labels.csv: there is no column `task`. Name the column with `--task`"), "{said}");
}

#[test]
fn whoever_stops_listening_ends_no_command() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_remit"))
        .args(["check-config", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Nobody listens from the start: the first word is already one too many.
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
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
    // A certificate that says something else is found out.
    let file = folder.path().join("filed.json");
    let told = std::fs::read_to_string(folder.path().join("export/certificates.jsonl")).unwrap();
    std::fs::write(&file, told.lines().next().unwrap().replace("\"agreed\":316", "\"agreed\":331")).unwrap();
    let said = refused(&["quality", "recompute", &out, "--certificate", file.to_str().unwrap()]);
    assert!(said.contains("1 figures differ"), "{said}");
}
