//! R16: one request, ten thousand times at the same moment.

use std::{
    io::{BufReader, Write as _},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use remit_simulation::world::Size;

use crate::{
    http::{Answer, Client, connect, read},
    load::intake,
    server::Start,
    site::{Place, Site},
    watch::{Watch, wait},
};

/// Within this, whoever was turned away must be answered once she comes again.
const TURNED_AWAY_MAX: Duration = Duration::from_secs(20);

/// Sends one intake so many times at once, one in a hundred with another body.
pub(crate) fn row(own: &Path, place: &Place, duplicates: usize) -> Result<String> {
    let site = Site::make_at(place, Size { clients: 2, readers: 2, volume_max: None })?;
    let server = Start::at(own, &site).start()?;
    let ask = intake(&site, 0);
    let mut other = ask.clone();
    other.body = other.body.map(|body| body.replace("Did the mean fall", "Did the mean rise"));
    // Every request is on its way before the first answer is read.
    let mut streams = Vec::new();
    for _ in 0..duplicates {
        streams.push(connect(server.address)?);
    }
    for (number, stream) in streams.iter_mut().enumerate() {
        let ask = if number % 100 == 50 { &other } else { &ask };
        stream.write_all(&ask.bytes())?;
    }
    let mut answers = Vec::new();
    for stream in streams {
        answers.push(read(&mut BufReader::new(stream))?);
    }
    // Whoever is turned away because it is too much at once comes again with the same key, as any client would.
    let (mut client, mut again) = (Client::new(server.address), 0);
    for (number, answer) in answers.iter_mut().enumerate().filter(|(_, answer)| answer.status == 503) {
        again += 1;
        let watch = Watch::start();
        while answer.status == 503 {
            ensure!(watch.elapsed() < TURNED_AWAY_MAX, "request {number} is turned away without end: {}", answer.body);
            *answer = client.send(if number % 100 == 50 { &other } else { &ask })?;
            if answer.status == 503 {
                wait(Duration::from_millis(50));
            }
        }
    }
    let first = answers.iter().find(|answer| answer.done()).context("nobody was answered that it is done")?;
    let (mut same, mut reused, mut in_flight) = (0, 0, 0);
    for (number, answer) in answers.iter().enumerate() {
        let changed = number % 100 == 50;
        match answer {
            answer if answer == first && !changed => same += 1,
            Answer { status: 422, body } if changed && body.contains("key-reused") => reused += 1,
            Answer { status: 409, body } if body.contains("key-in-flight") => in_flight += 1,
            other => anyhow::bail!("request {number} is answered {} {}", other.status, other.body),
        }
    }
    server.stop()?;
    let contents = site.audit()?;
    ensure!(contents.cases == 1, "{} cases are there", contents.cases);
    Ok(format!(
        "1 effect; {same} answers byte for byte the same, {reused} refused as key-reused, {in_flight} as in flight; {again} \
         turned away at first"
    ))
}
