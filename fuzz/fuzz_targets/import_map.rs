//! Import maps, against the pack they are for, and rows put through those that are accepted.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use remit_formats::{
    files,
    import_map,
    pack::{LoadedPack, read_files},
    table::{Encoding, Table},
};

static PACK: LazyLock<LoadedPack> = LazyLock::new(|| {
    let files = files::find_shipped("diagnostic-reading").expect("the pack comes with Remit");
    read_files(&files).expect("the pack is sound")
});

fuzz_target!(|bytes: &[u8]| {
    let (map, rows) = match bytes.iter().position(|byte| *byte == 0) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[][..]),
    };
    let Ok(map) = import_map::of_bytes("map.toml", map.to_vec(), &PACK.pack) else { return };
    let Ok(table) = Table::of_bytes("t.csv", rows.to_vec(), Encoding::Detect) else { return };
    for row in table.take(100).flatten() {
        let _ = (map.case(&row), map.documents(&row), map.reading(&row), map.gold(&row));
    }
});
