//! Charts of quality, drawn by the server: points with their intervals on one scale, and tables of answers.

use askama::Template;

use super::sentence;
use crate::app::quality::{Confusion, PairQuality, QuestionQuality, Rate};

/// Rows drawn on one scale; the table below names the others.
const DRAWN_MAX: usize = 13;

/// Figures on one scale, each a point with its interval; drawn twice, for a desk and for a phone, of which one is shown.
#[derive(Template)]
#[template(path = "quality/scale.html")]
pub(super) struct Scale {
    title: String,
    drawings: [Drawing; 2],
    /// Rows that are not drawn.
    left_out: usize,
}

/// One drawing of the scale; places are in its units.
struct Drawing {
    /// Its class: which width it is for.
    class: &'static str,
    width: usize,
    height: usize,
    /// Where names end, or begin where they stand above their line.
    name_x: usize,
    anchor: &'static str,
    ticks: Vec<(String, f64)>,
    rows: Vec<ScaleRow>,
}

/// One line of the scale.
struct ScaleRow {
    name: String,
    name_y: usize,
    y: usize,
    point: f64,
    range: Option<(f64, f64)>,
}

/// How a drawing is laid out.
struct Layout {
    class: &'static str,
    /// Where the scale begins, and how long it is.
    from: f64,
    span: f64,
    width: usize,
    row: usize,
    /// Whether names stand above their lines; else they stand before them.
    above: bool,
    name_chars: usize,
}

const LAYOUTS: [Layout; 2] = [
    Layout { class: "at-desk", from: 232.0, span: 468.0, width: 720, row: 24, above: false, name_chars: 34 },
    Layout { class: "on-phone", from: 12.0, span: 320.0, width: 350, row: 42, above: true, name_chars: 50 },
];

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
        let points: Vec<Point> = points.collect();
        let left_out = points.len().saturating_sub(DRAWN_MAX);
        Self::new(
            format!("{}: {}", question.title, sentence(&question.agreement)),
            -0.2,
            &["0", "0.2", "0.4", "0.6", "0.8", "1"],
            &points[..points.len() - left_out],
            left_out,
        )
    }

    /// Returns shares from 0 to 100 %, or from 50 % where all lie above; those of most answers, in the order given.
    pub(super) fn shares(title: String, rates: impl Iterator<Item = (String, Rate)>) -> Self {
        let mut points: Vec<_> =
            rates.filter_map(|(name, rate)| Some((rate.n, (name, rate.share?, rate.interval)))).collect();
        let left_out = points.len().saturating_sub(DRAWN_MAX);
        if left_out > 0 {
            let mut counts: Vec<u64> = points.iter().map(|(n, _)| *n).collect();
            counts.sort_unstable_by(|one, other| other.cmp(one));
            let least = counts[DRAWN_MAX - 1];
            points.retain(|(n, _)| *n >= least);
        }
        let points: Vec<Point> = points.into_iter().map(|(_, point)| point).take(DRAWN_MAX).collect();
        let high = points.iter().all(|(_, point, range)| range.map_or(*point, |range| range.0) >= 0.5);
        let (from, marks) = if high && !points.is_empty() {
            (0.5, ["50 %", "60 %", "70 %", "80 %", "90 %", "100 %"])
        } else {
            (0.0, ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"])
        };
        Self::new(title, from, &marks, &points, left_out)
    }

    /// Returns the scale from `from` to 1; its marks lie evenly up to 1.
    fn new(title: String, from: f64, marks: &[&str], points: &[Point], left_out: usize) -> Self {
        let drawings = LAYOUTS.map(|layout| Drawing::new(&layout, from, marks, points));
        Self { title, drawings, left_out }
    }
}

impl Drawing {
    fn new(layout: &Layout, from: f64, marks: &[&str], points: &[Point]) -> Self {
        let place = |value: f64| (value.clamp(from, 1.0) - from) / (1.0 - from) * layout.span + layout.from;
        let first = if from < 0.0 { 0.0 } else { from };
        let mark = |number: usize, mark: &&str| {
            #[expect(clippy::cast_precision_loss, reason = "a handful of marks")]
            let share = number as f64 / (marks.len().max(2) - 1) as f64;
            ((*mark).to_owned(), place(first + (1.0 - first) * share))
        };
        let rows: Vec<_> = points
            .iter()
            .enumerate()
            .map(|(line, (name, value, range))| {
                let y = layout.row * line + if layout.above { 30 } else { 16 };
                ScaleRow {
                    name: cut(name, layout.name_chars),
                    name_y: if layout.above { y - 12 } else { y + 4 },
                    y,
                    point: place(*value),
                    range: range.map(|(lower, upper)| (place(lower), place(upper))),
                }
            })
            .collect();
        let (name_x, anchor) = if layout.above { (0, "start") } else { (222, "end") };
        Self {
            class: layout.class,
            width: layout.width,
            height: layout.row * rows.len() + 32,
            name_x,
            anchor,
            ticks: marks.iter().enumerate().map(|(number, title)| mark(number, title)).collect(),
            rows,
        }
    }
}

/// How often one answer met another: one cell for each pair of answers, darker where more cases fall.
#[derive(Template)]
#[template(path = "quality/matrix.html")]
pub(super) struct Matrix {
    title: String,
    /// What stands in rows, and what in columns.
    axes: String,
    answers: Vec<(String, usize)>,
    /// Numbers of the columns, which are those of the rows.
    columns: Vec<(usize, usize)>,
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

/// Height of the line that says what stands in rows and columns.
const HEAD: usize = 20;
/// Width of the names of answers beside a matrix.
const LABEL: usize = 196;
/// Characters of a name that fit there: as many as tell "Significantly increased" from "Significantly decreased".
const LABEL_CHARS: usize = 26;
/// Characters of what stands in rows, and in columns.
const AXIS_CHARS: usize = 14;

/// Returns a name as long as there is room for it, with a mark where it goes on.
fn cut(name: &str, chars: usize) -> String {
    if name.chars().count() <= chars {
        return name.to_owned();
    }
    let kept: String = name.chars().take(chars - 1).collect();
    format!("{}…", kept.trim_end())
}

impl Matrix {
    /// Returns what the first reader of a pair answered, against what the second did.
    pub(super) fn of(pair: &PairQuality) -> Self {
        let [first, second] = &pair.readers;
        let told = |one: &str, other: &str, count: u64| format!("{one} and {other}: {count}");
        let title = format!("Answers of {} and {}", first.name, second.name);
        Self::new(&title, (&first.name, &second.name), (&pair.answers, &pair.cells), told)
    }

    /// Returns what was right, against what a reader answered.
    pub(super) fn confusion(reader: &str, confusion: &Confusion) -> Self {
        let told = |right: &str, given: &str, count: u64| format!("{right} was right and {given} answered: {count}");
        let title = format!("Answers of {reader}");
        Self::new(&title, ("right", "answered"), (&confusion.answers, &confusion.cells), told)
    }

    fn new(
        title: &str,
        (down, across): (&str, &str),
        (answers, counts): (&[String], &[Vec<u64>]),
        told: impl Fn(&str, &str, u64) -> String,
    ) -> Self {
        let most = counts.iter().flatten().copied().max().unwrap_or(1).max(1);
        let (mut cells, mut words) = (Vec::new(), Vec::new());
        for (row, (line, one)) in counts.iter().zip(answers).enumerate() {
            for (column, (count, other)) in line.iter().zip(answers).enumerate() {
                words.push(told(one, other, *count));
                #[expect(clippy::cast_precision_loss, reason = "a shade needs no digits")]
                let share = (*count as f64 / most as f64).sqrt();
                cells.push(MatrixCell {
                    x: 40 * column + LABEL,
                    y: 24 * row + HEAD,
                    count: *count,
                    opacity: format!("{:.2}", 0.4 * share),
                    same: row == column,
                });
            }
        }
        Self {
            title: format!("{title}: {}", words.join(", ")),
            axes: format!("{} ↓  {} →", cut(down, AXIS_CHARS), cut(across, AXIS_CHARS)),
            answers: (1..)
                .zip(answers)
                .map(|(row, answer)| (format!("{row} {}", cut(answer, LABEL_CHARS)), 24 * row + HEAD - 8))
                .collect(),
            columns: (1..=answers.len()).map(|column| (column, 40 * column + LABEL - 21)).collect(),
            width: 40 * answers.len() + LABEL,
            height: 24 * answers.len() + HEAD,
            cells,
        }
    }
}
