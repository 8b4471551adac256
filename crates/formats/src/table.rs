//! Tables of rows from CSV and JSON Lines files, plain or gzipped, whatever their usual encoding.
//!
//! Rows are streamed: a file of any length needs no more memory than its longest row. Format and compression are told
//! by content, not by name. A row is counted from 1; the header and blank lines are not rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::Path,
    str::FromStr,
};

use flate2::read::MultiGzDecoder;
use remit_kernel::hash::Digest;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::quotes::{Fault, Quotes};

/// Most bytes in one field.
pub const FIELD_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most bytes that may be read on the way to the end of one row (an unclosed quote would swallow the whole file).
const ROW_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// How much of a file is looked at to tell its encoding and format.
const HEAD_BYTES: u64 = 64 * 1024;
/// How much of a file is read at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// How the bytes of a file are read as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8, or UTF-16 if the file begins with its byte order mark.
    #[default]
    Detect,
    /// Windows code page 1252, as older spreadsheet programs write it.
    Cp1252,
}

impl FromStr for Encoding {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "detect" | "utf-8" | "utf-16" => Ok(Self::Detect),
            "cp1252" | "windows-1252" => Ok(Self::Cp1252),
            other => Err(format!("`{other}` is not an encoding known here: use utf-8, utf-16 or cp1252")),
        }
    }
}

/// What is wrong with a file or one of its rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct TableError {
    /// Name of the file, without its folder.
    pub file: String,
    /// The row, from 1; absent if it is about the whole file.
    pub row: Option<u64>,
    /// The column, if it is about one.
    pub field: Option<String>,
    /// What is wrong, as a clause in lower case.
    pub problem: String,
    /// What to do, as a full sentence.
    pub hint: String,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", `{field}`")?;
        }
        write!(f, ": {}. {}", self.problem, self.hint)
    }
}

/// One row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// From 1; the header and blank lines are not counted.
    pub number: u64,
    /// Values by column. Of JSON: texts as they are, numbers and `true` as written, `null` as an empty text, lists and
    /// objects as compact JSON.
    pub values: BTreeMap<String, String>,
    /// Whether a missing column means an empty value, as in JSON Lines.
    pub sparse: bool,
}

/// A table open for reading. Iterating gives each row, or what is wrong with it and then the next. An error without a row
/// ends the file, and nothing follows: what it would have held is not known.
pub struct Table {
    file: String,
    digest: Digest,
    rows: Rows,
    number: u64,
    ended: bool,
}

/// The rows of a file, once its format is known.
pub(crate) enum Rows {
    Csv { reader: csv::Reader<Meter>, header: Vec<String>, record: csv::ByteRecord },
    Json { reader: BufReader<Meter> },
}

impl Table {
    /// Opens a file, hashes it, and reads its header if it has one.
    ///
    /// # Errors
    /// A [`TableError`] about the whole file: unreadable, empty, a workbook or another kind of file, a header with an
    /// empty or repeated name.
    pub fn open(path: &Path, encoding: Encoding) -> Result<Self, TableError> {
        let file = file_name(path);
        let digest = digest(path)
            .map_err(|error| whole(&file, unreadable(&error), "Check the file and the right to read it."))?;
        let rows = open_rows(path, encoding)?;
        Ok(Self { file, digest, rows, number: 0, ended: false })
    }

    /// Opens a file that is in memory, such as one that comes with Remit or with a request.
    ///
    /// # Errors
    /// As [`Table::open`].
    pub fn of_bytes(file: &str, bytes: Vec<u8>, encoding: Encoding) -> Result<Self, TableError> {
        let digest = Digest::of(&bytes);
        let rows = rows_of(file, Cursor::new(bytes), encoding)?;
        Ok(Self { file: file.to_owned(), digest, rows, number: 0, ended: false })
    }

    /// Returns the SHA-256 of the file as it is on disk.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns the name of the file, without its folder.
    pub fn file(&self) -> &str {
        &self.file
    }

    fn error(&self, field: Option<&str>, problem: impl Into<String>, hint: impl Into<String>) -> TableError {
        TableError {
            file: self.file.clone(),
            row: Some(self.number),
            field: field.map(str::to_owned),
            problem: problem.into(),
            hint: hint.into(),
        }
    }

    /// Ends the file: no row behind this one can be read, so what is wrong is wrong with the whole of it.
    fn end(&mut self, problem: &str, hint: &str) -> TableError {
        self.ended = true;
        whole(&self.file, format!("at row {} {problem}", self.number), hint)
    }

    fn read_csv(&mut self) -> Option<Result<Row, TableError>> {
        let Rows::Csv { reader, header, record } = &mut self.rows else { return None };
        reader.get_mut().refill();
        let read = reader.read_byte_record(record);
        self.number += 1;
        match read {
            Ok(false) => return None,
            Ok(true) => {}
            Err(error) => {
                let problem = match error.kind() {
                    csv::ErrorKind::Io(error) => unreadable(error),
                    _ => error.to_string(),
                };
                return Some(Err(self.end(&problem, "Check the quotes of this row and that the file is complete.")));
            }
        }
        if let Some(fault) = fault(reader) {
            return Some(Err(if fault.swallows() {
                self.ended = true;
                whole(&self.file, fault.problem(), Fault::HINT)
            } else {
                self.error(None, fault.problem(), Fault::HINT)
            }));
        }
        if record.len() != header.len() {
            let problem = fields(record, header.len());
            return Some(Err(self.error(
                None,
                problem,
                "Put values with a delimiter or a line break into double quotes.",
            )));
        }
        let values: Result<_, BadField> = header
            .iter()
            .zip(record.iter())
            .map(|(column, value)| match field(value) {
                Ok(value) => Ok((column.clone(), value.to_owned())),
                Err((problem, hint)) => Err((Some(column.clone()), problem, hint)),
            })
            .collect();
        Some(self.row(values, false))
    }

    fn read_json(&mut self) -> Option<Result<Row, TableError>> {
        let Rows::Json { reader } = &mut self.rows else { return None };
        let mut line = Vec::new();
        loop {
            reader.get_mut().refill();
            line.clear();
            match reader.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) if line.iter().all(u8::is_ascii_whitespace) => {}
                Ok(_) => break,
                Err(error) => {
                    self.number += 1;
                    return Some(Err(
                        self.end(&unreadable(&error), "Check that the file is complete, with one object per line.")
                    ));
                }
            }
        }
        self.number += 1;
        Some(self.row(object(&line), true))
    }

    fn row(&self, values: Result<BTreeMap<String, String>, BadField>, sparse: bool) -> Result<Row, TableError> {
        match values {
            Ok(values) => Ok(Row { number: self.number, values, sparse }),
            Err((column, problem, hint)) => Err(self.error(column.as_deref(), problem, hint)),
        }
    }
}

impl Iterator for Table {
    type Item = Result<Row, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let row = match self.rows {
            Rows::Csv { .. } => self.read_csv(),
            Rows::Json { .. } => self.read_json(),
        };
        self.ended |= row.is_none();
        row
    }
}

/// Opens a file and reads its header if it has one.
pub(crate) fn open_rows(path: &Path, encoding: Encoding) -> Result<Rows, TableError> {
    let file = file_name(path);
    let bytes = File::open(path)
        .map_err(|error| whole(&file, unreadable(&error), "Check the file and the right to read it."))?;
    rows_of(&file, bytes, encoding)
}

/// Tells the format of a file and reads its header if it has one.
pub(crate) fn rows_of(file: &str, bytes: impl Read + Send + 'static, encoding: Encoding) -> Result<Rows, TableError> {
    let mut text =
        text(bytes, encoding).map_err(|error| whole(file, unreadable(&error), "Check that the file is complete."))?;
    let mut head = Vec::new();
    text.by_ref()
        .take(HEAD_BYTES)
        .read_to_end(&mut head)
        .map_err(|error| whole(file, unreadable(&error), "Check that the file is complete."))?;
    if head.starts_with(b"PK\x03\x04") {
        return Err(whole(
            file,
            "this is a workbook or another zip archive",
            "Save the sheet as CSV (UTF-8) and name that file.",
        ));
    }
    let begin = head.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
    let Some(begin) = begin else {
        return Err(whole(file, "the file is empty", "Name a file with at least one row."));
    };
    if head.first_chunk::<2>().is_some_and(|&[one, other]| (one == 0) != (other == 0)) {
        return Err(whole(
            file,
            "every other byte is 0: this is UTF-16 without its byte order mark, or no text at all",
            "Save the file as UTF-8.",
        ));
    }
    // The line by which a spreadsheet program is told the separator.
    let told = told_delimiter(&head);
    let lines = u64::from(told.is_some());
    if let Some((_, length)) = told {
        head.drain(..length);
    }
    let delimiter = told.map_or_else(|| delimiter(&head), |(delimiter, _)| delimiter);
    let quotes = (begin != b'{').then(|| Quotes::new(delimiter, lines));
    let meter = Meter { inner: Box::new(Cursor::new(head).chain(text)), left: ROW_BYTES_MAX, quotes };
    match begin {
        b'{' => Ok(Rows::Json { reader: BufReader::new(meter) }),
        b'[' => Err(whole(
            file,
            "this is one JSON list",
            "Write one object per line (JSON Lines), without brackets and commas around them.",
        )),
        _ => {
            let mut reader = csv::ReaderBuilder::new()
                .buffer_capacity(BUFFER_BYTES)
                .delimiter(delimiter)
                .flexible(true)
                .from_reader(meter);
            let header = reader.byte_headers().cloned().map_err(|error| {
                whole(
                    file,
                    format!("the header cannot be read: {error}"),
                    "Check that the file is a table with one header line.",
                )
            })?;
            if let Some(fault) = fault(&mut reader) {
                return Err(whole(file, fault.problem(), Fault::HINT));
            }
            let header = header_names(file, &header)?;
            Ok(Rows::Csv { reader, header, record: csv::ByteRecord::new() })
        }
    }
}

/// Returns the first quote in what was read so far that cannot be meant.
pub(crate) fn fault(reader: &mut csv::Reader<Meter>) -> Option<Fault> {
    let read = reader.position().byte();
    reader.get_mut().quotes.as_mut()?.fault_within(read)
}

/// Returns what is wrong with a row of another number of fields than the header, and how many lines it took if several.
pub(crate) fn fields(record: &csv::ByteRecord, wanted: usize) -> String {
    let ends = |end: u8| record.as_slice().iter().map(|byte| usize::from(*byte == end)).sum::<usize>();
    let lines = match 1 + ends(b'\n').max(ends(b'\r')) {
        1 => String::new(),
        lines => format!("runs over {lines} lines and "),
    };
    format!("the row {lines}has {} fields, the header has {wanted}", record.len())
}

/// Returns the name of a file, without its folder.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(crate) fn whole(file: &str, problem: impl Into<String>, hint: &str) -> TableError {
    TableError { file: file.to_owned(), row: None, field: None, problem: problem.into(), hint: hint.to_owned() }
}

fn unreadable(error: &io::Error) -> String {
    format!("the file cannot be read: {error}")
}

/// Returns the names of a header, each filled and given once.
fn header_names(file: &str, header: &csv::ByteRecord) -> Result<Vec<String>, TableError> {
    let mut names = Vec::with_capacity(header.len());
    let mut seen = BTreeSet::new();
    for (place, name) in header.iter().enumerate() {
        let name = field(name)
            .map_err(|(problem, hint)| whole(file, format!("the header: {problem}"), hint))?
            .trim()
            .to_owned();
        if name.is_empty() {
            return Err(whole(
                file,
                format!("column {} has no name", place + 1),
                "Give every column of the header a name.",
            ));
        }
        if !seen.insert(name.clone()) {
            return Err(whole(file, format!("two columns are called `{name}`"), "Rename one of them in the header."));
        }
        names.push(name);
    }
    Ok(names)
}

/// Returns a field as text, or what is wrong with it and what to do.
fn field(bytes: &[u8]) -> Result<&str, (String, &'static str)> {
    if bytes.len() > FIELD_BYTES_MAX {
        return Err((
            format!("the field has {} bytes, the limit is {FIELD_BYTES_MAX}", bytes.len()),
            "Split it, or give the text as a document of its own.",
        ));
    }
    if bytes.contains(&0) {
        return Err(("the field holds a byte 0, which no text has".to_owned(), "Save the file as UTF-8 text."));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let problem =
            format!("byte 0x{:02x} is not UTF-8", bytes.get(error.valid_up_to()).copied().unwrap_or_default());
        (problem, "Save the file as UTF-8, or read it with `--encoding cp1252`.")
    })
}

/// Column, what is wrong with its value, what to do.
type BadField = (Option<String>, String, &'static str);

fn object(line: &[u8]) -> Result<BTreeMap<String, String>, BadField> {
    const HINT: &str = "Write one JSON object per line.";
    let text = std::str::from_utf8(line).map_err(|error| {
        let problem = format!("byte 0x{:02x} is not UTF-8", line.get(error.valid_up_to()).copied().unwrap_or_default());
        (None, problem, "Save the file as UTF-8, or read it with `--encoding cp1252`.")
    })?;
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(|error| {
        let problem = error.to_string();
        let problem = problem.split(" at line ").next().unwrap_or_default();
        (None, format!("character {} is not JSON as wanted: {problem}", error.column()), HINT)
    })?;
    let mut values = BTreeMap::new();
    for (column, raw) in members {
        let value = scalar(raw.get())
            .map_err(|error| (Some(column.clone()), format!("the value cannot be read: {error}"), HINT))?;
        if let Err((problem, hint)) = field(value.as_bytes()) {
            return Err((Some(column), problem, hint));
        }
        values.insert(column, value);
    }
    Ok(values)
}

/// Returns a JSON value as the text of a field.
fn scalar(raw: &str) -> serde_json::Result<String> {
    match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw),
        Some(b'{' | b'[') => Ok(serde_json::from_str::<serde_json::Value>(raw)?.to_string()),
        Some(b'n') => Ok(String::new()),
        Some(_) | None => Ok(raw.to_owned()),
    }
}

/// Returns the delimiter that a first line such as `sep=;` tells, and the length of that line.
fn told_delimiter(head: &[u8]) -> Option<(u8, usize)> {
    let (word, rest) = head.split_at_checked(4)?;
    let (&delimiter, rest) = rest.split_first()?;
    let end =
        if rest.starts_with(b"\r\n") { 2 } else { usize::from(rest.first().is_some_and(|end| b"\r\n".contains(end))) };
    let tells =
        word.eq_ignore_ascii_case(b"sep=") && end > 0 && delimiter.is_ascii() && !delimiter.is_ascii_alphanumeric();
    tells.then_some((delimiter, 5 + end))
}

/// Returns the delimiter that stands most often in the first line, outside quotes; a comma if none does.
fn delimiter(head: &[u8]) -> u8 {
    let mut quoted = false;
    let line = head.iter().take_while(|byte| {
        quoted ^= **byte == b'"';
        quoted || **byte != b'\n'
    });
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in line {
        quoted ^= *byte == b'"';
        for (delimiter, count) in &mut counts {
            *count += i32::from(!quoted && byte == delimiter);
        }
    }
    // Of equal counts the last would win: the comma comes last when turned round.
    counts.iter().rev().max_by_key(|(_, count)| count).map_or(b',', |(delimiter, _)| *delimiter)
}

fn digest(path: &Path) -> io::Result<Digest> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(Digest::from_bytes(hasher.finalize().into()));
        }
        hasher.update(&buffer[..read]);
    }
}

/// Returns the file unpacked and, unless it is UTF-8 anyway, decoded.
fn text(bytes: impl Read + Send + 'static, encoding: Encoding) -> io::Result<Box<dyn Read + Send>> {
    let (magic, plain) = peek(bytes)?;
    let plain: Box<dyn Read + Send> =
        if magic.starts_with(&[0x1f, 0x8b]) { Box::new(MultiGzDecoder::new(plain)) } else { plain };
    let (mark, bytes) = peek(plain)?;
    let decoder = match encoding {
        Encoding::Cp1252 => encoding_rs::WINDOWS_1252.new_decoder_without_bom_handling(),
        Encoding::Detect if mark.starts_with(&[0xff, 0xfe]) => encoding_rs::UTF_16LE.new_decoder_with_bom_removal(),
        Encoding::Detect if mark.starts_with(&[0xfe, 0xff]) => encoding_rs::UTF_16BE.new_decoder_with_bom_removal(),
        Encoding::Detect => {
            let mark_bytes = if mark == [0xef, 0xbb, 0xbf] { 3 } else { 0 };
            let mut bytes = bytes;
            io::copy(&mut bytes.by_ref().take(mark_bytes), &mut io::sink())?;
            return Ok(bytes);
        }
    };
    Ok(Box::new(Transcode { inner: bytes, decoder, raw: Vec::new(), text: Cursor::default(), last: false }))
}

/// Returns the first three bytes, or fewer if there are no more, and the whole again.
fn peek(mut bytes: impl Read + Send + 'static) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let mut head = Vec::new();
    bytes.by_ref().take(3).read_to_end(&mut head)?;
    Ok((head.clone(), Box::new(Cursor::new(head).chain(bytes))))
}

/// Decodes on the way.
struct Transcode {
    inner: Box<dyn Read + Send>,
    decoder: encoding_rs::Decoder,
    raw: Vec<u8>,
    text: Cursor<Vec<u8>>,
    last: bool,
}

impl Read for Transcode {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.text.read(buffer)?;
            if read > 0 || self.last || buffer.is_empty() {
                return Ok(read);
            }
            self.raw.clear();
            self.inner.by_ref().take(HEAD_BYTES).read_to_end(&mut self.raw)?;
            self.last = self.raw.is_empty();
            let longest = self.decoder.max_utf8_buffer_length_without_replacement(self.raw.len());
            let mut text = vec![0; longest.unwrap_or_default()];
            let (result, _, written) = self.decoder.decode_to_utf8_without_replacement(&self.raw, &mut text, self.last);
            if !matches!(result, encoding_rs::DecoderResult::InputEmpty) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a character is broken in its encoding"));
            }
            text.truncate(written);
            self.text = Cursor::new(text);
        }
    }
}

/// Ends with an error when one row takes more than its share, and watches the quotes of CSV.
pub(crate) struct Meter {
    inner: Box<dyn Read + Send>,
    left: u64,
    quotes: Option<Quotes>,
}

impl Meter {
    /// Lets the next row have its share.
    pub(crate) fn refill(&mut self) {
        self.left = ROW_BYTES_MAX;
    }
}

impl Read for Meter {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match &mut self.quotes {
            Some(quotes) if read > 0 => quotes.see(&buffer[..read]),
            Some(quotes) if !buffer.is_empty() => quotes.end(),
            Some(_) | None => {}
        }
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("a row is longer than {ROW_BYTES_MAX} bytes"))
        })?;
        Ok(read)
    }
}
