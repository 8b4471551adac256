//! Maps from the columns of somebody's files to cases, documents, readings and gold (`remit import readings`).
//!
//! A map is checked against its pack once; after that each row becomes a typed value, or a sentence on why not.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use remit_kernel::{decimal::Decimal, form::QuestionKind, index::Part, pack::Pack, time::Instant};

use crate::{
    files::Files,
    form::is_key,
    pack::read_file,
    source::{Fields, Node, PackErrors, Problem, Source, Value},
    table::Row,
};

/// What stands between several values of one column unless the map says otherwise.
const APART: &str = ";";
const COLUMN_HINT: &str = "Write the name of a column, or { value = \"...\" } for the same in every row.";

/// How files become cases, documents, readings and gold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportMap {
    /// What files the map is for.
    pub title: String,
    /// The file of cases.
    pub cases: CaseMap,
    /// The file of documents, if the cases have one.
    pub documents: Option<DocumentMap>,
    /// The file of readings.
    pub readings: ReadingMap,
    /// Which part each reader plays.
    pub readers: ReaderMap,
    /// The file of correct answers, if there is one.
    pub gold: Option<GoldMap>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueFrom {
    /// The column of this name.
    Column(String),
    /// The same in every row.
    Value(String),
}

/// Columns of the file of cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseMap {
    /// Column of the case's reference.
    pub reference: String,
    /// Title with `{column}` where a column's value stands.
    pub title: String,
    /// Key of a case type of the pack.
    pub case_type: ValueFrom,
    /// Where the case belongs, such as `US-OH`.
    pub jurisdiction: Option<ValueFrom>,
    /// Column that leads to the documents.
    pub document: Option<String>,
    /// Case fields and where they come from.
    pub fields: BTreeMap<String, ValueFrom>,
}

/// Columns of the file of documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentMap {
    /// Column that the cases' `document` column matches.
    pub key: String,
    /// Name and text column of each item.
    pub items: Vec<(String, String)>,
}

/// Columns of the file of readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingMap {
    /// Column of the case's reference.
    pub case: String,
    /// Column of the reader's name.
    pub reader: String,
    /// Column of the time of the reading, as the file claims it.
    pub claimed_at: Option<String>,
    /// Column of the rationale.
    pub rationale: Option<String>,
    /// Column of the confidence in percent.
    pub confidence: Option<String>,
    /// Answer columns by question.
    pub answers: BTreeMap<String, AnswerMap>,
    /// Evidence columns by question.
    pub evidence: BTreeMap<String, EvidenceMap>,
}

/// The column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerMap {
    /// Column.
    pub column: String,
    /// For options and steps: the key of each value of the column (in full, white space around it apart).
    /// Empty for a text or a number: the column is the answer.
    pub values: BTreeMap<String, String>,
    /// What stands between several values, where several options may be picked.
    pub apart: Option<String>,
    /// Whether the column holds numbers.
    pub number: bool,
}

/// The columns of cited evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceMap {
    /// Column of the verbatim quote.
    pub quote: Option<String>,
    /// Columns of the first code point and one past the last.
    pub offsets: Option<(String, String)>,
    /// Name of the item quoted; of the only item if absent.
    pub item: Option<String>,
}

/// Which part a reader plays: the first pattern that fits, else the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderMap {
    /// Name or pattern (`*` any letters, `?` one) and part.
    pub parts: Vec<(String, ReaderPart)>,
    /// The part of every other reader.
    pub default: ReaderPart,
}

/// What becomes of a reader's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaderPart {
    /// Readings are recorded as this part.
    Part(Part),
    /// Rows are left out and counted.
    Skip,
}

/// Columns of the file of correct answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldMap {
    /// Column of the case's reference.
    pub case: String,
    /// Answer columns by question.
    pub answers: BTreeMap<String, AnswerMap>,
}

/// A case as a row gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedCase {
    /// The file's own reference; not empty.
    pub reference: String,
    /// Title.
    pub title: String,
    /// Key of a case type of the pack.
    pub case_type: String,
    /// Where the case belongs; empty if the file does not say.
    pub jurisdiction: String,
    /// What leads to its documents; empty if nothing does.
    pub document: String,
    /// Case fields that are not empty.
    pub fields: BTreeMap<String, String>,
}

/// A reading as a row gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedReading {
    /// Reference of the case.
    pub case: String,
    /// The reader's name in the file.
    pub reader: String,
    /// What becomes of the row.
    pub part: ReaderPart,
    /// When the file says the reading was made.
    pub claimed_at: Option<Instant>,
    /// By question: the option's key, or the words of a text answer. A question without an answer is absent.
    pub answers: BTreeMap<String, String>,
    /// By question: the passage cited. A question without one is absent.
    pub evidence: BTreeMap<String, MappedQuote>,
    /// The reader's reasons.
    pub rationale: Option<String>,
    /// Confidence in percent.
    pub confidence: Option<u8>,
}

/// A cited passage as a row gives it: words, place or both. The words are what counts; the place may be slightly off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedQuote {
    /// The verbatim quote, white space around it removed; empty if the file gives only the place.
    pub quote: String,
    /// First code point and one past the last; absent if empty, negative or not in order.
    pub offsets: Option<(u32, u32)>,
    /// Name of the item quoted; of the only item if absent.
    pub item: Option<String>,
}

/// Reads a map from a file of its own, for the files of one pack.
///
/// # Errors
/// Every problem at once, each with line and remedy.
pub fn read(path: &Path, pack: &Pack) -> Result<ImportMap, PackErrors> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let files: Files = match std::fs::read(path) {
        Ok(bytes) => [(name.as_str(), bytes)].into_iter().collect(),
        Err(_) => Files::default(),
    };
    read_one(&files, &name, pack)
}

/// Reads a map that is in memory, such as one that comes with a request.
///
/// # Errors
/// As [`read`].
pub fn of_bytes(name: &str, bytes: Vec<u8>, pack: &Pack) -> Result<ImportMap, PackErrors> {
    read_one(&[(name, bytes)].into_iter().collect(), name, pack)
}

fn read_one(files: &Files, name: &str, pack: &Pack) -> Result<ImportMap, PackErrors> {
    let mut problems = Vec::<Problem>::new();
    let map = read_file(files, name, &mut problems, |source| check(source, pack));
    match map {
        Some(map) if problems.is_empty() => Ok(map),
        Some(_) | None => Err(PackErrors(problems)),
    }
}

pub(crate) fn check(source: &Source<'_>, pack: &Pack) -> Option<ImportMap> {
    let node = source.toml()?;
    let mut fields = Fields::of(source, &node, "the file")?;
    let title = fields.text("title").to_owned();
    let cases = fields.require("cases").and_then(|node| case_map(source, node, pack));
    let documents = fields.find("documents").and_then(|node| document_map(source, node));
    let readings = fields.require("readings").and_then(|node| reading_map(source, node, pack, documents.as_ref()));
    let readers = match fields.find("readers") {
        Some(node) => reader_map(source, node),
        None => Some(ReaderMap { parts: Vec::new(), default: ReaderPart::Part(Part::Panel) }),
    };
    let gold = fields.find("gold").and_then(|node| gold_map(source, node, pack));
    fields.finish();
    let cases = cases?;
    if documents.is_some() != cases.document.is_some() {
        source.problem(
            node.at,
            "cases and documents are not joined",
            "Name the joining column twice: `document` under [cases], `key` under [documents].",
        );
    }
    Some(ImportMap { title, cases, documents, readings: readings?, readers: readers?, gold })
}

fn case_map(source: &Source<'_>, node: &Node, pack: &Pack) -> Option<CaseMap> {
    let mut fields = Fields::of(source, node, "`cases`")?;
    let reference = fields.text("reference").to_owned();
    let title = fields.text("title").to_owned();
    if title.matches('{').count() != title.matches('}').count() {
        source.problem(
            node.at,
            "a brace of `title` is not closed",
            "Write {column} for each value, as in \"{outcome} under {intervention}\".",
        );
    }
    let case_type_at = fields.find("case_type").map_or(node.at, |node| node.at);
    let case_type = fields.require("case_type").and_then(|node| from(source, node));
    let known: Vec<_> = pack.case_types.iter().map(|case_type| case_type.key.as_str()).collect();
    if let Some(ValueFrom::Value(key)) = &case_type
        && !known.contains(&key.as_str())
    {
        source.problem(
            case_type_at,
            format!("the pack has no case type `{key}`"),
            format!("Use one of: {}.", known.join(", ")),
        );
    }
    let jurisdiction = fields.find("jurisdiction").and_then(|node| from(source, node));
    let document = fields.find_text("document").map(str::to_owned);
    let mut case_fields = BTreeMap::new();
    if let Some(table) = fields.table("fields") {
        for (key, node) in table.members() {
            let used = pack.case_types.iter().any(|case_type| case_type.fields.iter().any(|field| field.key == key));
            if !used {
                source.problem(
                    node.at,
                    format!("no case type has a field `{key}`"),
                    "Use the keys listed under [[case_types]] in pack.toml.",
                );
            }
            case_fields.extend(from(source, node).map(|from| (key.to_owned(), from)));
        }
    }
    let missing = pack.case_types.iter().filter(|known| match &case_type {
        Some(ValueFrom::Value(key)) => known.key == *key,
        Some(ValueFrom::Column(_)) | None => false,
    });
    for field in missing.flat_map(|case_type| &case_type.fields) {
        if field.required && !case_fields.contains_key(&field.key) {
            source.problem(
                node.at,
                format!("nothing fills the required field `{}`", field.key),
                "Name its column under [cases.fields].",
            );
        }
    }
    fields.finish();
    Some(CaseMap { reference, title, case_type: case_type?, jurisdiction, document, fields: case_fields })
}

fn from(source: &Source<'_>, node: &Node) -> Option<ValueFrom> {
    match &node.value {
        Value::Text(column) if !column.is_empty() => Some(ValueFrom::Column(column.clone())),
        Value::Table(_) => {
            let mut fields = Fields::of(source, node, "the value")?;
            let value = fields.text("value").to_owned();
            fields.finish();
            Some(ValueFrom::Value(value))
        }
        Value::Text(_) | Value::Whole(_) | Value::Decimal(_) | Value::Flag(_) | Value::List(_) | Value::Other(_) => {
            source.problem(node.at, "this is neither a column nor a value", COLUMN_HINT);
            None
        }
    }
}

fn document_map(source: &Source<'_>, node: &Node) -> Option<DocumentMap> {
    let mut fields = Fields::of(source, node, "`documents`")?;
    let key = fields.text("key").to_owned();
    let mut items: Vec<(String, String)> = Vec::new();
    for node in fields.list("items") {
        let Some(mut fields) = Fields::of(source, node, "an item") else { continue };
        let item = (fields.text("name").to_owned(), fields.text("column").to_owned());
        fields.finish();
        if items.iter().any(|(name, _)| *name == item.0) {
            source.problem(node.at, format!("two items are called `{}`", item.0), "Give each item its own name.");
        }
        items.push(item);
    }
    if items.is_empty() {
        source.problem(node.at, "no item is named", "Add items = [{ name = \"Full text\", column = \"...\" }].");
    }
    fields.finish();
    Some(DocumentMap { key, items })
}

fn reading_map(source: &Source<'_>, node: &Node, pack: &Pack, documents: Option<&DocumentMap>) -> Option<ReadingMap> {
    let mut fields = Fields::of(source, node, "`readings`")?;
    let case = fields.text("case").to_owned();
    let reader = fields.text("reader").to_owned();
    let [claimed_at, rationale, confidence] =
        ["claimed_at", "rationale", "confidence"].map(|key| fields.find_text(key).map(str::to_owned));
    let answers = answer_maps(source, &mut fields, pack);
    let mut evidence = BTreeMap::new();
    if let Some(table) = fields.table("evidence") {
        for (key, node) in table.members() {
            if pack.form.question(key).is_none() {
                source.problem(node.at, format!("the form has no question `{key}`"), questions_hint(pack));
            }
            evidence.extend(evidence_map(source, node, documents).map(|map| (key.to_owned(), map)));
        }
    }
    fields.finish();
    Some(ReadingMap { case, reader, claimed_at, rationale, confidence, answers, evidence })
}

fn evidence_map(source: &Source<'_>, node: &Node, documents: Option<&DocumentMap>) -> Option<EvidenceMap> {
    let mut fields = Fields::of(source, node, "the evidence")?;
    let [quote, start, end, item] =
        ["quote", "start", "end", "item"].map(|key| fields.find_text(key).map(str::to_owned));
    fields.finish();
    if start.is_some() != end.is_some() {
        source.problem(node.at, "a passage needs both `start` and `end`", "Name both columns, or only `quote`.");
    }
    let offsets = start.zip(end);
    if quote.is_none() && offsets.is_none() {
        source.problem(node.at, "the evidence names no column", "Add `quote`, or `start` and `end`.");
    }
    let names: Vec<_> =
        documents.iter().flat_map(|documents| &documents.items).map(|(name, _)| name.as_str()).collect();
    match &item {
        Some(item) if !names.contains(&item.as_str()) => {
            source.problem(
                node.at,
                format!("no item is called `{item}`"),
                format!("Items under [documents] are: {}.", names.join(", ")),
            );
        }
        None if names.len() > 1 => {
            source.problem(node.at, "several items could be quoted", "Name the one quoted as `item`.");
        }
        Some(_) | None => {}
    }
    Some(EvidenceMap { quote, offsets, item })
}

fn reader_map(source: &Source<'_>, node: &Node) -> Option<ReaderMap> {
    let mut fields = Fields::of(source, node, "`readers`")?;
    let default_at = fields.find("default").map_or(node.at, |node| node.at);
    let default = fields.find_text("default").and_then(|word| reader_part(source, default_at, word));
    let mut parts: Vec<(String, ReaderPart)> = Vec::new();
    for node in fields.list("parts") {
        let Some(mut fields) = Fields::of(source, node, "a part") else { continue };
        let reader = fields.text("reader").to_owned();
        let part = reader_part(source, node.at, fields.text("part"));
        fields.finish();
        if parts.iter().any(|(earlier, _)| *earlier == reader) {
            source.problem(node.at, format!("`{reader}` has a part already"), "Keep the first of the two.");
        }
        parts.extend(part.map(|part| (reader, part)));
    }
    fields.finish();
    Some(ReaderMap { parts, default: default.unwrap_or(ReaderPart::Part(Part::Panel)) })
}

fn reader_part(source: &Source<'_>, at: usize, word: &str) -> Option<ReaderPart> {
    let part = if word == "skip" { Some(ReaderPart::Skip) } else { Part::from_word(word).map(ReaderPart::Part) };
    // An empty word is already reported as missing.
    if part.is_none() && !word.is_empty() {
        source.problem(at, format!("`{word}` is not a reader's part"), "Write panel, extra, ai or skip.");
    }
    part
}

fn gold_map(source: &Source<'_>, node: &Node, pack: &Pack) -> Option<GoldMap> {
    let mut fields = Fields::of(source, node, "`gold`")?;
    let case = fields.text("case").to_owned();
    let answers = answer_maps(source, &mut fields, pack);
    fields.finish();
    Some(GoldMap { case, answers })
}

fn answer_maps<'a>(source: &'a Source<'a>, fields: &mut Fields<'a>, pack: &Pack) -> BTreeMap<String, AnswerMap> {
    let mut answers = BTreeMap::new();
    let Some(table) = fields.require("answers").and_then(|node| Fields::of(source, node, "`answers`")) else {
        return answers;
    };
    for (key, node) in table.members() {
        let Some(question) = pack.form.question(key) else {
            source.problem(node.at, format!("the form has no question `{key}`"), questions_hint(pack));
            continue;
        };
        let Some(mut fields) = Fields::of(source, node, &format!("`{key}`")) else { continue };
        let column = fields.text("column").to_owned();
        let mut values = BTreeMap::new();
        match &question.kind {
            QuestionKind::Choice { options }
            | QuestionKind::Multi { options, .. }
            | QuestionKind::Grade { steps: options, .. } => {
                let known: Vec<_> = options.iter().map(|option| option.key.as_str()).collect();
                match fields.table("values") {
                    Some(table) => {
                        for (value, node) in table.members() {
                            match &node.value {
                                Value::Text(option) if known.contains(&option.as_str()) => {
                                    values.insert(value.trim().to_owned(), option.clone());
                                }
                                Value::Text(_)
                                | Value::Whole(_)
                                | Value::Decimal(_)
                                | Value::Flag(_)
                                | Value::List(_)
                                | Value::Table(_)
                                | Value::Other(_) => {
                                    let hint = format!("Write one of: {}.", known.join(", "));
                                    source.problem(
                                        node.at,
                                        format!("`{value}` does not lead to an option of `{key}`"),
                                        hint,
                                    );
                                }
                            }
                        }
                    }
                    // Without a list of values the column holds the options' own keys.
                    None => values.extend(known.iter().map(|option| ((*option).to_owned(), (*option).to_owned()))),
                }
            }
            QuestionKind::Text { .. } | QuestionKind::Number { .. } => {}
            QuestionKind::Span { .. } => {
                source.problem(
                    node.at,
                    format!("`{key}` asks for passages"),
                    "Map its columns under [readings.evidence] instead.",
                );
            }
        }
        let several = matches!(question.kind, QuestionKind::Multi { .. });
        let apart = several.then(|| fields.find_text("apart").unwrap_or(APART).to_owned());
        if apart.as_ref().is_some_and(String::is_empty) {
            source.problem(node.at, "nothing stands between the values", "Leave `apart` out for a semicolon.");
        }
        let apart = apart.map(|apart| if apart.is_empty() { APART.to_owned() } else { apart });
        let number = matches!(question.kind, QuestionKind::Number { .. });
        fields.finish();
        answers.insert(key.to_owned(), AnswerMap { column, values, apart, number });
    }
    for question in pack.form.deciding() {
        let spans = matches!(question.kind, QuestionKind::Span { .. });
        if is_key(&question.key) && !spans && !answers.contains_key(&question.key) {
            source.problem(
                table.at,
                format!("no column answers `{}`, which decides", question.key),
                "Add it, so that disputes can be seen; or, if the file asks something else, write a pack that asks it.",
            );
        }
    }
    answers
}

fn questions_hint(pack: &Pack) -> String {
    let keys: Vec<_> = pack.form.questions.iter().map(|question| question.key.as_str()).collect();
    format!("Use one of: {}.", keys.join(", "))
}

impl ImportMap {
    /// Returns the case of a row of the file of cases.
    ///
    /// # Errors
    /// A sentence that names the column and what to do, if the reference or the case type is missing.
    pub fn case(&self, row: &Row) -> Result<MappedCase, String> {
        let map = &self.cases;
        let fields = map.fields.iter().filter_map(|(key, from)| {
            let value = from.of(row).ok()?;
            (!value.is_empty()).then(|| (key.clone(), value))
        });
        Ok(MappedCase {
            reference: filled(row, &map.reference)?.to_owned(),
            title: title(&map.title, row),
            case_type: map.case_type.of(row)?,
            jurisdiction: map.jurisdiction.as_ref().map_or(Ok(String::new()), |from| from.of(row))?,
            document: map.document.as_ref().map_or(Ok(""), |column| cell(row, column))?.to_owned(),
            fields: fields.collect(),
        })
    }

    /// Returns key, and name and text of each item that is not empty, of a row of the file of documents.
    ///
    /// # Errors
    /// A sentence that names the column and what to do, if the map or the row has none.
    pub fn documents(&self, row: &Row) -> Result<(String, Vec<(String, String)>), String> {
        let map =
            self.documents.as_ref().ok_or("the map has no [documents]: leave the file of documents out, or map it")?;
        let mut items = Vec::new();
        for (name, column) in &map.items {
            if !cell(row, column)?.is_empty() {
                // The text itself is kept to the letter: offsets count in it.
                items.push((name.clone(), row.values[column].clone()));
            }
        }
        Ok((filled(row, &map.key)?.to_owned(), items))
    }

    /// Returns the reading of a row of the file of readings.
    ///
    /// A row of a reader whose part is `skip` is returned without its answers: nothing in it is judged.
    ///
    /// # Errors
    /// A sentence that names the column and what to do.
    pub fn reading(&self, row: &Row) -> Result<MappedReading, String> {
        let map = &self.readings;
        let reader = filled(row, &map.reader)?.to_owned();
        let part = self.readers.part(&reader);
        let mut reading = MappedReading {
            case: filled(row, &map.case)?.to_owned(),
            reader,
            part,
            claimed_at: None,
            answers: BTreeMap::new(),
            evidence: BTreeMap::new(),
            rationale: None,
            confidence: None,
        };
        if part == ReaderPart::Skip {
            return Ok(reading);
        }
        reading.answers = answers(&map.answers, row)?;
        for (question, evidence) in &map.evidence {
            reading.evidence.extend(evidence.quote(row)?.map(|quote| (question.clone(), quote)));
        }
        reading.rationale = find_filled(row, map.rationale.as_ref())?.map(str::to_owned);
        reading.claimed_at = match find_filled(row, map.claimed_at.as_ref())? {
            Some(text) => Some(instant(text)?),
            None => None,
        };
        reading.confidence = match find_filled(row, map.confidence.as_ref())? {
            Some(text) => Some(percent(text)?),
            None => None,
        };
        Ok(reading)
    }

    /// Returns reference and correct answers of a row of the file of gold; no answers where the row has none.
    ///
    /// # Errors
    /// A sentence that names the column and what to do, if the map has no gold or a value is not known.
    pub fn gold(&self, row: &Row) -> Result<(String, BTreeMap<String, String>), String> {
        let map = self.gold.as_ref().ok_or("the map has no [gold]: leave the file of gold out, or map it")?;
        Ok((filled(row, &map.case)?.to_owned(), answers(&map.answers, row)?))
    }
}

impl ReaderMap {
    /// Returns the part of a reader.
    pub fn part(&self, reader: &str) -> ReaderPart {
        self.parts.iter().find(|(pattern, _)| fits(pattern, reader)).map_or(self.default, |(_, part)| *part)
    }
}

impl ValueFrom {
    fn of(&self, row: &Row) -> Result<String, String> {
        match self {
            Self::Column(column) => cell(row, column).map(str::to_owned),
            Self::Value(value) => Ok(value.clone()),
        }
    }
}

impl EvidenceMap {
    fn quote(&self, row: &Row) -> Result<Option<MappedQuote>, String> {
        let quote = find_filled(row, self.quote.as_ref())?.unwrap_or_default().to_owned();
        let offsets = match &self.offsets {
            // An offset that is no number is as good as none: what counts is the quote.
            Some((start, end)) => cell(row, start)?.parse::<u32>().ok().zip(cell(row, end)?.parse().ok()),
            None => None,
        };
        let offsets = offsets.filter(|(start, end)| start < end);
        Ok((!quote.is_empty() || offsets.is_some()).then(|| MappedQuote { quote, offsets, item: self.item.clone() }))
    }
}

fn answers(map: &BTreeMap<String, AnswerMap>, row: &Row) -> Result<BTreeMap<String, String>, String> {
    let mut answers = BTreeMap::new();
    for (question, map) in map {
        let value = cell(row, &map.column)?;
        let answer = match &map.apart {
            None if map.number && !value.is_empty() => {
                let number: Decimal = value.parse().map_err(|error| format!("column `{}`: {error}", map.column))?;
                number.to_string()
            }
            None => map.option(question, value)?.to_owned(),
            Some(apart) => {
                let picks: Result<BTreeSet<_>, _> =
                    value.split(apart.as_str()).map(|value| map.option(question, value.trim())).collect();
                picks?.into_iter().filter(|pick| !pick.is_empty()).collect::<Vec<_>>().join(" ")
            }
        };
        if !answer.is_empty() {
            answers.insert(question.clone(), answer);
        }
    }
    Ok(answers)
}

impl AnswerMap {
    /// Returns the key that a value leads to; the value itself where no keys are wanted.
    fn option<'a>(&'a self, question: &str, value: &'a str) -> Result<&'a str, String> {
        match self.values.get(value) {
            Some(option) => Ok(option.as_str()),
            None if value.is_empty() || self.values.is_empty() => Ok(value),
            None => {
                let known: Vec<_> = self.values.keys().map(|value| format!("`{value}`")).collect();
                let (value, column, known) = (cut(value), &self.column, known.join(", "));
                Err(format!("`{value}` in column `{column}` is not an answer to `{question}`: the map knows {known}"))
            }
        }
    }
}

/// Returns a column's value, white space around it removed.
fn cell<'a>(row: &'a Row, column: &str) -> Result<&'a str, String> {
    match row.values.get(column) {
        Some(value) => Ok(value.trim()),
        None if row.sparse => Ok(""),
        None => Err(no_column(row, column)),
    }
}

fn no_column(row: &Row, column: &str) -> String {
    let known: Vec<_> = row.values.keys().take(20).map(|known| format!("`{known}`")).collect();
    format!("there is no column `{column}`: the row has {}", known.join(", "))
}

fn filled<'a>(row: &'a Row, column: &str) -> Result<&'a str, String> {
    match cell(row, column)? {
        "" => Err(format!("`{column}` is empty: fill it, or take the row out")),
        value => Ok(value),
    }
}

fn find_filled<'a>(row: &'a Row, column: Option<&String>) -> Result<Option<&'a str>, String> {
    let Some(column) = column else { return Ok(None) };
    Ok(Some(cell(row, column)?).filter(|value| !value.is_empty()))
}

/// Returns the title with each `{column}` replaced; a column that the row lacks leaves nothing behind.
fn title(template: &str, row: &Row) -> String {
    let mut title = String::new();
    for (place, part) in template.split('{').enumerate() {
        match part.split_once('}') {
            Some((column, text)) if place > 0 => {
                title.push_str(row.values.get(column).map_or("", |value| value.trim()));
                title.push_str(text);
            }
            Some(_) | None => title.push_str(part),
        }
    }
    title
}

fn instant(text: &str) -> Result<Instant, String> {
    text.parse()
        .or_else(|_| format!("{text}T00:00:00Z").parse())
        .map_err(|_| format!("`{}` is not a time: write 2026-03-01T09:30:00Z or 2026-03-01", cut(text)))
}

fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim_end();
    let percent = number.parse().ok().filter(|percent| *percent <= 100);
    percent.ok_or_else(|| format!("`{}` is not a confidence: write a whole number from 0 to 100", cut(text)))
}

fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Returns whether a name fits a pattern, in which `*` stands for any letters and `?` for one.
fn fits(pattern: &str, name: &str) -> bool {
    let mut letters = pattern.chars();
    match letters.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = letters.as_str();
            name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| fits(rest, &name[at..]))
        }
        Some(letter) => {
            let mut name = name.chars();
            name.next().is_some_and(|first| letter == '?' || letter == first) && fits(letters.as_str(), name.as_str())
        }
    }
}
