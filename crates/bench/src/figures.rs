//! Figures of quality over an import, as their pages ask for them: at first sight, and again while nothing has changed.

use anyhow::{Context as _, Result};
use remit_kernel::{
    alarm::Yardstick,
    id::{EngagementId, PersonId},
};
use remit_server::{
    App,
    app::{
        Query,
        quality::{By, ShowDrift, ShowExperts, ShowQuality, ShowSlices},
    },
};

use crate::{
    measure::{Times, Watch, milliseconds},
    place::Place,
    table::{Goal, Row},
    world::by,
};

/// The time in which figures should come at first sight.
const FIRST_MILLISECONDS: f64 = 2_000.0;
/// The time in which the same figures should come again.
const AGAIN_MILLISECONDS: f64 = 100.0;
/// How often they are asked for again.
const AGAIN: usize = 20;

/// Asks for the figures of an engagement, as whoever took it in. Each page is the first that its application shows.
pub(crate) async fn rows(place: &Place, engagement: EngagementId, person: PersonId) -> Result<Vec<Row>> {
    let (origin, question) = (None, None);
    let mut rows = Vec::new();
    rows.extend(of("agreement, all questions", place, person, || ShowQuality { engagement, origin }).await?);
    rows.extend(of("experts", place, person, || ShowExperts { engagement, question: question.clone(), origin }).await?);
    for (what, by) in [("sites", By::Site), ("months", By::Month)] {
        let ask = || ShowSlices { engagement, question: question.clone(), by, origin };
        rows.extend(of(what, place, person, ask).await?);
    }
    let yardstick = Yardstick::Answers;
    let ask = || ShowDrift { engagement, question: question.clone(), origin, yardstick };
    rows.extend(of("drift", place, person, ask).await?);
    Ok(rows)
}

async fn of<Q: Query>(what: &str, place: &Place, person: PersonId, ask: impl Fn() -> Q) -> Result<[Row; 2]> {
    let app = place.open().await?;
    let look = async |app: &App| {
        let watch = Watch::start();
        app.view(&by(person), ask()).await.with_context(|| format!("figures of {what}"))?;
        Ok::<_, anyhow::Error>(watch.elapsed())
    };
    let first = look(&app).await?;
    let mut again = Times::default();
    for _ in 0..AGAIN {
        again.push(look(&app).await?);
    }
    let row = |when: &str, took: std::time::Duration, limit: f64| Row {
        database: place.database(),
        what: format!("figures: {what}, {when}"),
        measured: milliseconds(took),
        reference: format!("limit {limit} ms"),
        ratio: took.as_secs_f64() * 1_000.0 / limit,
        goal: Goal::AtMost(1.0),
    };
    let again = again.percentile(50);
    Ok([row("first", first, FIRST_MILLISECONDS), row("again", again, AGAIN_MILLISECONDS)])
}
