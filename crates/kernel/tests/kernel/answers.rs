//! The kinds of question: what a form takes, what counts as the same, and the one answer that stands for several.

use std::collections::BTreeMap;

use proptest::prelude::*;
use remit_kernel::{
    form::{Answer, Choice, Citable, EvidenceRule, Form, Judgement, Need, Question, QuestionKind},
    panel::{Comparison, compare},
};

fn options(keys: &[&str]) -> Vec<Choice> {
    keys.iter().map(|key| Choice { key: (*key).into(), title: key.to_uppercase(), shortcut: key[..1].into() }).collect()
}

fn question(key: &str, kind: QuestionKind) -> Question {
    let (title, help) = (format!("The {key}"), String::new());
    Question { key: key.into(), title, help, kind, required: true, decides: true, evidence: EvidenceRule::None }
}

/// A form with one question of each closed kind. A grade tolerates a step; picks count as the same with half in common;
/// numbers within 0.5, or within 10 %.
fn form() -> Form {
    let grade = QuestionKind::Grade { steps: options(&["low", "mid", "high", "top"]), tolerance: 1 };
    let multi =
        QuestionKind::Multi { options: options(&["air", "fire", "water"]), picks_min: 1, picks_max: 2, common_min: 50 };
    let number = QuestionKind::Number {
        unit: "mm".into(),
        min: "-10".parse().unwrap(),
        max: "100".parse().unwrap(),
        places: 1,
        tolerance: "0.5".parse().unwrap(),
        tolerance_share: 1_000,
    };
    let choice = QuestionKind::Choice { options: options(&["yes", "no"]) };
    let questions = [("choice", choice), ("grade", grade), ("multi", multi), ("number", number)]
        .map(|(key, kind)| question(key, kind));
    Form { questions: questions.into(), rationale: Need::Absent, confidence: Need::Absent }
}

fn answer(key: &str, word: &str) -> Answer {
    form().question(key).unwrap().kind.read(word).unwrap()
}

fn judgement(words: &[(&str, &str)]) -> Judgement {
    let answers = words.iter().map(|(key, word)| ((*key).to_owned(), answer(key, word))).collect();
    Judgement { answers, ..Judgement::default() }
}

#[test]
fn an_answer_is_written_as_one_word_and_read_back() {
    for (key, word, words) in [
        ("choice", "yes", "YES"),
        ("grade", "mid", "MID"),
        ("multi", "fire air", "AIR, FIRE"),
        ("number", "-2.50", "-2.5 mm"),
        ("number", "7", "7.0 mm"),
    ] {
        let form = form();
        let question = form.question(key).unwrap();
        let answer = question.kind.read(word).unwrap();
        assert_eq!(question.kind.read(&answer.word().unwrap()), Some(answer.clone()));
        assert_eq!(question.words(&answer).as_deref(), Some(words));
    }
    assert_eq!(form().question("number").unwrap().kind.read("seven"), None);
}

#[test]
fn a_form_says_of_each_answer_what_it_would_take() {
    let check = |key: &'static str, word: &str| {
        let mut given = judgement(&[("choice", "yes"), ("grade", "low"), ("multi", "air"), ("number", "1")]);
        given.answers.insert(key.into(), answer(key, word));
        let refused = form().check(&given, &Citable::new(), false).err();
        refused.map(|refusal| (refusal.reasons[0].code.to_string(), refusal.reasons[0].hint.clone()))
    };
    let refused = |code: &str, hint: &str| Some((code.to_owned(), hint.to_owned()));
    assert_eq!(check("grade", "top"), None);
    assert_eq!(check("grade", "huge"), refused("option-unknown", "Choose one of: low, mid, high, top."));
    assert_eq!(check("multi", "air water"), None);
    assert_eq!(check("multi", "air earth"), refused("option-unknown", "Choose one of: air, fire, water."));
    assert_eq!(check("multi", "air fire water"), refused("picks-count", "Pick those that apply."));
    assert_eq!(check("number", "100.0"), None);
    let range = "Give a number from -10 to 100 mm, with at most 1 decimal.";
    for word in ["100.1", "-10.1", "1.25"] {
        assert_eq!(check("number", word), refused("number-range", range), "{word}");
    }
}

#[test]
fn answers_within_the_tolerance_are_the_same_and_one_stands_for_all() {
    let settled = |key: &str, words: &[&str]| {
        let judgements: Vec<_> = words.iter().map(|word| judgement(&[(key, word)])).collect();
        let mut form = form();
        form.questions.retain(|question| question.key == key);
        match compare(&form, &judgements.iter().collect::<Vec<_>>()) {
            Comparison::Agreed { outcome, .. } => outcome.answers[key].word().unwrap(),
            Comparison::Disputed(questions) => format!("differ: {}", questions.join(" ")),
            Comparison::Single(_) | Comparison::Nothing => "too few".to_owned(),
        }
    };
    assert_eq!(settled("grade", &["high", "mid"]), "mid", "between two middle steps the lower one");
    assert_eq!(settled("grade", &["high", "mid", "high"]), "high");
    assert_eq!(settled("grade", &["high", "mid", "low"]), "differ: grade", "the ends are two steps apart");
    assert_eq!(settled("multi", &["air fire", "fire air"]), "air fire");
    assert_eq!(settled("multi", &["air fire", "air"]), "air", "what more than half pick");
    assert_eq!(settled("multi", &["air fire", "fire water"]), "differ: multi", "a third in common");
    assert_eq!(settled("number", &["12.0", "12.5"]), "12.2", "half-way, the half to the even digit");
    assert_eq!(settled("number", &["12", "12.1", "12.5"]), "12.1");
    assert_eq!(settled("number", &["50", "55"]), "52.5", "within the share of the greater");
    assert_eq!(settled("number", &["50", "56"]), "differ: number");
    assert_eq!(settled("number", &["-0.2", "0.3"]), "0", "within the absolute tolerance");
    assert_eq!(settled("number", &["-1", "1"]), "differ: number");
}

#[test]
fn picks_that_the_majority_leaves_empty_are_a_dispute_and_no_outcome() {
    let mut form = form();
    form.questions.retain(|question| question.key == "multi");
    let QuestionKind::Multi { common_min, .. } = &mut form.questions[0].kind else { panic!() };
    *common_min = 1;
    let [one, other, third] = ["air fire", "fire water", "air water"].map(|word| judgement(&[("multi", word)]));
    assert_eq!(
        compare(&form, &[&one, &other, &third]),
        Comparison::Disputed(vec!["multi".into()]),
        "three of at most two"
    );
}

fn any_judgement() -> impl Strategy<Value = Judgement> {
    let pick = |words: &'static [&'static str]| prop::sample::select(words);
    let number = (-20_i32..200).prop_map(|tenths| format!("{}.{}", tenths / 10, (tenths % 10).abs()));
    (
        pick(&["yes", "no"]),
        pick(&["low", "mid", "high", "top"]),
        pick(&["air", "fire", "air fire", "fire water"]),
        number,
    )
        .prop_map(|(choice, grade, multi, number)| {
            judgement(&[("choice", choice), ("grade", grade), ("multi", multi), ("number", &number)])
        })
}

proptest! {
    #[test]
    fn the_order_in_which_readings_are_sealed_changes_nothing(
        readings in prop::collection::vec(any_judgement(), 2..5),
        turn in 0_usize..4,
    ) {
        let mut turned: Vec<_> = readings.iter().collect();
        let len = turned.len();
        turned.rotate_left(turn % len);
        turned.swap(0, len - 1);
        prop_assert_eq!(compare(&form(), &readings.iter().collect::<Vec<_>>()), compare(&form(), &turned));
    }

    #[test]
    fn what_stands_for_answers_that_are_the_same_is_itself_the_same_as_each_of_grade_and_number(
        readings in prop::collection::vec(any_judgement(), 2..5),
    ) {
        let form = form();
        for key in ["grade", "number"] {
            let question = form.question(key).unwrap();
            let answers: Vec<_> = readings.iter().map(|reading| &reading.answers[key]).collect();
            let same = answers.iter().all(|one| answers.iter().all(|other| question.same(Some(one), Some(other))));
            if same {
                let settled = question.settled(&answers);
                prop_assert!(answers.iter().all(|answer| question.same(settled.as_ref(), Some(answer))));
                let answers = BTreeMap::from([(key.to_owned(), settled.unwrap())]);
                let taken = form.check(&Judgement { answers, ..Judgement::default() }, &Citable::new(), true);
                prop_assert_eq!(taken, Ok(()));
            }
        }
    }
}
