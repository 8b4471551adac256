//! Decisions on alarms: a crossing is raised once, and closed by a person who did not cause it.

use super::{Deciding, Done, directory::NOTE_CHARS_MAX};
use crate::{
    alarm::{AlarmCause, AlarmEvent, Signal, Watched},
    id::{AlarmId, EngagementId},
    refusal::{Reason, code},
    stream::{Event, StreamId},
};

impl Deciding<'_> {
    /// Raises the alarm of a chart at its limit. One that is raised already, or an older one that nobody has closed,
    /// leaves nothing to do.
    pub(super) fn raise_alarm(&mut self, engagement: EngagementId, signal: &Signal) -> Done {
        self.facts.engagement(engagement)?;
        if !signal.whole() {
            return Err(Reason::field(code::FIELD_INVALID, "signal", "the figures of the chart do not fit each other")
                .hint("Compute the chart anew.")
                .into());
        }
        let alarm = signal.alarm(engagement);
        let before = match signal.after {
            None => true,
            Some(before) => self
                .facts
                .alarms
                .get(&before)
                .is_some_and(|before| before.closed.is_some() && before.signal.chart == signal.chart),
        };
        if before && !self.facts.alarms.contains_key(&alarm) {
            self.push_alarm(alarm, AlarmEvent::Raised { alarm, signal: signal.clone() });
        }
        Ok(())
    }

    /// Closes an alarm: by a person who says what it came from, and whose own reading it is not about (I3).
    pub(super) fn close_alarm(&mut self, id: AlarmId, cause: AlarmCause, note: &str) -> Done {
        let alarm = self.facts.alarms.get(&id).ok_or_else(|| Reason::hidden(id))?;
        let by = self.actor()?;
        let natural = self.member(by)?.natural;
        if alarm.closed.is_some() {
            return Err(Reason::rule(code::WRONG_STATE, id, "this alarm is closed already")
                .hint("See on its page what it came from; a further crossing raises a new one.")
                .into());
        }
        if let Watched::Reader(person) = alarm.signal.chart.watched
            && self.facts.people.get(&person).is_none_or(|reader| reader.natural == natural)
        {
            return Err(Reason::rule(code::SELF_REVIEW, id, "this alarm is about your own reading")
                .hint("Another delivery manager has to look into it.")
                .invariant("I3")
                .into());
        }
        let note = self.keep_checked("note", note, NOTE_CHARS_MAX)?;
        self.push_alarm(id, AlarmEvent::Closed { cause, note, by });
        Ok(())
    }

    fn push_alarm(&mut self, alarm: AlarmId, event: AlarmEvent) {
        self.events.push((StreamId::Alarm(alarm), Event::Alarm(event)));
    }
}
