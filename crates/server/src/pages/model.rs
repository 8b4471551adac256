//! What is measured of the readers: the ground on which sequential panels stop, and a button to measure it anew.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::get,
};
use jiff::Timestamp;
use remit_kernel::{id::EngagementId, panel::chance_in_words};

use super::{Frame, Oops, Place, html};
use crate::{
    App, Caller,
    app::model::{MeasuredOut, ModelOut, ShowModel},
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new().route("/e/{engagement}/model", get(show).post(fit))
}

#[derive(Template)]
#[template(path = "quality/model.html")]
struct ModelPage {
    frame: Frame,
    engagement: EngagementId,
    model: ModelOut,
    now: Timestamp,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Html<String>, Oops> {
    let model = app.view(&caller, ShowModel { engagement }).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Quality, "When a panel stops").await?;
    html(&ModelPage { frame, engagement, model, now: app.clock().now().timestamp() })
}

async fn fit(State(app): State<App>, caller: Caller, Path(engagement): Path<EngagementId>) -> Result<Response, Oops> {
    app.measure(&caller, engagement).await?;
    Ok(Redirect::to(&format!("/e/{engagement}/model")).into_response())
}

/// Returns how often readers are right, in words.
fn accuracy(measured: &MeasuredOut) -> String {
    let tenths = |millionths: u32| millionths.div_euclid(1_000) * 1_000;
    measured.accuracy.map_or_else(|| "not measured yet".to_owned(), |share| chance_in_words(tenths(share)))
}

/// Returns by how much chances are flattened.
fn temperature(measured: &MeasuredOut) -> String {
    if measured.cases == 0 {
        return "not measured yet".to_owned();
    }
    if measured.temperature == 1_000 {
        return "not at all".to_owned();
    }
    let number = remit_kernel::decimal::Decimal::of_units(i128::from(measured.temperature), 3);
    number.map_or_else(String::new, |number| format!("temperature {number}"))
}
