//! The directory, engagements and their members, packs, verifications.

use remit_kernel::{
    index::{CredentialRow, EngagementRow, EngagementStatus, MemberRow, OrganisationRow, PersonRow, Row},
    role::{Role, Side},
};
use remit_store::{StoredPack, Table, Verification};

use crate::given::{Fresh, SCOPE, at, digest, id, text};

fn person(number: u64) -> PersonRow {
    PersonRow {
        person: id(number),
        natural: id(number),
        org: id(1),
        name: id(100 + number),
        active: true,
        signs_in: number == 1,
    }
}

fn credential(number: u64, person: u64) -> CredentialRow {
    CredentialRow {
        credential: id(number),
        person: id(person),
        kind: "cardiologist".to_owned(),
        jurisdiction: "ZA".to_owned(),
        valid_from: "2025-01-01".parse().unwrap(),
        valid_to: "2027-12-31".parse().unwrap(),
        revoked: false,
    }
}

fn member(person: u64, active: bool) -> MemberRow {
    MemberRow {
        person: id(person),
        side: Side::Provider,
        roles: vec![Role::Expert, Role::Signer],
        active,
        capacity: 5,
        load: 2,
    }
}

#[tokio::test]
async fn people_come_with_their_names_until_these_are_erased() {
    let fresh = Fresh::new().await;
    let rows = vec![
        Row::Organisation(OrganisationRow { org: id(1), name: id(50) }),
        Row::Person(person(1)),
        Row::Person(person(2)),
        Row::Credential(credential(1, 2)),
        Row::Credential(credential(2, 1)),
    ];
    fresh.index("dir", rows).await;
    fresh.texts("dir", vec![text(50, None, "Harbour"), text(101, None, "A. Osei"), text(102, None, "B. Naidoo")]).await;
    fresh.store.erase_texts("dir", &[id(102)], at(1)).await.unwrap();

    let organisations = fresh.store.list_organisations().await.unwrap();
    assert_eq!(organisations[0].name.as_deref(), Some("Harbour"));
    let people = fresh.store.list_people().await.unwrap();
    let named: Vec<_> = people.iter().map(|person| (person.row.clone(), person.name.as_deref())).collect();
    assert_eq!(named, [(person(1), Some("A. Osei")), (person(2), None)]);
    assert_eq!(fresh.store.find_person(id(2)).await.unwrap(), Some(people[1].clone()));
    assert_eq!(fresh.store.find_person(id(3)).await.unwrap(), None);
    assert_eq!(fresh.store.list_credentials().await.unwrap(), [credential(2, 1), credential(1, 2)]);
    assert_eq!(fresh.store.credentials_of(id(2)).await.unwrap(), [credential(1, 2)]);
}

#[tokio::test]
async fn engagements_are_found_by_scope_and_by_member() {
    let fresh = Fresh::new().await;
    let row = EngagementRow {
        name: id(1),
        client: id(1),
        provider: id(2),
        status: EngagementStatus::Live,
        drafted_at: at(1),
    };
    fresh.index("eng_1", vec![Row::Engagement(row.clone()), Row::Member(member(1, true))]).await;
    fresh.index("eng_2", vec![Row::Member(member(1, true)), Row::Member(member(2, true))]).await;
    fresh.index("eng_3", vec![Row::Member(member(1, false))]).await;
    fresh.texts("eng_1", vec![text(1, None, "Trials")]).await;
    fresh.index("dir", vec![Row::Person(person(2))]).await;
    fresh.texts("dir", vec![text(102, None, "B. Naidoo")]).await;

    let engagement = fresh.store.find_engagement("eng_1").await.unwrap().unwrap();
    assert_eq!((&engagement.row, engagement.name.as_deref()), (&row, Some("Trials")));
    assert_eq!(fresh.store.find_engagement("eng_9").await.unwrap(), None);
    assert_eq!(fresh.store.list_engagements().await.unwrap(), [engagement]);
    let found = fresh.store.engagements_of(id(1), 50).await.unwrap();
    assert_eq!(found, [("eng_1".to_owned(), member(1, true)), ("eng_2".to_owned(), member(1, true))]);
    assert_eq!(fresh.store.find_member("eng_3", id(1)).await.unwrap(), Some(member(1, false)));
    let members = fresh.store.list_members("eng_2").await.unwrap();
    assert_eq!((members[0].org, members[0].name.as_deref()), (None, None));
    assert_eq!((members[1].org, members[1].name.as_deref()), (Some(id(1)), Some("B. Naidoo")));
}

#[tokio::test]
async fn every_index_table_pages_back_what_was_written() {
    let fresh = Fresh::new().await;
    let row = EngagementRow {
        name: id(1),
        client: id(1),
        provider: id(2),
        status: EngagementStatus::Draft,
        drafted_at: at(1),
    };
    let rows = [
        vec![Row::Engagement(row)],
        (1..=5).map(|number| Row::Member(member(number, true))).collect(),
        (1..=5).map(|number| Row::Organisation(OrganisationRow { org: id(number), name: id(number) })).collect(),
        (1..=5).map(|number| Row::Person(person(number))).collect(),
        (1..=5).map(|number| Row::Credential(credential(number, 1))).collect(),
    ]
    .concat();
    fresh.index(SCOPE, rows.clone()).await;
    let mut found = Vec::new();
    for table in Table::ALL {
        let first = fresh.store.index_page(SCOPE, *table, None, 2).await.unwrap();
        let Some(last) = first.last().cloned() else { continue };
        found.extend(first);
        found.extend(fresh.store.index_page(SCOPE, *table, Some(&last), 100).await.unwrap());
    }
    assert_eq!(found, rows);
    fresh.change_index(SCOPE, rows, vec![]).await;
    for table in Table::ALL {
        assert_eq!(fresh.store.index_page(SCOPE, *table, None, 1).await.unwrap(), []);
    }
}

#[tokio::test]
async fn packs_are_found_by_digest_and_kept_once() {
    let fresh = Fresh::new().await;
    let pack = StoredPack {
        digest: digest("pack"),
        name: "evidence-analysis".to_owned(),
        version: "1.0.0".to_owned(),
        body: "{}".to_owned(),
    };
    fresh.store.put_pack(pack.clone()).await.unwrap();
    fresh.store.put_pack(pack.clone()).await.unwrap();
    assert_eq!(fresh.store.find_pack(pack.digest).await.unwrap(), Some(pack.clone()));
    assert_eq!(fresh.store.find_pack(digest("other")).await.unwrap(), None);
    assert_eq!(fresh.store.list_packs().await.unwrap(), [pack]);
}

#[tokio::test]
async fn the_newest_verification_and_all_scopes_are_known() {
    let fresh = Fresh::new().await;
    assert_eq!(fresh.store.newest_verification().await.unwrap(), None);
    let verification = |second, first_difference: Option<&str>| Verification {
        at: at(second),
        ok: first_difference.is_none(),
        first_difference: first_difference.map(str::to_owned),
        counts: "{\"events\":2}".to_owned(),
    };
    fresh.store.put_verification(verification(2, Some("event 3 of case/a"))).await.unwrap();
    fresh.store.put_verification(verification(1, None)).await.unwrap();
    let newest = fresh.store.newest_verification().await.unwrap();
    assert_eq!(newest, Some(verification(2, Some("event 3 of case/a"))));

    fresh.texts("eng_2", vec![text(1, None, "x")]).await;
    fresh.texts("dir", vec![text(1, None, "x")]).await;
    assert_eq!(fresh.store.scopes().await.unwrap(), ["dir", "eng_2"]);
}
