//! Verifying: which scopes there are, and what the verifications found.

use remit_kernel::time::Instant;

use crate::{Store, dialect::first, error::Result, value::Statement};

statements! {
    SCOPES = "SELECT scope_id FROM events UNION SELECT scope_id FROM snapshots UNION SELECT scope_id FROM texts \
        UNION SELECT scope_id FROM entries ORDER BY scope_id";
    INSERT = "INSERT INTO verifications (at, ok, first_difference, counts) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (at) DO UPDATE SET ok = excluded.ok, first_difference = excluded.first_difference, \
        counts = excluded.counts";
    NEWEST = "SELECT at, ok, first_difference, counts FROM verifications ORDER BY at DESC LIMIT 1";
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// When it was made.
    pub at: Instant,
    /// Whether everything was equal.
    pub ok: bool,
    /// The first difference in words.
    pub first_difference: Option<String>,
    /// How much of what was compared, as JSON.
    pub counts: String,
}

impl Store {
    /// Returns every scope in which anything is stored.
    pub async fn scopes(&self) -> Result<Vec<String>> {
        self.rows(SCOPES, values![], first).await
    }

    /// Keeps what a verification found.
    pub async fn put_verification(&self, verification: Verification) -> Result<()> {
        let Verification { at, ok, first_difference, counts } = verification;
        self.change(vec![Statement { sql: INSERT, values: values![at, ok, first_difference, counts] }]).await?;
        Ok(())
    }

    /// Returns what the newest verification found.
    pub async fn newest_verification(&self) -> Result<Option<Verification>> {
        self.row(NEWEST, values![], |columns| {
            Ok(Verification {
                at: columns.take()?,
                ok: columns.take()?,
                first_difference: columns.take()?,
                counts: columns.take()?,
            })
        })
        .await
    }
}
