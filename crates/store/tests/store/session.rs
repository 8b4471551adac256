//! Signing in.

use remit_store::{Login, SessionKind, SessionRow, StoreError, Taken};

use crate::given::{Fresh, at, digest, id};

fn session(number: u64, person: u64) -> SessionRow {
    SessionRow {
        token_hash: digest(&number.to_string()),
        id: id(number),
        person: id(person),
        kind: if number == 1 { SessionKind::Browser } else { SessionKind::Token },
        label: "laptop".to_owned(),
        created_at: at(i64::try_from(number).unwrap()),
        last_seen_at: at(5),
        expires_at: at(100),
        reauth_at: None,
    }
}

#[tokio::test]
async fn a_login_is_found_in_whatever_case_and_its_name_is_taken_once() {
    let fresh = Fresh::new().await;
    let login = |person, name: &str| Login {
        person: id(person),
        name: name.to_owned(),
        password_hash: "hash".to_owned(),
        changed_at: at(1),
    };
    fresh.store.add_login(login(1, "Amara@Example")).await.unwrap();
    let twice = fresh.store.add_login(login(2, "amara@example")).await;
    assert!(matches!(twice, Err(StoreError::Taken(Taken::LoginName))));
    let found = fresh.store.find_login("AMARA@example").await.unwrap().unwrap();
    assert_eq!(found, login(1, "amara@example"));
    assert_eq!(fresh.store.find_login("nobody").await.unwrap(), None);
    assert_eq!(fresh.store.list_logins().await.unwrap(), [found]);

    fresh.store.add_session(session(1, 1)).await.unwrap();
    fresh.store.set_password(id(1), "new", at(9)).await.unwrap();
    let changed = fresh.store.find_login_of(id(1)).await.unwrap().unwrap();
    assert_eq!((changed.password_hash.as_str(), changed.changed_at), ("new", at(9)));
    assert_eq!(fresh.store.sessions_of(id(1)).await.unwrap(), []);
}

#[tokio::test]
async fn sessions_are_used_proved_again_and_ended() {
    let fresh = Fresh::new().await;
    let store = &fresh.store;
    for (number, person) in [(1, 1), (2, 1), (3, 1), (4, 2)] {
        store.add_session(session(number, person)).await.unwrap();
    }
    assert_eq!(store.find_session(digest("1")).await.unwrap(), Some(session(1, 1)));
    store.touch_session(id(1), at(7)).await.unwrap();
    store.reauthenticate_session(id(2), at(8)).await.unwrap();
    let sessions = store.sessions_of(id(1)).await.unwrap();
    assert_eq!(sessions.iter().map(|row| row.last_seen_at).collect::<Vec<_>>(), [at(7), at(8), at(5)]);
    assert_eq!(sessions[1].reauth_at, Some(at(8)));

    assert!(!store.revoke_session(id(2), id(1)).await.unwrap(), "not hers");
    assert!(store.revoke_session(id(1), id(1)).await.unwrap());
    assert_eq!(store.find_session(digest("1")).await.unwrap(), None);
    assert_eq!(store.revoke_sessions(id(1)).await.unwrap(), 2);
    assert_eq!(store.drop_expired(at(99), at(0)).await.unwrap(), 0);
    assert_eq!(store.drop_expired(at(100), at(0)).await.unwrap(), 1);
}

#[tokio::test]
async fn failed_attempts_are_counted_by_key_and_forgiven() {
    let fresh = Fresh::new().await;
    let store = &fresh.store;
    for second in 1..=4 {
        store.note_login_attempt(&["account".to_owned(), "address".to_owned()], at(second)).await.unwrap();
    }
    assert_eq!(store.count_login_attempts("account", at(2)).await.unwrap(), 2);
    store.forgive_login_attempts("account").await.unwrap();
    assert_eq!(store.count_login_attempts("account", at(0)).await.unwrap(), 0);
    assert_eq!(store.drop_expired(at(0), at(3)).await.unwrap(), 2);
    assert_eq!(store.count_login_attempts("address", at(0)).await.unwrap(), 2);
}
