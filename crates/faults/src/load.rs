//! Load: clients that act as fast as they are answered, and a journal, on their side, of what they sent and were answered.

use std::{
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Result, bail, ensure};
use remit_simulation::world::REPORT;
use serde_json::json;

use crate::{
    http::{Answer, Ask, Client},
    site::{Contents, Site},
    watch::{Watch, wait},
};

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Intake,
    Claim,
    Reading,
}

/// A request as sent, and the answer if one arrived.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) kind: Kind,
    pub(crate) ask: Ask,
    pub(crate) answer: Option<Answer>,
}

/// What clients remember; it outlives every server.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) sent: Vec<Sent>,
    /// From here on nothing was asked for again yet.
    checked: usize,
}

/// What one stretch of load came to.
#[derive(Debug, Default)]
pub(crate) struct Load {
    pub(crate) sent: Vec<Sent>,
    /// How long each acknowledged request took.
    pub(crate) took: Vec<Duration>,
    /// Requests turned away because the server was busy.
    pub(crate) shed: usize,
    /// Requests that ended in an answer of 500 or above, other than being turned away.
    pub(crate) failed: usize,
}

/// A name that no request had before in this process.
pub(crate) fn fresh(word: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{word}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Returns the request that takes a case in.
pub(crate) fn intake(site: &Site, client: usize) -> Ask {
    let reference = fresh("T");
    let body = json!({
        "reference": reference, "title": format!("Did the mean fall in {reference}?"), "case_type": "trial-outcome",
        "fields": { "outcome": "mean", "intervention": "this", "comparator": "that" },
        "jurisdiction": "GB", "language": "en", "due_at": "2035-06-29T17:00:00Z", "owner": site.world.delivery[0],
        "items": [{ "name": "Report", "media": "text", "body": REPORT }],
    });
    Ask {
        method: "POST",
        path: format!("/api/v1/engagements/{}/cases", site.world.engagement),
        token: site.clients[client % site.clients.len()].clone(),
        key: Some(fresh("key")),
        body: Some(body.to_string()),
    }
}

fn claim(site: &Site, reader: usize) -> Ask {
    Ask {
        method: "POST",
        path: format!("/api/v1/engagements/{}/seats/next", site.world.engagement),
        token: site.readers[reader % site.readers.len()].clone(),
        key: Some(fresh("key")),
        body: None,
    }
}

fn reading(site: &Site, reader: usize, case: &str) -> Ask {
    let quote = REPORT.split_once('.').map_or(REPORT, |(first, _)| first);
    let body = json!({
        "answers": { "effect": "decreased" }, "quotes": { "effect": quote },
        "rationale": "The report says so in its first sentence.",
    });
    Ask {
        method: "POST",
        path: format!("/api/v1/engagements/{}/cases/{case}/readings", site.world.engagement),
        token: site.readers[reader % site.readers.len()].clone(),
        key: Some(fresh("key")),
        body: Some(body.to_string()),
    }
}

/// Lets so many clients act until `stop`; every third one reads, the others take cases in.
pub(crate) fn run(site: &Site, address: SocketAddr, clients: usize, stop: &AtomicBool) -> Load {
    let total = Mutex::new(Load::default());
    thread::scope(|scope| {
        for number in 0..clients {
            let total = &total;
            scope.spawn(move || {
                let load = one(site, address, number, stop);
                let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                total.sent.extend(load.sent);
                total.took.extend(load.took);
                total.shed += load.shed;
                total.failed += load.failed;
            });
        }
    });
    total.into_inner().unwrap_or_default()
}

fn one(site: &Site, address: SocketAddr, number: usize, stop: &AtomicBool) -> Load {
    let mut client = Client::new(address);
    let mut load = Load::default();
    let mut held: Option<String> = None;
    while !stop.load(Ordering::Relaxed) {
        let (kind, ask) = match (number % 3, held.take()) {
            (0, Some(case)) => (Kind::Reading, reading(site, number, &case)),
            (0, None) => (Kind::Claim, claim(site, number)),
            _ => (Kind::Intake, intake(site, number)),
        };
        let watch = Watch::start();
        let answer = client.send(&ask);
        let took = watch.elapsed();
        match &answer {
            Ok(answer) if answer.done() => {
                load.took.push(took);
                held = (kind == Kind::Claim).then(|| answer.text("case")).flatten();
            }
            Ok(answer) if matches!(answer.status, 429 | 503) => {
                load.shed += 1;
                wait(Duration::from_millis(50));
            }
            Ok(answer) if answer.status >= 500 => {
                load.failed += 1;
                wait(Duration::from_millis(20));
            }
            // Nothing to read right now; or the server is gone.
            Ok(_) => wait(Duration::from_millis(5)),
            Err(_) => {
                load.sent.push(Sent { kind, ask, answer: None });
                return load;
            }
        }
        load.sent.push(Sent { kind, ask, answer: answer.ok() });
    }
    load
}

impl Journal {
    /// Asks again for everything since the last time: what was acknowledged must be answered alike, and what was not is
    /// settled now, so that it is done at most once. Returns how many acts were acknowledged.
    pub(crate) fn ask_again(&mut self, address: SocketAddr) -> Result<usize> {
        let mut client = Client::new(address);
        let mut acknowledged = 0;
        for sent in self.sent.iter_mut().skip(self.checked) {
            let known = sent.answer.clone().filter(Answer::done);
            let refused = sent.answer.as_ref().is_some_and(|answer| !answer.done() && answer.status < 500);
            if refused {
                // Nothing was promised. After an answer of 500 or above nobody knows.
                continue;
            }
            let again = loop {
                let again = client.send(&sent.ask)?;
                if !matches!(again.status, 429 | 503) {
                    break again;
                }
                wait(Duration::from_millis(200));
            };
            match known {
                Some(known) if again == known => acknowledged += 1,
                Some(known) => bail!(
                    "{:?} {} was acknowledged with {} and is now answered {} {}",
                    sent.kind,
                    sent.ask.path,
                    known.body,
                    again.status,
                    again.body
                ),
                None => {
                    acknowledged += usize::from(again.done());
                    ensure!(again.status < 500, "{} is answered {}", sent.ask.path, again.body);
                    sent.answer = Some(again);
                }
            }
        }
        self.checked = self.sent.len();
        Ok(acknowledged)
    }

    /// Returns how many acknowledged requests of a kind there are.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.sent.iter().filter(|sent| sent.kind == kind && sent.answer.as_ref().is_some_and(Answer::done)).count()
    }

    /// Compares what was acknowledged with what is there: nothing lost, nothing doubled.
    pub(crate) fn compare(&self, contents: &Contents) -> Result<()> {
        let (cases, readings) = (self.count(Kind::Intake), self.count(Kind::Reading));
        ensure!(cases == contents.cases, "{cases} cases were acknowledged and {} are there", contents.cases);
        ensure!(
            readings == contents.readings,
            "{readings} readings were acknowledged and {} are there",
            contents.readings
        );
        Ok(())
    }
}
