//! Cases, as programs see them.

use axum::extract::State;
use remit_kernel::{
    id::EngagementId,
    index::{CaseStatus, Origin},
    refusal::{Reason, code},
    time::Instant,
};
use remit_store::CaseFilter;
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Problem,
    extract::{Json, Limit, Path, Query},
};
use crate::{
    App, Caller, Error,
    app::case::{CaseList, ListCases, PAGE_MAX, place},
    edge::Edge,
};

pub(super) fn router() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which page of cases.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
pub(crate) struct CasesIn {
    /// Only cases in this status.
    pub(crate) status: Option<String>,
    /// Words in reference or title.
    pub(crate) q: Option<String>,
    /// Only cases whose readers differed.
    pub(crate) disputed: Option<bool>,
    /// Only cases whose panel the limit of its plan stopped before the most readings that it allows.
    pub(crate) stopped_early: Option<bool>,
    /// Only cases whose readers differed on this question.
    pub(crate) question: Option<String>,
    /// Only `witnessed` or only `imported` cases.
    pub(crate) origin: Option<String>,
    /// Only cases whose answer was changed after the readers had agreed.
    pub(crate) changed: Option<bool>,
    /// Where the page begins, as `next` of the page before.
    pub(crate) after: Option<String>,
    /// At most so many, 1 to 200.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    pub(crate) limit: Option<Limit<PAGE_MAX>>,
}

/// Lists cases, earliest promise first.
#[utoipa::path(get, path = "/engagements/{engagement}/cases", tag = "cases", params(("engagement" = String, Path), CasesIn),
    responses((status = 200, body = CaseList)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<CasesIn>,
) -> Result<Json<CaseList>, Problem> {
    Ok(Json(app.view(&caller, given.query(engagement)?).await?))
}

impl CasesIn {
    pub(crate) fn query(self, engagement: EngagementId) -> Result<ListCases, Error> {
        let statuses = match self.status.as_deref().filter(|word| !word.is_empty()) {
            None => Vec::new(),
            Some(word) => vec![CaseStatus::from_word(word).ok_or_else(|| {
                let known: Vec<_> = CaseStatus::ALL.iter().map(|status| status.word()).collect();
                Reason::field(code::FIELD_INVALID, "status", format!("`{word}` is not a status"))
                    .hint(format!("Known: {}.", known.join(", ")))
            })?],
        };
        let after = match self.after.as_deref().filter(|cursor| !cursor.is_empty()) {
            None => None,
            Some(cursor) => Some(place(cursor).ok_or_else(|| {
                Reason::field(code::FIELD_INVALID, "after", "this is not a cursor")
                    .hint("Use `next` of the page before.")
            })?),
        };
        let some = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let origin = match some(self.origin) {
            None => None,
            Some(word) => Some(Origin::from_word(&word).ok_or_else(|| {
                Reason::field(code::FIELD_INVALID, "origin", format!("`{word}` is not an origin"))
                    .hint("Known: witnessed, imported.")
            })?),
        };
        let filter = CaseFilter {
            statuses,
            text: some(self.q),
            disputed: self.disputed.filter(|disputed| *disputed),
            stopped_early: self.stopped_early.filter(|stopped| *stopped),
            question: some(self.question),
            origin,
            changed_after_agreement: self.changed.filter(|changed| *changed),
            ..CaseFilter::default()
        };
        Ok(ListCases { engagement, filter, after, limit: self.limit.map_or(50, |limit| limit.0) })
    }
}

/// Returns an instant as a program or a page gives it: RFC 3339, minutes in UTC, or a date, which means the end of its day.
///
/// # Errors
/// A field reason that names the forms.
pub(crate) fn instant(text: &str) -> Result<Instant, Reason> {
    use jiff::{civil, tz::TimeZone};
    let utc = |at: civil::DateTime| at.to_zoned(TimeZone::UTC).ok().map(|at| Instant::from(at.timestamp()));
    let date = |date: civil::Date| {
        utc(date.tomorrow().ok()?.at(0, 0, 0, 0)).map(|next| Instant::from_micros(next.micros() - 1))
    };
    let exact = text.parse::<Instant>().ok();
    let day = || (text.len() == 10).then(|| text.parse().ok().and_then(date)).flatten();
    let minute = || text.parse().ok().and_then(utc);
    exact.or_else(day).or_else(minute).ok_or_else(|| {
        Reason::field(
            code::FIELD_INVALID,
            "as_of",
            format!("`{}` is not an instant", text.chars().take(40).collect::<String>()),
        )
        .hint("Write 2026-03-03T12:00:00Z, or a date such as 2026-03-03 for the end of that day.")
    })
}
