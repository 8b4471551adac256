//! From nothing to the first answer of `remit serve`, and what the process then holds in memory.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result};

use crate::{
    measure::{Watch, median, milliseconds},
    place::Place,
    program::memory,
    table::{Goal, Row},
};

/// The time in which the first answer should come.
const START_MILLISECONDS: f64 = 300.0;
/// What the process should hold at most.
const RESIDENT_MEBIBYTES: f64 = 60.0;

pub(crate) fn rows(remit: &Path, place: &Place, repetitions: usize) -> Result<Vec<Row>> {
    // The first start makes the tables; those after it are what an operator sees.
    start(remit, place)?;
    let (mut took, mut resident) = (Vec::new(), Vec::new());
    for _ in 0..repetitions {
        let (first, mebibytes) = start(remit, place)?;
        took.push(first.as_secs_f64());
        resident.push(mebibytes);
    }
    let (took, resident) = (median(took), median(resident));
    Ok(vec![
        Row {
            database: place.database(),
            what: "start to first answer".to_owned(),
            measured: milliseconds(Duration::from_secs_f64(took)),
            reference: format!("limit {START_MILLISECONDS} ms"),
            ratio: took * 1_000.0 / START_MILLISECONDS,
            goal: Goal::AtMost(1.0),
        },
        Row {
            database: place.database(),
            what: "resident after the first answer".to_owned(),
            measured: format!("{resident:.0} MiB"),
            reference: format!("limit {RESIDENT_MEBIBYTES} MiB"),
            ratio: resident / RESIDENT_MEBIBYTES,
            goal: Goal::AtMost(1.0),
        },
    ])
}

/// A server that is ended when it is dropped.
struct Server(Child);

impl Drop for Server {
    /// It has nothing to lose: it was started for this one answer.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server, waits for its first answer and returns how long that took and what it holds then, in MiB.
fn start(remit: &Path, place: &Place) -> Result<(Duration, f64)> {
    let watch = Watch::start();
    let mut command = Command::new(remit);
    command.args(["serve", "--port", "0"]).stdout(Stdio::piped());
    place.tell(&mut command);
    let mut server = Server(command.spawn().with_context(|| format!("starting {}", remit.display()))?);
    let said = server.0.stdout.take().context("the server says nothing")?;
    let line = BufReader::new(said).lines().next().context("the server ended at once")??;
    let address = line.strip_prefix("Remit is at ").with_context(|| format!("the server said: {line}"))?;
    ureq::get(format!("{address}healthz")).call()?;
    let took = watch.elapsed();
    Ok((took, memory(&server.0, "VmRSS:")?))
}
