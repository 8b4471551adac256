//! An order of tasks and workers by what was said alone, whatever their numbers and names are.
//!
//! Whoever files the same labels in another order, or under other names, asks the same question. Where known answers are
//! held back in turn, where chance begins, and in which order sums run, goes by this order, so that the answer is the same.

use super::{Evidence, HeldBack, Inference, TruthError, labels::Label, labels::Labels, labels::Repeats};
use crate::random::mixed;

/// Rounds of refinement; each looks one step further from a task to its workers, to their tasks, and so on.
const ROUNDS: usize = 3;
/// What a task says whose class is not known.
const OPEN: u64 = 0x5851_f42d_4c95_7f2d;

/// Places of tasks and workers in an order that rests on what was said.
///
/// Each gets a colour from those it meets, again and again: a task from its workers, their answers and its known class, a
/// worker from their tasks and answers and their history, a class from where it was given. Colours give the order. Those
/// alike in all that stand as they were numbered; they may as well change places. Classes keep their order: it is that of
/// grades, and of equal classes the first is best.
///
/// Source: Weisfeiler and Leman (1968), their refinement of colours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The number of the task at each place.
    tasks: Vec<u32>,
    /// The number of the worker at each place.
    workers: Vec<u32>,
}

impl Order {
    /// Returns the order of these labels, known answers and histories.
    pub fn of(evidence: &Evidence<'_>) -> Self {
        let Evidence { labels, gold, history } = evidence;
        let width = labels.classes();
        let mut classes: Vec<u64> = labels.chosen().into_iter().map(mixed).collect();
        for class in gold.iter().flatten() {
            if let Some(colour) = classes.get_mut(*class as usize) {
                *colour = colour.wrapping_add(OPEN);
            }
        }
        let past: Vec<u64> = (0..labels.workers())
            .map(|worker| {
                let own = history.get(worker * width * width..(worker + 1) * width * width).unwrap_or_default();
                let cells = own.iter().enumerate().map(|(cell, count)| {
                    met(met(classes[cell / width], classes[cell % width].rotate_left(7)), count.to_bits())
                });
                cells.fold(0, u64::wrapping_add)
            })
            .collect();
        let truth = |task: usize, classes: &[u64]| {
            let class = gold.get(task).copied().flatten();
            class.map_or(OPEN, |class| classes.get(class as usize).map_or(OPEN, |colour| mixed(*colour)))
        };
        let mut tasks: Vec<u64> =
            (0..labels.tasks()).map(|task| met(labels.of(task).len() as u64, truth(task, &classes))).collect();
        let mut workers = past.clone();
        for _ in 0..ROUNDS {
            let (mut by_worker, mut by_class) = (past.clone(), vec![0_u64; width]);
            for (task, colour) in tasks.iter().enumerate() {
                for (worker, class) in labels.of(task) {
                    by_worker[worker] = by_worker[worker].wrapping_add(met(*colour, classes[class]));
                    by_class[class] = by_class[class].wrapping_add(met(*colour, workers[worker]));
                }
            }
            workers = by_worker.into_iter().map(mixed).collect();
            classes = classes.iter().zip(by_class).map(|(before, now)| met(*before, now)).collect();
            for (task, colour) in tasks.iter_mut().enumerate() {
                let said = labels.of(task).map(|(worker, class)| met(workers[worker], classes[class]));
                *colour = met(said.fold(0, u64::wrapping_add), truth(task, &classes));
            }
        }
        Self { tasks: sorted(&tasks), workers: sorted(&workers) }
    }

    /// Returns the labels with tasks and workers numbered in this order.
    ///
    /// # Errors
    /// Those of [`Labels::new`], if these are not the labels that the order is of.
    pub fn labels(&self, labels: &Labels) -> Result<Labels, TruthError> {
        renumbered(labels, &places(&self.tasks), &places(&self.workers))
    }

    /// Returns labels that are numbered in this order with the numbers as they were.
    pub(super) fn unordered(&self, labels: &Labels) -> Result<Labels, TruthError> {
        renumbered(labels, &self.tasks, &self.workers)
    }

    /// Returns known answers in this order; none stay none.
    pub fn gold(&self, gold: &[Option<u32>]) -> Vec<Option<u32>> {
        let answers = self.tasks.iter().map(|task| gold.get(*task as usize).copied().flatten());
        answers.take(if gold.is_empty() { 0 } else { usize::MAX }).collect()
    }

    /// Returns the histories in this order; none stay none, and a list of another size stays as it is.
    pub(super) fn history(&self, history: &[f64], classes: usize) -> Vec<f64> {
        let size = classes * classes;
        if history.len() != self.workers.len() * size {
            return history.to_vec();
        }
        self.workers.iter().flat_map(|worker| &history[*worker as usize * size..][..size]).copied().collect()
    }

    /// Returns what was inferred in this order with the numbers as they were.
    pub(super) fn restored(&self, mut found: Inference) -> Inference {
        let classes = found.fit.classes;
        found.fit.posterior = back(&self.tasks, &found.fit.posterior, classes);
        found.fit.confusion = back(&self.workers, &found.fit.confusion, classes * classes);
        found.fit.workers = back(&self.workers, &found.fit.workers, 1);
        found.chances = back(&self.tasks, &found.chances, 1);
        found.held_back =
            found.held_back.into_iter().map(|held| HeldBack { task: self.tasks[held.task] as usize, ..held }).collect();
        found
    }
}

/// Returns numbers by colour, those of one colour in their own order.
fn sorted(colours: &[u64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..).take(colours.len()).collect();
    order.sort_unstable_by_key(|&number| (colours[number as usize], number));
    order
}

/// Returns one colour of two.
fn met(one: u64, other: u64) -> u64 {
    mixed(one.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ mixed(other))
}

/// Returns lists of `size` entries each, one after the other, where they stood before an order was brought in.
fn back<T: Copy>(order: &[u32], ordered: &[T], size: usize) -> Vec<T> {
    if ordered.len() != order.len() * size {
        return ordered.to_vec();
    }
    places(order).into_iter().flat_map(|place| &ordered[place as usize * size..][..size]).copied().collect()
}

/// Returns the place of each number in an order.
fn places(order: &[u32]) -> Vec<u32> {
    let mut places = vec![0; order.len()];
    for (place, number) in (0..).zip(order) {
        places[*number as usize] = place;
    }
    places
}

/// Returns labels with other numbers for their tasks and workers.
fn renumbered(labels: &Labels, tasks: &[u32], workers: &[u32]) -> Result<Labels, TruthError> {
    let mut given = Vec::with_capacity(labels.len());
    for (task, to) in tasks.iter().enumerate() {
        #[expect(clippy::cast_possible_truncation, reason = "labels count classes in 32 bits")]
        let label = |(worker, class): (usize, usize)| Label {
            task: *to,
            worker: workers.get(worker).copied().unwrap_or(u32::MAX),
            class: class as u32,
        };
        given.extend(labels.of(task).map(label));
    }
    Labels::new(labels.classes(), tasks.len(), workers.len(), &given, Repeats::All)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::*;
    use crate::random::Random;

    #[test]
    fn the_same_labels_under_other_numbers_stand_in_the_same_order() {
        let mut random = Random::new(8);
        let (tasks, workers) = (60_u32, 7_u32);
        let mut given = Vec::new();
        for task in 0..tasks {
            for worker in 0..workers {
                if random.share() < 0.5 {
                    given.push(Label { task, worker, class: u32::from(random.share() < 0.3) });
                }
            }
        }
        let gold: Vec<Option<u32>> =
            (0..tasks).map(|task| (task % 3 == 0).then(|| u32::from(random.share() < 0.3))).collect();
        let history: Vec<f64> = (0..workers * 4).map(|cell| f64::from(cell % 5)).collect();
        let make = |given: &[Label]| Labels::new(2, 60, 7, given, Repeats::All).unwrap();
        let labels = make(&given);
        let order = Order::of(&Evidence { labels: &labels, gold: &gold, history: &history });

        let (mut task_of, mut worker_of): (Vec<u32>, Vec<u32>) = ((0..tasks).collect(), (0..workers).collect());
        random.shuffle(&mut task_of);
        random.shuffle(&mut worker_of);
        let moved: Vec<Label> = given
            .iter()
            .map(|label| Label {
                task: task_of[label.task as usize],
                worker: worker_of[label.worker as usize],
                ..*label
            })
            .collect();
        let moved = make(&moved);
        let (mut other_gold, mut other_history) = (vec![None; 60], vec![0.0; 28]);
        for (task, to) in task_of.iter().enumerate() {
            other_gold[*to as usize] = gold[task];
        }
        for (worker, to) in worker_of.iter().enumerate() {
            other_history[*to as usize * 4..][..4].copy_from_slice(&history[worker * 4..][..4]);
        }
        let other = Order::of(&Evidence { labels: &moved, gold: &other_gold, history: &other_history });
        assert_eq!(order.labels(&labels).unwrap(), other.labels(&moved).unwrap());
        assert_eq!(order.gold(&gold), other.gold(&other_gold));
        assert_eq!(order.history(&history, 2), other.history(&other_history, 2));
        assert_ne!(order.tasks, (0..tasks).collect::<Vec<_>>());
        // And back again.
        let places: Vec<u32> = (0..tasks).collect();
        let ordered: Vec<u32> = order.tasks.clone();
        assert_eq!(back(&order.tasks, &ordered, 1), places);
    }
}
