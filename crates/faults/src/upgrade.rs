//! R18: a build to come brings the tables up to date, on a server while nodes of this build go on, in a folder at its start.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use remit_simulation::world::Size;
use remit_store::{CaseFilter, Options, Store};

use crate::{
    database::{Nodes, crowd},
    load::{Journal, run},
    serve::TO_COME,
    server::Start,
    site::{Place, Site, runtime},
    watch::{Watch, wait},
};

/// Clients at a time.
const CLIENTS: usize = 24;
/// Within this every request must be answered, whatever the tables go through.
const ANSWERED: Duration = Duration::from_secs(5);
/// How long a backup reads while the tables are to be changed.
const LONG_READ: Duration = Duration::from_secs(4);

/// Upgrades two nodes on one database, one after the other, under load and while somebody reads for long.
pub(crate) fn live(own: &Path, place: &Place, rounds: usize) -> Result<String> {
    let (mut acknowledged, mut again, mut longest) = (0, 0, Duration::ZERO);
    let (mut done, mut refused, mut cut) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for round in 0..rounds {
        let mut site = Site::make_at(place, Size { clients: CLIENTS, readers: 2, volume_max: None })?;
        let url = site.database.clone().context("this row needs a database server")?;
        let start = Start::at(own, &site);
        let newer = Start { env: vec![(TO_COME.to_owned(), "true".to_owned())], ..start.clone() };
        let mut nodes = Nodes::of(vec![start.start()?, start.start()?]);
        let addresses = Arc::clone(&nodes.addresses);
        let (took, crowd) = crowd(&site, &addresses, || {
            // Something is there to be filled.
            wait(Duration::from_secs(2));
            let (begun, began) = mpsc::channel();
            let reading = thread::spawn(move || read_for_long(&url, &begun));
            began.recv().context("the long read did not begin")?;
            // The first of the new build changes the tables; the other node is still of the old one, and so is the database.
            let watch = Watch::start();
            nodes.replace(0, &newer)?;
            let took = watch.elapsed();
            reading.join().map_err(|_| anyhow::anyhow!("the long read ended by a fault"))??;
            wait(Duration::from_secs(1));
            nodes.replace(1, &newer)?;
            wait(Duration::from_secs(1));
            Ok(took)
        })
        .with_context(|| format!("round {round}"))?;
        // The build before knows nothing of these tables, and says so instead of starting on them.
        ensure!(start.start().is_err(), "round {round}: a node of the build before started on newer tables");
        site.to_come = true;
        acknowledged += nodes.settle(&site, crowd.sent).with_context(|| format!("round {round}"))?;
        again += crowd.again;
        done = done.max(crowd.slowest_done);
        refused = refused.max(crowd.slowest_refusal);
        cut = cut.max(crowd.slowest_cut);
        longest = longest.max(took);
    }
    let told = format!(
        "{rounds} upgrades of two nodes under load, each beside a read of {} s: {acknowledged} acknowledged, 0 lost, 0 doubled, \
         the record verifies; each done within {:.1} s, refused within {:.1} s, or cut off by the end of its node within {:.1} s; \
         {again} were sent again and done; upgraded within {:.1} s",
        LONG_READ.as_secs(),
        done.as_secs_f64(),
        refused.as_secs_f64(),
        cut.as_secs_f64(),
        longest.as_secs_f64()
    );
    ensure!(done.max(refused) <= ANSWERED, "answered too late: {told}");
    ensure!(longest >= LONG_READ.mul_f64(0.5), "the read held nothing up, so nothing was shown: {told}");
    Ok(told)
}

/// Reads the cases and stands still for a while, as a backup does that comes to other tables then.
fn read_for_long(url: &str, begun: &mpsc::Sender<()>) -> Result<()> {
    runtime()?.block_on(async {
        let store = Store::connect(url, Options::default()).await?.frozen().await?;
        store.list_cases("dir", &CaseFilter::default(), None, 1).await?;
        begun.send(())?;
        wait(LONG_READ);
        Ok(())
    })
}

/// Ends the server of a data folder under load, starts a build to come on it, kills that in the middle of its start, and
/// starts whichever build the folder is for.
pub(crate) fn at_start(own: &Path, place: &Place, rounds: usize) -> Result<String> {
    let (mut acknowledged, mut whole) = (0, 0);
    for round in 0..rounds {
        let mut site = Site::make_at(place, Size { clients: CLIENTS, readers: CLIENTS, volume_max: None })?;
        let start = Start::at(own, &site);
        let newer = Start { env: vec![(TO_COME.to_owned(), "true".to_owned())], ..start.clone() };
        let (server, stop) = (start.start()?, AtomicBool::new(false));
        let load = thread::scope(|scope| -> Result<_> {
            let load = scope.spawn(|| run(&site, server.address, CLIENTS, &stop));
            wait(Duration::from_millis(1_500));
            server.signal("TERM")?;
            stop.store(true, Ordering::Relaxed);
            load.join().map_err(|_| anyhow::anyhow!("the load ended by a fault"))
        })?;
        server.stop()?;
        let mut journal = Journal::default();
        journal.sent.extend(load.sent);
        newer.start_and_kill(Duration::from_millis((round as u64 * 23) % 180))?;
        // Either nothing was changed, and the build before goes on, or everything was.
        if let Ok(before) = start.start() {
            acknowledged += journal.ask_again(before.address).with_context(|| format!("round {round}"))?;
            before.stop()?;
            whole += 1;
        }
        let after = newer.start().with_context(|| format!("round {round}"))?;
        acknowledged += journal.ask_again(after.address).with_context(|| format!("round {round}"))?;
        after.stop()?;
        site.to_come = true;
        let contents = site.audit().with_context(|| format!("round {round}"))?;
        journal.compare(&contents).with_context(|| format!("round {round}"))?;
    }
    Ok(format!(
        "{rounds} upgrades after a stop under load, each killed once at its start: {acknowledged} acknowledged, 0 lost, 0 doubled, \
         the record verifies; {whole} times the build before could go on after the kill"
    ))
}
