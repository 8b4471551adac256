//! Cohen's kappa of two raters on a recorded set of double decisions, where the set lies beside the repository.
//!
//! The set is not ours to ship: ECG decisions after Ribeiro et al., Nat. Commun. 11 (2020), 1760 (CC BY 4.0).
#![allow(clippy::unwrap_used, reason = "a test may stop at once")]

use std::{collections::BTreeMap, fs, path::Path};

use remit_stats::agreement::Pairs;

const FINDINGS: [(&str, f64); 6] =
    [("1dAVb", 0.718), ("RBBB", 1.0), ("LBBB", 0.932), ("SB", 0.664), ("AF", 0.854), ("ST", 0.812)];

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn kappa_per_finding_equals_the_published_fixture() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/medical-ecg/decisions.csv");
    let Ok(text) = fs::read_to_string(path) else {
        eprintln!("skipped: the recorded decisions are not here");
        return;
    };
    let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap();
    let mut units: BTreeMap<&str, [Option<Vec<&str>>; 2]> = BTreeMap::new();
    for row in rows {
        let unit = row[0];
        if let Some(rater) = ["cardiologist1", "cardiologist2"].iter().position(|name| *name == row[1]) {
            units.entry(unit).or_default()[rater] = Some(row);
        }
    }
    assert_eq!(units.len(), 331);

    for (finding, expected) in FINDINGS {
        let column = header.iter().position(|name| *name == finding).unwrap();
        let mut pairs = Pairs::new(2).unwrap();
        for raters in units.values() {
            let [first, second] = raters.each_ref().map(|row| row.as_ref().unwrap()[column].parse().unwrap());
            pairs.add(first, second).unwrap();
        }
        let kappa = pairs.kappa().unwrap().value;
        assert!((kappa - expected).abs() < 1e-3, "{finding}: {kappa}");
    }
}
