//! The form of a judgement on a page: used wherever somebody answers a pack's questions. Nothing is ever preselected.

use askama::Template;
use remit_kernel::{
    case::Media,
    form::{Evidence, EvidenceRule, Form, Need, Question, QuestionKind},
    id::{CaseId, EngagementId},
    refusal::Reason,
};

use super::{
    Told,
    document::{Document, Highlight, blocks},
};
use crate::app::judgement::{Paper, Passage, Resolved, Written, address, cite};

/// Keys that the desk keeps for itself; an option or step whose letter is one of them is picked by its digit.
const DESK_KEYS: [&str; 3] = ["e", "r", "h"];

/// The form as shown. Place it with `{{ sheet|safe }}` inside a `<form>`.
#[derive(Debug, Template)]
#[template(path = "part/judgement.html")]
pub(crate) struct Sheet {
    pub(crate) questions: Vec<Asked>,
    pub(crate) rationale: Option<Prose>,
    pub(crate) confidence: Option<Prose>,
    /// Whether it can no longer be changed.
    pub(crate) sealed: bool,
}

/// One question as shown.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) number: usize,
    pub(crate) key: String,
    pub(crate) title: String,
    pub(crate) help: String,
    pub(crate) required: bool,
    pub(crate) kind: &'static str,
    pub(crate) options: Vec<Offered>,
    /// Words typed for a text question, or what was typed for a number.
    pub(crate) words: String,
    /// The answer in words; empty if there is none.
    pub(crate) said: String,
    /// How many are picked, or what numbers are taken, in words; may be empty.
    pub(crate) takes: String,
    /// Unit of a number; may be empty.
    pub(crate) unit: String,
    /// Whether passages may be cited for it, or are its answer.
    pub(crate) cites: bool,
    /// When a passage is needed, in words.
    pub(crate) needed: String,
    /// Answers that stand without a passage, apart by spaces; for the island.
    pub(crate) unless: String,
    /// Whether a passage must be cited, apart from those answers.
    pub(crate) must_cite: bool,
    pub(crate) cited: Vec<Cited>,
    pub(crate) pasted: String,
    pub(crate) choices: Vec<Cited>,
    pub(crate) told: Vec<Told>,
}

/// One option of a choice as shown.
#[derive(Debug)]
pub(crate) struct Offered {
    pub(crate) key: String,
    pub(crate) title: String,
    /// The key that picks it.
    pub(crate) cap: String,
    pub(crate) chosen: bool,
}

/// A cited passage as shown.
#[derive(Debug)]
pub(crate) struct Cited {
    /// As it stands in the form.
    pub(crate) address: String,
    /// Where it is marked in the document.
    pub(crate) anchor: String,
    pub(crate) passage: Passage,
}

/// A field of words beside the questions.
#[derive(Debug)]
pub(crate) struct Prose {
    pub(crate) required: bool,
    pub(crate) value: String,
    pub(crate) told: Vec<Told>,
}

impl Sheet {
    /// Returns the form with what was written, what is asked about quotes, and the reasons beside their fields.
    /// Reasons about no field of the form stay in `reasons`.
    pub(crate) fn new(
        form: &Form,
        written: &Written,
        papers: &[Paper],
        resolved: &Resolved,
        reasons: &mut Vec<Reason>,
    ) -> Self {
        let mut beside = |subject: &str| {
            let (here, rest) = std::mem::take(reasons).into_iter().partition(|reason| reason.subject == subject);
            *reasons = rest;
            let here: Vec<Reason> = here;
            here.into_iter().map(Told::of).collect::<Vec<_>>()
        };
        let questions = (1..).zip(&form.questions).map(|(number, question)| {
            let choices = resolved.choices.get(&question.key).map_or(&[][..], Vec::as_slice);
            Asked::new(number, question, written, papers, choices, beside(&question.key))
        });
        let questions = questions.collect();
        let mut prose = |need: Need, name: &str, value: &str| match need {
            Need::Absent => None,
            Need::Required | Need::Optional => {
                Some(Prose { required: need == Need::Required, value: value.to_owned(), told: beside(name) })
            }
        };
        let rationale = prose(form.rationale, "rationale", &written.rationale);
        let confidence = prose(form.confidence, "confidence", &written.confidence);
        Self { questions, rationale, confidence, sealed: false }
    }

    /// Returns the answer to a question in words; empty if there is none.
    pub(crate) fn answer(&self, key: &str) -> String {
        self.questions.iter().find(|question| question.key == key).map(Asked::answer).unwrap_or_default()
    }

    /// Returns what would be sealed, question by question, in one line.
    pub(crate) fn line(&self) -> String {
        let mut parts: Vec<String> = self.questions.iter().map(Asked::line).collect();
        if let Some(rationale) = &self.rationale {
            let chars = rationale.value.trim().chars().count();
            parts.push(if chars == 0 { "no rationale".to_owned() } else { format!("rationale of {chars} characters") });
        }
        if let Some(confidence) = self.confidence.as_ref().filter(|confidence| !confidence.value.is_empty()) {
            parts.push(format!("confidence {} %", confidence.value));
        }
        parts.join(" · ")
    }
}

impl Asked {
    fn new(
        number: usize,
        question: &Question,
        written: &Written,
        papers: &[Paper],
        choices: &[Passage],
        told: Vec<Told>,
    ) -> Self {
        let key = question.key.as_str();
        let answer = written.answers.get(key).cloned().unwrap_or_default();
        let options = question.kind.options();
        let several = matches!(question.kind, QuestionKind::Multi { .. });
        let picked = |option: &str| {
            if several { answer.split_whitespace().any(|pick| pick == option) } else { answer == option }
        };
        let offered = (1..).zip(options).map(|(digit, option)| Offered {
            key: option.key.clone(),
            title: option.title.clone(),
            cap: if option.shortcut.is_empty() || DESK_KEYS.contains(&option.shortcut.as_str()) {
                format!("{digit}")
            } else {
                option.shortcut.clone()
            },
            chosen: picked(&option.key),
        });
        let spans = written.evidence.get(key).map_or(&[][..], Vec::as_slice);
        let titled = |wanted: &[String]| {
            let titles = options
                .iter()
                .filter(|option| wanted.contains(&option.key))
                .map(|option| format!("“{}”", option.title));
            titles.collect::<Vec<_>>().join(" or ")
        };
        let (cites, must_cite, needed, unless) = match (&question.kind, &question.evidence) {
            (QuestionKind::Span { .. }, _) => (true, question.required, String::new(), String::new()),
            (_, EvidenceRule::None) => (false, false, String::new(), String::new()),
            (_, EvidenceRule::Optional) => (true, false, "may be cited".to_owned(), String::new()),
            (_, EvidenceRule::Required { unless }) if unless.is_empty() => {
                (true, true, "must be cited".to_owned(), String::new())
            }
            (_, EvidenceRule::Required { unless }) => {
                (true, true, format!("must be cited, except for {}", titled(unless)), unless.join(" "))
            }
        };
        Self {
            number,
            key: key.to_owned(),
            title: question.title.clone(),
            help: question.help.clone(),
            required: question.required,
            kind: question.kind.word(),
            options: offered.collect(),
            said: said(question, &answer),
            takes: takes(&question.kind),
            unit: unit(&question.kind),
            words: if question.kind.options().is_empty() { answer } else { String::new() },
            cites,
            needed,
            unless,
            must_cite,
            cited: anchored(key, spans, papers),
            pasted: written.quotes.get(key).cloned().unwrap_or_default(),
            choices: choices
                .iter()
                .map(|passage| Cited { address: address(&passage.at), anchor: String::new(), passage: passage.clone() })
                .collect(),
            told,
        }
    }

    /// Returns the answer in words; empty if there is none.
    pub(crate) fn answer(&self) -> String {
        self.said.clone()
    }

    /// Returns whether one of several is picked.
    pub(crate) fn one(&self) -> bool {
        matches!(self.kind, "choice" | "grade")
    }

    fn line(&self) -> String {
        let answer = self.answer();
        let passages = match self.cited.len() {
            0 => String::new(),
            1 => "1 passage".to_owned(),
            many => format!("{many} passages"),
        };
        match (answer.is_empty(), passages.is_empty()) {
            (true, true) => format!("{}: no answer", self.title),
            (true, false) => format!("{}: {passages}", self.title),
            (false, true) => format!("{}: {answer}", self.title),
            (false, false) => format!("{}: {answer}, {passages}", self.title),
        }
    }
}

/// Returns what was written in answer to a question, in words.
fn said(question: &Question, answer: &str) -> String {
    let read = Some(answer).filter(|answer| !answer.trim().is_empty()).and_then(|answer| question.kind.read(answer));
    read.and_then(|answer| question.words(&answer)).unwrap_or_else(|| answer.trim().to_owned())
}

/// Returns how much a question takes, in words; empty where the options say it.
fn takes(kind: &QuestionKind) -> String {
    match kind {
        QuestionKind::Multi { picks_min, picks_max, .. } if picks_min == picks_max => format!("pick {picks_min}"),
        QuestionKind::Multi { picks_min, picks_max, .. } => format!("pick {picks_min} to {picks_max}"),
        QuestionKind::Number { min, max, places: 0, .. } => format!("a whole number from {min} to {max}"),
        QuestionKind::Number { min, max, places: 1, .. } => format!("{min} to {max}, with at most 1 decimal"),
        QuestionKind::Number { min, max, places, .. } => format!("{min} to {max}, with at most {places} decimals"),
        QuestionKind::Choice { .. }
        | QuestionKind::Grade { .. }
        | QuestionKind::Span { .. }
        | QuestionKind::Text { .. } => String::new(),
    }
}

fn unit(kind: &QuestionKind) -> String {
    if let QuestionKind::Number { unit, .. } = kind { unit.clone() } else { String::new() }
}

/// Returns passages as shown, each with the place where it is marked.
pub(crate) fn anchored(key: &str, spans: &[Evidence], papers: &[Paper]) -> Vec<Cited> {
    let shown = |(place, span): (usize, &Evidence)| {
        Some(Cited { address: address(span), anchor: anchor(key, place), passage: cite(papers, *span)? })
    };
    spans.iter().enumerate().filter_map(shown).collect()
}

fn anchor(key: &str, place: usize) -> String {
    format!("cite-{key}-{place}")
}

/// A document on a page where somebody judges.
#[derive(Debug)]
pub(crate) struct Sheaf {
    pub(crate) name: String,
    pub(crate) id: String,
    /// Where a drawing or link is found.
    pub(crate) address: String,
    pub(crate) media: Media,
    /// The text of a text document.
    pub(crate) text: Option<Document>,
}

/// Returns the documents with passages marked, each as: key for its anchor, what cites it, the passages.
pub(crate) fn sheaves(
    engagement: EngagementId,
    case: CaseId,
    papers: &[Paper],
    marks: &[(String, String, Vec<Evidence>)],
) -> Vec<Sheaf> {
    let sheaf = |(number, paper): (usize, &Paper)| {
        let mut highlights = Vec::new();
        for (key, title, spans) in marks {
            for (place, span) in
                spans.iter().enumerate().filter(|(_, span)| span.item == paper.item && span.version == paper.version)
            {
                highlights.push(Highlight {
                    id: anchor(key, place),
                    start: span.start,
                    end: span.end,
                    title: title.clone(),
                });
            }
        }
        let text = (paper.media == Media::Text).then(|| Document {
            id: format!("text-{number}"),
            item: paper.item.to_string(),
            version: paper.version,
            label: paper.name.clone(),
            blocks: blocks(&paper.body, &highlights),
        });
        Sheaf {
            name: paper.name.clone(),
            id: format!("paper-{number}"),
            address: format!("/e/{engagement}/cases/{case}/items/{}/{}", paper.item, paper.version),
            media: paper.media,
            text,
        }
    };
    (1..).zip(papers).map(sheaf).collect()
}

/// Returns the marks of what one person has written.
pub(crate) fn own_marks(form: &Form, written: &Written) -> Vec<(String, String, Vec<Evidence>)> {
    let title = |key: &str| {
        form.question(key).map_or_else(String::new, |question| format!("You cite this for: {}", question.title))
    };
    written.evidence.iter().map(|(key, spans)| (key.clone(), title(key), spans.clone())).collect()
}
