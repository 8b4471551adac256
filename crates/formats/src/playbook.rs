//! `playbook.md` of a pack: stages (`##`) and steps (`###`), each step with front matter between `---` lines.

use remit_kernel::pack::{Playbook, Stage, Step, StepMode};

use crate::source::Source;

const STEP_HINT: &str =
    "Begin the step with a line `---`, then `mode:`, `opens when:`, `done when:`, then a line `---`.";

/// A line and the byte at which it begins.
#[derive(Clone, Copy)]
struct Line<'a> {
    at: usize,
    text: &'a str,
}

pub(crate) fn read(source: &Source<'_>) -> Playbook {
    let mut at = 0;
    let lines: Vec<Line<'_>> = source
        .text
        .split_inclusive('\n')
        .map(|text| {
            let line = Line { at, text: text.trim_end() };
            at += text.len();
            line
        })
        .collect();
    let mut rest = lines.as_slice();
    let title = match front_matter(source, &mut rest, &["title"]) {
        Some([title]) if !title.is_empty() => title.to_owned(),
        Some(_) | None => {
            source.problem(
                0,
                "the playbook has no title",
                "Begin the file with three lines: `---`, `title: ...`, `---`.",
            );
            String::new()
        }
    };
    let mut stages: Vec<Stage> = Vec::new();
    while let Some((line, after)) = rest.split_first() {
        rest = after;
        if let Some(title) = line.text.strip_prefix("### ") {
            let step = step(source, *line, title.trim(), &mut rest);
            let Some(stage) = stages.last_mut() else {
                source.problem(
                    line.at,
                    format!("step `{title}` stands before the first stage"),
                    "Put a `## ` heading before it.",
                );
                continue;
            };
            if stage.steps.iter().any(|earlier| earlier.key == step.key) {
                source.problem(
                    line.at,
                    format!("the stage has two steps with the key `{}`", step.key),
                    "Add `key:` to the front matter of one.",
                );
            }
            stage.steps.push(step);
        } else if let Some(title) = line.text.strip_prefix("## ") {
            let stage = Stage { key: key_of(title), title: title.trim().to_owned(), steps: Vec::new() };
            if stages.iter().any(|earlier| earlier.key == stage.key) {
                source.problem(
                    line.at,
                    format!("two stages are called `{}`", stage.title),
                    "Give each stage its own title.",
                );
            }
            stages.push(stage);
        } else if !line.text.is_empty() {
            source.problem(
                line.at,
                "this text belongs to no step",
                "Put it below a `### ` heading and its front matter.",
            );
            // One remark is enough for a paragraph.
            rest = &rest[rest.iter().position(|line| line.text.is_empty()).unwrap_or(rest.len())..];
        }
    }
    if stages.is_empty() {
        source.problem(0, "the playbook has no stage", "Add headings: `## ` for a stage, `### ` for each step.");
    }
    for stage in stages.iter().filter(|stage| stage.steps.is_empty()) {
        let at = source.text.find(&format!("## {}", stage.title)).unwrap_or_default();
        source.problem(
            at,
            format!("stage `{}` has no step", stage.title),
            "Add a `### ` heading with front matter below it.",
        );
    }
    Playbook { title, stages }
}

fn step<'a>(source: &Source<'_>, heading: Line<'a>, title: &str, rest: &mut &[Line<'a>]) -> Step {
    let matter = front_matter(source, rest, &["mode", "opens when", "done when", "key"]);
    if matter.is_none() {
        source.problem(heading.at, format!("step `{title}` has no front matter"), STEP_HINT);
    }
    let [mode, opens_when, done_when, key] = matter.unwrap_or_default();
    let mode = match mode {
        "optional" => StepMode::Optional,
        "on demand" => StepMode::OnDemand,
        "repeatable" => StepMode::Repeatable,
        "required" => StepMode::Required,
        other => {
            if matter.is_some() {
                source.problem(
                    heading.at,
                    format!("the mode of step `{title}` is `{other}`"),
                    "Write `mode:` required, optional, on demand or repeatable.",
                );
            }
            StepMode::Required
        }
    };
    for (name, value) in [("opens when", opens_when), ("done when", done_when)] {
        if matter.is_some() && value.is_empty() {
            source.problem(
                heading.at,
                format!("step `{title}` does not say `{name}`"),
                format!("Add `{name}:` and a few words to its front matter."),
            );
        }
    }
    let mut fenced = false;
    let body_lines = rest
        .iter()
        .take_while(|line| {
            fenced ^= line.text.starts_with("```");
            fenced || !(line.text.starts_with("## ") || line.text.starts_with("### "))
        })
        .count();
    let (body, after) = rest.split_at(body_lines);
    *rest = after;
    let text = body.iter().map(|line| line.text).collect::<Vec<_>>().join("\n").trim().to_owned();
    if text.is_empty() {
        source.problem(heading.at, format!("step `{title}` has no text"), "Say in a sentence or more what to do.");
    }
    let key = if key.is_empty() { key_of(title) } else { key.to_owned() };
    Step {
        key,
        title: title.to_owned(),
        mode,
        opens_when: opens_when.to_owned(),
        done_when: done_when.to_owned(),
        text,
    }
}

/// Takes `name: value` lines between two `---` lines off the front; returns the values in the order of `names`.
fn front_matter<'a, const N: usize>(
    source: &Source<'_>,
    rest: &mut &[Line<'a>],
    names: &[&str; N],
) -> Option<[&'a str; N]> {
    let first = rest.iter().position(|line| !line.text.is_empty())?;
    let opening = rest[first];
    if opening.text != "---" {
        return None;
    }
    *rest = &rest[first + 1..];
    let Some(length) = rest.iter().position(|line| line.text == "---") else {
        source.problem(opening.at, "this front matter never ends", "Add a line `---` after its last entry.");
        return Some([""; N]);
    };
    let (matter, after) = rest.split_at(length);
    *rest = &after[1..];
    let mut values = [""; N];
    for line in matter.iter().filter(|line| !line.text.is_empty()) {
        let Some((name, value)) = line.text.split_once(':') else {
            source.problem(line.at, "this line of the front matter is not `name: value`", STEP_HINT);
            continue;
        };
        match names.iter().position(|known| *known == name.trim()) {
            Some(place) if values[place].is_empty() => values[place] = value.trim(),
            Some(_) => source.problem(line.at, format!("`{}` is given twice", name.trim()), "Keep one of the two."),
            None => source.problem(
                line.at,
                format!("`{}` is not an entry of this front matter", name.trim()),
                format!("Remove it, or use one of: {}.", names.join(", ")),
            ),
        }
    }
    Some(values)
}

/// Returns a heading as a key: its letters and digits in lower case, `-` between words.
fn key_of(title: &str) -> String {
    let words = title.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}
