//! Jobs: work after the answer, written with the act that causes it, claimed under a lease, tried again after failure.

use remit_kernel::{id::JobId, time::Instant};

use crate::{
    Store,
    dialect::{Columns, first},
    error::{Result, Unreadable},
    value::Statement,
};

macro_rules! columns {
    () => {
        "scope_id, id, name, body, run_at, attempts, lease, error, stopped_at"
    };
}

statements! {
    INSERT = "INSERT INTO jobs (scope_id, id, name, body, run_at, attempts) VALUES ($1, $2, $3, $4, $5, 0)";
    /// The outer condition is the inner one again: where two claim at once, the second finds the row leased. It is
    /// written so that no index serves it, and the few rows are found by their key.
    CLAIM = "UPDATE jobs SET lease = $1, leased_until = $2, attempts = attempts + 1 \
        WHERE COALESCE(leased_until, 0) <= $3 AND COALESCE(stopped_at, 0) = 0 AND (scope_id, id) IN ( \
            SELECT scope_id, id FROM jobs \
            WHERE stopped_at IS NULL AND run_at <= $3 AND (leased_until IS NULL OR leased_until <= $3) \
            ORDER BY run_at LIMIT $4)";
    CLAIMED = concat!("SELECT ", columns!(), " FROM jobs WHERE lease = $1 ORDER BY run_at, id");
    FINISH = "DELETE FROM jobs WHERE scope_id = $1 AND id = $2 AND lease = $3";
    RETRY = "UPDATE jobs SET lease = NULL, leased_until = NULL, run_at = $1, error = $2 \
        WHERE scope_id = $3 AND id = $4 AND lease = $5";
    STOP = "UPDATE jobs SET lease = NULL, leased_until = NULL, stopped_at = $1, error = $2 \
        WHERE scope_id = $3 AND id = $4 AND lease = $5";
    STOPPED = concat!("SELECT ", columns!(), " FROM jobs WHERE stopped_at IS NOT NULL ORDER BY stopped_at LIMIT $1");
    NEXT = "SELECT run_at FROM jobs WHERE stopped_at IS NULL AND leased_until IS NULL ORDER BY run_at LIMIT 1";
}

/// A job on its way into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// Key.
    pub id: JobId,
    /// What kind of work.
    pub name: String,
    /// What to work on, as JSON.
    pub body: String,
    /// Not before.
    pub run_at: Instant,
}

/// A job as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its scope.
    pub scope: String,
    /// What was written.
    pub row: JobRow,
    /// How often it was claimed, this time included.
    pub attempts: u32,
    /// The lease under which it is held.
    pub lease: Option<String>,
    /// How the last attempt failed.
    pub error: Option<String>,
    /// When it was given up.
    pub stopped_at: Option<Instant>,
}

impl Store {
    /// Claims the jobs due at `now`, oldest first, until `leased_until`. `lease` is a word that was never used before.
    pub async fn claim_jobs(&self, lease: &str, now: Instant, leased_until: Instant, limit: u32) -> Result<Vec<Job>> {
        let claim = Statement { sql: CLAIM, values: values![lease, leased_until, now, limit] };
        match self.change(vec![claim]).await? {
            0 => Ok(Vec::new()),
            1.. => self.rows(CLAIMED, values![lease], Job::read).await,
        }
    }

    /// Removes a job that is done. Returns whether it was still held under its lease.
    pub async fn finish_job(&self, job: &Job) -> Result<bool> {
        let values = values![&job.scope, job.row.id, job.lease.as_deref()];
        Ok(self.change(vec![Statement { sql: FINISH, values }]).await? == 1)
    }

    /// Puts a failed job back for `run_at`. Returns whether it was still held under its lease.
    pub async fn retry_job(&self, job: &Job, run_at: Instant, error: &str) -> Result<bool> {
        let values = values![run_at, error, &job.scope, job.row.id, job.lease.as_deref()];
        Ok(self.change(vec![Statement { sql: RETRY, values }]).await? == 1)
    }

    /// Gives a job up; it stays to be seen. Returns whether it was still held under its lease.
    pub async fn stop_job(&self, job: &Job, at: Instant, error: &str) -> Result<bool> {
        let values = values![at, error, &job.scope, job.row.id, job.lease.as_deref()];
        Ok(self.change(vec![Statement { sql: STOP, values }]).await? == 1)
    }

    /// Returns jobs that were given up, oldest first.
    pub async fn list_stopped_jobs(&self, limit: u32) -> Result<Vec<Job>> {
        self.rows(STOPPED, values![limit], Job::read).await
    }

    /// Returns when the next job that nobody holds is due.
    pub async fn next_job_at(&self) -> Result<Option<Instant>> {
        self.row(NEXT, values![], first).await
    }
}

impl JobRow {
    pub(crate) fn insert(self, scope: &str) -> Statement {
        Statement { sql: INSERT, values: values![scope, self.id, self.name, self.body, self.run_at] }
    }
}

impl Job {
    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            scope: columns.take()?,
            row: JobRow { id: columns.take()?, name: columns.take()?, body: columns.take()?, run_at: columns.take()? },
            attempts: columns.take()?,
            lease: columns.take()?,
            error: columns.take()?,
            stopped_at: columns.take()?,
        })
    }
}
