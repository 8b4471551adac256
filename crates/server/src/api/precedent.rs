//! Precedents, as programs see them.

use axum::extract::State;
use remit_kernel::{
    command::Command,
    id::{CaseId, EngagementId, PrecedentId},
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem, ReceiptOut,
    extract::{Json, Path},
};
use crate::{
    App, Caller,
    app::precedent::{ListPrecedents, PrecedentLine},
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(propose))
        .routes(routes!(approve))
        .routes(routes!(decline))
        .routes(routes!(withdraw))
}

/// Guidance to be proposed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrecedentIn {
    /// Key of the question that it guides.
    question: String,
    /// The guidance, naming neither the case nor a party.
    text: String,
    /// The precedent whose place it takes.
    #[schema(value_type = Option<String>)]
    replaces: Option<PrecedentId>,
}

/// Why a precedent does not guide.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrecedentWhyIn {
    /// The reason.
    reason: String,
}

/// Lists the precedents in force; to those who manage them, all.
#[utoipa::path(get, path = "/engagements/{engagement}/precedents", tag = "precedents", responses((status = 200, body = Vec<PrecedentLine>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<Vec<PrecedentLine>>, Problem> {
    Ok(Json(app.view(&caller, ListPrecedents { engagement }).await?))
}

/// Proposes a decided case as guidance on one of its questions.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/precedent", tag = "precedents", params(("engagement" = String, Path), ("case" = String, Path)), request_body = PrecedentIn,
    responses((status = 200, body = ReceiptOut)))]
async fn propose(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Json(given): Json<PrecedentIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let PrecedentIn { question, text, replaces } = given;
    Ok(Json(app.act(caller, Command::ProposePrecedent { engagement, case, question, text, replaces }).await?.into()))
}

/// Agrees that a precedent guides from now on.
#[utoipa::path(post, path = "/engagements/{engagement}/precedents/{precedent}/approve", tag = "precedents", params(("engagement" = String, Path), ("precedent" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn approve(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, precedent)): Path<(EngagementId, PrecedentId)>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::ApprovePrecedent { engagement, precedent }).await?.into()))
}

/// Does not agree.
#[utoipa::path(post, path = "/engagements/{engagement}/precedents/{precedent}/decline", tag = "precedents", params(("engagement" = String, Path), ("precedent" = String, Path)), request_body = PrecedentWhyIn,
    responses((status = 200, body = ReceiptOut)))]
async fn decline(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, precedent)): Path<(EngagementId, PrecedentId)>,
    Json(given): Json<PrecedentWhyIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let command = Command::DeclinePrecedent { engagement, precedent, reason: given.reason };
    Ok(Json(app.act(caller, command).await?.into()))
}

/// Lets a precedent guide no more.
#[utoipa::path(post, path = "/engagements/{engagement}/precedents/{precedent}/withdraw", tag = "precedents", params(("engagement" = String, Path), ("precedent" = String, Path)), request_body = PrecedentWhyIn,
    responses((status = 200, body = ReceiptOut)))]
async fn withdraw(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, precedent)): Path<(EngagementId, PrecedentId)>,
    Json(given): Json<PrecedentWhyIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let command = Command::WithdrawPrecedent { engagement, precedent, reason: given.reason };
    Ok(Json(app.act(caller, command).await?.into()))
}
