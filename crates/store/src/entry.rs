//! The record: one row for every act and every view of content, never changed afterwards.

use remit_kernel::{
    hash::Digest,
    id::{CaseId, EntryId, PersonId},
    role::Role,
    time::Instant,
};
use serde::Serialize;

use crate::{
    Store,
    dialect::{Columns, first},
    error::{Result, Unreadable},
    value::{Cell, Column, Statement, Value, roles},
};

macro_rules! columns {
    () => {
        "scope_id, id, at, actor, roles, action, object, case_id, object_hash, decision, policy_set_hash, policy_ids, \
         purpose, country, request_id, commitments, digest, leaf_index"
    };
}

statements! {
    INSERT = "INSERT INTO entries (scope_id, id, at, actor, roles, action, object, case_id, object_hash, decision, \
        policy_set_hash, policy_ids, purpose, country, request_id, commitments, digest) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    LIST = concat!("SELECT ", columns!(), " FROM entries \
        WHERE scope_id = $1 AND (at, id) < ($2, $3) ORDER BY at DESC, id DESC LIMIT $4");
    OF_OBJECT = concat!("SELECT ", columns!(), " FROM entries \
        WHERE scope_id = $1 AND object = $2 AND (at, id) < ($3, $4) ORDER BY at DESC, id DESC LIMIT $5");
    OF_CASE = concat!("SELECT ", columns!(), " FROM entries \
        WHERE scope_id = $1 AND case_id = $2 AND (at, id) < ($3, $4) ORDER BY at DESC, id DESC LIMIT $5");
    OF_PERSON = concat!("SELECT ", columns!(), " FROM entries \
        WHERE scope_id = $1 AND actor = $2 AND (at, id) < ($3, $4) ORDER BY at DESC, id DESC LIMIT $5");
    /// The index by time gives the order, so a page ends as soon as it is full.
    FOUND = concat!("SELECT ", columns!(), " FROM entries \
        WHERE scope_id = $1 AND (CAST($2 AS TEXT) IS NULL OR case_id = $2) \
        AND (CAST($3 AS TEXT) IS NULL OR actor = $3) AND (CAST($4 AS TEXT) IS NULL OR decision = $4) \
        AND (at, id) < ($5, $6) ORDER BY at DESC, id DESC LIMIT $7");
    PAGE = concat!("SELECT ", columns!(), " FROM entries WHERE scope_id = $1 AND id > $2 ORDER BY id LIMIT $3");
    NEWEST = "SELECT MAX(at) FROM entries WHERE scope_id = $1";
}

/// Whether access allowed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It was done or shown.
    Allow,
    /// It was not.
    Deny,
}

/// One act or one view. Holds no personal data in clear: people stand by identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryRow {
    /// Key.
    pub id: EntryId,
    /// `dir` or an engagement's identifier.
    pub scope: String,
    /// When.
    pub at: Instant,
    /// Who; nobody for work that Remit does by itself.
    pub actor: Option<PersonId>,
    /// The roles held there at that moment.
    pub roles: Vec<Role>,
    /// What was done, such as `sign` or `view_case`.
    pub action: String,
    /// To what: a stream or an identifier.
    pub object: String,
    /// The case it belongs to.
    pub case: Option<CaseId>,
    /// Digest of the exact content.
    pub object_hash: Option<Digest>,
    /// Whether access allowed it.
    pub decision: Decision,
    /// Digest of the policies that decided.
    pub policy_set_hash: Digest,
    /// The policies that were decisive.
    pub policy_ids: Vec<String>,
    /// What for.
    pub purpose: String,
    /// From where: a country's two letters.
    pub country: Option<String>,
    /// The request it came with.
    pub request_id: String,
    /// Salted commitments to what else belongs to it.
    pub commitments: Vec<Digest>,
}

/// An entry as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// The entry.
    pub entry: EntryRow,
    /// Digest over its canonical JSON, taken when it was written.
    pub digest: Digest,
    /// Its place in the engagement's log, once it has one.
    pub leaf_index: Option<u64>,
}

/// Which entries. What is left empty does not restrict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// On this case and all that belongs to it.
    pub case: Option<CaseId>,
    /// Of this person.
    pub actor: Option<PersonId>,
    /// Only what access denied.
    pub denied: bool,
}

/// A place among the entries of a scope, by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryKey {
    /// When.
    pub at: Instant,
    /// Key.
    pub id: EntryId,
}

impl Store {
    /// Writes an entry with the next group of writes; returns once it is on the disk.
    pub async fn record(&self, entry: EntryRow) -> Result<()> {
        self.record_many(vec![entry]).await
    }

    /// Writes entries together with the next group of writes; returns once they are on the disk.
    pub async fn record_many(&self, entries: Vec<EntryRow>) -> Result<()> {
        self.note(entries.into_iter().map(EntryRow::insert).collect()).await?;
        Ok(())
    }

    /// Returns the newest entries of a scope, further back from `before`.
    pub async fn list_entries(&self, scope: &str, before: Option<EntryKey>, limit: u32) -> Result<Vec<StoredEntry>> {
        let (at, id) = EntryKey::bound(before);
        self.rows(LIST, values![scope, at, id, limit], StoredEntry::read).await
    }

    /// Returns the newest entries that a filter lets through, further back from `before`.
    pub async fn find_entries(
        &self,
        scope: &str,
        filter: &EntryFilter,
        before: Option<EntryKey>,
        limit: u32,
    ) -> Result<Vec<StoredEntry>> {
        let (at, id) = EntryKey::bound(before);
        let decision = filter.denied.then_some(Decision::Deny);
        self.rows(FOUND, values![scope, filter.case, filter.actor, decision, at, id, limit], StoredEntry::read).await
    }

    /// Returns the newest entries on one object, further back from `before`.
    pub async fn entries_of_object(
        &self,
        scope: &str,
        object: &str,
        before: Option<EntryKey>,
        limit: u32,
    ) -> Result<Vec<StoredEntry>> {
        let (at, id) = EntryKey::bound(before);
        self.rows(OF_OBJECT, values![scope, object, at, id, limit], StoredEntry::read).await
    }

    /// Returns the newest entries on a case and all that belongs to it, further back from `before`.
    pub async fn entries_of_case(
        &self,
        scope: &str,
        case: CaseId,
        before: Option<EntryKey>,
        limit: u32,
    ) -> Result<Vec<StoredEntry>> {
        let (at, id) = EntryKey::bound(before);
        self.rows(OF_CASE, values![scope, case, at, id, limit], StoredEntry::read).await
    }

    /// Returns the newest entries of one person's acts and views, further back from `before`.
    pub async fn entries_of_person(
        &self,
        scope: &str,
        person: PersonId,
        before: Option<EntryKey>,
        limit: u32,
    ) -> Result<Vec<StoredEntry>> {
        let (at, id) = EntryKey::bound(before);
        self.rows(OF_PERSON, values![scope, person, at, id, limit], StoredEntry::read).await
    }

    /// Returns the next entries of a scope after a key, by key.
    pub async fn entries_page(&self, scope: &str, after: Option<EntryId>, limit: u32) -> Result<Vec<StoredEntry>> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.rows(PAGE, values![scope, after, limit], StoredEntry::read).await
    }

    /// Returns when the newest entry of a scope was made.
    pub async fn newest_entry_at(&self, scope: &str) -> Result<Option<Instant>> {
        Ok(self.row(NEWEST, values![scope], first).await?.flatten())
    }
}

impl EntryRow {
    pub(crate) fn insert(self) -> Statement {
        let digest = Digest::of_json(&self);
        let values = values![
            self.scope,
            self.id,
            self.at,
            self.actor,
            roles(&self.roles),
            self.action,
            self.object,
            self.case,
            self.object_hash,
            self.decision,
            self.policy_set_hash,
            remit_kernel::hash::canonical(&self.policy_ids),
            self.purpose,
            self.country,
            self.request_id,
            remit_kernel::hash::canonical(&self.commitments),
            digest,
        ];
        Statement { sql: INSERT, values }
    }
}

impl StoredEntry {
    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            entry: EntryRow {
                scope: columns.take()?,
                id: columns.take()?,
                at: columns.take()?,
                actor: columns.take()?,
                roles: columns.take()?,
                action: columns.take()?,
                object: columns.take()?,
                case: columns.take()?,
                object_hash: columns.take()?,
                decision: columns.take()?,
                policy_set_hash: columns.take()?,
                policy_ids: columns.take()?,
                purpose: columns.take()?,
                country: columns.take()?,
                request_id: columns.take()?,
                commitments: columns.take()?,
            },
            digest: columns.take()?,
            leaf_index: columns.take()?,
        })
    }

    /// Returns whether the entry is the one that was written.
    pub fn is_whole(&self) -> bool {
        Digest::of_json(&self.entry) == self.digest
    }

    /// Returns the place of this entry.
    pub fn key(&self) -> EntryKey {
        EntryKey { at: self.entry.at, id: self.entry.id }
    }
}

impl EntryKey {
    /// Returns the values below which a page begins; `~` sorts after every identifier.
    fn bound(before: Option<Self>) -> (Instant, String) {
        before.map_or((Instant::from_micros(i64::MAX), "~".to_owned()), |key| (key.at, key.id.to_string()))
    }
}

impl From<Decision> for Value {
    fn from(decision: Decision) -> Self {
        Self::from(match decision {
            Decision::Allow => "allow",
            Decision::Deny => "deny",
        })
    }
}

impl Column for Decision {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match String::read(cell)?.as_str() {
            "allow" => Some(Self::Allow),
            "deny" => Some(Self::Deny),
            _ => None,
        }
    }
}

impl Column for Vec<String> {
    fn read(cell: Cell<'_>) -> Option<Self> {
        serde_json::from_str(&String::read(cell)?).ok()
    }
}

impl Column for Vec<Digest> {
    fn read(cell: Cell<'_>) -> Option<Self> {
        serde_json::from_str(&String::read(cell)?).ok()
    }
}
