//! The file of labels that a measurement is about, and which of its columns say what.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail, ensure};
use remit_formats::labels::{Columns, Labels};

/// What stands for standard input in place of a file.
pub(super) const STDIN: &str = "-";

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
        let labels = if self.is_stdin() {
            Labels::of_reader("standard input", io::stdin(), &columns)?
        } else {
            Labels::read(&self.file, &columns)?
        };
        if labels.rows.is_empty() {
            let name = if self.is_stdin() { "standard input".to_owned() } else { self.file.display().to_string() };
            match labels.blank {
                0 => bail!("{name} has a header and no row: give a file with one label a row"),
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
