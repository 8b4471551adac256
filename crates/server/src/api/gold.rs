//! Gold cases, as programs see them: the pool for those who keep it, own results for those who read.

use std::collections::BTreeMap;

use axum::extract::State;
use remit_kernel::{
    command::Command,
    form::Answer,
    id::{CaseId, EngagementId, GoldId},
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem, ReceiptOut,
    extract::{Json, Path},
};
use crate::{
    App, Caller,
    app::gold::{GoldPool, OwnGold, ShowGold, ShowOwnGold},
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(pool))
        .routes(routes!(own))
        .routes(routes!(propose))
        .routes(routes!(approve))
        .routes(routes!(decline))
        .routes(routes!(retire))
        .routes(routes!(rebut))
        .routes(routes!(decide))
}

/// What speaks for a gold case.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GoldIn {
    /// Why it is a good measure; may be left out.
    note: Option<String>,
}

/// Why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhyIn {
    /// The reason.
    reason: String,
}

/// Why a gold answer is held to be wrong.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RebutIn {
    /// The reasons.
    note: String,
}

/// What was decided on an objection.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecideIn {
    /// The right answers, by question, where the objection is upheld; none: the gold answer stands.
    #[schema(value_type = Option<Object>)]
    corrected: Option<BTreeMap<String, Answer>>,
    /// Why.
    note: String,
}

/// Shows the gold cases of an engagement and how they are read.
#[utoipa::path(get, path = "/engagements/{engagement}/gold", tag = "gold", responses((status = 200, body = GoldPool)))]
async fn pool(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<GoldPool>, Problem> {
    Ok(Json(app.view(&caller, ShowGold { engagement }).await?))
}

/// Shows how the caller did on the gold cases that she has been told of, and how often gold is mixed in.
#[utoipa::path(get, path = "/engagements/{engagement}/gold/mine", tag = "gold", responses((status = 200, body = OwnGold)))]
async fn own(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<OwnGold>, Problem> {
    Ok(Json(app.view(&caller, ShowOwnGold { engagement }).await?))
}

/// Proposes a decided case, with its answers, as gold.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/gold", tag = "gold", params(("engagement" = String, Path), ("case" = String, Path)), request_body = GoldIn,
    responses((status = 200, body = ReceiptOut)))]
async fn propose(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Json(given): Json<GoldIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::ProposeGold { engagement, case, note: given.note }).await?.into()))
}

/// Agrees that the answer of a proposed gold case is right: from now on it is shown.
#[utoipa::path(post, path = "/engagements/{engagement}/gold/{gold}/approve", tag = "gold", params(("engagement" = String, Path), ("gold" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn approve(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, gold)): Path<(EngagementId, GoldId)>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::ApproveGold { engagement, gold }).await?.into()))
}

/// Does not agree: the case is not shown as gold.
#[utoipa::path(post, path = "/engagements/{engagement}/gold/{gold}/decline", tag = "gold", params(("engagement" = String, Path), ("gold" = String, Path)), request_body = WhyIn,
    responses((status = 200, body = ReceiptOut)))]
async fn decline(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, gold)): Path<(EngagementId, GoldId)>,
    Json(given): Json<WhyIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::DeclineGold { engagement, gold, reason: given.reason }).await?.into()))
}

/// Shows a gold case no more; its figures stay.
#[utoipa::path(post, path = "/engagements/{engagement}/gold/{gold}/retire", tag = "gold", params(("engagement" = String, Path), ("gold" = String, Path)), request_body = WhyIn,
    responses((status = 200, body = ReceiptOut)))]
async fn retire(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, gold)): Path<(EngagementId, GoldId)>,
    Json(given): Json<WhyIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::RetireGold { engagement, gold, reason: given.reason }).await?.into()))
}

/// Holds that the gold answer of a case is wrong; the case is one that the caller read and has been told of.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/gold/rebut", tag = "gold", params(("engagement" = String, Path), ("case" = String, Path)), request_body = RebutIn,
    responses((status = 200, body = ReceiptOut)))]
async fn rebut(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Json(given): Json<RebutIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::RebutGold { engagement, case, note: given.note }).await?.into()))
}

/// Decides an objection. With the right answers the gold case is corrected and every reading measured anew.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/gold/decide", tag = "gold", params(("engagement" = String, Path), ("case" = String, Path)), request_body = DecideIn,
    responses((status = 200, body = ReceiptOut)))]
async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Json(given): Json<DecideIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let command = Command::DecideRebuttal { engagement, case, corrected: given.corrected, note: given.note };
    Ok(Json(app.act(caller, command).await?.into()))
}
