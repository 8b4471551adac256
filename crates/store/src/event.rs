//! Events, and the states they fold to. Both are opaque here.

use std::collections::HashMap;

use remit_kernel::{hash::Digest, id::ActId, time::Instant};

use crate::{
    Expect, Store,
    dialect::{Columns, first},
    error::{Result, Unreadable},
    value::{Statement, keys},
};

macro_rules! event_columns {
    () => {
        "stream, stream_version, kind, v, body, digest, act_id, recorded_at"
    };
}

macro_rules! snapshot_columns {
    () => {
        "stream, version, shape, head, body"
    };
}

statements! {
    INSERT = "INSERT INTO events (scope_id, stream, stream_version, act_id, kind, v, recorded_at, body, digest) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    OF_STREAM = concat!("SELECT ", event_columns!(), " FROM events \
        WHERE scope_id = $1 AND stream = $2 AND recorded_at <= $3 ORDER BY stream_version");
    PAGE = concat!("SELECT ", event_columns!(), " FROM events \
        WHERE scope_id = $1 AND (stream, stream_version) > ($2, $3) ORDER BY stream, stream_version LIMIT $4");
    VERSION = "SELECT version, head FROM snapshots WHERE scope_id = $1 AND stream = $2";
    UPSERT_SNAPSHOT = "INSERT INTO snapshots (scope_id, stream, version, shape, head, body) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (scope_id, stream) DO UPDATE \
        SET version = excluded.version, shape = excluded.shape, head = excluded.head, body = excluded.body";
    SNAPSHOTS = concat!("SELECT ", snapshot_columns!(), " FROM snapshots \
        WHERE scope_id = $1 AND stream IN (SELECT key FROM json_each($2))");
    COUNT = "SELECT COUNT(*) FROM events WHERE scope_id = $1 AND stream >= $2 AND stream < $3";
    SNAPSHOT_PAGE = concat!("SELECT ", snapshot_columns!(), " FROM snapshots \
        WHERE scope_id = $1 AND stream > $2 ORDER BY stream LIMIT $3");
}

/// An event on its way into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// The stream, such as `case/case_01...`.
    pub stream: String,
    /// Its place in the stream, from 1.
    pub version: u64,
    /// What happened.
    pub kind: String,
    /// Version of the kind's shape.
    pub v: u16,
    /// Canonical JSON.
    pub body: String,
    /// Digest that chains it to the event before.
    pub digest: Digest,
}

/// An event as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields of `EventRow`, the act and the instant")]
pub struct StoredEvent {
    pub stream: String,
    pub version: u64,
    pub kind: String,
    pub v: u16,
    pub body: String,
    pub digest: Digest,
    pub act: ActId,
    pub recorded_at: Instant,
}

/// A place among the events of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventKey {
    /// The stream.
    pub stream: String,
    /// The place in it.
    pub version: u64,
}

/// A state as stored: the fold of a stream up to `version`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRow {
    /// The stream.
    pub stream: String,
    /// Version of the last event in it.
    pub version: u64,
    /// Shape of the body; another shape than the reader's means: fold again.
    pub shape: u32,
    /// Digest of the last event.
    pub head: Digest,
    /// Canonical JSON.
    pub body: String,
}

impl Store {
    /// Returns the states of these streams, in their order, all as they stood at one moment.
    pub async fn snapshots(&self, scope: &str, streams: &[String]) -> Result<Vec<Option<SnapshotRow>>> {
        let rows = self.rows(SNAPSHOTS, values![scope, keys(streams)], SnapshotRow::read).await?;
        let by_stream: HashMap<&str, &SnapshotRow> = rows.iter().map(|row| (row.stream.as_str(), row)).collect();
        Ok(streams.iter().map(|stream| by_stream.get(stream.as_str()).map(|row| (*row).clone())).collect())
    }

    /// Returns the events of a stream in order; with `until`, those recorded up to and at that instant.
    pub async fn events(&self, scope: &str, stream: &str, until: Option<Instant>) -> Result<Vec<StoredEvent>> {
        let until = until.unwrap_or(Instant::from_micros(i64::MAX));
        self.rows(OF_STREAM, values![scope, stream, until], StoredEvent::read).await
    }

    /// Returns the next events of a scope after a key, by stream and version.
    pub async fn events_page(&self, scope: &str, after: Option<&EventKey>, limit: u32) -> Result<Vec<StoredEvent>> {
        let (stream, version) = after.map_or(("", 0), |key| (key.stream.as_str(), key.version));
        self.rows(PAGE, values![scope, stream, version, limit], StoredEvent::read).await
    }

    /// Returns how many events there are in the streams of one kind, such as `panel`. Events are only ever added: while
    /// the number is the same, so are those streams and all that is made of them.
    pub async fn count_events(&self, scope: &str, kind: &str) -> Result<u64> {
        // What follows the slash in the order of characters ends the kind's streams.
        let (from, to) = (format!("{kind}/"), format!("{kind}0"));
        Ok(self.row(COUNT, values![scope, from, to], first).await?.unwrap_or_default())
    }

    /// Returns the next states of a scope after a stream, by stream.
    pub async fn snapshots_page(&self, scope: &str, after: Option<&str>, limit: u32) -> Result<Vec<SnapshotRow>> {
        self.rows(SNAPSHOT_PAGE, values![scope, after.unwrap_or(""), limit], SnapshotRow::read).await
    }
}

impl Expect {
    pub(crate) fn find(&self, scope: &str) -> Statement {
        Statement { sql: VERSION, values: values![scope, &self.stream] }
    }
}

impl EventRow {
    pub(crate) fn insert(self, scope: &str, at: Instant, act: ActId) -> Statement {
        let values = values![scope, self.stream, self.version, act, self.kind, self.v, at, self.body, self.digest];
        Statement { sql: INSERT, values }
    }
}

impl StoredEvent {
    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            stream: columns.take()?,
            version: columns.take()?,
            kind: columns.take()?,
            v: columns.take()?,
            body: columns.take()?,
            digest: columns.take()?,
            act: columns.take()?,
            recorded_at: columns.take()?,
        })
    }

    /// Returns the place of this event.
    pub fn key(&self) -> EventKey {
        EventKey { stream: self.stream.clone(), version: self.version }
    }
}

impl SnapshotRow {
    pub(crate) fn upsert(self, scope: &str) -> Statement {
        let values = values![scope, self.stream, self.version, self.shape, self.head, self.body];
        Statement { sql: UPSERT_SNAPSHOT, values }
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            stream: columns.take()?,
            version: columns.take()?,
            shape: columns.take()?,
            head: columns.take()?,
            body: columns.take()?,
        })
    }
}
