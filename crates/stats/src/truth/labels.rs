//! Who answered what on which task, without a cell for those who did not.
//!
//! Four bytes a label and four a task: each label is the number of a cell, worker times classes plus class, and the labels
//! of a task stand together in ascending order. That is all a pass over the tasks needs.

use super::TruthError;
use crate::agreement::CLASSES_MAX;

/// One worker's answer on one task; all count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    /// The task.
    pub task: u32,
    /// Who answered.
    pub worker: u32,
    /// The class given.
    pub class: u32,
}

/// What becomes of a worker's second answer on the same task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeats {
    /// Every answer counts, as if somebody like that worker had given it. So do the published figures.
    #[default]
    All,
    /// The later one replaces the earlier.
    Last,
}

/// Labels by task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    classes: usize,
    workers: usize,
    starts: Vec<u32>,
    cells: Vec<u32>,
}

impl Labels {
    /// Returns the labels of `tasks` tasks by `workers` workers, who chose among `classes` declared classes.
    ///
    /// Tasks without a label, workers without an answer and classes that nobody chose are all right. The order of `labels`
    /// matters to [`Repeats::Last`] only.
    ///
    /// # Errors
    /// [`TruthError::Classes`], [`TruthError::UnknownClass`], [`TruthError::UnknownTask`], [`TruthError::UnknownWorker`],
    /// [`TruthError::TooLarge`] if labels, tasks, or workers times classes reach 2^32.
    pub fn new(
        classes: usize,
        tasks: usize,
        workers: usize,
        labels: &[Label],
        repeats: Repeats,
    ) -> Result<Self, TruthError> {
        if classes == 0 || classes > CLASSES_MAX {
            return Err(TruthError::Classes(classes));
        }
        let fits = |count: usize| u32::try_from(count).is_ok_and(|count| count < u32::MAX);
        if !(fits(labels.len()) && fits(tasks) && workers.checked_mul(classes).is_some_and(fits)) {
            return Err(TruthError::TooLarge);
        }
        let mut starts = vec![0_u32; tasks + 1];
        for &Label { task, worker, class } in labels {
            if class as usize >= classes {
                return Err(TruthError::UnknownClass { class: class as usize, classes });
            }
            if worker as usize >= workers {
                return Err(TruthError::UnknownWorker(worker));
            }
            *starts[..tasks].get_mut(task as usize).ok_or(TruthError::UnknownTask(task))? += 1;
        }
        let mut end = 0;
        for start in &mut starts {
            // Each count becomes the place behind the task's last label, and is counted down to its first below.
            end += *start;
            *start = end;
        }
        let mut cells = vec![0; labels.len()];
        #[expect(clippy::cast_possible_truncation, reason = "at most a thousand")]
        let width = classes as u32;
        for &Label { task, worker, class } in labels.iter().rev() {
            let place = &mut starts[task as usize];
            *place -= 1;
            cells[*place as usize] = worker * width + class;
        }
        let mut ordered = Self { classes, workers, starts, cells };
        ordered.settle(repeats);
        Ok(ordered)
    }

    /// Brings the labels of each task into ascending order, and keeps the last of a worker's if so wished.
    fn settle(&mut self, repeats: Repeats) {
        #[expect(clippy::cast_possible_truncation, reason = "at most a thousand")]
        let width = self.classes as u32;
        let mut kept = 0_usize;
        let mut from = 0_usize;
        for task in 0..self.tasks() {
            let to = self.starts[task + 1] as usize;
            match repeats {
                Repeats::All => {
                    self.cells[from..to].sort_unstable();
                    kept = to;
                }
                Repeats::Last => {
                    // A stable order by worker leaves each worker's answers as they came.
                    self.cells[from..to].sort_by_key(|cell| cell / width);
                    #[expect(clippy::cast_possible_truncation, reason = "never more than there were")]
                    let start = kept as u32;
                    self.starts[task] = start;
                    for place in from..to {
                        let cell = self.cells[place];
                        if place + 1 == to || self.cells[place + 1] / width != cell / width {
                            self.cells[kept] = cell;
                            kept += 1;
                        }
                    }
                }
            }
            from = to;
        }
        self.cells.truncate(kept);
        if let Some(end) = self.starts.last_mut() {
            #[expect(clippy::cast_possible_truncation, reason = "never more than there were")]
            let last = kept as u32;
            *end = last;
        }
    }

    /// Returns the number of classes declared.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Returns the number of workers, those without an answer too.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Returns the number of tasks, those without a label too.
    pub fn tasks(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns the number of labels.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Returns whether there is no label at all.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Returns worker and class of each label of a task, by worker and then class; none of an unknown task.
    pub fn of(&self, task: usize) -> impl ExactSizeIterator<Item = (usize, usize)> + '_ {
        let classes = self.classes;
        let cells = if task < self.tasks() { self.cells_of(task) } else { &[] };
        cells.iter().map(move |&cell| (cell as usize / classes, cell as usize % classes))
    }

    /// Returns the cells of a task's labels, worker times classes plus class.
    pub(super) fn cells_of(&self, task: usize) -> &[u32] {
        &self.cells[self.starts[task] as usize..self.starts[task + 1] as usize]
    }

    /// Returns where the labels of each task start, and the end of all.
    pub(super) fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// Returns the number of answers of each worker.
    pub fn answers(&self) -> Vec<u32> {
        let mut answers = vec![0; self.workers];
        for &cell in &self.cells {
            answers[cell as usize / self.classes] += 1;
        }
        answers
    }

    /// Returns how often each class was chosen.
    pub fn chosen(&self) -> Vec<u64> {
        let mut chosen = vec![0; self.classes];
        for &cell in &self.cells {
            chosen[cell as usize % self.classes] += 1;
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::*;

    fn label(task: u32, worker: u32, class: u32) -> Label {
        Label { task, worker, class }
    }

    #[test]
    fn labels_stand_by_task_whatever_their_order() {
        let given = [label(2, 1, 0), label(0, 1, 2), label(2, 0, 1), label(0, 0, 1)];
        let labels = Labels::new(3, 4, 2, &given, Repeats::All).unwrap();
        let of = |task| labels.of(task).collect::<Vec<_>>();
        assert_eq!(
            [of(0), of(1), of(2), of(3), of(4)],
            [vec![(0, 1), (1, 2)], vec![], vec![(0, 1), (1, 0)], vec![], vec![]]
        );
        assert_eq!((labels.answers(), labels.chosen(), labels.len()), (vec![2, 2], vec![1, 2, 1], 4));
    }

    #[test]
    fn of_repeated_answers_all_count_or_the_last() {
        let given = [label(0, 1, 1), label(0, 0, 1), label(0, 1, 0), label(1, 1, 1), label(1, 1, 1)];
        let all = Labels::new(2, 2, 2, &given, Repeats::All).unwrap();
        assert_eq!(all.of(0).collect::<Vec<_>>(), [(0, 1), (1, 0), (1, 1)]);
        let last = Labels::new(2, 2, 2, &given, Repeats::Last).unwrap();
        assert_eq!(last.of(0).collect::<Vec<_>>(), [(0, 1), (1, 0)]);
        assert_eq!((last.of(1).collect::<Vec<_>>(), last.len()), (vec![(1, 1)], 3));
    }

    #[test]
    fn what_was_never_declared_is_refused_by_name() {
        let one = |label| Labels::new(2, 1, 1, &[label], Repeats::All);
        assert_eq!(one(label(0, 0, 2)), Err(TruthError::UnknownClass { class: 2, classes: 2 }));
        assert_eq!(one(label(1, 0, 0)), Err(TruthError::UnknownTask(1)));
        assert_eq!(one(label(0, 1, 0)), Err(TruthError::UnknownWorker(1)));
        assert_eq!(Labels::new(0, 1, 1, &[], Repeats::All), Err(TruthError::Classes(0)));
        assert_eq!(Labels::new(1_000, 1, 5_000_000, &[], Repeats::All), Err(TruthError::TooLarge));
        assert!(Labels::new(2, 0, 0, &[], Repeats::All).unwrap().is_empty());
    }
}
