//! The demo's script fits the product.

use remit_server::demo;
use remit_store::testing;

use crate::world::START;

#[tokio::test]
async fn the_demo_plays_to_its_end_and_leaves_work_for_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let store = testing::open(folder.path()).await.unwrap();
    demo::seed(store.clone(), START, |_| ()).await.unwrap();
    let engagements = store.list_engagements().await.unwrap();
    assert_eq!(engagements.len(), 3);
    for engagement in engagements {
        let counts = store.count_cases_by_status(&engagement.scope).await.unwrap();
        for wanted in ["ready", "adjudicating", "awaiting_sign_off", "delivered", "accepted"] {
            assert!(counts.iter().any(|(status, count)| status.word() == wanted && *count > 0), "{wanted}: {counts:?}");
        }
    }
}
