//! Seats, drafts and readings, as programs see them. A reader is told of her own work alone.

use axum::extract::State;
use jiff::Timestamp;
use remit_kernel::{
    command::Command,
    id::{AssignmentId, CaseId, EngagementId, PersonId},
    refusal::Reason,
};
use serde::{Deserialize, Serialize};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem, ReceiptOut,
    extract::{Json, Path},
};
use crate::{
    App, Caller, Error,
    app::{
        Receipt,
        desk::{Desk, FindQuote, Lay, OpenDesk, SeatList, Seats},
        judgement::{Passage, Written},
    },
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(seats))
        .routes(routes!(claim_next))
        .routes(routes!(claim))
        .routes(routes!(assign))
        .routes(routes!(revoke))
        .routes(routes!(release))
        .routes(routes!(close))
        .routes(routes!(desk))
        .routes(routes!(find_draft, keep_draft))
        .routes(routes!(find_quote))
        .routes(routes!(submit))
}

/// A seat that the caller holds.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SeatOut {
    /// Her assignment.
    #[schema(value_type = String)]
    assignment: AssignmentId,
    /// The case.
    #[schema(value_type = String)]
    case: CaseId,
}

impl SeatOut {
    /// Returns the seat that an act took. From its receipt alone: a request that comes again is answered alike even if the
    /// seat was sealed or given back meanwhile.
    fn of(receipt: &Receipt, engagement: EngagementId) -> Result<Self, Error> {
        let taken = receipt.assignment.zip(receipt.case()).ok_or_else(|| Reason::hidden(engagement))?;
        Ok(Self { assignment: taken.0, case: taken.1 })
    }
}

/// Who is given a seat.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignIn {
    /// The reader.
    #[schema(value_type = String)]
    person: PersonId,
}

/// Whose duty is taken away, and why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevokeIn {
    /// Who holds it.
    #[schema(value_type = String)]
    person: PersonId,
    /// Why.
    reason: String,
}

/// Why a duty is given back.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseIn {
    /// Why.
    reason: String,
}

/// A quote to be found.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuoteIn {
    /// The quote as pasted.
    quote: String,
}

/// Where a quote stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct PlacesOut {
    /// The places, in document order; at most 50.
    places: Vec<Passage>,
}

/// A draft as it was last kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct DraftOut {
    /// What was written.
    written: Written,
    /// When it was kept; none: nothing is kept yet.
    #[schema(value_type = Option<String>)]
    kept_at: Option<Timestamp>,
}

/// When a draft was kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct KeptOut {
    /// When.
    #[schema(value_type = String)]
    kept_at: Timestamp,
}

/// A reading just sealed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SealedOut {
    /// When it was sealed.
    #[schema(value_type = String)]
    sealed_at: Timestamp,
}

/// Lists the seats that the caller holds, and says how many open cases fit her.
#[utoipa::path(get, path = "/engagements/{engagement}/seats", tag = "reading", responses((status = 200, body = SeatList)))]
async fn seats(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<SeatList>, Problem> {
    Ok(Json(app.view(&caller, Seats { engagement }).await?))
}

/// Takes the best open seat for the caller.
#[utoipa::path(post, path = "/engagements/{engagement}/seats/next", tag = "reading", responses((status = 200, body = SeatOut)))]
async fn claim_next(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<SeatOut>, Problem> {
    let receipt = app.act(caller, Command::ClaimNext { engagement }).await?;
    Ok(Json(SeatOut::of(&receipt, engagement)?))
}

/// Takes an open seat of a chosen case.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/seats/claim", tag = "reading", params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = SeatOut)))]
async fn claim(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
) -> Result<Json<SeatOut>, Problem> {
    let receipt = app.act(caller, Command::ClaimSeat { engagement, case }).await?;
    Ok(Json(SeatOut::of(&receipt, engagement)?))
}

/// Gives a reader a seat.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/seats/assign", tag = "reading", params(("engagement" = String, Path), ("case" = String, Path)), request_body = AssignIn,
    responses((status = 200, body = ReceiptOut)))]
async fn assign(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Json(given): Json<AssignIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::AssignSeat { engagement, case, person: given.person }).await?.into()))
}

/// Takes a person's duty on a case away; the seat is open again.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/seats/revoke", tag = "reading", params(("engagement" = String, Path), ("case" = String, Path)), request_body = RevokeIn,
    responses((status = 200, body = ReceiptOut)))]
async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Json(given): Json<RevokeIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let command = Command::RevokeSeat { engagement, case, person: given.person, reason: given.reason };
    Ok(Json(app.act(caller, command).await?.into()))
}

/// Closes a sequential panel with the readings it has, where nobody is left to read.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/readings/close", tag = "reading", params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn close(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::CloseReading { engagement, case }).await?.into()))
}

/// Gives the caller's duty on a case back.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/seats/release", tag = "reading", params(("engagement" = String, Path), ("case" = String, Path)), request_body = ReleaseIn,
    responses((status = 200, body = ReceiptOut)))]
async fn release(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Json(given): Json<ReleaseIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::ReleaseSeat { engagement, case, reason: given.reason }).await?.into()))
}

/// Shows the desk of an assignment: the documents, the questions, and the caller's own draft or sealed reading.
#[utoipa::path(get, path = "/engagements/{engagement}/assignments/{assignment}", tag = "reading", params(("engagement" = String, Path), ("assignment" = String, Path)), responses((status = 200, body = Desk)))]
async fn desk(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, assignment)): Path<(EngagementId, AssignmentId)>,
) -> Result<Json<Desk>, Problem> {
    Ok(Json(app.view(&caller, OpenDesk { engagement, assignment }).await?))
}

/// Shows the draft that the caller keeps for a duty she holds.
#[utoipa::path(get, path = "/engagements/{engagement}/assignments/{assignment}/draft", tag = "reading", params(("engagement" = String, Path), ("assignment" = String, Path)), responses((status = 200, body = DraftOut)))]
async fn find_draft(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, assignment)): Path<(EngagementId, AssignmentId)>,
) -> Result<Json<DraftOut>, Problem> {
    let kept = app.find_draft(&caller, engagement, assignment).await?;
    let (written, kept_at) = kept.map_or_else(Default::default, |(written, at)| (written, Some(at)));
    Ok(Json(DraftOut { written, kept_at }))
}

/// Keeps a draft in place of the one before.
#[utoipa::path(put, path = "/engagements/{engagement}/assignments/{assignment}/draft", tag = "reading", params(("engagement" = String, Path), ("assignment" = String, Path)), request_body = Written,
    responses((status = 200, body = KeptOut)))]
async fn keep_draft(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, assignment)): Path<(EngagementId, AssignmentId)>,
    Json(written): Json<Written>,
) -> Result<Json<KeptOut>, Problem> {
    Ok(Json(KeptOut { kept_at: app.keep_draft(&caller, engagement, assignment, &written).await? }))
}

/// Finds where a quote stands in the documents of a case.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/quotes", tag = "reading", params(("engagement" = String, Path), ("case" = String, Path)), request_body = QuoteIn,
    responses((status = 200, body = PlacesOut)))]
async fn find_quote(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Json(given): Json<QuoteIn>,
) -> Result<Json<PlacesOut>, Problem> {
    let places = app.view(&caller, FindQuote { engagement, case, quote: given.quote }).await?;
    Ok(Json(PlacesOut { places }))
}

/// Seals the caller's reading. Quotes are found in the documents first.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/readings", tag = "reading", params(("engagement" = String, Path), ("case" = String, Path)), request_body = Written,
    responses((status = 200, body = SealedOut)))]
async fn submit(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Json(mut written): Json<Written>,
) -> Result<Json<SealedOut>, Problem> {
    let matter = app.view(&caller, Lay { engagement, case }).await?;
    let judgement = written.complete(&matter.form, &matter.papers).map_err(|(refusal, _)| Error::from(refusal))?;
    let receipt = app.act(caller, Command::SubmitReading { engagement, case, judgement }).await?;
    Ok(Json(SealedOut { sealed_at: receipt.at.timestamp() }))
}
