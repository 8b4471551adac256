//! Protection: who saw what under which rule, the verification behind a button, and the export that leaves nothing behind.

use remit_kernel::{index::CaseStatus, stream::Scope};
use remit_server::app::{
    case::screen::GetScreen,
    export::{ExportCases, ExportEvents},
    protection::ShowProtection,
};

use crate::{http::Http, world::World};

fn ask(world: &World) -> ShowProtection {
    ShowProtection {
        engagement: world.engagement,
        case: None,
        reference: None,
        person: None,
        denied: false,
        before: None,
        limit: 50,
    }
}

#[tokio::test]
async fn the_auditor_sees_who_opened_a_case_and_under_which_rule() {
    let world = World::live().await;
    let engagement = world.engagement;
    let case = world.take_in("T-1").await;
    let other = world.take_in("T-2").await;
    world
        .app
        .view(&world.caller(world.delivery), GetScreen { engagement, case, as_of: None, item: None, before: None })
        .await
        .unwrap();
    let of_case = ShowProtection { case: Some(case), ..ask(&world) };
    let seen = world.app.view(&world.caller(world.auditor), of_case).await.unwrap();
    let look = seen.entries.iter().find(|entry| entry.action == "view_case").unwrap();
    assert_eq!((look.name.as_str(), look.reference.as_deref(), look.allowed), ("Dumi Delivery", Some("T-1"), true));
    assert!(look.policies.contains(&"p-every-case".to_owned()), "{look:?}");
    assert!(remit_access::sentence("p-every-case").unwrap().starts_with("Managers and auditors see every case"));
    assert!(seen.entries.iter().all(|entry| entry.case == Some(case) && entry.case != Some(other)));
    let named = |reference: &str| ShowProtection { reference: Some(reference.to_owned()), ..ask(&world) };
    let by_name = world.app.view(&world.caller(world.auditor), named("T-2")).await.unwrap();
    assert!(!by_name.entries.is_empty() && by_name.entries.iter().all(|entry| entry.case == Some(other)));
    assert!(world.app.view(&world.caller(world.auditor), named("T-9")).await.unwrap().entries.is_empty());

    let refused = world.act(world.reader1, remit_kernel::command::Command::Deliver { engagement, case }).await;
    assert!(refused.is_err());
    let denied =
        world.app.view(&world.caller(world.auditor), ShowProtection { denied: true, ..ask(&world) }).await.unwrap();
    assert!(denied.entries.iter().any(|entry| entry.action == "deliver" && entry.person == Some(world.reader1)));
    assert!(denied.entries.iter().all(|entry| !entry.allowed));
    for stranger in [world.reader1, world.stranger, world.operator] {
        assert!(world.app.view(&world.caller(stranger), ask(&world)).await.is_err());
    }
}

#[tokio::test]
async fn the_record_is_paged_and_the_pages_render() {
    let world = World::live().await;
    for number in 0..3 {
        world.take_in(&format!("T-{number}")).await;
    }
    let first = world.app.view(&world.caller(world.auditor), ShowProtection { limit: 2, ..ask(&world) }).await.unwrap();
    assert_eq!(first.entries.len(), 2);
    assert!(first.next.is_some() && first.verified.is_none() && first.may_verify);
    let http = Http::of(&world);
    let token = world.token(world.auditor).await;
    let page = http.get(&format!("/api/v1/engagements/{}/record?limit=2", world.engagement), &token).await;
    assert_eq!(page.json()["entries"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn one_verification_runs_at_a_time_and_tells_what_it_found() {
    let world = World::live().await;
    let scope = Scope::Engagement(world.engagement);
    let auditor = world.caller(world.auditor);
    world.app.begin_verify(&auditor, scope).await.unwrap();
    if world.app.verifying().is_some() {
        let again = world.app.begin_verify(&auditor, scope).await.unwrap_err();
        assert!(again.to_string().contains("running already"), "{again}");
    }
    while world.app.verifying().is_some() {
        tokio::task::yield_now().await;
    }
    let found = world.app.view(&auditor, ask(&world)).await.unwrap().verified.unwrap();
    assert!(found.ok && found.events > 0);
}

#[tokio::test]
async fn an_export_holds_what_its_reader_may_see_and_counts_what_is_here() {
    let world = World::live().await;
    let engagement = world.engagement;
    let done = world.take_in("T-1").await;
    world.read(world.reader1, done, "fell").await.unwrap();
    world.read(world.reader2, done, "fell").await.unwrap();
    let open = world.take_in("T-2").await;
    world.read(world.reader1, open, "rose").await.unwrap();

    let page = world.app.view(&world.caller(world.delivery), ExportCases { engagement, after: None }).await.unwrap();
    assert_eq!((page.cases.len(), page.readings.len(), page.judgements.len(), page.next), (2, 2, 1, None));
    let case = page.cases.iter().find(|case| case["reference"] == "T-1").unwrap();
    assert_eq!(case["status"], CaseStatus::AwaitingSignOff.word());
    assert_eq!(
        (&case["imported"], &case["items"][0]["body"]),
        (&false.into(), &"The mean fell by 4 points. The median rose.".into())
    );
    assert_eq!(page.readings[0]["judgement"]["answers"]["effect"], "fell");
    let events =
        world.app.view(&world.caller(world.delivery), ExportEvents { engagement, after: None }).await.unwrap().events;
    assert!(events.iter().any(|event| event["kind"] == "agreed"));
    assert!(!events.iter().any(|event| event["body"].to_string().contains("rose")), "a sealed reading stays sealed");

    // The client gets the outcome once it is delivered.
    let client = world.app.view(&world.caller(world.client), ExportCases { engagement, after: None }).await.unwrap();
    assert_eq!((client.cases.len(), client.judgements.len()), (2, 0));
    for stranger in [world.reader1, world.stranger] {
        assert!(world.app.view(&world.caller(stranger), ExportCases { engagement, after: None }).await.is_err());
    }
}
