//! Pages of an expert's own work, and the record that she takes along.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::Html,
    routing::get,
};
use remit_kernel::{id::EngagementId, index::Origin, panel::RoutingRule};

use super::{Frame, Oops, Place, encode, html, quality::IMPORTED};
use crate::{
    App, Caller,
    api::MyWorkIn,
    app::{
        knowledge::{NameKeys, Titles},
        mywork::{MyRecord, MyWork, TakeMyRecord, WhyMine},
    },
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new().route("/e/{engagement}/my-work", get(show)).route("/e/{engagement}/my-work/record", get(record))
}

#[derive(Template)]
#[template(path = "mywork/show.html")]
struct MyWorkPage {
    frame: Frame,
    engagement: EngagementId,
    work: MyWork,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<MyWorkIn>,
) -> Result<Html<String>, Oops> {
    let work = app.view(&caller, given.query(engagement)).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::MyWork, "My work").await?;
    html(&MyWorkPage { frame, engagement, work })
}

impl MyWorkPage {
    fn next(&self) -> Option<String> {
        let before = self.work.next?.to_string();
        Some(format!("/e/{}/my-work?before={}", self.engagement, encode(&before)))
    }
}

/// Returns why a person got a case, as she reads it.
fn why(why: &WhyMine) -> String {
    let rule = match why.rule {
        RoutingRule::NextCase => "You asked for the next case: of those you may read it had the earliest promise",
        RoutingRule::Chosen => "You chose it",
        RoutingRule::Assigned => "A manager gave it to you",
        RoutingRule::Imported => "The file names you",
    };
    match why.passed_over {
        0 => format!("{rule}."),
        1 => format!("{rule}; one before it was not for you."),
        passed => format!("{rule}; {passed} before it were not for you."),
    }
}

#[derive(Template)]
#[template(path = "mywork/record.html")]
struct RecordPage {
    frame: Frame,
    engagement: EngagementId,
    record: MyRecord,
    titles: Titles,
}

async fn record(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
) -> Result<Html<String>, Oops> {
    let record = app.view(&caller, TakeMyRecord { engagement }).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::MyWork, "Record of my work").await?;
    let titles = app.view(&caller, NameKeys { engagement }).await?;
    html(&RecordPage { frame, engagement, record, titles })
}
