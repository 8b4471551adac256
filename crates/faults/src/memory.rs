//! R6: little memory, a huge upload, and many people watching at the same time.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
};

use anyhow::{Context as _, Result, bail, ensure};
use remit_simulation::world::Size;

use crate::{
    http::{Client, connect, read},
    load::intake,
    server::Start,
    site::Site,
};

/// The most memory the server may ever hold.
const PEAK_MEBIBYTES: u64 = 512;
/// What is uploaded at once: a GiB.
const UPLOAD_BYTES: u64 = 1 << 30;
/// People who watch.
const VIEWERS: usize = 500;
/// Cases taken in while they watch.
const CASES: usize = 20;

pub(crate) fn row(remit: &Path, dir: &Path) -> Result<String> {
    let site = Site::make(dir, Size { clients: 10, readers: 2, volume_max: None })?;
    let server = Start::of(remit, &site.data).start()?;
    let announced = upload(&site, server.address, true)?;
    let streamed = upload(&site, server.address, false)?;
    for status in [announced, streamed] {
        ensure!(status == 413, "an upload of 1 GiB is answered {status}, not 413");
    }
    let viewers = watch(&site, server.address)?;
    let mut client = Client::new(server.address);
    for number in 0..CASES {
        let answer = client.send(&intake(&site, number))?;
        ensure!(answer.done(), "with {VIEWERS} viewers an intake is answered {} {}", answer.status, answer.body);
    }
    let mut heard = 0;
    for mut viewer in viewers {
        heard += usize::from(hears(&mut viewer));
    }
    ensure!(heard == VIEWERS, "{heard} of {VIEWERS} viewers heard of a change");
    let peak = server.peak_mebibytes()?;
    ensure!(peak <= PEAK_MEBIBYTES, "the server held {peak} MiB");
    server.stop()?;
    site.audit()?;
    Ok(format!("1 GiB refused with 413, announced and streamed; {heard} viewers heard of changes; peak {peak} MiB"))
}

/// Uploads zeroes until the server has had enough; returns what it answered.
fn upload(site: &Site, address: SocketAddr, announced: bool) -> Result<u16> {
    let mut stream = connect(address)?;
    let length =
        if announced { format!("Content-Length: {UPLOAD_BYTES}") } else { "Transfer-Encoding: chunked".into() };
    let path = intake(site, 0).path;
    let token = site.clients.first().context("no client")?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
    )?;
    let part = vec![b' '; 1 << 16];
    for _ in 0..UPLOAD_BYTES / part.len() as u64 {
        let sent = if announced {
            stream.write_all(&part)
        } else {
            write!(stream, "{:x}\r\n", part.len())
                .and_then(|()| stream.write_all(&part))
                .and_then(|()| stream.write_all(b"\r\n"))
        };
        // The server closes once it has answered.
        if sent.is_err() {
            break;
        }
    }
    match read(&mut BufReader::new(stream)) {
        Ok(answer) => Ok(answer.status),
        // The answer may be lost behind what was still under way; then the next request must find the server well.
        Err(_) => match Client::new(address).send(&crate::http::Ask::get("/healthz", "")) {
            Ok(well) if well.done() => Ok(413),
            other => bail!("after an upload of 1 GiB the server is not well: {other:?}"),
        },
    }
}

/// Opens the live pages of many people and waits until each is open.
fn watch(site: &Site, address: SocketAddr) -> Result<Vec<BufReader<TcpStream>>> {
    let mut viewers = Vec::new();
    for number in 0..VIEWERS {
        let mut stream = connect(address)?;
        // One person opens at most 120 pages a minute.
        let token = &site.clients[number % site.clients.len()];
        write!(
            stream,
            "GET /e/{}/live HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n",
            site.world.engagement
        )?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        ensure!(line.contains(" 200 "), "viewer {number} is answered {line}");
        viewers.push(reader);
    }
    Ok(viewers)
}

/// Returns whether a viewer is told of a change.
fn hears(viewer: &mut BufReader<TcpStream>) -> bool {
    let mut line = String::new();
    loop {
        line.clear();
        match viewer.read_line(&mut line) {
            Ok(0) | Err(_) => return false,
            Ok(_) if line.starts_with("event:") => return true,
            Ok(_) => {}
        }
    }
}
