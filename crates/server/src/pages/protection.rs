//! The page of protection: who opened or did what under which rule, and whether the record is whole.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    http::HeaderMap,
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use remit_formats::xlsx::{self, Cell};
use remit_kernel::{id::EngagementId, stream::Scope};

use super::{Frame, Oops, Place, fragment, html, quality::sheet, word};
use crate::{
    App, Caller, Error,
    api::ProtectionIn,
    app::protection::{Entry, PAGE_MAX, Protection},
    edge::Edge,
};

/// Entries of one workbook.
const SHEET_ENTRIES_MAX: usize = 100_000;

pub(super) fn router() -> Router<Edge> {
    Router::new()
        .route("/e/{engagement}/protection", get(show))
        .route("/e/{engagement}/protection.xlsx", get(workbook))
        .route("/e/{engagement}/protection/verify", post(verify))
}

#[derive(Template)]
#[template(path = "protection/show.html", blocks = ["verified"])]
struct ProtectionPage {
    frame: Frame,
    engagement: EngagementId,
    given: ProtectionIn,
    protection: Protection,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<ProtectionIn>,
) -> Result<Html<String>, Oops> {
    let query = given.query(engagement)?;
    let protection = app.view(&caller, query).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Protection, "Protection").await?;
    let page = ProtectionPage { frame, engagement, given, protection };
    if fragment(&headers) { html(&page.as_verified()) } else { html(&page) }
}

async fn verify(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Response, Oops> {
    app.begin_verify(&caller, Scope::Engagement(engagement)).await?;
    Ok(Redirect::to(&format!("/e/{engagement}/protection")).into_response())
}

/// Returns what a word of the record says in plain words.
fn deed(action: &str) -> String {
    let words = action.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| format!("{}{}", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

/// Returns what a policy says.
fn rule(policy: &str) -> String {
    remit_access::sentence(policy).unwrap_or_else(|| "a rule that this version no longer has".to_owned())
}

const HEADER: [&str; 9] = ["At (UTC)", "Who", "Roles", "What", "Object", "Case", "Allowed", "Policies", "From"];

async fn workbook(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<ProtectionIn>,
) -> Result<Response, Oops> {
    let mut query = given.query(engagement)?;
    query.limit = PAGE_MAX;
    let mut rows = Vec::new();
    while rows.len() < SHEET_ENTRIES_MAX {
        let page = app.view(&caller, query.clone()).await?;
        rows.extend(page.entries.iter().map(cells));
        match page.next.as_deref().and_then(crate::app::protection::place) {
            Some(before) => query.before = Some(before),
            None => break,
        }
    }
    let bytes = xlsx::write("Record", &HEADER, rows).map_err(|error| Error::Io(std::io::Error::other(error)))?;
    Ok(sheet("record.xlsx", bytes))
}

fn cells(entry: &Entry) -> Vec<Cell> {
    let text = |text: String| if text.is_empty() { Cell::Empty } else { Cell::Text(text) };
    vec![
        Cell::Instant(entry.at.into()),
        text(entry.name.clone()),
        text(word::roles(&entry.roles)),
        text(deed(&entry.action)),
        text(entry.object.clone()),
        text(entry.reference.clone().unwrap_or_default()),
        Cell::Flag(entry.allowed),
        text(entry.policies.join(", ")),
        text(entry.country.clone().unwrap_or_default()),
    ]
}
