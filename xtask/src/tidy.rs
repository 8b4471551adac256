//! The sentences of house style that stay true, each a small check with a test that shows it can fail.
//!
//! `layers` holds the rules on what each crate must not contain; `files` those on how files look.

mod files;
mod layers;

use std::{fs, process::Command};

use anyhow::{Context, Result, bail};

use crate::step::answer;

/// A file that git tracks, or would with the next `git add`.
struct Source {
    /// Relative to the workspace's root.
    path: String,
    size_bytes: u64,
    /// Empty for a file that is not UTF-8.
    text: String,
}

/// A place where a sentence is not true.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// Counts from 1; 0 stands for the file itself.
    line: usize,
    what: String,
}

type Check = fn(&[Source]) -> Vec<Finding>;

/// Every check, by the sentence it guards.
const CHECKS: [(&str, Check); 12] = [
    ("crates import strictly downward", layers::imports_point_down),
    ("databases, policies and HTTP each have one crate", layers::libraries_have_one_owner),
    ("there is no crate called common or utils", layers::crates_have_real_names),
    ("kernel and stats have no async, IO or clock", layers::kernel_and_stats_are_pure),
    ("only store contains SQL", layers::only_store_contains_sql),
    ("nothing under app mentions the web", layers::app_knows_no_web),
    ("every file opens with its purpose", files::open_with_their_purpose),
    ("files are fit to read", files::are_fit_to_read),
    ("no file names a machine or a registry's host", files::name_no_machine),
    ("packs are data", files::packs_are_data),
    ("templates have no inline script or style", files::templates_are_free_of_inline_code),
    ("each change has a readable note", files::notes_are_readable),
];

/// Runs every check over the workspace and prints each finding as `path:line: what`.
pub(crate) fn run() -> Result<()> {
    let sources = sources()?;
    let mut findings_total = 0;
    for (sentence, check) in CHECKS {
        let findings = check(&sources);
        for Finding { path, line, what } in &findings {
            println!("{path}:{line}: {what} ({sentence})");
        }
        findings_total += findings.len();
    }
    if findings_total > 0 {
        bail!("{findings_total} findings in {} files", sources.len());
    }
    println!("tidy: {} sentences hold in {} files", CHECKS.len(), sources.len());
    Ok(())
}

/// Reads every file of the working tree that git does not ignore.
fn sources() -> Result<Vec<Source>> {
    let listed = answer(Command::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]))
        .context("listing the files with git")?;
    let mut sources = Vec::new();
    // A file deleted but not yet committed is listed and absent.
    for path in listed.lines().filter(|path| fs::metadata(path).is_ok_and(|metadata| metadata.is_file())) {
        let bytes = fs::read(path).with_context(|| format!("reading {path}"))?;
        let size_bytes = bytes.len() as u64;
        sources.push(Source { path: path.to_owned(), size_bytes, text: String::from_utf8(bytes).unwrap_or_default() });
    }
    Ok(sources)
}

impl Source {
    fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, what: what.into() }
    }

    /// Returns the lines that are not comments of Rust, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Returns all lines, with their numbers.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Returns the number of the line in which a byte stands.
    fn line_at(&self, byte: usize) -> usize {
        self.text[..byte].matches('\n').count() + 1
    }

    /// Returns what follows the last point of the file's name, or nothing.
    fn kind(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, kind)| kind)
    }
}

/// What the tests of the checks share.
#[cfg(test)]
mod testing {
    use super::{Check, Source};

    /// Returns what a check says of one file, each as `line: what`.
    pub(super) fn findings(check: Check, path: &str, text: &str) -> Vec<String> {
        let source = Source { path: path.to_owned(), size_bytes: text.len() as u64, text: text.to_owned() };
        check(&[source]).into_iter().map(|finding| format!("{}: {}", finding.line, finding.what)).collect()
    }

    /// Fails unless the check accepts this file.
    pub(super) fn accepts(check: Check, path: &str, text: &str) {
        assert_eq!(findings(check, path, text), Vec::<String>::new(), "{path}");
    }

    /// Fails unless the check finds exactly one fault in this file, on `line`.
    pub(super) fn refuses(check: Check, path: &str, text: &str, line: usize) {
        let found = findings(check, path, text);
        assert!(found.len() == 1 && found[0].starts_with(&format!("{line}: ")), "{path}: {found:?}");
    }
}
