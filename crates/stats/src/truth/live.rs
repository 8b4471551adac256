//! The anchored model kept up to date: one more label changes its task and its workers at once.
//!
//! Each task's chances and each worker's expected counts are kept. A label makes its task's chances anew, moves the counts of
//! the task's workers by the difference, and then a few other tasks in turn, so that what was learnt reaches them all in
//! time (incremental EM, after Neal and Hinton, *Learning in Graphical Models*, 1998). The work of a label does not grow
//! with tasks or workers. A full fit in the background settles what is left.

use super::{
    Evidence, Label, Labels, Model, Options, Repeats, TruthError, Worker, fit,
    model::{STRENGTHS, Size, anchored_row, crowd_drawn, hits, strength_evidence_of},
    pass::{NO_GOLD, by_logarithms},
    real,
    reliable::Tally,
};
use crate::agreement::CLASSES_MAX;

/// Tasks that are gone over again with each label.
const SWEEP: usize = 16;
/// Workers by whom the choice of a strength goes on with each label.
const SURVEY: usize = 4;
/// Times a new label's own task is gone over.
const ROUNDS: usize = 2;
/// What the crowd's accuracy begins with: four right of five.
const CROWD_HITS: f64 = 8.0;
const CROWD_ANSWERS: f64 = 10.0;
/// Below this a product of chances has lost what it says.
const PRODUCT_MIN: f64 = 1e-250;
const NONE: u32 = u32::MAX;

/// Labels with what they say of tasks and workers, at any moment.
#[derive(Debug, Clone)]
pub struct Live {
    classes: usize,
    /// The newest label of each task, and from each label the one before it.
    newest: Vec<u32>,
    before: Vec<u32>,
    /// Worker times classes plus class of each label.
    cells: Vec<u32>,
    /// Labels of each task.
    votes: Vec<u32>,
    gold: Vec<u32>,
    /// The chances that the counts hold, by task and class.
    chances: Vec<f64>,
    /// Expected answers, by worker, answer and class, and their sum with that of the right ones.
    counts: Vec<f64>,
    hits: f64,
    /// Answers of each worker.
    answers: Vec<u32>,
    table: Vec<f64>,
    /// The sum of the tasks' shares of votes, and the number of tasks with a vote.
    shares: Vec<f64>,
    voted: usize,
    strength: f64,
    /// The task and the worker with which the next label goes on.
    next_task: usize,
    next_worker: usize,
    evidence: [f64; STRENGTHS.len()],
}

impl Live {
    /// Returns a state without labels, for so many classes, tasks and workers.
    ///
    /// # Errors
    /// [`TruthError::Classes`], [`TruthError::TooLarge`] if tasks, or workers times classes reach 2^32.
    pub fn new(classes: usize, tasks: usize, workers: usize) -> Result<Self, TruthError> {
        if classes == 0 || classes > CLASSES_MAX {
            return Err(TruthError::Classes(classes));
        }
        let fits = |count: usize| u32::try_from(count).is_ok_and(|count| count < NONE);
        if !(fits(tasks) && workers.checked_mul(classes).is_some_and(fits)) {
            return Err(TruthError::TooLarge);
        }
        let mut live = Self {
            classes,
            newest: vec![NONE; tasks],
            before: Vec::new(),
            cells: Vec::new(),
            votes: vec![0; tasks],
            gold: vec![NO_GOLD; tasks],
            chances: vec![1.0 / real(classes); tasks * classes],
            counts: vec![0.0; workers * classes * classes],
            hits: 0.0,
            answers: vec![0; workers],
            table: vec![0.0; workers * classes * classes],
            shares: vec![0.0; classes],
            voted: 0,
            strength: 1.0,
            next_task: 0,
            next_worker: 0,
            evidence: [0.0; STRENGTHS.len()],
        };
        for worker in 0..workers {
            live.learn(worker);
        }
        Ok(live)
    }

    /// Returns the state after a full fit of the anchored model; histories are not taken over.
    ///
    /// # Errors
    /// Those of [`fit()`] and of [`Live::new`].
    pub fn fitted(evidence: &Evidence<'_>, options: &Options) -> Result<Self, TruthError> {
        let labels = evidence.labels;
        let fitted = fit(Model::Anchored, &Evidence { history: &[], ..*evidence }, options)?;
        let mut live = Self::new(labels.classes(), labels.tasks(), labels.workers())?;
        for task in 0..labels.tasks() {
            if let Some(Some(class)) = evidence.gold.get(task) {
                live.gold[task] = *class;
            }
            live.chances[task * live.classes..][..live.classes].copy_from_slice(fitted.of(task));
            for (worker, class) in labels.of(task) {
                live.link(task, worker, class);
            }
        }
        // The strength is settled before the tables are made of it.
        for _ in 0..=labels.workers() / SURVEY {
            live.survey();
        }
        for worker in 0..labels.workers() {
            live.learn(worker);
        }
        Ok(live)
    }

    /// Takes one more label in.
    ///
    /// # Errors
    /// [`TruthError::UnknownTask`], [`TruthError::UnknownWorker`], [`TruthError::UnknownClass`], [`TruthError::TooLarge`];
    /// the state is then as before.
    pub fn add(&mut self, label: Label) -> Result<(), TruthError> {
        let Label { task, worker, class } = label;
        if class as usize >= self.classes {
            return Err(TruthError::UnknownClass { class: class as usize, classes: self.classes });
        }
        if task as usize >= self.newest.len() {
            return Err(TruthError::UnknownTask(task));
        }
        if worker as usize >= self.answers.len() {
            return Err(TruthError::UnknownWorker(worker));
        }
        if u32::try_from(self.cells.len()).is_ok_and(|label| label == NONE - 1) {
            return Err(TruthError::TooLarge);
        }
        self.link(task as usize, worker as usize, class as usize);
        for _ in 0..ROUNDS {
            self.refresh(task as usize);
        }
        self.survey();
        for _ in 0..SWEEP.min(self.newest.len()) {
            self.refresh(self.next_task);
            self.next_task = (self.next_task + 1) % self.newest.len();
        }
        Ok(())
    }

    /// Takes a task's true class in.
    ///
    /// # Errors
    /// [`TruthError::UnknownTask`], [`TruthError::UnknownClass`].
    pub fn know(&mut self, task: u32, class: u32) -> Result<(), TruthError> {
        if class as usize >= self.classes {
            return Err(TruthError::UnknownClass { class: class as usize, classes: self.classes });
        }
        *self.gold.get_mut(task as usize).ok_or(TruthError::UnknownTask(task))? = class;
        self.refresh(task as usize);
        Ok(())
    }

    /// Makes room for tasks and workers up to these numbers; fewer than there are change nothing.
    ///
    /// # Errors
    /// [`TruthError::TooLarge`].
    pub fn grow(&mut self, tasks: usize, workers: usize) -> Result<(), TruthError> {
        let (tasks, old) = (tasks.max(self.newest.len()), self.answers.len());
        let workers = workers.max(old);
        let fits = |count: usize| u32::try_from(count).is_ok_and(|count| count < NONE);
        if !(fits(tasks) && workers.checked_mul(self.classes).is_some_and(fits)) {
            return Err(TruthError::TooLarge);
        }
        self.newest.resize(tasks, NONE);
        self.votes.resize(tasks, 0);
        self.gold.resize(tasks, NO_GOLD);
        self.chances.resize(tasks * self.classes, 1.0 / real(self.classes));
        self.answers.resize(workers, 0);
        self.counts.resize(workers * self.classes * self.classes, 0.0);
        self.table.resize(workers * self.classes * self.classes, 0.0);
        for worker in old..workers {
            self.learn(worker);
        }
        Ok(())
    }

    /// Returns the chance of each class of a task, by what is known now; they sum to 1. None of an unknown task.
    pub fn posterior(&self, task: usize) -> Option<Vec<f64>> {
        (task < self.newest.len()).then(|| {
            let mut own = vec![0.0; self.classes];
            self.infer(task, &mut own);
            own
        })
    }

    /// Returns what is to be said of each worker. All labels are gone over for it.
    pub fn workers(&self) -> Vec<Worker> {
        let mut tally = Tally::new(self.classes, self.answers.len());
        let (mut own, mut cells) = (vec![0.0; self.classes], Vec::new());
        for (task, newest) in self.newest.iter().enumerate() {
            cells.clear();
            let mut label = *newest;
            while label != NONE {
                cells.push(self.cells[label as usize]);
                label = self.before[label as usize];
            }
            cells.sort_unstable();
            self.infer(task, &mut own);
            tally.add(&cells, &own, self.gold[task] != NO_GOLD);
        }
        tally.workers(|_| (0.0, 0.0))
    }

    /// Returns the number of labels.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Returns whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Returns all labels, for a full fit elsewhere.
    ///
    /// # Errors
    /// Those of [`Labels::new`].
    pub fn labels(&self) -> Result<Labels, TruthError> {
        let mut labels = Vec::with_capacity(self.cells.len());
        for task in 0..self.newest.len() {
            let own = self.of(task);
            #[expect(clippy::cast_possible_truncation, reason = "tasks and classes were checked")]
            let (task, classes) = (task as u32, self.classes as u32);
            labels.extend(own.into_iter().map(|cell| Label { task, worker: cell / classes, class: cell % classes }));
        }
        Labels::new(self.classes, self.newest.len(), self.answers.len(), &labels, Repeats::All)
    }

    fn size(&self) -> Size {
        Size { classes: self.classes, workers: self.answers.len(), kinds: 1 }
    }

    /// Returns the cells of a task's labels, the newest first.
    fn of(&self, task: usize) -> Vec<u32> {
        let mut cells = Vec::with_capacity(self.votes[task] as usize);
        let mut label = self.newest[task];
        while label != NONE {
            cells.push(self.cells[label as usize]);
            label = self.before[label as usize];
        }
        cells
    }

    /// Adds a label to its task, to the shares of votes, and to the counts as the task's chances stand.
    fn link(&mut self, task: usize, worker: usize, class: usize) {
        let classes = self.classes;
        let mut own = vec![0.0; classes];
        let old = real(self.votes[task] as usize);
        for cell in self.of(task) {
            own[cell as usize % classes] += 1.0;
        }
        for (place, (share, votes)) in self.shares.iter_mut().zip(own).enumerate() {
            let now = (votes + f64::from(u8::from(place == class))) / (old + 1.0);
            *share += now - if old > 0.0 { votes / old } else { 0.0 };
        }
        self.voted += usize::from(self.votes[task] == 0);
        self.votes[task] += 1;
        self.answers[worker] += 1;
        #[expect(clippy::cast_possible_truncation, reason = "workers times classes and labels were checked")]
        let (cell, label) = ((worker * classes + class) as u32, self.cells.len() as u32);
        self.before.push(self.newest[task]);
        self.cells.push(cell);
        self.newest[task] = label;
        for state in 0..classes {
            self.counts[cell as usize * classes + state] += self.chances[task * classes + state];
        }
        self.hits += self.chances[task * classes + class];
    }

    /// Computes a task's chances anew, moves its workers' counts by the difference, and lets them be learnt from.
    fn refresh(&mut self, task: usize) {
        let classes = self.classes;
        if self.newest[task] == NONE {
            return;
        }
        let mut own = vec![0.0; classes];
        self.infer(task, &mut own);
        for (own, chance) in own.iter_mut().zip(&mut self.chances[task * classes..]) {
            (*own, *chance) = (*own - *chance, *own);
        }
        for cell in self.of(task) {
            for (state, change) in own.iter().enumerate() {
                self.counts[cell as usize * classes + state] += change;
            }
            self.hits += own[cell as usize % classes];
            self.learn(cell as usize / classes);
        }
    }

    /// Computes a task's chances from the tables as they stand.
    fn infer(&self, task: usize, own: &mut [f64]) {
        let classes = self.classes;
        let gold = self.gold[task];
        if gold != NO_GOLD {
            own.fill(0.0);
            own[gold as usize] = 1.0;
            return;
        }
        let total: f64 = self.shares.iter().sum();
        let prior = |share: f64| if total > 0.0 { (share / total).max(1e-12) } else { 1.0 / real(classes) };
        for (chance, share) in own.iter_mut().zip(&self.shares) {
            *chance = prior(*share);
        }
        let mut label = self.newest[task];
        while label != NONE {
            let row = &self.table[self.cells[label as usize] as usize * classes..][..classes];
            for (chance, factor) in own.iter_mut().zip(row) {
                *chance *= factor;
            }
            label = self.before[label as usize];
        }
        let sum: f64 = own.iter().sum();
        if sum > PRODUCT_MIN {
            for chance in own.iter_mut() {
                *chance /= sum;
            }
        } else {
            let prior: Vec<f64> = self.shares.iter().map(|share| prior(*share)).collect();
            by_logarithms(own, &self.of(task), NO_GOLD, 1, &self.table, &prior);
        }
    }

    /// Makes a worker's table from its counts.
    fn learn(&mut self, worker: usize) {
        let crowd = (self.hits + CROWD_HITS) / (real(self.cells.len()) + CROWD_ANSWERS);
        let (size, strength) = (self.size(), self.strength);
        let accuracy = crowd_drawn(hits(size, &self.counts, worker), crowd);
        for class in 0..self.classes {
            anchored_row(size, &self.counts, worker, class, accuracy, strength, &mut self.table);
        }
    }

    /// Goes on with the choice of a strength, a few workers at a time; once all were asked, the best is taken.
    fn survey(&mut self) {
        let size = self.size();
        let crowd = (self.hits + CROWD_HITS) / (real(self.cells.len()) + CROWD_ANSWERS);
        for _ in 0..SURVEY {
            if self.next_worker == size.workers {
                let mut best = 0;
                for place in 1..STRENGTHS.len() {
                    if self.evidence[place] > self.evidence[best] {
                        best = place;
                    }
                }
                self.strength = STRENGTHS[best];
                self.evidence = [0.0; STRENGTHS.len()];
                self.next_worker = 0;
                return;
            }
            let worker = self.next_worker;
            let accuracy = crowd_drawn(hits(size, &self.counts, worker), crowd);
            for (evidence, strength) in self.evidence.iter_mut().zip(STRENGTHS) {
                *evidence += strength_evidence_of(size, &self.counts, worker, accuracy, strength);
            }
            self.next_worker += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::*;
    use crate::random::Random;

    /// Returns labels in a random order, by workers of very different skill, with the truth.
    fn drawn(tasks: u32, workers: u32, each: u32, seed: u64) -> (Vec<Label>, Vec<Option<u32>>) {
        let mut random = Random::new(seed);
        let skill: Vec<f64> = (0..workers).map(|_| 0.4 + 0.55 * random.share()).collect();
        let truth: Vec<u32> = (0..tasks).map(|_| u32::try_from(random.below(3)).unwrap()).collect();
        let mut labels = Vec::new();
        for task in 0..tasks {
            for turn in 0..each {
                let worker = (task * each + turn * 7) % workers;
                let right = random.share() < skill[worker as usize];
                let class = if right { truth[task as usize] } else { u32::try_from(random.below(3)).unwrap() };
                labels.push(Label { task, worker, class });
            }
        }
        random.shuffle(&mut labels);
        (labels, truth.into_iter().map(Some).collect())
    }

    #[test]
    fn a_stream_of_labels_comes_to_what_a_full_fit_says() {
        let (labels, truth) = drawn(1_500, 40, 5, 1);
        let mut live = Live::new(3, 1_500, 40).unwrap();
        for label in &labels {
            live.add(*label).unwrap();
        }
        let all = live.labels().unwrap();
        assert_eq!(all, Labels::new(3, 1_500, 40, &labels, Repeats::All).unwrap());
        let full = fit(Model::Anchored, &Evidence::of(&all), &Options::default()).unwrap();
        let streamed: Vec<f64> = (0..1_500).flat_map(|task| live.posterior(task).unwrap()).collect();
        let accuracy = |posterior: &[f64]| crate::truth::fit::accuracy(posterior, 3, &truth).unwrap();
        let (own, whole) = (accuracy(&streamed), accuracy(&full.posterior));
        assert!((own - whole).abs() < 0.005, "{own} {whole}");
        for worker in 0..40 {
            let (own, whole) = (live.workers()[worker], full.workers[worker]);
            assert_eq!(own.answers, whole.answers);
            assert!((own.accuracy.unwrap() - whole.accuracy.unwrap()).abs() < 0.03, "{worker}");
        }
    }

    #[test]
    fn a_fitted_state_says_what_the_fit_said() {
        let (labels, _) = drawn(400, 20, 5, 2);
        let labels = Labels::new(3, 400, 20, &labels, Repeats::All).unwrap();
        let gold: Vec<_> = (0..400).map(|task| (task == 7).then_some(2)).collect();
        let evidence = Evidence { labels: &labels, gold: &gold, history: &[] };
        let full = fit(Model::Anchored, &evidence, &Options::default()).unwrap();
        let live = Live::fitted(&evidence, &Options::default()).unwrap();
        for task in 0..400 {
            for (own, whole) in live.posterior(task).unwrap().iter().zip(full.of(task)) {
                assert!((own - whole).abs() < 0.05, "{task}: {own} {whole}");
            }
        }
        assert_eq!(live.posterior(7), Some(vec![0.0, 0.0, 1.0]));
    }

    #[test]
    fn one_more_reading_moves_its_task_and_its_reader_at_once() {
        let (labels, _) = drawn(300, 10, 5, 3);
        let mut live = Live::new(3, 301, 11).unwrap();
        for label in labels {
            live.add(label).unwrap();
        }
        assert_eq!(live.workers()[10].accuracy, None);
        live.add(Label { task: 300, worker: 10, class: 1 }).unwrap();
        let one = live.posterior(300).unwrap()[1];
        live.add(Label { task: 300, worker: 0, class: 1 }).unwrap();
        let two = live.posterior(300).unwrap()[1];
        assert!(one > 0.5 && two > one, "{one} {two}");
        assert_eq!(live.workers()[10].answers, 1);
        live.know(300, 0).unwrap();
        assert!(live.workers()[10].accuracy.unwrap() < 0.01);
    }

    #[test]
    fn what_was_never_declared_is_refused_and_changes_nothing() {
        let mut live = Live::new(2, 1, 1).unwrap();
        assert_eq!(live.add(Label { task: 1, worker: 0, class: 0 }), Err(TruthError::UnknownTask(1)));
        assert_eq!(live.add(Label { task: 0, worker: 1, class: 0 }), Err(TruthError::UnknownWorker(1)));
        let unknown = TruthError::UnknownClass { class: 2, classes: 2 };
        assert_eq!(live.add(Label { task: 0, worker: 0, class: 2 }), Err(unknown));
        assert!(live.is_empty());
        live.grow(2, 2).unwrap();
        live.add(Label { task: 1, worker: 1, class: 0 }).unwrap();
        assert_eq!(live.len(), 1);
        assert_eq!(live.posterior(2), None);
        assert!(Live::new(0, 1, 1).is_err() && Live::new(1_000, 1, 5_000_000).is_err());
    }

    #[test]
    fn a_task_with_very_many_labels_keeps_its_chances() {
        let mut live = Live::new(2, 1, 3_000).unwrap();
        for worker in 0..3_000 {
            live.add(Label { task: 0, worker, class: u32::from(worker % 3 == 0) }).unwrap();
        }
        let chances = live.posterior(0).unwrap();
        assert!(chances[0] > 0.99 && (chances[0] + chances[1] - 1.0).abs() < 1e-9, "{chances:?}");
    }
}
