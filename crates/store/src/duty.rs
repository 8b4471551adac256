//! Duties: who holds or held which part in a case.

use remit_kernel::{
    id::{AssignmentId, CaseId, PersonId},
    index::{CaseRow, DutyRow, DutyStatus},
};

use crate::{
    Store,
    case::case_columns,
    dialect::Columns,
    error::{Result, Unreadable},
    index::Indexed,
    value::{Value, keys},
};

macro_rules! duty_columns {
    () => {
        "duties.case_id, duties.duty, duties.ordinal, duties.assignment_id, duties.person_id, duties.status, \
         duties.taken_at, duties.due_at"
    };
}

statements! {
    OF_PERSON = concat!("SELECT ", duty_columns!(), ", ", case_columns!(), " FROM duties \
        JOIN cases ON cases.scope_id = duties.scope_id AND cases.case_id = duties.case_id \
        WHERE duties.scope_id = $1 AND duties.person_id = $2 AND duties.status = $3 \
        ORDER BY duties.due_at, duties.case_id, duties.duty, duties.ordinal LIMIT $4");
    BY_ASSIGNMENT = concat!("SELECT ", duty_columns!(), " FROM duties WHERE scope_id = $1 AND assignment_id = $2");
    OF_CASES = concat!("SELECT ", duty_columns!(), " FROM duties \
        WHERE scope_id = $1 AND case_id IN (SELECT key FROM json_each($2)) ORDER BY case_id, taken_at, duty, ordinal");
}

impl Store {
    /// Returns the duties of a person in this status with their cases, by due time, at most `limit`.
    pub async fn duties_of(
        &self,
        scope: &str,
        person: PersonId,
        status: DutyStatus,
        limit: u32,
    ) -> Result<Vec<(DutyRow, CaseRow)>> {
        self.rows(OF_PERSON, values![scope, person, status, limit], |columns| {
            Ok((DutyRow::read(columns)?, CaseRow::read(columns)?))
        })
        .await
    }

    /// Returns the duty of an assignment.
    pub async fn find_duty(&self, scope: &str, assignment: AssignmentId) -> Result<Option<DutyRow>> {
        self.row(BY_ASSIGNMENT, values![scope, assignment], DutyRow::read).await
    }

    /// Returns all duties on these cases, by case and the time they were taken.
    pub async fn duties_of_cases(&self, scope: &str, cases: &[CaseId]) -> Result<Vec<DutyRow>> {
        self.rows(OF_CASES, values![scope, keys(cases)], DutyRow::read).await
    }
}

impl Indexed for DutyRow {
    const UPSERT: &'static str = "INSERT INTO duties \
        (scope_id, case_id, duty, ordinal, assignment_id, person_id, status, taken_at, due_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (scope_id, case_id, duty, ordinal) DO UPDATE \
        SET assignment_id = excluded.assignment_id, person_id = excluded.person_id, status = excluded.status, taken_at = excluded.taken_at, \
        due_at = excluded.due_at";
    const DELETE: &'static str =
        "DELETE FROM duties WHERE scope_id = $1 AND case_id = $2 AND duty = $3 AND ordinal = $4";
    const PAGE: &'static str = concat!(
        "SELECT ",
        duty_columns!(),
        " FROM duties \
         WHERE scope_id = $1 AND (case_id, duty, ordinal) > ($2, $3, $4) ORDER BY case_id, duty, ordinal LIMIT $5"
    );

    fn key(&self) -> Vec<Value> {
        values![self.case, self.duty, self.ordinal]
    }

    fn least() -> Vec<Value> {
        values!["", "", 0_u32]
    }

    fn values(&self) -> Vec<Value> {
        values![
            self.case,
            self.duty,
            self.ordinal,
            self.assignment,
            self.person,
            self.status,
            self.taken_at,
            self.due_at
        ]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            case: columns.take()?,
            duty: columns.take()?,
            ordinal: columns.take()?,
            assignment: columns.take()?,
            person: columns.take()?,
            status: columns.take()?,
            taken_at: columns.take()?,
            due_at: columns.take()?,
        })
    }
}
