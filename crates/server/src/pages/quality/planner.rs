//! The page of plans: what each would cost and how right it would be, on one drawing to choose from.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use remit_kernel::id::EngagementId;
use serde::Deserialize;

use super::{
    super::{Frame, Oops, Place, engagement::minor, form::Faults, html},
    Tabs,
};
use crate::{
    App, Caller, Error,
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
    given: PlannerForm,
    faults: Faults,
    plans: Plans,
}

/// What is asked, as it is typed; the price in money.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct PlannerForm {
    question: String,
    price: String,
    gold: String,
    review: String,
    seed: String,
}

impl PlannerForm {
    fn query(&self, engagement: EngagementId) -> Result<ShowPlans, Error> {
        let price = self.price.trim();
        let price_minor = match minor(price) {
            _ if price.is_empty() => None,
            Some(minor) => Some(minor.to_string()),
            None => return Err(Faults::field("price", &format!("`{price}` is not a price"), "Write it as 12.50.")),
        };
        let some = |text: &String| Some(text.clone());
        let asked = PlansIn {
            question: some(&self.question),
            price_minor,
            gold: some(&self.gold),
            review: some(&self.review),
            seed: some(&self.seed),
        };
        asked.query(engagement)
    }
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(engagement): Path<EngagementId>,
    Query(given): Query<PlannerForm>,
) -> Result<Response, Oops> {
    let (asked, told) = match given.query(engagement) {
        Ok(asked) => (asked, None),
        // What cannot be read is told beside its field; the figures are those without it.
        Err(error) => {
            let plain = PlannerForm { question: given.question.clone(), ..PlannerForm::default() };
            (plain.query(engagement)?, Some(Faults::of(error)?))
        }
    };
    let plans = app.view(&caller, asked).await?;
    let frame = Frame::new(&app, &caller, Some(engagement), Place::Quality, "What would it cost?").await?;
    let (status, faults) = told.unwrap_or_default();
    Ok((status, html(&PlannerPage { frame, engagement, given, faults, plans })?).into_response())
}

impl PlannerPage {
    fn tabs(&self) -> Tabs {
        Tabs::of(self.engagement, "/planner", None)
    }

    /// Returns the fields of the form: name, label, what was typed.
    fn fields(&self) -> [(&'static str, &'static str, &str); 4] {
        [
            ("price", "Price of a reading, such as 12.50", &self.given.price),
            ("gold", "Gold cases, 0 to 50 %", &self.given.gold),
            ("review", "Reviewed cases, 0 to 100 %", &self.given.review),
            ("seed", "Seed, 1 if empty", &self.given.seed),
        ]
    }

    /// Returns an amount in the currency in which the price was given.
    fn money(&self, minor: &u64) -> String {
        format!("{}.{:02}", minor / 100, minor % 100)
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
    /// The middle of its number, where nothing else stands.
    label: (f64, f64),
    /// Where a line to it ends, if it is so far away that one must lead there.
    lead: Option<(f64, f64)>,
}

/// Distances of a number's middle from its point that are tried, the nearest first; from the third on a line leads there.
const REACHES: [f64; 7] = [12.0, 16.0, 24.0, 34.0, 46.0, 60.0, 76.0];
/// Half the height of a number, and half the width of one figure; there are fewer than a hundred plans.
const HALF: (f64, f64) = (6.5, 4.0);
/// Radius of a point with some air.
const RADIUS: f64 = 6.0;

/// Returns the middle of the number of each point, and how far off it is: where it meets neither a point nor another number, if
/// there is such a place near by.
fn labelled(points: &[(f64, f64)]) -> Vec<((f64, f64), f64)> {
    let mut placed: Vec<((f64, f64), f64)> = Vec::with_capacity(points.len());
    let wide = |place: usize| HALF.1 * if place < 9 { 1.0 } else { 2.0 };
    for (place, &(x, y)) in points.iter().enumerate() {
        // Beside it if that is free, else round about.
        let turns =
            [(1.0, 0.0), (0.8, -0.6), (-0.8, -0.6), (0.8, 0.6), (-0.8, 0.6), (0.0, -1.0), (-1.0, 0.0), (0.0, 1.0)];
        let tried = REACHES.into_iter().flat_map(|reach| {
            turns.into_iter().map(move |(right, down)| ((x + reach * right, y + reach * down), reach))
        });
        let free = |&((across, down), _): &((f64, f64), f64)| {
            let meets = |(other, below): (f64, f64), width: f64, height: f64| {
                (across - other).abs() < wide(place) + width && (down - below).abs() < HALF.0 + height
            };
            (66.0..632.0).contains(&across)
                && (8.0..200.0).contains(&down)
                && !points.iter().any(|point| meets(*point, RADIUS, RADIUS))
                && !placed.iter().enumerate().any(|(other, (at, _))| meets(*at, wide(other), HALF.0))
        };
        placed.push(tried.clone().find(free).unwrap_or(((x + 12.0, y - 8.0), 0.0)));
    }
    placed
}

impl Frontier {
    fn of(plans: &[PlanCost]) -> Self {
        let low = plans.iter().map(|plan| plan.accuracy).fold(1.0, f64::min);
        let high = plans.iter().map(|plan| plan.accuracy).fold(0.0, f64::max);
        let most = plans.iter().map(|plan| plan.readings).fold(1.0, f64::max);
        let spread = (high - low).max(0.001);
        let at =
            |plan: &PlanCost| (64.0 + 520.0 * plan.readings / most, 24.0 + 168.0 * (high - plan.accuracy) / spread);
        let places: Vec<(f64, f64)> = plans.iter().map(at).collect();
        let points = (1..)
            .zip(plans)
            .zip(places.iter().zip(labelled(&places)))
            .map(|((number, plan), (&(x, y), (label, reach)))| FrontierPoint {
                x,
                y,
                number,
                frontier: plan.frontier,
                label,
                lead: (reach > REACHES[1]).then(|| {
                    let part = 1.0 - 8.0 / reach;
                    (x + part * (label.0 - x), y + part * (label.1 - y))
                }),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_near_points_stand_apart() {
        // Plans of three readings that cost nearly the same, some of them exactly; one at the upper and one at the right rim.
        let mut points: Vec<(f64, f64)> =
            (0..8_u8).map(|at| (300.0 + f64::from(at) * 3.0, 40.0 + f64::from(at % 3) * 2.0)).collect();
        points.extend([(300.0, 40.0), (584.0, 24.0), (580.0, 24.0), (70.0, 190.0)]);
        let placed = labelled(&points);
        let wide = |place: usize| if place < 9 { 4.0 } else { 8.0 };
        for (place, (own, reach)) in placed.iter().enumerate() {
            assert!(*reach > 0.0, "{place} found no place");
            for point in &points {
                let (across, down) = ((own.0 - point.0).abs(), (own.1 - point.1).abs());
                assert!(across >= wide(place) + 5.0 || down >= 11.0, "{place} covers {point:?}");
            }
            for (other, (at, _)) in placed.iter().enumerate().filter(|(other, _)| *other != place) {
                let (across, down) = ((own.0 - at.0).abs(), (own.1 - at.1).abs());
                assert!(across >= wide(place) + wide(other) || down >= 13.0, "{place} meets {other}");
            }
        }
        assert_eq!(labelled(&[(100.0, 100.0)]), [((112.0, 100.0), 12.0)]);
    }
}
