//! Many admissions under one SOW line at once: all are done, the cap holds (I35), and one that comes to nothing takes
//! nothing with it that was built on it.

use remit_kernel::{
    command::Command,
    index::CaseStatus,
    refusal::code,
    stream::{Scope, StreamId},
};
use remit_server::error::Error;
use remit_store::CaseFilter;
use tokio::task::JoinSet;

use crate::world::World;

/// Takes this many cases in at once; returns how many of them the scope gate admitted.
async fn take_in_at_once(world: &World, count: usize) -> u64 {
    let mut intakes = JoinSet::new();
    for number in 0..count {
        let (app, caller) = (world.app.clone(), world.caller(world.client));
        let command = Command::TakeIn { engagement: world.engagement, case: world.case_in(&format!("C-{number}")) };
        intakes.spawn(async move { app.act(caller, command).await });
    }
    for taken in intakes.join_all().await {
        taken.unwrap();
    }
    let filter = CaseFilter { statuses: vec![CaseStatus::Ready], ..CaseFilter::default() };
    world.app.store().count_cases(&world.engagement.to_string(), &filter).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_takes_a_case_in_is_turned_away_because_others_do_too() {
    let world = World::live().await;
    assert_eq!(take_in_at_once(&world, 64).await, 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_holds_however_many_come_at_once() {
    let world = World::live().await;
    assert_eq!(take_in_at_once(&world, 110).await, 100);
    let line = world
        .app
        .store()
        .snapshots_page(&Scope::Engagement(world.engagement).to_string(), Some("line/"), 1)
        .await
        .unwrap();
    assert!(matches!(line[0].stream.parse(), Ok(StreamId::Line(_))) && line[0].body == r#"{"taken":100}"#, "{line:?}");
}

/// Of each reference two come at once: whichever is slower comes to nothing after others built on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn admissions_that_come_to_nothing_leave_the_line_and_its_record_whole() {
    let world = World::live().await;
    let mut intakes = JoinSet::new();
    for number in 0..160 {
        let (app, caller) = (world.app.clone(), world.caller(world.client));
        let case = world.case_in(&format!("C-{}", number / 2));
        let command = Command::TakeIn { engagement: world.engagement, case };
        intakes.spawn(async move { app.act(caller, command).await });
    }
    let taken = intakes.join_all().await;
    let (done, turned_away): (Vec<_>, Vec<_>) = taken.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 80);
    for refused in turned_away {
        assert!(matches!(&refused, Err(Error::Refused(why)) if why.has(code::DUPLICATE)), "{refused:?}");
    }
    let verified = world.app.replay(|_| {}).await.unwrap();
    assert_eq!(verified.first_difference, None);
}
