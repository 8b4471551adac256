//! Synthetic tracings: deterministic, small, marked, and silent on what they show.

use remit_formats::{ecg, files};
use serde_json::Value;

/// Returns the demonstration's ECG cases.
fn cases() -> Vec<Value> {
    let files = files::find_shipped("diagnostic-reading").unwrap();
    let lines = std::str::from_utf8(files.find("demo/cases.jsonl").unwrap()).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_demonstration_case_draws_a_small_marked_trace_that_does_not_tell_its_answer() {
    for case in cases() {
        let spec: ecg::EcgSpec = serde_json::from_value(case["spec"].clone()).unwrap();
        let svg = ecg::twelve_lead_svg(&spec);
        assert_eq!(svg, ecg::twelve_lead_svg(&spec), "the same description gives the same drawing");
        assert!(svg.len() < 120_000, "{} bytes", svg.len());
        assert!(
            svg.contains("SYNTHETIC \u{2013} not a recording of a person") && svg.contains("25 mm/s \u{b7} 10 mm/mV")
        );
        for telling in ["block", "fibrillation", "sinus", "bpm", "<script", "style="] {
            assert!(!svg.contains(telling), "`{telling}` stands in the drawing");
        }
    }
}
