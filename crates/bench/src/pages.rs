//! Pages as a browser gets them, over loopback: a case with many documents and a long history, and the lists around it.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result};
use remit_kernel::{
    command::Command,
    id::{CaseId, PersonId},
    stream::StreamId,
};
use remit_server::{Config, lifecycle};
use remit_store::SessionKind;
use tokio::{sync::oneshot, task};

use crate::{
    measure::{Times, Watch, count_as_f64, milliseconds},
    place::Place,
    table::{Goal, Row},
    world::{World, together},
};

/// Documents of the case.
const DOCUMENTS: usize = 50;
/// Events of the case, at least.
const EVENTS: usize = 500;
/// Other cases, which make the lists long.
const CASES: usize = 300;
/// What script and style of a page should weigh at most, as the browser unpacks them.
const WEIGHT_KIBIBYTES: f64 = 100.0;
/// The time in which a page should come.
const PAGE_MILLISECONDS: f64 = 20.0;

pub(crate) async fn rows(place: &Place, requests: usize) -> Result<Vec<Row>> {
    let world = World::make(place, 2).await?;
    let case = make_history(&world).await?;
    let address = serve(&world).await?;
    let (engagement, reader) = (world.engagement, world.readers[0]);
    let assignment = assignment(&world, case).await?;
    let mut rows = Vec::new();
    for (what, person, path) in [
        ("case, 50 documents, 500 events", world.delivery, format!("/e/{engagement}/cases/{case}")),
        ("reading desk, 50 documents", reader, format!("/e/{engagement}/read/{assignment}")),
        ("cases, a page of many", world.delivery, format!("/e/{engagement}/cases")),
        ("Today", reader, "/".to_owned()),
        ("people", world.delivery, format!("/e/{engagement}/people")),
        ("engagement", world.delivery, format!("/e/{engagement}/engagement")),
    ] {
        let times = visit(&world, address, person, &path, requests).await.with_context(|| format!("page `{what}`"))?;
        let p95 = times.percentile(95);
        rows.push(Row {
            database: place.database(),
            what: format!("page: {what}, p95"),
            measured: format!("{} (p50 {})", milliseconds(p95), milliseconds(times.percentile(50))),
            reference: format!("limit {PAGE_MILLISECONDS} ms"),
            ratio: p95.as_secs_f64() * 1_000.0 / PAGE_MILLISECONDS,
            goal: Goal::AtMost(1.0),
        });
    }
    if let Place::Schema(_) = place {
        // The same files as with a folder.
        return Ok(rows);
    }
    let (kibibytes, files) = weight(&world, address, world.delivery, &format!("/e/{engagement}/cases/{case}")).await?;
    rows.push(Row {
        database: "-",
        what: format!("script and style of a page, {files} files"),
        measured: format!("{kibibytes:.0} KiB"),
        reference: format!("limit {WEIGHT_KIBIBYTES} KiB"),
        ratio: kibibytes / WEIGHT_KIBIBYTES,
        goal: Goal::AtMost(1.0),
    });
    Ok(rows)
}

/// Takes cases in, one of them with many documents, which then changes its owner again and again.
async fn make_history(world: &World) -> Result<CaseId> {
    let (client, command) = world.take_in(0, DOCUMENTS);
    let case = world.act(client, command).await?.case().context("no case")?;
    together(&world.app, vec![(1..=CASES).map(|number| world.take_in(number, 1)).collect()]).await?;
    let engagement = world.engagement;
    world.act(world.readers[0], Command::ClaimSeat { engagement, case }).await?;
    for turn in 0..EVENTS {
        let (from, to) = if turn % 2 == 0 { (world.delivery, world.deputy) } else { (world.deputy, world.delivery) };
        world
            .act(from, Command::TransferCase { engagement, case, to, reason: "The week changes hands.".into() })
            .await?;
    }
    Ok(case)
}

/// Returns the assignment under which the first reader of a case holds its first seat.
async fn assignment(world: &World, case: CaseId) -> Result<String> {
    let state = world.state(StreamId::panel_of(case)).await?;
    Ok(state["seats"][0]["taken"]["assignment"].as_str().context("nobody reads the case")?.to_owned())
}

/// Serves the world on a free port until this program ends.
pub(crate) async fn serve(world: &World) -> Result<SocketAddr> {
    let config = Config::local();
    let (tell, told) = oneshot::channel();
    // Nobody waits for the address any more only if the run has failed.
    let listening = move |address| {
        let _ = tell.send(address);
    };
    task::spawn(lifecycle::serve(world.app.clone(), config, listening, std::future::pending()));
    told.await.context("the server did not start")
}

/// Gets a page again and again over one connection, as a person who is signed in; returns how long each answer took.
pub(crate) async fn visit(
    world: &World,
    address: SocketAddr,
    person: PersonId,
    path: &str,
    requests: usize,
) -> Result<Times> {
    let secret = world.app.open_session(person, SessionKind::Browser, "bench").await?.secret;
    let url = format!("http://{address}{path}");
    let get = move || {
        let agent = ureq::Agent::new_with_defaults();
        let get = || -> Result<Duration> {
            let watch = Watch::start();
            let mut answer = agent.get(&url).header("authorization", format!("Bearer {secret}")).call()?;
            let page = answer.body_mut().read_to_string()?;
            anyhow::ensure!(answer.status() == 200 && page.contains("</html>"), "`{url}` answered {}", answer.status());
            Ok(watch.elapsed())
        };
        get()?;
        (0..requests).map(|_| get()).collect()
    };
    task::spawn_blocking(get).await?
}

/// Returns what the scripts and styles that a page names weigh together, in KiB, and how many they are.
async fn weight(world: &World, address: SocketAddr, person: PersonId, path: &str) -> Result<(f64, usize)> {
    let secret = world.app.open_session(person, SessionKind::Browser, "bench").await?.secret;
    let url = format!("http://{address}{path}");
    let get = move || -> Result<(f64, usize)> {
        let page =
            ureq::get(&url).header("authorization", format!("Bearer {secret}")).call()?.body_mut().read_to_string()?;
        // The icon is neither script nor style.
        let named = page.split('"').filter(|part| part.starts_with("/assets/") && !part.ends_with("icon.svg"));
        let files: BTreeSet<_> = named.collect();
        anyhow::ensure!(
            files.iter().any(|file| file.contains("htmx")),
            "this build has no third-party scripts: run `cargo xtask assets` and build again"
        );
        let mut bytes = 0;
        for file in &files {
            bytes += ureq::get(format!("http://{address}{file}")).call()?.body_mut().read_to_vec()?.len();
        }
        Ok((count_as_f64(bytes) / 1_024.0, files.len()))
    };
    task::spawn_blocking(get).await?
}
