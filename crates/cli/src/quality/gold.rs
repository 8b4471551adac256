//! The file of known answers, and what labels and known answers come to as evidence.

use std::path::PathBuf;

use anyhow::{Context, Result};
use remit_formats::labels::{Gold, GoldColumns, Labels};
use remit_stats::truth::{self, Label, Repeats};

/// A file of known answers.
#[derive(Debug, clap::Args)]
pub(super) struct Known {
    /// Known answers: CSV with a header and one task a row, plain or gzipped.
    #[arg(long, value_name = "FILE")]
    gold: Option<PathBuf>,
    /// Its column that says what was judged.
    #[arg(long, value_name = "COLUMN", default_value = "task")]
    gold_task: String,
    /// Its column with the right answer.
    #[arg(long, value_name = "COLUMN", default_value = "label")]
    gold_label: String,
}

impl Known {
    /// Reads the file if one is named. Answers that no worker gave become labels of their own.
    pub(super) fn read(&self, labels: &mut Labels) -> Result<Option<Gold>> {
        let Some(file) = &self.gold else { return Ok(None) };
        let columns = GoldColumns { task: self.gold_task.clone(), label: self.gold_label.clone() };
        Ok(Some(labels.read_gold(file, &columns)?))
    }
}

/// Returns the rows as labels of tasks by workers. A worker's second answer on a task counts like anybody's.
pub(super) fn labels(read: &Labels) -> Result<truth::Labels> {
    let rows: Vec<Label> =
        read.rows.iter().map(|row| Label { task: row.task, worker: row.worker, class: row.label }).collect();
    truth::Labels::new(read.labels.len(), read.tasks.len(), read.workers.len(), &rows, Repeats::All)
        .with_context(|| format!("{} different labels; is `--label` the column with the judgement?", read.labels.len()))
}
