//! Code letters and switching rules of ISO 2859-1 (IS 2500-1:2000 is its public twin).
//!
//! The standard's plans are not copied: its sample sizes and limits are steps of one geometric series, and the acceptance
//! number depends on the sum of both steps alone. That rule, with the arrows between, gives the plans of single normal,
//! tightened and reduced inspection (the master tables 2-A, 2-B and 2-C) at limits from 0.010 to 10 per cent.
//!
//! What is checked against what: letters, sizes and the nine cells of table 2-A that the tests name as quoted stand in public
//! quotations of the standard. The diagonals of no defect, the two arrows beside them and the row of acceptance numbers are
//! known of each table, and the tests lay every cell beside a table written down by these columns and read with its arrows.
//! The printed tables themselves have not been laid beside it; of reduced inspection the row 1 1 2 3 5 6 8 10 and its cells
//! (32, 1), (50, 2), (20, 6) are all that is known, without the gap between acceptance and rejection of older editions.

use super::Plan;
use crate::StatsError;

/// Largest lot of each code letter at general inspection level II, from A on; the last letter has no end.
const LOTS: [u64; 15] = [8, 15, 25, 50, 90, 150, 280, 500, 1_200, 3_200, 10_000, 35_000, 150_000, 500_000, u64::MAX];
/// Code letters; I and O could be taken for numbers. At general inspection level II arrows alone lead to the last.
const LETTERS: [char; 16] = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'Q', 'R'];
/// Sample size of each under normal and tightened inspection.
const SIZES: [u64; 16] = [2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1_250, 2_000];
/// The same under reduced inspection.
const SIZES_REDUCED: [u64; 16] = [2, 2, 2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800];
/// Acceptable quality limits in per cent.
const LIMITS_PERCENT: [f64; 16] =
    [0.010, 0.015, 0.025, 0.040, 0.065, 0.10, 0.15, 0.25, 0.40, 0.65, 1.0, 1.5, 2.5, 4.0, 6.5, 10.0];
/// Sum of steps at which no defect is accepted; of tightened inspection it is one further.
const ZERO_AT: usize = 14;
/// Acceptance numbers from three sums further on.
const NORMAL: [u64; 8] = [1, 2, 3, 5, 7, 10, 14, 21];
/// The same of tightened inspection.
const TIGHTENED: [u64; 7] = [1, 2, 3, 5, 8, 12, 18];
/// The same of reduced inspection.
const REDUCED: [u64; 8] = [1, 1, 2, 3, 5, 6, 8, 10];

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
    /// say: each table has its own, so that the sample of reduced inspection may be that of another letter.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a limit that is none of the standard's from 0.010 to 10 per cent.
    pub fn plan(self, limit_percent: f64, severity: Severity) -> Result<Plan, StatsError> {
        let limit = LIMITS_PERCENT
            .iter()
            .position(|limit| (limit - limit_percent).abs() < 1e-9)
            .ok_or(StatsError::Value(limit_percent))?;
        match severity {
            Severity::Normal => self.by_steps(limit, ZERO_AT, &NORMAL, &SIZES),
            Severity::Tightened => self.by_steps(limit, ZERO_AT + 1, &TIGHTENED, &SIZES),
            Severity::Reduced => self.by_steps(limit, ZERO_AT, &REDUCED, &SIZES_REDUCED),
        }
    }

    fn by_steps(
        self,
        limit: usize,
        zero_at: usize,
        accepted: &[u64],
        sizes: &[u64; LETTERS.len()],
    ) -> Result<Plan, StatsError> {
        let (one_at, last) = (zero_at + 3, zero_at + 2 + accepted.len());
        let above = (0..=zero_at).contains(&limit);
        let below = one_at - limit < LETTERS.len();
        // One sum beyond that of no defect the arrow points up, two beyond it down; at the rims of the table both point to
        // where there is a plan.
        let sum = match self.0 + limit {
            sum if sum <= zero_at => zero_at,
            sum if sum == zero_at + 1 => {
                if above {
                    zero_at
                } else {
                    one_at
                }
            }
            sum if sum == zero_at + 2 => {
                if below {
                    one_at
                } else {
                    zero_at
                }
            }
            sum => sum.min(last),
        };
        let accept = sum.checked_sub(one_at).and_then(|place| accepted.get(place)).copied().unwrap_or_default();
        Plan::new(sizes[(sum - limit).min(LETTERS.len() - 1)], accept)
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
    fn plans_equal_the_cells_that_are_quoted_of_the_standard() {
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
        ] {
            let found = letter(code).plan(limit, Severity::Normal).unwrap();
            assert_eq!(found, Plan { n, accept }, "{code} {limit}");
        }
        assert_eq!(letter('J').plan(0.7, Severity::Normal), Err(StatsError::Value(0.7)));
        assert!(letter('J').plan(f64::NAN, Severity::Normal).is_err());
    }

    #[test]
    fn arrows_lead_to_the_rims_of_each_table() {
        use Severity::{Normal, Reduced, Tightened};
        for (code, limit, severity, n, accept) in [
            // No defect, and the two arrows beside it.
            ('E', 1.0, Normal, 13, 0),
            ('F', 1.0, Normal, 13, 0),
            ('G', 1.0, Normal, 50, 1),
            ('A', 1.0, Normal, 13, 0),
            // Above the first letter there is none; below the last there is none.
            ('A', 10.0, Normal, 5, 1),
            ('A', 10.0, Tightened, 2, 0),
            ('A', 10.0, Reduced, 2, 1),
            ('Q', 10.0, Normal, 125, 21),
            ('A', 0.01, Normal, 1_250, 0),
            ('K', 0.01, Tightened, 2_000, 0),
            ('Q', 0.04, Tightened, 2_000, 1),
            ('Q', 0.025, Normal, 2_000, 1),
            ('Q', 0.025, Tightened, 800, 0),
            ('R', 0.015, Normal, 800, 0),
            ('R', 0.025, Reduced, 800, 1),
            // Reduced inspection follows its own arrows.
            ('J', 1.0, Reduced, 32, 1),
            ('K', 1.0, Reduced, 50, 2),
            ('H', 10.0, Reduced, 20, 6),
            ('K', 10.0, Reduced, 50, 10),
            ('Q', 10.0, Reduced, 50, 10),
            ('F', 1.0, Reduced, 5, 0),
            ('G', 1.0, Reduced, 20, 1),
        ] {
            let found = letter(code).plan(limit, severity).unwrap();
            assert_eq!(found, Plan { n, accept }, "{code} {limit} {severity:?}");
        }
    }

    /// What stands in a cell of a master table.
    #[derive(Clone, Copy, PartialEq)]
    enum Cell {
        Accept(u64),
        Up,
        Down,
    }

    #[test]
    fn every_cell_equals_a_table_that_is_written_out_and_read_by_its_arrows() {
        // A column from its top: arrows down, no defect at this letter, an arrow up, an arrow down, the numbers, arrows up.
        let tables = [
            (Severity::Normal, &SIZES, "QPNMLKJHGFEDCBA", &NORMAL[..]),
            (Severity::Tightened, &SIZES, "RQPNMLKJHGFEDCBA", &TIGHTENED[..]),
            (Severity::Reduced, &SIZES_REDUCED, "QPNMLKJHGFEDCBA", &REDUCED[..]),
        ];
        for (severity, sizes, zeros, accepted) in tables {
            for (place, limit) in Letter::limits().enumerate() {
                let zero = zeros.chars().nth(place).map(|zero| letter(zero).0);
                let behind = zero.map_or(0, |zero| zero + 1);
                let mut column = vec![Cell::Down; zero.unwrap_or(0)];
                column.extend(zero.map(|_| [Cell::Accept(0), Cell::Up]).into_iter().flatten());
                column.resize(behind + 2, Cell::Down);
                column.extend(accepted.iter().map(|accept| Cell::Accept(*accept)));
                column.resize(LETTERS.len().max(column.len()), Cell::Up);
                column.truncate(LETTERS.len());
                // Nothing stands below the last row to which an arrow could lead.
                for cell in column.iter_mut().rev().take_while(|cell| **cell == Cell::Down) {
                    *cell = Cell::Up;
                }
                for (own, code) in LETTERS.iter().enumerate() {
                    let mut at = own;
                    let accept = loop {
                        match column[at] {
                            Cell::Accept(accept) => break accept,
                            Cell::Up => at -= 1,
                            Cell::Down => at += 1,
                        }
                    };
                    let wanted = Plan { n: sizes[at], accept };
                    assert_eq!(Letter(own).plan(limit, severity), Ok(wanted), "{code} {limit} {severity:?}");
                }
            }
        }
    }

    #[test]
    fn tightened_plans_accept_less_and_reduced_ones_read_less() {
        for (code, limit, accept) in [('J', 1.0, 1), ('K', 1.0, 2), ('L', 1.0, 3), ('J', 6.5, 8), ('K', 6.5, 12)] {
            assert_eq!(letter(code).plan(limit, Severity::Tightened).unwrap().accept, accept, "{code} {limit}");
        }
        for code in LETTERS.map(letter) {
            for limit in Letter::limits() {
                let [normal, tightened, reduced] = [Severity::Normal, Severity::Tightened, Severity::Reduced]
                    .map(|severity| code.plan(limit, severity).unwrap());
                let accepted = |plan: Plan| plan.acceptance(limit / 100.0).unwrap();
                assert!(accepted(tightened) <= accepted(normal) + 1e-12, "{code:?} {limit}");
                assert!(reduced.n <= normal.n && accepted(reduced) >= accepted(normal) - 0.01, "{code:?} {limit}");
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
