//! Ending: on a signal, under load, nothing that was acknowledged is missing, and the process is gone in good time.

use std::{
    collections::BTreeSet,
    env, fs,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use crate::process::{Installation, done, organisations, remit};

/// Clients that write at the same time.
const CLIENTS: usize = 8;

/// Signals a server under load again and again; `SHUTDOWN_ROUNDS` says how often, three times without it.
#[test]
fn a_signal_under_load_loses_nothing_that_was_acknowledged() {
    let rounds = env::var("SHUTDOWN_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3);
    let house = Installation::new();
    let mut journal = BTreeSet::new();
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        let server = house.serve();
        let stop = Arc::new(AtomicBool::new(false));
        let begun = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (add, stop, begun) = (server.adder(), Arc::clone(&stop), Arc::clone(&begun));
                thread::spawn(move || {
                    let mut acknowledged = Vec::new();
                    for number in 0.. {
                        let name = format!("Round {round} client {client} number {number}");
                        match add(&name) {
                            Some(200) => {
                                acknowledged.push(name);
                                begun.store(true, Ordering::SeqCst);
                            }
                            _ if stop.load(Ordering::SeqCst) => break,
                            other => panic!("{name}: {other:?} before the signal"),
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        // The signal comes at another point of the work each time, and never before there is any.
        while !begun.load(Ordering::SeqCst) && !clients.iter().all(thread::JoinHandle::is_finished) {
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(150 + 37 * (round % 11)));
        stop.store(true, Ordering::SeqCst);
        server.signal("TERM");
        let (status, took) = server.end();
        assert_eq!(status.code(), Some(0), "round {round}");
        assert!(took <= Duration::from_secs(20), "round {round}: {took:?}");
        slowest = slowest.max(took);
        let acknowledged: Vec<String> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        assert!(!acknowledged.is_empty(), "round {round} did nothing");
        journal.extend(acknowledged);
        assert!(!fs::exists(house.data().join("remit.db-wal")).unwrap(), "round {round}: the log was not folded in");
    }
    let there = organisations(&house.data());
    let missing: Vec<_> = journal.iter().filter(|name| there.binary_search(name).is_err()).collect();
    assert_eq!(missing, [""; 0], "acknowledged, and not there");
    let distinct: BTreeSet<&String> = there.iter().collect();
    assert_eq!(distinct.len(), there.len(), "done twice");
    let verified = remit(&["verify", "--data", house.data().to_str().unwrap()], "");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    println!("{rounds} rounds, {} acknowledged, slowest end {slowest:?}", journal.len());
}

#[test]
fn probes_and_metrics_are_served_apart_and_a_second_signal_leaves_at_once() {
    let house = Installation::new();
    let server = house.serve();
    assert_eq!(server.add("One more"), Some(200));
    assert_eq!(server.ask("healthz").0, 200);
    assert_eq!(server.ask("readyz"), (200, "{\"ready\":true}".to_owned()));
    let (status, text) = server.ask("metrics");
    assert!(
        status == 200 && text.contains("remit_acts_total{command=\"add_organisation\",outcome=\"done\"} 1"),
        "{text}"
    );
    server.signal("TERM");
    server.signal("TERM");
    let (status, took) = server.end();
    assert!(matches!(status.code(), Some(0 | 130)) && took < Duration::from_secs(2), "{status:?} {took:?}");
}

#[test]
fn the_configuration_is_shown_with_where_each_value_came_from() {
    let house = Installation::new();
    let file = house.beside("remit.toml");
    fs::write(&file, "[log]\nformat = \"json\"\n[store]\ndatabase = \"postgres://u:hunter2@db/remit\"\n").unwrap();
    let shown = done(&["check-config", "--config", file.to_str().unwrap(), "--port", "4999"]);
    assert!(shown.contains("postgres://u:***@db/remit") && !shown.contains("hunter2"), "{shown}");
    let line = |key: &str| shown.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(line("web.listen").contains("127.0.0.1:4999") && line("web.listen").ends_with("flag --port"));
    assert!(line("log.format").contains("json") && line("log.format").contains("file "));
    let open = remit(&["check-config", "--listen", "0.0.0.0:80"], "");
    assert!(String::from_utf8_lossy(&open.stderr).contains("--behind-tls"));
}
