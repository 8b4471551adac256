//! Readings by time, and the answers that count as right: what figures of quality hold the answers against.

use remit_kernel::{
    id::{CaseId, PersonId, ReadingId},
    index::{AnswerRow, CaseRow, KnownAnswerRow, Origin, Part, ReadingRow},
    time::Instant,
};

use crate::{
    Store,
    case::case_columns,
    dialect::Columns,
    error::{Result, Unreadable},
    index::Indexed,
    panel::answer_columns,
    value::Value,
};

macro_rules! reading_columns {
    () => {
        "readings.case_id, readings.reading_id, readings.reader_id, readings.part, readings.origin, readings.read_at"
    };
}

macro_rules! known_columns {
    () => {
        "case_id, question, known, answer"
    };
}

statements! {
    TIMES = "SELECT reading_id, read_at FROM readings \
        WHERE scope_id = $1 AND (CAST($2 AS TEXT) IS NULL OR origin = $2) ORDER BY case_id, reading_id";
    CASE_TYPES = "SELECT case_id, case_type FROM cases WHERE scope_id = $1 ORDER BY case_id";
    OF_READER = concat!("SELECT ", reading_columns!(), ", ", case_columns!(), " FROM readings \
        JOIN cases ON cases.scope_id = readings.scope_id AND cases.case_id = readings.case_id \
        WHERE readings.scope_id = $1 AND readings.reader_id = $2 AND readings.read_at <= $3 \
        ORDER BY readings.read_at DESC, readings.reading_id DESC LIMIT $4");
    /// By reading and not by answer: a form may ask much, and one of its answers tells as much as all.
    REVEALED_READERS = "SELECT DISTINCT part, reader_id FROM readings WHERE scope_id = $1 \
        AND EXISTS (SELECT 1 FROM answers WHERE answers.scope_id = readings.scope_id \
            AND answers.case_id = readings.case_id AND answers.reading_id = readings.reading_id AND answers.revealed) \
        ORDER BY part, reader_id";
    KNOWN_TO = concat!("SELECT ", known_columns!(), " FROM known_answers \
        WHERE scope_id = $1 AND question = $2 ORDER BY case_id, known");
    KNOWN_BESIDE = concat!("SELECT ", known_columns!(), " FROM known_answers WHERE scope_id = $1 \
        AND case_id IN (SELECT case_id FROM readings WHERE scope_id = $1 AND reader_id = $2) \
        ORDER BY case_id, question, known");
    ANSWERS_BESIDE = concat!("SELECT ", answer_columns!(), " FROM answers WHERE scope_id = $1 AND revealed \
        AND case_id IN (SELECT case_id FROM readings WHERE scope_id = $1 AND reader_id = $2) \
        ORDER BY question, case_id, reading_id");
}

impl Store {
    /// Returns when each reading was made, by case and reading.
    pub async fn reading_times(&self, scope: &str, origin: Option<Origin>) -> Result<Vec<(ReadingId, Instant)>> {
        self.rows(TIMES, values![scope, origin], |columns| Ok((columns.take()?, columns.take()?))).await
    }

    /// Returns the type of each case, by case.
    pub async fn case_types(&self, scope: &str) -> Result<Vec<(CaseId, String)>> {
        self.rows(CASE_TYPES, values![scope], |columns| Ok((columns.take()?, columns.take()?))).await
    }

    /// Returns who gave answers in closed panels, and in what part.
    pub async fn revealed_readers(&self, scope: &str) -> Result<Vec<(Part, PersonId)>> {
        self.rows(REVEALED_READERS, values![scope], |columns| Ok((columns.take()?, columns.take()?))).await
    }

    /// Returns the readings of a person up to an instant with their cases, the latest first, at most `limit`.
    pub async fn readings_of(
        &self,
        scope: &str,
        reader: PersonId,
        until: Instant,
        limit: u32,
    ) -> Result<Vec<(ReadingRow, CaseRow)>> {
        self.rows(OF_READER, values![scope, reader, until, limit], |columns| {
            Ok((ReadingRow::read(columns)?, CaseRow::read(columns)?))
        })
        .await
    }

    /// Returns the answers to a question that count as right, by case. They tell of readings: only beside answers that
    /// are revealed may they be used.
    pub async fn known_answers(&self, scope: &str, question: &str) -> Result<Vec<KnownAnswerRow>> {
        self.rows(KNOWN_TO, values![scope, question], KnownAnswerRow::read).await
    }

    /// Returns the answers that count as right on the cases that a person read, by case and question.
    pub async fn known_answers_beside(&self, scope: &str, reader: PersonId) -> Result<Vec<KnownAnswerRow>> {
        self.rows(KNOWN_BESIDE, values![scope, reader], KnownAnswerRow::read).await
    }

    /// Returns everybody's answers in the closed panels that a person read in, by question, case and reading.
    pub async fn answers_beside(&self, scope: &str, reader: PersonId) -> Result<Vec<AnswerRow>> {
        self.rows(ANSWERS_BESIDE, values![scope, reader], AnswerRow::read).await
    }
}

impl Indexed for ReadingRow {
    const UPSERT: &'static str = "INSERT INTO readings \
        (scope_id, case_id, reading_id, reader_id, part, origin, read_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
        ON CONFLICT (scope_id, case_id, reading_id) DO UPDATE \
        SET reader_id = excluded.reader_id, part = excluded.part, origin = excluded.origin, read_at = excluded.read_at";
    const DELETE: &'static str = "DELETE FROM readings WHERE scope_id = $1 AND case_id = $2 AND reading_id = $3";
    const PAGE: &'static str = concat!(
        "SELECT ",
        reading_columns!(),
        " FROM readings \
         WHERE scope_id = $1 AND (case_id, reading_id) > ($2, $3) ORDER BY case_id, reading_id LIMIT $4"
    );

    fn key(&self) -> Vec<Value> {
        values![self.case, self.reading]
    }

    fn least() -> Vec<Value> {
        values!["", ""]
    }

    fn values(&self) -> Vec<Value> {
        values![self.case, self.reading, self.reader, self.part, self.origin, self.read_at]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            case: columns.take()?,
            reading: columns.take()?,
            reader: columns.take()?,
            part: columns.take()?,
            origin: columns.take()?,
            read_at: columns.take()?,
        })
    }
}

impl Indexed for KnownAnswerRow {
    const UPSERT: &'static str = "INSERT INTO known_answers (scope_id, case_id, question, known, answer) \
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (scope_id, case_id, question, known) DO UPDATE \
        SET answer = excluded.answer";
    const DELETE: &'static str =
        "DELETE FROM known_answers WHERE scope_id = $1 AND case_id = $2 AND question = $3 AND known = $4";
    const PAGE: &'static str = concat!(
        "SELECT ",
        known_columns!(),
        " FROM known_answers \
         WHERE scope_id = $1 AND (case_id, question, known) > ($2, $3, $4) ORDER BY case_id, question, known LIMIT $5"
    );

    fn key(&self) -> Vec<Value> {
        values![self.case, &self.question, self.known]
    }

    fn least() -> Vec<Value> {
        values!["", "", ""]
    }

    fn values(&self) -> Vec<Value> {
        values![self.case, &self.question, self.known, &self.answer]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self { case: columns.take()?, question: columns.take()?, known: columns.take()?, answer: columns.take()? })
    }
}
