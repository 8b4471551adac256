//! Engagements, as programs see them: Today, statements of work, members, knowledge.

use std::collections::BTreeSet;

use axum::extract::State;
use remit_kernel::{
    command::{Command, LineIn},
    engagement::LineKind,
    hash::Digest,
    id::{EngagementId, OrgId, PersonId, SowId},
    pack::{GoldPlan, PackRef, Plan, ReviewPlan},
    role::{Role, Side},
    time::Date,
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem, ReceiptOut,
    extract::{Json, Path},
};
use crate::{
    App, Caller,
    app::{
        engagement::{EngagementLine, EngagementOut, PackChoice, Packs, ShowEngagement, ShowSow, SowOut},
        knowledge::{Knowledge, ShowKnowledge},
        stopping::StoppingOut,
        today::Today,
    },
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(today))
        .routes(routes!(list, draft))
        .routes(routes!(show))
        .routes(routes!(go_live))
        .routes(routes!(knowledge))
        .routes(routes!(packs))
        .routes(routes!(draft_sow))
        .routes(routes!(show_sow, revise_sow))
        .routes(routes!(propose_sow))
        .routes(routes!(sign_sow))
        .routes(routes!(add_member))
        .routes(routes!(change_member))
        .routes(routes!(remove_member))
}

/// An engagement to set up.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EngagementIn {
    /// Its name.
    name: String,
    /// Who owns the goal.
    #[schema(value_type = String)]
    client: OrgId,
    /// Who does the work.
    #[schema(value_type = String)]
    provider: OrgId,
    /// Its first members, each a manager of a side.
    managers: Vec<ManagerIn>,
}

/// A manager of a side.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManagerIn {
    /// Who.
    #[schema(value_type = String)]
    person: PersonId,
    /// `client` or `provider`.
    #[schema(value_type = String)]
    side: Side,
}

/// A statement of work.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SowIn {
    /// First day.
    #[schema(value_type = String, format = Date)]
    starts_on: Date,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    ends_on: Date,
    /// Whether the client knows the people who read by name; otherwise by number.
    #[serde(default)]
    names_people: bool,
    /// Its lines.
    lines: Vec<SowLineIn>,
}

/// A line of a statement of work.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SowLineIn {
    /// Clause by which people call it, such as `2.1`.
    clause: String,
    /// Service in words.
    service: String,
    /// `standard` or `history`.
    #[schema(value_type = String)]
    kind: LineKind,
    /// Case types in scope.
    includes: BTreeSet<String>,
    /// Case types out of scope.
    #[serde(default)]
    excludes: BTreeSet<String>,
    /// Jurisdictions in scope; empty: all.
    #[serde(default)]
    jurisdictions: BTreeSet<String>,
    /// Countries from which the work may be done; empty: all.
    #[serde(default)]
    places: BTreeSet<String>,
    /// Most cases; none: no cap.
    volume_max: Option<u32>,
    /// Price of one case in minor units.
    price_minor: i64,
    /// Currency, ISO 4217.
    currency: String,
    /// Revisions included for each case.
    revisions_max: u32,
    /// The pack by which its cases are worked.
    pack: PackIn,
    /// The quality plan; none: the pack's own.
    plan: Option<PlanIn>,
}

/// A pack by name, version and digest.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PackIn {
    /// Short name.
    name: String,
    /// Version.
    version: String,
    /// Digest of its content.
    #[schema(value_type = String)]
    digest: Digest,
}

/// A quality plan.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanIn {
    /// Blind readings for each case; with `readings_max` and `error_max` the fewest.
    readings: u8,
    /// Most blind readings, where their number is not fixed.
    readings_max: Option<u8>,
    /// Greatest estimated chance of a wrong answer at which a panel stops, in millionths.
    error_max: Option<u32>,
    /// Case types of which one reading alone may decide.
    #[serde(default)]
    single_allowed: BTreeSet<String>,
    /// Whether a professional signs.
    signoff: bool,
    /// Whether the signer must be licensed in the case's jurisdiction.
    #[serde(default)]
    signoff_in_jurisdiction: bool,
    /// Which finished work is looked at again; shares in basis points. Left out: none is drawn.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    review: Option<ReviewPlan>,
    /// How gold cases are mixed in; none: not at all.
    gold: Option<GoldPlanIn>,
}

/// How gold cases are mixed into live work. What is left out is as usual.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GoldPlanIn {
    /// Of 10,000 requests for the next case, so many are answered with a gold case; at most 5,000.
    rate_bp: u16,
    /// Days after sealing until the reader is told; 7 unless given.
    window_days: Option<u16>,
    /// A gold case is retired after so many showings; 30 unless given.
    showings_max: Option<u32>,
    /// It is retired when more than so many of 10,000 readers pass it; 9,800 unless given.
    retire_above_bp: Option<u16>,
    /// And at least so many have answered; 20 unless given.
    retire_after: Option<u32>,
}

impl From<GoldPlanIn> for GoldPlan {
    fn from(given: GoldPlanIn) -> Self {
        Self {
            rate_bp: given.rate_bp,
            window_days: given.window_days.unwrap_or(Self::USUAL.window_days),
            showings_max: given.showings_max.unwrap_or(Self::USUAL.showings_max),
            retire_above_bp: given.retire_above_bp.unwrap_or(Self::USUAL.retire_above_bp),
            retire_after: given.retire_after.unwrap_or(Self::USUAL.retire_after),
        }
    }
}

/// A member to add.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberIn {
    /// Who.
    #[schema(value_type = String)]
    person: PersonId,
    /// `client` or `provider`.
    #[schema(value_type = String)]
    side: Side,
    /// Roles, such as `expert`.
    #[schema(value_type = Vec<String>)]
    roles: BTreeSet<Role>,
    /// Most duties at a time.
    capacity: u32,
}

/// Roles and capacity from now on.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberChangeIn {
    /// Roles.
    #[schema(value_type = Vec<String>)]
    roles: BTreeSet<Role>,
    /// Most duties at a time.
    capacity: u32,
}

/// How a member is taken out.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberRemovalIn {
    /// Who takes over the open cases that the member owns.
    #[schema(value_type = Option<String>)]
    successor: Option<PersonId>,
}

impl SowIn {
    fn lines(self) -> Vec<LineIn> {
        let line = |line: SowLineIn| LineIn {
            clause: line.clause,
            service: line.service,
            kind: line.kind,
            includes: line.includes,
            excludes: line.excludes,
            jurisdictions: line.jurisdictions,
            places: line.places,
            volume_max: line.volume_max,
            price_minor: line.price_minor,
            currency: line.currency,
            revisions_max: line.revisions_max,
            pack: PackRef { name: line.pack.name, version: line.pack.version, digest: line.pack.digest },
            plan: line.plan.map(|plan| Plan {
                stopping: StoppingOut::stopping(plan.readings, plan.readings_max, plan.error_max),
                signoff: plan.signoff,
                signoff_in_jurisdiction: plan.signoff_in_jurisdiction,
                gold: plan.gold.map(Into::into),
                review: plan.review,
                single_allowed: plan.single_allowed,
            }),
        };
        self.lines.into_iter().map(line).collect()
    }
}

/// What waits for the caller, over all engagements, earliest promise first.
#[utoipa::path(get, path = "/today", tag = "engagements", responses((status = 200, body = Today)))]
async fn today(State(app): State<App>, caller: Caller) -> Result<Json<Today>, Problem> {
    Ok(Json(app.today(&caller).await?))
}

/// Lists the engagements of the caller.
#[utoipa::path(get, path = "/engagements", tag = "engagements", responses((status = 200, body = Vec<EngagementLine>)))]
async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Vec<EngagementLine>>, Problem> {
    Ok(Json(app.my_engagements(&caller).await?))
}

/// Sets up an engagement with its first members.
#[utoipa::path(post, path = "/engagements", tag = "engagements", request_body = EngagementIn, responses((status = 200, body = ReceiptOut)))]
async fn draft(
    State(app): State<App>,
    caller: Caller,
    Json(given): Json<EngagementIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let managers = given.managers.into_iter().map(|manager| (manager.person, manager.side)).collect();
    let command =
        Command::DraftEngagement { name: given.name, client: given.client, provider: given.provider, managers };
    Ok(Json(app.act(caller, command).await?.into()))
}

/// Shows an engagement: parties, statements of work, members, cases in figures.
#[utoipa::path(get, path = "/engagements/{engagement}", tag = "engagements", params(("engagement" = String, Path)), responses((status = 200, body = EngagementOut)))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<EngagementOut>, Problem> {
    Ok(Json(app.view(&caller, ShowEngagement { engagement }).await?))
}

/// Lets work begin.
#[utoipa::path(post, path = "/engagements/{engagement}/live", tag = "engagements", params(("engagement" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn go_live(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::GoLive { engagement }).await?.into()))
}

/// Shows the packs by which the engagement's cases are worked.
#[utoipa::path(get, path = "/engagements/{engagement}/knowledge", tag = "engagements", params(("engagement" = String, Path)), responses((status = 200, body = Knowledge)))]
async fn knowledge(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<Knowledge>, Problem> {
    Ok(Json(app.view(&caller, ShowKnowledge { engagement }).await?))
}

/// Lists the packs that a line may name.
#[utoipa::path(get, path = "/engagements/{engagement}/packs", tag = "engagements", params(("engagement" = String, Path)), responses((status = 200, body = Vec<PackChoice>)))]
async fn packs(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Json<Vec<PackChoice>>, Problem> {
    Ok(Json(app.view(&caller, Packs { engagement }).await?))
}

/// Writes a new version of the statement of work.
#[utoipa::path(post, path = "/engagements/{engagement}/sows", tag = "statements of work", params(("engagement" = String, Path)), request_body = SowIn,
    responses((status = 200, body = ReceiptOut)))]
async fn draft_sow(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Json(given): Json<SowIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let (starts_on, ends_on, names_people) = (given.starts_on, given.ends_on, given.names_people);
    let draft = Command::DraftSow { engagement, starts_on, ends_on, names_people, lines: given.lines() };
    Ok(Json(app.act(caller, draft).await?.into()))
}

/// Shows one version of the statement of work.
#[utoipa::path(get, path = "/engagements/{engagement}/sows/{sow}", tag = "statements of work", params(("engagement" = String, Path), ("sow" = String, Path)), responses((status = 200, body = SowOut)))]
async fn show_sow(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, sow)): Path<(EngagementId, SowId)>,
) -> Result<Json<SowOut>, Problem> {
    Ok(Json(app.view(&caller, ShowSow { engagement, sow }).await?))
}

/// Rewrites a draft.
#[utoipa::path(put, path = "/engagements/{engagement}/sows/{sow}", tag = "statements of work", params(("engagement" = String, Path), ("sow" = String, Path)), request_body = SowIn,
    responses((status = 200, body = ReceiptOut)))]
async fn revise_sow(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, sow)): Path<(EngagementId, SowId)>,
    Json(given): Json<SowIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let (starts_on, ends_on, names_people) = (given.starts_on, given.ends_on, given.names_people);
    let revised = Command::ReviseSow { engagement, sow, starts_on, ends_on, names_people, lines: given.lines() };
    Ok(Json(app.act(caller, revised).await?.into()))
}

/// Lays a draft before the other side; from then on it never changes.
#[utoipa::path(post, path = "/engagements/{engagement}/sows/{sow}/propose", tag = "statements of work", params(("engagement" = String, Path), ("sow" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn propose_sow(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, sow)): Path<(EngagementId, SowId)>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::ProposeSow { engagement, sow }).await?.into()))
}

/// Signs for the caller's side.
#[utoipa::path(post, path = "/engagements/{engagement}/sows/{sow}/sign", tag = "statements of work", params(("engagement" = String, Path), ("sow" = String, Path)), responses((status = 200, body = ReceiptOut)))]
async fn sign_sow(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, sow)): Path<(EngagementId, SowId)>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::SignSow { engagement, sow }).await?.into()))
}

/// Adds a person, or brings one back.
#[utoipa::path(post, path = "/engagements/{engagement}/members", tag = "members", params(("engagement" = String, Path)), request_body = MemberIn,
    responses((status = 200, body = ReceiptOut)))]
async fn add_member(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Json(given): Json<MemberIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let MemberIn { person, side, roles, capacity } = given;
    Ok(Json(app.act(caller, Command::AddMember { engagement, person, side, roles, capacity }).await?.into()))
}

/// Changes roles or capacity; duties of a role that is gone are planned anew.
#[utoipa::path(put, path = "/engagements/{engagement}/members/{person}", tag = "members", params(("engagement" = String, Path), ("person" = String, Path)), request_body = MemberChangeIn,
    responses((status = 200, body = ReceiptOut)))]
async fn change_member(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, person)): Path<(EngagementId, PersonId)>,
    Json(given): Json<MemberChangeIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    let MemberChangeIn { roles, capacity } = given;
    Ok(Json(app.act(caller, Command::ChangeMember { engagement, person, roles, capacity }).await?.into()))
}

/// Takes a person out; open duties are planned anew, owned cases go to the successor.
#[utoipa::path(post, path = "/engagements/{engagement}/members/{person}/remove", tag = "members", params(("engagement" = String, Path), ("person" = String, Path)), request_body = MemberRemovalIn,
    responses((status = 200, body = ReceiptOut)))]
async fn remove_member(
    State(app): State<App>,
    caller: Caller,
    Path((engagement, person)): Path<(EngagementId, PersonId)>,
    Json(given): Json<MemberRemovalIn>,
) -> Result<Json<ReceiptOut>, Problem> {
    Ok(Json(app.act(caller, Command::RemoveMember { engagement, person, successor: given.successor }).await?.into()))
}
