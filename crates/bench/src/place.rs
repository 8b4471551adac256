//! Where a world lives: in a data folder, or in a schema of its own on a server.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use remit_server::{
    App,
    clock::{Chance, Clock},
};
use remit_store::{Options, Store, testing};

/// A database that Remit runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    /// Returns its name in a table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// Where the data of one installation is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Folder(PathBuf),
    /// The address of a server, with the schema in it.
    Schema(String),
}

impl Place {
    /// Returns an empty place: this folder, or a fresh schema of a server if there is one.
    pub(crate) async fn fresh(folder: &Path, server: Option<&str>) -> Result<Self> {
        Ok(match server {
            Some(server) => Self::Schema(testing::fresh_schema(server).await?),
            None => Self::Folder(folder.to_owned()),
        })
    }

    /// Opens the application here. Whatever is measured in process goes through this.
    pub(crate) async fn open(&self) -> Result<App> {
        let store = match self {
            Self::Folder(dir) => Store::open(dir, Options::default())?,
            Self::Schema(url) => Store::connect(url, Options::default()).await?,
        };
        Ok(App::new(store, Clock::System, Chance::System)?)
    }

    /// Returns the name of its database in a table.
    pub(crate) fn database(&self) -> &'static str {
        let database = match self {
            Self::Folder(_) => Database::Sqlite,
            Self::Schema(_) => Database::Postgres,
        };
        database.name()
    }

    /// Tells `remit` that its data is here.
    pub(crate) fn tell(&self, command: &mut Command) {
        match self {
            Self::Folder(dir) => command.arg("--data").arg(dir),
            Self::Schema(url) => command.args(["--database", url]),
        };
    }

    /// Returns what it takes on the disk, in MiB: the file of the database, or every schema of the server.
    pub(crate) async fn on_disk(&self) -> Result<u64> {
        let bytes = match self {
            Self::Folder(dir) => dir.join("remit.db").metadata()?.len(),
            Self::Schema(url) => testing::size(url).await?.context("the server does not tell its size")?,
        };
        Ok(bytes >> 20)
    }
}
