//! Lots by time, and the secret seeds by which they draw.

use remit_kernel::{hash::Digest, id::LotId, index::LotRow, time::Instant};

use crate::{
    Store,
    dialect::{Columns, first},
    error::{Result, Unreadable},
    index::Indexed,
    value::{Statement, Value},
};

macro_rules! lot_columns {
    () => {
        "lot_id, line_id, case_type, number, status, opened_at, ends_at, size, drawn, reviewed, found"
    };
}

statements! {
    LIST = concat!("SELECT ", lot_columns!(), " FROM lots WHERE scope_id = $1 \
        AND (opened_at, lot_id) < ($2, $3) ORDER BY opened_at DESC, lot_id DESC LIMIT $4");
    INSERT_SEED = "INSERT INTO lot_seeds (scope_id, lot_id, seed) VALUES ($1, $2, $3)";
    SEED = "SELECT seed FROM lot_seeds WHERE scope_id = $1 AND lot_id = $2";
}

/// The secret seed of a lot on its way into the store, where it stays secret until the lot is complete.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SeedRow {
    /// The lot.
    pub lot: LotId,
    /// Its seed.
    pub seed: [u8; 32],
}

impl std::fmt::Debug for SeedRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeedRow").field("lot", &self.lot).finish_non_exhaustive()
    }
}

impl SeedRow {
    pub(crate) fn insert(&self, scope: &str) -> Statement {
        Statement { sql: INSERT_SEED, values: values![scope, self.lot, Digest::from_bytes(self.seed)] }
    }
}

impl Store {
    /// Returns the newest lots that opened before an instant, at most `limit`.
    pub async fn list_lots(&self, scope: &str, before: Instant, limit: u32) -> Result<Vec<LotRow>> {
        self.rows(LIST, values![scope, before, "", limit], LotRow::read).await
    }

    /// Returns the secret seed of a lot. Only a decision on the lot asks for it.
    pub async fn lot_seed(&self, scope: &str, lot: LotId) -> Result<Option<[u8; 32]>> {
        let seed: Option<Digest> = self.row(SEED, values![scope, lot], first).await?;
        Ok(seed.map(|seed| *seed.bytes()))
    }
}

impl Indexed for LotRow {
    const UPSERT: &'static str = "INSERT INTO lots \
        (scope_id, lot_id, line_id, case_type, number, status, opened_at, ends_at, size, drawn, reviewed, found) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (scope_id, lot_id) DO UPDATE \
        SET line_id = excluded.line_id, case_type = excluded.case_type, number = excluded.number, \
        status = excluded.status, opened_at = excluded.opened_at, ends_at = excluded.ends_at, size = excluded.size, \
        drawn = excluded.drawn, reviewed = excluded.reviewed, found = excluded.found";
    const DELETE: &'static str = "DELETE FROM lots WHERE scope_id = $1 AND lot_id = $2";
    const PAGE: &'static str =
        concat!("SELECT ", lot_columns!(), " FROM lots WHERE scope_id = $1 AND lot_id > $2 ORDER BY lot_id LIMIT $3");

    fn key(&self) -> Vec<Value> {
        values![self.lot]
    }

    fn least() -> Vec<Value> {
        values![""]
    }

    fn values(&self) -> Vec<Value> {
        values![
            self.lot,
            self.line,
            self.case_type.as_str(),
            self.number,
            self.status,
            self.opened_at,
            self.ends_at,
            self.size,
            self.drawn,
            self.reviewed,
            self.found
        ]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            lot: columns.take()?,
            line: columns.take()?,
            case_type: columns.take()?,
            number: columns.take()?,
            status: columns.take()?,
            opened_at: columns.take()?,
            ends_at: columns.take()?,
            size: columns.take()?,
            drawn: columns.take()?,
            reviewed: columns.take()?,
            found: columns.take()?,
        })
    }
}
