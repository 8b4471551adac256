//! One case, as programs see it: taken in, looked at, arranged, its file, its delivery.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use jiff::Timestamp;
use remit_kernel::{
    case::{Media, ReturnCode, Visibility},
    command::{CaseIn, Command, ItemIn},
    id::{CaseId, EngagementId, ItemId, PersonId},
    refusal::{Reason, code},
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem, ReceiptOut,
    case::instant,
    extract::{Json, Limit, Path, Query},
};
use crate::{
    App, Caller, Error,
    app::case::{
        PAGE_MAX,
        file::{GetItem, ItemContent},
        intake::{GetIntake, Intake},
        timeline::{GetTimeline, TimelineLine},
        view::{CaseView, GetCase},
        witness::{self, ListWitnesses, WitnessList},
    },
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(take_in_case))
        .routes(routes!(get_intake))
        .routes(routes!(get_case))
        .routes(routes!(get_timeline))
        .routes(routes!(list_witnesses))
        .routes(routes!(get_item))
        .routes(routes!(add_item))
        .routes(routes!(widen_item))
        .routes(routes!(admit_case))
        .routes(routes!(decline_case))
        .routes(routes!(cancel_case))
        .routes(routes!(add_party))
        .routes(routes!(transfer_case))
        .routes(routes!(edit_deliverable))
        .routes(routes!(request_signoff))
        .routes(routes!(deliver))
        .routes(routes!(accept_delivery))
        .routes(routes!(return_delivery))
}

type Place = Path<(EngagementId, CaseId)>;
type Done = Result<Json<ReceiptOut>, Problem>;

async fn done(app: &App, caller: Caller, command: Command) -> Done {
    Ok(Json(app.act(caller, command).await?.into()))
}

/// A case as it comes in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCaseIn {
    /// The client's reference, once in an engagement.
    reference: String,
    /// What it is about.
    title: String,
    /// Key of a case type.
    case_type: String,
    /// Named facts of that type.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// Where the matter lies, such as `GB` or `US-OH`.
    jurisdiction: String,
    /// Its language, such as `en`.
    language: String,
    /// Codes of the parties.
    #[serde(default)]
    parties: BTreeSet<String>,
    /// Whether it is urgent.
    #[serde(default)]
    urgent: bool,
    /// When it is promised.
    #[schema(value_type = String, format = DateTime)]
    due_at: Timestamp,
    /// Who is accountable; none: the caller if she can, else the first delivery manager.
    #[schema(value_type = Option<String>)]
    owner: Option<PersonId>,
    /// Its documents.
    #[serde(default)]
    items: Vec<NewItemIn>,
}

/// An item as it comes in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewItemIn {
    /// Its name.
    name: String,
    /// `text`, `svg` or `link`.
    #[schema(value_type = String)]
    media: Media,
    /// Its content letter by letter; the address for a link.
    body: String,
    /// Whether a signer must open it; as a rule yes.
    #[serde(default = "material")]
    material: bool,
    /// `both`, `client` or `provider`; as a rule both.
    #[serde(default = "both")]
    #[schema(value_type = String)]
    visibility: Visibility,
}

const fn material() -> bool {
    true
}

const fn both() -> Visibility {
    Visibility::Both
}

impl From<NewItemIn> for ItemIn {
    fn from(given: NewItemIn) -> Self {
        let NewItemIn { name, media, body, material, visibility } = given;
        Self { name, media, body, material, visibility }
    }
}

/// An item, and what it takes the place of.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddItemIn {
    /// The item of which this is a new version; none: it is new.
    #[schema(value_type = Option<String>)]
    replaces: Option<ItemId>,
    /// The item.
    item: NewItemIn,
}

/// Why something ends.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndIn {
    /// Why.
    reason: String,
}

/// A party.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartyIn {
    /// Its code: lower-case letters, digits, `-` and `_`.
    party: String,
}

/// A new owner.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferIn {
    /// Who is accountable from now on.
    #[schema(value_type = String)]
    to: PersonId,
    /// Why.
    reason: String,
}

/// The words for the client.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliverableIn {
    /// The words.
    body: String,
}

/// Why a delivery is returned.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReturnIn {
    /// The coded reason, such as `tone`; `new_wish` alone counts against the allowance.
    #[schema(value_type = String)]
    code: ReturnCode,
    /// What is to be mended.
    note: String,
}

/// As of when.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub(crate) struct AsOfIn {
    /// An instant such as `2026-03-03T12:00:00Z`, or a date for the end of that day; none: now.
    as_of: Option<String>,
}

impl AsOfIn {
    fn instant(&self) -> Result<Option<remit_kernel::time::Instant>, Problem> {
        let given = self.as_of.as_deref().filter(|text| !text.is_empty());
        given.map(instant).transpose().map_err(|reason| Error::from(reason).into())
    }
}

/// Which page of the record.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub(crate) struct WitnessesIn {
    /// Further back from here, as `next` of the page before.
    before: Option<String>,
    /// At most so many, 1 to 200.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<Limit<PAGE_MAX>>,
}

/// Takes a case in through the scope gate, which admits it or stops it with the clause.
#[utoipa::path(post, path = "/engagements/{engagement}/cases", tag = "cases", request_body = NewCaseIn,
    params(("engagement" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn take_in_case(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Json(given): Json<NewCaseIn>,
) -> Done {
    let owner = if let Some(owner) = given.owner {
        owner
    } else {
        let owners = app.view(&caller, GetIntake { engagement }).await?.owners;
        let nobody = || {
            Reason::field(code::FIELD_INVALID, "owner", "nobody here can own a case")
                .hint("Add a delivery manager first.")
        };
        owners.first().ok_or_else(nobody).map_err(Error::from)?.person
    };
    let NewCaseIn {
        reference,
        title,
        case_type,
        fields,
        jurisdiction,
        language,
        parties,
        urgent,
        due_at,
        items,
        owner: _,
    } = given;
    let (due_at, items) = (due_at.into(), items.into_iter().map(ItemIn::from).collect());
    let case =
        CaseIn { reference, title, case_type, fields, jurisdiction, language, parties, urgent, due_at, owner, items };
    done(&app, caller, Command::TakeIn { engagement, case }).await
}

/// Says what a case may be: case types with their clauses, and who can own one.
#[utoipa::path(get, path = "/engagements/{engagement}/intake", tag = "cases", params(("engagement" = String, Path)),
    responses((status = 200, body = Intake)))]
async fn get_intake(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<Intake>, Problem> {
    Ok(Json(app.view(&caller, GetIntake { engagement }).await?))
}

/// Shows a case as the caller may know it, as it is or as it was.
#[utoipa::path(get, path = "/engagements/{engagement}/cases/{case}", tag = "cases",
    params(("engagement" = String, Path), ("case" = String, Path), AsOfIn), responses((status = 200, body = CaseView)))]
async fn get_case(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Place,
    Query(given): Query<AsOfIn>,
) -> Result<Json<CaseView>, Problem> {
    Ok(Json(app.view(&caller, GetCase { engagement, case, as_of: given.instant()? }).await?))
}

/// Tells what happened to a case, as far as the caller may know it.
#[utoipa::path(get, path = "/engagements/{engagement}/cases/{case}/timeline", tag = "cases",
    params(("engagement" = String, Path), ("case" = String, Path), AsOfIn), responses((status = 200, body = Vec<TimelineLine>)))]
async fn get_timeline(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Place,
    Query(given): Query<AsOfIn>,
) -> Result<Json<Vec<TimelineLine>>, Problem> {
    Ok(Json(app.view(&caller, GetTimeline { engagement, case, as_of: given.instant()? }).await?))
}

/// Tells who saw a case, when, in which role and under which rule.
#[utoipa::path(get, path = "/engagements/{engagement}/cases/{case}/witnesses", tag = "cases",
    params(("engagement" = String, Path), ("case" = String, Path), WitnessesIn), responses((status = 200, body = WitnessList)))]
async fn list_witnesses(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Place,
    Query(given): Query<WitnessesIn>,
) -> Result<Json<WitnessList>, Problem> {
    let before = match given.before.as_deref().filter(|cursor| !cursor.is_empty()) {
        None => None,
        Some(cursor) => Some(witness::place(cursor).ok_or_else(|| {
            Error::from(
                Reason::field(code::FIELD_INVALID, "before", "this is not a cursor")
                    .hint("Use `next` of the page before."),
            )
        })?),
    };
    Ok(Json(
        app.view(&caller, ListWitnesses { engagement, case, before, limit: given.limit.map_or(50, |limit| limit.0) })
            .await?,
    ))
}

/// Gives the content of one version of an item. The look is recorded; a link is only ever followed by a person.
#[utoipa::path(get, path = "/engagements/{engagement}/cases/{case}/items/{item}/{version}", tag = "cases",
    params(("engagement" = String, Path), ("case" = String, Path), ("item" = String, Path), ("version" = u32, Path, description = "Version, from 1.")),
    responses((status = 200, body = ItemContent)))]
async fn get_item(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case, item, version)): Path<(EngagementId, CaseId, ItemId, u32)>,
) -> Result<Json<ItemContent>, Problem> {
    Ok(Json(app.view(&caller, GetItem { engagement, case, item, version: Some(version), as_of: None }).await?))
}

/// Adds an item to the file, or a new version of one, before reading begins.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/items", tag = "cases", request_body = AddItemIn,
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn add_item(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Place,
    Json(given): Json<AddItemIn>,
) -> Done {
    done(&app, caller, Command::AddItem { engagement, case, replaces: given.replaces, item: given.item.into() }).await
}

/// Lets both sides see an item; this is never taken back.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/items/{item}/widen", tag = "cases",
    params(("engagement" = String, Path), ("case" = String, Path), ("item" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn widen_item(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case, item)): Path<(EngagementId, CaseId, ItemId)>,
) -> Done {
    done(&app, caller, Command::WidenItem { engagement, case, item }).await
}

/// Puts a stopped case to the scope gate again.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/admit", tag = "cases",
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn admit_case(State(app): State<App>, caller: Caller, Path((engagement, case)): Place) -> Done {
    done(&app, caller, Command::AdmitCase { engagement, case }).await
}

/// Turns a stopped case away.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/decline", tag = "cases", request_body = EndIn,
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn decline_case(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Place,
    Json(given): Json<EndIn>,
) -> Done {
    done(&app, caller, Command::DeclineCase { engagement, case, reason: given.reason }).await
}

/// Calls a case off.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/cancel", tag = "cases", request_body = EndIn,
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn cancel_case(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Place,
    Json(given): Json<EndIn>,
) -> Done {
    done(&app, caller, Command::CancelCase { engagement, case, reason: given.reason }).await
}

/// Adds a party; whoever has an interest in it loses the duties on the case in the same act.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/parties", tag = "cases", request_body = PartyIn,
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn add_party(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Place,
    Json(given): Json<PartyIn>,
) -> Done {
    done(&app, caller, Command::AddParty { engagement, case, party: given.party }).await
}

/// Makes another person accountable.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/transfer", tag = "cases", request_body = TransferIn,
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn transfer_case(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Place,
    Json(given): Json<TransferIn>,
) -> Done {
    done(&app, caller, Command::TransferCase { engagement, case, to: given.to, reason: given.reason }).await
}

/// Changes the words of the deliverable; a request or signature over the old words no longer holds.
#[utoipa::path(put, path = "/engagements/{engagement}/cases/{case}/deliverable", tag = "delivery", request_body = DeliverableIn,
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn edit_deliverable(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Place,
    Json(given): Json<DeliverableIn>,
) -> Done {
    done(&app, caller, Command::EditDeliverable { engagement, case, body: given.body }).await
}

/// Asks for a signature over the content as it stands after a revision.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/signoff", tag = "signing",
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn request_signoff(State(app): State<App>, caller: Caller, Path((engagement, case)): Place) -> Done {
    done(&app, caller, Command::RequestSignoff { engagement, case }).await
}

/// Releases the deliverable to the client.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/delivery", tag = "delivery",
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn deliver(State(app): State<App>, caller: Caller, Path((engagement, case)): Place) -> Done {
    done(&app, caller, Command::Deliver { engagement, case }).await
}

/// Accepts the delivery.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/delivery/accept", tag = "delivery",
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn accept_delivery(State(app): State<App>, caller: Caller, Path((engagement, case)): Place) -> Done {
    done(&app, caller, Command::AcceptDelivery { engagement, case }).await
}

/// Returns the delivery with a coded reason, which decides whether an adjudicator looks at it again.
#[utoipa::path(post, path = "/engagements/{engagement}/cases/{case}/delivery/return", tag = "delivery", request_body = ReturnIn,
    params(("engagement" = String, Path), ("case" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn return_delivery(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Place,
    Json(given): Json<ReturnIn>,
) -> Done {
    done(&app, caller, Command::ReturnDelivery { engagement, case, code: given.code, note: given.note }).await
}
