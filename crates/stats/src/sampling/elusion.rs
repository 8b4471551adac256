//! What a search left behind: how many relevant items are among those set aside, and how many of all were found.

use crate::{
    StatsError,
    interval::{Bounds, Interval, clopper_pearson, finite},
    real,
};

/// A random sample of what was set aside unread, and what was found before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetAside {
    /// Items set aside.
    pub size: u64,
    /// How many of them were drawn at random and read.
    pub n: u64,
    /// How many of those were relevant after all.
    pub relevant: u64,
    /// Relevant items found before, for certain.
    pub found: u64,
}

/// What a sample of the items set aside tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Elusion {
    /// The share of relevant items among those set aside.
    pub share: f64,
    /// Its interval, by Clopper and Pearson, or from the finite lot if more than 5 % of it were read; never beyond what the
    /// sample itself leaves possible.
    pub interval: Interval,
    /// How many relevant items that is, whole ones.
    pub missed: Bounds,
    /// The share of all relevant items that was found before; none if there may be no relevant item at all.
    pub recall: Option<f64>,
    /// Its interval.
    pub recall_interval: Interval,
}

/// Returns how many relevant items eluded the search, and its recall.
///
/// The interval of the recall is that of the items missed, turned round. It is for one look: who looks again and again must
/// part the confidence among the looks. A reader's own errors move both ends and are not in it.
/// Source: Roitblat, *Measurement in eDiscovery* (2013); intervals as [`clopper_pearson`] and [`finite`].
///
/// # Errors
/// [`StatsError::NoTrials`], [`StatsError::HitsExceedTrials`], [`StatsError::SampleExceedsLot`],
/// [`StatsError::TooManyTrials`], [`StatsError::Confidence`].
pub fn elusion(set_aside: SetAside, confidence: f64) -> Result<Elusion, StatsError> {
    let SetAside { size, n, relevant, found } = set_aside;
    let bounds = finite(relevant, n, size, confidence)?;
    let interval = if n > size / 20 {
        Interval { lower: real(bounds.lower) / real(size), upper: real(bounds.upper) / real(size) }
    } else {
        clopper_pearson(relevant, n, confidence)?
    };
    let share = real(relevant) / real(n);
    // A whole number divided by the size and multiplied again may fall short of itself.
    let whole = |share: f64| share * real(size) + 1e-6;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lie between 0 and the size")]
    let missed = Bounds { lower: whole(interval.lower) as u64, upper: whole(interval.upper) as u64 };
    // What was read is known: as many as it holds were missed, and what was not relevant in it was not.
    let (seen, open) = (real(relevant) / real(size), real(size - (n - relevant)) / real(size));
    let interval = Interval { lower: interval.lower.max(seen), upper: interval.upper.min(open) };
    let missed = Bounds { lower: missed.lower.max(relevant), upper: missed.upper.min(size - (n - relevant)) };
    // A finite lot holds whole items; the share of a sample may lie beside their bounds, by less than one of them.
    let interval = Interval { lower: interval.lower.min(share), upper: interval.upper.max(share) };
    let (fewest, most) = (interval.lower * real(size), interval.upper * real(size));
    let recall = |missed: f64| real(found) / (real(found) + missed);
    let end = |missed: f64, otherwise: f64| if real(found) + missed > 0.0 { recall(missed) } else { otherwise };
    let expected = share * real(size);
    Ok(Elusion {
        share,
        interval,
        missed,
        recall: (real(found) + expected > 0.0).then(|| recall(expected)),
        recall_interval: Interval { lower: end(most, 0.0), upper: end(fewest, 1.0) },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elusion_and_recall_equal_their_reference() {
        let set_aside = SetAside { size: 500_000, n: 1_500, relevant: 3, found: 20_000 };
        let found = elusion(set_aside, 0.95).unwrap();
        assert_eq!(found.missed, Bounds { lower: 206, upper: 2_916 });
        assert!((found.recall.unwrap() - 0.9524).abs() < 5e-5);
        assert!(
            (found.recall_interval.lower - 0.8727).abs() < 5e-5 && (found.recall_interval.upper - 0.9898).abs() < 5e-5
        );
        assert!((found.interval.lower - 0.000_413).abs() < 1e-6 && (found.interval.upper - 0.005_834).abs() < 1e-6);
    }

    #[test]
    fn recall_of_a_control_set_rests_on_the_relevant_items_in_it() {
        // 75 % of 8 relevant items says little, however large the sample they came from.
        let found = clopper_pearson(6, 8, 0.95).unwrap();
        assert!((found.lower - 0.35).abs() < 5e-3 && (found.upper - 0.97).abs() < 5e-3, "{found:?}");
    }

    #[test]
    fn a_good_part_of_the_lot_tells_more_and_nothing_relevant_leaves_recall_open() {
        let whole = elusion(SetAside { size: 200, n: 200, relevant: 4, found: 36 }, 0.95).unwrap();
        assert_eq!((whole.missed, whole.recall), (Bounds { lower: 4, upper: 4 }, Some(0.9)));
        let nothing = elusion(SetAside { size: 200, n: 20, relevant: 0, found: 0 }, 0.95).unwrap();
        assert_eq!((nothing.recall, nothing.recall_interval), (None, Interval { lower: 0.0, upper: 1.0 }));
        let none_drawn = SetAside { size: 200, n: 0, relevant: 0, found: 9 };
        assert_eq!(elusion(none_drawn, 0.95), Err(StatsError::NoTrials));
    }

    #[test]
    fn no_fewer_were_missed_than_the_sample_itself_holds() {
        let few = elusion(SetAside { size: 250, n: 12, relevant: 5, found: 9 }, 0.999_999).unwrap();
        assert!(few.missed.lower == 5 && few.interval.lower >= 0.02, "{few:?}");
        assert!((few.recall_interval.upper - 9.0 / 14.0).abs() < 1e-12, "{few:?}");
        let many = elusion(SetAside { size: 250, n: 12, relevant: 7, found: 9 }, 0.999_999).unwrap();
        assert!(many.missed.upper <= 245 && many.interval.upper <= 0.98, "{many:?}");
    }

    #[test]
    fn an_interval_of_whole_items_still_holds_the_share_of_the_sample() {
        // All but 17 of the lot were read: it holds 1,023 relevant items, and the sample's share stands for 1,022.97.
        let nearly = elusion(SetAside { size: 1_025, n: 1_008, relevant: 1_006, found: 0 }, 0.9).unwrap();
        assert_eq!(nearly.missed, Bounds { lower: 1_023, upper: 1_023 });
        assert!(nearly.interval.lower <= nearly.share && nearly.share < nearly.interval.upper);
    }

    proptest! {
        #[test]
        fn the_ends_hold_the_figures(size in 1_u64..5_000, part in 1_u64..5_000, hits in 0_u64..5_000, found in 0_u64..5_000) {
            let n = 1 + part % size;
            let relevant = hits % (n + 1);
            let elusion = elusion(SetAside { size, n, relevant, found }, 0.9).unwrap();
            prop_assert!(elusion.interval.lower <= elusion.share + 1e-9 && elusion.share <= elusion.interval.upper + 1e-9);
            prop_assert!(relevant <= elusion.missed.lower && elusion.missed.lower <= elusion.missed.upper);
            prop_assert!(elusion.missed.upper <= size - (n - relevant));
            let Interval { lower, upper } = elusion.recall_interval;
            prop_assert!(0.0 <= lower && lower <= upper && upper <= 1.0);
            prop_assert!(elusion.recall.is_none_or(|recall| lower <= recall + 1e-9 && recall <= upper + 1e-9));
        }
    }
}
