//! R1, R8, R9 and rolling restarts on a database server: what lies between the application and its data goes wrong.

use std::{
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use remit_simulation::world::Size;
use remit_store::testing;

use crate::{
    http::{Answer, Ask, Client},
    load::{Journal, Kind, Sent, intake},
    proxy::{Mode, Proxy},
    server::{Server, Start},
    site::{Place, Site, runtime},
    watch::{Watch, wait, wait_a_little},
};

/// Clients at a time: more than the server has connections.
const CLIENTS: usize = 24;
/// Within this a request that cannot be done must be answered 503.
const REFUSED: Duration = Duration::from_secs(5);
/// Within this after a fault acts must be done again.
const RECOVERED: Duration = Duration::from_secs(10);
/// How often a request is sent again before it counts as failed.
const TRIES: usize = 400;

/// A site on a server, and a proxy through which the application reaches it.
struct Behind {
    site: Site,
    proxy: Proxy,
    server: Server,
}

impl Behind {
    fn start(remit: &Path, place: &Place) -> Result<Self> {
        let site = Site::make_at(place, Size { clients: CLIENTS, readers: 2, volume_max: None })?;
        let url = site.database.clone().context("this row needs a database server")?;
        let (_, after) = url.split_once('@').context("the address names nobody")?;
        let host = after.split('/').next().unwrap_or_default();
        let proxy = Proxy::before(host.parse().with_context(|| format!("`{host}` is not an address"))?)?;
        // The proxy looks for words, which TLS would hide.
        let database = format!("{}&sslmode=disable", url.replace(host, &proxy.address.to_string()));
        let start = Start { database: Some(database), ..Start::of(remit, &site.data) };
        let server = start.start()?;
        Ok(Self { site, proxy, server })
    }
}

/// R9: cuts the connection exactly after the commit was sent, then sends the same request twice more.
pub(crate) fn cut_after_commit(remit: &Path, place: &Place, rounds: usize) -> Result<String> {
    let Behind { site, proxy, server } = Behind::start(remit, place)?;
    let mut client = Client::new(server.address);
    let (mut open, mut done) = (Vec::new(), 0);
    while open.len() < rounds {
        ensure!(done <= rounds, "{done} requests were done, and only {} were cut", open.len());
        proxy.set(Mode::CutAfter { word: b"COMMIT".to_vec(), times: 1 });
        let ask = intake(&site, open.len());
        let answer = client.send(&ask)?;
        match answer.status {
            503 if answer.body.contains("may or may not") => open.push(ask),
            // The cut was spent on a commit of a job, before this one or before it could begin.
            200 | 201 | 503 => {
                proxy.set(Mode::Pass);
                done += usize::from(settle(&mut client, &ask)?.done());
            }
            _ => anyhow::bail!("a request that was cut is answered {} {}", answer.status, answer.body),
        }
    }
    proxy.set(Mode::Pass);
    // The database needs a moment for the last of them.
    wait(Duration::from_secs(1));
    let kept = site.audit()?.cases;
    ensure!(kept == open.len() + done, "of {} commits that arrived, {} were kept", open.len(), kept - done);
    for ask in &open {
        let (first, second) = (settle(&mut client, ask)?, client.send(ask)?);
        ensure!(first.done(), "sent again it is answered {} {}", first.status, first.body);
        ensure!(first == second, "the same request is answered {} and {}", first.body, second.body);
    }
    server.stop()?;
    let cases = site.audit()?.cases;
    ensure!(cases == open.len() + done, "{} requests were acknowledged and {cases} are there", open.len() + done);
    Ok(format!(
        "{} cut of {} cuts, all kept; sent again all are done once and answered alike, 0 doubled",
        open.len(),
        proxy.cuts()
    ))
}

/// Sends a request until it is not turned away.
fn settle(client: &mut Client, ask: &Ask) -> Result<Answer> {
    for _ in 0..TRIES {
        match client.send(ask) {
            Ok(answer) if !matches!(answer.status, 429 | 503) => return Ok(answer),
            Ok(_) | Err(_) => wait(Duration::from_millis(50)),
        }
    }
    anyhow::bail!("{} is not answered after {TRIES} tries", ask.path)
}

/// What clients met while something was wrong.
#[derive(Default)]
struct Met {
    sent: Vec<Sent>,
    refused: usize,
    slowest_refusal: Duration,
    slowest_done: Duration,
}

/// Lets clients take cases in until `stop`; an answer other than done or 503 is an error.
fn act(site: &Site, address: SocketAddr, stop: &AtomicBool) -> Result<Met> {
    let met = Mutex::new(Met::default());
    thread::scope(|scope| {
        let met = &met;
        let all: Vec<_> = (0..CLIENTS)
            .map(|number| {
                scope.spawn(move || -> Result<()> {
                    let mut client = Client::new(address);
                    while !stop.load(Ordering::Relaxed) {
                        let ask = intake(site, number);
                        let watch = Watch::start();
                        let answer = client.send(&ask)?;
                        let took = watch.elapsed();
                        ensure!(answer.done() || answer.status == 503, "answered {} {}", answer.status, answer.body);
                        let mut met = met.lock().unwrap_or_else(PoisonError::into_inner);
                        if answer.done() {
                            met.slowest_done = met.slowest_done.max(took);
                        } else {
                            met.refused += 1;
                            met.slowest_refusal = met.slowest_refusal.max(took);
                        }
                        met.sent.push(Sent { kind: Kind::Intake, ask, answer: Some(answer) });
                        drop(met);
                        wait(Duration::from_millis(50));
                    }
                    Ok(())
                })
            })
            .collect();
        all.into_iter().try_for_each(|one| one.join().map_err(|_| anyhow::anyhow!("a client ended by a fault"))?)
    })?;
    Ok(met.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// R8: stalls, slows and half opens the way to the database, each for a while and under load.
pub(crate) fn partition(remit: &Path, place: &Place, seconds: u64) -> Result<String> {
    let Behind { site, proxy, server } = Behind::start(remit, place)?;
    let mut journal = Journal::default();
    let mut told = Vec::new();
    let faults = [
        ("partition", Mode::Stall, 1),
        ("partition", Mode::Stall, seconds),
        // On the way there and on the way back.
        ("2 s slow", Mode::Slow(Duration::from_secs(1)), seconds),
        ("half open", Mode::Deaf, seconds),
    ];
    for (name, mode, seconds) in faults {
        let (stop, slow) = (AtomicBool::new(false), matches!(mode, Mode::Slow(_)));
        let (met, recovered) = thread::scope(|scope| -> Result<_> {
            let acting = scope.spawn(|| act(&site, server.address, &stop));
            wait(Duration::from_millis(500));
            proxy.set(mode);
            wait(Duration::from_secs(seconds));
            proxy.set(Mode::Pass);
            let watch = Watch::start();
            let settled = settle(&mut Client::new(server.address), &intake(&site, 0)).map(|_| watch.elapsed());
            wait(Duration::from_millis(500));
            stop.store(true, Ordering::Relaxed);
            let met = acting.join().map_err(|_| anyhow::anyhow!("the load ended by a fault"))?;
            Ok((met.with_context(|| format!("{name} for {seconds} s"))?, settled?))
        })?;
        let said = format!(
            "{name} {seconds} s: {} of {} refused within {:.1} s, the rest done within {:.1} s, back after {:.1} s",
            met.refused,
            met.sent.len(),
            met.slowest_refusal.as_secs_f64(),
            met.slowest_done.as_secs_f64(),
            recovered.as_secs_f64()
        );
        ensure!(met.slowest_refusal <= REFUSED, "refused too late: {said}");
        ensure!(slow || seconds < 5 || met.refused > 0, "nobody noticed: {said}");
        ensure!(recovered <= RECOVERED, "back too late: {said}");
        told.push(said);
        journal.sent.extend(met.sent);
        journal.ask_again(server.address).with_context(|| name.to_owned())?;
    }
    server.stop()?;
    let contents = site.audit()?;
    // Each fault ended with one intake that is not in the journal.
    ensure!(contents.cases == journal.count(Kind::Intake) + told.len(), "lost or doubled: {} cases", contents.cases);
    Ok(format!("{} acknowledged, 0 absent, 0 doubled; {}", contents.cases, told.join("; ")))
}

/// R1: kills a process of the database server that works for Remit. All its connections end, and it recovers by its log.
pub(crate) fn kill_backends(remit: &Path, place: &Place, rounds: usize) -> Result<String> {
    let site = Site::make_at(place, Size { clients: CLIENTS, readers: 2, volume_max: None })?;
    let url = site.database.clone().context("this row needs a database server")?;
    let server = Start::at(remit, &site).start()?;
    let mut journal = Journal::default();
    let (mut refused, mut longest) = (0, Duration::ZERO);
    for round in 0..rounds {
        let stop = AtomicBool::new(false);
        let (met, recovered) = thread::scope(|scope| -> Result<_> {
            let acting = scope.spawn(|| act(&site, server.address, &stop));
            wait(Duration::from_millis(300 + (round as u64 * 7_919) % 400));
            let killed = kill_one(&url);
            let watch = Watch::start();
            wait_a_little();
            let settled = settle(&mut Client::new(server.address), &intake(&site, 0)).map(|_| watch.elapsed());
            stop.store(true, Ordering::Relaxed);
            let met = acting.join().map_err(|_| anyhow::anyhow!("the load ended by a fault"))?;
            killed?;
            Ok((met?, settled?))
        })
        .with_context(|| format!("round {round}"))?;
        refused += met.refused;
        longest = longest.max(recovered);
        ensure!(recovered <= RECOVERED, "round {round}: back after {recovered:?}");
        journal.sent.extend(met.sent);
        journal.ask_again(server.address).with_context(|| format!("round {round}"))?;
    }
    server.stop()?;
    let contents = site.audit()?;
    ensure!(contents.cases == journal.count(Kind::Intake) + rounds, "lost or doubled: {} cases", contents.cases);
    ensure!(refused > 0, "nobody noticed that the database went");
    Ok(format!(
        "{rounds} kills of the database's own processes: {} acknowledged, 0 lost, {refused} refused, back after {:.1} s",
        contents.cases,
        longest.as_secs_f64()
    ))
}

fn kill_one(url: &str) -> Result<()> {
    let processes = runtime()?.block_on(testing::processes(url))?;
    let one = processes.first().context("nobody works for Remit")?;
    let sent = Command::new("sh").arg("-c").arg(format!("kill -KILL {one}")).status()?;
    ensure!(sent.success(), "the process of the database could not be killed");
    Ok(())
}

/// Restarts two nodes on one database, one after the other, while clients act at both.
pub(crate) fn rolling(remit: &Path, place: &Place, rounds: usize) -> Result<String> {
    let site = Site::make_at(place, Size { clients: CLIENTS, readers: 2, volume_max: None })?;
    let start = Start::at(remit, &site);
    let mut nodes = Nodes::of(vec![start.start()?, start.start()?]);
    let addresses = Arc::clone(&nodes.addresses);
    let (restarts, crowd) = crowd(&site, &addresses, || {
        for turn in 0..rounds * 2 {
            wait(Duration::from_millis(500));
            nodes.replace(turn % 2, &start)?;
        }
        Ok(rounds * 2)
    })?;
    let acknowledged = nodes.settle(&site, crowd.sent)?;
    Ok(format!(
        "{restarts} restarts of two nodes: {acknowledged} acknowledged, 0 lost, 0 doubled; {} requests were sent again and done",
        crowd.again
    ))
}

/// Nodes on one database, and where clients find them.
pub(crate) struct Nodes {
    servers: Vec<Server>,
    pub(crate) addresses: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Nodes {
    pub(crate) fn of(servers: Vec<Server>) -> Self {
        let addresses = servers.iter().map(|node| node.address).collect();
        Self { servers, addresses: Arc::new(Mutex::new(addresses)) }
    }

    /// Stops a node and starts another in its place.
    pub(crate) fn replace(&mut self, place: usize, start: &Start) -> Result<()> {
        let (status, _) = self.servers.remove(place).stop()?;
        ensure!(status.success(), "a node ended with {status}");
        let node = start.start()?;
        if let Some(address) = self.addresses.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place) {
            *address = node.address;
        }
        self.servers.insert(place, node);
        Ok(())
    }

    /// Asks again for everything that was acknowledged, ends the nodes and compares with what is there. Returns how many
    /// acts were acknowledged.
    pub(crate) fn settle(self, site: &Site, sent: Vec<Sent>) -> Result<usize> {
        let mut journal = Journal::default();
        journal.sent.extend(sent);
        let acknowledged = journal.ask_again(self.servers.first().context("no node")?.address)?;
        for node in self.servers {
            node.stop()?;
        }
        let contents = site.audit()?;
        ensure!(contents.cases == acknowledged, "{acknowledged} were acknowledged and {} are there", contents.cases);
        Ok(acknowledged)
    }
}

/// What clients of two nodes sent.
#[derive(Default)]
pub(crate) struct Crowd {
    pub(crate) sent: Vec<Sent>,
    /// Requests that were done only when they were sent again.
    pub(crate) again: usize,
    /// The longest that one sending took to be done, to be refused, and to end without an answer because its node ended.
    pub(crate) slowest_done: Duration,
    pub(crate) slowest_refusal: Duration,
    pub(crate) slowest_cut: Duration,
}

/// Lets clients take cases in at two nodes while `work` goes on, each at the other node when its own is gone.
pub(crate) fn crowd<T>(
    site: &Site,
    addresses: &Mutex<Vec<SocketAddr>>,
    work: impl FnOnce() -> Result<T>,
) -> Result<(T, Crowd)> {
    let (stop, crowd) = (AtomicBool::new(false), Mutex::new(Crowd::default()));
    let worked = thread::scope(|scope| -> Result<T> {
        let (stop, crowd) = (&stop, &crowd);
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                scope.spawn(move || -> Result<()> {
                    while !stop.load(Ordering::Relaxed) {
                        let ask = intake(site, number);
                        let answer = at_any(addresses, number, &ask, crowd)?;
                        ensure!(answer.done(), "answered {} {}", answer.status, answer.body);
                        let act = Sent { kind: Kind::Intake, ask, answer: Some(answer) };
                        crowd.lock().unwrap_or_else(PoisonError::into_inner).sent.push(act);
                    }
                    Ok(())
                })
            })
            .collect();
        let worked = work();
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().map_err(|_| anyhow::anyhow!("a client ended by a fault"))??;
        }
        worked
    })?;
    Ok((worked, crowd.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

/// Sends a request to one node, and to the other if that one is gone or going.
fn at_any(addresses: &Mutex<Vec<SocketAddr>>, number: usize, ask: &Ask, crowd: &Mutex<Crowd>) -> Result<Answer> {
    for turn in 0..TRIES {
        let address = {
            let addresses = addresses.lock().unwrap_or_else(PoisonError::into_inner);
            *addresses.get((number + turn) % 2).context("no such node")?
        };
        let watch = Watch::start();
        let answer = Client::new(address).send(ask);
        let took = watch.elapsed();
        let mut crowd = crowd.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            // Where many act on one line of a statement of work, some are told to come again whether a node goes or not.
            Ok(answer) if answer.status != 503 && !answer.body.contains("/problems/busy") => {
                crowd.again += usize::from(turn > 0);
                crowd.slowest_done = crowd.slowest_done.max(took);
                return Ok(answer);
            }
            Ok(_) => crowd.slowest_refusal = crowd.slowest_refusal.max(took),
            Err(_) => crowd.slowest_cut = crowd.slowest_cut.max(took),
        }
        drop(crowd);
        wait_a_little();
    }
    anyhow::bail!("{} is done by neither node", ask.path)
}
