//! `remit user`: accounts, passwords and tokens.

use std::{collections::BTreeSet, io::IsTerminal as _};

use anyhow::{Context as _, Result};
use clap::Subcommand;
use remit_kernel::{
    command::{Command, PersonIn},
    id::{OrgId, PersonId},
};
use remit_store::SessionKind;

use crate::instance::Instance;

/// Gives people a way to sign in.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Users,
}

#[derive(Debug, Subcommand)]
enum Users {
    /// Adds a person with a name and password to sign in with. The password is read from the terminal or from standard input.
    Add(Add),
    /// Prints a token with which a program acts for a person.
    Token(Token),
}

#[derive(Debug, clap::Args)]
struct Add {
    #[command(flatten)]
    instance: Instance,
    /// Full name.
    #[arg(long)]
    name: String,
    /// Name to sign in with.
    #[arg(long)]
    login: String,
    /// Identifier of the employer; without it, the only organisation.
    #[arg(long)]
    organisation: Option<OrgId>,
    /// Country the person works from, two letters.
    #[arg(long)]
    place: String,
    /// Working languages.
    #[arg(long = "language", default_value = "en")]
    languages: Vec<String>,
    /// The person of this account's human being, if she has another one.
    #[arg(long)]
    same_as: Option<PersonId>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Token {
    #[command(flatten)]
    instance: Instance,
    /// A word to recognise the token by.
    #[arg(long, default_value = "token")]
    label: String,
}

pub(crate) async fn run(args: Args) -> Result<()> {
    match args.command {
        Users::Add(args) => add(args).await,
        Users::Token(args) => {
            let app = args.instance.open().await?;
            let person = args.instance.caller(&app).await?.person().context("a service has no token")?;
            say!("{}", app.open_session(person, SessionKind::Token, &args.label).await?.secret);
            Ok(())
        }
    }
}

async fn add(args: Add) -> Result<()> {
    let app = args.instance.open().await?;
    let caller = args.instance.caller(&app).await?;
    let org = match args.organisation {
        Some(org) => org,
        None => match app.store().list_organisations().await?.as_slice() {
            [only] => only.row.org,
            several => anyhow::bail!("there are {} organisations: name one with --organisation", several.len()),
        },
    };
    let password = password(&format!("Password of {}", args.name))?;
    app.check_login(&args.login, &password).await?;
    let person = PersonIn {
        org,
        name: args.name,
        same_as: args.same_as,
        signs_in: true,
        place: args.place,
        languages: args.languages.into_iter().collect(),
        roles: BTreeSet::new(),
    };
    let person = app.act(caller, Command::AddPerson { person }).await?.person().context("no person was made")?;
    app.add_login(person, &args.login, &password).await?;
    if args.json {
        say!("{}", serde_json::json!({ "person": person, "login": args.login }));
    } else {
        say!("{person} signs in as `{}`", args.login);
    }
    Ok(())
}

/// Reads a password: from the terminal, or one line of standard input.
pub(crate) fn password(prompt: &str) -> Result<String> {
    if std::io::stdin().is_terminal() {
        mark!("{prompt}: ");
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("the password could not be read")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
