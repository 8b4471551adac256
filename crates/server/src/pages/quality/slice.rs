//! The page of a question by site, month and type of case.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::Html,
    routing::get,
};
use remit_kernel::id::EngagementId;

use super::{
    super::{Frame, Oops, Place, encode, html},
    Asked, IMPORTED,
    chart::Scale,
    seen,
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
    asked: Asked,
    slices: Slices,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<QuestionIn>,
) -> Result<Html<String>, Oops> {
    let query = given.slices(engagement)?;
    let asked = Asked { engagement, below: "/slices", origin: query.origin };
    let (frame, slices) = seen(&app, &caller, engagement, "Sites and months", query).await?;
    html(&SlicesPage { frame, engagement, asked, slices })
}

impl SlicesPage {
    /// Returns the ways to cut: word, title, and whether it is the one shown.
    fn cuts(&self) -> [(&'static str, &'static str, bool); 3] {
        By::ALL.map(|by| (by.word(), title(by), by == self.slices.by))
    }

    fn title(&self) -> &'static str {
        title(self.slices.by)
    }

    /// Returns the address of the cases behind a figure.
    fn behind(&self, slice: &SliceFigures, against: Against) -> String {
        format!(
            "/e/{}/quality/disputes?question={}&against={}&by={}&slice={}{}",
            self.engagement,
            encode(&self.slices.question),
            against.word(),
            self.slices.by.word(),
            encode(&slice.slice),
            self.asked.filter("&")
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
