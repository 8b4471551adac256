//! Index rows: written as the difference between what a state gave before and what it gives now.

use remit_kernel::index::{
    AlarmRow, AnswerRow, CalibrationRow, CaseRow, CredentialRow, DefectRow, DisputeRow, DutyRow, EngagementRow,
    GoldRow, InviteeRow, KnownAnswerRow, LotRow, MemberRow, NeedRow, OrganisationRow, PanelRow, PersonRow,
    PrecedentRow, ReadingRow, ReviewRow, Row, SeatRow, ShowingRow,
};

use crate::{
    Store,
    dialect::Columns,
    error::{Result, Unreadable},
    value::{Statement, Value},
};

/// How the index rows of one stream change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexChange {
    /// The stream.
    pub stream: String,
    /// The rows its state gave before.
    pub old: Vec<Row>,
    /// The rows its state gives now.
    pub new: Vec<Row>,
}

/// A row type and the statements of its table.
pub(crate) trait Indexed: Sized + Send + 'static {
    /// Values: the scope, then those of [`Indexed::values`].
    const UPSERT: &'static str;
    /// Values: the scope, then the key.
    const DELETE: &'static str;
    /// Values: the scope, the key after which the page begins, the limit.
    const PAGE: &'static str;

    /// Returns the key beyond the scope.
    fn key(&self) -> Vec<Value>;
    /// Returns a key before every key.
    fn least() -> Vec<Value>;
    /// Returns every column beyond the scope, in the order of the statements.
    fn values(&self) -> Vec<Value>;
    /// Reads the columns in that order.
    fn read(columns: &mut Columns<'_>) -> std::result::Result<Self, Unreadable>;
}

/// Declares the tables once: the enum of them, and how a row and a table find their statements.
macro_rules! tables {
    ($($variant:ident $row:ident $name:literal;)*) => {
        /// The index tables.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each is the table of the row type of its name")]
        pub enum Table { $($variant),* }

        impl Table {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the table of a row.
            pub fn of(row: &Row) -> Self {
                match row { $(Row::$variant(_) => Self::$variant),* }
            }

            /// Returns the table's name in the database.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }

        fn key(row: &Row) -> Vec<Value> {
            match row { $(Row::$variant(row) => row.key()),* }
        }

        fn upsert(scope: &str, row: &Row) -> Statement {
            match row { $(Row::$variant(row) => after_scope($row::UPSERT, scope, row.values())),* }
        }

        fn delete(scope: &str, row: &Row) -> Statement {
            match row { $(Row::$variant(row) => after_scope($row::DELETE, scope, row.key())),* }
        }

        impl Store {
            /// Returns the next rows of an index table after a row of it, by key.
            pub async fn index_page(
                &self,
                scope: &str,
                table: Table,
                after: Option<&Row>,
                limit: u32,
            ) -> Result<Vec<Row>> {
                match table { $(Table::$variant => {
                    // A table without a key beyond the scope has one row, and nothing after it.
                    if after.is_some() && $row::least().is_empty() {
                        return Ok(Vec::new());
                    }
                    let after = after.map_or_else($row::least, key);
                    let values = values![scope].into_iter().chain(after).chain(values![limit]).collect();
                    self.rows($row::PAGE, values, |columns| $row::read(columns).map(Row::$variant)).await
                }),* }
            }
        }

        /// Every statement of the tables.
        pub(crate) const ALL: &[&str] = &[$($row::UPSERT, $row::DELETE, $row::PAGE),*];
    };
}

tables! {
    Engagement EngagementRow "engagements";
    Member MemberRow "members";
    Case CaseRow "cases";
    Seat SeatRow "seats";
    Need NeedRow "needs";
    Duty DutyRow "duties";
    Panel PanelRow "panels";
    Dispute DisputeRow "disputes";
    Answer AnswerRow "answers";
    Gold GoldRow "golds";
    Showing ShowingRow "showings";
    Calibration CalibrationRow "calibrations";
    Invitee InviteeRow "invitees";
    Precedent PrecedentRow "precedents";
    Alarm AlarmRow "alarms";
    Review ReviewRow "reviews";
    Defect DefectRow "defects";
    Lot LotRow "lots";
    Reading ReadingRow "readings";
    KnownAnswer KnownAnswerRow "known_answers";
    Organisation OrganisationRow "organisations";
    Person PersonRow "people";
    Credential CredentialRow "credentials";
}

/// Returns the key of an index row beyond the scope, its parts apart by a space.
pub fn key_of(row: &Row) -> String {
    let parts = key(row).into_iter().map(|part| match part {
        Value::Text(text) => text,
        Value::Int(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Bytes(_) => String::new(),
    });
    parts.collect::<Vec<_>>().join(" ")
}

impl IndexChange {
    /// Returns the statements that make the difference of several changes.
    pub(crate) fn statements(changes: &[Self], scope: &str) -> Vec<Statement> {
        let mut statements = Vec::new();
        for change in changes {
            let same_key = |one: &Row, other: &Row| Table::of(one) == Table::of(other) && key(one) == key(other);
            let gone = change.old.iter().filter(|old| !change.new.iter().any(|new| same_key(old, new)));
            statements.extend(gone.map(|old| delete(scope, old)));
            statements.extend(change.new.iter().filter(|new| !change.old.contains(new)).map(|new| upsert(scope, new)));
        }
        statements
    }
}

fn after_scope(sql: &'static str, scope: &str, values: Vec<Value>) -> Statement {
    Statement { sql, values: values![scope].into_iter().chain(values).collect() }
}
