//! Charts of quality, drawn by the server: points with their intervals on one scale, and tables of answers.

use askama::Template;

use super::sentence;
use crate::app::quality::{Confusion, PairQuality, QuestionQuality, Rate};

/// Rows drawn on one scale; the table below names the others.
const DRAWN_MAX: usize = 13;

/// Figures on one scale, each a point with its interval.
#[derive(Template)]
#[template(path = "quality/scale.html")]
pub(super) struct Scale {
    title: String,
    ticks: Vec<(String, f64)>,
    rows: Vec<ScaleRow>,
    height: usize,
}

/// One line of the scale; places are in units of the drawing.
struct ScaleRow {
    name: String,
    y: usize,
    point: f64,
    range: Option<(f64, f64)>,
}

/// One line of the scale before it is drawn: name, point, interval.
pub(super) type Point = (String, f64, Option<(f64, f64)>);

impl Scale {
    /// Returns the coefficients of a question: all readers first, then each pair. Below -0.2 nothing of use lies.
    pub(super) fn of(question: &QuestionQuality) -> Self {
        let all = ("All readers".to_owned(), &question.agreement);
        let pairs = question
            .pairs
            .iter()
            .map(|pair| (format!("{} – {}", pair.readers[0].name, pair.readers[1].name), &pair.agreement));
        let points = std::iter::once(all)
            .chain(pairs.filter(|_| question.pairs.len() > 1))
            .filter_map(|(name, agreement)| Some((name, agreement.value?, agreement.interval)));
        Self::new(
            format!("{}: {}", question.title, sentence(&question.agreement)),
            -0.2,
            &["0", "0.2", "0.4", "0.6", "0.8", "1"],
            points,
        )
    }

    /// Returns shares from 0 to 100 %, or from 50 % where all lie above.
    pub(super) fn shares(title: String, rates: impl Iterator<Item = (String, Rate)>) -> Self {
        let points: Vec<Point> =
            rates.filter_map(|(name, rate)| Some((name, rate.share?, rate.interval))).take(DRAWN_MAX).collect();
        let high = points.iter().all(|(_, point, range)| range.map_or(*point, |range| range.0) >= 0.5);
        if high && !points.is_empty() {
            Self::new(title, 0.5, &["50 %", "60 %", "70 %", "80 %", "90 %", "100 %"], points.into_iter())
        } else {
            Self::new(title, 0.0, &["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"], points.into_iter())
        }
    }

    /// Returns the scale from `from` to 1, 480 units wide, beginning at 180; its marks lie evenly up to 1.
    fn new(title: String, from: f64, marks: &[&str], points: impl Iterator<Item = Point>) -> Self {
        let place = |value: f64| (value.clamp(from, 1.0) - from) / (1.0 - from) * 480.0 + 180.0;
        let first = if from < 0.0 { 0.0 } else { from };
        let mark = |number: usize, mark: &&str| {
            #[expect(clippy::cast_precision_loss, reason = "a handful of marks")]
            let share = number as f64 / (marks.len().max(2) - 1) as f64;
            ((*mark).to_owned(), place(first + (1.0 - first) * share))
        };
        let ticks = marks.iter().enumerate().map(|(number, title)| mark(number, title)).collect();
        let rows: Vec<_> = points
            .take(DRAWN_MAX)
            .enumerate()
            .map(|(line, (name, value, range))| ScaleRow {
                name: name.chars().take(26).collect(),
                y: 16 + 24 * line,
                point: place(value),
                range: range.map(|(lower, upper)| (place(lower), place(upper))),
            })
            .collect();
        Self { title, ticks, height: 24 * rows.len() + 32, rows }
    }
}

/// How often one answer met another: one cell for each pair of answers, darker where more cases fall.
#[derive(Template)]
#[template(path = "quality/matrix.html")]
pub(super) struct Matrix {
    title: String,
    answers: Vec<(String, usize)>,
    cells: Vec<MatrixCell>,
    width: usize,
    height: usize,
}

struct MatrixCell {
    x: usize,
    y: usize,
    count: u64,
    /// Of the fill, as the drawing wants it.
    opacity: String,
    same: bool,
}

/// Width of the names of answers beside a matrix.
const LABEL: usize = 176;
/// Characters of a name that fit there: as many as tell "Significantly increased" from "Significantly decreased".
const LABEL_CHARS: usize = 26;

/// Returns a name as long as there is room for it, with a mark where it goes on.
fn cut(name: &str) -> String {
    if name.chars().count() <= LABEL_CHARS {
        return name.to_owned();
    }
    let kept: String = name.chars().take(LABEL_CHARS - 1).collect();
    format!("{}…", kept.trim_end())
}

impl Matrix {
    /// Returns what the first reader of a pair answered, against what the second did.
    pub(super) fn of(pair: &PairQuality) -> Self {
        let [first, second] = &pair.readers;
        let told = |one: &str, other: &str, count: u64| format!("{one} and {other}: {count}");
        Self::new(&format!("Answers of {} and {}", first.name, second.name), &pair.answers, &pair.cells, told)
    }

    /// Returns what was right, against what a reader answered.
    pub(super) fn confusion(reader: &str, confusion: &Confusion) -> Self {
        let told = |right: &str, given: &str, count: u64| format!("{right} was right and {given} answered: {count}");
        Self::new(&format!("Answers of {reader}"), &confusion.answers, &confusion.cells, told)
    }

    fn new(title: &str, answers: &[String], counts: &[Vec<u64>], told: impl Fn(&str, &str, u64) -> String) -> Self {
        let most = counts.iter().flatten().copied().max().unwrap_or(1).max(1);
        let (mut cells, mut words) = (Vec::new(), Vec::new());
        for (row, (line, one)) in counts.iter().zip(answers).enumerate() {
            for (column, (count, other)) in line.iter().zip(answers).enumerate() {
                words.push(told(one, other, *count));
                #[expect(clippy::cast_precision_loss, reason = "a shade needs no digits")]
                let share = (*count as f64 / most as f64).sqrt();
                cells.push(MatrixCell {
                    x: 40 * column,
                    y: 24 * row,
                    count: *count,
                    opacity: format!("{:.2}", 0.4 * share),
                    same: row == column,
                });
            }
        }
        Self {
            title: format!("{title}: {}", words.join(", ")),
            answers: answers.iter().enumerate().map(|(row, answer)| (cut(answer), 24 * row + 16)).collect(),
            width: 40 * answers.len() + LABEL,
            height: 24 * answers.len(),
            cells,
        }
    }
}
