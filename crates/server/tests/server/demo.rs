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
}
