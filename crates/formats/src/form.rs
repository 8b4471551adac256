//! `form.json` of a pack: a JSON Schema (2020-12) whose properties are the questions, with `x-remit-*` annotations.

use std::collections::BTreeSet;

use remit_kernel::{
    decimal::{Decimal, PLACES_MAX},
    form::{Choice, EvidenceRule, Form, Need, QUESTIONS_MAX, Question, QuestionKind, TEXT_CHARS_MAX},
};

use crate::source::{Fields, Node, Source, Value};

/// The only dialect that a form may name.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Most options of a choice, so that each has a digit key.
const OPTIONS_MAX: usize = 9;
/// Most passages that a span question may ask for.
const SPANS_MAX: u32 = 20;
const GUIDE: &str = "See \"Write a pack\", section \"form.json\".";

pub(crate) fn read(source: &Source<'_>) -> Option<Form> {
    let node = source.json()?;
    let mut fields = Fields::of(source, &node, "the form")?;
    check_schema(source, &node);
    for ignored in ["$id", "$comment", "title", "description", "additionalProperties"] {
        fields.find(ignored);
    }
    if !matches!(fields.find("$schema"), Some(Node { value: Value::Text(dialect), .. }) if dialect == DIALECT) {
        source.problem(
            fields.at,
            "`$schema` does not name the 2020-12 dialect",
            format!("Write \"$schema\": \"{DIALECT}\"."),
        );
    }
    if !matches!(fields.find("type"), Some(Node { value: Value::Text(kind), .. }) if kind == "object") {
        source.problem(fields.at, "the form is not declared as an object", "Write \"type\": \"object\".");
    }
    let rationale = need(source, &mut fields, "x-remit-rationale", Need::Optional);
    let confidence = need(source, &mut fields, "x-remit-confidence", Need::Absent);
    let required_at = fields.find("required").map_or(node.at, |node| node.at);
    let required = fields.texts("required");
    let properties = fields.require("properties").and_then(|node| Fields::of(source, node, "`properties`"));
    fields.finish();

    let mut questions = Vec::new();
    let mut keys = BTreeSet::new();
    for (key, node) in properties.iter().flat_map(Fields::members) {
        if !is_key(key) {
            source.problem(node.at, format!("`{key}` cannot be the key of a question"), KEY_HINT);
        }
        // A key given twice is already reported with the table.
        if keys.insert(key) {
            questions.extend(question(source, key, node, required.iter().any(|required| required == key)));
        }
    }
    for key in &required {
        if !keys.contains(key.as_str()) {
            source.problem(
                required_at,
                format!("`required` names `{key}`, which is not a question"),
                "Remove it, or add the question under `properties`.",
            );
        }
    }
    if keys.len() > QUESTIONS_MAX {
        source.problem(
            node.at,
            format!("the form has {} questions", keys.len()),
            format!("Keep it to {QUESTIONS_MAX}, or split the case type."),
        );
    }
    if !questions.iter().any(|question| question.decides) {
        source.problem(
            node.at,
            "no question decides, so two readers could never be in dispute",
            "Mark at least one question with \"x-remit-decides\": true.",
        );
    }
    Some(Form { questions, rationale, confidence })
}

pub(crate) const KEY_HINT: &str =
    "Use lower-case letters, digits and `_`, beginning with a letter, at most 40 characters.";

/// Returns whether a text can name a question or an option.
pub(crate) fn is_key(text: &str) -> bool {
    text.len() <= 40
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

/// Checks the form against the meta-schema, so that any JSON Schema tool can use it.
fn check_schema(source: &Source<'_>, node: &Node) {
    let Ok(schema) = serde_json::from_str(source.text) else { return };
    for error in jsonschema::draft202012::meta::validator().iter_errors(&schema) {
        let path = error.instance_path().to_string();
        source.problem(
            find(node, &path).at,
            format!("this is not a JSON Schema: {error}"),
            "Mend it so that any JSON Schema (2020-12) tool accepts the form.",
        );
    }
}

/// Returns the node that a JSON pointer leads to, or the last one on the way that exists.
fn find<'a>(root: &'a Node, pointer: &str) -> &'a Node {
    let mut node = root;
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        let next = match &node.value {
            Value::Table(members) => members.iter().find(|(key, _)| *key == part).map(|(_, value)| value),
            Value::List(items) => part.parse::<usize>().ok().and_then(|place| items.get(place)),
            Value::Text(_) | Value::Whole(_) | Value::Decimal(_) | Value::Flag(_) | Value::Other(_) => None,
        };
        let Some(next) = next else { break };
        node = next;
    }
    node
}

fn need<'a>(source: &Source<'_>, fields: &mut Fields<'a>, key: &'a str, default: Need) -> Need {
    let at = fields.find(key).map_or(0, |node| node.at);
    match fields.find_text(key) {
        None => default,
        Some("required") => Need::Required,
        Some("optional") => Need::Optional,
        Some("absent") => Need::Absent,
        Some(other) => {
            source.problem(at, format!("`{key}` is `{other}`"), "Write required, optional or absent.");
            default
        }
    }
}

fn question(source: &Source<'_>, key: &str, node: &Node, required: bool) -> Option<Question> {
    let mut fields = Fields::of(source, node, &format!("question `{key}`"))?;
    fields.find("$comment");
    let title = fields.text("title").to_owned();
    let help = fields.find_text("description").unwrap_or_default().to_owned();
    let decides = fields.flag_or("x-remit-decides", false);
    let kind_at = fields.find("x-remit-kind").map_or(node.at, |node| node.at);
    let kind = match fields.text("x-remit-kind") {
        "choice" => {
            expect_type(source, &mut fields, "string");
            QuestionKind::Choice { options: options(source, key, &mut fields) }
        }
        "grade" => grade(source, key, &mut fields),
        "multi" => multi(source, key, &mut fields),
        "number" => number(source, key, &mut fields),
        "span" => {
            expect_type(source, &mut fields, "array");
            fields.find("items");
            let spans_min = fields.whole_or("minItems", 1..=SPANS_MAX, 1);
            let spans_max = fields.whole_or("maxItems", spans_min..=SPANS_MAX, SPANS_MAX);
            QuestionKind::Span { spans_min, spans_max }
        }
        "text" => {
            expect_type(source, &mut fields, "string");
            QuestionKind::Text { chars_max: fields.whole_or("maxLength", 1..=TEXT_CHARS_MAX, TEXT_CHARS_MAX) }
        }
        // A missing kind is already reported.
        "" => return None,
        other => {
            source.problem(
                kind_at,
                format!("question `{key}` is of the unknown kind `{other}`"),
                "Use choice, grade, multi, number, span or text.",
            );
            return None;
        }
    };
    let evidence = evidence(source, key, &kind, &mut fields);
    if decides && matches!(kind, QuestionKind::Text { .. }) {
        source.problem(
            kind_at,
            format!("question `{key}` decides, but words never put two readers in dispute"),
            "Remove x-remit-decides, or ask a choice.",
        );
    }
    fields.finish();
    Some(Question { key: key.to_owned(), title, help, kind, required, decides, evidence })
}

fn expect_type(source: &Source<'_>, fields: &mut Fields<'_>, wanted: &str) {
    if let Some(found) = fields.find_text("type")
        && found != wanted
    {
        source.problem(
            fields.at,
            format!("the type is `{found}`"),
            format!("Write \"type\": \"{wanted}\" for this kind of question."),
        );
    }
}

/// Reads an ordered scale: its steps are written like the options of a choice, from the lowest to the highest.
fn grade(source: &Source<'_>, key: &str, fields: &mut Fields<'_>) -> QuestionKind {
    expect_type(source, fields, "string");
    let steps = options(source, key, fields);
    let tolerance = fields.whole_or("x-remit-tolerance", 0..=8, 0);
    if tolerance > 0 && tolerance as usize + 1 >= steps.len() {
        source.problem(
            fields.find("x-remit-tolerance").map_or(fields.at, |node| node.at),
            format!("a tolerance of {tolerance} steps takes any two of {} for the same", steps.len()),
            "Tolerate fewer steps than lie between the lowest and the highest, or leave it out.",
        );
    }
    QuestionKind::Grade { steps, tolerance: u8::try_from(tolerance).unwrap_or(u8::MAX) }
}

/// Reads a list of which several may apply.
fn multi(source: &Source<'_>, key: &str, fields: &mut Fields<'_>) -> QuestionKind {
    expect_type(source, fields, "array");
    if !fields.flag_or("uniqueItems", true) {
        source.problem(fields.at, "`uniqueItems` is false", "An option is picked once or not at all: leave it out.");
    }
    let options = match fields.require("items").and_then(|node| Fields::of(source, node, "`items`")) {
        Some(mut items) => {
            expect_type(source, &mut items, "string");
            let options = options(source, key, &mut items);
            items.finish();
            options
        }
        None => Vec::new(),
    };
    let picks = u32::try_from(options.len()).unwrap_or(u32::MAX).max(1);
    let picks_min = fields.whole_or("minItems", 1..=picks, 1);
    let picks_max = fields.whole_or("maxItems", picks_min..=picks, picks);
    let common_min = fields.whole_or("x-remit-common-percent", 1..=100, 100);
    let small = |whole: u32| u8::try_from(whole).unwrap_or(u8::MAX);
    let (picks_min, picks_max, common_min) = (small(picks_min), small(picks_max), small(common_min));
    QuestionKind::Multi { options, picks_min, picks_max, common_min }
}

/// Reads a number with its unit, its range and its tolerances.
fn number(source: &Source<'_>, key: &str, fields: &mut Fields<'_>) -> QuestionKind {
    let whole = matches!(fields.find("type"), Some(Node { value: Value::Text(kind), .. }) if kind == "integer");
    if !whole {
        expect_type(source, fields, "number");
    }
    let unit = fields.find_text("x-remit-unit").unwrap_or_default().to_owned();
    let places = fields.whole_or("x-remit-decimals", 0..=u32::from(PLACES_MAX), 0);
    let places = u8::try_from(places).unwrap_or(PLACES_MAX);
    if whole && places > 0 {
        source.problem(
            fields.at,
            "an integer has decimals",
            "Write \"type\": \"number\", or leave x-remit-decimals out.",
        );
    }
    let mut end = |name| {
        let at = fields.require(name)?.at;
        let number = fields.find_decimal(name)?;
        if number.places() > places {
            let hint = format!("Round it, or raise x-remit-decimals from {places}.");
            source.problem(at, format!("`{name}` has more decimals than the question takes"), hint);
        }
        Some(number)
    };
    let (min, max) = (end("minimum").unwrap_or(Decimal::ZERO), end("maximum"));
    let max = max.unwrap_or(min);
    if max < min {
        source.problem(fields.at, format!("question `{key}` takes no number at all"), "Let maximum be above minimum.");
    }
    let mut positive = |name, most: Option<Decimal>| {
        let number = fields.find_decimal(name).unwrap_or(Decimal::ZERO);
        if number < Decimal::ZERO || most.is_some_and(|most| number > most) {
            let at = fields.find(name).map_or(fields.at, |node| node.at);
            let upper = most.map_or_else(String::new, |most| format!(" to {most}"));
            source.problem(at, format!("`{name}` is {number}"), format!("Give a number from 0{upper}."));
        }
        number.max(Decimal::ZERO)
    };
    let tolerance = positive("x-remit-tolerance", None);
    let share = positive("x-remit-tolerance-percent", Decimal::of_units(100, 0));
    let tolerance_share = u16::try_from(share.units(2)).unwrap_or_default();
    QuestionKind::Number { unit, min, max, places, tolerance, tolerance_share }
}

fn options(source: &Source<'_>, key: &str, fields: &mut Fields<'_>) -> Vec<Choice> {
    let nodes = fields.list("oneOf");
    if nodes.len() < 2 {
        source.problem(
            fields.at,
            format!("question `{key}` offers fewer than two options"),
            "List them under oneOf: {\"const\": \"yes\", \"title\": \"Yes\", \"x-remit-shortcut\": \"y\"}, ...",
        );
    }
    if nodes.len() > OPTIONS_MAX {
        source.problem(
            fields.at,
            format!("question `{key}` offers {} options, the limit is {OPTIONS_MAX}", nodes.len()),
            "Group them, or ask two questions: each option needs its digit key.",
        );
    }
    let mut options: Vec<Choice> = Vec::new();
    for (place, node) in nodes.iter().enumerate() {
        let Some(mut fields) = Fields::of(source, node, "an option") else { continue };
        let option = fields.text("const").to_owned();
        let title = fields.text("title").to_owned();
        fields.find("description");
        let digit = (place + 1).to_string();
        let shortcut = fields.find_text("x-remit-shortcut").unwrap_or(&digit).to_owned();
        if !option.is_empty() && !is_key(&option) {
            source.problem(node.at, format!("`{option}` cannot be the key of an option"), KEY_HINT);
        }
        let letter = shortcut.len() == 1 && shortcut.starts_with(|letter: char| letter.is_ascii_lowercase());
        if !letter && shortcut != digit {
            source.problem(
                node.at,
                format!("the shortcut `{shortcut}` of option `{option}` cannot be used"),
                format!(
                    "Use one lower-case letter, or leave it out for the digit {digit}: other digits pick other options."
                ),
            );
        }
        for earlier in &options {
            if !option.is_empty() && earlier.key == option {
                source.problem(node.at, format!("option `{option}` is listed twice"), "Keep one of the two.");
            }
            if earlier.shortcut == shortcut {
                source.problem(
                    node.at,
                    format!("the shortcut `{shortcut}` picks both `{}` and `{option}`", earlier.key),
                    "Give each option of a question its own letter.",
                );
            }
        }
        fields.finish();
        options.push(Choice { key: option, title, shortcut });
    }
    options
}

fn evidence(source: &Source<'_>, key: &str, kind: &QuestionKind, fields: &mut Fields<'_>) -> EvidenceRule {
    let unless_at = fields.find("x-remit-evidence-unless").map(|node| node.at);
    let unless = fields.texts("x-remit-evidence-unless");
    let at = fields.find("x-remit-evidence").map_or(fields.at, |node| node.at);
    let rule = match fields.find_text("x-remit-evidence") {
        None | Some("none") => EvidenceRule::None,
        Some("optional") => EvidenceRule::Optional,
        Some("required") => EvidenceRule::Required { unless: unless.clone() },
        Some(other) => {
            source.problem(at, format!("`x-remit-evidence` is `{other}`"), "Write none, optional or required.");
            EvidenceRule::None
        }
    };
    if matches!(kind, QuestionKind::Span { .. }) && rule != EvidenceRule::None {
        source.problem(
            at,
            format!("question `{key}` asks for passages and for evidence besides"),
            "Remove x-remit-evidence: the passages are the answer.",
        );
    }
    if let Some(at) = unless_at
        && !matches!(rule, EvidenceRule::Required { .. })
    {
        source.problem(
            at,
            "`x-remit-evidence-unless` stands without required evidence",
            "Add \"x-remit-evidence\": \"required\", or remove it.",
        );
    }
    for option in &unless {
        let known = kind.options().iter().any(|known| known.key == *option);
        if !known {
            source.problem(
                unless_at.unwrap_or(at),
                format!("`{option}` under `x-remit-evidence-unless` is not an option of `{key}`"),
                GUIDE,
            );
        }
    }
    rule
}
