//! Calibration rounds, as programs see them.

use axum::extract::State;
use jiff::Timestamp;
use remit_kernel::{
    calibration::FindingKind,
    command::Command,
    id::{CalibrationId, CaseId, EngagementId, PersonId},
    time::Instant,
};
use serde::{Deserialize, Serialize};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem, ReceiptOut,
    extract::{Json, Path},
};
use crate::{
    App, Caller, Error,
    app::{
        calibration::{
            CalibrationList, CalibrationOut, FindRoundQuote, ListCalibrations, OpenRoundDesk, RoundDesk,
            ShowCalibration,
        },
        judgement::{Passage, Written},
    },
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(list, open))
        .routes(routes!(show))
        .routes(routes!(close))
        .routes(routes!(leave))
        .routes(routes!(note))
        .routes(routes!(desk))
        .routes(routes!(read))
        .routes(routes!(keep_draft))
        .routes(routes!(find_quote))
}

/// A round to open.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalibrationIn {
    /// What it is called.
    title: String,
    /// 1 to 50 decided cases of one pack.
    #[schema(value_type = Vec<String>)]
    cases: Vec<CaseId>,
    /// Who reads them: 2 to 50 members.
    #[schema(value_type = Vec<String>)]
    members: Vec<PersonId>,
    /// When it ends at the latest.
    #[schema(value_type = String, format = DateTime)]
    ends_at: Timestamp,
}

/// What a discussion ended in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindingIn {
    /// `playbook`, `glossary` or `precedent`.
    #[schema(value_type = String)]
    kind: FindingKind,
    /// On which question.
    question: Option<String>,
    /// On which case.
    #[schema(value_type = Option<String>)]
    case: Option<CaseId>,
    /// What.
    text: String,
}

/// A quote to be found.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoundQuoteIn {
    /// The quote as pasted.
    quote: String,
}

/// Where a quote stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct RoundPlacesOut {
    /// The places, in document order; at most 50.
    places: Vec<Passage>,
}

/// When a draft was kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct RoundKeptOut {
    /// When.
    #[schema(value_type = String)]
    kept_at: Timestamp,
}

/// Lists the calibration rounds that the caller may know of.
#[utoipa::path(get, path = "/engagements/{engagement}/calibrations", tag = "calibration", responses((status = 200, body = CalibrationList)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<CalibrationList>, Problem> {
    Ok(Json(app.view(&caller, ListCalibrations { engagement }).await?))
}

/// Opens a round over decided cases.
#[utoipa::path(post, path = "/engagements/{engagement}/calibrations", tag = "calibration", request_body = CalibrationIn,
    responses((status = 200, body = ReceiptOut)))]
async fn open(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Json(given): Json<CalibrationIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let CalibrationIn { title, cases, members, ends_at } = given;
    let ends_at = Instant::from_micros(ends_at.as_microsecond());
    let command = Command::OpenCalibration { engagement, title, cases, members, ends_at };
    Ok(Json(app.act(caller, command).await?.into()))
}

/// Shows a round: the caller's own reading while it is open, everybody's once it is closed.
#[utoipa::path(get, path = "/engagements/{engagement}/calibrations/{calibration}", tag = "calibration", params(("engagement" = String, Path), ("calibration" = String, Path)), responses((status = 200, body = CalibrationOut)))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, calibration)): Path<(EngagementId, CalibrationId)>,
) -> Result<Json<CalibrationOut>, Problem> {
    Ok(Json(app.view(&caller, ShowCalibration { engagement, calibration }).await?))
}

/// Closes a round before everybody has read.
#[utoipa::path(post, path = "/engagements/{engagement}/calibrations/{calibration}/close", tag = "calibration", params(("engagement" = String, Path), ("calibration" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn close(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, calibration)): Path<(EngagementId, CalibrationId)>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::CloseCalibration { engagement, calibration }).await?.into()))
}

/// Takes the caller out of a round.
#[utoipa::path(post, path = "/engagements/{engagement}/calibrations/{calibration}/leave", tag = "calibration", params(("engagement" = String, Path), ("calibration" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn leave(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, calibration)): Path<(EngagementId, CalibrationId)>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::LeaveCalibration { engagement, calibration }).await?.into()))
}

/// Notes what the discussion ended in.
#[utoipa::path(post, path = "/engagements/{engagement}/calibrations/{calibration}/findings", tag = "calibration", params(("engagement" = String, Path), ("calibration" = String, Path)), request_body = FindingIn,
    responses((status = 200, body = ReceiptOut)))]
async fn note(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, calibration)): Path<(EngagementId, CalibrationId)>,
    Json(given): Json<FindingIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let FindingIn { kind, question, case, text } = given;
    let command = Command::NoteFinding { engagement, calibration, kind, question, case, text };
    Ok(Json(app.act(caller, command).await?.into()))
}

/// Shows a case of a round as laid before the caller, who reads in it.
#[utoipa::path(get, path = "/engagements/{engagement}/calibrations/{calibration}/cases/{case}", tag = "calibration", params(("engagement" = String, Path), ("calibration" = String, Path), ("case" = String, Path)), responses((status = 200, body = RoundDesk)))]
async fn desk(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, calibration, case)): Path<(EngagementId, CalibrationId, CaseId)>,
) -> Result<Json<RoundDesk>, Problem> {
    Ok(Json(app.view(&caller, OpenRoundDesk { engagement, calibration, case }).await?))
}

/// Seals the caller's reading of a case of a round. Quotes are found in the documents first.
#[utoipa::path(post, path = "/engagements/{engagement}/calibrations/{calibration}/cases/{case}/readings", tag = "calibration", params(("engagement" = String, Path), ("calibration" = String, Path), ("case" = String, Path)), request_body = Written,
    responses((status = 200, body = ReceiptOut)))]
async fn read(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, calibration, case)): Path<(EngagementId, CalibrationId, CaseId)>,
    Json(mut written): Json<Written>,
) -> Result<Json<ReceiptOut>, Problem> {
    let desk = app.view(&caller, OpenRoundDesk { engagement, calibration, case }).await?;
    let (form, papers) = (&desk.matter.form, &desk.matter.papers);
    let judgement = written.complete(form, papers).map_err(|(refusal, _)| Error::from(refusal))?;
    let command = Command::ReadCalibration { engagement, calibration, case, judgement };
    Ok(Json(app.act(caller, command).await?.into()))
}

/// Keeps a draft of a round in place of the one before.
#[utoipa::path(put, path = "/engagements/{engagement}/calibrations/{calibration}/cases/{case}/draft", tag = "calibration", params(("engagement" = String, Path), ("calibration" = String, Path), ("case" = String, Path)), request_body = Written,
    responses((status = 200, body = RoundKeptOut)))]
async fn keep_draft(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, calibration, case)): Path<(EngagementId, CalibrationId, CaseId)>,
    Json(written): Json<Written>,
) -> Result<Json<RoundKeptOut>, Problem> {
    let desk = OpenRoundDesk { engagement, calibration, case };
    Ok(Json(RoundKeptOut { kept_at: app.keep_round_draft(&caller, desk, &written).await? }))
}

/// Finds where a quote stands in the documents of a case of a round.
#[utoipa::path(post, path = "/engagements/{engagement}/calibrations/{calibration}/cases/{case}/quotes", tag = "calibration", params(("engagement" = String, Path), ("calibration" = String, Path), ("case" = String, Path)), request_body = RoundQuoteIn,
    responses((status = 200, body = RoundPlacesOut)))]
async fn find_quote(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, calibration, case)): Path<(EngagementId, CalibrationId, CaseId)>,
    Json(given): Json<RoundQuoteIn>,
) -> Result<Json<RoundPlacesOut>, Problem> {
    let desk = OpenRoundDesk { engagement, calibration, case };
    let places = app.view(&caller, FindRoundQuote { desk, quote: given.quote }).await?;
    Ok(Json(RoundPlacesOut { places }))
}
