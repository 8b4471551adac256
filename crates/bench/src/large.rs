//! A large history: files of 300 MB by `remit import readings`, and the same through the API with the connection lost, once
//! in the middle of the body and once in the middle of the work.
//!
//! What must hold: half a body changes nothing, half an import leaves whole cases, and the same request again completes it.

use std::{
    fs::{self, File},
    io::{BufWriter, Read as _, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::{Compression, write::GzEncoder};
use remit_kernel::stream::Scope;
use remit_store::{CaseFilter, SessionKind};
use serde_json::{Value, json};
use tokio::task;

use crate::{
    measure::{Watch, count_as_f64},
    pages::serve,
    place::Place,
    program::{self, Ended},
    table::{Goal, Row},
    world::{OPERATOR, World, by},
};

/// Size of one document, in bytes.
const DOCUMENT_BYTES: usize = 300_000;
/// The time that the large import may take for each million bytes.
const SECONDS_PER_MEGABYTE: f64 = 0.2;
/// How long no case must come in until the lost import is over.
const SETTLED: Duration = Duration::from_millis(500);
/// What fills a document behind its first sentence.
const FILLING: &str = "The median of the others did not move, and nobody had expected that it would. ";
/// The pack and its map for such files.
const PACK: &str = "evidence-analysis";

/// Measures with so many documents of 300 kB, each of one case that two readers read.
pub(crate) async fn rows(remit: &Path, dir: &Path, server: Option<&str>, documents: usize) -> Result<Vec<Row>> {
    let (files, api) = (dir.join("files"), dir.join("api"));
    let from_files = from_files(remit, &Place::fresh(&files, server).await?, &files, documents).await?;
    Ok(vec![from_files, with_losses(&Place::fresh(&api, server).await?, documents).await?])
}

/// Imports from files, as the command line does.
async fn from_files(remit: &Path, place: &Place, dir: &Path, documents: usize) -> Result<Row> {
    drop(World::make(place, 0).await?);
    fs::create_dir_all(dir)?;
    let mut command = Command::new(remit);
    command.args(["import", "readings", "--pack", PACK, "--new", "Large", "--as", OPERATOR, "--json"]);
    place.tell(&mut command);
    let mut bytes = 0;
    for (name, write) in FILES {
        let path = dir.join(format!("{name}.csv"));
        let mut file = BufWriter::new(File::create(&path)?);
        write(&mut file, documents)?;
        file.into_inner()?.sync_all()?;
        bytes += path.metadata()?.len();
        command.arg(format!("--{name}")).arg(&path);
    }
    let Ended { said, took, peak_mebibytes } = program::run(&mut command)?;
    let imported: Value = serde_json::from_slice(&said)?;
    ensure!(imported["readings"] == 2 * documents, "the import said {imported}");
    let megabytes = bytes / 1_000_000;
    let limit = SECONDS_PER_MEGABYTE * count_as_f64(usize::try_from(megabytes)?.max(1));
    Ok(Row {
        database: place.database(),
        what: format!("import {megabytes} MB, {documents} documents"),
        measured: format!("{:.1} s, peak {peak_mebibytes:.0} MiB", took.as_secs_f64()),
        reference: format!("limit {limit:.1} s"),
        ratio: took.as_secs_f64() / limit,
        goal: Goal::AtMost(1.0),
    })
}

/// Imports through the API, loses the connection twice, and sends the same again.
async fn with_losses(place: &Place, documents: usize) -> Result<Row> {
    let world = World::make(place, 0).await?;
    let address = serve(&world).await?;
    let secret = world.app.open_session(world.operator, SessionKind::Token, "bench").await?.secret;
    let body = body(documents)?;
    let engagements = async || Ok::<_, anyhow::Error>(world.app.store().list_engagements().await?);
    let before = engagements().await?.len();

    let half = request(address, "/api/v1/imports", &secret, &body);
    let (head, rest) = half.split_at(half.len() / 2);
    let mut cut = TcpStream::connect(address)?;
    cut.write_all(head)?;
    drop(cut);
    ensure!(engagements().await?.len() == before, "half a body left something behind");

    let mut lost = TcpStream::connect(address)?;
    let sent = [head, rest].concat();
    let lost = task::spawn_blocking(move || lost.write_all(&sent).map(|()| lost)).await??;
    let scope = loop {
        let here = engagements().await?;
        if let Some(new) = here.iter().find(|engagement| engagement.name.as_deref() == Some("Large")) {
            let cases = world.app.store().events_page(&new.scope, None, 400).await?.len();
            if cases >= 400.min(documents) {
                break new.scope.clone();
            }
        }
        task::yield_now().await;
    };
    drop(lost);
    // Acts that were on their way are finished: nobody sends again within that moment.
    let mut standing = None;
    loop {
        let counted = world.app.store().count_cases(&scope, &CaseFilter::default()).await?;
        if standing.replace(counted) == Some(counted) {
            break;
        }
        tokio::time::sleep(SETTLED).await;
    }

    let watch = Watch::start();
    let again = request(address, &format!("/api/v1/engagements/{scope}/imports"), &secret, &without_name(&body)?);
    let answer = task::spawn_blocking(move || send(address, &again)).await??;
    let took = watch.elapsed();
    let number = |key: &str| answer[key].as_u64().unwrap_or_default();
    let (new, known) = (number("readings"), number("duplicates"));
    ensure!(answer["rejected"].as_array().is_some_and(Vec::is_empty), "rows were rejected: {answer}");
    let verified = world.app.verify(&by(world.operator), Scope::Directory, |_| {}).await?;
    ensure!(verified.ok, "the record differs from its events: {:?}", verified.first_difference);
    let there = count_as_f64(usize::try_from(new + known)?);
    Ok(Row {
        database: place.database(),
        what: "import through the API, the connection lost twice, sent again".to_owned(),
        measured: format!("{known} readings before the loss, {new} after it, in {:.1} s", took.as_secs_f64()),
        reference: format!("{} readings, each once", 2 * documents),
        ratio: there / count_as_f64(2 * documents),
        goal: Goal::AtLeast(1.0),
    })
}

/// Returns the body of the request: every file gzipped and in Base64.
fn body(documents: usize) -> Result<Value> {
    let mut body = json!({ "pack": PACK, "name": "Large" });
    for (name, write) in FILES {
        let mut file = BufWriter::new(GzEncoder::new(Vec::new(), Compression::fast()));
        write(&mut file, documents)?;
        let zipped = file.into_inner().map_err(std::io::IntoInnerError::into_error)?.finish()?;
        body[name] = json!({ "name": format!("{name}.csv.gz"), "base64": BASE64_STANDARD.encode(zipped) });
    }
    Ok(body)
}

/// Returns the body for an engagement that is here already.
fn without_name(body: &Value) -> Result<Value> {
    let mut body = body.clone();
    body.as_object_mut().context("the body is no object")?.remove("name");
    Ok(body)
}

/// Returns a whole request, byte for byte, so that it can be cut anywhere.
fn request(address: SocketAddr, path: &str, secret: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {secret}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body.into_bytes()].concat()
}

/// Sends a request and returns the JSON of its answer, which must be a good one.
fn send(address: SocketAddr, request: &[u8]) -> Result<Value> {
    let mut connection = TcpStream::connect(address)?;
    connection.write_all(request)?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the server did not answer")?;
    ensure!(head.starts_with("HTTP/1.1 200"), "the server answered {head}\n{body}");
    let begin = body.find('{').context("the answer is no object")?;
    let end = body.rfind('}').context("the answer is no object")?;
    Ok(serde_json::from_str(&body[begin..=end])?)
}

type Writing = fn(&mut dyn Write, usize) -> std::io::Result<()>;

/// The files of an import, by the names of their flags and fields.
const FILES: [(&str, Writing); 3] = [("cases", cases), ("documents", texts), ("readings", readings)];

fn cases(out: &mut dyn Write, documents: usize) -> std::io::Result<()> {
    writeln!(out, "case_id,pmcid,outcome,intervention,comparator")?;
    (0..documents).try_for_each(|case| writeln!(out, "L-{case},{case},mean {case},treatment,placebo"))
}

fn texts(out: &mut dyn Write, documents: usize) -> std::io::Result<()> {
    writeln!(out, "pmcid,full_text")?;
    let filling = FILLING.repeat(DOCUMENT_BYTES / FILLING.len());
    (0..documents).try_for_each(|case| writeln!(out, "{case},\"In trial {case} the mean fell by 4 points. {filling}\""))
}

fn readings(out: &mut dyn Write, documents: usize) -> std::io::Result<()> {
    writeln!(out, "case_id,reader,label,rationale,evidence_start,evidence_end")?;
    (0..2 * documents).try_for_each(|reading| {
        let (case, reader) = (reading / 2, reading % 2 + 1);
        writeln!(
            out,
            "L-{case},reader {reader},significantly decreased,In trial {case} the mean fell by 4 points.,-1,-1"
        )
    })
}
