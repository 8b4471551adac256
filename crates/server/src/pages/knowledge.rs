//! Knowledge: the packs by which cases are worked, read-only.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, State},
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use remit_kernel::{
    command::Command,
    form::Need,
    id::{EngagementId, PrecedentId},
    pack::StepMode,
    precedent::PrecedentStatus,
    refusal::Reason,
    role::Role,
};

use super::{Frame, Oops, Place, form::Faults, html};
use crate::{
    App, Caller, Error,
    app::{
        knowledge::{Knowledge, ShowKnowledge},
        precedent::{ListPrecedents, PrecedentLine},
    },
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/knowledge", get(show))
        .route("/e/{engagement}/knowledge/precedents/{precedent}/{act}", post(act))
}

#[derive(Template)]
#[template(path = "knowledge/show.html")]
struct KnowledgePage {
    frame: Frame,
    engagement: EngagementId,
    knowledge: Knowledge,
    precedents: Vec<PrecedentLine>,
    faults: Faults,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Html<String>, Oops> {
    page(&app, &caller, engagement, Faults::default()).await
}

async fn page(app: &App, caller: &Caller, engagement: EngagementId, faults: Faults) -> Result<Html<String>, Oops> {
    let knowledge = app.view(caller, ShowKnowledge { engagement }).await?;
    let precedents = app.view(caller, ListPrecedents { engagement }).await?;
    let frame = Frame::new(app, caller, Some(engagement), Place::Knowledge, "Knowledge").await?;
    html(&KnowledgePage { frame, engagement, knowledge, precedents, faults })
}

/// Approves, declines or withdraws a precedent, and shows the page again.
async fn act(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, precedent, word)): Path<(EngagementId, PrecedentId, String)>,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Result<Response, Oops> {
    let reason = fields.get("reason").cloned().unwrap_or_default();
    let command = match word.as_str() {
        "approve" => Command::ApprovePrecedent { engagement, precedent },
        "decline" => Command::DeclinePrecedent { engagement, precedent, reason },
        "withdraw" => Command::WithdrawPrecedent { engagement, precedent, reason },
        other => return Err(Error::from(Reason::hidden(other)).into()),
    };
    match app.act(caller.clone(), command).await {
        Ok(_) => Ok(Redirect::to(&format!("/e/{engagement}/knowledge#precedents")).into_response()),
        Err(error) => {
            let (status, faults) = Faults::of(error)?;
            Ok((status, page(&app, &caller, engagement, faults).await?).into_response())
        }
    }
}

fn standing(status: &PrecedentStatus) -> &'static str {
    match status {
        PrecedentStatus::Proposed => "waits for approval",
        PrecedentStatus::InForce => "in force",
        PrecedentStatus::Declined => "declined",
        PrecedentStatus::Withdrawn => "withdrawn",
        PrecedentStatus::Superseded => "superseded",
    }
}

/// Returns what a manager can do against a precedent that stands.
fn undo(status: &PrecedentStatus) -> &'static str {
    if *status == PrecedentStatus::Proposed { "Decline" } else { "Withdraw" }
}

impl KnowledgePage {
    /// Returns whether whoever looks may let another precedent step into its place.
    fn replaceable(precedent: &PrecedentLine) -> bool {
        precedent.may_manage && precedent.status == PrecedentStatus::InForce
    }

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
