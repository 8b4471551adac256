//! Quality: figures that agree with the published ones, and what each viewer may know of the readers.

use axum::{body::Body, http::Request};
use http_body_util::BodyExt as _;
use remit_kernel::index::Origin;
use remit_server::app::quality::{ShowDisputes, ShowQuality, Which};
use remit_store::SessionKind;
use tower::ServiceExt as _;

use crate::{
    import::{House, ecg_set, shipped_ecg},
    world::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_kappas_of_the_cardiologists_are_the_published_ones() {
    let (house, engagement) = ecg_set(&shipped_ecg()).await;
    let quality = house.app.view(&house.caller(), ShowQuality { engagement, origin: None }).await.unwrap();
    let kappas: Vec<_> = quality
        .questions
        .iter()
        .map(|question| {
            assert_eq!((question.pairs.len(), question.agreement.n), (1, 331));
            (question.question.as_str(), format!("{:.3}", question.pairs[0].agreement.value.unwrap()))
        })
        .collect();
    let published = [
        ("av_block_1", "0.718"), ("rbbb", "1.000"), ("lbbb", "0.932"), ("sinus_bradycardia", "0.664"),
        ("atrial_fibrillation", "0.854"), ("sinus_tachycardia", "0.812"),
    ];
    assert_eq!(kappas, published.map(|(question, kappa)| (question, kappa.to_owned())));
    assert_eq!((quality.panels, quality.agreed, quality.disputed, quality.imported), (331, 316, 15, true));
    let weakest = quality.questions.iter().find(|question| question.question == "sinus_bradycardia").unwrap();
    assert!(weakest.agreement.interval.is_some());

    let readers = weakest.pairs[0].readers.clone().map(|reader| reader.key);
    let pair = Some((readers[0].clone(), readers[1].clone()));
    let which = Which::Question { question: "sinus_bradycardia".into(), pair };
    let disputes = ShowDisputes { engagement, which, origin: None, after: None, limit: 2 };
    let disputes = house.app.view(&house.caller(), disputes).await.unwrap();
    assert_eq!(disputes.total, weakest.pairs[0].differ);
    assert_eq!(disputes.cases.len(), 2);
    let case = &disputes.cases[0];
    assert!(case.sides.len() == 2 && case.sides[0].answer != case.sides[1].answer, "{case:?}");
    assert!(case.reference_answer.is_some());

    let witnessed = house.app.view(&house.caller(), ShowQuality { engagement, origin: Some(Origin::Witnessed) }).await.unwrap();
    assert_eq!((witnessed.panels, witnessed.questions.len(), witnessed.imported), (0, 0, false));

    let page = page(&house, &format!("/e/{engagement}/quality")).await;
    assert!(page.contains("Imported: times, authors and blindness as claimed by the file"), "{page}");
    assert!(page.contains("Agreement beyond chance 0.66"), "{page}");
    let page = self::page(&house, &format!("/e/{engagement}/quality/disputes?question=sinus_bradycardia")).await;
    assert!(page.contains("cardiologist1") && page.contains("cardiologist2"), "{page}");
}

async fn page(house: &House, path: &str) -> String {
    let opened = house.app.open_session(house.operator, SessionKind::Browser, "test").await.unwrap();
    let config = crate::http::config();
    let request = Request::get(path).header("cookie", format!("remit={}", opened.secret)).body(Body::empty()).unwrap();
    let response = remit_server::edge::router(house.app.clone(), config).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn the_client_knows_readers_by_number_and_nothing_before_a_panel_closes() {
    let world = World::live().await;
    let engagement = world.engagement;
    let ask = || ShowQuality { engagement, origin: None };
    for (reference, second) in [("T-1", "fell"), ("T-2", "rose")] {
        let case = world.take_in(reference).await;
        world.read(world.reader1, case, "fell").await.unwrap();
        let before = world.app.view(&world.caller(world.client), ask()).await.unwrap();
        world.read(world.reader2, case, second).await.unwrap();
        assert_eq!(before.disputed, 0);
    }
    let provider = world.app.view(&world.caller(world.delivery), ask()).await.unwrap();
    let client = world.app.view(&world.caller(world.client), ask()).await.unwrap();
    // The second case is in adjudication: nobody hears of it yet.
    assert_eq!((client.panels, client.agreed, client.disputed), (1, 1, 0));
    assert_eq!(client.questions[0].agreement.n, 1);
    assert_eq!(client.questions[0].agreement.undefined, Some("everybody gave the same answer"));
    let mut names = provider.questions[0].pairs[0].readers.clone().map(|reader| reader.name);
    names.sort_unstable();
    assert_eq!(names, ["Ravi Reader", "Rita Reader"]);
    assert_eq!(client.questions[0].pairs[0].readers.clone().map(|reader| reader.name), ["Reader 1", "Reader 2"]);
    let written = serde_json::to_string(&client).unwrap();
    assert!(!written.contains("person_") && !written.contains("Rita"), "{written}");
    assert!(world.app.view(&world.caller(world.reader1), ask()).await.is_err(), "readers see no figures");
    assert!(world.app.view(&world.caller(world.stranger), ask()).await.is_err());
}
