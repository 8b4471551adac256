//! Sealing readings through `App::act` against the bare driver writing the very same rows.
//!
//! The rows are those that `act` itself prepares. They are written three times, each time on a copy of one database:
//! by `act` for 32 clients, by the driver with as many writes to a transaction, and by the driver one by one.

use std::path::Path;

use anyhow::{Context as _, Result};
use remit_kernel::{
    command::Command,
    id::{CaseId, PersonId},
};
use remit_server::{App, app::Receipt};
use remit_store::{
    Commit, Write,
    testing::{self, Replay, replay_on_server, write_unchecked},
};
use tokio::task::JoinSet;

use crate::{
    measure::{Watch, median, rate},
    place::{Database, Place},
    table::{Goal, Row},
    world::{CLIENTS, World, by, together},
};

/// Readings each client seals, an even number: first as a case's first reader, then as another's second.
const READINGS: usize = 50;

/// Times of the three ways, in acts per second.
#[derive(Default)]
struct Rates {
    act: Vec<f64>,
    grouped: Vec<f64>,
    single: Vec<f64>,
    /// By the store itself, comparing nothing; on a server alone, where it writes otherwise than the driver would.
    unchecked: Vec<f64>,
}

/// Measures on a server, or in data folders where there is none. What is written is made ready in a folder either way.
pub(crate) async fn rows(dir: &Path, server: Option<&str>, repetitions: usize) -> Result<Vec<Row>> {
    let world = World::make(&Place::Folder(dir.join("begin")), CLIENTS).await?;
    let commands = commands(&world).await?;
    let writes = prepare(&world, &dir.join("prepare"), &commands).await?;
    Ok(match server {
        None => in_folders(&world, dir, &commands, &writes, repetitions)
            .await?
            .rows(Database::Sqlite, "same rows by the driver, 32 to a commit"),
        Some(server) => on_server(&world, server, &commands, &writes, repetitions)
            .await?
            .rows(Database::Postgres, "same rows by the driver, pipelined, 32 connections wanted"),
    })
}

/// Each time in a fresh copy of the folder: by `act` for 32 clients, by the driver with as many writes to a commit, and by the
/// driver one by one.
async fn in_folders(
    world: &World,
    dir: &Path,
    commands: &[Vec<(PersonId, Command)>],
    writes: &[Write],
    repetitions: usize,
) -> Result<Rates> {
    let mut rates = Rates::default();
    for repetition in 0..repetitions {
        let copy = |way: &str| dir.join(format!("{way}-{repetition}"));
        for (writes_per_commit, rates) in [(CLIENTS, &mut rates.grouped), (1, &mut rates.single)] {
            let to = copy(&format!("raw-{writes_per_commit}"));
            duplicate(world, &to).await?;
            let replay = Replay::of(&to, writes.to_vec())?;
            let watch = Watch::start();
            replay.run(writes_per_commit)?;
            rates.push(rate(writes.len(), watch.elapsed()));
        }
        let to = copy("act");
        duplicate(world, &to).await?;
        let app = Place::Folder(to).open().await?;
        let watch = Watch::start();
        let receipts = together(&app, commands.to_vec()).await?;
        rates.act.push(rate(receipts.len(), watch.elapsed()));
    }
    Ok(rates)
}

/// The same on a server, each time in a fresh schema: by `act` for 32 clients, by the driver for as many, by the driver for
/// one, and by the store for 32 without deciding anything.
async fn on_server(
    world: &World,
    server: &str,
    commands: &[Vec<(PersonId, Command)>],
    writes: &[Write],
    repetitions: usize,
) -> Result<Rates> {
    let mut rates = Rates::default();
    let fresh = async || -> Result<App> {
        let app = Place::Schema(testing::fresh_schema(server).await?).open().await?;
        // The pack was kept when the world was made, and comes with the copy.
        world.app.store().copy_into(app.store(), |_| {}).await?;
        Ok(app)
    };
    for _ in 0..repetitions {
        for (clients, unchecked, rates) in
            [(CLIENTS, false, &mut rates.grouped), (1, false, &mut rates.single), (CLIENTS, true, &mut rates.unchecked)]
        {
            let app = fresh().await?;
            let own = |client: usize| writes.iter().skip(client).step_by(clients).cloned().collect::<Vec<_>>();
            let own: Vec<Vec<Write>> = (0..clients).map(own).collect();
            let watch = Watch::start();
            let mut running = JoinSet::new();
            for own in own {
                let store = app.store().clone();
                running.spawn(async move {
                    for write in own {
                        if unchecked {
                            write_unchecked(&store, write).await?;
                        } else {
                            replay_on_server(&store, write).await?;
                        }
                    }
                    Ok::<_, anyhow::Error>(())
                });
            }
            running.join_all().await.into_iter().collect::<Result<()>>()?;
            rates.push(rate(writes.len(), watch.elapsed()));
        }
        let app = fresh().await?;
        let watch = Watch::start();
        let receipts = together(&app, commands.to_vec()).await?;
        rates.act.push(rate(receipts.len(), watch.elapsed()));
    }
    Ok(rates)
}

impl Rates {
    fn rows(self, database: Database, many: &str) -> Vec<Row> {
        let (act, grouped, single) = (median(self.act), median(self.grouped), median(self.single));
        let unchecked = (!self.unchecked.is_empty()).then(|| median(self.unchecked));
        let row = |reference: &str, rate: f64, goal| Row {
            database: database.name(),
            what: format!("submit a sealed reading, {CLIENTS} clients"),
            measured: format!("{act:.0}/s"),
            reference: format!("{reference}: {rate:.0}/s"),
            ratio: act / rate,
            goal,
        };
        let mut rows = vec![
            row(many, grouped, Goal::AtLeast(0.5)),
            row("same rows by the driver, one to a commit", single, Goal::None),
        ];
        let by_itself =
            |rate| row("same rows by the store itself, nothing loaded, decided or compared", rate, Goal::None);
        rows.extend(unchecked.map(by_itself));
        rows
    }
}

/// Takes cases in, seats two readers on each, and returns what each client will seal.
async fn commands(world: &World) -> Result<Vec<Vec<(PersonId, Command)>>> {
    let per_half = READINGS / 2;
    let mut cases = Vec::new();
    for number in 0..CLIENTS * per_half {
        let (client, command) = world.take_in(number, 1);
        cases.push(world.act(client, command).await?.case().context("no case")?);
    }
    // Client c reads the cases of its own row first, then those of its neighbour's row, so that no two meet on a case.
    let mut commands = Vec::new();
    let row = |client: usize| cases.iter().skip(client % CLIENTS * per_half).take(per_half).copied();
    for (client, reader) in world.readers.iter().enumerate() {
        let mut own = Vec::new();
        for case in row(client).chain(row(client + 1)) {
            own.push((*reader, world.submit(case).await?));
        }
        commands.push(own);
    }
    for half in 0..2 {
        let claim =
            |reader: PersonId, case: CaseId| (reader, Command::ClaimSeat { engagement: world.engagement, case });
        let claims = world
            .readers
            .iter()
            .enumerate()
            .map(|(client, reader)| row(client + half).map(|case| claim(*reader, case)).collect());
        together(&world.app, claims.collect()).await?;
    }
    Ok(commands)
}

/// Returns the write of each command in an order in which they can be applied, found out on a copy.
async fn prepare(world: &World, dir: &Path, commands: &[Vec<(PersonId, Command)>]) -> Result<Vec<Write>> {
    duplicate(world, dir).await?;
    let app = Place::Folder(dir.to_owned()).open().await?;
    let mut writes = Vec::new();
    for place in 0..READINGS {
        for (person, command) in commands.iter().map(|own| &own[place]) {
            let (write, _): (Write, Receipt) = app.prepare(&by(*person), command).await?;
            anyhow::ensure!(
                app.store().commit(write.clone()).await? == Commit::Done,
                "a prepared write was not applied"
            );
            writes.push(write);
        }
    }
    Ok(writes)
}

/// Copies the world's database into a new data folder.
async fn duplicate(world: &World, dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir)?;
    Ok(world.app.store().backup_to(&dir.join("remit.db")).await?)
}
