//! A data folder with people who can act, made before the server starts and looked into after it ended.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use remit_kernel::{
    id::PersonId,
    index::CaseStatus,
    stream::{Scope, State, StreamId},
};
use remit_server::{
    App,
    clock::{Chance, Clock},
};
use remit_simulation::world::{Size, World, by};
use remit_store::{
    CaseFilter, EventKey, Options, SessionKind, Store,
    testing::{connect_to_come, fresh_schema, open_to_come},
};

/// More cases than any run takes in.
const CASES_MAX: u32 = 1_000_000;
/// Events read at a time.
const PAGE: u32 = 2_000;

/// An installation at rest, and the tokens of those who act on it.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) data: PathBuf,
    /// Where the data are if not in the folder: a place of their own on a database server.
    pub(crate) database: Option<String>,
    /// Whether a build to come has widened its tables.
    pub(crate) to_come: bool,
    pub(crate) world: World,
    pub(crate) clients: Vec<String>,
    pub(crate) readers: Vec<String>,
    pub(crate) delivery: String,
}

/// Where a site is made: in this folder, or in a place of its own on a server; its log is in the folder then.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
    pub(crate) server: Option<String>,
}

/// What is in the data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) events: u64,
    pub(crate) cases: usize,
    /// Cases counted against the line of the statement of work.
    pub(crate) used: u32,
    pub(crate) readings: usize,
}

impl Site {
    /// Makes a data folder in `dir`.
    pub(crate) fn make(dir: &Path, size: Size) -> Result<Self> {
        Self::make_in(dir, None, size)
    }

    /// Makes a site in a folder or on a server.
    pub(crate) fn make_at(Place { dir, server }: &Place, size: Size) -> Result<Self> {
        let database = match server {
            Some(server) => Some(runtime()?.block_on(fresh_schema(server))?),
            None => None,
        };
        Self::make_in(dir, database.as_deref(), size)
    }

    /// Fills an empty database, or a folder in `dir`; what is written beside a database goes to `dir`, too.
    pub(crate) fn make_in(dir: &Path, database: Option<&str>, size: Size) -> Result<Self> {
        let data = dir.join("data");
        if dir.exists() {
            std::fs::remove_dir_all(dir).with_context(|| format!("emptying {}", dir.display()))?;
        }
        std::fs::create_dir_all(&data)?;
        runtime()?.block_on(async {
            let app = open(&data, database, false).await?;
            let world = World::make(&app, size).await?;
            let token = async |person: PersonId| -> Result<String> {
                Ok(app.open_session(person, SessionKind::Token, "faults").await?.secret)
            };
            let (mut clients, mut readers) = (Vec::new(), Vec::new());
            for person in &world.clients {
                clients.push(token(*person).await?);
            }
            for person in &world.readers {
                readers.push(token(*person).await?);
            }
            let delivery = token(*world.delivery.first().context("no manager")?).await?;
            let database = database.map(str::to_owned);
            Ok(Self { data: data.clone(), database, to_come: false, world, clients, readers, delivery })
        })
    }

    /// Opens the data of a server that ended, verifies the record and counts what is there. Fails if anything differs.
    pub(crate) fn audit(&self) -> Result<Contents> {
        runtime()?.block_on(async {
            let app = open(&self.data, self.database.as_deref(), self.to_come).await?;
            let found = app.verify(&by(self.world.operator), Scope::Directory, |_| {}).await?;
            if let Some(difference) = found.first_difference {
                anyhow::bail!("the record does not verify: {difference}");
            }
            let scope = self.world.engagement.to_string();
            let rows = app.store().list_cases(&scope, &CaseFilter::default(), None, CASES_MAX).await?;
            let counted = rows.iter().filter(|row| row.line.is_some() && row.status != CaseStatus::Cancelled).count();
            let used = match self.world.state(&app, StreamId::Line(self.world.line)).await? {
                Some(State::Line(used)) => used.taken,
                _ => 0,
            };
            ensure!(used as usize == counted, "the line counts {used} cases, and {counted} rows say so");
            let (mut taken, mut readings, mut after) = (0_usize, 0, None::<EventKey>);
            loop {
                let page = app.store().events_page(&scope, after.as_ref(), PAGE).await?;
                taken += page.iter().filter(|event| event.kind == "volume_taken").count();
                readings += page.iter().filter(|event| event.kind == "reading_sealed").count();
                after = page.last().map(remit_store::StoredEvent::key);
                if page.len() < PAGE as usize {
                    break;
                }
            }
            ensure!(taken == rows.len(), "{taken} cases were counted by events, and {} are there", rows.len());
            Ok(Contents { events: found.counts.events, cases: rows.len(), used, readings })
        })
    }
}

/// Opens the application over a data folder or a database.
async fn open(data: &Path, database: Option<&str>, to_come: bool) -> Result<App> {
    let store = match (database, to_come) {
        (Some(url), false) => Store::connect(url, Options::default()).await?,
        (Some(url), true) => connect_to_come(url).await?,
        (None, false) => Store::open(data, Options::default())?,
        (None, true) => open_to_come(data)?,
    };
    Ok(App::new(store, Clock::System, Chance::System)?)
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
