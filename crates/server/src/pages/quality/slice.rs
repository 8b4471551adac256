//! The page of a question by site, month and type of case.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::Html,
    routing::get,
};
use remit_kernel::{id::EngagementId, index::Origin};

use super::{
    super::{Frame, Oops, Place, encode, html},
    IMPORTED, Tabs,
    chart::Scale,
    origins,
};
use crate::{
    App, Caller,
    api::QuestionIn,
    app::quality::{Against, By, SliceFigures, Slices},
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new().route("/e/{engagement}/quality/slices", get(show))
}

#[derive(Template)]
#[template(path = "quality/slices.html")]
struct SlicesPage {
    frame: Frame,
    engagement: EngagementId,
    origin: Option<Origin>,
    slices: Slices,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<QuestionIn>,
) -> Result<Html<String>, Oops> {
    let query = given.slices(engagement)?;
    let origin = query.origin;
    let slices = app.view(&caller, query).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Quality, "Sites and months").await?;
    html(&SlicesPage { frame, engagement, origin, slices })
}

impl SlicesPage {
    fn tabs(&self) -> Tabs {
        Tabs::of(self.engagement, "/slices", self.origin)
    }

    fn origins(&self) -> [(&'static str, &'static str, bool); 3] {
        origins(self.origin)
    }

    /// Returns the ways to cut: word, title, and whether it is the one shown.
    fn cuts(&self) -> [(&'static str, &'static str, bool); 3] {
        By::ALL.map(|by| (by.word(), title(by), by == self.slices.by))
    }

    fn title(&self) -> &'static str {
        title(self.slices.by)
    }

    /// Returns the address of the cases behind a figure.
    fn behind(&self, slice: &SliceFigures, against: Against) -> String {
        let origin = self.origin.map(|origin| format!("&origin={}", origin.word())).unwrap_or_default();
        format!(
            "/e/{}/quality/disputes?question={}&against={}&by={}&slice={}{origin}",
            self.engagement,
            encode(&self.slices.question),
            against.word(),
            self.slices.by.word(),
            encode(&slice.slice)
        )
    }

    /// Returns the shares of cases on which readers differ, on one scale.
    fn scale(&self) -> Scale {
        let rates = self.slices.slices.iter().map(|slice| (slice.slice.clone(), slice.differ));
        Scale::shares(format!("{}: share of cases on which readers differ", self.slices.title), rates)
    }
}

fn title(by: By) -> &'static str {
    match by {
        By::Site => "Site",
        By::Month => "Month",
        By::CaseType => "Type of case",
    }
}
