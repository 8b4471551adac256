//! Quantiles of measured whole numbers, such as durations, in whole-number arithmetic.

use crate::StatsError;

/// Returns the median of `values`, in their unit and any order.
///
/// # Errors
/// [`StatsError::NoValues`] of an empty slice.
pub fn median(values: &[i64]) -> Result<i64, StatsError> {
    percentile(values, 50)
}

/// Returns the value below which `percent` of `values` lie, in their unit; 0 is the smallest, 100 the largest.
///
/// Between two values it is interpolated in proportion and rounded down. All of `i64` is safe.
/// Source: definition 7 of Hyndman and Fan, Am. Stat. 50 (1996), 361–365, the usual one of R and numpy.
///
/// # Errors
/// [`StatsError::NoValues`] of an empty slice, [`StatsError::Percent`] above 100.
pub fn percentile(values: &[i64], percent: u32) -> Result<i64, StatsError> {
    if percent > 100 {
        return Err(StatsError::Percent(percent));
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().checked_sub(1).ok_or(StatsError::NoValues)?;
    let place = last * percent as usize;
    let (below, rest) = (sorted[place / 100], (place % 100) as u64);
    let gap = sorted[place.div_ceil(100)].abs_diff(below);
    // In two parts, because a gap of nearly 2^64 times `rest` would not fit; never past the upper value.
    Ok(below.saturating_add_unsigned(gap / 100 * rest + gap % 100 * rest / 100))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn percentiles_equal_those_of_numpy() {
        // numpy.percentile([15, 20, 35, 40, 50], [0, 5, 30, 40, 50, 100]) = 15, 16, 23, 29, 35, 50.
        let values = [40, 15, 50, 35, 20];
        let found = [0, 5, 30, 40, 50, 100].map(|percent| percentile(&values, percent));
        assert_eq!(found, [15, 16, 23, 29, 35, 50].map(Ok));
    }

    #[test]
    fn the_median_of_an_even_number_lies_in_the_middle_rounded_down() {
        assert_eq!(median(&[4, 1, 3, 2]), Ok(2));
        assert_eq!(median(&[-1, -2]), Ok(-2));
        assert_eq!(median(&[7]), Ok(7));
        assert_eq!(median(&[i64::MAX, i64::MIN]), Ok(-1));
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(median(&[]), Err(StatsError::NoValues));
        assert_eq!(percentile(&[1], 101), Err(StatsError::Percent(101)));
    }

    proptest! {
        #[test]
        fn percentiles_rise_and_stay_among_the_values(values in vec(any::<i64>(), 1..20), a in 0_u32..=100, b in 0_u32..=100) {
            let (low, high) = (percentile(&values, a.min(b)), percentile(&values, a.max(b)));
            prop_assert!(low.is_ok_and(|low| high.is_ok_and(|high| low <= high)));
            prop_assert_eq!(percentile(&values, 0).ok(), values.iter().min().copied());
            prop_assert_eq!(percentile(&values, 100).ok(), values.iter().max().copied());
        }
    }
}
