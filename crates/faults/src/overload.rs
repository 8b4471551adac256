//! R14: five times as many clients as the server can serve.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};
use remit_simulation::world::Size;

use crate::{
    load::{Journal, Load, run},
    serve::SHED,
    server::{Server, Start},
    site::Site,
    watch::{Watch, quantile, wait},
};

/// Clients that saturate the server, and how many times as many are too many.
const CLIENTS: usize = 16;
const TIMES: usize = 5;

pub(crate) fn row(own: &Path, dir: &Path, time: Duration) -> Result<String> {
    let site = Site::make(dir, Size { clients: CLIENTS, readers: CLIENTS, volume_max: None })?;
    let mut start = Start::of(own, &site.data);
    start.env.push((SHED.to_owned(), "true".to_owned()));
    let server = start.start()?;
    let mut journal = Journal::default();
    stretch(&site, &server, CLIENTS, Duration::from_secs(1));
    let (peak, calm) = stretch(&site, &server, CLIENTS, time);
    let (goodput, crowded) = stretch(&site, &server, CLIENTS * TIMES, time);
    let (before, during) = (quantile(calm.took.clone(), 0.99), quantile(crowded.took.clone(), 0.99));
    let watch = Watch::start();
    let (after, rest) = stretch(&site, &server, CLIENTS, Duration::from_secs(2));
    let recovered = watch.elapsed();
    let (shed, failed) = (crowded.shed, crowded.failed);
    for load in [calm, crowded, rest] {
        journal.sent.extend(load.sent);
    }
    journal.ask_again(server.address)?;
    server.stop()?;
    site.audit()?;
    let told = format!(
        "peak {peak:.0}/s, at {TIMES} times the clients {goodput:.0}/s, p99 {before:.0} ms and {during:.0} ms, {shed} turned away, \
         {after:.0}/s again after {:.0} s",
        recovered.as_secs_f64()
    );
    ensure!(failed == 0, "{failed} requests were answered with 500: {told}");
    ensure!(goodput >= 0.8 * peak, "less than 80 % is done: {told}");
    ensure!(during <= 2.0 * before, "those served wait more than twice as long: {told}");
    ensure!(after >= 0.8 * peak, "it does not recover: {told}");
    Ok(told)
}

/// Lets so many clients act for a time; returns what was done in a second, and all of it.
fn stretch(site: &Site, server: &Server, clients: usize, time: Duration) -> (f64, Load) {
    let stop = AtomicBool::new(false);
    let watch = Watch::start();
    let load = thread::scope(|scope| {
        let load = scope.spawn(|| run(site, server.address, clients, &stop));
        wait(time);
        stop.store(true, Ordering::Relaxed);
        load.join().unwrap_or_default()
    });
    #[expect(clippy::cast_precision_loss, reason = "a rate in a table")]
    let rate = load.took.len() as f64 / watch.elapsed().as_secs_f64();
    (rate, load)
}
