//! Wald's sequential test: items are checked one by one until the lot is plainly good or plainly bad.

use super::Risks;
use crate::{StatsError, real};

/// What the items checked so far say of the lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Good enough.
    Accept,
    /// Too bad.
    Reject,
    /// Check another one.
    Continue,
}

/// A sequential test between two shares of defects.
///
/// Source: Wald, *Sequential Analysis* (1947), section 5.3.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sequential {
    /// Defects an item that both lines rise by.
    pub slope: f64,
    /// Where the line of acceptance begins, below 0: at most `slope * n + accept` defects.
    pub accept: f64,
    /// Where the line of rejection begins, above 0: at least `slope * n + reject` defects.
    pub reject: f64,
    /// Items after which the nearer line decides.
    pub n_max: u64,
}

impl Sequential {
    /// Returns the test that keeps both risks nearly, ending after `n_max` items at the latest; three times the sample of
    /// the single plan leaves the risks as they are for practice.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a share or risk outside of `(0, 1)`, [`StatsError::Risks`] unless `aql < ltpd` and the risks
    /// sum to less than 1, [`StatsError::NoTrials`] if `n_max` is 0.
    pub fn new(risks: Risks, n_max: u64) -> Result<Self, StatsError> {
        risks.check()?;
        if n_max == 0 {
            return Err(StatsError::NoTrials);
        }
        let sound = ((1.0 - risks.aql) / (1.0 - risks.ltpd)).ln();
        let weight = (risks.ltpd / risks.aql).ln() + sound;
        Ok(Self {
            slope: sound / weight,
            accept: -((1.0 - risks.alpha) / risks.beta).ln() / weight,
            reject: ((1.0 - risks.beta) / risks.alpha).ln() / weight,
            n_max,
        })
    }

    /// Returns what `defects` among the first `n` items say.
    pub fn verdict(&self, n: u64, defects: u64) -> Verdict {
        let over = real(defects) - self.slope * real(n);
        if over <= self.accept {
            Verdict::Accept
        } else if over >= self.reject {
            Verdict::Reject
        } else if n < self.n_max {
            Verdict::Continue
        } else if over < f64::midpoint(self.accept, self.reject) {
            Verdict::Accept
        } else {
            Verdict::Reject
        }
    }

    /// Returns the probability that a lot with this share of defects is accepted, and how many items are checked on average,
    /// by following every way the counts can go.
    ///
    /// Its cost grows with `n_max` times the defects between the lines.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a share outside of `0.0..=1.0`.
    pub fn outcome(&self, share: f64) -> Result<Outcome, StatsError> {
        super::check_share(share)?;
        let (mut accepted, mut items) = (0.0, 0.0);
        // The counts still going on, each with its probability; they are neighbours.
        let (mut fewest, mut going) = (0_u64, vec![1.0_f64]);
        for n in 1..=self.n_max {
            items += going.iter().sum::<f64>();
            let mut next = vec![0.0; going.len() + 1];
            for (place, chance) in going.iter().enumerate() {
                next[place] += chance * (1.0 - share);
                next[place + 1] += chance * share;
            }
            let mut kept = Vec::with_capacity(next.len());
            let mut first = None;
            for (defects, chance) in (fewest..).zip(next) {
                match self.verdict(n, defects) {
                    Verdict::Accept => accepted += chance,
                    Verdict::Reject => {}
                    Verdict::Continue => {
                        first.get_or_insert(defects);
                        kept.push(chance);
                    }
                }
            }
            let Some(first) = first else { break };
            (fewest, going) = (first, kept);
        }
        Ok(Outcome { accepted: accepted.clamp(0.0, 1.0), items })
    }
}

/// How a sequential test ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Probability of acceptance.
    pub accepted: f64,
    /// Items checked, on average.
    pub items: f64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use super::*;
    use crate::sampling::Plan;

    const RISKS: Risks = Risks { aql: 0.02, alpha: 0.05, ltpd: 0.08, beta: 0.1 };

    #[test]
    fn the_lines_equal_walds() {
        let test = Sequential::new(RISKS, 294).unwrap();
        assert!((test.slope - 0.043_587).abs() < 1e-6);
        assert!((test.accept + 1.553_179).abs() < 1e-6 && (test.reject - 1.994_084).abs() < 1e-6);
        // Without a defect it ends at the 36th item, and three at once are enough.
        assert_eq!((test.verdict(35, 0), test.verdict(36, 0)), (Verdict::Continue, Verdict::Accept));
        assert_eq!((test.verdict(1, 1), test.verdict(3, 3)), (Verdict::Continue, Verdict::Reject));
        assert_eq!((test.verdict(294, 13), test.verdict(294, 14)), (Verdict::Accept, Verdict::Reject));
    }

    #[test]
    fn it_keeps_the_risks_of_the_single_plan_with_far_fewer_items() {
        let plan = Plan::smallest(RISKS).unwrap();
        let test = Sequential::new(RISKS, 3 * plan.n).unwrap();
        let (good, bad) = (test.outcome(RISKS.aql).unwrap(), test.outcome(RISKS.ltpd).unwrap());
        assert!(good.accepted > 0.95 && bad.accepted < 0.1, "{good:?} {bad:?}");
        assert!(good.items < 0.65 * 98.0 && bad.items < 0.56 * 98.0, "{good:?} {bad:?}");
        assert_eq!(test.outcome(0.0).map(|outcome| (outcome.accepted, outcome.items)), Ok((1.0, 36.0)));
        assert_eq!(test.outcome(1.0).map(|outcome| (outcome.accepted, outcome.items)), Ok((0.0, 3.0)));
    }

    #[test]
    fn a_test_cut_short_still_decides() {
        let test = Sequential::new(RISKS, 10).unwrap();
        let outcome = test.outcome(0.05).unwrap();
        assert!(outcome.items <= 10.0 && outcome.accepted > 0.5, "{outcome:?}");
        assert_eq!(Sequential::new(RISKS, 0), Err(StatsError::NoTrials));
        assert_eq!(Sequential::new(Risks { ltpd: 0.01, ..RISKS }, 9), Err(StatsError::Risks));
    }
}
