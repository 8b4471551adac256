//! The file of labels that a measurement is about, and which of its columns say what.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Result, anyhow, bail, ensure};
use remit_formats::labels::{Columns, Gold, Labels};

/// What stands for standard input in place of a file.
pub(super) const STDIN: &str = "-";

/// Labels that an error names before it stops.
const NAMED: usize = 8;

/// A file of labels.
#[derive(Debug, clap::Args)]
pub(super) struct Input {
    /// CSV with a header and one label a row, plain or gzipped; `-` reads standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The column that says what was judged.
    #[arg(long, value_name = "COLUMN", default_value = "task")]
    task: String,
    /// The column that says who judged.
    #[arg(long, value_name = "COLUMN", default_value = "worker")]
    worker: String,
    /// The column with the judgement; a row where it is empty says nothing.
    #[arg(long, value_name = "COLUMN", default_value = "label")]
    label: String,
}

impl Input {
    /// Reads the file, with a column by which its rows are told apart if one is given.
    pub(super) fn read(&self, slice: Option<&str>) -> Result<Labels> {
        let columns = Columns {
            task: self.task.clone(),
            worker: self.worker.clone(),
            label: self.label.clone(),
            slice: slice.map(str::to_owned),
        };
        if self.file.is_dir() {
            bail!("{} is a folder: name the file with the labels in it", self.file.display());
        }
        let labels = if self.is_stdin() {
            Labels::of_reader("standard input", io::stdin(), &columns)?
        } else {
            Labels::read(&self.file, &columns)?
        };
        if labels.rows.is_empty() {
            let name = if self.is_stdin() { "standard input".to_owned() } else { self.file.display().to_string() };
            match labels.blank {
                0 => bail!("{name} has a header and no row: give a file with one label a row"),
                1 => bail!(
                    "{name} has no label: `{}` is empty in its one row. Name the column with the judgement by `--label`",
                    self.label
                ),
                blank => bail!(
                    "{name} has no label: `{}` is empty in all {blank} rows. Name the column with the judgement by `--label`",
                    self.label
                ),
            }
        }
        Ok(labels)
    }

    /// Returns whether the labels come from standard input.
    pub(super) fn is_stdin(&self) -> bool {
        self.file.as_os_str() == STDIN
    }

    /// Fails if writing to `out` would overwrite this file, whatever it is called there.
    pub(super) fn spare(&self, out: &Path) -> Result<()> {
        spare(&self.file, out)
    }
}

/// Returns a share from 0 to 1 written as 0.95 or 95%.
pub(super) fn share(written: &str) -> Result<f64, String> {
    let text = written.trim();
    let (number, unit) = text.strip_suffix('%').map_or((text, 1.0), |number| (number.trim(), 100.0));
    match number.parse::<f64>() {
        Ok(number) if (0.0..=unit).contains(&number) => Ok(number / unit),
        Ok(number) if unit < 2.0 && (1.0..=100.0).contains(&number) => {
            Err(format!("that is more than all: write {} or {number}%", number / 100.0))
        }
        Ok(_) | Err(_) => Err("that is no share: give a number from 0 to 1, such as 0.95 or 95%".to_owned()),
    }
}

/// Returns a share as [`share`], but neither 0 nor 1: nothing is sure.
pub(super) fn between(written: &str) -> Result<f64, String> {
    let share = share(written)?;
    if share > 0.0 && share < 1.0 {
        Ok(share)
    } else {
        Err("it must lie between 0 and 1, such as 0.95 or 95%".to_owned())
    }
}

/// Returns a number of things, in words.
pub(super) fn count(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// Fails unless labels say by themselves how they are ordered: words do not, numbers do.
pub(super) fn ordered(labels: &Labels, asked: &str) -> Result<()> {
    if labels.labels.iter().all(|name| name.parse::<f64>().is_ok_and(f64::is_finite)) {
        return Ok(());
    }
    let names: Vec<&str> = labels.labels.iter().take(NAMED).collect();
    let more = if labels.labels.len() > NAMED { ", …" } else { "" };
    let found = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    bail!(
        "{asked} needs to know which label is above which, and the labels {found}{more} are no numbers: name all of them from \
         the lowest to the highest, such as `--classes low,medium,high`"
    )
}

/// Puts labels and known answers in the order of `classes`, those that nobody gave with them.
pub(super) fn reorder(labels: &mut Labels, gold: Option<&mut Gold>, classes: &[String]) -> Result<()> {
    if classes.iter().collect::<BTreeSet<_>>().len() < classes.len() {
        bail!("`--classes` names a label twice");
    }
    let mut places = Vec::with_capacity(labels.labels.len());
    for name in labels.labels.iter() {
        let place = classes.iter().position(|class| class == name);
        places.push(u32::try_from(place.ok_or_else(|| anyhow!("the label `{name}` is not among `--classes`"))?)?);
    }
    for row in &mut labels.rows {
        row.label = places[row.label as usize];
    }
    for answer in gold.into_iter().flat_map(|gold| gold.answers.iter_mut().flatten()) {
        *answer = places[*answer as usize];
    }
    labels.labels = classes.iter().map(String::as_str).collect();
    Ok(())
}

/// Fails if writing to `out` would overwrite `file`, whatever it is called there.
pub(super) fn spare(file: &Path, out: &Path) -> Result<()> {
    ensure!(
        !same(file, out),
        "`--out {}` is the file `{}` that is read: name another, or it would be lost",
        out.display(),
        file.display()
    );
    Ok(())
}

/// Returns whether two paths lead to one file, over links too.
fn same(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let place = |path| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
        place(one).is_some_and(|found| place(other) == Some(found))
    }
    #[cfg(not(unix))]
    {
        fs::canonicalize(one).is_ok_and(|found| fs::canonicalize(other).is_ok_and(|other| found == other))
    }
}
