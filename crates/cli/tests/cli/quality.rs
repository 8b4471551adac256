//! Judgement measured on files of labels.

use std::{
    io::Read as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::process::{done, refused};

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
