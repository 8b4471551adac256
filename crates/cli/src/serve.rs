//! `remit serve`: pages and API until told to stop.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use remit_kernel::time::Instant;
use remit_server::{
    App, Config,
    clock::{Chance, Clock},
    config::Demo,
    demo, lifecycle,
    limit::Limits,
};
use remit_store::Store;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::instance;

/// A demo whose newest event is older than this offers to start over.
const STALE_SECONDS: i64 = 3 * 86_400;
/// A clock that is this far behind the record is wrong.
const BEHIND_SECONDS_MAX: i64 = 5;

/// Serves the pages and the API.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The data folder.
    #[arg(long, value_name = "DIR", default_value = "./remit-data")]
    data: PathBuf,
    /// Address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4747")]
    listen: SocketAddr,
    /// Port to listen on, instead of that of the address; 0 takes a free one.
    #[arg(long)]
    port: Option<u16>,
    /// A TLS proxy stands in front: cookies are bound to TLS, and other addresses than loopback are allowed.
    #[arg(long)]
    behind_tls: bool,
    /// Fill an empty data folder with the demo, and give each persona a host and a sign-in link. Loopback only.
    #[arg(long)]
    demo: bool,
}

pub(crate) async fn run(args: Args) -> Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_env("REMIT_LOG").unwrap_or_else(|_| EnvFilter::new("warn,remit_server=info")),
        )
        .with_writer(std::io::stderr)
        .init();
    let listen = SocketAddr::new(args.listen.ip(), args.port.unwrap_or(args.listen.port()));
    let limits = if args.demo { Limits::NONE } else { Limits::default() };
    let mut config = Config { listen, secure: args.behind_tls, demo: args.demo.then(Demo::default), limits };
    config.check()?;

    let store = instance::open_store(&args.data)?;
    if args.demo {
        fill(&store).await?;
    }
    resume(&store).await?;
    let app = App::new(store, Clock::System, Chance::System)?;
    demo::keep_shipped(&app).await?;
    if args.demo {
        config.demo = demo::personas(&app).await?;
        config.demo.as_ref().with_context(|| {
            format!("{} holds something else than the demo; choose another folder", args.data.display())
        })?;
    }
    let personas = config.demo.clone();
    let stop = stop()?;
    lifecycle::serve(app, config, move |address| announce(address, personas.as_ref()), stop).await?;
    Ok(())
}

/// Fills an empty store with the demo, and says what it does.
async fn fill(store: &Store) -> Result<()> {
    let app = App::new(store.clone(), Clock::System, Chance::System)?;
    let now = app.clock().now();
    if store.list_people().await?.is_empty() {
        eprintln!("Filling the demo:");
        demo::seed(store.clone(), now, |what| eprintln!("  {what}")).await.context("the demo could not be filled")?;
        eprintln!("  done in {} s", app.clock().now().seconds_since(now));
        return Ok(());
    }
    let newest = newest(store).await?;
    if newest.is_some_and(|newest| now.seconds_since(newest) > STALE_SECONDS) {
        eprintln!("The demo's newest event is more than 3 days old. `cargo xtask demo --fresh` starts over.");
    }
    Ok(())
}

/// Goes on after the newest entry of the record; a clock that is further behind it than an adjustment explains is wrong.
async fn resume(store: &Store) -> Result<()> {
    let Some(newest) = newest(store).await? else { return Ok(()) };
    let behind_seconds = newest.seconds_since(Clock::System.now());
    ensure!(
        behind_seconds <= BEHIND_SECONDS_MAX,
        "this machine's clock is {behind_seconds} s behind the newest entry of the record: set it right, then start again"
    );
    Clock::System.resume_after(newest);
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
        println!("Each persona has a host of its own, so that all can stay signed in side by side:");
        for persona in &demo.personas {
            let link = format!("http://{}.localhost:{port}/demo/enter?token={}", persona.host, persona.token);
            println!("  {:<12} {:<18} {link}", persona.host, persona.name);
        }
        println!("Their password, for signing: {}", demo.password);
    }
    if address.ip().is_loopback() {
        println!("Remit is at http://localhost:{port}/");
    } else {
        println!("Remit listens on {address}, behind TLS");
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
