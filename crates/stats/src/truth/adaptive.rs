//! How many readings a case needs: recorded labels replayed as if each were bought when a rule asks for it.
//!
//! Every task begins with a few readings in random order. Then, in rounds, all that was bought is inferred anew; a task
//! whose chance of being right reaches the threshold stops, and each other one buys the recorded reading of its best unused
//! worker. Rounds, rather than one reading at a time, keep millions of labels feasible.

use super::{
    Choice, Evidence, Inference, Options, Order, TruthError,
    infer::{check, ordered},
    labels::{Label, Labels, Repeats},
    real,
};
use crate::random::Random;

/// When a task has readings enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// Readings that every task has before it may stop.
    pub readings_min: usize,
    /// Readings after which a task stops in any case.
    pub readings_max: usize,
    /// The chance of being right at which it stops, in `0.0..=1.0`.
    pub threshold: f64,
    /// Who reads next.
    pub next: Next,
}

/// Who reads next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Whoever comes, in random order.
    Random,
    /// The best unused worker, by the accuracy inferred so far.
    Best,
}

impl Default for Rule {
    fn default() -> Self {
        Self { readings_min: 2, readings_max: usize::MAX, threshold: 0.95, next: Next::Best }
    }
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// What the readings bought say, in the end.
    pub inference: Inference,
    /// The readings bought.
    pub bought: Labels,
    /// Readings bought.
    pub readings_used: usize,
    /// Readings recorded.
    pub readings_recorded: usize,
    /// Tasks that stopped because their chance reached the threshold.
    pub stopped: usize,
    /// Rounds of inference.
    pub rounds: u32,
}

/// One round of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Counts from 1.
    pub number: u32,
    /// Readings bought before it.
    pub bought: usize,
    /// Readings bought after it.
    pub wanted: usize,
}

/// Replays recorded labels under a rule; the same `seed` gives the same replay on every machine.
///
/// Known answers of the evidence are held in every round as they would be in life, and their tasks buy readings like any
/// other, for they measure.
///
/// Chance goes by the [`Order`] of all that is recorded, so that neither the order of the labels nor the numbers of tasks and
/// workers change a figure. `told` hears of each round, for whoever waits.
///
/// # Errors
/// Those of [`infer()`](super::infer()); [`TruthError::Weight`] of a threshold outside `0.0..=1.0`.
pub fn replay(
    evidence: &Evidence<'_>,
    choice: Choice,
    rule: &Rule,
    seed: u64,
    options: &Options,
    mut told: impl FnMut(Round),
) -> Result<Replay, TruthError> {
    if !(0.0..=1.0).contains(&rule.threshold) {
        return Err(TruthError::Weight(rule.threshold));
    }
    check(evidence)?;
    let order = Order::of(evidence);
    let (labels, gold) = (&order.labels(evidence.labels)?, order.gold(evidence.gold));
    let history = order.history(evidence.history, labels.classes());
    let mut left = Stock::of(labels, seed);
    let mut bought = Vec::new();
    for task in 0..labels.tasks() {
        for _ in 0..rule.readings_min.max(1).min(rule.readings_max) {
            bought.extend(left.take(task, |_| 0.0));
        }
    }
    let mut rounds = 0;
    loop {
        rounds += 1;
        let held = Labels::new(labels.classes(), labels.tasks(), labels.workers(), &bought, Repeats::All)?;
        let inference = ordered(&Evidence { labels: &held, gold: &gold, history: &history }, choice, options)?;
        let mut chances = inference.chances.clone();
        for held_back in &inference.held_back {
            chances[held_back.task] = held_back.chance;
        }
        let reached = |task: usize| chances[task] >= rule.threshold;
        let before = bought.len();
        let skill = |worker: usize| match rule.next {
            Next::Random => 0.0,
            Next::Best => inference.fit.workers[worker].accuracy.unwrap_or(f64::NEG_INFINITY),
        };
        for task in 0..labels.tasks() {
            if held.of(task).len() < rule.readings_max && !reached(task) {
                bought.extend(left.take(task, skill));
            }
        }
        told(Round { number: rounds, bought: before, wanted: bought.len() - before });
        if bought.len() == before {
            let stopped = (0..labels.tasks()).filter(|task| held.of(*task).len() > 0 && reached(*task)).count();
            let (readings_used, readings_recorded) = (bought.len(), labels.len());
            let (inference, bought) = (order.restored(inference), order.unordered(&held)?);
            return Ok(Replay { inference, bought, readings_used, readings_recorded, stopped, rounds });
        }
    }
}

/// Parts known answers in two: a `share` of them, rounded and drawn by `seed`, to be known, and the others to judge by.
///
/// A share outside `0.0..=1.0` counts as the nearer end.
pub fn part(gold: &[Option<u32>], share: f64, seed: u64) -> (Vec<Option<u32>>, Vec<Option<u32>>) {
    let mut tasks: Vec<usize> = (0..gold.len()).filter(|task| gold[*task].is_some()).collect();
    Random::new(seed).shuffle(&mut tasks);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a count; NaN becomes 0")]
    let wanted = (real(tasks.len()) * share.clamp(0.0, 1.0)).round() as usize;
    let (mut known, mut judged) = (vec![None; gold.len()], gold.to_vec());
    for &task in &tasks[..wanted.min(tasks.len())] {
        known[task] = judged[task].take();
    }
    (known, judged)
}

/// Recorded readings that nobody has bought, by task in a random order of their own.
struct Stock {
    starts: Vec<usize>,
    /// How many of each task's are left, at its start.
    left: Vec<u32>,
    readings: Vec<Label>,
}

impl Stock {
    fn of(labels: &Labels, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut stock = Self { starts: Vec::new(), left: Vec::new(), readings: Vec::with_capacity(labels.len()) };
        for number in 0..labels.tasks() {
            let start = stock.readings.len();
            stock.starts.push(start);
            #[expect(clippy::cast_possible_truncation, reason = "labels count tasks, workers and classes in 32 bits")]
            let reading = |(worker, class)| Label { task: number as u32, worker: worker as u32, class: class as u32 };
            stock.readings.extend(labels.of(number).map(reading));
            random.shuffle(&mut stock.readings[start..]);
            stock.left.push(u32::try_from(stock.readings.len() - start).unwrap_or(u32::MAX));
        }
        stock
    }

    /// Takes the reading of the worker with the most skill, the first of equals.
    fn take(&mut self, task: usize, skill: impl Fn(usize) -> f64) -> Option<Label> {
        let start = self.starts[task];
        let readings = &mut self.readings[start..start + self.left[task] as usize];
        let mut best = 0;
        for place in 1..readings.len() {
            if skill(readings[place].worker as usize) > skill(readings[best].worker as usize) {
                best = place;
            }
        }
        let taken = *readings.get(best)?;
        // The others keep their order.
        readings[best..].rotate_left(1);
        self.left[task] -= 1;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::*;

    /// Returns labels of two classes by ten workers on every task, half of them good, with the truth.
    fn recorded(tasks: u32) -> (Labels, Vec<Option<u32>>) {
        let mut random = Random::new(9);
        let mut labels = Vec::new();
        let mut truth = Vec::new();
        for task in 0..tasks {
            let class = u32::from(random.share() < 0.5);
            truth.push(Some(class));
            for worker in 0..10 {
                let right = random.share() < if worker < 5 { 0.95 } else { 0.65 };
                labels.push(Label { task, worker, class: if right { class } else { 1 - class } });
            }
        }
        (Labels::new(2, tasks as usize, 10, &labels, Repeats::All).unwrap(), truth)
    }

    fn played(labels: &Labels, rule: Rule, seed: u64) -> Replay {
        let choice = Choice::One(super::super::Model::Anchored);
        replay(&Evidence::of(labels), choice, &rule, seed, &Options::default(), |_| ()).unwrap()
    }

    #[test]
    fn the_numbers_of_tasks_and_workers_change_no_figure() {
        let (labels, truth) = recorded(120);
        let gold: Vec<_> = truth.iter().enumerate().map(|(task, class)| class.filter(|_| task % 3 == 0)).collect();
        // Turned round: the last task and worker become the first.
        let turned: Vec<Label> = (0..120_u32)
            .flat_map(|task| labels.of(task as usize).map(move |(worker, class)| (task, worker, class)))
            .map(|(task, worker, class)| Label {
                task: 119 - task,
                worker: 9 - u32::try_from(worker).unwrap(),
                class: u32::try_from(class).unwrap(),
            })
            .collect();
        let turned = Labels::new(2, 120, 10, &turned, Repeats::All).unwrap();
        let other_gold: Vec<_> = gold.iter().rev().copied().collect();
        let rule = Rule { threshold: 0.9, ..Rule::default() };
        let of = |labels, gold| {
            let evidence = Evidence { labels, gold, history: &[] };
            replay(&evidence, Choice::Auto, &rule, 3, &Options::default(), |_| ()).unwrap()
        };
        let (one, other) = (of(&labels, &gold), of(&turned, &other_gold));
        assert_eq!((one.readings_used, one.stopped, one.rounds), (other.readings_used, other.stopped, other.rounds));
        // Tasks that are alike in everything may change places, and do.
        let sorted = |found: &Replay| {
            let mut tasks: Vec<_> =
                (0..120).map(|task| (found.bought.of(task).len(), found.inference.fit.of(task)[0].to_bits())).collect();
            tasks.sort_unstable();
            tasks
        };
        assert_eq!(sorted(&one), sorted(&other));
        for task in 0..120 {
            assert!(one.bought.of(task).all(|read| labels.of(task).any(|known| known == read)));
        }
    }

    #[test]
    fn most_tasks_need_few_readings_and_the_best_workers_give_them() {
        let (labels, truth) = recorded(600);
        let found = played(&labels, Rule { threshold: 0.99, ..Rule::default() }, 1);
        assert_eq!(found.readings_recorded, 6_000);
        assert!(found.readings_used < 2_400, "{}", found.readings_used);
        assert!(found.inference.fit.accuracy(&truth).unwrap() > 0.95);
        let drawn = played(&labels, Rule { threshold: 0.99, next: Next::Random, ..Rule::default() }, 1);
        assert!(found.readings_used < drawn.readings_used, "{} {}", found.readings_used, drawn.readings_used);
        let answers = found.bought.answers();
        let (good, poor) = (answers[..5].iter().sum::<u32>(), answers[5..].iter().sum::<u32>());
        assert!(good > poor * 12 / 10, "{answers:?}");
    }

    #[test]
    fn the_threshold_decides_between_the_least_and_all() {
        let (labels, _) = recorded(50);
        let at = |threshold| played(&labels, Rule { threshold, ..Rule::default() }, 1).readings_used;
        assert_eq!((at(0.0), at(1.0)), (100, 500));
        assert!(at(0.9) <= at(0.999));
        let capped = Rule { threshold: 1.0, readings_max: 3, ..Rule::default() };
        assert_eq!(played(&labels, capped, 1).readings_used, 150);
    }

    #[test]
    fn a_seed_tells_the_whole_replay() {
        let (labels, _) = recorded(80);
        let rule = Rule { threshold: 0.97, ..Rule::default() };
        assert_eq!(played(&labels, rule, 4), played(&labels, rule, 4));
        assert_ne!(played(&labels, rule, 4).bought, played(&labels, rule, 5).bought);
    }

    #[test]
    fn known_tasks_buy_readings_like_any_other() {
        let (labels, truth) = recorded(200);
        let gold: Vec<_> = truth.iter().enumerate().map(|(task, class)| class.filter(|_| task % 4 == 0)).collect();
        let evidence = Evidence { labels: &labels, gold: &gold, history: &[] };
        let rule = Rule { threshold: 0.97, ..Rule::default() };
        let mut rounds = Vec::new();
        let found = replay(&evidence, Choice::Auto, &rule, 2, &Options::default(), |round| rounds.push(round)).unwrap();
        let readings = |known: bool| -> usize {
            (0..200).filter(|task| (task % 4 == 0) == known).map(|task| found.bought.of(task).len()).sum()
        };
        let (known, open) = (readings(true) * 3, readings(false));
        assert!(known * 10 > open * 8 && known * 10 < open * 12, "{known} {open}");
        assert_eq!(rounds.len(), found.rounds as usize);
        assert_eq!(rounds.last().map(|round| round.wanted), Some(0));
        assert_eq!(found.inference.held_back.len(), 50);
    }

    #[test]
    fn known_answers_are_parted_by_a_seed() {
        let gold: Vec<_> = (0..50).map(|task| (task % 2 == 0).then_some(task)).collect();
        let (known, judged) = part(&gold, 0.2, 3);
        assert_eq!((known.iter().flatten().count(), judged.iter().flatten().count()), (5, 20));
        for (task, class) in gold.iter().enumerate() {
            assert!(known[task].or(judged[task]) == *class && (known[task].is_none() || judged[task].is_none()));
        }
        assert_eq!(part(&gold, 0.2, 3).0, known);
        assert_ne!(part(&gold, 0.2, 4).0, known);
        assert_eq!(part(&gold, f64::NAN, 3).1, gold);
        assert_eq!(part(&gold, 2.0, 3).0, gold);
    }

    #[test]
    fn a_threshold_that_is_no_chance_is_refused() {
        let (labels, _) = recorded(2);
        for threshold in [-0.1, 1.1, f64::NAN] {
            let rule = Rule { threshold, ..Rule::default() };
            let refused = replay(&Evidence::of(&labels), Choice::Auto, &rule, 1, &Options::default(), |_| ());
            assert!(matches!(refused, Err(TruthError::Weight(_))));
        }
    }
}
