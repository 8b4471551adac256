//! `remit init`: the first organisation and its operator.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use remit_kernel::{
    command::{Command, PersonIn},
    role::Role,
};
use remit_server::Caller;

use crate::{instance::Place, user::password};

/// Sets up an empty installation.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// Name of your organisation.
    #[arg(long)]
    organisation: String,
    /// Country of your organisation, two letters.
    #[arg(long)]
    country: String,
    /// Full name of the operator.
    #[arg(long)]
    name: String,
    /// Name by which the operator signs in.
    #[arg(long)]
    login: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<()> {
    let app = args.place.open().await?;
    if !app.store().list_people().await?.is_empty() {
        bail!("{} is set up already", args.place);
    }
    let password = password("Password of the operator")?;
    // Before anything is made: an installation is set up once, and whole.
    app.check_login(&args.login, &password).await?;
    let add = Command::AddOrganisation { name: args.organisation, country: args.country.clone() };
    let org = app.act(Caller::founder(), add).await?.organisation().context("no organisation was made")?;
    let person = PersonIn {
        org,
        name: args.name,
        same_as: None,
        signs_in: true,
        place: args.country,
        languages: BTreeSet::from(["en".to_owned()]),
        roles: BTreeSet::from([Role::Operator, Role::PeopleManager]),
    };
    let person =
        app.act(Caller::founder(), Command::AddPerson { person }).await?.person().context("no person was made")?;
    app.add_login(person, &args.login, &password).await?;
    if args.json {
        say!("{}", serde_json::json!({ "organisation": org, "operator": person, "login": args.login }));
    } else {
        say!("{} is ready. Next: remit serve --data {}", args.place, args.place);
        say!("Sign in as `{}`, then set up an engagement under Admin; or try your history:", args.login);
        say!("  remit import readings --help");
    }
    Ok(())
}
