//! Panels, the questions in dispute, and the answers that figures are made of.

use remit_kernel::{
    id::{CaseId, PersonId},
    index::{AnswerRow, DisputeRow, Origin, PanelRow, PanelStatus},
};

use crate::{
    Store,
    dialect::{Columns, first},
    error::{Result, Unreadable},
    index::Indexed,
    value::{Value, keys},
};

macro_rules! panel_columns {
    () => {
        "case_id, status, origin, planned, sealed, spared, disputed, other_evidence"
    };
}

macro_rules! dispute_columns {
    () => {
        "case_id, question, origin"
    };
}

macro_rules! answer_columns {
    () => {
        "case_id, reading_id, question, reader_id, answer, part, origin, revealed"
    };
}
pub(crate) use answer_columns;

statements! {
    BY_CASES = concat!("SELECT ", panel_columns!(), " FROM panels \
        WHERE scope_id = $1 AND case_id IN (SELECT key FROM json_each($2)) ORDER BY case_id");
    COUNTS = "SELECT status, origin, sealed, spared, disputed, other_evidence, COUNT(*) FROM panels \
        WHERE scope_id = $1 GROUP BY status, origin, sealed, spared, disputed, other_evidence \
        ORDER BY status, origin, sealed, spared, disputed, other_evidence";
    ON_OTHER_EVIDENCE = "SELECT case_id FROM panels WHERE scope_id = $1 AND other_evidence \
        AND (CAST($2 AS TEXT) IS NULL OR origin = $2) ORDER BY case_id";
    DISPUTES = concat!("SELECT ", dispute_columns!(), " FROM disputes \
        WHERE scope_id = $1 AND case_id IN (SELECT key FROM json_each($2)) ORDER BY case_id, question");
    DISPUTE_COUNTS = "SELECT question, origin, COUNT(*) FROM disputes WHERE scope_id = $1 \
        GROUP BY question, origin ORDER BY question, origin";
    GIVEN = "SELECT case_id, reader_id, answer FROM answers \
        WHERE scope_id = $1 AND question = $2 AND revealed AND part = 'panel' \
        AND (CAST($3 AS TEXT) IS NULL OR origin = $3) ORDER BY case_id, reading_id";
    REVEALED = concat!("SELECT ", answer_columns!(), " FROM answers \
        WHERE scope_id = $1 AND question = $2 AND revealed AND (CAST($3 AS TEXT) IS NULL OR origin = $3) \
        ORDER BY case_id, reading_id");
}

/// How many panels are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the columns of `PanelRow`, and how many have them so")]
pub struct PanelCount {
    pub status: PanelStatus,
    pub origin: Origin,
    pub sealed: u32,
    pub spared: u32,
    pub disputed: bool,
    pub other_evidence: bool,
    pub panels: u64,
}

/// What a panel reader of a closed panel answered to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the columns of `AnswerRow`")]
pub struct Given {
    pub case: CaseId,
    pub reader: PersonId,
    pub answer: String,
}

impl Store {
    /// Returns the panels of these cases that exist, by case.
    pub async fn panels(&self, scope: &str, cases: &[CaseId]) -> Result<Vec<PanelRow>> {
        self.rows(BY_CASES, values![scope, keys(cases)], PanelRow::read).await
    }

    /// Returns how many panels there are of each make.
    pub async fn count_panels(&self, scope: &str) -> Result<Vec<PanelCount>> {
        self.rows(COUNTS, values![scope], |columns| {
            Ok(PanelCount {
                status: columns.take()?,
                origin: columns.take()?,
                sealed: columns.take()?,
                spared: columns.take()?,
                disputed: columns.take()?,
                other_evidence: columns.take()?,
                panels: columns.take()?,
            })
        })
        .await
    }

    /// Returns the cases whose readers gave the same answers on other evidence, in the order of their identifiers.
    pub async fn cases_on_other_evidence(&self, scope: &str, origin: Option<Origin>) -> Result<Vec<CaseId>> {
        self.rows(ON_OTHER_EVIDENCE, values![scope, origin], first).await
    }

    /// Returns the questions in dispute of these cases.
    pub async fn disputes(&self, scope: &str, cases: &[CaseId]) -> Result<Vec<DisputeRow>> {
        self.rows(DISPUTES, values![scope, keys(cases)], DisputeRow::read).await
    }

    /// Returns for each question how many cases are in dispute on it, witnessed and imported apart.
    pub async fn count_disputes(&self, scope: &str) -> Result<Vec<(String, Origin, u64)>> {
        self.rows(DISPUTE_COUNTS, values![scope], |columns| Ok((columns.take()?, columns.take()?, columns.take()?)))
            .await
    }

    /// Returns the answers to a question in closed panels, by case and reading: no other answer ever enters a figure.
    pub async fn revealed_answers(
        &self,
        scope: &str,
        question: &str,
        origin: Option<Origin>,
    ) -> Result<Vec<AnswerRow>> {
        self.rows(REVEALED, values![scope, question, origin], AnswerRow::read).await
    }

    /// Returns the answers of panel readers among them, without what figures of agreement have no use for.
    pub async fn panel_answers(&self, scope: &str, question: &str, origin: Option<Origin>) -> Result<Vec<Given>> {
        self.rows(GIVEN, values![scope, question, origin], |columns| {
            Ok(Given { case: columns.take()?, reader: columns.take()?, answer: columns.take()? })
        })
        .await
    }
}

impl Indexed for PanelRow {
    const UPSERT: &'static str = "INSERT INTO panels \
        (scope_id, case_id, status, origin, planned, sealed, spared, disputed, other_evidence) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (scope_id, case_id) DO UPDATE \
        SET status = excluded.status, origin = excluded.origin, planned = excluded.planned, \
        sealed = excluded.sealed, spared = excluded.spared, disputed = excluded.disputed, other_evidence = excluded.other_evidence";
    const DELETE: &'static str = "DELETE FROM panels WHERE scope_id = $1 AND case_id = $2";
    const PAGE: &'static str = concat!(
        "SELECT ",
        panel_columns!(),
        " FROM panels WHERE scope_id = $1 AND case_id > $2 ORDER BY case_id LIMIT $3"
    );

    fn key(&self) -> Vec<Value> {
        values![self.case]
    }

    fn least() -> Vec<Value> {
        values![""]
    }

    fn values(&self) -> Vec<Value> {
        values![
            self.case,
            self.status,
            self.origin,
            self.planned,
            self.sealed,
            self.spared,
            self.disputed,
            self.other_evidence,
        ]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            case: columns.take()?,
            status: columns.take()?,
            origin: columns.take()?,
            planned: columns.take()?,
            sealed: columns.take()?,
            spared: columns.take()?,
            disputed: columns.take()?,
            other_evidence: columns.take()?,
        })
    }
}

impl Indexed for DisputeRow {
    const UPSERT: &'static str = "INSERT INTO disputes (scope_id, case_id, question, origin) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (scope_id, case_id, question) DO UPDATE SET origin = excluded.origin";
    const DELETE: &'static str = "DELETE FROM disputes WHERE scope_id = $1 AND case_id = $2 AND question = $3";
    const PAGE: &'static str = concat!(
        "SELECT ",
        dispute_columns!(),
        " FROM disputes \
         WHERE scope_id = $1 AND (case_id, question) > ($2, $3) ORDER BY case_id, question LIMIT $4"
    );

    fn key(&self) -> Vec<Value> {
        values![self.case, &self.question]
    }

    fn least() -> Vec<Value> {
        values!["", ""]
    }

    fn values(&self) -> Vec<Value> {
        values![self.case, &self.question, self.origin]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self { case: columns.take()?, question: columns.take()?, origin: columns.take()? })
    }
}

impl Indexed for AnswerRow {
    const UPSERT: &'static str = "INSERT INTO answers \
        (scope_id, case_id, reading_id, question, reader_id, answer, part, origin, revealed) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (scope_id, case_id, reading_id, question) DO UPDATE \
        SET reader_id = excluded.reader_id, answer = excluded.answer, part = excluded.part, \
        origin = excluded.origin, revealed = excluded.revealed";
    const DELETE: &'static str =
        "DELETE FROM answers WHERE scope_id = $1 AND case_id = $2 AND reading_id = $3 AND question = $4";
    const PAGE: &'static str = concat!(
        "SELECT ",
        answer_columns!(),
        " FROM answers \
         WHERE scope_id = $1 AND (case_id, reading_id, question) > ($2, $3, $4) \
         ORDER BY case_id, reading_id, question LIMIT $5"
    );

    fn key(&self) -> Vec<Value> {
        values![self.case, self.reading, &self.question]
    }

    fn least() -> Vec<Value> {
        values!["", "", ""]
    }

    fn values(&self) -> Vec<Value> {
        values![
            self.case,
            self.reading,
            &self.question,
            self.reader,
            &self.answer,
            self.part,
            self.origin,
            self.revealed,
        ]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            case: columns.take()?,
            reading: columns.take()?,
            question: columns.take()?,
            reader: columns.take()?,
            answer: columns.take()?,
            part: columns.take()?,
            origin: columns.take()?,
            revealed: columns.take()?,
        })
    }
}
