//! The judgement form of a pack, and the check of answers against it.
//!
//! A form is a list of questions. Only questions marked `decides` can put two readers in dispute.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    decimal::{Decimal, PLACES_MAX},
    id::ItemId,
    refusal::{Reason, Refusal, code},
    text::TextRef,
};

/// Longest text answer, rationale or comment, in code points.
pub const TEXT_CHARS_MAX: u32 = 20_000;
/// Most evidence spans under one question.
pub const EVIDENCE_MAX: usize = 20;
/// Most questions in a form.
pub const QUESTIONS_MAX: usize = 200;

/// The whole, where a share is in hundredths of a percent.
const SHARE_WHOLE: i128 = 10_000;

/// Key of a question within its form: lower-case letters, digits, `_`.
pub type QuestionKey = String;
/// Key of an option within its question.
pub type OptionKey = String;

/// A judgement form, as read from `form.json` of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// The questions in the order they are asked.
    pub questions: Vec<Question>,
    /// Whether the judgement as a whole needs a rationale.
    pub rationale: Need,
    /// Whether the reader states a confidence in percent.
    pub confidence: Need,
}

/// Whether a part of the form must, may or must not be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// The judgement is incomplete without it.
    Required,
    /// It may be left out.
    Optional,
    /// It is not asked.
    Absent,
}

/// One question of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Key within the form.
    pub key: QuestionKey,
    /// The question as the reader sees it.
    pub title: String,
    /// One or two sentences of guidance; may be empty.
    pub help: String,
    /// What kind of answer it takes.
    pub kind: QuestionKind,
    /// Whether an answer is required.
    pub required: bool,
    /// Whether unlike answers put the panel in dispute.
    pub decides: bool,
    /// Whether the answer needs a cited span, and under which answers.
    pub evidence: EvidenceRule,
}

/// The kinds of question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum QuestionKind {
    /// One of a closed list.
    Choice {
        /// The options in the order shown; at most nine, so that each has a digit key.
        options: Vec<Choice>,
    },
    /// One step of an ordered scale.
    Grade {
        /// The steps from the lowest to the highest; at most nine, so that each has a digit key.
        steps: Vec<Choice>,
        /// How many steps two answers may lie apart and still count as the same.
        tolerance: u8,
    },
    /// Any of a closed list, at least one.
    Multi {
        /// The options in the order shown; at most nine, so that each has a digit key.
        options: Vec<Choice>,
        /// Fewest options picked.
        picks_min: u8,
        /// Most options picked.
        picks_max: u8,
        /// What two answers must have in common to count as the same, in percent of the options that either picked;
        /// 100: they pick the same.
        common_min: u8,
    },
    /// An exact number.
    Number {
        /// Unit such as `mm`; may be empty.
        unit: String,
        /// Least number taken.
        min: Decimal,
        /// Greatest number taken.
        max: Decimal,
        /// Decimal places, 0 to 6.
        places: u8,
        /// How far two answers may lie apart and still count as the same.
        tolerance: Decimal,
        /// The same as a share of the greater of the two, in hundredths of a percent. Either will do.
        tolerance_share: u16,
    },
    /// One or more passages of the documents.
    Span {
        /// Fewest passages.
        spans_min: u32,
        /// Most passages.
        spans_max: u32,
    },
    /// Words of the reader's own.
    Text {
        /// Longest answer in code points.
        chars_max: u32,
    },
}

/// One option of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Key within the question.
    pub key: OptionKey,
    /// The option as the reader sees it.
    pub title: String,
    /// The single key that picks it at the desk (`y`, `n`, `1` ...).
    pub shortcut: String,
}

/// When a question needs cited evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "evidence", rename_all = "snake_case")]
pub enum EvidenceRule {
    /// Never asked.
    None,
    /// May be cited.
    Optional,
    /// Must be cited, except under the answers listed.
    Required {
        /// Answers that stand without evidence.
        unless: Vec<OptionKey>,
    },
}

/// One answer to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The key of the chosen option.
    Choice(OptionKey),
    /// The key of the step.
    Grade(OptionKey),
    /// The keys of the options picked.
    Multi(BTreeSet<OptionKey>),
    /// The number.
    Number(Decimal),
    /// The passages, in document order.
    Span(Vec<Evidence>),
    /// The reader's words.
    Text(TextRef),
}

/// A passage of one version of one item. The quote itself is cut from the item when it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Evidence {
    /// The item cited.
    pub item: ItemId,
    /// Its version, from 1.
    pub version: u32,
    /// First code point, from 0.
    pub start: u32,
    /// One past the last code point.
    pub end: u32,
}

/// A structured decision: answers, cited evidence, rationale, confidence.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Judgement {
    /// Answers by question.
    pub answers: BTreeMap<QuestionKey, Answer>,
    /// Passages cited for an answer, by question.
    pub evidence: BTreeMap<QuestionKey, Vec<Evidence>>,
    /// The reasons in the reader's words.
    pub rationale: Option<TextRef>,
    /// Confidence in percent, 0 to 100.
    pub confidence: Option<u8>,
}

/// The items a judgement may cite: latest version and length in code points.
pub type Citable = BTreeMap<(ItemId, u32), u32>;

impl Form {
    /// Returns the question with this key.
    pub fn question(&self, key: &str) -> Option<&Question> {
        self.questions.iter().find(|question| question.key == key)
    }

    /// Checks a judgement against the form.
    ///
    /// `imported` judgements are taken as the file gives them: known questions and options and spans inside their
    /// document are still required, completeness is not.
    ///
    /// # Errors
    /// One [`Reason`] for each field that needs correction, all at once.
    pub fn check(&self, judgement: &Judgement, citable: &Citable, imported: bool) -> Result<(), Refusal> {
        let mut reasons = Vec::new();
        for key in judgement.answers.keys().chain(judgement.evidence.keys()) {
            if self.question(key).is_none() {
                reasons.push(
                    Reason::field(code::QUESTION_UNKNOWN, key, "this question is not part of the form").hint(
                        "Use the question keys of the case's form; the pack may have changed since you loaded it.",
                    ),
                );
            }
        }
        for question in &self.questions {
            question.check(judgement, citable, imported, &mut reasons);
        }
        self.check_whole(judgement, imported, &mut reasons);
        Refusal::unless_empty(reasons)
    }

    fn check_whole(&self, judgement: &Judgement, imported: bool, reasons: &mut Vec<Reason>) {
        match (self.rationale, judgement.rationale) {
            (Need::Required, None) if !imported => reasons.push(
                Reason::field(code::RATIONALE_MISSING, "rationale", "the rationale is missing")
                    .hint("Say in a sentence or two why the evidence leads to this answer."),
            ),
            (Need::Required | Need::Optional | Need::Absent, Some(text)) if text.chars > TEXT_CHARS_MAX => reasons
                .push(
                    Reason::field(
                        code::TEXT_TOO_LONG,
                        "rationale",
                        format!("the rationale has {} characters, the limit is {TEXT_CHARS_MAX}", text.chars),
                    )
                    .hint("Shorten it, or cite the passage instead of copying it."),
                ),
            _ => {}
        }
        match (self.confidence, judgement.confidence) {
            (Need::Required, None) if !imported => reasons.push(
                Reason::field(code::CONFIDENCE_MISSING, "confidence", "the confidence is missing")
                    .hint("State how sure you are, in percent from 0 to 100."),
            ),
            (_, Some(101..)) => reasons.push(
                Reason::field(code::CONFIDENCE_RANGE, "confidence", "the confidence is above 100 %")
                    .hint("Give a whole number from 0 to 100."),
            ),
            _ => {}
        }
    }

    /// Returns the keys of the questions that can put two readers in dispute.
    pub fn deciding(&self) -> impl Iterator<Item = &Question> {
        self.questions.iter().filter(|question| question.decides)
    }

    /// Returns the deciding questions that no estimate of a wrong answer takes in: they are compared, each with its tolerance.
    pub fn compared_alone(&self) -> impl Iterator<Item = &Question> {
        self.deciding().filter(|question| !question.kind.has_classes())
    }
}

impl Question {
    fn check(&self, judgement: &Judgement, citable: &Citable, imported: bool, reasons: &mut Vec<Reason>) {
        let key = self.key.as_str();
        let answer = judgement.answers.get(key);
        if answer.is_none() && self.required && !imported {
            reasons.push(
                Reason::field(code::ANSWER_MISSING, key, format!("`{}` has no answer", self.title))
                    .hint("Answer every required question before sealing."),
            );
        }
        if let Some(answer) = answer {
            self.check_answer(answer, citable, reasons);
        }
        let cited = judgement.evidence.get(key).map_or(&[][..], Vec::as_slice);
        if cited.len() > EVIDENCE_MAX {
            reasons.push(
                Reason::field(
                    code::EVIDENCE_TOO_MANY,
                    key,
                    format!("{} passages are cited, the limit is {EVIDENCE_MAX}", cited.len()),
                )
                .hint("Keep the passages that carry the answer."),
            );
        }
        for span in cited {
            check_span(key, *span, citable, reasons);
        }
        if let (EvidenceRule::Required { unless }, Some(answer), false) = (&self.evidence, answer, imported) {
            let excused = match answer {
                Answer::Choice(option) | Answer::Grade(option) => unless.contains(option),
                Answer::Multi(picks) => picks.iter().all(|pick| unless.contains(pick)),
                Answer::Number(_) | Answer::Span(_) | Answer::Text(_) => false,
            };
            if cited.is_empty() && !excused {
                reasons.push(
                    Reason::field(
                        code::EVIDENCE_MISSING,
                        key,
                        format!("the answer to `{}` cites no evidence", self.title),
                    )
                    .hint("Select the passage in the document, or paste the quote."),
                );
            }
        }
    }

    fn check_answer(&self, answer: &Answer, citable: &Citable, reasons: &mut Vec<Reason>) {
        let key = self.key.as_str();
        match (&self.kind, answer) {
            (QuestionKind::Choice { .. }, Answer::Choice(option))
            | (QuestionKind::Grade { .. }, Answer::Grade(option)) => {
                reasons.extend(self.check_option(option));
            }
            (QuestionKind::Multi { picks_min, picks_max, .. }, Answer::Multi(picks)) => {
                reasons.extend(picks.iter().filter_map(|pick| self.check_option(pick)));
                let count = u8::try_from(picks.len()).unwrap_or(u8::MAX);
                if count < *picks_min || count > *picks_max {
                    reasons.push(
                        Reason::field(
                            code::PICKS_COUNT,
                            key,
                            format!("{count} options are picked, wanted are {picks_min} to {picks_max}"),
                        )
                        .hint("Pick those that apply."),
                    );
                }
            }
            (QuestionKind::Number { min, max, places, unit, .. }, Answer::Number(number)) => {
                if number < min || number > max || number.places() > *places {
                    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
                    let hint = match places {
                        0 => format!("Give a whole number from {min} to {max}{unit}."),
                        1 => format!("Give a number from {min} to {max}{unit}, with at most 1 decimal."),
                        places => format!("Give a number from {min} to {max}{unit}, with at most {places} decimals."),
                    };
                    reasons.push(
                        Reason::field(
                            code::NUMBER_RANGE,
                            key,
                            format!("`{number}` is not a number that `{}` takes", self.title),
                        )
                        .hint(hint),
                    );
                }
            }
            (QuestionKind::Span { spans_min, spans_max }, Answer::Span(spans)) => {
                let count = u32::try_from(spans.len()).unwrap_or(u32::MAX);
                if count < *spans_min || count > *spans_max {
                    reasons.push(
                        Reason::field(
                            code::SPAN_COUNT,
                            key,
                            format!("{count} passages are given, wanted are {spans_min} to {spans_max}"),
                        )
                        .hint("Select the passages in the document."),
                    );
                }
                for span in spans {
                    check_span(key, *span, citable, reasons);
                }
            }
            (QuestionKind::Text { chars_max }, Answer::Text(text)) => {
                if text.chars > *chars_max {
                    reasons.push(
                        Reason::field(
                            code::TEXT_TOO_LONG,
                            key,
                            format!("the text has {} characters, the limit is {chars_max}", text.chars),
                        )
                        .hint("Shorten it."),
                    );
                }
            }
            (kind, _) => reasons.push(
                Reason::field(code::ANSWER_KIND, key, format!("`{}` takes a {} answer", self.title, kind.word()))
                    .hint("See the form of the pack for the shape of each answer."),
            ),
        }
    }

    fn check_option(&self, option: &OptionKey) -> Option<Reason> {
        let options = self.kind.options();
        if options.iter().any(|known| known.key == *option) {
            return None;
        }
        let known: Vec<_> = options.iter().map(|option| option.key.as_str()).collect();
        let sentence = format!("`{}` is not an answer to `{}`", cut(option), self.title);
        Some(
            Reason::field(code::OPTION_UNKNOWN, &self.key, sentence)
                .hint(format!("Choose one of: {}.", known.join(", "))),
        )
    }

    /// Returns whether two answers to this question count as the same.
    ///
    /// Choices are equal by option, grades within the tolerated steps, picks by what they have in common, numbers within
    /// either tolerance. Passages are the same answer when they overlap pairwise as sets of characters at all; texts
    /// never put two readers in dispute by their wording.
    pub fn same(&self, one: Option<&Answer>, other: Option<&Answer>) -> bool {
        match (one, other) {
            (Some(Answer::Choice(one)), Some(Answer::Choice(other))) => one == other,
            (Some(Answer::Grade(one)), Some(Answer::Grade(other))) => one == other || self.near(one, other),
            (Some(Answer::Multi(one)), Some(Answer::Multi(other))) => one == other || self.alike(one, other),
            (Some(Answer::Number(one)), Some(Answer::Number(other))) => one == other || self.close(*one, *other),
            (Some(Answer::Span(one)), Some(Answer::Span(other))) => {
                one.is_empty() == other.is_empty()
                    && (one.is_empty() || one.iter().any(|a| other.iter().any(|b| a.overlaps(b))))
            }
            (Some(Answer::Text(_)), Some(Answer::Text(_))) | (None, None) => true,
            (Some(_), _) | (None, Some(_)) => false,
        }
    }

    fn near(&self, one: &str, other: &str) -> bool {
        let QuestionKind::Grade { steps, tolerance } = &self.kind else { return false };
        let place = |key: &str| steps.iter().position(|step| step.key == key);
        place(one).zip(place(other)).is_some_and(|(one, other)| one.abs_diff(other) <= usize::from(*tolerance))
    }

    fn alike(&self, one: &BTreeSet<OptionKey>, other: &BTreeSet<OptionKey>) -> bool {
        let QuestionKind::Multi { common_min, .. } = &self.kind else { return false };
        one.intersection(other).count() * 100 >= one.union(other).count() * usize::from(*common_min)
    }

    fn close(&self, one: Decimal, other: Decimal) -> bool {
        let QuestionKind::Number { tolerance, tolerance_share, .. } = &self.kind else { return false };
        let [one, other, tolerance] = [one, other, *tolerance].map(|number| number.units(PLACES_MAX));
        let apart = (one - other).abs();
        apart <= tolerance || apart * SHARE_WHOLE <= one.abs().max(other.abs()) * i128::from(*tolerance_share)
    }

    /// Returns the one answer that stands for answers that count as the same, whatever order they are given in; none
    /// if there is none.
    ///
    /// Of grades and numbers it is the median: between two middle steps the lower one, between two middle numbers the
    /// one half-way, rounded to the question's places with a half to the even digit. Of picks it is what more than half
    /// of the answers pick, if that is an answer the question takes. Of passages and texts it is the first.
    pub fn settled(&self, answers: &[&Answer]) -> Option<Answer> {
        let first = *answers.first()?;
        match (&self.kind, first) {
            (QuestionKind::Grade { steps, .. }, Answer::Grade(_)) => {
                let place = |answer: &&Answer| {
                    steps.iter().position(|step| matches!(answer, Answer::Grade(key) if step.key == *key))
                };
                let mut places: Vec<_> = answers.iter().filter_map(place).collect();
                places.sort_unstable();
                let middle = places.get(places.len().checked_sub(1)? / 2)?;
                Some(Answer::Grade(steps[*middle].key.clone()))
            }
            (QuestionKind::Number { places, .. }, Answer::Number(_)) => {
                let units = |answer: &&Answer| match answer {
                    Answer::Number(number) => Some(number.units(*places)),
                    Answer::Choice(_) | Answer::Grade(_) | Answer::Multi(_) | Answer::Span(_) | Answer::Text(_) => None,
                };
                let mut units: Vec<_> = answers.iter().filter_map(units).collect();
                units.sort_unstable();
                let (low, high) = (units.get(units.len().checked_sub(1)? / 2)?, units.get(units.len() / 2)?);
                let (half, odd) = ((low + high).div_euclid(2), (low + high).rem_euclid(2));
                let middle = if odd == 1 && half.rem_euclid(2) == 1 { half + 1 } else { half };
                Decimal::of_units(middle, *places).map(Answer::Number)
            }
            (QuestionKind::Multi { options, picks_min, picks_max, .. }, Answer::Multi(_)) => {
                let picked = |key: &str| {
                    answers
                        .iter()
                        .filter(|answer| matches!(answer, Answer::Multi(picks) if picks.contains(key)))
                        .count()
                };
                let keys = options.iter().map(|option| &option.key).filter(|key| picked(key) * 2 > answers.len());
                let picks: BTreeSet<_> = keys.cloned().collect();
                let wanted = usize::from(*picks_min)..=usize::from(*picks_max);
                wanted.contains(&picks.len()).then_some(Answer::Multi(picks))
            }
            (
                QuestionKind::Choice { .. }
                | QuestionKind::Grade { .. }
                | QuestionKind::Multi { .. }
                | QuestionKind::Number { .. }
                | QuestionKind::Span { .. }
                | QuestionKind::Text { .. },
                _,
            ) => Some(first.clone()),
        }
    }

    /// Returns an answer in words, as people read it; none for passages and texts, which have words of their own.
    pub fn words(&self, answer: &Answer) -> Option<String> {
        let title = |key: &str| {
            let known = self.kind.options().iter().find(|option| option.key == key);
            known.map_or_else(|| key.to_owned(), |option| option.title.clone())
        };
        match answer {
            Answer::Choice(key) | Answer::Grade(key) => Some(title(key)),
            Answer::Multi(picks) => {
                let options = self.kind.options();
                let place = |key: &&OptionKey| options.iter().position(|option| option.key == **key);
                let mut picks: Vec<_> = picks.iter().collect();
                picks.sort_by_key(|key| place(key).unwrap_or(usize::MAX));
                Some(picks.into_iter().map(|key| title(key)).collect::<Vec<_>>().join(", "))
            }
            Answer::Number(number) => Some(match &self.kind {
                QuestionKind::Number { unit, places, .. } if unit.is_empty() => number.shown(*places),
                QuestionKind::Number { unit, places, .. } => format!("{} {unit}", number.shown(*places)),
                QuestionKind::Choice { .. }
                | QuestionKind::Grade { .. }
                | QuestionKind::Multi { .. }
                | QuestionKind::Span { .. }
                | QuestionKind::Text { .. } => number.to_string(),
            }),
            Answer::Span(_) | Answer::Text(_) => None,
        }
    }
}

impl Answer {
    /// Returns the answer as one word of index rows, files and forms: the key of an option, keys apart by spaces, or a
    /// number; none for passages and texts. [`QuestionKind::read`] takes it back.
    pub fn word(&self) -> Option<String> {
        match self {
            Self::Choice(key) | Self::Grade(key) => Some(key.clone()),
            Self::Multi(picks) => Some(picks.iter().map(String::as_str).collect::<Vec<_>>().join(" ")),
            Self::Number(number) => Some(number.to_string()),
            Self::Span(_) | Self::Text(_) => None,
        }
    }
}

impl QuestionKind {
    /// Returns the kind's word in pack files.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Choice { .. } => "choice",
            Self::Grade { .. } => "grade",
            Self::Multi { .. } => "multi",
            Self::Number { .. } => "number",
            Self::Span { .. } => "span",
            Self::Text { .. } => "text",
        }
    }

    /// Returns the options or steps in their order; none where the list is not closed.
    pub fn options(&self) -> &[Choice] {
        match self {
            Self::Choice { options } | Self::Multi { options, .. } | Self::Grade { steps: options, .. } => options,
            Self::Number { .. } | Self::Span { .. } | Self::Text { .. } => &[],
        }
    }

    /// Returns whether answers fall into classes that can be counted.
    pub fn has_classes(&self) -> bool {
        !self.options().is_empty()
    }

    /// Returns the answer that a word stands for, as [`Answer::word`] writes it; none if this kind takes no such word.
    /// Whether the form knows it is judged by [`Form::check`].
    pub fn read(&self, word: &str) -> Option<Answer> {
        match self {
            Self::Choice { .. } => Some(Answer::Choice(word.to_owned())),
            Self::Grade { .. } => Some(Answer::Grade(word.to_owned())),
            Self::Multi { .. } => Some(Answer::Multi(word.split_whitespace().map(str::to_owned).collect())),
            Self::Number { .. } => word.trim().parse().ok().map(Answer::Number),
            Self::Span { .. } | Self::Text { .. } => None,
        }
    }
}

impl Evidence {
    /// Returns whether two passages share a character.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.item == other.item && self.version == other.version && self.start < other.end && other.start < self.end
    }
}

fn check_span(key: &str, span: Evidence, citable: &Citable, reasons: &mut Vec<Reason>) {
    let Some(chars) = citable.get(&(span.item, span.version)) else {
        reasons.push(
            Reason::field(
                code::EVIDENCE_ITEM,
                key,
                format!("`{}` version {} is not a citable document of this case", span.item, span.version),
            )
            .hint("Cite a text document of the case at its current version."),
        );
        return;
    };
    if span.start >= span.end || span.end > *chars {
        reasons.push(
            Reason::field(
                code::SPAN_OUTSIDE,
                key,
                format!("characters {} to {} lie outside the document (0 to {chars})", span.start, span.end),
            )
            .hint("Offsets count code points from 0; the end is exclusive and after the start."),
        );
    }
}

fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}
