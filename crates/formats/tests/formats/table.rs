//! Tables: every usual encoding and packing gives the same rows; what cannot be read is named by row and field.

use std::{fmt::Write as _, io::Write as _, path::PathBuf};

use flate2::{Compression, write::GzEncoder};
use remit_formats::table::{Encoding, FIELD_BYTES_MAX, Row, Table, TableError};
use remit_kernel::hash::Digest;
use tempfile::TempDir;

const CSV: &str = "case,label,note\nc-1,yes,\"größer, \"\"sicher\"\"\"\nc-2,no,\"two\nlines\"\n";

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn file(folder: &TempDir, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join("some-file");
    std::fs::write(&path, bytes).unwrap();
    path
}

fn open(bytes: &[u8], encoding: Encoding) -> Result<Vec<Result<Row, TableError>>, TableError> {
    let folder = folder();
    Table::open(&file(&folder, bytes), encoding).map(Iterator::collect)
}

fn rows(bytes: &[u8]) -> Vec<Row> {
    open(bytes, Encoding::Detect)
        .unwrap()
        .into_iter()
        .map(|row| row.unwrap_or_else(|error| panic!("{error}")))
        .collect()
}

fn errors(bytes: &[u8]) -> Vec<String> {
    match open(bytes, Encoding::Detect) {
        Ok(rows) => rows.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect(),
        Err(error) => vec![error.to_string()],
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn utf16(text: &str, mark: [u8; 2]) -> Vec<u8> {
    let units =
        text.encode_utf16().flat_map(|unit| if mark == [0xff, 0xfe] { unit.to_le_bytes() } else { unit.to_be_bytes() });
    mark.into_iter().chain(units).collect()
}

#[test]
fn the_same_rows_come_out_of_every_usual_encoding_and_packing() {
    let wanted = rows(CSV.as_bytes());
    assert_eq!(wanted.len(), 2);
    assert_eq!((wanted[0].number, wanted[0].values["note"].as_str()), (1, "größer, \"sicher\""));
    assert_eq!(wanted[1].values["note"], "two\nlines");
    let mark: Vec<u8> = [b"\xef\xbb\xbf", CSV.as_bytes()].concat();
    for bytes in
        [mark.clone(), utf16(CSV, [0xff, 0xfe]), utf16(CSV, [0xfe, 0xff]), CSV.replace('\n', "\r\n").into_bytes()]
    {
        assert_eq!(rows(&bytes)[0], wanted[0]);
        assert_eq!(rows(&gzip(&bytes))[0], wanted[0]);
    }
    let cp1252: Vec<u8> = CSV.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
    let read: Vec<_> = open(&cp1252, Encoding::Cp1252).unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!(read, wanted);
    assert_eq!(rows("a;b\n1,5;2\n".as_bytes())[0].values["a"], "1,5");
    assert_eq!(rows("a\tb\n1\t2\n".as_bytes())[0].values["b"], "2");
}

#[test]
fn json_lines_keep_numbers_as_written_and_nested_values_as_json() {
    let lines = "{\"a\":\"x\",\"b\":1.50,\"c\":true,\"d\":null,\"e\":[1, {\"f\":2}]}\n\n{\"a\":\"y\"}";
    let rows = rows(lines.as_bytes());
    let values: Vec<_> = rows[0].values.values().map(String::as_str).collect();
    assert_eq!(values, ["x", "1.50", "true", "", "[1,{\"f\":2}]"]);
    assert_eq!((rows.len(), rows[1].number, rows[1].sparse), (2, 2, true));
}

#[test]
fn bytes_that_are_not_utf_8_are_named_by_row_and_field_and_the_next_row_is_read() {
    let bytes = b"case,note\nc-1,fine\nc-2,gr\xf6sser\nc-3,fine\n";
    let read = open(bytes, Encoding::Detect).unwrap();
    let error = read[1].as_ref().unwrap_err();
    assert_eq!(
        error.to_string(),
        "some-file, row 2, `note`: byte 0xf6 is not UTF-8. Save the file as UTF-8, or read it with `--encoding cp1252`."
    );
    assert_eq!(read[2].as_ref().unwrap().number, 3);
    assert!(errors(b"{\"a\":\"\xf6\"}\n")[0].contains("--encoding cp1252"));
}

#[test]
fn a_broken_row_is_named_and_does_not_end_the_file() {
    assert_eq!(
        errors(b"a,b\n1,2\n1\n3,4\n"),
        [
            "some-file, row 2: the row has 1 fields, the header has 2. Put values with a delimiter or a line break into double quotes."
        ]
    );
    let told = errors(b"{\"a\":1}\n{\"a\":\n[1]\n{\"a\":2}\n");
    assert_eq!(told.len(), 2);
    assert!(
        told[0].starts_with("some-file, row 2: character") && told[1].starts_with("some-file, row 3: character"),
        "{told:?}"
    );
}

#[test]
fn a_field_may_have_two_mebibytes_and_no_more() {
    let fits = format!("a\n{}\n", "x".repeat(FIELD_BYTES_MAX));
    assert_eq!(rows(fits.as_bytes()).len(), 1);
    let over = format!("a\n{}\n", "x".repeat(FIELD_BYTES_MAX + 1));
    assert!(errors(over.as_bytes())[0].starts_with("some-file, row 1, `a`: the field has 2097153 bytes"));
}

#[test]
fn a_quote_that_never_closes_ends_the_file_before_memory_does() {
    let endless = format!("a,b\n1,\"{}", "x\n".repeat(20 * 1024 * 1024));
    let told = errors(endless.as_bytes());
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("row 1: the file cannot be read: a row is longer than"), "{}", told[0]);
    let told = errors(&gzip(format!("{{\"a\":\"{}\"}}", "x".repeat(40 * 1024 * 1024)).as_bytes()));
    assert!(told[0].contains("a row is longer than"), "{}", told[0]);
}

#[test]
fn a_file_that_is_no_table_is_told_what_to_become() {
    assert!(errors(b"")[0].contains("the file is empty"));
    assert!(errors(b" \n\n")[0].contains("the file is empty"));
    assert!(errors(b"PK\x03\x04rest")[0].contains("Save the sheet as CSV"));
    assert!(errors(b"[{\"a\":1}]")[0].contains("one object per line"));
    assert!(errors(b"a,,b\n")[0].contains("column 2 has no name"));
    assert!(errors(b"a,b,a\n")[0].contains("two columns are called `a`"));
    assert!(errors(&gzip(CSV.as_bytes())[..20])[0].contains("cannot be read"));
    assert!(errors(b"\xff\xfea\0,\0b\0\n\0\x00\xd8\n\0")[0].contains("broken in its encoding"));
    let error = Table::open(&folder().path().join("absent.csv"), Encoding::Detect).err().unwrap();
    assert_eq!(error.file, "absent.csv");
    assert!("latin-7".parse::<Encoding>().is_err());
}

#[test]
fn a_hundred_thousand_rows_stream_and_the_digest_is_that_of_the_file_on_disk() {
    let mut text = String::from("case,label\n");
    for row in 1..=100_000 {
        writeln!(text, "c-{row},{}", row % 2).unwrap();
    }
    let bytes = gzip(text.as_bytes());
    let folder = folder();
    let table = Table::open(&file(&folder, &bytes), Encoding::Detect).unwrap();
    assert_eq!(table.digest(), Digest::of(&bytes));
    assert_eq!(table.map(Result::unwrap).last().unwrap().number, 100_000);
}
