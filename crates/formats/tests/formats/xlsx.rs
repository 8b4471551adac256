//! Workbooks: nothing becomes a formula, values keep their type.

use std::io::Read as _;

use remit_formats::xlsx::{Cell, SheetError, write};
use remit_kernel::time::Instant;

/// Returns the parts of a workbook as one text.
fn parts(bytes: &[u8]) -> String {
    let mut text = String::new();
    for at in (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"PK\x03\x04")) {
        // A local header of the archive: the deflated part begins after 30 bytes, its name and its extra field.
        let length = |from: usize| usize::from(bytes[at + from]) + 256 * usize::from(bytes[at + from + 1]);
        let part = &bytes[at + 30 + length(26) + length(28)..];
        flate2::read::DeflateDecoder::new(part).read_to_string(&mut text).unwrap();
    }
    text
}

#[test]
fn texts_that_look_like_formulas_stay_texts_and_numbers_and_dates_are_typed() {
    let row = vec![
        Cell::Text("=1+1".into()),
        Cell::Text("@SUM(A1)".into()),
        Cell::Whole(42),
        Cell::Whole(i64::MAX),
        Cell::Number(0.5),
        Cell::Flag(true),
        Cell::Date("2026-03-01".parse().unwrap()),
        Cell::Instant("2026-03-01T09:30:00Z".parse::<Instant>().unwrap()),
        Cell::Empty,
    ];
    let text = parts(&write("Cases", &["a", "b", "c", "d", "e", "f", "g", "h", "i"], [row]).unwrap());
    assert!(!text.contains("<f>"), "no formula");
    assert!(text.contains("<t>=1+1</t>") && text.contains("<t>@SUM(A1)</t>") && text.contains("quotePrefix=\"1\""));
    assert!(text.contains("<v>42</v>") && text.contains("<t>9223372036854775807</t>") && text.contains("<v>0.5</v>"));
    assert!(text.contains("<v>46082</v>") && text.contains("state=\"frozen\""));
}

#[test]
fn a_text_longer_than_a_cell_is_cut_with_a_note() {
    let text = parts(&write("Cases", &["a"], [vec![Cell::Text("ä".repeat(40_000))]]).unwrap());
    assert!(text.contains("[cut here: longer than a cell can hold; see the JSON Lines export]"));
}

#[test]
fn a_sheet_name_that_excel_does_not_take_is_an_error() {
    assert!(matches!(write("a/b", &[], []), Err(SheetError::Writer(_))));
}
