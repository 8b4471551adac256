//! Alarms of drift: raised where a chart reached its limit and nowhere else, told on Today, closed by a person.

use std::fmt::Write as _;

use axum::http::StatusCode;
use jiff::{
    ToSpan as _,
    civil::{Date, date},
};
use remit_kernel::{
    alarm::{AlarmCause, Chart, Signal, Watched, Yardstick},
    command::Command,
    id::{CaseId, EngagementId, PersonId},
    stream::Scope,
};
use remit_server::{
    Caller,
    app::{
        import::Target,
        quality::{AlarmOut, ChartOf, Drift, ListAlarms, ShowAlarm, ShowDrift},
        today::TaskKind,
    },
    jobs,
};
use remit_stats::random::Random;
use serde_json::json;

use crate::{
    desk::Browser,
    import::{House, ecgs},
    world::{START, World},
};

/// The four sites, one reader each; the last misses 2 % and then 6 %.
const SITES: [&str; 4] = ["ZA", "GB", "IN", "BR"];
const CASES: usize = 600;

/// Tables of ECGs numbered from `first`, one a day, each read by two of the readers, whose answers miss at these rates.
fn tables(first: usize, begins: Date, rate: impl Fn(usize, usize) -> f64) -> [String; 3] {
    let mut random = Random::new(46 + first as u64);
    let (mut cases, mut decisions) =
        ("case_id,age,sex\n".to_owned(), "case_id,rater,read_on,1dAVb,RBBB,LBBB,SB,AF,ST\n".to_owned());
    let mut gold = "case_id,1dAVb,RBBB,LBBB,SB,AF,ST\n".to_owned();
    for number in 0..CASES {
        let case = format!("ecg-{:05}", first + number);
        writeln!(cases, "{case},60,F").unwrap();
        writeln!(gold, "{case},0,0,0,0,0,0").unwrap();
        for reader in [number % 2, 2 + number % 2] {
            let missed = u8::from(random.share() < rate(reader, number));
            let day = begins.checked_add(i64::try_from(number).unwrap().days()).unwrap();
            writeln!(decisions, "{case},cardiologist{},{day},{missed},0,0,0,0,0", reader + 1).unwrap();
        }
    }
    [cases, decisions, gold]
}

/// Sends each reader to her site.
async fn settle(house: &House, engagement: EngagementId) {
    let named = house
        .app
        .store()
        .people(
            &house
                .app
                .store()
                .revealed_readers(&engagement.to_string())
                .await
                .unwrap()
                .into_iter()
                .map(|(_, person)| person)
                .collect::<Vec<_>>(),
        )
        .await
        .unwrap();
    for person in named {
        let place =
            SITES[person.name.unwrap().trim_start_matches("cardiologist").parse::<usize>().unwrap() - 1].to_owned();
        house.app.act(house.caller(), Command::SetPlace { person: person.row.person, place }).await.unwrap();
    }
}

async fn drift(house: &House, engagement: EngagementId) -> Drift {
    let question = Some("av_block_1".to_owned());
    let ask = ShowDrift { engagement, question, origin: None, yardstick: Yardstick::Answers };
    house.app.view(&house.caller(), ask).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rise_from_two_to_six_percent_at_one_site_raises_its_alarm_in_time_and_none_elsewhere() {
    let house = House::new().await;
    let early = |reader: usize, number: usize| if reader == 3 && number >= CASES / 4 { 0.06 } else { 0.02 };
    let [cases, decisions, gold] = tables(0, date(2024, 1, 1), early);
    let target = Target::New("ECGs of four sites".into());
    let engagement = ecgs(&house, [&cases, &decisions, &gold], target).await.engagement;
    settle(&house, engagement).await;
    let before = drift(&house, engagement).await;
    assert!(before.charts.iter().all(|chart| chart.alarm.is_none()));
    let raised = jobs::watch(&house.app).await.unwrap().unwrap();
    let alarms = house.app.view(&house.caller(), ListAlarms { engagement }).await.unwrap();
    let about: Vec<_> = alarms.iter().map(|line| (line.of, line.name.as_str(), line.question.as_str())).collect();
    assert_eq!(about.len(), 2, "the site and its reader: {about:?}");
    assert!(
        about.contains(&(ChartOf::Site, "BR", "av_block_1"))
            && about.contains(&(ChartOf::Expert, "cardiologist4", "av_block_1")),
        "{about:?}"
    );
    assert_eq!(raised, 2);
    let design = before.design.unwrap();
    for line in &alarms {
        let shown = house.app.view(&house.caller(), ShowAlarm { engagement, alarm: line.alarm }).await.unwrap();
        // The run length is a mean: half as much again is still within it.
        assert!(
            f64::from(shown.run) <= 1.5 * design.catches_in,
            "{} answers, designed: {}",
            shown.run,
            design.catches_in
        );
        assert!(shown.sum >= shown.limit && shown.cases.len() == shown.missed as usize, "{shown:?}");
        for case in &shown.cases {
            let row = decisions.lines().find(|row| row.starts_with(&format!("{},cardiologist4,", case.reference)));
            assert!(row.is_some_and(|row| row.ends_with(",1,0,0,0,0,0")), "{} was missed: {row:?}", case.reference);
        }
    }
    let engagement_again = house.app.watch(&Caller::service("test"), engagement).await.unwrap();
    assert_eq!(engagement_again, 0, "the same crossing raises no other alarm");
    let scope = Scope::Engagement(engagement);
    assert!(house.app.verify(&house.caller(), scope, |_| {}).await.unwrap().ok);

    let closing = |alarm| Command::CloseAlarm {
        engagement,
        alarm,
        cause: AlarmCause::Coached,
        note: "Went through them.".into(),
    };
    for line in &alarms {
        house.app.act(house.caller(), closing(line.alarm)).await.unwrap();
    }
    assert_eq!(house.app.watch(&Caller::service("test"), engagement).await.unwrap(), 0, "the charts began again");
    let after = drift(&house, engagement).await;
    let site = |drift: &Drift| drift.charts.iter().find(|chart| chart.key == "BR").unwrap().clone();
    assert_eq!((site(&after).charted, site(&after).alarm_at), (0, None));
    assert_eq!(site(&after).alarm.unwrap().cause, Some(AlarmCause::Coached));
    assert_eq!(site(&after).missed, site(&before).missed, "what was read stays read");

    // What follows is far worse: a second alarm, after the first.
    house.app.clock().step_to(START.plus_seconds(700 * 86_400));
    let late = |reader: usize, _: usize| if reader == 3 { 0.30 } else { 0.02 };
    let [cases, decisions, gold] = tables(CASES, date(2026, 3, 3), late);
    ecgs(&house, [&cases, &decisions, &gold], Target::Engagement(engagement)).await;
    assert_eq!(house.app.watch(&Caller::service("test"), engagement).await.unwrap(), 2);
    let again = house.app.view(&house.caller(), ListAlarms { engagement }).await.unwrap();
    let second = again.iter().find(|line| line.closed_at.is_none() && line.name == "BR").unwrap();
    let second = house.app.view(&house.caller(), ShowAlarm { engagement, alarm: second.alarm }).await.unwrap();
    assert_eq!(second.after, alarms.iter().find(|line| line.name == "BR").map(|line| line.alarm));
    assert!(house.app.verify(&house.caller(), scope, |_| {}).await.unwrap().ok);
}

/// A chart of readers in South Africa at its limit.
pub(crate) fn signal(cases: Vec<CaseId>) -> Signal {
    of(Watched::Site("ZA".into()), Yardstick::Answers, cases)
}

fn of(watched: Watched, yardstick: Yardstick, cases: Vec<CaseId>) -> Signal {
    let missed = u32::try_from(cases.len()).unwrap();
    let chart = Chart { yardstick, question: "effect".into(), watched };
    Signal {
        chart,
        after: None,
        good: 20_000,
        bad: 60_000,
        limit: 3_000,
        sum: 3_200,
        run_length: 2_000,
        run: 40,
        missed,
        crossed_at: START,
        cases,
    }
}

async fn raise(world: &World, signal: Signal) -> remit_kernel::id::AlarmId {
    let engagement = world.engagement;
    let alarm = signal.alarm(engagement);
    world.app.act(Caller::service("test"), Command::RaiseAlarm { engagement, signal }).await.unwrap();
    alarm
}

async fn shown(world: &World, person: PersonId, alarm: remit_kernel::id::AlarmId) -> remit_server::Result<AlarmOut> {
    world.app.view(&world.caller(person), ShowAlarm { engagement: world.engagement, alarm }).await
}

#[tokio::test]
async fn an_alarm_waits_on_today_opens_to_its_cases_and_is_closed_with_a_reason() {
    let world = World::live().await;
    let engagement = world.engagement;
    let case = world.take_in("T-7").await;
    let alarm = raise(&world, of(Watched::Reader(world.reader1), Yardstick::Answers, vec![case])).await;
    let tasks = async |person| {
        let today = world.app.today(&world.caller(person)).await.unwrap();
        today.mine.iter().filter(|task| task.kind == TaskKind::CloseAlarm).count()
    };
    assert_eq!(tasks(world.delivery).await, 1);
    for other in [world.client, world.reader1, world.adjudicator, world.auditor] {
        assert_eq!(tasks(other).await, 0);
    }
    let manager = Browser::of(&world, world.delivery).await;
    let (today, at) = (manager.get("/").await, format!("/e/{engagement}/quality/alarms/{alarm}"));
    assert!(today.body.contains(&at) && today.body.contains("Look into 1 alarm of drift"), "{today:?}");
    let page = manager.get(&at).await;
    assert!(page.body.contains("T-7") && page.body.contains("Rita Reader"), "{page:?}");
    assert!(manager.get(&format!("/e/{engagement}/quality/drift")).await.body.contains("One alarm is open"));
    let silent = manager.send(&format!("{at}/close"), &[("cause", "coached"), ("note", " ")]).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY, "{silent:?}");
    let vague = manager.send(&format!("{at}/close"), &[("cause", ""), ("note", "Talked.")]).await;
    assert_eq!(vague.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(vague.body.contains("Talked."), "what was typed stays: {vague:?}");

    let client = shown(&world, world.client, alarm).await.unwrap();
    assert_eq!((client.line.name.as_str(), client.may_close, client.cases.len()), ("Another reader", false, 1));
    assert!(shown(&world, world.reader1, alarm).await.is_err(), "a reader sees no figures");
    let closing = Command::CloseAlarm { engagement, alarm, cause: AlarmCause::Chance, note: "Nothing found.".into() };
    for other in [world.client, world.reader1, world.adjudicator, world.auditor, world.reviewer] {
        assert!(world.act(other, closing.clone()).await.is_err());
    }
    let api = format!("/api/v1/engagements/{engagement}/quality/alarms");
    let done = manager
        .json(&format!("{api}/{alarm}/close"), &json!({ "cause": "coached", "note": "Talked it through." }))
        .await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    let listed = manager.get(&api).await.json();
    assert_eq!((&listed[0]["cause"], &listed[0]["name"]), (&json!("coached"), &json!("Rita Reader")), "{listed}");
    let page = manager.get(&at).await;
    assert!(page.body.contains("Talked it through.") && page.body.contains("Dumi Delivery"), "{page:?}");
    for other in [world.client, world.adjudicator] {
        let seen = shown(&world, other, alarm).await.unwrap();
        assert_eq!((seen.note, seen.closed_by, seen.line.cause), (None, None, Some(AlarmCause::Coached)));
    }
    assert_eq!(tasks(world.delivery).await, 0);
    assert!(world.act(world.delivery, closing).await.is_err(), "it is closed already");
}

#[tokio::test]
async fn an_alarm_of_gold_is_hidden_from_whoever_may_not_see_gold() {
    let world = World::live().await;
    let case = world.take_in("T-7").await;
    let alarm = raise(&world, of(Watched::Site("ZA".into()), Yardstick::Gold, vec![case])).await;
    let engagement = world.engagement;
    for (person, sees) in
        [(world.delivery, true), (world.auditor, true), (world.client, false), (world.reviewer, false)]
    {
        assert_eq!(shown(&world, person, alarm).await.is_ok(), sees);
        let listed = world.app.view(&world.caller(person), ListAlarms { engagement }).await.unwrap();
        assert_eq!(listed.len(), usize::from(sees));
        let ask = ShowDrift { engagement, question: None, origin: None, yardstick: Yardstick::Gold };
        assert_eq!(world.app.view(&world.caller(person), ask).await.is_ok(), sees);
    }
}
