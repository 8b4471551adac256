//! Whether an expert or a site has begun to miss more: one chart each, with an alarm limit designed for all of them.
//!
//! A miss is an answer that is not the reference answer; where there is none, an answer that an adjudicator overturned, of all
//! in closed cases: adjudicated cases alone would be half misses, for their readers differ. The charts of a question share one false alarm in a stated
//! number of answers, however many experts there are.

use std::collections::BTreeMap;

use jiff::Timestamp;
use remit_access::Action;
use remit_kernel::{
    id::{CaseId, EngagementId},
    index::{Origin, Part},
    stream::Scope,
    time::Instant,
};
use remit_stats::drift::{Cusum, Ewma};
use serde::Serialize;

use super::{
    By, Rate, Readers, expert,
    expert::QuestionName,
    sheet::{Mark, Sheet},
    slice,
};
use crate::{
    app::{Look, Query},
    error::Result,
};

/// The charts watch for the rate of misses to rise to so many times what it is over all.
const RISE: f64 = 3.0;
/// Rates of misses that the charts take for good, at least and at most: rarer ones are not told apart by these numbers.
const GOOD: (f64, f64) = (0.005, 0.25);
/// Answers, on all charts of a question together, to one false alarm on average.
pub const RUN_LENGTH: f64 = 2_000.0;
/// Weight of the newest answer in the moving average, and its width in standard deviations.
const AVERAGE: (f64, f64) = (0.1, 2.703);
/// Answers below which the moving average raises no alarm: of rare misses it would answer to the first.
const AVERAGED_MIN: usize = 30;
/// Points kept of one chart: of more answers, each point is the highest of several.
const POINTS_MAX: usize = 240;
/// Cases named behind an alarm, the latest.
const CASES_MAX: usize = 25;

/// Asks whether experts or sites drift on a question.
#[derive(Debug, Clone)]
pub struct ShowDrift {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Key of the question; none: the first of the form.
    pub question: Option<String>,
    /// Of which origin; none: both.
    pub origin: Option<Origin>,
}

/// Whether experts or sites drift on a question.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Drift {
    /// The questions that can be asked for.
    pub questions: Vec<QuestionName>,
    /// Key of the question.
    pub question: String,
    /// The question.
    pub title: String,
    /// Whether any answer is from a file.
    pub imported: bool,
    /// Answers of panel readers that are not the reference answer or, where there is none, were overturned.
    pub missed: Rate,
    /// How the charts are made; none where there is nothing to chart.
    pub design: Option<Design>,
    /// A chart for each expert and each site, those in alarm first.
    pub charts: Vec<DriftChart>,
}

/// How the charts are made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Design {
    /// The rate of misses taken for good.
    pub good: f64,
    /// The rate that the charts are to catch.
    pub bad: f64,
    /// The sum at which the alarm is raised.
    pub alarm: f64,
    /// Answers to a false alarm, on average, on all charts together.
    pub run_length: f64,
    /// Answers to the alarm on one chart, on average, once its rate is the bad one.
    pub catches_in: f64,
}

/// What a chart is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChartOf {
    /// One expert.
    Expert,
    /// One site: the country that readers work from.
    Site,
}

/// The chart of one expert or site.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct DriftChart {
    /// Whether it is an expert's or a site's.
    pub of: ChartOf,
    /// Key of the reader, or the site.
    pub key: String,
    /// Name of the reader, or the site.
    pub name: String,
    /// Misses, of all answers.
    pub missed: Rate,
    /// The cumulative sum after each answer, in order of time; thinned to the highest of several where there are many.
    pub sums: Vec<f64>,
    /// The moving average of the rate of misses now; `None` without answers.
    pub average: Option<f64>,
    /// Whether the moving average lies outside of its limits.
    pub average_alarms: bool,
    /// When the sum reached the alarm; none: it has not. After an alarm the sum begins again at nothing.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub alarm_at: Option<Timestamp>,
    /// Answers since the sum last left nothing, up to that alarm: about where the change began.
    pub run: u64,
    /// The missed cases of that run, the latest at most.
    #[schema(value_type = Vec<String>)]
    pub cases: Vec<CaseId>,
}

impl Query for ShowDrift {
    type Out = Drift;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Drift> {
        let questions = super::questions(look).await?;
        let (names, chosen) = expert::choose(&questions, self.question.as_deref())?;
        let mut drift = Drift {
            questions: names,
            question: String::new(),
            title: String::new(),
            imported: false,
            missed: Rate::default(),
            design: None,
            charts: Vec::new(),
        };
        if let Some(question) = chosen {
            let sheet = Sheet::load(look, question, self.origin).await?;
            let sites = slice::keys(look, &sheet, By::Site).await?;
            let readers = Readers::of(look).await?;
            drift.question.clone_from(&question.key);
            drift.title.clone_from(&question.title);
            drift.imported = sheet.imported;
            let charts = move || chart(&sheet, &sites, &readers);
            // The design is reckoned anew each time: it must not hold up others.
            let (missed, design, charts) = tokio::task::spawn_blocking(charts).await.map_err(std::io::Error::other)?;
            (drift.missed, drift.design, drift.charts) = (missed, design, charts);
        }
        look.saw(Action::ViewQuality, "quality/drift", None, None);
        Ok(drift)
    }
}

/// One answer, kept or missed.
#[derive(Debug, Clone, Copy)]
struct Told {
    at: Instant,
    case: CaseId,
    missed: bool,
}

fn chart(sheet: &Sheet, sites: &[String], readers: &Readers) -> (Rate, Option<Design>, Vec<DriftChart>) {
    let mut lines: BTreeMap<(ChartOf, String, String), Vec<Told>> = BTreeMap::new();
    let (mut misses, mut n) = (0, 0);
    if sheet.known.iter().all(|known| known.right().is_none()) {
        return (Rate::default(), None, Vec::new());
    }
    for (mark, site) in sheet.marks.iter().zip(sites).filter(|(mark, _)| mark.part == Part::Panel) {
        let Mark { at, case, class, person, .. } = *mark;
        let right = sheet.known[case].right();
        let told =
            Told { at, case: sheet.cases[case], missed: right.is_some_and(|right| !sheet.classes.same(right, class)) };
        misses += u64::from(told.missed);
        n += 1;
        let reader = readers.name(sheet.people[person]);
        lines.entry((ChartOf::Expert, reader.key, reader.name)).or_default().push(told);
        lines.entry((ChartOf::Site, site.clone(), site.clone())).or_default().push(told);
    }
    let missed = Rate::of(misses, n);
    let Some((cusum, design)) = missed.share.and_then(design) else { return (missed, None, Vec::new()) };
    let mut charts: Vec<_> =
        lines.into_iter().map(|((of, key, name), told)| one(of, key, name, told, &cusum, design.good)).collect();
    charts.sort_by_key(|chart| chart.alarm_at.is_none());
    (missed, Some(design), charts)
}

/// Returns the chart for a rate of misses over all, and what it promises.
fn design(share: f64) -> Option<(Cusum, Design)> {
    let good = share.clamp(GOOD.0, GOOD.1);
    let bad = good * RISE;
    let cusum = Cusum::designed(good, bad, RUN_LENGTH).ok()?;
    let catches_in = cusum.run_length(bad).ok()?;
    Some((cusum, Design { good, bad, alarm: cusum.alarm(), run_length: RUN_LENGTH, catches_in }))
}

fn one(of: ChartOf, key: String, name: String, mut told: Vec<Told>, cusum: &Cusum, good: f64) -> DriftChart {
    told.sort_by_key(|told| (told.at, told.case));
    let (mut sum, mut sums, mut from) = (0.0, Vec::with_capacity(told.len()), 0);
    let (mut alarm_at, mut run, mut cases) = (None, 0, Vec::new());
    let ewma = Ewma::new(AVERAGE.0, AVERAGE.1).ok();
    let (mut average, spread) = (0.0, (good * (1.0 - good)).sqrt());
    for (place, answer) in told.iter().enumerate() {
        if sum <= 0.0 {
            from = place;
        }
        sum = cusum.after(sum, answer.missed);
        sums.push(sum);
        if let Some(ewma) = &ewma {
            average = ewma.after(average, (f64::from(u8::from(answer.missed)) - good) / spread);
        }
        if cusum.alarms(sum) {
            let of_run = &told[from..=place];
            alarm_at = Some(answer.at.timestamp());
            run = u64::try_from(of_run.len()).unwrap_or(u64::MAX);
            cases = of_run.iter().rev().filter(|told| told.missed).map(|told| told.case).take(CASES_MAX).collect();
            sum = 0.0;
        }
    }
    let misses = told.iter().filter(|told| told.missed).count();
    let whole = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    DriftChart {
        of,
        key,
        name,
        missed: Rate::of(whole(misses), whole(told.len())),
        sums: thinned(&sums),
        average: (!told.is_empty()).then(|| (average * spread + good).clamp(0.0, 1.0)),
        average_alarms: told.len() >= AVERAGED_MIN && ewma.is_some_and(|ewma| ewma.alarms(average) && average > 0.0),
        alarm_at,
        run,
        cases,
    }
}

/// Returns at most [`POINTS_MAX`] sums: of more, the highest of each of as many stretches, so that no alarm is lost.
fn thinned(sums: &[f64]) -> Vec<f64> {
    let stretch = sums.len().div_ceil(POINTS_MAX).max(1);
    sums.chunks(stretch).map(|sums| sums.iter().copied().fold(0.0, f64::max)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use remit_kernel::id::{Id as _, Suffix};
    use remit_stats::random::Random;

    use super::*;

    /// Answers in order of time that miss at one rate, and from `turn` on at another.
    fn answers(n: usize, rates: (f64, f64), turn: usize, seed: u64) -> Vec<Told> {
        let mut random = Random::new(seed);
        (0..n)
            .map(|place| {
                let number = u64::try_from(place).unwrap();
                Told {
                    at: Instant::from_micros(i64::try_from(number).unwrap()),
                    case: CaseId::of(Suffix::new(number, [0; 10])),
                    missed: random.share() < if place < turn { rates.0 } else { rates.1 },
                }
            })
            .collect()
    }

    #[test]
    fn a_rise_from_two_to_six_percent_at_one_site_alarms_there_within_the_designed_run_and_not_elsewhere() {
        let (cusum, design) = design(0.02).unwrap();
        assert!((design.good, design.bad) == (0.02, 0.06) && cusum.run_length(0.02).unwrap() >= RUN_LENGTH);
        let at = |rates, turn, seed| {
            one(ChartOf::Site, "ZA".into(), "ZA".into(), answers(1_000, rates, turn, seed), &cusum, design.good)
        };
        let (mut caught, mut elsewhere, mut delay) = (0, 0, 0.0);
        for seed in 0..40 {
            let drifting = at((0.02, 0.06), 0, 1_000 + seed);
            caught += u32::from(drifting.alarm_at.is_some());
            assert!(drifting.cases.len() > 1 || drifting.alarm_at.is_none(), "an alarm names its cases: {drifting:?}");
            // Two quiet sites beside it, a third of its answers each.
            for quiet in 0..2 {
                let told = answers(300, (0.02, 0.02), 0, 5_000 + 2 * seed + quiet);
                elsewhere += u32::from(
                    one(ChartOf::Site, "GB".into(), "GB".into(), told, &cusum, design.good).alarm_at.is_some(),
                );
            }
            let first = answers(1_000, (0.02, 0.06), 0, 1_000 + seed);
            let mut sum = 0.0;
            let alarm = first.iter().position(|told| {
                sum = cusum.after(sum, told.missed);
                cusum.alarms(sum)
            });
            delay += alarm.map_or(1_000.0, |place| f64::from(u32::try_from(place).unwrap()) + 1.0) / 40.0;
        }
        assert!(caught >= 39, "{caught} of 40 drifts were caught in 1,000 answers");
        assert!((delay / design.catches_in - 1.0).abs() < 0.35, "{delay} answers, designed: {}", design.catches_in);
        // 24,000 answers without a change, one false alarm in 2,000 of them: short charts begin at nothing and raise fewer.
        assert!(elsewhere <= 18, "{elsewhere} false alarms");
    }

    #[test]
    fn a_long_chart_is_thinned_without_losing_its_highest_points() {
        let sums: Vec<f64> = (0..10_000).map(|place| if place == 7_777 { 9.0 } else { 1.0 }).collect();
        let thin = thinned(&sums);
        assert!(thin.len() <= POINTS_MAX && thin.contains(&9.0));
        assert_eq!(thinned(&[]), Vec::<f64>::new());
    }
}
