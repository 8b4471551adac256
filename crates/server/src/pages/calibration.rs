//! Pages of calibration rounds: the list, the desk of a round, and the session once everybody has read.

use askama::Template;
use axum::{
    Router,
    extract::{Form, Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use remit_kernel::{
    calibration::{CalibrationStatus, Closing, FindingKind},
    case::Media,
    command::Command,
    id::{CalibrationId, CaseId, EngagementId, ItemId},
    refusal::Reason,
    time::Instant,
};

use super::{
    Frame, Oops, Place, Told,
    desk::status_of,
    form::Faults,
    html,
    judgement::{Sheaf, Sheet, own_marks, sheaves},
};
use crate::{
    App, Caller, Error,
    app::{
        calibration::{
            CalibrationList, CalibrationOut, GetRoundItem, ListCalibrations, OpenRoundDesk, RoundDesk, ShowCalibration,
        },
        judgement::{Resolved, Written},
    },
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/calibration", get(list).post(open))
        .route("/e/{engagement}/calibration/{calibration}", get(show))
        .route("/e/{engagement}/calibration/{calibration}/act/{act}", post(act))
        .route("/e/{engagement}/calibration/{calibration}/read/{case}", get(desk).post(write))
        .route("/e/{engagement}/calibration/{calibration}/read/{case}/{item}/{version}", get(item))
        .route("/e/{engagement}/calibration/{calibration}/read/{case}/{item}/{version}/follow", get(follow))
}

#[derive(Template)]
#[template(path = "calibration/list.html")]
struct ListPage {
    frame: Frame,
    engagement: EngagementId,
    list: CalibrationList,
    faults: Faults,
    typed: Typed,
}

/// What was typed for a new round.
#[derive(Debug, Default)]
struct Typed {
    title: String,
    ends_on: String,
    cases: Vec<String>,
    members: Vec<String>,
}

#[derive(Template)]
#[template(path = "calibration/show.html")]
struct ShowPage {
    frame: Frame,
    engagement: EngagementId,
    round: CalibrationOut,
    faults: Faults,
    text: String,
}

#[derive(Template)]
#[template(path = "calibration/desk.html")]
struct DeskPage {
    frame: Frame,
    engagement: EngagementId,
    calibration: CalibrationId,
    desk: RoundDesk,
    sheet: Sheet,
    sheaves: Vec<Sheaf>,
    told: Vec<Told>,
    /// What would be sealed; none: nothing is about to be.
    ready: Option<String>,
    now: Timestamp,
    script: String,
}

type Pairs = Vec<(String, String)>;

fn field(fields: &Pairs, wanted: &str) -> String {
    let found = fields.iter().rev().find(|(name, _)| name == wanted);
    found.map(|(_, value)| value.replace("\r\n", "\n")).unwrap_or_default()
}

fn all(fields: &Pairs, wanted: &str) -> Vec<String> {
    fields.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.clone()).collect()
}

async fn list(State(app): State<App>, caller: Caller, Path(engagement): Path<EngagementId>) -> Result<Response, Oops> {
    rounds(&app, &caller, engagement, Faults::default(), Typed::default()).await
}

async fn rounds(
    app: &App,
    caller: &Caller,
    engagement: EngagementId,
    faults: Faults,
    typed: Typed,
) -> Result<Response, Oops> {
    let list = app.view(caller, ListCalibrations { engagement }).await?;
    let frame = Frame::new(app, caller, Some(engagement), Place::Knowledge, "Calibration rounds").await?;
    Ok(html(&ListPage { frame, engagement, list, faults, typed })?.into_response())
}

async fn open(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Form(fields): Form<Pairs>,
) -> Result<Response, Oops> {
    let typed = Typed {
        title: field(&fields, "title"),
        ends_on: field(&fields, "ends_on"),
        cases: all(&fields, "case"),
        members: all(&fields, "member"),
    };
    let opened = match last_instant(&typed.ends_on) {
        None => Err(Faults::field("ends_at", "the last day cannot be read", "Give a date.")),
        Some(ends_at) => {
            let command = Command::OpenCalibration {
                engagement,
                title: typed.title.clone(),
                cases: typed.cases.iter().filter_map(|case| case.parse().ok()).collect(),
                members: typed.members.iter().filter_map(|person| person.parse().ok()).collect(),
                ends_at,
            };
            app.act(caller.clone(), command).await
        }
    };
    match opened {
        Ok(_) => Ok(Redirect::to(&format!("/e/{engagement}/calibration")).into_response()),
        Err(error) => {
            let (status, faults) = Faults::of(error)?;
            Ok((status, rounds(&app, &caller, engagement, faults, typed).await?).into_response())
        }
    }
}

/// Returns the end of a day, in UTC.
fn last_instant(day: &str) -> Option<Instant> {
    let day: Date = day.trim().parse().ok()?;
    let end = day.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Instant::from_micros(end.as_microsecond()))
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, calibration)): Path<(EngagementId, CalibrationId)>,
) -> Result<Response, Oops> {
    round(&app, &caller, (engagement, calibration), Faults::default(), String::new()).await
}

async fn round(
    app: &App,
    caller: &Caller,
    (engagement, calibration): (EngagementId, CalibrationId),
    faults: Faults,
    text: String,
) -> Result<Response, Oops> {
    let round = app.view(caller, ShowCalibration { engagement, calibration }).await?;
    let frame = Frame::new(app, caller, Some(engagement), Place::Knowledge, round.title.clone()).await?;
    Ok(html(&ShowPage { frame, engagement, round, faults, text })?.into_response())
}

async fn act(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, calibration, word)): Path<(EngagementId, CalibrationId, String)>,
    Form(fields): Form<Pairs>,
) -> Result<Response, Oops> {
    let text = field(&fields, "text");
    let question = Some(field(&fields, "question")).filter(|question| !question.is_empty());
    let command = match (word.as_str(), FindingKind::from_word(&field(&fields, "kind"))) {
        ("close", _) => Command::CloseCalibration { engagement, calibration },
        ("leave", _) => Command::LeaveCalibration { engagement, calibration },
        ("note", Some(kind)) => {
            let case = field(&fields, "case").parse().ok();
            Command::NoteFinding { engagement, calibration, kind, question, case, text: text.clone() }
        }
        (other, _) => return Err(Error::from(Reason::hidden(other)).into()),
    };
    match app.act(caller.clone(), command).await {
        Ok(_) if word == "leave" => Ok(Redirect::to(&format!("/e/{engagement}/calibration")).into_response()),
        Ok(_) => Ok(Redirect::to(&format!("/e/{engagement}/calibration/{calibration}")).into_response()),
        Err(error) => {
            let (status, faults) = Faults::of(error)?;
            Ok((status, round(&app, &caller, (engagement, calibration), faults, text).await?).into_response())
        }
    }
}

async fn desk(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, calibration, case)): Path<(EngagementId, CalibrationId, CaseId)>,
) -> Result<Response, Oops> {
    let at = OpenRoundDesk { engagement, calibration, case };
    let desk = app.view(&caller, at).await?;
    Ok(html(&desk_page(&app, &caller, at, desk, &Resolved::default(), Vec::new()).await?)?.into_response())
}

async fn desk_page(
    app: &App,
    caller: &Caller,
    at: OpenRoundDesk,
    desk: RoundDesk,
    resolved: &Resolved,
    mut reasons: Vec<Reason>,
) -> Result<DeskPage, Oops> {
    let OpenRoundDesk { engagement, calibration, case } = at;
    let title = format!("{} · {}", desk.matter.reference, desk.title);
    let frame = Frame::new(app, caller, Some(engagement), Place::Knowledge, title).await?;
    let matter = &desk.matter;
    let mut sheet = Sheet::new(&matter.form, &desk.written, &matter.papers, resolved, &mut reasons);
    sheet.sealed = desk.sealed || !desk.open;
    let marks = own_marks(&matter.form, &desk.written);
    let mut sheaves = sheaves(engagement, case, &matter.papers, &marks);
    for (sheaf, paper) in sheaves.iter_mut().zip(&matter.papers) {
        sheaf.address =
            format!("/e/{engagement}/calibration/{calibration}/read/{case}/{}/{}", paper.item, paper.version);
    }
    Ok(DeskPage {
        frame,
        engagement,
        calibration,
        sheet,
        sheaves,
        told: reasons.into_iter().map(Told::of).collect(),
        ready: None,
        now: app.clock().now().timestamp(),
        script: super::asset::address("desk.js"),
        desk,
    })
}

/// Keeps, finds quotes, shows what would be sealed, or seals; whatever comes of it, nothing typed is lost.
async fn write(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, calibration, case)): Path<(EngagementId, CalibrationId, CaseId)>,
    Form(fields): Form<Pairs>,
) -> Result<Response, Oops> {
    let at = OpenRoundDesk { engagement, calibration, case };
    let mut written = Written::from_fields(&fields);
    let desk = app.view(&caller, at).await?;
    let (form, papers) = (desk.matter.form.clone(), desk.matter.papers.clone());
    let wanted = field(&fields, "do");
    let (resolved, reasons) = if wanted == "seal" {
        match written.complete(&form, &papers) {
            Err((refusal, resolved)) => (resolved, refusal.reasons),
            Ok(judgement) => {
                let command = Command::ReadCalibration { engagement, calibration, case, judgement };
                match app.act(caller.clone(), command).await {
                    Ok(_) => return Ok(onward(&app, &caller, engagement, calibration).await),
                    Err(Error::Refused(refusal)) => (Resolved::default(), refusal.reasons),
                    Err(other) => return Err(other.into()),
                }
            }
        }
    } else {
        let resolved = written.resolve(&papers);
        let unfinished = if wanted == "check" { written.unfinished(&form, &papers) } else { Vec::new() };
        let reasons = resolved.reasons.iter().cloned().chain(unfinished).collect();
        (resolved, reasons)
    };
    let writable = desk.open && !desk.sealed;
    let kept_at = if writable { Some(app.keep_round_draft(&caller, at, &written).await?) } else { None };
    let status = status_of(&reasons);
    let ready = wanted == "check" && reasons.is_empty() && writable;
    let desk = RoundDesk { written, kept_at, ..desk };
    let mut page = desk_page(&app, &caller, at, desk, &resolved, reasons).await?;
    page.ready = ready.then(|| page.sheet.line());
    Ok((status, html(&page)?).into_response())
}

/// Goes on to the next case of the round that she has not read; after the last, to the page of the round.
async fn onward(app: &App, caller: &Caller, engagement: EngagementId, calibration: CalibrationId) -> Response {
    let round = app.view(caller, ShowCalibration { engagement, calibration }).await.ok();
    let next = round.and_then(|round| round.cases.into_iter().find(|case| !case.read));
    let here = format!("/e/{engagement}/calibration/{calibration}");
    Redirect::to(&next.map_or_else(|| here.clone(), |case| format!("{here}/read/{}", case.case))).into_response()
}

async fn item(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, calibration, case, item, version)): Path<(EngagementId, CalibrationId, CaseId, ItemId, u32)>,
) -> Result<Response, Oops> {
    let desk = OpenRoundDesk { engagement, calibration, case };
    let (media, body) = app.view(&caller, GetRoundItem { desk, item, version }).await?;
    let kind = match media {
        Media::Svg => "image/svg+xml; charset=utf-8",
        Media::Text | Media::Link => "text/plain; charset=utf-8",
    };
    let boxed =
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'");
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CONTENT_SECURITY_POLICY, boxed)];
    Ok((headers, body).into_response())
}

/// Leads to the address of a link of the file.
async fn follow(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, calibration, case, item, version)): Path<(EngagementId, CalibrationId, CaseId, ItemId, u32)>,
) -> Result<Response, Oops> {
    let desk = OpenRoundDesk { engagement, calibration, case };
    match app.view(&caller, GetRoundItem { desk, item, version }).await? {
        (Media::Link, address) => Ok(Redirect::to(&address).into_response()),
        (Media::Text | Media::Svg, _) => Ok(StatusCode::NOT_FOUND.into_response()),
    }
}

impl ListPage {
    fn picked(&self, case: &CaseId) -> bool {
        self.typed.cases.iter().any(|picked| *picked == case.to_string())
    }

    fn invited(&self, person: &remit_kernel::id::PersonId) -> bool {
        self.typed.members.iter().any(|invited| *invited == person.to_string())
    }
}

impl ShowPage {
    /// Returns the questions of the session: key and title.
    fn questions(&self) -> Vec<(&str, &str)> {
        let session = self.round.session.iter().flat_map(|session| &session.questions);
        session.map(|question| (question.question.as_str(), question.title.as_str())).collect()
    }
}

pub(crate) fn closing(cause: &Closing) -> &'static str {
    match cause {
        Closing::AllRead => "everybody has read",
        Closing::Manager => "closed by a manager",
        Closing::Time => "its last day is over",
        Closing::Nobody => "nobody was left",
    }
}

pub(crate) fn finding(kind: &FindingKind) -> &'static str {
    match kind {
        FindingKind::Playbook => "Playbook note",
        FindingKind::Glossary => "Glossary entry",
        FindingKind::Precedent => "Precedent",
    }
}
