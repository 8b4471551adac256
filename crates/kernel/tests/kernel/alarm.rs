//! Alarms: raised once for a crossing, closed by a person whose own reading it is not about.

use remit_kernel::{
    alarm::{Alarm, AlarmCause, Chart, Signal, Watched, Yardstick},
    command::Command,
    ctx::Actor,
    id::{AlarmId, CaseId},
    stream::{State, StreamId},
};

use crate::{
    stage::{OfChance as _, Stage},
    world::codes,
};

/// A chart that reached its limit.
pub(crate) fn signal(watched: Watched, after: Option<AlarmId>) -> Signal {
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
        crossed_at: "2026-03-02T09:00:00Z".parse().unwrap(),
        cases: vec![CaseId::of_chance(1), CaseId::of_chance(2)],
    }
}

/// Lets the server raise it, and returns how many events that made.
pub(crate) fn raises(stage: &mut Stage, signal: &Signal) -> usize {
    let command = Command::RaiseAlarm { engagement: stage.engagement, signal: signal.clone() };
    stage.world.act(Actor::Service, &command).unwrap().decision.events.len()
}

pub(crate) fn close(stage: &Stage, alarm: AlarmId) -> Command {
    let note = "Talked through with all readers.".to_owned();
    Command::CloseAlarm { engagement: stage.engagement, alarm, cause: AlarmCause::Coached, note }
}

fn alarm(stage: &Stage, id: AlarmId) -> Alarm {
    match stage.world.state(stage.scope(), StreamId::Alarm(id)) {
        Some(State::Alarm(known)) => known.clone(),
        other => panic!("{id} is not there: {other:?}"),
    }
}

#[test]
fn a_crossing_is_raised_once_and_the_next_only_after_a_closing() {
    let mut stage = Stage::set();
    let first = signal(Watched::Site("ZA".into()), None);
    let id = first.alarm(stage.engagement);
    assert_eq!(raises(&mut stage, &first), 1);
    let computed_again = Signal { run: 60, missed: 9, sum: 5_000, ..first.clone() };
    assert_eq!(raises(&mut stage, &computed_again), 0, "the same crossing");
    let next = Signal { after: Some(id), ..first.clone() };
    assert_eq!(raises(&mut stage, &next), 0, "nobody has closed the one before");
    stage.check("manager", &close(&stage, id), "closed");
    stage.foresee("manager", &close(&stage, id), "refused: wrong-state");
    assert_eq!(raises(&mut stage, &first), 0, "a closed crossing is not raised again");
    let elsewhere = Signal { after: Some(id), ..signal(Watched::Site("GB".into()), None) };
    assert_eq!(raises(&mut stage, &elsewhere), 0, "an alarm of another chart comes before no other");
    assert_eq!(raises(&mut stage, &next), 1);
    let closed = alarm(&stage, id).closed.unwrap();
    assert_eq!((closed.cause, closed.by), (AlarmCause::Coached, stage.who("manager")));
    assert!(alarm(&stage, next.alarm(stage.engagement)).closed.is_none());
}

#[test]
fn nobody_closes_an_alarm_about_the_own_reading_and_no_service_closes_any() {
    let mut stage = Stage::set();
    let watched = Watched::Reader(stage.who("manager"));
    let raised = signal(watched, None);
    let id = raised.alarm(stage.engagement);
    raises(&mut stage, &raised);
    stage.foresee("manager", &close(&stage, id), "refused: self-review");
    let closing = close(&stage, id);
    let refused = stage.world.act(Actor::Service, &closing).unwrap_err();
    assert_eq!(codes(&refused), "ai-cannot-decide");
    let (engagement, cause) = (stage.engagement, AlarmCause::Chance);
    let silent = Command::CloseAlarm { engagement, alarm: id, cause, note: " ".into() };
    stage.foresee("deputy", &silent, "refused: text-empty");
    stage.check("deputy", &closing, "closed");
    stage.foresee("deputy", &close(&stage, AlarmId::of_chance(9)), "refused: not-found");
}

#[test]
fn figures_that_do_not_fit_are_refused() {
    let mut stage = Stage::set();
    let low = Signal { sum: 2_999, ..signal(Watched::Site("ZA".into()), None) };
    let command = Command::RaiseAlarm { engagement: stage.engagement, signal: low };
    assert_eq!(codes(&stage.world.act(Actor::Service, &command).unwrap_err()), "field-invalid");
}
