//! Whether an expert or a site has begun to miss more: one chart each, with an alarm limit designed for all of them.
//!
//! What counts as a miss is one of three yardsticks: reference answers and adjudications, gold, and what reviews found. The
//! charts of one kind, the experts' or the sites', of a question and yardstick share one false alarm in a stated number of
//! answers, however many of them there are; both kinds hear the same answers. A chart begins again at nothing once a person has closed its alarm.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use remit_access::{Action, Label};
use remit_kernel::{
    alarm::{AlarmCause, CASES_MAX, Chart, Watched, Yardstick},
    id::{AlarmId, CaseId, EngagementId},
    index::{AlarmRow, Origin},
    stream::Scope,
    time::Instant,
};
use remit_stats::drift::{Cusum, Ewma};
use serde::Serialize;

use super::{
    Rate, Readers, expert,
    expert::QuestionName,
    ground::{Ground, Told, UNTIMED},
};
use crate::{
    app::{Look, Query},
    error::Result,
};

/// The charts watch for the rate of misses to rise to so many times what it is over all.
const RISE: f64 = 3.0;
/// Rates of misses that the charts take for good, at least and at most: rarer ones are not told apart by these numbers.
const GOOD: (f64, f64) = (0.005, 0.25);
/// Answers to one false alarm on average, on all charts of a question that are of one kind: the experts' or the sites'.
pub const RUN_LENGTH: u32 = 2_000;
/// Weight of the newest answer in the moving average, and its width in standard deviations.
const AVERAGE: (f64, f64) = (0.1, 2.703);
/// Answers below which the moving average raises no alarm: of rare misses it would answer to the first.
const AVERAGED_MIN: usize = 30;
/// Points kept of one chart: of more answers, each point is the highest of several.
const POINTS_MAX: usize = 240;

/// Asks whether experts or sites drift on a question.
#[derive(Debug, Clone)]
pub struct ShowDrift {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Key of the question; none: the first of the form.
    pub question: Option<String>,
    /// Of which origin; none: both.
    pub origin: Option<Origin>,
    /// What counts as a miss.
    pub yardstick: Yardstick,
}

/// Whether experts or sites drift on a question.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Drift {
    /// The questions that can be asked for.
    pub questions: Vec<QuestionName>,
    /// The yardsticks that can be asked for: gold by those who may see gold cases.
    #[schema(value_type = Vec<String>)]
    pub yardsticks: Vec<Yardstick>,
    /// Key of the question.
    pub question: String,
    /// The question.
    pub title: String,
    /// What counts as a miss: `answers` that are not the reference answer or, where there is none, were overturned; those
    /// unlike the `gold` answer, once its reader has been told; or those that a review found wrong (`defects`).
    #[schema(value_type = String)]
    pub yardstick: Yardstick,
    /// Whether any answer is from a file.
    pub imported: bool,
    /// Misses of panel readers, of all their answers that this yardstick reaches.
    pub missed: Rate,
    /// How the charts are made; none where there is nothing to chart.
    pub design: Option<Design>,
    /// A chart for each expert and each site: those with an open alarm first, then those at a limit, then by answers.
    pub charts: Vec<DriftChart>,
}

/// How the charts are made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Design {
    /// The rate of misses taken for good: that of all experts but those who stand out, whose own interval (Wilson, 95 %)
    /// lies above the rate of all.
    pub good: f64,
    /// The rate that the charts are to catch.
    pub bad: f64,
    /// The sum at which the alarm is raised.
    pub alarm: f64,
    /// Answers to a false alarm, on average, on all charts of one kind together: the experts' or the sites'.
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
    /// When the chart last began again, because an alarm was closed; none: it holds all answers.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Answers that the sum takes in: those given since.
    pub charted: u64,
    /// The cumulative sum after each of them, in order of time; thinned to the highest of several where there are many.
    pub sums: Vec<f64>,
    /// The moving average of the rate of misses now; `None` without answers.
    pub average: Option<f64>,
    /// Whether the moving average lies outside of its limits.
    pub average_alarms: bool,
    /// Whether a sum at its limit raised no alarm, since the file says not when the answers were given.
    pub unordered: bool,
    /// When the sum first reached the limit; none: it has not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub alarm_at: Option<Timestamp>,
    /// Answers since the sum last left nothing, up to then: about where the change began.
    pub run: u64,
    /// The missed cases of that run, the latest at most.
    #[schema(value_type = Vec<String>)]
    pub cases: Vec<CaseId>,
    /// The latest alarm that was raised for this chart.
    pub alarm: Option<AlarmMark>,
}

/// An alarm, as its chart shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AlarmMark {
    /// Which.
    #[schema(value_type = String)]
    pub alarm: AlarmId,
    /// When it was raised.
    #[schema(value_type = String, format = DateTime)]
    pub raised_at: Timestamp,
    /// When it was closed; none: it waits for a person.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Timestamp>,
    /// What it came from.
    #[schema(value_type = Option<String>)]
    pub cause: Option<AlarmCause>,
}

impl Query for ShowDrift {
    type Out = Drift;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Drift> {
        let questions = super::questions(look).await?;
        let (names, chosen) = expert::choose(&questions, self.question.as_deref())?;
        let label = Label::engagement(self.engagement);
        let gold = look.may(Action::ViewGold, &label);
        if self.yardstick == Yardstick::Gold {
            look.admit(Action::ViewGold, &label)?;
        }
        let yardsticks = Yardstick::ALL.iter().copied().filter(|known| gold || *known != Yardstick::Gold).collect();
        let mut drift = Drift {
            questions: names,
            yardsticks,
            question: String::new(),
            title: String::new(),
            yardstick: self.yardstick,
            imported: false,
            missed: Rate::default(),
            design: None,
            charts: Vec::new(),
        };
        if let Some(question) = chosen {
            let ground = Ground::load(look, question, self.origin, self.yardstick).await?;
            let readers = Readers::of(look).await?.with(look, ground.readers()).await?;
            let alarms = Alarms::of(look.app.store().list_alarms(&look.scope()).await?);
            drift.question.clone_from(&question.key);
            drift.title.clone_from(&question.title);
            drift.imported = ground.imported;
            let (yardstick, key) = (self.yardstick, question.key.clone());
            let (charted, alarms) = charted(ground, yardstick, &key, alarms).await?;
            (drift.missed, drift.design) = (charted.missed, charted.design);
            let named = |(watched, line): (Watched, Line)| {
                let (of, key, name) = match &watched {
                    Watched::Reader(person) => {
                        let reader = readers.name(*person);
                        (ChartOf::Expert, reader.key, reader.name)
                    }
                    Watched::Site(site) => (ChartOf::Site, site.clone(), site.clone()),
                };
                let alarm = alarms.latest(&Chart { yardstick, question: question.key.clone(), watched });
                line.shown(of, key, name, alarm)
            };
            drift.charts = charted.lines.into_iter().map(named).collect();
            let open = |chart: &DriftChart| chart.alarm.is_some_and(|alarm| alarm.closed_at.is_none());
            drift.charts.sort_by_key(|chart| {
                (!open(chart), chart.alarm_at.is_none(), !chart.average_alarms, std::cmp::Reverse(chart.missed.n))
            });
        }
        look.saw(Action::ViewQuality, "quality/drift", None, None);
        Ok(drift)
    }
}

/// The latest alarm of each chart.
#[derive(Debug, Default)]
pub(super) struct Alarms(HashMap<Chart, AlarmRow>);

impl Alarms {
    /// Returns them from all alarms, the latest first.
    pub(super) fn of(rows: Vec<AlarmRow>) -> Self {
        let mut latest = HashMap::new();
        for row in rows {
            if let Some(chart) = row.chart() {
                latest.entry(chart).or_insert(row);
            }
        }
        Self(latest)
    }

    pub(super) fn latest(&self, chart: &Chart) -> Option<&AlarmRow> {
        self.0.get(chart)
    }
}

/// The charts of a question by one yardstick.
pub(super) struct Charted {
    pub(super) missed: Rate,
    pub(super) design: Option<Design>,
    pub(super) lines: Vec<(Watched, Line)>,
}

/// One chart as it is computed.
pub(super) struct Line {
    missed: Rate,
    since: Option<Instant>,
    charted: usize,
    sums: Vec<f64>,
    average: Option<f64>,
    average_alarms: bool,
    /// A run at the limit whose answers stand in no order of time was left alone.
    unordered: bool,
    pub(super) crossing: Option<Crossing>,
}

/// Where a sum first reached its limit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Crossing {
    /// When the first answer of the run was given.
    began: Instant,
    pub(super) at: Instant,
    pub(super) sum: f64,
    pub(super) run: usize,
    pub(super) missed: usize,
    pub(super) cases: Vec<CaseId>,
}

/// Computes the charts of a ground; each begins again where its latest alarm was closed.
pub(super) async fn charted(
    ground: Ground,
    yardstick: Yardstick,
    question: &str,
    alarms: Alarms,
) -> Result<(Charted, Alarms)> {
    let question = question.to_owned();
    let compute = move || {
        let since = |watched: &Watched| {
            let chart = Chart { yardstick, question: question.clone(), watched: watched.clone() };
            alarms.latest(&chart).and_then(|alarm| alarm.closed_at)
        };
        (chart(ground, since), alarms)
    };
    // The design is reckoned anew each time: it must not hold up others.
    Ok(tokio::task::spawn_blocking(compute).await.map_err(std::io::Error::other)?)
}

fn chart(ground: Ground, since: impl Fn(&Watched) -> Option<Instant>) -> Charted {
    let (misses, n) = ground.misses();
    let missed = Rate::of(misses, n);
    let Some((cusum, design)) = missed.share.map(|share| ground.usual(share)).and_then(design) else {
        return Charted { missed, design: None, lines: Vec::new() };
    };
    let line = |(watched, told): (Watched, Vec<Told>)| {
        let since = since(&watched);
        (watched, one(told, since, &cusum, design.good))
    };
    Charted { missed, design: Some(design), lines: ground.lines.into_iter().map(line).collect() }
}

/// Returns the chart for a rate of misses over all, and what it promises.
fn design(share: f64) -> Option<(Cusum, Design)> {
    let good = share.clamp(GOOD.0, GOOD.1);
    let bad = good * RISE;
    let run_length = f64::from(RUN_LENGTH);
    let cusum = Cusum::designed(good, bad, run_length).ok()?;
    let catches_in = cusum.run_length(bad).ok()?;
    Some((cusum, Design { good, bad, alarm: cusum.alarm(), run_length, catches_in }))
}

fn one(mut told: Vec<Told>, since: Option<Instant>, cusum: &Cusum, good: f64) -> Line {
    told.sort_by_key(|told| (told.at, told.case));
    let misses = told.iter().filter(|told| told.missed).count();
    let missed = Rate::of(whole(misses), whole(told.len()));
    told.retain(|told| since.is_none_or(|since| told.at > since));
    let (mut sum, mut sums, mut from) = (0.0, Vec::with_capacity(told.len()), 0);
    let (mut crossing, mut unordered) = (None, false);
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
        if crossing.is_none() && cusum.alarms(sum) {
            let of_run = &told[from..=place];
            let missed: Vec<_> = of_run.iter().rev().filter(|told| told.missed).map(|told| told.case).collect();
            // Two readers of one site may have missed the same case.
            let mut seen = BTreeSet::new();
            let found = Crossing {
                began: of_run[0].at,
                at: answer.at,
                sum,
                run: of_run.len(),
                missed: missed.len(),
                cases: missed.into_iter().filter(|case| seen.insert(*case)).take(CASES_MAX).collect(),
            };
            if found.in_order() {
                crossing = Some(found);
            } else {
                (sum, unordered) = (0.0, true);
            }
        }
    }
    Line {
        missed,
        since,
        charted: told.len(),
        sums: thinned(&sums),
        average: (!told.is_empty()).then(|| (average * spread + good).clamp(0.0, 1.0)),
        average_alarms: told.len() >= AVERAGED_MIN && ewma.is_some_and(|ewma| ewma.alarms(average) && average > 0.0),
        unordered,
        crossing,
    }
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl Crossing {
    /// Returns whether the answers of the run stand in an order of time. Nobody reads faster than one a second: such answers
    /// come from a file that says not when they were given, and how close together they were missed means nothing.
    fn in_order(&self) -> bool {
        if self.began == UNTIMED {
            return false;
        }
        let seconds = self.at.micros().saturating_sub(self.began.micros()) / 1_000_000;
        usize::try_from(seconds).is_ok_and(|seconds| seconds >= self.run.saturating_sub(1))
    }
}

impl Line {
    fn shown(self, of: ChartOf, key: String, name: String, alarm: Option<&AlarmRow>) -> DriftChart {
        let crossing = self.crossing.as_ref();
        DriftChart {
            of,
            key,
            name,
            missed: self.missed,
            since: self.since.map(Instant::timestamp),
            charted: whole(self.charted),
            sums: self.sums,
            average: self.average,
            average_alarms: self.average_alarms,
            unordered: self.unordered,
            alarm_at: crossing.map(|crossing| crossing.at.timestamp()),
            run: crossing.map_or(0, |crossing| whole(crossing.run)),
            alarm: alarm.map(|alarm| AlarmMark {
                alarm: alarm.alarm,
                raised_at: alarm.raised_at.timestamp(),
                closed_at: alarm.closed_at.map(Instant::timestamp),
                cause: alarm.cause,
            }),
            cases: self.crossing.map(|crossing| crossing.cases).unwrap_or_default(),
        }
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
                    at: Instant::from_micros(i64::try_from(number).unwrap() * 1_000_000),
                    case: CaseId::of(Suffix::new(number, [0; 10])),
                    missed: random.share() < if place < turn { rates.0 } else { rates.1 },
                }
            })
            .collect()
    }

    #[test]
    fn a_rise_from_two_to_six_percent_at_one_site_alarms_there_within_the_designed_run_and_not_elsewhere() {
        let (cusum, design) = design(0.02).unwrap();
        assert!((design.good, design.bad) == (0.02, 0.06) && cusum.run_length(0.02).unwrap() >= f64::from(RUN_LENGTH));
        let at = |rates, turn, seed| one(answers(1_000, rates, turn, seed), None, &cusum, design.good).crossing;
        let (mut caught, mut elsewhere, mut delay) = (0, 0, 0.0);
        for seed in 0..40 {
            let drifting = at((0.02, 0.06), 0, 1_000 + seed);
            caught += u32::from(drifting.is_some());
            assert!(drifting.is_none_or(|crossing| crossing.cases.len() > 1), "an alarm names its cases");
            // Two quiet sites beside it, a third of its answers each.
            for quiet in 0..2 {
                let told = answers(300, (0.02, 0.02), 0, 5_000 + 2 * seed + quiet);
                elsewhere += u32::from(one(told, None, &cusum, design.good).crossing.is_some());
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
    fn a_chart_begins_again_after_the_closing_of_its_alarm() {
        let (cusum, design) = design(0.02).unwrap();
        let told = answers(1_000, (0.06, 0.02), 500, 3);
        let first = one(told.clone(), None, &cusum, design.good);
        let crossing = first.crossing.unwrap();
        assert!(crossing.sum >= cusum.alarm() && crossing.missed >= crossing.cases.len());
        let closed = told[600].at;
        let again = one(told.clone(), Some(closed), &cusum, design.good);
        assert_eq!((again.charted, again.missed, again.crossing), (399, first.missed, None));
        let early = one(told, Some(crossing.at), &cusum, design.good);
        assert!(early.crossing.is_none_or(|next| next.at > crossing.at), "what raised an alarm raises no other");
    }

    #[test]
    fn answers_without_a_time_of_their_own_are_in_no_order() {
        let at = |micros| Instant::from_micros(micros);
        let run = |began, ended| Crossing {
            began: at(began),
            at: at(ended),
            sum: 3.0,
            run: 61,
            missed: 3,
            cases: Vec::new(),
        };
        assert!(!run(1_000, 1_000).in_order() && !run(1_000, 59_000_000).in_order());
        assert!(run(1_000, 60_001_000).in_order());
        assert!(!run(UNTIMED.micros(), 60_001_000).in_order(), "a run that begins among those without a time");
        let mut told = answers(400, (0.05, 0.6), 200, 1);
        let (cusum, design) = design(0.05).unwrap();
        let timed = one(told.clone(), None, &cusum, design.good);
        assert!(timed.crossing.is_some() && !timed.unordered);
        for told in &mut told {
            told.at = UNTIMED;
        }
        let untimed = one(told, None, &cusum, design.good);
        assert!(untimed.crossing.is_none() && untimed.unordered, "no alarm, and the chart says why");
    }

    #[test]
    fn a_long_chart_is_thinned_without_losing_its_highest_points() {
        let sums: Vec<f64> = (0..10_000).map(|place| if place == 7_777 { 9.0 } else { 1.0 }).collect();
        let thin = thinned(&sums);
        assert!(thin.len() <= POINTS_MAX && thin.contains(&9.0));
        assert_eq!(thinned(&[]), Vec::<f64>::new());
    }
}
