//! Agreement on marked passages: how much two raters' marks share, and Krippendorff's alpha for unitising.
//!
//! Places are whole numbers along one text: bytes, characters or ticks of a recording. A passage is of one class; marks of
//! different classes may overlap.

use super::{Undefined, beyond_chance};
use crate::{StatsError, real};

/// A marked passage, from `begin` up to but without `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First place that is marked.
    pub begin: u64,
    /// First place behind it.
    pub end: u64,
    /// What it was marked as, from 0.
    pub class: u32,
}

/// How much was marked by two raters: places, tokens or whole passages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    /// Marked alike by both.
    pub both: u64,
    /// Marked by the first.
    pub first: u64,
    /// Marked by the second.
    pub second: u64,
}

impl Shared {
    /// Returns the harmonic mean of precision and recall, `2 both / (first + second)`, in `0.0..=1.0`; it is the same
    /// whichever rater comes first. Nothing is taken off for chance, since what nobody marked cannot be counted.
    ///
    /// Source: Hripcsak and Rothschild, J. Am. Med. Inform. Assoc. 12 (2005), 296–298.
    ///
    /// # Errors
    /// [`Undefined::NoPairs`] if neither marked anything.
    pub fn f1(self) -> Result<f64, Undefined> {
        let all = real(self.first) + real(self.second);
        if all > 0.0 { Ok(2.0 * real(self.both) / all) } else { Err(Undefined::NoPairs) }
    }
}

/// Returns how many places two raters marked with the same class; places marked twice by one of them count once a class.
///
/// # Errors
/// [`StatsError::Span`] of a passage that ends before it begins.
pub fn places(first: &[Span], second: &[Span]) -> Result<Shared, StatsError> {
    let (first, second) = (merged(first)?, merged(second)?);
    let length = |spans: &[Span]| spans.iter().map(|span| span.end - span.begin).fold(0, u64::saturating_add);
    let mut both = 0_u64;
    let (mut left, mut right) = (first.iter().peekable(), second.iter().peekable());
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        if one.class == other.class {
            both = both.saturating_add(one.end.min(other.end).saturating_sub(one.begin.max(other.begin)));
        }
        if (one.class, one.end) <= (other.class, other.end) {
            left.next()
        } else {
            right.next()
        };
    }
    Ok(Shared { both, first: length(&first), second: length(&second) })
}

/// Returns how many tokens two raters touched with a mark of the same class. `tokens` are `begin..end`, in order.
///
/// # Errors
/// As [`places`].
pub fn tokens(first: &[Span], second: &[Span], tokens: &[(u64, u64)]) -> Result<Shared, StatsError> {
    places(&touched(&merged(first)?, tokens), &touched(&merged(second)?, tokens))
}

/// Returns how many passages two raters marked from and to the same places with the same class.
///
/// # Errors
/// As [`places`].
pub fn passages(first: &[Span], second: &[Span]) -> Result<Shared, StatsError> {
    let sorted = |spans: &[Span]| -> Result<Vec<Span>, StatsError> {
        spans.iter().try_for_each(|&span| check(span))?;
        let mut spans = spans.to_vec();
        spans.sort_unstable();
        spans.dedup();
        Ok(spans)
    };
    let (first, second) = (sorted(first)?, sorted(second)?);
    let both = first.iter().filter(|span| second.binary_search(span).is_ok()).count();
    Ok(Shared { both: both as u64, first: first.len() as u64, second: second.len() as u64 })
}

/// Returns Krippendorff's alpha for unitising over all classes: at most 1; 0 is what chance would give.
///
/// `raters` holds the passages of each rater on a text of `length` places; one who marked nothing has none. Observed and
/// expected disagreement are the means over the classes that were used. Both count squared distances of ends, and squared
/// lengths of passages that stand where the other marked nothing.
/// Sources: Krippendorff, Sociol. Methodol. 25 (1995), 47–76, with the expected disagreement of his *Content Analysis*,
/// 2nd ed. (2004), section 11.6.
///
/// # Errors
/// [`StatsError::Span`] of a passage that is empty, leaves the text, or overlaps one of the same class and rater;
/// [`StatsError::Undefined`] with [`Undefined::NoPairs`] of fewer than two raters or if nobody marked anything;
/// [`StatsError::TooLarge`] of a text of more than 2^26 places.
pub fn unitising_alpha(raters: &[Vec<Span>], length: u64) -> Result<f64, StatsError> {
    if length > LENGTH_MAX {
        return Err(StatsError::TooLarge);
    }
    let mut classes: Vec<u32> = raters.iter().flatten().map(|span| span.class).collect();
    classes.sort_unstable();
    classes.dedup();
    if raters.len() < 2 || classes.is_empty() {
        return Err(Undefined::NoPairs.into());
    }
    let (mut observed, mut expected) = (0.0, 0.0);
    for class in classes {
        let sections = raters.iter().map(|spans| sections(spans, class, length)).collect::<Result<Vec<_>, _>>()?;
        observed += disagreement(&sections, length);
        expected += by_chance(&sections, length);
    }
    Ok(beyond_chance(observed, expected)?)
}

/// Longest text whose unitising alpha is computed; its cube still fits.
const LENGTH_MAX: u64 = 1 << 26;

/// A stretch of the text that a rater marked, or left.
#[derive(Debug, Clone, Copy)]
struct Section {
    begin: u64,
    end: u64,
    marked: bool,
}

impl Section {
    fn length(self) -> f64 {
        real(self.end - self.begin)
    }
}

/// Returns the whole text as marked passages of one class and the gaps between them.
fn sections(spans: &[Span], class: u32, length: u64) -> Result<Vec<Section>, StatsError> {
    let mut spans: Vec<Span> = spans.iter().copied().filter(|span| span.class == class).collect();
    spans.sort_unstable();
    let mut found = Vec::with_capacity(2 * spans.len() + 1);
    let mut at = 0;
    for span in spans {
        if span.begin < at || span.end <= span.begin || span.end > length {
            return Err(StatsError::Span { begin: span.begin, end: span.end });
        }
        if span.begin > at {
            found.push(Section { begin: at, end: span.begin, marked: false });
        }
        found.push(Section { begin: span.begin, end: span.end, marked: true });
        at = span.end;
    }
    if at < length {
        found.push(Section { begin: at, end: length, marked: false });
    }
    Ok(found)
}

/// Returns the observed disagreement of one class, per pair of raters and squared length of the text.
fn disagreement(raters: &[Vec<Section>], length: u64) -> f64 {
    let mut sum = 0.0;
    for (place, first) in raters.iter().enumerate() {
        for second in &raters[place + 1..] {
            let (mut left, mut right) = (first.iter().peekable(), second.iter().peekable());
            while let (Some(&&one), Some(&&other)) = (left.peek(), right.peek()) {
                sum += apart(one, other);
                if one.end <= other.end {
                    left.next();
                }
                if other.end <= one.end {
                    right.next();
                }
            }
        }
    }
    let pairs = real((raters.len() * (raters.len() - 1) / 2) as u64);
    sum / pairs / real(length) / real(length)
}

/// Returns the squared distance of two sections that share a place.
fn apart(one: Section, other: Section) -> f64 {
    let within = |inner: Section, outer: Section| outer.begin <= inner.begin && inner.end <= outer.end;
    match (one.marked, other.marked) {
        (true, true) => {
            let square = |a: u64, b: u64| real(a.abs_diff(b)) * real(a.abs_diff(b));
            square(one.begin, other.begin) + square(one.end, other.end)
        }
        (true, false) if within(one, other) => one.length() * one.length(),
        (false, true) if within(other, one) => other.length() * other.length(),
        (true | false, false) | (false, true) => 0.0,
    }
}

/// Returns the expected disagreement of one class in the same measure: each passage laid at every place of the others'
/// passages and gaps.
fn by_chance(raters: &[Vec<Section>], length: u64) -> f64 {
    let all = || raters.iter().flatten().copied();
    let marked: Vec<f64> = all().filter(|section| section.marked).map(Section::length).collect();
    let mut gaps: Vec<f64> = all().filter(|section| !section.marked).map(Section::length).collect();
    gaps.sort_unstable_by(|a, b| b.total_cmp(a));
    let others = real(marked.len() as u64) - 1.0;
    let mut sum = 0.0;
    for &own in &marked {
        // Against another passage, over all ways in which they meet: the sum of squares below `own`, twice.
        sum += others / 3.0 * own * (own - 1.0) * (2.0 * own - 1.0);
        sum += gaps.iter().take_while(|gap| **gap >= own).map(|gap| own * own * (gap - own + 1.0)).sum::<f64>();
    }
    let places = real(raters.len() as u64) * real(length);
    let same: f64 = marked.iter().map(|own| own * (own - 1.0)).sum();
    2.0 * sum / real(length) / (places * (places - 1.0) - same)
}

fn check(span: Span) -> Result<(), StatsError> {
    if span.begin <= span.end { Ok(()) } else { Err(StatsError::Span { begin: span.begin, end: span.end }) }
}

/// Returns spans by class and place, those that touch made one.
fn merged(spans: &[Span]) -> Result<Vec<Span>, StatsError> {
    spans.iter().try_for_each(|&span| check(span))?;
    let mut sorted: Vec<Span> = spans.iter().copied().filter(|span| span.begin < span.end).collect();
    sorted.sort_unstable_by_key(|span| (span.class, span.begin));
    let mut found: Vec<Span> = Vec::with_capacity(sorted.len());
    for span in sorted {
        match found.last_mut() {
            Some(last) if last.class == span.class && span.begin <= last.end => last.end = last.end.max(span.end),
            _ => found.push(span),
        }
    }
    Ok(found)
}

/// Returns the tokens that merged spans touch, each as a span of one place: its number.
fn touched(spans: &[Span], tokens: &[(u64, u64)]) -> Vec<Span> {
    let mut found = Vec::new();
    for span in spans {
        let first = tokens.partition_point(|&(_, end)| end <= span.begin);
        let reached =
            tokens.get(first..).unwrap_or_default().iter().take_while(|&&(begin, _)| begin < span.end).count();
        let (begin, end) = (first as u64, (first + reached) as u64);
        if begin < end {
            found.push(Span { begin, end, class: span.class });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn span(begin: u64, length: u64, class: u32) -> Span {
        Span { begin, end: begin + length, class }
    }

    /// Krippendorff (2004), page 254: two observers on a text of 300 places, here from 0.
    fn observers() -> [Vec<Span>; 2] {
        [
            vec![span(75, 70, 0), span(220, 30, 0), span(30, 60, 1), span(150, 50, 1)],
            vec![span(70, 80, 0), span(205, 20, 0), span(250, 20, 0), span(30, 60, 1), span(150, 50, 1)],
        ]
    }

    fn of_class(class: u32) -> Vec<Vec<Span>> {
        observers().map(|spans| spans.into_iter().filter(|span| span.class == class).collect()).to_vec()
    }

    #[test]
    fn unitising_alpha_equals_krippendorffs_example() {
        // DKPro Agreement's tests have .7286 for the first class, 1 for the second, .859 for both; the rest by hand.
        assert!((unitising_alpha(&of_class(0), 300).unwrap() - 0.728_599).abs() < 1e-6);
        assert!((unitising_alpha(&of_class(1), 300).unwrap() - 1.0).abs() < 1e-12);
        assert!((unitising_alpha(&observers(), 300).unwrap() - 0.858_665).abs() < 1e-6);
        let sections = of_class(0).iter().map(|spans| sections(spans, 0, 300).unwrap()).collect::<Vec<_>>();
        assert!(
            (disagreement(&sections, 300) - 0.0144).abs() < 1e-4 && (by_chance(&sections, 300) - 0.0532).abs() < 1e-4
        );
    }

    #[test]
    fn one_mark_alone_is_below_chance_and_none_at_all_is_undefined() {
        let alone = vec![vec![span(3, 4, 0)], vec![]];
        // By hand: 16/400 observed, 43.2/1548 expected.
        assert!((unitising_alpha(&alone, 20).unwrap() + 0.433_333).abs() < 1e-6);
        assert_eq!(unitising_alpha(&[vec![], vec![]], 20), Err(Undefined::NoPairs.into()));
        assert_eq!(unitising_alpha(&[vec![span(3, 4, 0)]], 20), Err(Undefined::NoPairs.into()));
        assert_eq!(unitising_alpha(&alone, LENGTH_MAX + 1), Err(StatsError::TooLarge));
    }

    #[test]
    fn marks_that_cannot_be_are_refused() {
        for bad in [vec![span(18, 4, 0)], vec![span(3, 0, 0)], vec![span(3, 4, 0), span(5, 4, 0)]] {
            let found = unitising_alpha(&[bad, vec![]], 20);
            assert!(matches!(found, Err(StatsError::Span { .. })), "{found:?}");
        }
        let backwards = [Span { begin: 4, end: 2, class: 0 }];
        assert_eq!(places(&backwards, &[]), Err(StatsError::Span { begin: 4, end: 2 }));
        assert_eq!(passages(&[], &backwards), Err(StatsError::Span { begin: 4, end: 2 }));
    }

    #[test]
    fn shared_marks_are_counted_by_place_token_and_passage() {
        let first = [span(0, 10, 0), span(5, 10, 0), span(20, 5, 1)];
        let second = [span(12, 4, 0), span(20, 5, 1), span(30, 2, 0)];
        let by_place = places(&first, &second).unwrap();
        assert_eq!(by_place, Shared { both: 8, first: 20, second: 11 });
        assert!((by_place.f1().unwrap() - 16.0 / 31.0).abs() < 1e-12);
        let words = [(0, 4), (5, 11), (12, 15), (16, 22), (23, 29), (30, 33)];
        // The first touches words 0 to 2 as 0 and words 3 and 4 as 1; the second word 2 and 5 as 0, 3 and 4 as 1.
        assert_eq!(tokens(&first, &second, &words).unwrap(), Shared { both: 3, first: 5, second: 4 });
        assert_eq!(passages(&first, &second).unwrap(), Shared { both: 1, first: 3, second: 3 });
        assert_eq!(places(&[], &[]).unwrap().f1(), Err(Undefined::NoPairs));
    }

    fn any_spans() -> impl Strategy<Value = Vec<Span>> {
        vec((0_u64..30, 0_u64..8, 0_u32..2), 0..6)
            .prop_map(|spans| spans.into_iter().map(|(begin, length, class)| span(begin, length, class)).collect())
    }

    proptest! {
        #[test]
        fn shared_places_equal_those_counted_one_by_one(first in any_spans(), second in any_spans()) {
            let marked = |spans: &[Span], class: u32, place: u64| spans.iter().any(|span| span.class == class && span.begin <= place && place < span.end);
            let mut wanted = Shared { both: 0, first: 0, second: 0 };
            for class in 0..2 {
                for place in 0..40 {
                    let (one, other) = (marked(&first, class, place), marked(&second, class, place));
                    wanted.both += u64::from(one && other);
                    wanted.first += u64::from(one);
                    wanted.second += u64::from(other);
                }
            }
            prop_assert_eq!(places(&first, &second), Ok(wanted));
            let every: Vec<(u64, u64)> = (0..40).map(|place| (place, place + 1)).collect();
            prop_assert_eq!(tokens(&first, &second, &every), Ok(wanted));
        }

        #[test]
        fn unitising_alpha_is_a_number_and_ignores_the_order_of_raters(first in any_spans(), second in any_spans()) {
            let found = unitising_alpha(&[first.clone(), second.clone()], 40);
            let turned = unitising_alpha(&[second, first], 40);
            if let (Ok(found), Ok(turned)) = (found, turned) {
                prop_assert!(found.is_finite() && found <= 1.0 && (found - turned).abs() < 1e-9);
            }
        }
    }
}
