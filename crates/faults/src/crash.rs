//! R1, R15 and R17: processes that end in the middle of everything, killed or asked to, and the sums after it.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use remit_simulation::world::Size;

use crate::{
    load::{Journal, run},
    server::Start,
    site::{Place, Site},
    watch::{Watch, wait},
};

/// Clients at a time.
const CLIENTS: usize = 12;
/// After a kill the server must be ready again within this.
const READY: Duration = Duration::from_secs(5);
/// After being asked to stop the server must have ended within this.
const STOP: Duration = Duration::from_secs(20);
/// Rounds after which the whole record is verified.
const AUDIT_EVERY: usize = 25;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Kill,
    Terminate,
}

/// Lets clients act, ends the server, starts it again and asks for everything again; so many rounds.
pub(crate) fn rounds(remit: &Path, place: &Place, end: End, rounds: usize) -> Result<String> {
    let site = Site::make_at(place, Size { clients: CLIENTS, readers: CLIENTS, volume_max: None })?;
    let start = Start::at(remit, &site);
    let mut journal = Journal::default();
    let (mut slowest, mut longest_stop, mut acknowledged) = (Duration::ZERO, Duration::ZERO, 0);
    for round in 0..=rounds {
        let mut server = start.start().with_context(|| format!("round {round}"))?;
        slowest = slowest.max(server.ready);
        ensure!(server.ready <= READY, "round {round}: ready only after {:?}", server.ready);
        acknowledged += journal.ask_again(server.address).with_context(|| format!("round {round}"))?;
        if round == rounds {
            server.stop()?;
            break;
        }
        let (stop, address) = (AtomicBool::new(false), server.address);
        let load = thread::scope(|scope| -> Result<_> {
            let load = scope.spawn(|| run(&site, address, CLIENTS, &stop));
            // At a moment that has nothing to do with what the server is doing: from at once to most of a second.
            wait(Duration::from_millis((round as u64 * 7_919) % 700));
            let ended = match end {
                End::Kill => server.signal("KILL").and_then(|()| server.ended(STOP)),
                End::Terminate => server.signal("TERM").and_then(|()| {
                    let watch = Watch::start();
                    let ended = server.ended(STOP);
                    longest_stop = longest_stop.max(watch.elapsed());
                    ended
                }),
            };
            stop.store(true, Ordering::Relaxed);
            let load = load.join().map_err(|_| anyhow::anyhow!("the load ended by a fault"))?;
            let status = ended?.with_context(|| format!("round {round}: the process goes on after {STOP:?}"))?;
            ensure!(end == End::Kill || status.success(), "round {round}: the process ended with {status}");
            Ok(load)
        })?;
        ensure!(load.failed == 0, "round {round}: {} requests were answered with 500 or above", load.failed);
        journal.sent.extend(load.sent);
        if (round + 1) % AUDIT_EVERY == 0 {
            site.audit().with_context(|| format!("round {round}"))?;
        }
    }
    let contents = site.audit()?;
    journal.compare(&contents)?;
    ensure!(acknowledged > rounds, "only {acknowledged} acts were acknowledged: nothing was tried");
    let stopped = match end {
        End::Kill => String::new(),
        End::Terminate => format!(", ended within {:.1} s, exit 0", longest_stop.as_secs_f64()),
    };
    Ok(format!(
        "{acknowledged} acknowledged, 0 lost, 0 doubled; {} events verify; {} cases = {} counted; ready within {:.2} s{stopped}",
        contents.events,
        contents.cases,
        contents.used,
        slowest.as_secs_f64()
    ))
}
