//! Precedents: found by what kind of case they may guide.

use remit_kernel::{id::PrecedentId, index::PrecedentRow};

use crate::{
    Store,
    dialect::{Columns, first},
    error::{Result, Unreadable},
    index::Indexed,
    value::Value,
};

macro_rules! precedent_columns {
    () => {
        "precedent_id, pack, case_type, question, status, since"
    };
}

statements! {
    LIST = concat!("SELECT ", precedent_columns!(), " FROM precedents WHERE scope_id = $1 ORDER BY precedent_id");
    OF_TYPE = "SELECT precedent_id FROM precedents \
        WHERE scope_id = $1 AND pack = $2 AND case_type = $3 AND status = 'in_force' ORDER BY precedent_id LIMIT $4";
}

impl Store {
    /// Returns the precedents of an engagement, wherever they stand.
    pub async fn list_precedents(&self, scope: &str) -> Result<Vec<PrecedentRow>> {
        self.rows(LIST, values![scope], PrecedentRow::read).await
    }

    /// Returns the precedents in force for a kind of case under a pack of this name, at most `limit`.
    pub async fn precedents_of_type(
        &self,
        scope: &str,
        pack: &str,
        case_type: &str,
        limit: u32,
    ) -> Result<Vec<PrecedentId>> {
        self.rows(OF_TYPE, values![scope, pack, case_type, limit], first).await
    }
}

impl Indexed for PrecedentRow {
    const UPSERT: &'static str = "INSERT INTO precedents \
        (scope_id, precedent_id, pack, case_type, question, status, since) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (scope_id, precedent_id) DO UPDATE \
        SET pack = excluded.pack, case_type = excluded.case_type, question = excluded.question, \
        status = excluded.status, since = excluded.since";
    const DELETE: &'static str = "DELETE FROM precedents WHERE scope_id = $1 AND precedent_id = $2";
    const PAGE: &'static str = concat!(
        "SELECT ",
        precedent_columns!(),
        " FROM precedents WHERE scope_id = $1 AND precedent_id > $2 ORDER BY precedent_id LIMIT $3"
    );

    fn key(&self) -> Vec<Value> {
        values![self.precedent]
    }

    fn least() -> Vec<Value> {
        values![""]
    }

    fn values(&self) -> Vec<Value> {
        values![self.precedent, &self.pack, &self.case_type, &self.question, self.status, self.since]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            precedent: columns.take()?,
            pack: columns.take()?,
            case_type: columns.take()?,
            question: columns.take()?,
            status: columns.take()?,
            since: columns.take()?,
        })
    }
}
