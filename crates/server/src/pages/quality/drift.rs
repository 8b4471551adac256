//! The page of drift: a chart for each expert and site, the limit it is held to, and the cases behind an alarm.

use std::fmt::Write as _;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::Html,
    routing::get,
};
use remit_kernel::{alarm::Yardstick, id::EngagementId};

use super::{
    super::{Frame, Oops, Place, html},
    Asked, IMPORTED, ROWS_MAX, rows, seen,
};
use crate::{
    App, Caller,
    api::DriftIn,
    app::quality::{AlarmLine, ChartOf, Design, Drift, DriftChart, ListAlarms},
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new().route("/e/{engagement}/quality/drift", get(show))
}

#[derive(Template)]
#[template(path = "quality/drift.html")]
struct DriftPage {
    frame: Frame,
    engagement: EngagementId,
    asked: Asked,
    drift: Drift,
    alarms: Vec<AlarmLine>,
}

/// Alarms of one standing as a table.
#[derive(Template)]
#[template(path = "quality/alarms.html")]
struct AlarmTable<'p> {
    frame: &'p Frame,
    engagement: EngagementId,
    open: bool,
    alarms: Vec<&'p AlarmLine>,
}

/// Where a chart stands, and its latest alarm.
#[derive(Template)]
#[template(path = "quality/standing.html")]
struct Standing<'p> {
    frame: &'p Frame,
    engagement: EngagementId,
    chart: &'p DriftChart,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<DriftIn>,
) -> Result<Html<String>, Oops> {
    let query = given.query(engagement)?;
    let asked = Asked { engagement, below: "/drift", origin: query.origin };
    let drift = app.view(&caller, query).await?;
    let (frame, alarms) = seen(&app, &caller, engagement, "Drift", ListAlarms { engagement }).await?;
    html(&DriftPage { frame, engagement, asked, drift, alarms })
}

impl DriftPage {
    /// Returns how many alarms wait for a person.
    fn open(&self) -> usize {
        self.of(true).count()
    }

    fn closed(&self) -> usize {
        self.of(false).count()
    }

    fn of(&self, open: bool) -> impl Iterator<Item = &AlarmLine> {
        self.alarms.iter().filter(move |line| line.closed_at.is_none() == open)
    }

    fn alarm_table(&self, open: bool) -> AlarmTable<'_> {
        AlarmTable { frame: &self.frame, engagement: self.engagement, open, alarms: self.of(open).collect() }
    }

    /// Returns the table of charts from this one on; the first [`ROWS_MAX`] stand by themselves.
    fn table(&self, from: usize) -> ChartTable<'_> {
        ChartTable { page: self, design: self.drift.design.as_ref(), charts: rows(&self.drift.charts, from) }
    }

    fn standing<'p>(&'p self, chart: &'p DriftChart) -> Standing<'p> {
        Standing { frame: &self.frame, engagement: self.engagement, chart }
    }
}

/// A table of charts.
#[derive(Template)]
#[template(path = "quality/charts.html")]
struct ChartTable<'p> {
    page: &'p DriftPage,
    design: Option<&'p Design>,
    charts: &'p [DriftChart],
}

/// Width and height of one chart.
const SIZE: (f64, f64) = (240.0, 40.0);

/// The sums of one chart as a line under its limit.
#[derive(Template)]
#[template(path = "quality/sums.html")]
struct Sums {
    title: String,
    line: String,
    limit: f64,
}

impl Sums {
    fn of(chart: &DriftChart, design: &Design) -> Self {
        let top = chart.sums.iter().copied().fold(design.alarm * 1.15, f64::max);
        let height = |sum: f64| SIZE.1 - sum / top * (SIZE.1 - 2.0);
        #[expect(clippy::cast_precision_loss, reason = "a few hundred points")]
        let step = SIZE.0 / chart.sums.len().max(1) as f64;
        let mut line = format!("0,{}", SIZE.1);
        let mut x = 0.0;
        for sum in &chart.sums {
            x += step;
            // Writing into a text cannot fail.
            let _ = write!(line, " {x:.1},{:.1}", height(*sum));
        }
        let last = chart.sums.last().copied().unwrap_or_default();
        let alarm = if chart.alarm_at.is_some() { "it reached the limit" } else { "it never reached the limit" };
        let title = format!(
            "Cumulative sum of {} over {} answers: now {last:.1}, the limit is {:.1}, {alarm}",
            chart.name, chart.charted, design.alarm
        );
        Self { title, line, limit: height(design.alarm) }
    }
}

impl DriftChart {
    /// Returns what the chart is about, in words.
    fn of_words(&self) -> &'static str {
        match self.of {
            ChartOf::Expert => "expert",
            ChartOf::Site => "site",
        }
    }
}
