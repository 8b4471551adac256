//! Pages of quality: agreement by question and pair, the disputes behind each figure, and the figures as a workbook.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    http::header,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use remit_formats::xlsx::{self, Cell};
use remit_kernel::{
    id::{CaseId, EngagementId},
    index::Origin,
    role::Role,
};

use super::{Frame, Oops, Place, encode, html};
use crate::{
    App, Caller, Error,
    api::{QualityIn, SideBySideIn},
    app::quality::{Agreement, Disputes, PairQuality, Quality, QuestionQuality},
    edge::Edge,
};

/// What stands under every figure that rests on files.
const IMPORTED: &str = "Imported: times, authors and blindness as claimed by the file, not witnessed by Remit";

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/quality", get(show))
        .route("/e/{engagement}/quality.xlsx", get(workbook))
        .route("/e/{engagement}/quality/disputes", get(disputes))
}

#[derive(Template)]
#[template(path = "quality/show.html")]
struct QualityPage {
    frame: Frame,
    engagement: EngagementId,
    origin: Option<Origin>,
    quality: Quality,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<QualityIn>,
) -> Result<Html<String>, Oops> {
    let query = given.query(engagement)?;
    let origin = query.origin;
    let quality = app.view(&caller, query).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Quality, "Quality").await?;
    html(&QualityPage { frame, engagement, origin, quality })
}

impl QualityPage {
    /// Returns whether whoever looks may see the gold cases.
    fn keeps_gold(&self) -> bool {
        self.frame.holds(Role::DeliveryManager) || self.frame.holds(Role::Auditor)
    }

    /// Returns the address of the disputed cases of a question, of a pair on it where one is given.
    fn disputes(&self, question: &QuestionQuality, pair: Option<&PairQuality>) -> String {
        let pair = pair.map(|pair| format!("&a={}&b={}", encode(&pair.readers[0].key), encode(&pair.readers[1].key)));
        format!(
            "/e/{}/quality/disputes?question={}{}{}",
            self.engagement,
            encode(&question.question),
            pair.unwrap_or_default(),
            self.filter("&")
        )
    }

    fn filter(&self, mark: &str) -> String {
        self.origin.map(|origin| format!("{mark}origin={}", origin.word())).unwrap_or_default()
    }

    /// Returns the choices of origin: word, title, and whether it is the one shown.
    fn origins(&self) -> [(&'static str, &'static str, bool); 3] {
        let here = |origin| self.origin == origin;
        [
            ("all", "All readings", here(None)),
            ("witnessed", "Read in Remit", here(Some(Origin::Witnessed))),
            ("imported", "Imported", here(Some(Origin::Imported))),
        ]
    }
}

/// Returns an agreement as a sentence, such as `Agreement beyond chance 0.71 (0.62 to 0.79), n = 331`.
pub(crate) fn sentence(agreement: &Agreement) -> String {
    let n = agreement.n;
    match (agreement.value, agreement.interval, agreement.undefined.as_deref()) {
        (Some(value), Some((lower, upper)), _) => {
            format!("Agreement beyond chance {value:.2} ({lower:.2} to {upper:.2}), n = {n}")
        }
        (Some(value), None, _) => format!("Agreement beyond chance {value:.2} (no interval), n = {n}"),
        (None, _, Some(why)) => format!("Agreement beyond chance is undefined: {why}, n = {n}"),
        (None, _, None) => format!("Agreement beyond chance is undefined, n = {n}"),
    }
}

/// Returns a coefficient with three digits, or a dash.
fn coefficient(agreement: &Agreement) -> String {
    agreement.value.map_or_else(|| "undefined".to_owned(), |value| format!("{value:.3}"))
}

/// Returns the ends of an interval, or that there is none.
fn ends(agreement: &Agreement) -> String {
    match (agreement.interval, agreement.undefined.as_deref()) {
        (Some((lower, upper)), _) => format!("{lower:.2} to {upper:.2}"),
        (None, Some(why)) => why.to_owned(),
        (None, None) => "no interval".to_owned(),
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

/// The coefficients of one question on one scale: all readers first, then each pair.
#[derive(Template)]
#[template(path = "quality/scale.html")]
struct Scale {
    title: String,
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

/// Pairs drawn on one scale; the table below names the others.
const DRAWN_MAX: usize = 12;

impl Scale {
    fn of(question: &QuestionQuality) -> Self {
        let all = ("All readers".to_owned(), &question.agreement);
        let pairs = question
            .pairs
            .iter()
            .take(DRAWN_MAX)
            .map(|pair| (format!("{} – {}", pair.readers[0].name, pair.readers[1].name), &pair.agreement));
        // From -0.2, below which nothing of use lies, to 1: 480 units wide, beginning at 180.
        let place = |value: f64| (value.clamp(-0.2, 1.0) + 0.2).mul_add(400.0, 180.0);
        let rows: Vec<_> = std::iter::once(all)
            .chain(pairs.filter(|_| question.pairs.len() > 1))
            .filter_map(|(name, agreement)| Some((name, agreement, agreement.value?)))
            .enumerate()
            .map(|(line, (name, agreement, value))| ScaleRow {
                name: name.chars().take(26).collect(),
                y: 16 + 24 * line,
                point: place(value),
                range: agreement.interval.map(|(lower, upper)| (place(lower), place(upper))),
            })
            .collect();
        Self {
            title: format!("{}: {}", question.title, sentence(&question.agreement)),
            height: 24 * rows.len() + 32,
            rows,
        }
    }
}

/// How often two readers gave which answers: one cell for each pair of answers, darker where more cases fall.
#[derive(Template)]
#[template(path = "quality/matrix.html")]
struct Matrix {
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

impl Matrix {
    fn of(pair: &PairQuality) -> Self {
        let [first, second] = &pair.readers;
        let most = pair.cells.iter().flatten().copied().max().unwrap_or(1).max(1);
        let told: Vec<_> = pair
            .cells
            .iter()
            .zip(&pair.answers)
            .flat_map(|(row, one)| {
                row.iter().zip(&pair.answers).map(move |(count, other)| format!("{one} and {other}: {count}"))
            })
            .collect();
        let mut cells = Vec::new();
        for (row, counts) in pair.cells.iter().enumerate() {
            for (column, count) in counts.iter().enumerate() {
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
            title: format!("Answers of {} and {}: {}", first.name, second.name, told.join(", ")),
            answers: pair
                .answers
                .iter()
                .enumerate()
                .map(|(row, answer)| (answer.chars().take(14).collect(), 24 * row + 16))
                .collect(),
            width: 40 * pair.answers.len() + 104,
            height: 24 * pair.answers.len(),
            cells,
        }
    }
}

#[derive(Template)]
#[template(path = "quality/disputes.html")]
struct DisputesPage {
    frame: Frame,
    engagement: EngagementId,
    disputes: Disputes,
    next: Option<String>,
}

impl DisputesPage {
    /// Returns whether one note at the head says it for every case.
    fn all_imported(&self) -> bool {
        self.disputes.cases.iter().all(|case| case.origin == Origin::Imported)
    }
}

async fn disputes(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<SideBySideIn>,
) -> Result<Html<String>, Oops> {
    let address = |after: CaseId| format!("/e/{engagement}/quality/disputes?{}after={after}", given.address());
    let disputes = app.view(&caller, given.query(engagement)?).await?;
    let next = disputes.next.map(address);
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Quality, disputes.title.clone()).await?;
    html(&DisputesPage { frame, engagement, disputes, next })
}

const HEADER: [&str; 12] = [
    "Question",
    "Title",
    "Reader A",
    "Reader B",
    "Coefficient",
    "Value",
    "Lower",
    "Upper",
    "n",
    "Same answer",
    "Disputed",
    "Note",
];

async fn workbook(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<QualityIn>,
) -> Result<Response, Oops> {
    let quality = app.view(&caller, given.query(engagement)?).await?;
    let note = if quality.imported { IMPORTED } else { "" };
    let rows = quality.questions.iter().flat_map(|question| {
        let all = figures(question, None, note);
        std::iter::once(all).chain(question.pairs.iter().map(move |pair| figures(question, Some(pair), note)))
    });
    let bytes = xlsx::write("Agreement", &HEADER, rows).map_err(|error| Error::Io(std::io::Error::other(error)))?;
    Ok(sheet("agreement.xlsx", bytes))
}

/// Returns a workbook as a file to keep.
pub(super) fn sheet(name: &str, bytes: Vec<u8>) -> Response {
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let keep = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, keep)], bytes).into_response()
}

fn figures(question: &QuestionQuality, pair: Option<&PairQuality>, note: &str) -> Vec<Cell> {
    let text = |text: &str| Cell::Text(text.to_owned());
    let number = |value: Option<f64>| value.map_or(Cell::Empty, Cell::Number);
    let whole = |count: u64| Cell::Whole(i64::try_from(count).unwrap_or(i64::MAX));
    let agreement = pair.map_or(&question.agreement, |pair| &pair.agreement);
    let (first, second, coefficient) = match pair {
        Some(PairQuality { readers: [first, second], .. }) => (text(&first.name), text(&second.name), "Cohen's kappa"),
        None => (text("All panel readers"), Cell::Empty, "Krippendorff's alpha, nominal"),
    };
    vec![
        text(&question.question),
        text(&question.title),
        first,
        second,
        text(coefficient),
        number(agreement.value),
        number(agreement.interval.map(|(lower, _)| lower)),
        number(agreement.interval.map(|(_, upper)| upper)),
        whole(agreement.n),
        number(pair.and_then(|pair| pair.share_agreed)),
        whole(pair.map_or(question.disputed, |pair| pair.differ)),
        text(note),
    ]
}
