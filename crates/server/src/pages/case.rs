//! Pages of cases: the list.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    http::HeaderMap,
    response::Html,
    routing::get,
};
use remit_kernel::id::EngagementId;

use super::{Frame, Oops, Place, fragment, html};
use crate::{
    App, Caller, api,
    app::case::{CaseLine, CaseList},
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new().route("/e/{engagement}/cases", get(list))
}

#[derive(Template)]
#[template(path = "case/list.html", blocks = ["rows"])]
struct ListPage {
    frame: Frame,
    engagement: EngagementId,
    list: CaseList,
}

async fn list(
    State(app): State<App>, caller: Caller, headers: HeaderMap, Path(engagement): Path<EngagementId>, Query(given): Query<api::CasesIn>,
) -> Result<Html<String>, Oops> {
    let list = app.view(&caller, given.query(engagement)?).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Cases, "Cases").await?;
    let page = ListPage { frame, engagement, list };
    if fragment(&headers) { html(&page.as_rows()) } else { html(&page) }
}

/// Returns a status in words.
pub(crate) fn status_words(line: &CaseLine) -> &'static str {
    use remit_kernel::index::CaseStatus;
    match line.status {
        CaseStatus::ScopeQuery => "Stopped at the scope gate",
        CaseStatus::Declined => "Declined",
        CaseStatus::Ready => "Ready to read",
        CaseStatus::Reading => "Being read",
        CaseStatus::Adjudicating => "In adjudication",
        CaseStatus::Resolved => "Decided",
        CaseStatus::AwaitingSignOff => "Awaiting sign-off",
        CaseStatus::SignedOff => "Signed off",
        CaseStatus::Delivered => "Delivered",
        CaseStatus::Revision => "In revision",
        CaseStatus::Accepted => "Accepted",
        CaseStatus::Cancelled => "Cancelled",
    }
}
