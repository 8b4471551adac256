//! Taking professional responsibility: the queue of a signer, and one case laid out to be opened, signed or sent back.

use std::collections::{BTreeMap, BTreeSet};

use remit_access::{Action, Class};
use remit_kernel::{
    case::{Case, Material, Media, SignoffState},
    facts::Want,
    form::{Form, Need},
    hash::Digest,
    id::{CaseId, EngagementId, ItemId},
    index::CaseStatus,
    pack::Duty,
    panel::Panel,
    refusal::{Reason, code},
    routing,
    stream::{Scope, StreamId},
};
use remit_store::{CaseFilter, Decision};
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use super::{
    case::{
        CaseLine,
        file::{GetItem, ItemContent},
        view::{CaseView, JudgementView},
    },
    judgement::Paper,
    look::{Look, Query},
};
use crate::error::Result;

/// Most cases in the queue at a time.
const QUEUE_MAX: u32 = 100;
/// Entries of the signer's own record from which her pace is measured.
const PACE_ENTRIES: u32 = 500;
/// Unchanged words kept around a change; longer stretches are cut.
const CONTEXT_CHARS: usize = 160;

/// Asks for the cases that wait for a signature.
#[derive(Debug, Clone, Copy)]
pub struct ListSignoffs {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// The queue of a signer.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SignoffQueue {
    /// The cases, earliest promise first.
    pub waiting: Vec<SignoffLine>,
    /// How many of them are urgent.
    pub urgent: u64,
    /// Median of the caller's own times from opening the first item to signing, in seconds; none: not measured yet.
    pub pace_seconds: Option<i64>,
    /// Whether more wait than are listed.
    pub more: bool,
}

/// A case that waits for a signature.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SignoffLine {
    /// The case.
    pub case: CaseLine,
    /// Items to open, the deliverable among them.
    pub items: u64,
    /// How many of them the caller has opened.
    pub opened: u64,
    /// Why the caller may not sign it; none: she may.
    pub barred: Option<String>,
}

/// Lays a case before its signer.
#[derive(Debug, Clone, Copy)]
pub struct OpenSignoff {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Which case.
    pub case: CaseId,
    /// The item laid open; only what the caller has opened by an act of her own.
    pub show: Option<Material>,
}

/// A case before its signer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SignoffDesk {
    /// The case.
    pub view: CaseView,
    /// The exact content that a signature would cover.
    #[schema(value_type = String)]
    pub content: Digest,
    /// What must be opened.
    pub materials: Vec<MaterialView>,
    /// The item laid open.
    pub shown: Option<ItemContent>,
    /// Whether the deliverable is laid open.
    pub deliverable_shown: bool,
    /// The credential that a signature would rest on.
    pub credential: Option<CredentialView>,
    /// Why the caller may not sign.
    pub barred: Vec<String>,
    /// What changed since a signer last had it.
    pub changes: Option<Changes>,
    /// The form by which a finding is stated.
    #[serde(skip)]
    pub form: Form,
}

/// Something that must be opened before signing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct MaterialView {
    /// The item; none: the deliverable.
    #[schema(value_type = Option<String>)]
    pub item: Option<ItemId>,
    /// Its version; 0 for the deliverable.
    pub version: u32,
    /// Its name.
    pub name: String,
    /// What it is; none: the deliverable.
    #[schema(value_type = Option<String>)]
    pub media: Option<Media>,
    /// Whether the caller has opened it under this request.
    pub opened: bool,
}

/// A credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CredentialView {
    /// Kind, such as `physician`.
    pub kind: String,
    /// Where it holds; empty: everywhere.
    pub jurisdiction: String,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    pub valid_to: remit_kernel::time::Date,
}

/// What changed since a signer last had the content before her.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
pub struct Changes {
    /// The deliverable, in stretches.
    pub deliverable: Vec<Stretch>,
    /// Answers that are others now.
    pub answers: Vec<AnswerChange>,
}

/// A stretch of text that is the same, gone or new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Stretch {
    /// `same`, `gone` or `new`.
    pub kind: &'static str,
    /// The words.
    pub text: String,
}

/// An answer that is another now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AnswerChange {
    /// The question.
    pub title: String,
    /// The answer then, with what it cited.
    pub before: String,
    /// The answer now.
    pub after: String,
}

/// Asks for what a finding is written against: the documents, citable ones with their text.
#[derive(Debug, Clone, Copy)]
pub struct GetPapers {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Of which case.
    pub case: CaseId,
}

impl Query for GetPapers {
    type Out = (Form, Vec<Paper>);

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<(Form, Vec<Paper>)> {
        let (case, panel) = look.case(self.case, None).await?;
        let label = look.label(Class::Case, &case, panel.as_ref())?;
        look.admit(Action::SignOff, &label)?;
        Ok((look.finding_form(&case).await?, look.papers(&case, panel.as_ref()).await?))
    }
}

impl Query for ListSignoffs {
    type Out = SignoffQueue;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<SignoffQueue> {
        let label = look.engagement_label()?;
        look.admit(Action::ViewEngagement, &label)?;
        let filter = CaseFilter { statuses: vec![CaseStatus::AwaitingSignOff], ..CaseFilter::default() };
        let mut rows = look.app.store().list_cases(&look.scope(), &filter, None, QUEUE_MAX + 1).await?;
        let more = rows.len() > QUEUE_MAX as usize;
        rows.truncate(QUEUE_MAX as usize);
        let wants: Vec<_> = rows.iter().flat_map(|row| [StreamId::Case(row.case), StreamId::panel_of(row.case)]).map(Want::Stream).collect();
        let facts = look.load(&wants).await?;
        let mut waiting = Vec::new();
        for line in look.case_lines(rows, &filter).await? {
            let (Some(case), panel) = (facts.cases.get(&line.case), facts.panels.get(&line.case.panel())) else { continue };
            let label = look.label(Class::Case, case, panel)?;
            if !look.may(Action::SignOff, &label) {
                continue;
            }
            let (material, opened) = (case.material(), look.opened(case));
            let barred = look.barred_from_signing(case, panel).await?.0.into_iter().next();
            let opened = material.iter().filter(|material| opened.contains(material)).count() as u64;
            waiting.push(SignoffLine { case: line, items: material.len() as u64, opened, barred });
        }
        let urgent = waiting.iter().filter(|line| line.case.urgent).count() as u64;
        let pace_seconds = look.pace().await?;
        look.saw(Action::ViewCase, "signoffs", None, None);
        Ok(SignoffQueue { waiting, urgent, pace_seconds, more })
    }
}

impl Query for OpenSignoff {
    type Out = SignoffDesk;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<SignoffDesk> {
        let scene = look.scene(self.case, None).await?;
        let label = look.label(Class::Case, &scene.case, scene.panel.as_ref())?;
        look.admit(Action::SignOff, &label)?;
        let mut view = look.case_view(&scene).await?;
        let case = &scene.case;
        let requested = case.signoff.as_ref().filter(|signoff| signoff.state == SignoffState::Requested);
        let Some(signoff) = requested.filter(|_| case.status == CaseStatus::AwaitingSignOff) else {
            return Err(Reason::rule(code::WRONG_STATE, self.case, "no signature is asked for")
                .hint("Somebody may have signed or sent it back; open the case to see.")
                .into());
        };
        let opened = look.opened(case);
        let shown = match self.show.filter(|material| opened.contains(material)) {
            Some(Material::Item(item, version)) => {
                let item = GetItem { engagement: self.engagement, case: self.case, item, version: Some(version), as_of: None };
                Some(item.answer(look).await?)
            }
            Some(Material::Deliverable) | None => None,
        };
        let deliverable_shown = self.show == Some(Material::Deliverable) && opened.contains(&Material::Deliverable);
        let materials = case.material().into_iter().filter_map(|material| material_view(&view, material, opened.contains(&material)));
        let materials = materials.collect();
        let (barred, credential) = look.barred_from_signing(case, scene.panel.as_ref()).await?;
        let changes = match &signoff.before {
            None => None,
            Some(before) => {
                let text = match before.deliverable {
                    Some(text) => look.text(text).await?,
                    None => String::new(),
                };
                let then = look.told(&scene, &before.outcome).await?;
                let now = view.outcome.as_ref().map(|outcome| &outcome.judgement);
                let answers = now.map(|now| changed_answers(&then, now)).unwrap_or_default();
                let deliverable = view.deliverable.as_deref().filter(|now| *now != text).map(|now| stretches(&text, now));
                Some(Changes { deliverable: deliverable.unwrap_or_default(), answers })
            }
        };
        // What is signed is opened by an act; until then it is not here either.
        view.deliverable = view.deliverable.filter(|_| deliverable_shown);
        let form = look.finding_form(case).await?;
        look.saw(Action::ViewCase, format!("signoff/{}", self.case), Some(self.case), Some(signoff.content));
        let content = signoff.content;
        Ok(SignoffDesk { view, content, materials, shown, deliverable_shown, credential, barred, changes, form })
    }
}

impl Look<'_> {
    /// Returns what the caller has opened under the request that stands.
    fn opened(&self, case: &Case) -> BTreeSet<Material> {
        case.signoff.as_ref().and_then(|signoff| signoff.opened.get(&self.standing.id())).cloned().unwrap_or_default()
    }

    /// Returns the form of the case's pack; the reasons of a finding are its note.
    async fn finding_form(&self, case: &Case) -> Result<Form> {
        let Some(admission) = &case.admission else { return Err(Reason::hidden(case.case).into()) };
        let pack = self.app.pack(admission.pack.digest).await?.ok_or_else(|| Reason::hidden(case.case))?;
        Ok(Form { rationale: Need::Absent, confidence: Need::Absent, ..pack.form.clone() })
    }

    /// Returns why the caller may not sign this case, and else the credential that her signature would rest on.
    async fn barred_from_signing(&self, case: &Case, panel: Option<&Panel>) -> Result<(Vec<String>, Option<CredentialView>)> {
        let me = self.standing.id();
        let facts = self.load(&[Want::Person(me), Want::Name(me), Want::Stream(StreamId::Member(me))]).await?;
        let (Some(person), Some(admission)) = (facts.people.get(&me), &case.admission) else { return Ok((Vec::new(), None)) };
        let name = facts.names.get(&me).map_or("this person", String::as_str);
        let now = self.standing.now();
        let mut reasons = routing::eligibility(name, person, facts.members.get(&me), &admission.need, Duty::Sign, now);
        reasons.extend(routing::conflict(name, person, &case.parties));
        let worded = case.resolution.as_ref().is_some_and(|resolution| resolution.authors.contains(&person.natural));
        let mut barred: Vec<_> = reasons.into_iter().map(|reason| format!("{}. {}", reason.sentence, reason.hint)).collect();
        if worded || panel.is_some_and(|panel| panel.authors().contains(&person.natural)) {
            barred.push(format!("{name} made part of what would be signed. A signer who had no part in it has to sign."));
        }
        let found = routing::credential(name, person, &admission.need.signer, &case.jurisdiction, now).ok().flatten();
        let credential = found.and_then(|id| person.credentials.get(&id)).map(|credential| CredentialView {
            kind: credential.kind.clone(),
            jurisdiction: credential.jurisdiction.clone(),
            valid_to: credential.valid_to,
        });
        Ok((barred, credential))
    }

    /// Returns the caller's median time from opening the first item of a case to signing it, in seconds.
    async fn pace(&self) -> Result<Option<i64>> {
        let entries = self.app.store().entries_of_person(&self.scope(), self.standing.id(), None, PACE_ENTRIES).await?;
        let mut begun = BTreeMap::new();
        let mut times = Vec::new();
        for entry in entries.into_iter().rev().map(|stored| stored.entry).filter(|entry| entry.decision == Decision::Allow) {
            match (entry.action.as_str(), entry.case) {
                ("open_material", Some(case)) => drop(begun.entry(case).or_insert(entry.at)),
                ("sign", Some(case)) => times.extend(begun.remove(&case).map(|first| entry.at.seconds_since(first))),
                _ => {}
            }
        }
        Ok(remit_stats::describe::median(&times).ok())
    }
}

fn material_view(view: &CaseView, material: Material, opened: bool) -> Option<MaterialView> {
    match material {
        Material::Deliverable => Some(MaterialView { item: None, version: 0, name: "Deliverable".to_owned(), media: None, opened }),
        Material::Item(item, version) => {
            let known = view.items.iter().find(|known| known.item == item && known.version == version)?;
            Some(MaterialView { item: Some(item), version, name: known.name.clone(), media: Some(known.media), opened })
        }
    }
}

/// Returns how one text became another, word by word; long stretches that stayed are cut.
fn stretches(before: &str, after: &str) -> Vec<Stretch> {
    let diff = TextDiff::from_words(before, after);
    let mut found: Vec<Stretch> = Vec::new();
    for change in diff.iter_all_changes() {
        let kind = match change.tag() {
            ChangeTag::Equal => "same",
            ChangeTag::Delete => "gone",
            ChangeTag::Insert => "new",
        };
        match found.last_mut().filter(|last| last.kind == kind) {
            Some(last) => last.text.push_str(change.value()),
            None => found.push(Stretch { kind, text: change.value().to_owned() }),
        }
    }
    for stretch in found.iter_mut().filter(|stretch| stretch.kind == "same") {
        let chars = stretch.text.chars().count();
        if chars > 2 * CONTEXT_CHARS {
            let head: String = stretch.text.chars().take(CONTEXT_CHARS).collect();
            let tail: String = stretch.text.chars().skip(chars - CONTEXT_CHARS).collect();
            stretch.text = format!("{head} … {tail}");
        }
    }
    found
}

fn changed_answers(before: &JudgementView, after: &JudgementView) -> Vec<AnswerChange> {
    let said = |judgement: &JudgementView, question: &str| {
        let answer = judgement.answers.iter().find(|answer| answer.question == question);
        answer.map_or_else(String::new, |answer| {
            let quotes = answer.evidence.iter().map(|quote| format!("“{}”", quote.quote));
            std::iter::once(answer.answer.clone()).chain(quotes).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        })
    };
    let mut questions: Vec<_> = after.answers.iter().chain(&before.answers).collect();
    questions.dedup_by(|one, other| one.question == other.question);
    let mut seen = BTreeSet::new();
    let questions = questions.into_iter().filter(|answer| seen.insert(answer.question.clone()));
    let changes = questions.map(|answer| AnswerChange {
        title: answer.title.clone(),
        before: said(before, &answer.question),
        after: said(after, &answer.question),
    });
    changes.filter(|change| change.before != change.after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_one_character_is_one_word_gone_and_one_new() {
        let found = stretches("The mean fell by 4 points.", "The mean fell by 5 points.");
        let told: Vec<_> = found.iter().map(|stretch| (stretch.kind, stretch.text.as_str())).collect();
        assert_eq!(told, [("same", "The mean fell by "), ("gone", "4"), ("new", "5"), ("same", " points.")]);
    }

    #[test]
    fn what_stayed_is_cut_when_it_is_long() {
        let long = "word ".repeat(400);
        let found = stretches(&format!("{long}end"), &format!("{long}END"));
        assert!(found[0].text.chars().count() < 400 && found[0].text.contains(" … "));
    }
}
