//! R4 and R5: the disk under a real server fills up, or fails to sync. A library loaded before the system's does that.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use remit_simulation::world::Size;

use crate::{
    http::{Ask, Client},
    load::{Journal, intake, run},
    server::Start,
    site::Site,
    watch::{Watch, wait},
};

/// Clients at a time.
const CLIENTS: usize = 8;
/// After space returns, writes must succeed within this.
const RECOVER: Duration = Duration::from_secs(10);
/// The exit code of a process that cannot trust its disk any more: `EX_IOERR`.
const BROKEN: i32 = 74;

/// A server whose disk does what a small file says.
struct Failing {
    site: Site,
    start: Start,
    orders: PathBuf,
    trace: PathBuf,
}

impl Failing {
    fn new(remit: &Path, library: &Path, dir: &Path) -> Result<Self> {
        let site = Site::make(dir, Size { clients: CLIENTS, readers: 2, volume_max: None })?;
        let (orders, trace) = (dir.join("orders"), dir.join("trace"));
        fs::write(&orders, "")?;
        fs::write(&trace, "")?;
        let mut start = Start::of(remit, &site.data);
        let text = |path: &Path| path.display().to_string();
        start.env = vec![
            ("LD_PRELOAD".to_owned(), text(library)),
            ("REMIT_DISK_FOLDER".to_owned(), text(&site.data)),
            ("REMIT_DISK_ORDERS".to_owned(), text(&orders)),
            ("REMIT_DISK_TRACE".to_owned(), text(&trace)),
        ];
        Ok(Self { site, start, orders, trace })
    }

    /// Tells the disk what to do from now on, in one step.
    fn order(&self, what: &str) -> Result<()> {
        let new = self.orders.with_extension("new");
        fs::write(&new, what)?;
        fs::rename(&new, &self.orders)?;
        Ok(())
    }
}

/// Lets the disk fill up after each further mebibyte, with writers at work.
pub(crate) fn full(remit: &Path, library: &Path, dir: &Path, steps: usize) -> Result<String> {
    let failing = Failing::new(remit, library, dir)?;
    let site = &failing.site;
    let server = failing.start.start()?;
    let mut journal = Journal::default();
    let mut slowest = Duration::ZERO;
    for step in 1..=steps {
        failing.order(&format!("{step} room {}", step * 1_048_576))?;
        let (stop, address) = (AtomicBool::new(false), server.address);
        let load = thread::scope(|scope| -> Result<_> {
            let load = scope.spawn(|| run(site, address, CLIENTS, &stop));
            let watch = Watch::start();
            while !fs::read_to_string(&failing.trace)?.contains(&format!("{step} full")) {
                ensure!(watch.elapsed() < Duration::from_mins(2), "step {step}: the disk was never full");
                wait(Duration::from_millis(20));
            }
            wait(Duration::from_millis(300));
            stop.store(true, Ordering::Relaxed);
            load.join().map_err(|_| anyhow::anyhow!("the load ended by a fault"))
        })?;
        journal.sent.extend(load.sent);
        let mut client = Client::new(server.address);
        let refused = client.send(&intake(site, 0))?;
        ensure!(refused.status == 507, "step {step}: a write to a full disk is answered {}, not 507", refused.status);
        let read = client.send(&Ask::get(format!("/api/v1/engagements/{}", site.world.engagement), &site.delivery))?;
        ensure!(read.done(), "step {step}: reading is answered {} {}", read.status, read.body);
        failing.order(&format!("{step} free"))?;
        let watch = Watch::start();
        loop {
            let ask = intake(site, 1);
            let answer = client.send(&ask)?;
            let done = answer.done();
            journal.sent.push(crate::load::Sent { kind: crate::load::Kind::Intake, ask, answer: Some(answer) });
            if done {
                break;
            }
            ensure!(watch.elapsed() < RECOVER, "step {step}: nothing can be written {RECOVER:?} after space returned");
            wait(Duration::from_millis(50));
        }
        slowest = slowest.max(watch.elapsed());
        journal.ask_again(server.address)?;
    }
    server.stop()?;
    let contents = site.audit()?;
    journal.compare(&contents)?;
    Ok(format!(
        "507 while full, reads go on, 0 partial acts in {} events, written again within {:.2} s",
        contents.events,
        slowest.as_secs_f64()
    ))
}

/// Fails a sync under load: the process must end by itself, and the next one must be clean.
pub(crate) fn sync_fails(remit: &Path, library: &Path, dir: &Path, rounds: usize) -> Result<String> {
    let failing = Failing::new(remit, library, dir)?;
    let site = &failing.site;
    let mut journal = Journal::default();
    let mut acknowledged = 0;
    for round in 1..=rounds {
        let mut server = failing.start.start()?;
        acknowledged += journal.ask_again(server.address).with_context(|| format!("round {round}"))?;
        let (stop, address) = (AtomicBool::new(false), server.address);
        let (load, ended) = thread::scope(|scope| -> Result<_> {
            let load = scope.spawn(|| run(site, address, CLIENTS, &stop));
            wait(Duration::from_millis(100 + (round as u64 * 83) % 400));
            failing.order(&format!("{round} eio"))?;
            let ended = server.ended(Duration::from_secs(5));
            stop.store(true, Ordering::Relaxed);
            Ok((load.join().map_err(|_| anyhow::anyhow!("the load ended by a fault"))?, ended?))
        })?;
        failing.order("")?;
        journal.sent.extend(load.sent);
        let trace = fs::read_to_string(&failing.trace)?;
        ensure!(trace.contains(&format!("{round} eio")), "round {round}: no sync was asked for");
        let status = ended.with_context(|| format!("round {round}: the process goes on after a sync failed"))?;
        ensure!(status.code() == Some(BROKEN), "round {round}: the process ended with {status}, not {BROKEN}");
        ensure!(!trace.contains(&format!("{round} again")), "round {round}: the failed sync was tried again");
    }
    let server = failing.start.start()?;
    acknowledged += journal.ask_again(server.address)?;
    server.stop()?;
    let contents = site.audit()?;
    journal.compare(&contents)?;
    Ok(format!(
        "exit {BROKEN} each time, no sync tried again, {acknowledged} acknowledged and 0 lost after the restarts"
    ))
}
