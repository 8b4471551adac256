//! One pass over all tasks: the posterior of each from a table of chances, and the expected counts that follow from it.
//!
//! Every model of classes is a rule that makes the table from the counts; this file is where the time goes. Chances are
//! multiplied rather than their logarithms added, which needs no exponential: factors never exceed 1, so a product only
//! shrinks, and a task whose products all vanish is done again with logarithms. Tasks are parted into chunks by the data
//! alone; each chunk sums for itself and the sums are added in the order of the chunks, so that the number of threads
//! changes nothing.

use std::thread;

use super::{
    labels::Labels,
    math::{exp, ln},
};

/// Stands for a task without a known answer.
pub(super) const NO_GOLD: u32 = u32::MAX;

/// Below this a product of chances has lost what it says, and logarithms must do.
const PRODUCT_MIN: f64 = 1e-250;
/// Above this two numbers may be multiplied without vanishing.
const TERM_MIN: f64 = 1e-120;
/// The smallest chance whose logarithm is taken.
const CHANCE_MIN: f64 = 1e-300;
/// Labels that are worth a chunk of their own.
const CHUNK_LABELS: usize = 1 << 15;
/// Most chunks, and so the most threads that have something to do.
const CHUNKS_MAX: usize = 16;

/// What a pass is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) labels: &'a Labels,
    /// The known class of each task or [`NO_GOLD`]; empty if no task has one.
    pub(super) gold: &'a [u32],
    /// Latent states a task may be in: classes times the kinds of each class, class by class.
    pub(super) states: usize,
    pub(super) threads: usize,
}

/// What a pass finds.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    /// Expected number of answers by worker, answer and state.
    pub(super) counts: Vec<f64>,
    /// Expected number of tasks by state.
    pub(super) mass: Vec<f64>,
    /// Logarithm of the chance of all labels (and known answers) under the table.
    pub(super) log_likelihood: f64,
    /// Largest change of any chance of any task.
    pub(super) change: f64,
}

impl Sums {
    fn new(cells: usize, states: usize) -> Self {
        Self { counts: vec![0.0; cells * states], mass: vec![0.0; states], log_likelihood: 0.0, change: 0.0 }
    }

    fn clear(&mut self) {
        self.counts.fill(0.0);
        self.mass.fill(0.0);
        (self.log_likelihood, self.change) = (0.0, 0.0);
    }
}

/// Chunks of tasks with their sums, kept from pass to pass.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    given: Given<'a>,
    /// First task of each chunk, and the number of tasks.
    bounds: Vec<usize>,
    partial: Vec<Sums>,
    /// The chances of each task's states.
    pub(super) chances: Vec<f64>,
    /// The sums of the last pass.
    pub(super) sums: Sums,
}

impl<'a> Pass<'a> {
    /// Returns a pass whose tasks have the given chances, by task and state, with the counts that follow from them.
    ///
    /// A task with a known answer takes it.
    pub(super) fn new(given: Given<'a>, chances: Vec<f64>) -> Self {
        let (labels, states) = (given.labels, given.states);
        let cells = labels.workers() * labels.classes();
        let by_size = labels.len() / CHUNK_LABELS;
        // Sums of many chunks must not outgrow the labels.
        let by_memory = 2 * labels.len() / (cells * states).max(1);
        let chunks = by_size.min(by_memory).clamp(1, CHUNKS_MAX);
        let bounds = (0..=chunks).map(|chunk| boundary(labels, chunk, chunks)).collect();
        let mut pass = Self {
            given,
            bounds,
            partial: (1..chunks).map(|_| Sums::new(cells, states)).collect(),
            chances,
            sums: Sums::new(cells, states),
        };
        if !given.gold.is_empty() {
            let kinds = states / labels.classes();
            for (chances, &gold) in pass.chances.chunks_exact_mut(states).zip(given.gold) {
                if gold != NO_GOLD {
                    keep_only(chances, gold as usize, kinds);
                    let sum: f64 = chances.iter().sum();
                    let own = gold as usize * kinds..(gold as usize + 1) * kinds;
                    let even = 1.0 / super::real(kinds);
                    for chance in &mut chances[own] {
                        *chance = if sum > 0.0 { *chance / sum } else { even };
                    }
                }
            }
        }
        pass.run(None);
        pass
    }

    /// Computes every task's chances anew from `table`, by worker, answer and state, and `prior`, by state; then the sums.
    ///
    /// No entry may exceed 1.
    pub(super) fn step(&mut self, table: &[f64], prior: &[f64]) {
        self.run(Some((table, prior)));
    }

    fn run(&mut self, table: Option<(&[f64], &[f64])>) {
        let (given, states) = (self.given, self.given.states);
        self.sums.clear();
        let mut rest = self.chances.as_mut_slice();
        let mut chunks = Vec::with_capacity(self.bounds.len());
        for (bound, sums) in self.bounds.windows(2).zip(std::iter::once(&mut self.sums).chain(&mut self.partial)) {
            let (own, others) = rest.split_at_mut((bound[1] - bound[0]) * states);
            rest = others;
            chunks.push((bound[0], own, sums));
        }
        let work = |(first, chances, sums): (usize, &mut [f64], &mut Sums)| {
            sums.clear();
            match table {
                Some((table, prior)) => infer(given, first, chances, sums, table, prior),
                None => tally(given, first, chances, sums),
            }
        };
        let threads = given.threads.clamp(1, chunks.len());
        if threads == 1 {
            chunks.into_iter().for_each(work);
        } else {
            let mut hands: Vec<Vec<_>> = (0..threads).map(|_| Vec::new()).collect();
            for (number, chunk) in chunks.into_iter().enumerate() {
                hands[number % threads].push(chunk);
            }
            thread::scope(|scope| {
                for hand in hands {
                    scope.spawn(|| hand.into_iter().for_each(work));
                }
            });
        }
        for partial in &self.partial {
            add(&mut self.sums.counts, &partial.counts);
            add(&mut self.sums.mass, &partial.mass);
            self.sums.log_likelihood += partial.log_likelihood;
            self.sums.change = self.sums.change.max(partial.change);
        }
    }
}

/// Returns the first task of a chunk, such that chunks have about as many labels each.
fn boundary(labels: &Labels, chunk: usize, chunks: usize) -> usize {
    if chunk == chunks {
        return labels.tasks();
    }
    let label = labels.len() / chunks * chunk;
    labels.starts()[..labels.tasks()].partition_point(|&start| (start as usize) < label)
}

fn add(sums: &mut [f64], terms: &[f64]) {
    for (sum, term) in sums.iter_mut().zip(terms) {
        *sum += term;
    }
}

/// Leaves chances only to the kinds of one class.
fn keep_only(chances: &mut [f64], class: usize, kinds: usize) {
    for (state, chance) in chances.iter_mut().enumerate() {
        if state / kinds != class {
            *chance = 0.0;
        }
    }
}

/// Sums what the chances say as they are.
fn tally(given: Given<'_>, first: usize, chances: &[f64], sums: &mut Sums) {
    let states = given.states;
    for (task, chances) in chances.chunks_exact(states).enumerate() {
        for &cell in given.labels.cells_of(first + task) {
            add(&mut sums.counts[cell as usize * states..][..states], chances);
        }
        add(&mut sums.mass, chances);
    }
}

/// Computes the chances of a chunk of tasks, and their sums.
fn infer(given: Given<'_>, first: usize, chances: &mut [f64], sums: &mut Sums, table: &[f64], prior: &[f64]) {
    // The loops over states unroll where their number is known while compiling.
    match given.states {
        2 => infer_with(given, 2, &mut [0.0; 2], first, chances, sums, table, prior),
        3 => infer_with(given, 3, &mut [0.0; 3], first, chances, sums, table, prior),
        4 => infer_with(given, 4, &mut [0.0; 4], first, chances, sums, table, prior),
        5 => infer_with(given, 5, &mut [0.0; 5], first, chances, sums, table, prior),
        states => infer_with(given, states, &mut vec![0.0; states], first, chances, sums, table, prior),
    }
}

#[expect(clippy::inline_always, reason = "made anew for each known number of states")]
#[expect(clippy::too_many_arguments, reason = "the innermost loop takes its parts apart")]
#[inline(always)]
fn infer_with(
    given: Given<'_>,
    states: usize,
    own: &mut [f64],
    first: usize,
    chances: &mut [f64],
    sums: &mut Sums,
    table: &[f64],
    prior: &[f64],
) {
    let (labels, kinds) = (given.labels, states / given.labels.classes().max(1));
    // The product of many tasks' chances, whose logarithm is taken now and then.
    let (mut product, mut change) = (1.0_f64, 0.0_f64);
    for (task, before) in chances.chunks_exact_mut(states).enumerate() {
        let cells = labels.cells_of(first + task);
        own.copy_from_slice(&prior[..states]);
        for &cell in cells {
            let row = &table[cell as usize * states..][..states];
            for state in 0..states {
                own[state] *= row[state];
            }
        }
        let gold = given.gold.get(first + task).copied().unwrap_or(NO_GOLD);
        if gold != NO_GOLD {
            keep_only(own, gold as usize, kinds);
        }
        let mut sum = 0.0;
        for &chance in own.iter() {
            sum += chance;
        }
        if sum > PRODUCT_MIN {
            let scale = 1.0 / sum;
            for chance in own.iter_mut() {
                *chance *= scale;
            }
            if product < TERM_MIN {
                sums.log_likelihood += ln(product);
                product = 1.0;
            }
            if sum > TERM_MIN {
                product *= sum;
            } else {
                sums.log_likelihood += ln(sum);
            }
        } else {
            sums.log_likelihood += by_logarithms(own, cells, gold, kinds, table, prior);
        }
        for state in 0..states {
            change = change.max((own[state] - before[state]).abs());
            before[state] = own[state];
            sums.mass[state] += own[state];
        }
        for &cell in cells {
            let counts = &mut sums.counts[cell as usize * states..][..states];
            for state in 0..states {
                counts[state] += own[state];
            }
        }
    }
    sums.log_likelihood += ln(product);
    sums.change = change;
}

/// Computes one task's chances by logarithms and returns the logarithm of their common term.
#[cold]
#[inline(never)]
pub(super) fn by_logarithms(
    own: &mut [f64],
    cells: &[u32],
    gold: u32,
    kinds: usize,
    table: &[f64],
    prior: &[f64],
) -> f64 {
    let states = own.len();
    let mut top = f64::NEG_INFINITY;
    for (state, chance) in own.iter_mut().enumerate() {
        if gold != NO_GOLD && state / kinds != gold as usize {
            *chance = f64::NEG_INFINITY;
            continue;
        }
        *chance = ln(prior[state].max(CHANCE_MIN));
        for &cell in cells {
            *chance += ln(table[cell as usize * states + state].max(CHANCE_MIN));
        }
        top = top.max(*chance);
    }
    let mut sum = 0.0;
    for chance in own.iter_mut() {
        *chance = exp(*chance - top);
        sum += *chance;
    }
    for chance in own.iter_mut() {
        *chance /= sum;
    }
    top + ln(sum)
}
