//! `remit serve`: pages and API until told to stop.

use std::{future, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use remit_kernel::time::Instant;
use remit_server::{
    App, Config,
    clock::{Chance, Clock},
    config::Demo,
    demo,
    life::Life,
    lifecycle::{self, Failed},
    limit::Limits,
    operate, telemetry,
};
use remit_store::{Options, Store, StoreError};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{
    instance::Place,
    settings::{self, Layers, Origin, Settings, Shown},
};

/// A demo whose newest event is older than this offers to start over.
const STALE_SECONDS: i64 = 3 * 86_400;

/// Serves the pages and the API.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: Flags,
    /// Fill an empty data folder with the demo, and give each persona a host and a sign-in link. Loopback only.
    #[arg(long)]
    demo: bool,
}

/// Settings given as flags; each goes before the environment, which goes before the file.
#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// File of settings; `remit check-config` lists them.
    #[arg(long, value_name = "FILE", env = "REMIT_CONFIG")]
    config: Option<PathBuf>,
    /// The data folder; without it, `./remit-data`.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address of a PostgreSQL database, instead of the data folder.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Address to listen on; without it, `127.0.0.1:4747`.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Port to listen on, instead of that of the address; 0 takes a free one.
    #[arg(long)]
    port: Option<u16>,
    /// A TLS proxy stands in front: cookies are bound to TLS, and other addresses than loopback are allowed.
    #[arg(long)]
    behind_tls: bool,
    /// Loopback address that serves `/metrics`, `/healthz` and `/readyz` to this machine.
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// Form of the log: `text` or `json`.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl Flags {
    /// Returns the settings from all layers, each with its origin.
    pub(crate) fn settings(&self) -> Result<(Settings, Vec<Shown>)> {
        let Self { config, data, database, listen, port, behind_tls, metrics, log_format } = self;
        let mut flags = settings::Flags::new();
        let mut give = |key, flag, value: Option<String>| flags.extend(value.map(|value| (key, (flag, value))));
        give("store.data", "--data", data.as_ref().map(|data| data.display().to_string()));
        give("store.database", "--database", database.clone());
        give("web.listen", "--listen", listen.map(|listen| listen.to_string()));
        give("web.behind_tls", "--behind-tls", behind_tls.then(|| "true".to_owned()));
        give("metrics.listen", "--metrics", metrics.map(|metrics| metrics.to_string()));
        give("log.format", "--log-format", log_format.clone());
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let (mut settings, mut shown) = Layers::read(config.as_deref(), environment, flags)?.settings()?;
        if let Some(port) = port {
            settings.web.listen.set_port(*port);
            if let Some(shown) = shown.iter_mut().find(|shown| shown.key == "web.listen") {
                (shown.value, shown.from) = (settings.web.listen.to_string(), Origin::Flag("--port"));
            }
        }
        Ok((settings, shown))
    }
}

impl Settings {
    /// Returns how the server is run, checked.
    pub(crate) fn config(&self) -> Result<Config> {
        let config = Config {
            listen: self.web.listen,
            secure: self.web.behind_tls,
            demo: None,
            limits: self.limits,
            load: self.load,
            shutdown: self.shutdown,
            life: Life::starting(),
        };
        config.check()?;
        Ok(config)
    }
}

pub(crate) async fn run(args: Args) -> Result<()> {
    let (settings, _) = args.flags.settings()?;
    let level = telemetry::level(&settings.log.level)?;
    tracing::subscriber::set_global_default(telemetry::subscriber(settings.log.format, level, std::io::stderr))?;
    let mut config = settings.config()?;
    if args.demo {
        (config.demo, config.limits) = (Some(Demo::default()), Limits::NONE);
        config.check()?;
    }
    let stop = stop()?;
    measure(&settings, &config.life).await?;

    let place = Place { data: settings.store.data.clone(), database: settings.store.database.clone() };
    let options = Options { reserve_bytes: settings.store.reserve_bytes, ..Options::default() };
    let store = place.store_with(options).await?;
    if args.demo {
        fill(&store).await?;
    }
    let app = App::new(store, Clock::System, Chance::System)?;
    demo::keep_shipped(&app).await?;
    if args.demo {
        config.demo = demo::personas(&app).await?;
        config
            .demo
            .as_ref()
            .with_context(|| format!("{place} holds something else than the demo; choose another place"))?;
    }
    let personas = config.demo.clone();
    match lifecycle::serve(app, config, move |address| announce(address, personas.as_ref()), stop).await {
        Ok(()) => {
            tracing::info!("stopped");
            Ok(())
        }
        Err(Failed::Broken(error)) => {
            tell!("remit: {error}");
            tell!("remit: what was acknowledged is on the disk. Check the disk and its cables, then start again.");
            // At once: whatever closes the database in good order would ask the disk again.
            std::process::exit(i32::from(StoreError::BROKEN_EXIT));
        }
        Err(failed) => Err(failed.into()),
    }
}

/// Serves metrics and probes, if they are wanted, from before the store is opened until the process ends.
async fn measure(settings: &Settings, life: &Life) -> Result<()> {
    let Some(listen) = settings.metrics.listen else { return Ok(()) };
    let listener = TcpListener::bind(listen).await.with_context(|| format!("metrics cannot be served at {listen}"))?;
    say!("Metrics are at http://{}/metrics", listener.local_addr()?);
    let metrics = telemetry::Metrics::collect()?;
    tokio::spawn(operate::serve(listener, life.clone(), metrics, future::pending()));
    Ok(())
}

/// Fills an empty store with the demo, and says what it does.
async fn fill(store: &Store) -> Result<()> {
    let app = App::new(store.clone(), Clock::System, Chance::System)?;
    let now = app.clock().now();
    if store.list_people().await?.is_empty() {
        tell!("Filling the demo:");
        demo::seed(store.clone(), now, |what| tell!("  {what}")).await.context("the demo could not be filled")?;
        tell!("  done in {} s", app.clock().now().seconds_since(now));
        return Ok(());
    }
    let newest = newest(store).await?;
    if newest.is_some_and(|newest| now.seconds_since(newest) > STALE_SECONDS) {
        tell!("The demo's newest event is more than 3 days old. `cargo xtask demo --fresh` starts over.");
    }
    Ok(())
}

async fn newest(store: &Store) -> Result<Option<Instant>> {
    let mut newest = None;
    for scope in store.scopes().await? {
        newest = newest.max(store.newest_entry_at(&scope).await?);
    }
    Ok(newest)
}

/// Prints where the server is; programs that start it wait for these lines.
fn announce(address: SocketAddr, demo: Option<&Demo>) {
    let port = address.port();
    if let Some(demo) = demo {
        say!("Each persona has a host of its own, so that all can stay signed in side by side:");
        for persona in &demo.personas {
            let link = format!("http://{}.localhost:{port}/demo/enter?token={}", persona.host, persona.token);
            say!("  {:<12} {:<18} {link}", persona.host, persona.name);
        }
        say!("Their password, for signing: {}", demo.password);
    }
    if address.ip().is_loopback() {
        say!("Remit is at http://localhost:{port}/");
    } else {
        say!("Remit listens on {address}, behind TLS");
    }
}

/// Resolves on the first signal. On the second the process leaves at once.
fn stop() -> Result<impl Future<Output = ()> + Send + 'static> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        tokio::spawn(async move {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            // Give what was just committed a moment to be told, then go.
            tokio::time::sleep(Duration::from_millis(10)).await;
            std::process::exit(130);
        });
    })
}
