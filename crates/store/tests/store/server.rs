//! What only a database server has: the wall, grants, nodes that share it, tables ready to be spread over shards.
//!
//! Without a server, named by `REMIT_TEST_POSTGRES`, these tests say that they skip.

use std::{collections::BTreeMap, time::Duration};

use remit_kernel::index::{CaseStatus, Row};
use remit_store::{
    Commit, EventRow, Options, Store, StoreError, patience,
    testing::{self, TestDir, copied_tables, look},
};

use crate::given::{Fresh, SCOPE, asked, at, case, digest, entry, id, need, seat, step, text, write};

/// A schema of its own on the server of this run, and a store in it.
struct Server {
    url: String,
    store: Store,
}

impl Server {
    /// Returns nothing, and says so, where there is no server.
    async fn fresh() -> Option<Self> {
        let Some(server) = testing::server() else {
            eprintln!("skipped: no PostgreSQL is named by {}", testing::SERVER);
            return None;
        };
        let url = testing::fresh_schema(&server).await.unwrap();
        let store = Store::connect(&url, Options::default()).await.unwrap();
        Some(Self { url, store })
    }

    /// Another node at the same database.
    async fn node(&self) -> Store {
        Store::connect(&self.url, Options::default()).await.unwrap()
    }

    async fn look(&self, sql: &str) -> Vec<Vec<String>> {
        look(&self.url, sql).await.unwrap()
    }
}

/// The certificate of nobody who serves anything; its key was thrown away.
const STRANGER: &str = "\
-----BEGIN CERTIFICATE-----
MIIBfTCCASOgAwIBAgIUa4pRtYYSNstQSxiZsiG7DqeVDowwCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIc3RyYW5nZXIwIBcNMjYxMTI3MDgxNjE1WhgPMjEyNjExMDMw
ODE2MTVaMBMxETAPBgNVBAMMCHN0cmFuZ2VyMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEaSLXh+85gVoHse+sssiGIfU/uZ+H70ieMMyStpHv0q9+uSqzVqwAEpDh
we9Ovwdp7IMDXBS5W5QMsuOH8X/R7aNTMFEwHQYDVR0OBBYEFIgH+HZVYuNckXHE
hYGfC+5WQMKIMB8GA1UdIwQYMBaAFIgH+HZVYuNckXHEhYGfC+5WQMKIMA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAItQIPu3eQYELPoi9Hy8Km3A
JJbgNjXfzqV1n/LlPYrjAiBQ9i8bTDD2SUbIwN5ge5G4MQHLXarUrr3EnPx2Liw4
Lg==
-----END CERTIFICATE-----
";

/// A write to another engagement than [`SCOPE`].
fn elsewhere(stream: &str) -> remit_store::Write {
    remit_store::Write { scope: "eng_2".to_owned(), ..step(stream, 1) }
}

#[tokio::test]
async fn the_wall_hides_other_engagements_from_every_statement_that_names_one() {
    let Some(server) = Server::fresh().await else { return };
    server.store.commit(step("case/a", 1)).await.unwrap();
    server.store.commit(elsewhere("case/b")).await.unwrap();
    let seen = |scope: &str| {
        let url = server.url.clone();
        let scope = scope.to_owned();
        async move {
            let sql = format!(
                "SET ROLE remit_app; SET remit.scope = '{scope}'; SELECT DISTINCT scope_id FROM events ORDER BY 1"
            );
            look(&url, &sql).await.unwrap().concat()
        }
    };
    assert_eq!(seen(SCOPE).await, [SCOPE]);
    assert_eq!(seen("eng_2").await, ["eng_2"]);
    assert_eq!(seen("").await, [""; 0], "nobody who names no scope sees anything");
    assert_eq!(seen("*").await, [SCOPE, "eng_2"]);

    let smuggled = "SET remit.scope = 'eng_2'; INSERT INTO drafts VALUES ('eng_1', 'p', 's', '{}', 1)";
    let refused = testing::run_as_worker(&server.url, smuggled).await.unwrap_err();
    assert!(
        matches!(&refused, StoreError::Database(source) if format!("{source:?}").contains("row-level security")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn every_table_with_a_scope_has_the_wall_and_what_is_append_only_cannot_be_changed() {
    let Some(server) = Server::fresh().await else { return };
    let bare = server
        .look(
            "SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid \
             WHERE relkind = 'r' AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) \
             AND attname = 'scope_id' AND NOT (relrowsecurity AND EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = pg_class.oid))",
        )
        .await;
    assert_eq!(bare.concat(), [""; 0], "tables without a wall");
    for (table, act) in
        [("events", "UPDATE"), ("events", "DELETE"), ("entries", "UPDATE"), ("entries", "DELETE"), ("texts", "DELETE")]
    {
        let may = server.look(&format!("SELECT has_table_privilege('remit_app', '{table}', '{act}')")).await;
        assert_eq!(may.concat(), ["f"], "{act} on {table}");
    }
    let ours =
        server.look("SELECT rolsuper OR rolbypassrls OR rolcanlogin FROM pg_roles WHERE rolname = 'remit_app'").await;
    assert_eq!(ours.concat(), ["f"]);
}

/// The rules that let the tables be spread over shards by `scope_id` without a change of code.
#[tokio::test]
async fn the_tables_keep_the_rules_of_spreading_them_by_scope() {
    let Some(server) = Server::fresh().await else { return };
    let schema = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())";
    // Tables of the installation and of sign-in stay on one node, and so do jobs.
    let local = "('packs', 'verifications', 'logins', 'sessions', 'login_attempts', 'leases', 'migrations')";
    let unscoped = server
        .look(&format!(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = {schema} AND relname NOT IN {local} \
             AND NOT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'scope_id' AND attnotnull)"
        ))
        .await;
    assert_eq!(unscoped.concat(), [""; 0], "tables without a scope");
    let keys = server
        .look(&format!(
            "SELECT pg_class.relname, indexed.relname FROM pg_index \
             JOIN pg_class ON pg_class.oid = indrelid JOIN pg_class AS indexed ON indexed.oid = indexrelid \
             WHERE pg_class.relnamespace = {schema} AND pg_class.relname NOT IN {local} AND indisunique \
             AND (SELECT attname FROM pg_attribute WHERE attrelid = indrelid AND attnum = indkey[0]) <> 'scope_id'"
        ))
        .await;
    assert_eq!(keys, [[""; 0]; 0], "unique indexes that do not begin with the scope");
    let keyless = server
        .look(&format!(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = {schema} \
             AND NOT EXISTS (SELECT 1 FROM pg_index WHERE indrelid = pg_class.oid AND indisprimary)"
        ))
        .await;
    assert_eq!(keyless.concat(), [""; 0], "tables without a primary key");
    let foreign = server
        .look(&format!("SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = {schema}"))
        .await;
    assert_eq!(foreign.concat(), [""; 0], "foreign keys");
    let sequences =
        server.look(&format!("SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = {schema}")).await;
    assert_eq!(sequences.concat(), [""; 0], "sequences");
    let triggers = server
        .look(&format!("SELECT tgname FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid WHERE relnamespace = {schema} AND NOT tgisinternal"))
        .await;
    assert_eq!(triggers.concat(), [""; 0], "triggers");
    let defaults = server
        .look(&format!(
            "SELECT relname FROM pg_attrdef JOIN pg_class ON adrelid = pg_class.oid WHERE relnamespace = {schema} \
             AND pg_get_expr(adbin, adrelid) NOT IN ('true', 'false', '0')"
        ))
        .await;
    assert_eq!(defaults.concat(), [""; 0], "defaults that the database would compute");
    let collated = server
        .look(&format!(
            "SELECT DISTINCT collname FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid \
             JOIN pg_collation ON pg_collation.oid = attcollation \
             WHERE relkind = 'r' AND relnamespace = {schema} AND attnum > 0"
        ))
        .await;
    assert_eq!(collated.concat(), ["C"], "texts compare by their bytes");
}

/// A statement that joins an engagement with the directory would join two shards.
#[test]
fn no_statement_joins_an_engagement_with_the_directory() {
    let across: Vec<_> = testing::statements()
        .into_iter()
        .filter(|sql| sql.contains("'dir'") && (sql.contains("scope_id = $") || sql.contains(" JOIN ")))
        .collect();
    assert_eq!(across, [""; 0]);
}

#[tokio::test]
async fn a_copy_takes_every_table_and_every_column_along() {
    let Some(server) = Server::fresh().await else { return };
    let (tables, left_behind) = copied_tables();
    let columns = server
        .look(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() \
             ORDER BY table_name, ordinal_position",
        )
        .await;
    let mut there: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in columns {
        there.entry(row[0].clone()).or_default().push(row[1].clone());
    }
    for table in left_behind {
        assert!(there.remove(*table).is_some(), "{table}");
    }
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let there: BTreeMap<_, _> = there.into_iter().map(|(table, names)| (table, sorted(names))).collect();
    let taken: BTreeMap<_, _> = tables
        .iter()
        .map(|(table, columns, _)| ((*table).to_owned(), sorted(columns.split(", ").map(str::to_owned).collect())))
        .collect();
    assert_eq!(taken, there);
}

#[tokio::test]
async fn a_store_goes_to_the_server_and_back_as_it_was() {
    let Some(server) = Server::fresh().await else { return };
    let (home, back) = (TestDir::fresh(), TestDir::fresh());
    let folder = Store::open(home.path(), Options::default()).unwrap();
    for version in 1..=3 {
        let mut write = step("case/a", version);
        write.answer = Some(asked(&format!("key {version}"), "same", "done"));
        write.entry = Some(entry(version, "case/a"));
        write.texts = vec![text(version, Some(id(9)), "Größe ’naïve’ \u{1F600}")];
        folder.commit(write).await.unwrap();
    }
    let mut index = write(SCOPE, 9);
    let rows = vec![Row::Case(case(1, CaseStatus::Ready, 5)), Row::Seat(seat(1, 1, 5)), Row::Need(need())];
    index.index = vec![remit_store::IndexChange { stream: "case/a".to_owned(), old: Vec::new(), new: rows }];
    folder.commit(index).await.unwrap();
    folder.erase_texts(SCOPE, &[id(2)], at(7)).await.unwrap();

    let there = folder.copy_into(&server.store, |_| {}).await.unwrap();
    assert!(there.iter().map(|table| table.rows).sum::<u64>() >= 14, "{there:?}");
    let again = folder.copy_into(&server.store, |_| {}).await.unwrap_err();
    assert!(matches!(again, StoreError::NotEmpty { table: "events" }), "{again:?}");

    let home_again = Store::open(back.path(), Options::default()).unwrap();
    assert_eq!(server.store.copy_into(&home_again, |_| {}).await.unwrap(), there);
    for store in [&server.store, &home_again] {
        assert_eq!(
            store.events_page(SCOPE, None, 100).await.unwrap(),
            folder.events_page(SCOPE, None, 100).await.unwrap()
        );
        assert_eq!(
            store.snapshots_page(SCOPE, None, 100).await.unwrap(),
            folder.snapshots_page(SCOPE, None, 100).await.unwrap()
        );
        assert_eq!(
            store.texts_page(SCOPE, None, 100).await.unwrap(),
            folder.texts_page(SCOPE, None, 100).await.unwrap()
        );
        assert_eq!(
            store.entries_page(SCOPE, None, 100).await.unwrap(),
            folder.entries_page(SCOPE, None, 100).await.unwrap()
        );
        for table in remit_store::Table::ALL {
            let rows = store.index_page(SCOPE, *table, None, 100).await.unwrap();
            assert_eq!(rows, folder.index_page(SCOPE, *table, None, 100).await.unwrap());
        }
    }
}

#[tokio::test]
async fn what_is_frozen_stands_still_while_others_write() {
    let fresh = Fresh::new().await;
    fresh.store.commit(step("case/a", 1)).await.unwrap();
    let frozen = fresh.store.frozen().await.unwrap();
    fresh.store.commit(step("case/a", 2)).await.unwrap();
    assert_eq!(frozen.events(SCOPE, "case/a", None).await.unwrap().len(), 1);
    assert_eq!(fresh.store.events(SCOPE, "case/a", None).await.unwrap().len(), 2);
    assert!(matches!(frozen.commit(step("case/a", 3)).await, Err(StoreError::Closed)));
}

/// A decision that rests on a stream without moving it must not slip past one that moves it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_that_rest_on_each_others_stream_at_most_one_is_done() {
    let Some(server) = Server::fresh().await else { return };
    let (one, other) = (server.node().await, server.node().await);
    for round in 0..20 {
        let (a, b) = (format!("case/a{round}"), format!("case/b{round}"));
        for stream in [&a, &b] {
            one.commit(step(stream, 1)).await.unwrap();
        }
        // Each moves its own stream and rests on the other's: done together, each would rest on what is no longer so.
        let crossed = |own: &str, others: &str| {
            let mut write = step(own, 2);
            write.expects.push(remit_store::Expect {
                head: digest("{\"step\":1}"),
                stream: others.to_owned(),
                version: 1,
            });
            write.expects.sort_by(|x, y| x.stream.cmp(&y.stream));
            write
        };
        let (first, second) = tokio::join!(one.commit(crossed(&a, &b)), other.commit(crossed(&b, &a)));
        let mut outcomes = [first.unwrap(), second.unwrap()];
        outcomes.sort_by_key(|outcome| *outcome != Commit::Done);
        assert_ne!(outcomes, [Commit::Done, Commit::Done], "round {round}");
        assert_eq!(outcomes[0], Commit::Done, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_sent_through_two_nodes_at_once_is_done_once() {
    let Some(server) = Server::fresh().await else { return };
    let nodes = [server.node().await, server.node().await];
    for round in 0..20 {
        let stream = format!("case/{round}");
        let mut tries = tokio::task::JoinSet::new();
        for (number, node) in (0..8).zip(nodes.iter().cycle()) {
            let mut write = step(&stream, 1);
            write.expects.clear();
            write.events.clear();
            write.snapshots.clear();
            write.events.push(EventRow {
                stream: format!("{stream}/{number}"),
                version: 1,
                kind: "stepped".to_owned(),
                v: 1,
                body: "{}".to_owned(),
                digest: digest("{}"),
            });
            write.answer = Some(asked(&format!("key {round}"), "same", &format!("answer {number}")));
            let node = node.clone();
            tries.spawn(async move { node.commit(write).await.unwrap() });
        }
        let outcomes = tries.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Commit::Done).count(), 1, "{outcomes:?}");
        let done = server.look(&format!("SELECT COUNT(*) FROM events WHERE stream LIKE 'case/{round}/%'")).await;
        assert_eq!(done.concat(), ["1"], "round {round}");
    }
}

/// Cases of many lines and nodes bring the same need: none of them waits until another's write is done.
#[tokio::test]
async fn a_write_does_not_wait_for_another_that_brings_the_same_need() {
    let Some(server) = Server::fresh().await else { return };
    let bring = |act| {
        let mut write = write(SCOPE, act);
        write.index = vec![remit_store::IndexChange {
            stream: "any".to_owned(),
            old: Vec::new(),
            new: vec![Row::Seat(seat(act, 1, 5)), Row::Need(need())],
        }];
        write
    };
    server.store.commit(bring(1)).await.unwrap();
    // Somebody else has brought it too, and is not done for longer than a lock is waited for.
    let url = server.url.clone();
    let held = tokio::spawn(async move {
        look(&url, "BEGIN; SELECT need FROM needs FOR NO KEY UPDATE; SELECT pg_sleep(20); COMMIT").await
    });
    let sleeping = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'BEGIN; SELECT need%' AND wait_event = 'PgSleep'";
    let pid = loop {
        if let Some(pid) = server.look(sleeping).await.concat().pop() {
            break pid;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(server.store.commit(bring(2)).await.unwrap(), Commit::Done);
    server.look(&format!("SELECT pg_terminate_backend({pid})")).await;
    assert!(held.await.unwrap().is_err(), "the other was done before it was ended");
}

/// A plan from when the tables were empty is kept until the database has counted them.
#[tokio::test]
async fn tables_are_counted_soon_after_their_first_rows() {
    let Some(server) = Server::fresh().await else { return };
    for number in 1..=150 {
        server.store.commit(step(&format!("case/{number}"), 1)).await.unwrap();
    }
    let counted =
        "SELECT reltuples FROM pg_class WHERE relname = 'events' AND relnamespace = current_schema()::regnamespace";
    // By itself the database looks once a minute.
    for _ in 0..200 {
        if server.look(counted).await.concat() != ["-1"] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nobody counted");
}

#[tokio::test]
async fn a_node_hears_what_another_tells_and_keeps_its_own_word() {
    let Some(server) = Server::fresh().await else { return };
    let (one, other) = (server.node().await, server.node().await);
    assert_ne!(one.node(), other.node());
    let mut heard = other.hear_nodes().unwrap();
    // The listener of the other node connects by itself; until then it hears nothing, as after a lost connection.
    let word = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            one.tell_nodes("a case moved".to_owned());
            if let Ok(Ok(word)) = tokio::time::timeout(Duration::from_millis(200), heard.recv()).await {
                return word;
            }
        }
    });
    assert_eq!(word.await.unwrap(), Some("a case moved".to_owned()));
}

#[tokio::test]
async fn an_act_that_has_waited_long_enough_is_refused_without_a_trace_and_leaves_others_alone() {
    let Some(server) = Server::fresh().await else { return };
    let late = patience::bounded(Duration::ZERO, server.store.commit(step("case/a", 1))).await;
    assert!(matches!(late, Err(StoreError::Unreachable { .. })), "{late:?}");
    let late = patience::bounded(Duration::ZERO, server.store.events(SCOPE, "case/a", None)).await;
    assert!(matches!(late, Err(StoreError::Unreachable { .. })), "{late:?}");
    let patient = patience::bounded(Duration::from_secs(20), server.store.commit(step("case/a", 1))).await;
    assert_eq!(patient.unwrap(), Commit::Done, "the one before left nothing");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_from_one_that_fails() {
    let gone = Store::connect("postgres://nobody@127.0.0.1:1/nothing", Options::default()).await;
    assert!(matches!(gone.err(), Some(StoreError::Unreachable { .. })));
    for wrong in ["postgres://h/x?sslmode=prefer", "postgres:///", "carrier pigeon"] {
        let refused = Store::connect(wrong, Options::default()).await;
        assert!(matches!(refused.err(), Some(StoreError::Address { .. })), "{wrong}");
    }
}

#[tokio::test]
async fn a_connection_over_tls_is_kept_from_servers_that_cannot_prove_who_they_are() {
    let Some(server) = Server::fresh().await else { return };
    let Some(root) = std::env::var_os(testing::SERVER_ROOT) else {
        eprintln!("skipped: no certificate of the server is named by {}", testing::SERVER_ROOT);
        return;
    };
    let root = std::path::PathBuf::from(root);
    let over_tls = |host: &str, root: &std::path::Path| {
        let url = server.url.replace("127.0.0.1", host);
        let and = if url.contains('?') { '&' } else { '?' };
        format!("{url}{and}sslmode=verify-full&sslrootcert={}", root.display())
    };
    let kept = over_tls("127.0.0.1", &root);
    Store::connect(&kept, Options::default()).await.unwrap();
    let sealed = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(look(&kept, sealed).await.unwrap().concat(), ["t"]);
    assert_eq!(server.look(sealed).await.concat(), ["f"], "without `sslmode` there is no TLS");

    // The certificate names 127.0.0.1, and only that.
    let elsewhere = look(&over_tls("localhost", &root), sealed).await.unwrap_err();
    assert!(format!("{elsewhere:?}").contains("not valid for name"), "{elsewhere:?}");
    let folder = TestDir::fresh();
    std::fs::create_dir_all(folder.path()).unwrap();
    let stranger = folder.path().join("stranger.pem");
    std::fs::write(&stranger, STRANGER).unwrap();
    let refused = look(&over_tls("127.0.0.1", &stranger), sealed).await.unwrap_err();
    assert!(format!("{refused:?}").contains("certificate"), "{refused:?}");
    let plain = look(&over_tls("127.0.0.1", &root).replace("verify-full", "require"), sealed).await.unwrap();
    assert_eq!(plain.concat(), ["t"], "`require` checks the certificate too");
}

#[tokio::test]
async fn a_commit_that_the_database_warned_about_is_not_taken_for_done_and_its_repetition_finds_out() {
    let Some(server) = Server::fresh().await else { return };
    // As when the wait for a synchronous standby is cancelled: done here, with a warning.
    server
        .look(
            "CREATE FUNCTION doubt() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE WARNING 'it might not have been replicated'; RETURN NULL; END $$; \
             CREATE CONSTRAINT TRIGGER doubted AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION doubt()",
        )
        .await;
    let doubted = server.store.commit(step("case/a", 1)).await;
    assert!(matches!(doubted, Err(StoreError::Unknown { .. })), "{doubted:?}");
    server.look("DROP TRIGGER doubted ON events").await;
    // It was kept here, which a second try finds.
    assert!(matches!(server.store.commit(step("case/a", 1)).await.unwrap(), Commit::Stale));
    assert!(matches!(server.store.commit(step("case/b", 1)).await.unwrap(), Commit::Done));
}

#[tokio::test]
async fn when_one_connection_stands_still_all_of_its_time_are_given_up() {
    let Some(server) = Server::fresh().await else { return };
    let url = format!("{}&application_name=stands_still", server.url);
    let store = Store::connect(&url, Options::default()).await.unwrap();
    let workers = async || -> Vec<String> {
        let sql =
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'stands_still' AND query NOT LIKE 'LISTEN%'";
        server.look(sql).await.concat()
    };
    let (one, two) = tokio::join!(store.commit(step("case/a", 1)), store.commit(step("case/b", 1)));
    assert!(matches!((one.unwrap(), two.unwrap()), (Commit::Done, Commit::Done)));
    let before = workers().await;
    assert!(before.len() > 1, "{before:?}");

    server
        .look(
            "CREATE FUNCTION still() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN PERFORM pg_sleep(5); RETURN NEW; END $$; \
             CREATE TRIGGER stands_still BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION still()",
        )
        .await;
    let late = store.commit(step("case/c", 1)).await;
    assert!(matches!(late, Err(StoreError::Unknown { .. })), "{late:?}");
    // The trigger's table is held until the server notices that nobody listens any more.
    server.look("DROP TRIGGER stands_still ON events").await;
    assert!(matches!(store.commit(step("case/d", 1)).await.unwrap(), Commit::Done));
    let kept: Vec<String> = workers().await.into_iter().filter(|pid| before.contains(pid)).collect();
    assert_eq!(kept, [""; 0], "connections from before");
}

#[tokio::test]
async fn a_lease_has_one_holder_until_it_runs_out_or_is_given_back() {
    let fresh = Fresh::new().await;
    let store = &fresh.store;
    assert!(store.take_lease("sweep", "one", at(10), at(20)).await.unwrap());
    assert!(!store.take_lease("sweep", "two", at(15), at(25)).await.unwrap(), "it is held");
    assert!(store.take_lease("sweep", "one", at(15), at(30)).await.unwrap(), "it is renewed");
    assert!(!store.take_lease("sweep", "two", at(29), at(40)).await.unwrap(), "it is held still");
    assert!(store.take_lease("sweep", "two", at(30), at(40)).await.unwrap(), "it has run out");
    assert_eq!(store.lease_holder("sweep", at(31)).await.unwrap(), Some("two".to_owned()));
    store.give_back_lease("sweep", "one").await.unwrap();
    assert!(!store.take_lease("sweep", "one", at(31), at(50)).await.unwrap(), "only its holder gives it back");
    store.give_back_lease("sweep", "two").await.unwrap();
    assert!(store.take_lease("sweep", "one", at(31), at(50)).await.unwrap());
}
