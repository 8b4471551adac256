//! Cases, as programs see them.

use axum::extract::State;
use remit_kernel::{
    id::EngagementId,
    index::CaseStatus,
    refusal::{Reason, code},
};
use remit_store::CaseFilter;
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    extract::{Json, Path, Query},
};
use crate::{
    App, Caller, Error,
    app::case::{CaseList, ListCases, place},
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which page of cases.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub(crate) struct CasesIn {
    /// Only cases in this status.
    status: Option<String>,
    /// Words in reference or title.
    q: Option<String>,
    /// Only cases in dispute.
    disputed: Option<bool>,
    /// Only cases in dispute on this question.
    question: Option<String>,
    /// Where the page begins, as `next` of the page before.
    after: Option<String>,
    /// At most so many, 1 to 200.
    limit: Option<u32>,
}

/// Lists cases, earliest promise first.
#[utoipa::path(get, path = "/engagements/{engagement}/cases", tag = "cases", params(("engagement" = String, Path), CasesIn),
    responses((status = 200, body = CaseList)))]
pub(crate) async fn list(
    State(app): State<App>, caller: Caller, Path(engagement): Path<EngagementId>, Query(given): Query<CasesIn>,
) -> Result<Json<CaseList>, Problem> {
    Ok(Json(app.view(&caller, given.query(engagement)?).await?))
}

impl CasesIn {
    pub(crate) fn query(self, engagement: EngagementId) -> Result<ListCases, Error> {
        let statuses = match self.status.as_deref().filter(|word| !word.is_empty()) {
            None => Vec::new(),
            Some(word) => vec![CaseStatus::from_word(word).ok_or_else(|| {
                let known: Vec<_> = CaseStatus::ALL.iter().map(|status| status.word()).collect();
                Reason::field(code::FIELD_INVALID, "status", format!("`{word}` is not a status")).hint(format!("Known: {}.", known.join(", ")))
            })?],
        };
        let after = match self.after.as_deref().filter(|cursor| !cursor.is_empty()) {
            None => None,
            Some(cursor) => Some(place(cursor).ok_or_else(|| {
                Reason::field(code::FIELD_INVALID, "after", "this is not a cursor").hint("Use `next` of the page before.")
            })?),
        };
        let some = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let filter = CaseFilter {
            statuses,
            text: some(self.q),
            disputed: self.disputed.filter(|disputed| *disputed),
            question: some(self.question),
            ..CaseFilter::default()
        };
        Ok(ListCases { engagement, filter, after, limit: self.limit.unwrap_or(50) })
    }
}
