//! What is measured of the readers, as programs see it, and measuring it anew.

use axum::extract::State;
use remit_kernel::id::EngagementId;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem, ReceiptOut,
    extract::{Json, Path},
};
use crate::{
    App, Caller,
    app::model::{ModelOut, ShowModel},
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(show, fit))
}

/// Returns what is measured of the readers, as far as it decides when a sequential panel stops.
#[utoipa::path(get, path = "/engagements/{engagement}/model", tag = "quality", params(("engagement" = String, Path)),
    responses((status = 200, body = ModelOut)))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<ModelOut>, Problem> {
    Ok(Json(app.view(&caller, ShowModel { engagement }).await?))
}

/// Measures the readers anew from closed panels.
#[utoipa::path(post, path = "/engagements/{engagement}/model", tag = "quality", params(("engagement" = String, Path)),
    responses((status = 200, body = ReceiptOut)))]
async fn fit(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.measure(&caller, engagement).await?.into()))
}
