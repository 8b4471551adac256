//! The server as it is, without limits on how often one person may ask: what is measured is the server, not its doorman.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context as _, Result};
use remit_server::{
    App, Config,
    clock::{Chance, Clock},
    lifecycle,
    load::LoadLimits,
};
use remit_store::{Options, Store, testing};
use tokio::signal::unix::{SignalKind, signal};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The port, on loopback; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The data folder
    #[arg(long, value_name = "DIR", required_unless_present = "database")]
    data: Option<PathBuf>,
    /// A database instead
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Turn away what is too much at once, as `remit serve` does
    #[arg(long, env = SHED)]
    shed: bool,
    /// Be a build to come: its tables are wider than those of this one
    #[arg(long, env = TO_COME)]
    to_come: bool,
}

/// The environment variable that stands for `--shed`.
pub(crate) const SHED: &str = "REMIT_FAULTS_SHED";
/// The environment variable that stands for `--to-come`.
pub(crate) const TO_COME: &str = "REMIT_FAULTS_TO_COME";

pub(crate) fn run(args: &Args) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let data = || args.data.as_deref().context("no place is named");
        let store = match (&args.database, args.to_come) {
            (Some(url), false) => Store::connect(url, Options::default()).await?,
            (Some(url), true) => testing::connect_to_come(url).await?,
            (None, false) => Store::open(data()?, Options::default())?,
            (None, true) => testing::open_to_come(data()?)?,
        };
        let app = App::new(store, Clock::System, Chance::System)?;
        let listen = SocketAddr::from(([127, 0, 0, 1], args.port));
        let load = if args.shed { LoadLimits::default() } else { LoadLimits::NONE };
        let config = Config { listen, load, ..Config::local() };
        let mut terminate = signal(SignalKind::terminate())?;
        let told = |address: SocketAddr| println!("Remit is at http://localhost:{}/", address.port());
        lifecycle::serve(app, config, told, async move { terminate.recv().await.unwrap_or_default() }).await?;
        Ok(())
    })
}
