//! Calibration rounds and their invitations.

use remit_kernel::{
    id::{CalibrationId, PersonId},
    index::{CalibrationRow, InviteeRow},
};

use crate::{
    Store,
    dialect::{Columns, first},
    error::{Result, Unreadable},
    index::Indexed,
    value::Value,
};

macro_rules! calibration_columns {
    () => {
        "calibration_id, title_id, status, cases, invited, opened_at, ends_at, findings"
    };
}

macro_rules! invitee_columns {
    () => {
        "calibration_id, person_id, cases_read, present"
    };
}

statements! {
    LIST = concat!("SELECT ", calibration_columns!(), " FROM calibrations WHERE scope_id = $1 ORDER BY opened_at, calibration_id");
    INVITED = concat!("SELECT ", invitee_columns!(), " FROM invitees WHERE scope_id = $1 ORDER BY calibration_id, person_id");
    OPEN_OF = "SELECT invitees.calibration_id FROM invitees \
        JOIN calibrations ON calibrations.scope_id = invitees.scope_id \
        AND calibrations.calibration_id = invitees.calibration_id \
        WHERE invitees.scope_id = $1 AND invitees.person_id = $2 AND invitees.present AND calibrations.status = 'open' \
        ORDER BY invitees.calibration_id";
}

impl Store {
    /// Returns the calibration rounds of an engagement, oldest first.
    pub async fn list_calibrations(&self, scope: &str) -> Result<Vec<CalibrationRow>> {
        self.rows(LIST, values![scope], CalibrationRow::read).await
    }

    /// Returns who is invited to which round.
    pub async fn list_invitees(&self, scope: &str) -> Result<Vec<InviteeRow>> {
        self.rows(INVITED, values![scope], InviteeRow::read).await
    }

    /// Returns the open rounds in which a person takes part.
    pub async fn open_calibrations_of(&self, scope: &str, person: PersonId) -> Result<Vec<CalibrationId>> {
        self.rows(OPEN_OF, values![scope, person], first).await
    }
}

impl Indexed for CalibrationRow {
    const UPSERT: &'static str = "INSERT INTO calibrations \
        (scope_id, calibration_id, title_id, status, cases, invited, opened_at, ends_at, findings) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (scope_id, calibration_id) DO UPDATE \
        SET title_id = excluded.title_id, status = excluded.status, cases = excluded.cases, \
        invited = excluded.invited, opened_at = excluded.opened_at, ends_at = excluded.ends_at, \
        findings = excluded.findings";
    const DELETE: &'static str = "DELETE FROM calibrations WHERE scope_id = $1 AND calibration_id = $2";
    const PAGE: &'static str = concat!(
        "SELECT ",
        calibration_columns!(),
        " FROM calibrations WHERE scope_id = $1 AND calibration_id > $2 ORDER BY calibration_id LIMIT $3"
    );

    fn key(&self) -> Vec<Value> {
        values![self.calibration]
    }

    fn least() -> Vec<Value> {
        values![""]
    }

    fn values(&self) -> Vec<Value> {
        values![
            self.calibration,
            self.title,
            self.status,
            self.cases,
            self.invited,
            self.opened_at,
            self.ends_at,
            self.findings,
        ]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            calibration: columns.take()?,
            title: columns.take()?,
            status: columns.take()?,
            cases: columns.take()?,
            invited: columns.take()?,
            opened_at: columns.take()?,
            ends_at: columns.take()?,
            findings: columns.take()?,
        })
    }
}

impl Indexed for InviteeRow {
    const UPSERT: &'static str = "INSERT INTO invitees (scope_id, calibration_id, person_id, cases_read, present) \
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (scope_id, calibration_id, person_id) DO UPDATE \
        SET cases_read = excluded.cases_read, present = excluded.present";
    const DELETE: &'static str = "DELETE FROM invitees WHERE scope_id = $1 AND calibration_id = $2 AND person_id = $3";
    const PAGE: &'static str = concat!(
        "SELECT ",
        invitee_columns!(),
        " FROM invitees WHERE scope_id = $1 AND (calibration_id, person_id) > ($2, $3) \
         ORDER BY calibration_id, person_id LIMIT $4"
    );

    fn key(&self) -> Vec<Value> {
        values![self.calibration, self.person]
    }

    fn least() -> Vec<Value> {
        values!["", ""]
    }

    fn values(&self) -> Vec<Value> {
        values![self.calibration, self.person, self.read, self.present]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            calibration: columns.take()?,
            person: columns.take()?,
            read: columns.take()?,
            present: columns.take()?,
        })
    }
}
