//! Several nodes at one database: no node keeps to itself what another must know.
//!
//! Without a server, named by `REMIT_TEST_POSTGRES`, a store has one node, and these tests say that they skip.

use std::time::Duration;

use remit_kernel::{command::Command, id::CaseId, index::CaseStatus, stream::Scope};
use remit_server::{
    App,
    app::{Topic, live::Heard},
    clock::{Chance, Clock},
    jobs,
};
use remit_store::{CaseFilter, SessionKind, testing};
use tokio::task::JoinSet;

use crate::world::{START, World};

/// Another node at the world's database, whose chance gives other identifiers.
async fn node(world: &World, seed: u64) -> Option<App> {
    let Some(store) = testing::beside(world.app.store()).await.unwrap() else {
        eprintln!("skipped: no PostgreSQL is named by {}", testing::SERVER);
        return None;
    };
    Some(App::new(store, Clock::stepped(START), Chance::seeded(seed)).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_claims_through_two_nodes_as_many_win_as_there_are_seats() {
    let world = World::live().await;
    let Some(other) = node(&world, 70).await else { return };
    let mut readers = vec![world.reader1, world.reader2];
    for name in ["Third", "Fourth", "Fifth", "Sixth"] {
        readers.push(world.another_reader(name).await);
    }
    let case = world.take_in("T-1").await;
    let mut claims = JoinSet::new();
    for (reader, app) in readers.into_iter().zip([&world.app, &other].into_iter().cycle()) {
        let (app, caller) = (app.clone(), world.caller(reader));
        let command = Command::ClaimSeat { engagement: world.engagement, case };
        claims.spawn(async move { app.act(caller, command).await.is_ok() });
    }
    assert_eq!(claims.join_all().await.into_iter().filter(|won| *won).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_holds_through_two_nodes() {
    let world = World::live().await;
    let Some(other) = node(&world, 71).await else { return };
    let mut intakes = JoinSet::new();
    for number in 0..110 {
        let app = if number % 2 == 0 { world.app.clone() } else { other.clone() };
        let command = Command::TakeIn { engagement: world.engagement, case: world.case_in(&format!("C-{number}")) };
        let caller = world.caller(world.client);
        intakes.spawn(async move {
            // Whoever was overtaken eight times says so, and is told to try again.
            while let Err(error) = app.act(caller.clone(), command.clone()).await {
                assert!(matches!(error, remit_server::Error::Busy), "{error}");
            }
        });
    }
    intakes.join_all().await;
    let filter = CaseFilter { statuses: vec![CaseStatus::Ready], ..CaseFilter::default() };
    assert_eq!(world.app.store().count_cases(&world.engagement.to_string(), &filter).await.unwrap(), 100);
    let found = world.app.verify(&world.caller(world.operator), Scope::Directory, |_| {}).await.unwrap();
    assert!(found.ok, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_at_one_node_hears_of_an_act_at_another() {
    let world = World::live().await;
    let Some(other) = node(&world, 72).await else { return };
    let mut topics = other.topics();
    let heard = tokio::time::timeout(Duration::from_secs(20), async {
        for number in 0.. {
            let case: CaseId = world.take_in(&format!("T-{number}")).await;
            // A node that has only just come up is not yet listening.
            if let Ok(Ok(Some(topic))) = tokio::time::timeout(Duration::from_millis(300), topics.recv()).await {
                return (case, topic);
            }
        }
        unreachable!("numbers do not end")
    });
    let (case, topic) = heard.await.unwrap();
    assert_eq!(topic, Topic { scope: Scope::Engagement(world.engagement), case: Some(case), opened: true });
    assert_eq!(other.hears(&world.caller(world.reader1), topic).await.unwrap(), Heard::Today);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_opened_at_one_node_is_known_at_another_and_ends_at_both() {
    let world = World::live().await;
    let Some(other) = node(&world, 73).await else { return };
    let opened = world.app.open_session(world.reader1, SessionKind::Browser, "here").await.unwrap();
    let (_, row) = other.who(&opened.secret).await.unwrap().expect("the other node knows the session");
    other.store().revoke_session(world.reader1, row.id).await.unwrap();
    assert!(world.app.who(&opened.secret).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_nodes_see_at_once_raises_one_alarm() {
    let world = World::live().await;
    let Some(other) = node(&world, 75).await else { return };
    let case = world.take_in("T-1").await;
    let (engagement, signal) = (world.engagement, crate::alarm::signal(vec![case]));
    let raise = |app: &App| {
        let command = Command::RaiseAlarm { engagement, signal: signal.clone() };
        let app = app.clone();
        async move { app.act(remit_server::Caller::service("test"), command).await.unwrap().events.len() }
    };
    let (here, there) = tokio::join!(raise(&world.app), raise(&other));
    assert_eq!(here + there, 1);
    assert_eq!(raise(&other).await, 0);
    assert_eq!((jobs::watch(&world.app).await.unwrap(), jobs::watch(&other).await.unwrap()), (Some(0), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn work_after_the_answer_is_done_by_one_of_the_nodes() {
    let world = World::live().await;
    let Some(other) = node(&world, 74).await else { return };
    let case = world.take_in("T-1").await;
    world.act(world.reader1, Command::ClaimSeat { engagement: world.engagement, case }).await.unwrap();
    world.act(world.operator, Command::MarkLeft { person: world.reader1 }).await.unwrap();
    let (here, there) = tokio::join!(jobs::run_due(&world.app), jobs::run_due(&other));
    assert_eq!(here.unwrap() + there.unwrap(), 1);
    assert_eq!((jobs::tidy(&world.app).await.unwrap(), jobs::tidy(&other).await.unwrap()), (Some(0), None));
}
