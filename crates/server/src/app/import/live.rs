//! Taking live cases in from a file, each through the scope gate.

use std::collections::{BTreeSet, HashMap};

use remit_formats::{
    import_map::ImportMap,
    table::{Table, TableError},
};
use remit_kernel::{
    command::{CaseIn, Command},
    id::{EngagementId, PersonId},
    refusal::code,
    time::Instant,
};
use serde::Serialize;

use super::{Reported, plan::broken, refused};
use crate::{
    app::App,
    caller::Caller,
    error::{Error, Result},
};

/// Files of live cases, open, and how they are taken in.
pub struct CasesIn {
    /// Where they go.
    pub engagement: EngagementId,
    /// What the columns mean.
    pub map: ImportMap,
    /// One row for each case.
    pub cases: Table,
    /// One row for each document, if the cases have any.
    pub documents: Option<Table>,
    /// Language of the files.
    pub language: String,
    /// Who is accountable for them.
    pub owner: PersonId,
    /// When they are promised.
    pub due_at: Instant,
}

/// What became of every row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CasesTaken {
    /// Where they went.
    #[schema(value_type = String)]
    pub engagement: EngagementId,
    /// Cases newly taken in.
    pub cases: usize,
    /// Of these, cases that the scope gate stopped.
    pub stopped: usize,
    /// Rows whose case is here already.
    pub duplicates: usize,
    /// Rows that were not taken.
    pub rejected: Vec<Reported>,
}

impl App {
    /// Takes the cases of a file in through the scope gate, as this caller, and returns what became of every row. A file that
    /// cannot be read to its end is refused as a whole.
    ///
    /// # Errors
    /// [`Error::Refused`] if a file is broken or the caller may not take cases in.
    pub async fn import_cases(&self, caller: &Caller, given: CasesIn) -> Result<CasesTaken> {
        let caller = Caller { once: None, ..caller.clone() };
        let CasesIn { engagement, map, cases, documents, language, owner, due_at } = given;
        let mut taken = CasesTaken { engagement, cases: 0, stopped: 0, duplicates: 0, rejected: Vec::new() };
        let texts = read_documents(&map, documents, &mut taken.rejected)?;
        let file = cases.file().to_owned();
        // Read to the end before anything is taken: nobody knows what a file that breaks off would have held.
        let mut rows = Vec::new();
        for row in cases {
            rows.push(match row {
                Ok(row) => (row.number, map.case(&row)),
                Err(error @ TableError { row: None, .. }) => return Err(broken(&error).into()),
                Err(error @ TableError { row: Some(number), .. }) => (number, Err(error.to_string())),
            });
        }
        for (number, mapped) in rows {
            let outcome = match mapped {
                Ok(case) if !case.document.is_empty() && !texts.contains_key(&case.document) => {
                    Err(format!("its document `{}` is not in the file of documents", case.document))
                }
                Ok(case) => {
                    let items = texts.get(&case.document).into_iter().flatten();
                    let items = items.map(|(name, body)| super::play::material(name, body)).collect();
                    let case = CaseIn {
                        reference: case.reference,
                        title: case.title,
                        case_type: case.case_type,
                        fields: case.fields,
                        jurisdiction: case.jurisdiction,
                        language: language.clone(),
                        parties: BTreeSet::new(),
                        urgent: false,
                        due_at,
                        owner,
                        items,
                    };
                    match self.act(caller.clone(), Command::TakeIn { engagement, case }).await {
                        Ok(receipt) => {
                            taken.cases += 1;
                            taken.stopped += usize::from(receipt.has("stopped"));
                            Ok(())
                        }
                        Err(Error::Refused(refusal)) if refusal.has(code::DUPLICATE) => {
                            taken.duplicates += 1;
                            Ok(())
                        }
                        Err(error) => Err(refused(error)?),
                    }
                }
                Err(reason) => Err(reason),
            };
            taken.rejected.extend(outcome.err().map(|reason| Reported { file: file.clone(), row: number, reason }));
        }
        Ok(taken)
    }
}

/// Returns name and text of each document by key.
fn read_documents(
    map: &ImportMap,
    table: Option<Table>,
    rejected: &mut Vec<Reported>,
) -> Result<HashMap<String, Vec<(String, String)>>> {
    let mut documents = HashMap::new();
    let Some(table) = table else { return Ok(documents) };
    let file = table.file().to_owned();
    for row in table {
        let (number, read) = match row {
            Ok(row) => (row.number, map.documents(&row)),
            Err(error @ TableError { row: None, .. }) => return Err(broken(&error).into()),
            Err(error @ TableError { row: Some(number), .. }) => (number, Err(error.to_string())),
        };
        match read {
            Ok((key, items)) => drop(documents.entry(key).or_insert(items)),
            Err(reason) => rejected.push(Reported { file: file.clone(), row: number, reason }),
        }
    }
    Ok(documents)
}
