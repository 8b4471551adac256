//! What two reviewers found on the same content: how much one look misses, and the error rate corrected by it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use remit_access::Action;
use remit_kernel::{
    id::{CaseId, EngagementId, LineId, LotId, ReviewId},
    index::ReviewStatus,
    lot::Lot,
    refusal::Reason,
    review::Review,
    stream::Scope,
};
use remit_stats::{
    interval,
    sampling::recapture::{Recapture, TWICE_MIN, looks},
};
use remit_store::{LotsUpTo, TwiceReviewed};
use serde::{Deserialize, Serialize};

use super::{
    look::{Look, Query},
    review::ReviewLine,
};
use crate::error::Result;

/// Cases reviewed twice that figures rest on, the latest.
const TWICE_MAX: u32 = 10_000;
/// Cases of them that are listed.
const LISTED_MAX: usize = 500;
/// Confidence of the intervals that are shown.
const CONFIDENCE: f64 = 0.95;
/// Confidence of each of two intervals of which both must hold: together they reach [`CONFIDENCE`] (Bonferroni).
pub(crate) const CONFIDENCE_OF_TWO: f64 = 0.975;

/// What two reviewers of one case came to.
pub type Pair = (ReviewStatus, ReviewStatus);

/// How often reviewers err, by what two of them found on the same content, and the error rate corrected by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReviewerErrors {
    /// Cases that two reviewers finished, neither knowing of the other.
    pub twice: u64,
    /// Of these, failed by both.
    pub both: u64,
    /// Of these, failed by one of them alone.
    pub one: u64,
    /// Share of the failing cases that one look misses; none: not known well enough.
    pub missed: Option<f64>,
    /// Its 95 % interval.
    pub missed_interval: Option<(f64, f64)>,
    /// Findings of all reviews that count here.
    pub findings: u64,
    /// Of these, struck after the author's answer: wrong alarms.
    pub struck: u64,
    /// 95 % interval (Clopper-Pearson) of the share of findings that were struck.
    pub struck_interval: Option<(f64, f64)>,
    /// The error rate, corrected for what a look misses; findings that were struck are taken off before.
    pub corrected: Option<f64>,
    /// Its interval, 95 % at least: both what was drawn and what was missed may err.
    pub corrected_interval: Option<(f64, f64)>,
    /// Why nothing is corrected; none: it is.
    pub why_not: Option<String>,
}

/// What reviews found, to be corrected.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Observed {
    /// Cases, or looks, that failed.
    pub(crate) failed: u64,
    /// Looked at once.
    pub(crate) once: u64,
    /// Looked at twice, failed if either look failed them.
    pub(crate) twice: u64,
    /// The interval of the share that failed, at [`CONFIDENCE_OF_TWO`].
    pub(crate) interval: Option<(f64, f64)>,
    /// Findings.
    pub(crate) findings: u64,
    /// Of these, struck.
    pub(crate) struck: u64,
}

impl ReviewerErrors {
    /// Returns how often reviewers err, and what that makes of an error rate.
    pub(crate) fn of(pairs: &[Pair], observed: Observed) -> Self {
        let count = |failed: usize| {
            let alike = |pair: &&Pair| usize::from(pair.0.found()) + usize::from(pair.1.found()) == failed;
            pairs.iter().filter(alike).count() as u64
        };
        let known = Recapture { one: count(1), both: count(2) };
        let enough = known.both >= TWICE_MIN;
        let why_not = (!enough).then(|| why_not(pairs.len(), known.both));
        let missed = known.missed().ok().filter(|_| enough);
        let ends = |confidence| known.missed_interval(confidence).ok().filter(|_| enough);
        let corrected = |missed: f64, share: f64| {
            looks(missed, observed.once, observed.twice).and_then(|inspector| inspector.corrected(share)).ok()
        };
        let n = observed.once + observed.twice;
        let rate = (n > 0).then(|| super::certificate::ratio(observed.failed, n));
        let corrected_interval = ends(CONFIDENCE_OF_TWO).zip(observed.interval).and_then(|(missed, (lower, upper))| {
            // Where everything may be missed, everything may be wrong.
            Some((corrected(missed.lower, lower)?, corrected(missed.upper, upper).unwrap_or(1.0)))
        });
        let struck = interval::clopper_pearson(observed.struck, observed.findings, CONFIDENCE).ok();
        Self {
            twice: pairs.len() as u64,
            both: known.both,
            one: known.one,
            missed,
            missed_interval: ends(CONFIDENCE).map(|ends| (ends.lower, ends.upper)),
            findings: observed.findings,
            struck: observed.struck,
            struck_interval: struck.map(|ends| (ends.lower, ends.upper)),
            corrected: missed.zip(rate).and_then(|(missed, rate)| corrected(missed, rate)),
            corrected_interval,
            why_not,
        }
    }
}

fn why_not(pairs: usize, both: u64) -> String {
    if pairs == 0 {
        return "Not corrected for what reviewers miss: no case has been finished by two reviewers yet.".to_owned();
    }
    format!(
        "Not corrected for what reviewers miss: {both} of the {pairs} cases that two reviewers looked at failed with both. What a look \
         misses can be estimated once {TWICE_MIN} cases have failed with both."
    )
}

/// Returns what two reviewers came to, of each case that both have finished.
pub fn pairs<'a>(reviews: impl Iterator<Item = &'a Review>) -> Vec<Pair> {
    let finished: BTreeMap<ReviewId, &Review> =
        reviews.filter(|review| review.finish.is_some()).map(|review| (review.review, review)).collect();
    let of_pair = |review: &&Review| {
        let twin = finished.get(&review.twin?)?;
        (review.review < twin.review).then_some((review.status, twin.status))
    };
    finished.values().filter_map(of_pair).collect()
}

/// Returns whether what two reviewers found in a lot counts for another lot: it is of the same line and case type, and no
/// later one.
pub fn counts_for(lot: &Lot, earlier: &Lot) -> bool {
    (earlier.line, &earlier.case_type) == (lot.line, &lot.case_type) && earlier.number <= lot.number
}

/// Asks for the cases that two reviewers finished, and what that says of reviewers.
#[derive(Debug, Clone, Copy)]
pub struct ShowSecond {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// The cases that two reviewers finished.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SecondView {
    /// What that says of reviewers.
    pub errors: ReviewerErrors,
    /// The cases, the latest first.
    pub cases: Vec<SecondCase>,
    /// Whether there are more cases than are listed, or some that the caller may not see.
    pub partly: bool,
}

/// A case that two reviewers finished.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SecondCase {
    /// The case.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// Its lot.
    #[schema(value_type = String)]
    pub lot: LotId,
    /// The client's reference.
    pub reference: String,
    /// What it is about.
    pub title: String,
    /// How many of the two failed it, with a finding that stands.
    pub failed: u8,
    /// Both reviews.
    pub reviews: Vec<SecondReview>,
}

/// One of two reviews of a case.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SecondReview {
    /// The review.
    #[schema(value_type = String)]
    pub review: ReviewId,
    /// Where it stands.
    #[schema(value_type = String)]
    pub status: ReviewStatus,
    /// Who reviewed, for those who may know.
    pub reviewer: Option<String>,
    /// When it was due.
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Timestamp,
}

impl Query for ShowSecond {
    type Out = SecondView;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<SecondView> {
        let label = look.engagement_label()?;
        look.admit(Action::ViewEngagement, &label).map_err(|_| Reason::hidden("reviews"))?;
        look.admit(Action::ViewQuality, &label).map_err(|_| Reason::hidden("reviews"))?;
        let known = look.reviewed_twice(None).await?;
        let errors = look.board_errors(&known).await?;
        let listed = &known[..known.len().min(LISTED_MAX)];
        let cases: BTreeSet<_> = listed.iter().map(|twice| twice.case).collect();
        let wanted: BTreeSet<_> = listed.iter().flat_map(|twice| [twice.one.0, twice.other.0]).collect();
        let mut rows = look.app.store().reviews_of_cases(&look.scope(), &cases.into_iter().collect::<Vec<_>>()).await?;
        rows.retain(|row| wanted.contains(&row.review));
        let lines = look.review_lines(&rows).await?;
        let lines: BTreeMap<_, _> = lines.into_iter().map(|line| (line.review, line)).collect();
        let cases: Vec<_> = listed.iter().filter_map(|twice| second_case(twice, &lines)).collect();
        look.saw(Action::ViewQuality, "reviews/second", None, None);
        Ok(SecondView { partly: cases.len() < known.len(), errors, cases })
    }
}

fn second_case(twice: &TwiceReviewed, lines: &BTreeMap<ReviewId, ReviewLine>) -> Option<SecondCase> {
    let both = [lines.get(&twice.one.0)?, lines.get(&twice.other.0)?];
    let review = |line: &ReviewLine| SecondReview {
        review: line.review,
        status: line.status,
        reviewer: line.reviewer.clone(),
        due_at: line.due_at,
    };
    Some(SecondCase {
        case: twice.case,
        lot: twice.lot,
        reference: both[0].reference.clone(),
        title: both[0].title.clone(),
        failed: both.iter().map(|line| u8::from(line.status.found())).sum(),
        reviews: both.into_iter().map(review).collect(),
    })
}

impl Look<'_> {
    /// Returns the cases that two reviewers finished, in all lots or in those that count for one.
    pub(crate) async fn reviewed_twice(&self, lot: Option<&Lot>) -> Result<Vec<TwiceReviewed>> {
        let up_to = |lot: &'_ Lot| -> (LineId, String, u32) { (lot.line, lot.case_type.clone(), lot.number) };
        let known = lot.map(up_to);
        let lots = known.as_ref().map(|(line, case_type, number)| LotsUpTo { line: *line, case_type, number: *number });
        Ok(self.app.store().reviewed_twice(&self.scope(), lots, TWICE_MAX).await?)
    }

    /// Returns what two reviewers came to, in the lots that count for this one.
    pub(crate) async fn pairs_for(&self, lot: &Lot) -> Result<Vec<Pair>> {
        let known = self.reviewed_twice(Some(lot)).await?;
        Ok(known.iter().map(|twice| (twice.one.1, twice.other.1)).collect())
    }

    /// Returns how often the reviewers of an engagement err, and the share of all looks that failed, corrected by it.
    pub(crate) async fn board_errors(&self, known: &[TwiceReviewed]) -> Result<ReviewerErrors> {
        let counts = self.app.store().count_reviews(&self.scope()).await?;
        let quality = counts.iter().filter(|(kind, ..)| *kind == remit_kernel::index::ReviewKind::Quality);
        let mut observed = Observed::default();
        for (_, status, many) in quality {
            match status {
                ReviewStatus::Open | ReviewStatus::Taken | ReviewStatus::Cancelled => continue,
                ReviewStatus::Passed => {}
                ReviewStatus::Failed | ReviewStatus::Rebutted | ReviewStatus::Upheld => {
                    observed.failed += many;
                    observed.findings += many;
                }
                ReviewStatus::Overturned => {
                    observed.findings += many;
                    observed.struck += many;
                }
            }
            observed.once += many;
        }
        let ends = interval::wilson(observed.failed, observed.once, CONFIDENCE_OF_TWO).ok();
        observed.interval = ends.map(|ends| (ends.lower, ends.upper));
        let pairs: Vec<_> = known.iter().map(|twice| (twice.one.1, twice.other.1)).collect();
        Ok(ReviewerErrors::of(&pairs, observed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(pair: Pair, times: usize) -> Vec<Pair> {
        vec![pair; times]
    }

    const FAILED: ReviewStatus = ReviewStatus::Failed;
    const PASSED: ReviewStatus = ReviewStatus::Passed;

    fn observed(failed: u64, once: u64, twice: u64) -> Observed {
        let ends = interval::wilson(failed, once + twice, CONFIDENCE_OF_TWO).ok();
        let interval = ends.map(|ends| (ends.lower, ends.upper));
        Observed { failed, once, twice, interval, findings: failed + 2, struck: 2 }
    }

    #[test]
    fn nothing_is_corrected_before_two_reviewers_failed_the_same_case_often_enough() {
        let few = [many((FAILED, FAILED), 6), many((FAILED, PASSED), 1), many((PASSED, PASSED), 40)].concat();
        let errors = ReviewerErrors::of(&few, observed(10, 100, 0));
        assert_eq!((errors.twice, errors.both, errors.one, errors.missed, errors.corrected), (47, 6, 1, None, None));
        assert!(errors.why_not.is_some_and(|why| why.contains("6 of the 47") && why.contains("once 7")));
        assert!(ReviewerErrors::of(&[], observed(0, 0, 0)).why_not.is_some_and(|why| why.contains("no case")));
    }

    #[test]
    fn a_rate_is_corrected_by_what_one_look_misses_and_the_interval_holds_it() {
        let struck = (ReviewStatus::Overturned, PASSED);
        let pairs = [many((FAILED, ReviewStatus::Upheld), 7), many((PASSED, FAILED), 3), many(struck, 2)].concat();
        let errors = ReviewerErrors::of(&pairs, observed(10, 100, 0));
        assert_eq!(
            (errors.both, errors.one, errors.findings, errors.struck),
            (7, 3, 12, 2),
            "what was struck counts not"
        );
        // 8.5 of 10.28125 are found by one look.
        let (missed, corrected) = (errors.missed.unwrap_or_default(), errors.corrected.unwrap_or_default());
        assert!((missed - 0.173_252_279_635_258_4).abs() < 1e-12);
        assert!((corrected - 0.1 / (8.5 / 10.281_25)).abs() < 1e-12);
        let (lower, upper) = errors.corrected_interval.unwrap_or_default();
        assert!(lower <= corrected && corrected <= upper && lower >= 0.04 && upper < 0.45, "{lower} {upper}");
        // Where every case was looked at twice, less was missed, and less is corrected.
        let twice = ReviewerErrors::of(&pairs, observed(10, 0, 100)).corrected.unwrap_or_default();
        assert!(0.1 < twice && twice < corrected);
    }
}
