//! The cases of which a right answer is wanted most: it would show who is right.

use std::collections::BTreeSet;

use remit_access::Action;
use remit_kernel::{
    hash::Digest,
    id::{CaseId, EngagementId},
    index::{Origin, Part},
    stream::Scope,
};
use serde::Serialize;

use super::{expert, sheet::Sheet};
use crate::{
    app::{Look, Query, look::ERASED},
    error::Result,
};

/// Known answers from which on figures of reliability stand without a warning.
pub const WANTED: u64 = 30;

/// Asks for cases whose right answer should be settled.
#[derive(Debug, Clone)]
pub struct ListWanted {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Key of the question; none: the first of the form.
    pub question: Option<String>,
    /// Of which origin; none: both.
    pub origin: Option<Origin>,
}

/// Cases whose right answer should be settled.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Wanted {
    /// Key of the question.
    pub question: String,
    /// The question.
    pub title: String,
    /// Cases whose right answer is known already.
    pub known: u64,
    /// The cases: up to half are those on which readers differ, the others are drawn from all.
    pub cases: Vec<WantedCase>,
}

/// A case whose right answer should be settled.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct WantedCase {
    /// The case.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// The client's reference.
    pub reference: String,
    /// What it is about.
    pub title: String,
    /// Whether its panel readers differ on the question; otherwise it was drawn.
    pub differ: bool,
}

impl Query for ListWanted {
    type Out = Wanted;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Wanted> {
        let questions = super::questions(look).await?;
        let (_, chosen) = expert::choose(&questions, self.question.as_deref())?;
        let mut wanted = Wanted { question: String::new(), title: String::new(), known: 0, cases: Vec::new() };
        if let Some(question) = chosen {
            let sheet = Sheet::load(look, question, self.origin).await?;
            let known = sheet.known.iter().filter(|known| known.right().is_some()).count();
            wanted.question.clone_from(&question.key);
            wanted.title.clone_from(&question.title);
            wanted.known = u64::try_from(known).unwrap_or(u64::MAX);
            let drawn = draw(&sheet, &question.key);
            let ids: Vec<_> = drawn.iter().map(|(case, _)| *case).collect();
            let rows = look.app.store().cases(&look.scope(), &ids).await?;
            let texts: Vec<_> = rows.iter().flat_map(|row| [row.reference, row.title]).collect();
            let texts = look.texts(&texts).await?;
            for (case, differ) in drawn {
                let Some(row) = rows.iter().find(|row| row.case == case) else { continue };
                let text = |id| texts.get(&id).cloned().unwrap_or_else(|| ERASED.to_owned());
                wanted.cases.push(WantedCase { case, reference: text(row.reference), title: text(row.title), differ });
            }
        }
        look.saw(Action::ViewQuality, "quality/wanted", None, None);
        Ok(wanted)
    }
}

/// Returns the cases that are wanted, and whether their readers differ: first, up to half, those that differ, then from all.
///
/// The order is that of a digest over question and case: anybody can draw the same, and nobody can choose.
fn draw(sheet: &Sheet, question: &str) -> Vec<(CaseId, bool)> {
    let wanted = usize::try_from(WANTED).unwrap_or(usize::MAX);
    let mut open: Vec<_> = sheet
        .by_case()
        .filter(|marks| sheet.known[marks[0].case].right().is_none())
        .filter_map(|marks| {
            let panel: BTreeSet<_> =
                marks.iter().filter(|mark| mark.part == Part::Panel).map(|mark| mark.class).collect();
            let case = sheet.cases[marks[0].case];
            let place = Digest::of(format!("{question} {case}").as_bytes());
            let differ = panel.iter().any(|one| panel.range(*one..).any(|other| !sheet.classes.same(*one, *other)));
            (!panel.is_empty()).then_some((place, case, differ))
        })
        .collect();
    open.sort_unstable_by_key(|(place, ..)| *place);
    let mut drawn: Vec<(CaseId, bool)> =
        open.iter().filter(|(.., differ)| *differ).take(wanted / 2).map(|(_, case, _)| (*case, true)).collect();
    for (_, case, differ) in &open {
        if drawn.len() >= wanted {
            break;
        }
        if !drawn.iter().any(|(known, _)| known == case) {
            drawn.push((*case, *differ));
        }
    }
    drawn
}
