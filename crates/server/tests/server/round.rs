//! The main job: a case travels from scope to accepted delivery.

use remit_kernel::{case::Material, command::Command, index::CaseStatus};
use remit_server::app::case::ListCases;
use remit_store::CaseFilter;

use crate::world::World;

#[tokio::test]
async fn two_readers_agree_the_signer_signs_and_the_client_accepts() {
    let world = World::live().await;
    let engagement = world.engagement;
    let case = world.take_in("T-1").await;
    world.read(world.reader1, case, "fell").await.unwrap();
    let sealed = world.read(world.reader2, case, "fell").await.unwrap();
    assert!(sealed.has("agreed") && sealed.has("signoff_requested"), "{sealed:?}");

    let item = world.item(case).await;
    for material in [Material::Item(item, 1), Material::Deliverable] {
        world.act(world.signer, Command::OpenMaterial { engagement, case, material }).await.unwrap();
    }
    let row = world
        .app
        .store()
        .snapshots(&engagement.to_string(), &[format!("case/{case}")])
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    let state: serde_json::Value = serde_json::from_str(&row.body).unwrap();
    let content = state["resolution"]["content"].as_str().unwrap().parse().unwrap();
    world
        .act(world.signer, Command::Sign { engagement, case, content, statement: "I have looked.".into() })
        .await
        .unwrap();
    world.act(world.delivery, Command::Deliver { engagement, case }).await.unwrap();
    world.act(world.client, Command::AcceptDelivery { engagement, case }).await.unwrap();

    let list = ListCases { engagement, filter: CaseFilter::default(), after: None, limit: 10 };
    let list = world.app.view(&world.caller(world.client), list).await.unwrap();
    assert_eq!(list.cases[0].status, CaseStatus::Accepted);
    assert_eq!(list.total, Some(1));
}

#[tokio::test]
async fn readers_who_differ_leave_it_to_an_adjudicator() {
    let world = World::live().await;
    let engagement = world.engagement;
    let case = world.take_in("T-2").await;
    world.read(world.reader1, case, "fell").await.unwrap();
    let sealed = world.read(world.reader2, case, "rose").await.unwrap();
    assert!(sealed.has("disputed"));
    world.act(world.adjudicator, Command::TakeAdjudication { engagement, case }).await.unwrap();
    let judgement = world.judgement(case, "fell").await;
    let decided = world.act(world.adjudicator, Command::Adjudicate { engagement, case, judgement }).await.unwrap();
    assert!(decided.has("adjudicated") && decided.has("resolved"));
}

#[tokio::test]
async fn a_stranger_finds_nothing_here() {
    let world = World::live().await;
    let list = ListCases { engagement: world.engagement, filter: CaseFilter::default(), after: None, limit: 10 };
    let refused = world.app.view(&world.caller(world.stranger), list).await.unwrap_err();
    assert!(refused.to_string().contains("nothing here"), "{refused}");
}
