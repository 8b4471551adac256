//! Answers kept so that a request that comes again is answered again and done once.

use remit_kernel::{hash::Digest, id::PersonId, time::Instant};

use crate::{
    Commit, Store,
    dialect::Columns,
    error::{Result, Unreadable},
    value::Statement,
};

statements! {
    FIND = "SELECT fingerprint, body FROM kept_answers \
        WHERE scope_id = $1 AND person_id = $2 AND route = $3 AND idempotency_key = $4";
    INSERT = "INSERT INTO kept_answers (scope_id, person_id, route, idempotency_key, fingerprint, body, kept_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    DROP_OLD = "DELETE FROM kept_answers WHERE kept_at < $1";
}

/// The answer to a request that carried a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerKept {
    /// Where it is kept: the scope of the write, or the directory's for a new engagement, whose scope is not known beforehand.
    pub scope: String,
    /// Who asked.
    pub person: PersonId,
    /// What was asked for, such as `POST /api/v1/engagements/{engagement}/cases`.
    pub route: String,
    /// The key that came with the request.
    pub key: String,
    /// Digest of the request's body.
    pub fingerprint: Digest,
    /// The answer.
    pub body: String,
}

impl Store {
    /// Returns what a write with this answer would return if the key was used before; the answer's body plays no part.
    pub async fn find_answer(&self, asked: &AnswerKept) -> Result<Option<Commit>> {
        let find = asked.find();
        let kept = self.row(find.sql, find.values, AnswerKept::read_kept).await?;
        Ok(kept.map(|(fingerprint, body)| asked.compare(fingerprint, body)))
    }

    /// Forgets the answers kept before an instant, in all scopes. Returns how many there were.
    pub async fn drop_answers(&self, kept_before: Instant) -> Result<u64> {
        self.change(vec![Statement { sql: DROP_OLD, values: values![kept_before] }]).await
    }
}

impl AnswerKept {
    pub(crate) fn find(&self) -> Statement {
        Statement { sql: FIND, values: values![&self.scope, self.person, &self.route, &self.key] }
    }

    pub(crate) fn insert(&self, at: Instant) -> Statement {
        let values = values![&self.scope, self.person, &self.route, &self.key, self.fingerprint, &self.body, at];
        Statement { sql: INSERT, values }
    }

    /// Returns whether both are kept under one key.
    pub(crate) fn is_for_same(&self, other: &Self) -> bool {
        (self.person, &self.key, &self.route, &self.scope) == (other.person, &other.key, &other.route, &other.scope)
    }

    /// Returns what a kept answer means for this request.
    pub(crate) fn compare(&self, fingerprint: Digest, body: String) -> Commit {
        if fingerprint == self.fingerprint { Commit::Replayed(body) } else { Commit::KeyReused }
    }

    pub(crate) fn read_kept(columns: &mut Columns<'_>) -> std::result::Result<(Digest, String), Unreadable> {
        Ok((columns.take()?, columns.take()?))
    }
}
