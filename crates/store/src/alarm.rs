//! Alarms: those that wait for a person, and what became of the others.

use remit_kernel::index::AlarmRow;

use crate::{
    Store,
    dialect::Columns,
    error::{Result, Unreadable},
    index::Indexed,
    value::Value,
};

macro_rules! alarm_columns {
    () => {
        "alarm_id, yardstick, question, reader_id, site, raised_at, closed_at, cause"
    };
}

statements! {
    LIST = concat!("SELECT ", alarm_columns!(), " FROM alarms WHERE scope_id = $1 ORDER BY raised_at DESC, alarm_id");
    OPEN = concat!("SELECT ", alarm_columns!(), " FROM alarms \
        WHERE scope_id = $1 AND closed_at IS NULL ORDER BY raised_at, alarm_id LIMIT $2");
}

impl Store {
    /// Returns every alarm of an engagement, the latest first.
    pub async fn list_alarms(&self, scope: &str) -> Result<Vec<AlarmRow>> {
        self.rows(LIST, values![scope], AlarmRow::read).await
    }

    /// Returns the alarms that nobody has closed, oldest first, at most `limit`.
    pub async fn open_alarms(&self, scope: &str, limit: u32) -> Result<Vec<AlarmRow>> {
        self.rows(OPEN, values![scope, limit], AlarmRow::read).await
    }
}

impl Indexed for AlarmRow {
    const UPSERT: &'static str = "INSERT INTO alarms \
        (scope_id, alarm_id, yardstick, question, reader_id, site, raised_at, closed_at, cause) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (scope_id, alarm_id) DO UPDATE \
        SET yardstick = excluded.yardstick, question = excluded.question, reader_id = excluded.reader_id, \
        site = excluded.site, raised_at = excluded.raised_at, closed_at = excluded.closed_at, cause = excluded.cause";
    const DELETE: &'static str = "DELETE FROM alarms WHERE scope_id = $1 AND alarm_id = $2";
    const PAGE: &'static str = concat!(
        "SELECT ",
        alarm_columns!(),
        " FROM alarms WHERE scope_id = $1 AND alarm_id > $2 ORDER BY alarm_id LIMIT $3"
    );

    fn key(&self) -> Vec<Value> {
        values![self.alarm]
    }

    fn least() -> Vec<Value> {
        values![""]
    }

    fn values(&self) -> Vec<Value> {
        values![
            self.alarm,
            self.yardstick,
            &self.question,
            self.reader,
            self.site.as_deref(),
            self.raised_at,
            self.closed_at,
            self.cause,
        ]
    }

    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable> {
        Ok(Self {
            alarm: columns.take()?,
            yardstick: columns.take()?,
            question: columns.take()?,
            reader: columns.take()?,
            site: columns.take()?,
            raised_at: columns.take()?,
            closed_at: columns.take()?,
            cause: columns.take()?,
        })
    }
}
