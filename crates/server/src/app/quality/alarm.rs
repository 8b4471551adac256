//! Alarms of drift: raised by the server where a chart reached its limit, and closed by a person who looked into its cases.

use jiff::Timestamp;
use remit_access::{Action, Class, Label};
use remit_kernel::{
    alarm::{Alarm, AlarmCause, Chart, Signal, Watched, Yardstick},
    command::Command,
    facts::Want,
    form::Question,
    id::{AlarmId, CaseId, EngagementId},
    index::AlarmRow,
    refusal::Reason,
    role::{Role, Side},
    stream::{Scope, StreamId},
};
use serde::Serialize;

use super::{
    ChartOf, Level, Readers,
    drift::{Alarms, Charted, Crossing, Design, RUN_LENGTH, charted},
    ground::Ground,
    slice::UNKNOWN,
};
use crate::{
    app::{App, Look, Query, look::ERASED},
    caller::Caller,
    error::Result,
};

/// Most alarms in a list.
const LISTED_MAX: usize = 200;

/// Asks for the alarms of an engagement.
#[derive(Debug, Clone, Copy)]
pub struct ListAlarms {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// An alarm in a list.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AlarmLine {
    /// Which.
    #[schema(value_type = String)]
    pub alarm: AlarmId,
    /// What counted as a miss: `answers`, `gold` or `defects`.
    #[schema(value_type = String)]
    pub yardstick: Yardstick,
    /// Key of the question.
    pub question: String,
    /// The question.
    pub title: String,
    /// Whether it is about an expert or a site.
    pub of: ChartOf,
    /// Name of the reader, or the site.
    pub name: String,
    /// When it was raised.
    #[schema(value_type = String, format = DateTime)]
    pub raised_at: Timestamp,
    /// When it was closed; none: it waits for a person.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Timestamp>,
    /// What it came from: `coached`, `recalibrated`, `guidance_changed`, `reader_withdrawn`, `harder_cases`,
    /// `reference_wrong` or `chance`.
    #[schema(value_type = Option<String>)]
    pub cause: Option<AlarmCause>,
}

/// Asks for one alarm.
#[derive(Debug, Clone, Copy)]
pub struct ShowAlarm {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Which.
    pub alarm: AlarmId,
}

/// An alarm with the figures of its chart and the cases behind it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AlarmOut {
    /// What it is about, and where it stands.
    #[serde(flatten)]
    pub line: AlarmLine,
    /// The rate of misses taken for good, in millionths.
    pub good: u32,
    /// The rate that the chart is to catch, in millionths.
    pub bad: u32,
    /// The sum at which the alarm is raised, in thousandths.
    pub limit: u32,
    /// The sum that was reached, in thousandths.
    pub sum: u32,
    /// Answers to a false alarm, on average, on all charts of the question that are of this kind: the experts' or the sites'.
    pub run_length: u32,
    /// Answers since the sum last left nothing.
    pub run: u32,
    /// Of these, missed.
    pub missed: u32,
    /// When the answer was given that reached the limit.
    #[schema(value_type = String, format = DateTime)]
    pub crossed_at: Timestamp,
    /// The missed cases that the caller may see, the latest first.
    pub cases: Vec<AlarmCase>,
    /// Whether any of them is from a file.
    pub imported: bool,
    /// How many missed cases the alarm names.
    pub named: usize,
    /// The alarm of the same chart that was closed before.
    #[schema(value_type = Option<String>)]
    pub after: Option<AlarmId>,
    /// Who closed it; for the provider's managers and auditors.
    pub closed_by: Option<String>,
    /// What was said at the closing; for the provider's managers and auditors.
    pub note: Option<String>,
    /// Whether the caller closes it.
    pub may_close: bool,
}

/// A missed case behind an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AlarmCase {
    /// Which.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// Its reference.
    pub reference: String,
    /// What it is about.
    pub title: String,
}

/// What alarms are told with.
struct Told<'q> {
    questions: &'q [Question],
    readers: &'q Readers,
}

impl Told<'_> {
    fn line(&self, chart: &Chart, row: &AlarmRow) -> AlarmLine {
        let title = self.questions.iter().find(|known| known.key == chart.question).map(|known| known.title.clone());
        let (of, name) = match &chart.watched {
            Watched::Reader(person) => (ChartOf::Expert, self.readers.name(*person).name),
            Watched::Site(site) => (ChartOf::Site, site.clone()),
        };
        AlarmLine {
            alarm: row.alarm,
            yardstick: chart.yardstick,
            question: chart.question.clone(),
            title: title.unwrap_or_else(|| chart.question.clone()),
            of,
            name,
            raised_at: row.raised_at.timestamp(),
            closed_at: row.closed_at.map(remit_kernel::time::Instant::timestamp),
            cause: row.cause,
        }
    }
}

impl Query for ListAlarms {
    type Out = Vec<AlarmLine>;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    /// Returns the open ones, then the others, the latest first.
    async fn answer(self, look: &mut Look<'_>) -> Result<Vec<AlarmLine>> {
        let questions = super::questions(look).await?;
        let gold = look.may(Action::ViewGold, &Label::engagement(self.engagement));
        let mut rows = look.app.store().list_alarms(&look.scope()).await?;
        rows.retain(|row| gold || row.yardstick != Yardstick::Gold);
        rows.sort_by_key(|row| row.closed_at.is_some());
        rows.truncate(LISTED_MAX);
        let people = rows.iter().filter_map(|row| row.reader).collect();
        let readers = Readers::of(look).await?.with(look, people).await?;
        let told = Told { questions: &questions, readers: &readers };
        let lines = rows.iter().filter_map(|row| Some(told.line(&row.chart()?, row))).collect();
        look.saw(Action::ViewQuality, "quality/alarms", None, None);
        Ok(lines)
    }
}

impl Query for ShowAlarm {
    type Out = AlarmOut;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<AlarmOut> {
        let questions = super::questions(look).await?;
        let label = Label::engagement(self.engagement);
        let known = look.load(&[Want::Stream(StreamId::Alarm(self.alarm))]).await?.alarms.remove(&self.alarm);
        let Some(Alarm { signal, raised_at, closed, .. }) = known else {
            return Err(Reason::hidden(self.alarm).into());
        };
        if signal.chart.yardstick == Yardstick::Gold && !look.may(Action::ViewGold, &label) {
            return Err(Reason::hidden(self.alarm).into());
        }
        let reader = match &signal.chart.watched {
            Watched::Reader(person) => Some(*person),
            Watched::Site(_) => None,
        };
        let readers = Readers::of(look).await?.with(look, reader.into_iter().collect()).await?;
        let own = match reader {
            Some(person) => {
                let facts = look.load(&[Want::Person(person)]).await?;
                let me = look.natural().await?;
                facts.people.get(&person).is_none_or(|known| known.natural == me)
            }
            None => false,
        };
        // Who was coached over what is between her and the provider's managers.
        let inside = look.standing.principal.side == Some(Side::Provider)
            && (look.standing.holds(Role::DeliveryManager) || look.standing.holds(Role::Auditor));
        let (mut closed_by, mut note) = (None, None);
        if let Some(closed) = closed.as_ref().filter(|_| inside) {
            closed_by = look.names(&[closed.by]).await?.remove(&closed.by);
            note = Some(look.text(closed.note).await?);
        }
        let row = AlarmRow {
            alarm: self.alarm,
            yardstick: signal.chart.yardstick,
            question: signal.chart.question.clone(),
            reader,
            site: None,
            raised_at,
            closed_at: closed.as_ref().map(|closed| closed.at),
            cause: closed.as_ref().map(|closed| closed.cause),
        };
        let (cases, imported) = look.behind_alarm(&signal.cases).await?;
        let may_close = closed.is_none() && !own && look.may(Action::CloseAlarm, &label);
        let out = AlarmOut {
            line: Told { questions: &questions, readers: &readers }.line(&signal.chart, &row),
            good: signal.good,
            bad: signal.bad,
            limit: signal.limit,
            sum: signal.sum,
            run_length: signal.run_length,
            run: signal.run,
            missed: signal.missed,
            crossed_at: signal.crossed_at.timestamp(),
            cases,
            imported,
            named: signal.cases.len(),
            after: signal.after,
            closed_by,
            note,
            may_close,
        };
        look.saw(Action::ViewQuality, self.alarm, None, None);
        Ok(out)
    }
}

impl Look<'_> {
    /// Returns those of the cases that the caller may see, and whether any case is from a file.
    async fn behind_alarm(&mut self, cases: &[CaseId]) -> Result<(Vec<AlarmCase>, bool)> {
        let wants: Vec<_> = cases
            .iter()
            .flat_map(|case| [StreamId::Case(*case), StreamId::panel_of(*case)].map(Want::Stream))
            .collect();
        let facts = self.load(&wants).await?;
        let mut open = Vec::new();
        for id in cases {
            let Some(case) = facts.cases.get(id) else { continue };
            let label = self.label(Class::Case, case, facts.panels.get(&id.panel()))?;
            if self.may(Action::ViewCase, &label) {
                open.push(case);
            }
        }
        let texts: Vec<_> = open.iter().flat_map(|case| [case.reference.id, case.title.id]).collect();
        let texts = self.texts(&texts).await?;
        let text = |id| texts.get(&id).cloned().unwrap_or_else(|| ERASED.to_owned());
        let line = |case: &remit_kernel::case::Case| AlarmCase {
            case: case.case,
            reference: text(case.reference.id),
            title: text(case.title.id),
        };
        let imported = facts.cases.values().any(remit_kernel::case::Case::imported);
        Ok((open.into_iter().map(line).collect(), imported))
    }
}

/// Asks, for the server itself, which charts have reached their limit and have no open alarm.
struct WatchDrift(EngagementId);

impl Query for WatchDrift {
    type Out = Vec<Signal>;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.0)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Vec<Signal>> {
        look.admit(Action::RaiseAlarm, &Label::engagement(self.0))?;
        let mut alarms = Alarms::of(look.app.store().list_alarms(&look.scope()).await?);
        let mut signals = Vec::new();
        for question in super::asked(look).await?.iter().filter(|question| Level::of(question).is_some()) {
            for yardstick in Yardstick::ALL.iter().copied() {
                let ground = Ground::load(look, question, None, yardstick).await?;
                if ground.misses().0 == 0 {
                    continue;
                }
                let done = charted(ground, yardstick, &question.key, alarms).await?;
                alarms = done.1;
                signals.extend(crossed(done.0, yardstick, question, &alarms));
            }
        }
        Ok(signals)
    }
}

/// Returns the signals of charts that reached their limit and have no open alarm.
fn crossed<'a>(
    charted: Charted,
    yardstick: Yardstick,
    question: &'a Question,
    alarms: &'a Alarms,
) -> impl Iterator<Item = Signal> + 'a {
    let design = charted.design;
    charted.lines.into_iter().filter_map(move |(watched, line)| {
        // Of readers whose place nobody has recorded there is no site to look into.
        if matches!(&watched, Watched::Site(site) if site == UNKNOWN) {
            return None;
        }
        let (crossing, design) = line.crossing.zip(design)?;
        let chart = Chart { yardstick, question: question.key.clone(), watched };
        let latest = alarms.latest(&chart);
        let after = latest.map(|alarm| alarm.alarm);
        latest.is_none_or(|alarm| alarm.closed_at.is_some()).then(|| signal(chart, after, crossing, &design))
    })
}

fn signal(chart: Chart, after: Option<AlarmId>, crossing: Crossing, design: &Design) -> Signal {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates and sums, small and above 0")]
    let parts = |value: f64, of: f64| (value * of).round() as u32;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Signal {
        chart,
        after,
        good: parts(design.good, 1_000_000.0),
        bad: parts(design.bad, 1_000_000.0),
        limit: parts(design.alarm, 1_000.0),
        sum: parts(crossing.sum, 1_000.0),
        run_length: RUN_LENGTH,
        run: count(crossing.run),
        missed: count(crossing.missed),
        crossed_at: crossing.at,
        cases: crossing.cases,
    }
}

impl App {
    /// Computes the charts of an engagement and raises an alarm for each that reached its limit. Returns how many were
    /// raised: a crossing that somebody raised already is none.
    ///
    /// # Errors
    /// If the caller is a person, or the store fails.
    pub async fn watch(&self, caller: &Caller, engagement: EngagementId) -> Result<u64> {
        let signals = self.view(caller, WatchDrift(engagement)).await?;
        let mut raised = 0;
        for signal in signals {
            let receipt = self.act(caller.clone(), Command::RaiseAlarm { engagement, signal }).await?;
            raised += u64::from(!receipt.events.is_empty());
        }
        Ok(raised)
    }
}
