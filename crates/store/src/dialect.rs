//! Everything in which the two databases differ: connecting, binding, reading cells, telling violations apart, migrations.
//!
//! The statements themselves are portable and live with their nouns.

mod address;
mod gather;
mod postgres;
mod sqlite;

pub(crate) use address::Address;
pub(crate) use postgres::{ANSWER_MAX, Listener, Session, table_text, unknown, unreachable};
pub(crate) use sqlite::Connection;

use crate::{
    error::Unreadable,
    value::{Cell, Column, Value},
};

/// Cells quoted to name an unreadable row.
const CELLS_QUOTED: usize = 3;

/// A row as its driver gives it.
#[derive(Clone, Copy)]
enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl<'r> Row<'r> {
    fn cell(self, at: usize) -> Option<Cell<'r>> {
        match self {
            Self::Sqlite(row) => sqlite::cell(row, at),
            Self::Postgres(row) => postgres::cell(row, at),
        }
    }

    fn len(self) -> usize {
        match self {
            Self::Sqlite(row) => row.as_ref().column_count(),
            Self::Postgres(row) => row.len(),
        }
    }

    fn column(self, at: usize) -> Option<String> {
        match self {
            Self::Sqlite(row) => row.as_ref().column_name(at).ok().map(str::to_owned),
            Self::Postgres(row) => row.columns().get(at).map(|column| column.name().to_owned()),
        }
    }
}

/// The cells of one row, taken from left to right.
pub(crate) struct Columns<'r> {
    row: Row<'r>,
    at: usize,
}

impl<'r> Columns<'r> {
    fn of(row: Row<'r>) -> Self {
        Self { row, at: 0 }
    }

    /// Returns the next cell's value.
    pub(crate) fn take<T: Column>(&mut self) -> std::result::Result<T, Unreadable> {
        let value = self.row.cell(self.at).and_then(T::read).ok_or_else(|| self.unreadable());
        self.at += 1;
        value
    }

    /// Returns the values that are left, whatever they are.
    pub(crate) fn rest(&mut self) -> std::result::Result<Vec<Value>, Unreadable> {
        (self.at..self.row.len()).map(|_| self.take()).collect()
    }

    fn unreadable(&self) -> Unreadable {
        let quote = |at| self.row.cell(at).map_or_else(|| "?".to_owned(), |cell| format!("{cell:?}"));
        Unreadable {
            column: self.row.column(self.at).unwrap_or_else(|| "?".to_owned()),
            row: (0..CELLS_QUOTED.min(self.at)).map(quote).collect::<Vec<_>>().join(", "),
        }
    }
}

/// Returns the value of a row's first cell: for statements that ask for one.
pub(crate) fn first<T: Column>(columns: &mut Columns<'_>) -> std::result::Result<T, Unreadable> {
    columns.take()
}
