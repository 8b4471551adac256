//! One model fitted to labels: what each task is, and how each worker answers.

use super::{
    Evidence, Model, Options, TruthError,
    labels::Labels,
    math::ln,
    model::{Rule, Size, Table, bound},
    pass::{Given, NO_GOLD, Pass},
    real,
    reliable::{Tally, Worker},
    vote,
};
use crate::random::Random;

/// A class with fewer expected tasks says nothing about whether names were switched.
const SWITCH_MASS_MIN: f64 = 1.0;

/// What a model says of tasks and workers.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The model that was fitted, after any fall back.
    pub model: Model,
    /// The model that was asked for and refused, because it had switched the names of classes.
    pub refused: Option<Model>,
    /// Classes declared.
    pub classes: usize,
    /// The chance of each class, by task and class; each task's sum to 1.
    pub posterior: Vec<f64>,
    /// The share of each class before any answer.
    pub prior: Vec<f64>,
    /// How often each worker is expected to have given each answer to each class, by worker, truth and answer; without
    /// history.
    pub confusion: Vec<f64>,
    /// What is to be said of each worker.
    pub workers: Vec<Worker>,
    /// Rounds until nothing moved.
    pub iterations: u32,
    /// Logarithm of the chance of all labels under the model, after each round; empty for models without one.
    pub trace: Vec<f64>,
    /// Lower bound of the evidence, for the mean-field models.
    pub bound: Option<f64>,
}

/// Returns whether a model's own chances tell how far each worker's accuracy is known.
pub(super) fn measures(model: Model) -> bool {
    matches!(model, Model::OneCoin | Model::Ibcc | Model::Anchored)
}

impl Fit {
    /// Returns the logarithm of the chance of all labels under the model, where the model has one.
    pub fn log_likelihood(&self) -> Option<f64> {
        self.trace.last().copied()
    }

    /// Returns the number of tasks.
    pub fn tasks(&self) -> usize {
        self.posterior.len() / self.classes
    }

    /// Returns the chance of each class of one task.
    pub fn of(&self, task: usize) -> &[f64] {
        &self.posterior[task * self.classes..][..self.classes]
    }

    /// Returns by how many classes each worker answers above the truth on average, for classes that are ordered; none of a
    /// worker of whom nothing was compared.
    pub fn leans(&self) -> Vec<Option<f64>> {
        let classes = self.classes;
        let lean = |cells: &[f64]| {
            let (mut distance, mut answers) = (0.0, 0.0);
            for (place, count) in cells.iter().enumerate() {
                distance += count * (real(place % classes) - real(place / classes));
                answers += count;
            }
            (answers > 0.0).then(|| distance / answers)
        };
        let workers = self.confusion.chunks_exact(classes * classes).zip(&self.workers);
        workers.map(|(cells, worker)| if worker.compared > 0 { lean(cells) } else { None }).collect()
    }

    /// Returns the share of tasks with a true class on which the best class is that; ties share the point, tasks without
    /// one in `truth` do not count. None if no task counts.
    pub fn accuracy(&self, truth: &[Option<u32>]) -> Option<f64> {
        accuracy(&self.posterior, self.classes, truth)
    }
}

/// Returns the share of tasks on which the best class is the true one; ties share the point.
pub fn accuracy(posterior: &[f64], classes: usize, truth: &[Option<u32>]) -> Option<f64> {
    let (mut points, mut tasks) = (0.0, 0_usize);
    for (chances, truth) in posterior.chunks_exact(classes.max(1)).zip(truth) {
        if let Some(truth) = truth {
            points += point(chances, *truth as usize);
            tasks += 1;
        }
    }
    (tasks > 0).then(|| points / real(tasks))
}

/// Returns 1 if the class is the best one, a part of it if several are, 0 otherwise.
pub fn point(chances: &[f64], class: usize) -> f64 {
    let top = chances.iter().copied().fold(0.0, f64::max);
    let best = |chance: f64| chance > top - 1e-12;
    let tied = chances.iter().filter(|chance| best(**chance)).count();
    if chances.get(class).is_some_and(|chance| best(*chance)) { 1.0 / real(tied.max(1)) } else { 0.0 }
}

/// Fits one model.
///
/// Every model begins with the shares of votes. A model with confusions whose classes do not stand for what the workers
/// called them (a class's mean share of right answers is below chance) is refused, and the next simpler one is fitted:
/// [`Fit::refused`] says so.
///
/// # Errors
/// [`TruthError::NoLabels`], [`TruthError::Shape`] if gold or history have another size than the labels,
/// [`TruthError::UnknownClass`] of gold, [`TruthError::Weight`] of a history or smoothing that is not 0 or more.
pub fn fit(model: Model, evidence: &Evidence<'_>, options: &Options) -> Result<Fit, TruthError> {
    let known = Known::of(evidence, options)?;
    let mut next = model;
    loop {
        let fit = known.fit(next, options);
        let simpler = match next {
            Model::DawidSkene | Model::Ibcc | Model::Ebcc | Model::Graded => Model::Anchored,
            Model::Anchored => Model::OneCoin,
            Model::OneCoin | Model::Bwa => Model::Majority,
            Model::Majority | Model::Wawa => return Ok(fit.instead_of(model)),
        };
        if !switched(&fit, &known.gold) {
            return Ok(fit.instead_of(model));
        }
        next = simpler;
    }
}

/// Returns whether a class's mean share of right answers is below chance, so that its name no longer fits.
///
/// A class that some tasks are known to have keeps its name, however badly the workers know it.
fn switched(fit: &Fit, gold: &[u32]) -> bool {
    let classes = fit.classes;
    let mut held = vec![false; classes];
    for &class in gold.iter().filter(|class| **class != NO_GOLD) {
        held[class as usize] = true;
    }
    (0..classes).filter(|class| !held[*class]).any(|class| {
        let (mut right, mut all) = (0.0, 0.0);
        for confusion in fit.confusion.chunks_exact(classes * classes) {
            let row = &confusion[class * classes..][..classes];
            right += row[class];
            all += row.iter().sum::<f64>();
        }
        all >= SWITCH_MASS_MIN && right * real(classes) < all
    })
}

/// Evidence that was checked.
struct Known<'a> {
    labels: &'a Labels,
    gold: Vec<u32>,
    /// By worker, answer and truth, as passes have it.
    history: Vec<f64>,
}

impl<'a> Known<'a> {
    fn of(evidence: &Evidence<'a>, options: &Options) -> Result<Self, TruthError> {
        let Evidence { labels, gold, history } = *evidence;
        if labels.is_empty() {
            return Err(TruthError::NoLabels);
        }
        if !(options.smoothing.is_finite() && options.smoothing >= 0.0) {
            return Err(TruthError::Weight(options.smoothing));
        }
        let classes = labels.classes();
        if !gold.is_empty() && gold.len() != labels.tasks() {
            return Err(TruthError::Shape { found: gold.len(), wanted: labels.tasks() });
        }
        if let Some(class) = gold.iter().flatten().find(|class| **class as usize >= classes) {
            return Err(TruthError::UnknownClass { class: *class as usize, classes });
        }
        let wanted = labels.workers() * classes * classes;
        if !history.is_empty() && history.len() != wanted {
            return Err(TruthError::Shape { found: history.len(), wanted });
        }
        if let Some(count) = history.iter().find(|count| !(count.is_finite() && **count >= 0.0)) {
            return Err(TruthError::Weight(*count));
        }
        let gold = if gold.iter().any(Option::is_some) {
            gold.iter().map(|class| class.unwrap_or(NO_GOLD)).collect()
        } else {
            Vec::new()
        };
        Ok(Self { labels, gold, history: turned(history, classes) })
    }

    fn fit(&self, model: Model, options: &Options) -> Fit {
        match model {
            Model::Majority => self.by_votes(model, vote::shares(self.labels), 1, options),
            Model::Wawa => {
                let votes = vote::wawa(self.labels, &self.gold, |worker| self.earlier(worker));
                self.by_votes(model, votes, 2, options)
            }
            Model::Bwa => {
                let (shares, rounds) = vote::bwa(self.labels, &self.gold, options.rounds_max, options.change_min);
                self.by_votes(model, shares, rounds, options)
            }
            Model::OneCoin => self.by_rounds(model, Rule::OneCoin, options),
            Model::DawidSkene => self.by_rounds(model, Rule::Confusion { smoothing: options.smoothing }, options),
            Model::Ibcc => self.by_rounds(model, Rule::MeanField, options),
            Model::Anchored => self.by_rounds(model, Rule::Anchored { strength: 1.0 }, options),
            Model::Graded => self.by_rounds(model, Rule::Graded, options),
            Model::Ebcc => self.by_kinds(options),
        }
    }

    fn given(&self, states: usize, options: &Options) -> Given<'_> {
        Given { labels: self.labels, gold: &self.gold, states, threads: options.threads }
    }

    fn size(&self, kinds: usize) -> Size {
        Size { classes: self.labels.classes(), workers: self.labels.workers(), kinds }
    }

    /// Returns a worker's earlier hits and answers.
    fn earlier(&self, worker: usize) -> (f64, f64) {
        let classes = self.labels.classes();
        let Some(cells) = self.history.get(worker * classes * classes..(worker + 1) * classes * classes) else {
            return (0.0, 0.0);
        };
        ((0..classes).map(|class| cells[class * classes + class]).sum(), cells.iter().sum())
    }

    /// Takes the chances as given, and counts what follows from them.
    fn by_votes(&self, model: Model, shares: Vec<f64>, iterations: u32, options: &Options) -> Fit {
        let classes = self.labels.classes();
        let pass = Pass::new(self.given(classes, options), shares);
        let prior = vote::mean(&pass.chances, classes);
        self.finish(model, pass, &prior, iterations, Vec::new(), None)
    }

    fn by_rounds(&self, model: Model, mut rule: Rule, options: &Options) -> Fit {
        let size = self.size(1);
        let shares = vote::shares(self.labels);
        let prior = vote::mean(&shares, size.classes);
        let mut pass = Pass::new(self.given(size.classes, options), shares);
        let mut table = table(size, prior);
        let trace = self.rounds(&mut pass, &mut rule, size, &mut table, options);
        let rounds = u32::try_from(trace.len()).unwrap_or(u32::MAX);
        if matches!(rule, Rule::MeanField) {
            let bound = evidence_bound(size, &pass);
            return self.finish(model, pass, &table.prior, rounds, Vec::new(), Some(bound));
        }
        self.finish(model, pass, &table.prior, rounds, trace, None)
    }

    /// Goes round until nothing moves, and returns the logarithm of the labels' chance after each round.
    fn rounds(
        &self,
        pass: &mut Pass<'_>,
        rule: &mut Rule,
        size: Size,
        table: &mut Table,
        options: &Options,
    ) -> Vec<f64> {
        let mut trace = Vec::new();
        for round in 1..=options.rounds_max.max(1) {
            self.remember(size, &mut pass.sums.counts);
            rule.update(size, round, &pass.sums, table);
            pass.step(&table.chances, &table.prior);
            let (now, before) = (pass.sums.log_likelihood, trace.last().copied().unwrap_or(f64::NEG_INFINITY));
            trace.push(now);
            if pass.sums.change < options.change_min || (now - before).abs() < options.gain_min * now.abs() {
                break;
            }
        }
        trace
    }

    /// Adds the history to counts, the same for each kind of a class in equal parts.
    fn remember(&self, size: Size, counts: &mut [f64]) {
        let part = real(size.kinds);
        for (place, count) in self.history.iter().enumerate() {
            for kind in 0..size.kinds {
                counts[place * size.kinds + kind] += count / part;
            }
        }
    }

    fn by_kinds(&self, options: &Options) -> Fit {
        let classes = self.labels.classes();
        let size = self.size(KINDS);
        let shares = vote::shares(self.labels);
        let mut best: Option<(f64, Vec<f64>, Vec<f64>, u32)> = None;
        for restart in 0..options.restarts.max(1) {
            let mut random = Random::new(options.seed.wrapping_add(u64::from(restart)));
            let mut chances = Vec::with_capacity(shares.len() * KINDS);
            for share in &shares {
                let parts: [f64; KINDS] = std::array::from_fn(|_| random.exponential());
                let total: f64 = parts.iter().sum();
                chances.extend(parts.map(|part| share * part / total));
            }
            let mut pass = Pass::new(self.given(size.states(), options), chances);
            let mut table = table(size, vec![0.0; size.states()]);
            let trace = self.rounds(&mut pass, &mut Rule::Kinds, size, &mut table, options);
            let bound = evidence_bound(size, &pass);
            if best.as_ref().is_none_or(|(best, ..)| bound > *best) {
                let rounds = u32::try_from(trace.len()).unwrap_or(u32::MAX);
                best = Some((bound, pass.chances, table.prior, rounds));
            }
        }
        let (bound, chances, prior, rounds) = best.unwrap_or_default();
        let merge = |parts: &[f64]| parts.chunks_exact(KINDS).map(|kinds| kinds.iter().sum()).collect::<Vec<f64>>();
        let pass = Pass::new(self.given(classes, options), merge(&chances));
        self.finish(Model::Ebcc, pass, &merge(&prior), rounds, Vec::new(), Some(bound))
    }

    fn finish(
        &self,
        model: Model,
        pass: Pass<'_>,
        prior: &[f64],
        iterations: u32,
        trace: Vec<f64>,
        bound: Option<f64>,
    ) -> Fit {
        let classes = self.labels.classes();
        let confusion = turned(&pass.sums.counts, classes);
        let mut tally = Tally::new(classes, self.labels.workers());
        for (task, chances) in pass.chances.chunks_exact(classes).enumerate() {
            let known = self.gold.get(task).is_some_and(|gold| *gold != NO_GOLD);
            tally.add(self.labels.cells_of(task), chances, known);
        }
        let mut workers = tally.workers(|worker| self.earlier(worker));
        if !measures(model) {
            for worker in &mut workers {
                worker.interval = None;
            }
        }
        let total: f64 = prior.iter().sum();
        let prior = prior.iter().map(|share| share / total).collect();
        let posterior = pass.chances;
        Fit { model, refused: None, classes, posterior, prior, confusion, workers, iterations, trace, bound }
    }
}

/// Returns a table to be filled.
fn table(size: Size, prior: Vec<f64>) -> Table {
    Table { chances: vec![0.0; size.workers * size.classes * size.states()], prior }
}

fn evidence_bound(size: Size, pass: &Pass<'_>) -> f64 {
    let entropy = pass.chances.iter().filter(|chance| **chance > 0.0).map(|chance| -chance * ln(*chance)).sum();
    bound(size, &pass.sums, entropy)
}

/// Kinds of task in each class of [`Model::Ebcc`].
const KINDS: usize = 10;

impl Fit {
    fn instead_of(mut self, wanted: Model) -> Self {
        self.refused = (self.model != wanted).then_some(wanted);
        self
    }
}

/// Returns counts by worker with the two ways of a worker's table swapped: truth and answer, or answer and truth.
fn turned(counts: &[f64], classes: usize) -> Vec<f64> {
    let mut turned = vec![0.0; counts.len()];
    for (to, from) in turned.chunks_exact_mut(classes * classes).zip(counts.chunks_exact(classes * classes)) {
        for row in 0..classes {
            for column in 0..classes {
                to[column * classes + row] = from[row * classes + column];
            }
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{
        interval::Interval,
        truth::{Label, Repeats},
    };

    /// Table 1 of Dawid and Skene (1979): 45 patients, the first anaesthetist thrice and four others once, classes from 0.
    const ANAESTHESIA: [&str; 45] = [
        "0000000", "2223223", "0011011", "1112010", "1112111", "1112211", "0011000", "2222322", "1111112", "1211112",
        "3333333", "1112232", "0000000", "1112101", "0100000", "0001000", "0000000", "0000000", "1111110", "1110211",
        "1111111", "1111110", "1112111", "1101111", "0000000", "0000000", "1211111", "0000000", "0000000", "0010010",
        "0000000", "2222122", "0000000", "1111111", "1112121", "3223232", "1101121", "1212122", "2222321", "0000000",
        "0000000", "0101000", "1211111", "0100000", "1111111",
    ];
    /// Espeland and Handelman (1989): teeth by the answers of five dentists, the first in the lowest bit.
    const CARIES: [usize; 32] = [
        1880, 12, 188, 2, 23, 1, 15, 3, 43, 6, 17, 6, 8, 2, 8, 1, 789, 26, 191, 20, 63, 20, 85, 72, 75, 14, 67, 27, 22,
        17, 56, 100,
    ];
    /// To the end of the likelihood, without smoothing.
    const EXACT: Options = Options {
        smoothing: 0.0,
        rounds_max: 2_000,
        change_min: 1e-10,
        gain_min: 0.0,
        threads: 1,
        restarts: 1,
        seed: 1,
    };

    fn anaesthesia() -> Labels {
        let mut labels = Vec::new();
        for (task, patient) in (0..).zip(ANAESTHESIA) {
            for (class, worker) in patient.bytes().zip([0, 0, 0, 1, 2, 3, 4]) {
                labels.push(Label { task, worker, class: u32::from(class - b'0') });
            }
        }
        Labels::new(4, 45, 5, &labels, Repeats::All).unwrap()
    }

    fn caries() -> Labels {
        let patterns = (0_u32..).zip(CARIES).flat_map(|(pattern, teeth)| std::iter::repeat_n(pattern, teeth));
        let labels: Vec<Label> = (0..)
            .zip(patterns)
            .flat_map(|(task, pattern)| (0..5).map(move |worker| Label { task, worker, class: pattern >> worker & 1 }))
            .collect();
        Labels::new(2, 3_859, 5, &labels, Repeats::All).unwrap()
    }

    /// Returns the share of each answer given a truth.
    fn row(fit: &Fit, worker: usize, truth: usize) -> Vec<f64> {
        let classes = fit.classes;
        let row = &fit.confusion[(worker * classes + truth) * classes..][..classes];
        let total: f64 = row.iter().sum();
        row.iter().map(|count| count / total).collect()
    }

    fn near(found: &[f64], wanted: &[f64], tolerance: f64) {
        assert_eq!(found.len(), wanted.len());
        let all = found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < tolerance);
        assert!(all, "{found:?} against {wanted:?}");
    }

    fn rises(trace: &[f64]) -> bool {
        trace.windows(2).all(|pair| pair[1] >= pair[0] - 1e-9)
    }

    #[test]
    fn dawid_skene_gives_what_its_authors_printed() {
        let labels = anaesthesia();
        let found = fit(Model::DawidSkene, &Evidence::of(&labels), &EXACT).unwrap();
        assert_eq!((found.model, found.refused), (Model::DawidSkene, None));
        assert!((found.trace[0] + 203.113_033).abs() < 1e-6, "{}", found.trace[0]);
        assert!((found.trace[24] + 190.730_997).abs() < 1e-6, "{}", found.trace[24]);
        assert!(rises(&found.trace));
        near(&found.prior, &[0.4000, 0.4216, 0.1118, 0.0667], 5e-5);
        near(&row(&found, 0, 0), &[0.9074, 0.0926, 0.0, 0.0], 5e-5);
        near(&row(&found, 0, 3), &[0.0, 0.0, 0.5556, 0.4444], 5e-5);
        let mut sizes = [0; 4];
        let mut unsure = Vec::new();
        for task in 0..45 {
            let chances = found.of(task);
            let best = (0..4).max_by(|one, other| chances[*one].total_cmp(&chances[*other])).unwrap();
            sizes[best] += 1;
            if chances[best] < 0.999 {
                unsure.push((task + 1, (chances[best] * 1e4).round() / 1e4));
            }
        }
        assert_eq!(sizes, [18, 19, 5, 3]);
        assert_eq!(unsure, [(35, 0.9482), (38, 0.9787)]);
    }

    #[test]
    fn dawid_skene_finds_the_dentists_error_rates() {
        let labels = caries();
        let found = fit(Model::DawidSkene, &Evidence::of(&labels), &EXACT).unwrap();
        assert!((found.log_likelihood().unwrap() + 7_410.941_976).abs() < 1e-6, "{:?}", found.log_likelihood());
        assert!(rises(&found.trace));
        assert!((found.prior[1] - 0.1997).abs() < 5e-5);
        let positive = |truth| (0..5).map(|worker| row(&found, worker, truth)[1]).collect::<Vec<_>>();
        near(&positive(1), &[0.4037, 0.7059, 0.5905, 0.4854, 0.9134], 5e-5);
        near(&positive(0), &[0.0058, 0.1017, 0.0133, 0.0308, 0.3044], 5e-5);
    }

    #[test]
    fn a_repeated_answer_counts_as_often_as_it_was_given() {
        let labels = anaesthesia();
        let found = fit(Model::Majority, &Evidence::of(&labels), &Options::default()).unwrap();
        near(found.of(1), &[0.0, 0.0, 5.0 / 7.0, 2.0 / 7.0], 1e-12);
        assert_eq!(found.workers[0].answers, 135);
    }

    #[test]
    fn graded_workers_have_a_lean_and_pay_for_the_distance_alone() {
        // Five grades; the first worker is strict by one, two are exact, the fourth spreads widely.
        let mut random = Random::new(8);
        let mut labels = Vec::new();
        let mut truth = Vec::new();
        for task in 0..400 {
            let grade = u32::try_from(random.below(5)).unwrap();
            truth.push(Some(grade));
            for worker in 0..4 {
                let jump = random.share();
                let class = match worker {
                    0 => grade.saturating_sub(1),
                    1 | 2 if jump < 0.8 => grade,
                    1 | 2 => (grade + 1).min(4),
                    _ => u32::try_from(random.below(5)).unwrap(),
                };
                labels.push(Label { task, worker, class });
            }
        }
        let labels = Labels::new(5, 400, 4, &labels, Repeats::All).unwrap();
        let found = fit(Model::Graded, &Evidence::of(&labels), &Options::default()).unwrap();
        let vote = fit(Model::Majority, &Evidence::of(&labels), &Options::default()).unwrap();
        assert_eq!(found.refused, None);
        let (own, by_vote) = (found.accuracy(&truth).unwrap(), vote.accuracy(&truth).unwrap());
        assert!(own > 0.85 && own > by_vote, "{own} {by_vote}");
        let leans: Vec<f64> = found.leans().into_iter().flatten().collect();
        assert!(leans[0] < -0.5 && leans[1].abs() < 0.3 && leans[2].abs() < 0.3, "{leans:?}");
    }

    #[test]
    fn known_answers_stand_and_teach() {
        let labels = caries();
        let gold: Vec<_> = (0..labels.tasks()).map(|task| (task % 10 == 0).then_some(1)).collect();
        let evidence = Evidence { labels: &labels, gold: &gold, history: &[] };
        for model in Model::ALL {
            let options = Options { restarts: 1, rounds_max: 20, ..Options::default() };
            let found = fit(model, &evidence, &options).unwrap();
            near(found.of(0), &[0.0, 1.0], 1e-12);
            // All these teeth are called decayed, so each dentist has missed some.
            assert!(found.confusion[2] > 300.0, "{} {:?}", model.word(), &found.confusion[..4]);
        }
    }

    #[test]
    fn history_counts_in_every_round() {
        // Two workers who differ on everything: only history can tell who is right.
        let labels: Vec<_> =
            (0..20).flat_map(|task| [0, 1].map(|worker| Label { task, worker, class: (task + worker) % 2 })).collect();
        let labels = Labels::new(2, 20, 2, &labels, Repeats::All).unwrap();
        let history = [45.0, 5.0, 5.0, 45.0, 26.0, 24.0, 24.0, 26.0];
        let evidence = Evidence { labels: &labels, gold: &[], history: &history };
        for model in [Model::Wawa, Model::OneCoin, Model::DawidSkene, Model::Ibcc, Model::Anchored, Model::Ebcc] {
            let found = fit(model, &evidence, &Options::default()).unwrap();
            let right = (0..20).filter(|task| found.of(*task)[task % 2] > 0.5).count();
            assert_eq!(right, 20, "{}", model.word());
            assert!(found.workers[0].accuracy > found.workers[1].accuracy);
        }
    }

    #[test]
    fn a_model_that_swaps_the_names_of_classes_is_replaced() {
        // By their history four of five workers call every case by the other name.
        let labels: Vec<_> = (0..40)
            .flat_map(|task| {
                (0..5).map(move |worker| Label { task, worker, class: (task + u32::from(worker < 4)) % 2 })
            })
            .collect();
        let labels = Labels::new(2, 40, 5, &labels, Repeats::All).unwrap();
        let mut history = [5.0, 95.0, 95.0, 5.0].repeat(4);
        history.extend([50.0; 4]);
        let evidence = Evidence { labels: &labels, gold: &[], history: &history };
        let found = fit(Model::DawidSkene, &evidence, &Options::default()).unwrap();
        assert_eq!((found.model, found.refused), (Model::Majority, Some(Model::DawidSkene)));
        // Known answers hold the names.
        let gold: Vec<_> = (0..40).map(|task| (task < 2).then_some(task % 2)).collect();
        let found = fit(Model::DawidSkene, &Evidence { gold: &gold, ..evidence }, &Options::default()).unwrap();
        assert_eq!((found.model, found.refused), (Model::DawidSkene, None));
        assert!(found.of(2)[0] > 0.9);
    }

    #[test]
    fn odd_data_has_an_answer_or_an_error_with_a_name() {
        let options = Options { restarts: 2, ..Options::default() };
        let empty = Labels::new(2, 3, 1, &[], Repeats::All).unwrap();
        assert_eq!(fit(Model::Anchored, &Evidence::of(&empty), &options), Err(TruthError::NoLabels));
        let one =
            |classes, class| Labels::new(classes, 2, 3, &[Label { task: 0, worker: 1, class }], Repeats::All).unwrap();
        for labels in [one(1, 0), one(2, 1), one(7, 3)] {
            for model in Model::ALL {
                let found = fit(model, &Evidence::of(&labels), &options).unwrap();
                let sums = [0, 1].map(|task| found.of(task).iter().sum::<f64>());
                near(&sums, &[1.0, 1.0], 1e-9);
                assert_eq!((found.workers[0].accuracy, found.workers[1].answers), (None, 1), "{}", model.word());
            }
        }
        let labels = one(2, 1);
        let with = |gold: &[Option<u32>], history: &[f64]| {
            fit(Model::Majority, &Evidence { labels: &labels, gold, history }, &options).err()
        };
        assert_eq!(with(&[None], &[]), Some(TruthError::Shape { found: 1, wanted: 2 }));
        assert_eq!(with(&[None, Some(2)], &[]), Some(TruthError::UnknownClass { class: 2, classes: 2 }));
        assert_eq!(with(&[], &[1.0]), Some(TruthError::Shape { found: 1, wanted: 12 }));
        assert_eq!(with(&[], &[-1.0; 12]), Some(TruthError::Weight(-1.0)));
        assert!(matches!(with(&[], &[f64::NAN; 12]), Some(TruthError::Weight(_))));
    }

    #[test]
    fn a_task_with_very_many_labels_is_inferred_by_logarithms() {
        let labels: Vec<_> = (0..2)
            .flat_map(|task| {
                (0..3_000).map(move |worker| Label { task, worker, class: u32::from(worker % 3 == 0) ^ task })
            })
            .collect();
        let labels = Labels::new(2, 2, 3_000, &labels, Repeats::All).unwrap();
        for model in [Model::OneCoin, Model::DawidSkene, Model::Ibcc, Model::Anchored] {
            let found = fit(model, &Evidence::of(&labels), &Options::default()).unwrap();
            assert!(found.of(0)[0] > 0.999 && found.of(1)[1] > 0.999, "{}: {:?}", model.word(), found.posterior);
            assert!(found.posterior.iter().chain(&found.trace).all(|figure| figure.is_finite()));
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let mut random = Random::new(5);
        let labels: Vec<_> = (0..120_000_u32)
            .map(|n| {
                let truth = n / 4 % 3;
                let class = if random.share() < 0.7 { truth } else { (truth + 1) % 3 };
                Label { task: n / 4, worker: u32::try_from(random.below(40)).unwrap(), class }
            })
            .collect();
        let labels = Labels::new(3, 30_000, 40, &labels, Repeats::All).unwrap();
        for model in [Model::OneCoin, Model::DawidSkene, Model::Ibcc, Model::Anchored] {
            let of = |threads| {
                let options = Options { threads, rounds_max: 6, ..Options::default() };
                let fit = fit(model, &Evidence::of(&labels), &options).unwrap();
                let bits: Vec<u64> =
                    fit.posterior.iter().chain(&fit.confusion).map(|figure| figure.to_bits()).collect();
                bits
            };
            let alone = of(1);
            assert!(alone == of(2) && alone == of(7), "{}", model.word());
        }
    }

    /// Labels of few tasks, workers and classes, one task without any at times.
    fn some() -> impl Strategy<Value = Vec<(u32, u32, u32)>> {
        vec((0_u32..8, 0_u32..5, 0_u32..3), 1..60)
    }

    fn labels(of: impl Iterator<Item = (u32, u32, u32)>) -> Labels {
        let labels: Vec<_> = of.map(|(task, worker, class)| Label { task, worker, class }).collect();
        Labels::new(3, 8, 5, &labels, Repeats::All).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn other_names_for_tasks_workers_and_labels_change_nothing_else(
            given in some(), task in 0_u32..8, worker in 0_u32..5, turn in 0_usize..60,
        ) {
            let straight = labels(given.iter().copied());
            let mut turned = given.clone();
            turned.rotate_left(turn % given.len());
            let renamed = labels(turned.iter().map(|&(t, w, c)| ((t + task) % 8, (w + worker) % 5, (c + 1) % 3)));
            // A few rounds: where everything ties, endless rounds amplify the last digit into another maximum.
            let options = Options { rounds_max: 5, change_min: 0.0, gain_min: 0.0, ..Options::default() };
            for model in Model::ALL.into_iter().filter(|model| !matches!(model, Model::Ebcc | Model::Graded)) {
                let one = fit(model, &Evidence::of(&straight), &options).unwrap();
                let other = fit(model, &Evidence::of(&renamed), &options).unwrap();
                if one.refused.is_some() || other.refused.is_some() {
                    continue;
                }
                for old in 0..8_usize {
                    let new = (old + task as usize) % 8;
                    for class in 0..3 {
                        let (before, after) = (one.of(old)[class], other.of(new)[(class + 1) % 3]);
                        prop_assert!((before - after).abs() < 1e-6, "{} {before} {after}", model.word());
                    }
                }
            }
        }

        #[test]
        fn chances_sum_to_one_and_no_figure_is_missing(given in some(), known in vec(prop::option::of(0_u32..3), 8)) {
            let labels = labels(given.into_iter());
            let evidence = Evidence { labels: &labels, gold: &known, history: &[] };
            for model in Model::ALL {
                let options = Options { restarts: 1, rounds_max: 10, ..Options::default() };
                let found = fit(model, &evidence, &options).unwrap();
                for (task, known) in known.iter().enumerate() {
                    prop_assert!((found.of(task).iter().sum::<f64>() - 1.0).abs() < 1e-9);
                    if let Some(known) = known {
                        prop_assert!((found.of(task)[*known as usize] - 1.0).abs() < 1e-12);
                    }
                }
                let figures = found.posterior.iter().chain(&found.prior).chain(&found.confusion).chain(&found.trace);
                prop_assert!(figures.copied().all(f64::is_finite), "{}", model.word());
                for worker in found.workers.iter().filter(|worker| worker.compared > 0) {
                    let accuracy = worker.accuracy.unwrap();
                    let measured = matches!(found.model, Model::OneCoin | Model::Ibcc | Model::Anchored);
                    prop_assert_eq!(worker.interval.is_some(), measured);
                    let ends = worker.interval.unwrap_or(Interval { lower: 0.0, upper: 1.0 });
                    prop_assert!(0.0 <= ends.lower && ends.lower <= accuracy + 1e-9 && accuracy <= ends.upper + 1e-9 && ends.upper <= 1.0);
                }
            }
        }

        #[test]
        fn the_likelihood_never_falls(given in some()) {
            let labels = labels(given.into_iter());
            let found = fit(Model::DawidSkene, &Evidence::of(&labels), &Options { rounds_max: 60, ..EXACT }).unwrap();
            if found.refused.is_none() {
                prop_assert!(found.trace.windows(2).all(|pair| pair[1] >= pair[0] - 1e-7), "{:?}", found.trace);
            }
        }
    }
}
