//! Open seats and what they call for: where the next case is found.

use remit_kernel::{
    hash::Digest,
    id::PersonId,
    index::{NeedRow, SeatRow},
};

use crate::{
    CaseKey, Store,
    dialect::Columns,
    error::{Result, Unreadable},
    index::Indexed,
    value::Value,
};

macro_rules! seat_columns {
    () => {
        "case_id, seat, need, due_at"
    };
}

statements! {
    /// One seat of each case: its first. A person with any duty on the case, held or past, does not see it.
    ///
    /// Each seat is looked up by itself, in the order of the index, until there are enough: asked with `NOT EXISTS`, a
    /// planner without fresh statistics joins all that the person holds with all seats. Person and need are hidden from
    /// indexes that begin with them: there are few rows of one case, and perhaps thousands of the others.
    OPEN = concat!("SELECT ", seat_columns!(), " FROM seats \
        WHERE scope_id = $1 AND need = $2 \
        AND (SELECT 1 FROM duties \
            WHERE duties.scope_id = seats.scope_id AND duties.case_id = seats.case_id AND (duties.person_id || '') = $3 \
            LIMIT 1) IS NULL \
        AND (SELECT 1 FROM seats AS earlier \
            WHERE earlier.scope_id = seats.scope_id AND earlier.case_id = seats.case_id \
            AND (earlier.need || '') = seats.need AND earlier.seat < seats.seat LIMIT 1) IS NULL \
        AND (due_at, case_id) > ($4, $5) ORDER BY due_at, case_id LIMIT $6");
    COUNT = "SELECT need, COUNT(*) FROM seats WHERE scope_id = $1 GROUP BY need ORDER BY need";
    NEEDS = "SELECT need, body FROM needs WHERE scope_id = $1 ORDER BY need";
}

impl Store {
    /// Returns the next cases, each by its first open seat of this need, on which the person has and had no duty; by
    /// due time, after a place in that order.
    pub async fn open_seats(
        &self,
        scope: &str,
        need: Digest,
        person: PersonId,
        after: Option<CaseKey>,
        limit: u32,
    ) -> Result<Vec<SeatRow>> {
        let mut values = values![scope, need, person];
        values.extend(CaseKey::bound(after));
        values.push(limit.into());
        self.rows(OPEN, values, SeatRow::read).await
    }

    /// Returns how many seats are open for each need; needs with none are absent.
    pub async fn count_open_seats(&self, scope: &str) -> Result<Vec<(Digest, u64)>> {
        self.rows(COUNT, values![scope], |columns| Ok((columns.take()?, columns.take()?))).await
    }

    /// Returns the needs of a scope.
    pub async fn list_needs(&self, scope: &str) -> Result<Vec<NeedRow>> {
        self.rows(NEEDS, values![scope], NeedRow::read).await
    }
}

impl Indexed for SeatRow {
    const UPSERT: &'static str = "INSERT INTO seats (scope_id, case_id, seat, need, due_at) \
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (scope_id, case_id, seat) DO UPDATE \
        SET need = excluded.need, due_at = excluded.due_at";
    const DELETE: &'static str = "DELETE FROM seats WHERE scope_id = $1 AND case_id = $2 AND seat = $3";
    const PAGE: &'static str = concat!(
        "SELECT ",
        seat_columns!(),
        " FROM seats \
         WHERE scope_id = $1 AND (case_id, seat) > ($2, $3) ORDER BY case_id, seat LIMIT $4"
    );

    fn key(&self) -> Vec<Value> {
        values![self.case, self.seat]
    }

    fn least() -> Vec<Value> {
        values!["", 0_u8]
    }

    fn values(&self) -> Vec<Value> {
        values![self.case, self.seat, self.need, self.due_at]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self { case: columns.take()?, seat: columns.take()?, need: columns.take()?, due_at: columns.take()? })
    }
}

impl Indexed for NeedRow {
    /// Its body follows from its key, and thousands of cases bring the same: no case waits for another to write it again.
    const UPSERT: &'static str = "INSERT INTO needs (scope_id, need, body) VALUES ($1, $2, $3) \
        ON CONFLICT (scope_id, need) DO NOTHING";
    const DELETE: &'static str = "DELETE FROM needs WHERE scope_id = $1 AND need = $2";
    const PAGE: &'static str = "SELECT need, body FROM needs WHERE scope_id = $1 AND need > $2 ORDER BY need LIMIT $3";

    fn key(&self) -> Vec<Value> {
        values![self.need]
    }

    fn least() -> Vec<Value> {
        values![""]
    }

    fn values(&self) -> Vec<Value> {
        values![self.need, &self.body]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self { need: columns.take()?, body: columns.take()? })
    }
}
