//! Files of a pack read into trees that remember where each value stood, and the problems found on the way.
//!
//! JSON and TOML give the same [`Node`], so one checker serves both, and every problem names file, line and column.

use std::{cell::RefCell, fmt};

use remit_kernel::decimal::Decimal;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Deepest nesting of a pack file; ours need seven.
const DEPTH_MAX: usize = 32;

/// Something in a pack that must be mended before it can be used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// File within the pack, such as `form.json`.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in code points, from 1.
    pub column: u32,
    /// What is wrong, as a clause in lower case.
    pub message: String,
    /// What to do, as a full sentence.
    pub hint: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}. {}", self.file, self.line, self.column, self.message, self.hint)
    }
}

/// Every problem of a pack, in the order of files and lines; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PackErrors(pub Vec<Problem>);

impl fmt::Display for PackErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

/// One file under check. It collects problems, so that all are told at once.
pub(crate) struct Source<'a> {
    file: &'a str,
    pub(crate) text: &'a str,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, problems: RefCell::default() }
    }

    /// Notes a problem at a byte of the text.
    pub(crate) fn problem(&self, at: usize, message: impl Into<String>, hint: impl Into<String>) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        self.problems.borrow_mut().push(Problem {
            file: self.file.to_owned(),
            line: count(before.matches('\n').count()),
            column: count(before[line_start..].chars().count()),
            message: message.into(),
            hint: hint.into(),
        });
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems
    }

    /// Reads the text as JSON; nothing, and a problem, if it is none.
    pub(crate) fn json(&self) -> Option<Node> {
        if let Err(error) = serde_json::from_str::<IgnoredAny>(self.text) {
            let line_start: usize =
                self.text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default().to_owned();
            self.problem(
                line_start + error.column().saturating_sub(1),
                format!("this is not JSON: {message}"),
                "Check quotes, commas and braces here and in the line before.",
            );
            return None;
        }
        let node = self.json_value(self.text, 0);
        if node.is_none() {
            self.problem(0, format!("values are nested more than {DEPTH_MAX} deep"), "Flatten the document.");
        }
        node
    }

    fn json_value(&self, raw: &str, depth: usize) -> Option<Node> {
        if depth == DEPTH_MAX {
            return None;
        }
        let raw = raw.trim();
        let at = (raw.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let value = match raw.as_bytes().first()? {
            b'{' => {
                let Members(members) = serde_json::from_str(raw).ok()?;
                let members = members.into_iter().map(|(key, raw)| {
                    let value = self.json_value(raw.get(), depth + 1)?;
                    Some((key, value))
                });
                Value::Table(members.collect::<Option<_>>()?)
            }
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
                Value::List(items.into_iter().map(|raw| self.json_value(raw.get(), depth + 1)).collect::<Option<_>>()?)
            }
            b'"' => Value::Text(serde_json::from_str(raw).ok()?),
            b't' => Value::Flag(true),
            b'f' => Value::Flag(false),
            b'n' => Value::Other("null"),
            _ => number(raw),
        };
        Some(Node { at, value })
    }

    /// Reads the text as TOML; nothing, and a problem for each line that is wrong, if it is none.
    pub(crate) fn toml(&self) -> Option<Node> {
        let (table, errors) = toml::de::DeTable::parse_recoverable(self.text);
        // What was recovered would only be blamed for what was lost.
        let whole = errors.is_empty();
        for error in errors {
            self.problem(
                error.span().map_or(0, |span| span.start),
                format!("this is not TOML: {}", error.message()),
                "Check quotes, brackets and repeated keys in this line.",
            );
        }
        let at = table.span().start;
        whole.then(|| toml_table(table.into_inner(), at))
    }
}

fn number(text: &str) -> Value {
    match (text.parse(), text.parse()) {
        (Ok(whole), _) => Value::Whole(whole),
        (Err(_), Ok(decimal)) => Value::Decimal(decimal),
        (Err(_), Err(_)) => Value::Other("a number with very many digits"),
    }
}

fn toml_table(table: toml::de::DeTable<'_>, at: usize) -> Node {
    let mut members: Vec<_> = table
        .into_iter()
        .map(|(key, value)| (key.span().start, (key.into_inner().into_owned(), toml_value(value))))
        .collect();
    members.sort_by_key(|(at, _)| *at);
    Node { at, value: Value::Table(members.into_iter().map(|(_, member)| member).collect()) }
}

fn toml_value(value: toml::Spanned<toml::de::DeValue<'_>>) -> Node {
    let at = value.span().start;
    let value = match value.into_inner() {
        toml::de::DeValue::String(text) => Value::Text(text.into_owned()),
        toml::de::DeValue::Integer(whole) => {
            whole.as_str().parse().map_or(Value::Other("a number that is too large"), Value::Whole)
        }
        toml::de::DeValue::Float(fraction) => number(fraction.as_str()),
        toml::de::DeValue::Boolean(flag) => Value::Flag(flag),
        toml::de::DeValue::Datetime(_) => Value::Other("a date"),
        toml::de::DeValue::Array(items) => Value::List(items.into_iter().map(toml_value).collect()),
        toml::de::DeValue::Table(table) => return toml_table(table, at),
    };
    Node { at, value }
}

/// Members of a JSON object in the order of the file; a repeated key stays twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
                Ok(Members(Vec::new()))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A value and the byte at which it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: usize,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(String),
    Whole(i64),
    Decimal(Decimal),
    Flag(bool),
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
    /// A kind of value that no pack file needs, named in words.
    Other(&'static str),
}

impl Value {
    fn word(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Whole(_) => "a whole number",
            Self::Decimal(_) => "a number with a fraction",
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(word) => word,
        }
    }
}

/// A table being read key by key. What is asked for becomes known; [`Fields::finish`] reports the rest.
pub(crate) struct Fields<'a> {
    source: &'a Source<'a>,
    /// Where the table begins.
    pub(crate) at: usize,
    members: &'a [(String, Node)],
    known: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    /// Opens a table; nothing, and a problem, if the value is none. A key given twice is a problem too.
    pub(crate) fn of(source: &'a Source<'a>, node: &'a Node, what: &str) -> Option<Self> {
        let Value::Table(members) = &node.value else {
            source.problem(
                node.at,
                format!("{what} is {}, wanted is a table", node.value.word()),
                "See \"Write a pack\" for its keys.",
            );
            return None;
        };
        for (place, (key, value)) in members.iter().enumerate() {
            if members[..place].iter().any(|(earlier, _)| earlier == key) {
                source.problem(value.at, format!("`{key}` is given twice"), "Keep one of the two.");
            }
        }
        Some(Self { source, at: node.at, members, known: Vec::new() })
    }

    /// Returns every member, for tables whose keys are the author's own.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&'a str, &'a Node)> + use<'a> {
        self.members.iter().map(|(key, value)| (key.as_str(), value))
    }

    pub(crate) fn find(&mut self, key: &'a str) -> Option<&'a Node> {
        self.known.push(key);
        self.members.iter().find(|(member, _)| member == key).map(|(_, value)| value)
    }

    fn missing(&self, key: &str) {
        self.source.problem(self.at, format!("`{key}` is missing"), format!("Add `{key}` to this table."));
    }

    fn unfit(&self, key: &str, node: &Node, wanted: &str) {
        self.source.problem(
            node.at,
            format!("`{key}` is {}, wanted is {wanted}", node.value.word()),
            format!("Write `{key}` as {wanted}."),
        );
    }

    /// Returns a value that must be there.
    pub(crate) fn require(&mut self, key: &'a str) -> Option<&'a Node> {
        let found = self.find(key);
        if found.is_none() {
            self.missing(key);
        }
        found
    }

    /// Returns a text that may be absent.
    pub(crate) fn find_text(&mut self, key: &'a str) -> Option<&'a str> {
        let node = self.find(key)?;
        if let Value::Text(text) = &node.value {
            return Some(text);
        }
        self.unfit(key, node, "a text");
        None
    }

    /// Returns a text that must be there and say something; empty if it does not.
    pub(crate) fn text(&mut self, key: &'a str) -> &'a str {
        let Some(node) = self.find(key) else {
            self.missing(key);
            return "";
        };
        match &node.value {
            Value::Text(text) if !text.trim().is_empty() => text,
            Value::Text(_) => {
                self.source.problem(node.at, format!("`{key}` is empty"), format!("Give `{key}` a text."));
                ""
            }
            Value::Whole(_)
            | Value::Decimal(_)
            | Value::Flag(_)
            | Value::List(_)
            | Value::Table(_)
            | Value::Other(_) => {
                self.unfit(key, node, "a text");
                ""
            }
        }
    }

    pub(crate) fn flag_or(&mut self, key: &'a str, default: bool) -> bool {
        match self.find(key) {
            None => default,
            Some(Node { value: Value::Flag(flag), .. }) => *flag,
            Some(node) => {
                self.unfit(key, node, "true or false");
                default
            }
        }
    }

    /// Returns a whole number within `range`, or `default` if it is absent.
    pub(crate) fn whole_or(&mut self, key: &'a str, range: std::ops::RangeInclusive<u32>, default: u32) -> u32 {
        let Some(node) = self.find(key) else { return default };
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        let Value::Whole(whole) = &node.value else {
            self.unfit(key, node, &wanted);
            return default;
        };
        if let Some(whole) = u32::try_from(*whole).ok().filter(|whole| range.contains(whole)) {
            return whole;
        }
        self.source.problem(node.at, format!("`{key}` is {whole}"), format!("Give {wanted}."));
        default
    }

    /// Returns a number with or without a fraction; none if it is absent or no such number.
    pub(crate) fn find_decimal(&mut self, key: &'a str) -> Option<Decimal> {
        let node = self.find(key)?;
        let number = match &node.value {
            Value::Decimal(number) => Some(*number),
            Value::Whole(whole) => Decimal::of_units(i128::from(*whole), 0),
            Value::Text(_) | Value::Flag(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => None,
        };
        if number.is_none() {
            self.unfit(key, node, "a number of at most 12 digits before the point and 6 after it");
        }
        number
    }

    /// Returns a list of values; empty if it is absent.
    pub(crate) fn list(&mut self, key: &'a str) -> &'a [Node] {
        match self.find(key) {
            None => &[],
            Some(Node { value: Value::List(items), .. }) => items,
            Some(node) => {
                self.unfit(key, node, "a list");
                &[]
            }
        }
    }

    /// Returns a list of texts; empty if it is absent.
    pub(crate) fn texts(&mut self, key: &'a str) -> Vec<String> {
        let mut texts = Vec::new();
        for item in self.list(key) {
            match &item.value {
                Value::Text(text) => texts.push(text.clone()),
                value => self.source.problem(
                    item.at,
                    format!("`{key}` holds {}", value.word()),
                    format!("List texts only under `{key}`."),
                ),
            }
        }
        texts
    }

    /// Returns a table; nothing if it is absent or no table.
    pub(crate) fn table(&mut self, key: &'a str) -> Option<Fields<'a>> {
        let node = self.find(key)?;
        Fields::of(self.source, node, &format!("`{key}`"))
    }

    /// Reports every key that nobody asked for.
    pub(crate) fn finish(self) {
        for (key, value) in self.members {
            if !self.known.contains(&key.as_str()) {
                self.source.problem(
                    value.at,
                    format!("`{key}` is not a key of this table"),
                    format!("Remove it, or use one of: {}.", self.known.join(", ")),
                );
            }
        }
    }
}

fn count(before: usize) -> u32 {
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}
