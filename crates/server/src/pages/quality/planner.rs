//! The page of plans: what each would cost and how right it would be, on one drawing to choose from.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::Html,
    routing::get,
};
use remit_kernel::id::EngagementId;

use super::{
    super::{Frame, Oops, Place, html},
    Tabs,
};
use crate::{
    App, Caller,
    api::PlansIn,
    app::planner::{PlanCost, Plans, ShowPlans},
    edge::Edge,
};

pub(super) fn router() -> Router<Edge> {
    Router::new().route("/e/{engagement}/quality/planner", get(show))
}

#[derive(Template)]
#[template(path = "quality/planner.html")]
struct PlannerPage {
    frame: Frame,
    engagement: EngagementId,
    asked: ShowPlans,
    plans: Plans,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<PlansIn>,
) -> Result<Html<String>, Oops> {
    let asked = given.query(engagement)?;
    let plans = app.view(&caller, asked.clone()).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Quality, "What would it cost?").await?;
    html(&PlannerPage { frame, engagement, asked, plans })
}

impl PlannerPage {
    fn tabs(&self) -> Tabs {
        Tabs::of(self.engagement, "/planner", None)
    }

    fn price(&self) -> String {
        self.asked.price_minor.map(|price| price.to_string()).unwrap_or_default()
    }

    fn frontier(&self) -> Frontier {
        Frontier::of(&self.plans.plans)
    }
}

/// Each plan as a point: readings to the right, accuracy upward; those on the frontier are filled.
#[derive(Template)]
#[template(path = "quality/frontier.html")]
struct Frontier {
    title: String,
    points: Vec<FrontierPoint>,
    low: String,
    high: String,
    most: String,
}

struct FrontierPoint {
    x: f64,
    y: f64,
    number: usize,
    frontier: bool,
}

impl Frontier {
    fn of(plans: &[PlanCost]) -> Self {
        let low = plans.iter().map(|plan| plan.accuracy).fold(1.0, f64::min);
        let high = plans.iter().map(|plan| plan.accuracy).fold(0.0, f64::max);
        let most = plans.iter().map(|plan| plan.readings).fold(1.0, f64::max);
        let spread = (high - low).max(0.001);
        let points = (1..)
            .zip(plans)
            .map(|(number, plan)| FrontierPoint {
                x: 64.0 + 520.0 * plan.readings / most,
                y: 24.0 + 168.0 * (high - plan.accuracy) / spread,
                number,
                frontier: plan.frontier,
            })
            .collect();
        let told = |plan: &PlanCost| {
            format!("{}: {:.1} % right for {:.2} readings", plan.plan, 100.0 * plan.accuracy, plan.readings)
        };
        let told: Vec<_> = plans.iter().map(told).collect();
        Self {
            title: format!("Accuracy by readings of each plan. {}", told.join("; ")),
            points,
            low: format!("{:.1} %", 100.0 * low),
            high: format!("{:.1} %", 100.0 * high),
            most: format!("{most:.1} readings"),
        }
    }
}
