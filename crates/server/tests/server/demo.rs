//! The demo's script fits the product.

use remit_server::{
    App, Caller,
    app::model::ShowModel,
    clock::{Chance, Clock},
    demo,
};
use remit_store::testing;

use crate::world::START;

#[tokio::test]
async fn the_demo_plays_to_its_end_and_leaves_work_for_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let store = testing::open(folder.path()).await.unwrap();
    demo::seed(store.clone(), START, |_| ()).await.unwrap();
    let engagements = store.list_engagements().await.unwrap();
    assert_eq!(engagements.len(), 4);
    for engagement in &engagements {
        let counts = store.count_cases_by_status(&engagement.scope).await.unwrap();
        let lots = store.list_lots(&engagement.scope, START.plus_seconds(1), 10).await.unwrap();
        let reviewed = !lots.is_empty();
        if reviewed {
            let mut stand: Vec<_> = lots.iter().map(|lot| lot.status.word()).collect();
            stand.sort_unstable();
            assert_eq!(stand, ["accepted", "open", "rejected"]);
        }
        let wanted: &[&str] = if reviewed {
            &["in_review", "accepted", "revision"]
        } else {
            &["ready", "adjudicating", "awaiting_sign_off", "delivered", "accepted"]
        };
        for wanted in wanted.iter().copied() {
            assert!(counts.iter().any(|(status, count)| status.word() == wanted && *count > 0), "{wanted}: {counts:?}");
        }
    }
    // The history of sixty notes is measured whole, disputes too, so that a limit can be judged.
    let app = App::new(store.clone(), Clock::stepped(START), Chance::seeded(1)).unwrap();
    let delivery = store.find_login("delivery").await.unwrap().unwrap().person;
    let engagement = engagements[3].scope.parse().unwrap();
    let model = app.view(&Caller::local(delivery, "test"), ShowModel { engagement }).await.unwrap();
    assert_eq!((model.version, model.panels), (1, 60));
    assert!(model.questions.iter().all(|question| question.known == 60 && question.calibrated));
    assert!(model.questions.iter().all(|question| question.accuracy.is_some_and(|share| share < 990_000)), "{model:?}");
    assert!(model.questions.iter().any(|question| question.temperature > 1_000), "what is known tempers some");
}
