//! The directory and the bench, as programs see them.

use std::collections::BTreeSet;

use axum::extract::State;
use remit_kernel::{
    command::{Command, PersonIn},
    id::{CaseId, CredentialId, EngagementId, OrgId, PersonId},
    pack::Duty,
    role::Role,
    time::Date,
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem, ReceiptOut,
    extract::{Json, Path, Query},
};
use crate::{
    App, Caller,
    app::{
        admin::{Admin, ShowAdmin},
        people::{Bench, Eligibility, PersonOut, ShowBench, ShowPerson, WhyNot},
    },
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(admin))
        .routes(routes!(add_organisation))
        .routes(routes!(add_person))
        .routes(routes!(person))
        .routes(routes!(record_credential))
        .routes(routes!(revoke_credential))
        .routes(routes!(set_clearance))
        .routes(routes!(set_conflict))
        .routes(routes!(set_place))
        .routes(routes!(mark_left))
        .routes(routes!(bench))
        .routes(routes!(member))
        .routes(routes!(eligibility))
}

/// An organisation to add.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganisationIn {
    /// Its name.
    name: String,
    /// Country of its seat, ISO 3166 alpha-2.
    country: String,
}

/// A person to add.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPersonIn {
    /// Employer.
    #[schema(value_type = String)]
    organisation: OrgId,
    /// Name.
    name: String,
    /// Another account of the same human being, if there is one.
    #[schema(value_type = Option<String>)]
    same_as: Option<PersonId>,
    /// Whether the account may ever sign in.
    signs_in: bool,
    /// Country of work, ISO 3166 alpha-2.
    place: String,
    /// Working languages, BCP 47.
    #[serde(default)]
    languages: BTreeSet<String>,
    /// Roles in the directory: `operator`, `people_manager`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    roles: BTreeSet<Role>,
}

/// A verified credential.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialIn {
    /// Kind, such as `cardiologist`.
    kind: String,
    /// Where it holds, such as `US-OH`; empty: everywhere.
    #[serde(default)]
    jurisdiction: String,
    /// Number in the issuer's register.
    number: String,
    /// First day.
    #[schema(value_type = String, format = Date)]
    valid_from: Date,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    valid_to: Date,
}

/// Why a credential no longer holds.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevocationIn {
    /// The reason.
    reason: String,
}

/// A clearance, granted or withdrawn.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClearanceIn {
    /// Such as `health-data`.
    clearance: String,
    /// Whether it is granted.
    granted: bool,
}

/// An interest, declared or cleared.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConflictIn {
    /// Code of the party.
    party: String,
    /// Whether it is declared.
    declared: bool,
}

/// Where a person works from now on.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceIn {
    /// Country, ISO 3166 alpha-2.
    place: String,
}

/// Which duty is asked about.
#[derive(Deserialize, utoipa::IntoParams)]
pub(crate) struct DutyIn {
    /// `read`, `adjudicate` or `sign`.
    #[param(value_type = String)]
    duty: Duty,
}

/// Shows how the installation stands: organisations, people, packs, jobs, health; never content.
#[utoipa::path(get, path = "/admin", tag = "directory", responses((status = 200, body = Admin)))]
async fn admin(State(app): State<App>, caller: Caller) -> Result<Json<Admin>, Problem> {
    Ok(Json(app.view(&caller, ShowAdmin).await?))
}

/// Adds an organisation.
#[utoipa::path(post, path = "/organisations", tag = "directory", request_body = OrganisationIn, responses((status = 200, body = ReceiptOut)))]
async fn add_organisation(
    State(app): State<App>,
    caller: Caller,
    Json(given): Json<OrganisationIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::AddOrganisation { name: given.name, country: given.country }).await?.into()))
}

/// Adds a person.
#[utoipa::path(post, path = "/people", tag = "directory", request_body = NewPersonIn, responses((status = 200, body = ReceiptOut)))]
async fn add_person(
    State(app): State<App>,
    caller: Caller,
    Json(given): Json<NewPersonIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let NewPersonIn { organisation: org, name, same_as, signs_in, place, languages, roles } = given;
    let person = PersonIn { org, name, same_as, signs_in, place, languages, roles };
    Ok(Json(app.act(caller, Command::AddPerson { person }).await?.into()))
}

/// Shows a person's record.
#[utoipa::path(get, path = "/people/{person}", tag = "directory", params(("person" = String, Path)), responses((status = 200, body = PersonOut)))]
async fn person(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<PersonId>,
) -> Result<Json<PersonOut>, Problem> {
    Ok(Json(app.view(&caller, ShowPerson { engagement: None, person }).await?))
}

/// Records a verified credential.
#[utoipa::path(post, path = "/people/{person}/credentials", tag = "directory", params(("person" = String, Path)), request_body = CredentialIn, responses((status = 200, body = ReceiptOut)))]
async fn record_credential(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<PersonId>,
    Json(given): Json<CredentialIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let CredentialIn { kind, jurisdiction, number, valid_from, valid_to } = given;
    Ok(Json(
        app.act(caller, Command::RecordCredential { person, kind, jurisdiction, number, valid_from, valid_to })
            .await?
            .into(),
    ))
}

/// Revokes a credential; duties that rest on it are planned anew.
#[utoipa::path(post, path = "/people/{person}/credentials/{credential}/revoke", tag = "directory", params(("person" = String, Path), ("credential" = String, Path)), request_body = RevocationIn,
    responses((status = 200, body = ReceiptOut)))]
async fn revoke_credential(
    State(app): State<App>,
    caller: Caller,
    Path((person, credential)): Path<(PersonId, CredentialId)>,
    Json(given): Json<RevocationIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::RevokeCredential { person, credential, reason: given.reason }).await?.into()))
}

/// Grants or withdraws a clearance.
#[utoipa::path(post, path = "/people/{person}/clearances", tag = "directory", params(("person" = String, Path)), request_body = ClearanceIn, responses((status = 200, body = ReceiptOut)))]
async fn set_clearance(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<PersonId>,
    Json(given): Json<ClearanceIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let ClearanceIn { clearance, granted } = given;
    Ok(Json(app.act(caller, Command::SetClearance { person, clearance, granted }).await?.into()))
}

/// Declares or clears an interest in a party.
#[utoipa::path(post, path = "/people/{person}/conflicts", tag = "directory", params(("person" = String, Path)), request_body = ConflictIn, responses((status = 200, body = ReceiptOut)))]
async fn set_conflict(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<PersonId>,
    Json(given): Json<ConflictIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let ConflictIn { party, declared } = given;
    Ok(Json(app.act(caller, Command::SetConflict { person, party, declared }).await?.into()))
}

/// Records the country a person works from.
#[utoipa::path(put, path = "/people/{person}/place", tag = "directory", params(("person" = String, Path)), request_body = PlaceIn, responses((status = 200, body = ReceiptOut)))]
async fn set_place(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<PersonId>,
    Json(given): Json<PlaceIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::SetPlace { person, place: given.place }).await?.into()))
}

/// Records that a person left; access ends at once.
#[utoipa::path(post, path = "/people/{person}/left", tag = "directory", params(("person" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn mark_left(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<PersonId>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::MarkLeft { person }).await?.into()))
}

/// Shows the bench of an engagement.
#[utoipa::path(get, path = "/engagements/{engagement}/people", tag = "members", params(("engagement" = String, Path)), responses((status = 200, body = Bench)))]
async fn bench(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<Bench>, Problem> {
    Ok(Json(app.view(&caller, ShowBench { engagement }).await?))
}

/// Shows the record of a member.
#[utoipa::path(get, path = "/engagements/{engagement}/people/{person}", tag = "members", params(("engagement" = String, Path), ("person" = String, Path)), responses((status = 200, body = PersonOut)))]
async fn member(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, person)): Path<(EngagementId, PersonId)>,
) -> Result<Json<PersonOut>, Problem> {
    Ok(Json(app.view(&caller, ShowPerson { engagement: Some(engagement), person }).await?))
}

/// Says who may take a duty on a case, why the others may not, and how its seats were filled.
#[utoipa::path(get, path = "/engagements/{engagement}/cases/{case}/eligibility", tag = "members", params(("engagement" = String, Path), ("case" = String, Path), DutyIn),
    responses((status = 200, body = Eligibility)))]
async fn eligibility(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, case)): Path<(EngagementId, CaseId)>,
    Query(given): Query<DutyIn>,
) -> Result<Json<Eligibility>, Problem> {
    Ok(Json(app.view(&caller, WhyNot { engagement, case, duty: given.duty }).await?))
}
