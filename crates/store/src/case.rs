//! Cases: found, listed by due time, counted.

use remit_kernel::{
    hash::Digest,
    id::{CaseId, PersonId},
    index::{CaseRow, CaseStatus, Origin},
    time::Instant,
};

use crate::{
    Store,
    dialect::Columns,
    error::{Result, Unreadable},
    index::Indexed,
    value::{Value, keys},
};

macro_rules! case_columns {
    () => {
        "cases.case_id, cases.reference_id, cases.reference_key, cases.title_id, cases.case_type, cases.status, \
         cases.origin, cases.line_id, cases.owner_id, cases.jurisdiction, cases.urgent, cases.due_at, \
         cases.received_at, cases.since, cases.revision, cases.changed_after_agreement, cases.showing"
    };
}
pub(crate) use case_columns;

/// The filter beyond scope and status, in the order of [`CaseFilter::values`].
macro_rules! filter {
    () => {
        " AND (CAST($3 AS TEXT) IS NULL OR owner_id = $3) \
          AND (CAST($4 AS TEXT) IS NULL OR origin = $4) \
          AND (CAST($5 AS BOOLEAN) IS NULL OR changed_after_agreement = $5) \
          AND (CAST($6 AS BIGINT) IS NULL OR due_at < $6) \
          AND (CAST($7 AS BOOLEAN) IS NULL OR EXISTS (SELECT 1 FROM panels \
              WHERE panels.scope_id = cases.scope_id AND panels.case_id = cases.case_id AND panels.disputed = $7)) \
          AND (CAST($8 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM disputes \
              WHERE disputes.scope_id = cases.scope_id AND disputes.case_id = cases.case_id \
              AND disputes.question = $8)) \
          AND (CAST($9 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM duties \
              WHERE duties.scope_id = cases.scope_id AND duties.case_id = cases.case_id AND duties.person_id = $9)) \
          AND (CAST($10 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM texts \
              WHERE texts.scope_id = cases.scope_id AND texts.id IN (cases.reference_id, cases.title_id) \
              AND LOWER(texts.body) LIKE $10 ESCAPE '\\')) \
          AND (CAST($11 AS TEXT) IS NULL OR owner_id = $11 OR (status || '') IN (SELECT key FROM json_each($12)) \
              OR EXISTS (SELECT 1 FROM duties WHERE duties.scope_id = cases.scope_id \
                  AND duties.case_id = cases.case_id AND duties.person_id = $11 AND duties.status <> 'released')) \
          AND (NOT cases.showing OR EXISTS (SELECT 1 FROM duties WHERE duties.scope_id = cases.scope_id \
              AND duties.case_id = cases.case_id AND duties.person_id = $11 AND duties.status <> 'released')) \
          AND (CAST($13 AS BOOLEAN) IS NULL OR EXISTS (SELECT 1 FROM panels \
              WHERE panels.scope_id = cases.scope_id AND panels.case_id = cases.case_id AND (panels.spared > 0) = $13))"
    };
}

statements! {
    BY_IDS = concat!("SELECT ", case_columns!(), " FROM cases \
        WHERE scope_id = $1 AND case_id IN (SELECT key FROM json_each($2)) ORDER BY case_id");
    BY_REFERENCE = concat!("SELECT ", case_columns!(), " FROM cases WHERE scope_id = $1 AND reference_key = $2");
    BY_REFERENCES = concat!("SELECT ", case_columns!(), " FROM cases \
        WHERE scope_id = $1 AND reference_key IN (SELECT key FROM json_each($2)) ORDER BY reference_key");
    /// The status is hidden from the index by status: in order of due time, a page ends as soon as it is full.
    LIST = concat!("SELECT ", case_columns!(), " FROM cases \
        WHERE scope_id = $1 AND (status || '') IN (SELECT key FROM json_each($2))", filter!(), " \
        AND (due_at, case_id) > ($14, $15) ORDER BY due_at, case_id LIMIT $16");
    /// One status, as most queues ask: the index by status gives the order as well.
    LIST_OF_STATUS = concat!("SELECT ", case_columns!(), " FROM cases \
        WHERE scope_id = $1 AND status = $2", filter!(), " \
        AND (due_at, case_id) > ($14, $15) ORDER BY due_at, case_id LIMIT $16");
    COUNT = concat!("SELECT COUNT(*) FROM cases \
        WHERE scope_id = $1 AND status IN (SELECT key FROM json_each($2))", filter!());
    COUNT_BY_STATUS = "SELECT status, COUNT(*) FROM cases \
        WHERE scope_id = $1 AND NOT showing GROUP BY status ORDER BY status";
}

/// Which cases. What is left empty does not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CaseFilter {
    /// Standing in one of these.
    pub statuses: Vec<CaseStatus>,
    /// Owned by this person.
    pub owner: Option<PersonId>,
    /// Whether Remit saw it happen.
    pub origin: Option<Origin>,
    /// Whether the answer was changed after readers had agreed.
    pub changed_after_agreement: Option<bool>,
    /// Due before this instant.
    pub due_before: Option<Instant>,
    /// Whether the panel readers differed.
    pub disputed: Option<bool>,
    /// On this question the panel readers differed.
    pub question: Option<String>,
    /// This person holds or held a duty on it.
    pub duty_of: Option<PersonId>,
    /// Whether the limit of the plan stopped the panel before the most readings that it allows.
    pub stopped_early: Option<bool>,
    /// Words in reference or title, in whatever case.
    pub text: Option<String>,
    /// This person owns it, holds or held a duty on it that was not given back, or finds it in one of the queues below.
    pub seen_by: Option<PersonId>,
    /// Statuses whose cases wait in a queue of that person.
    pub queued: Vec<CaseStatus>,
}

/// A place in the list of cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaseKey {
    /// When it is due.
    pub due_at: Instant,
    /// Key.
    pub case: CaseId,
}

impl Store {
    /// Returns the cases with these identifiers that exist, in their order.
    pub async fn cases(&self, scope: &str, cases: &[CaseId]) -> Result<Vec<CaseRow>> {
        self.rows(BY_IDS, values![scope, keys(cases)], CaseRow::read).await
    }

    /// Returns the case with this identifier.
    pub async fn find_case(&self, scope: &str, case: CaseId) -> Result<Option<CaseRow>> {
        Ok(self.cases(scope, &[case]).await?.into_iter().next())
    }

    /// Returns the case with this reference.
    pub async fn find_case_by_reference(&self, scope: &str, reference_key: Digest) -> Result<Option<CaseRow>> {
        self.row(BY_REFERENCE, values![scope, reference_key], CaseRow::read).await
    }

    /// Returns the cases with these references that exist, in the order of their identifiers.
    pub async fn cases_by_references(&self, scope: &str, reference_keys: &[Digest]) -> Result<Vec<CaseRow>> {
        self.rows(BY_REFERENCES, values![scope, keys(reference_keys)], CaseRow::read).await
    }

    /// Returns the next cases after a place in the list, by due time.
    pub async fn list_cases(
        &self,
        scope: &str,
        filter: &CaseFilter,
        after: Option<CaseKey>,
        limit: u32,
    ) -> Result<Vec<CaseRow>> {
        let (sql, status) = match filter.statuses.as_slice() {
            [status] => (LIST_OF_STATUS, Value::from(*status)),
            _ => (LIST, filter.status_keys()),
        };
        let mut values = values![scope, status];
        values.extend(filter.values());
        values.extend(CaseKey::bound(after));
        values.push(limit.into());
        self.rows(sql, values, CaseRow::read).await
    }

    /// Returns how many cases there are.
    ///
    /// Where nothing but the status restricts, an index alone is counted; else every case is looked at.
    pub async fn count_cases(&self, scope: &str, filter: &CaseFilter) -> Result<u64> {
        if filter.is_by_status() {
            return Ok(filter.sum(&self.count_cases_by_status(scope).await?));
        }
        let mut values = values![scope, filter.status_keys()];
        values.extend(filter.values());
        self.count(COUNT, values).await
    }

    /// Returns how many cases stand in each status; those with none are absent.
    pub async fn count_cases_by_status(&self, scope: &str) -> Result<Vec<(CaseStatus, u64)>> {
        self.rows(COUNT_BY_STATUS, values![scope], |columns| Ok((columns.take()?, columns.take()?))).await
    }
}

impl CaseFilter {
    /// Returns whether nothing but the status restricts.
    pub fn is_by_status(&self) -> bool {
        *self == Self { statuses: self.statuses.clone(), ..Self::default() }
    }

    /// Returns how many of these cases stand in a wanted status.
    pub fn sum(&self, counts: &[(CaseStatus, u64)]) -> u64 {
        let wanted = |status| self.statuses.is_empty() || self.statuses.contains(status);
        counts.iter().filter(|(status, _)| wanted(status)).map(|(_, count)| count).sum()
    }

    /// Returns the wanted statuses: all where none is named.
    fn status_keys(&self) -> Value {
        let wanted = if self.statuses.is_empty() { CaseStatus::ALL } else { &self.statuses };
        keys(wanted.iter().map(|status| status.word()))
    }

    fn values(&self) -> Vec<Value> {
        values![
            self.owner,
            self.origin,
            self.changed_after_agreement,
            self.due_before,
            self.disputed,
            self.question.as_deref(),
            self.duty_of,
            self.text.as_deref().map(containing),
            self.seen_by,
            keys(self.queued.iter().map(|status| status.word())),
            self.stopped_early,
        ]
    }
}

/// Returns the pattern for texts that contain `words` letter by letter.
fn containing(words: &str) -> String {
    let escaped = words.to_lowercase().replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{escaped}%")
}

impl CaseKey {
    /// Returns the place of a case in the list.
    pub fn of(row: &CaseRow) -> Self {
        Self { due_at: row.due_at, case: row.case }
    }

    /// Returns the values above which a page begins.
    pub(crate) fn bound(after: Option<Self>) -> Vec<Value> {
        after.map_or_else(|| values![i64::MIN, ""], |key| values![key.due_at, key.case])
    }
}

impl Indexed for CaseRow {
    const UPSERT: &'static str = "INSERT INTO cases \
        (scope_id, case_id, reference_id, reference_key, title_id, case_type, status, origin, line_id, owner_id, \
        jurisdiction, urgent, due_at, received_at, since, revision, changed_after_agreement, showing) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) \
        ON CONFLICT (scope_id, case_id) DO UPDATE \
        SET reference_id = excluded.reference_id, reference_key = excluded.reference_key, \
        title_id = excluded.title_id, case_type = excluded.case_type, status = excluded.status, \
        origin = excluded.origin, line_id = excluded.line_id, owner_id = excluded.owner_id, \
        jurisdiction = excluded.jurisdiction, urgent = excluded.urgent, due_at = excluded.due_at, \
        received_at = excluded.received_at, since = excluded.since, revision = excluded.revision, \
        changed_after_agreement = excluded.changed_after_agreement, showing = excluded.showing";
    const DELETE: &'static str = "DELETE FROM cases WHERE scope_id = $1 AND case_id = $2";
    const PAGE: &'static str = concat!(
        "SELECT ",
        case_columns!(),
        " FROM cases WHERE scope_id = $1 AND case_id > $2 ORDER BY case_id LIMIT $3"
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
            self.reference,
            self.reference_key,
            self.title,
            &self.case_type,
            self.status,
            self.origin,
            self.line,
            self.owner,
            &self.jurisdiction,
            self.urgent,
            self.due_at,
            self.received_at,
            self.since,
            self.revision,
            self.changed_after_agreement,
            self.showing,
        ]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            case: columns.take()?,
            reference: columns.take()?,
            reference_key: columns.take()?,
            title: columns.take()?,
            case_type: columns.take()?,
            status: columns.take()?,
            origin: columns.take()?,
            line: columns.take()?,
            owner: columns.take()?,
            jurisdiction: columns.take()?,
            urgent: columns.take()?,
            due_at: columns.take()?,
            received_at: columns.take()?,
            since: columns.take()?,
            revision: columns.take()?,
            changed_after_agreement: columns.take()?,
            showing: columns.take()?,
        })
    }
}
