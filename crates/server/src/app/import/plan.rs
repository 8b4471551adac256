//! Reading the files into a plan: rows of one case and reader become one reading, and what cannot be used is named.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use remit_formats::{
    import_map::{ImportMap, MappedCase, MappedQuote, MappedReading, ReaderPart},
    table::{Row, Table, TableError},
};
use remit_kernel::{
    form::{Answer, Form},
    index::Part,
    panel::Source,
    refusal::{Reason, code},
    time::Instant,
};

use super::Reported;
use crate::error::Result;

/// What is to be recorded, by case in the order the files name them, and what was found on the way.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) cases: Vec<PlannedCase>,
    pub(super) report: Report,
}

/// What became of rows so far.
#[derive(Default)]
pub(super) struct Report {
    pub(super) ignored: usize,
    pub(super) duplicates: usize,
    pub(super) rejected: Vec<Reported>,
    pub(super) unplaced: Vec<Reported>,
}

/// A case and all that the files say of it.
pub(super) struct PlannedCase {
    pub(super) reference: String,
    /// Its row in the file of cases; none if only readings name it.
    pub(super) given: Option<GivenCase>,
    pub(super) readings: Vec<PlannedReading>,
    pub(super) gold: Option<PlannedGold>,
}

/// A case as the files of cases and documents give it.
pub(super) struct GivenCase {
    pub(super) at: Place,
    pub(super) case: MappedCase,
    /// Name and text of each document.
    pub(super) items: Vec<(String, String)>,
}

/// A reading, joined of all its rows.
pub(super) struct PlannedReading {
    pub(super) at: Place,
    pub(super) source: Source,
    /// Rows it was joined of.
    pub(super) rows: usize,
    pub(super) reader: String,
    pub(super) part: Part,
    pub(super) claimed_at: Option<Instant>,
    pub(super) answers: BTreeMap<String, String>,
    pub(super) quotes: Vec<(String, MappedQuote, Place)>,
    pub(super) rationale: Option<String>,
    pub(super) confidence: Option<u8>,
}

/// A reference answer.
pub(super) struct PlannedGold {
    pub(super) at: Place,
    pub(super) source: Source,
    pub(super) answers: BTreeMap<String, Answer>,
}

/// A row of a file.
#[derive(Clone)]
pub(super) struct Place {
    file: std::sync::Arc<str>,
    row: u64,
}

impl Place {
    pub(super) fn report(&self, reason: impl Into<String>) -> Reported {
        Reported { file: self.file.to_string(), row: self.row, reason: reason.into() }
    }
}

/// Reads all files. Blocks for as long as that takes.
pub(super) fn read(
    form: &Form,
    map: &ImportMap,
    cases: Table,
    documents: Option<Table>,
    readings: Table,
    gold: Option<Table>,
) -> Result<Plan> {
    let mut reading = Reading { form, map, plan: Plan::default(), places: HashMap::new() };
    let documents = reading.documents(documents)?;
    reading.cases(cases, documents.as_ref())?;
    reading.readings(readings)?;
    if let Some(gold) = gold {
        reading.gold(gold)?;
    }
    // A row whose case nobody knows is judged when the cases that are here already have been looked up.
    Ok(reading.plan)
}

/// Names and texts of documents by their key.
type Documents = HashMap<String, Vec<(String, String)>>;

struct Reading<'a> {
    form: &'a Form,
    map: &'a ImportMap,
    plan: Plan,
    /// Place of each case in the plan.
    places: HashMap<String, usize>,
}

impl Reading<'_> {
    /// Gives each row that can be read to `take`, and names the others.
    fn rows(
        &mut self,
        table: Table,
        mut take: impl FnMut(&mut Self, &Row, Place) -> std::result::Result<(), String>,
    ) -> Result<()> {
        let file: std::sync::Arc<str> = table.file().into();
        for row in table {
            let (row, taken) = match row {
                Ok(row) => (row.number, take(self, &row, Place { file: file.clone(), row: row.number })),
                Err(error @ TableError { row: None, .. }) => return Err(broken(&error).into()),
                Err(error @ TableError { row: Some(row), .. }) => (row, Err(told(&error))),
            };
            if let Err(reason) = taken {
                self.plan.report.rejected.push(Place { file: file.clone(), row }.report(reason));
            }
        }
        Ok(())
    }

    fn documents(&mut self, table: Option<Table>) -> Result<Option<Documents>> {
        let Some(table) = table else { return Ok(None) };
        let mut documents = Documents::new();
        self.rows(table, |reading, row, _| {
            let (key, items) = reading.map.documents(row)?;
            match documents.entry(key) {
                std::collections::hash_map::Entry::Vacant(free) => drop(free.insert(items)),
                std::collections::hash_map::Entry::Occupied(held) if *held.get() == items => {
                    reading.plan.report.duplicates += 1;
                }
                std::collections::hash_map::Entry::Occupied(held) => {
                    return Err(format!("the document `{}` is in an earlier row with another text", held.key()));
                }
            }
            Ok(())
        })?;
        Ok(Some(documents))
    }

    fn cases(&mut self, table: Table, documents: Option<&Documents>) -> Result<()> {
        self.rows(table, |reading, row, at| {
            let case = reading.map.case(row)?;
            let place = reading.place(&case.reference);
            if let Some(given) = &reading.plan.cases[place].given {
                if given.case == case {
                    reading.plan.report.duplicates += 1;
                    return Ok(());
                }
                return Err(format!("the case `{}` is in row {} with other facts", case.reference, given.at.row));
            }
            let mut items = Vec::new();
            if let Some(documents) = documents.filter(|_| !case.document.is_empty()) {
                if let Some(found) = documents.get(&case.document) {
                    items.clone_from(found);
                } else {
                    let document = &case.document;
                    let reason = format!(
                        "its document `{document}` is not in the file of documents; the case was taken without it"
                    );
                    reading.plan.report.unplaced.push(at.report(reason));
                }
            }
            reading.plan.cases[place].given = Some(GivenCase { at, case, items });
            Ok(())
        })
    }

    fn readings(&mut self, table: Table) -> Result<()> {
        let file = table.digest();
        self.rows(table, |reading, row, at| {
            let given = reading.map.reading(row)?;
            let part = match given.part {
                ReaderPart::Part(part) => part,
                ReaderPart::Skip => {
                    reading.plan.report.ignored += 1;
                    return Ok(());
                }
            };
            if !reading
                .form
                .deciding()
                .any(|question| given.answers.contains_key(&question.key) || given.evidence.contains_key(&question.key))
            {
                return Err("no question that decides has an answer: there is nothing to compare".to_owned());
            }
            let place = reading.place(&given.case);
            let readings = &mut reading.plan.cases[place].readings;
            match readings.iter_mut().find(|known| known.reader == given.reader) {
                Some(known) => reading.plan.report.duplicates += usize::from(!known.join(&given, &at)?),
                None => readings.push(PlannedReading::new(given, part, at, Source { file, row: row.number })),
            }
            Ok(())
        })
    }

    fn gold(&mut self, table: Table) -> Result<()> {
        let file = table.digest();
        self.rows(table, |reading, row, at| {
            let (reference, given) = reading.map.gold(row)?;
            let mut answers = BTreeMap::new();
            for (question, answer) in given {
                match reading.form.question(&question).and_then(|question| question.kind.read(&answer)) {
                    Some(answer) => drop(answers.insert(question, answer)),
                    None => {
                        return Err(format!(
                            "`{question}` takes words or passages: they cannot be compared with a reference answer"
                        ));
                    }
                }
            }
            if answers.is_empty() {
                return Ok(());
            }
            let place = reading.place(&reference);
            let case = &mut reading.plan.cases[place];
            match &case.gold {
                Some(known) if known.answers == answers => reading.plan.report.duplicates += 1,
                Some(known) => {
                    return Err(format!("the case `{reference}` has another reference answer in row {}", known.at.row));
                }
                None => case.gold = Some(PlannedGold { at, source: Source { file, row: row.number }, answers }),
            }
            Ok(())
        })
    }

    /// Returns the place of a case in the plan, making one where it has none.
    fn place(&mut self, reference: &str) -> usize {
        if let Some(place) = self.places.get(reference) {
            return *place;
        }
        let place = self.plan.cases.len();
        self.plan.cases.push(PlannedCase {
            reference: reference.to_owned(),
            given: None,
            readings: Vec::new(),
            gold: None,
        });
        self.places.insert(reference.to_owned(), place);
        place
    }
}

impl Plan {
    /// Returns the names of all readers.
    pub(super) fn readers(&self) -> BTreeSet<String> {
        self.cases.iter().flat_map(|case| &case.readings).map(|reading| reading.reader.clone()).collect()
    }

    /// Returns how many acts it takes at most.
    pub(super) fn acts(&self) -> usize {
        self.cases.iter().map(PlannedCase::acts).sum()
    }
}

impl PlannedCase {
    pub(super) fn acts(&self) -> usize {
        usize::from(self.given.is_some()) + self.readings.len() + usize::from(self.gold.is_some())
    }
}

impl PlannedReading {
    fn new(given: MappedReading, part: Part, at: Place, source: Source) -> Self {
        let quotes = given.evidence.into_iter().map(|(question, quote)| (question, quote, at.clone())).collect();
        let MappedReading { reader, claimed_at, answers, rationale, confidence, .. } = given;
        Self { at, source, rows: 1, reader, part, claimed_at, answers, quotes, rationale, confidence }
    }

    /// Joins another row of the same reader and case; returns whether it said anything new.
    ///
    /// A reader who quotes several passages has several rows. Another answer is not another passage: it is refused.
    fn join(&mut self, row: &MappedReading, at: &Place) -> std::result::Result<bool, String> {
        if row.answers != self.answers || row.confidence != self.confidence {
            return Err(format!(
                "`{}` answers this case otherwise in row {}: one reader gives one reading",
                self.reader, self.at.row
            ));
        }
        let mut fresh = false;
        for (question, quote) in &row.evidence {
            if !self.quotes.iter().any(|(known, held, _)| known == question && held == quote) {
                self.quotes.push((question.clone(), quote.clone(), at.clone()));
                fresh = true;
            }
        }
        match (&mut self.rationale, &row.rationale) {
            (Some(known), Some(more)) if !known.split("\n\n").any(|part| part == more) => {
                known.push_str("\n\n");
                known.push_str(more);
                fresh = true;
            }
            (known @ None, Some(more)) => {
                *known = Some(more.clone());
                fresh = true;
            }
            (Some(_), Some(_)) | (_, None) => {}
        }
        self.claimed_at = self.claimed_at.max(row.claimed_at);
        self.rows += usize::from(fresh);
        Ok(fresh)
    }
}

fn told(error: &TableError) -> String {
    let field = error.field.as_ref().map(|field| format!("`{field}`: ")).unwrap_or_default();
    format!("{field}{}. {}", error.problem, error.hint)
}

/// Returns the refusal of a file that cannot be read as a table at all.
pub(crate) fn broken(error: &TableError) -> Reason {
    Reason::field(code::FIELD_INVALID, &error.file, &error.problem).hint(&error.hint)
}
