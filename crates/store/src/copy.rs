//! Copying everything from one store into an empty one, from either database to either.
//!
//! Rows are read as they stood at one moment and written as they are: what they mean plays no part. A test holds the
//! list of tables against the tables that there are.

use std::sync::LazyLock;

use crate::{
    Store,
    dialect::first,
    error::{Result, StoreError},
    value::{Statement, Value},
};

/// Rows read at a time.
const PAGE: u32 = 1_000;
/// Rows written in one transaction.
const BATCH: usize = 250;

/// Every table with its columns, those of the key first; how many of them are the key.
const TABLES: &[(&str, &str, usize)] = &[
    ("events", "scope_id, stream, stream_version, act_id, kind, v, recorded_at, body, digest", 3),
    ("snapshots", "scope_id, stream, version, shape, head, body", 2),
    ("texts", "scope_id, id, case_id, salt, commitment, body, erased_at", 2),
    (
        "entries",
        "scope_id, id, at, actor, roles, action, object, case_id, object_hash, decision, policy_set_hash, policy_ids, \
         purpose, country, request_id, commitments, digest, leaf_index",
        2,
    ),
    ("kept_answers", "scope_id, person_id, route, idempotency_key, fingerprint, body, kept_at", 4),
    ("drafts", "scope_id, person_id, stream, body, updated_at", 3),
    ("jobs", "scope_id, id, name, body, run_at, attempts, lease, leased_until, error, stopped_at", 2),
    ("packs", "digest, name, version, body", 1),
    ("verifications", "at, ok, first_difference, counts", 1),
    ("logins", "person_id, name, password_hash, changed_at", 1),
    ("sessions", "token_hash, id, person_id, kind, label, created_at, last_seen_at, expires_at, reauth_at", 1),
    ("login_attempts", "attempt_key, at", 2),
    ("engagements", "scope_id, name_id, client_id, provider_id, status, drafted_at", 1),
    ("members", "scope_id, person_id, side, roles, active, capacity, load", 2),
    (
        "cases",
        "scope_id, case_id, reference_id, reference_key, title_id, case_type, status, origin, line_id, owner_id, \
         jurisdiction, urgent, due_at, received_at, since, revision, changed_after_agreement, showing",
        2,
    ),
    ("seats", "scope_id, case_id, seat, need, due_at", 3),
    ("needs", "scope_id, need, body", 2),
    ("duties", "scope_id, case_id, duty, ordinal, assignment_id, person_id, status, taken_at, due_at", 4),
    ("panels", "scope_id, case_id, status, origin, planned, sealed, disputed, other_evidence, spared", 2),
    ("disputes", "scope_id, case_id, question, origin", 3),
    ("answers", "scope_id, case_id, reading_id, question, reader_id, answer, part, origin, revealed", 4),
    (
        "golds",
        "scope_id, gold_id, case_id, pack, case_type, status, version, questions, shown, answered, passed, proposed_at",
        2,
    ),
    (
        "showings",
        "scope_id, case_id, gold_id, person_id, stands_for, shown_at, withheld_until, closes_at, answered_at, questions, \
         missed, told, rebuttal",
        2,
    ),
    ("calibrations", "scope_id, calibration_id, title_id, status, cases, invited, opened_at, ends_at, findings", 2),
    ("invitees", "scope_id, calibration_id, person_id, cases_read, present", 3),
    ("alarms", "scope_id, alarm_id, yardstick, question, reader_id, site, raised_at, closed_at, cause", 2),
    ("precedents", "scope_id, precedent_id, pack, case_type, question, status, since", 2),
    (
        "reviews",
        "scope_id, review_id, case_id, lot_id, kind, status, reviewer_id, drawn_at, finished_at, twin_id, rework",
        2,
    ),
    ("defects", "scope_id, review_id, ordinal, case_id, lot_id, kind, severity, question", 3),
    (
        "lots",
        "scope_id, lot_id, line_id, case_type, number, status, opened_at, ends_at, size, drawn, reviewed, found",
        2,
    ),
    ("lot_seeds", "scope_id, lot_id, seed", 2),
    ("readings", "scope_id, case_id, reading_id, reader_id, part, origin, read_at", 3),
    ("known_answers", "scope_id, case_id, question, known, answer", 4),
    ("organisations", "scope_id, org_id, name_id", 2),
    ("people", "scope_id, person_id, natural_id, org_id, name_id, active, signs_in", 2),
    ("credentials", "scope_id, credential_id, person_id, kind, jurisdiction, valid_from, valid_to, revoked", 2),
];

/// Tables whose rows belong to an installation, not to its data: who holds which lease, which migrations were applied.
const LEFT_BEHIND: &[&str] = &["leases", "migrations"];

/// The statements of one table.
struct Copied {
    table: &'static str,
    keys: usize,
    first: &'static str,
    next: &'static str,
    insert: &'static str,
    any: &'static str,
}

/// Made once, of constants alone.
static STATEMENTS: LazyLock<Vec<Copied>> = LazyLock::new(|| TABLES.iter().map(Copied::of).collect());

/// What was copied of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableCopied {
    /// Its name.
    pub table: &'static str,
    /// How many rows.
    pub rows: u64,
}

impl Store {
    /// Copies everything, as it stands at this moment, into an empty store; `told` hears how far it has come.
    ///
    /// What a store keeps of its own running (leases, applied migrations) is not copied.
    /// [`StoreError::NotEmpty`] if there is anything in the other store. If copying fails midway, what was copied stays:
    /// begin again with an empty store.
    #[expect(clippy::redundant_closure_for_method_calls, reason = "only a closure fits whatever lifetime the row has")]
    pub async fn copy_into(&self, to: &Self, mut told: impl FnMut(TableCopied)) -> Result<Vec<TableCopied>> {
        for copied in &*STATEMENTS {
            if to.row(copied.any, values![], first::<u8>).await?.is_some() {
                return Err(StoreError::NotEmpty { table: copied.table });
            }
        }
        let from = self.frozen().await?;
        let mut all = Vec::new();
        for copied in &*STATEMENTS {
            let mut done = TableCopied { table: copied.table, rows: 0 };
            let mut page = from.rows(copied.first, values![PAGE], |columns| columns.rest()).await?;
            while let Some(last) = page.last() {
                let after: Vec<Value> = last.iter().take(copied.keys).cloned().chain(values![PAGE]).collect();
                done.rows += page.len() as u64;
                let mut rows = page.into_iter().map(|values| Statement { sql: copied.insert, values }).peekable();
                while rows.peek().is_some() {
                    to.change(rows.by_ref().take(BATCH).collect()).await?;
                }
                told(done);
                page = from.rows(copied.next, after, |columns| columns.rest()).await?;
            }
            all.push(done);
        }
        Ok(all)
    }
}

impl Copied {
    fn of((table, columns, keys): &(&'static str, &'static str, usize)) -> Self {
        let names: Vec<&str> = columns.split(", ").collect();
        let places = |count: usize| (1..=count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ");
        let key = names.get(..*keys).unwrap_or(&names).join(", ");
        let select = format!("SELECT {columns} FROM {table}");
        Self {
            table,
            keys: *keys,
            first: format!("{select} ORDER BY {key} LIMIT $1").leak(),
            next: format!("{select} WHERE ({key}) > ({}) ORDER BY {key} LIMIT ${}", places(*keys), keys + 1).leak(),
            insert: format!("INSERT INTO {table} ({columns}) VALUES ({})", places(names.len())).leak(),
            any: format!("SELECT 1 FROM {table} LIMIT 1").leak(),
        }
    }
}

/// Every statement of this file.
pub(crate) fn all() -> Vec<&'static str> {
    STATEMENTS.iter().flat_map(|copied| [copied.first, copied.next, copied.insert, copied.any]).collect()
}

/// Returns every table with its columns as it is copied, and the tables that are left behind.
pub(crate) fn tables() -> (&'static [(&'static str, &'static str, usize)], &'static [&'static str]) {
    (TABLES, LEFT_BEHIND)
}
