//! Several options picked from a closed list: each option is a question of its own, answered yes or no.

use super::{Evidence, Fit, Label, Labels, Model, Options, Repeats, TruthError, fit, posterior::best};

/// Most options of one question.
pub const OPTIONS_MAX: u32 = 64;

/// What one worker picked on one task; all count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picks {
    /// The task.
    pub task: u32,
    /// Who picked.
    pub worker: u32,
    /// The options picked, a bit each, the first in the lowest.
    pub picked: u64,
}

/// What picks say, option by option.
#[derive(Debug, Clone, PartialEq)]
pub struct MultiFit {
    /// For each option the answer to whether it belongs to a task: class 1 is yes.
    pub options: Vec<Fit>,
}

impl MultiFit {
    /// Returns the options that more likely belong to a task than not, a bit each, and the chance that all of them are
    /// right, as if options were independent. A task beyond the last has none.
    pub fn of(&self, task: usize) -> (u64, f64) {
        let (mut picked, mut chance) = (0, 1.0);
        for (option, fit) in self.options.iter().enumerate().filter(|(_, fit)| task < fit.tasks()) {
            if let Some((class, wrong)) = best(fit.of(task)) {
                picked |= u64::from(class == 1) << option;
                chance *= 1.0 - wrong;
            }
        }
        (picked, chance)
    }
}

/// Fits a model of two classes to each option.
///
/// `gold` holds the options that truly belong to each task where they are known; empty if they are known of none.
///
/// # Errors
/// [`TruthError::Classes`] of no options or more than [`OPTIONS_MAX`], [`TruthError::UnknownClass`] of a pick or a known
/// answer beyond the last option, and those of [`Labels::new`] and [`fit()`].
pub fn fit_multi(
    options: u32,
    tasks: usize,
    workers: usize,
    picks: &[Picks],
    gold: &[Option<u64>],
    model: Model,
    how: &Options,
) -> Result<MultiFit, TruthError> {
    if !(1..=OPTIONS_MAX).contains(&options) {
        return Err(TruthError::Classes(options as usize));
    }
    let beyond = |picked: u64| options < OPTIONS_MAX && picked >> options != 0;
    let all = picks.iter().map(|picks| picks.picked).chain(gold.iter().flatten().copied());
    if let Some(picked) = all.into_iter().find(|picked| beyond(*picked)) {
        let class = picked.ilog2() as usize;
        return Err(TruthError::UnknownClass { class, classes: options as usize });
    }
    let mut fits = Vec::with_capacity(options as usize);
    for option in 0..options {
        let yes = |picked: u64| u32::from(picked >> option & 1 == 1);
        let labels: Vec<Label> =
            picks.iter().map(|&Picks { task, worker, picked }| Label { task, worker, class: yes(picked) }).collect();
        let labels = Labels::new(2, tasks, workers, &labels, Repeats::All)?;
        let gold: Vec<_> = gold.iter().map(|picked| picked.map(yes)).collect();
        fits.push(fit(model, &Evidence { labels: &labels, gold: &gold, history: &[] }, how)?);
    }
    Ok(MultiFit { options: fits })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::*;
    use crate::random::Random;

    #[test]
    fn each_option_is_weighed_by_who_knows_it() {
        // Worker 0 sees every option, 1 and 2 never pick the third.
        let mut random = Random::new(2);
        let mut picks = Vec::new();
        let mut truth = Vec::new();
        for task in 0..200 {
            let picked = random.bits() & 0b111;
            truth.push(picked);
            for worker in 0..3 {
                let seen = if worker == 0 { picked } else { picked & 0b011 };
                picks.push(Picks { task, worker, picked: if random.share() < 0.05 { seen ^ 1 } else { seen } });
            }
        }
        let gold: Vec<_> = truth.iter().enumerate().map(|(task, picked)| (task % 5 == 0).then_some(*picked)).collect();
        let found = fit_multi(3, 200, 3, &picks, &gold, Model::DawidSkene, &Options::default()).unwrap();
        let right = (0..200).filter(|task| found.of(*task).0 == truth[*task]).count();
        assert!(right > 190, "{right}");
        assert!(found.of(1).1 > 0.5 && found.of(999).0 == 0);
        // Without known answers two who never pick outvote the one who does.
        let blind = fit_multi(3, 200, 3, &picks, &[], Model::Majority, &Options::default()).unwrap();
        assert!((0..200).all(|task| blind.of(task).0 & 0b100 == 0));
    }

    #[test]
    fn options_that_were_never_declared_are_refused() {
        let one = |options, picked, gold: &[Option<u64>]| {
            let picks = [Picks { task: 0, worker: 0, picked }];
            fit_multi(options, 1, 1, &picks, gold, Model::Majority, &Options::default()).map(|_| ())
        };
        assert_eq!(one(0, 0, &[]), Err(TruthError::Classes(0)));
        assert_eq!(one(65, 0, &[]), Err(TruthError::Classes(65)));
        assert_eq!(one(2, 0b100, &[]), Err(TruthError::UnknownClass { class: 2, classes: 2 }));
        assert_eq!(one(2, 0, &[Some(0b1000)]), Err(TruthError::UnknownClass { class: 3, classes: 2 }));
        assert_eq!(one(64, u64::MAX, &[]), Ok(()));
    }
}
