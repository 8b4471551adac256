//! How files look: their first line, their size, and what packs, templates and notes must be free of.

use super::{Finding, Source};

/// The lines beyond which a source file holds more than one idea.
const LINES_MAX: usize = 1_000;

/// The size of any tracked file; larger things are made or fetched, not kept.
const SIZE_BYTES_MAX: u64 = 512 * 1024;

/// Kinds of file a pack may hold.
const PACK_KINDS: [&str; 8] = ["csv", "gz", "json", "jsonl", "md", "svg", "toml", "txt"];

/// The width of a note's first line, which also heads the release's notes.
const NOTE_TITLE_MAX: usize = 72;

/// The lines of a note: what a user notices fits in these.
const NOTE_LINES_MAX: usize = 12;

/// Places that exist on one machine only. Written in parts, so that this file may be checked too.
const MACHINE_PATHS: [&str; 4] =
    [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("C:\\", "Users")];

/// What the host of a registry or its mirror has in its name.
const REGISTRY_HOSTS: [&str; 4] = ["registry", "mirror", "index", "proxy"];

pub(super) fn open_with_their_purpose(sources: &[Source]) -> Vec<Finding> {
    sources
        .iter()
        .filter_map(|source| {
            let opening = match source.kind() {
                "rs" => "//! ",
                "js" | "mjs" => "// ",
                _ => return None,
            };
            let what = format!("says nothing of its purpose: open with `{opening}…`");
            (!source.text.starts_with(opening)).then(|| source.finding(1, what))
        })
        .collect()
}

pub(super) fn are_fit_to_read(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let lines = source.text.lines().count();
        if source.kind() == "rs" && lines > LINES_MAX {
            findings.push(source.finding(0, format!("{lines} lines, more than {LINES_MAX}: part it by noun")));
        }
        if source.size_bytes > SIZE_BYTES_MAX {
            findings.push(source.finding(0, format!("{} bytes, more than {SIZE_BYTES_MAX}", source.size_bytes)));
        }
    }
    findings
}

pub(super) fn name_no_machine(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        for (number, line) in source.lines() {
            let paths = MACHINE_PATHS.into_iter().filter(|path| line.contains(path));
            findings.extend(paths.map(|path| source.finding(number, format!("`{path}` is a place on one machine"))));
            let hosts = hosts(line).filter(|host| REGISTRY_HOSTS.iter().any(|part| host.contains(part)));
            findings
                .extend(hosts.map(|host| source.finding(number, format!("`{host}` is for each machine to choose"))));
        }
    }
    findings
}

pub(super) fn packs_are_data(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with("packs/")) {
        if !PACK_KINDS.contains(&source.kind()) {
            findings.push(source.finding(0, format!("a pack holds only {}", PACK_KINDS.join(", "))));
        }
        if let Some(script) = source.text.find("<script") {
            findings.push(source.finding(source.line_at(script), "a pack holds no script"));
        }
    }
    findings
}

pub(super) fn templates_are_free_of_inline_code(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with("crates/server/templates/")) {
        for (start, tag) in tags(&source.text) {
            if let Some(what) = inline_code(tag) {
                findings.push(source.finding(source.line_at(start), what));
            }
        }
    }
    findings
}

pub(super) fn notes_are_readable(sources: &[Source]) -> Vec<Finding> {
    let notes =
        sources.iter().filter(|source| source.path.starts_with("changes/") && source.path != "changes/README.md");
    notes.filter_map(|note| fault_of_note(note).map(|(line, what)| note.finding(line, what))).collect()
}

/// Returns the hosts of the addresses in a line.
fn hosts(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("://").map(|(at, sign)| {
        let rest = &line[at + sign.len()..];
        rest.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '.' || sign == '-')).next().unwrap_or(rest)
    })
}

/// Returns the opening tags of a template, each with its place and without its brackets.
fn tags(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('<').filter_map(|(start, _)| {
        let rest = &text[start + 1..];
        let tag = &rest[..rest.find('>')?];
        tag.starts_with(|sign: char| sign.is_ascii_alphabetic()).then_some((start, tag))
    })
}

/// Returns what the content security policy would stop in a tag.
fn inline_code(tag: &str) -> Option<String> {
    let name = tag.split(|sign: char| !sign.is_ascii_alphanumeric()).next().unwrap_or(tag);
    let mut attributes = tag.split_whitespace().skip(1).map(|part| part.split_once('=').unwrap_or((part, "")));
    if name == "style" {
        return Some("styles live in the style sheet".to_owned());
    }
    if name == "script" && !attributes.clone().any(|(attribute, _)| attribute == "src") {
        return Some("scripts live in files of their own".to_owned());
    }
    attributes.find_map(|(attribute, value)| {
        let stopped = attribute == "style"
            || attribute.starts_with("hx-on")
            || (attribute.starts_with("on") && attribute.len() > 2 && !value.is_empty())
            || value.contains("javascript:")
            || value.trim_start_matches(['"', '\'']).starts_with("js:");
        stopped.then(|| format!("`{attribute}` carries inline code"))
    })
}

/// Returns the first fault of a note: `noun: What a user notices`, then perhaps a blank line and a few more.
fn fault_of_note(note: &Source) -> Option<(usize, String)> {
    let name = note.path.trim_start_matches("changes/");
    let plain = |stem: &str| stem.chars().all(|sign| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '-');
    if !name.strip_suffix(".md").is_some_and(|stem| !stem.is_empty() && plain(stem)) {
        return Some((0, "a note is called `what-it-is-about.md`".to_owned()));
    }
    let mut lines = note.text.lines();
    let title = lines.next().unwrap_or_default();
    let begins_well = title.split_once(": ").is_some_and(|(noun, sentence)| {
        !noun.is_empty() && plain(noun) && sentence.starts_with(|sign: char| sign.is_uppercase())
    });
    if !begins_well || title.chars().count() > NOTE_TITLE_MAX {
        return Some((1, format!("open with `noun: What a user notices`, at most {NOTE_TITLE_MAX} characters")));
    }
    if lines.next().is_some_and(|line| !line.is_empty()) {
        return Some((2, "leave this line blank".to_owned()));
    }
    let count = note.text.lines().count();
    (count > NOTE_LINES_MAX)
        .then(|| (0, format!("{count} lines, more than {NOTE_LINES_MAX}: the rest belongs to docs/")))
}

#[cfg(test)]
mod tests {
    use super::{super::testing::*, *};

    #[test]
    fn a_file_that_does_not_say_its_purpose_is_found() {
        accepts(open_with_their_purpose, "crates/kernel/src/case.rs", "//! A case.\n");
        accepts(open_with_their_purpose, "docs/notes.md", "Anything\n");
        refuses(open_with_their_purpose, "crates/kernel/src/case.rs", "use std::fmt;\n", 1);
        refuses(open_with_their_purpose, "e2e/lib.mjs", "import fs from \"node:fs\";\n", 1);
    }

    #[test]
    fn a_file_too_long_or_too_large_is_found() {
        accepts(are_fit_to_read, "crates/kernel/src/case.rs", &"\n".repeat(LINES_MAX));
        refuses(are_fit_to_read, "crates/kernel/src/case.rs", &"\n".repeat(LINES_MAX + 1), 0);
        refuses(are_fit_to_read, "docs/figures.csv", &"1,".repeat(300_000), 0);
    }

    #[test]
    fn a_place_on_one_machine_or_a_registry_is_found() {
        accepts(name_no_machine, "Cargo.lock", "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n");
        accepts(name_no_machine, "README.md", "Open http://localhost:4747/e/eng_1/cases\n");
        refuses(name_no_machine, "README.md", concat!("\nUnpack it in /ho", "me/ann/remit.\n"), 2);
        refuses(
            name_no_machine,
            "package-lock.json",
            concat!("\"resolved\": \"https:", "//registry.example.org/htmx.tgz\"\n"),
            1,
        );
    }

    #[test]
    fn code_in_a_pack_is_found() {
        accepts(packs_are_data, "packs/evidence-analysis/form.json", "{}");
        refuses(packs_are_data, "packs/evidence-analysis/rules.py", "print()", 0);
        refuses(packs_are_data, "packs/diagnostic-reading/demo/trace.svg", "<svg>\n<script>alert(1)</script></svg>", 2);
    }

    #[test]
    fn inline_code_in_a_template_is_found() {
        let check = templates_are_free_of_inline_code;
        let path = "crates/server/templates/case/show.html";
        accepts(
            check,
            path,
            "<script src=\"/assets/htmx.js\"\n  defer></script>\n{% if n < 3 %}<p class=\"only\">on = now</p>{% endif %}",
        );
        accepts(check, "docs/pages.md", "<p style=\"color: red\">");
        refuses(check, path, "<p>\n<script>alert(1)</script>", 2);
        refuses(check, path, "<style>p { color: red }</style>", 1);
        refuses(check, path, "<p\n style=\"color: red\">", 1);
        refuses(check, path, "<button onclick=\"go()\">", 1);
        refuses(check, path, "<button hx-on:click=\"go()\">", 1);
        refuses(check, path, "<a href=\"javascript:go()\">", 1);
        refuses(check, path, "<div hx-vals='js:{now: 1}'>", 1);
    }

    #[test]
    fn a_note_nobody_could_read_is_found() {
        accepts(notes_are_readable, "changes/README.md", "# Notes\n");
        accepts(
            notes_are_readable,
            "changes/lost-reader.md",
            "panel: A lost reader is replaced at once\n\nNo case waits any more.\n",
        );
        refuses(notes_are_readable, "changes/Lost Reader.md", "panel: A lost reader is replaced\n", 0);
        refuses(notes_are_readable, "changes/lost-reader.md", "Some things were changed\n", 1);
        refuses(notes_are_readable, "changes/lost-reader.md", "panel: A lost reader is replaced\nat once\n", 2);
        refuses(
            notes_are_readable,
            "changes/lost-reader.md",
            &format!("panel: A lost reader is replaced\n\n{}", "so\n".repeat(11)),
            0,
        );
    }
}
