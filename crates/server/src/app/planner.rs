//! What would it cost? Plans of reading simulated on the engagement's own measured experts.

use remit_access::Action;
use remit_kernel::{id::EngagementId, index::Origin, stream::Scope};
use remit_stats::truth::{
    posterior,
    simulate::{Plan, Stop, simulate},
};
use serde::Serialize;

use super::{
    Look, Query,
    quality::{Measured, QuestionName, measure},
};
use crate::error::Result;

/// Cases simulated for each plan.
pub const CASES: u32 = 20_000;
/// The chance that readers answer as the case suggests to all alike, where no other is given: independence flatters a plan.
pub const ALIKE: f64 = 0.1;
/// Answers of a reader like the others that are added to what an expert was measured on.
const STRENGTH: f64 = 4.0;
/// Fixed numbers of readings that are simulated.
const FIXED: [usize; 5] = [1, 2, 3, 4, 5];
/// Limits on the chance of a wrong answer at which the sequential rule stops, between two and five readings.
const LIMITS: [f64; 4] = [0.10, 0.05, 0.02, 0.01];

/// Asks what plans would cost.
#[derive(Debug, Clone)]
pub struct ShowPlans {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Key of the question; none: the first of the form.
    pub question: Option<String>,
    /// What one reading costs, in minor units; none: plans are compared by readings alone.
    pub price_minor: Option<u32>,
    /// Share of cases that are gold, in percent: they are read and paid, and deliver nothing.
    pub gold_percent: u32,
    /// Share of cases that are reviewed, in percent: each costs one reading more.
    pub review_percent: u32,
    /// Where the chance begins.
    pub seed: u64,
}

/// What plans would cost.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Plans {
    /// The questions that can be asked for.
    pub questions: Vec<QuestionName>,
    /// Key of the question.
    pub question: String,
    /// The question.
    pub title: String,
    /// Experts whose measured answers the simulation draws from.
    pub experts: u64,
    /// Known answers that they were measured on.
    pub known: u64,
    /// Why nothing can be simulated, and what would help.
    pub limit: Option<String>,
    /// Cases simulated for each plan.
    pub cases: u32,
    /// Where the chance began: the same gives the same figures.
    pub seed: u64,
    /// The plans, those with fewer readings first.
    pub plans: Vec<PlanCost>,
}

/// What one plan would come to.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct PlanCost {
    /// The plan in words.
    pub plan: String,
    /// Share of cases decided as they are.
    pub accuracy: f64,
    /// Paid readings for each delivered case: of the panel, of gold and of reviews.
    pub readings: f64,
    /// What a delivered case costs, in minor units, where a price was given.
    pub cost_minor: Option<u64>,
    /// Rounds of reading one after the other, on average: a sequential plan waits for its readers in turn.
    pub rounds: f64,
    /// Whether no other plan is as accurate for less.
    pub frontier: bool,
}

impl Query for ShowPlans {
    type Out = Plans;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Plans> {
        let measured = measure(look, self.question.as_deref(), None::<Origin>).await?;
        let mut plans = Plans {
            questions: measured.questions.clone(),
            question: measured.question.clone(),
            title: measured.title.clone(),
            experts: u64::try_from(measured.experts.len()).unwrap_or(u64::MAX),
            known: measured.known,
            limit: measured.limit.clone(),
            cases: CASES,
            seed: self.seed,
            plans: Vec::new(),
        };
        if plans.limit.is_none() && !measured.experts.is_empty() {
            let asked = self.clone();
            let simulated = move || asked.simulate(&measured);
            // Simulating takes a while: it must not hold up others.
            plans.plans = tokio::task::spawn_blocking(simulated).await.map_err(std::io::Error::other)?;
        }
        look.saw(Action::ViewQuality, "quality/planner", None, None);
        Ok(plans)
    }
}

impl ShowPlans {
    fn simulate(&self, measured: &Measured) -> Vec<PlanCost> {
        let classes = measured.prior.len();
        let readers: Vec<Vec<f64>> = measured
            .experts
            .iter()
            .filter_map(|counts| posterior::confusion(counts, classes, measured.accuracy, STRENGTH).ok())
            .collect();
        // A class that never occurred may occur: nothing is impossible.
        let prior: Vec<f64> = measured.prior.iter().map(|count| count + 0.5).collect();
        let fixed = FIXED.iter().filter(|number| **number <= readers.len()).map(|number| {
            (format!("{number} {}", if *number == 1 { "reading" } else { "readings" }), Stop::Fixed(*number))
        });
        let most = readers.len().min(5);
        let sequential = LIMITS.iter().filter(|_| most > 2).map(|limit| {
            let stop = Stop::Sequential { readings_min: 2, readings_max: most, threshold: 1.0 - limit };
            (format!("2 to {most} readings, until the chance of a wrong answer is {:.0} %", 100.0 * limit), stop)
        });
        let mut plans: Vec<PlanCost> = fixed
            .chain(sequential)
            .filter_map(|(words, stop)| {
                let plan = Plan {
                    prior: prior.clone(),
                    readers: readers.clone(),
                    stop,
                    best_first: false,
                    alike: ALIKE,
                    curve: (1.0, 0.0),
                };
                let outcome = simulate(&plan, CASES, self.seed).ok()?;
                let mean = outcome.readings_mean();
                let gold = f64::from(self.gold_percent.min(50)) / 100.0;
                let review = f64::from(self.review_percent.min(100)) / 100.0;
                let readings = mean / (1.0 - gold) + review;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "an estimate of money, above 0"
                )]
                let cost_minor = self.price_minor.map(|price| (readings * f64::from(price)).round() as u64);
                let rounds = match stop {
                    Stop::Fixed(_) => 1.0,
                    // The first two are read at the same time.
                    Stop::Sequential { .. } => (mean - 1.0).max(1.0),
                };
                Some(PlanCost {
                    plan: words,
                    accuracy: outcome.accuracy(),
                    readings,
                    cost_minor,
                    rounds,
                    frontier: false,
                })
            })
            .collect();
        plans.sort_by(|one, other| one.readings.total_cmp(&other.readings));
        let mut best = f64::NEG_INFINITY;
        for plan in &mut plans {
            plan.frontier = plan.accuracy > best;
            best = best.max(plan.accuracy);
        }
        plans
    }
}
