//! The answers to a question as classes: which there are, which count as the same, and how far two of them lie apart.

use std::collections::{BTreeSet, HashMap};

use remit_kernel::form::{Answer, Question, QuestionKind};
use remit_stats::agreement::{Distances, Scale, Weights};
use serde::{Deserialize, Serialize};

/// What can be said of how far two answers lie apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// They are alike or not: choices.
    #[default]
    Nominal,
    /// They have an order: grades.
    Ordinal,
    /// They are numbers, and lie as far apart as their difference is large.
    Interval,
    /// They are sets of options: the fewer of all that either picked are in both, the farther apart (Jaccard).
    Sets,
}

impl Level {
    /// Returns the level of answers to a question; none where answers are passages or words.
    pub fn of(question: &Question) -> Option<Self> {
        match question.kind {
            QuestionKind::Choice { .. } => Some(Self::Nominal),
            QuestionKind::Grade { .. } => Some(Self::Ordinal),
            QuestionKind::Number { .. } => Some(Self::Interval),
            QuestionKind::Multi { .. } => Some(Self::Sets),
            QuestionKind::Span { .. } | QuestionKind::Text { .. } => None,
        }
    }

    /// Returns the level of an answer, which is that of its question.
    pub fn of_answer(answer: &Answer) -> Option<Self> {
        match answer {
            Answer::Choice(_) => Some(Self::Nominal),
            Answer::Grade(_) => Some(Self::Ordinal),
            Answer::Number(_) => Some(Self::Interval),
            Answer::Multi(_) => Some(Self::Sets),
            Answer::Span(_) | Answer::Text(_) => None,
        }
    }

    /// Returns the name of Krippendorff's alpha at this level, as programs know it.
    pub const fn alpha(self) -> &'static str {
        match self {
            Self::Nominal => "krippendorff_alpha_nominal",
            Self::Ordinal => "krippendorff_alpha_ordinal",
            Self::Interval => "krippendorff_alpha_interval",
            Self::Sets => "krippendorff_alpha_jaccard",
        }
    }

    /// Returns the name of the coefficient of two readers at this level, as programs know it.
    pub const fn pair(self) -> &'static str {
        match self {
            Self::Nominal => "cohen_kappa",
            Self::Ordinal => "weighted_kappa_quadratic",
            Self::Interval => "icc_agreement",
            Self::Sets => "weighted_kappa_jaccard",
        }
    }
}

/// The answers that occur, in the order of the form; one that the form no longer knows comes last.
pub(super) struct Classes {
    question: Question,
    level: Level,
    all: Vec<Class>,
    places: HashMap<String, usize>,
}

/// One answer.
struct Class {
    title: String,
    answer: Option<Answer>,
}

impl Classes {
    /// Returns the answers among these words of index rows, and those that the form declares.
    pub(super) fn of<'w>(question: &Question, words: impl IntoIterator<Item = &'w str>) -> Self {
        let mut classes = Self {
            question: question.clone(),
            level: Level::of(question).unwrap_or_default(),
            all: Vec::new(),
            places: HashMap::new(),
        };
        // Of several picks each set that occurs is an answer of its own.
        let declared = match &question.kind {
            QuestionKind::Choice { options } | QuestionKind::Grade { steps: options, .. } => options.as_slice(),
            QuestionKind::Multi { .. }
            | QuestionKind::Number { .. }
            | QuestionKind::Span { .. }
            | QuestionKind::Text { .. } => &[],
        };
        for option in declared {
            classes.add(&option.key);
        }
        let known = classes.len();
        for word in words {
            classes.add(word);
        }
        if classes.level == Level::Ordinal && classes.len() > known {
            // A step that the form no longer has stands nowhere in its order.
            classes.level = Level::Nominal;
        }
        classes
    }

    fn add(&mut self, word: &str) {
        if self.places.contains_key(word) {
            return;
        }
        let answer = self.question.kind.read(word);
        let title = answer.as_ref().and_then(|answer| self.question.words(answer)).unwrap_or_else(|| word.to_owned());
        self.places.insert(word.to_owned(), self.all.len());
        self.all.push(Class { title, answer });
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    pub(super) fn title(&self, class: usize) -> &str {
        self.all.get(class).map_or("", |class| &class.title)
    }

    pub(super) fn answer(&self, class: usize) -> Option<&Answer> {
        self.all.get(class)?.answer.as_ref()
    }

    pub(super) fn number(&self, word: &str) -> usize {
        self.find(word).unwrap_or_default()
    }

    pub(super) fn find(&self, word: &str) -> Option<usize> {
        self.places.get(word).copied()
    }

    /// Returns whether two answers count as the same, by the tolerance of the form.
    pub(super) fn same(&self, one: usize, other: usize) -> bool {
        one == other || self.question.same(self.answer(one), self.answer(other))
    }

    /// Returns an answer as a number; an answer that is none has none.
    pub(super) fn value(&self, class: usize) -> Option<f64> {
        value(self.answer(class)?)
    }

    /// Returns the options picked; none where an answer is no set of them.
    pub(super) fn picks(&self, class: usize) -> Option<&BTreeSet<String>> {
        picks(self.answer(class)?)
    }

    /// Returns how far answers lie apart, for alpha; none where they are too many.
    pub(super) fn scale(&self) -> Option<Scale> {
        scale(self.level, &self.all.iter().map(|class| class.answer.as_ref()).collect::<Vec<_>>())
    }

    /// Returns how far the answers among these agree, for the kappa of two readers. Of numbers there is none.
    pub(super) fn weights(&self, used: &[usize]) -> Option<Weights> {
        match self.level {
            Level::Nominal => Weights::identity(used.len()).ok(),
            Level::Ordinal => {
                #[expect(clippy::cast_precision_loss, reason = "a scale has a handful of steps")]
                let steps: Vec<f64> = used.iter().map(|class| *class as f64).collect();
                Weights::quadratic(&steps).ok()
            }
            Level::Sets => Weights::of(used.len(), |one, other| self.common(used[one], used[other])).ok(),
            Level::Interval => None,
        }
    }

    /// Returns the share of the options in either set that are in both.
    fn common(&self, one: usize, other: usize) -> f64 {
        common(self.answer(one), self.answer(other))
    }
}

/// Returns how far answers at a level lie apart, in the order of their classes; none where they are too many.
pub(in crate::app) fn scale(level: Level, classes: &[Option<&Answer>]) -> Option<Scale> {
    Some(match level {
        Level::Nominal => Scale::Nominal,
        Level::Ordinal => Scale::Ordinal,
        Level::Interval => Scale::Interval(classes.iter().map(|class| value((*class)?)).collect::<Option<_>>()?),
        Level::Sets => {
            Scale::Custom(Distances::of(classes.len(), |one, other| 1.0 - common(classes[one], classes[other])).ok()?)
        }
    })
}

fn value(answer: &Answer) -> Option<f64> {
    match answer {
        Answer::Number(number) => number.to_string().parse().ok(),
        Answer::Choice(_) | Answer::Grade(_) | Answer::Multi(_) | Answer::Span(_) | Answer::Text(_) => None,
    }
}

fn picks(answer: &Answer) -> Option<&BTreeSet<String>> {
    match answer {
        Answer::Multi(picks) => Some(picks),
        Answer::Choice(_) | Answer::Grade(_) | Answer::Number(_) | Answer::Span(_) | Answer::Text(_) => None,
    }
}

/// Returns the share of the options in either set that are in both.
fn common(one: Option<&Answer>, other: Option<&Answer>) -> f64 {
    let (Some(one), Some(other)) = (one.and_then(picks), other.and_then(picks)) else { return 0.0 };
    let (both, either) = (one.intersection(other).count(), one.union(other).count());
    #[expect(clippy::cast_precision_loss, reason = "a question has a handful of options")]
    let share = if either == 0 { 1.0 } else { both as f64 / either as f64 };
    share
}

#[cfg(test)]
pub(super) mod tests {
    //! Questions of each kind for the tests beside it.
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use remit_kernel::form::{Choice, EvidenceRule};

    use super::*;

    fn question(kind: QuestionKind) -> Question {
        let (title, help) = ("Question".to_owned(), String::new());
        Question { key: "q".into(), title, help, kind, required: true, decides: true, evidence: EvidenceRule::None }
    }

    fn options(keys: &[&str]) -> Vec<Choice> {
        let option = |key: &&str| Choice { key: (*key).to_owned(), title: key.to_uppercase(), shortcut: String::new() };
        keys.iter().map(option).collect()
    }

    pub(in crate::app::quality) fn choice(keys: &[&str]) -> Question {
        question(QuestionKind::Choice { options: options(keys) })
    }

    pub(in crate::app::quality) fn grade(keys: &[&str], tolerance: u8) -> Question {
        question(QuestionKind::Grade { steps: options(keys), tolerance })
    }

    pub(in crate::app::quality) fn multi(keys: &[&str]) -> Question {
        question(QuestionKind::Multi { options: options(keys), picks_min: 1, picks_max: 3, common_min: 100 })
    }

    pub(in crate::app::quality) fn number(tolerance: &str) -> Question {
        question(QuestionKind::Number {
            unit: "mm".into(),
            min: "0".parse().unwrap(),
            max: "500".parse().unwrap(),
            places: 2,
            tolerance: tolerance.parse().unwrap(),
            tolerance_share: 0,
        })
    }

    #[test]
    fn the_level_of_answers_follows_their_kind_and_an_unknown_step_has_no_place_in_an_order() {
        let level = |question: &Question, words: &[&str]| Classes::of(question, words.iter().copied()).level();
        assert_eq!(level(&choice(&["a", "b"]), &["a"]), Level::Nominal);
        assert_eq!(level(&grade(&["a", "b"], 0), &["a"]), Level::Ordinal);
        assert_eq!(level(&grade(&["a", "b"], 0), &["a", "withdrawn"]), Level::Nominal);
        assert_eq!(level(&multi(&["a", "b"]), &["a b"]), Level::Sets);
        assert_eq!(level(&number("0.5"), &["1", "2.5"]), Level::Interval);
    }

    #[test]
    fn answers_count_as_the_same_by_the_tolerance_of_the_form() {
        let numbers = Classes::of(&number("0.5"), ["1", "1.5", "2"]);
        assert!(numbers.same(0, 1) && !numbers.same(0, 2) && numbers.same(2, 2));
        let grades = Classes::of(&grade(&["a", "b", "c"], 1), []);
        assert!(grades.same(0, 1) && !grades.same(0, 2));
    }
}
