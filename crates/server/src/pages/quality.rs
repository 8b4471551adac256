//! Pages of quality: agreement by question and pair, the disputes behind each figure, and the figures as a workbook.

mod alarm;
mod chart;
mod drift;
mod expert;
mod planner;
mod slice;

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
    app,
    app::quality::{Agreement, Disputes, Level, PairQuality, Quality, QuestionQuality, Rate},
    edge::Edge,
};
use chart::{Matrix, Scale};

/// What stands under every figure that rests on files.
pub(super) const IMPORTED: &str =
    "Imported: times, authors and blindness as claimed by the file, not witnessed by Remit";

/// Rows of a table of people that stand by themselves; more are folded away below them.
const ROWS_MAX: usize = 25;

/// Returns the rows of a table from this one on: the first [`ROWS_MAX`], or all that follow.
fn rows<T>(all: &[T], from: usize) -> &[T] {
    let until = if from == 0 { all.len().min(ROWS_MAX) } else { all.len() };
    all.get(from..until).unwrap_or_default()
}

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/quality", get(show))
        .route("/e/{engagement}/quality.xlsx", get(workbook))
        .route("/e/{engagement}/quality/disputes", get(disputes))
        .merge(expert::router())
        .merge(alarm::router())
        .merge(drift::router())
        .merge(planner::router())
        .merge(slice::router())
}

#[derive(Template)]
#[template(path = "quality/show.html")]
struct QualityPage {
    frame: Frame,
    engagement: EngagementId,
    asked: Asked,
    quality: Quality,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<QualityIn>,
) -> Result<Html<String>, Oops> {
    let query = given.query(engagement)?;
    let asked = Asked { engagement, below: "", origin: query.origin };
    let (frame, quality) = seen(&app, &caller, engagement, "Quality", query).await?;
    html(&QualityPage { frame, engagement, asked, quality })
}

/// A table of pairs of readers.
#[derive(Template)]
#[template(path = "quality/pairs.html")]
struct PairTable<'p> {
    page: &'p QualityPage,
    question: &'p QuestionQuality,
    pairs: &'p [PairQuality],
}

impl QualityPage {
    /// Returns the table of pairs from this one on; the first [`ROWS_MAX`] stand by themselves.
    fn pairs<'p>(&'p self, question: &'p QuestionQuality, from: usize) -> PairTable<'p> {
        PairTable { page: self, question, pairs: rows(&question.pairs, from) }
    }

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
            self.asked.filter("&")
        )
    }
}

/// Looks at figures, and returns them with the frame of their page.
async fn seen<Q: app::Query>(
    app: &App,
    caller: &Caller,
    engagement: EngagementId,
    title: &'static str,
    query: Q,
) -> Result<(Frame, Q::Out), Oops> {
    let figures = app.view(caller, query).await?;
    Ok((Frame::new(app, caller, Some(engagement), Place::Quality, title).await?, figures))
}

/// Which page of quality is open, and of which readings.
#[derive(Clone, Copy)]
struct Asked {
    engagement: EngagementId,
    /// Its path below `quality`.
    below: &'static str,
    origin: Option<Origin>,
}

impl Asked {
    fn tabs(&self) -> Tabs {
        Tabs::of(self.engagement, self.below, self.origin)
    }

    /// Returns the choices of origin: word, title, and whether it is the one shown.
    fn origins(&self) -> [(&'static str, &'static str, bool); 3] {
        [
            ("all", "All readings", self.origin.is_none()),
            ("witnessed", "Read in Remit", self.origin == Some(Origin::Witnessed)),
            ("imported", "Imported", self.origin == Some(Origin::Imported)),
        ]
    }

    /// Returns the origin as a part of an address, after a mark.
    fn filter(&self, mark: &str) -> String {
        self.origin.map(|origin| format!("{mark}origin={}", origin.word())).unwrap_or_default()
    }
}

/// The pages of quality, and which of them is open.
#[derive(Template)]
#[template(path = "quality/tabs.html")]
struct Tabs {
    tabs: Vec<(String, &'static str, bool)>,
}

impl Tabs {
    /// Returns the tabs with the one of this path below `quality` open; the origin chosen goes along.
    fn of(engagement: EngagementId, path: &str, origin: Option<Origin>) -> Self {
        let origin = origin.map(|origin| format!("?origin={}", origin.word())).unwrap_or_default();
        let all = [
            ("", "Agreement"),
            ("/experts", "Experts"),
            ("/slices", "Sites and months"),
            ("/drift", "Drift"),
            ("/planner", "What would it cost?"),
        ];
        let tab = |(below, title)| (format!("/e/{engagement}/quality{below}{origin}"), title, below == path);
        Self { tabs: all.into_iter().map(tab).collect() }
    }
}

impl Level {
    /// Returns which alpha it is, in words.
    pub(super) fn alpha_words(self) -> &'static str {
        match self {
            Self::Nominal => "Krippendorff’s alpha for names (nominal)",
            Self::Ordinal => "Krippendorff’s alpha for grades (ordinal): a near miss counts less than a far one",
            Self::Interval => "Krippendorff’s alpha for numbers (interval): by their squared difference",
            Self::Sets => "Krippendorff’s alpha for sets (Jaccard’s distance): options in common count in part",
        }
    }

    /// Returns which coefficient of two readers it is, in words.
    fn pair_words(self) -> &'static str {
        match self {
            Self::Nominal => "Cohen’s kappa",
            Self::Ordinal => "Cohen’s kappa with quadratic weights",
            Self::Interval => "the intraclass correlation of agreement",
            Self::Sets => "Cohen’s kappa weighted by options in common",
        }
    }

    /// Returns when two answers count as the same, in words.
    fn same_words(self) -> &'static str {
        match self {
            Self::Nominal | Self::Ordinal | Self::Sets => "Same answer",
            Self::Interval => "Within the tolerance",
        }
    }

    /// Returns what counts as differing, as a heading: the form allows steps, numbers and sets to lie a little apart.
    fn differ_words(self) -> &'static str {
        match self {
            Self::Nominal => "Differ",
            Self::Ordinal | Self::Interval | Self::Sets => "Differ beyond the tolerance",
        }
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
        (Some((lower, upper)), _) => format!("{lower:.3} to {upper:.3}"),
        (None, Some(why)) => why.to_owned(),
        (None, None) => "no interval".to_owned(),
    }
}

/// Returns a share with its numbers, such as `97.3 % (95.0 to 98.6 %), 322 of 331`; a dash where there is nothing.
pub(super) fn rate(rate: &Rate) -> String {
    match (rate.share, rate.interval) {
        (Some(share), Some((lower, upper))) => format!(
            "{:.1} % ({:.1} to {:.1} %), {} of {}",
            100.0 * share,
            100.0 * lower,
            100.0 * upper,
            rate.hits,
            rate.n
        ),
        _ if rate.n == 0 => "–".to_owned(),
        _ => format!("{} of {}", rate.hits, rate.n),
    }
}

/// Returns the interval and the numbers of a share, such as `95.0 to 98.6 %, 322 of 331`.
fn beside(rate: &Rate) -> String {
    match rate.interval {
        Some((lower, upper)) => format!("{:.1} to {:.1} %, {} of {}", 100.0 * lower, 100.0 * upper, rate.hits, rate.n),
        None => format!("{} of {}", rate.hits, rate.n),
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", 100.0 * share))
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

const HEADER: [&str; 15] = [
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
    "AC1",
    "Outcome is the reference answer",
    "With a reference answer",
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
        Some(PairQuality { readers: [first, second], .. }) => {
            (text(&first.name), text(&second.name), question.level.pair_words())
        }
        None => (text("All panel readers"), Cell::Empty, question.level.alpha_words()),
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
        number(pair.map_or(question.share_agreed, |pair| pair.share_agreed)),
        whole(pair.map_or(question.disputed, |pair| pair.differ)),
        number(question.ac1.filter(|_| pair.is_none())),
        pair.map_or_else(|| whole(question.right.hits), |_| Cell::Empty),
        pair.map_or_else(|| whole(question.right.n), |_| Cell::Empty),
        text(note),
    ]
}
