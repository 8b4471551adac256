//! Disputes, as programs see them: readings by letter, names after the decision.

use axum::extract::State;
use remit_kernel::{
    command::Command,
    id::{CaseId, EngagementId},
    index::Origin,
    refusal::{Reason, code},
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    extract::{Json, Path, Query},
};
use crate::{
    App, Caller, Error,
    app::{
        adjudicate::{Dispute, DisputeList, ListDisputes, OpenDispute},
        case::place,
        judgement::Written,
    },
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show, decide)).routes(routes!(take))
}

/// Which disputes.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
pub(crate) struct DisputesIn {
    /// Those of the past, taken from files, instead of those that Remit saw happen.
    imported: bool,
    /// Where the page begins, as `next` of the page before.
    after: Option<String>,
}

impl DisputesIn {
    pub(crate) fn query(&self, engagement: EngagementId) -> Result<ListDisputes, Error> {
        let after = match self.after.as_deref().filter(|cursor| !cursor.is_empty()) {
            None => None,
            Some(cursor) => Some(place(cursor).ok_or_else(|| {
                Reason::field(code::FIELD_INVALID, "after", "this is not a cursor")
                    .hint("Use `next` of the page before.")
            })?),
        };
        Ok(ListDisputes { engagement, origin: self.origin(), after })
    }

    pub(crate) fn origin(&self) -> Origin {
        if self.imported { Origin::Imported } else { Origin::Witnessed }
    }
}

/// Lists the disputes that wait for an adjudicator, and those that the caller has taken.
#[utoipa::path(get, path = "/engagements/{engagement}/disputes", tag = "adjudication", params(("engagement" = String, Path), DisputesIn),
    responses((status = 200, body = DisputeList)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<DisputesIn>,
) -> Result<Json<DisputeList>, Problem> {
    Ok(Json(app.view(&caller, given.query(engagement)?).await?))
}

/// Takes a dispute to decide, and shows its readings without their authors.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/dispute/take", tag = "adjudication",
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = Dispute)))]
async fn take(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
) -> Result<Json<Dispute>, Problem> {
    app.act(caller.clone(), Command::TakeAdjudication { engagement, case }).await?;
    Ok(Json(app.view(&caller, OpenDispute { engagement, case }).await?))
}

/// Shows a dispute; readings once it is taken, names once it is decided.
#[utoipa::path(get, path = "/engagements/{engagement}/cases/{case}/dispute", tag = "adjudication",
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = Dispute)))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
) -> Result<Json<Dispute>, Problem> {
    Ok(Json(app.view(&caller, OpenDispute { engagement, case }).await?))
}

/// Decides a dispute that the caller has taken.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/dispute", tag = "adjudication", request_body = Written,
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = Dispute)))]
async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Json(mut written): Json<Written>,
) -> Result<Json<Dispute>, Problem> {
    let dispute = app.view(&caller, OpenDispute { engagement, case }).await?;
    let completed = written.complete(&dispute.matter.form, &dispute.matter.papers);
    let judgement = completed.map_err(|(refusal, _)| Error::from(refusal))?;
    app.act(caller.clone(), Command::Adjudicate { engagement, case, judgement }).await?;
    Ok(Json(app.view(&caller, OpenDispute { engagement, case }).await?))
}
