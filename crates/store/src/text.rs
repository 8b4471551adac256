//! Texts apart from events, so that they can be erased while the events stay whole.

use std::collections::HashMap;

use remit_kernel::{
    hash::Digest,
    id::{CaseId, TextId},
    text::NewText,
    time::Instant,
};

use crate::{
    Store,
    dialect::Columns,
    error::{Result, Unreadable},
    value::{Statement, keys},
};

/// Texts asked for in one statement.
const BATCH_MAX: usize = 1_000;

statements! {
    INSERT = "INSERT INTO texts (scope_id, id, case_id, salt, commitment, body) VALUES ($1, $2, $3, $4, $5, $6)";
    BODIES = "SELECT id, body FROM texts \
        WHERE scope_id = $1 AND id IN (SELECT key FROM json_each($2)) AND body IS NOT NULL";
    PAGE = "SELECT id, case_id, salt, commitment, body, erased_at FROM texts \
        WHERE scope_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    ERASE = "UPDATE texts SET salt = NULL, body = NULL, erased_at = $1 \
        WHERE scope_id = $2 AND id IN (SELECT key FROM json_each($3)) AND erased_at IS NULL";
    ERASE_OF_CASE = "UPDATE texts SET salt = NULL, body = NULL, erased_at = $1 \
        WHERE scope_id = $2 AND case_id = $3 AND erased_at IS NULL";
}

/// A text on its way into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextRow {
    /// The case whose text it is; none for a text of the engagement or of the directory.
    pub case: Option<CaseId>,
    /// Key.
    pub id: TextId,
    /// Random salt of the commitment.
    pub salt: [u8; 32],
    /// The text itself.
    pub body: String,
    /// What the events keep of it.
    pub commitment: Digest,
}

/// A text as stored. Salt and body are there until it is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields of `TextRow`, and the instant of erasure")]
pub struct StoredText {
    pub id: TextId,
    pub case: Option<CaseId>,
    pub salt: Option<[u8; 32]>,
    pub commitment: Digest,
    pub body: Option<String>,
    pub erased_at: Option<Instant>,
}

impl Store {
    /// Returns the bodies of texts; those erased or unknown are absent.
    pub async fn texts(&self, scope: &str, ids: &[TextId]) -> Result<HashMap<TextId, String>> {
        let mut texts = HashMap::with_capacity(ids.len());
        for batch in ids.chunks(BATCH_MAX) {
            texts.extend(
                self.rows(BODIES, values![scope, keys(batch)], |columns| Ok((columns.take()?, columns.take()?)))
                    .await?,
            );
        }
        Ok(texts)
    }

    /// Returns the next texts of a scope after a key, erased ones too.
    pub async fn texts_page(&self, scope: &str, after: Option<TextId>, limit: u32) -> Result<Vec<StoredText>> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.rows(PAGE, values![scope, after, limit], StoredText::read).await
    }

    /// Erases texts: body and salt are gone, the commitment stays. Returns how many there were to erase.
    pub async fn erase_texts(&self, scope: &str, ids: &[TextId], at: Instant) -> Result<u64> {
        let erase = |batch: &[TextId]| Statement { sql: ERASE, values: values![at, scope, keys(batch)] };
        self.change(ids.chunks(BATCH_MAX).map(erase).collect()).await
    }

    /// Erases all texts of a case. Returns how many there were to erase.
    pub async fn erase_texts_of_case(&self, scope: &str, case: CaseId, at: Instant) -> Result<u64> {
        self.change(vec![Statement { sql: ERASE_OF_CASE, values: values![at, scope, case] }]).await
    }
}

impl TextRow {
    /// Returns the row of a text made by the kernel.
    pub fn of(case: Option<CaseId>, text: NewText) -> Self {
        Self { case, id: text.text.id, salt: text.salt, body: text.body, commitment: text.text.commitment }
    }

    pub(crate) fn insert(self, scope: &str) -> Statement {
        let values = values![scope, self.id, self.case, self.salt, self.commitment, self.body];
        Statement { sql: INSERT, values }
    }
}

impl StoredText {
    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            id: columns.take()?,
            case: columns.take()?,
            salt: columns.take()?,
            commitment: columns.take()?,
            body: columns.take()?,
            erased_at: columns.take()?,
        })
    }
}
