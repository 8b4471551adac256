//! Import maps: checked against their pack, and both real sets read as they are.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use remit_formats::{
    PackErrors, files,
    import_map::{self, ImportMap, MappedReading, ReaderPart},
    pack::{self, LoadedPack},
    table::{Encoding, Row, Table},
};
use remit_kernel::index::Part;

fn shipped(name: &str) -> LoadedPack {
    pack::read_files(&files::find_shipped(name).unwrap()).unwrap()
}

fn row(values: &[(&str, &str)]) -> Row {
    Row {
        number: 1,
        values: values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        sparse: false,
    }
}

fn rows(path: &Path) -> Vec<Row> {
    Table::open(path, Encoding::Detect).unwrap().map(Result::unwrap).collect()
}

/// Returns a folder of the reference data, or says that the test is skipped.
fn reference(set: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(set);
    let found = folder.is_dir().then_some(folder);
    if found.is_none() {
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: ../shared not present");
        }
    }
    found
}

/// Returns how many cases have panel readers with unlike answers.
fn disputed(readings: &[MappedReading]) -> usize {
    let mut by_case: BTreeMap<&str, BTreeSet<&BTreeMap<String, String>>> = BTreeMap::new();
    for reading in readings.iter().filter(|reading| reading.part == ReaderPart::Part(Part::Panel)) {
        by_case.entry(&reading.case).or_default().insert(&reading.answers);
    }
    by_case.values().filter(|answers| answers.len() > 1).count()
}

fn ecg_counts(map: &ImportMap, folder: &Path) {
    let cases: Vec<_> = rows(&folder.join("cases.csv")).iter().map(|row| map.case(row).unwrap()).collect();
    let readings: Vec<_> = rows(&folder.join("decisions.csv")).iter().map(|row| map.reading(row).unwrap()).collect();
    let gold: Vec<_> = rows(&folder.join("gold.csv")).iter().map(|row| map.gold(row).unwrap()).collect();
    assert_eq!((cases.len(), readings.len(), gold.len()), (331, 6 * 331, 331));
    assert_eq!(disputed(&readings), 15);
    let count = |part| readings.iter().filter(|reading| reading.part == ReaderPart::Part(part)).count();
    assert_eq!((count(Part::Panel), count(Part::Extra), count(Part::Ai)), (662, 993, 331));
    assert_eq!(cases[0].title, "12-lead ECG, F, 70 years");
    assert!(gold.iter().all(|(_, answers)| answers.len() == 6));
}

#[test]
fn the_readings_that_ship_with_the_diagnostic_pack_hold_fifteen_disputes() {
    let map = &shipped("diagnostic-reading").maps["medical-ecg"];
    ecg_counts(map, &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/diagnostic-reading/demo/history"));
}

#[test]
fn the_published_ecg_readings_are_read_as_they_are() {
    let Some(folder) = reference("medical-ecg") else { return };
    ecg_counts(&shipped("diagnostic-reading").maps["medical-ecg"], &folder);
}

#[test]
fn the_published_evidence_readings_are_read_as_they_are() {
    let Some(folder) = reference("research-rct-evidence") else { return };
    let map = &shipped("evidence-analysis").maps["research-rct-evidence"];
    let cases: Vec<_> = rows(&folder.join("cases.jsonl")).iter().map(|row| map.case(row).unwrap()).collect();
    let documents: BTreeMap<_, _> =
        rows(&folder.join("articles.jsonl.gz")).iter().map(|row| map.documents(row).unwrap()).collect();
    let readings: Vec<_> =
        rows(&folder.join("decisions.jsonl.gz")).iter().map(|row| map.reading(row).unwrap()).collect();
    let gold: Vec<_> = rows(&folder.join("gold.csv")).iter().map(|row| map.gold(row).unwrap()).collect();
    assert_eq!((cases.len(), documents.len(), readings.len(), gold.len()), (715, 255, 1_470, 715));
    assert!(cases.iter().all(|case| documents.contains_key(&case.document) && case.fields.len() == 3));
    assert_eq!(disputed(&readings), 76);
    assert_eq!(gold.iter().filter(|(_, answers)| answers.is_empty()).count(), 19);
    assert_eq!(readings.iter().filter(|reading| reading.answers["effect"] == "cannot_tell").count(), 2);
    let quotes: Vec<_> = readings.iter().filter_map(|reading| reading.evidence.get("effect")).collect();
    assert_eq!(readings.len() - quotes.len(), 2, "rows that cite nothing");
    assert!(quotes.iter().all(|quote| quote.item.as_deref() == Some("Report")));
}

const MAP: &str = r#"title = "Anybody's"
[cases]
reference = "id"
title = "{what} of {id}"
case_type = { value = "ecg-12-lead" }
[cases.fields]
age = "age"
sex = "sex"
[readings]
case = "id"
reader = "who"
claimed_at = "when"
confidence = "sure"
answers.av_block_1 = { column = "a", values = { y = "yes", n = "no" } }
answers.rbbb = { column = "b" }
answers.lbbb = { column = "b" }
answers.sinus_bradycardia = { column = "b" }
answers.atrial_fibrillation = { column = "b" }
answers.sinus_tachycardia = { column = "b" }
[readers]
parts = [{ reader = "gpt-*", part = "ai" }, { reader = "old ?", part = "skip" }]
"#;

fn read(text: &str) -> Result<ImportMap, PackErrors> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, text).unwrap();
    import_map::read(&path, &shipped("diagnostic-reading").pack)
}

#[test]
fn a_row_becomes_a_reading_or_a_sentence_on_why_not() {
    let map = read(MAP).unwrap_or_else(|errors| panic!("{errors}"));
    let fine = [("id", "7"), ("who", "Ann"), ("when", "2024-03-01"), ("sure", "80 %"), ("a", " y "), ("b", "")];
    let with =
        |key: &str, value: &'static str| row(&fine.map(|(name, text)| (name, if name == key { value } else { text })));
    let reading = map.reading(&row(&fine)).unwrap();
    assert_eq!(reading.answers, BTreeMap::from([("av_block_1".to_owned(), "yes".to_owned())]));
    assert_eq!((reading.confidence, reading.claimed_at), (Some(80), "2024-03-01T00:00:00Z".parse().ok()));
    assert_eq!(map.reading(&with("who", "gpt-5")).unwrap().part, ReaderPart::Part(Part::Ai));
    assert_eq!(map.reading(&with("who", "old 3")).unwrap().part, ReaderPart::Skip);
    assert_eq!(map.reading(&with("who", "older")).unwrap().part, ReaderPart::Part(Part::Panel));
    assert_eq!(
        map.reading(&with("a", "maybe")).unwrap_err(),
        "`maybe` in column `a` is not an answer to `av_block_1`: the map knows `n`, `y`"
    );
    assert_eq!(
        map.reading(&with("when", "yesterday")).unwrap_err(),
        "`yesterday` is not a time: write 2026-03-01T09:30:00Z or 2026-03-01"
    );
    assert_eq!(
        map.reading(&with("sure", "120")).unwrap_err(),
        "`120` is not a confidence: write a whole number from 0 to 100"
    );
    assert_eq!(map.reading(&with("id", " ")).unwrap_err(), "`id` is empty: fill it, or take the row out");
    assert_eq!(map.case(&row(&[("age", "7")])).unwrap_err(), "there is no column `id`: the row has `age`");
    assert_eq!(map.case(&row(&[("id", "7"), ("age", "41"), ("sex", "")])).unwrap().fields.len(), 1);
    assert!(map.gold(&row(&fine)).unwrap_err().contains("no [gold]"));
}

#[test]
fn grades_several_picks_and_numbers_are_read_as_the_form_writes_them() {
    let map = &shipped("design-review").maps["design-office"];
    let fine =
        [("note", "7"), ("engineer", "Ann"), ("state", "B"), ("concerns", "rail | slope"), ("width_mm", "1200.50")];
    let rest = [("reviewed_on", ""), ("reasons", "")];
    let with = |key: &str, value: &'static str| {
        let cells = fine.map(|(name, text)| (name, if name == key { value } else { text }));
        map.reading(&row(&cells.into_iter().chain(rest).collect::<Vec<_>>()))
    };
    let answers = with("", "").unwrap().answers;
    assert_eq!(answers.values().collect::<Vec<_>>(), ["gradient guarding", "minor", "1200.5"]);
    assert!(!with("concerns", "").unwrap().answers.contains_key("concerns"));
    assert_eq!(
        with("concerns", "rail|rust").unwrap_err(),
        "`rust` in column `concerns` is not an answer to `concerns`: the map knows `-`, `landing`, `rail`, `slope`, `surface`"
    );
    assert_eq!(
        with("width_mm", "1,200").unwrap_err(),
        "column `width_mm`: `1,200` is not a number: write digits with a point, such as 12.5"
    );
}

#[test]
fn a_mistake_in_a_map_is_named_with_its_line() {
    let told = |from: &str, to: &str| -> Vec<String> {
        assert!(MAP.contains(from));
        let PackErrors(problems) = read(&MAP.replacen(from, to, 1)).unwrap_err();
        problems.iter().map(|problem| format!("{}:{}: {}", problem.file, problem.line, problem.message)).collect()
    };
    assert_eq!(told("ecg-12-lead", "ecg"), ["mine.toml:5: the pack has no case type `ecg`"]);
    assert_eq!(told("age = \"age\"\n", ""), ["mine.toml:2: nothing fills the required field `age`"]);
    assert_eq!(told("y = \"yes\"", "y = \"yep\""), ["mine.toml:14: `y` does not lead to an option of `av_block_1`"]);
    assert_eq!(told("answers.rbbb", "answers.rbb")[1], "mine.toml:15: the form has no question `rbb`");
    assert_eq!(told("\"ai\"", "\"robot\""), ["mine.toml:21: `robot` is not a reader's part"]);
    assert_eq!(told("reader = \"who\"\n", ""), ["mine.toml:9: `reader` is missing"]);
    assert_eq!(told("{what} of", "{what of"), ["mine.toml:2: a brace of `title` is not closed"]);
    assert_eq!(
        told("[readers]", "[documents]\nkey = \"id\"\nitems = [{ name = \"A\", column = \"a\" }]\n[readers]"),
        ["mine.toml:1: cases and documents are not joined",]
    );
    assert_eq!(
        told("[readers]", "[readings.evidence.rbbb]\nstart = \"s\"\n[readers]"),
        ["mine.toml:20: a passage needs both `start` and `end`", "mine.toml:20: the evidence names no column",]
    );
    let missing = import_map::read(Path::new("nowhere/my-map.toml"), &shipped("diagnostic-reading").pack).unwrap_err();
    assert_eq!(missing.0[0].message, "this file is missing");
}
