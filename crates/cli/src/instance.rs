//! The data of a command, in a folder or a database: opened, with the packs that come with Remit, and the person who acts.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use remit_kernel::{id::PersonId, role::Role};
use remit_server::{
    App, Caller,
    clock::{Chance, Clock},
    demo,
};
use remit_store::{Options, Store, StoreError};

/// Where the data is.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// The data folder.
    #[arg(long, value_name = "DIR", default_value = "./remit-data")]
    pub(crate) data: PathBuf,
    /// Address of a PostgreSQL database, instead of the data folder.
    #[arg(long, value_name = "URL", env = "REMIT_STORE_DATABASE", hide_env_values = true)]
    pub(crate) database: Option<String>,
}

/// Where the data is, and who acts.
#[derive(Debug, Clone, Args)]
pub(crate) struct Instance {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Who acts: a sign-in name, a person's identifier, or the full name. Without it: the only operator.
    #[arg(long = "as", value_name = "PERSON")]
    pub(crate) person: Option<String>,
}

impl Place {
    /// Opens the application, over data that must have been set up.
    pub(crate) async fn open(&self) -> Result<App> {
        let app = App::new(self.store().await?, Clock::System, Chance::System)?;
        app.go_on_from_record().await?;
        demo::keep_shipped(&app).await?;
        Ok(app)
    }

    /// Opens the store.
    pub(crate) async fn store(&self) -> Result<Store> {
        self.store_with(Options::default()).await
    }

    /// Opens the store in a way of its own.
    pub(crate) async fn store_with(&self, options: Options) -> Result<Store> {
        match &self.database {
            Some(url) => connect(url, options).await,
            None => open_store(&self.data, options),
        }
    }

    /// Returns a place from one word: a folder, or the address of a database.
    pub(crate) fn of(word: &str) -> Self {
        if word.starts_with("postgres://") || word.starts_with("postgresql://") {
            Self { data: PathBuf::new(), database: Some(word.to_owned()) }
        } else {
            Self { data: PathBuf::from(word), database: None }
        }
    }
}

impl fmt::Display for Place {
    /// Names the place without its password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.database {
            Some(_) => f.write_str("the database"),
            None => self.data.display().fmt(f),
        }
    }
}

/// Connects to the store of a database.
pub(crate) async fn connect(url: &str, options: Options) -> Result<Store> {
    match Store::connect(url, options).await {
        Ok(store) => Ok(store),
        Err(StoreError::Unreachable { source }) => {
            Err(anyhow::Error::from_boxed(Box::from(source.to_string()))).context("the database cannot be reached")
        }
        Err(error) => Err(error).context("the database cannot be used"),
    }
}

/// Opens the store of a data folder.
pub(crate) fn open_store(data: &Path, options: Options) -> Result<Store> {
    match Store::open(data, options) {
        Ok(store) => Ok(store),
        Err(StoreError::Held { .. }) => bail!(
            "{} is in use by another process, most likely a server. Stop it first, or go through it with `--server URL --token TOKEN`",
            data.display()
        ),
        Err(error) => Err(error).with_context(|| format!("the data folder {} cannot be opened", data.display())),
    }
}

impl Instance {
    /// Opens the application.
    pub(crate) async fn open(&self) -> Result<App> {
        self.place.open().await
    }

    /// Returns the caller for whom the command acts.
    pub(crate) async fn caller(&self, app: &App) -> Result<Caller> {
        Ok(Caller::local(self.find(app).await?, "command line"))
    }

    async fn find(&self, app: &App) -> Result<PersonId> {
        let people = app.store().list_people().await?;
        let Some(wanted) = &self.person else {
            let mut operators = Vec::new();
            for person in people.iter().filter(|person| person.row.active && person.row.signs_in) {
                if app.directory_roles(person.row.person).await?.contains(&Role::Operator) {
                    operators.push(person.row.person);
                }
            }
            return match operators.as_slice() {
                [only] => Ok(*only),
                [] => bail!("nobody is here yet: run `remit init` first"),
                [_, _, ..] => bail!("there are several operators: say who acts with `--as PERSON`"),
            };
        };
        if let Ok(person) = wanted.parse::<PersonId>() {
            return Ok(person);
        }
        if let Some(login) = app.store().find_login(wanted).await? {
            return Ok(login.person);
        }
        let named: Vec<_> = people.iter().filter(|person| person.name.as_ref() == Some(wanted)).collect();
        match named.as_slice() {
            [only] => Ok(only.row.person),
            [] => bail!("nobody is called `{wanted}`: give a sign-in name, an identifier or the full name"),
            [_, _, ..] => bail!("several people are called `{wanted}`: give the sign-in name or identifier"),
        }
    }
}
