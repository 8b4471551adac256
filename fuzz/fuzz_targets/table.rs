//! Tables: CSV with any separator, JSON Lines, compressed or not, in any encoding.
#![no_main]

use libfuzzer_sys::fuzz_target;
use remit_formats::table::{Encoding, Table};

fuzz_target!(|bytes: &[u8]| {
    let Some((how, bytes)) = bytes.split_first() else { return };
    let name = ["t.csv", "t.tsv", "t.jsonl", "t.csv.gz", "t.jsonl.gz", "t.txt"][usize::from(how % 6)];
    let encoding = if how & 0x80 == 0 { Encoding::Detect } else { Encoding::Cp1252 };
    let Ok(table) = Table::of_bytes(name, bytes.to_vec(), encoding) else { return };
    let mut last = 0;
    for row in table.take(10_000).flatten() {
        assert!(row.number > last, "rows are numbered upwards");
        last = row.number;
    }
});
