//! R10: the leader of a pair of database servers is killed, frozen or cut off from who decides, under load.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use remit_simulation::world::Size;
use remit_store::testing::event_keys;

use crate::{
    http::{Answer, Client},
    load::{Journal, Kind, Sent, intake, run as act},
    patroni::Pair,
    server::{Server, Start},
    site::{Site, runtime},
    table::{Row, Verdict},
    watch::{Watch, quantile, wait},
};

/// Clients at a time: enough that something is always under way.
const CLIENTS: usize = 3;
/// Writes must be taken again within this, in 95 of 100 rounds.
const BACK: Duration = Duration::from_secs(45);
/// A write that cannot be done must be answered within this.
const ANSWER: Duration = Duration::from_secs(5);
/// How long writes may fail before a round is given up.
const GIVE_UP: Duration = Duration::from_mins(2);
/// How long a standby may take to have what its leader has.
const CAUGHT_UP: Duration = Duration::from_mins(1);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rounds of each kind
    #[arg(long)]
    rounds: usize,
    /// Only this kind
    #[arg(long, value_enum)]
    only: Option<Harm>,
    /// The program to do it to
    #[arg(long, value_name = "PATH")]
    remit: PathBuf,
    /// The folder of PostgreSQL's programs
    #[arg(long, value_name = "DIR")]
    bin: PathBuf,
    /// A folder to work in that the database's user may enter; left there if something broke
    #[arg(long, value_name = "DIR")]
    work: PathBuf,
}

/// What is done to the leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Harm {
    Kill,
    Freeze,
    Cut,
}

/// What the rounds of one kind came to.
#[derive(Default)]
struct Outcome {
    acknowledged: usize,
    /// For how long no write was acknowledged, round by round.
    silences: Vec<Duration>,
    /// How long a write took that was answered with 503.
    slowest: Duration,
    /// Rounds in which the other server leads afterwards.
    moved: usize,
    events: u64,
}

/// Runs each kind and prints a row for it.
pub(crate) fn run(args: &Args) -> ExitCode {
    let mut broke = false;
    for harm in Harm::value_variants().iter().copied().filter(|harm| args.only.is_none_or(|only| only == *harm)) {
        let watch = Watch::start();
        let what = match harm {
            Harm::Kill => "the database's leader is killed",
            Harm::Freeze => "the database's leader stands still",
            Harm::Cut => "the database's leader is cut from etcd",
        };
        let verdict = match rounds(args, harm).and_then(Outcome::judge) {
            Ok(figures) => Verdict::Held(figures),
            Err(error) => Verdict::Broke(format!("{error:#}")),
        };
        let mark = "0 acknowledged acts lost, no split brain, writes back within 45 s (p95)";
        let row = Row { id: "R10", what, mark, rounds: args.rounds, verdict };
        broke |= row.broke();
        println!("{row}\n{:15}{:.0} s", "", watch.elapsed().as_secs_f64());
    }
    if broke { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn rounds(args: &Args, harm: Harm) -> Result<Outcome> {
    let dir = args.work.join(format!("{harm:?}").to_lowercase());
    let mut pair = Pair::start(&dir.join("pair"), &args.bin)?;
    let size = Size { clients: CLIENTS, readers: CLIENTS, volume_max: None };
    let site = Site::make_in(&dir.join("site"), Some(&pair.url()), size)?;
    let start = Start { database: site.database.clone(), ..Start::of(&args.remit, &site.data) };
    let server = start.start()?;
    let (mut journal, mut outcome) = (Journal::default(), Outcome::default());
    for round in 0..args.rounds {
        one(harm, &mut pair, &site, &server, &mut journal, &mut outcome).with_context(|| format!("round {round}"))?;
    }
    server.stop()?;
    let contents = site.audit()?;
    journal.compare(&contents)?;
    outcome.events = contents.events;
    drop(pair);
    std::fs::remove_dir_all(&dir)?;
    Ok(outcome)
}

/// One fault under load, from a whole pair to a whole pair.
fn one(
    harm: Harm,
    pair: &mut Pair,
    site: &Site,
    server: &Server,
    journal: &mut Journal,
    outcome: &mut Outcome,
) -> Result<()> {
    let leader = pair.whole()?;
    let (stop, acknowledged) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let watch = Watch::start();
    let (load, probed) = thread::scope(|scope| -> Result<_> {
        let load = scope.spawn(|| act(site, server.address, CLIENTS, &stop));
        let probed = scope.spawn(|| probe(site, server, watch, &acknowledged, &stop));
        let disturbed = disturb(harm, pair, leader, watch, &acknowledged);
        stop.store(true, Ordering::Relaxed);
        let fault = || anyhow::anyhow!("the load ended by a fault");
        let (load, probed) = (load.join().map_err(|_| fault())?, probed.join().map_err(|_| fault())?);
        let begun = disturbed?;
        let times = acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.silences.push(longest_silence(begun, &times));
        Ok((load, probed))
    })?;
    ensure!(load.failed == 0, "{} requests were answered with 500 or above, other than 503", load.failed);
    for (sent, took) in &probed {
        let status = sent.answer.as_ref().map_or(0, |answer| answer.status);
        if status == 503 {
            outcome.slowest = outcome.slowest.max(*took);
        }
    }
    journal.sent.extend(load.sent);
    journal.sent.extend(probed.into_iter().map(|(sent, _)| sent));
    let leads = pair.whole()?;
    outcome.moved += usize::from(leads != leader);
    outcome.acknowledged += journal.ask_again(server.address)?;
    alike(pair)
}

/// Does harm to the leader, waits until writes are taken by the other server, and mends it; returns when it began.
fn disturb(
    harm: Harm,
    pair: &mut Pair,
    leader: usize,
    watch: Watch,
    acknowledged: &Mutex<Vec<Duration>>,
) -> Result<Duration> {
    wait(Duration::from_secs(2));
    let begun = watch.elapsed();
    let mut frozen = Vec::new();
    match harm {
        Harm::Kill => pair.kill(leader)?,
        Harm::Freeze => frozen = pair.freeze(leader)?,
        Harm::Cut => pair.cut(leader, true),
    }
    let moved = until_moved(pair, leader, watch, begun, acknowledged);
    match harm {
        Harm::Kill => pair.revive(leader)?,
        Harm::Freeze => Pair::thaw(&frozen),
        Harm::Cut => pair.cut(leader, false),
    }
    moved?;
    // The old leader comes back while clients act.
    wait(Duration::from_secs(3));
    Ok(begun)
}

fn until_moved(
    pair: &Pair,
    leader: usize,
    watch: Watch,
    begun: Duration,
    acknowledged: &Mutex<Vec<Duration>>,
) -> Result<()> {
    while watch.elapsed() < begun + GIVE_UP {
        if pair.leader().is_some_and(|now| now != leader) {
            let moved = watch.elapsed();
            while watch.elapsed() < begun + GIVE_UP {
                let newest = acknowledged.lock().unwrap_or_else(PoisonError::into_inner).last().copied();
                if newest.is_some_and(|newest| newest > moved) {
                    return Ok(());
                }
                wait(Duration::from_millis(100));
            }
        }
        wait(Duration::from_millis(200));
    }
    anyhow::bail!("no write was taken by the other server within {GIVE_UP:?}")
}

/// Sends one case after the other and notes when each was acknowledged; returns what was sent, and how long each took.
fn probe(
    site: &Site,
    server: &Server,
    watch: Watch,
    acknowledged: &Mutex<Vec<Duration>>,
    stop: &AtomicBool,
) -> Vec<(Sent, Duration)> {
    let mut client = Client::new(server.address);
    let mut sent = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let ask = intake(site, 0);
        let asked = Watch::start();
        let answer = client.send(&ask).ok();
        let took = asked.elapsed();
        if answer.as_ref().is_some_and(Answer::done) {
            acknowledged.lock().unwrap_or_else(PoisonError::into_inner).push(watch.elapsed());
        }
        sent.push((Sent { kind: Kind::Intake, ask, answer }, took));
        wait(Duration::from_millis(100));
    }
    sent
}

/// Returns the longest time without an acknowledged write from the fault on.
fn longest_silence(begun: Duration, acknowledged: &[Duration]) -> Duration {
    let mut last = begun;
    let mut longest = Duration::ZERO;
    for at in acknowledged.iter().copied().filter(|at| *at > begun) {
        longest = longest.max(at.saturating_sub(last));
        last = at;
    }
    longest
}

/// Waits until both servers have the same events, each version of a stream once.
fn alike(pair: &Pair) -> Result<()> {
    let watch = Watch::start();
    loop {
        let [one, two] = pair.urls();
        let (one, two) = runtime()?.block_on(async { (event_keys(&one).await, event_keys(&two).await) });
        if let (Ok(one), Ok(two)) = (&one, &two) {
            let doubled = doubled(one);
            ensure!(doubled.is_empty(), "versions of streams are there twice: {doubled:?}");
            if one == two {
                return Ok(());
            }
        }
        if watch.elapsed() > CAUGHT_UP {
            let (one, two): (BTreeSet<_>, BTreeSet<_>) = (one?.into_iter().collect(), two?.into_iter().collect());
            let apart: Vec<_> = one.symmetric_difference(&two).take(3).cloned().collect();
            anyhow::bail!("the servers differ: {apart:?}");
        }
        wait(Duration::from_millis(500));
    }
}

/// Returns the versions of streams that two events claim; each event is its scope, stream, version and act.
fn doubled(events: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let versions = events.iter().filter_map(|event| event.rsplit_once(' ').map(|(version, _)| version));
    versions.filter(|version| !seen.insert(*version)).map(str::to_owned).collect()
}

impl Outcome {
    /// Returns the figures, or which mark was missed.
    fn judge(self) -> Result<String> {
        let Self { acknowledged, silences, slowest, moved, events } = self;
        let rounds = silences.len();
        let (middle, most) = (quantile(silences.clone(), 0.5) / 1_000.0, quantile(silences, 0.95) / 1_000.0);
        let told = format!(
            "{acknowledged} acknowledged, 0 lost, 0 doubled; {events} events verify, alike on both servers; the other led after \
             {moved} of {rounds}; writes back within {most:.1} s (p95; median {middle:.1}), 503 within {:.1} s",
            slowest.as_secs_f64()
        );
        ensure!(acknowledged > rounds, "nothing was tried: {told}");
        ensure!(moved == rounds, "the leader did not change: {told}");
        ensure!(most <= BACK.as_secs_f64(), "writes were away too long: {told}");
        ensure!(slowest <= ANSWER, "a client waited too long for its 503: {told}");
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(times: &[u64]) -> Vec<Duration> {
        times.iter().copied().map(Duration::from_secs).collect()
    }

    #[test]
    fn the_longest_silence_counts_from_the_fault_on() {
        let acknowledged = seconds(&[1, 20, 22, 50, 51]);
        assert_eq!(longest_silence(Duration::from_secs(21), &acknowledged), Duration::from_secs(28));
        assert_eq!(longest_silence(Duration::from_secs(2), &acknowledged), Duration::from_secs(28));
        assert_eq!(longest_silence(Duration::from_secs(50), &acknowledged), Duration::from_secs(1));
    }

    #[test]
    fn two_events_of_one_version_are_found() {
        let events = ["eng case/a 1 act_1", "eng case/a 2 act_2", "eng case/a 2 act_3"].map(str::to_owned);
        assert_eq!(doubled(&events), ["eng case/a 2"]);
        assert_eq!(doubled(&events[..2]), [""; 0]);
    }

    #[test]
    fn each_missed_mark_breaks_the_row() {
        let good = || Outcome {
            acknowledged: 90,
            silences: seconds(&[21, 24]),
            slowest: Duration::from_secs(4),
            moved: 2,
            events: 900,
        };
        assert!(good().judge().is_ok());
        assert!(Outcome { acknowledged: 2, ..good() }.judge().is_err());
        assert!(Outcome { moved: 1, ..good() }.judge().is_err());
        assert!(Outcome { silences: seconds(&[21, 46]), ..good() }.judge().is_err());
        assert!(Outcome { slowest: Duration::from_secs(6), ..good() }.judge().is_err());
    }
}
