//! Reviews and the defects that stand: found by status, lot, case and author, and counted.

use remit_kernel::{
    id::{CaseId, LineId, LotId, PersonId, ReviewId},
    index::{DefectKind, DefectRow, ReviewKind, ReviewRow, ReviewStatus, Severity},
};

use crate::{
    Store,
    dialect::Columns,
    error::{Result, Unreadable},
    index::Indexed,
    value::{Value, keys},
};

macro_rules! review_columns {
    () => {
        "reviews.review_id, reviews.case_id, reviews.lot_id, reviews.kind, reviews.status, reviews.reviewer_id, \
         reviews.drawn_at, reviews.finished_at, reviews.twin_id, reviews.rework"
    };
}

macro_rules! defect_columns {
    () => {
        "review_id, ordinal, case_id, lot_id, kind, severity, question"
    };
}

/// A condition on `reviews`: one of two reviewers finished it, and the other has not. Nobody is to hear of it, or count it.
macro_rules! withheld {
    () => {
        "reviews.finished_at IS NOT NULL AND EXISTS (SELECT 1 FROM reviews AS twins \
         WHERE twins.scope_id = reviews.scope_id AND twins.review_id = reviews.twin_id \
         AND twins.status IN ('open', 'taken'))"
    };
}

/// A condition on `defects`: that holds for their review.
macro_rules! of_withheld {
    () => {
        concat!(
            "EXISTS (SELECT 1 FROM reviews WHERE reviews.scope_id = defects.scope_id \
             AND reviews.review_id = defects.review_id AND ",
            withheld!(),
            ")"
        )
    };
}

statements! {
    LIST = concat!("SELECT ", review_columns!(), " FROM reviews WHERE scope_id = $1 AND status = $2 \
        AND (CAST($3 AS TEXT) IS NULL OR kind = $3) AND (drawn_at, review_id) > ($4, $5) \
        ORDER BY drawn_at, review_id LIMIT $6");
    OF_CASES = concat!("SELECT ", review_columns!(), " FROM reviews \
        WHERE scope_id = $1 AND case_id IN (SELECT key FROM json_each($2)) ORDER BY case_id, drawn_at, review_id");
    /// Finished reviews of cases in which a person finished a reading or an adjudication.
    OF_AUTHOR = concat!("SELECT ", review_columns!(), " FROM duties \
        JOIN reviews ON reviews.scope_id = duties.scope_id AND reviews.case_id = duties.case_id \
        WHERE duties.scope_id = $1 AND duties.person_id = $2 AND duties.status = 'done' \
        AND duties.duty IN ('read', 'adjudicate') AND reviews.finished_at IS NOT NULL \
        ORDER BY duties.due_at DESC, duties.case_id DESC LIMIT $3");
    FINISHED = concat!("SELECT ", review_columns!(), " FROM reviews \
        WHERE scope_id = $1 AND kind = $2 AND finished_at IS NOT NULL AND NOT rework AND NOT (", withheld!(), ") ORDER BY finished_at DESC, review_id DESC LIMIT $3");
    COUNT = concat!("SELECT kind, status, COUNT(*) FROM reviews WHERE scope_id = $1 AND NOT rework AND NOT (", withheld!(), ") \
        GROUP BY kind, status ORDER BY kind, status");
    /// A case that several looked at, or that was looked at again for another reason, counts once: failed if any of them failed it.
    CASES = concat!("SELECT kind, COUNT(*), SUM(failed) FROM (SELECT kind, case_id,         MAX(CASE WHEN status IN ('failed', 'rebutted', 'upheld') THEN 1 ELSE 0 END) AS failed FROM reviews         WHERE scope_id = $1 AND NOT rework AND status NOT IN ('open', 'taken', 'cancelled') AND NOT (", withheld!(), ")         GROUP BY kind, case_id) AS cases GROUP BY kind ORDER BY kind");
    /// Both reviews of each case that two reviewers have finished, of all lots or of the first so many of one sampler.
    TWICE = "SELECT ones.case_id, ones.lot_id, ones.review_id, ones.status, others.review_id, others.status \
        FROM reviews AS ones \
        JOIN reviews AS others ON others.scope_id = ones.scope_id AND others.review_id = ones.twin_id \
        JOIN lots ON lots.scope_id = ones.scope_id AND lots.lot_id = ones.lot_id \
        WHERE ones.scope_id = $1 AND ones.twin_id IS NOT NULL AND (ones.finished_at, ones.review_id) < ($2, $3) \
        AND ones.review_id < ones.twin_id AND others.finished_at IS NOT NULL \
        AND (CAST($4 AS TEXT) IS NULL OR (lots.line_id = $4 AND lots.case_type = $5 AND lots.number <= $6)) \
        ORDER BY ones.finished_at DESC, ones.review_id DESC LIMIT $7";
    OF_KIND = concat!("SELECT ", defect_columns!(), " FROM defects WHERE scope_id = $1 AND kind = $2 \
        AND (review_id, ordinal) > ($3, $4) AND NOT ", of_withheld!(), " ORDER BY review_id, ordinal LIMIT $5");
    DEFECT_COUNTS = concat!("SELECT kind, severity, COUNT(*) FROM defects WHERE scope_id = $1 AND NOT ", of_withheld!(), " \
        GROUP BY kind, severity ORDER BY kind, severity");
}

/// How many defects that stand are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the columns of `DefectRow`, and how many have them so")]
pub struct DefectCount {
    pub kind: DefectKind,
    pub severity: Severity,
    pub defects: u64,
}

/// A case that two reviewers looked at, each without knowing of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the columns of both rows")]
pub struct TwiceReviewed {
    pub case: CaseId,
    pub lot: LotId,
    pub one: (ReviewId, ReviewStatus),
    pub other: (ReviewId, ReviewStatus),
}

/// The lots of one line and case type, up to a number.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the columns of `LotRow`")]
pub struct LotsUpTo<'a> {
    pub line: LineId,
    pub case_type: &'a str,
    pub number: u32,
}

impl Store {
    /// Returns the cases that two reviewers have finished, the latest first, at most `limit`; of all lots or of these.
    pub async fn reviewed_twice(
        &self,
        scope: &str,
        lots: Option<LotsUpTo<'_>>,
        limit: u32,
    ) -> Result<Vec<TwiceReviewed>> {
        let (line, case_type, number) =
            lots.map_or((None, "", 0), |lots| (Some(lots.line), lots.case_type, lots.number));
        self.rows(TWICE, values![scope, i64::MAX, "", line, case_type, number, limit], |columns| {
            Ok(TwiceReviewed {
                case: columns.take()?,
                lot: columns.take()?,
                one: (columns.take()?, columns.take()?),
                other: (columns.take()?, columns.take()?),
            })
        })
        .await
    }

    /// Returns the reviews that stand so, of a kind or of each, by the time they were drawn, at most `limit`.
    pub async fn list_reviews(
        &self,
        scope: &str,
        status: ReviewStatus,
        kind: Option<ReviewKind>,
        limit: u32,
    ) -> Result<Vec<ReviewRow>> {
        self.rows(LIST, values![scope, status, kind, 0_i64, "", limit], ReviewRow::read).await
    }

    /// Returns the reviews of these cases, by case.
    pub async fn reviews_of_cases(&self, scope: &str, cases: &[CaseId]) -> Result<Vec<ReviewRow>> {
        self.rows(OF_CASES, values![scope, keys(cases)], ReviewRow::read).await
    }

    /// Returns the finished reviews of what a person read or decided, the latest promise first, at most `limit`.
    pub async fn reviews_of_author(&self, scope: &str, person: PersonId, limit: u32) -> Result<Vec<ReviewRow>> {
        self.rows(OF_AUTHOR, values![scope, person, limit], ReviewRow::read).await
    }

    /// Returns the finished reviews of a kind, the latest first, at most `limit`.
    pub async fn finished_reviews(&self, scope: &str, kind: ReviewKind, limit: u32) -> Result<Vec<ReviewRow>> {
        self.rows(FINISHED, values![scope, kind, limit], ReviewRow::read).await
    }

    /// Returns how many reviews of each kind stand where.
    pub async fn count_reviews(&self, scope: &str) -> Result<Vec<(ReviewKind, ReviewStatus, u64)>> {
        self.rows(COUNT, values![scope], |columns| Ok((columns.take()?, columns.take()?, columns.take()?))).await
    }

    /// Returns how many cases have a finished review of each kind, and how many of them failed one.
    pub async fn count_reviewed_cases(&self, scope: &str) -> Result<Vec<(ReviewKind, u64, u64)>> {
        self.rows(CASES, values![scope], |columns| Ok((columns.take()?, columns.take()?, columns.take()?))).await
    }

    /// Returns defects of a kind that stand, at most `limit`.
    pub async fn defects_of_kind(&self, scope: &str, kind: DefectKind, limit: u32) -> Result<Vec<DefectRow>> {
        self.rows(OF_KIND, values![scope, kind, "", 0_u32, limit], DefectRow::read).await
    }

    /// Returns how many defects of each kind and weight stand.
    pub async fn count_defects(&self, scope: &str) -> Result<Vec<DefectCount>> {
        self.rows(DEFECT_COUNTS, values![scope], |columns| {
            Ok(DefectCount { kind: columns.take()?, severity: columns.take()?, defects: columns.take()? })
        })
        .await
    }
}

impl Indexed for ReviewRow {
    const UPSERT: &'static str = "INSERT INTO reviews \
        (scope_id, review_id, case_id, lot_id, kind, status, reviewer_id, drawn_at, finished_at, twin_id, rework) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (scope_id, review_id) DO UPDATE \
        SET case_id = excluded.case_id, lot_id = excluded.lot_id, kind = excluded.kind, status = excluded.status, \
        reviewer_id = excluded.reviewer_id, drawn_at = excluded.drawn_at, finished_at = excluded.finished_at, \
        twin_id = excluded.twin_id, rework = excluded.rework";
    const DELETE: &'static str = "DELETE FROM reviews WHERE scope_id = $1 AND review_id = $2";
    const PAGE: &'static str = concat!(
        "SELECT ",
        review_columns!(),
        " FROM reviews WHERE scope_id = $1 AND review_id > $2 ORDER BY review_id LIMIT $3"
    );

    fn key(&self) -> Vec<Value> {
        values![self.review]
    }

    fn least() -> Vec<Value> {
        values![""]
    }

    fn values(&self) -> Vec<Value> {
        values![
            self.review,
            self.case,
            self.lot,
            self.kind,
            self.status,
            self.reviewer,
            self.drawn_at,
            self.finished_at,
            self.twin,
            self.rework
        ]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            review: columns.take()?,
            case: columns.take()?,
            lot: columns.take()?,
            kind: columns.take()?,
            status: columns.take()?,
            reviewer: columns.take()?,
            drawn_at: columns.take()?,
            finished_at: columns.take()?,
            twin: columns.take()?,
            rework: columns.take()?,
        })
    }
}

impl Indexed for DefectRow {
    const UPSERT: &'static str = "INSERT INTO defects \
        (scope_id, review_id, ordinal, case_id, lot_id, kind, severity, question) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (scope_id, review_id, ordinal) DO UPDATE \
        SET case_id = excluded.case_id, lot_id = excluded.lot_id, kind = excluded.kind, \
        severity = excluded.severity, question = excluded.question";
    const DELETE: &'static str = "DELETE FROM defects WHERE scope_id = $1 AND review_id = $2 AND ordinal = $3";
    const PAGE: &'static str = concat!(
        "SELECT ",
        defect_columns!(),
        " FROM defects WHERE scope_id = $1 AND (review_id, ordinal) > ($2, $3) ORDER BY review_id, ordinal LIMIT $4"
    );

    fn key(&self) -> Vec<Value> {
        values![self.review, self.ordinal]
    }

    fn least() -> Vec<Value> {
        values!["", 0_u32]
    }

    fn values(&self) -> Vec<Value> {
        values![self.review, self.ordinal, self.case, self.lot, self.kind, self.severity, self.question.as_str()]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            review: columns.take()?,
            ordinal: columns.take()?,
            case: columns.take()?,
            lot: columns.take()?,
            kind: columns.take()?,
            severity: columns.take()?,
            question: columns.take()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_finished_and_failed_is_what_the_kernel_says() {
        let named = |list: &str, status: &ReviewStatus| list.contains(&format!("'{}'", status.word()));
        let (counted, rest) = CASES.split_once("THEN 1").unwrap_or_default();
        let (_, left_out) = rest.split_once("status NOT IN").unwrap_or_default();
        let (left_out, _) = left_out.split_once(')').unwrap_or_default();
        for status in ReviewStatus::ALL {
            let unfinished = status.waits() || *status == ReviewStatus::Cancelled;
            assert_eq!((named(counted, status), named(left_out, status)), (status.found(), unfinished), "{status:?}");
        }
    }
}
