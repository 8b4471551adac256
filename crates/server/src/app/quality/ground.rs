//! What charts of drift are made of: every answer that a yardstick reaches, kept or missed, by whom and from where.
//!
//! Nothing here tells of what is still open: answers of closed panels, gold whose reader has been told, finished reviews.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use remit_kernel::{
    alarm::{Watched, Yardstick},
    case::Case,
    facts::Want,
    form::{Answer, Question},
    gold::measured,
    id::{CaseId, PersonId},
    index::{Origin, Part, ReviewKind, ReviewRow},
    panel::{Panel, Reading},
    review::{Finish, Review},
    stream::StreamId,
    time::Instant,
};

use super::{Rate, sheet::Sheet, slice::UNKNOWN};
use crate::{app::Look, error::Result};

/// Reviews that are looked at, the latest.
const REVIEWS_MAX: u32 = 5_000;
/// Stands for the time of answers that a file gives none for.
pub(super) const UNTIMED: Instant = Instant::from_micros(0);
/// States loaded at a time.
const BATCH: usize = 200;

/// One answer, kept or missed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) at: Instant,
    pub(super) case: CaseId,
    pub(super) missed: bool,
}

/// The answers, each once for its reader and once for her site.
#[derive(Debug, Default)]
pub(super) struct Ground {
    pub(super) lines: BTreeMap<Watched, Vec<Told>>,
    /// Whether any answer is from a file.
    pub(super) imported: bool,
}

impl Ground {
    /// Loads the answers to a question that a yardstick reaches.
    pub(super) async fn load(
        look: &Look<'_>,
        question: &Question,
        origin: Option<Origin>,
        yardstick: Yardstick,
    ) -> Result<Self> {
        // Gold and reviews are of Remit's own; of files there are neither.
        let own = origin != Some(Origin::Imported);
        let (told, imported) = match yardstick {
            Yardstick::Answers => answers(look, question, origin).await?,
            Yardstick::Gold if own => (gold(look, question).await?, false),
            Yardstick::Defects if own => (defects(look, question).await?, false),
            Yardstick::Gold | Yardstick::Defects => (Vec::new(), false),
        };
        let people: BTreeSet<_> = told.iter().map(|(person, _)| Want::Person(*person)).collect();
        let people = look.load(&people.into_iter().collect::<Vec<_>>()).await?.people;
        let mut lines: BTreeMap<Watched, Vec<Told>> = BTreeMap::new();
        for (person, told) in told {
            let place = people.get(&person).map_or("", |known| known.place.as_str());
            let site = if place.is_empty() { UNKNOWN } else { place };
            lines.entry(Watched::Reader(person)).or_default().push(told);
            lines.entry(Watched::Site(site.to_owned())).or_default().push(told);
        }
        Ok(Self { lines, imported })
    }

    /// Returns how many answers were missed, of how many.
    pub(super) fn misses(&self) -> (u64, u64) {
        let of_readers = self.lines.iter().filter(|(watched, _)| matches!(watched, Watched::Reader(_)));
        let each = of_readers.flat_map(|(_, told)| told);
        each.fold((0, 0), |(misses, n), told| (misses + u64::from(told.missed), n + 1))
    }

    /// Returns the usual rate of misses: that of the readers who do not stand out from `all` of them. A drift that is there
    /// already would hide itself, and the next one, in a rate over everybody.
    pub(super) fn usual(&self, all: f64) -> f64 {
        let of_readers = self.lines.iter().filter(|(watched, _)| matches!(watched, Watched::Reader(_)));
        let rate = |told: &[Told]| {
            let n = u64::try_from(told.len()).unwrap_or(u64::MAX);
            Rate::of(told.iter().map(|told| u64::from(told.missed)).sum(), n)
        };
        let rates = of_readers.map(|(_, told)| rate(told));
        let plain = rates.filter(|rate| rate.interval.is_none_or(|(lower, _)| lower <= all));
        let (hits, n) = plain.fold((0, 0), |(hits, n), rate| (hits + rate.hits, n + rate.n));
        Rate::of(hits, n).share.unwrap_or(all)
    }

    /// Returns whose answers they are.
    pub(super) fn readers(&self) -> Vec<PersonId> {
        let reader = |watched: &Watched| match watched {
            Watched::Reader(person) => Some(*person),
            Watched::Site(_) => None,
        };
        self.lines.keys().filter_map(reader).collect()
    }
}

/// Returns the answers of panel readers, missed where they are not the reference answer or, where there is none, where an
/// adjudicator overturned them: adjudicated cases alone would be half misses, for their readers differ. Nothing where no
/// answer is known.
async fn answers(
    look: &Look<'_>,
    question: &Question,
    origin: Option<Origin>,
) -> Result<(Vec<(PersonId, Told)>, bool)> {
    let sheet = Sheet::load(look, question, origin).await?;
    if sheet.known.iter().all(|known| known.right().is_none()) {
        return Ok((Vec::new(), sheet.imported));
    }
    let told = sheet.marks.iter().filter(|mark| mark.part == Part::Panel).map(|mark| {
        let missed = sheet.known[mark.case].right().is_some_and(|right| !sheet.classes.same(right, mark.class));
        // Answers without a time stand in no order, before all others.
        let at = mark.at.unwrap_or(UNTIMED);
        (sheet.people[mark.person], Told { at, case: sheet.cases[mark.case], missed })
    });
    Ok((told.collect(), sheet.imported))
}

/// Returns the answers to gold cases of which their readers have been told: until then a chart is silent, so that it tells
/// nobody that a live case is gold.
async fn gold(look: &Look<'_>, question: &Question) -> Result<Vec<(PersonId, Told)>> {
    let mut told = Vec::new();
    for gold in look.golds_shown().await? {
        let Some(pack) = look.app.pack(gold.matter.pack.digest).await? else { continue };
        if !measured(&pack.form).any(|known| known.key == question.key) {
            continue;
        }
        let shown = gold.showings.iter().filter(|showing| showing.told);
        told.extend(shown.filter_map(|showing| {
            let answered = showing.answered.as_ref()?;
            let missed = answered.missed.contains(&question.key);
            Some((showing.person, Told { at: answered.at, case: showing.case, missed }))
        }));
    }
    Ok(told)
}

/// Returns the readings of reviewed cases, whatever those were drawn for, missed where the finding stands and is against
/// that reading's answer. A case counts with its first review: a later one is about what was decided anew.
async fn defects(look: &Look<'_>, question: &Question) -> Result<Vec<(PersonId, Told)>> {
    let finished = look.app.store().finished_reviews(&look.scope(), ReviewKind::Quality, REVIEWS_MAX).await?;
    let mut first: HashMap<CaseId, &ReviewRow> = HashMap::new();
    for row in &finished {
        let known = first.entry(row.case).or_insert(row);
        if row.finished_at < known.finished_at {
            *known = row;
        }
    }
    let mut rows: Vec<_> = first.into_values().collect();
    rows.sort_unstable_by_key(|row| row.case);
    let mut told = Vec::new();
    for batch in rows.chunks(BATCH) {
        let streams = batch.iter().flat_map(|row| {
            [StreamId::Review(row.review), StreamId::Case(row.case), StreamId::panel_of(row.case)].map(Want::Stream)
        });
        let facts = look.load(&streams.collect::<Vec<_>>()).await?;
        for review in facts.reviews.values() {
            let (case, panel) = (facts.cases.get(&review.case), facts.panels.get(&review.case.panel()));
            let (Some(case), Some(panel), Some(finish)) = (case, panel, &review.finish) else { continue };
            if !panel.revealed() {
                continue;
            }
            told.extend(panel.panel_readings().filter_map(|reading| {
                let at = reading.sealed_at.filter(|at| *at <= finish.at)?;
                let missed = found_wrong(question, review, finish, reading, (case, panel));
                reading
                    .judgement
                    .answers
                    .contains_key(&question.key)
                    .then_some((reading.reader, Told { at, case: review.case, missed }))
            }));
        }
    }
    Ok(told)
}

/// Returns whether what a review found, and what stands, is against a reading's answer: the reviewer holds another one; or,
/// where she gave none, the answer she found wrong is the reading's.
fn found_wrong(
    question: &Question,
    review: &Review,
    finish: &Finish,
    reading: &Reading,
    (case, panel): (&Case, &Panel),
) -> bool {
    let concerns = |asked: &Option<String>| asked.as_ref().is_none_or(|key| *key == question.key);
    let questioned = review
        .standing()
        .iter()
        .any(|defect| defect.severity.fails() && defect.kind.questions_answer() && concerns(&defect.question));
    if !questioned {
        return false;
    }
    let given = reading.judgement.answers.get(&question.key);
    let held = finish.finding.as_ref().and_then(|finding| finding.answers.get(&question.key));
    if let Some(held) = held {
        return !question.same(Some(held), given);
    }
    let decided = panel.adjudications.iter().rfind(|decided| decided.at <= finish.at);
    let reviewed: Option<&Answer> = match decided {
        Some(decided) => decided.judgement.answers.get(&question.key),
        None if panel.agreed => return true,
        None => case.resolution.as_ref().and_then(|resolution| resolution.outcome.answers.get(&question.key)),
    };
    question.same(reviewed, given)
}
