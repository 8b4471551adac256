//! How the store stands: whether it takes writes, what waits in it, and which cases run out of time. Counts only, no content.

use remit_kernel::time::Instant;

use crate::{Store, error::Result, value::Statement};

/// The states in which a case's promise is kept or at least no longer running.
macro_rules! running {
    () => {
        "('scope_query', 'ready', 'reading', 'adjudicating', 'resolved', 'awaiting_sign_off', 'signed_off', 'revision')"
    };
}

statements! {
    /// Changes nothing, and yet takes the writer's turn and the database's lock for writing.
    PROBE = "UPDATE verifications SET ok = ok WHERE at = $1";
    NEWEST_ENTRY = "SELECT MAX((SELECT MAX(n.at) FROM entries n WHERE n.scope_id = s.scope_id)) \
        FROM (SELECT 'dir' AS scope_id UNION ALL SELECT scope_id FROM engagements) s";
    /// By the index on scope, status and due date: what is settled is not looked at. History from files runs no clock.
    CLOCKS = concat!("SELECT CAST(COALESCE(SUM(CASE WHEN c.due_at < $1 THEN 1 ELSE 0 END), 0) AS BIGINT), COUNT(*) \
        FROM engagements e JOIN cases c ON c.scope_id = e.scope_id \
        WHERE c.status IN ", running!(), " AND c.due_at < $2 AND c.origin = 'witnessed' AND NOT c.showing");
    DUE = "SELECT COUNT(*), MIN(run_at) FROM jobs \
        WHERE stopped_at IS NULL AND run_at <= $1 AND (leased_until IS NULL OR leased_until <= $2)";
    LEASED = "SELECT COUNT(*) FROM jobs WHERE stopped_at IS NULL AND leased_until > $1";
    STOPPED = "SELECT COUNT(*) FROM jobs WHERE stopped_at IS NOT NULL";
    SEATS = "SELECT COUNT(*) FROM seats";
}

/// Cases whose promised time has passed or comes close.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CaseClocks {
    /// Past their due time and not delivered.
    pub overdue: u64,
    /// Due before the horizon, not overdue, and not delivered.
    pub at_risk: u64,
}

/// What waits in the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Jobs that are due and held by nobody.
    pub jobs_due: u64,
    /// When the oldest of them was due.
    pub oldest_due_at: Option<Instant>,
    /// Jobs that a node works on.
    pub jobs_leased: u64,
    /// Jobs that were given up.
    pub jobs_stopped: u64,
    /// Seats that wait for a reader.
    pub seats_open: u64,
}

impl Store {
    /// Asks for a turn of the writer, as every write does, and changes nothing. Returns once it was given.
    pub async fn probe(&self) -> Result<()> {
        self.change(vec![Statement { sql: PROBE, values: values![-1_i64] }]).await?;
        Ok(())
    }

    /// Returns when the newest entry of all scopes was made.
    pub async fn newest_entry(&self) -> Result<Option<Instant>> {
        Ok(self.row(NEWEST_ENTRY, values![], crate::dialect::first).await?.flatten())
    }

    /// Returns how many cases of all engagements are overdue at `now`, and how many more are due before `horizon`.
    pub async fn case_clocks(&self, now: Instant, horizon: Instant) -> Result<CaseClocks> {
        let counted =
            self.row(CLOCKS, values![now, horizon], |row| Ok((row.take::<u64>()?, row.take::<u64>()?))).await?;
        let (overdue, due) = counted.unwrap_or_default();
        Ok(CaseClocks { overdue, at_risk: due - overdue })
    }

    /// Returns what waits in the store at `now`.
    pub async fn backlog(&self, now: Instant) -> Result<Backlog> {
        let due = self.row(DUE, values![now, now], |row| Ok((row.take()?, row.take()?))).await?;
        let (jobs_due, oldest_due_at) = due.unwrap_or_default();
        Ok(Backlog {
            jobs_due,
            oldest_due_at,
            jobs_leased: self.count(LEASED, values![now]).await?,
            jobs_stopped: self.count(STOPPED, values![]).await?,
            seats_open: self.count(SEATS, values![]).await?,
        })
    }
}
