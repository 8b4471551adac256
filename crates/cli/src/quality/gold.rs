//! The file of known answers, and what labels and known answers come to as evidence.

use std::{
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use remit_formats::labels::{Gold, GoldColumns, Labels};
use remit_stats::truth::{self, Label, Repeats, calibrate::GOLD_MIN};

use super::input::{Input, STDIN, spare};

/// A file of known answers.
#[derive(Debug, clap::Args)]
pub(super) struct Known {
    /// Known answers: CSV with a header and one task a row, plain or gzipped; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    gold: Option<PathBuf>,
    /// Its column that says what was judged.
    #[arg(long, value_name = "COLUMN", default_value = "task", requires = "gold")]
    gold_task: String,
    /// Its column with the right answer.
    #[arg(long, value_name = "COLUMN", default_value = "label", requires = "gold")]
    gold_label: String,
}

impl Known {
    /// Reads the file if one is named. Answers that no worker gave become labels of their own.
    pub(super) fn read(&self, input: &Input, labels: &mut Labels) -> Result<Option<Gold>> {
        let Some(file) = &self.gold else { return Ok(None) };
        let columns = GoldColumns { task: self.gold_task.clone(), label: self.gold_label.clone() };
        if file.as_os_str() != STDIN {
            return Ok(Some(labels.read_gold(file, &columns)?));
        }
        ensure!(!input.is_stdin(), "labels and `--gold` cannot both be standard input: name a file for one of them");
        Ok(Some(labels.gold_of_reader("standard input", io::stdin(), &columns)?))
    }

    /// Fails if writing to `out` would overwrite the known answers.
    pub(super) fn spare(&self, out: &Path) -> Result<()> {
        self.gold.as_ref().map_or(Ok(()), |file| spare(file, out))
    }
}

/// Returns what to be wary of in known answers, a sentence each.
pub(super) fn wary(read: &Labels, gold: &Gold) -> Vec<String> {
    let mut sentences = Vec::new();
    if gold.known == 0 {
        sentences.push(if gold.elsewhere > 0 {
            format!(
                "None of the {} known answers is about a task of the labels: check how tasks are written in both files, and \
                 `--gold-task`.",
                gold.elsewhere
            )
        } else {
            "The file of known answers has a header and no answer below it: give one a row, or check `--gold-label`.".to_owned()
        });
    } else if gold.known < GOLD_MIN as u64 {
        let known = match gold.known {
            1 => "1 known answer is".to_owned(),
            known => format!("{known} known answers are"),
        };
        sentences.push(format!("{known} too few to choose a method or to measure chances: that takes {GOLD_MIN}."));
    }
    let mut given = vec![false; read.labels.len()];
    for row in &read.rows {
        given[row.label as usize] = true;
    }
    let mut unused: Vec<u32> =
        gold.answers.iter().flatten().copied().filter(|answer| !given[*answer as usize]).collect();
    unused.sort_unstable();
    unused.dedup();
    if let Some(first) = unused.first() {
        let more = unused.len() - 1;
        let others = if more > 0 { format!(" and {more} more") } else { String::new() };
        sentences.push(format!(
            "No worker ever gave `{}`{others}, which known answers hold: check how labels are written in both files.",
            read.labels.name(*first)
        ));
    }
    sentences
}

/// Returns the rows as labels of tasks by workers. A worker's second answer on a task counts like anybody's.
pub(super) fn labels(read: &Labels) -> Result<truth::Labels> {
    let rows: Vec<Label> =
        read.rows.iter().map(|row| Label { task: row.task, worker: row.worker, class: row.label }).collect();
    truth::Labels::new(read.labels.len(), read.tasks.len(), read.workers.len(), &rows, Repeats::All)
        .with_context(|| format!("{} different labels; is `--label` the column with the judgement?", read.labels.len()))
}
