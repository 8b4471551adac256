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
    assert!(told[0].starts_with("some-file: at row 1 the file cannot be read: a row is longer than"), "{}", told[0]);
    let told = errors(&gzip(format!("{{\"a\":\"{}\"}}", "x".repeat(40 * 1024 * 1024)).as_bytes()));
    assert!(told[0].contains("a row is longer than"), "{}", told[0]);
}

#[test]
fn a_quote_that_swallows_rows_is_an_error_about_the_file_that_names_its_line() {
    let whole = |bytes: &[u8]| {
        let last = open(bytes, Encoding::Detect).unwrap().into_iter().next_back().unwrap().unwrap_err();
        assert_eq!(last.row, None, "{last}");
        last.to_string()
    };
    let tail = "c,d\n".repeat(40);
    let never = whole(format!("a,b\n1,2\n\"3,4\n{tail}").as_bytes());
    assert!(never.starts_with("some-file: the quote that opens in line 3 is never closed"), "{never}");
    assert!(never.ends_with("write a quote that belongs to the text twice."), "{never}");
    let late = whole(format!("a,b\n1,\"2\n{tail}3,\"4\"\n5,6\n").as_bytes());
    assert!(late.contains("opens in line 2 is closed in line 43 with more behind it"), "{late}");
    // Neither the pieces in which a file is read nor its packing matter.
    let long = format!("a,b\n{}\"3,4\n{tail}", "1,\"2\"\n".repeat(30_000));
    assert!(whole(long.as_bytes()).contains("opens in line 30002 is never closed"));
    assert!(whole(&gzip(long.as_bytes())).contains("opens in line 30002 is never closed"));
    assert!(errors(b"a,\"b\n1,2\n")[0].contains("opens in line 1 is never closed"));
}

#[test]
fn a_stray_quote_within_a_line_costs_that_row_alone() {
    let told = errors(b"a,b\n1,\"2\" or so\n3,4\n5,6 \"7\"\n");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("some-file, row 1: in line 2 a field goes on behind its closing quote. "), "{told:?}");
    assert_eq!(
        errors(b"a,b\n\"1\n2\n3\"\n4,5\n")[0],
        "some-file, row 1: the row runs over 3 lines and has 1 fields, the header has 2. \
         Put values with a delimiter or a line break into double quotes."
    );
}

#[test]
fn a_file_that_breaks_off_is_an_error_about_the_file() {
    let mut text = String::from("a,b\n");
    for row in 0..200_000_u32 {
        writeln!(text, "{row},{}", row.wrapping_mul(2_654_435_761)).unwrap();
    }
    let packed = gzip(text.as_bytes());
    let last = open(&packed[..packed.len() / 2], Encoding::Detect).unwrap().pop().unwrap().unwrap_err();
    assert!(last.row.is_none() && last.problem.starts_with("at row "), "{last}");
}

#[test]
fn the_line_that_tells_a_spreadsheet_its_separator_is_honoured() {
    for text in ["sep=;\na;b\n1,5;2\n", "SEP=|\r\na|b\r\n1,5|2\r\n"] {
        let rows = rows(text.as_bytes());
        assert_eq!((rows.len(), rows[0].number, rows[0].values["a"].as_str()), (1, 1, "1,5"));
    }
    assert!(errors(b"sep=;\na;b\n1;\"2\n")[0].contains("opens in line 3 is never closed"));
    assert_eq!(rows(b"sep=,b\n1,2\n")[0].values["sep="], "1");
}

#[test]
fn a_file_that_is_no_table_is_told_what_to_become() {
    assert!(errors(b"")[0].contains("the file is empty"));
    assert!(errors(b" \n\n")[0].contains("the file is empty"));
    assert!(errors(b"PK\x03\x04rest")[0].contains("Save the sheet as CSV"));
    assert!(errors(b"[{\"a\":1}]")[0].contains("one object per line"));
    assert!(errors(b"a,,b\n")[0].contains("column 2 has no name"));
    assert!(errors(b"a,b,a\n")[0].contains("two columns are called `a`"));
    assert!(errors(&utf16("a,b\n1,2\n", [0xff, 0xfe])[2..])[0].contains("UTF-16 without its byte order mark"));
    assert!(errors(&utf16("a,b\n1,2\n", [0xfe, 0xff])[2..])[0].contains("Save the file as UTF-8"));
    assert!(errors(b"a,b\n1,x\0y\n")[0].starts_with("some-file, row 1, `b`: the field holds a byte 0"));
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
