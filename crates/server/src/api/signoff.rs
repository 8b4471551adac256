//! Signing, as programs see it: the queue, one case, each item opened by a request of its own.

use axum::extract::State;
use remit_kernel::{
    case::{Material, ReturnCode},
    command::Command,
    hash::Digest,
    id::{CaseId, EngagementId, ItemId},
    refusal::{Reason, code},
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem, ReceiptOut,
    extract::{Json, Path},
};
use crate::{
    App, Caller, Error,
    app::{
        judgement::Written,
        signoff::{GetPapers, ListSignoffs, OpenSignoff, SignoffDesk, SignoffQueue},
    },
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(list_signoffs))
        .routes(routes!(get_signoff))
        .routes(routes!(open_material))
        .routes(routes!(sign_content))
        .routes(routes!(return_signoff))
        .routes(routes!(refuse_signoff))
}

type Place = Path<(EngagementId, CaseId)>;
type Done = Result<Json<ReceiptOut>, Problem>;

/// What is opened: an item at a version, or, with neither, the deliverable.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenIn {
    /// The item.
    #[schema(value_type = Option<String>)]
    item: Option<ItemId>,
    /// Its version, from 1.
    version: Option<u32>,
}

impl OpenIn {
    fn material(&self) -> Result<Material, Error> {
        match (self.item, self.version) {
            (None, None) => Ok(Material::Deliverable),
            (Some(item), Some(version)) => Ok(Material::Item(item, version)),
            (Some(_), None) | (None, Some(_)) => {
                let reason = Reason::field(code::FIELD_INVALID, "version", "item and version go together");
                Err(reason.hint("Give both for an item, neither for the deliverable.").into())
            }
        }
    }
}

/// A signature.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// Digest of the content that the signer had before her.
    #[schema(value_type = String)]
    content: Digest,
    /// What she takes responsibility for, in her words.
    statement: String,
}

/// Why content is sent back.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReturnSignoffIn {
    /// The coded reason.
    #[schema(value_type = String)]
    code: ReturnCode,
    /// The signer's reasons.
    note: String,
    /// The answer she holds instead; needed where the answer itself is questioned.
    finding: Option<Written>,
}

/// Why a signer declines.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefuseSignoffIn {
    /// Why.
    note: String,
}

async fn done(app: &App, caller: Caller, command: Command) -> Done {
    Ok(Json(app.act(caller, command).await?.into()))
}

/// Lists the cases that wait for a signature.
#[utoipa::path(get, path = "/engagements/{engagement}/signoffs", tag = "signing", params(("engagement" = String, Path)),
    responses((status = 200, body = SignoffQueue)))]
async fn list_signoffs(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<SignoffQueue>, Problem> {
    Ok(Json(app.view(&caller, ListSignoffs { engagement }).await?))
}

/// Lays a case before its signer: what to open, what changed, under which credential.
#[utoipa::path(get, path = "/engagements/{engagement}/cases/{case}/signoff", tag = "signing",
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = SignoffDesk)))]
async fn get_signoff(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Place,
) -> Result<Json<SignoffDesk>, Problem> {
    Ok(Json(app.view(&caller, OpenSignoff { engagement, case, show: None }).await?))
}

/// Opens one item, or the deliverable, and shows it.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/signoff/open", tag = "signing", request_body = OpenIn,
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = SignoffDesk)))]
async fn open_material(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Place,
    Json(given): Json<OpenIn>,
) -> Result<Json<SignoffDesk>, Problem> {
    let material = given.material()?;
    app.act(caller.clone(), Command::OpenMaterial { engagement, case, material }).await?;
    Ok(Json(app.view(&caller, OpenSignoff { engagement, case, show: Some(material) }).await?))
}

/// Signs exactly this content, if every item has been opened.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/signoff/sign", tag = "signing", request_body = SignIn,
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn sign_content(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Place,
    Json(given): Json<SignIn>,
) -> Done {
    done(&app, caller, Command::Sign { engagement, case, content: given.content, statement: given.statement }).await
}

/// Sends the content back; a finding against the answer goes to an adjudicator who is not the signer.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/signoff/return", tag = "signing", request_body = ReturnSignoffIn,
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn return_signoff(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Place,
    Json(given): Json<ReturnSignoffIn>,
) -> Done {
    let finding = match given.finding {
        None => None,
        Some(mut written) => {
            let (form, papers) = app.view(&caller, GetPapers { engagement, case }).await?;
            Some(written.complete(&form, &papers).map_err(|(refusal, _)| Error::from(refusal))?)
        }
    };
    done(&app, caller, Command::ReturnSignoff { engagement, case, code: given.code, note: given.note, finding }).await
}

/// Declines to sign.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/signoff/refuse", tag = "signing", request_body = RefuseSignoffIn,
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn refuse_signoff(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Place,
    Json(given): Json<RefuseSignoffIn>,
) -> Done {
    done(&app, caller, Command::RefuseSignoff { engagement, case, note: given.note }).await
}
