//! The data folder of a command: opened, with the packs that come with Remit, and the person who acts.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use remit_kernel::{id::PersonId, role::Role};
use remit_server::{
    App, Caller,
    clock::{Chance, Clock},
    demo,
};
use remit_store::{Options, Store, StoreError};

/// Where the data is, and who acts.
#[derive(Debug, Clone, Args)]
pub(crate) struct Instance {
    /// The data folder.
    #[arg(long, value_name = "DIR", default_value = "./remit-data")]
    pub(crate) data: PathBuf,
    /// Who acts: a sign-in name, a person's identifier, or the full name. Without it: the only operator.
    #[arg(long = "as", value_name = "PERSON")]
    pub(crate) person: Option<String>,
}

/// Opens the application over a data folder, which must have been set up.
pub(crate) async fn open(data: &Path) -> Result<App> {
    let app = App::new(open_store(data)?, Clock::System, Chance::System)?;
    app.go_on_from_record().await?;
    demo::keep_shipped(&app).await?;
    Ok(app)
}

/// Opens the store of a data folder.
pub(crate) fn open_store(data: &Path) -> Result<Store> {
    match Store::open(data, Options::default()) {
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
        open(&self.data).await
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
