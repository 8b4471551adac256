//! Values on their way into a statement and out of a row, the same for every database.

use std::{collections::BTreeMap, fmt};

use remit_kernel::{
    alarm::{AlarmCause, Yardstick},
    calibration::CalibrationStatus,
    gold::{GoldStatus, RebuttalState},
    hash::Digest,
    id::{
        ActId, AlarmId, AssignmentId, CalibrationId, CaseId, CredentialId, EntryId, GoldId, JobId, LineId, LotId,
        OrgId, PersonId, PrecedentId, ReadingId, ReviewId, SessionId, TextId,
    },
    index::{
        CaseStatus, DefectKind, DutyStatus, EngagementStatus, Known, LotStatus, Origin, PanelStatus, Part, ReviewKind,
        ReviewStatus, Severity,
    },
    pack::Duty,
    precedent::PrecedentStatus,
    role::{Role, Side},
    time::{Date, Instant},
};

/// A value bound to a placeholder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    /// Returns roughly how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) | Self::Int(_) => size_of::<i64>(),
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

/// A value of a row, borrowed from the driver.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'r> {
    Null,
    Int(i64),
    Text(&'r str),
    Bytes(&'r [u8]),
}

/// A type that a column can hold.
pub(crate) trait Column: Sized {
    /// Returns the value, or nothing if the cell does not hold exactly what [`Value`] would write.
    fn read(cell: Cell<'_>) -> Option<Self>;
}

/// One statement with its values. Placeholders appear in the order of their numbers (SQLite counts them so).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) sql: &'static str,
    pub(crate) values: Vec<Value>,
}

/// Makes a `Vec<Value>` of anything that has a [`Value`].
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::value::Value::from($value)),*] };
}

/// Declares statements by name, and `ALL` of them for the test that prepares each.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* const $name: &str = $sql;)*
        /// Every statement of this file.
        pub(crate) const ALL: &[&str] = &[$($name),*];
    };
}

/// Returns a set of keys for `IN (SELECT key FROM json_each($n))`, the one form of set that both databases read.
pub(crate) fn keys<K: ToString>(keys: impl IntoIterator<Item = K>) -> Value {
    let set: BTreeMap<String, bool> = keys.into_iter().map(|key| (key.to_string(), true)).collect();
    Value::Text(remit_kernel::hash::canonical(&set))
}

/// Returns words joined by commas.
pub(crate) fn roles(roles: &[Role]) -> String {
    roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(",")
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<Instant> for Value {
    fn from(instant: Instant) -> Self {
        Self::Int(instant.micros())
    }
}

impl From<[u8; 32]> for Value {
    fn from(bytes: [u8; 32]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Column for Value {
    fn read(cell: Cell<'_>) -> Option<Self> {
        Some(match cell {
            Cell::Null => Self::Null,
            Cell::Int(number) => Self::Int(number),
            Cell::Text(text) => Self::Text(text.to_owned()),
            Cell::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
        })
    }
}

impl<'r> Cell<'r> {
    fn text(self) -> Option<&'r str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Int(_) | Self::Bytes(_) => None,
        }
    }
}

/// Returns whether a value is written as exactly this text.
fn writes(value: &impl fmt::Display, text: &str) -> bool {
    /// What is left of the text.
    struct Left<'t>(&'t str);
    impl fmt::Write for Left<'_> {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(part).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    let mut left = Left(text);
    fmt::write(&mut left, format_args!("{value}")).is_ok() && left.0.is_empty()
}

impl Column for String {
    fn read(cell: Cell<'_>) -> Option<Self> {
        cell.text().map(str::to_owned)
    }
}

impl Column for bool {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(0) => Some(false),
            Cell::Int(1) => Some(true),
            Cell::Null | Cell::Int(_) | Cell::Text(_) | Cell::Bytes(_) => None,
        }
    }
}

impl Column for Instant {
    fn read(cell: Cell<'_>) -> Option<Self> {
        i64::read(cell).map(Self::from_micros)
    }
}

impl Column for [u8; 32] {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => bytes.try_into().ok(),
            Cell::Null | Cell::Int(_) | Cell::Text(_) => None,
        }
    }
}

impl Column for Vec<Role> {
    fn read(cell: Cell<'_>) -> Option<Self> {
        let text = cell.text()?;
        text.split(',').filter(|word| !word.is_empty()).map(Role::from_word).collect()
    }
}

impl<T: Column> Column for Option<T> {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            Cell::Int(_) | Cell::Text(_) | Cell::Bytes(_) => T::read(cell).map(Some),
        }
    }
}

macro_rules! integers {
    ($($integer:ty),*) => { $(
        impl From<$integer> for Value {
            /// A number beyond `i64` is held at its end: versions and counts never come near.
            fn from(number: $integer) -> Self { Self::Int(i64::try_from(number).unwrap_or(i64::MAX)) }
        }
        impl Column for $integer {
            fn read(cell: Cell<'_>) -> Option<Self> {
                match cell {
                    Cell::Int(number) => Self::try_from(number).ok(),
                    Cell::Null | Cell::Text(_) | Cell::Bytes(_) => None,
                }
            }
        }
    )* };
}
integers!(i64, u64, u32, u16, u8);

/// Types whose text reads back; the text must be the very one that would be written.
macro_rules! texts {
    ($($text:ty),*) => { $(
        impl From<$text> for Value {
            fn from(value: $text) -> Self { Self::Text(value.to_string()) }
        }
        impl Column for $text {
            fn read(cell: Cell<'_>) -> Option<Self> {
                let text = cell.text()?;
                text.parse::<Self>().ok().filter(|value| writes(value, text))
            }
        }
    )* };
}
texts!(
    ActId,
    AlarmId,
    AssignmentId,
    CalibrationId,
    CaseId,
    CredentialId,
    EntryId,
    GoldId,
    JobId,
    LineId,
    LotId,
    OrgId,
    PersonId,
    PrecedentId,
    ReadingId,
    ReviewId,
    SessionId,
    TextId,
    Digest,
    Date
);

macro_rules! words {
    ($($word:ty),*) => { $(
        impl From<$word> for Value {
            fn from(value: $word) -> Self { Self::from(value.word()) }
        }
        impl Column for $word {
            fn read(cell: Cell<'_>) -> Option<Self> { Self::from_word(cell.text()?) }
        }
    )* };
}
words!(
    AlarmCause,
    CalibrationStatus,
    CaseStatus,
    DefectKind,
    DutyStatus,
    EngagementStatus,
    GoldStatus,
    Known,
    LotStatus,
    Origin,
    PanelStatus,
    Part,
    PrecedentStatus,
    RebuttalState,
    ReviewKind,
    ReviewStatus,
    Severity,
    Side,
    Yardstick
);

impl From<Duty> for Value {
    fn from(duty: Duty) -> Self {
        Self::from(match duty {
            Duty::Read => "read",
            Duty::Adjudicate => "adjudicate",
            Duty::Sign => "sign",
            Duty::Review => "review",
        })
    }
}

impl Column for Duty {
    fn read(cell: Cell<'_>) -> Option<Self> {
        [Self::Read, Self::Adjudicate, Self::Sign, Self::Review]
            .into_iter()
            .find(|duty| matches!((Value::from(*duty), cell), (Value::Text(word), Cell::Text(text)) if word == text))
    }
}
