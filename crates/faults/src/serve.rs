//! The server as it is, without limits on how often one person may ask: what is measured is the server, not its doorman.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context as _, Result};
use remit_server::{
    App, Config,
    clock::{Chance, Clock},
    lifecycle,
    load::LoadLimits,
};
use remit_store::{Options, Store};
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
}

/// The environment variable that stands for `--shed`.
pub(crate) const SHED: &str = "REMIT_FAULTS_SHED";

pub(crate) fn run(args: &Args) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let store = match (&args.database, &args.data) {
            (Some(url), _) => Store::connect(url, Options::default()).await?,
            (None, data) => Store::open(data.as_deref().context("no place is named")?, Options::default())?,
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
