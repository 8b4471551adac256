//! The one table that a run prints.

use std::fmt;

/// What was measured, what it is held against, and what the ratio of the two should be.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The database measured; a dash where none takes part.
    pub(crate) database: &'static str,
    pub(crate) what: String,
    pub(crate) measured: String,
    pub(crate) reference: String,
    /// Measured by reference.
    pub(crate) ratio: f64,
    pub(crate) goal: Goal,
}

/// What a ratio should be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// Told for what it says, held to nothing.
    None,
}

impl Goal {
    fn met(self, ratio: f64) -> &'static str {
        match self {
            Self::AtLeast(least) if ratio < least => "MISSED",
            Self::AtMost(most) if ratio > most => "MISSED",
            Self::AtLeast(_) | Self::AtMost(_) => "met",
            Self::None => "",
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, ">= {least}"),
            Self::AtMost(most) => write!(f, "<= {most}"),
            Self::None => Ok(()),
        }
    }
}

/// Returns rows as a Markdown table whose columns line up in a terminal too.
pub(crate) fn table(rows: &[Row]) -> String {
    let head = ["database", "what", "measured", "against", "ratio", "goal", ""].map(str::to_owned);
    let cells = rows.iter().map(|row| {
        let ratio = if row.ratio < 10.0 { format!("{:.2}", row.ratio) } else { format!("{:.0}", row.ratio) };
        let met = row.goal.met(row.ratio).to_owned();
        let (what, measured, reference) = (row.what.clone(), row.measured.clone(), row.reference.clone());
        [row.database.to_owned(), what, measured, reference, ratio, row.goal.to_string(), met]
    });
    aligned(&std::iter::once(head).chain(cells).collect::<Vec<_>>())
}

/// Returns lines of cells, the first of them the head, as a Markdown table whose columns line up in a terminal too.
pub(crate) fn aligned<const COLUMNS: usize>(lines: &[[String; COLUMNS]]) -> String {
    let widths: [usize; COLUMNS] =
        std::array::from_fn(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0));
    let rule = widths.map(|width| "-".repeat(width));
    let mut out = String::new();
    for line in lines.iter().take(1).chain([&rule]).chain(lines.iter().skip(1)) {
        for (cell, width) in line.iter().zip(widths) {
            out.extend(["| ", cell, &" ".repeat(width.saturating_sub(cell.chars().count()) + 1)]);
        }
        out.push_str("|\n");
    }
    out
}

/// Returns how many goals are met and how many rows have one.
pub(crate) fn judged(rows: &[Row]) -> (usize, usize) {
    let met = |row: &&Row| row.goal.met(row.ratio) == "met";
    let held = |row: &&Row| !matches!(row.goal, Goal::None);
    (rows.iter().filter(met).count(), rows.iter().filter(held).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_whether_its_goal_was_met() {
        let row = |ratio, goal| Row {
            database: "SQLite",
            what: "x".into(),
            measured: "1".into(),
            reference: "2".into(),
            ratio,
            goal,
        };
        let rows = [row(0.5, Goal::AtLeast(0.5)), row(1.31, Goal::AtMost(1.3)), row(2.0, Goal::None)];
        let text = table(&rows);
        let met: Vec<_> = text.lines().skip(2).map(|line| line.split('|').nth(7).unwrap_or_default().trim()).collect();
        assert_eq!(met, ["met", "MISSED", ""], "{text}");
        assert_eq!(judged(&rows), (1, 2));
    }
}
