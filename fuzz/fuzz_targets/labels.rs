//! Labels and known answers: whatever was read is numbered soundly, and written out it reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use remit_formats::labels::{Columns, GoldColumns, Labels};

fuzz_target!(|bytes: &[u8]| {
    let (labels, gold) = match bytes.iter().position(|byte| *byte == 0) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[][..]),
    };
    let columns = Columns { slice: Some("by".to_owned()), ..Columns::default() };
    let read = |bytes: &[u8]| {
        Labels::of_bytes("l.csv", bytes.to_vec(), &columns)
            .or_else(|_| Labels::of_bytes("l.csv", bytes.to_vec(), &Columns::default()))
    };
    let Ok(mut labels) = read(labels) else { return };
    assert!(labels.slice_of.is_empty() || labels.slice_of.len() == labels.rows.len());
    assert!(labels.slice_of.iter().all(|slice| (*slice as usize) < labels.slices.len()));
    let told = |labels: &Labels| {
        let mut text = "task,worker,label\n".to_owned();
        for row in &labels.rows {
            assert!((row.task as usize) < labels.tasks.len() && (row.worker as usize) < labels.workers.len());
            assert!((row.label as usize) < labels.labels.len());
            let names =
                [labels.tasks.name(row.task), labels.workers.name(row.worker), labels.labels.name(row.label)];
            let quoted = names.map(|name| format!("\"{}\"", name.replace('"', "\"\"")));
            text.push_str(&quoted.join(","));
            text.push('\n');
        }
        text
    };
    let text = told(&labels);
    let again = Labels::of_bytes("l.csv", text.clone().into_bytes(), &Columns::default()).expect("what was read reads again");
    assert_eq!((text, labels.rows.len()), (told(&again), again.rows.len()));
    if let Ok(gold) = labels.gold_of_bytes("g.csv", gold.to_vec(), &GoldColumns::default()) {
        assert_eq!(gold.answers.len(), labels.tasks.len());
        assert_eq!(gold.answers.iter().flatten().count() as u64, gold.known);
        assert!(gold.answers.iter().flatten().all(|label| (*label as usize) < labels.labels.len()));
    }
});
