//! My work, as programs see it: an expert's own figures and readings, and a record to take along.

use axum::extract::State;
use jiff::Timestamp;
use remit_kernel::{id::EngagementId, time::Instant};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    extract::{Json, Path, Query},
};
use crate::{
    App, Caller,
    app::mywork::{MyRecord, MyWork, ShowMyWork, TakeMyRecord},
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(record))
}

/// Which readings.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::IntoParams)]
pub(crate) struct MyWorkIn {
    /// Where the page begins, as `next` of the page before.
    #[param(value_type = Option<String>, format = DateTime)]
    before: Option<Timestamp>,
}

impl MyWorkIn {
    pub(crate) fn query(self, engagement: EngagementId) -> ShowMyWork {
        ShowMyWork { engagement, before: self.before.map(Instant::from) }
    }
}

/// Returns the caller's own figures and readings, with what others held once a panel is closed.
#[utoipa::path(get, path = "/engagements/{engagement}/my-work", tag = "quality",
    params(("engagement" = String, Path), MyWorkIn), responses((status = 200, body = MyWork)))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<MyWorkIn>,
) -> Result<Json<MyWork>, Problem> {
    Ok(Json(app.view(&caller, given.query(engagement)).await?))
}

/// Returns a record of the caller's work to take along: figures without a word of the client's cases.
#[utoipa::path(get, path = "/engagements/{engagement}/my-work/record", tag = "quality",
    params(("engagement" = String, Path)), responses((status = 200, body = MyRecord)))]
async fn record(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<MyRecord>, Problem> {
    Ok(Json(app.view(&caller, TakeMyRecord { engagement }).await?))
}
