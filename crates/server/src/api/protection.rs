//! Protection, as programs see it: the record of acts and views, and its verification.

use axum::{extract::State, http::StatusCode};
use remit_kernel::{
    id::{CaseId, EngagementId, Id as _, PersonId},
    refusal::{Reason, code},
    stream::Scope,
};
use serde::{Deserialize, Serialize};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    extract::{Json, Limit, Path, Query},
};
use crate::{
    App, Caller, Error,
    app::protection::{PAGE_MAX, Protection, ShowProtection, place},
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(record)).routes(routes!(verify))
}

/// Which part of the record.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
pub(crate) struct ProtectionIn {
    /// Only what belongs to this case, by its identifier or its reference.
    case: Option<String>,
    /// Only what this person did or saw.
    person: Option<String>,
    /// Only what access denied.
    denied: Option<bool>,
    /// Where the page begins, as `next` of the page before.
    before: Option<String>,
    /// At most so many, 1 to 200.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<Limit<PAGE_MAX>>,
}

/// Returns who opened or did what, newest first, and what the last verification found.
#[utoipa::path(get, path = "/engagements/{engagement}/record", tag = "protection", params(("engagement" = String, Path), ProtectionIn),
    responses((status = 200, body = Protection)))]
async fn record(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<ProtectionIn>,
) -> Result<Json<Protection>, Problem> {
    Ok(Json(app.view(&caller, given.query(engagement)?).await?))
}

impl ProtectionIn {
    pub(crate) fn query(&self, engagement: EngagementId) -> Result<ShowProtection, Error> {
        let case = self.case.as_deref().map(str::trim).filter(|case| !case.is_empty());
        let (case, reference) = case.map_or((None, None), |text| {
            if text.starts_with(CaseId::PREFIX) { (Some(text), None) } else { (None, Some(text)) }
        });
        Ok(ShowProtection {
            engagement,
            case: read("case", case, |text| text.parse().ok())?,
            reference: reference.map(str::to_owned),
            person: read("person", self.person.as_deref(), |text| text.parse().ok())?,
            denied: self.denied.unwrap_or_default(),
            before: read("before", self.before.as_deref(), place)?,
            limit: self.limit.map_or(50, |limit| limit.0),
        })
    }

    /// Returns the case as it was asked for; empty if it was not.
    pub(crate) fn case_given(&self) -> &str {
        self.case.as_deref().unwrap_or_default()
    }

    pub(crate) fn names(&self, person: &PersonId) -> bool {
        self.person.as_deref() == Some(person.to_string().as_str())
    }

    pub(crate) fn only_denied(&self) -> bool {
        self.denied.unwrap_or_default()
    }

    /// Returns the filter as part of an address, each value followed by `&`; the page is left out.
    pub(crate) fn address(&self) -> String {
        let denied = self.only_denied().then(|| "true".to_owned());
        let given = [("case", &self.case), ("person", &self.person), ("denied", &denied)];
        let filled = given
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.as_deref().filter(|value| !value.is_empty())?)));
        filled
            .flat_map(|(key, value)| [key.to_owned(), "=".to_owned(), crate::pages::encode(value), "&".to_owned()])
            .collect()
    }
}

fn read<T>(field: &str, text: Option<&str>, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Error> {
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => Ok(Some(read(text).ok_or_else(|| {
            let cut: String = text.chars().take(64).collect();
            Reason::field(code::FIELD_INVALID, field, format!("`{cut}` is not what belongs here"))
                .hint("Copy the identifier from its page.")
        })?)),
    }
}

/// A verification that has begun.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct VerifyingOut {
    /// Events replayed so far; none: it has finished.
    verifying: Option<u64>,
}

/// Begins to verify the whole record: every event is replayed and compared. `verified` of the record tells what was found.
#[utoipa::path(post, path = "/engagements/{engagement}/verifications", tag = "protection", params(("engagement" = String, Path)),
    responses((status = 202, description = "It has begun.", body = VerifyingOut)))]
async fn verify(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<(StatusCode, Json<VerifyingOut>), Problem> {
    app.begin_verify(&caller, Scope::Engagement(engagement)).await?;
    Ok((StatusCode::ACCEPTED, Json(VerifyingOut { verifying: app.verifying() })))
}
