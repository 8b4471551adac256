//! The cases behind a figure of an expert or a slice.

use remit_kernel::{
    form::Question,
    id::{CaseId, PersonId},
    index::{Origin, Part},
    refusal::Reason,
};

use super::{
    By, Readers,
    sheet::{Mark, Sheet},
    slice,
};
use crate::{app::Look, error::Result};

/// Which cases are behind a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// Key of the question.
    pub question: String,
    /// Key of the reader, as [`super::ReaderName`] has it; none: every person.
    pub reader: Option<String>,
    /// What the answer fell short of.
    pub against: Against,
    /// Only where it did so about this option of several that may be picked.
    pub option: Option<String>,
    /// Of one slice only.
    pub slice: Option<(By, String)>,
}

/// What an answer fell short of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// It is not the reference answer.
    Reference,
    /// An adjudicator decided otherwise.
    Adjudicated,
    /// Another panel reader, of the same slice where there is one, gave another answer.
    Colleague,
}

impl Against {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Reference, Self::Adjudicated, Self::Colleague];

    /// Returns the word used in addresses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Adjudicated => "adjudicated",
            Self::Colleague => "colleague",
        }
    }

    /// Returns the value of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|against| against.word() == word)
    }
}

impl Behind {
    /// Returns the cases, in the order of their identifiers.
    pub(super) async fn cases(
        &self,
        look: &Look<'_>,
        question: &Question,
        origin: Option<Origin>,
        readers: &Readers,
    ) -> Result<Vec<CaseId>> {
        let reader = match &self.reader {
            Some(key) => Some(readers.person(key).ok_or_else(|| Reason::hidden(key))?),
            None => None,
        };
        let sheet = Sheet::load(look, question, origin).await?;
        let keys = match &self.slice {
            Some((by, _)) => slice::keys(look, &sheet, *by).await?,
            None => Vec::new(),
        };
        let inside = |place: usize| self.slice.as_ref().is_none_or(|(_, slice)| keys[place] == *slice);
        let chosen: Vec<&Mark> =
            sheet.marks.iter().enumerate().filter(|(place, _)| inside(*place)).map(|(_, mark)| mark).collect();
        let found = chosen
            .chunk_by(|one, other| one.case == other.case)
            .filter(|marks| marks.iter().any(|mark| self.holds(mark, marks, &sheet, reader)));
        Ok(found.map(|marks| sheet.cases[marks[0].case]).collect())
    }

    /// Returns whether an answer is one of those that the figure counts; `beside` are all of its case and slice.
    fn holds(&self, mark: &Mark, beside: &[&Mark], sheet: &Sheet, reader: Option<PersonId>) -> bool {
        // A program's answers are behind its own figures only.
        let of_reader = match reader {
            Some(reader) => sheet.people[mark.person] == reader,
            None => mark.part != Part::Ai,
        };
        let known = sheet.known[mark.case];
        let same = |one: usize, other: usize| match &self.option {
            None => sheet.classes.same(one, other),
            Some(option) => {
                let picked = |class: usize| sheet.classes.picks(class).is_some_and(|picks| picks.contains(option));
                picked(one) == picked(other)
            }
        };
        of_reader
            && match self.against {
                Against::Reference => known.reference.is_some_and(|reference| !same(reference, mark.class)),
                Against::Adjudicated => {
                    mark.part == Part::Panel && known.adjudicated.is_some_and(|decided| !same(decided, mark.class))
                }
                Against::Colleague => {
                    mark.part == Part::Panel
                        && beside.iter().any(|other| other.part == Part::Panel && !same(other.class, mark.class))
                }
            }
    }

    /// Returns what the cases have in common, in words.
    pub(super) fn words(&self, question: &Question, readers: &Readers) -> String {
        let reader = self.reader.as_deref().and_then(|key| readers.person(key)).map(|person| readers.name(person).name);
        let whose = reader.map_or_else(|| "an answer".to_owned(), |name| format!("an answer of {name}"));
        let short = match self.against {
            Against::Reference => "is not the reference answer",
            Against::Adjudicated => "was overturned by an adjudicator",
            Against::Colleague => "differs from a colleague’s",
        };
        let slice = match &self.slice {
            None => String::new(),
            Some((By::Site, slice)) => format!(", read in {slice}"),
            Some((By::Month, slice)) => format!(", in {slice}"),
            Some((By::CaseType, slice)) => format!(", of type {slice}"),
        };
        let about = self.option.as_ref().map(|option| format!(", about {}", title_of(question, option)));
        format!("{whose} {short}{}{slice}", about.unwrap_or_default())
    }
}

/// Returns the title of an option, or its key where the question has none of that key.
fn title_of<'q>(question: &'q Question, option: &'q str) -> &'q str {
    question.kind.options().iter().find(|known| known.key == option).map_or(option, |known| &known.title)
}
