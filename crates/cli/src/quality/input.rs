//! The file of labels that a measurement is about, and which of its columns say what.

use std::path::PathBuf;

use anyhow::Result;
use remit_formats::labels::{Columns, Labels};

/// A file of labels.
#[derive(Debug, clap::Args)]
pub(super) struct Input {
    /// CSV with a header and one label a row, plain or gzipped.
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
        Ok(Labels::read(&self.file, &columns)?)
    }
}
