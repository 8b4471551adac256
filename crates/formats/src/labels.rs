//! Labels from a CSV file: who gave which task which label, as small numbers with their names, and the known answers.
//!
//! Made for a million rows a second: each name is kept once, a row is three numbers. Encodings, packing and separators are
//! those of [`table`](crate::table); a byte order mark, quotes and either kind of line end are understood.

use std::{
    hash::BuildHasher as _,
    io::{Cursor, Read},
    path::Path,
};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::{
    quotes::Fault,
    table::{Encoding, Rows, TableError, fault, fields, file_name, open_rows, rows_of, whole},
};

/// Most rows of one file.
pub const ROWS_MAX: usize = 200_000_000;
/// Most bytes of one name: of a task, a worker, a label or a slice.
pub const NAME_BYTES_MAX: usize = 1_024;
/// Most different labels; more are told to be another column by mistake.
pub const LABELS_MAX: usize = 1 << 16;

/// Which columns of a file of labels are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// What was judged.
    pub task: String,
    /// Who judged.
    pub worker: String,
    /// The judgement.
    pub label: String,
    /// By what the rows are told apart, such as a site or a month.
    pub slice: Option<String>,
}

impl Default for Columns {
    fn default() -> Self {
        Self { task: "task".to_owned(), worker: "worker".to_owned(), label: "label".to_owned(), slice: None }
    }
}

/// Which columns of a file of known answers are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldColumns {
    /// What was judged.
    pub task: String,
    /// The right answer.
    pub label: String,
}

impl Default for GoldColumns {
    fn default() -> Self {
        Self { task: "task".to_owned(), label: "label".to_owned() }
    }
}

/// One judgement: places in [`Labels::tasks`], [`Labels::workers`] and [`Labels::labels`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// The task.
    pub task: u32,
    /// The worker.
    pub worker: u32,
    /// The label.
    pub label: u32,
}

/// A file of labels in memory.
///
/// Tasks, workers and slices are numbered as they first appear. Labels are numbered in their own order: by value if all of
/// them are numbers, by their bytes otherwise.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// The tasks.
    pub tasks: Names,
    /// The workers.
    pub workers: Names,
    /// The different labels.
    pub labels: Names,
    /// The different slices; none if no such column was named.
    pub slices: Names,
    /// Every judgement, in the order of the file.
    pub rows: Vec<Label>,
    /// The slice of each of the rows; empty if no such column was named.
    pub slice_of: Vec<u32>,
    /// Rows whose label is empty: nothing was said there, and they are not among the rows.
    pub blank: u64,
}

/// Known answers to the tasks of some labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gold {
    /// For each task of the labels the right answer, if it is known: a place in [`Labels::labels`].
    pub answers: Vec<Option<u32>>,
    /// How many tasks have one.
    pub known: u64,
    /// How many answers are about tasks that nobody labelled.
    pub elsewhere: u64,
}

impl Labels {
    /// Reads a file.
    ///
    /// # Errors
    /// A [`TableError`] about the whole file (unreadable, not CSV, a column missing) or about its first row that cannot be
    /// used: another number of fields, an empty or overlong name, bytes that are not UTF-8, more than a limit of this file.
    pub fn read(path: &Path, columns: &Columns) -> Result<Self, TableError> {
        Self::of_rows(&file_name(path), open_rows(path, Encoding::Detect)?, columns)
    }

    /// Reads a file that is in memory.
    ///
    /// # Errors
    /// As [`Labels::read`].
    pub fn of_bytes(file: &str, bytes: Vec<u8>, columns: &Columns) -> Result<Self, TableError> {
        Self::of_reader(file, Cursor::new(bytes), columns)
    }

    /// Reads what comes from somewhere else than a file, which errors call `file`.
    ///
    /// # Errors
    /// As [`Labels::read`].
    pub fn of_reader(file: &str, bytes: impl Read + Send + 'static, columns: &Columns) -> Result<Self, TableError> {
        Self::of_rows(file, rows_of(file, bytes, Encoding::Detect)?, columns)
    }

    /// Reads the known answers to these tasks. Labels that only they have are added, and all are numbered anew if need be.
    ///
    /// An empty answer is not known; the same answer twice is one.
    ///
    /// # Errors
    /// As [`Labels::read`]; also a task with two different answers. The labels are then as before.
    pub fn read_gold(&mut self, path: &Path, columns: &GoldColumns) -> Result<Gold, TableError> {
        self.gold_of_rows(&file_name(path), open_rows(path, Encoding::Detect)?, columns)
    }

    /// Reads known answers that are in memory.
    ///
    /// # Errors
    /// As [`Labels::read_gold`].
    pub fn gold_of_bytes(&mut self, file: &str, bytes: Vec<u8>, columns: &GoldColumns) -> Result<Gold, TableError> {
        self.gold_of_reader(file, Cursor::new(bytes), columns)
    }

    /// Reads known answers that come from somewhere else than a file, which errors call `file`.
    ///
    /// # Errors
    /// As [`Labels::read_gold`].
    pub fn gold_of_reader(
        &mut self,
        file: &str,
        bytes: impl Read + Send + 'static,
        columns: &GoldColumns,
    ) -> Result<Gold, TableError> {
        self.gold_of_rows(file, rows_of(file, bytes, Encoding::Detect)?, columns)
    }

    fn of_rows(file: &str, rows: Rows, columns: &Columns) -> Result<Self, TableError> {
        let mut wanted = vec![("task", &columns.task), ("worker", &columns.worker), ("label", &columns.label)];
        wanted.extend(columns.slice.as_ref().map(|slice| ("by", slice)));
        let mut source = Source::new(file, rows, &wanted)?;
        let mut labels = Self::default();
        let mut last = Label { task: 0, worker: 0, label: 0 };
        while source.next()? {
            if source.name(2)?.is_empty() {
                labels.blank += 1;
                continue;
            }
            if labels.rows.len() == ROWS_MAX {
                return Err(source.error(2, format!("a file has at most {ROWS_MAX} labels"), "Split the file."));
            }
            last = Label {
                task: source.intern(0, &mut labels.tasks, last.task)?,
                worker: source.intern(1, &mut labels.workers, last.worker)?,
                label: source.intern(2, &mut labels.labels, last.label)?,
            };
            if labels.labels.len() > LABELS_MAX {
                return Err(source.too_many_labels(2));
            }
            if columns.slice.is_some() {
                let before = labels.slice_of.last().copied().unwrap_or_default();
                let slice = source.slice(3, &mut labels.slices, before)?;
                labels.slice_of.push(slice);
            }
            labels.rows.push(last);
        }
        labels.sort();
        Ok(labels)
    }

    fn gold_of_rows(&mut self, file: &str, rows: Rows, columns: &GoldColumns) -> Result<Gold, TableError> {
        let mut source = Source::new(file, rows, &[("gold-task", &columns.task), ("gold-label", &columns.label)])?;
        let mut names = self.labels.clone();
        let mut elsewhere = Names::default();
        let mut gold = Gold { answers: vec![None; self.tasks.len()], known: 0, elsewhere: 0 };
        while source.next()? {
            if source.name(1)?.is_empty() {
                continue;
            }
            let label = source.intern(1, &mut names, 0)?;
            if names.len() > LABELS_MAX {
                return Err(source.too_many_labels(1));
            }
            let Some(task) = self.tasks.find(source.name(0)?) else {
                source.intern(0, &mut elsewhere, 0)?;
                continue;
            };
            match gold.answers[task as usize].replace(label) {
                None => gold.known += 1,
                Some(before) if before == label => {}
                Some(before) => {
                    let problem = format!(
                        "task `{}` has the answer `{}` here and `{}` before",
                        self.tasks.name(task),
                        names.name(label),
                        names.name(before)
                    );
                    return Err(source.error(1, problem, "Keep the one that is right."));
                }
            }
        }
        gold.elsewhere = elsewhere.len() as u64;
        self.labels = names;
        let places = self.sort();
        for answer in gold.answers.iter_mut().flatten() {
            *answer = places[*answer as usize];
        }
        Ok(gold)
    }

    /// Numbers the labels in their own order; returns the new number of each.
    fn sort(&mut self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.labels.len()).map(small).collect();
        let names = &self.labels;
        match names.numbers() {
            // Equal numbers written in two ways are two labels, told apart by their bytes.
            Some(numbers) => order.sort_unstable_by(|&left, &right| {
                let by_value = numbers[left as usize].total_cmp(&numbers[right as usize]);
                by_value.then_with(|| names.name(left).cmp(names.name(right)))
            }),
            None => order.sort_unstable_by_key(|&label| names.name(label)),
        }
        let mut sorted = Names::default();
        let mut places = vec![0; order.len()];
        for &label in &order {
            places[label as usize] = sorted.add(names.name(label));
        }
        self.labels = sorted;
        for row in &mut self.rows {
            row.label = places[row.label as usize];
        }
        places
    }
}

/// Names, each with a number from 0.
#[derive(Debug, Clone, Default)]
pub struct Names {
    text: String,
    ends: Vec<usize>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Names {
    /// Returns how many names there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns a name by its number, or an empty text if there is no such number.
    pub fn name(&self, number: u32) -> &str {
        let number = number as usize;
        let begin = number.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        begin.zip(self.ends.get(number)).and_then(|(begin, &end)| self.text.get(begin..end)).unwrap_or_default()
    }

    /// Returns every name, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|number| self.name(small(number)))
    }

    /// Returns the number of a name.
    pub fn find(&self, name: &[u8]) -> Option<u32> {
        self.index.find(self.hasher.hash_one(name), |&number| self.name(number).as_bytes() == name).copied()
    }

    /// Returns each name as a number, if every one is a finite number.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        self.iter().map(|name| name.parse().ok().filter(|number: &f64| number.is_finite())).collect()
    }

    /// Returns the number of a name, which is a new one if it was not known.
    fn add(&mut self, name: &str) -> u32 {
        let hash = self.hasher.hash_one(name.as_bytes());
        if let Some(&known) = self.index.find(hash, |&number| self.name(number) == name) {
            return known;
        }
        let number = small(self.len());
        self.text.push_str(name);
        self.ends.push(self.text.len());
        let Self { text, ends, index, hasher } = self;
        index.insert_unique(hash, number, |&number| {
            let number = number as usize;
            let begin = if number == 0 { 0 } else { ends[number - 1] };
            hasher.hash_one(&text.as_bytes()[begin..ends[number]])
        });
        number
    }
}

impl<'a> FromIterator<&'a str> for Names {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut own = Self::default();
        for name in names {
            own.add(name);
        }
        own
    }
}

/// Rows with the fields that were asked for.
struct Source {
    file: String,
    reader: csv::Reader<crate::table::Meter>,
    record: csv::ByteRecord,
    /// Name and place of each wanted column.
    columns: Vec<(String, usize)>,
    width: usize,
    number: u64,
}

impl Source {
    /// Finds the wanted columns, each given with the option that names it.
    fn new(file: &str, rows: Rows, wanted: &[(&str, &String)]) -> Result<Self, TableError> {
        let Rows::Csv { reader, header, record } = rows else {
            return Err(whole(
                file,
                "this is JSON, and labels are read from CSV",
                "Save it as CSV with a header and one label a row.",
            ));
        };
        let mut columns = Vec::with_capacity(wanted.len());
        for &(option, name) in wanted {
            let place = header.iter().position(|column| column == name).ok_or_else(|| {
                let known = header.iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ");
                let hint = format!("Name the column with `--{option}`; the header has {known}.");
                whole(file, format!("there is no column `{name}`"), &hint)
            })?;
            columns.push((name.clone(), place));
        }
        Ok(Self { file: file.to_owned(), reader, record, columns, width: header.len(), number: 0 })
    }

    /// Reads on; returns whether there was another row.
    fn next(&mut self) -> Result<bool, TableError> {
        self.number += 1;
        self.reader.get_mut().refill();
        let read = self.reader.read_byte_record(&mut self.record);
        let mut hint = "Check the quotes and separators of this row and that the file is complete.";
        let problem = match (read, fault(&mut self.reader)) {
            (Ok(true), Some(fault)) => {
                hint = Fault::HINT;
                fault.problem()
            }
            (Ok(false), _) => return Ok(false),
            (Ok(true), None) if self.record.len() == self.width => return Ok(true),
            (Ok(true), None) => fields(&self.record, self.width),
            (Err(error), _) => format!("the file cannot be read: {error}"),
        };
        Err(TableError { file: self.file.clone(), row: Some(self.number), field: None, problem, hint: hint.to_owned() })
    }

    /// Returns a field without the blanks around it.
    fn name(&self, column: usize) -> Result<&[u8], TableError> {
        let name = self.record.get(self.columns[column].1).unwrap_or_default().trim_ascii();
        if name.len() > NAME_BYTES_MAX {
            let problem = format!("the name has {} bytes, the limit is {NAME_BYTES_MAX}", name.len());
            return Err(self.error(
                column,
                problem,
                "Check the quotes of this row, and that this is the right column.",
            ));
        }
        Ok(name)
    }

    /// Returns the number of a field's name, which must not be empty. Rows often repeat what the one before them said.
    fn intern(&self, column: usize, names: &mut Names, before: u32) -> Result<u32, TableError> {
        if self.name(column)?.is_empty() {
            return Err(self.error(column, "the field is empty", "Fill it in, or leave the row out."));
        }
        self.slice(column, names, before)
    }

    /// Returns the number of a field's name, which may be empty.
    fn slice(&self, column: usize, names: &mut Names, before: u32) -> Result<u32, TableError> {
        let name = self.name(column)?;
        if !names.is_empty() && names.name(before).as_bytes() == name {
            return Ok(before);
        }
        if let Some(known) = names.find(name) {
            return Ok(known);
        }
        if name.contains(&0) {
            let problem = "the field holds a byte 0, which no text has";
            return Err(self.error(column, problem, "Save the file as UTF-8 text."));
        }
        let name = std::str::from_utf8(name).map_err(|error| {
            let byte = name.get(error.valid_up_to()).copied().unwrap_or_default();
            self.error(column, format!("byte 0x{byte:02x} is not UTF-8"), "Save the file as UTF-8.")
        })?;
        Ok(names.add(name))
    }

    fn too_many_labels(&self, column: usize) -> TableError {
        let problem = format!("there are more than {LABELS_MAX} different labels");
        self.error(column, problem, "Check that this is the column with the judgements.")
    }

    fn error(&self, column: usize, problem: impl Into<String>, hint: &str) -> TableError {
        TableError {
            file: self.file.clone(),
            row: Some(self.number),
            field: Some(self.columns[column].0.clone()),
            problem: problem.into(),
            hint: hint.to_owned(),
        }
    }
}

/// Returns a place among at most [`ROWS_MAX`] as the small number it is.
fn small(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
