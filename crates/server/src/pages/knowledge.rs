//! Knowledge: the packs by which cases are worked, read-only.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::Html,
    routing::get,
};
use remit_kernel::{form::Need, id::EngagementId, pack::StepMode, role::Role};

use super::{Frame, Oops, Place, html};
use crate::{
    App, Caller,
    app::knowledge::{Knowledge, ShowKnowledge},
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new().route("/e/{engagement}/knowledge", get(show))
}

#[derive(Template)]
#[template(path = "knowledge/show.html")]
struct KnowledgePage {
    frame: Frame,
    engagement: EngagementId,
    knowledge: Knowledge,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Html<String>, Oops> {
    let knowledge = app.view(&caller, ShowKnowledge { engagement }).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Knowledge, "Knowledge").await?;
    html(&KnowledgePage { frame, engagement, knowledge })
}

impl KnowledgePage {
    /// Returns whether calibration rounds are any business of whoever looks.
    fn takes_part(&self) -> bool {
        [Role::DeliveryManager, Role::Auditor, Role::Expert].iter().any(|role| self.frame.holds(*role))
    }
}

fn mode(mode: &StepMode) -> &'static str {
    match mode {
        StepMode::Required => "always",
        StepMode::Optional => "if it helps",
        StepMode::OnDemand => "when asked for",
        StepMode::Repeatable => "as often as needed",
    }
}

fn need(need: &Need) -> &'static str {
    match need {
        Need::Required => "required",
        Need::Optional => "may be given",
        Need::Absent => "not asked",
    }
}
