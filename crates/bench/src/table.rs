//! The one table that a run prints.

use std::fmt;

/// What was measured, what it is held against, and what the ratio of the two should be.
#[derive(Debug, Clone)]
pub(crate) struct Row {
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
    let head = ["what", "measured", "against", "ratio", "goal", ""].map(str::to_owned);
    let cells = rows.iter().map(|row| {
        let ratio = if row.ratio < 10.0 { format!("{:.2}", row.ratio) } else { format!("{:.0}", row.ratio) };
        let met = row.goal.met(row.ratio).to_owned();
        [row.what.clone(), row.measured.clone(), row.reference.clone(), ratio, row.goal.to_string(), met]
    });
    let lines: Vec<_> = std::iter::once(head).chain(cells).collect();
    let widths: [usize; 6] =
        std::array::from_fn(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0));
    let rule = widths.map(|width| "-".repeat(width));
    let mut out = String::new();
    for line in std::iter::once(&lines[0]).chain([&rule]).chain(&lines[1..]) {
        for (cell, width) in line.iter().zip(widths) {
            out.extend(["| ", cell, &" ".repeat(width.saturating_sub(cell.chars().count()) + 1)]);
        }
        out.push_str("|\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_whether_its_goal_was_met() {
        let row = |ratio, goal| Row { what: "x".into(), measured: "1".into(), reference: "2".into(), ratio, goal };
        let text = table(&[row(0.5, Goal::AtLeast(0.5)), row(1.31, Goal::AtMost(1.3)), row(2.0, Goal::None)]);
        let met: Vec<_> = text.lines().skip(2).map(|line| line.split('|').nth(6).unwrap_or_default().trim()).collect();
        assert_eq!(met, ["met", "MISSED", ""], "{text}");
    }
}
