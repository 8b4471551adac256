//! The reading desk: what a reader holds, the desk itself, and the way from one case to the next.

use askama::Template;
use axum::{
    Router,
    extract::{Form, Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use remit_kernel::{
    case::Media,
    command::Command,
    id::{AssignmentId, CaseId, EngagementId},
    refusal::{Class, Reason, Refusal, code},
};
use serde::Deserialize;

use super::{
    Frame, Oops, Place, Told, html,
    judgement::{Sheaf, Sheet, own_marks, sheaves},
    word::count,
};
use crate::{
    App, Caller, Error,
    app::{
        desk::{Desk, OpenDesk, SeatList, Seats},
        judgement::{Resolved, Written},
    },
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/read", get(seats))
        .route("/e/{engagement}/read/next", post(next))
        .route("/e/{engagement}/read/{assignment}", get(show).post(write))
        .route("/e/{engagement}/read/{assignment}/release", post(release))
}

#[derive(Template)]
#[template(path = "desk/seats.html")]
struct SeatsPage {
    frame: Frame,
    engagement: EngagementId,
    list: SeatList,
    /// How many cases fit her, in words.
    fitting: String,
    now: Timestamp,
    /// Why the next case could not be taken.
    told: Vec<Told>,
    /// Whether a reading was sealed just now.
    sealed: bool,
}

#[derive(Template)]
#[template(path = "desk/show.html")]
struct DeskPage {
    frame: Frame,
    engagement: EngagementId,
    desk: Desk,
    sheet: Sheet,
    sheaves: Vec<Sheaf>,
    told: Vec<Told>,
    /// What would be sealed; none: nothing is about to be.
    ready: Option<String>,
    now: Timestamp,
    script: String,
}

/// What a reader typed for a seat that is no longer hers: shown once more, so that it is not lost.
#[derive(Template)]
#[template(path = "desk/lost.html")]
struct LostPage {
    frame: Frame,
    engagement: EngagementId,
    told: Vec<Told>,
    typed: Vec<(String, String)>,
}

/// How the page of seats was reached.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reached {
    sealed: bool,
}

async fn seats(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(reached): Query<Reached>,
) -> Result<Html<String>, Oops> {
    html(&seats_page(&app, &caller, engagement, Vec::new(), reached.sealed).await?)
}

async fn seats_page(
    app: &App,
    caller: &Caller,
    engagement: EngagementId,
    told: Vec<Told>,
    sealed: bool,
) -> Result<SeatsPage, Oops> {
    let list = app.view(caller, Seats { engagement }).await?;
    let frame = Frame::new(app, caller, Some(engagement), Place::Read, "Reading").await?;
    let fitting = count(list.fitting as u64, "open case fits", "open cases fit");
    Ok(SeatsPage { frame, engagement, list, fitting, now: app.clock().now().timestamp(), told, sealed })
}

async fn next(State(app): State<App>, caller: Caller, Path(engagement): Path<EngagementId>) -> Result<Response, Oops> {
    match claim(&app, &caller, engagement).await {
        Ok(assignment) => Ok(to_desk(engagement, assignment)),
        // Nothing to read is no error: the page says so and what comes next.
        Err(Error::Refused(refusal)) if refusal.class() == Class::Rule => {
            let status = if refusal.has(code::NOTHING_ELIGIBLE) { StatusCode::OK } else { StatusCode::CONFLICT };
            let told = refusal.reasons.into_iter().map(Told::of).collect();
            Ok((status, html(&seats_page(&app, &caller, engagement, told, false).await?)?).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

/// Takes the next case and returns the assignment.
async fn claim(app: &App, caller: &Caller, engagement: EngagementId) -> Result<AssignmentId, Error> {
    let receipt = app.act(caller.clone(), Command::ClaimNext { engagement }).await?;
    Ok(receipt.assignment.ok_or_else(|| Reason::hidden(engagement))?)
}

fn to_desk(engagement: EngagementId, assignment: AssignmentId) -> Response {
    Redirect::to(&format!("/e/{engagement}/read/{assignment}")).into_response()
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, assignment)): Path<(EngagementId, AssignmentId)>,
) -> Result<Html<String>, Oops> {
    let desk = app.view(&caller, OpenDesk { engagement, assignment }).await?;
    html(&desk_page(&app, &caller, engagement, desk, &Resolved::default(), Vec::new()).await?)
}

async fn desk_page(
    app: &App,
    caller: &Caller,
    engagement: EngagementId,
    desk: Desk,
    resolved: &Resolved,
    mut reasons: Vec<Reason>,
) -> Result<DeskPage, Oops> {
    let title = format!("{} · {}", desk.matter.reference, desk.matter.title);
    let frame = Frame::new(app, caller, Some(engagement), Place::Read, title).await?;
    let matter = &desk.matter;
    let mut sheet = Sheet::new(&matter.form, &desk.written, &matter.papers, resolved, &mut reasons);
    sheet.sealed = desk.sealed_at.is_some();
    let sheaves = sheaves(engagement, matter.case, &matter.papers, &own_marks(&matter.form, &desk.written));
    let script = super::asset::address("desk.js");
    let told = reasons.into_iter().map(Told::of).collect();
    Ok(DeskPage {
        frame,
        engagement,
        sheet,
        sheaves,
        told,
        ready: None,
        now: app.clock().now().timestamp(),
        script,
        desk,
    })
}

/// Keeps, finds quotes, shows what would be sealed, or seals; whatever comes of it, nothing typed is lost.
async fn write(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, assignment)): Path<(EngagementId, AssignmentId)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Oops> {
    let field = |wanted: &str| fields.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let mut written = Written::from_fields(&fields);
    let desk = match app.view(&caller, OpenDesk { engagement, assignment }).await {
        Ok(desk) => desk,
        Err(Error::Refused(refusal)) => return lost(&app, &caller, engagement, field("case"), &written, refusal).await,
        Err(other) => return Err(other.into()),
    };
    let case = desk.matter.case;
    if desk.sealed_at.is_some() {
        let sealed = Reason::rule(code::ALREADY_READ, case, "your reading is sealed and cannot be edited")
            .hint("What you see is what was sealed.");
        let page = desk_page(&app, &caller, engagement, desk, &Resolved::default(), vec![sealed]).await?;
        return Ok((StatusCode::CONFLICT, html(&page)?).into_response());
    }
    let (form, papers) = (desk.matter.form.clone(), desk.matter.papers.clone());
    let (resolved, reasons) = match field("do") {
        Some("seal") => {
            let sealed = match written.complete(&form, &papers) {
                Ok(judgement) => {
                    app.keep_draft(&caller, engagement, assignment, &written).await?;
                    app.act(caller.clone(), Command::SubmitReading { engagement, case, judgement })
                        .await
                        .map_err(|error| (error, Resolved::default()))
                }
                Err((refusal, resolved)) => Err((refusal.into(), resolved)),
            };
            match sealed {
                Ok(_) => return Ok(onward(&app, &caller, engagement).await),
                Err((Error::Refused(refusal), resolved)) => (resolved, refusal.reasons),
                Err((other, _)) => return Err(other.into()),
            }
        }
        Some("check") => {
            let resolved = written.resolve(&papers);
            let reasons = resolved.reasons.iter().cloned().chain(written.unfinished(&form, &papers)).collect();
            (resolved, reasons)
        }
        _ => {
            let resolved = written.resolve(&papers);
            let reasons = resolved.reasons.clone();
            (resolved, reasons)
        }
    };
    let kept_at = app.keep_draft(&caller, engagement, assignment, &written).await?;
    let status = status_of(&reasons);
    let ready = field("do") == Some("check") && reasons.is_empty();
    let desk = Desk { written, kept_at: Some(kept_at), ..desk };
    let mut page = desk_page(&app, &caller, engagement, desk, &resolved, reasons).await?;
    page.ready = ready.then(|| page.sheet.line());
    Ok((status, html(&page)?).into_response())
}

/// Returns the status of a page that shows reasons.
pub(super) fn status_of(reasons: &[Reason]) -> StatusCode {
    match reasons.iter().map(|reason| reason.class).max() {
        None => StatusCode::OK,
        Some(Class::Field) => StatusCode::UNPROCESSABLE_ENTITY,
        Some(Class::Rule) => StatusCode::CONFLICT,
        Some(Class::Forbidden) => StatusCode::FORBIDDEN,
        Some(Class::Hidden) => StatusCode::NOT_FOUND,
    }
}

/// Goes on to the case she holds already, else to the next one; if there is none, to the page that says so.
async fn onward(app: &App, caller: &Caller, engagement: EngagementId) -> Response {
    let held = app.view(caller, Seats { engagement }).await.ok().and_then(|list| Some(list.seats.first()?.assignment));
    let next = match held {
        Some(assignment) => Ok(assignment),
        None => claim(app, caller, engagement).await,
    };
    match next {
        Ok(assignment) => to_desk(engagement, assignment),
        // The reading is sealed: whatever keeps her from a next one is told there, when she asks for it.
        Err(_) => Redirect::to(&format!("/e/{engagement}/read?sealed=true")).into_response(),
    }
}

/// Answers somebody who typed for a seat that is not hers now: says why, and shows what she typed.
async fn lost(
    app: &App,
    caller: &Caller,
    engagement: EngagementId,
    case: Option<&str>,
    written: &Written,
    refusal: Refusal,
) -> Result<Response, Oops> {
    let Some(case) = case.and_then(|case| case.parse::<CaseId>().ok()) else { return Err(Error::from(refusal).into()) };
    // Asked to seal, the kernel says why it may not be: the seat was taken away, or given back.
    let judgement = remit_kernel::command::JudgementIn::default();
    let error = match app.act(caller.clone(), Command::SubmitReading { engagement, case, judgement }).await {
        Ok(_) => Error::from(refusal),
        Err(error) => error,
    };
    let frame = Frame::new(app, caller, Some(engagement), Place::Read, "This case is no longer on your desk").await?;
    let answers = written.answers.iter().chain(&written.quotes).map(|(key, words)| (key.clone(), words.clone()));
    let typed = answers
        .chain([("rationale".to_owned(), written.rationale.clone())])
        .filter(|(_, words)| !words.trim().is_empty());
    let page = LostPage { frame, engagement, told: super::told(error), typed: typed.collect() };
    Ok((StatusCode::CONFLICT, html(&page)?).into_response())
}

/// Why a case is given back.
#[derive(Debug, Deserialize)]
struct GivenBack {
    reason: String,
}

async fn release(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, assignment)): Path<(EngagementId, AssignmentId)>,
    Form(given): Form<GivenBack>,
) -> Result<Response, Oops> {
    let desk = app.view(&caller, OpenDesk { engagement, assignment }).await?;
    let case = desk.matter.case;
    match app.act(caller.clone(), Command::ReleaseSeat { engagement, case, reason: given.reason }).await {
        Ok(_) => Ok(Redirect::to(&format!("/e/{engagement}/read")).into_response()),
        Err(Error::Refused(refusal)) => {
            let status = status_of(&refusal.reasons);
            let page = desk_page(&app, &caller, engagement, desk, &Resolved::default(), refusal.reasons).await?;
            Ok((status, html(&page)?).into_response())
        }
        Err(other) => Err(other.into()),
    }
}
