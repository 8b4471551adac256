//! What workers did before, as counts that fade: the prior of the next fit.
//!
//! A history belongs to one kind of task: the same workers on other classes have another.

use super::{Fit, TruthError, math::exp};

/// Earlier answers of each worker, by truth and then answer.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    classes: usize,
    counts: Vec<f64>,
}

impl History {
    /// Returns a history of so many classes without an answer.
    pub fn new(classes: usize, workers: usize) -> Self {
        Self { classes, counts: vec![0.0; workers * classes * classes] }
    }

    /// Lets all counts fade to a half for each `half_life` that has `elapsed`, in one unit of time.
    ///
    /// # Errors
    /// [`TruthError::Weight`] of a time that is negative or not finite, or of a half-life of 0; nothing then fades.
    pub fn fade(&mut self, elapsed: f64, half_life: f64) -> Result<(), TruthError> {
        if let Some(time) = [elapsed, half_life].into_iter().find(|time| !(time.is_finite() && *time >= 0.0)) {
            return Err(TruthError::Weight(time));
        }
        if half_life <= 0.0 {
            return Err(TruthError::Weight(half_life));
        }
        let left = exp(-core::f64::consts::LN_2 * (elapsed / half_life).min(1e6));
        for count in &mut self.counts {
            *count *= left;
        }
        Ok(())
    }

    /// Adds what a fit expects of its workers, numbered as here; workers beyond the last of the history join it.
    ///
    /// # Errors
    /// [`TruthError::Classes`] of a fit of other classes.
    pub fn add(&mut self, fit: &Fit) -> Result<(), TruthError> {
        if fit.classes != self.classes {
            return Err(TruthError::Classes(fit.classes));
        }
        if self.counts.len() < fit.confusion.len() {
            self.counts.resize(fit.confusion.len(), 0.0);
        }
        for (count, new) in self.counts.iter_mut().zip(&fit.confusion) {
            *count += new;
        }
        Ok(())
    }

    /// Returns the counts as [`super::Evidence::history`] takes them.
    pub fn counts(&self) -> &[f64] {
        &self.counts
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::*;
    use crate::truth::{Evidence, Label, Labels, Model, Options, Repeats, fit};

    fn round(wrong: u32) -> Labels {
        // Three workers on thirty tasks; `wrong` of them turn every answer round.
        let labels: Vec<_> = (0..30)
            .flat_map(|task| {
                (0..3).map(move |worker| Label { task, worker, class: (task + u32::from(worker < wrong)) % 2 })
            })
            .collect();
        Labels::new(2, 30, 3, &labels, Repeats::All).unwrap()
    }

    #[test]
    fn what_was_learnt_before_outweighs_a_bad_day_until_it_has_faded() {
        let mut history = History::new(2, 0);
        let good = fit(Model::DawidSkene, &Evidence::of(&round(0)), &Options::default()).unwrap();
        for _ in 0..3 {
            history.add(&good).unwrap();
        }
        assert!((history.counts().iter().sum::<f64>() - 270.0).abs() < 1e-6);
        // Today two of them differ on everything, and only the past can tell who is right.
        let labels: Vec<_> =
            (0..30).flat_map(|task| [1, 2].map(|worker| Label { task, worker, class: (task + worker) % 2 })).collect();
        let today = Labels::new(2, 30, 3, &labels, Repeats::All).unwrap();
        let right = |history: &History| {
            let mut counts = history.counts().to_vec();
            counts[4..8].fill(0.0);
            let evidence = Evidence { labels: &today, gold: &[], history: &counts };
            let found = fit(Model::DawidSkene, &evidence, &Options::default()).unwrap();
            (0..30).filter(|task| found.of(*task)[task % 2] > 0.5).count()
        };
        let fresh = history.clone();
        history.fade(2_000.0, 1.0).unwrap();
        assert!(history.counts().iter().sum::<f64>() < 0.001);
        assert_eq!((right(&fresh), right(&history)), (30, 0));
    }

    #[test]
    fn a_half_life_halves_and_bad_times_are_refused() {
        let mut history = History::new(2, 0);
        history.add(&fit(Model::Majority, &Evidence::of(&round(0)), &Options::default()).unwrap()).unwrap();
        history.fade(90.0, 90.0).unwrap();
        assert!((history.counts().iter().sum::<f64>() - 45.0).abs() < 1e-9);
        assert!(
            history.fade(-1.0, 1.0).is_err() && history.fade(1.0, 0.0).is_err() && history.fade(f64::NAN, 1.0).is_err()
        );
        let other = Labels::new(3, 1, 1, &[Label { task: 0, worker: 0, class: 2 }], Repeats::All).unwrap();
        let other = fit(Model::Majority, &Evidence::of(&other), &Options::default()).unwrap();
        assert_eq!(history.add(&other), Err(TruthError::Classes(3)));
    }
}
