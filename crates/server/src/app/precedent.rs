//! Precedents: what guides like cases, why it is shown beside this one, and what waits for approval.
//!
//! Likeness is declared: the same pack, case type and question, and named facts or words in common. Nothing else counts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use remit_access::{Action, Label};
use remit_kernel::{
    case::Case,
    facts::Want,
    form::{Form, Question},
    id::{CaseId, EngagementId, PersonId, PrecedentId},
    pack::Pack,
    precedent::{Precedent, PrecedentStatus},
    stream::{Scope, StreamId},
    text::TextRef,
};
use serde::Serialize;

use super::{
    gold::said,
    look::{ERASED, Look, Query},
};
use crate::error::Result;

/// Precedents that are looked through for one case.
const EXAMINED_MAX: u32 = 200;
/// Most precedents beside one question.
const SHOWN_MAX: usize = 3;
/// A word says something about likeness from so many letters on.
const WORD_LETTERS_MIN: usize = 5;
/// What a named fact in common counts, where a word counts one.
const FIELD_WEIGHT: usize = 3;
/// A precedent is shown from so much likeness on.
const LIKENESS_MIN: usize = 2;

/// A precedent beside a question of a case that is being judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Guidance {
    /// Which.
    #[schema(value_type = String)]
    pub precedent: PrecedentId,
    /// Key of the question.
    pub question: String,
    /// The question.
    pub title: String,
    /// How the case it comes from was answered.
    pub answer: String,
    /// The guidance.
    pub text: String,
    /// What that case and this one have in common, in words.
    pub alike: String,
}

/// Asks for the precedents of an engagement.
#[derive(Debug, Clone, Copy)]
pub struct ListPrecedents {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// A precedent in a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PrecedentLine {
    /// Which.
    #[schema(value_type = String)]
    pub precedent: PrecedentId,
    /// The case it comes from, for those who may open every case.
    #[schema(value_type = Option<String>)]
    pub case: Option<CaseId>,
    /// Where it stands.
    #[schema(value_type = String)]
    pub status: PrecedentStatus,
    /// Kind of case that it guides.
    pub case_type: String,
    /// Key of that kind.
    pub kind: String,
    /// The question.
    pub question: String,
    /// How the case was answered.
    pub answer: String,
    /// The guidance.
    pub text: String,
    /// Guidance that it replaces, or would.
    pub replaces: Option<String>,
    /// Who proposed it.
    pub proposed_by: String,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When it came to stand so.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Whether the caller may approve it.
    pub may_approve: bool,
    /// Whether the caller may decline or withdraw it.
    pub may_manage: bool,
}

impl Query for ListPrecedents {
    type Out = Vec<PrecedentLine>;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    /// Returns those in force; to those who manage them, those that wait and those that no longer guide as well.
    async fn answer(self, look: &mut Look<'_>) -> Result<Vec<PrecedentLine>> {
        let label = Label::engagement(self.engagement);
        look.admit(Action::ViewKnowledge, &label)?;
        let may_manage = look.may(Action::ManagePrecedent, &label);
        let rows = look.app.store().list_precedents(&look.scope()).await?;
        let shown = rows.into_iter().filter(|row| may_manage || row.status == PrecedentStatus::InForce);
        let wants: Vec<_> = shown.map(|row| Want::Stream(StreamId::Precedent(row.precedent))).collect();
        let precedents: Vec<Precedent> = look.load(&wants).await?.precedents.into_values().collect();
        let sources: Vec<_> =
            precedents.iter().map(|known| Want::Stream(StreamId::Case(known.precedent.case()))).collect();
        let cases = look.load(&sources).await?.cases;
        // What was replaced is superseded, and stands in the list of managers alone.
        let older: Vec<_> = precedents
            .iter()
            .filter_map(|known| known.example.replaces)
            .map(|id| Want::Stream(StreamId::Precedent(id)))
            .collect();
        let older = look.load(&older).await?.precedents;
        let replaced = |known: &Precedent| {
            let older = known.example.replaces.and_then(|id| older.get(&id));
            older.filter(|_| may_manage).map(|older| older.example.text)
        };
        let wanted: Vec<_> = precedents
            .iter()
            .map(|known| known.example.text.id)
            .chain(older.values().map(|known| known.example.text.id))
            .collect();
        let texts = look.texts(&wanted).await?;
        let people: BTreeSet<PersonId> =
            precedents.iter().flat_map(|known| [Some(known.proposed_by), known.approved_by]).flatten().collect();
        let names = look.called(&people.into_iter().collect::<Vec<_>>()).await?;
        let name = |person: PersonId| names.get(&person).cloned().unwrap_or_else(|| ERASED.to_owned());
        let me = look.natural().await?;
        let mut lines = Vec::new();
        for known in &precedents {
            // What comes from a case behind a wall is behind it too.
            let case = cases.get(&known.precedent.case());
            if case.is_none_or(|case| !case.parties.is_disjoint(&look.standing.principal.conflicts)) {
                continue;
            }
            let pack = match case.and_then(|case| case.admission.as_ref()) {
                Some(admission) => look.app.pack(admission.pack.digest).await?,
                None => None,
            };
            let (title, answer) = pack.as_deref().map_or_else(Default::default, |pack| worded(&pack.form, known));
            lines.push(PrecedentLine {
                precedent: known.precedent,
                case: may_manage.then(|| known.precedent.case()),
                status: known.status,
                case_type: kind(pack.as_deref(), known),
                kind: known.example.case_type.clone(),
                question: title,
                answer,
                text: texts.get(&known.example.text.id).cloned().unwrap_or_else(|| ERASED.to_owned()),
                replaces: replaced(known).map(|text| texts.get(&text.id).cloned().unwrap_or_else(|| ERASED.to_owned())),
                proposed_by: name(known.proposed_by),
                approved_by: known.approved_by.map(name),
                since: known.since.timestamp(),
                may_approve: may_manage && known.status == PrecedentStatus::Proposed && !known.involved.contains(&me),
                may_manage: may_manage && known.standing(),
            });
        }
        lines.sort_by_key(|line| (line.status != PrecedentStatus::Proposed, !line.may_manage, line.precedent));
        look.saw(Action::ViewKnowledge, "precedents", None, None);
        Ok(lines)
    }
}

fn kind(pack: Option<&Pack>, known: &Precedent) -> String {
    let title = pack.and_then(|pack| pack.case_type(&known.example.case_type)).map(|known| known.title.clone());
    title.unwrap_or_else(|| known.example.case_type.clone())
}

/// Returns the question of a precedent and its answer, in words.
fn worded(form: &Form, known: &Precedent) -> (String, String) {
    let question: Option<&Question> = form.question(&known.example.question);
    question.map_or_else(
        || (known.example.question.clone(), String::new()),
        |question| (question.title.clone(), said(question, Some(&known.example.answer))),
    )
}

impl Look<'_> {
    /// Returns the precedents that guide a case, question by question, the likest first. Each is put on record as shown.
    pub(crate) async fn guidance(&mut self, case: &Case, pack: &Pack) -> Result<Vec<Guidance>> {
        let scope = self.scope();
        let found = self.app.store().precedents_of_type(&scope, &pack.name, &case.case_type, EXAMINED_MAX).await?;
        // A case guides others, never itself; nor does what a showing of gold was made of.
        let own = [Some(case.case), case.showing.map(|laid| laid.gold.case())];
        let found: Vec<_> = found.into_iter().filter(|known| !own.contains(&Some(known.case()))).collect();
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let wants: Vec<_> = found
            .iter()
            .flat_map(|known| [Want::Stream(StreamId::Precedent(*known)), Want::Stream(StreamId::Case(known.case()))])
            .collect();
        let facts = self.load(&wants).await?;
        let mut wanted: Vec<_> = case.fields.values().map(|text| text.id).chain([case.title.id]).collect();
        for known in facts.precedents.values() {
            wanted.push(known.example.text.id);
            wanted.extend(known.example.fields.values().map(|text| text.id));
        }
        let texts = self.texts(&wanted).await?;
        let text = |text: &TextRef| texts.get(&text.id).cloned().unwrap_or_default();
        let fields: BTreeMap<_, _> = case.fields.iter().map(|(key, body)| (key.as_str(), text(body))).collect();
        let here: String = fields.values().cloned().chain([text(&case.title)]).collect::<Vec<_>>().join(" ");
        let titles: BTreeMap<&str, &str> = pack
            .case_type(&case.case_type)
            .into_iter()
            .flat_map(|known| &known.fields)
            .map(|field| (field.key.as_str(), field.title.as_str()))
            .collect();
        let mut alike: Vec<(usize, Guidance)> = Vec::new();
        for known in facts.precedents.values() {
            let source = facts.cases.get(&known.precedent.case());
            if source.is_none_or(|source| !source.parties.is_disjoint(&self.standing.principal.conflicts)) {
                continue;
            }
            let Some(question) = pack.form.question(&known.example.question) else { continue };
            let shared: Vec<&str> = known
                .example
                .fields
                .iter()
                .filter(|(key, body)| fields.get(key.as_str()).is_some_and(|own| same_words(own, &text(body))))
                .map(|(key, _)| titles.get(key.as_str()).copied().unwrap_or(key.as_str()))
                .collect();
            let there: String = known
                .example
                .fields
                .values()
                .map(&text)
                .chain([text(&known.example.text)])
                .collect::<Vec<_>>()
                .join(" ");
            let words: Vec<String> = words(&here).intersection(&words(&there)).cloned().collect();
            let likeness = FIELD_WEIGHT * shared.len() + words.len();
            if likeness < LIKENESS_MIN {
                continue;
            }
            let guidance = Guidance {
                precedent: known.precedent,
                question: question.key.clone(),
                title: question.title.clone(),
                answer: said(question, Some(&known.example.answer)),
                text: text(&known.example.text),
                alike: in_common(&shared, &words),
            };
            alike.push((likeness, guidance));
        }
        alike.sort_by(|(one, a), (other, b)| (other, a.precedent).cmp(&(one, b.precedent)));
        let mut beside: BTreeMap<String, usize> = BTreeMap::new();
        alike.retain(|(_, guidance)| {
            let count = beside.entry(guidance.question.clone()).or_default();
            *count += 1;
            *count <= SHOWN_MAX
        });
        let shown: Vec<Guidance> = alike.into_iter().map(|(_, guidance)| guidance).collect();
        for guidance in &shown {
            self.saw(Action::ViewKnowledge, guidance.precedent, Some(case.case), None);
        }
        Ok(shown)
    }
}

/// Returns what is in common, in words.
fn in_common(fields: &[&str], words: &[String]) -> String {
    let mut parts = Vec::new();
    if !fields.is_empty() {
        parts.push(format!("same {}", fields.join(", ").to_lowercase()));
    }
    if !words.is_empty() {
        let some: Vec<_> = words.iter().take(6).map(String::as_str).collect();
        parts.push(format!("both say {}", some.join(", ")));
    }
    parts.join("; ")
}

/// Returns whether two facts are the same, whatever their case and blanks.
fn same_words(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    !one.trim().is_empty() && plain(one) == plain(other)
}

/// Returns the words of a text that say something: long ones, in lower case, each once.
fn words(text: &str) -> BTreeSet<String> {
    let split = text.split(|letter: char| !letter.is_alphanumeric());
    split.filter(|word| word.chars().count() >= WORD_LETTERS_MIN).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_is_told_by_what_is_in_common() {
        assert!(same_words("Pain  at rest", "pain at REST") && !same_words(" ", ""));
        let common: Vec<String> =
            words("Cooling sleeve against rest").intersection(&words("a cooling pad")).cloned().collect();
        assert_eq!(common, ["cooling"]);
        assert_eq!(in_common(&["Outcome"], &common), "same outcome; both say cooling");
        assert_eq!(in_common(&[], &[]), "");
    }
}
