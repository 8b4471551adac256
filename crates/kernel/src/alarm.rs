//! Alarms: a chart of misses reached its limit. A person looks into the cases behind it and says what came of it.
//!
//! Each alarm is a stream of its own, named for its chart and the alarm before it: however often and wherever the charts
//! are computed, the same crossing is raised once. After a closing its chart begins again at nothing.

use serde::{Deserialize, Serialize};

use crate::{
    form::QuestionKey,
    hash::{Digest, canonical},
    id::{AlarmId, CaseId, EngagementId, Id as _, PersonId, Suffix},
    index::{AlarmRow, Row, words},
    text::TextRef,
    time::Instant,
};

/// Most cases that an alarm names.
pub const CASES_MAX: usize = 25;
/// A million: rates are kept in parts of it.
const MILLION: u32 = 1_000_000;

/// What happens to an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub enum AlarmEvent {
    /// The sum of a chart reached its limit.
    Raised { alarm: AlarmId, signal: Signal },
    /// A person said what it came from, or what was done.
    Closed { cause: AlarmCause, note: TextRef, by: PersonId },
}

words! {
    /// What a chart counts as a miss.
    Yardstick {
        /// An answer that is not the reference answer or, where there is none, that an adjudicator overturned.
        Answers "answers",
        /// An answer unlike the gold answer.
        Gold "gold",
        /// A reading whose answer a review found wrong.
        Defects "defects",
    }
}

words! {
    /// What an alarm came from, or what was done about it.
    AlarmCause {
        /// The reader or the site was coached.
        Coached "coached",
        /// A calibration round was held.
        Recalibrated "recalibrated",
        /// The guidance was unclear, and was changed.
        Guidance "guidance_changed",
        /// The reader reads such cases no more.
        Withdrawn "reader_withdrawn",
        /// The cases had become harder; the work was right for them.
        Cases "harder_cases",
        /// The answers that it was measured against were wrong.
        Reference "reference_wrong",
        /// Nothing was found: chance raises some alarms.
        Chance "chance",
    }
}

/// Whose misses a chart counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watched {
    /// One reader's.
    Reader(PersonId),
    /// Those of everybody who works from this country.
    Site(String),
}

/// A chart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields are named for what they hold")]
pub struct Chart {
    pub yardstick: Yardstick,
    pub question: QuestionKey,
    pub watched: Watched,
}

/// A chart at its limit, in whole numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// The chart.
    pub chart: Chart,
    /// The alarm of this chart that was closed before it began again.
    pub after: Option<AlarmId>,
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
    pub crossed_at: Instant,
    /// The missed cases of the run, the latest first, at most [`CASES_MAX`].
    pub cases: Vec<CaseId>,
}

/// How an alarm was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct AlarmClosing {
    pub cause: AlarmCause,
    pub note: TextRef,
    pub by: PersonId,
    pub at: Instant,
}

/// An alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the event that sets a field says what it is")]
pub struct Alarm {
    pub alarm: AlarmId,
    pub signal: Signal,
    pub raised_at: Instant,
    pub closed: Option<AlarmClosing>,
}

impl Signal {
    /// Returns the name of the alarm that this is: one for each chart and each alarm before it.
    pub fn alarm(&self, engagement: EngagementId) -> AlarmId {
        let after = self.after.map(|alarm| alarm.to_string()).unwrap_or_default();
        let parts = [engagement.to_string(), canonical(&self.chart), after];
        let digest = Digest::of_parts(&parts.each_ref().map(String::as_bytes));
        let mut name = [0; 10];
        name.copy_from_slice(&digest.bytes()[..10]);
        AlarmId::of(Suffix::new(0, name))
    }

    /// Returns whether the figures fit each other.
    pub(crate) fn whole(&self) -> bool {
        let cases = u32::try_from(self.cases.len()).unwrap_or(u32::MAX);
        (1..MILLION).contains(&self.good)
            && (self.good + 1..MILLION).contains(&self.bad)
            && self.limit > 0
            && self.sum >= self.limit
            && self.run_length > 0
            && (1..=self.run).contains(&self.missed)
            && (1..=self.missed).contains(&cases)
            && self.cases.len() <= CASES_MAX
            && !self.chart.question.is_empty()
    }
}

impl Alarm {
    pub(crate) fn apply(state: Option<Self>, event: &AlarmEvent, at: Instant) -> Option<Self> {
        match (state, event.clone()) {
            (None, AlarmEvent::Raised { alarm, signal }) => Some(Self { alarm, signal, raised_at: at, closed: None }),
            (Some(alarm), AlarmEvent::Closed { cause, note, by }) if alarm.closed.is_none() => {
                Some(Self { closed: Some(AlarmClosing { cause, note, by, at }), ..alarm })
            }
            (None, AlarmEvent::Closed { .. }) | (Some(_), AlarmEvent::Raised { .. } | AlarmEvent::Closed { .. }) => {
                None
            }
        }
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        let Chart { yardstick, question, watched } = &self.signal.chart;
        let (reader, site) = match watched {
            Watched::Reader(person) => (Some(*person), None),
            Watched::Site(site) => (None, Some(site.clone())),
        };
        vec![Row::Alarm(AlarmRow {
            alarm: self.alarm,
            yardstick: *yardstick,
            question: question.clone(),
            reader,
            site,
            raised_at: self.raised_at,
            closed_at: self.closed.as_ref().map(|closed| closed.at),
            cause: self.closed.as_ref().map(|closed| closed.cause),
        })]
    }
}

impl AlarmRow {
    /// Returns the chart that raised it.
    pub fn chart(&self) -> Option<Chart> {
        let watched = match (self.reader, &self.site) {
            (Some(person), None) => Watched::Reader(person),
            (None, Some(site)) => Watched::Site(site.clone()),
            (Some(_), Some(_)) | (None, None) => return None,
        };
        Some(Chart { yardstick: self.yardstick, question: self.question.clone(), watched })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(after: Option<AlarmId>) -> Signal {
        let watched = Watched::Site("ZA".into());
        Signal {
            chart: Chart { yardstick: Yardstick::Answers, question: "finding".into(), watched },
            after,
            good: 20_000,
            bad: 60_000,
            limit: 3_000,
            sum: 3_200,
            run_length: 2_000,
            run: 40,
            missed: 5,
            crossed_at: Instant::from_micros(7),
            cases: vec![CaseId::of(Suffix::new(1, [1; 10]))],
        }
    }

    #[test]
    fn an_alarm_is_named_for_its_chart_and_the_alarm_before_it() {
        let engagement = EngagementId::of(Suffix::new(1, [2; 10]));
        let first = signal(None).alarm(engagement);
        let later = Signal { run: 41, sum: 4_000, crossed_at: Instant::from_micros(9), ..signal(None) };
        assert_eq!(later.alarm(engagement), first, "the figures may have moved, the crossing is the same");
        assert_ne!(signal(Some(first)).alarm(engagement), first);
        let mut elsewhere = signal(None);
        elsewhere.chart.watched = Watched::Site("GB".into());
        assert_ne!(elsewhere.alarm(engagement), first);
    }

    #[test]
    fn figures_that_do_not_fit_each_other_are_no_signal() {
        assert!(signal(None).whole());
        for broken in [
            Signal { sum: 2_999, ..signal(None) },
            Signal { missed: 41, ..signal(None) },
            Signal { cases: Vec::new(), ..signal(None) },
            Signal { bad: 20_000, ..signal(None) },
            Signal { missed: 0, ..signal(None) },
        ] {
            assert!(!broken.whole(), "{broken:?}");
        }
    }
}
