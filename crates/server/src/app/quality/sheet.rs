//! One question's answers in small numbers: who gave which class on which case, when, and what is known to be right.

use std::{collections::HashMap, sync::Arc};

use remit_kernel::{
    form::Question,
    id::{CaseId, Id as _, PersonId, ReadingId},
    index::{AnswerRow, Known, KnownAnswerRow, Origin, Part},
    time::Instant,
};

use super::{classes::Classes, kept};
use crate::{app::Look, error::Result};

/// The revealed answers to one question; people, cases and classes are numbers here.
pub(super) struct Sheet {
    pub(super) classes: Classes,
    pub(super) people: Vec<PersonId>,
    pub(super) cases: Vec<CaseId>,
    /// The type of each case.
    pub(super) types: Vec<String>,
    /// By case, then by reading.
    pub(super) marks: Vec<Mark>,
    /// What each case's reference answer is, and what an adjudicator decided.
    pub(super) known: Vec<KnownClasses>,
    /// Whether any answer is from a file.
    pub(super) imported: bool,
}

/// One answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) case: usize,
    pub(super) person: usize,
    pub(super) class: usize,
    pub(super) part: Part,
    /// When it was given; none: the file does not say.
    pub(super) at: Option<Instant>,
}

impl Mark {
    /// Returns whether a person gave it: a model's suggestions are measured, and decide nothing.
    pub(super) fn human(&self) -> bool {
        self.part != Part::Ai
    }
}

/// What is known of one case.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KnownClasses {
    pub(super) reference: Option<usize>,
    pub(super) adjudicated: Option<usize>,
}

impl KnownClasses {
    /// Returns the answer that counts as right: the reference, or else the adjudicator's.
    pub(super) fn right(self) -> Option<usize> {
        self.reference.or(self.adjudicated)
    }
}

/// Returns whether an instant is the one at which a reading was recorded, which its identifier holds: where a file claims
/// no time, its readings bear that one, and it says nothing of when they were given.
fn recorded(reading: ReadingId, at: Instant) -> bool {
    i64::try_from(reading.suffix().millis()).is_ok_and(|millis| millis == at.micros().div_euclid(1_000))
}

impl Sheet {
    /// Returns the answers to a question.
    pub(super) async fn load(look: &Look<'_>, question: &Question, origin: Option<Origin>) -> Result<Arc<Self>> {
        look.once(kept::name("sheet", question, origin), Self::make(look, question, origin)).await
    }

    async fn make(look: &Look<'_>, question: &Question, origin: Option<Origin>) -> Result<Self> {
        let (store, scope) = (look.app.store(), look.scope());
        let rows = store.revealed_answers(&scope, &question.key, origin).await?;
        let known = store.known_answers(&scope, &question.key).await?;
        let times = store.reading_times(&scope, origin).await?;
        let types = store.case_types(&scope).await?;
        let question = question.clone();
        let sheet = move || Self::of(&question, &rows, &known, times, types);
        // A hundred thousand answers take a moment to sort in: it must not hold up others.
        Ok(tokio::task::spawn_blocking(sheet).await.map_err(std::io::Error::other)?)
    }

    pub(super) fn of(
        question: &Question,
        rows: &[AnswerRow],
        known: &[KnownAnswerRow],
        times: Vec<(ReadingId, Instant)>,
        types: Vec<(CaseId, String)>,
    ) -> Self {
        // A right answer that nobody gave has its place among them too.
        let words = rows.iter().map(|row| &row.answer).chain(known.iter().map(|known| &known.answer));
        let classes = Classes::of(question, words.map(String::as_str));
        let times: HashMap<_, _> = times.into_iter().collect();
        let mut types: HashMap<_, _> = types.into_iter().collect();
        let (mut places, mut people, mut cases) = (HashMap::new(), Vec::new(), Vec::new());
        let mut marks = Vec::with_capacity(rows.len());
        for row in rows {
            if cases.last() != Some(&row.case) {
                cases.push(row.case);
            }
            let person = *places.entry(row.reader).or_insert_with(|| {
                people.push(row.reader);
                people.len() - 1
            });
            marks.push(Mark {
                case: cases.len() - 1,
                person,
                class: classes.number(&row.answer),
                part: row.part,
                at: times
                    .get(&row.reading)
                    .copied()
                    .filter(|at| row.origin != Origin::Imported || !recorded(row.reading, *at)),
            });
        }
        let mut truths = vec![KnownClasses::default(); cases.len()];
        for row in known {
            // Rows come by case, as the cases do; a case without revealed answers has no place here.
            let Ok(place) = cases.binary_search(&row.case) else { continue };
            match row.known {
                Known::Reference => truths[place].reference = classes.find(&row.answer),
                Known::Adjudicated => truths[place].adjudicated = classes.find(&row.answer),
            }
        }
        Self {
            types: cases.iter().map(|case| types.remove(case).unwrap_or_default()).collect(),
            imported: rows.iter().any(|row| row.origin == Origin::Imported),
            classes,
            people,
            cases,
            marks,
            known: truths,
        }
    }

    /// Returns the answers of each case together.
    pub(super) fn by_case(&self) -> impl Iterator<Item = &[Mark]> {
        self.marks.chunk_by(|one, other| one.case == other.case)
    }

    /// Returns the answers that people gave.
    pub(super) fn human(&self) -> impl Iterator<Item = &Mark> {
        self.marks.iter().filter(|mark| mark.human())
    }
}

impl kept::Weigh for Sheet {
    fn weight(&self) -> usize {
        self.marks.len() + self.cases.len()
    }
}

#[cfg(test)]
pub(super) mod tests {
    //! Sheets made by hand for the tests beside it.

    use remit_kernel::id::{Id, Suffix};

    use super::*;

    /// Returns the identifier of a number.
    pub(in crate::app::quality) fn id<T: Id>(number: usize) -> T {
        T::of(Suffix::new(u64::try_from(number).unwrap_or(u64::MAX), [0; 10]))
    }

    /// Returns a sheet of what readers answered, case by case, with the reference answers that are known.
    pub(in crate::app::quality) fn sheet(question: &Question, cases: &[(Vec<String>, Option<String>)]) -> Sheet {
        let (mut rows, mut known) = (Vec::new(), Vec::new());
        for (case, (given, reference)) in cases.iter().enumerate() {
            for (reader, answer) in given.iter().enumerate() {
                rows.push(AnswerRow {
                    case: id(case),
                    reading: id(reader),
                    question: question.key.clone(),
                    reader: id(reader),
                    answer: answer.clone(),
                    part: Part::Panel,
                    origin: Origin::Imported,
                    revealed: true,
                });
            }
            known.extend(reference.as_ref().map(|answer| KnownAnswerRow {
                case: id(case),
                question: question.key.clone(),
                known: Known::Reference,
                answer: answer.clone(),
            }));
        }
        Sheet::of(question, &rows, &known, Vec::new(), Vec::new())
    }
}
