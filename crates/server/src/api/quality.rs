//! Quality, as programs see it: agreement by question and pair, and the disputes behind each figure.

use axum::extract::State;
use remit_kernel::{
    id::{CaseId, EngagementId},
    index::Origin,
    refusal::{Reason, code},
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    extract::{Json, Limit, Path, Query},
};
use crate::{
    App, Caller, Error,
    app::quality::{DISPUTES_MAX, Disputes, Quality, ShowDisputes, ShowQuality, Which},
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(side_by_side))
}

/// Which readings the figures rest on.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
pub(crate) struct QualityIn {
    /// `witnessed`, `imported` or `all`, which is the default.
    origin: Option<String>,
}

/// Returns how far panel readers agree, question by question and pair by pair.
#[utoipa::path(get, path = "/engagements/{engagement}/quality", tag = "quality", params(("engagement" = String, Path), QualityIn),
    responses((status = 200, body = Quality)))]
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<QualityIn>,
) -> Result<Json<Quality>, Problem> {
    Ok(Json(app.view(&caller, given.query(engagement)?).await?))
}

impl QualityIn {
    pub(crate) fn query(&self, engagement: EngagementId) -> Result<ShowQuality, Error> {
        Ok(ShowQuality { engagement, origin: origin(self.origin.as_deref())? })
    }
}

/// Which disputed cases.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
pub(crate) struct SideBySideIn {
    /// Key of the question on which they differ.
    question: Option<String>,
    /// `other`: instead, cases with the same answers on other evidence.
    evidence: Option<String>,
    /// Key of a reader, as the figures have it; with `b`.
    a: Option<String>,
    /// Key of another reader; with `a`.
    b: Option<String>,
    /// `witnessed`, `imported` or `all`, which is the default.
    origin: Option<String>,
    /// Where the page begins, as `next` of the page before.
    after: Option<String>,
    /// At most so many, 1 to 25.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 25)]
    limit: Option<Limit<DISPUTES_MAX>>,
}

/// Returns disputed cases with their readings side by side.
#[utoipa::path(get, path = "/engagements/{engagement}/quality/disputes", tag = "quality",
    params(("engagement" = String, Path), SideBySideIn), responses((status = 200, body = Disputes)))]
async fn side_by_side(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<SideBySideIn>,
) -> Result<Json<Disputes>, Problem> {
    Ok(Json(app.view(&caller, given.query(engagement)?).await?))
}

impl SideBySideIn {
    pub(crate) fn query(&self, engagement: EngagementId) -> Result<ShowDisputes, Error> {
        let which = match (&self.question, self.evidence.as_deref()) {
            (Some(question), None) => {
                Which::Question { question: question.clone(), pair: self.a.clone().zip(self.b.clone()) }
            }
            (None, Some("other")) => Which::OtherEvidence,
            (Some(_) | None, _) => {
                return Err(Reason::field(code::FIELD_INVALID, "question", "it is not said which cases are meant")
                    .hint("Give either `question`, or `evidence=other`.")
                    .into());
            }
        };
        let after = match self.after.as_deref().filter(|cursor| !cursor.is_empty()) {
            None => None,
            Some(cursor) => Some(cursor.parse::<CaseId>().map_err(|_| {
                Reason::field(code::FIELD_INVALID, "after", "this is not a cursor")
                    .hint("Use `next` of the page before.")
            })?),
        };
        let limit = self.limit.map_or(DISPUTES_MAX, |limit| limit.0);
        Ok(ShowDisputes { engagement, which, origin: origin(self.origin.as_deref())?, after, limit })
    }

    /// Returns the filter as part of an address, each value followed by `&`; the page is left out.
    pub(crate) fn address(&self) -> String {
        let given = [
            ("question", &self.question),
            ("evidence", &self.evidence),
            ("a", &self.a),
            ("b", &self.b),
            ("origin", &self.origin),
        ];
        let given = given
            .into_iter()
            .filter_map(|(key, value)| Some(format!("{key}={}&", crate::pages::encode(value.as_deref()?))));
        given.collect()
    }
}

/// Returns the origin of a word; `all`, or none, is every origin.
fn origin(word: Option<&str>) -> Result<Option<Origin>, Error> {
    match word {
        None | Some("" | "all") => Ok(None),
        Some(word) => Ok(Some(Origin::from_word(word).ok_or_else(|| {
            Reason::field(
                code::FIELD_INVALID,
                "origin",
                format!("`{}` is not an origin", word.chars().take(40).collect::<String>()),
            )
            .hint("Known: witnessed, imported, all.")
        })?)),
    }
}
