//! What was done to the server, and whether it held: one row for each test of the list in `docs/guarantees.md`.

use std::fmt;

/// How a row came out.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It held; with the figure that shows it.
    Held(String),
    /// It did not.
    Broke(String),
    /// It cannot be shown here, and why.
    NotShown(String),
}

/// One row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) what: &'static str,
    pub(crate) mark: &'static str,
    pub(crate) rounds: usize,
    pub(crate) verdict: Verdict,
}

impl Row {
    pub(crate) fn broke(&self) -> bool {
        matches!(self.verdict, Verdict::Broke(_))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, what, mark, rounds, verdict } = self;
        let (word, detail) = match verdict {
            Verdict::Held(detail) => ("held", detail),
            Verdict::Broke(detail) => ("BROKE", detail),
            Verdict::NotShown(detail) => ("not shown", detail),
        };
        write!(f, "{id:<4} {word:<9} {what}, {rounds} rounds\n{:15}mark: {mark}\n{:15}{detail}", "", "")
    }
}
