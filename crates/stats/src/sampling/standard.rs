//! Code letters and switching rules of ISO 2859-1 (IS 2500-1:2000 is its public twin).
//!
//! The standard's plans are not copied: its sample sizes and limits are steps of one geometric series, and the acceptance
//! number depends on the sum of both steps alone. That rule gives the plans of single normal and tightened inspection.

use super::{Plan, SAMPLE_MAX};
use crate::{StatsError, special::binomial_at_most};

/// Largest lot of each code letter at general inspection level II, from A on; the last letter has no end.
const LOTS: [u64; 15] = [8, 15, 25, 50, 90, 150, 280, 500, 1_200, 3_200, 10_000, 35_000, 150_000, 500_000, u64::MAX];
/// Code letters; I and O could be taken for numbers.
const LETTERS: [char; 15] = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'Q'];
/// Sample size of each.
const SIZES: [u64; 15] = [2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1_250];
/// Acceptable quality limits in per cent.
const LIMITS_PERCENT: [f64; 16] =
    [0.010, 0.015, 0.025, 0.040, 0.065, 0.10, 0.15, 0.25, 0.40, 0.65, 1.0, 1.5, 2.5, 4.0, 6.5, 10.0];
/// Sum of steps at which no defect is accepted.
const ZERO_AT: usize = 14;
/// Acceptance numbers from three sums further on.
const NORMAL: [u64; 8] = [1, 2, 3, 5, 7, 10, 14, 21];
/// The same of tightened inspection, which stands one sum further.
const TIGHTENED: [u64; 7] = [1, 2, 3, 5, 8, 12, 18];

/// How hard lots are inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// As long as nothing speaks against it.
    Normal,
    /// After lots were rejected.
    Tightened,
    /// After many lots were accepted.
    Reduced,
}

/// A code letter: a step of sample sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Letter(usize);

impl Letter {
    /// Returns the code letter of lots of `size` at general inspection level II.
    ///
    /// # Errors
    /// [`StatsError::NoTrials`] of a lot of fewer than two items, of which no sample is drawn.
    pub fn of_lot(size: u64) -> Result<Self, StatsError> {
        if size < 2 {
            return Err(StatsError::NoTrials);
        }
        Ok(Self(LOTS.partition_point(|&largest| largest < size)))
    }

    /// Returns the letter as it is written.
    pub fn letter(self) -> char {
        LETTERS[self.0]
    }

    /// Returns the sample size of single normal and tightened inspection.
    pub fn size(self) -> u64 {
        SIZES[self.0]
    }

    /// Returns the single sampling plan for an acceptable quality limit in per cent, one of the standard's.
    ///
    /// Where the letter has no plan for the limit it is that of the nearest letter that has one, as the standard's arrows
    /// say. Of reduced inspection the sample is that of the letter two steps below; its acceptance number is not the
    /// standard's but the smallest that keeps the seller's risk at 5 %.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a limit that is none of the standard's from 0.010 to 10 per cent.
    pub fn plan(self, limit_percent: f64, severity: Severity) -> Result<Plan, StatsError> {
        let limit = LIMITS_PERCENT
            .iter()
            .position(|limit| (limit - limit_percent).abs() < 1e-9)
            .ok_or(StatsError::Value(limit_percent))?;
        match severity {
            Severity::Normal => self.by_steps(limit, ZERO_AT, &NORMAL),
            Severity::Tightened => self.by_steps(limit, ZERO_AT + 1, &TIGHTENED),
            Severity::Reduced => {
                let normal = self.by_steps(limit, ZERO_AT, &NORMAL)?;
                let size = SIZES[self.0.saturating_sub(2)].min(normal.n);
                let fair = |accept: &u64| binomial_at_most(*accept, size, limit_percent / 100.0) >= 0.95;
                Plan::new(size, (0..size).find(fair).unwrap_or(size - 1))
            }
        }
    }

    fn by_steps(self, limit: usize, zero_at: usize, accepted: &[u64]) -> Result<Plan, StatsError> {
        let last = zero_at + 2 + accepted.len();
        // One sum beyond that of no defect the arrow points up, two beyond it down.
        let sum = match self.0 + limit {
            sum if sum <= zero_at + 1 => zero_at,
            sum if sum == zero_at + 2 => zero_at + 3,
            sum => sum.min(last),
        };
        let letter = sum.saturating_sub(limit).min(LETTERS.len() - 1);
        let accept = sum.checked_sub(zero_at + 3).and_then(|place| accepted.get(place)).copied().unwrap_or_default();
        Plan::new(SIZES[letter].min(SAMPLE_MAX), accept)
    }

    /// Returns the limits that [`Letter::plan`] knows, in per cent.
    pub fn limits() -> impl Iterator<Item = f64> {
        LIMITS_PERCENT.into_iter()
    }
}

/// How one lot fared that was shown for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Whether it was accepted.
    pub accepted: bool,
    /// Whether it would have been accepted with the limit one step tighter. It matters only where two defects or more are
    /// accepted.
    pub accepted_one_step_tighter: bool,
    /// The plan's acceptance number.
    pub accept: u64,
    /// Whether the work goes on evenly and the client agrees to reduced inspection.
    pub reducible: bool,
}

/// Where the switching rules stand: the severity of the next lot, and what may change it.
///
/// Source: ISO 2859-1:1999, section 9.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switching {
    /// Normal inspection.
    Normal {
        /// Rejections among the last four lots, the newest first.
        rejected: [bool; 4],
        /// The switching score; from 30 on inspection may be reduced.
        score: u32,
    },
    /// Tightened inspection.
    Tightened {
        /// Lots accepted one after the other.
        accepted_in_a_row: u32,
        /// Lots rejected since it was tightened.
        rejected: u32,
    },
    /// Reduced inspection.
    Reduced,
    /// Five lots were rejected under tightened inspection: no lot is accepted by sample until the work is mended.
    Discontinued,
}

/// The score from which inspection may be reduced.
const SCORE_REDUCED: u32 = 30;
/// Lots accepted in a row that lead back to normal inspection.
const ACCEPTED_BACK: u32 = 5;
/// Lots rejected under tightened inspection that end it.
const REJECTED_END: u32 = 5;

impl Default for Switching {
    fn default() -> Self {
        Self::normal()
    }
}

impl Switching {
    /// Returns where inspection begins.
    pub fn normal() -> Self {
        Self::Normal { rejected: [false; 4], score: 0 }
    }

    /// Returns the severity of the next lot, or nothing if it is not to be sampled at all.
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Normal { .. } => Some(Severity::Normal),
            Self::Tightened { .. } => Some(Severity::Tightened),
            Self::Reduced => Some(Severity::Reduced),
            Self::Discontinued => None,
        }
    }

    /// Returns where the rules stand after one more lot. Once discontinued, lots change nothing: see
    /// [`Switching::mended`].
    #[must_use]
    pub fn after(self, lot: Shown) -> Self {
        match self {
            Self::Normal { rejected, .. } if !lot.accepted && rejected.contains(&true) => {
                Self::Tightened { accepted_in_a_row: 0, rejected: 0 }
            }
            Self::Normal { rejected: [first, second, third, _], score } => {
                let score = match (lot.accepted, lot.accept) {
                    (true, 0 | 1) => score.saturating_add(2),
                    (true, _) if lot.accepted_one_step_tighter => score.saturating_add(3),
                    (true | false, _) => 0,
                };
                if score >= SCORE_REDUCED && lot.reducible {
                    Self::Reduced
                } else {
                    Self::Normal { rejected: [!lot.accepted, first, second, third], score }
                }
            }
            Self::Tightened { accepted_in_a_row, .. } if lot.accepted && accepted_in_a_row + 1 >= ACCEPTED_BACK => {
                Self::normal()
            }
            Self::Tightened { accepted_in_a_row, rejected } if lot.accepted => {
                Self::Tightened { accepted_in_a_row: accepted_in_a_row + 1, rejected }
            }
            Self::Tightened { rejected, .. } if rejected + 1 >= REJECTED_END => Self::Discontinued,
            Self::Tightened { rejected, .. } => Self::Tightened { accepted_in_a_row: 0, rejected: rejected + 1 },
            Self::Reduced if lot.accepted && lot.reducible => Self::Reduced,
            Self::Reduced => Self::normal(),
            Self::Discontinued => Self::Discontinued,
        }
    }

    /// Returns where inspection begins again once the work is mended: with tightened inspection. Elsewhere nothing changes.
    #[must_use]
    pub fn mended(self) -> Self {
        match self {
            Self::Discontinued => Self::Tightened { accepted_in_a_row: 0, rejected: 0 },
            Self::Normal { .. } | Self::Tightened { .. } | Self::Reduced => self,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn letter(letter: char) -> Letter {
        Letter(LETTERS.iter().position(|known| *known == letter).unwrap())
    }

    fn lot(accepted: bool) -> Shown {
        Shown { accepted, accepted_one_step_tighter: accepted, accept: 2, reducible: true }
    }

    fn after(begin: Switching, lots: &str) -> Switching {
        lots.chars().fold(begin, |state, sign| state.after(lot(sign == 'a')))
    }

    #[test]
    fn code_letters_and_sizes_equal_the_standards() {
        let ends = [
            (2, 8, 'A', 2),
            (9, 15, 'B', 3),
            (16, 25, 'C', 5),
            (26, 50, 'D', 8),
            (51, 90, 'E', 13),
            (91, 150, 'F', 20),
            (151, 280, 'G', 32),
            (281, 500, 'H', 50),
            (501, 1_200, 'J', 80),
            (1_201, 3_200, 'K', 125),
            (3_201, 10_000, 'L', 200),
            (10_001, 35_000, 'M', 315),
            (35_001, 150_000, 'N', 500),
            (150_001, 500_000, 'P', 800),
            (500_001, u64::MAX, 'Q', 1_250),
        ];
        for (smallest, largest, wanted, size) in ends {
            for lot in [smallest, largest] {
                let found = Letter::of_lot(lot).unwrap();
                assert_eq!((found.letter(), found.size()), (wanted, size), "{lot}");
            }
        }
        assert_eq!(Letter::of_lot(1), Err(StatsError::NoTrials));
    }

    #[test]
    fn single_normal_plans_equal_the_standards() {
        for (code, limit, n, accept) in [
            ('J', 0.65, 80, 1),
            ('J', 1.0, 80, 2),
            ('J', 1.5, 80, 3),
            ('J', 2.5, 80, 5),
            ('J', 4.0, 80, 7),
            ('H', 1.0, 50, 1),
            ('H', 2.5, 50, 3),
            ('K', 1.0, 125, 3),
            ('L', 1.0, 200, 5),
            // No defect, the two arrows beside it, and the arrows of both far ends.
            ('E', 1.0, 13, 0),
            ('F', 1.0, 13, 0),
            ('G', 1.0, 50, 1),
            ('A', 1.0, 13, 0),
            ('Q', 10.0, 125, 21),
            ('A', 0.01, 1_250, 0),
        ] {
            let found = letter(code).plan(limit, Severity::Normal).unwrap();
            assert_eq!(found, Plan { n, accept }, "{code} {limit}");
        }
        assert_eq!(letter('J').plan(0.7, Severity::Normal), Err(StatsError::Value(0.7)));
        assert!(letter('J').plan(f64::NAN, Severity::Normal).is_err());
    }

    #[test]
    fn tightened_and_reduced_plans_accept_less_and_read_less() {
        for (code, limit, accept) in [('J', 1.0, 1), ('K', 1.0, 2), ('L', 1.0, 3), ('J', 6.5, 8)] {
            assert_eq!(letter(code).plan(limit, Severity::Tightened).unwrap().accept, accept, "{code} {limit}");
        }
        assert_eq!(letter('J').plan(1.0, Severity::Reduced), Ok(Plan { n: 32, accept: 1 }));
        for code in LETTERS.map(letter) {
            for limit in Letter::limits() {
                let [normal, tightened, reduced] = [Severity::Normal, Severity::Tightened, Severity::Reduced]
                    .map(|severity| code.plan(limit, severity).unwrap());
                let accepted = |plan: Plan| plan.acceptance(limit / 100.0).unwrap();
                assert!(accepted(tightened) <= accepted(normal) + 1e-12, "{code:?} {limit}");
                assert!(reduced.n <= normal.n && accepted(reduced) >= 0.95, "{code:?} {limit}");
            }
        }
    }

    #[test]
    fn two_rejected_lots_of_five_tighten_and_five_accepted_lead_back() {
        let normal = Switching::normal();
        assert_eq!(after(normal, "raaar").severity(), Some(Severity::Tightened));
        assert_eq!(after(normal, "raaaar").severity(), Some(Severity::Normal));
        let tightened = after(normal, "rr");
        assert_eq!(after(tightened, "aaaa").severity(), Some(Severity::Tightened));
        assert_eq!(after(tightened, "aaaaa"), normal);
        assert_eq!(after(tightened, "aaaaraaaa").severity(), Some(Severity::Tightened));
    }

    #[test]
    fn five_rejected_lots_under_tightened_inspection_end_it_until_the_work_is_mended() {
        let tightened = after(Switching::normal(), "rr");
        let ended = after(tightened, "rarararar");
        assert_eq!((ended, ended.severity()), (Switching::Discontinued, None));
        assert_eq!(after(ended, "aaaaaaaaaa"), Switching::Discontinued);
        assert_eq!(ended.mended(), tightened);
        assert_eq!(tightened.mended(), tightened);
    }

    #[test]
    fn a_score_of_thirty_reduces_with_consent_and_any_rejection_ends_that() {
        // Three points a lot where two defects are accepted, two points otherwise; a lot that only just passed sets it back.
        assert_eq!(after(Switching::normal(), "aaaaaaaaaa"), Switching::Reduced);
        assert_eq!(after(Switching::normal(), "aaaaaaaaa").severity(), Some(Severity::Normal));
        let strict = Shown { accept: 1, accepted_one_step_tighter: false, ..lot(true) };
        assert_eq!((0..15).fold(Switching::normal(), |state, _| state.after(strict)), Switching::Reduced);
        let barely = Shown { accepted_one_step_tighter: false, ..lot(true) };
        assert_eq!(after(Switching::normal(), "aaaaaaaaa").after(barely), Switching::normal());
        let unagreed = Shown { reducible: false, ..lot(true) };
        let waiting = (0..12).fold(Switching::normal(), |state, _| state.after(unagreed));
        assert_eq!((waiting.severity(), waiting.after(lot(true))), (Some(Severity::Normal), Switching::Reduced));
        assert_eq!(Switching::Reduced.after(lot(false)), Switching::normal());
        assert_eq!(Switching::Reduced.after(unagreed), Switching::normal());
    }

    proptest! {
        #[test]
        fn only_a_rejected_lot_ever_makes_inspection_harder(lots in vec(any::<(bool, bool, bool)>(), 0..80)) {
            let hardness = |state: Switching| match state {
                Switching::Reduced => 0,
                Switching::Normal { .. } => 1,
                Switching::Tightened { .. } => 2,
                Switching::Discontinued => 3,
            };
            let mut state = Switching::normal();
            for (accepted, tighter, reducible) in lots {
                let next = state.after(Shown { accepted, accepted_one_step_tighter: tighter, accept: 2, reducible });
                prop_assert!(hardness(next) <= hardness(state) || !accepted || state == Switching::Reduced);
                state = next;
            }
        }
    }
}
