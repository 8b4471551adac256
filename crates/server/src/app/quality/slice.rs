//! The same question by site, month and type of case: where readers part, and where they miss.

use std::{collections::BTreeMap, sync::Arc};

use remit_access::Action;
use remit_kernel::{
    facts::Want,
    id::EngagementId,
    index::{Origin, Part},
    stream::Scope,
    time::Instant,
};
use remit_stats::agreement::Counts;
use serde::{Deserialize, Serialize};

use super::{
    Agreement, Rate,
    agree::of_classes,
    expert,
    expert::QuestionName,
    kept,
    sheet::{Mark, Sheet},
};
use crate::{
    app::{Look, Query},
    error::Result,
};

/// What a slice is cut by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The country that a reader works from, as the directory has it now.
    Site,
    /// The month, in UTC, in which a case's last reading was made.
    Month,
    /// The type of the case.
    CaseType,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Site, Self::Month, Self::CaseType];

    /// Returns the word used in addresses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Month => "month",
            Self::CaseType => "case_type",
        }
    }

    /// Returns the value of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.word() == word)
    }
}

/// Asks for a question's figures slice by slice.
#[derive(Debug, Clone)]
pub struct ShowSlices {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Key of the question; none: the first of the form.
    pub question: Option<String>,
    /// What to cut by.
    pub by: By,
    /// Of which origin; none: both.
    pub origin: Option<Origin>,
}

/// A question's figures slice by slice.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Slices {
    /// The questions that can be asked for.
    pub questions: Vec<QuestionName>,
    /// Key of the question.
    pub question: String,
    /// The question.
    pub title: String,
    /// What the slices are cut by.
    pub by: By,
    /// Whether any answer is from a file.
    pub imported: bool,
    /// The slices, by their key.
    pub slices: Vec<SliceFigures>,
}

/// Figures of one slice. Answers of people only.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SliceFigures {
    /// The slice: a country, a month such as `2026-03`, a type of case; `unknown` where it is not known.
    pub slice: String,
    /// Cases with an answer.
    pub cases: u64,
    /// Answers.
    pub readings: u64,
    /// Krippendorff's alpha among the slice's panel readers.
    pub agreement: Agreement,
    /// Cases on which two panel readers of the slice differ, of those that two or more of them read.
    pub differ: Rate,
    /// Answers that are not the reference answer.
    pub missed: Rate,
    /// Panel answers that an adjudicator overturned.
    pub overturned: Rate,
}

/// The slice of what is not known.
pub(crate) const UNKNOWN: &str = "unknown";

impl Query for ShowSlices {
    type Out = Slices;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Slices> {
        let questions = super::questions(look).await?;
        let (names, chosen) = expert::choose(&questions, self.question.as_deref())?;
        let mut slices = Slices {
            questions: names,
            question: String::new(),
            title: String::new(),
            by: self.by,
            imported: false,
            slices: Vec::new(),
        };
        if let Some(question) = chosen {
            let sheet = Sheet::load(look, question, self.origin).await?;
            slices.question.clone_from(&question.key);
            slices.title.clone_from(&question.title);
            slices.imported = sheet.imported;
            let sites = if self.by == By::Site { sites(look, &sheet).await? } else { Vec::new() };
            let name = kept::name("slices", &(question, self.by, &sites), self.origin);
            slices.slices = look.once(name, make(sheet, self.by, sites)).await?.to_vec();
        }
        look.saw(Action::ViewQuality, "quality/slices", None, None);
        Ok(slices)
    }
}

/// Returns the site of each person of a sheet.
async fn sites(look: &Look<'_>, sheet: &Sheet) -> Result<Vec<String>> {
    let wants: Vec<_> = sheet.people.iter().map(|person| Want::Person(*person)).collect();
    let people = look.load(&wants).await?.people;
    Ok(sheet
        .people
        .iter()
        .map(|person| people.get(person).map_or_else(String::new, |known| known.place.clone()))
        .collect())
}

/// Returns the slice of each answer.
pub(super) async fn keys(look: &Look<'_>, sheet: &Sheet, by: By) -> Result<Vec<String>> {
    let sites = if by == By::Site { sites(look, sheet).await? } else { Vec::new() };
    Ok(keys_of(sheet, by, &sites))
}

fn keys_of(sheet: &Sheet, by: By, sites: &[String]) -> Vec<String> {
    let known = |key: &str| if key.is_empty() { UNKNOWN.to_owned() } else { key.to_owned() };
    match by {
        By::CaseType => sheet.marks.iter().map(|mark| known(&sheet.types[mark.case])).collect(),
        By::Month => {
            let mut latest: Vec<Option<Instant>> = vec![None; sheet.cases.len()];
            for mark in sheet.human() {
                latest[mark.case] = latest[mark.case].max(mark.at);
            }
            let months: Vec<String> = latest
                .into_iter()
                .map(|at| at.map_or_else(|| UNKNOWN.to_owned(), |at| at.date().strftime("%Y-%m").to_string()))
                .collect();
            sheet.marks.iter().map(|mark| months[mark.case].clone()).collect()
        }
        By::Site => sheet.marks.iter().map(|mark| known(&sites[mark.person])).collect(),
    }
}

async fn make(sheet: Arc<Sheet>, by: By, sites: Vec<String>) -> Result<Vec<SliceFigures>> {
    let figures = move || figures(&sheet, &keys_of(&sheet, by, &sites));
    // Resampling takes a while where cases are many: it must not hold up others.
    Ok(tokio::task::spawn_blocking(figures).await.map_err(std::io::Error::other)?)
}

/// Returns the figures of each slice.
fn figures(sheet: &Sheet, keys: &[String]) -> Vec<SliceFigures> {
    let mut slices: BTreeMap<&str, Vec<&Mark>> = BTreeMap::new();
    for (mark, key) in sheet.marks.iter().zip(keys).filter(|(mark, _)| mark.part != Part::Ai) {
        slices.entry(key).or_default().push(mark);
    }
    slices.into_iter().map(|(slice, marks)| of_slice(sheet, slice, &marks)).collect()
}

fn of_slice(sheet: &Sheet, slice: &str, marks: &[&Mark]) -> SliceFigures {
    let classes = &sheet.classes;
    let mut counts = Counts::new(classes.len()).ok();
    let (mut cases, mut differ, mut missed, mut overturned) = (0, (0, 0), (0, 0), (0, 0));
    let mut given: Vec<usize> = Vec::new();
    for of_case in marks.chunk_by(|one, other| one.case == other.case) {
        cases += 1;
        let known = sheet.known[of_case[0].case];
        given.clear();
        for mark in of_case {
            if let Some(reference) = known.reference {
                missed = (missed.0 + u64::from(!classes.same(reference, mark.class)), missed.1 + 1);
            }
            if mark.part == Part::Panel {
                given.push(mark.class);
                let against = known.adjudicated.is_some_and(|adjudicated| !classes.same(adjudicated, mark.class));
                overturned = (overturned.0 + u64::from(against), overturned.1 + 1);
            }
        }
        if given.len() >= 2 {
            let unlike = |place: usize, one: usize| given[place + 1..].iter().any(|other| !classes.same(one, *other));
            let differs = given.iter().enumerate().any(|(place, one)| unlike(place, *one));
            differ = (differ.0 + u64::from(differs), differ.1 + 1);
        }
        if let Some(counts) = &mut counts {
            let mut unit: Vec<u32> = given.iter().map(|class| u32::try_from(*class).unwrap_or(u32::MAX)).collect();
            // Every class has its place in the table, so the unit always fits.
            let _ = counts.add_values(&mut unit);
        }
    }
    SliceFigures {
        slice: slice.to_owned(),
        cases,
        readings: u64::try_from(marks.len()).unwrap_or(u64::MAX),
        agreement: of_classes(counts.as_ref(), classes),
        differ: Rate::of(differ.0, differ.1),
        missed: Rate::of(missed.0, missed.1),
        overturned: Rate::of(overturned.0, overturned.1),
    }
}
