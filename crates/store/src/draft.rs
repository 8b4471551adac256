//! Drafts: what a person has typed and not yet given. The one thing that is written without an event.

use remit_kernel::{id::PersonId, time::Instant};

use crate::{Store, error::Result, value::Statement};

statements! {
    FIND = "SELECT body, updated_at FROM drafts WHERE scope_id = $1 AND person_id = $2 AND stream = $3";
    UPSERT = "INSERT INTO drafts (scope_id, person_id, stream, body, updated_at) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (scope_id, person_id, stream) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at";
    DELETE = "DELETE FROM drafts WHERE scope_id = $1 AND person_id = $2 AND stream = $3";
}

/// Whose draft, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftKey {
    /// Who types.
    pub person: PersonId,
    /// A stream or an assignment.
    pub stream: String,
}

/// A draft as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What was typed.
    pub body: String,
    /// When it was last kept.
    pub updated_at: Instant,
}

impl Store {
    /// Keeps a draft in place of the one before.
    pub async fn put_draft(&self, scope: &str, key: &DraftKey, body: &str, at: Instant) -> Result<()> {
        let values = values![scope, key.person, &key.stream, body, at];
        self.change(vec![Statement { sql: UPSERT, values }]).await?;
        Ok(())
    }

    /// Returns a person's draft.
    pub async fn find_draft(&self, scope: &str, key: &DraftKey) -> Result<Option<Draft>> {
        self.row(FIND, values![scope, key.person, &key.stream], |columns| {
            Ok(Draft { body: columns.take()?, updated_at: columns.take()? })
        })
        .await
    }
}

impl DraftKey {
    pub(crate) fn delete(&self, scope: &str) -> Statement {
        Statement { sql: DELETE, values: values![scope, self.person, &self.stream] }
    }
}
