//! A judgement while it is being written: what a form or a program sends, what a draft keeps, what a page shows again.
//!
//! One shape for all of them, so that nothing typed is lost on the way between them.

use std::collections::BTreeMap;

use remit_access::{Action, Class, Label};
use remit_kernel::{
    case::{Case, Item, Media, Visibility},
    command::{AnswerIn, JudgementIn},
    form::{Answer, Evidence, Form, Judgement, QuestionKey, QuestionKind},
    id::{Id as _, ItemId, Suffix, TextId},
    panel::Panel,
    quote::{self, cut},
    refusal::{Reason, Refusal, code},
    text::{NewText, TextRef},
};
use serde::{Deserialize, Deserializer, Serialize};

use super::look::{ERASED, Look};
use crate::error::Result;

/// Code points shown before and after a match, so that a person can tell two of them apart.
const CONTEXT_CHARS: u32 = 60;

/// A judgement as it is being written: nothing is checked yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Written {
    /// Answers by question: the key of an option or step, keys of several options apart by spaces, a number with a point,
    /// or words. A program may send several keys as a list and a number as a number.
    #[serde(deserialize_with = "words_by_question")]
    pub answers: BTreeMap<QuestionKey, String>,
    /// Cited passages by question; for a question that asks for passages, they are the answer.
    #[schema(value_type = BTreeMap<String, Vec<CitedPassage>>)]
    pub evidence: BTreeMap<QuestionKey, Vec<Evidence>>,
    /// Pasted quotes by question whose place has not been found yet.
    pub quotes: BTreeMap<QuestionKey, String>,
    /// The reasons.
    pub rationale: String,
    /// Confidence in percent, as typed.
    #[serde(deserialize_with = "digits_or_number")]
    pub confidence: String,
}

/// A cited passage as the document of the API shows it: places in code points, the end not included.
#[derive(utoipa::ToSchema)]
#[schema(as = Evidence)]
#[expect(dead_code, reason = "stands for the kernel's type, which knows nothing of documents")]
pub(crate) struct CitedPassage {
    /// The item.
    item: String,
    /// Its version, from 1.
    version: u32,
    /// Where it begins.
    start: u32,
    /// Where it ends.
    end: u32,
}

/// A document of a case as laid before one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Paper {
    /// The item.
    #[schema(value_type = String)]
    pub item: ItemId,
    /// Its version, from 1.
    pub version: u32,
    /// Name.
    pub name: String,
    /// What it is.
    #[schema(value_type = String)]
    pub media: Media,
    /// The text of a text document; empty for drawings and links, which have addresses of their own.
    pub body: String,
    /// Whether a judgement may cite it.
    pub citable: bool,
}

/// A passage with what stands around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Passage {
    /// Where it stands.
    #[schema(value_type = CitedPassage)]
    pub at: Evidence,
    /// Name of the document.
    pub name: String,
    /// Text before it.
    pub before: String,
    /// The passage itself.
    pub quote: String,
    /// Text after it.
    pub after: String,
}

/// What became of the pasted quotes.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// Quotes that stand in several places: which is meant?
    pub(crate) choices: BTreeMap<QuestionKey, Vec<Passage>>,
    /// Quotes that stand nowhere, or in several places.
    pub(crate) reasons: Vec<Reason>,
}

impl Written {
    /// Returns what a form sent. Fields: `a.KEY` an answer, `m.KEY` one of several picks, `e.KEY` a passage (as `address` writes it), `q.KEY` a
    /// pasted quote, `rationale`, `confidence`; others are not ours. What cannot be read as a passage is left out.
    pub fn from_fields(fields: &[(String, String)]) -> Self {
        let mut written = Self::default();
        for (name, value) in fields {
            let value = value.replace("\r\n", "\n");
            match name.split_once('.') {
                Some(("a", key)) if !value.is_empty() => drop(written.answers.insert(key.to_owned(), value)),
                Some(("m", key)) if !value.is_empty() => {
                    let picks = written.answers.entry(key.to_owned()).or_default();
                    if !picks.is_empty() {
                        picks.push(' ');
                    }
                    picks.push_str(&value);
                }
                Some(("e", key)) => {
                    let cited = written.evidence.entry(key.to_owned()).or_default();
                    cited.extend(passage(&value).filter(|span| !cited.contains(span)));
                }
                Some(("q", key)) if !value.trim().is_empty() => drop(written.quotes.insert(key.to_owned(), value)),
                None if name == "rationale" => written.rationale = value,
                None if name == "confidence" => value.trim().clone_into(&mut written.confidence),
                Some(_) | None => {}
            }
        }
        written.evidence.retain(|_, spans| !spans.is_empty());
        written
    }

    /// Returns a sealed judgement in the shape in which it was written.
    pub(crate) fn of(judgement: &Judgement, text: impl Fn(TextRef) -> String) -> Self {
        let mut written = Self { evidence: judgement.evidence.clone(), ..Self::default() };
        for (key, answer) in &judgement.answers {
            match answer {
                Answer::Text(words) => drop(written.answers.insert(key.clone(), text(*words))),
                Answer::Span(spans) => drop(written.evidence.insert(key.clone(), spans.clone())),
                Answer::Choice(_) | Answer::Grade(_) | Answer::Multi(_) | Answer::Number(_) => {
                    written.answers.extend(answer.word().map(|word| (key.clone(), word)));
                }
            }
        }
        written.rationale = judgement.rationale.map(text).unwrap_or_default();
        written.confidence = judgement.confidence.map(|percent| percent.to_string()).unwrap_or_default();
        written
    }

    /// Finds the pasted quotes in the documents: one place is cited at once, several are asked about, none is told.
    pub(crate) fn resolve(&mut self, papers: &[Paper]) -> Resolved {
        let mut resolved = Resolved::default();
        for (key, quote) in std::mem::take(&mut self.quotes) {
            let found = find(papers, &quote);
            let cited = self.evidence.entry(key.clone()).or_default();
            if found.iter().any(|place| cited.contains(&place.at)) {
                continue;
            }
            match found.as_slice() {
                [only] => {
                    cited.push(only.at);
                    continue;
                }
                [] => resolved.reasons.push(
                    Reason::field(code::QUOTE_NOT_FOUND, &key, "the pasted passage stands in none of the documents")
                        .hint("Copy it from the document letter by letter; what you pasted is kept."),
                ),
                several => resolved.reasons.push(
                    Reason::field(
                        code::QUOTE_AMBIGUOUS,
                        &key,
                        format!("the pasted passage stands in {} places", several.len()),
                    )
                    .hint("Choose the place you mean, or paste a longer passage."),
                ),
            }
            if found.len() > 1 {
                resolved.choices.insert(key.clone(), found);
            }
            self.quotes.insert(key, quote);
        }
        self.evidence.retain(|_, spans| !spans.is_empty());
        resolved
    }

    /// Returns the judgement for the kernel, which checks it against the form.
    ///
    /// # Errors
    /// A field reason for each number that is none.
    pub(crate) fn judgement(&self, form: &Form) -> std::result::Result<JudgementIn, Refusal> {
        let asks = |key: &str| form.question(key).map(|question| &question.kind);
        let mut given = JudgementIn::default();
        let mut reasons = Vec::new();
        for (key, answer) in self.answers.iter().filter(|(_, answer)| !answer.trim().is_empty()) {
            match asks(key).and_then(|kind| AnswerIn::read(kind, answer)) {
                Some(answer) => drop(given.answers.insert(key.clone(), answer)),
                None if matches!(asks(key), Some(QuestionKind::Number { .. })) => {
                    let typed: String = answer.chars().take(40).collect();
                    reasons.push(
                        Reason::field(code::NUMBER_RANGE, key, format!("`{typed}` is not a number"))
                            .hint("Write digits with a point before the decimals, such as 12.5."),
                    );
                }
                // What the form does not ask goes on as well: the kernel says so.
                None => drop(given.answers.insert(key.clone(), AnswerIn::Choice(answer.clone()))),
            }
        }
        for (key, spans) in &self.evidence {
            if matches!(asks(key), Some(QuestionKind::Span { .. })) {
                given.answers.insert(key.clone(), AnswerIn::Span(spans.clone()));
            } else {
                given.evidence.insert(key.clone(), spans.clone());
            }
        }
        given.rationale = Some(self.rationale.clone()).filter(|body| !body.trim().is_empty());
        if !self.confidence.is_empty() {
            given.confidence = self.confidence.parse().ok();
            if given.confidence.is_none() {
                reasons.push(
                    Reason::field(code::CONFIDENCE_RANGE, "confidence", "the confidence is not a whole number")
                        .hint("Give a whole number from 0 to 100."),
                );
            }
        }
        Refusal::unless_empty(reasons)?;
        Ok(given)
    }

    /// Returns what the kernel would refuse now, so that it can be said before anything is sealed.
    pub(crate) fn unfinished(&self, form: &Form, papers: &[Paper]) -> Vec<Reason> {
        let given = match self.judgement(form) {
            Ok(given) => given,
            Err(refusal) => return refusal.reasons,
        };
        let text = |body: &str| NewText::new(TextId::of(Suffix::new(0, [0; 10])), [0; 32], body.to_owned()).text;
        let mut judgement =
            Judgement { evidence: given.evidence, confidence: given.confidence, ..Judgement::default() };
        judgement.rationale = given.rationale.as_deref().map(text);
        judgement.answers =
            given.answers.into_iter().filter_map(|(key, answer)| Some((key, answer.kept(text)?))).collect();
        let chars = |paper: &Paper| u32::try_from(paper.body.chars().count()).unwrap_or(u32::MAX);
        let citable = papers
            .iter()
            .filter(|paper| paper.citable)
            .map(|paper| ((paper.item, paper.version), chars(paper)))
            .collect();
        form.check(&judgement, &citable, false).err().map(|refusal| refusal.reasons).unwrap_or_default()
    }

    /// Finds the quotes and returns the judgement for the kernel.
    ///
    /// # Errors
    /// Every quote without its one place, every field that cannot be read.
    pub(crate) fn complete(
        &mut self,
        form: &Form,
        papers: &[Paper],
    ) -> std::result::Result<JudgementIn, (Refusal, Resolved)> {
        let resolved = self.resolve(papers);
        match (self.judgement(form), resolved.reasons.is_empty()) {
            (Ok(given), true) => Ok(given),
            (Ok(_), false) => Err((Refusal { reasons: resolved.reasons.clone() }, resolved)),
            (Err(refusal), _) => {
                let reasons = resolved.reasons.iter().cloned().chain(refusal.reasons).collect();
                Err((Refusal { reasons }, resolved))
            }
        }
    }
}

impl Look<'_> {
    /// Returns the current documents of a case that the caller may open, in their order, and puts each on record.
    pub(crate) async fn papers(&mut self, case: &Case, panel: Option<&Panel>) -> Result<Vec<Paper>> {
        let plain = self.label(Class::Item, case, panel)?;
        self.papers_under(case, plain).await
    }

    /// As [`Self::papers`], under the label of whoever looks.
    pub(crate) async fn papers_under(&mut self, case: &Case, plain: Label) -> Result<Vec<Paper>> {
        let mut open: Vec<Item> = Vec::new();
        for item in case.current_items() {
            let visibility = match item.visibility {
                Visibility::Both => remit_access::Visibility::Both,
                Visibility::Client => remit_access::Visibility::Client,
                Visibility::Provider => remit_access::Visibility::Provider,
            };
            let label = Label { visibility, ..plain.clone() };
            open.extend(self.open(Action::ViewItem, &label, item.clone()).map(remit_access::Authorized::into_inner));
        }
        let wanted =
            |item: &Item| std::iter::once(item.name.id).chain((item.media == Media::Text).then_some(item.body.id));
        let texts: Vec<TextId> = open.iter().flat_map(wanted).collect();
        let texts = self.texts(&texts).await?;
        let text = |id| texts.get(&id).cloned().unwrap_or_else(|| ERASED.to_owned());
        let citable = case.citable();
        for item in open.iter().filter(|item| item.media == Media::Text) {
            self.saw(
                Action::ViewItem,
                format!("{}@{}", item.item, item.version),
                Some(case.case),
                Some(item.body.commitment),
            );
        }
        Ok(open
            .into_iter()
            .map(|item| Paper {
                item: item.item,
                version: item.version,
                name: text(item.name.id),
                media: item.media,
                body: if item.media == Media::Text { text(item.body.id) } else { String::new() },
                citable: citable.contains_key(&(item.item, item.version)),
            })
            .collect())
    }

    /// Returns sealed judgements in the shape in which they were written. Only for judgements whose label was admitted.
    pub(crate) async fn written(&self, judgements: &[&Judgement]) -> Result<Vec<Written>> {
        let words = |judgement: &&Judgement| {
            let answers = judgement
                .answers
                .values()
                .filter_map(|answer| if let Answer::Text(text) = answer { Some(text.id) } else { None });
            answers.chain(judgement.rationale.map(|text| text.id)).collect::<Vec<_>>()
        };
        let texts: Vec<_> = judgements.iter().flat_map(words).collect();
        let texts = self.texts(&texts).await?;
        let text = |text: TextRef| texts.get(&text.id).cloned().unwrap_or_else(|| ERASED.to_owned());
        Ok(judgements.iter().map(|judgement| Written::of(judgement, text)).collect())
    }
}

/// Returns every place where a quote stands in the citable documents, in document order.
pub(crate) fn find(papers: &[Paper], quote: &str) -> Vec<Passage> {
    let places = papers.iter().filter(|paper| paper.citable).flat_map(|paper| {
        let place = |found: quote::Match| Evidence {
            item: paper.item,
            version: paper.version,
            start: found.start,
            end: found.end,
        };
        quote::find(&paper.body, quote).into_iter().map(place)
    });
    places.take(quote::MATCHES_MAX).filter_map(|at| cite(papers, at)).collect()
}

/// Returns a passage with what stands around it; none if its document is not among these.
pub(crate) fn cite(papers: &[Paper], at: Evidence) -> Option<Passage> {
    let paper = papers.iter().find(|paper| paper.item == at.item && paper.version == at.version)?;
    Some(Passage {
        at,
        name: paper.name.clone(),
        before: cut(&paper.body, at.start.saturating_sub(CONTEXT_CHARS), at.start).to_owned(),
        quote: cut(&paper.body, at.start, at.end).to_owned(),
        after: cut(&paper.body, at.end, at.end.saturating_add(CONTEXT_CHARS)).to_owned(),
    })
}

/// Returns a passage as it stands in a form: `ITEM:VERSION:START:END`.
pub(crate) fn address(span: &Evidence) -> String {
    format!("{}:{}:{}:{}", span.item, span.version, span.start, span.end)
}

fn passage(address: &str) -> Option<Evidence> {
    let mut parts = address.split(':');
    let (item, version) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let (start, end) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(Evidence { item, version, start, end })
}

/// Reads answers that a program sends as words, lists or numbers, and a draft keeps as they were typed.
fn words_by_question<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<BTreeMap<QuestionKey, String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Words(String),
        Picks(Vec<String>),
        Number(serde_json::Number),
    }
    let given = BTreeMap::<QuestionKey, Given>::deserialize(deserializer)?;
    let words = |(key, given)| match given {
        Given::Words(words) => (key, words),
        Given::Picks(picks) => (key, picks.join(" ")),
        Given::Number(number) => (key, number.to_string()),
    };
    Ok(given.into_iter().map(words).collect())
}

/// Reads a confidence that a program sends as a number and a draft keeps as it was typed.
fn digits_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Typed {
        Number(u32),
        Text(String),
    }
    let typed = Option::<Typed>::deserialize(deserializer)?;
    Ok(typed.map_or_else(String::new, |typed| match typed {
        Typed::Number(number) => number.to_string(),
        Typed::Text(text) => text,
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;

    fn paper(body: &str) -> Paper {
        let item = ItemId::of(Suffix::new(1, [0; 10]));
        Paper { item, version: 1, name: "Report".into(), media: Media::Text, body: body.into(), citable: true }
    }

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_quote_with_one_place_is_cited_and_one_with_two_is_asked_about() {
        let papers = [paper("It fell. It rose. It rose.")];
        let mut written =
            Written::from_fields(&fields(&[("q.one", "It fell."), ("q.two", "It rose."), ("q.none", "It stood.")]));
        let resolved = written.resolve(&papers);
        assert_eq!(written.evidence["one"][0].end, 8);
        assert_eq!(resolved.choices["two"].len(), 2);
        let codes: Vec<_> =
            resolved.reasons.iter().map(|reason| (reason.subject.as_str(), reason.code.as_ref())).collect();
        assert_eq!(codes, [("none", code::QUOTE_NOT_FOUND), ("two", code::QUOTE_AMBIGUOUS)]);
        assert_eq!(written.quotes.len(), 2, "what was pasted is kept");

        let chosen = address(&resolved.choices["two"][1].at);
        let mut again = Written::from_fields(&fields(&[("q.two", "It rose."), ("e.two", &chosen)]));
        assert!(again.resolve(&papers).reasons.is_empty());
        assert_eq!((again.evidence["two"][0].start, again.quotes.len()), (18, 0));
    }

    #[test]
    fn what_cannot_be_a_passage_is_left_out_and_what_was_typed_stays() {
        let written = Written::from_fields(&fields(&[
            ("e.one", "nonsense:1:2"),
            ("confidence", " 8x "),
            ("rationale", "a\r\nb"),
        ]));
        assert!(written.evidence.is_empty());
        assert_eq!((written.confidence.as_str(), written.rationale.as_str()), ("8x", "a\nb"));
        let back: Written = serde_json::from_str(&serde_json::to_string(&written).unwrap()).unwrap();
        assert_eq!(back, written);
        let sent: Written =
            serde_json::from_str(r#"{"confidence": 80, "answers": {"a": "b", "c": ["d", "e"], "f": 12.50}}"#).unwrap();
        assert_eq!(sent.confidence, "80");
        assert_eq!(sent.answers.values().collect::<Vec<_>>(), ["b", "d e", "12.5"]);
        let picked = Written::from_fields(&fields(&[("m.c", "d"), ("m.c", "e"), ("a.b", "x"), ("a.b", "y")]));
        assert_eq!(picked.answers.values().collect::<Vec<_>>(), ["y", "d e"]);
    }
}
