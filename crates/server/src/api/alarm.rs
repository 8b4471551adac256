//! Alarms of drift, as programs see them.

use axum::extract::State;
use remit_kernel::{
    alarm::AlarmCause,
    command::Command,
    id::{AlarmId, EngagementId},
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem, ReceiptOut,
    extract::{Json, Path},
};
use crate::{
    App, Caller,
    app::quality::{AlarmLine, AlarmOut, ListAlarms, ShowAlarm},
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(close))
}

/// What an alarm came from.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlarmClosingIn {
    /// `coached`, `recalibrated`, `guidance_changed`, `reader_withdrawn`, `harder_cases`, `reference_wrong` or `chance`.
    #[schema(value_type = String)]
    cause: AlarmCause,
    /// What was found, and what was done.
    note: String,
}

/// Lists the alarms of drift: those that wait for a person, then the others, the latest first.
#[utoipa::path(get, path = "/engagements/{engagement}/quality/alarms", tag = "quality", responses((status = 200, body = Vec<AlarmLine>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<Vec<AlarmLine>>, Problem> {
    Ok(Json(app.view(&caller, ListAlarms { engagement }).await?))
}

/// Shows an alarm with the figures of its chart and the cases behind it.
#[utoipa::path(get, path = "/engagements/{engagement}/quality/alarms/{alarm}", tag = "quality", params(("engagement" = String, Path), ("alarm" = String, Path)), responses((status = 200, body = AlarmOut)))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, alarm)): Path<(EngagementId, AlarmId)>,
) -> Result<Json<AlarmOut>, Problem> {
    Ok(Json(app.view(&caller, ShowAlarm { engagement, alarm }).await?))
}

/// Closes an alarm with what it came from; its chart begins again.
#[utoipa::path(post, path = "/engagements/{engagement}/quality/alarms/{alarm}/close", tag = "quality", params(("engagement" = String, Path), ("alarm" = String, Path)), request_body = AlarmClosingIn,
    responses((status = 200, body = ReceiptOut)))]
async fn close(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, alarm)): Path<(EngagementId, AlarmId)>,
    Json(given): Json<AlarmClosingIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let AlarmClosingIn { cause, note } = given;
    Ok(Json(app.act(caller, Command::CloseAlarm { engagement, alarm, cause, note }).await?.into()))
}
