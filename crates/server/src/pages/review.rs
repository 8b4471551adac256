//! Pages of reviews: the board, one review before its reviewer, a lot and how it was drawn, and what authors hear.

use std::borrow::Borrow;

use askama::Template;
use axum::{
    Router,
    extract::{Form, Path, Query, State},
    http::header,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use remit_formats::xlsx::{self, Cell};
use remit_kernel::{
    case::{DrawCause, Media},
    command::{Command, DefectIn, ReviewIn},
    form::Need,
    id::{CaseId, EngagementId, LineId, LotId, ReviewId},
    index::{DefectKind, LotStatus, ReviewKind, ReviewStatus, Severity},
    lot::{Mode, Place as Stand},
    pack::Risk,
    refusal::{Reason, Refusal, code},
};
use serde::Deserialize;

use super::{
    Frame, Oops, Place, Told,
    case::Quoting,
    desk::status_of,
    html,
    judgement::{Sheaf, Sheet, own_marks, sheaves},
    word,
};
use crate::{
    App, Caller, Error,
    app::{
        case::{timeline::draw_words, view::JudgementView},
        judgement::{Resolved, Written},
        knowledge::{NameKeys, Titles},
        lot::{LotCase, LotView, ShowLot},
        review::{
            Counted, DefectTyped, FeedbackLine, ListDefects, LotLine, MyFeedback, OpenReview, ReviewBoard, ReviewDesk,
            ReviewDraft, ReviewLine, SamplerLine, ShowReviews,
        },
        second::{SecondCase, SecondView, ShowSecond},
    },
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/reviews", get(board))
        .route("/e/{engagement}/reviews.xlsx", get(workbook))
        .route("/e/{engagement}/reviews/mine", get(feedback))
        .route("/e/{engagement}/reviews/second", get(second))
        .route("/e/{engagement}/reviews/defects/{kind}", get(defects))
        .route("/e/{engagement}/reviews/resume", post(resume))
        .route("/e/{engagement}/lots/{lot}", get(lot))
        .route("/e/{engagement}/review/{case}/{review}", get(show).post(finish))
        .route("/e/{engagement}/review/{case}/{review}/take", post(take))
        .route("/e/{engagement}/review/{case}/{review}/release", post(release))
        .route("/e/{engagement}/review/{case}/{review}/rebut", post(rebut))
        .route("/e/{engagement}/review/{case}/{review}/rule", post(rule))
}

type At = (EngagementId, CaseId, ReviewId);

#[derive(Template)]
#[template(path = "review/board.html")]
struct BoardPage {
    frame: Frame,
    engagement: EngagementId,
    board: ReviewBoard,
    titles: Titles,
    now: Timestamp,
}

#[derive(Template)]
#[template(path = "review/mine.html")]
struct FeedbackPage {
    frame: Frame,
    engagement: EngagementId,
    lines: Vec<FeedbackLine>,
    now: Timestamp,
}

#[derive(Template)]
#[template(path = "review/defect_list.html")]
struct DefectsPage {
    frame: Frame,
    engagement: EngagementId,
    kind: DefectKind,
    lines: Vec<ReviewLine>,
    now: Timestamp,
}

#[derive(Template)]
#[template(path = "review/second.html")]
struct SecondPage {
    frame: Frame,
    engagement: EngagementId,
    view: SecondView,
    chosen: Option<String>,
}

#[derive(Template)]
#[template(path = "review/lot.html")]
struct LotPage {
    frame: Frame,
    engagement: EngagementId,
    lot: LotView,
    titles: Titles,
    chosen: Option<String>,
}

#[derive(Template)]
#[template(path = "review/show.html")]
struct ReviewPage {
    frame: Frame,
    engagement: EngagementId,
    desk: ReviewDesk,
    sheaves: Vec<Sheaf>,
    sheet: Sheet,
    typed: Typed,
    told: Vec<Told>,
    now: Timestamp,
}

/// A review as it is typed.
#[derive(Debug, Clone, Default)]
struct Typed {
    defects: Vec<DefectTyped>,
    coaching: String,
    written: Written,
    /// Words of a smaller form that was refused.
    note: String,
}

impl From<ReviewDraft> for Typed {
    fn from(ReviewDraft { defects, coaching, written }: ReviewDraft) -> Self {
        Self { defects, coaching, written, ..Self::default() }
    }
}

impl Typed {
    fn draft(&self) -> ReviewDraft {
        ReviewDraft { defects: self.defects.clone(), coaching: self.coaching.clone(), written: self.written.clone() }
    }

    fn of(fields: &[(String, String)]) -> Self {
        let mut typed = Self { written: Written::from_fields(fields), ..Self::default() };
        for (name, value) in fields {
            let value = value.replace("\r\n", "\n");
            let mut parts = name.split('.');
            match (parts.next(), parts.next().and_then(|place| place.parse::<usize>().ok()), parts.next()) {
                (Some("d"), Some(place), Some(field)) if place < 50 => {
                    if typed.defects.len() <= place {
                        typed.defects.resize_with(place + 1, DefectTyped::default);
                    }
                    let Some(defect) = typed.defects.get_mut(place) else { continue };
                    match field {
                        "question" => defect.question = value,
                        "kind" => defect.kind = value,
                        "severity" => defect.severity = value,
                        "note" => defect.note = value,
                        _ => {}
                    }
                }
                (Some("coaching"), None, None) => typed.coaching = value,
                _ => {}
            }
        }
        typed
    }

    /// Returns the defects that were begun, or what is missing in one; those left empty are none.
    fn defects(&self) -> Result<Vec<DefectIn>, Refusal> {
        let (mut defects, mut reasons) = (Vec::new(), Vec::new());
        for (place, typed) in (1..).zip(&self.defects) {
            if typed.kind.is_empty() && typed.severity.is_empty() && typed.note.trim().is_empty() {
                continue;
            }
            let (kind, severity) = (DefectKind::from_word(&typed.kind), Severity::from_word(&typed.severity));
            if let (Some(kind), Some(severity)) = (kind, severity) {
                let question = Some(typed.question.clone()).filter(|key| !key.is_empty());
                defects.push(DefectIn { question, kind, severity, note: typed.note.clone() });
            } else {
                let sentence = format!("defect {place} lacks its kind or its weight");
                reasons.push(
                    Reason::field(code::FIELD_INVALID, format!("defects[{place}]"), sentence)
                        .hint("Choose what is wrong and how much it weighs, or leave the row empty."),
                );
            }
        }
        Refusal::unless_empty(reasons).map(|()| defects)
    }
}

async fn board(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Html<String>, Oops> {
    let board = app.view(&caller, ShowReviews { engagement }).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Reviews, "Reviews").await?;
    let titles = app.view(&caller, NameKeys { engagement }).await?;
    html(&BoardPage { frame, engagement, board, titles, now: app.clock().now().timestamp() })
}

async fn feedback(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Html<String>, Oops> {
    let lines = app.view(&caller, MyFeedback { engagement }).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Feedback, "Feedback").await?;
    html(&FeedbackPage { frame, engagement, lines, now: app.clock().now().timestamp() })
}

async fn defects(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, kind)): Path<(EngagementId, String)>,
) -> Result<Html<String>, Oops> {
    let kind = DefectKind::from_word(&kind).ok_or_else(|| Error::from(Reason::hidden("defects")))?;
    let lines = app.view(&caller, ListDefects { engagement, kind }).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Reviews, defect(kind)).await?;
    html(&DefectsPage { frame, engagement, kind, lines, now: app.clock().now().timestamp() })
}

async fn second(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<LotIn>,
) -> Result<Html<String>, Oops> {
    let view = app.view(&caller, ShowSecond { engagement }).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Reviews, "Looked at by two reviewers").await?;
    html(&SecondPage { frame, engagement, view, chosen: given.show })
}

/// Which cases are listed.
#[derive(Debug, Default, Deserialize)]
struct LotIn {
    show: Option<String>,
}

async fn lot(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, lot)): Path<(EngagementId, LotId)>,
    Query(given): Query<LotIn>,
) -> Result<Html<String>, Oops> {
    let lot = app.view(&caller, ShowLot { engagement, lot }).await?;
    let titles = app.view(&caller, NameKeys { engagement }).await?;
    let title = format!("Lot {} · {}", lot.line.number, titles.case_type(&lot.line.case_type));
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Reviews, title).await?;
    html(&LotPage { frame, engagement, lot, titles, chosen: given.show })
}

async fn show(State(app): State<App>, caller: Caller, Path(at): Path<At>) -> Result<Html<String>, Oops> {
    let (engagement, case, review) = at;
    let kept = app.view(&caller, OpenReview { engagement, case, review }).await?.draft;
    let typed = kept.map(Typed::from).unwrap_or_default();
    html(&page(&app, &caller, at, typed, &Resolved::default(), Vec::new()).await?)
}

async fn page(
    app: &App,
    caller: &Caller,
    (engagement, case, review): At,
    mut typed: Typed,
    resolved: &Resolved,
    mut reasons: Vec<Reason>,
) -> Result<ReviewPage, Oops> {
    let desk = app.view(caller, OpenReview { engagement, case, review }).await?;
    let title = format!("{} · {}", desk.matter.reference, desk.matter.title);
    let frame = Frame::new(app, caller, Some(engagement), Place::Reviews, title).await?;
    let mut form = desk.matter.form.clone();
    if desk.line.kind == ReviewKind::Quality {
        // The reasons of a finding are the notes of its defects.
        (form.rationale, form.confidence) = (Need::Absent, Need::Absent);
    }
    let sheet = Sheet::new(&form, &typed.written, &desk.matter.papers, resolved, &mut reasons);
    let sheaves = sheaves(engagement, case, &desk.matter.papers, &own_marks(&form, &typed.written));
    if typed.defects.is_empty() {
        typed.defects.push(DefectTyped::default());
    }
    let told = reasons.into_iter().map(Told::of).collect();
    let now = app.clock().now().timestamp();
    Ok(ReviewPage { frame, engagement, desk, sheaves, sheet, typed, told, now })
}

/// Answers a refusal with the page and everything that was typed.
async fn again(
    app: &App,
    caller: &Caller,
    at: At,
    typed: Typed,
    resolved: &Resolved,
    reasons: Vec<Reason>,
) -> Result<Response, Oops> {
    let status = status_of(&reasons);
    let page = page(app, caller, at, typed, resolved, reasons).await?;
    Ok((status, html(&page)?).into_response())
}

fn to((engagement, case, review): At) -> Response {
    Redirect::to(&format!("/e/{engagement}/review/{case}/{review}")).into_response()
}

/// Adds a row, finds quotes, or finishes; nothing typed is lost.
async fn finish(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<At>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Oops> {
    let (engagement, case, review) = at;
    let does = fields.iter().rev().find(|(name, _)| name == "do").map_or("find", |(_, value)| value.as_str());
    let mut typed = Typed::of(&fields);
    let desk = app.view(&caller, OpenReview { engagement, case, review }).await?;
    let (form, papers) = (&desk.matter.form, &desk.matter.papers);
    if does == "add" {
        typed.defects.push(DefectTyped::default());
    }
    if desk.may_finish {
        app.keep_review_draft(&caller, OpenReview { engagement, case, review }, &typed.draft()).await?;
    }
    if does != "finish" {
        let resolved = typed.written.resolve(papers);
        let reasons = resolved.reasons.clone();
        return again(&app, &caller, at, typed, &resolved, reasons).await;
    }
    let defects = match typed.defects() {
        Ok(defects) => defects,
        Err(refusal) => return again(&app, &caller, at, typed, &Resolved::default(), refusal.reasons).await,
    };
    let answered = desk.line.kind == ReviewKind::InHouse || !typed.written.answers.is_empty();
    let finding = match typed.written.complete(form, papers) {
        Ok(finding) => Some(finding).filter(|_| answered),
        Err((refusal, resolved)) => return again(&app, &caller, at, typed, &resolved, refusal.reasons).await,
    };
    let coaching = Some(typed.coaching.clone()).filter(|words| !words.trim().is_empty());
    let given = ReviewIn { defects, coaching, finding };
    match app.act(caller.clone(), Command::FinishReview { engagement, case, review, given }).await {
        Ok(_) => Ok(to(at)),
        Err(Error::Refused(refusal)) => again(&app, &caller, at, typed, &Resolved::default(), refusal.reasons).await,
        Err(other) => Err(other.into()),
    }
}

async fn take(State(app): State<App>, caller: Caller, Path(at): Path<At>) -> Result<Response, Oops> {
    let (engagement, case, review) = at;
    app.act(caller, Command::TakeReview { engagement, case, review }).await?;
    Ok(to(at))
}

/// Words of a small form.
#[derive(Debug, Deserialize)]
struct NoteIn {
    note: String,
    #[serde(default)]
    upheld: String,
}

/// Acts, and answers a refusal with the page and what was typed.
async fn said(app: &App, caller: &Caller, at: At, note: String, command: Command) -> Result<Response, Oops> {
    match app.act(caller.clone(), command).await {
        Ok(_) => Ok(to(at)),
        Err(Error::Refused(refusal)) => {
            let typed = Typed { note, ..Typed::default() };
            again(app, caller, at, typed, &Resolved::default(), refusal.reasons).await
        }
        Err(other) => Err(other.into()),
    }
}

async fn release(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<At>,
    Form(given): Form<NoteIn>,
) -> Result<Response, Oops> {
    let (engagement, case, review) = at;
    app.view(&caller, OpenReview { engagement, case, review }).await?;
    match app.act(caller.clone(), Command::ReleaseSeat { engagement, case, reason: given.note.clone() }).await {
        Ok(_) => Ok(Redirect::to(&format!("/e/{engagement}/reviews")).into_response()),
        Err(Error::Refused(refusal)) => {
            let typed = Typed { note: given.note, ..Typed::default() };
            again(&app, &caller, at, typed, &Resolved::default(), refusal.reasons).await
        }
        Err(other) => Err(other.into()),
    }
}

async fn rebut(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<At>,
    Form(given): Form<NoteIn>,
) -> Result<Response, Oops> {
    let (engagement, case, review) = at;
    let command = Command::RebutReview { engagement, case, review, note: given.note.clone() };
    said(&app, &caller, at, given.note, command).await
}

async fn rule(
    State(app): State<App>,
    caller: Caller,
    Path(at): Path<At>,
    Form(given): Form<NoteIn>,
) -> Result<Response, Oops> {
    let (engagement, case, review) = at;
    let upheld = given.upheld != "no";
    let command = Command::RuleReview { engagement, case, review, upheld, note: given.note.clone() };
    said(&app, &caller, at, given.note, command).await
}

/// Where sampling begins again.
#[derive(Debug, Deserialize)]
struct ResumeIn {
    line: LineId,
    case_type: String,
    note: String,
}

async fn resume(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Form(given): Form<ResumeIn>,
) -> Result<Response, Oops> {
    let ResumeIn { line, case_type, note } = given;
    app.act(caller, Command::ResumeSampling { engagement, line, case_type, note }).await?;
    Ok(Redirect::to(&format!("/e/{engagement}/reviews")).into_response())
}

/// What stands over the columns of the workbook.
const HEADER: [&str; 10] =
    ["Lot", "Service", "Case type", "Opened", "Week ends", "State", "Cases", "Drawn", "Reviewed", "Failed"];

/// The lots as a workbook.
async fn workbook(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Response, Oops> {
    let board = app.view(&caller, ShowReviews { engagement }).await?;
    let Some(figures) = board.figures else { return Err(Error::from(Reason::hidden("reviews")).into()) };
    let text = |text: &str| Cell::Text(text.to_owned());
    let rows = figures.lots.iter().map(|lot| {
        vec![
            Cell::Whole(lot.number.into()),
            text(&lot.service),
            text(&lot.case_type),
            text(&lot.opened_at.to_string()),
            text(&lot.ends_at.to_string()),
            text(lot_status(lot.status)),
            Cell::Whole(lot.size.into()),
            Cell::Whole(lot.drawn.into()),
            Cell::Whole(lot.reviewed.into()),
            Cell::Whole(lot.found.into()),
        ]
    });
    let bytes = xlsx::write("Lots", &HEADER, rows).map_err(|error| Error::Io(std::io::Error::other(error)))?;
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let name = format!("attachment; filename=\"reviews-{engagement}.xlsx\"");
    Ok(([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)], bytes).into_response())
}

impl BoardPage {
    fn widest(&self) -> u64 {
        self.board.figures.iter().flat_map(|figures| &figures.defects).map(|line| line.all).max().unwrap_or(1)
    }

    fn discontinued(&self, line: &SamplerLine) -> bool {
        line.mode == Mode::Discontinued
    }
}

impl LotPage {
    /// Returns the cases that are listed.
    fn cases(&self) -> Vec<&LotCase> {
        let chosen = self.chosen.as_deref();
        self.lot
            .cases
            .iter()
            .filter(|case| match chosen {
                Some("sample") => case.sampled,
                Some("drawn") => case.place != Stand::Undrawn,
                Some("reviewed") => matches!(case.place, Stand::Passed | Stand::Failed),
                Some("failed") => case.place == Stand::Failed,
                Some("held") => case.held,
                Some("in_house") => case.in_house,
                Some(_) | None => true,
            })
            .collect()
    }

    fn count(&self, wanted: &str) -> usize {
        let page = |case: &&LotCase| match wanted {
            "sample" => case.sampled,
            "held" => case.held,
            "in_house" => case.in_house,
            _ => false,
        };
        self.lot.cases.iter().filter(page).count()
    }

    fn is(&self, wanted: &str) -> bool {
        self.chosen.as_deref() == Some(wanted)
    }

    fn percent(&self, share: &u32) -> String {
        super::engagement::percent(*share)
    }

    fn number(&self, case: &LotCase) -> String {
        case.number.map_or_else(|| "secret".to_owned(), |number| format!("{number:.6}"))
    }
}

impl SecondPage {
    /// Returns the cases that are listed.
    fn cases(&self) -> Vec<&SecondCase> {
        let wanted = match self.chosen.as_deref() {
            Some("both") => Some(2),
            Some("one") => Some(1),
            Some("none") => Some(0),
            Some(_) | None => None,
        };
        self.view.cases.iter().filter(|case| wanted.is_none_or(|failed| case.failed == failed)).collect()
    }

    fn count(&self, failed: u8) -> usize {
        self.view.cases.iter().filter(|case| case.failed == failed).count()
    }

    fn is(&self, wanted: &str) -> bool {
        self.chosen.as_deref() == Some(wanted)
    }
}

impl ReviewPage {
    fn address(&self) -> String {
        format!("/e/{}/review/{}/{}", self.engagement, self.desk.line.case, self.desk.line.review)
    }

    fn answers(&self, judgement: &JudgementView) -> String {
        Quoting { base: format!("/e/{}/cases/{}?", self.engagement, self.desk.line.case) }.answers(judgement)
    }

    fn blind(&self) -> bool {
        self.desk.line.kind == ReviewKind::InHouse
    }

    fn rules(&self) -> bool {
        self.desk.line.status == ReviewStatus::Rebutted && self.desk.line.open
    }
}

/// Returns a share in per cent, or that there is none yet.
fn share(counted: &Counted) -> String {
    if counted.n == 0 { "–".to_owned() } else { format!("{:.1} %", ratio(counted.found, counted.n)) }
}

/// Returns a share in per cent, such as `17.3 %`.
pub(crate) fn per_cent(share: &f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Returns the ends of an interval in per cent, such as `3.5 to 48.4 %`.
pub(crate) fn ends((lower, upper): &(f64, f64)) -> String {
    format!("{:.1} to {:.1} %", 100.0 * lower, 100.0 * upper)
}

/// Returns what a share rests on: `3 of 6 reviewed cases (18.8 to 81.2 %)`.
fn of_reviewed(counted: &Counted) -> String {
    match counted.interval {
        None if counted.n == 0 => "nothing is reviewed yet".to_owned(),
        None => format!("{} of {} reviewed cases", counted.found, counted.n),
        Some((lower, upper)) => {
            format!(
                "{} of {} reviewed cases ({:.1} to {:.1} %)",
                counted.found,
                counted.n,
                100.0 * lower,
                100.0 * upper
            )
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of cases lie far below 2^53")]
fn ratio(found: u64, n: u64) -> f64 {
    if n == 0 { 0.0 } else { 100.0 * found as f64 / n as f64 }
}

/// Returns the state of a review in words.
pub(crate) fn review_status(status: impl Borrow<ReviewStatus>, kind: impl Borrow<ReviewKind>) -> &'static str {
    match (*status.borrow(), *kind.borrow()) {
        (ReviewStatus::Open, _) => "Waits for a reviewer",
        (ReviewStatus::Taken, _) => "Being reviewed",
        (ReviewStatus::Passed, ReviewKind::Quality) => "Passed",
        (ReviewStatus::Passed, ReviewKind::InHouse) => "Same answer",
        (ReviewStatus::Failed, ReviewKind::Quality) => "Failed",
        (ReviewStatus::Failed, ReviewKind::InHouse) => "Another answer",
        (ReviewStatus::Rebutted, _) => "Failed; the author answered",
        (ReviewStatus::Upheld, _) => "Failed; the finding stands",
        (ReviewStatus::Overturned, _) => "Finding struck",
        (ReviewStatus::Cancelled, _) => "Ended with its case",
    }
}

/// Returns what a review is for, in words.
pub(crate) fn review_kind(kind: impl Borrow<ReviewKind>) -> &'static str {
    match kind.borrow() {
        ReviewKind::Quality => "Quality review",
        ReviewKind::InHouse => "In-house reading",
    }
}

/// Returns the state of a lot in words.
pub(crate) fn lot_status(status: impl Borrow<LotStatus>) -> &'static str {
    match status.borrow() {
        LotStatus::Open => "Open",
        LotStatus::Judging => "Sample being reviewed",
        LotStatus::Accepted => "Accepted",
        LotStatus::Rejected => "Rejected",
        LotStatus::Closed => "Complete",
    }
}

/// Returns how lots are judged, in words.
pub(crate) fn mode(mode: impl Borrow<Mode>) -> &'static str {
    match mode.borrow() {
        Mode::Normal => "Normal",
        Mode::Tightened => "Tightened",
        Mode::Reduced => "Reduced",
        Mode::Discontinued => "Discontinued",
    }
}

/// Returns a kind of defect in words.
pub(crate) fn defect(kind: impl Borrow<DefectKind>) -> &'static str {
    match kind.borrow() {
        DefectKind::Fact => "A fact is wrong",
        DefectKind::Standard => "Law or standard misapplied",
        DefectKind::Reasoning => "The reasoning does not hold",
        DefectKind::Evidence => "The passages do not carry the answer",
        DefectKind::Format => "Wrong form",
        DefectKind::MissedScope => "Part of the scope was missed",
    }
}

/// Returns a weight in words.
pub(crate) fn severity(severity: impl Borrow<Severity>) -> &'static str {
    match severity.borrow() {
        Severity::Critical => "Critical",
        Severity::Major => "Major",
        Severity::Minor => "Minor",
    }
}

fn place_words(place: impl Borrow<Stand>) -> &'static str {
    match place.borrow() {
        Stand::Undrawn => "Not drawn",
        Stand::Pending => "To be reviewed",
        Stand::Passed => "Passed",
        Stand::Failed => "Failed",
    }
}

fn causes_words(case: &LotCase) -> String {
    case.causes.iter().copied().map(draw_words as fn(DrawCause) -> &'static str).collect::<Vec<_>>().join("; ")
}

fn risk_words(risk: impl Borrow<Risk>) -> &'static str {
    match risk.borrow() {
        Risk::Urgent => "urgent",
        Risk::LowConfidence => "low confidence",
        Risk::SingleReading => "one reading",
        Risk::Adjudicated => "adjudicated",
        Risk::NewExpert => "new expert",
    }
}

/// Returns the days of a lot's week, such as `2 to 8 March 2026`.
fn week(lot: &LotLine) -> String {
    let last = lot.ends_at.checked_sub(jiff::SignedDuration::from_secs(1)).unwrap_or(lot.ends_at);
    format!("{} to {}", word::date(&lot.opened_at), word::date(&last))
}
