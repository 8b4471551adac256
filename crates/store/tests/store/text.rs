//! Texts and drafts.

use remit_kernel::id::{CaseId, TextId};
use remit_store::DraftKey;

use crate::given::{Fresh, SCOPE, at, id, text, write};

#[tokio::test]
async fn texts_come_back_in_any_number_and_erased_ones_are_absent() {
    let fresh = Fresh::new().await;
    let case: CaseId = id(1);
    fresh
        .texts(SCOPE, (1..=2_500).map(|n| text(n, (n <= 2).then_some(case), &format!("body \"{n}\""))).collect())
        .await;
    let all: Vec<TextId> = (1..=2_600).map(id).collect();
    let found = fresh.store.texts(SCOPE, &all).await.unwrap();
    assert_eq!(found.len(), 2_500);
    assert_eq!(found[&id(2_500)], "body \"2500\"");
    assert!(fresh.store.texts("dir", &all).await.unwrap().is_empty());

    assert_eq!(fresh.store.erase_texts_of_case(SCOPE, case, at(9)).await.unwrap(), 2);
    assert_eq!(fresh.store.erase_texts(SCOPE, &[id(2), id(3)], at(10)).await.unwrap(), 1);
    assert_eq!(fresh.store.texts(SCOPE, &all).await.unwrap().len(), 2_497);

    let page = fresh.store.texts_page(SCOPE, None, 4).await.unwrap();
    assert_eq!(
        page.iter().map(|text| text.erased_at).collect::<Vec<_>>(),
        [Some(at(9)), Some(at(9)), Some(at(10)), None]
    );
    assert_eq!((page[0].salt, page[0].body.as_deref(), page[0].case), (None, None, Some(case)));
    assert_eq!(page[0].commitment, text(1, None, "body \"1\"").commitment);
    assert_eq!((page[3].salt, page[3].body.as_deref()), (Some([7; 32]), Some("body \"4\"")));
    assert_eq!(fresh.store.texts_page(SCOPE, Some(page[3].id), 1).await.unwrap()[0].id, id(5));
}

#[tokio::test]
async fn a_draft_is_kept_until_the_act_that_uses_it() {
    let fresh = Fresh::new().await;
    let key = DraftKey { person: id(1), stream: "panel/a".to_owned() };
    assert_eq!(fresh.store.find_draft(SCOPE, &key).await.unwrap(), None);
    fresh.store.put_draft(SCOPE, &key, "one", at(1)).await.unwrap();
    fresh.store.put_draft(SCOPE, &key, "two", at(2)).await.unwrap();
    let draft = fresh.store.find_draft(SCOPE, &key).await.unwrap().unwrap();
    assert_eq!((draft.body.as_str(), draft.updated_at), ("two", at(2)));

    let mut submit = write(SCOPE, 1);
    submit.drafts_dropped = vec![key.clone()];
    fresh.store.commit(submit).await.unwrap();
    assert_eq!(fresh.store.find_draft(SCOPE, &key).await.unwrap(), None);
}
