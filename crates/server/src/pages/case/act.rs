//! What is done to a case from its page: one form for each command.

use std::collections::BTreeMap;

use axum::{
    Form, Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use remit_kernel::{
    case::ReturnCode,
    command::Command,
    id::{CaseId, EngagementId},
    refusal::{Reason, code},
};

use super::show::again;
use crate::{App, Caller, Error, app::case::view::GetCase, edge::Edge};

pub(super) fn router() -> Router<Edge> {
    Router::new().route("/e/{engagement}/cases/{case}/{act}", post(act))
}

type Fields = BTreeMap<String, String>;

async fn act(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case, word)): Path<(EngagementId, CaseId, String)>,
    Form(fields): Form<Fields>,
) -> Response {
    // Browsers send line breaks in pairs; the words that are signed have single ones.
    let fields: Fields = fields.into_iter().map(|(name, value)| (name, value.replace("\r\n", "\n"))).collect();
    let done = match command(&word, engagement, case, &fields) {
        Ok(command) => app.act(caller.clone(), command).await,
        Err(reason) => Err(Error::from(reason)),
    };
    let here = format!("/e/{engagement}/cases/{case}");
    match done {
        Ok(_) if word == "claim" => {
            Redirect::to(&desk(&app, &caller, engagement, case).await.unwrap_or(here)).into_response()
        }
        Ok(_) => Redirect::to(&here).into_response(),
        Err(error) => again(&app, &caller, (engagement, case), &word, fields, error).await,
    }
}

/// Returns the desk of the seat that was just taken.
async fn desk(app: &App, caller: &Caller, engagement: EngagementId, case: CaseId) -> Option<String> {
    let view = app.view(caller, GetCase { engagement, case, as_of: None }).await.ok()?;
    view.assignment.map(|assignment| format!("/e/{engagement}/read/{assignment}"))
}

fn command(word: &str, engagement: EngagementId, case: CaseId, fields: &Fields) -> Result<Command, Reason> {
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    Ok(match word {
        "claim" => Command::ClaimSeat { engagement, case },
        "close-reading" => Command::CloseReading { engagement, case },
        "admit" => Command::AdmitCase { engagement, case },
        "decline" => Command::DeclineCase { engagement, case, reason: field("reason") },
        "cancel" => Command::CancelCase { engagement, case, reason: field("reason") },
        "transfer" => Command::TransferCase { engagement, case, to: choice(fields, "to")?, reason: field("reason") },
        "party" => Command::AddParty { engagement, case, party: field("party").trim().to_owned() },
        "widen" => Command::WidenItem { engagement, case, item: choice(fields, "item")? },
        "adjudicate" => Command::TakeAdjudication { engagement, case },
        "deliverable" => Command::EditDeliverable { engagement, case, body: field("body") },
        "request-signoff" => Command::RequestSignoff { engagement, case },
        "deliver" => Command::Deliver { engagement, case },
        "accept" => Command::AcceptDelivery { engagement, case },
        "return" => Command::ReturnDelivery { engagement, case, code: return_code(fields)?, note: field("note") },
        "precedent" => Command::ProposePrecedent {
            engagement,
            case,
            question: field("question"),
            text: field("text"),
            replaces: fields.get("replaces").and_then(|replaced| replaced.parse().ok()),
        },
        "gold" => Command::ProposeGold { engagement, case, note: fields.get("note").cloned() },
        other => return Err(Reason::hidden(other)),
    })
}

fn choice<T: std::str::FromStr>(fields: &Fields, name: &str) -> Result<T, Reason> {
    let given = fields.get(name).and_then(|value| value.parse().ok());
    given.ok_or_else(|| {
        Reason::field(code::FIELD_INVALID, name, format!("nothing is chosen as `{name}`")).hint("Choose from the list.")
    })
}

/// Returns the coded reason of a form.
pub(crate) fn return_code(fields: &Fields) -> Result<ReturnCode, Reason> {
    let given = fields.get("code").and_then(|word| ReturnCode::from_word(word));
    given.ok_or_else(|| {
        Reason::field(code::FIELD_INVALID, "code", "the reason is missing")
            .hint("Choose what is wrong: it decides what happens next.")
    })
}
